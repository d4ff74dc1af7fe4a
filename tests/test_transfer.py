"""Export and import: everything comes back, byte for byte; nothing is lost, doubled, or brought back from oblivion."""

import asyncio
import json
import resource
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_memory.app import Store, open_service, open_store
from mcp_memory.embedded import Home
from mcp_memory.errors import InvalidInput, NotFound
from mcp_memory.records import Query, Scope, message_memory_id
from mcp_memory.service import MemoryService
from mcp_memory.storage.index import Identity
from mcp_memory.transfer import ImportReport, export_lines, import_lines
from tests.support import found, kinds, memory, new_scope, recalled, said, settings_of, stored

MAY = datetime(2026, 5, 1, 9, 30, 15, 123456, tzinfo=UTC)
HEADER: dict[str, Any] = {
    "kind": "header",
    "format": "mcp-memory",
    "version": 1,
    "exported_at": "2026-05-01T00:00:00+00:00",
    "embedding_model": "local/all-MiniLM-L6-v2",
    "dim": 384,
    "vectors": False,
}


async def exported(store: Store, scope: Scope | None = None, *, vectors: bool = False) -> list[str]:
    return [line async for line in export_lines(store, scope=scope, vectors=vectors)]


def rows(lines: Sequence[str], kind: str | None = None) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in lines[1:]]
    return [row for row in every if kind in (None, row["kind"])]


def text_of(*lines: dict[str, Any]) -> list[str]:
    return [json.dumps(line) for line in (HEADER, *lines)]


def memory_line(scope: Scope, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": "memory",
        "namespace": scope.namespace,
        "user_id": scope.user_id,
        "id": "m",
        "text": "likes tea",
        "memory_type": "semantic",
        "topics": [],
        "entities": [],
        "event_date": None,
        "pinned": False,
        "metadata": {},
        "session_id": None,
        "sources": [],
        "author": None,
        "source": "remember",
        "created_at": MAY.isoformat(),
        "updated_at": MAY.isoformat(),
        "seen": 1,
        "version": 1,
        "order": 1777627815123001,
        "history": [],
    }
    return row | fields


@asynccontextmanager
async def opened(home: Home) -> AsyncGenerator[tuple[Store, MemoryService]]:
    async with open_store(settings_of(home), name="test") as store, open_service(settings_of(home)) as service:
        yield store, service


async def filled(service: MemoryService, store: Store, scope: Scope) -> None:
    """A scope with something of everything."""
    await service.remember(
        scope,
        [
            memory("lives in Bonn", id="home", pinned=True, topics=("Places",), metadata={"ä": [1, {"b": None}]}),
            memory("Ran 10 km", id="run", memory_type="episodic", event_date=MAY, entities=("Ann, B.",)),
            memory("a long story " + "and on and on " * 400, session_id="talk", author="Ada"),
        ],
    )
    for text in ("lives in Cologne", "lives in Berlin"):
        await service.edit_memory(scope, "home", {"text": text})
    await service.remember(scope, [memory("ran 10 km!", event_date=MAY)])  # seen twice
    turns = [said(f"turn {n} about {'x ' * 600 if n == 3 else 'tea'}", id=f"t{n}", created_at=MAY) for n in range(7)]
    turns[2] = replace(turns[2], name="Ada", role="assistant")
    turns[5] = replace(turns[5], content="", role="assistant")  # it only called a tool
    await service.append_to_session(scope, "talk", turns[:4], data={"plan": {"a": [1.5, None]}, "": "x"})
    working, _ = tiers_of(store)
    await working.advance(scope, "talk", mark=0, end=3)
    await service.append_to_session(scope, "talk", turns[4:])
    fact = await stored(service, scope, "Turn 1 is secret", session_id="talk", message_ids=("t1",))
    await service.append_to_session(scope, "s|2#@", [said("in another", id="t1")], ttl=timedelta(days=9))
    await service.append_to_session(scope, "empty", [], data={"only": "data"}, strategy="off")
    await service.append_to_session(scope, "closed", [said("not learnt from")], strategy="off")
    await service.forget(scope, [fact])
    await service.forget(scope, [await stored(service, scope, "forgotten fact")])
    again = await stored(service, scope, "forgotten and said again")
    await service.forget(scope, [again])
    await service.remember(scope, [memory("forgotten and said again", id="again")], said_again=True)


def tiers_of(store: Store) -> Any:
    from mcp_memory.app import tiers

    return tiers(store)


