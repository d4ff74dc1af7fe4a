"""A store as lines: read page by page, so that any number of memories takes the same room."""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from mcp_memory.app import Store
from mcp_memory.longterm.store import hash_fields
from mcp_memory.longterm.tombstones import Tombstone
from mcp_memory.records import Message, Scope, message_memory_id, quoted
from mcp_memory.storage import filters
from mcp_memory.storage.client import Command, Database
from mcp_memory.storage.filters import Filter
from mcp_memory.storage.index import SEPARATOR, VECTOR
from mcp_memory.storage.keys import INDEX, ScopeKeys
from mcp_memory.storage.rows import read_memory, read_messages
from mcp_memory.transfer.lines import (
    FORMAT,
    VERSION,
    Header,
    MemoryLine,
    MemoryState,
    MessageLine,
    SessionLine,
    TombstoneLine,
    TombstoneSource,
    VersionState,
    from_ms,
)

PAGE = 500
"""Records read at once."""

COUNTER_PREFIX = "mem:n:{"
"""Every scope that holds anything has a counter, by which it is found."""


async def export_lines(store: Store, *, scope: Scope | None, vectors: bool) -> AsyncIterator[str]:
    """Everything in a scope (None: in every scope) as lines of JSON, without line ends; a header first.

    The same contents give the same lines in the same order.

    Args:
        store: an open store.
        scope: whose; None for all.
        vectors: with what the embedding model made of the texts (about 1 kB each), which an import into a store
            with the same model then need not make again.

    Raises:
        Unavailable: Redis does not answer.
    """
    yield Header(
        format=FORMAT,
        version=VERSION,
        exported_at=datetime.now(UTC),
        embedding_model=store.identity.embedding_model,
        dim=store.identity.dim,
        vectors=vectors,
    ).to_text()
    scopes = [scope] if scope is not None else await _scopes(store.database)
    for each in scopes:
        async for memory in Exporter(store.database, each, vectors=vectors).memories():
            yield memory.to_text()
        async for line in Exporter(store.database, each, vectors=vectors).sessions():
            yield line.to_text()
    # Last, so that reading a whole export back is not held up by what was forgotten on the way.
    for each in scopes:
        async for tombstone in Exporter(store.database, each, vectors=vectors).tombstones():
            yield tombstone.to_text()


async def _scopes(database: Database) -> list[Scope]:
    tags = set[str]()
    cursor = 0
    while True:
        cursor, found = await database.command("SCAN", cursor, "MATCH", COUNTER_PREFIX + "*}", "COUNT", 1_000)
        tags.update(key.decode().removeprefix(COUNTER_PREFIX).removesuffix("}") for key in found)
        if int(cursor) == 0:
            break
    names = (tag.partition("|") for tag in sorted(tags))
    return [Scope(namespace=unquote(namespace), user_id=unquote(user_id)) for namespace, _, user_id in names]


