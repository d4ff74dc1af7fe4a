from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.errors import InvalidInput, MemoryServerError, TooLarge
from mcp_memory.faces import arguments, fields
from mcp_memory.faces.arguments import MEMORY_FIELDS, MESSAGE_FIELDS, Rules
from mcp_memory.faces.fields import Fields
from mcp_memory.records import NewMemory, Rejected, Scope, message_memory_id
from mcp_memory.settings import Limits

RULES = Rules(timezone=ZoneInfo("Europe/Berlin"), now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
REMEMBER = ("memories", "session_id", "said_again", "user_id", "namespace")


def memories(value: object, rules: Rules = RULES, **more: object) -> list[NewMemory | Rejected]:
    return arguments.read_memories(Fields({"memories": value, **more}, known=REMEMBER), rules)


def one(value: object) -> NewMemory:
    (item,) = memories([value])
    assert isinstance(item, NewMemory), item
    return item


def refused(value: object, rules: Rules = RULES) -> Rejected:
    (item,) = memories([value], rules)
    assert isinstance(item, Rejected), item
    return item


def messages(value: object) -> Any:
    return arguments.read_messages(Fields({"messages": value}, known=["messages"]), RULES)


def query(**given: object) -> Any:
    return arguments.read_query(Fields(given, known=list(given)), RULES, Scope())


def error_of(call: Any, *values: Any, **named: Any) -> str:
    with pytest.raises(MemoryServerError) as caught:
        call(*values, **named)
    return str(caught.value)


# --- memories


def test_a_memory_with_everything_becomes_a_record() -> None:
    item = one(
        {
            "text": "Ada moved to Paris",
            "memory_type": "episodic",
            "topics": ["home"],
            "entities": ["Ada", "Paris"],
            "event_date": "2026-02-01",
            "pinned": True,
            "metadata": {"from": {"page": 3}},
            "id": "my|id",
        }
    )
    assert item == NewMemory(
        text="Ada moved to Paris",
        memory_type="episodic",
        topics=("home",),
        entities=("Ada", "Paris"),
        event_date=datetime(2026, 1, 31, 23, tzinfo=UTC),
        pinned=True,
        metadata={"from": {"page": 3}},
        id="my|id",
    )


@pytest.mark.parametrize(
    "value",
    [
        {"text": "likes tea"},
        "likes tea",
        ["likes tea"],
        [{"text": "likes tea"}],
        '[{"text": "likes tea"}]',
        '{"text": "likes tea"}',
        ['{"text": "likes tea"}'],
    ],
)
def test_every_unambiguous_form_of_one_memory_is_understood(value: object) -> None:
    assert memories(value) == [NewMemory(text="likes tea")]


def test_the_session_of_the_call_is_that_of_every_memory() -> None:
    items = memories(["a", "b"], session_id="s1")
    assert [item.session_id for item in items if isinstance(item, NewMemory)] == ["s1", "s1"]


def test_null_means_absent() -> None:
    assert one(dict.fromkeys(MEMORY_FIELDS) | {"text": "likes tea"}) == NewMemory(text="likes tea")


def test_a_bad_item_is_rejected_in_its_place_and_the_others_go_on() -> None:
    good, bad, also_good = memories(["first", {"text": "x", "event_date": "tomorrow", "id": "m2"}, "third"])
    assert good == NewMemory(text="first")
    assert also_good == NewMemory(text="third")
    assert isinstance(bad, Rejected)
    assert (bad.code, bad.id) == ("invalid_input", "m2")
    assert bad.reason.startswith("memories[1].event_date='tomorrow'; allowed: an ISO 8601 date")


@pytest.mark.parametrize(
    ("item", "code", "says"),
    [
        ({}, "invalid_input", "memories[0].text is missing"),
        ({"text": ""}, "invalid_input", "memories[0].text=''"),
        ({"text": " \n"}, "invalid_input", "not only blanks"),
        ({"text": 7}, "invalid_input", "memories[0].text=7; allowed: a string"),
        ({"text": "a\0b"}, "invalid_input", "NUL"),
        ({"text": "a\ud800b"}, "invalid_input", "surrogate"),
        ({"text": "x" * 8_001}, "too_large", "8,001 characters; allowed: 8,000"),
        ({"text": "x", "txt": "y"}, "invalid_input", "unknown argument memories[0].txt (did you mean text?)"),
        ({"text": "x", "memory_type": "fact"}, "invalid_input", "allowed: semantic, episodic"),
        ({"text": "x", "memory_type": "message"}, "invalid_input", "allowed: semantic, episodic"),
        ({"text": "x", "pinned": "true"}, "invalid_input", "true or false, without quotes"),
        ({"text": "x", "pinned": 1}, "invalid_input", "memories[0].pinned=1"),
        ({"text": "x", "topics": [1]}, "invalid_input", "memories[0].topics[0]=1"),
        ({"text": "x", "topics": {}}, "invalid_input", "a list of strings"),
        ({"text": "x", "topics": ["a\x1fb"]}, "invalid_input", "printable"),
        ({"text": "x", "topics": [str(n) for n in range(33)]}, "too_large", "33 items; allowed: 32"),
        ({"text": "x", "entities": ["e" * 129]}, "too_large", "memories[0].entities[0] has 129 characters"),
        ({"text": "x", "id": ""}, "invalid_input", "memories[0].id"),
        ({"text": "x", "id": 5}, "invalid_input", "memories[0].id=5"),
        ({"text": "x", "id": "message:s/m"}, "invalid_input", "do not begin with 'message:'"),
        ({"text": "x", "metadata": []}, "invalid_input", "memories[0].metadata=a list of 0; allowed: a JSON object"),
        ({"text": "x", "metadata": {"a": float("nan")}}, "invalid_input", "finite"),
        ({"text": "x", "metadata": {"a": {"b": "\udfff"}}}, "invalid_input", "memories[0].metadata.a.b holds half"),
        ({"text": "x", "metadata": {"a": "y" * 16_000}}, "too_large", "16,008 bytes as JSON; allowed: 16,000"),
        ({"text": "x", "metadata": "{broken"}, "invalid_input", "sent as it is and not as a string"),
        (None, "invalid_input", "memories[0]=null; allowed: an object with the fields text"),
        (3, "invalid_input", "memories[0]=3"),
        ([], "invalid_input", "memories[0]=a list of 0"),
    ],
)
def test_each_kind_of_bad_memory_is_told_what_is_allowed(item: object, code: str, says: str) -> None:
    rejected = refused(item)
    assert rejected.code == code
    assert says in rejected.reason


@pytest.mark.parametrize("value", [None, []])
def test_no_memories_at_all_is_an_error_of_the_call(value: object) -> None:
    with pytest.raises(InvalidInput, match="memories is"):
        memories(value)


def test_a_batch_over_the_limit_is_an_error_of_the_call() -> None:
    assert "has 101 items; allowed: 100 a call" in error_of(memories, ["x"] * 101)


def test_limits_come_from_the_settings() -> None:
    assert refused("toolong", Rules(limits=Limits(memory_characters=3))).code == "too_large"


def test_deep_nesting_is_refused_and_not_followed() -> None:
    value: dict[str, Any] = {}
    for _ in range(5_000):
        value = {"a": value}
    assert "nested too deeply" in refused({"text": "x", "metadata": value}).reason
    assert "sent as it is" in refused({"text": "x", "metadata": '{"a":' * 50_000}).reason


def test_one_string_is_a_list_of_one_and_repeated_labels_count_once() -> None:
    assert one({"text": "x", "topics": "tea"}).topics == ("tea",)
    assert one({"text": "x", "topics": ["b", "a", "b"]}).topics == ("b", "a")
    assert one({"text": "x", "topics": '["a", "b"]'}).topics == ("a", "b")


def test_json_text_is_taken_for_metadata() -> None:
    assert one({"text": "x", "metadata": '{"a": [1, null]}'}).metadata == {"a": [1, None]}


# --- times


@pytest.mark.parametrize(
    ("given_text", "moment"),
    [
        ("2026-03-01", datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-03-01T09:30", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:15", datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)),
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01t09:30:00z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00+05:30", datetime(2026, 3, 1, 4, tzinfo=UTC)),
        ("2026-03-01T09:30:00.250-01:00", datetime(2026, 3, 1, 10, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_time_without_zone_is_local_and_a_date_is_its_start(given_text: str, moment: datetime) -> None:
    assert query(before=given_text).before == moment


NO_TIMES: list[object] = [
    "",
    "tomorrow",
    "2026-13-01",
    "2026",
    "10:30",
    "0001-01-01",
    "9999-12-31T23:59-05:00",
    1772000000,
    True,
    [],
]


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_is_no_time_is_refused(value: object) -> None:
    assert "allowed: an ISO 8601 date or time such as" in error_of(query, after=value)


def test_a_range_without_room_is_refused() -> None:
    assert "is not earlier than" in error_of(query, after="2026-03-02", before="2026-03-02")


# --- messages


def test_a_message_gets_an_id_and_a_time_where_it_has_none() -> None:
    first, second = messages([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "id": "m2"}])
    assert len(first.id) == 26
    assert second.id == "m2"
    assert first.created_at == second.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert second.content == ""


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([{"content": "x"}], "messages[0].role is missing"),
        ([{"role": "human", "content": "x"}], "messages[0].role='human'; allowed: user, assistant, system, tool"),
        ([{"role": "user"}], "messages[0].content is missing"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content=a list of 1; allowed: a string"),
        ([{"role": "user", "content": "x" * 100_001}], "100,001 characters"),
        ([{"role": "user", "content": "x", "createdAt": "y"}], "did you mean created_at?"),
        (["hello"], "messages[0]='hello'; allowed: an object with the fields role, content"),
        ([{"role": "user", "content": "a"}, 5], "messages[1]=5"),
    ],
)
def test_one_bad_message_refuses_the_call_and_is_named(value: object, says: str) -> None:
    assert says in error_of(messages, value)


def test_the_fields_of_items_are_those_of_the_records() -> None:
    assert set(MEMORY_FIELDS) < set(NewMemory.__dataclass_fields__)
    assert set(MESSAGE_FIELDS) == {"role", "content", "name", "created_at", "id"}


# --- queries, edits, forgetting


def test_the_defaults_of_a_query_are_those_of_the_design() -> None:
    asked = query()
    assert (asked.text, asked.limit, asked.mode, asked.neighbours, asked.explain) == ("", 8, "auto", 0, False)
    assert (asked.min_score, asked.max_tokens, asked.cursor, asked.memory_type) == (None, None, None, ())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("limit", 0, "limit=0; allowed: an integer from 1 to 50"),
        ("limit", 51, "limit=51"),
        ("limit", "8", "limit='8'"),
        ("limit", True, "limit=true"),
        ("limit", 2.5, "limit=2.5"),
        ("limit", 10**30, "limit=a number far out of range"),
        ("min_score", 1.01, "min_score=1.01; allowed: a number from 0 to 1"),
        ("min_score", float("nan"), "min_score="),
        ("min_score", False, "min_score=false"),
        ("mode", "fuzzy", "mode='fuzzy'; allowed: auto, semantic, keyword, hybrid"),
        ("mode", "semantics", "did you mean semantic?"),
        ("memory_type", "fact", "memory_type[0]='fact'"),
        ("neighbours", -1, "neighbours=-1"),
        ("max_tokens", 0, "max_tokens=0"),
        ("session_id", "", "session_id"),
        ("query", 5, "query=5"),
        ("query", "x" * 8_001, "query has 8,001 characters"),
        ("explain", "no", "explain='no'"),
    ],
)
def test_each_bad_filter_is_told_its_bounds(name: str, value: object, says: str) -> None:
    assert says in error_of(query, **{name: value})