async def answers(service: MemoryService, scope: Scope) -> list[Any]:
    """Everything that can be asked of a scope."""
    asked: list[dict[str, Any]] = [
        {},
        {"text": "tea"},
        {"text": "lives"},
        {"text": "story on"},
        {"topics": ("places",)},
    ]
    asked += [{"as_of": MAY}, {"after": MAY, "before": MAY + timedelta(days=1)}, {"session_id": "talk"}]
    replies: list[Any] = [await found(service, scope, **query) for query in asked]
    replies.append(await service.history(scope, "home"))
    history = await service.history(scope, "home")
    replies += [await found(service, scope, "lives", as_of=version.memory.updated_at) for version in history]
    replies += [await service.get_session(scope, name) for name in ("talk", "s|2#@", "empty", "closed", "none")]
    replies += [await service.sessions(scope), await service.topics(scope), await service.profile(scope)]
    stats = await service.stats(scope)
    replies.append({name: stats[name] for name in stats if isinstance(stats[name], int)})
    return replies


# --- the whole way round ---------------------------------------------------------------------------------------


async def test_an_export_of_everything_restores_everything_into_an_empty_store(
    own_home: Home, second_home: Home
) -> None:
    scopes = [new_scope(), new_scope(namespace="a|b} *", user_id="ü%7C\U0001f375")]
    async with opened(own_home) as (store, service), opened(second_home) as (other_store, other_service):
        for scope in scopes:
            await filled(service, store, scope)
        lines = await exported(store)
        assert {(row["namespace"], row["user_id"]) for row in rows(lines)} == {
            (scope.namespace, scope.user_id) for scope in scopes
        }
        report = await import_lines(other_store, lines)
        assert (report.bad, report.duplicates, report.forgotten, report.updated) == ([], 0, 0, 0)
        assert (await exported(other_store))[1:] == lines[1:]
        for scope in scopes:
            for here, there in zip(await answers(service, scope), await answers(other_service, scope), strict=True):
                assert there == here
            assert kinds(await other_service.remember(scope, [memory("forgotten fact")])) == ["rejected"]
            assert kinds(await other_service.remember(scope, [memory("turn 1 IS secret")])) == ["rejected"]
            session = await other_service.get_session(scope, "talk")
            assert [message.id for message in session.messages] == [f"t{n}" for n in range(7)]
            with pytest.raises(NotFound):
                await other_service.get_memory(scope, message_memory_id("talk", "t1"))


async def test_an_export_is_the_same_whenever_it_is_asked(service: MemoryService, store: Store, scope: Scope) -> None:
    await filled(service, store, scope)
    first, second = await exported(store, scope), await exported(store, scope)
    assert first[1:] == second[1:]
    assert rows(first)
    header = json.loads(first[0])
    assert (header["format"], header["version"], header["dim"]) == ("mcp-memory", 1, 384)


async def test_the_same_lines_again_change_nothing(service: MemoryService, store: Store, scope: Scope) -> None:
    await filled(service, store, scope)
    lines = await exported(store, scope)
    into = new_scope()
    first = await import_lines(store, lines, into=into)
    assert (first.stored, first.sessions, first.messages, first.tombstones) == (4, 4, 9, 4)
    state = await exported(store, into)
    second = await import_lines(store, lines, into=into)
    # Messages and tombstones that are there are "unchanged" like the memories.
    assert second == ImportReport(unchanged=first.stored + first.messages + first.tombstones)
    assert (await exported(store, into))[1:] == state[1:]
    again = await import_lines(store, lines)  # into the scope that it came from
    assert (again.stored, again.updated, again.messages, again.bad) == (0, 0, 0, [])
    assert (await exported(store, scope))[1:] == lines[1:]


async def test_an_export_of_one_scope_holds_nothing_of_another(
    service: MemoryService, store: Store, scope: Scope, other_scope: Scope
) -> None:
    await filled(service, store, scope)
    await stored(service, other_scope, "the other's secret")
    lines = await exported(store, scope)
    assert not any(other_scope.user_id in line or "other's" in line for line in lines)
    assert rows(await exported(store, new_scope())) == []


@pytest.mark.parametrize("cut", [1, 3, 5, 8, 11, 14])
async def test_an_import_that_broke_off_is_completed_by_the_next_one(
    service: MemoryService, store: Store, scope: Scope, cut: int
) -> None:
    await filled(service, store, scope)
    lines = await exported(store, scope)
    into = new_scope()

    def broken() -> Iterator[str]:
        yield from lines[:cut]
        raise ConnectionError("the pipe broke")

    with pytest.raises(ConnectionError):
        await import_lines(store, broken(), into=into)
    await import_lines(store, lines[:cut], into=into)
    await import_lines(store, lines, into=into)
    whole = await _moved(store, into, scope)
    # Only a session's version may tell that it came in two pieces.
    assert [row | {"version": 0} for row in whole] == [row | {"version": 0} for row in rows(lines)]


