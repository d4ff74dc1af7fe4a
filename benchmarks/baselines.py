"""What a ranking is compared with: plain BM25 and plain dense search over the same turns."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from mcp_memory.models.embed import Embedder
from mcp_memory.text import content_stems

K1, B = 0.9, 0.4


class Bm25:
    """Okapi BM25 over stemmed texts without stop words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(content_stems(text)) for text in texts]
        lengths = [sum(counts.values()) for counts in self._counts]
        average = sum(lengths) / max(1, len(lengths))
        self._norms = [K1 * (1 - B + B * length / average) for length in lengths]
        self._frequency = Counter(term for counts in self._counts for term in counts)

    def ranking(self, query: str, *, limit: int) -> list[int]:
        """The places of the best texts, best first."""
        terms = set(content_stems(query))
        idf = {term: self._idf(term) for term in terms if term in self._frequency}
        scores = [
            sum(idf[term] * counts[term] * (K1 + 1) / (counts[term] + norm) for term in idf if term in counts)
            for counts, norm in zip(self._counts, self._norms, strict=True)
        ]
        return sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:limit]

    def _idf(self, term: str) -> float:
        holding, every = self._frequency[term], len(self._counts)
        return math.log(1 + (every - holding + 0.5) / (holding + 0.5))


class Dense:
    """Cosine of question and text, nothing else."""

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors

    @classmethod
    async def of(cls, texts: Sequence[str], embedder: Embedder) -> "Dense":
        return cls(normalised(await embedder.embed(texts)))

    def ranking(self, vector: bytes, *, limit: int) -> list[int]:
        """The places of the nearest texts, nearest first."""
        (query,) = normalised([vector])
        return cast("list[int]", np.argsort(-(self._vectors @ query), kind="stable")[:limit].tolist())


def normalised(vectors: Sequence[bytes]) -> Any:
    """Float16 rows as float32 of length one."""
    rows = np.stack([np.frombuffer(vector, dtype=np.float16) for vector in vectors]).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
