"""Waiting, beside the product, until a store's worker has done everything."""

import asyncio
import time

from mcp_memory.storage import filters
from mcp_memory.storage.client import Database


async def left_to_do(database: Database) -> tuple[int, int]:
    """How many records wait for their vector, and how many sessions for extraction."""
    embed, extract = await database.search([filters.to_do("embed", 0), filters.to_do("extract", 0)])
    return int(embed[0]), int(extract[0])


async def until_done(database: Database, *, limit_s: float, pause_s: float = 0.05) -> float:
    """Wait until nothing is left to do; for how many seconds.

    Raises:
        TimeoutError: something is left after `limit_s`.
    """
    started = time.monotonic()
    while any(left := await left_to_do(database)):
        if time.monotonic() - started > limit_s:
            raise TimeoutError(f"after {limit_s:g} s {left[0]} records wait for vectors, {left[1]} sessions to be read")
        await asyncio.sleep(pause_s)
    return time.monotonic() - started
