"""Acknowledged means stored (guarantee 1): SIGKILL at a random moment, of Redis and of who writes."""

import json
import random
import subprocess
import threading
import time
from typing import Any

import pytest
from redis.asyncio import ConnectionPool

from mcp_memory.app import open_service
from mcp_memory.embedded import Home
from mcp_memory.embedded.process import wait_until
from mcp_memory.errors import NotFound
from mcp_memory.records import Scope
from mcp_memory.service import MemoryService
from mcp_memory.storage.client import Database, Value
from tests.support import PATIENCE, crew, kill_redis, let_go, new_scope, settings_of


class _Acknowledged:
    """What a writer has told so far, read beside it."""

    def __init__(self, writer: "subprocess.Popen[str]") -> None:
        self.every: list[str] = []
        self._thread = threading.Thread(target=self._read, args=[writer.stdout])
        self._thread.start()

    def _read(self, stdout: Any) -> None:
        for line in stdout:
            if line.endswith("\n"):
                self.every.append(json.loads(line))

    def wait_for_more(self, count: int) -> None:
        aim = len(self.every) + count
        assert wait_until(lambda: len(self.every) >= aim or not self._thread.is_alive(), timeout=PATIENCE)
        assert len(self.every) >= aim, "the writer has ended"

    def finished(self) -> list[str]:
        self._thread.join()
        return self.every


def _kill_redis_again_and_again(home: Home, scope: Scope, *, rounds: int, chance: random.Random) -> list[str]:
    """What was acknowledged while Redis was killed so many times, and the writer at last."""
    with crew("storage/ack_writer.py", [(str(home.root), scope.namespace, scope.user_id)]) as (writer,):
        acknowledged = _Acknowledged(writer)
        let_go([writer])
        for _ in range(rounds):
            acknowledged.wait_for_more(chance.randrange(1, 60))
            time.sleep(chance.random() * 0.02)  # anywhere within a write
            kill_redis(home)
        acknowledged.wait_for_more(1)
        writer.kill()
        return acknowledged.finished()


async def _lost(service: MemoryService, scope: Scope, acknowledged: list[str]) -> list[str]:
    session = await service.get_session(scope, "s", limit=1_000_000)
    messages = [message.id for message in session.messages]
    assert len(messages) == len(set(messages))
    known = set(messages)
    lost: list[str] = []
    for line in acknowledged:
        kind, _, name = line.partition(" ")
        try:
            if kind == "memory":
                await service.get_memory(scope, name)
            elif name not in known:
                lost.append(line)
        except NotFound:
            lost.append(line)
    return lost


async def test_killing_redis_at_random_moments_loses_nothing_acknowledged(own_home: Home) -> None:
    scope = new_scope()
    acknowledged = _kill_redis_again_and_again(own_home, scope, rounds=10, chance=random.Random())
    assert len(acknowledged) > 50
    async with open_service(settings_of(own_home)) as service:
        assert await _lost(service, scope, acknowledged) == []


@pytest.mark.slow
async def test_killing_redis_hundreds_of_times_loses_nothing_acknowledged(own_home: Home) -> None:
    for _ in range(10):
        scope = new_scope()
        acknowledged = _kill_redis_again_and_again(own_home, scope, rounds=30, chance=random.Random())
        async with open_service(settings_of(own_home)) as service:
            assert await _lost(service, scope, acknowledged) == []


async def test_killing_the_writer_loses_nothing_acknowledged_and_leaves_nothing_half_written(own_home: Home) -> None:
    chance = random.Random()
    for _ in range(3):
        scope = new_scope()
        with crew("storage/ack_writer.py", [(str(own_home.root), scope.namespace, scope.user_id)]) as (writer,):
            acknowledged = _Acknowledged(writer)
            let_go([writer])
            acknowledged.wait_for_more(chance.randrange(20, 80))
            writer.kill()
            told = acknowledged.finished()
        async with open_service(settings_of(own_home)) as service:
            assert await _lost(service, scope, told) == []
            stats = await service.stats(scope)
            session = await service.get_session(scope, "s")
            assert stats["messages"] == session.message_count
            assert stats["index_failures"] == 0


class _Told(Database):
    """A Redis that says how much of its log is written."""

    def __init__(self, answers: list[tuple[int, int]]) -> None:
        super().__init__(ConnectionPool(), where="nowhere", settles=True)
        self.answers = answers

    async def command(self, *command: Value) -> Any:
        assert command == ("INFO", "persistence")
        size, waiting = self.answers.pop(0)
        return {"aof_current_size": size, "aof_buffer_length": waiting}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(1_000, 0)], id="nothing waits"),
        pytest.param([(1_000, 500), (1_000, 500), (1_400, 100), (1_500, 900)], id="others write on"),
        pytest.param([(1_000, 500), (1_000, 700), (1_700, 0)], id="all is written"),
        pytest.param([(9_000, 500), (100, 500), (600, 50)], id="the log was rewritten meanwhile"),
    ],
)
async def test_a_write_is_acknowledged_only_when_the_log_has_all_that_came_before(
    answers: list[tuple[int, int]],
) -> None:
    """While an fsync runs, Redis answers before it writes to its log; a kill would take what was answered."""
    told = _Told(answers)
    await told.settled()
    assert told.answers == []
