"""Use cases: the only place where the two tiers meet. Every face calls this and nothing below it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from secrets import token_urlsafe
from typing import Any, TypeAlias

from mcp_memory.context import Block, Context, line
from mcp_memory.errors import Conflict, InvalidInput, NotFound
from mcp_memory.jobs import ExtractSession, JobQueue
from mcp_memory.longterm.search import Search
from mcp_memory.longterm.store import LongTermStore, unknown_id
from mcp_memory.longterm.tombstones import Source, Tombstone, is_replay, session_fingerprint, source_of
from mcp_memory.records import (
    Appended,
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
    Strategy,
    Version,
)
from mcp_memory.settings import Limits
from mcp_memory.storage.client import Database
from mcp_memory.storage.keys import changes_channel
from mcp_memory.text import estimate_tokens, fingerprint
from mcp_memory.working.store import ANEW, HIDDEN, WORDLESS, Append, Replayed, SessionInfo, WorkingMemory, parse_cursor

PREVIEWED = 50
"""The most memories that one preview shows, and that its token forgets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something changed in a scope, in this or another process."""

    scope: Scope
    kind: str
    """`memory` or `session`."""
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Where sessions and memories are, and what finds both."""

    working: WorkingMemory
    long_term: LongTermStore
    search: Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the process was told."""

    limits: Limits
    timezone: tzinfo
    debounce: timedelta
    """How long extraction waits for more turns."""


StateOfStore: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Wake: TypeAlias = Callable[[], Awaitable[None]]


class MemoryService:
    """What every face calls. Raises only `mcp_memory.errors.MemoryServerError`."""

    def __init__(
        self, database: Database, tiers: Tiers, queue: JobQueue, rules: Rules, state_of_store: StateOfStore, wake: Wake
    ) -> None:
        """`wake` sees to it that a worker looks at what was written; `state_of_store` is shown in `stats`."""
        self.limits = rules.limits
        self.timezone = rules.timezone
        self._debounce = rules.debounce
        self._database = database
        self._working = tiers.working
        self._long_term = tiers.long_term
        self._search = tiers.search
        self._queue = queue
        self._state_of_store = state_of_store
        self._wake = wake

    async def remember(
        self,
        scope: Scope,
        items: Sequence[NewMemory | Rejected],
        *,
        said_again: bool = False,
        source: str = "remember",
    ) -> list[Outcome]:
        """Store what is new; one outcome for each item, in order. Items that were rejected before stay so."""
        new = [item for item in items if isinstance(item, NewMemory)]
        stored = iter(await self._long_term.remember(scope, new, said_again=said_again, source=source, now=_now()))
        if new:
            await self._wake()
        return [next(stored) if isinstance(item, NewMemory) else item for item in items]

    async def recall(self, query: Query) -> Page:
        """What is known about the query, best first; without a query, the newest first."""
        return await self._search.recall(query)

    async def get_memory(self, scope: Scope, memory_id: str) -> Memory:
        """One memory or message. Raises NotFound."""
        return await self._long_term.get(scope, memory_id)

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        """Its earlier versions, oldest first. Raises NotFound."""
        return await self._long_term.history(scope, memory_id)

    async def edit_memory(self, scope: Scope, memory_id: str, changes: Mapping[str, Any]) -> Memory:
        """The memory with fields changed; None clears what can be empty.

        Args:
            scope: whose it is.
            memory_id: which.
            changes: of `text, memory_type, topics, entities, event_date, pinned, metadata, session_id`.

        Raises:
            NotFound, InvalidInput, Conflict, Forgotten.
        """
        cleared = {name: _EMPTY[name] if value is None else value for name, value in changes.items()}
        if not cleared:
            raise InvalidInput(
                f"nothing to change on id={memory_id[:80]!r}; give at least one of {', '.join(_EMPTY)}, text"
            )
        memory = await self._long_term.edit(scope, memory_id, cleared, now=_now())
        await self._wake()
        return memory

    async def forget(self, scope: Scope, ids: Sequence[str]) -> list[str]:
        """Forget these memories and messages.

        Raises:
            NotFound: some id does not exist; then nothing was forgotten.
        """
        wanted = list(dict.fromkeys(ids))
        known = {memory.id for memory in await self._long_term.read(scope, wanted)}
        for memory_id in wanted:
            if memory_id not in known:
                raise unknown_id(memory_id)
        for memory_id in wanted:
            # A message may be gone already, with a memory that came from it.
            with suppress(NotFound):
                await self._long_term.forget(scope, memory_id, now=_now())
        await self._wake()
        return wanted

    async def preview_forget(self, scope: Scope, *, text: str | None = None, session_id: str | None = None) -> Preview:
        """What forgetting by words, or by session, would take; the token in it forgets exactly that."""
        if session_id is None:
            return await self._preview_by_words(scope, text or "")
        return await self._preview_session(scope, session_id, text)

    async def _preview_by_words(self, scope: Scope, text: str) -> Preview:
        page = await self._search.recall(Query(scope=scope, text=text, limit=PREVIEWED))
        return await self._kept_preview(scope, [hit.memory for hit in page.hits], total=page.total)

    async def _preview_session(self, scope: Scope, session_id: str, text: str | None) -> Preview:
        query = Query(
            scope=scope, text=text or "", session_id=session_id, memory_type=("semantic", "episodic"), limit=PREVIEWED
        )
        page = await self._search.recall(query)
        memories = [hit.memory for hit in page.hits]
        if text:
            return await self._kept_preview(scope, memories, total=page.total)
        version, messages = await self._working.transcript(scope, session_id)
        session = {"session_id": session_id, "version": version, "messages": len(messages)} if version else None
        return await self._kept_preview(scope, memories, total=page.total, session=session)

    async def _kept_preview(
        self, scope: Scope, memories: Sequence[Memory], *, total: int, session: Mapping[str, Any] | None = None
    ) -> Preview:
        token = token_urlsafe(9)
        wordings = {memory.id: fingerprint(memory.text) for memory in memories}
        kept = {"ids": list(wordings), "wordings": wordings, "session": session, "total": total}
        if memories or session:
            await self._long_term.keep_preview(scope, token, kept)
        messages = int(session["messages"]) if session else 0
        return Preview(confirm=token, hits=tuple(memories), messages=messages, total=total)

    async def read_preview(self, scope: Scope, confirm: str) -> Preview:
        """What a token would forget, as far as it still exists. Raises NotFound when its time is over."""
        kept = await self._long_term.read_preview(scope, confirm)
        memories = await self._long_term.read(scope, kept["ids"])
        session: dict[str, Any] = kept["session"] or {"messages": 0}
        return Preview(confirm=confirm, hits=tuple(memories), messages=session["messages"], total=kept["total"])

    async def confirm_forget(self, scope: Scope, confirm: str) -> list[str]:
        """Forget exactly what was shown under the token; the ids that are gone, a session as `session:<id>`.

        Raises:
            NotFound: the token is unknown or its time is over. Conflict: the session changed since.
        """
        kept = await self._long_term.read_preview(scope, confirm)
        memories = await self._long_term.read(scope, kept["ids"])
        for memory in memories:
            if fingerprint(memory.text) != kept["wordings"][memory.id]:
                raise Conflict(f"memory {memory.id[:80]!r} says something else by now; preview again")
        forgotten: list[str] = []
        session = kept["session"]
        if session:
            await self._forget_session(scope, session["session_id"], expected_version=session["version"])
            forgotten.append(f"session:{session['session_id']}")
        left = [memory.id for memory in await self._long_term.read(scope, kept["ids"])]
        forgotten += await self.forget(scope, left)
        await self._long_term.drop_preview(scope, confirm)
        return forgotten

    async def _forget_session(self, scope: Scope, session_id: str, *, expected_version: int) -> None:
        now = _now()
        _, messages = await self._working.transcript(scope, session_id)
        words: dict[str, list[Source]] = {session_fingerprint(session_id): []}
        for message in messages:
            words.setdefault(fingerprint(message.content), []).append(source_of(session_id, message))
        tombstones = await self._long_term.tombstones(scope, words, now=now)
        await self._working.forget(scope, session_id, expected_version=expected_version, tombstones=tombstones)

    async def append_to_session(  # noqa: PLR0913 - the arguments of the tool
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
        """Add turns and data to a session and have them learnt from.

        A message that only replays what was forgotten goes to the transcript and nowhere else.
        Raises Conflict where `expected_version` is not the session's; TooLarge for its data.
        """
        append = Append(
            session_id=session_id,
            messages=messages,
            data=data or {},
            ttl=ttl,
            strategy=strategy,
            strategy_config=strategy_config,
            expected_version=expected_version,
        )
        now = _now()
        # A turn without words (of an assistant that only called tools) belongs to the transcript alone.
        modes = {place: WORDLESS for place, message in enumerate(messages) if not message.content.strip()}
        while isinstance(result := await self._working.append(scope, append, modes=modes, now=now), Replayed):
            for place, tombstone in result.tombstones.items():
                said = source_of(session_id, messages[place])
                replay = is_replay(said, Tombstone.from_json(tombstone), same_words=True)
                modes[place] = HIDDEN if replay else ANEW
        await self._wake()
        if result.extraction == "queued":
            await self._queue.put(ExtractSession(scope=scope, session_id=session_id), defer=self._debounce)
        return result

    async def get_session(
        self,
        scope: Scope,
        session_id: str,
        *,
        limit: int = 20,
        max_tokens: int | None = None,
        cursor: str | None = None,
    ) -> Session:
        """The newest turns, oldest first, with summary and data; an unknown session is empty and says so."""
        place = parse_cursor(cursor)
        return await self._working.read(scope, session_id, limit=limit, max_tokens=max_tokens, before=place)

    async def profile(self, scope: Scope, *, max_tokens: int = 1000) -> list[Memory]:
        """Pinned memories, then standing preferences and instructions, newest first, within the budget."""
        kept: list[Memory] = []
        spent = 0
        for memory in await self._search.standing(scope):
            spent += estimate_tokens(memory.text) + 4
            if spent > max_tokens:
                break
            kept.append(memory)
        return kept

    async def get_context(
        self, scope: Scope, *, query: str = "", session_id: str | None = None, max_tokens: int = 2000
    ) -> Context:
        """Standing preferences, the session's summary and newest turns, relevant memories: one fenced block."""
        standing = await self.profile(scope, max_tokens=max_tokens // 4)
        session = await self._working.read(scope, session_id, limit=20) if session_id else None
        page = await self._search.recall(Query(scope=scope, text=query, limit=20)) if query else None
        block = Block(max_tokens)
        block.section("What always holds", [(memory.id, line(memory)) for memory in standing])
        if session is not None and session.summary:
            block.section("This conversation so far", [(None, session.summary)])
        hits = page.hits if page else ()
        known = {memory.id for memory in standing}
        block.section(
            "Relevant memories", [(h.memory.id, line(h.memory, h.text)) for h in hits if h.memory.id not in known]
        )
        if session is not None:
            visible = await self._working.visible(scope, session.session_id, session.messages)
            turns = [(None, f"{turn.author}: {turn.content}") for turn in visible]
            block.section("Latest turns", block.newest_that_fit(turns))
        return block.finished()

    async def sessions(self, scope: Scope, *, limit: int = 50, prefix: str = "") -> list[SessionInfo]:
        """The sessions of the scope whose id begins so, the most recently active first."""
        found = await self._working.listed(scope, limit=limit if not prefix else 1_000)
        return [info for info in found if info.session_id.startswith(prefix)][:limit]

    async def topics(self, scope: Scope, *, limit: int = 50, prefix: str = "") -> list[str]:
        """The topics in use in the scope that begin so, the most used first."""
        return (await self._search.topics(scope, prefix=prefix))[:limit]

    async def stats(self, scope: Scope) -> dict[str, Any]:
        """How much there is in the scope, and how the store is; JSON-ready."""
        counts = await self._search.counts(scope)
        return {
            "scope": {"namespace": scope.namespace, "user_id": scope.user_id},
            **counts,
            **await self._state_of_store(),
        }

    @asynccontextmanager
    async def changes(self, scope: Scope) -> AsyncGenerator[AsyncIterator[Change]]:
        """What changes in the scope, in any process, from the moment this is entered until it is left."""
        async with self._database.subscription(changes_channel(scope)) as messages:
            yield _read_changes(scope, messages)


async def _read_changes(scope: Scope, messages: AsyncIterator[bytes]) -> AsyncIterator[Change]:
    async for data in messages:
        kind, _, changed = data.decode().partition("\x1f")
        yield Change(scope=scope, kind=kind, id=changed)


def _now() -> datetime:
    """The moment in whole milliseconds, which is what is kept of it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


_EMPTY: dict[str, Any] = {
    "memory_type": "semantic",
    "topics": (),
    "entities": (),
    "event_date": None,
    "pinned": False,
    "metadata": {},
    "session_id": None,
}
"""What None stands for, field by field. A text cannot be cleared: forget the memory instead."""
