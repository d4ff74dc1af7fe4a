"""Recall: one ranked list over memories and live messages, by words and by meaning."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import unquote

from mcp_memory.errors import Unavailable
from mcp_memory.longterm import rank
from mcp_memory.longterm.paging import Place, after, read_cursor
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

WORDS_ONLY = "searched by words only: {reason}"


class Vectors(Protocol):
    """Where a query's vector comes from."""

    async def vector(self, text: str) -> bytes | NoVector: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    results: list[Scored]
    statistics: Statistics
    notes: tuple[str, ...]


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
        place = read_cursor(query)
        if not query.text.strip():
            return await self._newest(query, place)
        terms = tuple(query_terms(query.text)[:LONGEST_QUESTION])
        if not terms:
            return Page(hits=(), total=0, note=_note(["the query holds no word"], nothing=True))
        place = place or await self._first(query.scope, terms)
        return await self._page(query, await self._ranked(query, terms, place), place)

    async def _sequence(self, scope: Scope) -> int:
        return int(await self._database.command("GET", ScopeKeys(scope).counter) or 0)

    async def standing(self, scope: Scope, *, limit: int = 100) -> list[Memory]:
        """The pinned memories of a scope, then its preferences and the like, each newest first."""
        whole = filters.for_lane("whole", scope)
        replies = await self._database.search(
            [filters.newest(whole.also(f"@{field}:{{1}}"), limit=limit) for field in ("pinned", "standing")]
        )
        found = dict.fromkeys(key for reply in replies for key, _ in filters.rows(reply)[1])
        read = await self._read(list(found))
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

    async def _newest(self, query: Query, place: Place | None) -> Page:
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
            cursor = Place(seq=seq, order=order, shown=tuple(same)).onward(query)
        notes = (CUT_TO_BUDGET,) if len(kept) < len(hits) else ()
        return Page(hits=tuple(kept), total=total, next_cursor=cursor, note=_note(notes, nothing=not kept))

    async def _ranked(self, query: Query, terms: tuple[str, ...], place: Place) -> _Ranked:
        condition = filters.for_query(query, "live")
        if query.cursor is not None:
            condition = filters.written_until(condition, place.seq)
        statistics = place.statistics
        found, vector = await self._found(query, condition, terms, statistics)
        candidates = _candidates(found)
        statistics = statistics.measured(candidates)
        question = Question(
            terms=terms,
            statistics=statistics,
            by_words=query.mode != "semantic",
            by_meaning=isinstance(vector, bytes),
            names=_names(candidates, terms),
        )
        notes = [WORDS_ONLY.format(reason=vector.reason)] if isinstance(vector, NoVector) else []
        results = rank.cut(rank.folded(rank.scored(candidates, question)), query.min_score)
        return _Ranked(results=results, statistics=statistics, notes=tuple(notes))

    async def _found(
        self, query: Query, condition: Filter, terms: Sequence[str], statistics: Statistics
    ) -> tuple[list[tuple[str, dict[str, bytes]]], bytes | NoVector | None]:
        """What the legs bring, and the query's vector."""
        if query.mode == "keyword":
            return await self._by_words(condition, terms, filters.CANDIDATES), None
        # Together: the worker makes the vector while Redis looks for the words.
        few = filters.CANDIDATES_BESIDE_MEANING
        lexical, vector = await asyncio.gather(
            self._by_words(condition, () if query.mode == "semantic" else terms, few),
            self._vectors.vector(_dense_query(query.text, statistics)),
        )
        if isinstance(vector, bytes):
            return [*await self._by_meaning(condition, vector), *lexical], vector
        if query.mode == "semantic":
            raise Unavailable(f"mode=semantic needs the embedding model: {vector.reason}; try mode=auto")
        return await self._by_words(condition, terms, filters.CANDIDATES), vector

    async def _first(self, scope: Scope, terms: Sequence[str]) -> Place:
        """The first page's place: the scope's sequence, and how common the terms are in it."""
        condition = filters.for_lane("live", scope)
        counts = [filters.count(condition), *(filters.count_term(condition, term) for term in terms)]
        seq, *replies = await self._database.search([("GET", ScopeKeys(scope).counter), *counts])
        records, *totals = (filters.rows(reply)[0] for reply in replies)
        statistics = Statistics(records=records, frequency=dict(zip(terms, totals, strict=True)))
        return Place(seq=int(seq or 0), statistics=statistics)

    async def _by_words(
        self, condition: Filter, terms: Sequence[str], limit: int
    ) -> list[tuple[str, dict[str, bytes]]]:
        if not terms:
            return []
        searches = [filters.lexical(condition, terms, fields, limit=limit) for fields in ("lex", "lex|ctx")]
        return [row for reply in await self._database.search(searches) for row in filters.rows(reply)[1]]

    async def _by_meaning(self, condition: Filter, vector: bytes) -> list[tuple[str, dict[str, bytes]]]:
        (reply,) = await self._database.search([filters.nearest(condition, vector)])
        return filters.rows(reply)[1]

    async def _page(self, query: Query, ranked: _Ranked, place: Place) -> Page:
        ahead = [result for result in ranked.results if (-result.score, -result.candidate.order) > after(place)]
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
            cursor = Place(seq=place.seq, order=order, score=last.score, statistics=statistics).onward(query)
        note = _note(notes, nothing=not ranked.results)
        return Page(hits=tuple(kept), total=len(ranked.results), next_cursor=cursor, note=note)

    async def _read(self, record_keys: Sequence[str]) -> list["_Row | None"]:
        """The memories behind records or parts; None for what was forgotten meanwhile."""
        wholes = [key.partition("#")[0] for key in record_keys]
        commands: list[Command] = [("HGETALL", key) for key in wholes]
        commands += [("HMGET", key, "text", "start") for key in record_keys if "#" in key]
        replies = await self._database.commands(commands)
        pieces = iter(replies[len(wholes) :])
        rows: list[_Row | None] = []
        for key, whole in zip(record_keys, replies, strict=False):
            fields = hash_fields(whole)
            part = int(key.partition("#")[2] or 0)
            piece = next(pieces) if part else None
            if "doc" not in fields or (piece is not None and piece[0] is None):
                rows.append(None)
                continue
            if piece is not None:
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


