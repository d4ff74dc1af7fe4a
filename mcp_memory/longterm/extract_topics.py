"""What a text is about: the proper names in it, and a few of its nouns."""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from mcp_memory.longterm.patterns_words import COMMON_OPENERS, DETERMINERS, FUNCTION, VAGUE, VERBS, words

__all__ = ["entities", "names", "topics"]

MOST_TOPICS: Final = 3
LONGEST_NAME: Final = 6
"""Words."""
MOST_ENTITIES: Final = 8
UBIQUITOUS: Final = 0.5
"""A word in more than this share of a scope's memories says nothing about one of them."""

_CALENDAR = words(
    "january february march april may june july august september october november december jan feb mar apr jun "
    "jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu "
    "thur thurs fri sat sun mondays tuesdays wednesdays thursdays fridays saturdays sundays christmas easter "
    "halloween"
)
_NO_NAME = (
    _CALENDAR
    | FUNCTION
    | words(
        "congrats congratulations glad wow yay ok okay lol omg haha hey hi hello thanks thank yes no yeah asap "
        "fyi btw imo imho tbh brb idk diy tv pm am id vs etc god jesus gosh dear ps nb todo tldr faq api csv json "
        "html css sql url http https pdf usb cpu gpu ram ui ux ci cd pr prs db os ml ai llm sdk cli gps orm orms "
        "dr mr mrs ms prof"
    )
)
_NO_TOPIC = words(
    "year years month months week weeks weekend day days night nights morning mornings evening evenings afternoon "
    "hour hours minute minutes second seconds yesterday today tomorrow tonight time times euros dollars pounds "
    "kilos degrees miles km end middle start beginning name names number type kind ends lot photo pic picture "
    "image future past full short warmer safe real vital crucial vulnerable present intolerant stuck junior "
    "senior main multiple single whole allergic available possible different several certain early late high low "
    "long free busy simple common personal spare separate extra weekly daily monthly yearly total average usual "
    "normal local private public"
)
"""Measures of time and quantity, and adjectives that pass for nouns."""
_ARTICLES = words("a an the my our your his her their its this that some any no every love like enjoy hate prefer")
_WORD = re.compile(r"(?<![\w@#/-])(?:(?:Dr|Mr|Mrs|Ms|Prof|St|Mt)\.(?=\s)|[^\W\d_a-zß-öø-ÿ](?:[\w'’&.-]{0,40}\w)?)")
_JOINT = re.compile(r"\s(?:(?:of|de|da|di|du|del|van|von|der|den|la|le|bin|al|the|&)\s){0,2}")
_POSSESSIVE = re.compile(r"['’]s?$")
_NOUN_TOKEN = re.compile(r"[^\W\d_][\w'’-]{0,40}|[^\w\s'’-]|\d[\w.]{0,20}| [-–—] ")
_NUMBERED = re.compile(r"[A-Z]\d{1,4}")
_TURNED_TO = re.compile(r"\b[a-z']{1,16}, $")
_ADDRESSED = re.compile(r"(?:[a-z']{2,12},?\s){1,2}$", re.IGNORECASE)


_NO_NOUN: Final = VAGUE | _NO_TOPIC | _CALENDAR
_LEADS: Final = DETERMINERS | VERBS
_BREAKS: Final = _LEADS | FUNCTION
_OPENS_ONLY: Final = COMMON_OPENERS | VERBS


class _Name(NamedTuple):
    text: str
    initial: bool
    """Whether it opens a sentence, where a capital is no proof."""


class _Capital(NamedTuple):
    word: str
    start: int
    end: int


def entities(text: str, *, known: Callable[[], frozenset[str]] = frozenset) -> tuple[str, ...]:
    """The proper names in `text`, as written, in order, without repeats; no weekday, month or exclamation.

    A capital at the start of a sentence proves nothing: a single word there counts only if it is `known`, which is
    asked only then.

    >>> entities("My sister Ana lives in Porto")
    ('Ana', 'Porto')
    """
    found = dict.fromkeys(
        name.text for name in _names(text) if not name.initial or " " in name.text or name.text in known()
    )
    return tuple(found)[:MOST_ENTITIES]


def names(text: str) -> frozenset[str]:
    """Words written with a capital inside a sentence of `text`, where only a name has one."""
    return frozenset(word for name in _names(text) if not name.initial for word in name.text.split())


