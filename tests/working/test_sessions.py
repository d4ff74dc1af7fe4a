"""Working memory: turns in order, each once, data merged, versions, expiry, pages from the newest back."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_memory.app import Store, open_service
from mcp_memory.embedded.process import wait_until
from mcp_memory.errors import Conflict, InvalidInput, NotFound, TooLarge
from mcp_memory.records import Message, Scope, message_memory_id
from mcp_memory.service import MemoryService
from mcp_memory.settings import Limits
from mcp_memory.storage.keys import ScopeKeys
from tests.support import PATIENCE, crew, found, let_go, new_scope, recalled, said, settings_of

MAY = datetime(2026, 5, 1, 9, 30, 15, 123456, tzinfo=UTC)


async def test_turns_come_back_whole_and_in_order(service: MemoryService, scope: Scope) -> None:
    turns = [
        Message(id="1", role="system", content="Be brief.", created_at=MAY),
        Message(id="2", role="user", content="line\nbreak \u2028 \U0001f375 \x7f", created_at=MAY, name="Ada L."),
        Message(id="3", role="assistant", content="", created_at=MAY - timedelta(days=400)),
        Message(id="4", role="tool", content='{"json": "\\u0000"}', created_at=MAY),
    ]
    appended = await service.append_to_session(scope, "s", turns)
    assert appended.message_ids == ("1", "2", "3", "4")
    assert (appended.message_count, appended.extraction, appended.forgotten) == (4, "queued", ())
    session = await service.get_session(scope, "s")
    assert session.messages == tuple(turns)
    assert (session.exists, session.message_count, session.pending_extraction) == (True, 4, 4)
    assert (session.summary, session.data, session.next_cursor, session.expires_at) == (None, {}, None, None)


async def test_an_unknown_session_is_empty_and_says_so(service: MemoryService, scope: Scope) -> None:
    session = await service.get_session(scope, "nobody")
    assert (session.exists, session.messages, session.message_count) == (False, (), 0)
    assert (await service.sessions(scope)) == []  # looking made nothing


async def test_a_message_is_added_once_however_often_it_is_sent(service: MemoryService, scope: Scope) -> None:
    turns = [said("one", id="a"), said("two", id="b")]
    first = await service.append_to_session(scope, "s", turns)
    again = await service.append_to_session(scope, "s", [*turns, said("three", id="c")])
    repeated = await service.append_to_session(scope, "s", [said("ONE, in other words", id="a")])
    assert (first.message_count, again.message_count, repeated.message_count) == (2, 3, 3)
    assert (repeated.version, repeated.message_ids) == (again.version, ("a",))
    assert [m.content for m in (await service.get_session(scope, "s")).messages] == ["one", "two", "three"]
    twice = await service.append_to_session(scope, "t", [said("x", id="same"), said("y", id="same")])
    assert twice.message_count == 1


async def test_the_newest_turns_come_first_and_the_cursor_leads_to_older_ones(
    service: MemoryService, scope: Scope
) -> None:
    turns = [said(f"turn {number}", id=f"{number}") for number in range(25)]
    for start in range(0, 25, 5):
        await service.append_to_session(scope, "s", turns[start : start + 5])
    read: list[str] = []
    cursor = None
    for _ in range(20):
        session = await service.get_session(scope, "s", limit=4, cursor=cursor)
        assert session.message_count == 25
        read = [m.id for m in session.messages] + read
        cursor = session.next_cursor
        # Turns that arrive meanwhile do not move the older pages.
        await service.append_to_session(scope, "s2", [said("elsewhere")])
        if cursor is None:
            break
    assert read == [turn.id for turn in turns]


async def test_turns_that_arrive_while_paging_move_nothing(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said(str(number), id=str(number)) for number in range(9)])
    first = await service.get_session(scope, "s", limit=3)
    await service.append_to_session(scope, "s", [said("late", id="late")])
    second = await service.get_session(scope, "s", limit=3, cursor=first.next_cursor)
    assert [m.id for m in (*second.messages, *first.messages)] == ["3", "4", "5", "6", "7", "8"]


async def test_a_budget_keeps_the_newest_turns_and_the_cursor_leads_on(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said(f"turn {n} " + "word " * 40, id=str(n)) for n in range(10)])
    session = await service.get_session(scope, "s", limit=10, max_tokens=180)
    assert [m.id for m in session.messages] == ["7", "8", "9"]
    assert session.truncated == 7
    read = [m.id for m in session.messages]
    while session.next_cursor is not None:
        session = await service.get_session(scope, "s", limit=10, max_tokens=1, cursor=session.next_cursor)
        assert len(session.messages) == 1
        read = [m.id for m in session.messages] + read
    assert read == [str(n) for n in range(10)]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "", "١٢", "²", "9" * 13, " 1"])
async def test_a_cursor_that_is_not_ours_is_refused_in_words(service: MemoryService, scope: Scope, cursor: str) -> None:
    await service.append_to_session(scope, "s", [said("one")])
    with pytest.raises(InvalidInput, match="next_cursor"):
        await service.get_session(scope, "s", cursor=cursor)


async def test_a_cursor_beyond_the_session_shows_its_newest_turns(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("one", id="1")])
    session = await service.get_session(scope, "s", cursor="999")
    assert [m.id for m in session.messages] == ["1"]
    assert (await service.get_session(scope, "s", cursor="0")).messages == ()


# --- data ----------------------------------------------------------------------------------------------------


async def test_data_is_merged_at_the_top_level_and_null_removes(service: MemoryService, scope: Scope) -> None:
    odd: dict[str, Any] = {"": "empty key", "ä|{}": [1, None, {"x": "\n"}], "deep": {"a": {"b": [True, 1.5]}}, "n": 0}
    await service.append_to_session(scope, "s", [], data=odd)
    assert (await service.get_session(scope, "s")).data == odd
    await service.append_to_session(scope, "s", [], data={"deep": {"new": 1}, "n": None, "absent": None, "f": False})
    expected = {"": "empty key", "ä|{}": odd["ä|{}"], "deep": {"new": 1}, "f": False}
    assert (await service.get_session(scope, "s")).data == expected
    await service.append_to_session(scope, "s", [said("a turn leaves it")])
    assert (await service.get_session(scope, "s")).data == expected


async def test_data_over_its_limit_is_refused_and_nothing_of_the_call_is_written(store_home: Any, scope: Scope) -> None:
    async with open_service(settings_of(store_home, limits=Limits(data_bytes=1_000))) as service:
        await service.append_to_session(scope, "s", [said("one", id="1")], data={"a": "x" * 900})
        with pytest.raises(TooLarge, match="allowed: 1000"):
            await service.append_to_session(scope, "s", [said("two", id="2")], data={"b": "y" * 200})
        session = await service.get_session(scope, "s")
        assert ([m.id for m in session.messages], session.data) == (["1"], {"a": "x" * 900})
        assert await recalled(service, scope, "two") == []
        # What is replaced or removed makes room.
        await service.append_to_session(scope, "s", [], data={"a": "z" * 950})
        await service.append_to_session(scope, "s", [], data={"a": None, "b": "y" * 950})
        assert (await service.get_session(scope, "s")).data == {"b": "y" * 950}


# --- versions and concurrency ----------------------------------------------------------------------------------


async def test_an_append_to_another_version_is_a_conflict_and_writes_nothing(
    service: MemoryService, scope: Scope
) -> None:
    first = await service.append_to_session(scope, "s", [said("one")], expected_version=0)
    second = await service.append_to_session(scope, "s", [said("two")], expected_version=first.version)
    assert second.version > first.version
    for stale in (0, first.version, second.version + 1):
        with pytest.raises(Conflict, match="append again"):
            await service.append_to_session(scope, "s", [said("three")], data={"k": 1}, expected_version=stale)
    session = await service.get_session(scope, "s")
    assert (session.message_count, session.data, session.version) == (2, {}, second.version)


async def test_of_writers_with_the_same_version_one_wins(service: MemoryService, scope: Scope) -> None:
    first = await service.append_to_session(scope, "s", [])

    async def append(number: int) -> bool:
        try:
            await service.append_to_session(scope, "s", [said(f"{number}")], expected_version=first.version)
        except Conflict:
            return False
        return True

    assert (await asyncio.gather(*map(append, range(10)))).count(True) == 1
    assert (await service.get_session(scope, "s")).message_count == 1


async def test_8_processes_append_to_one_session_and_nothing_is_lost_or_doubled(store_home: Any) -> None:
    # D2: the predecessor wrote a stale copy of the whole session over newer turns.
    scope = new_scope()
    arguments = [(str(store_home.root), scope.namespace, scope.user_id, "append", str(number)) for number in range(8)]
    with crew("writer.py", arguments) as members:
        let_go(members)
        for member in members:
            assert member.stdout is not None
            json.loads(member.stdout.readline())
    async with open_service(settings_of(store_home)) as service:
        session = await service.get_session(scope, "shared", limit=1_000)
        ids = [message.id for message in session.messages]
        assert len(ids) == len(set(ids)) == 50 + 8 * 50
        assert session.data == {f"key-{number}": 99 for number in range(8)}
        for number in range(8):
            own = [name for name in ids if name.startswith(f"own-{number}-")]
            assert own == [f"own-{number}-{place}" for place in range(0, 100, 2)]
        assert (await service.stats(scope))["messages"] == len(ids)


# --- expiry ----------------------------------------------------------------------------------------------------


async def test_an_expired_session_is_gone_with_its_searchable_messages(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.append_to_session(scope, "kept", [said("tea that stays")])
    turns = [said("tea that goes", id="short"), said("tea " + "and so on " * 2_000, id="long")]
    await service.append_to_session(scope, "s", turns, data={"k": 1}, ttl=timedelta(milliseconds=400))
    assert len(await recalled(service, scope, "tea", min_score=0)) == 3
    await _until_gone(store, scope, "s")
    session = await service.get_session(scope, "s")
    assert (session.exists, session.messages, session.data) == (False, (), {})
    assert await recalled(service, scope, "tea", min_score=0) == ["tea that stays"]
    assert (await found(service, scope)).hits[0].memory.text == "tea that stays"
    assert [info.session_id for info in await service.sessions(scope)] == ["kept"]
    with pytest.raises(NotFound):
        await service.get_memory(scope, message_memory_id("s", "short"))
    keys = await store.database.command("KEYS", f"mem:*{scope.tag.replace('|', '?')}*:*s*")
    assert [key for key in keys if b":message:s/" in key or key.endswith(b":s")] == []
    # The same name may be used again, from the start.
    again = await service.append_to_session(scope, "s", [said("anew", id="short")])
    assert (again.message_count, again.version) == (1, 1)
    assert (await service.get_session(scope, "s")).expires_at is None


async def _until_gone(store: Store, scope: Scope, session_id: str) -> None:
    keys = ScopeKeys(scope).session(session_id)
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while await store.database.command("EXISTS", *keys.all):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)


async def test_an_append_without_a_lifetime_keeps_the_deadline_for_old_and_new(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    before = datetime.now(UTC)
    await service.append_to_session(scope, "s", [said("one", id="1")], ttl=timedelta(hours=1))
    first = (await service.get_session(scope, "s")).expires_at
    assert first is not None
    assert timedelta(0) < first - before - timedelta(minutes=59) < timedelta(minutes=2)
    await service.append_to_session(scope, "s", [said("two " + "x " * 2_000, id="2")], data={"k": 1})
    assert (await service.get_session(scope, "s")).expires_at == first
    assert await _deadlines(store, scope) == {round(first.timestamp() * 1000)}


async def test_a_new_lifetime_moves_the_deadline_of_everything(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    # D8: in the predecessor the old one stayed, though the reply told otherwise.
    turns = [said("one", id="1"), said("x " * 2_000, id="2")]
    await service.append_to_session(scope, "s", turns, data={"k": 1}, ttl=timedelta(seconds=5))
    await service.append_to_session(scope, "s", [said("three", id="3")], ttl=timedelta(hours=2))
    expires = (await service.get_session(scope, "s")).expires_at
    assert expires is not None
    assert await _deadlines(store, scope) == {round(expires.timestamp() * 1000)}
    assert expires > datetime.now(UTC) + timedelta(hours=1)


async def _deadlines(store: Store, scope: Scope) -> set[int]:
    """When the keys of the scope's sessions and messages end; -1 would be never."""
    cursor, keys = 0, list[bytes]()
    while True:
        cursor, some = await store.database.command("SCAN", cursor, "MATCH", "mem:[rslid]:*", "COUNT", 10_000)
        keys += [key for key in some if scope.tag in key.decode()]
        if int(cursor) == 0:
            break
    assert len(keys) > 5
    return set(await store.database.commands([("PEXPIRETIME", key) for key in keys]))


