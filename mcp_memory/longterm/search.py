"""Recall: one ranked list over memories and live messages, by words and by meaning."""

import asyncio
import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import unquote

from mcp_memory.errors import InvalidInput, Unavailable
from mcp_memory.longterm import rank
from mcp_memory.longterm.rank import Candidate, Question, Scored, Statistics
from mcp_memory.records import Hit, Memory, Message, Page, Query, Scope, parse_message_memory_id, quoted
from mcp_memory.storage import filters
from mcp_memory.storage.client import Command, Database, hash_fields
from mcp_memory.storage.filters import Filter, label
from mcp_memory.storage.index import SEPARATOR
from mcp_memory.storage.keys import ScopeKeys
from mcp_memory.storage.rows import plain_source, read_memory, read_messages, shown_text
from mcp_memory.storage.vectors import NoVector
from mcp_memory.text import estimate_tokens, query_terms

LONGEST_SHOWN = 2_000
"""Characters of a text that a hit shows whole; of a longer one it shows the part that matched."""
LONGEST_QUESTION = 48
"""Terms of a query that count: a pasted page is searched by its first words and by its meaning."""
HIT_TOKENS = 60
"""What a hit costs beside its text: id, score, dates, names of fields."""

CUT_TO_BUDGET = "cut to max_tokens; next_cursor leads on"

LONGEST_CURSOR = 20_000
"""Bytes of an unpacked cursor: 48 terms and a few records; more is not one of ours."""

WORDS_ONLY = "searched by words only: {reason}"


