"""Memories and messages as Redis hashes, and back.

A hash holds what is searched (words, tags, numbers), what is shown (text and a JSON document) and what is
still to be done. A long text is one record with its first part searchable, and further records `#1`, `#2` …
that hold the other parts and point to the whole by `id`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from mcp_memory.records import Memory, Message, Scope, message_memory_id, parse_message_memory_id, quoted
from mcp_memory.storage.filters import Lane, label_tag, lane_tag, milliseconds
from mcp_memory.storage.index import SEPARATOR
from mcp_memory.text import content_stems, fingerprint, parts, stems

PREVIOUS_CHARACTERS = 280
"""Of the turn before, what is embedded with a message: about 64 word pieces (decision 6)."""

STANDING = ("preference", "instruction", "identity")
"""Kinds, as `metadata.kind` says them, of what holds whatever is talked about."""

Fields = dict[str, str | bytes | int | float]


@dataclass(frozen=True, slots=True)
class Row:
    """A record with its parts, ready to be written: `groups[0]` is the record, the others its parts."""

    groups: tuple[Fields, ...]
    fingerprint: str
    wording: str

    def arguments(self) -> list[str | bytes | int | float]:
        """The groups as the scripts read them, with the number of parts before."""
        flat: list[str | bytes | int | float] = [len(self.groups) - 1]
        for group in self.groups:
            flat.append(len(group) * 2)
            for name, value in group.items():
                flat += (name, value)
        return flat


def memory_row(scope: Scope, memory: Memory, *, now: datetime, tz: tzinfo) -> Row:
    """A memory as it is written. `now` is the moment of recording."""
    day = local_time(memory.event_date, tz).date().isoformat() if memory.event_date else ""
    shared: Fields = _tags(memory, session_id=memory.session_id)
    shared |= {"rec": milliseconds(now), "until": "inf", "at": milliseconds(memory.event_date or memory.created_at)}
    labels = " ".join((*memory.topics, *memory.entities))
    context = f"{memory.author or ''} {_date_words(memory.event_date, tz)} {labels}"
    return Row(
        groups=_groups(scope, shared, _record_fields(memory), memory, context),
        fingerprint=fingerprint(memory.text, event_day=day),
        wording=fingerprint(memory.text),
    )


def message_row(scope: Scope, session_id: str, message: Message, *, now: datetime, tz: tzinfo) -> Row:
    """A message as a searchable record; what was said before it is added by the script that knows it."""
    memory = message_as_memory(session_id, message)
    shared: Fields = _tags(memory, session_id=session_id)
    shared |= {"rec": milliseconds(now), "until": "inf", "at": milliseconds(message.created_at)}
    context = f"{message.name or ''} {_date_words(message.created_at, tz)}"
    groups = _groups(scope, shared, _record_fields(memory), memory, context)
    # For the next turn: this one's words, and its end as a person would read it.
    tail = message.content[-PREVIOUS_CHARACTERS:]
    groups[0]["own"] = " ".join(content_stems(f"{message.name or ''} {tail}"))
    groups[0]["line"] = f"{message.author}: {tail}"
    wording = fingerprint(message.content)
    return Row(groups=groups, fingerprint=wording, wording=wording)


def message_as_memory(session_id: str, message: Message) -> Memory:
    """A message read as a memory."""
    return Memory(
        id=message_memory_id(session_id, message.id),
        text=message.content,
        memory_type="message",
        created_at=message.created_at,
        updated_at=message.created_at,
        session_id=session_id,
        message_ids=(message.id,),
        author=message.name,
        role=message.role,
        source="message",
    )


def _tags(memory: Memory, *, session_id: str | None) -> Fields:
    fields: Fields = {"id": memory.id, "kind": memory.memory_type}
    if session_id is not None:
        fields["session"] = quoted(session_id)
    if memory.topics:
        fields["topics"] = SEPARATOR.join(map(label_tag, memory.topics))
    if memory.entities:
        fields["entities"] = SEPARATOR.join(map(label_tag, memory.entities))
    if memory.pinned:
        fields["pinned"] = "1"
    if memory.metadata.get("kind") in STANDING:
        fields["standing"] = "1"
    if memory.role is not None and memory.author is None:
        fields["role"] = memory.role
    fields["todo"] = "embed"
    return fields


def _record_fields(memory: Memory) -> Fields:
    """What only the record holds, not its parts."""
    document = {
        "topics": list(memory.topics),
        "entities": list(memory.entities),
        "event_date": memory.event_date.isoformat() if memory.event_date else None,
        "metadata": dict(memory.metadata),
        "session_id": memory.session_id,
        "author": memory.author,
        "role": memory.role,
        "source": memory.source,
        "created_at": memory.created_at.isoformat(),
        "updated_at": memory.updated_at.isoformat(),
    }
    return {
        "doc": json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        "src": SEPARATOR.join(source_ids(memory)),
        "seen": memory.seen,
    }


def source_ids(memory: Memory) -> list[str]:
    """The messages that a memory came from, by the ids under which they are read as memories."""
    if memory.memory_type == "message":
        return [memory.id]
    return [
        source
        if parse_message_memory_id(source) or memory.session_id is None
        else message_memory_id(memory.session_id, source)
        for source in memory.message_ids
    ]


def _groups(scope: Scope, shared: Fields, record: Fields, memory: Memory, context: str) -> tuple[Fields, ...]:
    """The record and its parts. `context` are the words that every part is found by beside its own."""
    pieces = parts(memory.text)
    who = " ".join(content_stems(memory.author or ""))
    groups: list[Fields] = []
    for number, piece in enumerate(pieces):
        said = memory.text[piece.start : piece.end]
        lanes: tuple[Lane, ...] = ("all", "live") if number else ("all", "live", "each", "whole")
        group: Fields = shared | {
            "lane": SEPARATOR.join(lane_tag(lane, scope) for lane in lanes),
            "lex": " ".join(stems(f"{context} {said}")),
            "ln": len(content_stems(f"{context} {said}")),
            "who": who,
            "part": number,
        }
        if number == 0:
            group |= record | {"text": memory.text, "cut": piece.end, "parts": len(pieces) - 1}
        else:
            group |= {"text": said, "start": piece.start, "src": record["src"]}
        groups.append(group)
    return tuple(groups)


def _date_words(moment: datetime | None, tz: tzinfo) -> str:
    """A date as people write it, so that "in May" finds it by words (BM25 with dates: +1 point on LoCoMo)."""
    return "" if moment is None else local_time(moment, tz).strftime("%-d %B %Y")


def local_time(moment: datetime, tz: tzinfo) -> datetime:
    """The moment in a zone; on the first and last day of the calendar, where a zone may lead out of it, in UTC."""
    try:
        return moment.astimezone(tz)
    except OverflowError:
        return moment


def read_memory(fields: Mapping[str, bytes]) -> Memory:
    """A record's hash as a memory; parts are not records."""
    document: dict[str, Any] = json.loads(fields["doc"])
    session_id: str | None = document["session_id"]
    sources = [source for source in fields.get("src", b"").decode().split(SEPARATOR) if source]
    return Memory(
        id=fields["id"].decode(),
        text=fields["text"].decode(),
        memory_type=fields["kind"].decode(),  # pyright: ignore[reportArgumentType]
        created_at=_time(document["created_at"]),
        updated_at=_time(document["updated_at"]),
        topics=tuple(document["topics"]),
        entities=tuple(document["entities"]),
        event_date=_time(document["event_date"]) if document["event_date"] else None,
        pinned=fields.get("pinned") == b"1",
        metadata=document["metadata"],
        session_id=session_id,
        message_ids=tuple(plain_source(source, session_id) for source in sources),
        author=document["author"],
        role=document["role"],
        source=document["source"],
        seen=int(fields.get("seen", 1)),
        version=int(fields.get("ver", 1)),
    )