def _candidates(found: Sequence[tuple[str, dict[str, bytes]]]) -> list[Candidate]:
    """What the legs brought, each record once; the first mention has the cosine."""
    candidates: dict[str, Candidate] = {}
    for key, fields in found:
        if key not in candidates and "lex" in fields:
            candidates[key] = _candidate(key, fields)
    return list(candidates.values())


def _candidate(key: str, fields: Mapping[str, bytes]) -> Candidate:
    distance, sources = fields.get("distance"), fields.get("src")
    return Candidate(
        key=key,
        id=fields["id"].decode(),
        kind=fields["kind"].decode(),
        own=tuple(fields["lex"].decode().split()),
        own_length=int(fields["ln"]),
        window=tuple(fields["ctx"].decode().split()) if "ctx" in fields else (),
        author=frozenset(fields["who"].decode().split()) if fields.get("who") else _NOBODY,
        second_hand=fields.get("role", b"user") != b"user",
        sources=tuple(sources.decode().split(SEPARATOR)) if sources else (),
        order=int(fields["order"]),
        cosine=None if distance is None else 1.0 - float(distance),
    )


_NOBODY = frozenset[str]()


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
        legs = {leg: round(value, 4) for leg, value in result.legs._asdict().items()}
        trace = {"legs": legs, "terms": list(result.terms)}
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
    if result.legs.meaning >= 0.3:
        reasons.append(f"meaning {result.legs.meaning:.2f}")
    if result.terms:
        reasons.append(f"words: {', '.join(result.terms[:5])}")
    if result.legs.author and memory.author:
        reasons.append(f"said by {memory.author}")
    if not result.terms and result.legs.window:
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
