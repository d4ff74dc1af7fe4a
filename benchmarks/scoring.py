"""How well a ranking finds the turns that hold the answer. Pure."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import fmean

from mcp_memory.text import estimate_tokens

CUTOFFS = (5, 10, 20)
BUDGET_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Result:
    """One result: the turns that it stands for, and the text that a reader would pay for."""

    turns: frozenset[str]
    text: str


def judged(results: Sequence[Result], evidence: Set[str]) -> dict[str, float]:
    """Share of the evidence among the first 5, 10, 20 results and in the first 1,000 tokens; reciprocal rank."""
    scores = {f"recall@{k}": _share(results[:k], evidence) for k in CUTOFFS}
    first = next((rank for rank, result in enumerate(results, start=1) if result.turns & evidence), None)
    scores["mrr"] = 1 / first if first else 0.0
    scores["in_1000_tokens"] = _share(_within(results, BUDGET_TOKENS), evidence)
    return scores


def means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over questions."""
    return {name: fmean(score[name] for score in scores) for name in scores[0]} if scores else {}


def _share(results: Sequence[Result], evidence: Set[str]) -> float:
    found = frozenset[str]().union(*(result.turns for result in results))
    return len(found & evidence) / len(evidence)


def _within(results: Sequence[Result], tokens: int) -> list[Result]:
    kept: list[Result] = []
    for result in results:
        tokens -= estimate_tokens(result.text)
        if tokens < 0:
            break
        kept.append(result)
    return kept