def test_a_whole_float_is_an_integer_and_one_type_is_a_list_of_one() -> None:
    asked = query(limit=8.0, memory_type="episodic")
    assert asked.limit == 8
    assert asked.memory_type == ("episodic",)


def changes(**given_fields: object) -> dict[str, Any]:
    return arguments.read_changes(Fields(given_fields, known=list(given_fields)), RULES)


def test_an_edit_takes_only_what_was_given_and_null_clears() -> None:
    assert changes(id="x", event_date=None, topics=None, session_id="", text="new") == {
        "event_date": None,
        "topics": None,
        "session_id": None,
        "text": "new",
    }


@pytest.mark.parametrize("name", ["text", "memory_type"])
def test_what_a_memory_always_has_cannot_be_cleared(name: str) -> None:
    assert f"{name}=null" in error_of(changes, **{name: None})


def test_an_edit_of_nothing_is_refused() -> None:
    assert "nothing to change" in error_of(changes, id="m1")


def forget(**given_fields: object) -> Any:
    return arguments.read_forget(Fields(given_fields, known=list(given_fields)), RULES)


def test_the_words_of_a_preview_may_come_with_its_token() -> None:
    assert forget(query="tea", confirm="t").confirm == "t"


@pytest.mark.parametrize(
    "given_fields", [{}, {"ids": []}, {"ids": ["a"], "confirm": "t"}, {"ids": ["a"], "query": "tea"}]
)
def test_forget_does_not_guess_what_was_meant(given_fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        forget(**given_fields)


def test_the_long_id_of_a_message_is_an_id() -> None:
    long_id = message_memory_id("s" * 128, "ü" * 128)
    assert forget(ids=[long_id]).ids == (long_id,)


def test_a_scope_takes_each_name_from_the_caller_or_the_default() -> None:
    default = Scope(namespace="team", user_id="ada")
    read = arguments.read_scope(Fields({"user_id": "auth0|42"}, known=["user_id"]), default)
    assert read == Scope(namespace="team", user_id="auth0|42")


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * 129, 5, ["a"], "\ud800"])
def test_a_hostile_scope_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        arguments.read_scope(Fields({"user_id": value}, known=["user_id"]), Scope())


