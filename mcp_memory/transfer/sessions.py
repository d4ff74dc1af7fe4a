"""Sessions of an export, and what was forgotten."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_memory.errors import InvalidInput
from mcp_memory.longterm.tombstones import Source, Tombstone, is_replay, merged, session_fingerprint, source_of
from mcp_memory.records import Message, Scope, quoted
from mcp_memory.storage.client import Call, Value
from mcp_memory.storage.filters import lane_tag, milliseconds
from mcp_memory.storage.keys import ScopeKeys
from mcp_memory.storage.lua_transfer import IMPORT_MESSAGES, IMPORT_TOMBSTONE
from mcp_memory.storage.rows import Fields, message_json, message_row
from mcp_memory.transfer.lines import MessageLine, SessionLine, TombstoneLine
from mcp_memory.transfer.target import Target, flat

SEARCHABLE_IF_NOT_FORGOTTEN, SEARCHABLE, HIDDEN, LEFT_OUT, HIDDEN_IF_NOT_FORGOTTEN, WORDLESS = "012345"
"""How a message is written; as in the script."""


@dataclass(slots=True)
class _Incoming:
    """A session whose messages are being read."""

    line: SessionLine
    had_messages: bool = False
    expired: bool = False
    forgotten: bool = False
    """It was forgotten here as a whole, and its messages with it."""
    forgotten_ms: int | None = None
    """It was forgotten here as a whole, and went on after that."""
    checked: bool = False
    begun: bool = False
    """This import has made it, so that its version is that of the line."""


class Sessions:
    """Writes sessions, each followed by its messages in batches; each batch whole, or not at all."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._report = target.report
        self._current: _Incoming | None = None

    async def begin(self, line: SessionLine) -> None:
        """A session; its messages come next."""
        await self.end()
        expired = line.expires_at is not None and line.expires_at <= datetime.now(UTC)
        self._current = _Incoming(line, expired=expired)
        self._report.expired += expired

    def check(self, line: MessageLine) -> None:
        """Whether a message stands where it may.

        Raises:
            InvalidInput: not after its session.
        """
        current = self._current
        if current is None or (current.line.scope, current.line.session_id) != (line.scope, line.session_id):
            raise InvalidInput(f"message {line.id[:40]!r} does not follow its session {line.session_id[:40]!r}")

    async def end(self) -> None:
        """No more messages of this session; one without any is written for its data."""
        current, self._current = self._current, None
        if current is not None and not current.had_messages and not current.expired:
            await self._write(current, [])

    async def write(self, lines: Sequence[MessageLine]) -> None:
        """Messages of the current session."""
        current = self._current
        if current is None:
            raise ValueError("messages without their session")
        current.had_messages = True
        if current.expired:
            self._report.expired += len(lines)
        elif current.forgotten:
            self._report.forgotten += len(lines)
        else:
            await self._write(current, lines)

    async def _write(self, current: _Incoming, lines: Sequence[MessageLine]) -> None:
        modes = self._modes(current, lines)
        while True:
            (reply,) = await self._target.database.run([self._call(current, lines, modes)])
            if reply[0] != b"forgotten":
                break
            asked = {int(reply[1][i]) - 1: Tombstone.from_json(reply[1][i + 1]) for i in range(0, len(reply[1]), 2)}
            whole = asked.pop(-1, None)
            if whole is not None:
                current.checked, current.forgotten_ms = True, whole.at_ms
                current.forgotten = milliseconds(current.line.active_at) < whole.at_ms
            if current.forgotten:
                self._report.forgotten += len(lines)
                return
            modes |= self._modes(current, lines) if whole is not None else {}
            modes |= {place: _mode(lines[place], tombstone) for place, tombstone in asked.items()}
        current.checked = True
        added = int(reply[2]) if reply[0] == b"written" else 0
        if reply[0] == b"written" and reply[1] == b"1":
            current.begun = True
            self._report.sessions += 1
        left_out = list(modes.values()).count(LEFT_OUT)
        self._report.messages += added
        self._report.forgotten += left_out
        self._report.unchanged += len(lines) - added - left_out

    def _modes(self, current: _Incoming, lines: Sequence[MessageLine]) -> dict[int, str]:
        """How each message is to be written, as far as it is known before the tombstones are looked at."""
        modes: dict[int, str] = {}
        for place, line in enumerate(lines):
            if current.forgotten_ms is not None and milliseconds(line.created_at) < current.forgotten_ms:
                modes[place] = LEFT_OUT
            elif not line.content.strip() and not line.hidden:
                modes[place] = WORDLESS
            elif line.hidden:
                modes[place] = HIDDEN if self._target.said_again else HIDDEN_IF_NOT_FORGOTTEN
            else:
                modes[place] = SEARCHABLE if self._target.said_again else SEARCHABLE_IF_NOT_FORGOTTEN
        return modes

    def _call(self, current: _Incoming, lines: Sequence[MessageLine], modes: dict[int, str]) -> Call:
        line, scope = current.line, current.line.scope
        keys = ScopeKeys(scope)
        own = keys.session(line.session_id)
        args: list[Value] = [
            keys.record_prefix,
            quoted(line.session_id),
            keys.channel,
            line.session_id,
            "" if self._target.said_again or current.checked else session_fingerprint(line.session_id),
            "1" if current.begun else "0",
            *flat(_state(scope, line)),
            len(line.data),
        ]
        for name, value in line.data.items():
            args += [name, json.dumps(value, ensure_ascii=False, separators=(",", ":"))]
        args.append(len(lines))
        for place, message in enumerate(lines):
            args += self._message(scope, message, modes[place])
        shared = (keys.counter, keys.tombstones, keys.lifted)
        return Call(IMPORT_MESSAGES, (own.state, own.log, own.ids, own.data, *shared), args)

    def _message(self, scope: Scope, line: MessageLine, mode: str) -> list[Value]:
        message = _read(line)
        recorded = line.recorded_at or line.created_at
        row = message_row(scope, line.session_id, message, now=recorded, tz=self._target.timezone)
        row = self._target.with_vectors(row, line.vectors)
        args: list[Value] = [quoted(line.id), row.wording, mode, message_json(message), "1" if line.extracted else "0"]
        args.append(len(row.groups))
        for group in row.groups:
            args += flat(group | {"fp": row.fingerprint, "wp": row.wording, "order": line.order or 0, "ver": 1})
        return args


