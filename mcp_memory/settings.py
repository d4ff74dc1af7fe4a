"""The only reader of the environment.

Every setting has a default: a GUI host passes nothing but its own `env` block, and may pass none.
Names are the predecessor's where the meaning is the same, `MCP_MEMORY_*` otherwise.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp_memory.errors import InvalidInput
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.records import Scope

T = TypeVar("T")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that no log line, traceback or repr shows."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of everything that one call may bring."""

    memory_characters: int = 8_000
    message_characters: int = 100_000
    data_bytes: int = 1_000_000
    metadata_bytes: int = 16_000
    labels: int = 32
    """Topics, and entities, of one memory."""
    label_characters: int = 128
    items: int = 100
    """Memories or messages in one call."""
    query_characters: int = 8_000
    context_tokens: int = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which models the store uses. They belong to the store, not to a process."""

    embedding_model: str = LOCAL_MODEL
    embedding_api_base: str | None = None
    generation_model: str | None = None
    generation_api_base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this process was told, read once and handed down."""

    home: Path
    redis_url: Secret | None = None
    queue_redis_url: Secret | None = None
    scope: Scope = field(default_factory=Scope)
    timezone: tzinfo = UTC
    limits: Limits = field(default_factory=Limits)
    models: ModelSettings = field(default_factory=ModelSettings)
    models_given: bool = False
    """Whether the environment named a model (then it is compared with the store's)."""
    idle_timeout: timedelta = timedelta(minutes=10)
    """How long after the last client the embedded Redis and its worker leave."""
    query_vector_timeout: timedelta = timedelta(seconds=2)
    """How long a search waits for its vector before it goes on by words."""
    reconcile_wait: timedelta = timedelta(seconds=1)
    extraction_debounce: timedelta = timedelta(seconds=5)
    model_path: Path | None = None
    log_level: str = "WARNING"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process.

        Raises:
            InvalidInput: a variable holds something that is not allowed; its name is in the message.
        """
        read = _Reader(environ)
        models = ModelSettings(
            embedding_model=read.text("EMBEDDING_MODEL") or LOCAL_MODEL,
            embedding_api_base=read.text("EMBEDDING_API_BASE"),
            generation_model=read.text("GENERATION_MODEL"),
            generation_api_base=read.text("GENERATION_API_BASE"),
        )
        return cls(
            home=_home(read),
            redis_url=_redis_url(read, "REDIS_URL"),
            queue_redis_url=_redis_url(read, "QUEUE_REDIS_URL"),
            scope=_scope(read),
            timezone=_timezone(read),
            limits=_limits(read),
            models=models,
            models_given=any(read.text(name) for name in ("EMBEDDING_MODEL", "GENERATION_MODEL")),
            idle_timeout=read.seconds("MCP_MEMORY_IDLE_SECONDS", default=600, low=1),
            query_vector_timeout=read.seconds("MCP_MEMORY_QUERY_VECTOR_SECONDS", default=2, low=0.01),
            reconcile_wait=read.seconds("MCP_MEMORY_RECONCILE_SECONDS", default=1, low=0),
            extraction_debounce=read.seconds("EXTRACTION_DEBOUNCE_SECONDS", default=5, low=0),
            model_path=_path(read.text("MCP_MEMORY_MODEL_PATH")),
            log_level=read.parsed("LOG_LEVEL", parse=_log_level, default="WARNING", allowed=", ".join(LOG_LEVELS)),
        )


class _Reader:
    """Environment variables, each failure naming its variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        return value or None

    def parsed(self, name: str, *, parse: Callable[[str], T], default: T, allowed: str) -> T:
        value = self.text(name)
        if value is None:
            return default
        try:
            return parse(value)
        except (ValueError, ZoneInfoNotFoundError):
            raise InvalidInput(f"{name}={value[:60]!r}; allowed: {allowed}; change or unset it") from None

    def seconds(self, name: str, *, default: float, low: float) -> timedelta:
        def parse(value: str) -> timedelta:
            number = float(value)
            if not low <= number <= 10_000_000:
                raise ValueError
            return timedelta(seconds=number)

        fallback = timedelta(seconds=default)
        return self.parsed(name, parse=parse, default=fallback, allowed=f"a number of seconds, at least {low:g}")


def _home(read: _Reader) -> Path:
    given = read.text("MCP_MEMORY_HOME")
    if given is not None:
        path = _path(given)
        if path is None or not path.is_absolute():
            raise InvalidInput(f"MCP_MEMORY_HOME={given[:60]!r}; allowed: an absolute folder or one under ~")
        return path
    # XDG and macOS conventions by hand: platformdirs would be a dependency for four lines.
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mcp-memory"
    if sys.platform == "win32":
        return Path(read.text("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mcp-memory"
    return Path(read.text("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mcp-memory"


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value).expanduser()


def _redis_url(read: _Reader, name: str) -> Secret | None:
    value = read.text(name)
    if value is None:
        return None
    if not value.startswith(REDIS_SCHEMES):
        scheme = value.split("://", maxsplit=1)[0] if "://" in value else "none"
        raise InvalidInput(f"{name} has the scheme {scheme[:20]!r}; allowed: {', '.join(REDIS_SCHEMES)}")
    return Secret(value)


def _scope(read: _Reader) -> Scope:
    """Defaults of this process; `DEFAULT_MCP_*` are the predecessor's names."""
    default = Scope()
    return Scope(
        namespace=read.text("MCP_MEMORY_NAMESPACE") or read.text("DEFAULT_MCP_NAMESPACE") or default.namespace,
        user_id=read.text("MCP_MEMORY_USER_ID") or read.text("DEFAULT_MCP_USER_ID") or default.user_id,
    )


def _timezone(read: _Reader) -> tzinfo:
    """The zone given; else the process's (TZ, where it is a name); else the machine's."""
    given = read.parsed(
        "MCP_MEMORY_TIMEZONE", parse=ZoneInfo, default=None, allowed="an IANA name such as Europe/Berlin"
    )
    if given is not None:
        return given
    try:
        return ZoneInfo((read.text("TZ") or "").removeprefix(":"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _machine_timezone()


def _machine_timezone() -> tzinfo:
    """The zone of this machine by name, so that daylight saving is right for other dates than today."""
    link = Path("/etc/localtime")
    if link.is_symlink():
        _, found, name = str(link.readlink()).partition("zoneinfo/")
        if found:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                return UTC
    return UTC


def _limits(read: _Reader) -> Limits:
    """Each limit can be set as `MCP_MEMORY_MAX_<NAME>`."""
    given: dict[str, Any] = {}
    for limit in fields(Limits):
        name = f"MCP_MEMORY_MAX_{limit.name.upper()}"
        value = read.parsed(name, parse=_positive, default=None, allowed="a whole number, at least 1")
        if value is not None:
            given[limit.name] = value
    return Limits(**given)


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError
    return value.upper()


def _positive(value: str) -> int | None:
    number = int(value)
    if number < 1:
        raise ValueError
    return number
