"""Decide whether a sentence says something that lasts, and of which kind."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from mcp_memory.longterm.dates import DateSpan
from mcp_memory.longterm.patterns import INSTRUCTIONS, STATEMENTS, Kind, Pattern, by_trigger
from mcp_memory.longterm.patterns_words import FIRST_PERSON, FUNCTION, IMPERATIVES, TASK_NOUNS, TROUBLE, VAGUE, words

__all__ = ["Finding", "judge"]


class Finding(NamedTuple):
    """What is worth keeping of a sentence: its first `length` characters."""

    kind: Kind
    length: int
    date: DateSpan | None


LONGEST_SENTENCE = 1_000
"""Characters; what is longer without a stop is a log, a list or a document, not something said."""
SPECIFIC = 3.0
"""What people tell each other is kept from this specificity on; found on two LoCoMo conversations."""

_INSTRUCTIONS: Final = by_trigger(INSTRUCTIONS)
_STATEMENTS: Final = by_trigger(STATEMENTS)
_RANK: Final = {id(pattern): rank for rank, pattern in enumerate(INSTRUCTIONS + STATEMENTS)}

_WORD = re.compile(r"[^\W_](?:[\w'.-]{0,30}\w)?")
_OPENING = re.compile(
    r"(?:(?:hey|hi|hello|oh|ah|aw+|well|yeah|yep|yes|no|nope|ok|okay|so|and|but|also|plus|btw|by the way|actually"
    r"|honestly|anyway|wow|whoa|woah|haha|lol|hmm+|um|uh|sure|thanks|thank you|fyi|sorry|lately|recently|besides|then"
    r"|absolutely|definitely|totally|exactly|speaking of which|oh yeah|in fact|for me|right|great|cool|nice|awesome"
    r"|unfortunately|luckily|sadly|of course|note|yup)\b(?:(?: \w{2,20})?[,.!:;…-]+)? ?[-–—]{0,2} {0,2}|[a-z]\w{1,20}, (?=i\b|i'|my\b|we\b|we'|our\b)){1,4}"
)
_QUESTION_WORD = words("what who whom whose which when where why how is are was were do does did can could will would should shall may have has had isn't aren't don't doesn't didn't won't wouldn't couldn't can't any anything anyone got wanna")
_INNER_QUESTION = re.compile(
    r"(?:, (?:so |and |but |any )?|[;—–-] ?|\b(?:and|so|but) )(?=(?:what|who|which|when|where|why|how|is|are|do|does|did|can|could|will|would|should|any|have you|got)\b)",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(
    r"\bif (?:i|we|he|she|they|you|it|my \w+) (?:were|was|had|could|would|did)\b|^(?:imagine|suppose|assume|pretend|let's say|say you|what if"
    r"|hypothetically|in theory|picture|act as|you are|you're)\b|\bi wish (?:i|we|it|there)\b|\bwould(?:n't)? have\b|\bhypothetical"
    r"|\bfor the sake of argument\b|\brole-?play"
)
_REQUEST = re.compile(
    r"^(?:please|can you|could you|would you|will you|let's|let me|lemme|help me|i wonder|i'm wondering|i have (?:a|another|one) (?:quick )?(?:question|problem|doubt)"
    r"|i(?:'m| am) (?:looking for|trying to|getting|having|seeing|curious|wondering|asking|stuck|confused|not sure|unsure|interested in (?:knowing|how))"
    r"|i (?:need|want|would like|'d like|require) (?:you|it|this|that|an?|some|the|more|to (?:know|understand|see|make sure))\b|i'd like (?:you|it|this|that|an?|some|the|more|to (?:know|understand|see))\b"
    r"|how about|what about|make sure|tell me|show me|give me|do you|don't you)\b"
)
_TASK_OBJECT = re.compile(r"^\w+ (?:the|an?|this|that|it|me|my|your|these|those|some|all|each|any|every|one|two|three|\d|more|less|another|how|what|why|if|whether|for|in|with|to|from|like|as|about|into|only|something|us|them|on|out|down|up|again|at|by)\b|^\w+\W*$")
_MACHINE = re.compile(r"[{}<>|\\=$]|\w\(\)|::|->|//|;\s*$|^\s*(?:at|File|import|from|def|class|const|let|var|return|npm|pip|git|sudo|curl|docker)\s[\w\"./@:-]+(?:$|\s[\w\"./@:-]+$)")
_PRESENT_TASK = re.compile(
    r"\b(?:you (?:said|wrote|suggested|mentioned|gave|made|told)|your (?:code|answer|suggestion|response|solution|example|advice|script|reply)|(?:still |now )?(?:works?|worked) (?:now|fine|great|well)"
    r"|doesn't work|didn't work|not working|does not work|doesn't compile|as (?:shown|described) (?:above|below)|the (?:above|following))\b"
)
_SHOULD = re.compile(r"^(?:it|that|this|they|the \w+(?: \w+)?) (?:should|must|needs? to|has to|have to|could|would|can)\b")
_DAYS_AT_HAND = words("today tonight now")
_MOOD = re.compile(r"\b(?:i'm|i am|i feel|i'm feeling|i was|we're) (?:so |really |very |just |a bit |a little |pretty |feeling |not )*(?:tired|hungry|bored|happy|sad|glad|excited|sorry|sure|ready|done|fine|okay|ok|good|great|back|here|confused|lost|curious|stuck|proud|grateful|thankful)\b")
_PAST = re.compile(
    r"\b(?:was|were|did|had|got|went|came|saw|made|took|gave|met|bought|brought|told|left|began|broke|built|caught|chose|drove|drank|ate|fell|felt|flew|found|grew|heard|held|kept|knew|lost|led|paid|ran|rode|sang|sat|sent|slept|sold|spent|spoke|stood|taught|won|wore|wrote|became|been|\w{2,14}ed)\b"
)
_FUTURE = re.compile(r"\b(?:will|won't|gonna|going to|plan|plans|planning|hope to|hoping|want to|wanna|looking forward|can't wait|next|upcoming|soon|'ll|thinking (?:of|about))\b|\b(?:i|we|he|she|they|it)'ll\b")


class _Reading(NamedTuple):
    """A sentence made ready for the patterns."""

    text: str
    body: str
    """Lower case, straight apostrophes, without its opening interjections."""
    words: list[str]
    bag: frozenset[str]


def judge(sentence: str, *, personal: bool, date: Callable[[], DateSpan | None]) -> Finding | None:
    """What of `sentence` is worth keeping, if anything.

    Args:
        sentence: one sentence, as written.
        personal: whether it was said between people rather than to an assistant: then what they tell about
            themselves is kept even where no pattern names its kind.
        date: the date that the sentence speaks of; asked only where it matters.
    """
    if len(sentence) > LONGEST_SENTENCE or _MACHINE.search(sentence):
        return None
    reading = _read(sentence)
    if len(reading.words) < 2:
        return None
    if found := _first(_INSTRUCTIONS, reading):
        return Finding(found.kind, len(sentence), date())
    if reading.text.rstrip("\"')”’* ").endswith("?") or reading.words[0] in _QUESTION_WORD:
        return _before_question(sentence, personal=personal, date=date)
    if _HYPOTHETICAL.search(reading.body):
        return None
    kind = _personal(reading, date) if personal else _to_assistant(reading, date)
    return Finding(kind, len(sentence), date()) if kind else None


def _read(sentence: str) -> _Reading:
    lower = sentence.lower().replace("’", "'").replace("\n", " ")
    opening = _OPENING.match(lower)
    body = lower[opening.end() :] if opening else lower
    found = _WORD.findall(body)
    return _Reading(sentence, body, found, frozenset(found))


def _first(table: "dict[str, tuple[Pattern, ...]] | object", reading: _Reading) -> Pattern | None:
    """The pattern that stands first in its table among those that fit."""
    tried: set[int] = set()
    best: Pattern | None = None
    for word in reading.bag & table.keys():
        for pattern in table[word]:
            rank = _RANK[id(pattern)]
            if rank in tried or (best and rank > _RANK[id(best)]):
                continue
            tried.add(rank)
            if pattern.pattern.search(reading.body):
                best = pattern
    return best


def _before_question(sentence: str, *, personal: bool, date) -> Finding | None:
    """`My daughter is allergic to nuts, what can I bake?`: the statement before the question."""
    cut = _INNER_QUESTION.search(sentence)
    if not cut or cut.start() < 12:
        return None
    head = sentence[: cut.start()]
    reading = _read(head)
    if len(reading.words) < 3 or reading.words[0] in _QUESTION_WORD or _HYPOTHETICAL.search(reading.body):
        return None
    found = None if _is_request(reading) else _first(_STATEMENTS, reading)
    return Finding(found.kind, len(head), date()) if found else None


def _is_request(reading: _Reading) -> bool:
    if _REQUEST.match(reading.body):
        return True
    return reading.words[0] in IMPERATIVES and bool(_TASK_OBJECT.match(reading.body))


def _to_assistant(reading: _Reading, date) -> Kind | None:
    if len(reading.words) < 2 or _PRESENT_TASK.search(reading.body) or _SHOULD.match(reading.body):
        return None
    found = _first(_STATEMENTS, reading)
    if _is_request(reading) and not (found and found.kind == "plan"):
        return None
    if found:
        return found.kind
    return _dated(reading, date())


def _dated(reading: _Reading, span: DateSpan | None) -> Kind | None:
    """A plain statement with a date is an event or a plan, unless it is about how the present task goes."""
    if span is None or span.lead == "since" or reading.bag & TROUBLE or len(reading.words) < 4:
        return None
    if span.text.lower() in _DAYS_AT_HAND or _MOOD.search(reading.body):
        return None
    if {"try", "check", "know"} & reading.bag:
        return None
    return _tense(reading)


def _tense(reading: _Reading) -> Kind:
    if _FUTURE.search(reading.body):
        return "plan"
    return "event" if _PAST.search(reading.body) else "plan"


def _personal(reading: _Reading, date) -> Kind | None:
    found = _first(_STATEMENTS, reading)
    if found:
        return found.kind if _specificity(reading) >= 1.5 else None
    score = _specificity(reading)
    if not (reading.bag & FIRST_PERSON):
        score -= 1.0
    if date() is not None:
        score += 2
    if score < SPECIFIC:
        return None
    return "plan" if _FUTURE.search(reading.body) else "event" if _PAST.search(reading.body) else "identity"


def _specificity(reading: _Reading) -> float:
    """How many words it holds that could tell it from another sentence; less where it speaks of the listener."""
    content = sum(1 for word in reading.bag if word not in FUNCTION and word not in VAGUE)
    you = sum(1 for word in reading.words if word.startswith(("you", "your")))
    return content - 1.5 * you
