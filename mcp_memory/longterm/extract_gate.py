"""Decide whether a sentence says something that lasts, and of which kind."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from mcp_memory.longterm.dates import DateSpan
from mcp_memory.longterm.patterns import Kind, Pattern, by_trigger
from mcp_memory.longterm.patterns_instructions import INSTRUCTIONS
from mcp_memory.longterm.patterns_statements import STATEMENTS
from mcp_memory.longterm.patterns_words import (
    FIRST_PERSON,
    FUNCTION,
    IMPERATIVES,
    TASK_NOUNS,
    TROUBLE,
    VAGUE,
    words,
)

__all__ = ["Finding", "Setting", "judge"]


class Setting(NamedTuple):
    """Where a sentence was said."""

    personal: bool = False
    """Between people rather than to an assistant: what they tell of themselves counts even unasked-for."""
    instructs: bool = True
    """By somebody whose wishes bind the assistant."""
    answering: bool = False
    """In reply to a question."""
    said_at: datetime = datetime.max.replace(tzinfo=UTC)


class Finding(NamedTuple):
    """What is worth keeping of a sentence: its first `length` characters."""

    kind: Kind
    length: int
    date: DateSpan | None


LONGEST_SENTENCE: Final = 1_000
"""Characters; what is longer without a stop is a log, a list or a document, not something said."""
TELLING: Final = 7.0
"""What people tell each other is kept from this score on; found on two conversations, tested on others."""

DATED: Final = 2.5
"""What a date adds to that score."""

_EMPTY: Final = FUNCTION | VAGUE
_INSTRUCTIONS: Final = by_trigger(INSTRUCTIONS)
_STATEMENTS: Final = by_trigger(STATEMENTS)

_WORD = re.compile(r"[^\W_](?:[\w'.-]{0,30}\w)?")
_OPENING = re.compile(
    r"(?:(?:hey|hi|hello|oh|ah|aw+|well|yeah|yep|yes|no|nope|ok|okay|so|and|but|also|plus|btw|by the way|actually"
    r"|honestly|anyway|wow|whoa|woah|haha|lol|hmm+|um|uh|sure|thanks|thank you|fyi|sorry|lately|recently|besides|then"
    r"|absolutely|definitely|totally|exactly|speaking of which|oh yeah|in fact|for me|right|great|cool|nice|awesome"
    r"|unfortunately|luckily|sadly|of course|note|yup)\b(?:(?: \w{2,20})?[,.!:;…-]+)? ?[-–—]{0,2} {0,2}"
    r"|[a-z]\w{1,20}, (?=i\b|i'|my\b|we\b|we'|our\b)){1,4}"
)
_QUESTION_WORD = words(
    "what who whom whose which when where why how is are was were do does did can could will would should shall "
    "may have has had isn't aren't don't doesn't didn't won't wouldn't couldn't can't any anything anyone got "
    "wanna what's how's where's who's"
)
_QUESTION_AUXILIARY = words("when have had any got what how")
"""They open statements too (`When I moved …`, `Had a great day`): without a question mark they prove nothing."""
_INNER_QUESTION = re.compile(
    r"(?:, (?:so |and |but |any )?|[;—–-] ?|\b(?:and|so|but) )(?=(?:what|who|which|when|where|why|how|is|are|do|does"
    r"|did|can|could|will|would|should|any|have you|got)\b)",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"(?:imagine|suppose|assume|pretend|let's say|say you|what if|hypothetically|in theory|picture|act as|you are"
    r"|you're|i wish)\b"
)
_UNREAL_WORDS = words("if wish would wouldn't would've hypothetical hypothetically sake role-play roleplay")
_UNREAL = re.compile(
    r"\bif (?:i|we|he|she|they|you|it|my \w+) (?:were|was|had|could|would|did)\b|\bi wish (?:i|we|it|there)\b"
    r"|\bwould(?:n't)? have\b|\bwould've\b|\bhypothetical|\bfor the sake of argument\b|\brole-?play"
)
_REQUEST = re.compile(
    r"(?:please|can you|could you|would you|will you|let's|let me|lemme|help me|i wonder|i'm wondering"
    r"|i have (?:a|another|one) (?:quick )?(?:question|problem|doubt)"
    r"|i(?:'m| am) (?:looking for|trying to|getting|having|seeing|curious|wondering|asking|stuck|confused|not sure"
    r"|unsure|interested in (?:knowing|how))"
    r"|i (?:need|want|would like|require) (?:you|it|this|that|an?|some|the|more|to (?:know|understand|see|make sure))\b"
    r"|i'd like (?:you|it|this|that|an?|some|the|more|to (?:know|understand|see))\b"
    r"|how about|what about|make sure|tell me|show me|give me|do you|don't you)\b"
)
_TASK_OBJECT = re.compile(
    r"\w+ (?:the|an?|this|that|it|me|my|your|these|those|some|all|each|any|every|one|two|three|\d|more|less|another|how"
    r"|what|why|if|whether|for|in|with|to|from|like|as|about|into|only|something|us|them|on|out|down|up|again|at|by)\b"
    r"|\w+\W*$"
)
_MACHINE_MARK = re.compile(r"[{}<>|\\=$;]|\(\)|::|->|//")
_MACHINE_LINE = re.compile(
    r"\s{0,20}(?:at|File|import|from|def|class|const|let|var|return|npm|pip|git|sudo|curl|docker)\s[\w\"./@:-]+"
    r"(?:$|\s[\w\"./@:-]+$)"
)
_PRESENT_TASK = re.compile(
    r"\b(?:you (?:said|wrote|suggested|mentioned|gave|made|told)|your (?:code|answer|suggestion|response|solution"
    r"|example|advice|script|reply)|(?:still |now )?(?:works?|worked) (?:now|fine|great|well)|doesn't work|didn't work"
    r"|not working|does not work|doesn't compile|as (?:shown|described) (?:above|below)|the (?:above|following))\b"
)
_SHOULD = re.compile(
    r"(?:it|that|this|they|the \w+(?: \w+)?) (?:should|must|needs? to|has to|have to|could|would|can)\b"
)
_MOOD = re.compile(
    r"\b(?:i'm|i am|i feel|i'm feeling|i was|we're) (?:(?:so|really|very|just|a bit|a little|pretty|feeling|not) ){0,3}"
    r"(?:tired|hungry|bored|happy|sad|glad|excited|sorry|sure|ready|done|fine|okay|ok|good|great|back|here|confused|lost"
    r"|curious|stuck|proud|grateful|thankful)\b"
)
_PAST = words(
    "was were did had got went came saw made took gave met bought brought told left began broke built caught "
    "chose drove drank ate fell felt flew found grew heard held kept knew lost led paid ran rode sang sat sent "
    "slept sold spent spoke stood taught won wore wrote became been"
)
_FUTURE = words(
    "will won't gonna plan plans planning hope hoping wanna next upcoming soon i'll we'll he'll she'll they'll it'll"
)
_FUTURE_PHRASE = re.compile(r"\b(?:(?:going|want) to|looking forward|can't wait|thinking (?:of|about))\b")
_FUTURE_PHRASE_WORDS = words("going want looking can't thinking")
_THING = re.compile(
    r"the ((?:[\w'-]{2,20} ){1,5}?)(?:is|are|was|has|have|lives?|runs?|uses?|belongs?|costs?|takes?|sits?|stands?|closes|opens"
    r"|starts|expires|stays|changed|moved|comes|goes) (?!(?:not|wrong|still|broken|very|too|so|a bit|really)\b)"
)
_SPECIFIC = re.compile(r"(?<![.!?] )\b(?:[A-Z][\w'-]+|(?i:my|our)\b|\w*\d[\w.:-]*)")
_LISTENER = words("you your yours it this that these those")
_MAY_HAPPEN: Final = frozenset(("event", "plan", "relation"))
_OPEN_ENDED = words("since until till")
_PERFECT = words("i've we've been he's she's they've")
_AT_HAND = words("today tonight now")
_TRYING = words("try check know")


class _Reading(NamedTuple):
    """A sentence made ready for the patterns."""

    text: str
    body: str
    """Lower case, straight apostrophes, without its opening interjections."""
    words: list[str]
    bag: frozenset[str]


def judge(sentence: str, setting: Setting, date: Callable[[], DateSpan | None]) -> Finding | None:
    """What of `sentence` is worth keeping, if anything; `date` gives the date it speaks of, where that matters."""
    if len(sentence) > LONGEST_SENTENCE or _MACHINE_MARK.search(sentence) or _MACHINE_LINE.match(sentence):
        return None
    reading = _read(sentence)
    if len(reading.words) < 2:
        return None
    if setting.instructs and (found := _first(_INSTRUCTIONS, reading)):
        return Finding(found.kind, len(sentence), None)
    if _is_question(reading):
        return _before_question(sentence, setting, date)
    if _is_unreal(reading):
        return None
    kind = _told(reading, setting, date) if setting.personal else _to_assistant(reading, setting, date)
    return _finding(kind, reading, setting, date) if kind else None


def _finding(kind: Kind, reading: _Reading, setting: Setting, date: Callable[[], DateSpan | None]) -> Finding:
    """With its date if it happens at one; a fact about others that does is an event or a plan."""
    span = date() if kind in _MAY_HAPPEN else None
    if span is None or span.lead in _OPEN_ENDED:
        return Finding(kind, len(reading.text), None)
    if kind == "relation":
        kind = "plan" if span.start > setting.said_at else "event" if _is_past(reading) else kind
    return Finding(kind, len(reading.text), span if kind != "relation" else None)


def _read(sentence: str) -> _Reading:
    lower = sentence.lower().replace("’", "'").replace("\n", " ")
    opening = _OPENING.match(lower)
    body = lower[opening.end() :] if opening else lower
    found = _WORD.findall(body)
    return _Reading(sentence, body, found, frozenset(found))


def _first(table: Mapping[str, tuple[tuple[int, Pattern], ...]], reading: _Reading) -> Pattern | None:
    """The pattern that stands first in its table among those that fit."""
    places = {place: pattern for word in reading.bag & table.keys() for place, pattern in table[word]}
    return next((places[place] for place in sorted(places) if places[place].expression.search(reading.body)), None)


def _is_question(reading: _Reading) -> bool:
    if reading.text.rstrip("\"')”’* ").endswith("?"):
        return True
    opening = reading.words[0]
    return opening in _QUESTION_WORD and opening not in _QUESTION_AUXILIARY


def _is_unreal(reading: _Reading) -> bool:
    """Supposed, wished, or true only in a story."""
    if _SUPPOSED.match(reading.body):
        return True
    return not reading.bag.isdisjoint(_UNREAL_WORDS) and bool(_UNREAL.search(reading.body))


def _is_past(reading: _Reading) -> bool:
    return not reading.bag.isdisjoint(_PAST) or any(word.endswith("ed") and len(word) > 3 for word in reading.bag)


def _is_future(reading: _Reading) -> bool:
    if not reading.bag.isdisjoint(_FUTURE):
        return True
    return not reading.bag.isdisjoint(_FUTURE_PHRASE_WORDS) and bool(_FUTURE_PHRASE.search(reading.body))


def _before_question(sentence: str, setting: Setting, date: Callable[[], DateSpan | None]) -> Finding | None:
    """`My daughter is allergic to nuts, what can I bake?`: the statement before the question."""
    cut = _INNER_QUESTION.search(sentence)
    if not cut or cut.start() < 12:
        return None
    head = sentence[: cut.start()]
    reading = _read(head)
    if len(reading.words) < 3 or reading.words[0] in _QUESTION_WORD or _is_unreal(reading):
        return None
    found = None if _is_request(reading) else _first(_STATEMENTS, reading)
    return _finding(found.kind, reading, setting, date) if found else None


def _is_request(reading: _Reading) -> bool:
    if _REQUEST.match(reading.body):
        return True
    return reading.words[0] in IMPERATIVES and bool(_TASK_OBJECT.match(reading.body))


def _to_assistant(reading: _Reading, setting: Setting, date: Callable[[], DateSpan | None]) -> Kind | None:
    """Said to an assistant: only what a pattern knows, or what has a date, and nothing about the task at hand."""
    if _PRESENT_TASK.search(reading.body) or _SHOULD.match(reading.body):
        return None
    found = _first(_STATEMENTS, reading)
    if _is_request(reading):
        return "plan" if found and found.kind == "plan" else None
    if found:
        return found.kind
    return "relation" if _is_about_world(reading) else _dated(reading, date(), setting)


def _is_about_world(reading: _Reading) -> bool:
    """`The garage code is with Piet`: a plain statement about a thing of somebody's, with a name in it."""
    fact = _THING.match(reading.body)
    if not fact or reading.bag & (TROUBLE | _LISTENER):
        return False
    return TASK_NOUNS.isdisjoint(fact.group(1).split()) and bool(_SPECIFIC.search(reading.text, 4))


