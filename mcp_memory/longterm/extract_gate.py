"""Decide whether a sentence says something that lasts, and of which kind."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from mcp_memory.longterm.dates import DateSpan
from mcp_memory.longterm.extract_reading import (
    Reading,
    is_future,
    is_machine_text,
    is_past,
    is_question,
    is_request,
    is_unreal,
    opens_question,
    read,
)
from mcp_memory.longterm.patterns import Kind, Pattern, by_trigger
from mcp_memory.longterm.patterns_instructions import INSTRUCTIONS
from mcp_memory.longterm.patterns_statements import POSSESSION, STATEMENTS
from mcp_memory.longterm.patterns_words import FIRST_PERSON, FUNCTION, MACHINERY, TASK_NOUNS, TROUBLE, VAGUE, words

__all__ = ["DateOf", "Finding", "Setting", "judge"]


DateOf: TypeAlias = Callable[[str], DateSpan | None]
"""The date that a text speaks of."""


class Setting(NamedTuple):
    """Where a sentence was said."""

    said_at: datetime
    personal: bool
    """Between people rather than to an assistant: what they tell of themselves counts even unasked-for."""
    instructs: bool
    """By somebody whose wishes bind the assistant."""
    answering: bool
    """In reply to a question."""


class Finding(NamedTuple):
    """What is worth keeping of a sentence: its first `length` characters."""

    kind: Kind
    length: int
    date: DateSpan | None


LONGEST_SENTENCE: Final = 1_000
"""Characters; what is longer without a stop is a log, a list or a document, not something said."""
TELLING: Final = 7.0
"""What people tell each other is kept from this score on; found on two conversations, tested on others."""

HISTORY: Final = timedelta(days=730)
"""What lies further back and is not about the speaker is general knowledge rather than news."""
DATED: Final = 2.5
"""What a date adds to that score."""

_EMPTY: Final = FUNCTION | VAGUE
_INSTRUCTIONS: Final = by_trigger(INSTRUCTIONS)
_STATEMENTS: Final = by_trigger(STATEMENTS)

_INNER_QUESTION = re.compile(
    r"(?:, (?:so |and |but |any )?|[;—–-] ?|\b(?:and|so|but) )(?=(?:what|who|which|when|where|why|how|is|are|do|does"
    r"|did|can|could|will|would|should|any|have you|got)\b)",
    re.IGNORECASE,
)
_PRESENT_TASK = re.compile(
    r"\b(?:you (?:said|wrote|suggested|mentioned|gave|made|told)|your (?:\w{2,12} )?(?:code|answer|suggestion"
    r"|response|solution|example|advice|script|reply|option|idea|version|approach)"
    r"|(?:still |now )?(?:works?|worked) (?:now|fine|great|well)|doesn't work|didn't work|not"
    r" working|does not work|doesn't compile|as (?:shown|described) (?:above|below)|the (?:above|following))\b"
)
_SHOULD = re.compile(
    r"(?:it|that|this|they|the \w{1,20}(?: \w{1,20})?) (?:should|must|needs? to|has to|have to|could|would|can)\b"
)
_MOOD = re.compile(
    r"\b(?:i'm|i am|i feel|i'm feeling|i was|we're) (?:(?:so|really|very|just|a bit|a little|pretty|feeling|not) ){0,3}"
    r"(?:tired|hungry|bored|happy|sad|glad|excited|sorry|sure|ready|done|fine|okay|ok|good|great|back|here|confused|lost"
    r"|curious|stuck|proud|grateful|thankful)\b"
)
_THING = re.compile(
    r"the ((?:[\w'-]{2,20} ){1,5}?)(?:is|are|was|has|have|lives?|runs?|uses?|belongs?|costs?|takes?|sits?|stands?"
    r"|closes|opens|starts|expires|stays|changed|moved|comes|goes) "
    r"(?!(?:not|wrong|still|broken|very|too|so|a bit|really)\b)"
)
_STORY = re.compile(
    r"(?:in |at |on )?(?:the|my|our|this|a) (?:\w{2,12} )?(?:character|protagonist|hero|heroine|villain|narrator|story"
    r"|user|customer|player|reader|poem|plot|scene|chapter)s?\b"
)
_NAMED_PERSON = re.compile(
    r"[A-Z][a-zß-ÿ]{1,15} (?:owns|manages|leads|handles|maintains|is (?:our|my)|reports to|works|lives|sits|runs) "
)
_INTRODUCED = re.compile(r"\bI(?:['’]m| am) [A-Z][a-z]{1,15}(?: [A-Z][a-z]{1,15})?(?:[,.!]|$| and | from )")
_SPECIFIC = re.compile(r"(?<![.!?] )\b(?:[A-Z][\w'-]|(?i:my|our)\b|\w{0,20}\d)")
_LISTENER = words("you your yours it this that these those")
_MAY_HAPPEN: Final = frozenset(("event", "plan", "relation"))
_OPEN_ENDED = words("since until till")
_PERFECT = words("i've we've been he's she's they've")
_AT_HAND = words("today tonight now")
_TRYING = words("try check know")


def judge(sentence: str, setting: Setting, dated: DateOf) -> Finding | None:
    """What of `sentence` is worth keeping, if anything; `dated` is asked only where a date matters."""
    if len(sentence) > LONGEST_SENTENCE or is_machine_text(sentence):
        return None
    reading = read(sentence)
    if len(reading.words) < 2:
        return None
    if setting.instructs and (found := _first(_INSTRUCTIONS, reading)):
        return Finding(found.kind, len(sentence), None)
    if is_question(reading):
        return _before_question(sentence, setting, dated)
    if is_unreal(reading):
        return None
    kind = _told(reading, setting, dated) if setting.personal else _to_assistant(reading, setting, dated)
    return _finding(kind, reading, setting, dated) if kind else None


def _finding(kind: Kind, reading: Reading, setting: Setting, dated: DateOf) -> Finding:
    """With its date if it happens at one; a fact about others that does is an event or a plan."""
    span = dated(reading.text) if kind in _MAY_HAPPEN else None
    if span is None or span.lead in _OPEN_ENDED:
        return Finding(kind, len(reading.text), None)
    if kind == "relation":
        kind = "plan" if span.start > setting.said_at else "event" if is_past(reading) else kind
    elif kind == "plan" and span.end <= setting.said_at:
        kind = "event"
    return Finding(kind, len(reading.text), span if kind != "relation" else None)


def _first(table: Mapping[str, tuple[tuple[int, Pattern], ...]], reading: Reading) -> Pattern | None:
    """The pattern that stands first in its table among those that fit."""
    places = {place: pattern for word in reading.bag & table.keys() for place, pattern in table[word]}
    return next((places[place] for place in sorted(places) if places[place].expression.search(reading.body)), None)


def _before_question(sentence: str, setting: Setting, dated: DateOf) -> Finding | None:
    """`My daughter is allergic to nuts, what can I bake?`: the statement before the question."""
    cut = _INNER_QUESTION.search(sentence)
    if not cut or cut.start() < 12:
        return None
    head = sentence[: cut.start()]
    reading = read(head)
    if len(reading.words) < 3 or opens_question(reading) or is_unreal(reading):
        return None
    found = None if is_request(reading) else _first(_STATEMENTS, reading)
    return _finding(found.kind, reading, setting, dated) if found else None


def _to_assistant(reading: Reading, setting: Setting, dated: DateOf) -> Kind | None:
    """Said to an assistant: only what a pattern knows, or what has a date, and nothing about the task at hand."""
    if _PRESENT_TASK.search(reading.body) or _SHOULD.match(reading.body):
        return None
    found = _first(_STATEMENTS, reading)
    if _STORY.match(reading.body) or (is_request(reading) and not (found and found.kind == "plan")):
        return None
    if found and found.kind in {"preference", "instruction"}:
        return found.kind
    if not MACHINERY.isdisjoint(reading.words[:6]) or (found and _is_at_hand(found, reading)):
        return None
    if found:
        return None if found.kind in {"plan", "event"} and reading.bag & TROUBLE else found.kind
    return _unnamed(reading, setting, dated)


def _is_at_hand(found: Pattern, reading: Reading) -> bool:
    """`We have two lists`: what is owned belongs to the task."""
    return found is POSSESSION and not TASK_NOUNS.isdisjoint({word.removesuffix("s") for word in reading.words[:7]})


def _unnamed(reading: Reading, setting: Setting, dated: DateOf) -> Kind | None:
    """Of no pattern, and still telling."""
    if _INTRODUCED.search(reading.text):
        return "identity"
    if _NAMED_PERSON.match(reading.text):
        return "relation"
    return "relation" if _is_about_world(reading) else _happening(reading, dated(reading.text), setting)


def _is_about_world(reading: Reading) -> bool:
    """`The garage code is with Piet`: a plain statement about a thing of somebody's, with a name in it."""
    fact = _THING.match(reading.body)
    if not fact or reading.bag & (TROUBLE | _LISTENER):
        return False
    return TASK_NOUNS.isdisjoint(fact.group(1).split()) and bool(_SPECIFIC.search(reading.text, 4))


