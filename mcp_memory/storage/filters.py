"""The only builder of query text. Whatever a caller says becomes a parameter or a known word, never syntax.

redisvl's filters are not used for reading: on empty and hostile values they reach other tenants
(`docs/decisions`). Here the lane, which holds the scope, is the first term of every query.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, cast

from mcp_memory.records import Query, Scope, quoted
from mcp_memory.storage import keys
from mcp_memory.storage.client import SEARCH_LIMIT, Command, Value
from mcp_memory.text import fold

Lane: TypeAlias = Literal["live", "whole", "all", "each", "session"]
"""What is looked at: what is believed now, with the parts of long texts (`live`) or each text once (`whole`);
what was ever believed, likewise (`all`, `each`); sessions."""

_EVER: dict[Lane, Lane] = {"live": "all", "whole": "each"}

CANDIDATES = 100
"""Records that each leg of a search may bring. 25 gave the same ranking as 100 on LoCoMo; what is above the
cut among them is a query's `total`."""

CANDIDATES_BESIDE_MEANING = 30
"""Of each leg by words where there is one by meaning: 20 to 100 rank alike in LoCoMo's scopes of at most 1,300
records, and each costs a few microseconds."""

CANDIDATE_FIELDS = ("id", "kind", "lex", "ctx", "ln", "who", "role", "src", "order")


def lane_tag(lane: Lane, scope: Scope) -> str:
    return f"{lane}:{scope.tag}"


def label(text: str) -> str:
    """A topic or an entity as it is compared: the same whatever its case, accents and spacing."""
    return " ".join(fold(text).split())


LONGEST_TAG = 1_024
"""RediSearch finds no tag over 4,096 bytes, and a letter of some scripts folds to eighteen others."""


def label_tag(text: str) -> str:
    """A topic or an entity as a tag; of a very long one its digest."""
    tag = quoted(label(text))
    return tag if len(tag) <= LONGEST_TAG else "#" + hashlib.blake2b(tag.encode(), digest_size=16).hexdigest()


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Filter:
    """A query's condition with its parameters."""

    text: str
    params: tuple[tuple[str, Value], ...]

    def also(self, text: str) -> "Filter":
        return Filter(f"{self.text} {text}", self.params)

    def arguments(self, *more: tuple[str, Value]) -> tuple[Value, ...]:
        """The end of every search: its parameters, its time limit, its dialect."""
        pairs = [*self.params, *more]
        flat = [part for pair in pairs for part in pair]
        limit = int(SEARCH_LIMIT.total_seconds() * 1000)
        return ("PARAMS", len(flat), *flat, "TIMEOUT", limit, "DIALECT", 2)


def for_lane(lane: Lane, scope: Scope) -> Filter:
    """Everything of one scope in one lane."""
    return Filter("@lane:{$lane}", (("lane", lane_tag(lane, scope)),))


def for_query(query: Query, lane: Lane) -> Filter:
    """Every filter of the query, all of them narrowing.

    With `as_of` every version ever believed is looked at, and the moment selects among them.
    """
    params: list[tuple[str, Value]] = [("lane", lane_tag(_EVER[lane] if query.as_of else lane, query.scope))]
    texts = ["@lane:{$lane}"]

    def any_of(field: str, values: Sequence[str]) -> None:
        if values:
            names = [f"{field}{number}" for number in range(len(values))]
            params.extend(zip(names, values, strict=True))
            texts.append(f"@{field}:{{{'|'.join('$' + name for name in names)}}}")

    any_of("kind", query.memory_type)
    any_of("session", [quoted(query.session_id)] if query.session_id is not None else [])
    any_of("topics", [label_tag(topic) for topic in query.topics])
    any_of("entities", [label_tag(entity) for entity in query.entities])
    texts.extend(_times(query))
    return Filter(" ".join(texts), tuple(params))


def _times(query: Query) -> list[str]:
    texts: list[str] = []
    if query.after or query.before:
        low = str(milliseconds(query.after)) if query.after else "-inf"
        high = f"({milliseconds(query.before)}" if query.before else "+inf"
        texts.append(f"@at:[{low} {high}]")
    if query.as_of:
        moment = milliseconds(query.as_of)
        texts.append(f"@rec:[-inf {moment}] @until:[({moment} +inf]")
    return texts


def count(condition: Filter) -> Command:
    """How many records match."""
    return ("FT.SEARCH", keys.INDEX, condition.text, "LIMIT", 0, 0, *condition.arguments())