class Vectors(Protocol):
    """Where a query's vector comes from."""

    async def vector(self, text: str) -> bytes | NoVector: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    results: list[Scored]
    statistics: Statistics
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a page starts, and what the first page knew, so that later ones rank the same things the same way."""

    seq: int
    """How far the scope's writes had come."""
    order: int = 0
    score: float = 2.0
    shown: tuple[str, ...] = ()
    """Records that stand at exactly this place and were shown."""
    statistics: Statistics | None = None

    def onward(self, query: Query) -> str:
        """The cursor; good for the same query only."""
        known = self.statistics
        row = [
            *(_same_query(query), self.seq, self.order, self.score, list(self.shown)),
            [known.records, known.own_average, known.window_average, known.frequency] if known else None,
        ]
        raw = json.dumps(row, separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(zlib.compress(raw.encode())).decode().rstrip("=")


class Search:
    """Reads both tiers; writes nothing."""

    def __init__(self, database: Database, vectors: Vectors) -> None:
        self._database = database
        self._vectors = vectors

    async def recall(self, query: Query) -> Page:
        """One page of what answers the query.

        Raises:
            InvalidInput: the cursor is not one of this query's. Unavailable: Redis does not answer, or
                `mode=semantic` was asked for and there is no vector.
        """
        place = _read_cursor(query)
        if not query.text.strip():
            return await self._newest(query, place)
        terms = tuple(query_terms(query.text)[:LONGEST_QUESTION])
        if not terms:
            return Page(hits=(), total=0, note=_note(["the query holds no word"], nothing=True))
        place = place or _Place(seq=await self._sequence(query.scope))
        ranked = await self._ranked(query, terms, place)
        return await self._page(query, ranked, place)

    async def _sequence(self, scope: Scope) -> int:
        return int(await self._database.command("GET", ScopeKeys(scope).counter) or 0)

    async def pinned(self, scope: Scope, *, limit: int = 100) -> list[Memory]:
        """The pinned memories of a scope, newest first."""
        condition = filters.for_lane("whole", scope).also("@pinned:{1}")
        (reply,) = await self._database.search([filters.newest(condition, limit=limit)])
        read = await self._read([key for key, _ in filters.rows(reply)[1]])
        return [row.memory for row in read if row is not None]

    async def topics(self, scope: Scope, *, prefix: str) -> list[str]:
        """Topics in use, the most used first."""
        (reply,) = await self._database.search([filters.topics(filters.for_lane("whole", scope))])
        found = [unquote(topic) for topic in filters.group_values(reply)]
        return [topic for topic in found if topic.startswith(label(prefix))]

    async def counts(self, scope: Scope) -> dict[str, int]:
        """How many records of each kind, sessions and pins a scope has, and how many wait for their vector."""
        whole, session = filters.for_lane("whole", scope), filters.for_lane("session", scope)
        conditions = {
            "memories": whole.also("@kind:{semantic|episodic}"),
            "messages": whole.also("@kind:{message}"),
            "pinned": whole.also("@pinned:{1}"),
            "sessions": session,
            "without_vector": filters.for_lane("live", scope).also("@todo:{embed}"),
            "sessions_to_extract": session.also("@todo:{extract}"),
        }
        replies = await self._database.search([filters.count(condition) for condition in conditions.values()])
        return {name: filters.rows(reply)[0] for name, reply in zip(conditions, replies, strict=True)}

    async def _newest(self, query: Query, place: _Place | None) -> Page:
        """Every record that matches the filters, newest first; the total is exact."""
        shown = place.shown if place else ()
        seq = place.seq if place else await self._sequence(query.scope)
        condition = filters.written_until(filters.for_query(query, "whole"), seq)
        page = filters.newest(
            condition,
            limit=query.limit + 1 + len(shown),
            up_to_order=place.order if place else None,
            fields=("order",),
        )
        total_reply, reply = await self._database.search([filters.count(condition), page])
        total, _ = filters.rows(total_reply)
        found = [(key, int(fields["order"])) for key, fields in filters.rows(reply)[1] if key not in shown]
        read = await self._read([key for key, _ in found[: query.limit]])
        hits = [_newest_hit(row) for row in read if row is not None]
        kept = _within(hits, query.max_tokens)
        end = len(found[: query.limit]) if len(kept) == len(hits) else len(kept)
        cursor = None
        if end < len(found) and end:
            order = found[end - 1][1]
            # Those that share the last one's place: this page's, and the one's before if it is still the same.
            same = [key for key, at in found[:end] if at == order]
            same += shown if place and place.order == order else ()
            cursor = _Place(seq=seq, order=order, shown=tuple(same)).onward(query)
        notes = (CUT_TO_BUDGET,) if len(kept) < len(hits) else ()
        return Page(hits=tuple(kept), total=total, next_cursor=cursor, note=_note(notes, nothing=not kept))

    async def _ranked(self, query: Query, terms: tuple[str, ...], place: _Place) -> _Ranked:
        condition = filters.for_query(query, "live")
        if query.cursor is not None:
            condition = filters.written_until(condition, place.seq)
        statistics = place.statistics or await self._statistics(filters.for_lane("live", query.scope), terms)
        by_words = query.mode != "semantic"
        # Together: the worker makes the vector while Redis looks for the words.
        lexical, vector = await asyncio.gather(
            self._by_words(condition, terms if by_words else ()), self._vector(query, statistics)
        )
        notes: list[str] = []
        near: list[tuple[str, dict[str, bytes]]] = []
        if isinstance(vector, bytes):
            near = await self._by_meaning(condition, vector)
        elif vector is not None and query.mode == "semantic":
            raise Unavailable(f"mode=semantic needs the embedding model: {vector.reason}; try mode=auto")
        elif vector is not None:
            notes.append(WORDS_ONLY.format(reason=vector.reason))
        candidates = _candidates([*near, *lexical])
        statistics = statistics.measured(candidates)
        question = Question(
            terms=terms,
            statistics=statistics,
            by_words=by_words,
            by_meaning=isinstance(vector, bytes),
            names=_names(candidates, terms),
        )
        results = rank.cut(rank.folded(rank.scored(candidates, question)), query.min_score)
        return _Ranked(results=results, statistics=statistics, notes=tuple(notes))

    async def _vector(self, query: Query, statistics: Statistics) -> bytes | NoVector | None:
        if query.mode == "keyword":
            return None
        return await self._vectors.vector(_dense_query(query.text, statistics))

    async def _statistics(self, condition: Filter, terms: Sequence[str]) -> Statistics:
        counts = [filters.count(condition), *(filters.count_term(condition, term) for term in terms)]
        totals = [filters.rows(reply)[0] for reply in await self._database.search(counts)]
        return Statistics(records=totals[0], frequency=dict(zip(terms, totals[1:], strict=True)))

    async def _by_words(self, condition: Filter, terms: Sequence[str]) -> list[tuple[str, dict[str, bytes]]]:
        if not terms:
            return []
        searches = [filters.lexical(condition, terms), filters.lexical(condition, terms, "lex|ctx")]
        return [row for reply in await self._database.search(searches) for row in filters.rows(reply)[1]]

    async def _by_meaning(self, condition: Filter, vector: bytes) -> list[tuple[str, dict[str, bytes]]]:
        (reply,) = await self._database.search([filters.nearest(condition, vector)])
        return filters.rows(reply)[1]

    async def _page(self, query: Query, ranked: _Ranked, place: _Place) -> Page:
        ahead = [result for result in ranked.results if (-result.score, -result.candidate.order) > _after(place)]
        results = ahead[: query.limit]
        read = await self._read([result.candidate.key for result in results])
        hits = [_hit(result, row, explain=query.explain) for result, row in zip(results, read, strict=True) if row]
        if query.neighbours:
            hits = [replace(hit, neighbours=await self._neighbours(query, hit)) for hit in hits]
        kept = _within(hits, query.max_tokens)
        notes = [*ranked.notes, *((CUT_TO_BUDGET,) if len(kept) < len(hits) else ())]
        end = len(results) if len(kept) == len(hits) else len(kept)
        cursor = None
        if end < len(ahead):
            last = results[end - 1]
            order, statistics = last.candidate.order, ranked.statistics
            cursor = _Place(seq=place.seq, order=order, score=last.score, statistics=statistics).onward(query)
        note = _note(notes, nothing=not ranked.results)
        return Page(hits=tuple(kept), total=len(ranked.results), next_cursor=cursor, note=note)

    async def _read(self, record_keys: Sequence[str]) -> list["_Row | None"]:
        """The memories behind records or parts; None for what was forgotten meanwhile."""
        wholes = [key.partition("#")[0] for key in record_keys]
        commands: list[Command] = [("HGETALL", key) for key in wholes]
        commands += [("HMGET", key, "text", "start") for key in record_keys]
        replies = await self._database.commands(commands)
        rows: list[_Row | None] = []
        for key, whole, piece in zip(record_keys, replies[: len(wholes)], replies[len(wholes) :], strict=True):
            fields = hash_fields(whole)
            if "doc" not in fields or piece[0] is None:
                rows.append(None)
                continue
            part = int(key.partition("#")[2] or 0)
            if part:
                fields |= {"piece": piece[0], "start": piece[1]}
            rows.append(_Row(memory=read_memory(fields), fields=fields, part=part))
        return rows

    async def _neighbours(self, query: Query, hit: Hit) -> tuple[Message, ...]:
        """The turns around the message that a hit is, or came from."""
        names = parse_message_memory_id(hit.sources[0]) if hit.sources else None
        if names is None:
            return ()
        keys = ScopeKeys(query.scope).session(names[0])
        place = await self._database.command("HGET", keys.ids, quoted(names[1]))
        if place is None or place.startswith(b"h"):
            return ()
        first = max(0, int(place) - query.neighbours)
        last = int(place) + query.neighbours
        rows, ids = await self._database.commands([("LRANGE", keys.log, first, last), ("HGETALL", keys.ids)])
        hidden = {name for name, at in hash_fields(ids).items() if at.startswith(b"h")}
        return tuple(turn for turn in read_messages(rows) if turn.id != names[1] and quoted(turn.id) not in hidden)


@dataclass(frozen=True, slots=True)
class _Row:
    """A record as read for showing; `part` is the part of it that matched."""

    memory: Memory
    fields: Mapping[str, bytes]
    part: int


def _read_cursor(query: Query) -> _Place | None:
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


def _parse_place(row: Sequence[Any]) -> _Place:
    known = row[5]
    statistics = None
    if known is not None:
        frequency = {str(term): int(records) for term, records in known[3].items()}
        statistics = Statistics(int(known[0]), frequency, float(known[1]), float(known[2]))
    shown = tuple(str(key) for key in row[4])
    return _Place(seq=int(row[1]), order=int(row[2]), score=float(row[3]), shown=shown, statistics=statistics)


def _after(place: _Place) -> tuple[float, int]:
    """What the sort keys of the page's results are greater than."""
    return -place.score, -place.order


def _same_query(query: Query) -> str:
    """A digest of what must not change from page to page: everything but the page itself."""
    rest = replace(query, cursor=None, limit=1, max_tokens=None, explain=False, neighbours=0)
    return hashlib.blake2b(repr(rest).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _candidates(found: Sequence[tuple[str, dict[str, bytes]]]) -> list[Candidate]:
    """What the legs brought, each record once; the first mention has the cosine."""
    candidates: dict[str, Candidate] = {}
    for key, fields in found:
        if key not in candidates and "lex" in fields:
            candidates[key] = _candidate(key, fields)
    return list(candidates.values())


def _candidate(key: str, fields: Mapping[str, bytes]) -> Candidate:
    distance = fields.get("distance")
    return Candidate(
        key=key,
        id=fields["id"].decode(),
        kind=fields["kind"].decode(),
        own=tuple(fields["lex"].decode().split()),
        own_length=int(fields["ln"]),
        window=tuple(fields.get("ctx", b"").decode().split()),
        author=frozenset(fields.get("who", b"").decode().split()),
        second_hand=fields.get("role", b"user") != b"user",
        sources=tuple(source for source in fields.get("src", b"").decode().split(SEPARATOR) if source),
        order=int(fields["order"]),
        cosine=None if distance is None else 1.0 - float(distance),
    )


def _dense_query(text: str, statistics: Statistics) -> str:
    """The question without the words that most records of the scope hold (names of those who speak there).

    Names pull a sentence's vector to everything said about them: without them +15 points of recall@10 on LoCoMo.
    """
    if not any(map(statistics.ubiquitous, statistics.frequency)):
        return text
    kept = [word for word in text.split() if not _only_ubiquitous(word, statistics)]
    return " ".join(kept) or text


def _only_ubiquitous(word: str, statistics: Statistics) -> bool:
    terms = query_terms(word)
    return bool(terms) and all(term in statistics.frequency and statistics.ubiquitous(term) for term in terms)


def _names(candidates: Sequence[Candidate], terms: Sequence[str]) -> frozenset[str]:
    """The terms that name somebody who said one of the candidates."""
    authors = frozenset[str]().union(*(candidate.author for candidate in candidates))
    return authors & frozenset(terms)


def _newest_hit(row: _Row) -> Hit:
    sources = _sources(row.fields)
    text = shown_text(row.memory, row.fields, 0, LONGEST_SHOWN)
    return Hit(memory=row.memory, score=None, why="newest", text=text, covers=row.memory.message_ids, sources=sources)


def _hit(result: Scored, row: _Row, *, explain: bool) -> Hit:
    memory = row.memory
    trace: dict[str, Any] | None = None
    if explain:
        trace = {"legs": {leg: round(value, 4) for leg, value in result.legs.items()}, "terms": list(result.terms)}
    return Hit(
        memory=memory,
        score=round(result.score, 4),
        why=_why(result, memory),
        text=shown_text(memory, row.fields, row.part, LONGEST_SHOWN),
        covers=tuple(dict.fromkeys(plain_source(source, memory.session_id) for source in result.covers)),
        sources=_sources(row.fields),
        trace=trace,
    )


def _sources(fields: Mapping[str, bytes]) -> tuple[str, ...]:
    return tuple(source for source in fields.get("src", b"").decode().split(SEPARATOR) if source)


def _why(result: Scored, memory: Memory) -> str:
    """What matched, in a few words."""
    reasons: list[str] = []
    if result.legs["meaning"] >= 0.3:
        reasons.append(f"meaning {result.legs['meaning']:.2f}")
    if result.terms:
        reasons.append(f"words: {', '.join(result.terms[:5])}")
    if result.legs["author"] and memory.author:
        reasons.append(f"said by {memory.author}")
    if not result.terms and result.legs["window"]:
        reasons.append("words of the turn before")
    return "; ".join(reasons) or "weak match"


def _within(hits: Sequence[Hit], max_tokens: int | None) -> list[Hit]:
    """The first hits whose estimated tokens fit the budget; at least one, so that paging goes on."""
    if max_tokens is None:
        return list(hits)
    spent, kept = 0, list[Hit]()
    for hit in hits:
        spent += estimate_tokens(hit.text) + HIT_TOKENS + sum(estimate_tokens(turn.content) for turn in hit.neighbours)
        if spent > max_tokens and kept:
            break
        kept.append(hit)
    return kept


def _note(notes: Sequence[str], *, nothing: bool) -> str | None:
    """What the reader should know, as one line."""
    every = ["nothing relevant is stored", *notes] if nothing else list(notes)
    return "; ".join(every) or None
