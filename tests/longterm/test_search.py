"""Recall by words on the real index: found at once, filtered, paged, within its budget, whatever is asked."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mcp_memory import text as texts
from mcp_memory.errors import InvalidInput, Unavailable
from mcp_memory.records import Message, Query, Scope, message_memory_id
from mcp_memory.service import MemoryService
from tests.support import found, memory, new_scope, pages, recalled, said, stored

DAY = timedelta(days=1)
MAY = datetime(2026, 5, 1, tzinfo=UTC)

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Syntax of RediSearch, and what a model sends: each was a syntax error, a leak or an empty answer somewhere.
HOSTILE = [
    "to be or not to be",
    "@lane:{*}",
    "*",
    "-tea",
    "~tea",
    '"green tea"',
    "'tea'",
    "don't | stop",
    "(tea",
    "tea)",
    "tea | (@lane:{live\\:x})",
    "%tea%",
    "%%tea%%",
    "$lane",
    "$t0",
    "tea $vector",
    "tea=>[KNN 10 @embedding $v]",
    "tea => {$weight: 5}",
    "@at:[-inf +inf] tea",
    "\\",
    "tea\\",
    "tea\x00tea",
    "tea\x1ftea",
    "tea\ntea\r\n",
    "\u202etea\u200d",
    "a" * 8000,
    "tea " * 2000,
    " ".join(f"word{number}" for number in range(1100))[:8000],
    "DIALECT 1 LIMIT 0 0",
    "w'te*'",
    "te*",
    "__lane tea__",
    "喜欢绿茶",
    "緑茶が好きです",
    "ฉันชอบชาเขียว",
    "أحب الشاي الأخضر",
    "मुझे हरी चाय पसंद है",
    "ירוק תה",
    "녹차를 좋아해요",
    "ǅungla ﬁne ẞ İstanbul ı Ⅷ ½",
]


async def test_every_one_of_500_writes_is_found_by_its_words_by_the_very_next_call(
    service: MemoryService, scope: Scope
) -> None:
    async def write_and_find(number: int) -> bool:
        word = f"marker{number}x"
        if number % 2:
            await service.remember(scope, [memory(f"The {word} is kept")])
        else:
            await service.append_to_session(scope, f"s{number % 7}", [said(f"look at {word} now")])
        return any(word in text for text in await recalled(service, scope, word))

    one_by_one = [await write_and_find(number) for number in range(250)]
    at_once = [
        hit
        for start in range(250, 500, 10)
        for hit in await asyncio.gather(*map(write_and_find, range(start, start + 10)))
    ]
    assert (one_by_one + at_once).count(True) == 500


async def test_an_edit_is_found_by_its_new_words_by_the_very_next_call(service: MemoryService, scope: Scope) -> None:
    memory_id = await stored(service, scope, "wording zero")
    for number in range(50):
        await service.edit_memory(scope, memory_id, {"text": f"wording {number} of{number}x"})
        assert await recalled(service, scope, f"of{number}x") == [f"wording {number} of{number}x"]


WORDY = st.text(min_size=1, max_size=60).filter(lambda text: bool(texts.words(text)))


@FUZZ
@given(content=WORDY)
@example("İstanbul'da ẞtraße")
@example("ꭰᎠꮿ cherokee")
@example("ǅ ǆ Ǆ")
@example("กำ ํา")
@example("क्षि")
@example("٣ ۳ ३")
@example("x" * 400)
@example("___")
@example("a_b-c.d@e")
@example("𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐐀𐐨")
@example("ΣΊΣΥΦΟΣ σίσυφος")
async def test_every_word_of_a_text_finds_it_whatever_its_script(service: MemoryService, content: str) -> None:
    scope = new_scope()
    await service.remember(scope, [memory(content)])
    terms = texts.query_terms(content)
    for word in dict.fromkeys([content, content.upper(), *texts.words(content)[:6]]):
        if texts.query_terms(word) and set(texts.query_terms(word)) & set(terms):
            assert await recalled(service, scope, word, min_score=0) == [content], word


@pytest.mark.parametrize("mode", ["auto", "keyword", "hybrid"])
async def test_no_words_of_a_query_are_an_error(
    service: MemoryService, scope: Scope, other_scope: Scope, mode: Any
) -> None:
    await service.remember(scope, [memory("green tea", id="mine")])
    await service.remember(other_scope, [memory("green tea for the other", id="theirs")])
    for text in HOSTILE:
        page = await service.recall(Query(scope=scope, text=text, mode=mode, min_score=0))
        assert {hit.memory.id for hit in page.hits} <= {"mine"}, text


@FUZZ
@given(text=st.text(max_size=200) | st.text(alphabet="@|-~%$*(){}[]\":\\'=>;,. te", max_size=80))
async def test_fuzzed_queries_are_answered(service: MemoryService, store_home: Any, text: str) -> None:
    scope = Scope(namespace="fuzz", user_id=str(store_home.root.parent.name))
    await service.remember(scope, [memory("green tea")])
    page = await service.recall(Query(scope=scope, text=text, mode="keyword", min_score=0))
    assert page.total <= 1


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("我喜欢喝绿茶", "绿茶"),
        ("私は緑茶が好きです", "緑茶"),
        ("ฉันชอบดื่มชาเขียว", "ชาเขียว"),
        ("أحب الشاي الأخضر", "الشاي"),
        ("मुझे हरी चाय पसंद है", "चाय"),
        ("저는 녹차를 좋아해요", "녹차"),
        ("Мой БРАТ живёт в Мюнхене", "брат мюнхене"),
        ("Crème brûlée à l'École", "ecole CREME"),
        ("The café's ＦＵＬＬ width", "full cafes"),
        ("To be, or not to be", "to be or not to be"),
        ("The Who played", "the who"),
        ("naïve C++ and C# code", "naive c++"),
        ("Order AB-1234/x", "ab-1234/x"),
        ("it's Ada's book", "adas"),
    ],
)
async def test_what_is_said_in_any_language_is_found_by_its_words(
    service: MemoryService, scope: Scope, content: str, query: str
) -> None:
    await service.remember(scope, [memory(content), memory("something else entirely"), memory("别的东西")])
    assert (await recalled(service, scope, query))[:1] == [content]


async def test_a_query_without_any_word_does_not_answer_with_everything(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory("green tea"), memory("black coffee")])
    for text in ("???", "🎉", "--", "«»"):
        page = await found(service, scope, text)
        assert page.hits == (), text
        assert page.note is not None
        preview = await service.preview_forget(scope, text=text)
        assert preview.hits == (), text


async def test_nothing_relevant_is_said_and_not_filled_up(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory(f"The cat number {number} sleeps") for number in range(20)])
    page = await found(service, scope, "quantum chromodynamics")
    assert (page.hits, page.total, page.next_cursor) == ((), 0, None)
    assert page.note is not None
    assert "nothing relevant" in page.note
    assert "nothing relevant" in ((await found(service, new_scope(), "cat")).note or "")


async def test_scores_are_on_one_scale_and_sorted(service: MemoryService, scope: Scope) -> None:
    await service.remember(
        scope,
        [
            memory("green tea from Uji"),
            memory("green paint"),
            memory("tea cup"),
            memory("Uji is a town"),
            memory("x y z"),
        ],
    )
    page = await found(service, scope, "green tea from Uji", min_score=0)
    scores = [hit.score for hit in page.hits if hit.score is not None]
    assert len(scores) == len(page.hits)
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert page.hits[0].memory.text == "green tea from Uji"
    assert all(hit.why for hit in page.hits)
    # R4: the predecessor divided by the best hit of the page, so that the top was always 1.0.
    (weak,) = (await found(service, scope, "paint the whole northern fence tomorrow", min_score=0)).hits
    assert weak.score is not None
    assert weak.score < 0.6


async def test_min_score_is_a_floor_and_zero_is_none(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory("green tea"), memory("tea and a lot of other things to say here")])
    everything = await found(service, scope, "green tea", min_score=0)
    assert everything.total == 2
    best = everything.hits[0].score
    assert best is not None
    above = await found(service, scope, "green tea", min_score=best)
    assert [hit.memory.text for hit in above.hits] == ["green tea"]
    assert (await found(service, scope, "green tea", min_score=1.0)).total <= 1


# --- filters -------------------------------------------------------------------------------------------------


async def _library(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "talk", [said("tea in a message", created_at=MAY)])
    for number in range(8):
        await service.remember(
            scope,
            [
                memory(
                    f"tea fact {number}",
                    memory_type="episodic" if number % 2 else "semantic",
                    topics=("Drinks",) if number < 4 else ("Food", "drinks|food"),
                    entities=("Ann",) if number % 3 else ("Bob, Jr.", "Ann"),
                    event_date=MAY + number * DAY,
                    session_id="talk" if number < 2 else None,
                )
            ],
        )


CASES: dict[str, tuple[dict[str, Any], Callable[[int], bool]]] = {
    "type": ({"memory_type": ("episodic",)}, lambda n: n % 2 == 1),
    "types": ({"memory_type": ("episodic", "semantic")}, lambda _: True),
    "topic in another case": ({"topics": ("dRINKS",)}, lambda n: n < 4),
    "topic that looks like two": ({"topics": ("drinks|food",)}, lambda n: n >= 4),
    "any of two topics": ({"topics": ("drinks", "food")}, lambda _: True),
    "entity with a comma": ({"entities": ("bob, jr.",)}, lambda n: n % 3 == 0),
    "part of an entity": ({"entities": ("Bob",)}, lambda _: False),
    "after is inclusive": ({"after": MAY + 3 * DAY}, lambda n: n >= 3),
    "before is exclusive": ({"before": MAY + 3 * DAY}, lambda n: n < 3),
    "both ends": ({"after": MAY + 2 * DAY, "before": MAY + 5 * DAY}, lambda n: 2 <= n < 5),
    "both ends on one moment": ({"after": MAY + 2 * DAY, "before": MAY + 2 * DAY}, lambda _: False),
    "a millisecond": (
        {"after": MAY + 2 * DAY, "before": MAY + 2 * DAY + timedelta(milliseconds=1)},
        lambda n: n == 2,
    ),
    "topic and entity": ({"topics": ("drinks",), "entities": ("bob, jr.",)}, lambda n: n in (0, 3)),
    "all at once": (
        {
            "memory_type": ("semantic",),
            "topics": ("drinks",),
            "entities": ("Ann",),
            "session_id": "talk",
            "after": MAY - DAY,
            "before": MAY + DAY,
        },
        lambda n: n == 0,
    ),
}


@pytest.mark.parametrize("text", ["", "tea"])
@pytest.mark.parametrize("case", CASES)
async def test_filters_narrow_to_exactly_what_they_say(
    service: MemoryService, scope: Scope, case: str, text: str
) -> None:
    # R1: the predecessor used only the first bound of a date range.
    await _library(service, scope)
    given, wanted = CASES[case]
    kept = {"memory_type": ("semantic", "episodic")} | given
    page = await found(service, scope, text, min_score=0 if text else None, **kept)
    assert sorted(hit.memory.text for hit in page.hits) == [f"tea fact {n}" for n in range(8) if wanted(n)]
    assert page.total == len(page.hits)


@pytest.mark.parametrize("text", ["", "tea"])
async def test_a_session_filter_takes_its_messages_and_what_was_learnt_there(
    service: MemoryService, scope: Scope, text: str
) -> None:
    await _library(service, scope)
    taken = await recalled(service, scope, text, session_id="talk", min_score=0 if text else None)
    assert sorted(taken) == ["tea fact 0", "tea fact 1", "tea in a message"]
    assert await recalled(service, scope, text, session_id="tal") == []
    assert await recalled(service, scope, text, session_id="TALK") == []


async def test_without_an_event_date_a_range_is_on_the_time_of_creation(service: MemoryService, scope: Scope) -> None:
    start = datetime.now(UTC)
    await stored(service, scope, "dated now")
    await service.append_to_session(scope, "s", [said("said in May", created_at=MAY)])
    assert await recalled(service, scope, after=start - DAY) == ["dated now"]
    assert await recalled(service, scope, before=start - DAY) == ["said in May"]


async def test_the_longest_label_of_any_script_can_be_filtered_by(service: MemoryService, scope: Scope) -> None:
    # One of them is 18 letters in its compatibility form: RediSearch cannot find tags over 4,096 bytes.
    for number, letter in enumerate(("a", "ü", "茶", "\U0001f375", "\ufdfa")):
        label = letter * 128
        await stored(service, scope, f"labelled {number}", topics=(label,), entities=(label,))
        assert await recalled(service, scope, topics=(label,)) == [f"labelled {number}"], letter
        assert await recalled(service, scope, entities=(label,)) == [f"labelled {number}"], letter


async def test_topics_are_listed_by_use_and_prefix(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory(f"m{n}", topics=("Travel", "trains")) for n in range(3)])
    await service.remember(scope, [memory("m3", topics=("Travel", "a|b,c", "*")), memory("m4", topics=("zoo",))])
    topics = await service.topics(scope)
    assert topics[:2] == ["travel", "trains"]
    assert sorted(topics[2:]) == ["*", "a|b,c", "zoo"]
    assert await service.topics(scope, prefix="TRA") == ["travel", "trains"]
    assert await service.topics(scope, limit=1) == ["travel"]


# --- pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_pages_without_a_query_show_everything_once_newest_first(
    service: MemoryService, scope: Scope, limit: int
) -> None:
    ids = [await stored(service, scope, f"fact {number}") for number in range(23)]
    read = await pages(service, Query(scope=scope, limit=limit))
    assert [hit.memory.id for page in read for hit in page.hits] == ids[::-1]
    assert {page.total for page in read} == {23}
    assert all(hit.score is None for page in read for hit in page.hits)


async def test_pages_show_everything_once_when_all_was_said_at_the_same_moment(
    service: MemoryService, scope: Scope
) -> None:
    """As an import of an old chat does, where every turn carries the day's date."""
    for start in range(0, 2_100, 100):
        turns = [said(f"turn {number}", id=f"t{number}", created_at=MAY) for number in range(start, start + 100)]
        await service.append_to_session(scope, "old", turns)
    read = await pages(service, Query(scope=scope, limit=47))
    shown = [hit.memory.id for page in read for hit in page.hits]
    assert len(shown) == len(set(shown)) == 2_100


