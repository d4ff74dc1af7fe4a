"""The wire between faces and workers for embeddings: what is asked, what is answered, who is alive.

A face asks for one query's vector and waits on a list of its own; a worker pops requests before it looks at
what was written and still lacks a vector. Texts that were written need no request: the record itself says
`todo: embed`, and the wake list only ends the worker's sleep.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from secrets import token_hex

from mcp_memory.errors import Unavailable
from mcp_memory.storage import keys
from mcp_memory.storage.client import Command, Database, hash_fields

HEARTBEAT = timedelta(seconds=1)
"""How often a worker says that it lives."""
SILENCE = timedelta(seconds=4)
"""A worker unheard of for so long is not waited for: four beats, since a busy machine drops one or two."""

HOPELESS = timedelta(seconds=5)
"""For how long a worker that was called and did not come is not waited for again."""

WAKE: tuple[Command, ...] = (("LPUSH", keys.VECTOR_WAKE, 1), ("LTRIM", keys.VECTOR_WAKE, 0, 0))
"""Ends the sleep of a worker: there is something to embed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSign:
    """A worker's sign of life."""

    id: str
    version: str
    pid: int
    model: str | None
    """The embedding model it has loaded; None while it loads."""
    at_ms: int
    """Redis's clock."""
    backlog: int = 0
    problem: str | None = None
    """Why it cannot embed, in a line for people."""


@dataclass(frozen=True, slots=True)
class NoVector:
    """Why there is no vector: a few words for `note`."""

    reason: str


def server_ms(reply: tuple[int, int]) -> int:
    """The reply to TIME in milliseconds."""
    return int(reply[0]) * 1000 + int(reply[1]) // 1000


async def alive(database: Database) -> list[WorkerSign]:
    """The workers that gave a sign lately, newest version first."""
    clock, signs = await database.commands([("TIME",), ("HVALS", keys.WORKERS)])
    return _alive(signs, server_ms(clock))


def _alive(signs: list[bytes], now_ms: int) -> list[WorkerSign]:
    workers = [WorkerSign(**json.loads(sign)) for sign in signs]
    oldest = now_ms - int(SILENCE.total_seconds() * 1000)
    return sorted(
        (worker for worker in workers if worker.at_ms >= oldest), key=lambda worker: worker.version, reverse=True
    )


async def give_sign(database: Database, sign: WorkerSign) -> None:
    """Write a sign of life; forget those of workers that died long ago."""
    signs = hash_fields(await database.command("HGETALL", keys.WORKERS))
    dead = [worker for worker, raw in signs.items() if json.loads(raw)["at_ms"] < sign.at_ms - 60_000]
    commands: list[Command] = [("HSET", keys.WORKERS, sign.id, json.dumps(asdict(sign)))]
    if dead:
        commands.append(("HDEL", keys.WORKERS, *dead))
    await database.commands(commands)


class QueryVectors:
    """Vectors of queries, from the cache or from a worker."""

    def __init__(
        self, database: Database, *, model: str, timeout: timedelta, call_worker: Callable[[], Awaitable[bool]]
    ) -> None:
        """`call_worker` starts one where that is ours to do, and says whether one will come."""
        self._database = database
        self._model = model
        self._timeout = timeout
        self._call_worker = call_worker
        self._hopeless_until = 0.0

    async def vector(self, text: str) -> bytes | NoVector:
        """The vector of a query as float16 bytes; the reason if there is none within the time limit."""
        key = keys.query_vector_key(self._model, text)
        cached, clock, signs = await self._database.commands([("GET", key), ("TIME",), ("HVALS", keys.WORKERS)])
        if cached is not None:
            return cached
        workers = _alive(signs, server_ms(clock))
        if not workers and (time.monotonic() < self._hopeless_until or not await self._call_worker()):
            return NoVector("no worker is running")
        problem = next((worker.problem for worker in workers if worker.problem), None)
        if problem is not None:
            return NoVector(problem)
        return await self._ask(text, server_ms(clock), called=not workers)

    async def _ask(self, text: str, now_ms: int, *, called: bool) -> bytes | NoVector:
        seconds = self._timeout.total_seconds()
        request_id = token_hex(8)
        request = {"id": request_id, "text": text, "model": self._model, "until_ms": now_ms + int(seconds * 1000)}
        await self._database.commands(
            [
                ("RPUSH", keys.VECTOR_QUERIES, json.dumps(request)),
                # Requests that nobody answers in time are of no use to anybody later.
                ("EXPIRE", keys.VECTOR_QUERIES, max(1, int(seconds * 2))),
            ]
        )
        try:
            async with asyncio.timeout(seconds + 1), self._database.blocking() as pop:
                reply = await pop([keys.reply_key(request_id)], seconds)
        except TimeoutError:
            reply = None
        if reply is None and called:
            # It was called and did not come: one that cannot start must not delay every search.
            self._hopeless_until = time.monotonic() + HOPELESS.total_seconds()
        if reply is None:
            return NoVector("the embedding model is not ready yet")
        answer = reply[1]
        return answer[1:] if answer[:1] == b"v" else NoVector(answer[1:].decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRequest:
    """What a face asked."""

    id: str
    text: str
    model: str
    until_ms: int


def parse_request(raw: bytes) -> VectorRequest:
    return VectorRequest(**json.loads(raw))


async def answer(database: Database, request: VectorRequest, vector: bytes | Unavailable) -> None:
    """Put the vector, or the reason why there is none, where the face waits; keep the vector for next time."""
    reply = b"v" + vector if isinstance(vector, bytes) else b"e" + str(vector).encode()
    key = keys.reply_key(request.id)
    commands: list[Command] = [("RPUSH", key, reply), ("EXPIRE", key, 30)]
    if isinstance(vector, bytes):
        lifetime = int(keys.QUERY_VECTOR_LIFETIME.total_seconds())
        commands.append(("SET", keys.query_vector_key(request.model, request.text), vector, "EX", lifetime))
    await database.commands(commands)
