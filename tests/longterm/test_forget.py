"""Forgotten stays forgotten (guarantee 7): by replay, extraction, the same words; unless the user says it anew."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_memory.app import Store, tiers
from mcp_memory.errors import Conflict, Forgotten, NotFound
from mcp_memory.records import Duplicate, Message, Query, Rejected, Scope, Stored, message_memory_id
from mcp_memory.service import MemoryService
from tests.support import found, kinds, memory, recalled, said, stored
from worker.extract import Extraction

LONG_AGO = datetime(2025, 3, 1, 12, tzinfo=UTC)
SECRET = "I am allergic to peanuts"


def message_of(session_id: str, message_id: str) -> str:
    return message_memory_id(session_id, message_id)


async def test_a_forgotten_memory_answers_nothing_any_more(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, "old wording of the secret", pinned=True, topics=("secrets",))
    await service.edit_memory(scope, memory_id, {"text": "the secret " + "and all about it " * 300})
    moment = datetime.now(UTC)
    assert await service.forget(scope, [memory_id]) == [memory_id]
    assert await recalled(service, scope, "secret", min_score=0) == []
    assert await recalled(service, scope, "secret", min_score=0, as_of=moment) == []
    assert (await found(service, scope)).total == 0
    assert await service.topics(scope) == []
    assert await service.profile(scope) == []
    assert (await service.get_context(scope, query="secret")).context == ""
    with pytest.raises(NotFound):
        await service.get_memory(scope, memory_id)
    with pytest.raises(NotFound):
        await service.history(scope, memory_id)
    stats = await service.stats(scope)
    assert (stats["memories"], stats["messages"], stats["without_vector"]) == (0, 0, 0)


async def test_a_forgotten_text_is_nowhere_in_redis(service: MemoryService, store: Store, scope: Scope) -> None:
    memory_id = await stored(service, scope, "xylographic first wording")
    await service.edit_memory(scope, memory_id, {"text": "xylographic " * 700})
    await service.forget(scope, [memory_id])
    for key in await _keys_of(store, scope):
        kind = (await store.database.command("TYPE", key)).decode()
        reads = {"hash": ("HGETALL", key), "string": ("GET", key), "list": ("LRANGE", key, 0, -1)}
        assert b"xylograph" not in repr(await store.database.command(*reads[kind])).encode(), key


async def _keys_of(store: Store, scope: Scope) -> list[str]:
    found: list[str] = []
    cursor = 0
    while True:
        cursor, keys = await store.database.command("SCAN", cursor, "COUNT", 10_000)
        found += [key.decode() for key in keys if f"{{{scope.tag}}}" in key.decode()]
        if int(cursor) == 0:
            return found


@pytest.mark.parametrize("again", [SECRET, "i am  ALLERGIC to peanuts.", "\uff29 am allergic to peanuts!"])
async def test_forgotten_words_are_not_remembered_again(service: MemoryService, scope: Scope, again: str) -> None:
    await service.forget(scope, [await stored(service, scope, SECRET)])
    (outcome,) = await service.remember(scope, [memory(again)])
    assert isinstance(outcome, Rejected)
    assert outcome.code == Forgotten.code
    assert "said_again=true" in outcome.reason
    assert SECRET not in outcome.reason
    assert await recalled(service, scope, "peanuts") == []


async def test_forgotten_words_do_not_come_back_by_an_edit_or_under_an_id(service: MemoryService, scope: Scope) -> None:
    await service.forget(scope, [await stored(service, scope, SECRET, id="a")])
    await service.remember(scope, [memory("likes tea", id="b")])
    with pytest.raises(Forgotten):
        await service.edit_memory(scope, "b", {"text": SECRET})
    outcomes = await service.remember(scope, [memory(SECRET, id="a"), memory(SECRET, id="b"), memory(SECRET)])
    assert kinds(outcomes) == ["rejected"] * 3
    assert (await service.get_memory(scope, "b")).text == "likes tea"


async def test_every_wording_that_a_forgotten_memory_had_is_forgotten(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, SECRET)
    await service.edit_memory(scope, memory_id, {"text": "allergic to nuts of all kinds"})
    await service.forget(scope, [memory_id])
    assert kinds(await service.remember(scope, [memory(SECRET)])) == ["rejected"]


async def test_said_again_lets_a_forgotten_fact_back_in_for_good(service: MemoryService, scope: Scope) -> None:
    await service.forget(scope, [await stored(service, scope, SECRET)])
    (outcome,) = await service.remember(scope, [memory(SECRET)], said_again=True)
    assert isinstance(outcome, Stored)
    assert await recalled(service, scope, "peanuts") == [SECRET]
    assert await service.remember(scope, [memory(SECRET)]) == [
        Duplicate(id=outcome.id, reason="the same words are stored already")
    ]
    await service.forget(scope, [outcome.id])
    assert kinds(await service.remember(scope, [memory(SECRET)])) == ["rejected"]


async def test_forgetting_in_one_scope_leaves_the_others_alone(
    service: MemoryService, scope: Scope, other_scope: Scope
) -> None:
    await service.forget(scope, [await stored(service, scope, SECRET)])
    assert kinds(await service.remember(other_scope, [memory(SECRET)])) == ["stored"]


async def test_forgetting_is_all_or_nothing_when_an_id_is_unknown(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, SECRET)
    with pytest.raises(NotFound, match="nobody"):
        await service.forget(scope, [memory_id, "nobody"])
    assert await recalled(service, scope, "peanuts") == [SECRET]
    assert await service.forget(scope, [memory_id, memory_id]) == [memory_id]


# --- source messages -----------------------------------------------------------------------------------------


async def _learnt(service: MemoryService, scope: Scope, *, created_at: datetime = LONG_AGO) -> str:
    """A session with a fact in it, the fact as a memory that points there; the memory's id."""
    turns = [
        said("Hello there", id="m0", created_at=created_at - timedelta(minutes=1)),
        said(f"Please note: {SECRET}. Thanks!", id="m1", created_at=created_at),
        said("And I like the sea", id="m2", created_at=created_at + timedelta(minutes=1)),
    ]
    await service.append_to_session(scope, "s1", turns)
    return await stored(service, scope, SECRET, session_id="s1", message_ids=("m1",))


