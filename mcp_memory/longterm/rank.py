"""How candidates are scored, cut and folded together. Pure.

`score = (W_MEANING·cos + W_OWN·own + W_WINDOW·window + W_AUTHOR·author) / (sum of the weights of active legs)`

- `cos`: cosine of query and record, 0 where negative.
- `own`, `window`: BM25 of the record's own words, and of those together with the turn before, with the
  statistics of the scope (k1 0.9, b 0.4), divided by what a record of average length that holds every term once
  would get, at most 1.
- `author`: 1 where the query names who said it; active only if it names somebody.

Each leg is scaled by what the query could reach, and not by the best hit: the score means the same from query to
query and in every mode. Source: facts of retrieval on LoCoMo (recall@10 .785 for this shape; plain RRF .70).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import mul
from typing import NamedTuple

K1, B = 0.9, 0.4
W_MEANING, W_OWN, W_WINDOW, W_AUTHOR = 0.5, 0.27, 0.27, 0.15
"""The optimum is flat: .3-.6 for meaning and .15-.25 for the author stay within half a point of recall."""

SECOND_HAND = 0.8
"""What an assistant or a tool said is about the user at second hand: it must be clearly the better match."""

CUT = 0.14
"""Below this a hit is about something else: a cosine under .29 and no word in common. On 25 facts, 27 questions about
them and 16 about other things it kept 24 answers and was quiet on 12; .16 gave 22 and 14."""
CUT_OF_BEST = 0.55
"""A hit under this share of the best one's score is noise beside it."""

_FILLERS = frozenset(("a", "an", "the", "is", "are", "was", "were", "be", "just", "veri", "pleas"))

UBIQUITOUS = 0.5
"""A term that more than half of a scope's records hold says nothing about meaning: in practice, names."""
UBIQUITOUS_FROM = 20
"""Records from which shares mean something."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the scope knows of the query's terms."""

    records: int
    frequency: Mapping[str, int]
    """Records that hold the term."""

    own_average: float = 0.0
    window_average: float = 0.0
    """Mean lengths in stems, of the candidates of the first page; 0 before that."""

    def measured(self, candidates: Sequence["Candidate"]) -> "Statistics":
        """With the mean lengths of the candidates, unless they are known from an earlier page."""
        if self.own_average or not candidates:
            return self
        own = sum(candidate.own_length for candidate in candidates) / len(candidates)
        window = sum(len(candidate.window) for candidate in candidates) / len(candidates)
        return replace(self, own_average=own or 1.0, window_average=(own + window) or 1.0)

    def idf(self, term: str) -> float:
        """Rarity of a term, > 0. Source: Robertson's BM25 with Lucene's +1."""
        holding = min(self.frequency.get(term, 0), self.records)
        return math.log(1 + (self.records - holding + 0.5) / (holding + 0.5))

    def ubiquitous(self, term: str) -> bool:
        return self.records >= UBIQUITOUS_FROM and self.frequency.get(term, 0) > UBIQUITOUS * self.records


class Candidate(NamedTuple):
    """A record, or a part of one, that some leg brought. A tuple, since every question makes hundreds."""

    key: str
    id: str
    """Of the whole."""
    kind: str
    own: tuple[str, ...]
    """Stems of its own words, with date and author."""
    own_length: int
    window: tuple[str, ...]
    """Stems of the turn before."""
    author: frozenset[str]
    second_hand: bool
    """Said by a nameless assistant or a tool, and not by the user."""
    sources: tuple[str, ...]
    order: int
    cosine: float | None


class Legs(NamedTuple):
    """What a score is made of, each 0..1."""

    meaning: float
    own: float
    window: float
    author: float


class Scored(NamedTuple):
    """A candidate with its score and what the score is made of."""

    candidate: Candidate
    score: float
    terms: tuple[str, ...]
    """The query's terms that its own words hold."""
    legs: Legs
    covers: tuple[str, ...] = ()
    """Messages that it stands for: its own sources and those of what was folded into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The query as the legs see it."""

    terms: tuple[str, ...]
    statistics: Statistics
    by_words: bool
    by_meaning: bool
    names: frozenset[str] = field(default_factory=frozenset[str])
    """Terms that name an author."""


