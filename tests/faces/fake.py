"""A memory service in dictionaries: small, honest about the contract, without Redis."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp_memory.errors import MemoryServerError, NotFound
from mcp_memory.ids import new_id
from mcp_memory.records import (
    Appended,
    Duplicate,
    Hit,
    Memory,
    Message,
    NewMemory,
    Outcome,
    Page,
    Preview,
    Query,
    Rejected,
    Scope,
    Session,
    Stored,
    Strategy,
    Version,
)
from mcp_memory.service import Change, Context, MemoryService
from mcp_memory.working.store import SessionInfo


class FakeService(MemoryService):
    """Keeps memories and sessions by scope; records what it was asked."""

    def __init__(self) -> None:
        self.memories: dict[tuple[Scope, str], Memory] = {}
        self.versions: dict[tuple[Scope, str], list[Version]] = {}
        self.turns: dict[tuple[Scope, str], list[Message]] = {}
        self.previews: dict[str, list[str]] = {}
        self.queries: list[Query] = []
        self.calls: list[tuple[str, Any]] = []
        self.fail: Exception | None = None
        self.listeners: list[asyncio.Queue[Change]] = []

    def _called(self, name: str, what: Any = None) -> None:
        self.calls.append((name, what))
        if self.fail is not None:
            raise self.fail

    def tell(self, scope: Scope, kind: str, changed: str) -> None:
        for listener in self.listeners:
            listener.put_nowait(Change(scope=scope, kind=kind, id=changed))

    def _of(self, scope: Scope) -> list[Memory]:
        return [memory for (owner, _), memory in self.memories.items() if owner == scope]

    async def remember(
        self,
        scope: Scope,
        items: Sequence[NewMemory | Rejected],
        *,
        said_again: bool = False,
        source: str = "remember",
    ) -> list[Outcome]:
        self._called("remember", items)
        return [item if isinstance(item, Rejected) else self._store(scope, item) for item in items]

    def _store(self, scope: Scope, item: NewMemory) -> Outcome:
        same = next((memory for memory in self._of(scope) if memory.text == item.text), None)
        if same is not None:
            return Duplicate(id=same.id, reason="the same words")
        now = datetime.now(UTC)
        memory = Memory(
            id=item.id or new_id(),
            text=item.text,
            memory_type=item.memory_type,
            created_at=now,
            updated_at=now,
            topics=item.topics,
            entities=item.entities,
            event_date=item.event_date,
            pinned=item.pinned,
            metadata=item.metadata,
            session_id=item.session_id,
        )
        self.memories[scope, memory.id] = memory
        self.tell(scope, "memory", memory.id)
        return Stored(id=memory.id)

    async def recall(self, query: Query) -> Page:
        self.queries.append(query)
        self._called("recall", query)
        words = query.text.lower().split()
        found = [memory for memory in self._of(query.scope) if all(word in memory.text.lower() for word in words)]
        hits = tuple(
            Hit(memory=memory, score=0.5 if words else None, why="words" if words else "newest", text=memory.text)
            for memory in found[: query.limit]
        )
        return Page(hits=hits, total=len(found), note=None if found else "nothing relevant")

    async def get_memory(self, scope: Scope, memory_id: str) -> Memory:
        self._called("get_memory", memory_id)
        if (scope, memory_id) not in self.memories:
            raise NotFound(f"id={memory_id!r}: no such memory in this scope; recall gives ids")
        return self.memories[scope, memory_id]

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        await self.get_memory(scope, memory_id)
        return self.versions.get((scope, memory_id), [])

    async def edit_memory(self, scope: Scope, memory_id: str, changes: Mapping[str, Any]) -> Memory:
        old = await self.get_memory(scope, memory_id)
        empty: dict[str, Any] = {"topics": (), "entities": (), "metadata": {}, "pinned": False}
        values = {name: empty.get(name) if value is None else value for name, value in changes.items()}
        now = datetime.now(UTC)
        self.versions.setdefault((scope, memory_id), []).append(Version(memory=old, until=now, reason="edited"))
        self.memories[scope, memory_id] = replace(old, **values, updated_at=now, version=old.version + 1)
        self.tell(scope, "memory", memory_id)
        return self.memories[scope, memory_id]

    async def forget(self, scope: Scope, ids: Sequence[str]) -> list[str]:
        for memory_id in ids:
            await self.get_memory(scope, memory_id)
        for memory_id in ids:
            del self.memories[scope, memory_id]
            self.tell(scope, "memory", memory_id)
        return list(ids)

    async def preview_forget(self, scope: Scope, *, text: str | None = None, session_id: str | None = None) -> Preview:
        self._called("preview_forget", (text, session_id))
        page = await self.recall(Query(scope=scope, text=text or "", limit=50))
        token = new_id()
        self.previews[token] = [hit.memory.id for hit in page.hits]
        return Preview(confirm=token, hits=tuple(hit.memory for hit in page.hits), total=page.total)

    async def read_preview(self, scope: Scope, confirm: str) -> Preview:
        self._called("read_preview", confirm)
        if confirm not in self.previews:
            raise NotFound(f"confirm={confirm[:40]!r}: no such preview, or its time is over; preview again")
        memories = tuple(self.memories[scope, memory_id] for memory_id in self.previews[confirm])
        return Preview(confirm=confirm, hits=memories, total=len(memories))

    async def confirm_forget(self, scope: Scope, confirm: str) -> list[str]:
        await self.read_preview(scope, confirm)
        return await self.forget(scope, self.previews.pop(confirm))

    async def append_to_session(
        self,
        scope: Scope,
        session_id: str,
        messages: Sequence[Message],
        *,
        data: Mapping[str, Any] | None = None,
        ttl: timedelta | None = None,
        strategy: Strategy | None = None,
        strategy_config: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> Appended:
        self._called("append_to_session", (messages, data, ttl, strategy, strategy_config))
        turns = self.turns.setdefault((scope, session_id), [])
        turns.extend(messages)
        self.tell(scope, "session", session_id)
        return Appended(
            session_id=session_id,
            message_ids=tuple(message.id for message in messages),
            message_count=len(turns),
            extraction="off" if strategy == "off" else "queued",
            version=len(turns),
        )

    async def get_session(
        self,
        scope: Scope,
        session_id: str,
        *,
        limit: int = 20,
        max_tokens: int | None = None,
        cursor: str | None = None,
    ) -> Session:
        self._called("get_session", (session_id, limit, max_tokens, cursor))
        turns = self.turns.get((scope, session_id), [])
        return Session(
            session_id=session_id,
            exists=(scope, session_id) in self.turns,
            messages=tuple(turns[-limit:]),
            message_count=len(turns),
        )

    async def profile(self, scope: Scope, *, max_tokens: int = 1000) -> list[Memory]:
        self._called("profile", max_tokens)
        return [memory for memory in self._of(scope) if memory.pinned]

    async def get_context(
        self, scope: Scope, *, query: str = "", session_id: str | None = None, max_tokens: int = 2000
    ) -> Context:
        self._called("get_context", (query, session_id, max_tokens))
        page = await self.recall(Query(scope=scope, text=query))
        lines = [f"- {hit.text}" for hit in page.hits]
        block = "\n".join(["<memory>", *lines, "</memory>"]) if lines else ""
        return Context(context=block, memory_ids=tuple(hit.memory.id for hit in page.hits), tokens=len(block) // 4)

    async def sessions(self, scope: Scope, *, limit: int = 50, prefix: str = "") -> list[SessionInfo]:
        self._called("sessions", prefix)
        return [
            SessionInfo(session_id=name, message_count=len(turns), last_active=datetime(2026, 3, 1, tzinfo=UTC))
            for (owner, name), turns in self.turns.items()
            if owner == scope and name.startswith(prefix)
        ][:limit]

    async def topics(self, scope: Scope, *, limit: int = 50, prefix: str = "") -> list[str]:
        self._called("topics", prefix)
        every = dict.fromkeys(topic for memory in self._of(scope) for topic in memory.topics)
        return [topic for topic in every if topic.startswith(prefix)][:limit]

    async def stats(self, scope: Scope) -> dict[str, Any]:
        self._called("stats")
        return {"memories": len(self._of(scope))}

    @asynccontextmanager
    async def changes(self, scope: Scope) -> AsyncGenerator[AsyncIterator[Change]]:
        self._called("changes")
        queue: asyncio.Queue[Change] = asyncio.Queue()

        async def heard() -> AsyncIterator[Change]:
            while True:
                change = await queue.get()
                if change.scope == scope:
                    yield change

        self.listeners.append(queue)
        try:
            yield heard()
        finally:
            self.listeners.remove(queue)


class SleepyService(FakeService):
    """Never answers a recall of `sleep`, and takes its time for one of `nap`."""

    async def recall(self, query: Query) -> Page:
        await asyncio.sleep({"sleep": 3_600.0, "nap": 0.2}.get(query.text, 0))
        return await super().recall(query)


class FakeServices:
    """Hands out one service that is always open."""

    def __init__(self, service: MemoryService | None = None, *, error: MemoryServerError | None = None) -> None:
        self.service = service or FakeService()
        self.error = error
        self.users = 0

    async def get(self) -> MemoryService:
        if self.error is not None:
            raise self.error
        return self.service

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[None]:
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1