def _dated(reading: _Reading, span: DateSpan | None, setting: Setting) -> Kind | None:
    """A plain statement with a date is an event or a plan, unless it is about how the present task goes."""
    if span is None or span.lead == "since" or len(reading.words) < 4:
        return None
    if span.text.lower() in _AT_HAND or _MOOD.search(reading.body) or reading.bag & (TROUBLE | _TRYING):
        return None
    if _is_past(reading) and not _is_future(reading):
        return "event"
    return "plan" if span.end > setting.said_at else "relation"


def _told(reading: _Reading, setting: Setting, date: Callable[[], DateSpan | None]) -> Kind | None:
    """Said between people: whatever tells more than small talk does."""
    found = _first(_STATEMENTS, reading)
    score = _score(reading, setting, found)
    if score < TELLING and (score + DATED < TELLING or date() is None):
        return None
    if found:
        return found.kind
    if _is_future(reading):
        return "plan"
    if _is_past(reading):
        return "event"
    return "identity" if reading.bag & FIRST_PERSON else "relation"


def _score(reading: _Reading, setting: Setting, found: Pattern | None) -> float:
    """How much a sentence tells: words that set it apart, a person, a time; less where it is about the listener."""
    bag = reading.bag
    telling = len(bag) - sum(1 for word in bag if word in _EMPTY)
    if telling == 0:
        return 0.0
    score = min(8.0, telling) + 4 * setting.answering + 2 * (found is not None)
    score += 2 * (not bag.isdisjoint(FIRST_PERSON)) + 1.5 * _is_past(reading) + 1.5 * (not bag.isdisjoint(_PERFECT))
    return score - sum(1 for word in reading.words if word.startswith("you"))