@pytest.mark.parametrize("limit", [1, 4, 9])
async def test_pages_of_a_query_show_every_hit_once_best_first(
    service: MemoryService, scope: Scope, limit: int
) -> None:
    await service.remember(scope, [memory(f"tea {'leaf ' * (number % 5)}number{number}") for number in range(30)])
    whole = await service.recall(Query(scope=scope, text="tea leaf", limit=50, mode="keyword", min_score=0))
    read = await pages(service, Query(scope=scope, text="tea leaf", limit=limit, mode="keyword", min_score=0))
    assert [hit.memory.id for page in read for hit in page.hits] == [hit.memory.id for hit in whole.hits]
    assert {page.total for page in read} == {30}


@pytest.mark.parametrize("text", ["", "tea leaf"])
async def test_pages_stay_as_they_were_while_new_memories_arrive(
    service: MemoryService, scope: Scope, text: str
) -> None:
    # R2: totals and offsets of the predecessor were of no use.
    await service.remember(scope, [memory(f"tea {'leaf ' * (number % 5)}number{number}") for number in range(30)])
    query = Query(scope=scope, text=text, limit=10, mode="keyword", min_score=0 if text else None)
    whole = await service.recall(replace(query, limit=50))
    page = await service.recall(query)
    shown = [hit.memory.id for hit in page.hits]
    totals = {page.total}
    while page.next_cursor is not None:
        # Better than all before, other words, and an edit of one that was shown.
        await service.remember(
            scope, [memory(f"tea leaf {len(shown)}"), memory(f"leaf of {len(shown)} {'maple ' * 9}")]
        )
        page = await service.recall(replace(query, cursor=page.next_cursor))
        shown += [hit.memory.id for hit in page.hits]
        totals.add(page.total)
    assert shown == [hit.memory.id for hit in whole.hits]
    assert totals == {30}


