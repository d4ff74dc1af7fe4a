"""Find what is worth remembering in the turns of a conversation, by rules alone.

No text is made up: a memory is a stretch of its message, word for word. What the words leave to the moment
they were said in (`yesterday`) is resolved in `event_date`, and the words stay.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise
from typing import Final, NamedTuple

from mcp_memory.longterm.dates import DateSpan, resolve
from mcp_memory.longterm.extract_gate import Finding, Setting, judge
from mcp_memory.longterm.extract_topics import entities, names, topics
from mcp_memory.longterm.patterns import Kind
from mcp_memory.longterm.sentences import Sentence, split
from mcp_memory.records import Message, NewMemory, Strategy

__all__ = ["RECALL_TAG", "Extracted", "extract", "topics"]

RECALL_TAG: Final = "memory"
"""What stands between `<memory …>` and `</memory>` was handed out by this server and is not learnt again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """A memory found in a message, and where: `memory.text == message.content[start:end]`."""

    memory: NewMemory
    kind: Kind
    message_id: str
    sentence_index: int
    """Counts the sentences and blocks of the message, from 0."""
    start: int
    end: int
    date: DateSpan | None = None
    """The date it speaks of; its position counts from `start`."""


class _Stretch(NamedTuple):
    """A part of a message: text to be read, a caption, or what is to be skipped."""

    kind: str
    start: int
    end: int


_RECALLED = re.compile(rf"(?:<|&lt;)(/?){RECALL_TAG}(?:\s[^<>]{{0,500}})?(?:>|&gt;)", re.IGNORECASE)
_PHOTO = re.compile(r"\[photo:\s{0,3}[^\[\]]{1,400}\]")
_ASKS = re.compile(r"\?(?:[\s\"')\]*]|$)")
_LONGEST_LEAD_IN: Final = 300
"""Characters of the sentence before a caption that are kept with it."""

_KINDS: Final[dict[str, frozenset[Kind]]] = {
    "discrete": frozenset(("preference", "instruction", "identity", "relation", "event", "plan")),
    "custom": frozenset(("preference", "instruction", "identity", "relation", "event", "plan")),
    "preferences": frozenset(("preference", "instruction")),
}
"""What each strategy keeps; a summary is not made of single memories."""


def extract(
    messages: Sequence[Message],
    *,
    context: Sequence[Message] = (),
    tz: tzinfo,
    strategy: Strategy = "discrete",
    is_recalled: Callable[[str], bool] | None = None,
) -> list[Extracted]:
    """The memories in `messages`, in their order.

    What a message gives depends on it and on the one before it alone, so that a conversation read in batches
    gives the same as read at once, if each batch is given the message before it as `context`.

    Args:
        messages: oldest first.
        context: the turns before them, oldest first; nothing is taken from them.
        tz: of the speakers; decides what `yesterday` was.
        strategy: `preferences` keeps preferences and instructions; `summary` and `off` give nothing.
        is_recalled: whether a sentence is an echo of what memory handed out; such a sentence is skipped.
    """
    kinds = _KINDS.get(strategy, frozenset[Kind]())
    turns = [*context[-1:], *messages]
    before: list[Message | None] = [*context[-1:], *messages[:-1]] if context else [None, *messages[:-1]]
    return [
        found
        for message, previous in zip(messages, before, strict=True)
        for found in _of_message(message, previous, tz)
        if found.kind in kinds and not (is_recalled and is_recalled(found.memory.text))
    ]