def _happening(reading: Reading, span: DateSpan | None, setting: Setting) -> Kind | None:
    """A plain statement with a date is an event or a plan, unless it is about how the present task goes."""
    if span is None or span.lead == "since" or len(reading.words) < 4:
        return None
    if reading.bag.isdisjoint(FIRST_PERSON) and span.start < setting.said_at - HISTORY:
        return None
    if span.text.lower() in _AT_HAND or _MOOD.search(reading.body) or reading.bag & (TROUBLE | _TRYING):
        return None
    if is_past(reading) and not is_future(reading):
        return "event"
    return "plan" if span.end > setting.said_at else "relation"


def _told(reading: Reading, setting: Setting, dated: DateOf) -> Kind | None:
    """Said between people: whatever tells more than small talk does."""
    found = _first(_STATEMENTS, reading)
    score = _score(reading, setting, found)
    if score < TELLING and (score + DATED < TELLING or dated(reading.text) is None):
        return None
    if found:
        return found.kind
    if is_future(reading):
        return "plan"
    if is_past(reading):
        return "event"
    return "identity" if reading.bag & FIRST_PERSON else "relation"


def _score(reading: Reading, setting: Setting, found: Pattern | None) -> float:
    """How much a sentence tells: words that set it apart, a person, a time; less where it is about the listener."""
    bag = reading.bag
    telling = len(bag) - sum(1 for word in bag if word in _EMPTY)
    if telling == 0:
        return 0.0
    score = min(8.0, telling) + 4 * setting.answering + 3 * (found is not None)
    score += 2 * (not bag.isdisjoint(FIRST_PERSON)) + 1.5 * is_past(reading) + 1.5 * (not bag.isdisjoint(_PERFECT))
    return score - sum(1 for word in reading.words if word.startswith("you"))