async def test_a_memory_forgotten_between_two_pages_makes_the_next_page_miss_nothing(
    service: MemoryService, scope: Scope
) -> None:
    await service.remember(scope, [memory(f"tea number{number}", id=f"m{number}") for number in range(20)])
    for text in ("", "tea"):
        first = await service.recall(Query(scope=scope, text=text, limit=5, mode="keyword"))
        await service.forget(scope, [first.hits[1].memory.id, first.hits[3].memory.id])
        second = await service.recall(Query(scope=scope, text=text, limit=50, mode="keyword", cursor=first.next_cursor))
        there = set(await recalled(service, scope))
        seen = {hit.memory.text for hit in (*first.hits, *second.hits)}
        assert there <= seen, text


@pytest.mark.parametrize(
    "cursor", ["x", "", "MTIz", "e30", "W10", "W1tbW1tbW1tbW1tb", "é", "a" * 4000, "WzEsMSwiIl0", "bnVsbA"]
)
async def test_a_cursor_that_is_not_ours_is_refused_in_words(service: MemoryService, scope: Scope, cursor: str) -> None:
    for text in ("", "tea"):
        with pytest.raises(InvalidInput, match="cursor="):
            await service.recall(Query(scope=scope, text=text, cursor=cursor))


async def test_a_cursor_leads_on_only_in_its_own_query(service: MemoryService, scope: Scope) -> None:
    await service.remember(scope, [memory(f"tea {number}") for number in range(9)])
    page = await service.recall(Query(scope=scope, text="tea", limit=3, mode="keyword", min_score=0))
    changes: list[dict[str, Any]] = [{"text": "leaf"}, {"scope": new_scope()}, {"topics": ("x",)}, {"text": ""}]
    for change in changes:
        given: dict[str, Any] = {"scope": scope, "text": "tea", "mode": "keyword", "min_score": 0} | change
        with pytest.raises(InvalidInput, match="same query"):
            await service.recall(Query(**given, cursor=page.next_cursor))
    onward = await service.recall(
        Query(scope=scope, text="tea", limit=50, mode="keyword", min_score=0, cursor=page.next_cursor)
    )
    assert len(onward.hits) == 6


