"""Pages of a search: where the next one starts, and what it must know to rank the same things the same way. Pure."""

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_memory.errors import InvalidInput
from mcp_memory.longterm.rank import Statistics
from mcp_memory.records import Query

LONGEST_CURSOR = 20_000
"""Bytes of an unpacked cursor: 48 terms and a few records; more is not one of ours."""

NOTHING_KNOWN = Statistics(0, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page starts, and what the first page knew, so that later ones rank the same things the same way."""

    seq: int
    """How far the scope's writes had come."""
    order: int = 0
    score: float = 2.0
    shown: tuple[str, ...] = ()
    """Records that stand at exactly this place and were shown."""
    statistics: Statistics = NOTHING_KNOWN

    def onward(self, query: Query) -> str:
        """The cursor; good for the same query only."""
        known = self.statistics
        row = [
            *(_same_query(query), self.seq, self.order, self.score, list(self.shown)),
            [known.records, known.own_average, known.window_average, known.frequency],
        ]
        raw = json.dumps(row, separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(zlib.compress(raw.encode())).decode().rstrip("=")


def read_cursor(query: Query) -> Place | None:
    """The place in the query's cursor; None on the first page.

    Raises:
        InvalidInput: it is not a cursor of this query.
    """
    if query.cursor is None:
        return None
    try:
        packed = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        row = json.loads(zlib.decompressobj().decompress(packed, LONGEST_CURSOR))
        place = _parse_place(row) if row[0] == _same_query(query) else None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, zlib.error):
        place = None
    if place is None:
        raise InvalidInput(
            f"cursor={query.cursor[:40]!r}; use the next_cursor of the page before with the same query and filters, "
            "or leave it out"
        )
    return place


def _parse_place(row: Sequence[Any]) -> Place:
    records, own_average, window_average, frequency = row[5]
    statistics = Statistics(
        int(records),
        {str(term): int(holding) for term, holding in frequency.items()},
        float(own_average),
        float(window_average),
    )
    shown = tuple(str(key) for key in row[4])
    return Place(seq=int(row[1]), order=int(row[2]), score=float(row[3]), shown=shown, statistics=statistics)


def after(place: Place) -> tuple[float, int]:
    """What the sort keys of the page's results are greater than."""
    return -place.score, -place.order


def _same_query(query: Query) -> str:
    """A digest of what must not change from page to page: everything but the page itself."""
    rest = replace(query, cursor=None, limit=1, max_tokens=None, explain=False, neighbours=0)
    return hashlib.blake2b(repr(rest).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
