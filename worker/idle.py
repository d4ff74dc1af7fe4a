"""The embedded store's end: when nobody has used it for a while, its worker stops Redis and leaves."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from mcp_memory.storage import filters
from mcp_memory.storage.client import CLIENT_NAME, Database

FACE = f"name={CLIENT_NAME}:face:"


class IdleWatch:
    """Knows for how long no face has been connected."""

    def __init__(self, database: Database, *, timeout: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._timeout_s = timeout.total_seconds()
        self._clock = clock
        self._last_used = clock()

    async def is_over(self) -> bool:
        """Whether to leave: unused for the whole time, and nothing left to do.

        What a broken model keeps waiting is waited for as long again, then left to the next worker.
        """
        clients = await self._database.command("CLIENT", "LIST")
        now = self._clock()
        if _used(clients):
            self._last_used = now
        unused = now - self._last_used
        if unused < self._timeout_s:
            return False
        return unused >= 2 * self._timeout_s or not await self._work_left()

    async def _work_left(self) -> bool:
        replies = await self._database.search([filters.to_do("embed", 1), filters.to_do("extract", 1)])
        return any(int(reply[0]) for reply in replies)


def _used(clients: object) -> bool:
    """Whether a face is among the clients; redis-py gives the list as text or parsed."""
    if isinstance(clients, bytes):
        return FACE in clients.decode(errors="replace")
    return any(FACE in f"name={client.get('name', '')}" for client in cast(list[dict[str, str]], clients))
