"""One connection to Redis, and the only place where its errors become ours."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from mcp_memory.errors import Internal, Unavailable

Value: TypeAlias = str | bytes | int | float
Command: TypeAlias = tuple[Value, ...]

CLIENT_NAME = "mcp-memory"
"""Opens the name of every connection of ours, by which the idle watch tells that somebody is there."""

SOCKET_TIMEOUT = timedelta(seconds=20)
"""Longer than the search limit, so that a slow query is an error of Redis and not a cut line."""
LOADINGS = 3
"""How often scripts are loaded anew: a Redis that is killed after the loading has lost them again."""

SEARCH_LIMIT = timedelta(seconds=5)
"""After this long RediSearch gives up. Where its policy is RETURN the answer is then empty, so that an
answer which took as long is refused as well."""


class Ensure(Protocol):
    """Brings up what a connection needs; blocking, so it runs in a thread."""

    def __call__(self) -> None: ...


class EmbeddedConnection(UnixDomainSocketConnection):
    """A connection to the store's own Redis, which is started again when it is not there."""

    def __init__(self, *, ensure: Ensure, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]
        self._ensure = ensure

    async def connect(self) -> None:
        try:
            await super().connect()
        except (ConnectionError, OSError):
            await asyncio.to_thread(self._ensure)
            await super().connect()


def embedded_pool(socket: str, password: str, *, ensure: Ensure, name: str) -> ConnectionPool:
    """Connections to the embedded Redis."""
    return ConnectionPool(
        connection_class=EmbeddedConnection,
        path=socket,
        password=password,
        ensure=ensure,
        **_options(name),
    )


def url_pool(url: str, *, name: str) -> ConnectionPool:
    """Connections to a Redis of the user's."""
    return ConnectionPool.from_url(url, **_options(name))  # pyright: ignore[reportUnknownMemberType]


def _options(name: str) -> dict[str, Any]:
    return {
        "protocol": 2,  # raw FT replies keep one shape, and parse faster
        "client_name": f"{CLIENT_NAME}:{name}",
        "socket_timeout": SOCKET_TIMEOUT.total_seconds(),
        "socket_connect_timeout": SOCKET_TIMEOUT.total_seconds(),
        # Every write is safe to repeat: ids, fingerprints and versions decide, not the number of calls.
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=4),
        "retry_on_error": [ConnectionError, BusyLoadingError],
        "health_check_interval": 0,
    }


