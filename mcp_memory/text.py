"""Text as the index sees it: words, stems, fingerprints, parts, token estimates. Pure.

The same functions run over what is stored and over what is asked, so that a word always finds itself,
in every script: RediSearch's own folding, stop words and stemming are switched off.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import cast

import Stemmer

# Accents of Latin, Greek and Cyrillic. Marks of other scripts (vowel signs, tones) make words differ and stay.
_ACCENTS = re.compile("[\u0300-\u036f]+")
_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ](?:s\b)?(?=\w|\b|$)")
_ASCII_WORD = re.compile(r"[a-z0-9_]+")
# Scripts written without blanks: Thai, Lao, Burmese, Khmer, kana, CJK ideographs. Hangul has blanks, but
# glues particles to its words, so that it is searched the same way.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_START = re.compile(f"[{_UNSPACED}]")

LONGEST_WORD = 64
"""Characters of a word that count: longer runs are keys or blobs, and a prefix tells them apart."""

STOPWORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being but by can could did do
    does doing done dont for from further get got had has have having he her here hers him his how i if im in
    into is it its itself ive just know let me more most my no nor not now of off on once only or other our ours
    out over own please s same she should so some such t tell than that thats the their theirs them then there
    these they this those through to told too under until up very was we were what when where which while who
    whom whose why will with would you your yours
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""English words that say nothing about a question; left out of it unless it holds nothing else."""


def fold(text: str) -> str:
    """Compatibility form, no case, no accents: what counts as the same writing."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))


@cache
def _word_pattern() -> re.Pattern[str]:
    """`\\w+` with combining marks inside: Python's `\\w` cuts Indic and Arabic words at their vowel signs."""
    marks = "".join(chr(c) for c in range(0x300, 0xFFFF) if unicodedata.category(chr(c)) in {"Mn", "Mc"})
    return re.compile(f"[\\w{re.escape(marks)}]+")


def words(text: str) -> list[str]:
    """The folded words in order; runs of unspaced scripts as single characters and pairs."""
    folded = _APOSTROPHE.sub("", fold(text))
    if folded.isascii():
        return [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(folded)]
    return [piece for run in _word_pattern().findall(folded) for piece in _pieces(run)]


def _pieces(run: str) -> Iterator[str]:
    for piece in _RUN.findall(run):
        if not _UNSPACED_START.match(piece):
            yield piece[:LONGEST_WORD]
            continue
        yield from piece
        yield from (first + second for first, second in pairwise(piece))


@cache
def _stem_word() -> Callable[[str], str]:
    return cast(Callable[[str], str], Stemmer.Stemmer("english").stemWord)  # pyright: ignore[reportUnknownMemberType]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball (Porter 2) stem of an English word; anything else is its own stem."""
    return _stem_word()(word) if word.isascii() and word.isalpha() else word


def stems(text: str) -> list[str]:
    """The stems of all words, in order."""
    return [stem(word) for word in words(text)]


def content_stems(text: str) -> list[str]:
    """The stems of the words that say something; of all words where none does."""
    every = words(text)
    return [stem(word) for word in every if word not in STOPWORDS] or [stem(word) for word in every]


def query_terms(text: str) -> list[str]:
    """The distinct stems of a question, in order. A run of an unspaced script is asked by its pairs."""
    every = [word for word in words(text) if word not in STOPWORDS] or words(text)
    pairs = {character for word in every if len(word) == 2 and _UNSPACED_START.match(word) for character in word}
    return list(dict.fromkeys(stem(word) for word in every if word not in pairs))


def fingerprint(text: str, *, event_day: str = "") -> str:
    """32 hex digits that are equal for the same words at the same event day, whatever the case and spacing.

    A fingerprint stands for a text that must not be kept (a tombstone), and finds exact duplicates. The day
    belongs to it: the same words about two days are two events.
    """
    wording = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".!")
    return hashlib.blake2b(f"{wording}\n{event_day}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a long text: `text[start:end]`."""

    start: int
    end: int


PART_CHARACTERS = 900
"""About 200 word pieces of English: what the local model reads (256) less the speaker and the previous turn."""
PART_OVERLAP = 120
"""So that a sentence across a border stands whole in one of the two."""

_BREAK = re.compile(r"\n\s*\n|(?<=[.!?])\s|\n|\s")


def parts(text: str) -> list[Part]:
    """The text in overlapping pieces of at most `PART_CHARACTERS`, cut at blanks where there are any."""
    pieces: list[Part] = []
    start = 0
    while len(text) - start > PART_CHARACTERS:
        end = _cut(text, start, start + PART_CHARACTERS)
        pieces.append(Part(start, end))
        start = max(end - PART_OVERLAP, start + 1)
        blank = text.find(" ", start, end)
        start = blank + 1 if blank >= 0 else start
    pieces.append(Part(start, len(text)))
    return pieces


def _cut(text: str, start: int, limit: int) -> int:
    """The last good place to end a piece in its second half: a sentence's end, else a blank, else anywhere."""
    half = start + PART_CHARACTERS // 2
    for separator in (". ", "\n", " "):
        found = text.rfind(separator, half, limit)
        if found >= 0:
            return found + len(separator)
    return limit


def estimate_tokens(text: str) -> int:
    """About how many tokens a model would count: four characters of ASCII each, one of any other script.

    Source: the rule of thumb of OpenAI's tokenizer page for English; CJK runs at about one token a character.
    """
    if text.isascii():
        return (len(text) + 3) // 4
    other = sum(1 for character in text if not character.isascii())
    return (len(text) - other + 3) // 4 + other


def clip(text: str, characters: int) -> str:
    """The text, or its beginning with an ellipsis, at most so long."""
    return text if len(text) <= characters else text[: max(0, characters - 1)].rstrip() + "…"
