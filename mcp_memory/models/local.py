"""all-MiniLM-L6-v2 on this machine: no key, no download, 384 dimensions."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_memory.models.lanes import Lanes
from mcp_memory.models.minilm import MiniLM
from mcp_memory.models.names import LOCAL_DIM, LOCAL_MODEL

LANES = min(2, os.cpu_count() or 1)
"""Texts at a time, each on one thread; more would leave nothing for whoever the memory is for."""


async def open_local(path: Path | None = None) -> "LocalEmbedder":
    """The packaged model, or the same file in another place, checked and loaded in a thread.

    Raises:
        Unavailable: as `MiniLM`.
    """
    return LocalEmbedder(await asyncio.to_thread(MiniLM, path))


class LocalEmbedder:
    """An `Embedder` over a function that embeds one text in the thread it is called in.

    Every text is a piece of work of its own: an urgent call waits for the first of the lanes to end the text it is at
    (5 ms; 40 ms for the longest), however many texts another call brought.
    """

    model = LOCAL_MODEL
    dim = LOCAL_DIM

    def __init__(self, embed_one: Callable[[str], bytes], *, lanes: int = LANES) -> None:
        self._lanes = Lanes(embed_one, lanes)

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """See `Embedder`."""
        waiting = [self._lanes.submit(text, urgent=urgent) for text in texts]
        try:
            return await asyncio.gather(*map(asyncio.wrap_future, waiting))
        finally:
            for one in waiting:  # after a failure or a cancellation, the rest is not worth computing
                one.cancel()

    async def close(self) -> None:
        """See `Embedder`; waits for the texts that are being embedded."""
        self._lanes.close()
        await asyncio.to_thread(self._lanes.join)