def scored(candidates: Sequence[Candidate], question: Question) -> list[Scored]:
    """Each candidate with its score, best first; newer first where the scores are equal."""
    if not candidates:
        return []
    statistics = question.statistics.measured(candidates)
    weights = _active_weights(question)
    idf = {term: statistics.idf(term) for term in question.terms}
    ideal = sum(idf.values()) or 1.0
    results: list[Scored] = []
    for candidate in candidates:
        own, length = _counts(candidate.own, idf), candidate.own_length
        both = _added(own, _counts(candidate.window, idf)) if candidate.window else own
        whole = length + len(candidate.window)
        legs = Legs(
            meaning=max(0.0, candidate.cosine or 0.0),
            own=min(1.0, _bm25(own, idf, length / statistics.own_average) / ideal) if own else 0.0,
            window=min(1.0, _bm25(both, idf, whole / statistics.window_average) / ideal) if both else 0.0,
            author=0.0 if question.names.isdisjoint(candidate.author) else 1.0,
        )
        score = sum(map(mul, weights, legs))
        if candidate.second_hand:
            score *= SECOND_HAND
        results.append(Scored(candidate, score, tuple(own), legs, candidate.sources))
    results.sort(key=lambda result: (-result.score, -result.candidate.order))
    return results


def _active_weights(question: Question) -> Legs:
    """The share of each leg in the score: 0 for one that this question does not have; together 1."""
    by_words = 1.0 if question.by_words else 0.0
    weights = Legs(
        meaning=W_MEANING if question.by_meaning else 0.0,
        own=W_OWN * by_words,
        window=W_WINDOW * by_words,
        author=W_AUTHOR * by_words if question.names else 0.0,
    )
    whole = sum(weights) or 1.0
    return Legs(*(weight / whole for weight in weights))


def _added(own: Mapping[str, int], window: Mapping[str, int]) -> Mapping[str, int]:
    """The counts of both together."""
    return own if not window else {**window, **{term: count + window.get(term, 0) for term, count in own.items()}}


def _counts(tokens: Sequence[str], idf: Mapping[str, float]) -> dict[str, int]:
    return {term: tokens.count(term) for term in idf if term in tokens}


def _bm25(counts: Mapping[str, int], idf: Mapping[str, float], relative_length: float) -> float:
    """BM25 in which one occurrence in a record of average length counts 1 times its idf."""
    norm = K1 * (1 - B + B * relative_length)
    return sum(idf[term] * count * (K1 + 1) / (count + norm) for term, count in counts.items())


def cut(results: Sequence[Scored], min_score: float | None) -> list[Scored]:
    """The results that are worth showing.

    Args:
        results: best first.
        min_score: the caller's floor, 0 for none; None for the automatic cut.
    """
    if min_score is not None:
        return [result for result in results if result.score >= min_score]
    if not results:
        return []
    floor = max(CUT, CUT_OF_BEST * results[0].score)
    return [result for result in results if result.score >= floor]


def folded(results: Sequence[Scored]) -> list[Scored]:
    """Each thing once: parts under their best part, a memory with the message it came from, equal words.

    The best of a group stands for all of it and covers all of its messages.
    """
    kept: list[Scored] = []
    covers: list[dict[str, None]] = []
    place_of: dict[object, int] = {}
    for result in results:
        candidate = result.candidate
        one, words = ("id", candidate.id), (candidate.kind, _saying(candidate))
        # A message and the memory made of it alone stand for each other; two memories of one message are two.
        known_as, stands_for = one, one
        if candidate.kind == "message":
            known_as, stands_for = ("memory of", candidate.id), ("message", candidate.id)
        elif len(candidate.sources) == 1:
            known_as, stands_for = ("message", candidate.sources[0]), ("memory of", candidate.sources[0])
        place = place_of.get(one, place_of.get(words, place_of.get(known_as, -1)))
        if place < 0:
            place = len(kept)
            kept.append(result)
            covers.append({})
            place_of[one] = place_of[words] = place_of[stands_for] = place
        covers[place].update(dict.fromkeys(result.covers))
        place_of.setdefault(one, place)
    return [result._replace(covers=tuple(covered)) for result, covered in zip(kept, covers, strict=True)]


def _saying(candidate: Candidate) -> tuple[str, ...]:
    """What near-duplicates have in common: every word but those that change no fact, in their order."""
    return tuple(word for word in candidate.own if word not in _FILLERS)
