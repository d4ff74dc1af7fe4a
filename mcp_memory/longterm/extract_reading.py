"""How a sentence is made ready for the patterns, and what its form alone tells: question, request, tense."""

import re
from typing import NamedTuple

from mcp_memory.longterm.patterns_words import IMPERATIVES, words

__all__ = [
    "Reading",
    "is_future",
    "is_machine_text",
    "is_past",
    "is_question",
    "is_request",
    "is_unreal",
    "opens_question",
    "read",
]

_WORD = re.compile(r"[^\W_](?:[\w'.-]{0,30}\w)?")
_OPENING = re.compile(
    r"(?:(?:hey|hi|hello|oh|ah|aw{1,5}|well|yeah|yep|yes|no(?=[,.!])|nope|ok|okay|so|and|but|also|plus|btw|by the way"
    r"|actually|honestly|anyway|wow|whoa|woah|haha|lol|hmm{1,5}|um|uh|sure|thanks|thank you|fyi|sorry"
    r"|lately|recently|besides|then|absolutely|definitely|totally|exactly|speaking of which|oh yeah|in fact|for me"
    r"|right|great|cool|nice|awesome|unfortunately|luckily|sadly|of course|yup)\b"
    r"(?:(?: \w{2,20})?[,.!:;…-]{1,5})? ?[-–—]{0,2} {0,2}"
    r"|[a-z]\w{1,20}, (?=i\b|i'|my\b|we\b|we'|our\b)){1,4}"
)
_QUESTION_WORD = words(
    "what who whom whose which when where why how is are was were do does did can could will would should shall "
    "may have has had isn't aren't don't doesn't didn't won't wouldn't couldn't can't any anything anyone got "
    "wanna what's how's where's who's"
)
_OPENS_BOTH = words("when have had any got what how")
"""They open statements too (`When I moved …`, `Had a great day`): without a question mark they prove nothing."""
_SUPPOSED = re.compile(
    r"(?:imagine|suppose|assume|pretend|let's say|say (?:you|i|we|there|it)|what if|hypothetically|in theory"
    r"|picture|act as|you are|you're|i wish)\b"
)
_UNREAL_WORDS = words("if wish would wouldn't would've hypothetical hypothetically sake role-play roleplay")
_UNREAL = re.compile(
    r"\bif (?:i|we|he|she|they|you|it|my \w{1,20}) (?:were|was|had|could|would|did)\b|\bi wish (?:i|we|it|there)\b"
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
    r"\w{1,20} (?:the|an?|this|that|it|me|my|your|these|those|some|all|each|any|every|one|two|three|\d|more|less"
    r"|another|how|what|why|if|whether|for|in|with|to|from|like|as|about|into|only|something|us|them|on|out|down|up|again|at|by)\b"
    r"|\w{1,20}\W{0,5}$|\w{1,20}(?: this| the following)?:|\w{1,20} ['\"“‘]"
)
_MACHINE_MARK = re.compile(r"[{}|\\=]|;\s{0,3}$|\(\)|::|->|</?[a-z]|\$[A-Za-z_{(]|(?<!:)//")
_MACHINE_LINE = re.compile(
    r"\s{0,20}(?:import|from|npm|pip|git|sudo|curl|docker|cd|export|\$|File)\s[\w\"./@:-]{1,80}"
    r"(?:$|\s[\w\"./@:-]{1,80}$|,\sline\s)"
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


class Reading(NamedTuple):
    """A sentence made ready for the patterns."""

    text: str
    body: str
    """Lower case, straight apostrophes, without its opening interjections."""
    words: list[str]
    bag: frozenset[str]


def read(sentence: str) -> Reading:
    lower = sentence.lower().replace("’", "'").replace("\n", " ")
    opening = _OPENING.match(lower)
    body = lower[opening.end() :] if opening else lower
    found = _WORD.findall(body)
    return Reading(sentence, body, found, frozenset(found))


def is_machine_text(sentence: str) -> bool:
    """Code, a command, a path, a table or a log line."""
    return bool(_MACHINE_MARK.search(sentence) or _MACHINE_LINE.match(sentence))


def is_question(reading: Reading) -> bool:
    if reading.text.rstrip("\"')”’* ").endswith("?"):
        return True
    return opens_question(reading) and reading.words[0] not in _OPENS_BOTH


def opens_question(reading: Reading) -> bool:
    return reading.words[0] in _QUESTION_WORD


def is_request(reading: Reading) -> bool:
    """Something to be done now."""
    if _REQUEST.match(reading.body):
        return True
    return reading.words[0] in IMPERATIVES and bool(_TASK_OBJECT.match(reading.body))


def is_unreal(reading: Reading) -> bool:
    """Supposed, wished, or true only in a story."""
    if _SUPPOSED.match(reading.body):
        return True
    return not reading.bag.isdisjoint(_UNREAL_WORDS) and bool(_UNREAL.search(reading.body))


def is_past(reading: Reading) -> bool:
    return not reading.bag.isdisjoint(_PAST) or any(word.endswith("ed") and len(word) > 3 for word in reading.bag)


def is_future(reading: Reading) -> bool:
    if not reading.bag.isdisjoint(_FUTURE):
        return True
    return not reading.bag.isdisjoint(_FUTURE_PHRASE_WORDS) and bool(_FUTURE_PHRASE.search(reading.body))
