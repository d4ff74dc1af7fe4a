"""The entry of this server in the configuration of each MCP host, and putting it there."""

import importlib.metadata
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mcp_memory
from mcp_memory.errors import Conflict, InvalidInput, Unavailable

Json = dict[str, Any]

HOSTS = ("claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini")
WRITABLE = ("claude-desktop", "cursor")
"""Hosts whose whole configuration is one JSON file of theirs that we may merge into."""

DISTRIBUTION = "mcp-memory"

UVX_PYTHON = "3.11"
"""What the packages of the embedded Redis are made for on every platform that has them (decision 5)."""

PASSED_ON = ("MCP_MEMORY_HOME", "MCP_MEMORY_USER_ID", "MCP_MEMORY_NAMESPACE", "MCP_MEMORY_TIMEZONE", "REDIS_URL")
"""Settings of this process that the entry repeats, since a host passes on nothing else of the person's shell."""

PASSWORD_LEFT_OUT = "<your REDIS_URL, with its password>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a host starts this server."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str]

    @property
    def entry(self) -> Json:
        """The entry as most hosts want it."""
        entry: Json = {"command": self.command, "args": list(self.args)}
        return entry | ({"env": dict(self.env)} if self.env else {})


def launch(environ: Mapping[str, str]) -> Launch:
    """How to start the installation that runs now: by absolute paths, since hosts have a PATH of their own."""
    env = {name: environ[name] for name in PASSED_ON if environ.get(name, "").strip()}
    if urlsplit(env.get("REDIS_URL", "")).password:
        env["REDIS_URL"] = PASSWORD_LEFT_OUT
    if not _is_installed():
        env["PYTHONPATH"] = str(Path(str(mcp_memory.__file__)).parents[1])
    command = _start_command()
    return Launch(command=command[0], args=tuple(command[1:]), env=env)


def _start_command() -> list[str]:
    source = _installed_from()
    if _is_passing(Path(sys.prefix)) and source is not None:
        return [shutil.which("uvx") or "uvx", "--python", UVX_PYTHON, "--from", source, DISTRIBUTION]
    scripts = [Path(sys.executable).with_name(name) for name in (DISTRIBUTION, f"{DISTRIBUTION}.exe")]
    script = next((path for path in scripts if path.is_file()), None)
    return [str(script)] if script is not None else [sys.executable, "-m", "mcp_memory"]


def _is_installed() -> bool:
    """Whether Python finds this package from anywhere; else it runs from its sources."""
    try:
        importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _is_passing(prefix: Path) -> bool:
    """Whether this is an environment that uvx made in its cache and may remove."""
    return "archive-v0" in prefix.parts or "environments-v2" in prefix.parts


def _installed_from() -> str | None:
    """What this distribution was installed from, as `uvx --from` takes it; None if that is not recorded (PEP 610)."""
    with suppress(importlib.metadata.PackageNotFoundError, ValueError, KeyError):
        recorded: Json = json.loads(importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "")
        url = str(recorded["url"])
        if "vcs_info" in recorded:
            return f"{recorded['vcs_info']['vcs']}+{url}"
        return url2pathname(urlsplit(url).path) if url.startswith("file:") else url
    return None


def block(host: str, name: str, start: Launch) -> str:
    """What a person pastes, or runs, to have the server in this host."""
    match host:
        case "claude-code":
            words = ["claude", "mcp", "add", "--scope", "user", name, *_env_words("-e", start.env)]
            return shlex.join([*words, "--", start.command, *start.args])
        case "vscode":
            return _json({"servers": {name: {"type": "stdio", **start.entry}}})
        case "codex":
            return _toml(name, start)
        case _:
            return _json({"mcpServers": {name: start.entry}})


