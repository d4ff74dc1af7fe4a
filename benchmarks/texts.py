"""Made-up memories and questions: varied, repeatable, with the word frequencies of a language.

Words are syllables put together, drawn with Zipf's law, inside sentences of real English; so that posting lists,
lengths and vectors are like those of real memories, and no text is anybody's.
"""

import random
from collections.abc import Iterator
from itertools import accumulate

# Lists of words read best as words.
_ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl st t th tr v w z".split()  # noqa: SIM905
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "ee", "oa", "ou")
_CODAS = ("", "", "n", "r", "l", "s", "t", "m", "ck", "nd", "st", "rt")

_TEMPLATES = (
    "{person} likes {w} better than {w}, and always asks for {w} {w} at {place}.",
    "The {w} {w} of the {place} team runs on {w}, version {number}, and is restarted every {day}.",
    "On {day} {person} went to {place} to see the {w} {w} with {person}.",
    "{person} is allergic to {w}; cook {w} with {w} instead.",
    "Deadline of the {w} project is {day}, {number} {month}; {person} reviews the {w} part.",
    "{person} moved from {place} to {place} in {month} because of the {w} {w} job.",
    "For the {w} release we agreed on {w} {w} and {number} {w} tests, says {person}.",
    "{person}'s {w} is called {w}; it was born in {month} and weighs {number} kilos.",
    "Never send {w} mail to {person} before {number} o'clock, use the {w} channel.",
    "{person} plays {w} {w} every {day} at {place} and wants a {w} for the birthday in {month}.",
)
_QUESTIONS = (
    "What does {person} like about {w}?",
    "When is the {w} {w} deadline?",
    "Where did {person} go to see the {w}?",
    "Which {w} does the {place} team run on?",
    "Who reviews the {w} part of {w}?",
    "what did we agree on for the {w} release in {month}",
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905

VOCABULARY = 20_000
NAMES = 400


class Texts:
    """An endless supply; the same seed gives the same texts."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        words = random.Random(7)  # one vocabulary for every seed
        made = dict.fromkeys(_word(words) for _ in range(VOCABULARY * 3))
        self._words = list(made)[:VOCABULARY]
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self._words))))
        self._people = [_word(words).capitalize() for _ in range(NAMES)]
        self._places = [f"{_word(words)}{end}".capitalize() for end in ("ville", "ton", "burg") for _ in range(60)]

    def memories(self, count: int) -> Iterator[str]:
        """So many memories of one or two sentences, hardly two alike."""
        for _ in range(count):
            sentences = [self._filled(_TEMPLATES) for _ in range(self._random.choice((1, 1, 2)))]
            yield " ".join(sentences)

    def questions(self, count: int) -> Iterator[str]:
        """So many questions, each asked once: none of them is in a cache."""
        seen = set[str]()
        while len(seen) < count:
            question = self._filled(_QUESTIONS)
            if question not in seen:
                seen.add(question)
                yield question

    def _filled(self, templates: tuple[str, ...]) -> str:
        pick = self._random
        text = pick.choice(templates)
        while "{" in text:
            text = (
                text.replace("{w}", pick.choices(self._words, cum_weights=self._weights)[0], 1)
                .replace("{person}", pick.choice(self._people), 1)
                .replace("{place}", pick.choice(self._places), 1)
                .replace("{day}", pick.choice(_DAYS), 1)
                .replace("{month}", pick.choice(_MONTHS), 1)
                .replace("{number}", str(pick.randint(1, 99)), 1)
            )
        return text


def _word(pick: random.Random) -> str:
    count = pick.choice((1, 2, 2, 2, 3))
    return "".join(f"{pick.choice(_ONSETS)}{pick.choice(_NUCLEI)}{pick.choice(_CODAS)}" for _ in range(count))
