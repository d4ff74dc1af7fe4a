"""The worker as its own process, on a real store with the real model."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mcp_memory.app import open_service, open_store
from mcp_memory.embedded import Home, running, worker_running
from mcp_memory.errors import Unavailable
from mcp_memory.records import Query, Scope
from mcp_memory.service import MemoryService
from mcp_memory.settings import Settings
from mcp_memory.storage.vectors import alive
from tests.support import PATIENCE, end, memory, new_scope, processes_of, said, settings_of, stored, temporary_home


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that a background process does."""
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while not await condition():
            await asyncio.sleep(0.05)


async def found_by_meaning(service: MemoryService, scope: Scope, question: str) -> list[str]:
    try:
        page = await service.recall(Query(scope=scope, text=question, mode="semantic", min_score=0.1))
    except Unavailable:
        return []
    return [hit.memory.text for hit in page.hits]


async def test_what_was_written_is_found_by_meaning_when_the_worker_has_embedded_it(
    lively_service: MemoryService, scope: Scope
) -> None:
    await stored(lively_service, scope, "Ada adopted a puppy")

    async def embedded() -> bool:
        return await found_by_meaning(lively_service, scope, "Which pet lives with her?") == ["Ada adopted a puppy"]

    await until(embedded)
    page = await lively_service.recall(Query(scope=scope, text="pets"))
    assert page.note is None


async def test_a_conversation_becomes_memories_that_point_to_its_messages_and_know_their_day(
    lively_service: MemoryService, scope: Scope
) -> None:
    turns = [
        said("I moved to Porto yesterday.", id="m1", created_at=datetime(2026, 5, 20, 12, tzinfo=UTC)),
        said("What a nice day!", id="m2"),
        said("I prefer tea to coffee.", id="m3"),
    ]
    await lively_service.append_to_session(scope, "chat", turns)

    async def extracted() -> bool:
        return (await lively_service.get_session(scope, "chat")).pending_extraction == 0

    await until(extracted)
    page = await lively_service.recall(Query(scope=scope, memory_type=("semantic", "episodic")))
    learnt = {hit.memory.text: hit.memory for hit in page.hits}
    assert set(learnt) == {"I moved to Porto yesterday.", "I prefer tea to coffee."}
    moved = learnt["I moved to Porto yesterday."]
    assert (moved.memory_type, moved.message_ids, moved.session_id) == ("episodic", ("m1",), "chat")
    assert moved.event_date is not None
    assert moved.event_date.date().isoformat() == "2026-05-19"
    assert learnt["I prefer tea to coffee."].source == "extraction"


async def test_a_forgotten_fact_is_not_learnt_again_from_the_same_conversation(
    lively_service: MemoryService, scope: Scope
) -> None:
    turn = said("I am allergic to peanuts.", id="m1")
    await lively_service.append_to_session(scope, "chat", [turn])

    async def learnt() -> bool:
        page = await lively_service.recall(Query(scope=scope, memory_type=("semantic",)))
        return page.total == 1

    await until(learnt)
    page = await lively_service.recall(Query(scope=scope, memory_type=("semantic",)))
    await lively_service.forget(scope, [page.hits[0].memory.id])
    # The host replays the conversation into another session, and goes on talking.
    await lively_service.append_to_session(scope, "again", [turn, said("I like the sea.", id="m2")])

    async def extracted() -> bool:
        return (await lively_service.get_session(scope, "again")).pending_extraction == 0

    await until(extracted)
    page = await lively_service.recall(Query(scope=scope, limit=50))
    assert not [hit.text for hit in page.hits if "peanuts" in hit.text]


async def test_a_killed_worker_is_replaced_by_the_next_write_and_mends_what_it_left() -> None:
    with temporary_home() as home:
        scope = new_scope()
        async with open_service(Settings(home=home.root)) as service:
            await until(lambda: asyncio.to_thread(worker_running, home))
            await found_by_meaning(service, scope, "warm up")
            end([process for process in processes_of(home) if "worker" in process.cmdline()])
            await stored(service, scope, "Ada adopted a puppy")
            await asyncio.sleep(3.1)  # a worker is called at most every three seconds
            await stored(service, scope, "Ada plays chess")

            async def mended() -> bool:
                return set(await found_by_meaning(service, scope, "pets and games")) >= {"Ada adopted a puppy"}

            await until(mended)


async def test_redis_and_worker_leave_when_nobody_used_them_for_the_idle_time() -> None:
    with temporary_home() as home:
        environment = {**os.environ, "MCP_MEMORY_IDLE_SECONDS": "1"}
        async with open_store(settings_of(home), name="face") as store:
            command = [sys.executable, "-P", "-m", "worker", "--home", str(home.root)]
            worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            async def ready() -> bool:
                return bool(await alive(store.database))

            await until(ready)
            started = time.monotonic()
            await asyncio.sleep(2.5)
            assert worker.poll() is None, "it left although a face is connected"
            assert time.monotonic() - started > 2
        assert await asyncio.to_thread(worker.wait, PATIENCE.total_seconds()) == 0
        assert running(home) is None
        # And the next one finds everything again.
        async with open_service(settings_of(home)) as service:
            assert (await service.stats(Scope()))["embedded"]


async def test_a_burst_worker_embeds_and_extracts_everything_and_leaves(own_home: Home) -> None:
    scope = new_scope()
    settings = replace(settings_of(own_home), extraction_debounce=timedelta(0))
    async with open_service(settings) as service:
        await service.remember(scope, [memory(f"fact number {number}") for number in range(70)])
        await service.append_to_session(scope, "chat", [said("I live in Oslo.")])
        command = [sys.executable, "-P", "-m", "worker", "--home", str(own_home.root), "--burst"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        stats = await service.stats(scope)
        assert (stats["without_vector"], stats["sessions_to_extract"], stats["memories"]) == (0, 0, 71)


def test_arq_itself_can_run_the_worker(own_home: Home) -> None:
    environment = {**os.environ, "MCP_MEMORY_HOME": str(own_home.root)}
    command = [sys.executable, "-m", "arq", "worker.settings.WorkerSettings", "--burst"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "extract_session" in done.stderr


@pytest.mark.parametrize("arguments", [["--concurrency", "0"], ["--nonsense"]])
def test_a_worker_refuses_bad_arguments(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
