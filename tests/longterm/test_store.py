"""Remember, read, edit, history: what a memory says now, what it said before, and that nothing is lost between."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mcp_memory.errors import Conflict, InvalidInput, NotFound
from mcp_memory.records import (
    Duplicate,
    Memory,
    NewMemory,
    Query,
    Rejected,
    Scope,
    Stored,
    Superseded,
    message_memory_id,
)
from mcp_memory.service import MemoryService
from tests.support import crew, found, kinds, let_go, memory, new_scope, recalled, said, settings_of, stored

MAY = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)

EVERYTHING: dict[str, Any] = {
    "memory_type": "episodic",
    "topics": ("Travel", "Müller's", "a|b", "x,y"),
    "entities": ("Lake Zürich", "O'Brien"),
    "event_date": MAY,
    "pinned": True,
    "metadata": {"n": 1, "deep": {"list": [1, None, "ä"], "b": True}, "": "", "f": 0.1},
    "session_id": "s/1#x@y",
    "message_ids": ("m 1", "m{2}"),
    "author": "Ada",
}


async def test_a_memory_comes_back_with_every_field_it_was_given(service: MemoryService, scope: Scope) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # times are kept in whole milliseconds
    memory_id = await stored(service, scope, "  Swam across\nthe lake \U0001f3ca ", **EVERYTHING)
    read = await service.get_memory(scope, memory_id)
    for name, value in EVERYTHING.items():
        assert getattr(read, name) == value, name
    assert read.text == "  Swam across\nthe lake \U0001f3ca "
    assert before - timedelta(milliseconds=1) <= read.created_at <= datetime.now(UTC)  # kept in milliseconds
    assert (read.version, read.seen, read.source) == (1, 1, "remember")
    (hit,) = (await found(service, scope, "lake")).hits
    assert hit.memory == read


async def test_each_item_of_a_batch_gets_its_outcome_in_its_place(service: MemoryService, scope: Scope) -> None:
    refused = Rejected(code="invalid_input", reason="text is missing", id="bad")
    first = await stored(service, scope, "is there already")
    outcomes = await service.remember(
        scope, [memory("one"), refused, memory("is there already"), memory("two"), memory("one")]
    )
    assert kinds(outcomes) == ["stored", "rejected", "duplicate", "stored", "duplicate"]
    assert outcomes[1] is refused
    assert isinstance(outcomes[2], Duplicate)
    assert outcomes[2].id == first
    assert isinstance(outcomes[0], Stored)
    assert isinstance(outcomes[4], Duplicate)
    assert outcomes[4].id == outcomes[0].id
    assert sorted(await recalled(service, scope)) == ["is there already", "one", "two"]


async def test_a_batch_of_refused_items_writes_nothing(service: MemoryService, scope: Scope) -> None:
    refused = Rejected(code="invalid_input", reason="no text")
    assert await service.remember(scope, [refused, refused]) == [refused, refused]
    assert (await found(service, scope)).total == 0


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("Likes green tea.", "likes  GREEN tea"),
        ("Caf\u00e9 on Main", "Cafe\u0301 on main"),
        ("\uff21da lives here", "ada lives here!"),
    ],
)
async def test_the_same_words_in_another_writing_are_a_duplicate(
    service: MemoryService, scope: Scope, first: str, again: str
) -> None:
    kept = await stored(service, scope, first)
    (outcome,) = await service.remember(scope, [memory(again)])
    assert outcome == Duplicate(id=kept, reason="the same words are stored already")
    read = await service.get_memory(scope, kept)
    assert (read.text, read.seen) == (first, 2)


async def test_the_same_words_about_two_days_are_two_memories(service: MemoryService, scope: Scope) -> None:
    ran = [memory("Ran 10 km", event_date=MAY), memory("Ran 10 km", event_date=MAY + timedelta(days=1))]
    assert kinds(await service.remember(scope, ran)) == ["stored", "stored"]
    assert kinds(await service.remember(scope, ran)) == ["duplicate", "duplicate"]


async def test_words_that_differ_in_a_number_a_name_or_a_negation_are_two_memories(
    service: MemoryService, scope: Scope
) -> None:
    texts = ["Owes Bob 50", "Owes Bob 60", "Owes Rob 50", "Does not owe Bob 50", "Owes Bob -50", "Owes Bob 5.0"]
    assert kinds(await service.remember(scope, [memory(text) for text in texts])) == ["stored"] * len(texts)


async def test_a_duplicate_leaves_the_stored_memory_as_its_caller_wrote_it(
    service: MemoryService, scope: Scope
) -> None:
    # D1: the predecessor's deduplication destroyed id, pin, date and metadata of both.
    await service.remember(scope, [memory("Dentist on Friday", id="n1", **EVERYTHING)])
    await service.remember(scope, [memory("dentist on friday!", id="n2", event_date=MAY, metadata={"other": 1})])
    read = await service.get_memory(scope, "n1")
    for name, value in EVERYTHING.items():
        assert getattr(read, name) == value, name
    assert read.seen == 2
    with pytest.raises(NotFound):
        await service.get_memory(scope, "n2")


async def test_a_duplicate_adds_the_messages_that_it_came_from(service: MemoryService, scope: Scope) -> None:
    kept = await stored(service, scope, "Likes tea", session_id="s1", message_ids=("m1",))
    await service.remember(scope, [memory("likes tea", session_id="s1", message_ids=("m2", "m1"))])
    await service.remember(scope, [memory("likes tea", session_id="s2", message_ids=("m1",))])
    read = await service.get_memory(scope, kept)
    assert read.message_ids == ("m1", "m2", message_memory_id("s2", "m1"))


async def test_the_same_id_again_replaces_the_words_and_keeps_what_was_not_said_again(
    service: MemoryService, scope: Scope
) -> None:
    await service.remember(scope, [memory("Meets Ann at 3", id="meeting", **EVERYTHING)])
    first = await service.get_memory(scope, "meeting")
    (outcome,) = await service.remember(scope, [memory("Meets Ann at 4", id="meeting", metadata={"n": 2})])
    assert isinstance(outcome, Superseded)
    assert (outcome.id, outcome.of) == ("meeting", ("meeting",))
    read = await service.get_memory(scope, "meeting")
    assert (read.text, read.version, read.created_at) == ("Meets Ann at 4", 2, first.created_at)
    for name in ("topics", "entities", "event_date", "pinned", "session_id", "message_ids"):
        assert getattr(read, name) == EVERYTHING[name], name
    assert read.metadata == EVERYTHING["metadata"] | {"n": 2}
    assert await recalled(service, scope, "Ann") == ["Meets Ann at 4"]


async def test_the_same_item_again_under_its_id_changes_nothing(service: MemoryService, scope: Scope) -> None:
    item = memory("Meets Ann at 3", id="meeting", **EVERYTHING)
    await service.remember(scope, [item])
    first = await service.get_memory(scope, "meeting")
    (outcome,) = await service.remember(scope, [item])
    assert isinstance(outcome, Duplicate)
    assert outcome.id == "meeting"
    read = await service.get_memory(scope, "meeting")
    assert replace(read, seen=first.seen) == first
    assert await service.history(scope, "meeting") == []


async def test_twice_the_same_id_in_one_batch_is_a_memory_and_its_correction(
    service: MemoryService, scope: Scope
) -> None:
    outcomes = await service.remember(scope, [memory("is 41", id="age"), memory("is 42", id="age")])
    assert kinds(outcomes) == ["stored", "superseded"]
    assert (await service.get_memory(scope, "age")).text == "is 42"
    assert [version.memory.text for version in await service.history(scope, "age")] == ["is 41"]


async def test_history_and_as_of_show_what_was_believed_when(service: MemoryService, scope: Scope) -> None:
    moments = [await _later()]
    texts = ["lives in Bonn", "lives in Cologne", "lives in Berlin", "lives in Rome"]
    await service.remember(scope, [memory(texts[0], id="home")])
    for text in texts[1:]:
        moments.append(await _later())
        await service.edit_memory(scope, "home", {"text": text})
    moments.append(await _later())

    history = await service.history(scope, "home")
    assert [version.memory.text for version in history] == texts[:-1]
    assert [version.memory.version for version in history] == [1, 2, 3]
    assert [version.reason for version in history] == ["edited"] * 3
    assert [version.until for version in history] == sorted(version.until for version in history)
    believed = [await recalled(service, scope, "lives", as_of=moment) for moment in moments]
    assert believed == [[], *([text] for text in texts)]
    browsed = [await recalled(service, scope, as_of=moment) for moment in moments]
    assert browsed == believed
    assert [(await found(service, scope, "lives", as_of=moment)).total for moment in moments] == [0, 1, 1, 1, 1]
    for version in history:  # each holds from the moment it was recorded, and at the next one it is over
        assert await recalled(service, scope, "lives", as_of=version.memory.updated_at) == [version.memory.text]
        assert await recalled(service, scope, "lives", as_of=version.until) != [version.memory.text]


async def _later() -> datetime:
    """A moment that the next write is not in: times are stored in whole milliseconds."""
    moment = datetime.now(UTC) + timedelta(milliseconds=2)
    while datetime.now(UTC) < moment + timedelta(milliseconds=2):
        await asyncio.sleep(0)
    return moment


async def test_null_clears_a_field_and_the_version_before_still_has_it(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, "Swam across", **EVERYTHING)
    cleared: dict[str, Any] = dict.fromkeys(("topics", "entities", "event_date", "pinned", "metadata"))
    edited = await service.edit_memory(scope, memory_id, cleared)
    read = await service.get_memory(scope, memory_id)
    assert read == edited
    assert (read.topics, read.entities, read.event_date, read.pinned, read.metadata) == ((), (), None, False, {})
    assert read.text == "Swam across"
    ((before, *_),) = [await service.history(scope, memory_id)]
    for name in cleared:
        assert getattr(before.memory, name) == EVERYTHING[name], name
    assert await recalled(service, scope, topics=("travel",)) == []
    assert await recalled(service, scope, after=MAY, before=MAY + timedelta(days=1)) == []


@pytest.mark.parametrize("session_id", [None, "another"])
async def test_moving_a_memory_to_another_session_keeps_the_messages_it_came_from(
    service: MemoryService, scope: Scope, session_id: str | None
) -> None:
    await service.append_to_session(scope, "s1", [said("I like tea", id="m1")])
    memory_id = await stored(service, scope, "Likes tea", session_id="s1", message_ids=("m1",))
    await service.edit_memory(scope, memory_id, {"session_id": session_id})
    (hit,) = [hit for hit in (await found(service, scope, "tea")).hits if hit.memory.id == memory_id]
    assert hit.sources == (message_memory_id("s1", "m1"),)
    await service.forget(scope, [memory_id])
    assert await recalled(service, scope, "tea") == []


async def test_the_same_id_from_another_session_keeps_the_messages_it_came_from(
    service: MemoryService, scope: Scope
) -> None:
    await service.append_to_session(scope, "s1", [said("I like tea", id="m1")])
    await service.remember(scope, [memory("Likes tea", id="x", session_id="s1", message_ids=("m1",))])
    await service.remember(scope, [memory("Likes green tea", id="x", session_id="s2")])
    hits = {hit.memory.id: hit for hit in (await found(service, scope, "tea")).hits}
    assert hits["x"].sources == (message_memory_id("s1", "m1"),)


async def test_words_of_an_earlier_version_no_longer_find_a_memory(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, "plays the xylophone " + "and more " * 400)
    await service.edit_memory(scope, memory_id, {"text": "plays the flute"})
    assert await recalled(service, scope, "xylophone", min_score=0) == []
    assert (await found(service, scope)).total == 1


async def test_an_edit_to_words_that_another_memory_has_is_a_conflict_that_names_it(
    service: MemoryService, scope: Scope
) -> None:
    await service.remember(scope, [memory("tea", id="a"), memory("coffee", id="b")])
    with pytest.raises(Conflict, match="'a' says the same"):
        await service.edit_memory(scope, "b", {"text": "TEA"})
    assert (await service.get_memory(scope, "b")).text == "coffee"


async def test_a_message_is_not_edited(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("hello", id="m")])
    message_id = message_memory_id("s", "m")
    assert (await service.get_memory(scope, message_id)).text == "hello"
    with pytest.raises(InvalidInput, match="is a message"):
        await service.edit_memory(scope, message_id, {"text": "goodbye"})


async def test_unknown_ids_are_not_found(service: MemoryService, scope: Scope) -> None:
    for unknown in ("nobody", "message:s/m", "a@1", "a#1", "", "*"):
        with pytest.raises(NotFound):
            await service.get_memory(scope, unknown)
        with pytest.raises(NotFound):
            await service.history(scope, unknown)
        with pytest.raises(NotFound):
            await service.forget(scope, [unknown])
    with pytest.raises(NotFound):
        await service.edit_memory(scope, "nobody", {"text": "x"})


@pytest.mark.parametrize(
    "strange", ["m@1", "m#1", "m", "m%40", "message:s", "message:", "a/b", "{m}", "m:1", "é", "e\u0301"]
)
async def test_no_id_means_more_than_itself(service: MemoryService, scope: Scope, strange: str) -> None:
    long_text = "what the plain one says; " * 100
    await service.remember(scope, [memory(long_text, id="plain"), memory("first", id="m")])
    await service.edit_memory(scope, "m", {"text": long_text + "twice"})
    await service.remember(scope, [memory("strange", id=strange)])
    assert (await service.get_memory(scope, strange)).text == "strange"
    if strange != "m":
        assert (await service.get_memory(scope, "m")).text == long_text + "twice"
        assert [version.memory.text for version in await service.history(scope, "m")] == ["first"]
    await service.forget(scope, [strange])
    assert (await service.get_memory(scope, "plain")).text == long_text


async def test_a_memory_cannot_take_the_id_of_a_message(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("the truth", id="m")])
    (outcome,) = await service.remember(scope, [memory("a forgery", id=message_memory_id("s", "m"))])
    assert isinstance(outcome, Rejected)
    read = await service.get_memory(scope, message_memory_id("s", "m"))
    assert (read.text, read.memory_type) == ("the truth", "message")


async def test_pinned_memories_stay_pinned_through_every_merge(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory("allergic to nuts", id="a", pinned=True)])
    await service.remember(scope, [memory("Allergic to nuts!")])
    await service.remember(scope, [memory("allergic to nuts and eggs", id="a")])
    assert [each.text for each in await service.profile(scope)] == ["allergic to nuts and eggs"]
    assert (await service.stats(scope))["pinned"] == 1


async def test_200_equal_texts_from_8_processes_at_once_give_200_memories(store_home: Any) -> None:
    # The predecessor's check-then-write made 725 of them.
    scope = new_scope()
    arguments = [(str(store_home.root), scope.namespace, scope.user_id, "remember", str(number)) for number in range(8)]
    with crew("writer.py", arguments) as members:
        let_go(members)
        reports = [json.loads(member.stdout.readline()) for member in members if member.stdout]
    outcomes = [outcome for report in reports for outcome in report["outcomes"]]
    assert outcomes.count("stored") == 200
    assert outcomes.count("duplicate") == 8 * 200 - 200
    async with _opened(store_home) as service:
        assert (await service.stats(scope))["memories"] == 200
        page = await found(service, scope)
        assert {hit.memory.seen for hit in page.hits} == {8}


async def test_the_same_id_from_8_processes_at_once_loses_no_version(store_home: Any) -> None:
    scope = new_scope()
    arguments = [(str(store_home.root), scope.namespace, scope.user_id, "same-id", str(number)) for number in range(8)]
    with crew("writer.py", arguments) as members:
        let_go(members)
        reports = [json.loads(member.stdout.readline()) for member in members if member.stdout]
    outcomes = [outcome for report in reports for outcome in report["outcomes"]]
    accepted = [text for report in reports for text in report["accepted"]]
    assert outcomes.count("stored") == 1
    assert set(outcomes) <= {"stored", "superseded", "rejected"}
    assert outcomes.count("rejected") < len(outcomes) / 4  # told to try again
    async with _opened(store_home) as service:
        current = await service.get_memory(scope, "shared")
        history = await service.history(scope, "shared")
    assert sorted([*(version.memory.text for version in history), current.text]) == sorted(accepted)
    assert current.version == len(accepted)


async def test_concurrent_edits_of_different_fields_all_last(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, "start")
    changes: Sequence[dict[str, Any]] = [{"topics": ("t",)}, {"pinned": True}, {"event_date": MAY}, {"text": "end"}]
    await asyncio.gather(*(service.edit_memory(scope, memory_id, change) for change in changes))
    read = await service.get_memory(scope, memory_id)
    assert (read.topics, read.pinned, read.event_date, read.text) == (("t",), True, MAY, "end")
    assert len(await service.history(scope, memory_id)) == len(changes)


async def test_every_field_that_can_be_remembered_is_kept_by_a_memory(service: MemoryService, scope: Scope) -> None:
    """What `NewMemory` gains some day must not be dropped on the way."""
    kept = {each.name for each in fields(Memory)}
    assert {each.name for each in fields(NewMemory)} <= kept
    del service, scope


def _opened(home: Any) -> Any:
    from mcp_memory.app import open_service

    return open_service(settings_of(home))


async def test_extreme_dates_are_kept_or_refused(service: MemoryService, scope: Scope) -> None:
    for moment in ("0001-01-01", "0001-01-01T00:00:01", "1969-12-31", "9999-12-31T23:59:59.999999"):
        date = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        memory_id = await stored(service, scope, f"at {date}", event_date=date)
        assert (await service.get_memory(scope, memory_id)).event_date == date
        assert await recalled(service, scope, after=date, before=None) != []
    first = datetime(1, 1, 1, tzinfo=UTC)
    query = Query(scope=scope, after=first, before=datetime(1900, 1, 1, tzinfo=UTC))
    assert len((await service.recall(query)).hits) == 2


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])
async def test_the_first_and_the_last_day_of_the_calendar_are_kept_in_every_zone(
    store_home: Any, scope: Scope, zone: str
) -> None:
    from mcp_memory.app import open_service

    days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in ("0001-01-01", "9999-12-31T23:59:59.999999")]
    async with open_service(settings_of(store_home, timezone=ZoneInfo(zone))) as service:
        for day in days:
            memory_id = await stored(service, scope, f"on {day}", event_date=day)
            assert (await service.get_memory(scope, memory_id)).event_date == day
            await service.append_to_session(scope, "s", [said(f"said on {day}", id=str(day), created_at=day)])
        assert [m.created_at for m in (await service.get_session(scope, "s")).messages] == days
        assert (await found(service, scope)).total == 4
