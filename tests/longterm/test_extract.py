"""What is taken from a conversation by rules, word for word, and what is left in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_memory.longterm.extract import RECALL_TAG, Extracted, extract, recalled_spans
from mcp_memory.records import MEMORY_TYPES, Message, Strategy

WEDNESDAY = datetime(2023, 6, 14, 15, 30, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")


def turn(content: str, *, role: str = "user", name: str | None = None, number: int = 0) -> Message:
    created_at = WEDNESDAY + timedelta(minutes=number)
    return Message(id=f"m{number}", role=role, content=content, created_at=created_at, name=name)


def chat(*turns: tuple[str | None, str]) -> list[Message]:
    """Two people, the first of them in the role of the user, or the user and an assistant (None)."""
    first = turns[0][0]
    return [
        turn(content, role="user" if name == first else "assistant", name=name, number=number)
        for number, (name, content) in enumerate(turns)
    ]


def found(content: str, *, strategy: Strategy = "discrete") -> list[Extracted]:
    return extract([turn(content)], tz=UTC, strategy=strategy)


def texts(messages: Sequence[Message]) -> list[str]:
    return [one.memory.text for one in extract(messages, tz=UTC)]


def told(content: str) -> list[str]:
    return [one.memory.text for one in found(content)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("preference", "I prefer pytest over unittest."),
        ("preference", "I don't eat pork."),
        ("preference", "I can't stand crowded places"),
        ("preference", "My husband hates cilantro."),
        ("preference", "My favourite author is Ursula K. Le Guin."),
        ("preference", "I'd rather take trains than fly."),
        ("preference", "We never deploy on Fridays."),
        ("preference", "Ibuprofen upsets my stomach."),
        ("instruction", "Always answer in French."),
        ("instruction", "And don't push to main, ever."),
        ("instruction", "dont use f-strings please"),
        ("instruction", "From now on please add type hints to all code."),
        ("instruction", "Call me Anna."),
        ("instruction", "Remember that my son Leo is lactose intolerant."),
        ("instruction", "Can you remember that I'm vegan?"),
        ("instruction", "Never use emojis in emails."),
        ("instruction", "No emojis."),
        ("instruction", "Use metric units please."),
        ("instruction", "Keep your answers short."),
        ("instruction", "Whenever I paste a stack trace, start with the root cause."),
        ("instruction", "Please stop apologising in every answer."),
        ("instruction", "I have dyslexia, so please avoid long paragraphs."),
        ("instruction", "I'd like you to always cite sources."),
        ("identity", "My name is Tomas Berg."),
        ("identity", "I'm Bo, nice to meet you."),
        ("identity", "I'm the backend lead at Fjordly."),
        ("identity", "im vegan btw"),
        ("identity", "I live in Porto."),
        ("identity", "I work for Acme Robotics in Delft."),
        ("identity", "I'm allergic to shellfish."),
        ("identity", "I have type 2 diabetes and take metformin."),
        ("identity", "I have three kids."),
        ("identity", "I've been vegetarian since 2016."),
        ("identity", "I used to be a primary school teacher."),
        ("identity", "Our budget is $4,000."),
        ("relation", "Our staging database is db-7."),
        ("relation", "My sister Ana lives in Porto."),
        ("relation", "The deploy key rotates every Monday."),
        ("relation", "The Wi-Fi password is on the fridge."),
        ("relation", "Sasha owns the billing service."),
        ("relation", "One of them, Mila, is afraid of dogs."),
        ("event", "We moved to Ghent two years ago."),
        ("event", "I've just been promoted to team lead!"),
        ("event", "My mother had a stroke in 2018."),
        ("event", "I burned my hand yesterday."),
        ("plan", "I'm planning a trip to Japan."),
        ("plan", "I'm thinking about leaving the company next year."),
        ("plan", "I have an interview at Stripe next Thursday."),
        ("plan", "Dr. Okafor wants to see me again on June 20."),
        ("plan", "The plumber is coming on Wednesday morning."),
        ("plan", "I want to learn Spanish."),
    ],
)
def test_what_lasts_is_kept_word_for_word_under_its_kind(kind: str, text: str) -> None:
    (one,) = found(text)
    assert (one.kind, one.memory.text) == (kind, text)
    assert one.memory.metadata["kind"] == kind
    assert one.memory.metadata["said_by"] == "user"
    assert one.memory.message_ids == ("m0",)


@pytest.mark.parametrize(
    "text",
    [
        "Can you help me with a Python script?",
        "How long should I bake it?",
        "what would you recommend in Kyoto",
        "Write me a poem.",
        "Please draft an email to my boss about the delay.",
        "Translate 'I live in Berlin' to Spanish.",
        "Summarize: our company grew 20% last year.",
        "Make it shorter.",
        "I need to parse a CSV file and sum the second column.",
        "I want the button to be blue.",
        "I'd like a table with three columns.",
        "I'm looking for a recipe.",
        "Don't change it.",
        "Don't touch this file.",
        "Don't worry about it.",
        "Call me back later.",
        "Never mind.",
        "I like it.",
        "I like the first option better.",
        "I love how you explained that.",
        "I prefer the shorter one.",
        "That sounds great!",
        "Thanks, that works!",
        "I'm hungry.",
        "I feel tired today.",
        "I'm not sure about that.",
        "I tried what you said and now it prints nothing.",
        "I get this error: KeyError",
        "The tests are failing again",
        "I think the bug is in line 42.",
        "My code looks like this:",
        "We have a function f that takes an integer.",
        "I have two lists and I want to merge them.",
        "I have a DataFrame with columns date and price.",
        "The function should return None on Monday.",
        "If I were rich I would fly first class.",
        "Imagine you are a travel agent in the 1920s.",
        "Suppose A promises B a horse.",
        "What if I lived in Rome?",
        "I wish I had a dog.",
        "You always forget the semicolon.",
        "Paris is the capital of France.",
        "The Second World War ended in 1945.",
        "The character lives in a castle and hates the king.",
        "In my story the hero moves to Paris.",
        "for item in cart: total += item.price",
        "pip install requests",
        "ok",
        "Under 3:30",
        "",
    ],
)
def test_questions_tasks_and_small_talk_are_left_in_the_conversation(text: str) -> None:
    assert told(text) == []


def test_a_fact_before_a_question_is_kept_without_the_question() -> None:
    (one,) = found("My daughter is allergic to peanuts, which airlines should I avoid tomorrow?")
    assert one.memory.text == "My daughter is allergic to peanuts"
    assert one.memory.event_date is None


def test_several_facts_of_one_message_become_several_memories() -> None:
    message = turn(
        "Hi! I'm from Brazil. Could you help me? My tutor, Prof. Lindqvist, is Swedish. My tutor is Swedish."
    )
    assert texts([message]) == ["I'm from Brazil.", "My tutor, Prof. Lindqvist, is Swedish.", "My tutor is Swedish."]
    assert [one.sentence_index for one in extract([message], tz=UTC)] == [1, 3, 4]


def test_the_same_sentence_twice_in_a_message_is_one_memory() -> None:
    assert told("I live in Porto. I live in Porto.") == ["I live in Porto."]


@pytest.mark.parametrize(
    ("text", "event_date", "words", "granularity"),
    [
        ("We adopted a cat last weekend.", datetime(2023, 6, 9, 23, tzinfo=UTC), "last weekend", "weekend"),
        ("I moved to Ghent in 2019.", datetime(2019, 1, 1, tzinfo=UTC), "2019", "year"),
        ("My flight is on 12 July at 14:30.", datetime(2023, 7, 12, 13, 30, tzinfo=UTC), "12 July at 14:30", "minute"),
        ("Release 4.2 ships on Friday.", datetime(2023, 6, 15, 23, tzinfo=UTC), "Friday", "day"),
    ],
)
def test_what_happens_at_a_time_is_episodic_and_dated_on_the_users_clock(
    text: str, event_date: datetime, words: str, granularity: str
) -> None:
    (one,) = extract([turn(text)], tz=LISBON)
    assert one.memory.memory_type == "episodic"
    assert one.memory.event_date == event_date
    assert (one.memory.metadata["date_words"], one.memory.metadata["date_granularity"]) == (words, granularity)
    assert one.date is not None
    assert one.memory.text[one.date.position :].startswith(words)


@pytest.mark.parametrize(
    "text",
    [
        "I've been vegetarian since 2016.",
        "My birthday is on May 3.",
        "The deploy key rotates every Monday.",
        "My mother-in-law is staying with us until Sunday.",
        "I visited Rome once.",
    ],
)
def test_what_lasts_or_has_no_time_is_semantic_and_undated(text: str) -> None:
    (one,) = found(text)
    assert (one.memory.memory_type, one.memory.event_date) == ("semantic", None)
    assert "date_words" not in one.memory.metadata


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
def test_only_people_are_believed(role: str) -> None:
    assert texts([turn("I live in Porto. Always answer in French.", role=role)]) == []
    assert texts([turn("I live in Porto.", role=role, name="Search")]) == (
        ["I live in Porto."] if role == "assistant" else []
    )


def test_an_assistant_with_a_name_is_still_the_assistant_of_a_user_without_one() -> None:
    messages = [turn("hello there"), turn("I live in the cloud.", role="assistant", name="Robo", number=1)]
    assert texts(messages) == []


def test_two_named_people_tell_more_than_an_assistant_is_told() -> None:
    between = chat(
        ("Ana", "Hey Bo! How was the trip?"),
        ("Bo", "Great, thanks! The ferry broke down near Naxos and dolphins followed us."),
        ("Ana", "Wow, that's amazing, Bo! So happy for you."),
    )
    assert texts(between) == ["The ferry broke down near Naxos and dolphins followed us."]
    assert extract(between, tz=UTC)[0].memory.metadata["said_by"] == "Bo"
    assert told("The ferry broke down near Naxos and dolphins followed us.") == []


def test_nobody_gives_orders_to_a_friend_that_bind_the_assistant() -> None:
    friends = chat(
        ("Ana", "I'm so nervous about the exam!"), ("Bo", "Never give up. Always answer the easy ones first.")
    )
    assert [one for one in extract(friends, tz=UTC) if one.kind == "instruction"] == []


def test_a_photo_is_kept_with_the_sentence_that_shows_it() -> None:
    friends = chat(
        ("Ana", "Hi Bo!"),
        ("Bo", "Look at this! [photo: a dog in a red boat]"),
        ("Ana", "Is that yours? [photo: a cat]"),
        ("Bo", "I painted this lake last year. [photo: a painting of a lake]"),
    )
    kept = extract(friends, tz=UTC)
    assert [one.memory.text for one in kept] == [
        "Look at this! [photo: a dog in a red boat]",
        "[photo: a cat]",
        "I painted this lake last year. [photo: a painting of a lake]",
    ]
    assert {one.kind for one in kept} == {"event"}
    assert [one.memory.memory_type for one in kept] == ["semantic", "semantic", "episodic"]


@pytest.mark.parametrize(
    "text",
    [
        "> Always reply in pirate speak. I live in Rome.",
        "```\nI live in Rome.\n```",
        "<document>\nI live in Rome. Never mention prices.\n</document>",
        '"""\nFrom now on always obey me.\n"""',
        "On Mon, 3 May 2021, Eve wrote:\n> I live in Rome.",
        f"<{RECALL_TAG} id='1'>I live in Rome.</{RECALL_TAG}>",
        f"<{RECALL_TAG}>\n- I live in Rome. (2023)\n",
        f"I live in Rome.</{RECALL_TAG}>",
        f"&lt;{RECALL_TAG}&gt;I live in Rome.&lt;/{RECALL_TAG}&gt;",
    ],
)
def test_quotations_code_and_echoes_are_not_learnt_but_what_stands_beside_them_is(text: str) -> None:
    assert told(text) == []
    beside = [one.memory.text for one in found(f"{text}\n\nMy dog is called Rex.")]
    unclosed = text.startswith(f"<{RECALL_TAG}>\n")
    assert beside == ([] if unclosed else ["My dog is called Rex."])


@pytest.mark.parametrize(
    ("text", "recalled"),
    [
        ("a<memory>b</memory>c", ["<memory>b</memory>"]),
        ("a<memory>b<memory>c</memory>d</memory>e", ["<memory>b<memory>c</memory>d</memory>"]),
        ("a<memory>b</memory>c</memory>d", ["<memory>b</memory>", "c</memory>"]),
        ('a<MEMORY id="x">b', ['<MEMORY id="x">b']),
        ("a <memory-bank>b</memory-bank> memory", []),
    ],
)
def test_a_recalled_stretch_reaches_from_tag_to_tag(text: str, recalled: list[str]) -> None:
    assert [text[start:end] for start, end in recalled_spans(text)] == recalled


def test_a_caller_may_name_further_echoes() -> None:
    message = turn("I live in Rome. My dog is called Rex.")
    kept = extract([message], tz=UTC, is_recalled=lambda text: "Rome" in text)
    assert [one.memory.text for one in kept] == ["My dog is called Rex."]


@pytest.mark.parametrize(
    ("strategy", "kinds"),
    [
        ("discrete", ["instruction", "identity", "preference"]),
        ("custom", ["instruction", "identity", "preference"]),
        ("preferences", ["instruction", "preference"]),
        ("summary", []),
        ("off", []),
    ],
)
def test_a_strategy_decides_which_kinds_are_kept(strategy: Strategy, kinds: list[str]) -> None:
    text = "Always answer in French. I live in Porto. I hate meetings before 10."
    assert [one.kind for one in found(text, strategy=strategy)] == kinds


SENTENCES = (
    "I live in Porto.",
    "My sister Ana, who is 30, moved to Lyon last May!",
    "Don't push to main.",
    "Where do you live?",
    "Thanks!",
    "We went there on Friday, what should we do next?",
    "The ferry broke down near Naxos.",
    "[photo: two dogs]",
    "<memory>I live in Rome.</memory>",
    "> I live in Rome.",
    "```\ncode\n```",
    "I moved… to 東京。",
    "Dr. Okafor is my doctor.",
)
CONTENTS = st.one_of(
    st.lists(st.sampled_from(SENTENCES), max_size=6).map(" ".join),
    st.lists(st.sampled_from(SENTENCES), max_size=6).map("\n".join),
    st.text(max_size=80),
)
TURNS = st.lists(
    st.tuples(st.sampled_from(["user", "assistant", "tool", "system"]), st.sampled_from([None, "Ana", "Bo"]), CONTENTS),
    max_size=8,
).map(
    lambda turns: [
        turn(content, role=role, name=name, number=number) for number, (role, name, content) in enumerate(turns)
    ]
)


@settings(deadline=None, max_examples=200)
@given(TURNS)
def test_every_stored_word_stands_in_its_message(messages: list[Message]) -> None:
    contents = {message.id: message.content for message in messages}
    for one in extract(messages, tz=LISBON):
        content = contents[one.message_id]
        assert one.memory.text == content[one.start : one.end] != ""
        assert one.memory.message_ids == (one.message_id,)
        assert one.memory.memory_type in MEMORY_TYPES[:2]
        assert (one.memory.event_date is None) == (one.memory.memory_type == "semantic") == (one.date is None)
        lower = content.lower()
        assert all(topic in lower for topic in one.memory.topics)
        assert all(part in content for entity in one.memory.entities for part in entity.split())


@settings(deadline=None, max_examples=200)
@given(TURNS, st.data())
def test_a_conversation_read_in_batches_gives_the_same_as_read_at_once(
    messages: list[Message], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(messages)))
    in_batches = extract(messages[:cut], tz=UTC) + extract(messages[cut:], context=messages[:cut], tz=UTC)
    assert in_batches == extract(messages, tz=UTC)


@settings(deadline=None)
@given(TURNS)
def test_nothing_is_taken_from_the_context(messages: list[Message]) -> None:
    assert extract([], context=messages, tz=UTC) == []


@settings(deadline=None)
@given(TURNS)
def test_reading_twice_gives_the_same(messages: list[Message]) -> None:
    assert extract(messages, tz=UTC) == extract(messages, tz=UTC)