def count_term(condition: Filter, term: str) -> Command:
    """How many records hold a word, their own or in the turn before."""
    return count(Filter(f"{condition.text} @lex:($term)", (*condition.params, ("term", term))))


def lexical(condition: Filter, terms: Sequence[str], fields: str, *, limit: int) -> Command:
    """The best records by words: any of the terms in `lex`, or in `lex|ctx`.

    The order is RediSearch's, whose statistics are the whole index's; it only picks candidates.
    """
    names = [f"t{number}" for number in range(len(terms))]
    text = f"{condition.text} @{fields}:({'|'.join('$' + name for name in names)})"
    return (
        *("FT.SEARCH", keys.INDEX, text, "SCORER", "BM25STD", "RETURN", len(CANDIDATE_FIELDS), *CANDIDATE_FIELDS),
        *("LIMIT", 0, limit, *condition.arguments(*zip(names, terms, strict=True))),
    )


def nearest(condition: Filter, vector: bytes, k: int = CANDIDATES) -> Command:
    """The k records nearest in meaning, with their cosine distance as `distance`."""
    text = f"({condition.text})=>[KNN {k} @embedding $vector AS distance]"
    fields = (*CANDIDATE_FIELDS, "distance")
    return (
        *("FT.SEARCH", keys.INDEX, text, "SORTBY", "distance", "RETURN", len(fields), *fields),
        *("LIMIT", 0, k, *condition.arguments(("vector", vector))),
    )


def written_until(condition: Filter, seq: int) -> Filter:
    """What of it was there when the scope's sequence of writes stood so."""
    return condition.also(f"@seq:[-inf {seq}]")


def newest(
    condition: Filter, *, limit: int, up_to_order: int | None = None, fields: Sequence[str] = ("id",)
) -> Command:
    """The newest records, from a place in the order on (inclusive)."""
    bound = "" if up_to_order is None else f" @order:[-inf {up_to_order}]"
    return (
        *("FT.SEARCH", keys.INDEX, condition.text + bound, "SORTBY", "order", "DESC"),
        *("RETURN", len(fields), *fields, "LIMIT", 0, limit, *condition.arguments()),
    )


def topics(condition: Filter) -> Command:
    """The topics of all records that match, with how often, the most used first."""
    return (
        *("FT.AGGREGATE", keys.INDEX, condition.text, "LOAD", 1, "@topics"),
        *("FILTER", "exists(@topics)", "APPLY", "split(@topics, '\x1f')", "AS", "topic"),
        *("GROUPBY", 1, "@topic", "REDUCE", "COUNT", 0, "AS", "uses", "SORTBY", 2, "@uses", "DESC", "LIMIT", 0, 1000),
        *condition.arguments(),
    )


def group_values(reply: Sequence[object]) -> list[str]:
    """The group names of an aggregation of one field, in its order."""
    return [cast(list[bytes], row)[1].decode() for row in reply[1:] if isinstance(row, list)]


def to_do(work: Literal["embed", "extract"], limit: int) -> Command:
    """Records of every scope that wait for a worker."""
    return (
        *("FT.SEARCH", keys.INDEX, "@todo:{$work}", "NOCONTENT", "LIMIT", 0, limit),
        *("PARAMS", 2, "work", work, "TIMEOUT", int(SEARCH_LIMIT.total_seconds() * 1000), "DIALECT", 2),
    )


class _Names(dict[bytes, str]):
    """Names of fields, each decoded once: one question reads thousands."""

    def __missing__(self, raw: bytes) -> str:
        return self.setdefault(raw, raw.decode())


_NAMES = _Names()


def rows(reply: Sequence[object]) -> tuple[int, list[tuple[str, dict[str, bytes]]]]:
    """A search's reply as its total and its (key, fields). A record that expired meanwhile has no fields."""
    total = int(reply[0])  # pyright: ignore[reportArgumentType]
    found: list[tuple[str, dict[str, bytes]]] = []
    for place in range(1, len(reply) - 1, 2):
        key, flat = reply[place], reply[place + 1]
        if not isinstance(key, bytes) or not isinstance(flat, list):
            continue
        values = cast(list[bytes], flat)
        found.append((key.decode(), dict(zip(map(_NAMES.__getitem__, values[::2]), values[1::2], strict=True))))
    return total, found