@pytest.mark.parametrize("text", ["", "tea"])
async def test_max_tokens_cuts_the_page_says_so_and_leads_on(service: MemoryService, scope: Scope, text: str) -> None:
    await service.remember(scope, [memory(f"tea {number} " + "and so on " * 20) for number in range(12)])
    query = Query(scope=scope, text=text, limit=12, mode="keyword", max_tokens=300, min_score=0 if text else None)
    read = await pages(service, query)
    assert len(read) > 2
    assert read[0].note is not None
    assert "max_tokens" in read[0].note
    for page in read:
        assert sum(texts.estimate_tokens(hit.text) for hit in page.hits) <= 300
    shown = [hit.memory.id for page in read for hit in page.hits]
    assert len(shown) == len(set(shown)) == 12
    # Even one that does not fit is shown, or paging would never end.
    tiny = await pages(service, Query(scope=scope, text=text, mode="keyword", max_tokens=1))
    assert all(len(page.hits) == 1 for page in tiny)


# --- folding, long texts, neighbours ---------------------------------------------------------------------------


async def test_a_memory_and_the_message_it_came_from_are_one_hit(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("I really like green tea", id="m1")])
    await service.remember(scope, [memory("Likes green tea", session_id="s", message_ids=("m1",))])
    page = await found(service, scope, "green tea", min_score=0)
    assert page.total == 1
    assert page.hits[0].covers == ("m1",)


