"""Tier 2: lasting memories. Writing, reading, versions, forgetting; what may happen at once is in `lua.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from mcp_memory.errors import Conflict, Forgotten, InvalidInput, NotFound
from mcp_memory.ids import new_id
from mcp_memory.longterm.tombstones import Source, Tombstone, merged
from mcp_memory.records import (
    Duplicate,
    Memory,
    NewMemory,
    Outcome,
    Rejected,
    Scope,
    Stored,
    Superseded,
    Version,
    parse_message_memory_id,
    quoted,
)
from mcp_memory.storage import lua
from mcp_memory.storage.client import Call, Command, Database, Value, hash_fields
from mcp_memory.storage.filters import lane_tag, milliseconds
from mcp_memory.storage.index import SEPARATOR
from mcp_memory.storage.keys import PREVIEW_LIFETIME, ScopeKeys, record_name
from mcp_memory.storage.rows import memory_row, read_memory, source_ids

ATTEMPTS = 8
"""How often a change is tried when others change the same record at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """One memory on its way, with the version it expects to find."""

    memory: Memory
    expected: int
    said_again: bool
    reason: str


class LongTermStore:
    """The memories of every scope."""

    def __init__(self, database: Database, *, timezone: tzinfo) -> None:
        self._database = database
        self._timezone = timezone

    async def remember(
        self, scope: Scope, items: Sequence[NewMemory], *, said_again: bool, source: str, now: datetime
    ) -> list[Outcome]:
        """Store each item unless it is there already or was forgotten; the outcomes, in order.

        Each item is decided and written by one script: two callers that say the same at the same moment get
        one memory.
        """
        outcomes: list[Outcome | None] = [None] * len(items)
        for _ in range(ATTEMPTS):
            waiting = [place for place, outcome in enumerate(outcomes) if outcome is None]
            if not waiting:
                break
            known = await self._known(scope, [items[place].id for place in waiting])
            writes: dict[int, _Write] = {}
            for place in waiting:
                planned = self._planned(items[place], known, said_again=said_again, source=source, now=now)
                if isinstance(planned, _Write):
                    writes[place] = planned
                else:
                    outcomes[place] = planned
            replies = await self._put(scope, list(writes.values()), now=now)
            for (place, write), reply in zip(writes.items(), replies, strict=True):
                outcomes[place] = _outcome(write, reply)
        return [
            outcome or Rejected(code=Conflict.code, reason="others keep changing this id; try again")
            for outcome in outcomes
        ]

    async def _known(self, scope: Scope, ids: Sequence[str | None]) -> dict[str, Memory]:
        given = [memory_id for memory_id in dict.fromkeys(ids) if memory_id is not None]
        return {memory.id: memory for memory in await self.read(scope, given)}

    def _planned(
        self, item: NewMemory, known: Mapping[str, Memory], *, said_again: bool, source: str, now: datetime
    ) -> _Write | Duplicate | Rejected:
        if item.id is not None and parse_message_memory_id(item.id):
            reason = f"id={item.id[:80]!r} is the id of a message; give another id"
            return Rejected(code=InvalidInput.code, reason=reason, id=item.id)
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
            message_ids=item.message_ids,
            author=item.author,
            source=source,
        )
        old = known.get(memory.id)
        if old is not None:
            memory = _in_place_of(old, memory)
            if _says_the_same(old, memory):
                return Duplicate(id=old.id, reason="the same is stored already under this id")
        reason = "the same id was given again; the earlier wording is in its history"
        return _Write(memory=memory, expected=old.version if old else 0, said_again=said_again, reason=reason)

    async def _put(self, scope: Scope, writes: Sequence[_Write], *, now: datetime) -> list[list[bytes]]:
        return await self._database.run([self._call(scope, write, now=now) for write in writes])

    def _call(self, scope: Scope, write: _Write, *, now: datetime) -> Call:
        keys = ScopeKeys(scope)
        memory = write.memory
        row = memory_row(scope, memory, now=now, tz=self._timezone)
        args: list[Value] = [
            keys.record_prefix,
            record_name(memory.id),
            row.fingerprint,
            row.wording,
            "1" if write.said_again else "0",
            write.expected,
            milliseconds(now),
            SEPARATOR.join((lane_tag("all", scope), lane_tag("each", scope))),
            lane_tag("all", scope),
            str(row.groups[0]["src"]),
            milliseconds(memory.created_at),
            write.reason,
            keys.channel,
            memory.id,
        ]
        fields = tuple(group | {"fp": row.fingerprint, "wp": row.wording} for group in row.groups)
        row = replace(row, groups=fields)
        return Call(
            lua.PUT_MEMORY,
            (keys.record(memory.id), keys.fingerprints, keys.tombstones, keys.counter, keys.lifted),
            (*args, *row.arguments()),
        )

    async def tombstone(self, scope: Scope, wording: str) -> Tombstone | None:
        """What is known of forgotten words."""
        raw = await self._database.command("HGET", ScopeKeys(scope).tombstones, wording)
        return None if raw is None else Tombstone.from_json(raw)

    async def read(self, scope: Scope, ids: Sequence[str]) -> list[Memory]:
        """The memories and messages that exist among the ids, in their order."""
        keys = ScopeKeys(scope)
        rows = await self._database.commands([("HGETALL", keys.record(memory_id)) for memory_id in ids])
        return [read_memory(fields) for fields in map(hash_fields, rows) if "doc" in fields]

    async def get(self, scope: Scope, memory_id: str) -> Memory:
        """One memory or message.

        Raises:
            NotFound: no such id in this scope.
        """
        found = await self.read(scope, [memory_id])
        if not found:
            raise unknown_id(memory_id)
        return found[0]

    async def history(self, scope: Scope, memory_id: str) -> list[Version]:
        """Its earlier versions, oldest first."""
        current = await self.get(scope, memory_id)
        key = ScopeKeys(scope).record(memory_id)
        numbers = range(1, current.version)
        rows = await self._database.commands([("HGETALL", f"{key}@{number}") for number in numbers])
        return [_version(fields) for fields in map(hash_fields, rows) if "doc" in fields]

    async def edit(self, scope: Scope, memory_id: str, changes: Mapping[str, Any], *, now: datetime) -> Memory:
        """Change fields of a memory; the version before stays in its history.

        Raises:
            NotFound: no such id. InvalidInput: it is a message. Forgotten: the new words were forgotten.
            Conflict: another memory says the new words already, or others change the same one all the time.
        """
        if parse_message_memory_id(memory_id):
            raise InvalidInput(
                f"id={memory_id[:80]!r} is a message; what was said is not edited: remember the correction"
            )
        for _ in range(ATTEMPTS):
            old = await self.get(scope, memory_id)
            new = replace(old, **{"message_ids": tuple(source_ids(old)), **changes}, updated_at=now)
            write = _Write(memory=new, expected=old.version, said_again=False, reason="edited")
            ((status, detail),) = await self._put(scope, [write], now=now)
            match status:
                case b"superseded":
                    return await self.get(scope, memory_id)
                case b"duplicate":
                    raise Conflict(f"memory {detail.decode()[:80]!r} says the same; forget one of the two")
                case b"forgotten":
                    raise _forgotten(Tombstone.from_json(detail))
                case _:
                    continue
        raise Conflict(f"memory {memory_id[:80]!r} is being changed by others; read it and try again")

    async def forget(self, scope: Scope, memory_id: str, *, now: datetime) -> None:
        """Delete a memory with its history, hide the messages it came from, and keep a tombstone of the words.

        Raises:
            NotFound: no such id in this scope.
        """
        for _ in range(ATTEMPTS):
            call = await self._forget_call(scope, memory_id, now=now)
            (reply,) = await self._database.run([call])
            if reply[0] == b"forgotten":
                return
        raise Conflict(f"memory {memory_id[:80]!r} is being changed by others; try again")

    async def _forget_call(self, scope: Scope, memory_id: str, *, now: datetime) -> Call:
        keys = ScopeKeys(scope)
        key = keys.record(memory_id)
        (reply,) = await self._database.commands([("HGETALL", key)])
        fields = hash_fields(reply)
        if "doc" not in fields:
            raise unknown_id(memory_id)
        version = int(fields["ver"])
        sources = [source for source in fields.get("src", b"").decode().split(SEPARATOR) if source]
        old: list[Command] = [("HGET", f"{key}@{number}", "wp") for number in range(1, version)]
        messages: list[Command] = [("HGETALL", keys.record(source)) for source in sources]
        replies = await self._database.commands([*old, *messages])
        rows = [hash_fields(row) for row in replies[len(old) :]]
        wordings = {fields["wp"], *(wording for wording in replies[: len(old)] if wording is not None)}
        wordings |= {row["wp"] for row in rows if "wp" in row}
        come_from = [_source(row) for row in rows if "doc" in row]
        words = {wording.decode(): come_from for wording in sorted(wordings)}
        tombstones = await self.tombstones(scope, words, now=now)
        hidden = [part for source in sources for part in _hidden(keys, source)]
        args: list[Value] = [version, keys.channel, memory_id, record_name(memory_id), keys.record_prefix]
        args += [len(tombstones), *(part for pair in tombstones for part in pair), len(hidden) // 5, *hidden]
        return Call(lua.FORGET_MEMORY, (key, keys.fingerprints, keys.tombstones), args)

    async def tombstones(
        self, scope: Scope, words: Mapping[str, Sequence[Source]], *, now: datetime
    ) -> list[tuple[str, str]]:
        """(fingerprint, JSON tombstone) for words with the messages they come from, those of earlier times too."""
        if not words:
            return []
        keys = ScopeKeys(scope)
        buried, lifted = await self._database.commands(
            [("HMGET", keys.tombstones, *words), ("HMGET", keys.lifted, *words)]
        )
        pairs: list[tuple[str, str]] = []
        for (wording, sources), *earlier in zip(words.items(), buried, lifted, strict=True):
            before = [source for raw in earlier if raw is not None for source in Tombstone.from_json(raw).sources]
            pairs.append((wording, Tombstone(at_ms=milliseconds(now), sources=merged((*before, *sources))).to_json()))
        return pairs

    async def keep_preview(self, scope: Scope, token: str, preview: Mapping[str, Any]) -> None:
        """Keep what was shown until the person has answered."""
        seconds = int(PREVIEW_LIFETIME.total_seconds())
        await self._database.command("SET", ScopeKeys(scope).preview(token), json.dumps(preview), "EX", seconds)

    async def read_preview(self, scope: Scope, token: str) -> dict[str, Any]:
        """What was shown under a token.

        Raises:
            NotFound: no such preview in this scope, or its ten minutes are over.
        """
        raw = await self._database.command("GET", ScopeKeys(scope).preview(token))
        if raw is None:
            minutes = PREVIEW_LIFETIME // timedelta(minutes=1)
            raise NotFound(f"confirm={token[:40]!r}; tokens live {minutes} minutes and one use; preview again")
        return json.loads(raw)

    async def drop_preview(self, scope: Scope, token: str) -> None:
        await self._database.command("DEL", ScopeKeys(scope).preview(token))


def unknown_id(memory_id: str) -> NotFound:
    return NotFound(f"id={memory_id[:80]!r}; no such memory here; `recall` gives the ids that exist")


def _in_place_of(old: Memory, new: Memory) -> Memory:
    """The new wording under the old one's id: what the caller did not say again is kept."""
    return replace(
        new,
        created_at=old.created_at,
        topics=new.topics or old.topics,
        entities=new.entities or old.entities,
        event_date=new.event_date or old.event_date,
        pinned=new.pinned or old.pinned,
        metadata={**old.metadata, **new.metadata},
        session_id=new.session_id or old.session_id,
        message_ids=tuple(dict.fromkeys((*source_ids(old), *source_ids(new)))),
    )


def _says_the_same(old: Memory, new: Memory) -> bool:
    """Whether the new record would change nothing but when and how it came."""
    plain = {"updated_at": old.updated_at, "source": old.source, "seen": old.seen, "version": old.version}
    return replace(new, **plain, message_ids=()) == replace(old, message_ids=()) and source_ids(new) == source_ids(old)


def _outcome(write: _Write, reply: Sequence[bytes]) -> Outcome | None:
    """What a script's answer means; None: look again, somebody else was faster."""
    status, detail = reply[0], reply[1]
    match status:
        case b"stored":
            return Stored(id=write.memory.id)
        case b"superseded":
            return Superseded(id=write.memory.id, of=(write.memory.id,), reason=write.reason)
        case b"duplicate":
            return Duplicate(id=detail.decode(), reason="the same words are stored already")
        case b"forgotten":
            return Rejected(code=Forgotten.code, reason=str(_forgotten(Tombstone.from_json(detail))))
        case _:
            return None


def _forgotten(tombstone: Tombstone) -> Forgotten:
    return Forgotten(
        f"these words were forgotten on {tombstone.date}; if the user says them anew, remember with said_again=true"
    )


def _version(fields: Mapping[str, bytes]) -> Version:
    until = datetime.fromtimestamp(int(fields["until"]) / 1000, UTC)
    by = fields.get("by", b"").decode() or None
    return Version(memory=read_memory(fields), until=until, reason=fields.get("why", b"").decode(), superseded_by=by)


def _source(fields: Mapping[str, bytes]) -> Source:
    message = read_memory(fields)
    names = parse_message_memory_id(message.id) or ("", message.id)
    return Source(
        session_id=names[0], message_id=names[1], role=message.role or "", at_ms=milliseconds(message.created_at)
    )


def _hidden(keys: ScopeKeys, source: str) -> list[str]:
    """What the script needs to hide a message: its session, its name there, the session's keys."""
    names = parse_message_memory_id(source)
    if names is None:
        return []
    session = keys.session(names[0])
    return [quoted(names[0]), quoted(names[1]), session.state, session.log, session.ids]
