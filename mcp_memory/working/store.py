"""Tier 1: sessions. Appending in O(1), newest-first reading, expiry; what happens at once is in `lua.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from mcp_memory.errors import Conflict, InvalidInput, NotFound, TooLarge
from mcp_memory.records import STRATEGIES, Appended, Message, Scope, Session, Strategy, quoted
from mcp_memory.storage import filters, lua
from mcp_memory.storage.client import Call, Database, Value, hash_fields
from mcp_memory.storage.filters import lane_tag, milliseconds
from mcp_memory.storage.keys import ScopeKeys, SessionKeys
from mcp_memory.storage.rows import message_json, message_row, read_messages
from mcp_memory.text import estimate_tokens

STORED, ANEW, HIDDEN, WORDLESS = "0", "1", "2", "3"
"""How a message is written: not yet checked for tombstones; said anew; in the transcript only, because it was
forgotten or because there is nothing in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """What is added to a session."""

    session_id: str
    messages: Sequence[Message]
    data: Mapping[str, Any]
    ttl: timedelta | None = None
    strategy: Strategy | None = None
    strategy_config: Mapping[str, Any] | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """A session in a list."""

    session_id: str
    message_count: int
    last_active: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The words of these messages (by place) were forgotten: JSON tombstones to decide by."""

    tombstones: Mapping[int, bytes]


class WorkingMemory:
    """The sessions of every scope."""

    def __init__(self, database: Database, *, timezone: tzinfo, data_bytes: int) -> None:
        self._database = database
        self._timezone = timezone
        self._data_bytes = data_bytes

    async def append(
        self, scope: Scope, append: Append, *, modes: Mapping[int, str], now: datetime
    ) -> Appended | Replayed:
        """Add messages and data in one step; a message whose id is there already is not added again.

        Args:
            scope: whose session it is.
            append: what is added.
            modes: by place, how to write a message whose words were forgotten (`ANEW`, `HIDDEN`).
            now: the moment of recording.

        Returns:
            What was appended; or, with nothing written, which messages say what was forgotten.

        Raises:
            Conflict: the session is not at the expected version. TooLarge: its data would grow over the limit.
        """
        (reply,) = await self._database.run([self._call(scope, append, modes=modes, now=now)])
        match reply[0]:
            case b"ok":
                return Appended(
                    session_id=append.session_id,
                    message_ids=tuple(message.id for message in append.messages),
                    message_count=int(reply[2]),
                    extraction="off" if reply[3] == b"off" else "queued",
                    version=int(reply[1]),
                    forgotten=tuple(append.messages[place].id for place, mode in modes.items() if mode == HIDDEN),
                )
            case b"forgotten":
                asked = reply[1]
                return Replayed(tombstones={int(asked[i]) - 1: asked[i + 1] for i in range(0, len(asked), 2)})
            case b"too_large":
                raise TooLarge(
                    f"data of session {append.session_id[:40]!r} would be {reply[1]} bytes; "
                    f"allowed: {self._data_bytes}; remove keys by setting them to null"
                )
            case _:
                raise Conflict(
                    f"session {append.session_id[:40]!r} is at version {reply[1].decode()}, not "
                    f"{append.expected_version}; read it and append again"
                )

    def _call(self, scope: Scope, append: Append, *, modes: Mapping[int, str], now: datetime) -> Call:
        keys, session = ScopeKeys(scope), ScopeKeys(scope).session(append.session_id)
        args: list[Value] = [
            keys.record_prefix,
            quoted(append.session_id),
            lane_tag("session", scope),
            append.session_id,
            "" if append.expected_version is None else append.expected_version,
            milliseconds(now),
            "" if append.ttl is None else milliseconds(now + append.ttl),
            append.strategy or "",
            json.dumps(append.strategy_config or {}),
            self._data_bytes,
            keys.channel,
            len(append.data),
        ]
        for name, value in append.data.items():
            args += [name, "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))]
        args.append(len(append.messages))
        for place, message in enumerate(append.messages):
            args += self._message_arguments(scope, append.session_id, message, mode=modes.get(place, STORED), now=now)
        shared = (keys.counter, keys.tombstones, keys.lifted)
        return Call(lua.APPEND, (session.state, session.log, session.ids, session.data, *shared), args)

    def _message_arguments(
        self, scope: Scope, session_id: str, message: Message, *, mode: str, now: datetime
    ) -> list[Value]:
        row = message_row(scope, session_id, message, now=now, tz=self._timezone)
        fields = tuple(group | {"fp": row.fingerprint, "wp": row.wording} for group in row.groups)
        row = replace(row, groups=fields)
        head: list[Value] = [
            quoted(message.id),
            row.wording,
            mode,
            message_json(message),
            milliseconds(message.created_at),
        ]
        return head + row.arguments()

    async def read(
        self, scope: Scope, session_id: str, *, limit: int, max_tokens: int | None = None, before: int | None = None
    ) -> Session:
        """The newest messages (before a place, if given), oldest first, as many as limit and budget allow."""
        keys = ScopeKeys(scope).session(session_id)
        state = await self._state(keys)
        if not state:
            return Session(session_id=session_id, exists=False)
        count = int(state["count"])
        end = count if before is None else min(before, count)
        start = max(0, end - limit)
        rows, data = await self._database.commands(
            [
                ("LRANGE", keys.log, start, end - 1) if end > start else ("LRANGE", keys.log, 1, 0),
                ("HGETALL", keys.data),
            ]
        )
        messages = read_messages(rows)
        kept = _newest_within(messages, max_tokens)
        first = end - len(kept)
        expires = state.get("expires")
        strategy = state["strategy"].decode()
        return Session(
            session_id=session_id,
            exists=True,
            messages=tuple(kept),
            summary=state["summary"].decode() if "summary" in state else None,
            data={name: json.loads(value) for name, value in hash_fields(data).items()},
            message_count=count,
            pending_extraction=count - int(state["mark"]),
            next_cursor=str(first) if first > 0 else None,
            expires_at=datetime.fromtimestamp(int(expires) / 1000, UTC) if expires else None,
            version=int(state["v"]),
            strategy=strategy if strategy in STRATEGIES else "discrete",  # pyright: ignore[reportArgumentType]
            truncated=len(messages) - len(kept),
        )

    async def _state(self, keys: SessionKeys) -> dict[str, bytes]:
        return hash_fields(await self._database.command("HGETALL", keys.state))

    async def unread(self, scope: Scope, session_id: str, *, limit: int, context: int) -> "Unread | None":
        """What extraction has not read yet, with a few turns before it; None where there is nothing to do."""
        keys = ScopeKeys(scope).session(session_id)
        state = await self._state(keys)
        if not state or int(state["mark"]) >= int(state["count"]):
            return None
        mark = int(state["mark"])
        start, end = max(0, mark - context), min(int(state["count"]), mark + limit)
        messages = read_messages(await self._database.command("LRANGE", keys.log, start, end - 1))
        visible = set(await self.visible(scope, session_id, messages))
        turns = [(start + i, message) for i, message in enumerate(messages) if message in visible]
        return Unread(
            mark=mark,
            end=end,
            strategy=state["strategy"].decode(),
            context=tuple(message for place, message in turns if place < mark),
            messages=tuple(message for place, message in turns if place >= mark),
        )

    async def visible(self, scope: Scope, session_id: str, messages: Sequence[Message]) -> list[Message]:
        """Those of a session's messages that were not forgotten; the transcript keeps the others too."""
        if not messages:
            return []
        names = [quoted(message.id) for message in messages]
        places = await self._database.command("HMGET", ScopeKeys(scope).session(session_id).ids, *names)
        pairs = zip(messages, places, strict=True)
        return [message for message, place in pairs if place is not None and not place.startswith(b"h")]

    async def advance(self, scope: Scope, session_id: str, *, mark: int, end: int) -> bool:
        """Say that extraction has read so far; False if somebody else said so first."""
        keys = ScopeKeys(scope)
        call = Call(lua.ADVANCE_MARK, (keys.session(session_id).state,), (mark, end, keys.channel, session_id))
        (moved,) = await self._database.run([call])
        return bool(moved)

    async def listed(self, scope: Scope, *, limit: int) -> list[SessionInfo]:
        """The sessions of a scope, the most recently active first."""
        (reply,) = await self._database.search(
            [filters.newest(filters.for_lane("session", scope), limit=limit, fields=("id", "count", "active"))]
        )
        _, found = filters.rows(reply)
        return [
            SessionInfo(
                session_id=fields["id"].decode(),
                message_count=int(fields["count"]),
                last_active=datetime.fromtimestamp(int(fields["active"]) / 1000, UTC),
            )
            for _, fields in found
            if "id" in fields
        ]

    async def transcript(self, scope: Scope, session_id: str) -> tuple[int, list[Message]]:
        """Every message of a session with the session's version; version 0 where there is none."""
        keys = ScopeKeys(scope).session(session_id)
        version, rows = await self._database.commands([("HGET", keys.state, "v"), ("LRANGE", keys.log, 0, -1)])
        return int(version or 0), read_messages(rows)

    async def forget(
        self, scope: Scope, session_id: str, *, expected_version: int, tombstones: Sequence[tuple[str, str]]
    ) -> None:
        """Delete a session with its messages; keep (fingerprint, tombstone) of their words.

        Raises:
            Conflict: it changed since `expected_version`.
        """
        keys = ScopeKeys(scope)
        session = keys.session(session_id)
        args: list[Value] = [expected_version, keys.channel, session_id, keys.record_prefix, quoted(session_id)]
        args += [part for pair in tombstones for part in pair]
        call = Call(lua.FORGET_SESSION, (session.state, session.log, session.ids, session.data, keys.tombstones), args)
        (reply,) = await self._database.run([call])
        if reply[0] != b"forgotten":
            raise Conflict(f"session {session_id[:40]!r} changed since it was shown; preview again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Turns for extraction: `messages` stand at [mark, end) of the session, `context` before them."""

    mark: int
    end: int
    strategy: str
    context: tuple[Message, ...]
    messages: tuple[Message, ...]


def parse_cursor(cursor: str | None) -> int | None:
    """A session cursor as the place it stands for.

    Raises:
        InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 12:
        raise InvalidInput(f"cursor={cursor[:40]!r}; use the next_cursor of the page before, or leave it out")
    return int(cursor)


def unknown_session(session_id: str) -> NotFound:
    return NotFound(f"session_id={session_id[:80]!r}; no such session here; memory://sessions lists them")


def _newest_within(messages: list[Message], max_tokens: int | None) -> list[Message]:
    """The newest messages whose estimated tokens fit; at least the last one, so that paging goes on."""
    if max_tokens is None:
        return messages
    spent, kept = 0, 0
    for message in reversed(messages):
        spent += estimate_tokens(message.content) + 4  # role and separators of a chat format
        if spent > max_tokens and kept:
            break
        kept += 1
    return messages[len(messages) - kept :]
