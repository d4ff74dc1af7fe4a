"""How long `recall` takes over stdio with questions that no cache knows, and where the time goes.

Three things are measured in turns, in the same run and on the same store: the whole, through a real client; the
product's own search in this process, with a clock on every round trip to Redis and on every wait for a vector; and
an echo over the bare SDK. `embedding` is the wait for the vector, `Redis` what of the round trips does not fall
into that wait, and `rest` is the whole without the two: our Python and the SDK's.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client

from benchmarks import homes, mcp_client
from benchmarks.filling import fill
from benchmarks.report import Report, Table, command, finish, p50, p99
from benchmarks.texts import Texts
from mcp_memory.app import Store, open_store
from mcp_memory.longterm.search import Search, Vectors
from mcp_memory.records import Query, Scope
from mcp_memory.storage.client import Command, Database
from mcp_memory.storage.vectors import NoVector, QueryVectors

SIZES = (1_000, 10_000, 100_000)
QUICK_SIZES = (200, 1_000)
SCOPES = (1, 100)
QUESTIONS = 300
ROUND = 20
WARM_UP = 10


@dataclass(slots=True)
class Clock:
    """When something was waited for."""

    redis: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    vector: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])

    def read(self) -> tuple[float, float]:
        """Seconds of waiting for the vector, and of the time when only Redis was waited for; then start anew."""
        embedding = _covered(self.vector)
        redis = _covered([*self.vector, *self.redis]) - embedding
        self.redis.clear()
        self.vector.clear()
        return embedding, redis


class TimedDatabase(Database):
    """The product's connection with a clock on its round trips."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database.pool, where=database.where, settles=False)
        self._clock = clock

    async def commands(self, commands: Sequence[Command]) -> list[Any]:
        started = time.perf_counter()
        try:
            return await super().commands(commands)
        finally:
            self._clock.redis.append((started, time.perf_counter()))


@dataclass(frozen=True, slots=True)
class TimedVectors:
    """The product's way to a vector with a clock on it."""

    vectors: Vectors
    clock: Clock

    async def vector(self, text: str) -> bytes | NoVector:
        started = time.perf_counter()
        try:
            return await self.vectors.vector(text)
        finally:
            self.clock.vector.append((started, time.perf_counter()))