def topics(text: str, *, document_frequency: Callable[[str], float] | None = None) -> tuple[str, ...]:
    """Up to three nouns of `text` in lower case, the most telling first.

    Args:
        text: a sentence or a few.
        document_frequency: the share of the scope's memories that hold a word, 0..1; the rarest words come
            first and ubiquitous ones are left out. None: in the order of the text.

    >>> topics("The deploy key rotates every Monday")
    ('key',)
    """
    found = list(dict.fromkeys(_nouns(text)))
    if document_frequency is not None:
        shares = {noun: document_frequency(noun) for noun in found}
        found = sorted((noun for noun in found if shares[noun] <= UBIQUITOUS), key=lambda noun: shares[noun])
    return tuple(found[:MOST_TOPICS])


def _names(text: str) -> Iterator[_Name]:
    """Runs of capitalised words, joined by what joins the parts of a name (`Bank of America`)."""
    capitals = [_Capital(word.group(), *word.span()) for word in _WORD.finditer(text) if word.group()[0].isupper()]
    if len(capitals) > 3 and len(capitals) > 0.7 * len(text.split()):
        return  # written in capitals throughout: they prove nothing
    run: list[_Capital] = []
    for capital in capitals:
        if run and (len(run) == LONGEST_NAME or not _joined(text, run[-1], capital)):
            yield from _name(text, run)
            run = []
        run.append(capital)
    yield from _name(text, run)


def _joined(text: str, left: _Capital, right: _Capital) -> bool:
    if len(left.word) == 1 and text[left.end : right.start] == ". ":
        return True
    return not _POSSESSIVE.search(left.word) and _JOINT.fullmatch(text, left.end, right.start) is not None


def _name(text: str, run: list[_Capital]) -> Iterator[_Name]:
    """The name that a run holds once the words are cut off that only look like a part of it."""
    initial = bool(run) and _opens_sentence(text, run[0].start)
    if initial and run[0].word.lower() in _OPENS_ONLY:
        run, initial = run[1:], False
    while run and not _may_be_named(run[0].word):
        run, initial = run[1:], False
    while run and not _may_be_named(run[-1].word):
        run = run[:-1]
    if not run or (len(run) == 1 and (run[0].word.endswith(".") or _is_addressed(text, run[0]))):
        return
    written = _POSSESSIVE.sub("", text[run[0].start : run[-1].end])
    if len(written) > 1:
        yield _Name(" ".join(written.split()), initial)


def _may_be_named(word: str) -> bool:
    if word.endswith("."):
        return True
    lower = word.replace("’", "'").lower()
    return _POSSESSIVE.sub("", lower) not in _NO_NAME and lower not in _NO_NAME and not _NUMBERED.fullmatch(word)


def _opens_sentence(text: str, at: int) -> bool:
    before = text[max(0, at - 5) : at].rstrip(" \t([*_-–—")
    return not before or before[-1] in "\"'“‘" or before[-1] in ".!?:;\n…"


def _is_addressed(text: str, name: _Capital) -> bool:
    """`Wow, Ana, …`, `Thanks Ana!` and `That is great, Ana!` speak to Ana, not of her."""
    follows = text[name.end : name.end + 1]
    before = text[max(0, name.start - 32) : name.start]
    if follows in {"", "!", ".", "?"} and _TURNED_TO.search(before):
        return True
    opening = _ADDRESSED.search(before) if follows in {"", "!", ".", "?", ","} else None
    if not opening or not _opens_sentence(text, name.start - len(opening.group())):
        return False
    return all(word.strip(",").lower() in COMMON_OPENERS for word in opening.group().split())


def _nouns(text: str) -> Iterator[str]:
    """The last word of each run of content words that follows a determiner, a preposition or a verb."""
    head, led, before = "", False, ""
    for token in _NOUN_TOKEN.findall(text.replace("’", "'")):
        lower = token.lower()
        if lower not in _BREAKS and token[0].isalpha():
            if led and (not lower.endswith("ing") or before in _ARTICLES):
                head = (
                    lower.removesuffix("'s").strip("-")
                    if _is_noun(token, lower)
                    else ""
                    if token[0].isupper()
                    else head
                )
        else:
            if head:
                yield head
            head, led = "", lower in _LEADS or token[0].isdigit() or (led and token == ",")
        before = lower
    if head:
        yield head


def _is_noun(token: str, lower: str) -> bool:
    """As far as a word's form tells."""
    return (
        len(lower) > 2
        and token.islower()
        and lower not in _NO_NOUN
        and not lower.endswith(("ly", "ed", "ous", "ful", "'re", "'ve", "'ll", "n't"))
    )