def test_an_unknown_argument_is_refused_with_the_nearest_known_one() -> None:
    message = error_of(Fields, {"limt": 3}, known=["query", "limit"])
    assert message == "unknown argument 'limt' (did you mean limit?); allowed: query, limit; correct or remove it"


def test_ttl_is_a_span() -> None:
    assert arguments.read_ttl(Fields({"ttl_seconds": 60}, known=["ttl_seconds"])) == timedelta(minutes=1)


# --- how errors show what was given

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(ANY_JSON)
def test_a_value_is_shown_in_one_short_printable_line(value: object) -> None:
    text = fields.shown(value)
    assert text.isprintable()
    assert len(text) <= 90


@given(st.text())
def test_an_error_is_one_line_whatever_is_in_it(text: str) -> None:
    line = fields.one_line(text)
    assert line.isprintable()
    assert len(line) <= 1_000


def test_a_huge_number_is_shown_without_counting_its_digits() -> None:
    assert fields.shown(10**5_000) == "a number far out of range"


@given(ANY_JSON)
def test_any_memory_is_taken_or_rejected_with_a_reason(value: object) -> None:
    try:
        items = memories(value)
    except (InvalidInput, TooLarge):
        return
    assert all(isinstance(item, NewMemory) or item.reason for item in items)
