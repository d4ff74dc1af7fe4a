"""Records become JSON-ready objects here: the same fields on every face, whatever is empty left out.

Fields that callers rely on are always there, `null` or empty if need be: those named in each function's first
object. Times are ISO 8601 in UTC with a `Z`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, assert_never

from mcp_memory.records import (
    Appended,
    Duplicate,
    Hit,
    Memory,
    Message,
    Outcome,
    Page,
    Preview,
    Rejected,
    Session,
    Stored,
    Superseded,
    Version,
)

if TYPE_CHECKING:
    from mcp_memory.service import Context, SessionInfo

Json = dict[str, Any]

PREVIEW_CHARACTERS = 200
"""How much of a text a list of what would be forgotten shows: enough to recognise it."""


def time(moment: datetime) -> str:
    """ISO 8601 in UTC, as short as the moment allows.

    >>> time(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    '2026-03-01T09:30:00Z'
    """
    aware = moment.astimezone(UTC)
    precision = "milliseconds" if aware.microsecond and aware.microsecond % 1_000 == 0 else "auto"
    return aware.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def memory(record: Memory) -> Json:
    """One memory, as `get_memory` and `edit_memory` answer it."""
    always = {"id": record.id, "text": record.text, "memory_type": record.memory_type, **_times(record)}
    return always | _filled(
        updated_at=None if record.updated_at == record.created_at else time(record.updated_at),
        **_marks(record),
        message_ids=list(record.message_ids),
        role=record.role,
        author=record.author,
        metadata=dict(record.metadata),
        source=None if record.source in {"remember", "message"} else record.source,
        seen=record.seen if record.seen > 1 else None,
        version=record.version if record.version > 1 else None,
    )


def hit(found: Hit) -> Json:
    """One hit of `recall`. `message_ids` are all the messages it stands for."""
    record = found.memory
    always = {
        "id": record.id,
        "text": found.text,
        "memory_type": record.memory_type,
        "score": None if found.score is None else round(found.score, 3),
        "why": found.why,
        **_times(record),
    }
    return always | _filled(
        **_marks(record),
        message_ids=list(found.covers or record.message_ids),
        metadata=dict(record.metadata),
        neighbours=[message(turn) for turn in found.neighbours],
        explain=None if found.trace is None else dict(found.trace),
    )


def page(found: Page) -> Json:
    """The answer of `recall`."""
    return {
        "memories": [hit(one) for one in found.hits],
        "total": found.total,
        "next_cursor": found.next_cursor,
        "note": found.note,
    }


def outcome(result: Outcome) -> Json:
    """What became of one item of `remember`."""
    match result:
        case Stored():
            return {"id": result.id, "outcome": "stored"}
        case Duplicate():
            return {"id": result.id, "outcome": "duplicate", "of": [result.id]} | _filled(reason=result.reason)
        case Superseded():
            return {"id": result.id, "outcome": "superseded", "of": list(result.of)} | _filled(reason=result.reason)
        case Rejected():
            return {"id": result.id, "outcome": "rejected", "reason": f"{result.code}: {result.reason}"}
        case _:
            assert_never(result)


def outcomes(results: Iterable[Outcome]) -> Json:
    """The answer of `remember`, in the order of its items."""
    return {"results": [outcome(result) for result in results]}


def version(past: Version) -> Json:
    """What a memory said before, until when, and what took its place."""
    shown = memory(past.memory)
    return shown | {"until": time(past.until), "reason": past.reason} | _filled(superseded_by=past.superseded_by)


def with_history(record: Memory, past: Sequence[Version]) -> Json:
    """One memory and what it said before, oldest first."""
    return memory(record) | {"history": [version(one) for one in past]}


def message(turn: Message) -> Json:
    """One turn of a session."""
    return {
        "id": turn.id,
        "role": turn.role,
        **_filled(name=turn.name),
        "content": turn.content,
        "created_at": time(turn.created_at),
    }


def session(found: Session) -> Json:
    """The answer of `get_session`: the newest messages, in order."""
    return {
        "messages": [message(turn) for turn in found.messages],
        "summary": found.summary,
        "data": dict(found.data),
        "message_count": found.message_count,
        "pending_extraction": found.pending_extraction,
        "next_cursor": found.next_cursor,
    } | _filled(note=_session_note(found))


def session_info(found: "SessionInfo") -> Json:
    """One line of the list of sessions."""
    return {
        "session_id": found.session_id,
        "message_count": found.message_count,
        "last_active": time(found.last_active),
    }


def appended(result: Appended) -> Json:
    """The answer of `append_to_session`."""
    kept = len(result.forgotten)
    return {
        "session_id": result.session_id,
        "message_ids": list(result.message_ids),
        "message_count": result.message_count,
        "extraction": result.extraction,
    } | _filled(
        note=f"{kept} of them repeat what was forgotten: kept in the transcript, not learnt again" if kept else None
    )


def forgotten(ids: Iterable[str]) -> Json:
    """The answer of `forget` when it has forgotten."""
    return {"forgotten": list(ids), "would_forget": [], "confirm": None}


def preview(would: Preview) -> Json:
    """The answer of `forget` when it has only looked. The token takes what is shown, and no more."""
    shown = [
        {"id": record.id, "text": clipped(record.text, PREVIEW_CHARACTERS), "memory_type": record.memory_type}
        for record in would.hits
    ]
    going = what_goes(would)
    if not going:
        note = "nothing matches; nothing was or would be forgotten"
    else:
        more = f" ({would.total:,} match: preview again for the rest)" if would.total > len(would.hits) else ""
        note = f"nothing is forgotten yet; to forget {going}{more}, call forget with confirm alone"
    return {"forgotten": [], "would_forget": shown, "confirm": would.confirm if going else None, "note": note}


def what_goes(would: Preview) -> str:
    """How much a preview would take, in words; empty where that is nothing."""
    memories = _counted(len(would.hits), "memory", "memories") if would.hits else ""
    messages = f"{_counted(would.messages, 'message', 'messages')} of the session" if would.messages else ""
    return " and ".join(part for part in (memories, messages) if part)


def context(block: "Context") -> Json:
    """The answer of `get_context`; the block carries its own fence."""
    return {"context": block.context, "memory_ids": list(block.memory_ids), "tokens": block.tokens}


def clipped(text: str, characters: int) -> str:
    """The text, or its beginning with an ellipsis, at most so long."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def _times(record: Memory) -> Json:
    dated = {} if record.event_date is None else {"event_date": time(record.event_date)}
    return {"created_at": time(record.created_at)} | dated


def _marks(record: Memory) -> Json:
    return {
        "topics": list(record.topics),
        "entities": list(record.entities),
        "pinned": record.pinned,
        "session_id": record.session_id,
    }


def _session_note(found: Session) -> str | None:
    if not found.exists:
        return f"no session {found.session_id!r} in this scope yet; append_to_session begins it"
    if found.truncated:
        return f"{_counted(found.truncated, 'older message', 'older messages')} left out to keep within max_tokens"
    return None


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _filled(**values: Any) -> Json:
    """Only the fields that say something: no null, no empty text, list or object, no false."""
    return {name: value for name, value in values.items() if value not in (None, "", False, [], {})}