def plain_source(source: str, session_id: str | None) -> str:
    """A source as callers see it: the message's own id, or the full one if it is of another session."""
    names = parse_message_memory_id(source)
    return names[1] if names is not None and names[0] == session_id else source


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def message_json(message: Message) -> str:
    """One turn as the session's list keeps it."""
    row = {
        "id": message.id,
        "role": message.role,
        "content": message.content,
        "created_at": message.created_at.isoformat(),
    }
    if message.name is not None:
        row["name"] = message.name
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def read_messages(rows: Sequence[bytes]) -> list[Message]:
    """Turns from the session's list. Joined and parsed once: three times faster than one by one."""
    parsed: list[dict[str, Any]] = json.loads(b"[" + b",".join(rows) + b"]")
    return [
        Message(
            id=row["id"],
            role=row["role"],
            content=row["content"],
            created_at=_time(row["created_at"]),
            name=row.get("name"),
        )
        for row in parsed
    ]


def dense_text(fields: Mapping[str, bytes]) -> str:
    """What is embedded for a record or a part: its own words first, then the end of the turn before.

    Without who said it: in a short memory the name outweighs the words, and the author has a leg of its
    own (recall@10 .823 without, .805 with, on the half of LoCoMo
    by which it was chosen; no difference where nothing was extracted).
    """
    text = fields["text"].decode()
    if fields.get("part", b"0") == b"0":
        text = text[: int(fields.get("cut", len(text)))]
    previous = fields.get("prev", b"").decode()
    return f"{text}\n{previous}" if previous else text


def shown_text(memory: Memory, fields: Mapping[str, bytes], part: int, longest: int) -> str:
    """A short text whole; of a long one the matching part, with marks where it was cut."""
    if len(memory.text) <= longest:
        return memory.text
    start = int(fields["start"]) if part else 0
    piece = fields["piece"].decode() if part else memory.text[: int(fields["cut"])]
    return f"{'…' if start else ''}{piece.strip()}{'…' if start + len(piece) < len(memory.text) else ''}"
