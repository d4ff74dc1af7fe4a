"""Extraction: what a session's mark has not passed becomes memories, then the mark moves."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from mcp_memory.errors import Forgotten
from mcp_memory.longterm.extract import Extracted, extract
from mcp_memory.longterm.store import LongTermStore
from mcp_memory.longterm.tombstones import is_replay, source_of
from mcp_memory.records import Message, NewMemory, Rejected, Scope
from mcp_memory.text import fingerprint
from mcp_memory.working.store import Unread, WorkingMemory

log = logging.getLogger(__name__)

TURNS = 100
"""Turns read at a time: each step is stored and marked before the next."""
CONTEXT = 4
"""Turns before them, for what they refer to."""
ITEMS = 100


class Extraction:
    """Learns from sessions, by rules."""

    def __init__(self, working: WorkingMemory, long_term: LongTermStore, *, timezone: tzinfo) -> None:
        self._working = working
        self._long_term = long_term
        self._timezone = timezone

    async def session(self, scope: Scope, session_id: str) -> int:
        """Read on to the end of the session; how many memories it gave.

        Stored before marked: a worker that dies in between is followed by one that finds the same words stored
        already, so that nothing is lost and nothing doubled.
        """
        learnt = 0
        while (unread := await self._working.unread(scope, session_id, limit=TURNS, context=CONTEXT)) is not None:
            found = extract(unread.messages, context=unread.context, tz=self._timezone)
            learnt += await self._store(scope, session_id, unread, found)
            await self._working.advance(scope, session_id, mark=unread.mark, end=unread.end)
        return learnt

    async def _store(self, scope: Scope, session_id: str, unread: Unread, found: Sequence[Extracted]) -> int:
        messages = {message.id: message for message in unread.messages}
        for start in range(0, len(found), ITEMS):
            batch = found[start : start + ITEMS]
            items = [_new_memory(item, session_id, messages[item.message_id]) for item in batch]
            outcomes = await self._remember(scope, items, said_again=False)
            again = [
                item
                for item, outcome in zip(items, outcomes, strict=True)
                if isinstance(outcome, Rejected)
                and outcome.code == Forgotten.code
                and await self._said_anew(scope, session_id, item, messages[item.message_ids[0]])
            ]
            if again:
                await self._remember(scope, again, said_again=True)
        return len(found)

    async def _remember(self, scope: Scope, items: Sequence[NewMemory], *, said_again: bool) -> list[object]:
        now = datetime.now(UTC)
        return list(await self._long_term.remember(scope, items, said_again=said_again, source="extraction", now=now))

    async def _said_anew(self, scope: Scope, session_id: str, item: NewMemory, message: Message) -> bool:
        wording = fingerprint(item.text)
        tombstone = await self._long_term.tombstone(scope, wording)
        if tombstone is None:
            return True
        same_words = fingerprint(message.content) == wording
        return not is_replay(source_of(session_id, message), tombstone, same_words=same_words)


def _new_memory(item: Extracted, session_id: str, message: Message) -> NewMemory:
    memory = item.memory
    return NewMemory(
        text=memory.text,
        memory_type=memory.memory_type,
        topics=memory.topics,
        entities=memory.entities,
        event_date=memory.event_date,
        metadata={**memory.metadata, "kind": item.kind},
        session_id=session_id,
        message_ids=(message.id,),
        author=message.name,
    )
