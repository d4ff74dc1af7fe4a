"""Memories of an export, united with those that are there."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mcp_memory.errors import Conflict
from mcp_memory.records import Memory, Scope, quoted
from mcp_memory.storage.client import Call, Value
from mcp_memory.storage.filters import lane_tag, milliseconds
from mcp_memory.storage.index import SEPARATOR
from mcp_memory.storage.keys import ScopeKeys
from mcp_memory.storage.lua_transfer import IMPORT_MEMORY
from mcp_memory.storage.rows import Fields, Row, memory_row
from mcp_memory.text import fingerprint
from mcp_memory.transfer.exporting import Exporter
from mcp_memory.transfer.lines import MemoryLine, MemoryState, VersionState
from mcp_memory.transfer.target import Target, flat

ATTEMPTS = 8
"""How often a line is tried when others change the same thing at the same time."""

Numbered = tuple[int, MemoryLine]


class Memories:
    """Writes memories; each line whole, or not at all."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._database = target.database
        self._report = target.report

    async def write(self, batch: Sequence[Numbered]) -> None:
        """Lines with their numbers."""
        waiting = list(batch)
        for _ in range(ATTEMPTS):
            if not waiting:
                return
            waiting = await self._attempt(waiting)
        for number, _ in waiting:
            self._report.note_bad(number, Conflict("others keep changing this memory; import again"))

    async def _attempt(self, batch: Sequence[Numbered]) -> list[Numbered]:
        """Write what can be written; what has to be tried again, as it is to be tried."""
        have = await self._existing([line for _, line in batch])
        calls: list[Call] = []
        called: list[tuple[int, MemoryLine, MemoryLine | None]] = []
        taken = set[tuple[str, str]]()
        again: list[Numbered] = []
        for number, line in batch:
            place = (line.scope.tag, line.id)
            if place in taken:  # the same id twice: the second one looks at what the first one made
                again.append((number, line))
                continue
            taken.add(place)
            old = have.get(place)
            new = line if old is None else united(old, line)
            if new is None:
                self._report.unchanged += 1
                continue
            calls.append(self._call(line.scope, old, new))
            called.append((number, line, old))
        for (number, line, old), reply in zip(called, await self._database.run(calls), strict=True):
            left = self._took(line, old, reply)
            if left is not None:
                again.append((number, left))
        return again

    async def _existing(self, lines: Sequence[MemoryLine]) -> dict[tuple[str, str], MemoryLine]:
        """Those memories that are there already."""
        keys = [ScopeKeys(line.scope).record(line.id) for line in lines]
        there = await self._database.commands([("EXISTS", key) for key in keys])
        found: dict[tuple[str, str], MemoryLine] = {}
        for line, exists in zip(lines, there, strict=True):
            old = await Exporter(self._database, line.scope, vectors=True).memory(line.id) if exists else None
            if old is not None:
                found[line.scope.tag, line.id] = old
        return found

    def _took(self, line: MemoryLine, old: MemoryLine | None, reply: Sequence[bytes]) -> MemoryLine | None:
        """Count what became of a line; the line to try again, if it has to be."""
        match reply[0]:
            case b"written":
                if old is None:
                    self._report.stored += 1
                else:
                    self._report.updated += 1
            case b"duplicate":
                self._report.duplicates += 1
            case b"forgotten":
                words = {name.decode() for name in reply[1:]}
                if fingerprint(line.text) in words:
                    self._report.forgotten += 1
                    return None
                kept = [state for state in line.history if fingerprint(state.text) not in words]
                return line.model_copy(update={"history": kept})
            case _:
                return line
        return None

    def _call(self, scope: Scope, old: MemoryLine | None, new: MemoryLine) -> Call:
        keys = ScopeKeys(scope)
        states: list[MemoryState] = [*new.history, new]
        known = {state.identity for state in (*old.history, old)} if old is not None else set[str]()
        words = dict.fromkeys(fingerprint(state.text) for state in states if state.identity not in known)
        rows: list[Value] = []
        count = 0
        row = self._row(scope, new, new)
        for number, state in enumerate(states, start=1):
            row = self._row(scope, new, state)
            current = number == len(states)
            for part, group in enumerate(row.groups):
                suffix = ("" if current else f"@{number}") + (f"#{part}" if part else "")
                extra: Fields = {"fp": row.fingerprint, "wp": row.wording, "order": new.order, "ver": number}
                rows += [suffix, *flat(group | extra | (_archived(scope, state, part) if not current else {}))]
                count += 1
        args: list[Value] = [
            keys.record_prefix,
            quoted(new.id),
            row.fingerprint,
            old.version if old is not None else 0,
            "1" if self._target.said_again else "0",
            keys.channel,
            new.id,
            SEPARATOR.join(new.sources),
            len(words),
            *words,
            count,
            *rows,
        ]
        return Call(
            IMPORT_MEMORY, (keys.record(new.id), keys.fingerprints, keys.tombstones, keys.counter, keys.lifted), args
        )

    def _row(self, scope: Scope, line: MemoryLine, state: MemoryState) -> Row:
        memory = Memory(
            id=line.id,
            text=state.text,
            memory_type=state.memory_type,
            created_at=state.created_at,
            updated_at=state.updated_at,
            topics=tuple(state.topics),
            entities=tuple(state.entities),
            event_date=state.event_date,
            pinned=state.pinned,
            metadata=state.metadata,
            session_id=state.session_id,
            message_ids=tuple(state.sources),
            author=state.author,
            source=state.source,
            seen=line.seen,
        )
        row = memory_row(scope, memory, now=state.updated_at, tz=self._target.timezone)
        return self._target.with_vectors(row, state.vectors)


def united(old: MemoryLine, line: MemoryLine) -> MemoryLine | None:
    """All that both know of one memory, in the order in which it was believed; None if the line adds nothing."""
    known = {state.identity for state in (*old.history, old)}
    added = [state for state in (*line.history, line) if state.identity not in known]
    if not added and line.seen <= old.seen:
        return None
    states = sorted((*old.history, old, *added), key=lambda state: state.updated_at)
    history = [_past(state, after, old.id) for state, after in pairwise(states)]
    newest = {name: getattr(states[-1], name) for name in MemoryState.model_fields}
    return old.model_copy(update=newest | {"history": history, "seen": max(old.seen, line.seen)})


def _past(state: MemoryState, after: MemoryState, memory_id: str) -> VersionState:
    """A state as a version that another one took the place of."""
    fields: dict[str, Any] = {name: getattr(state, name) for name in MemoryState.model_fields}
    if isinstance(state, VersionState):
        until = min(state.until, after.updated_at)
        return VersionState(**fields, until=until, reason=state.reason, superseded_by=state.superseded_by)
    reason = "an import brought another wording"
    return VersionState(**fields, until=after.updated_at, reason=reason, superseded_by=memory_id)


def _archived(scope: Scope, state: MemoryState, part: int) -> Fields:
    """What a version's row has instead of the current one's."""
    lanes = (lane_tag("all", scope),) if part else (lane_tag("all", scope), lane_tag("each", scope))
    fields: Fields = {"lane": SEPARATOR.join(lanes)}
    if isinstance(state, VersionState):
        fields["until"] = milliseconds(state.until)
        if not part:
            fields |= {"why": state.reason, "by": state.superseded_by or ""}
    return fields
