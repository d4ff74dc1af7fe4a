"""What was forgotten, and whether words that come again are a replay or said anew. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from mcp_memory.records import Message
from mcp_memory.text import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A message that a forgotten memory came from, without its words."""

    session_id: str
    message_id: str
    role: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Kept under the fingerprint of what was forgotten; holds no text."""

    at_ms: int
    """When it was forgotten."""
    sources: tuple[Source, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, raw: bytes | str) -> "Tombstone":
        row = json.loads(raw)
        return cls(at_ms=row["at_ms"], sources=tuple(Source(**source) for source in row["sources"]))

    @property
    def date(self) -> str:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).date().isoformat()


def source_of(session_id: str, message: Message) -> Source:
    return Source(
        session_id=session_id,
        message_id=message.id,
        role=message.role,
        at_ms=round(message.created_at.timestamp() * 1000),
    )


def is_replay(said: Source, tombstone: Tombstone, *, same_words: bool) -> bool:
    """Whether a message only repeats what was forgotten (design.md section 5, "Replay or said anew").

    A replay: the same words by the same role in the same session; or the id or the time of a message that the
    forgotten came from; or anything dated before the forgetting. Only a user says something anew.

    Args:
        said: the message that comes (again).
        tombstone: of the words it holds.
        same_words: the message is one of the forgotten ones, word for word, and not merely holds their words.
    """
    if said.role != "user" or said.at_ms < tombstone.at_ms:
        return True
    return any(_repeats(said, source, same_words=same_words) for source in tombstone.sources)


def _repeats(said: Source, source: Source, *, same_words: bool) -> bool:
    same_place = said.session_id == source.session_id and said.role == source.role
    same_id = said.message_id == source.message_id
    return same_id or said.at_ms == source.at_ms or (same_words and same_place)


def merged(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(sources))


def session_fingerprint(session_id: str) -> str:
    """Under which the forgetting of a whole session is kept; no text has it."""
    return fingerprint(session_id.encode().hex(), event_day="session")