def address(url: str) -> str:
    """Where a URL leads, without its user, password or query."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


Pop: TypeAlias = Callable[[Sequence[str], float], Awaitable[tuple[bytes, bytes] | None]]
"""Pops from the first of some lists that has something, as (key, value); None after so many seconds."""


def hash_fields(reply: Any) -> dict[str, bytes]:
    """The reply to HGETALL, whichever of its two shapes the client gave it."""
    flat = cast(Sequence[bytes] | Mapping[bytes, bytes], reply)
    pairs = flat.items() if isinstance(flat, Mapping) else zip(flat[::2], flat[1::2], strict=True)
    return {name.decode(): value for name, value in pairs}


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script; its text is loaded where Redis does not know it."""

    body: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.body.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """A script with what it is given."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Value]


class Database:
    """Redis as the tiers use it. Raises `Unavailable` when it does not answer, `Internal` when it refuses."""

    def __init__(self, pool: ConnectionPool, *, where: str, settles: bool) -> None:
        """`where` is shown to people; `settles` waits until a write has left Redis's own memory."""
        self._pool = pool
        self._redis = Redis(connection_pool=pool)
        self.where = where
        self._settles = settles

    @property
    def pool(self) -> ConnectionPool:
        """For the queue, which brings its own client."""
        return self._pool

    async def close(self) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()

    async def command(self, *command: Value) -> Any:
        """The reply to one command."""
        with self._translated():
            return await cast(Awaitable[Any], self._redis.execute_command(*command))  # pyright: ignore[reportUnknownMemberType]

    async def commands(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to several commands sent as one; an error among them is raised."""
        if not commands:
            return []
        with self._translated():
            pipe = self._redis.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)  # pyright: ignore[reportUnknownMemberType]
            return await pipe.execute()

    async def search(self, searches: Sequence[Command]) -> list[Any]:
        """The replies to several `FT.*` commands sent as one.

        Raises:
            Unavailable: a search ran into its time limit; an empty answer would be a wrong one.
        """
        started = time.monotonic()
        replies = await self.commands(searches)
        if time.monotonic() - started >= SEARCH_LIMIT.total_seconds():
            raise Unavailable(
                f"a search took longer than {SEARCH_LIMIT.seconds} s; narrow it by a filter, or try again"
            )
        return replies

    async def run(self, calls: Sequence[Call]) -> list[Any]:
        """Run scripts in one round trip, in order, and answer once what they wrote is safe from a killed Redis."""
        replies = await self._evaluate(calls)
        for _ in range(LOADINGS):
            unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if not unknown:
                break
            bodies = {calls[index].script.body for index in unknown}
            await self.commands([("SCRIPT", "LOAD", body) for body in bodies])
            again = await self._evaluate([calls[index] for index in unknown])
            for index, reply in zip(unknown, again, strict=True):
                replies[index] = reply
        with self._translated():
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        await self.settled()
        return replies

    async def _evaluate(self, calls: Sequence[Call]) -> list[Any]:
        with self._translated():
            pipe = self._redis.pipeline(transaction=False)
            for call in calls:
                pipe.execute_command("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args)  # pyright: ignore[reportUnknownMemberType]
            return await pipe.execute(raise_on_error=False)

    async def settled(self) -> None:
        """Wait until the kernel has every write made so far (guarantee 1).

        With `appendfsync everysec` Redis holds the log back, and answers all the same, while an fsync runs:
        for up to two seconds a SIGKILL could take what was acknowledged. Once the log's buffer has been
        written, nothing but a power cut can. Source: `flushAppendOnlyFile` in Redis's aof.c.
        """
        if not self._settles:
            return
        target: int | None = None
        while True:
            info = cast(Mapping[str, int], await self.command("INFO", "persistence"))
            size, waiting = info.get("aof_current_size", 0), info.get("aof_buffer_length", 0)
            if waiting == 0 or (target is not None and size >= target):
                return
            target = size + waiting if target is None or size + waiting < target else target
            await asyncio.sleep(0.002)

    @asynccontextmanager
    async def blocking(self) -> AsyncGenerator["Pop"]:
        """A connection of its own for a blocking pop: `await pop(keys, seconds)`, None when the time is over."""
        connection = await self._connection()

        async def pop(keys: Sequence[str], seconds: float) -> tuple[bytes, bytes] | None:
            await connection.send_command("BLPOP", *keys, seconds)
            reply: list[bytes] | None = await connection.read_response(timeout=seconds + SOCKET_TIMEOUT.total_seconds())
            return None if reply is None else (reply[0], reply[1])

        try:
            with self._translated():
                yield pop
        except BaseException:
            # An unread reply would be taken for the answer to the next command.
            await connection.disconnect()
            raise
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def subscription(self, channel: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        """What is published on a channel, until closed."""
        pubsub: Any = self._redis.pubsub()  # pyright: ignore[reportUnknownMemberType]

        async def messages() -> AsyncIterator[bytes]:
            while True:
                with self._translated():
                    message: dict[str, bytes] | None = await pubsub.get_message(
                        ignore_subscribe_messages=True, timeout=None
                    )
                if message is not None:
                    yield message["data"]

        try:
            with self._translated():
                await pubsub.subscribe(channel)
            yield messages()
        finally:
            await pubsub.aclose()

    async def _connection(self) -> Any:
        with self._translated():
            return await self._pool.get_connection()  # pyright: ignore[reportUnknownMemberType]

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise Unavailable(f"Redis at {self.where} refuses the password; check REDIS_URL") from error
        except (ConnectionError, TimeoutError, OSError) as error:
            if "WRONGPASS" in str(error) or "invalid username-password" in str(error) or "NOAUTH" in str(error):
                raise Unavailable(f"Redis at {self.where} refuses the password; check REDIS_URL") from error
            raise Unavailable(
                f"Redis at {self.where} does not answer; is it running? `mcp-memory doctor` tells more"
            ) from error
        except ResponseError as error:
            raise refused(error, self.where) from error
        except RedisError as error:
            raise Internal(f"Redis at {self.where}: {type(error).__name__}") from error


_NO_WRITES = ("OOM", "READONLY", "MISCONF", "NOPERM", "NOREPLICAS")


def refused(error: ResponseError, where: str) -> Unavailable | Internal:
    """What a refusal of Redis means to the caller."""
    text = str(error)
    if "Timeout limit" in text:
        return Unavailable("the search ran out of time; narrow it by a filter, or try again")
    if isinstance(error, (OutOfMemoryError, ReadOnlyError, NoPermissionError)) or text.startswith(_NO_WRITES):
        return Unavailable(f"Redis at {where} takes no writes ({text[:60]}); see `mcp-memory doctor`")
    if "no such index" in text.lower() or "unknown index" in text.lower():
        return Unavailable(
            f"the search index is missing on Redis at {where}; a server that starts makes it anew: restart this one"
        )
    return Internal(f"Redis at {where} refused a command: {text.split(':', maxsplit=1)[0][:80]}")
