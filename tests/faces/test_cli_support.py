"""What the tests of the command line share: real commands in real processes, looked at from outside."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from mcp_memory.embedded import Home, find_binaries
from tests.support import SOURCES

PATIENCE_S = 60.0
COMMAND = (sys.executable, "-m", "mcp_memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on stderr."""
        (line,) = self.err.splitlines()
        return line


def environment(home: Path | Home, **more: str) -> dict[str, str]:
    """Next to nothing, as a host or a fresh shell has it."""
    root = home.root if isinstance(home, Home) else home
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": str(SOURCES), "MCP_MEMORY_HOME": str(root), "MCP_MEMORY_IDLE_SECONDS": "60", **more}


def run(home: Path | Home, *arguments: str, said: str = "", env: Mapping[str, str] | None = None) -> Done:
    """Run a command to its end; `said` is its stdin."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=said.encode(),
        capture_output=True,
        timeout=PATIENCE_S,
        env=environment(home, **(env or {})),
        cwd="/",
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Done(code=done.returncode, out=out, err=err)


def ok(home: Path | Home, *arguments: str, said: str = "", env: Mapping[str, str] | None = None) -> Any:
    """What a command that succeeds answers as JSON."""
    done = run(home, *arguments, "--json", said=said, env=env)
    assert done.code == 0, done
    assert done.err == "", done
    return done.json


def someone() -> list[str]:
    """Options that name a scope which nobody else has."""
    return ["--user-id", f"user-{token_hex(6)}"]


def on_terminal(
    home: Path | Home, *arguments: str, answer: str = "", after: str = "", env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command on a terminal, where a person types `answer` as soon as `after` is read; code, what is read."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(home, TERM="xterm", **(env or {})),
        cwd="/",
        start_new_session=True,
    )
    os.close(theirs)
    read, until = b"", time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < until:
            if answer and after.encode() in read:
                os.write(ours, answer.encode())
                answer = ""
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    read += os.read(ours, 1 << 16)
                except OSError:  # the other end is closed
                    break
        return process.wait(PATIENCE_S), read.decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@contextlib.contextmanager
def redis_of_a_user(folder: Path, *options: str, search: bool = True) -> Generator[str]:
    """A Redis that a person started, without the settings that ours has; its REDIS_URL."""
    binaries = find_binaries()
    socket = folder / "own.sock"
    module = ["--loadmodule", str(binaries.module)] if search else []
    server = subprocess.Popen(
        [str(binaries.server), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), *options, *module],
        stdout=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while not socket.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        yield f"unix://{socket}"
    finally:
        server.kill()
        server.wait()