@dataclass(slots=True)
class Times:
    """Milliseconds, one a question."""

    whole: list[float] = field(default_factory=list[float])
    embedding: list[float] = field(default_factory=list[float])
    redis: list[float] = field(default_factory=list[float])
    search: list[float] = field(default_factory=list[float])
    """What the search itself costs in Python, in process."""
    echo: list[float] = field(default_factory=list[float])

    @property
    def rest(self) -> float:
        """Of the medians: the parts are measured one after another, not inside one another."""
        return p50(self.whole) - p50(self.embedding) - p50(self.redis)

    def to_json(self) -> dict[str, float]:
        parts = {name: getattr(self, name) for name in ("whole", "embedding", "redis", "search", "echo")}
        numbers = {f"{name}_p50_ms": p50(values) for name, values in parts.items()}
        numbers |= {f"{name}_p99_ms": p99(values) for name, values in parts.items()}
        return {name: round(value, 3) for name, value in (numbers | {"rest_p50_ms": self.rest}).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one measurement needs."""

    client: Client
    echo: Client
    search: Search
    clock: Clock
    texts: Texts
    scopes: Sequence[Scope]

    async def measure(self, count: int) -> Times:
        """Ask so many questions each way, in rounds."""
        times = Times()
        await self._round(Times(), WARM_UP)
        for _ in range(0, count, ROUND):
            await self._round(times, min(ROUND, count))
        return times

    async def _round(self, times: Times, count: int) -> None:
        for number, question in enumerate(self.texts.questions(count)):
            scope = self.scopes[number * 7 % len(self.scopes)]
            started = time.perf_counter()
            page = await mcp_client.call(self.client, "recall", query=question, user_id=scope.user_id)
            times.whole.append(_ms(started))
            if "words only" in (page.get("note") or ""):
                raise mcp_client.ToolFailed(f"recall: {page['note']}")
        for number, question in enumerate(self.texts.questions(count)):
            scope = self.scopes[number * 7 % len(self.scopes)]
            started = time.perf_counter()
            await self.search.recall(Query(scope=scope, text=question))
            whole = _ms(started)
            embedding, redis = (1000 * seconds for seconds in self.clock.read())
            times.embedding.append(embedding)
            times.redis.append(redis)
            times.search.append(whole - embedding - redis)
        for question in self.texts.questions(count):
            started = time.perf_counter()
            await mcp_client.call(self.echo, "echo", text=question)
            times.echo.append(_ms(started))


async def run(options: argparse.Namespace) -> Report:
    """Grow one store with one scope and one with a hundred, and ask at each size."""
    report = Report(name="recall", title="Recall over stdio, questions not in the cache")
    results: dict[str, dict[str, float]] = {}
    for count in SCOPES:
        with homes.temporary_home() as home:
            async for size, times in _grown(report, options, home, [Scope(user_id=f"u{i}") for i in range(count)]):
                results[f"{size} in {count}"] = times.to_json()
    report.data = results
    columns = ["memories", "scopes", "whole p50", "p99", "embedding p50", "p99", "Redis p50", "p99", "rest p50"]
    columns += ["of it: SDK echo p50", "search in Python p50"]
    rows = [[*map(int, name.split(" in ")), *_cells(times)] for name, times in results.items()]
    report.tables = [Table(title="Milliseconds; limit 8, mode auto", columns=columns, rows=rows)]
    for name, times in results.items():
        report.goal(f"rest p50, {name} scopes", most=2, got=times["rest_p50_ms"], unit=" ms")
    if (ten := results.get("10000 in 1")) is not None:
        report.goal("whole p50, 10000 in one scope", most=8, got=ten["whole_p50_ms"], unit=" ms")
    return report


def _cells(times: dict[str, float]) -> list[float]:
    names = ("whole_p50", "whole_p99", "embedding_p50", "embedding_p99", "redis_p50", "redis_p99", "rest_p50")
    return [times[f"{name}_ms"] for name in (*names, "echo_p50", "search_p50")]


async def _grown(
    report: Report, options: argparse.Namespace, home: Path, scopes: Sequence[Scope]
) -> AsyncGenerator[tuple[int, Times]]:
    """The store filled to each size in turn, and the times there."""
    texts, clock = Texts(seed=11), Clock()
    filled = 0
    async with (
        open_store(homes.settings(home), name="face:benchmark") as store,
        mcp_client.connected(home) as client,
        mcp_client.connected(home, server=mcp_client.ECHO_SERVER) as echo,
    ):
        await store.start_worker()
        bench = Bench(client=client, echo=echo, search=_timed(store, clock), clock=clock, texts=texts, scopes=scopes)
        for size in options.sizes or (QUICK_SIZES if options.quick else SIZES):
            filled += await fill(store.database, scopes, texts.memories(size - filled), seed=size)
            await _model_ready(client, texts)
            report.quiet(options.wait)
            yield size, await bench.measure(options.questions)


def _timed(store: Store, clock: Clock) -> Search:
    """The product's search over the same store, with clocks; the worker gives its vectors."""
    settings = store.settings

    async def no_worker() -> bool:
        return True

    vectors = QueryVectors(
        store.database,
        model=store.configuration.models.embedding_model,
        timeout=settings.query_vector_timeout,
        call_worker=no_worker,
    )
    return Search(TimedDatabase(store.database, clock), TimedVectors(vectors, clock))


async def _model_ready(client: Client, texts: Texts) -> None:
    """Ask until an answer no longer says that it is by words only.

    Raises:
        TimeoutError: no model within half a minute.
    """
    for _ in range(60):
        (question,) = texts.questions(1)
        page = await mcp_client.call(client, "recall", query=question)
        if "words only" not in (page.get("note") or ""):
            return
        await asyncio.sleep(0.5)
    raise TimeoutError("the worker has no embedding model after half a minute")


def _covered(stretches: Sequence[tuple[float, float]]) -> float:
    """Seconds that at least one of the stretches covers."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(stretches):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _ms(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = command(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="memories in the store (default 1000 10000 100000)")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help=f"at each size (default {QUESTIONS})")
    return parser


if __name__ == "__main__":
    finish(run, arguments().parse_args())
