"""What a command is, how typer gets to know it, and what becomes of its errors."""

import asyncio
import inspect
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

from mcp_memory.errors import Internal, InvalidInput, MemoryServerError
from mcp_memory.faces.cli.console import Console
from mcp_memory.records import Scope
from mcp_memory.settings import Settings

OK, FAILED, USAGE, UNAVAILABLE, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 4, 130

EXIT_CODES = {"invalid_input": USAGE, "too_large": USAGE, "unavailable": UNAVAILABLE, "not_found": NOT_FOUND}
"""By the code of an error; every other one is `FAILED`."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found out, JSON-ready, and the code it exits with."""

    value: Mapping[str, Any]
    code: int = OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(ABC):
    """One command: its docstring is its help, its fields are its options."""

    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False

    @abstractmethod
    async def run(self, console: Console) -> Answer:
        """Do it.

        Raises:
            MemoryServerError: what went wrong, in a line that says what to do.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedCommand(Command):
    """A command on the memories of one scope."""

    user_id: Annotated[str | None, typer.Option(metavar="ID", help="Whose memory.  [default: the server's]")] = None
    namespace: Annotated[str | None, typer.Option(metavar="NAME", help="Memory space.  [default: the server's]")] = None

    def scope(self, settings: Settings) -> Scope:
        """The scope that was named, or the default; each name on its own."""
        return Scope(
            namespace=settings.scope.namespace if self.namespace is None else self.namespace,
            user_id=settings.scope.user_id if self.user_id is None else self.user_id,
        )


def read_settings() -> Settings:
    """The settings of this environment.

    Raises:
        InvalidInput: a variable holds something that is not allowed.
    """
    try:
        return Settings.from_env()
    except RuntimeError:  # of Path.home(): neither HOME nor an entry in the password file
        raise InvalidInput("no home folder is known; set MCP_MEMORY_HOME to a folder") from None


def perform(command: Command) -> int:
    """Run a command to its end; its exit code. Says what went wrong, without a stack trace."""
    console = Console(as_json=command.as_json)
    try:
        settings = _known_settings()
        if settings is not None:
            console.timezone = settings.timezone
        _log_to_stderr(settings)
        answer = asyncio.run(command.run(console))
    except MemoryServerError as error:
        return _failure(console, error)
    except BrokenPipeError:
        raise
    except Exception as error:
        log.debug("the command failed", exc_info=True)
        return _failure(console, Internal(f"{type(error).__name__}: {error}; LOG_LEVEL=DEBUG shows where"))
    console.document(answer.value)
    return answer.code


def _failure(console: Console, error: MemoryServerError) -> int:
    console.failed(error)
    return EXIT_CODES.get(error.code, FAILED)


def _known_settings() -> Settings | None:
    """None where they are broken: the command itself will say so, or can do without them."""
    try:
        return read_settings()
    except InvalidInput:
        return None


def _log_to_stderr(settings: Settings | None) -> None:
    """Logs, where they are asked for: what a command has to say of warnings, `doctor` and `stats` say in their way."""
    level = settings.log_level if settings is not None else "WARNING"
    logging.basicConfig(
        stream=sys.stderr,
        level=level if level in LOG_LEVELS and level != "WARNING" else "ERROR",
        format="%(levelname)s: %(message)s",
    )


def as_function(kind: type[Command]) -> Callable[..., Command]:
    """The command as typer wants it: a function whose parameters are the fields, own ones first.

    It only gives the command: what typer makes of exceptions is not for a command that runs.
    """

    def call(**options: Any) -> Command:
        return kind(**options)

    hints = get_type_hints(kind, include_extras=True)
    own = [one for one in fields(kind) if one.name not in _SHARED]
    shared = [one for one in fields(kind) if one.name in _SHARED]
    parameters = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[one.name],
            default=inspect.Parameter.empty if one.default is MISSING else one.default,
        )
        for one in (*own, *shared)
    ]
    setattr(call, "__signature__", inspect.Signature(parameters))  # noqa: B010 (pyright)
    call.__doc__ = inspect.getdoc(kind)
    return call


_SHARED = frozenset(one.name for one in fields(ScopedCommand))