async def _moved(store: Store, scope: Scope, to: Scope) -> list[dict[str, Any]]:
    """A scope's lines as if it were another's."""
    every = rows(await exported(store, scope))
    return [row | {"namespace": to.namespace, "user_id": to.user_id} for row in every]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(str.strip)
LABELS = st.lists(st.text(min_size=1, max_size=8).filter(lambda s: s.isprintable() and bool(s.strip())), max_size=3)
NAMES = st.text(min_size=1, max_size=10).filter(lambda s: s.isprintable() and bool(s.strip()))
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
DATES = st.none() | st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 2 < moment.year < 9000)
MEMORIES = st.builds(
    memory,
    text=TEXTS,
    memory_type=st.sampled_from(["semantic", "episodic"]),
    topics=LABELS.map(tuple),
    entities=LABELS.map(tuple),
    event_date=DATES,
    pinned=st.booleans(),
    metadata=st.dictionaries(TEXTS, JSONS, max_size=3),
    id=st.none() | NAMES.filter(lambda name: not name.startswith("message:")),
    session_id=st.none() | NAMES,
    message_ids=st.lists(NAMES, max_size=2).map(tuple),
    author=st.none() | NAMES,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(MEMORIES, max_size=5), st.lists(TEXTS, max_size=4), st.dictionaries(TEXTS, JSONS, max_size=2))
async def test_whatever_was_stored_goes_round(
    service: MemoryService, store: Store, items: Any, contents: list[str], data: Any
) -> None:
    scope, into = new_scope(), new_scope()
    await service.remember(scope, items)
    await service.append_to_session(scope, "s", [said(content) for content in contents], data=data)
    lines = await exported(store, scope)
    report = await import_lines(store, lines, into=into)
    assert (report.bad, report.forgotten, report.duplicates) == ([], 0, 0)
    assert await _moved(store, into, scope) == rows(lines)


# --- reconciled ------------------------------------------------------------------------------------------------


