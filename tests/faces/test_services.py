import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from mcp_memory.errors import Unavailable
from mcp_memory.faces.mcp.services import LazyServices
from mcp_memory.service import MemoryService

from .fake import FakeService


class Opener:
    """Opens fakes; counts; can be held and told to fail."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.fail: Exception | None = None

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[MemoryService]:
        await self.hold.wait()
        if self.fail is not None:
            raise self.fail
        self.opened += 1
        # A service that holds a task group must be left by the task that entered it.
        async with asyncio.TaskGroup():
            try:
                yield FakeService()
            finally:
                self.closed += 1


async def test_it_is_opened_once_for_everybody_and_closed_after_the_last() -> None:
    opener = Opener()
    services = LazyServices(opener)
    async with services.use(), services.use():
        assert opener.opened == 0
        first, second = await asyncio.gather(services.get(), services.get())
        assert first is second
        async with services.use():
            assert await services.get() is first
        assert (opener.opened, opener.closed) == (1, 0)
    assert (opener.opened, opener.closed) == (1, 1)


async def test_it_can_be_opened_again_after_it_was_closed() -> None:
    opener = Opener()
    services = LazyServices(opener)
    for _ in range(2):
        async with services.use():
            await services.get()
    assert (opener.opened, opener.closed) == (2, 2)


async def test_a_failed_opening_is_told_to_all_who_wait_and_tried_again_later() -> None:
    opener = Opener()
    opener.fail = Unavailable("Redis does not answer")
    services = LazyServices(opener)
    async with services.use():
        waiting = await asyncio.gather(services.get(), services.get(), return_exceptions=True)
        assert [str(error) for error in waiting] == ["Redis does not answer"] * 2
        opener.fail = None
        assert await services.get()


async def test_warming_opens_and_keeps_its_failure_to_itself() -> None:
    opener = Opener()
    opener.fail = Unavailable("not yet")
    services = LazyServices(opener)
    async with services.use():
        services.warm()
        await asyncio.sleep(0.01)
        opener.fail = None
        assert await services.get()


async def test_a_cancelled_call_does_not_cancel_the_opening() -> None:
    opener = Opener()
    opener.hold.clear()
    services = LazyServices(opener)
    async with services.use():
        impatient = asyncio.create_task(services.get())
        patient = asyncio.create_task(services.get())
        await asyncio.sleep(0)
        impatient.cancel()
        opener.hold.set()
        assert await patient
    assert opener.opened == 1


async def test_leaving_does_not_wait_for_an_opening_that_hangs() -> None:
    opener = Opener()
    opener.hold.clear()
    services = LazyServices(opener)
    async with asyncio.timeout(5):
        async with services.use():
            waiting = asyncio.create_task(services.get())
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert opener.opened == 0
