"""Embedding: vectors for questions at once, vectors for what was written in batches behind it."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from mcp_memory.errors import MemoryServerError, Unavailable
from mcp_memory.models.embed import Embedder
from mcp_memory.storage import filters, keys, lua
from mcp_memory.storage.client import Call, Database
from mcp_memory.storage.rows import dense_text
from mcp_memory.storage.vectors import VectorRequest, answer, parse_request, server_ms

log = logging.getLogger(__name__)

FETCHED = 64
"""Records read at once; they are embedded eight at a time, with questions in between."""
LEASE = timedelta(seconds=60)
"""How long another worker leaves a record alone; longer than any batch takes."""
SLEEP = timedelta(seconds=1)
"""How long a worker waits for a wake-up before it looks by itself: a write whose face died gives none."""
PAUSE = timedelta(seconds=1)
"""After Redis or the model failed."""

FIELDS = ("text", "part", "cut", "doc", "kind", "prev", "ver")


class QueryLoop:
    """Answers faces that wait for a question's vector."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._answers = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with self._database.blocking() as pop:
                    while True:
                        popped = await pop([keys.VECTOR_QUERIES], SLEEP.total_seconds() * 5)
                        if popped is not None:
                            self._begin(parse_request(popped[1]))
            except MemoryServerError as error:
                log.warning("query vectors: %s", error)
                await asyncio.sleep(PAUSE.total_seconds())

    def _begin(self, request: VectorRequest) -> None:
        # Not awaited here: a remote model takes many questions at a time.
        task = asyncio.create_task(self._answer(request))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, request: VectorRequest) -> None:
        try:
            now = server_ms(await self._database.command("TIME"))
            if now > request.until_ms or request.model != self._embedder.model:
                return
            vector = await self._vector(request.text)
            await answer(self._database, request, vector)
        except MemoryServerError as error:
            log.warning("query vector: %s", error)

    async def _vector(self, text: str) -> bytes | Unavailable:
        try:
            (vector,) = await self._embedder.embed([text], urgent=True)
        except MemoryServerError as error:
            return Unavailable(str(error))
        return vector


class EmbedBehind:
    """Embeds whatever record says that it still has to be."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self.backlog = 0
        """Records that waited when it last looked."""
        self.problem: str | None = None
        """Why it cannot embed, while it cannot."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._until_interrupted()
            except MemoryServerError as error:
                self.problem = str(error)
                log.warning("embedding: %s", error)
                await asyncio.sleep(PAUSE.total_seconds())

    async def _until_interrupted(self) -> None:
        async with self._database.blocking() as pop:
            while True:
                if not await self.once():
                    await pop([keys.VECTOR_WAKE], SLEEP.total_seconds())

    async def once(self) -> int:
        """Embed up to one fetch of waiting records; how many were taken on."""
        (reply,) = await self._database.search([filters.to_do("embed", FETCHED)])
        self.backlog = int(reply[0])
        records = await self._leased([key.decode() for key in reply[1:]])
        if records:
            await self._embed(records)
        return len(records)

    async def _leased(self, records: Sequence[str]) -> list[str]:
        """Those of the records that no other worker is embedding."""
        milliseconds = int(LEASE.total_seconds() * 1000)
        replies = await self._database.commands(
            [("SET", keys.lease_key(record), 1, "NX", "PX", milliseconds) for record in records]
        )
        return [record for record, leased in zip(records, replies, strict=True) if leased]

    async def _embed(self, records: Sequence[str]) -> None:
        rows = await self._database.commands([("HMGET", record, *FIELDS) for record in records])
        read = [
            (record, {name: value for name, value in zip(FIELDS, row, strict=True) if value is not None})
            for record, row in zip(records, rows, strict=True)
        ]
        there = [(record, fields) for record, fields in read if "text" in fields]
        try:
            vectors = await self._embedder.embed([dense_text(fields) for _, fields in there])
            self.problem = None
            calls = [
                Call(lua.PUT_VECTOR, (record,), (fields["ver"], vector))
                for (record, fields), vector in zip(there, vectors, strict=True)
            ]
            if calls:
                await self._database.run(calls)
        finally:
            await self._database.commands([("DEL", *map(keys.lease_key, records))])