async def test_what_was_forgotten_is_not_brought_back_by_an_old_export(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.append_to_session(scope, "s", [said("I like tea", id="m1"), said("and the sea", id="m2")])
    fact = await stored(service, scope, "Likes tea", session_id="s", message_ids=("m1",))
    other = await stored(service, scope, "wording one")
    await service.edit_memory(scope, other, {"text": "wording two"})
    old = await exported(store, scope)
    await service.forget(scope, [fact, other])
    now = await exported(store, scope)
    report = await import_lines(store, old)
    assert (report.forgotten, report.stored, report.messages, report.sessions) == (2, 0, 0, 0)
    assert (await exported(store, scope))[1:] == now[1:]
    assert await recalled(service, scope) == ["and the sea"]
    # Also where the session itself is gone meanwhile.
    preview = await service.preview_forget(scope, session_id="s")
    await service.confirm_forget(scope, preview.confirm)
    report = await import_lines(store, old)
    assert (report.forgotten, report.stored, report.messages, report.sessions) == (4, 0, 0, 0)
    assert await recalled(service, scope) == []
    assert not (await service.get_session(scope, "s")).exists


async def test_a_forgotten_session_does_not_come_back_because_its_words_were_said_elsewhere(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.append_to_session(
        scope, "s", [said("yes", id="1"), said("the secret", id="2")], data={"key": "secret"}
    )
    old = await exported(store, scope)
    preview = await service.preview_forget(scope, session_id="s")
    await service.confirm_forget(scope, preview.confirm)
    later = datetime.now(UTC) + timedelta(seconds=1)
    await service.append_to_session(scope, "new", [said("yes", id="3", created_at=later)])
    report = await import_lines(store, old)
    session = await service.get_session(scope, "s")
    assert (session.exists, session.messages, session.data) == (False, (), {})
    assert (report.forgotten, report.sessions, report.messages) == (2, 0, 0)


async def test_a_forgotten_message_stays_out_of_a_session_that_comes_back(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    """The session itself was not forgotten: it had expired, or is in another store."""
    await service.append_to_session(scope, "s", [said("I like tea", id="m1"), said("and the sea", id="m2")])
    old = await exported(store, scope)
    other = new_scope()
    await service.append_to_session(other, "s0", [said("I LIKE tea", id="m0")])
    fact = await stored(service, other, "Likes tea", session_id="s0", message_ids=("m0",))
    await service.forget(other, [fact])
    report = await import_lines(store, old, into=other)
    assert (report.sessions, report.messages, report.forgotten) == (1, 1, 1)
    assert [m.id for m in (await service.get_session(other, "s")).messages] == ["m2"]
    assert await recalled(service, other) == ["and the sea"]
    hidden = [line.replace('"hidden":false', '"hidden":true') for line in old]
    report = await import_lines(store, hidden, into=other)
    assert (report.messages, report.forgotten, report.unchanged) == (0, 1, 1)


async def test_said_again_lets_an_export_bring_back_what_was_forgotten(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.append_to_session(scope, "s", [said("I like tea", id="m1")])
    fact = await stored(service, scope, "Likes tea", session_id="s", message_ids=("m1",))
    old = await exported(store, scope)
    preview = await service.preview_forget(scope, session_id="s")
    await service.confirm_forget(scope, preview.confirm)
    report = await import_lines(store, old, said_again=True)
    assert (report.stored, report.sessions, report.messages, report.forgotten) == (1, 1, 1, 0)
    assert (await service.get_memory(scope, fact)).text == "Likes tea"
    assert sorted(await recalled(service, scope)) == ["I like tea", "Likes tea"]
    assert kinds(await service.remember(scope, [memory("likes tea")])) == ["duplicate"]


async def test_forgotten_versions_stay_out_of_the_history_that_comes(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    source = new_scope()
    await service.remember(source, [memory("the secret wording", id="a")])
    await service.edit_memory(source, "a", {"text": "harmless wording"})
    await service.forget(scope, [await stored(service, scope, "The secret wording")])
    report = await import_lines(store, await exported(store, source), into=scope)
    assert (report.stored, report.forgotten) == (1, 0)
    assert await service.history(scope, "a") == []
    assert (await service.get_memory(scope, "a")).text == "harmless wording"
    again = await import_lines(store, await exported(store, source), into=scope)
    assert (again.unchanged, again.updated) == (1, 0)


async def test_words_that_another_memory_holds_are_a_duplicate_that_leaves_it_as_it_is(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    source = new_scope()
    await service.remember(source, [memory("Likes tea", id="theirs", pinned=True, session_id="s", message_ids=("m",))])
    await service.remember(scope, [memory("likes TEA", id="mine", metadata={"a": 1})])
    before = await service.get_memory(scope, "mine")
    lines = await exported(store, source)
    for _ in range(2):
        report = await import_lines(store, lines, into=scope)
        assert report == ImportReport(duplicates=1)
        after = await service.get_memory(scope, "mine")
        assert after == replace(before, message_ids=(message_memory_id("s", "m"),))
    with pytest.raises(NotFound):
        await service.get_memory(scope, "theirs")


async def test_the_newer_of_two_stores_wins_and_the_older_is_in_the_history(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    other = new_scope()
    await service.remember(scope, [memory("first", id="x", pinned=True)])
    await import_lines(store, await exported(store, scope), into=other)
    for target, text in ((scope, "second, here"), (other, "third, there"), (scope, "fourth, here")):
        await service.edit_memory(target, "x", {"text": text})
    here, there = await exported(store, scope), await exported(store, other)
    assert (await import_lines(store, there, into=scope)).updated == 1
    assert (await import_lines(store, here, into=other)).updated == 1
    for target in (scope, other):
        read = await service.get_memory(target, "x")
        assert (read.text, read.pinned, read.version) == ("fourth, here", True, 4)
        history = await service.history(target, "x")
        assert [v.memory.text for v in history] == ["first", "second, here", "third, there"]
        for version, after in zip(history, [*history[1:], None], strict=True):
            following = after.memory.updated_at if after else read.updated_at
            assert version.until <= following + timedelta(milliseconds=1)  # kept in whole milliseconds
            assert await recalled(service, target, as_of=version.memory.updated_at) == [version.memory.text]
    assert (await import_lines(store, here, into=other)).unchanged == 1
    # An older export adds nothing to what is newer.
    edited = await service.edit_memory(scope, "x", {"text": "fifth"})
    assert (await import_lines(store, here)).unchanged == 1
    assert await service.get_memory(scope, "x") == edited


async def test_a_session_that_is_there_gets_what_it_lacks_at_its_end(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    source = new_scope()
    await service.append_to_session(source, "s", [said(f"a{n}", id=f"a{n}") for n in range(3)], data={"a": 1, "b": 1})
    await service.append_to_session(scope, "s", [said("a1", id="a1"), said("b", id="b")], data={"b": 2, "c": 2})
    before = await service.get_session(scope, "s")
    report = await import_lines(store, await exported(store, source), into=scope)
    assert (report.sessions, report.messages, report.unchanged) == (0, 2, 1)
    after = await service.get_session(scope, "s")
    assert [m.id for m in after.messages] == ["a1", "b", "a0", "a2"]
    assert after.data == {"b": 2, "c": 2}  # the target's is newer
    assert after.version == before.version + 1
    assert (await service.stats(scope))["messages"] == 4
    # What comes later takes the place of what was there.
    await service.append_to_session(source, "s", [], data={"b": 3, "d": 3})
    await import_lines(store, await exported(store, source), into=scope)
    assert (await service.get_session(scope, "s")).data == {"a": 1, "b": 3, "c": 2, "d": 3}
    assert (await service.get_session(scope, "s")).version == after.version + 1


async def test_only_what_was_not_read_is_extracted_after_an_import(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    turns = [said(f"turn {n}", id=f"{n}") for n in range(230)]
    for start in range(0, 230, 100):
        await service.append_to_session(scope, "s", turns[start : start + 100])
    working, _ = tiers_of(store)
    await working.advance(scope, "s", mark=0, end=210)
    into = new_scope()
    await import_lines(store, await exported(store, scope), into=into)
    assert (await service.get_session(into, "s")).pending_extraction == 20
    assert (await service.stats(into))["sessions_to_extract"] == 1
    assert (await service.get_session(into, "s")).version == (await service.get_session(scope, "s")).version


async def test_a_session_whose_time_is_over_is_not_taken(service: MemoryService, store: Store, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("short"), said("lived")], ttl=timedelta(hours=1))
    lines = await exported(store, scope)
    late = [line.replace(f'"expires_at":"{datetime.now(UTC).year}', '"expires_at":"2020') for line in lines]
    assert late != lines
    into = new_scope()
    report = await import_lines(store, late, into=into)
    assert (report.expired, report.sessions, report.messages) == (3, 0, 0)
    assert not (await service.get_session(into, "s")).exists
    await import_lines(store, lines, into=into)
    assert (await service.get_session(into, "s")).expires_at == (await service.get_session(scope, "s")).expires_at


async def test_what_was_remembered_again_after_an_export_is_not_forgotten_by_it(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.forget(scope, [await stored(service, scope, "likes tea")])
    old = await exported(store, scope)
    await asyncio.sleep(0.005)
    await service.remember(scope, [memory("likes tea")], said_again=True)
    assert (await import_lines(store, old)).tombstones == 0
    assert await recalled(service, scope, "tea") == ["likes tea"]
    assert kinds(await service.remember(scope, [memory("likes tea")])) == ["duplicate"]


async def test_importing_into_a_scope_reads_and_writes_that_scope_only(
    service: MemoryService, store: Store, scope: Scope, other_scope: Scope
) -> None:
    source = new_scope()
    for each in (source, other_scope):
        await filled(service, store, each)
    lines = await exported(store, source)
    before = await exported(store, other_scope)
    await service.forget(other_scope, ["home"])
    after = await exported(store, other_scope)
    await import_lines(store, lines, into=scope)
    assert (await exported(store, other_scope))[1:] == after[1:] != before[1:]
    assert (await exported(store, source))[1:] == lines[1:]
    assert (await service.get_memory(scope, "home")).text == "lives in Berlin"


async def test_the_same_id_in_two_scopes_is_united_when_both_go_into_one(service: MemoryService, store: Store) -> None:
    one, two, into = new_scope(), new_scope(), new_scope()
    await service.remember(one, [memory("from one", id="x")])
    await service.remember(two, [memory("from two", id="x")])
    lines = await exported(store, one)
    lines += (await exported(store, two))[1:]
    report = await import_lines(store, lines, into=into)
    assert (report.stored, report.updated) == (1, 1)
    assert (await service.get_memory(into, "x")).text == "from two"
    assert [v.memory.text for v in await service.history(into, "x")] == ["from one"]


# --- bad lines ---------------------------------------------------------------------------------------------------


async def test_a_bad_line_is_reported_with_its_number_and_the_others_go_on(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    good = [json.dumps(memory_line(scope, id=f"m{n}", text=f"fact {n}")) for n in range(3)]
    lines = [json.dumps(HEADER), good[0], "{", "", good[1], "[]", "null", '"text"', "{}", '{"kind": "else"}', good[2]]
    report = await import_lines(store, lines)
    assert report.stored == 3
    assert [bad.number for bad in report.bad] == [3, 6, 7, 8, 9, 10]
    assert {bad.code for bad in report.bad} == {"invalid_input"}
    assert all(bad.reason.isprintable() and len(bad.reason) < 400 for bad in report.bad)
    assert sorted(await recalled(service, scope)) == ["fact 0", "fact 1", "fact 2"]


BAD: dict[str, Callable[[Scope], dict[str, Any]]] = {
    "no id": lambda s: {k: v for k, v in memory_line(s).items() if k != "id"},
    "no scope": lambda s: {k: v for k, v in memory_line(s).items() if k != "user_id"},
    "empty scope": lambda s: memory_line(s, namespace=""),
    "scope with a control character": lambda s: memory_line(s, user_id="a\x1fb"),
    "id of a message": lambda s: memory_line(s, id="message:s/m"),
    "id too long": lambda s: memory_line(s, id="x" * 129),
    "number as text": lambda s: memory_line(s, text=5),
    "text as number": lambda s: memory_line(s, seen="2"),
    "text too long": lambda s: memory_line(s, text="x" * 8_001),
    "NUL": lambda s: memory_line(s, text="a\0b"),
    "half a surrogate pair": lambda s: memory_line(s, text="\ud800"),
    "type of a message": lambda s: memory_line(s, memory_type="message"),
    "unknown type": lambda s: memory_line(s, memory_type="fact"),
    "unknown field": lambda s: memory_line(s, colour="red"),
    "time without zone": lambda s: memory_line(s, created_at="2026-05-01T00:00:00"),
    "no time": lambda s: memory_line(s, created_at="yesterday"),
    "time as number": lambda s: memory_line(s, created_at=5),
    "time out of range": lambda s: memory_line(s, event_date="9999-12-31T23:59:59-14:00"),
    "id with a separator": lambda s: memory_line(s, id="a\x1fb"),
    "topic with a separator": lambda s: memory_line(s, topics=["a\x1fb"]),
    "source with a separator": lambda s: memory_line(s, sources=["a\x1fb"]),
    "too many topics": lambda s: memory_line(s, topics=[str(n) for n in range(33)]),
    "topic too long": lambda s: memory_line(s, topics=["x" * 129]),
    "metadata too large": lambda s: memory_line(s, metadata={"x": "y" * 16_000}),
    "metadata too deep": lambda s: memory_line(s, metadata=json.loads('{"a":' * 60 + "1" + "}" * 60)),
    "metadata of infinite size": lambda s: memory_line(s, metadata={"x": float("inf")}),
    "metadata without a number": lambda s: memory_line(s, metadata={"x": float("nan")}),
    "never seen": lambda s: memory_line(s, seen=0),
    "order out of range": lambda s: memory_line(s, order=10**30),
    "history of nothing": lambda s: memory_line(s, history=[{}]),
    "message without a session": lambda s: {
        "kind": "message",
        "namespace": s.namespace,
        "user_id": s.user_id,
        "session_id": "s",
        "id": "m",
        "role": "user",
        "name": None,
        "content": "x",
        "created_at": MAY.isoformat(),
        "recorded_at": MAY.isoformat(),
        "order": 1,
        "hidden": False,
        "extracted": False,
    },
    "tombstone of a text": lambda s: {
        "kind": "tombstone",
        "namespace": s.namespace,
        "user_id": s.user_id,
        "fingerprint": "likes tea",
        "forgotten_at": MAY.isoformat(),
        "lifted": False,
        "sources": [],
    },
}


@pytest.mark.parametrize("what", BAD)
async def test_no_part_of_a_bad_line_is_written(service: MemoryService, store: Store, scope: Scope, what: str) -> None:
    good = memory_line(scope, id="good", text="good one")
    report = await import_lines(store, text_of(good, BAD[what](scope), memory_line(scope, id="last", text="last one")))
    assert [bad.number for bad in report.bad] == [3]
    assert report.bad[0].code in {"invalid_input", "too_large"}
    assert sorted(await recalled(service, scope)) == ["good one", "last one"]
    assert {row["id"] for row in rows(await exported(store, scope))} == {"good", "last"}


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.text(max_size=40) | JSONS.map(json.dumps), max_size=4))
async def test_any_text_is_a_bad_line_and_no_crash(store: Store, lines: list[str]) -> None:
    report = await import_lines(store, [json.dumps(HEADER), *lines])
    assert report.bad_lines == len([line for line in lines if line.strip()])


async def test_thousands_of_bad_lines_are_counted_and_a_hundred_shown(store: Store) -> None:
    report = await import_lines(store, [json.dumps(HEADER), *["{"] * 5_000])
    assert (report.bad_lines, len(report.bad)) == (5_000, 100)


HEADERS = [
    [],
    [""],
    ["{}"],
    ["not json"],
    ["[" * 100_000],
    ["[]"],
    [json.dumps(HEADER | {"format": "another"})],
    [json.dumps({k: v for k, v in HEADER.items() if k != "format"})],
    [json.dumps(memory_line(Scope()))],
    [json.dumps(HEADER | {"dim": "many"})],
]


@pytest.mark.parametrize("lines", HEADERS)
async def test_what_is_no_export_is_refused(store: Store, lines: list[str]) -> None:
    with pytest.raises(InvalidInput, match="header"):
        await import_lines(store, lines)


@pytest.mark.parametrize("version", [0, 2, 99, "1", None, 1.5])
async def test_an_unknown_format_version_is_refused_before_anything_is_written(
    service: MemoryService, store: Store, scope: Scope, version: object
) -> None:
    lines = [json.dumps(HEADER | {"version": version}), json.dumps(memory_line(scope))]
    with pytest.raises(InvalidInput, match="format version"):
        await import_lines(store, lines)
    assert await recalled(service, scope) == []


async def test_lines_may_come_from_a_file_or_a_stream_with_blank_lines_and_a_byte_order_mark(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    lines = [f"\ufeff{json.dumps(HEADER)}\r\n", "\n", f"{json.dumps(memory_line(scope))}\n", "  \n"]

    async def stream() -> AsyncIterator[str]:
        for line in lines:
            yield line

    assert (await import_lines(store, stream())).stored == 1
    assert (await import_lines(store, iter(lines))).unchanged == 1
    assert await recalled(service, scope) == ["likes tea"]


# --- vectors -----------------------------------------------------------------------------------------------------


async def _vectored(service: MemoryService, store: Store, scope: Scope) -> None:
    """A scope whose records have vectors, as a worker would have put them."""
    await service.remember(scope, [memory("short", id="a"), memory("long " * 500, id="b")])
    await service.edit_memory(scope, "a", {"text": "shorter"})
    await service.append_to_session(scope, "s", [said("message " * 300, id="m")])
    for key in await store.database.command("KEYS", "mem:r:*"):
        if scope.tag in key.decode():
            vector = bytes([len(key) % 60]) * 768
            await store.database.commands([("HSET", key, "embedding", vector), ("HDEL", key, "todo")])


async def test_vectors_come_along_where_the_model_is_the_same(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await _vectored(service, store, scope)
    lines = await exported(store, scope, vectors=True)
    assert len(rows(lines, "message")[0]["vectors"]) > 2
    into = new_scope()
    await import_lines(store, lines, into=into)
    assert (await service.stats(into))["without_vector"] == 0
    again = await exported(store, into, vectors=True)
    assert [row["vectors"] for row in rows(again) if "vectors" in row] == [
        row["vectors"] for row in rows(lines) if "vectors" in row
    ]
    assert [row.get("history") for row in rows(again)] == [row.get("history") for row in rows(lines)]
    assert not any("vectors" in row for row in rows(await exported(store, scope)))


async def test_vectors_of_another_model_or_damaged_ones_are_made_anew(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await _vectored(service, store, scope)
    lines = await exported(store, scope, vectors=True)
    waiting = 1 + len(rows(lines, "memory")[1]["vectors"]) + len(rows(lines, "message")[0]["vectors"])
    changes: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
        lambda row: row | ({"embedding_model": "other"} if "format" in row else {}),
        lambda row: row | ({"dim": 383} if "format" in row else {}),
        lambda row: (
            row | ({"vectors": ["AAAA" for _ in row["vectors"]]} if row.get("vectors") not in (None, True) else {})
        ),
        lambda row: (
            row | ({"vectors": ["%%%" for _ in row["vectors"]]} if row.get("vectors") not in (None, True) else {})
        ),
        lambda row: row | ({"vectors": row["vectors"][1:]} if row.get("vectors") not in (None, True) else {}),
    ]
    for change in changes:
        into = new_scope()
        report = await import_lines(store, [json.dumps(change(json.loads(line))) for line in lines], into=into)
        assert report.bad == []
        assert (await service.stats(into))["without_vector"] == waiting


async def test_a_vector_that_is_not_a_number_is_not_taken(service: MemoryService, store: Store, scope: Scope) -> None:
    import base64

    nothing = base64.b64encode(b"\x00\x7e" * 384).decode()  # float16 NaN
    await import_lines(store, text_of(memory_line(scope, vectors=[nothing])))
    assert (await service.stats(scope))["without_vector"] == 1


async def test_a_store_that_does_not_know_its_dimension_yet_takes_no_vectors(store: Store, scope: Scope) -> None:
    unknown = replace(store, identity=Identity(embedding_model=store.identity.embedding_model, dim=None))
    report = await import_lines(unknown, text_of(memory_line(scope, vectors=["AAAA"])))
    assert (report.stored, report.bad) == (1, [])


# --- concurrency and size ------------------------------------------------------------------------------------------


async def test_two_imports_at_once_and_writers_between_them_lose_and_double_nothing(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    source = new_scope()
    for start in range(0, 300, 100):
        await service.remember(source, [memory(f"fact {n}", id=f"f{n}") for n in range(start, start + 100)])
    for n in range(40):
        await service.edit_memory(source, f"f{n}", {"text": f"fact {n} edited"})
    turns = [said(f"turn {n}", id=f"t{n}") for n in range(100)]
    await service.append_to_session(source, "s", turns)
    lines = await exported(store, source)

    async def edit() -> None:
        for n in range(0, 300, 7):
            await service.remember(scope, [memory(f"said here {n}", id=f"f{n}")])
            await service.append_to_session(scope, "s", [said(f"here {n}", id=f"here{n}")])

    await asyncio.gather(import_lines(store, lines, into=scope), edit(), import_lines(store, lines, into=scope))
    assert (await service.stats(scope))["memories"] == 300
    session = await service.get_session(scope, "s", limit=1_000)
    ids = [message.id for message in session.messages]
    assert len(ids) == len(set(ids)) == 100 + 43
    for n in range(300):
        words = {(await service.get_memory(scope, f"f{n}")).text}
        words |= {version.memory.text for version in await service.history(scope, f"f{n}")}
        assert (f"fact {n} edited" if n < 40 else f"fact {n}") in words
        if n % 7 == 0:
            assert f"said here {n}" in words


async def test_many_records_of_one_moment_are_all_exported(service: MemoryService, store: Store, scope: Scope) -> None:
    for start in range(0, 2_300, 100):
        turns = [said(f"t{n}", id=f"t{n}", created_at=MAY) for n in range(start, start + 100)]
        await service.append_to_session(scope, f"s{start % 300}", turns)
    lines = [memory_line(scope, id=f"m{n}", text=f"fact {n}", order=1777627815123001 + n % 3) for n in range(1_700)]
    report = await import_lines(store, text_of(*lines))
    assert report.stored == 1_700
    every = rows(await exported(store, scope))
    assert len({row["id"] for row in every if row["kind"] == "memory"}) == 1_700
    assert len([row for row in every if row["kind"] == "message"]) == 2_300
    assert len(every) == 1_700 + 2_300 + 3


@pytest.mark.slow
async def test_a_hundred_thousand_memories_go_round_in_little_memory(own_home: Home) -> None:
    scope = Scope()

    def lines() -> Iterator[str]:
        yield json.dumps(HEADER)
        for n in range(100_000):
            fields = {"id": f"m{n}", "text": f"fact {n} " + "about this and that " * 10, "order": 10**15 + n}
            yield json.dumps(memory_line(scope, **fields))

    async with opened(own_home) as (store, service):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert (await import_lines(store, lines())).stored == 100_000
        assert (await import_lines(store, lines())).unchanged == 100_000
        count = 0
        async for _ in export_lines(store, scope=None, vectors=False):
            count += 1
        assert count == 100_001
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kb < 100_000
        assert (await service.recall(Query(scope=scope, limit=1))).total == 100_000


async def test_days_at_the_ends_of_the_calendar_come_along_in_every_zone(own_home: Home) -> None:
    from zoneinfo import ZoneInfo

    first, last = "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"
    lines = text_of(
        memory_line(Scope(), id="first", text="first day", event_date=first),
        memory_line(Scope(), id="last", text="last day", event_date=last),
    )
    for zone in ("America/New_York", "Asia/Tokyo"):
        async with open_store(settings_of(own_home, timezone=ZoneInfo(zone)), name="test") as store:
            report = await import_lines(store, lines, into=new_scope())
            assert (report.stored, report.bad) == (2, [])