async def test_a_session_without_a_lifetime_never_ends(service: MemoryService, store: Store, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("one"), said("x " * 2_000)], data={"k": 1})
    assert await _deadlines(store, scope) == {-1}


async def test_what_was_learnt_in_an_expired_session_stays(service: MemoryService, store: Store, scope: Scope) -> None:
    from tests.support import stored

    await service.append_to_session(scope, "s", [said("I like tea", id="m")], ttl=timedelta(milliseconds=200))
    memory_id = await stored(service, scope, "Likes tea", session_id="s", message_ids=("m",))
    await _until_gone(store, scope, "s")
    (hit,) = (await found(service, scope, "tea", neighbours=2)).hits
    assert (hit.memory.id, hit.neighbours) == (memory_id, ())
    assert await service.forget(scope, [memory_id]) == [memory_id]


# --- strategies, lists ---------------------------------------------------------------------------------------


async def test_a_session_that_is_not_learnt_from_has_nothing_pending(service: MemoryService, scope: Scope) -> None:
    appended = await service.append_to_session(scope, "s", [said("I live in Rome")], strategy="off")
    assert appended.extraction == "off"
    assert (await service.append_to_session(scope, "s", [said("still off")])).extraction == "off"
    session = await service.get_session(scope, "s")
    assert (session.pending_extraction, session.strategy) == (0, "off")
    assert (await service.stats(scope))["sessions_to_extract"] == 0
    # Switched on, it learns from what comes then.
    await service.append_to_session(scope, "s", [said("I moved to Bonn")], strategy="discrete")
    assert (await service.get_session(scope, "s")).pending_extraction == 1
    assert (await service.stats(scope))["sessions_to_extract"] == 1


