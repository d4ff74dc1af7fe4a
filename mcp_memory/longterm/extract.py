"""Find what is worth remembering in the turns of a conversation, by rules alone.

No text is made up: a memory is a stretch of its message, word for word. What the words leave to the moment
they were said in (`yesterday`) is resolved in `event_date`, and the words stay.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache, partial
from itertools import pairwise
from typing import Final, NamedTuple

from mcp_memory.longterm.dates import DateSpan, resolve
from mcp_memory.longterm.extract_gate import Finding, Setting, judge
from mcp_memory.longterm.extract_topics import entities, names, topics
from mcp_memory.longterm.patterns import Kind
from mcp_memory.longterm.sentences import Sentence, split
from mcp_memory.records import Message, NewMemory, Strategy

__all__ = ["RECALL_TAG", "Extracted", "extract", "recalled_spans", "topics"]

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
    """When it happened or will, where it says so; its position counts from `start`."""


_RECALLED = re.compile(rf"(?:<|&lt;)(/?){RECALL_TAG}(?:\s[^<>]{{0,500}})?(?:>|&gt;)", re.IGNORECASE)
_ASKS = re.compile(r"\?(?:[\s\"')\]*]|$)")
LONGEST_LEAD_IN: Final = 300
"""Characters of the sentence before a caption that are kept with it."""

_READ: Final = frozenset(("prose", "item"))
"""Blocks that may hold a memory; headings, code and quotations do not."""
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

    What a message gives depends on it, on the turn before it and on the last one by somebody else, so that a
    conversation read in batches gives the same as read at once, if each batch is given those as `context`.

    Args:
        messages: oldest first.
        context: the turns before them, oldest first, back to the last one by another speaker or further;
            nothing is taken from them.
        tz: of the speakers; decides what `yesterday` was.
        strategy: `preferences` keeps preferences and instructions; `summary` and `off` give nothing.
        is_recalled: whether a sentence is an echo of what memory handed out; such a sentence is skipped.
    """
    kinds = _KINDS.get(strategy)
    if not kinds:
        return []
    return [
        found
        for turn in _turns(context, messages)
        if (setting := _setting(turn))
        for found in _of_turn(turn, setting, tz)
        if found.kind in kinds and not (is_recalled and is_recalled(found.memory.text))
    ]


class _Turn(NamedTuple):
    message: Message
    previous: Message | None
    """The turn before it."""
    other: Message | None
    """The last one before it by somebody else."""


def _turns(context: Sequence[Message], messages: Sequence[Message]) -> Iterator[_Turn]:
    """The messages of people and assistants; what tools and systems say is no turn, and never believed."""
    previous = other = None
    for position, message in enumerate((*context, *messages)):
        if message.role not in {"user", "assistant"}:
            continue
        if previous and previous.author != message.author:
            other = previous
        if position >= len(context):
            yield _Turn(message, previous, other)
        previous = message


def _setting(turn: _Turn) -> Setting | None:
    """How a message is to be read; None: not at all.

    Two who both have a name are people talking to each other, whichever of the roles they were given. An assistant
    without a name, or one that talks to somebody without, is the assistant: its words are no facts.
    """
    message, previous, other = turn
    by_user = message.role == "user"
    if not by_user and (not message.name or (other and not other.name)):
        return None
    return Setting(
        said_at=message.created_at,
        personal=not by_user or bool(message.name and other and other.name),
        instructs=by_user,
        answering=previous is not None and previous is other and bool(_ASKS.search(previous.content)),
    )


class _Kept(NamedTuple):
    position: int
    start: int
    end: int
    finding: Finding


def _of_turn(turn: _Turn, setting: Setting, tz: tzinfo) -> Iterator[Extracted]:
    message, previous, _ = turn
    kept = _findings(message, setting, tz)
    if not kept:
        return

    @cache
    def known() -> frozenset[str]:
        return names(message.content) | (names(previous.content) if previous else frozenset[str]())

    seen: set[str] = set()
    for found in kept:
        text = message.content[found.start : found.end]
        if text not in seen:
            seen.add(text)
            yield _extracted(message, found, text, known)


def _extracted(message: Message, found: _Kept, text: str, known: Callable[[], frozenset[str]]) -> Extracted:
    kind, _, date = found.finding
    metadata: dict[str, str] = {"kind": kind, "said_by": message.author}
    if date:
        metadata |= {"date_words": date.text, "date_granularity": date.granularity}
    memory = NewMemory(
        text=text,
        memory_type="episodic" if date else "semantic",
        topics=topics(text),
        entities=entities(text, known=known),
        event_date=date.start if date else None,
        metadata=metadata,
        message_ids=(message.id,),
    )
    return Extracted(
        memory=memory,
        kind=kind,
        message_id=message.id,
        sentence_index=found.position,
        start=found.start,
        end=found.end,
        date=date,
    )


def _findings(message: Message, setting: Setting, tz: tzinfo) -> list[_Kept]:
    """What is worth keeping, in order; a caption belongs to the sentence before it."""
    kept: list[_Kept] = []
    last: Sentence | None = None
    dated = partial(resolve, said_at=message.created_at, tz=tz)
    for position, sentence in enumerate(_sentences(message.content)):
        if sentence.block == "caption":
            caption = _Kept(position, sentence.start, sentence.end, Finding("event", len(sentence.text), None))
            _add_caption(kept, caption, last, message.content)
        elif sentence.block in _READ and (finding := judge(sentence.text, setting, dated)):
            kept.append(_Kept(position, sentence.start, sentence.start + finding.length, finding))
        last = sentence
    return kept


def _add_caption(kept: list[_Kept], caption: _Kept, last: Sentence | None, content: str) -> None:
    """A photo makes one memory with the sentence before it: the one that is kept anyway, or a short lead-in."""
    if last is None or last.block not in {*_READ, "caption"} or content[last.end : caption.start].strip():
        kept.append(caption)
    elif kept and kept[-1].end == last.end:
        kept[-1] = kept[-1]._replace(end=caption.end)
    elif last.end - last.start > LONGEST_LEAD_IN or last.text.endswith("?"):
        kept.append(caption)
    else:
        kept.append(caption._replace(start=last.start))


def _sentences(content: str) -> list[Sentence]:
    """The sentences and blocks of a message, without what was recalled."""
    recalled = recalled_spans(content)
    if not recalled:
        return split(content)
    sentences: list[Sentence] = []
    for (_, start), (end, _) in pairwise([(0, 0), *recalled, (len(content), 0)]):
        sentences += [
            Sentence(one.text, start + one.start, start + one.end, one.block) for one in split(content[start:end])
        ]
    return sentences


def recalled_spans(content: str) -> list[tuple[int, int]]:
    """Where `content` repeats what memory handed out: from an opening tag to its closing one, tags included.

    A tag whose other half is missing takes all that may belong to it: to the end, or from the last span on.
    """
    spans: list[tuple[int, int]] = []
    depth = opened = 0
    for tag in _RECALLED.finditer(content):
        if not tag.group(1):
            opened = opened if depth else tag.start()
            depth += 1
        elif depth > 1:
            depth -= 1
        else:
            start = opened if depth else (spans[-1][1] if spans else 0)
            spans.append((start, tag.end()))
            depth = 0
    if depth:
        spans.append((opened, len(content)))
    return spans
