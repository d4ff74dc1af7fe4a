"""A worker from start to end: the store, the model, and the loops beside arq's."""

import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Any

from arq.connections import ArqRedis

from mcp_memory import __version__
from mcp_memory.app import START_LIMIT, Store, open_store, tiers
from mcp_memory.embedded import Home, ensure, running, stop_redis
from mcp_memory.errors import MemoryServerError
from mcp_memory.jobs import QUEUE_NAME
from mcp_memory.models.embed import Embedder, open_embedder
from mcp_memory.settings import Settings
from mcp_memory.storage import index, keys
from mcp_memory.storage.client import embedded_pool, url_pool
from mcp_memory.storage.queue import deserialize, serialize
from mcp_memory.storage.vectors import HEARTBEAT, WorkerSign, give_sign, server_ms
from worker.embedding import EmbedBehind, QueryLoop
from worker.extract import Extraction
from worker.idle import IdleWatch

log = logging.getLogger(__name__)

MODEL_RETRY = timedelta(seconds=5)
"""Between attempts to open a model that does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the jobs need."""

    store: Store
    extraction: Extraction


class Lifecycle:
    """Starts what a worker is made of, and ends it in the reverse order."""

    def __init__(self, settings: Settings, *, burst: bool = False) -> None:
        self._settings = settings
        self._burst = burst
        self._home = Home.at(settings.home) if settings.redis_url is None else None
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._sign = WorkerSign(id=token_hex(6), version=__version__, pid=os.getpid(), model=None, at_ms=0)
        self._behind: EmbedBehind | None = None
        self._problem: str | None = None
        self._leaves = False

    def arq_redis(self) -> ArqRedis:
        """arq's connection to the queue, which it opens in its own event loop."""
        name = f"worker:{os.getpid()}"
        url = self._settings.queue_redis_url or self._settings.redis_url
        if url is not None:
            pool = url_pool(url.value, name=name)
        else:
            home = self._home or Home.at(self._settings.home)
            endpoint = ensure(home, timeout=START_LIMIT)
            pool = embedded_pool(
                str(endpoint.socket),
                endpoint.password,
                ensure=lambda: _ensure_again(home),
                name=name,
            )
        return ArqRedis(
            pool_or_conn=pool, job_serializer=serialize, job_deserializer=deserialize, default_queue_name=QUEUE_NAME
        )

    async def start(self, ctx: dict[str, Any]) -> None:
        """arq's `on_startup`: open the store; the model loads while jobs run already."""
        store = await self._stack.enter_async_context(open_store(self._settings, name="worker"))
        os.environ.update({k: v for k, v in store.configuration.environment.items() if k not in os.environ})
        working, long_term = tiers(store)
        extraction = Extraction(working, long_term, timezone=self._settings.timezone)
        ctx["running"] = Running(store=store, extraction=extraction)
        self._spawn(self._signs(store))
        self._spawn(self._embed(store))
        if self._home is not None:
            self._spawn(self._leave_when_unused(store, self._home))

    async def stop(self, ctx: dict[str, Any]) -> None:
        """arq's `on_shutdown`: end the loops, say goodbye, and take an unused Redis along."""
        if self._burst:
            await self._embed_the_rest()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        running: Running | None = ctx.get("running")
        if running is not None:
            await running.store.database.command("HDEL", keys.WORKERS, self._sign.id)
        await self._stack.aclose()
        if self._leaves and self._home is not None:
            await asyncio.to_thread(_stop_redis_of, self._home)

    async def _embed_the_rest(self) -> None:
        """With `burst`: leave only when nothing waits for a vector, or the model cannot make any."""
        while self._behind is None and self._problem is None:
            await asyncio.sleep(0.05)
        behind = self._behind
        while behind is not None and behind.problem is None:
            taken = await behind.once()
            if behind.backlog == 0:
                return
            if not taken:
                await asyncio.sleep(0.05)  # the loop beside this one has them

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        task.add_done_callback(_end_with)
        self._tasks.append(task)

    async def _embed(self, store: Store) -> None:
        embedder = await self._embedder(store)
        self._behind = EmbedBehind(store.database, embedder)
        self._sign = _with(self._sign, model=embedder.model)
        await self._give_sign(store)
        await asyncio.gather(QueryLoop(store.database, embedder).run(), self._behind.run())

    async def _embedder(self, store: Store) -> Embedder:
        """The store's model, as soon as it can be had; the index knows its dimension then."""
        models = store.configuration.models
        while True:
            try:
                embedder = await open_embedder(
                    models.embedding_model, api_base=models.embedding_api_base, path=self._settings.model_path
                )
                self._stack.push_async_callback(embedder.close)
                await index.add_vectors(store.database, embedder.dim)
                self._problem = None
                return embedder
            except MemoryServerError as error:
                log.warning("embedding model %s: %s", models.embedding_model, error)
                self._problem = str(error)
                await asyncio.sleep(MODEL_RETRY.total_seconds())

    async def _signs(self, store: Store) -> None:
        while True:
            await self._give_sign(store)
            await asyncio.sleep(HEARTBEAT.total_seconds())

    async def _give_sign(self, store: Store) -> None:
        try:
            time = await store.database.command("TIME")
            behind = self._behind
            problem = self._problem or (behind.problem if behind else None)
            backlog = behind.backlog if behind else 0
            await give_sign(store.database, _with(self._sign, at_ms=server_ms(time), backlog=backlog, problem=problem))
        except MemoryServerError as error:
            log.warning("sign of life: %s", error)

    async def _leave_when_unused(self, store: Store, home: Home) -> None:
        timeout = self._settings.idle_timeout
        watch = IdleWatch(store.database, timeout=timeout)
        pause = min(5.0, max(0.2, timeout.total_seconds() / 10))
        while True:
            await asyncio.sleep(pause)
            try:
                if await watch.is_over():
                    break
            except MemoryServerError as error:
                log.warning("idle watch of %s: %s", home.root, error)
        self._leaves = True
        os.kill(os.getpid(), signal.SIGTERM)


def _with(sign: WorkerSign, **changes: Any) -> WorkerSign:
    return WorkerSign(**{**{name: getattr(sign, name) for name in WorkerSign.__dataclass_fields__}, **changes})


def _stop_redis_of(home: Home) -> None:
    endpoint = running(home)
    if endpoint is not None:
        stop_redis(endpoint)


def _ensure_again(home: Home) -> None:
    ensure(home, timeout=START_LIMIT)


def _end_with(task: asyncio.Task[None]) -> None:
    """A loop that ends by a defect takes the worker along: half a worker would look alive."""
    if task.cancelled() or task.exception() is None:
        return
    log.error("a loop of the worker failed", exc_info=task.exception())
    os.kill(os.getpid(), signal.SIGTERM)