class Tombstones:
    """Writes what was forgotten, with what is known of it here."""

    def __init__(self, target: Target) -> None:
        self._database = target.database
        self._report = target.report

    async def write(self, line: TombstoneLine) -> None:
        """One fingerprint."""
        keys = ScopeKeys(line.scope)
        buried = keys.lifted if line.lifted else keys.tombstones
        given = _given(line)
        reply = b"changed"
        while reply == b"changed":
            raw = await self._database.command("HGET", buried, line.fingerprint)
            have = None if raw is None else Tombstone.from_json(raw)
            new = given if have is None else _both(have, given)
            if new == have:
                self._report.unchanged += 1
                return
            args: list[Value] = [keys.record_prefix, line.fingerprint, raw or "", new.to_json(), new.at_ms]
            args.append("1" if line.lifted else "0")
            call = Call(IMPORT_TOMBSTONE, (buried, keys.fingerprints, keys.counter), args)
            (reply,) = await self._database.run([call])
        if reply == b"written":
            self._report.tombstones += 1
        else:
            self._report.unchanged += 1


def _mode(line: MessageLine, tombstone: Tombstone) -> str:
    """What becomes of a message whose words were forgotten here."""
    replay = is_replay(source_of(line.session_id, _read(line)), tombstone, same_words=True)
    return LEFT_OUT if line.hidden or replay else SEARCHABLE


def _read(line: MessageLine) -> Message:
    return Message(id=line.id, role=line.role, content=line.content, created_at=line.created_at, name=line.name)


def _state(scope: Scope, line: SessionLine) -> Fields:
    """The fields of a session's hash."""
    fields: Fields = {
        "created": milliseconds(line.created_at),
        "active": milliseconds(line.active_at),
        "order": line.order,
        "id": line.session_id,
        "lane": lane_tag("session", scope),
        "strategy": line.strategy,
        "config": json.dumps(line.strategy_config),
        "v": line.version,
    }
    if line.summary is not None:
        fields["summary"] = line.summary
    if line.expires_at is not None:
        fields["expires"] = milliseconds(line.expires_at)
    return fields


def _given(line: TombstoneLine) -> Tombstone:
    sources = tuple(
        Source(
            session_id=source.session_id,
            message_id=source.message_id,
            role=source.role,
            at_ms=milliseconds(source.at),
        )
        for source in line.sources
    )
    return Tombstone(at_ms=milliseconds(line.forgotten_at), sources=sources)


def _both(one: Tombstone, other: Tombstone) -> Tombstone:
    return Tombstone(at_ms=max(one.at_ms, other.at_ms), sources=merged((*one.sources, *other.sources)))