def place(host: str, environ: Mapping[str, str]) -> str:
    """Where the block belongs, in words."""
    match host:
        case "claude-code":
            return "run this"
        case "vscode":
            return "in .vscode/mcp.json of a project, or the file that the command `MCP: Open User Configuration` opens"
        case "codex":
            return "in ~/.codex/config.toml"
        case "gemini":
            return "in ~/.gemini/settings.json"
        case _:
            return f"in {config_file(host, environ)}"


def config_file(host: str, environ: Mapping[str, str]) -> Path:
    """The file in which a writable host keeps its servers."""
    if host == "cursor":
        return Path.home() / ".cursor" / "mcp.json"
    name = Path("Claude") / "claude_desktop_config.json"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / name
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / name
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a host's file."""

    file: Path
    changed: bool
    backup: Path | None
    """The file as it was, if there was one and it was changed."""


def write(file: Path, name: str, entry: Json, *, now: datetime) -> Written:
    """Put the entry into a host's JSON file, next to all that is there.

    Raises:
        InvalidInput: the file is not what the host writes. Conflict: another server has that name.
        Unavailable: the file cannot be read or written.
    """
    file = file.resolve()  # a link stays one
    try:
        before = file.read_bytes() if file.exists() else b""
        config = _config(file, before)
        servers = _object(config.setdefault("mcpServers", {}), file, "mcpServers")
        if servers.get(name) == entry:
            return Written(file=file, changed=False, backup=None)
        if name in servers and not _is_ours(servers[name]):
            raise Conflict(f"{file} has another server called {name!r}; give ours another name with --name")
        servers[name] = entry
        return Written(file=file, changed=True, backup=_replace(file, before, _json(config), now))
    except OSError as error:
        raise Unavailable(f"{file} cannot be changed: {error.strerror or error}") from error


def _config(file: Path, content: bytes) -> Json:
    if not content.strip():
        return {}
    try:
        return _object(json.loads(content), file, "the whole")
    except (ValueError, RecursionError):
        raise InvalidInput(
            f"{file} is not plain JSON (comments are not), so that it is left as it is; "
            "mend it, or run this without --write and paste the block yourself"
        ) from None


def _object(value: object, file: Path, what: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidInput(f"{file}: {what} is no JSON object, so that the file is left as it is; mend it first")
    return cast("Json", value)


def _is_ours(entry: object) -> bool:
    """Whether an entry starts this server, in this or another installation."""
    if not isinstance(entry, dict):
        return False
    known = cast("Json", entry)
    args: Any = known.get("args")
    words = [known.get("command"), *(cast("list[Any]", args) if isinstance(args, list) else [])]
    return any(Path(str(word)).stem in (DISTRIBUTION, "mcp_memory") for word in words)


def _replace(file: Path, before: bytes, content: str, now: datetime) -> Path | None:
    """Write it whole or not at all; a copy of what was there is kept beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    backup: Path | None = None
    mode = 0o600  # an `env` may hold keys
    if file.exists():
        mode = file.stat().st_mode & 0o777
        backup = file.with_name(f"{file.name}.{now:%Y%m%dT%H%M%S}.bak")
        _write(backup, before, mode)
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        _write(draft, content.encode() + b"\n", mode)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return backup


def _write(file: Path, content: bytes, mode: int) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _toml(name: str, start: Launch) -> str:
    """A table of Codex's; JSON strings and lists are TOML's as well."""
    quoted = partial(json.dumps, ensure_ascii=False)
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
    lines = [f"[mcp_servers.{key}]", f"command = {quoted(start.command)}", f"args = {quoted(list(start.args))}"]
    # Codex waits 10 s for a server by default, which is short for the first start of an installation.
    lines.append("startup_timeout_sec = 120")
    if start.env:
        pairs = ", ".join(f"{quoted(variable)} = {quoted(value)}" for variable, value in start.env.items())
        lines.append(f"env = {{ {pairs} }}")
    return "\n".join(lines)


def _env_words(option: str, env: Mapping[str, str]) -> Sequence[str]:
    return [word for name, value in env.items() for word in (option, f"{name}={value}")]
