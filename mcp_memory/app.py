"""Wiring: settings -> Redis -> tiers -> service. Opened once by a face, closed by it."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from mcp_memory import __version__, configuration
from mcp_memory.configuration import StoreConfiguration
from mcp_memory.embedded import Home, ensure, ensure_worker, stop_worker
from mcp_memory.errors import MemoryServerError
from mcp_memory.longterm.search import Search
from mcp_memory.longterm.store import LongTermStore
from mcp_memory.models.names import LOCAL_DIM, LOCAL_MODEL
from mcp_memory.service import MemoryService, Rules, Tiers
from mcp_memory.settings import Settings
from mcp_memory.storage import index
from mcp_memory.storage.client import Database, address, embedded_pool, url_pool
from mcp_memory.storage.index import Identity
from mcp_memory.storage.queue import ArqQueue
from mcp_memory.storage.vectors import WAKE, QueryVectors, WorkerSign, alive
from mcp_memory.working.store import WorkingMemory

log = logging.getLogger(__name__)

START_LIMIT = timedelta(minutes=2)
"""A store of a million records is indexed anew at the start: about 50 s at 100k records in 4 s."""

CALL_EVERY = timedelta(seconds=3)
"""Between looks whether the worker lives, while there is something for it to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open store: Redis with its index, the queue, and what the store was configured with."""

    settings: Settings
    home: Home | None
    """None where Redis is the user's."""
    database: Database
    queue: ArqQueue
    configuration: StoreConfiguration
    identity: Identity

    async def start_worker(self) -> bool:
        """Start the background worker where there is none; whether one will be there."""
        if self.home is None:
            return False
        await asyncio.to_thread(ensure_worker, self.home)
        return True

    async def replace_older_worker(self) -> None:
        """End a worker of an older version, which this one's successor takes the place of."""
        signs = await alive(self.database)
        if self.home is None or not any(version_of(sign) < version_of(None) for sign in signs):
            return
        await asyncio.to_thread(stop_worker, self.home, timeout=timedelta(seconds=60))
        await self.start_worker()


def version_of(sign: WorkerSign | None) -> tuple[int, ...]:
    """A version to compare by; ours for None."""
    text = __version__ if sign is None else sign.version
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


@asynccontextmanager
async def open_store(settings: Settings, *, name: str) -> AsyncGenerator[Store]:
    """A store, its Redis started if it is embedded; `name` is how its connections are known there.

    Raises:
        Unavailable: Redis does not answer, or cannot be used. InvalidInput: its vectors are of another model.
    """
    client = f"{name}:{os.getpid()}"
    if settings.redis_url is None:
        home = await asyncio.to_thread(Home.at, settings.home)
        endpoint = await asyncio.to_thread(ensure, home, timeout=START_LIMIT)
        pool = embedded_pool(str(endpoint.socket), endpoint.password, ensure=lambda: _ensure_again(home), name=client)
        database = Database(pool, where=f"the data folder {settings.home}", settles=True)
        stored = configuration.of_store(home, settings)
    else:
        home = None
        pool = url_pool(settings.redis_url.value, name=client)
        database = Database(pool, where=address(settings.redis_url.value), settles=False)
        stored = StoreConfiguration(models=settings.models)
    queue_url = settings.queue_redis_url
    queue_pool = pool if queue_url is None else url_pool(queue_url.value, name=client)
    queue = ArqQueue(queue_pool, where=database.where if queue_url is None else address(queue_url.value))
    try:
        if home is None:
            for problem in await index.check_server(database):
                log.warning("Redis: %s", problem)
        for difference in stored.differences(settings.models):
            log.warning("%s", difference)
        model = stored.models.embedding_model
        wanted = Identity(embedding_model=model, dim=LOCAL_DIM if model == LOCAL_MODEL else None)
        identity = await index.ensure(database, wanted)
        yield Store(
            settings=settings, home=home, database=database, queue=queue, configuration=stored, identity=identity
        )
    finally:
        await queue.close()
        await database.close()


def _ensure_again(home: Home) -> None:
    ensure(home, timeout=START_LIMIT)


def tiers(store: Store) -> tuple[WorkingMemory, LongTermStore]:
    """The two tiers of a store."""
    settings = store.settings
    working = WorkingMemory(store.database, timezone=settings.timezone, data_bytes=settings.limits.data_bytes)
    return working, LongTermStore(store.database, timezone=settings.timezone)


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncGenerator[MemoryService]:
    """The service over an open store, with its background worker called.

    Raises:
        Unavailable, InvalidInput: as `open_store`.
    """
    async with open_store(settings, name="face") as store:
        working, long_term = tiers(store)
        caller = WorkerCaller(store)
        vectors = QueryVectors(
            store.database,
            model=store.configuration.models.embedding_model,
            timeout=settings.query_vector_timeout,
            call_worker=store.start_worker,
        )

        async def state() -> dict[str, Any]:
            return await state_of(store)

        tier = Tiers(working=working, long_term=long_term, search=Search(store.database, vectors))
        rules = Rules(limits=settings.limits, timezone=settings.timezone, debounce=settings.extraction_debounce)
        caller.call()
        try:
            yield MemoryService(store.database, tier, store.queue, rules, state, caller.wake)
        finally:
            await caller.close()


class WorkerCaller:
    """Sees to it that a worker is there: at the start, and whenever something was written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None
        self._called_at = -CALL_EVERY.total_seconds()

    async def wake(self) -> None:
        """End a worker's sleep; start one if it is gone."""
        await self._store.database.commands(WAKE)
        self.call()

    def call(self) -> None:
        """Have the store's worker running, in this version; in the background, and not too often."""
        now = time.monotonic()
        if self._store.home is None or now - self._called_at < CALL_EVERY.total_seconds():
            return
        if self._task is None or self._task.done():
            self._called_at = now
            self._task = asyncio.create_task(self._call())

    async def _call(self) -> None:
        try:
            await self._store.start_worker()
            await self._store.replace_older_worker()
        except MemoryServerError as error:
            log.warning("background worker: %s", error)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


async def state_of(store: Store) -> dict[str, Any]:
    """How the store is: its Redis, workers, models. JSON-ready, without secrets."""
    workers = await alive(store.database)
    info = await index.index_info(store.database)
    models = store.configuration.models
    remote = [model for model in (models.embedding_model, models.generation_model) if model not in (None, LOCAL_MODEL)]
    return {
        "version": __version__,
        "store": store.database.where,
        "embedded": store.home is not None,
        "embedding_model": models.embedding_model,
        "generation_model": models.generation_model,
        "text_is_sent_to": remote,
        "not_applied": store.configuration.differences(store.settings.models),
        "index_failures": int(info.get("hash_indexing_failures", 0)),
        "workers": [{**asdict(worker), "ready": worker.model is not None} for worker in workers],
    }
