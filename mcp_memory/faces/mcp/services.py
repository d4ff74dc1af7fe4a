"""The memory service, opened when it is first needed and shared by every connection of the process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mcp_memory.errors import MemoryServerError

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService

    OpenService: TypeAlias = Callable[[], AbstractAsyncContextManager[MemoryService]]

log = logging.getLogger(__name__)

CLOSING_SECONDS = 1.5
"""Hosts wait 2 s between closing stdin, SIGTERM and SIGKILL. Nothing acknowledged is lost by leaving sooner."""


class Services(Protocol):
    """Where the MCP face gets the service from."""

    async def get(self) -> "MemoryService":
        """The open service; the first call opens it.

        Raises:
            MemoryServerError: it cannot be opened; the next call tries again.
        """
        ...

    def use(self) -> AbstractAsyncContextManager[None]:
        """Held by each connection (and by REST); the service is closed when the last one lets go."""
        ...


class LazyServices:
    """Opens on the first `get`, closes after the last `use`. For one event loop.

    One task of its own opens and closes the service, whoever asked for it: a service may hold task groups,
    which must be left by the task that entered them, and a cancelled call must not cancel the opening.
    """

    def __init__(self, open_service: "OpenService") -> None:
        self._open_service = open_service
        self._current: _Opening | None = None
        self._users = 0

    async def get(self) -> "MemoryService":
        return await asyncio.shield(self._opening().opened)

    def warm(self) -> None:
        """Begin to open, if nobody has yet; a failure is told to the next call that needs the service."""
        self._opening()

    def _opening(self) -> "_Opening":
        if self._current is None or self._current.failed:
            self._current = _Opening(self._open_service)
        return self._current

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[None]:
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await asyncio.shield(self.close())

    async def close(self) -> None:
        """Close what is open; `get` would open it again."""
        current, self._current = self._current, None
        if current is not None:
            await current.close()


class _Opening:
    """One opening of the service and the task that will close it."""

    def __init__(self, open_service: "OpenService") -> None:
        self.opened: asyncio.Future[MemoryService] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._owner = asyncio.create_task(self._own(open_service), name="memory service")

    @property
    def failed(self) -> bool:
        return self.opened.done() and (self.opened.cancelled() or self.opened.exception() is not None)

    async def close(self) -> None:
        self._closing.set()
        if self.opened.done():
            await asyncio.wait([self._owner], timeout=CLOSING_SECONDS)
        self._owner.cancel()  # does nothing where it has ended
        await asyncio.wait([self._owner], timeout=CLOSING_SECONDS)

    async def _own(self, open_service: "OpenService") -> None:
        try:
            async with open_service() as service:
                self.opened.set_result(service)
                await self._closing.wait()
        except Exception as error:
            if not isinstance(error, MemoryServerError):
                log.exception("the memory service failed")
            if not self.opened.done():
                self.opened.set_exception(error)
                self.opened.exception()  # seen: nobody may be waiting, and that is no defect
        finally:
            self.opened.cancel()  # does nothing where there is a result