async def test_sessions_are_listed_by_their_last_activity_and_prefix(service: MemoryService, scope: Scope) -> None:
    for name in ("a1", "b1", "a2", "A3", "a|4"):
        await service.append_to_session(scope, name, [said(name)])
    await service.append_to_session(scope, "a1", [said("again")])
    listed = await service.sessions(scope)
    assert [info.session_id for info in listed] == ["a1", "a|4", "A3", "a2", "b1"]
    assert [info.message_count for info in listed] == [2, 1, 1, 1, 1]
    assert [info.session_id for info in await service.sessions(scope, prefix="a")] == ["a1", "a|4", "a2"]
    assert [info.session_id for info in await service.sessions(scope, limit=2)] == ["a1", "a|4"]


async def test_a_message_at_the_limit_of_its_length_comes_back_whole(service: MemoryService, scope: Scope) -> None:
    content = "𝔘 nicode " * 11_000
    await service.append_to_session(scope, "s", [said(content, id="m"), said("next", id="n")])
    assert (await service.get_session(scope, "s")).messages[0].content == content
    assert (await service.get_memory(scope, message_memory_id("s", "m"))).text == content


async def test_a_hundred_long_messages_in_one_call_are_taken(service: MemoryService, scope: Scope) -> None:
    turns = [said(f"number{n} " + "long text " * 1_500, id=str(n)) for n in range(100)]
    assert (await service.append_to_session(scope, "s", turns)).message_count == 100
    assert (await service.stats(scope))["messages"] == 100
    assert len(await recalled(service, scope, "number57")) == 1


@pytest.mark.slow
async def test_appending_costs_the_same_at_5000_messages_as_at_10(service: MemoryService, scope: Scope) -> None:
    async def cost(session_id: str) -> float:
        best = 9.9
        for number in range(60):
            started = time.perf_counter()
            await service.append_to_session(scope, session_id, [said(f"turn {number}")])
            best = min(best, time.perf_counter() - started)
        return best

    for start in range(0, 5_000, 100):
        await service.append_to_session(scope, "big", [said(f"t{n}") for n in range(start, start + 100)])
    await service.append_to_session(scope, "small", [said(f"t{n}") for n in range(10)])
    assert await cost("big") < 1.5 * await cost("small")
    assert wait_until(lambda: True, timeout=PATIENCE)
