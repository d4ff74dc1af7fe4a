"""Whether a date lies behind or ahead, by the verb nearest to it in its sentence."""

import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from mcp_memory.longterm.patterns_words import words

__all__ = ["Tense", "tense_at"]

Tense: TypeAlias = Literal["past", "future", ""]

SENTENCE: Final = 160
"""Characters before and after a date in which its verb is looked for."""

_WORD = re.compile(r"[a-z]{1,24}(?:'[a-z]{1,3})?")
_STOPS: Final = (". ", "! ", "? ", "\n")
_BE = words(
    "is are am be isn't aren't i'm we're you're they're he's she's it's that's there's who's what's where's here's"
)
_AHEAD = _BE | words(
    "will won't shall gonna due scheduled supposed must should can can't could might let's remind need needs want "
    "wants hope hopes hoping plan plans planning i'll we'll you'll he'll she'll they'll it'll that'll there'll"
)
_PAST = words(
    "was were wasn't weren't been did didn't had got went came saw made took gave met bought brought told said "
    "left began broke built caught chose drove drank ate fell felt flew forgot found grew heard held hit kept "
    "knew lost lay led paid put quit ran read rode rang rose sang sat sent set shot slept sold spent spoke stood "
    "stole swam taught thought threw understood woke won wore wrote became dug dealt hung hurt cut fought beat "
    "bit sank shut learnt burnt dreamt"
)
_NOT_PAST = words("need feed exceed indeed hundred embed bed red speed seed wed shed sacred naked ahead")
_HAVE = words("have has i've we've you've they've got")
_OBJECT = words("a an my our the to two three another some")


def tense_at(text: str, start: int, end: int) -> Tense:
    """Of the last verb before `text[start:end]` in its sentence, else of the first after it; "" if there is none."""
    earliest = max(0, start - SENTENCE)
    opening = max(max(text.rfind(mark, earliest, start) for mark in _STOPS) + 1, earliest)
    before = _words(text[opening:start])
    for at in range(len(before) - 1, -1, -1):
        if found := _of_word(before, at):
            return found
    after = _words(re.split(r"[.!?\n]", text[end : end + SENTENCE], maxsplit=1)[0])
    for at in range(len(after)):
        if found := _of_word(after, at):
            return found
    return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("’", "'"))


def _of_word(sentence: Sequence[str], at: int) -> Tense:
    word = sentence[at]
    if word in _AHEAD:
        return "future"
    if word in _HAVE and at + 1 < len(sentence) and sentence[at + 1] in _OBJECT:
        has_got = word != "got" or (at > 0 and sentence[at - 1] in _HAVE)
        return "future" if has_got else "past"
    if word in {"going", "looking"} and at + 1 < len(sentence) and sentence[at + 1] in {"to", "forward"}:
        return "future"
    if word in _PAST:
        return "past"
    if len(word) > 3 and word.endswith("ed") and word not in _NOT_PAST:
        return "future" if _BE.intersection(sentence[max(0, at - 2) : at]) else "past"
    return ""