async def test_the_same_words_said_often_are_one_hit(service: MemoryService, scope: Scope) -> None:
    for number in range(5):
        turn = said("Good morning to the team", id=f"m{number}", created_at=MAY)
        await service.append_to_session(scope, f"s{number}", [turn])
    page = await found(service, scope, "good morning team", min_score=0)
    assert page.total == 1


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("The heating is on", "The heating is off"),
        ("Alice owes Bob money", "Bob owes Alice money"),
        ("The meeting is before lunch", "The meeting is after lunch"),
        ("Ada likes tea", "Ada likes no tea"),
        ("Moves from Rome to Paris", "Moves to Rome from Paris"),
        ("The key is under the mat", "The key is over the mat"),
        ("He was the winner", "She was the winner"),
        ("Room 12 or 21", "Room 21 and 12"),
    ],
)
async def test_facts_that_differ_are_both_shown(service: MemoryService, scope: Scope, one: str, another: str) -> None:
    await service.remember(scope, [memory(one), memory(another)])
    page = await found(service, scope, one, min_score=0)
    assert sorted(hit.memory.text for hit in page.hits) == sorted([one, another])
    assert page.total == 2


def _long_text(characters: int) -> str:
    filler = "The committee talked about the usual business of the day and came to no conclusion. "
    return (filler * (characters // len(filler) + 1))[:characters]


@pytest.mark.parametrize("place", [0.0, 0.2, 0.5, 0.77, 0.999])
@pytest.mark.parametrize("characters", [8_000, 100_000])
async def test_a_long_text_is_found_throughout_and_shows_the_right_part(
    service: MemoryService, scope: Scope, characters: int, place: float
) -> None:
    base = _long_text(characters - 20)
    at = base.rfind(" ", 0, max(1, int(len(base) * place))) + 1
    content = f"{base[:at]}zanzibar {base[at:]}"
    if characters == 8_000:
        memory_id = await stored(service, scope, content)
    else:
        await service.append_to_session(scope, "s", [said(content, id="long")])
        memory_id = message_memory_id("s", "long")
    await stored(service, scope, "short and about something else")
    page = await found(service, scope, "zanzibar")
    assert [hit.memory.id for hit in page.hits] == [memory_id]
    (hit,) = page.hits
    assert "zanzibar" in hit.text
    assert len(hit.text) < 2_500
    assert hit.memory.text == content
    assert page.total == 1
    everywhere = await found(service, scope, "committee", min_score=0)
    assert [hit.memory.id for hit in everywhere.hits] == [memory_id]


async def test_a_long_text_without_any_blank_is_found_and_counted_once(service: MemoryService, scope: Scope) -> None:
    await stored(service, scope, "x" * 8_000)
    await stored(service, scope, "茶" * 7_990 + "终于说到重点")
    assert (await found(service, scope)).total == 2
    (hit,) = (await found(service, scope, "重点")).hits
    assert "重点" in hit.text
    assert (await service.stats(scope))["memories"] == 2


async def test_neighbours_are_the_turns_around_a_hit_in_order(service: MemoryService, scope: Scope) -> None:
    turns = [said(f"turn {word}", id=word, created_at=MAY) for word in ("ape", "bee", "cat", "dog", "eel", "fox")]
    await service.append_to_session(scope, "s", turns)
    (hit,) = [h for h in (await found(service, scope, "dog", neighbours=2)).hits if h.memory.message_ids == ("dog",)]
    assert [turn.id for turn in hit.neighbours] == ["bee", "cat", "eel", "fox"]
    (hit,) = [h for h in (await found(service, scope, "ape", neighbours=2)).hits if h.memory.message_ids == ("ape",)]
    assert [turn.id for turn in hit.neighbours] == ["bee", "cat"]
    assert all(isinstance(turn, Message) for turn in hit.neighbours)


async def test_names_and_dates_find_what_was_said_then_by_whom(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(
        scope,
        "s",
        [
            said("I went hiking", id="1", name="Caroline", created_at=datetime(2023, 5, 7, tzinfo=UTC)),
            said("I went hiking", id="2", name="Melanie", created_at=datetime(2023, 6, 7, tzinfo=UTC)),
        ],
    )
    assert (await found(service, scope, "When did Melanie go hiking?")).hits[0].memory.author == "Melanie"
    assert (await found(service, scope, "hiking in May 2023")).hits[0].memory.author == "Caroline"


async def test_explain_shows_the_parts_of_a_score(service: MemoryService, scope: Scope) -> None:
    await stored(service, scope, "green tea")
    (hit,) = (await found(service, scope, "tea", explain=True)).hits
    assert hit.trace is not None
    assert set(hit.trace) == {"legs", "terms"}
    (hit,) = (await found(service, scope, "tea")).hits
    assert hit.trace is None


# --- without a worker --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "hybrid"])
async def test_without_a_worker_the_search_is_by_words_and_says_so(
    service: MemoryService, scope: Scope, mode: Any
) -> None:
    await stored(service, scope, "green tea")
    page = await service.recall(Query(scope=scope, text="tea", mode=mode))
    assert [hit.memory.text for hit in page.hits] == ["green tea"]
    assert page.note is not None
    assert "by words only" in page.note


async def test_without_a_worker_a_search_by_meaning_alone_is_unavailable_and_not_empty(
    service: MemoryService, scope: Scope
) -> None:
    await stored(service, scope, "green tea")
    with pytest.raises(Unavailable, match="mode=auto"):
        await service.recall(Query(scope=scope, text="tea", mode="semantic"))
