"""What the tests of the store share: real processes looked at from outside, and values in short form."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import psutil
import redis

import mcp_memory
from mcp_memory.embedded import Home, running, stop
from mcp_memory.embedded.process import Background, wait_until
from mcp_memory.ids import new_id
from mcp_memory.records import (
    Duplicate,
    Message,
    NewMemory,
    Outcome,
    Page,
    Query,
    Rejected,
    Scope,
    Stored,
    Superseded,
)
from mcp_memory.service import MemoryService
from mcp_memory.settings import Settings

PATIENCE = timedelta(seconds=60)
"""For what takes milliseconds on a free machine, and seconds where several suites run at once."""

SOURCES = Path(str(mcp_memory.__file__)).parents[1]


def settings_of(home: Home, **changes: Any) -> Settings:
    """Settings of a store in this home; a search waits next to no time for a worker that is not there."""
    given: dict[str, Any] = {
        "home": home.root,
        "query_vector_timeout": timedelta(milliseconds=20),
        "reconcile_wait": timedelta(0),
    }
    return Settings(**{**given, **changes})


def new_scope(namespace: str | None = None, user_id: str | None = None) -> Scope:
    """A scope that nobody else has."""
    return Scope(namespace=namespace or f"ns-{token_hex(6)}", user_id=user_id or f"user-{token_hex(6)}")


def memory(text: str, **fields: Any) -> NewMemory:
    """Something to remember."""
    return NewMemory(text=text, **fields)


def said(content: str, **fields: Any) -> Message:
    """A turn of the user, said now."""
    given: dict[str, Any] = {"id": new_id(), "role": "user", "created_at": datetime.now(UTC)}
    return Message(content=content, **{**given, **fields})


async def stored(service: MemoryService, scope: Scope, text: str, **fields: Any) -> str:
    """The id of a memory that was stored just now."""
    (outcome,) = await service.remember(scope, [memory(text, **fields)])
    assert isinstance(outcome, Stored), outcome
    return outcome.id


async def recalled(service: MemoryService, scope: Scope, text: str = "", **fields: Any) -> list[str]:
    """The texts of the first page, best first, found by words."""
    page = await found(service, scope, text, **fields)
    return [hit.memory.text for hit in page.hits]


async def found(service: MemoryService, scope: Scope, text: str = "", **fields: Any) -> Page:
    """The first page of what is found by words."""
    given: dict[str, Any] = {"mode": "keyword", "limit": 50}
    return await service.recall(Query(scope=scope, text=text, **{**given, **fields}))


async def pages(service: MemoryService, query: Query) -> list[Page]:
    """Every page of a query."""
    read = [await service.recall(query)]
    while read[-1].next_cursor is not None:
        read.append(await service.recall(replace(query, cursor=read[-1].next_cursor)))
        assert len(read) < 10_000
    return read


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    """The outcomes by name, in order."""
    names: dict[type[Outcome], str] = {
        Stored: "stored",
        Duplicate: "duplicate",
        Superseded: "superseded",
        Rejected: "rejected",
    }
    return [names[type(outcome)] for outcome in outcomes]


def processes_of(home: Home) -> list[psutil.Process]:
    """Everything that works in this folder: its Redis, its worker, and their children."""
    living: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(home.root) and is_alive(process):
                living.append(process)
    return living


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie that its parent has not collected yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill them, and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert wait_until(lambda: not any(map(is_alive, processes)), timeout=PATIENCE)


def kill_redis(home: Home) -> None:
    """SIGKILL to the Redis of this home, by the id in its lock file; returns when it is gone."""
    process = psutil.Process(int(home.redis_lock.read_text()))
    assert process.name() == "redis-server"
    end([process])


def keys_in(home: Home) -> list[tuple[str, str]]:
    """Every key of a home's Redis with its type."""
    endpoint = running(home)
    if endpoint is None:
        return []
    client: Any = redis.Redis(unix_socket_path=str(endpoint.socket), password=endpoint.password)
    with contextlib.closing(client):
        names: list[bytes] = list(client.scan_iter(count=10_000))
        return [(name.decode(), client.type(name).decode()) for name in names]


def freeze_redis(home: Home) -> Callable[[], None]:
    """Stop the Redis of this home in its tracks; call the result to let it go on."""
    pid = int(home.redis_lock.read_text())
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def crew(script: str, arguments: Sequence[Sequence[str]]) -> Generator[list["subprocess.Popen[str]"]]:
    """One Python process for each list of arguments, all of which said "ready"; ended with the block.

    A line on their standard input lets them go.
    """
    environment: Mapping[str, str] = os.environ | {"PYTHONPATH": str(SOURCES)}
    with contextlib.ExitStack() as stack:
        members: list[subprocess.Popen[str]] = []
        for given in arguments:
            member = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / script), *given],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            stack.enter_context(member)
            stack.callback(member.kill)
            members.append(member)
        for member in members:
            assert member.stdout is not None
            assert member.stdout.readline() == "ready\n"
        yield members


def let_go(members: Sequence["subprocess.Popen[str]"]) -> None:
    """The signal that the members of a crew wait for."""
    for member in members:
        assert member.stdin is not None
        member.stdin.write("go\n")
        member.stdin.flush()


@contextlib.contextmanager
def temporary_home() -> Generator[Home]:
    """A home that is gone afterwards, with everything that ran in it.

    Raises:
        AssertionError: something still ran after `stop`; it is killed.
    """
    # Not pytest's folder: its path may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="mcp-memory-test-") as folder:
        home = Home.at(Path(folder) / "home")
        try:
            yield home
            stop(home)
        finally:
            left = processes_of(home)
            names = [process.name() for process in left]
            end(left)
            home.socket.unlink(missing_ok=True)
        assert names == []


@contextlib.contextmanager
def without_worker(home: Home) -> Generator[None]:
    """Nobody can start a worker in this home: we hold its lock."""
    with Background(home.worker_lock, home.worker_log).claimed() as lock:
        assert lock is not None
        yield