async def test_the_messages_that_a_memory_came_from_are_forgotten_with_it(service: MemoryService, scope: Scope) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    assert not any("peanuts" in text for text in await recalled(service, scope, "peanuts allergic", min_score=0))
    assert not any("peanuts" in text for text in await recalled(service, scope))
    with pytest.raises(NotFound):
        await service.get_memory(scope, message_of("s1", "m1"))
    page = await found(service, scope, "sea", neighbours=3)
    assert [turn.id for turn in page.hits[0].neighbours] == ["m0"]


async def test_the_transcript_stays_and_the_context_leaves_out_what_was_forgotten(
    service: MemoryService, scope: Scope
) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    session = await service.get_session(scope, "s1")
    assert [message.id for message in session.messages] == ["m0", "m1", "m2"]
    context = await service.get_context(scope, query="what about peanuts?", session_id="s1")
    assert "sea" in context.context
    assert "peanuts" not in context.context


async def test_a_forgotten_message_is_not_in_what_its_neighbour_is_found_by(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    assert await recalled(service, scope, "peanuts", min_score=0) == []
    await service.append_to_session(scope, "s1", [said("Another turn", id="m3")])
    assert await recalled(service, scope, "peanuts", min_score=0) == []
    row = repr(await store.database.command("HGETALL", f"mem:r:{{{scope.tag}}}:message:s1/m2"))
    assert "peanuts" not in row  # else it is in what m2 is embedded as


async def test_a_forgotten_message_hides_and_its_memory_stays(service: MemoryService, scope: Scope) -> None:
    await _learnt(service, scope)
    await service.forget(scope, [message_of("s1", "m1")])
    assert await recalled(service, scope, "peanuts") == [SECRET]
    assert len((await service.get_session(scope, "s1")).messages) == 3


async def test_a_memory_and_its_own_message_are_forgotten_together(service: MemoryService, scope: Scope) -> None:
    memory_id = await _learnt(service, scope)
    both = [memory_id, message_of("s1", "m1")]
    assert sorted(await service.forget(scope, both)) == sorted(both)
    assert not any("peanuts" in text for text in await recalled(service, scope))


async def test_two_memories_of_one_message_are_forgotten_one_by_one(service: MemoryService, scope: Scope) -> None:
    await _learnt(service, scope)
    other = await stored(service, scope, "Says thanks", session_id="s1", message_ids=("m1",))
    first = (await service.recall(Query(scope=scope, memory_type=("semantic",)))).hits[-1].memory
    await service.forget(scope, [first.id])
    assert (await service.get_memory(scope, other)).text == "Says thanks"


# --- replay or said anew -------------------------------------------------------------------------------------


REPLAYS: dict[str, dict[str, Any]] = {
    "by its id in the same session": {"session": "s1", "id": "m1", "created_at": None},
    "by its id in another session": {"session": "s2", "id": "m1", "created_at": None},
    "by its time in another session": {"session": "s2", "id": "new", "created_at": LONG_AGO},
    "by its words in the same session": {"session": "s1", "id": "new", "created_at": None},
    "dated before the forgetting": {"session": "s2", "id": "new", "created_at": LONG_AGO + timedelta(days=9)},
    "by the assistant": {"session": "s2", "id": "new", "created_at": None, "role": "assistant"},
}


@pytest.mark.parametrize("how", REPLAYS)
async def test_a_replayed_message_goes_to_the_transcript_only(
    service: MemoryService, store: Store, scope: Scope, how: str
) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    replay = REPLAYS[how]
    turn = Message(
        id=replay["id"],
        role=replay.get("role", "user"),
        content=f"please NOTE: {SECRET}.  Thanks",
        created_at=replay["created_at"] or datetime.now(UTC),
    )
    session_id = replay["session"]
    before = (await service.get_session(scope, session_id)).message_count
    appended = await service.append_to_session(scope, session_id, [turn])
    if replay["id"] == "m1" and session_id == "s1":
        assert appended.message_count == before
    else:
        assert appended.message_count == before + 1
        assert appended.forgotten == (replay["id"],)
    assert not any("peanuts" in text for text in await recalled(service, scope, "peanuts", min_score=0))
    await _extract(store, scope, session_id)
    assert not any("peanuts" in text for text in await recalled(service, scope))


async def test_a_message_of_the_same_moment_is_a_replay_even_if_a_clock_was_ahead(
    service: MemoryService, scope: Scope
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await service.forget(scope, [await _learnt(service, scope, created_at=tomorrow)])
    replay = said(f"Please note: {SECRET}. Thanks!", id="new", created_at=tomorrow)
    assert (await service.append_to_session(scope, "s2", [replay])).forgotten == ("new",)


async def test_what_the_user_says_anew_later_is_back(service: MemoryService, store: Store, scope: Scope) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    anew = said(f"Please note: {SECRET}. Thanks!", id="n1", created_at=datetime.now(UTC) + timedelta(seconds=1))
    appended = await service.append_to_session(scope, "s2", [anew])
    assert appended.forgotten == ()
    assert await recalled(service, scope, "peanuts") == [anew.content]
    await _extract(store, scope, "s2")
    assert SECRET in (await recalled(service, scope, "peanuts", memory_type=("semantic",)) or [""])[0]


async def test_one_replayed_turn_does_not_hold_back_the_others_of_its_call(
    service: MemoryService, scope: Scope
) -> None:
    await service.forget(scope, [await _learnt(service, scope)])
    turns = [
        said("before it", id="a"),
        said(f"Please note: {SECRET}. Thanks!", id="m1", created_at=LONG_AGO),
        said("after it", id="b"),
    ]
    appended = await service.append_to_session(scope, "s9", turns)
    assert appended.forgotten == ("m1",)
    assert appended.message_count == 3
    shown = [text for text in await recalled(service, scope) if text in {"before it", "after it"} or SECRET in text]
    assert sorted(shown) == ["after it", "before it"]


async def test_extracting_again_does_not_bring_back_what_was_forgotten(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    await service.append_to_session(scope, "s1", [said(f"{SECRET}.", id="m1", created_at=LONG_AGO)])
    await _extract(store, scope, "s1")
    learnt = (await found(service, scope, memory_type=("semantic",))).hits
    assert [hit.memory.source for hit in learnt] == ["extraction"]
    assert learnt[0].memory.message_ids == ("m1",)
    await service.forget(scope, [learnt[0].memory.id])
    # As if the worker had died before it moved the mark.
    await store.database.command("HSET", f"mem:s:{{{scope.tag}}}:s1", "mark", 0)
    await _extract(store, scope, "s1")
    assert await recalled(service, scope) == []


async def _extract(store: Store, scope: Scope, session_id: str) -> None:
    working, long_term = tiers(store)
    await Extraction(working, long_term, timezone=UTC).session(scope, session_id)


async def test_forgetting_twice_remembers_the_messages_of_both_times(service: MemoryService, scope: Scope) -> None:
    first = await _learnt(service, scope)
    await service.forget(scope, [first])
    anew = said(f"Please note: {SECRET}. Thanks!", id="n1", created_at=datetime.now(UTC) + timedelta(seconds=1))
    await service.append_to_session(scope, "s2", [anew])
    (outcome,) = await service.remember(scope, [memory(SECRET, session_id="s2", message_ids=("n1",))], said_again=True)
    assert isinstance(outcome, Stored)
    await service.forget(scope, [outcome.id])
    # A host that gives no dates sends the old turn again, by its id.
    late = datetime.now(UTC) + timedelta(seconds=5)
    replayed = said(f"Please note: {SECRET}. Thanks!", id="m1", created_at=late)
    appended = await service.append_to_session(scope, "s3", [replayed])
    assert appended.forgotten == ("m1",)


# --- sessions ------------------------------------------------------------------------------------------------


async def test_forgetting_a_session_takes_its_transcript_data_and_memories(
    service: MemoryService, scope: Scope
) -> None:
    await _learnt(service, scope)
    await service.append_to_session(scope, "s1", [], data={"plan": "secret plan"})
    await service.append_to_session(scope, "s2", [said("unrelated", id="u")])
    preview = await service.preview_forget(scope, session_id="s1")
    assert (preview.messages, [each.text for each in preview.hits]) == (3, [SECRET])
    gone = await service.confirm_forget(scope, preview.confirm)
    assert gone == ["session:s1", preview.hits[0].id]
    session = await service.get_session(scope, "s1")
    assert (session.exists, session.messages, session.data) == (False, (), {})
    assert await recalled(service, scope) == ["unrelated"]
    assert [info.session_id for info in await service.sessions(scope)] == ["s2"]


async def test_the_messages_of_a_forgotten_session_do_not_come_back_by_replay(
    service: MemoryService, scope: Scope
) -> None:
    turns = [said("yes", id="m1", created_at=LONG_AGO), said("I met Bob", id="m2"), said("yes", id="m3")]
    await service.append_to_session(scope, "s1", turns)
    preview = await service.preview_forget(scope, session_id="s1")
    await service.confirm_forget(scope, preview.confirm)
    later = datetime.now(UTC) + timedelta(seconds=5)
    for message_id, content in (("m1", "yes"), ("m2", "I met Bob"), ("m3", "yes")):
        turn = said(content, id=message_id, created_at=later)
        appended = await service.append_to_session(scope, "elsewhere", [turn])
        assert appended.forgotten == (message_id,)
    assert await recalled(service, scope) == []


# --- previews ------------------------------------------------------------------------------------------------


async def test_a_token_forgets_exactly_what_was_shown(service: MemoryService, scope: Scope) -> None:
    for number in range(3):
        await stored(service, scope, f"peanut fact {number}")
    kept = await stored(service, scope, "likes tea")
    preview = await service.preview_forget(scope, text="peanut")
    assert len(preview.hits) == preview.total == 3
    assert (await found(service, scope)).total == 4  # nothing happened yet
    late = await stored(service, scope, "peanut fact that came later")
    gone = await service.confirm_forget(scope, preview.confirm)
    assert sorted(gone) == sorted(each.id for each in preview.hits)
    left = {hit.memory.id for hit in (await found(service, scope)).hits}
    assert left == {kept, late}


async def test_a_memory_that_says_something_else_by_now_is_not_forgotten_by_an_older_preview(
    service: MemoryService, scope: Scope
) -> None:
    await service.remember(scope, [memory("peanut fact", id="a"), memory("another peanut fact", id="b")])
    preview = await service.preview_forget(scope, text="peanut")
    await service.edit_memory(scope, "a", {"text": "likes tea, which was never shown"})
    with pytest.raises(Conflict, match="preview again"):
        await service.confirm_forget(scope, preview.confirm)
    assert (await found(service, scope)).total == 2


async def test_a_memory_that_is_gone_already_does_not_hold_up_a_preview(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory("peanut fact", id="a"), memory("another peanut fact", id="b")])
    preview = await service.preview_forget(scope, text="peanut")
    await service.forget(scope, ["a"])
    assert await service.confirm_forget(scope, preview.confirm) == ["b"]


async def test_a_token_works_once(service: MemoryService, scope: Scope) -> None:
    await stored(service, scope, "peanut fact")
    preview = await service.preview_forget(scope, text="peanut")
    await service.confirm_forget(scope, preview.confirm)
    with pytest.raises(NotFound, match="preview again"):
        await service.confirm_forget(scope, preview.confirm)


async def test_a_token_may_show_a_memory_and_its_message(service: MemoryService, scope: Scope) -> None:
    turns = [said("peanuts are bad for me", id="m1"), said("so are cashew nuts, like peanuts", id="m2")]
    await service.append_to_session(scope, "s1", turns)
    await stored(service, scope, "No peanuts, no cashew nuts", session_id="s1", message_ids=("m1", "m2"))
    preview = await service.preview_forget(scope, text="peanuts")
    assert len(preview.hits) == 3
    await service.confirm_forget(scope, preview.confirm)
    assert await recalled(service, scope) == []


async def test_a_session_that_went_on_is_not_forgotten_by_an_older_preview(
    service: MemoryService, scope: Scope
) -> None:
    await _learnt(service, scope)
    preview = await service.preview_forget(scope, session_id="s1")
    await service.append_to_session(scope, "s1", [said("one more thing", id="m9")])
    with pytest.raises(Conflict, match="preview again"):
        await service.confirm_forget(scope, preview.confirm)
    assert (await service.get_session(scope, "s1")).message_count == 4
    assert SECRET in await recalled(service, scope)


async def test_a_preview_of_nothing_has_nothing_to_confirm(service: MemoryService, scope: Scope) -> None:
    for preview in (
        await service.preview_forget(scope, text="peanuts"),
        await service.preview_forget(scope, session_id="no such session"),
    ):
        assert (preview.hits, preview.messages, preview.total) == ((), 0, 0)
        with pytest.raises(NotFound):
            await service.confirm_forget(scope, preview.confirm)


async def test_forgetting_by_words_within_a_session_leaves_its_transcript(service: MemoryService, scope: Scope) -> None:
    await _learnt(service, scope)
    preview = await service.preview_forget(scope, session_id="s1", text="peanuts")
    assert preview.messages == 0
    await service.confirm_forget(scope, preview.confirm)
    assert (await service.get_session(scope, "s1")).message_count == 3
    assert not any("peanuts" in text for text in await recalled(service, scope))


async def test_a_memory_that_is_edited_while_it_is_forgotten_is_gone(service: MemoryService, scope: Scope) -> None:
    for number in range(20):
        memory_id = await stored(service, scope, f"peanut fact {number}")

        async def edit(memory_id: str = memory_id, number: int = number) -> None:
            with suppress(NotFound):
                await service.edit_memory(scope, memory_id, {"text": f"peanut fact {number} edited"})

        await asyncio.gather(service.forget(scope, [memory_id]), edit(), edit())
    assert await recalled(service, scope) == []
    assert (await found(service, scope, as_of=datetime.now(UTC))).total == 0
