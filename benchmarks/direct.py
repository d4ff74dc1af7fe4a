"""The product in this process: its tiers, its search, its worker's loops, without faces and without waiting."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_memory.app import Store, open_store, tiers
from mcp_memory.longterm.search import Search
from mcp_memory.models.embed import Embedder, open_embedder
from mcp_memory.models.names import LOCAL_MODEL
from mcp_memory.records import Message, Scope
from mcp_memory.settings import Settings
from mcp_memory.working.store import Append, WorkingMemory
from worker.embedding import EmbedBehind
from worker.extract import Extraction

BATCH = 100


@dataclass(frozen=True, slots=True)
class OwnVectors:
    """Query vectors from an embedder beside, instead of from the worker."""

    embedder: Embedder

    async def vector(self, text: str) -> bytes:
        (vector,) = await self.embedder.embed([text], urgent=True)
        return vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """The parts of the product that the benchmarks use."""

    store: Store
    embedder: Embedder
    working: WorkingMemory
    search: Search
    extraction: Extraction
    behind: EmbedBehind

    async def append(self, scope: Scope, session_id: str, messages: Sequence[Message]) -> None:
        """Add turns to a session, as many at a time as one call may bring."""
        for start in range(0, len(messages), BATCH):
            append = Append(session_id=session_id, messages=messages[start : start + BATCH], data={})
            await self.working.append(scope, append, modes={}, now=datetime.now(UTC))

    async def embed_all(self) -> None:
        """Embed until nothing waits."""
        while await self.behind.once():
            pass


@asynccontextmanager
async def open_direct(settings: Settings) -> AsyncGenerator[Direct]:
    """The product over the store of these settings, with an embedder of its own."""
    embedder = await open_embedder(LOCAL_MODEL)
    try:
        async with open_store(settings, name="face") as store:
            working, long_term = tiers(store)
            yield Direct(
                store=store,
                embedder=embedder,
                working=working,
                search=Search(store.database, OwnVectors(embedder)),
                extraction=Extraction(working, long_term, timezone=settings.timezone),
                behind=EmbedBehind(store.database, embedder),
            )
    finally:
        await embedder.close()