class Exporter:
    """One scope of a store as lines."""

    def __init__(self, database: Database, scope: Scope, *, vectors: bool) -> None:
        self._database = database
        self._scope = scope
        self._keys = ScopeKeys(scope)
        self._vectors = vectors

    async def memories(self) -> AsyncGenerator[MemoryLine]:
        """The memories with their versions, the oldest first."""
        condition = filters.for_lane("whole", self._scope).also("@kind:{semantic|episodic}")
        async for page in self._in_order(condition):
            replies = await self._database.commands([("HGETALL", key) for key in page])
            for key, fields in zip(page, map(hash_fields, replies), strict=True):
                if "doc" in fields:
                    yield await self._memory(key, fields)

    async def memory(self, memory_id: str) -> MemoryLine | None:
        """One memory with its versions; None if there is none."""
        key = self._keys.record(memory_id)
        fields = hash_fields(await self._database.command("HGETALL", key))
        return await self._memory(key, fields) if "doc" in fields else None

    async def _memory(self, key: str, fields: Mapping[str, bytes]) -> MemoryLine:
        version = int(fields["ver"])
        numbers = range(1, version)
        replies = await self._database.commands([("HGETALL", f"{key}@{number}") for number in numbers])
        history: list[VersionState] = []
        for number, old in zip(numbers, map(hash_fields, replies), strict=True):
            if "doc" not in old:
                continue
            state = await self._state(f"{key}@{number}", old)
            history.append(
                VersionState(
                    **_own(state),
                    until=from_ms(int(old["until"])),
                    reason=old.get("why", b"").decode(),
                    superseded_by=old.get("by", b"").decode() or None,
                )
            )
        return MemoryLine(
            namespace=self._scope.namespace,
            user_id=self._scope.user_id,
            id=fields["id"].decode(),
            **_own(await self._state(key, fields)),
            seen=int(fields.get("seen", 1)),
            version=version,
            order=int(fields["order"]),
            history=history,
        )

    async def _state(self, key: str, fields: Mapping[str, bytes]) -> MemoryState:
        memory = read_memory(fields)
        return MemoryState(
            text=memory.text,
            memory_type=memory.memory_type,  # pyright: ignore[reportArgumentType]
            topics=list(memory.topics),
            entities=list(memory.entities),
            event_date=memory.event_date,
            pinned=memory.pinned,
            metadata=dict(memory.metadata),
            session_id=memory.session_id,
            sources=[source for source in fields.get("src", b"").decode().split(SEPARATOR) if source],
            author=memory.author,
            source=memory.source,
            created_at=memory.created_at,
            updated_at=memory.updated_at,
            vectors=await self._vectors_of(key, fields),
        )

    async def _vectors_of(self, key: str, fields: Mapping[str, bytes]) -> list[str | None] | None:
        if not self._vectors:
            return None
        parts = range(1, int(fields.get("parts", 0)) + 1)
        rest = await self._database.commands([("HGET", f"{key}#{part}", VECTOR) for part in parts])
        every = [fields.get(VECTOR), *rest]
        return [base64.b64encode(vector).decode() if vector is not None else None for vector in every]

    async def sessions(self) -> AsyncGenerator[SessionLine | MessageLine]:
        """The sessions, the least recently active first, each followed by its messages."""
        async for page in self._in_order(filters.for_lane("session", self._scope)):
            for key in page:
                state, data = await self._session_state(key)
                if "id" not in state:
                    continue
                yield self._session(state, data)
                async for message in self._messages(state):
                    yield message

    async def _session_state(self, key: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
        state = hash_fields(await self._database.command("HGETALL", key))
        keys = self._keys.session(state.get("id", b"").decode())
        return state, hash_fields(await self._database.command("HGETALL", keys.data))

    def _session(self, state: Mapping[str, bytes], data: Mapping[str, bytes]) -> SessionLine:
        return SessionLine(
            namespace=self._scope.namespace,
            user_id=self._scope.user_id,
            session_id=state["id"].decode(),
            created_at=from_ms(int(state["created"])),
            active_at=from_ms(int(state["active"])),
            strategy=state["strategy"].decode(),  # pyright: ignore[reportArgumentType]
            strategy_config=json.loads(state.get("config", b"{}")),
            summary=state["summary"].decode() if "summary" in state else None,
            data={name: json.loads(data[name]) for name in sorted(data)},
            expires_at=from_ms(int(state["expires"])) if "expires" in state else None,
            version=int(state["v"]),
            order=int(state["order"]),
        )

    async def _messages(self, state: Mapping[str, bytes]) -> AsyncGenerator[MessageLine]:
        session_id, count, mark = state["id"].decode(), int(state["count"]), int(state["mark"])
        keys = self._keys.session(session_id)
        for start in range(0, count, PAGE):
            rows = await self._database.command("LRANGE", keys.log, start, min(start + PAGE, count) - 1)
            messages = read_messages(rows)
            reads: list[Command] = []
            for message in messages:
                record = self._keys.record(message_memory_id(session_id, message.id))
                reads += [("HGET", keys.ids, quoted(message.id)), ("HMGET", record, "rec", "order", "parts", VECTOR)]
            replies = await self._database.commands(reads)
            for place, message in enumerate(messages):
                found = replies[2 * place : 2 * place + 2]
                yield await self._message(session_id, message, found, extracted=start + place < mark)

    async def _message(
        self, session_id: str, message: Message, found: Sequence[Any], *, extracted: bool
    ) -> MessageLine:
        place: bytes | None = found[0]
        row: list[bytes | None] = found[1]
        recorded, order, parts, vector = row
        hidden = place is None or place.startswith(b"h")
        searchable = not hidden and recorded is not None
        vectors = None
        if searchable:
            key = self._keys.record(message_memory_id(session_id, message.id))
            fields = {"parts": parts or b"0"} | ({VECTOR: vector} if vector is not None else {})
            vectors = await self._vectors_of(key, fields)
        return MessageLine(
            namespace=self._scope.namespace,
            user_id=self._scope.user_id,
            session_id=session_id,
            id=message.id,
            role=message.role,
            name=message.name,
            content=message.content,
            created_at=message.created_at,
            recorded_at=from_ms(int(recorded)) if searchable and recorded else None,
            order=int(order) if searchable and order else None,
            hidden=hidden,
            extracted=extracted,
            vectors=vectors,
        )

    async def tombstones(self) -> AsyncGenerator[TombstoneLine]:
        """What was forgotten, by its fingerprint; then what of it was said anew."""
        for lifted, key in ((False, self._keys.tombstones), (True, self._keys.lifted)):
            names: list[bytes] = sorted(await self._database.command("HKEYS", key))
            for start in range(0, len(names), PAGE):
                page = names[start : start + PAGE]
                rows = await self._database.command("HMGET", key, *page)
                for name, row in zip(page, rows, strict=True):
                    if row is not None:
                        yield self._tombstone(name.decode(), Tombstone.from_json(row), lifted=lifted)

    def _tombstone(self, fingerprint: str, tombstone: Tombstone, *, lifted: bool) -> TombstoneLine:
        sources = [
            TombstoneSource(
                session_id=source.session_id,
                message_id=source.message_id,
                role=source.role,
                at=from_ms(source.at_ms),
            )
            for source in tombstone.sources
        ]
        return TombstoneLine(
            namespace=self._scope.namespace,
            user_id=self._scope.user_id,
            fingerprint=fingerprint,
            forgotten_at=from_ms(tombstone.at_ms),
            lifted=lifted,
            sources=sources,
        )

    async def _in_order(self, condition: Filter) -> AsyncGenerator[list[str]]:
        """The keys of all records that match, by creation, in pages."""
        low: int | None = None
        while found := await self._page(condition, low):
            low = found[-1][1]
            # Many may share the last place of a page, and more of them may be beyond it.
            (reply,) = await self._database.search([_between(condition, low, low, limit=1_000_000)])
            same = sorted(key for key, _ in _orders(reply))
            yield list(dict.fromkeys([key for key, order in found if order < low] + same))

    async def _page(self, condition: Filter, low: int | None) -> list[tuple[str, int]]:
        """The next records by creation; those that expired but are still listed are passed over."""
        offset = 0
        while True:
            (reply,) = await self._database.search([_between(condition, low, None, limit=PAGE, offset=offset)])
            found = _orders(reply)
            if found or len(reply) == 1:
                return found
            offset += PAGE


def _between(condition: Filter, low: int | None, high: int | None, *, limit: int, offset: int = 0) -> Command:
    """Records by creation: after `low`, or where both ends are the same exactly there."""
    start = "-inf" if low is None else f"{'' if low == high else '('}{low}"
    text = f"{condition.text} @order:[{start} {'+inf' if high is None else high}]"
    return (
        *("FT.SEARCH", INDEX, text, "SORTBY", "order", "ASC", "RETURN", 1, "order"),
        *("LIMIT", offset, limit, *condition.arguments()),
    )


def _orders(reply: Sequence[object]) -> list[tuple[str, int]]:
    rows = [(key, int(fields["order"])) for key, fields in filters.rows(reply)[1] if "order" in fields]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _own(state: MemoryState) -> dict[str, Any]:
    """The fields of a state, to make a larger one of."""
    return {name: getattr(state, name) for name in MemoryState.model_fields}
