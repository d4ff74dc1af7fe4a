"""The LoCoMo conversations as turns and questions, read from a path: the data is not ours to ship.

Licence CC BY-NC 4.0 (snap-research/LoCoMo): for measuring only.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
ANSWERABLE = (1, 2, 3, 4)

_SESSION = re.compile(r"session_(\d+)")
_SEPARATORS = re.compile(r"[;,\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn; `id` is LoCoMo's, unique in its conversation."""

    id: str
    speaker: str
    text: str
    """With the caption of its photo, if it has one."""
    said_at: datetime
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QA:
    """A question and the turns that hold its answer."""

    question: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Two people over months."""

    id: str
    speakers: tuple[str, str]
    """Who is the user to us, and who the assistant."""
    turns: tuple[Turn, ...]
    questions: tuple[QA, ...]

    def sessions(self) -> Iterator[tuple[str, list[Turn]]]:
        """The sessions in order, each with its turns."""
        for session_id in dict.fromkeys(turn.session_id for turn in self.turns):
            yield session_id, [turn for turn in self.turns if turn.session_id == session_id]

    def role(self, turn: Turn) -> str:
        return "user" if turn.speaker == self.speakers[0] else "assistant"


def load(path: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file."""
    return [_conversation(raw) for raw in json.loads(path.read_text())]


def _conversation(raw: dict[str, Any]) -> Conversation:
    said: dict[str, Any] = raw["conversation"]
    numbers = sorted(int(match[1]) for name in said if (match := _SESSION.fullmatch(name)))
    turns = tuple(
        Turn(
            id=turn["dia_id"],
            speaker=turn["speaker"],
            text=_text(turn),
            said_at=_moment(said[f"session_{number}_date_time"]),
            session_id=f"session_{number}",
        )
        for number in numbers
        for turn in said[f"session_{number}"]
    )
    known = {turn.id for turn in turns}
    questions = (
        QA(question=qa["question"], category=qa["category"], evidence=_evidence(qa["evidence"], known))
        for qa in raw["qa"]
    )
    return Conversation(
        id=raw["sample_id"],
        speakers=(said["speaker_a"], said["speaker_b"]),
        turns=turns,
        questions=tuple(qa for qa in questions if qa.evidence),
    )


def _text(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [photo: {caption}]" if caption else turn["text"]


def _evidence(given: list[str], known: set[str]) -> frozenset[str]:
    """Some strings hold several ids, some a typo; ids that no turn has are dropped."""
    return frozenset(part for text in given for part in _SEPARATORS.split(text) if part in known)


def _moment(text: str) -> datetime:
    """LoCoMo's own way to write it: `1:56 pm on 8 May, 2023`."""
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
