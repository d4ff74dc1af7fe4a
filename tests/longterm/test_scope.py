"""Scopes never mix (guarantee 3): whatever the names, a call sees exactly its own, through every way in."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mcp_memory.app import Store
from mcp_memory.errors import InvalidInput, MemoryServerError, NotFound
from mcp_memory.records import Message, NewMemory, Query, Scope, message_memory_id
from mcp_memory.service import MemoryService
from mcp_memory.storage.keys import ScopeKeys
from mcp_memory.transfer import export_lines
from tests.support import found, kinds, memory, new_scope, recalled, said, stored

REFUSED = [
    "",
    " ",
    "\u00a0",
    "a" * 129,
    "\U0001f375" * 129,
    "x" * 4_097,
    "a\x1fb",
    "a\nb",
    "a\r",
    "\x00",
    "a\tb",
    "\u202eabc",
    "a\u200bb",
    "\ud800",
    "\u2028",
]

# Pairs that some encoding, folding, splitting or globbing would make one.
PAIRS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "separator moved": (("a|b", "c"), ("a", "b|c")),
    "separator encoded": (("a|b", "c"), ("a%7Cb", "c")),
    "percent": (("a%2Fb", "u"), ("a/b", "u")),
    "percent twice": (("a%252Fb", "u"), ("a%2Fb", "u")),
    "star": (("*", "*"), ("any", "any")),
    "star at the end": (("te*", "u"), ("team", "u")),
    "question mark": (("a?", "u"), ("ab", "u")),
    "class": (("a[b]", "u"), ("ab", "u")),
    "auth0": (("n", "auth0|42"), ("n", "auth0")),
    "comma": (("n", "a,b"), ("n", "a")),
    "brace": (("n", "}"), ("n", "{")),
    "braces": (("n", "{x}"), ("n", "x")),
    "closed tag": (("n", "x} @lane:{*"), ("n", "x")),
    "case": (("n", "Ada@Example.org"), ("n", "ada@example.org")),
    "case without ASCII": (("n", "ÉCOLE"), ("n", "école")),
    "sharp s": (("n", "ß"), ("n", "ss")),
    "composed": (("n", "caf\u00e9"), ("n", "cafe\u0301")),
    "compatibility": (("n", "ﬁ"), ("n", "fi")),
    "width": (("n", "\uff41"), ("n", "a")),
    "emoji": (("n", "👍"), ("n", "👍🏽")),
    "blank at the end": (("n", "ada "), ("n", "ada")),
    "blank in front": (("n", " ada"), ("n", "ada")),
    "two blanks": (("n", "a  b"), ("n", "a b")),
    "swapped": (("x", "y"), ("y", "x")),
    "colon": (("a:b", "c"), ("a", "b:c")),
    "dollar": (("n", "$lane"), ("n", "lane")),
    "quote": (("n", '"a"'), ("n", "a")),
    "backslash": (("n", "a\\|b"), ("n", "a|b")),
    "at": (("n", "a@1"), ("n", "a")),
    "hash": (("n", "a#1"), ("n", "a")),
    "default": (("default", "default "), ("default", "default.")),
    "longest": (("n", "a" * 128), ("n", "a" * 127)),
    "longest outside ASCII": (("\U0001f375" * 128, "\U0001f375" * 128), ("\U0001f375" * 128, "\U0001f375" * 127)),
    "null": (("null", "None"), ("None", "null")),
    "number": (("1", "1"), ("1", "01")),
    "negative": (("n", "-a"), ("n", "a")),
    "path": (("..", "u"), (".", "u")),
    "redis type": (("message:s", "m"), ("message", "s")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_cannot_be_one_is_refused_in_words(name: str) -> None:
    for given_names in ({"namespace": name}, {"user_id": name}):
        with pytest.raises(InvalidInput, match="allowed: 1-128 printable characters") as caught:
            Scope(**given_names)
        assert len(str(caught.value)) < 400
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [None, 1, True, b"a", ["a"], {"a": 1}, 1.5])
def test_a_name_of_another_type_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInput, match="namespace="):
        Scope(namespace=name)


@pytest.mark.parametrize("name", ["*", "auth0|42", "a" * 128, "\U0001f375" * 128, "ada@example.org", "名前", " x"])
def test_any_other_name_is_taken_as_it_is(name: str) -> None:
    assert Scope(namespace=name, user_id=name).user_id == name


NAMES = st.text(min_size=1, max_size=8) | st.text(alphabet="ab|:%{}*@#,. ", min_size=1, max_size=5)


# The store is shared on purpose: every example has a scope of its own in it.
SHARED_STORE = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@settings(max_examples=500, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
@example("a|b", "c", "a", "b|c")
def test_no_two_scopes_share_a_tag_or_a_key(one: str, two: str, three: str, four: str) -> None:
    assume((one, two) != (three, four))
    try:
        first, second = Scope(namespace=one, user_id=two), Scope(namespace=three, user_id=four)
    except InvalidInput:
        return
    assert first.tag != second.tag
    assert ScopeKeys(first).record("x") != ScopeKeys(second).record("x")
    assert not ScopeKeys(first).record("x").startswith(ScopeKeys(second).record_prefix)
    assert len(f"session:{first.tag}".encode()) < 4_096
    tag = ScopeKeys(first).record("x").split("{")[1].split("}")[0]
    assert tag == first.tag  # what Redis takes for the slot


@pytest.mark.parametrize("pair", PAIRS)
async def test_two_scopes_whose_names_look_alike_see_nothing_of_each_other(
    service: MemoryService, store: Store, pair: str
) -> None:
    (one, two), (three, four) = PAIRS[pair]
    mark = new_scope().user_id[-6:]  # so that the test can run twice in one store
    await _see_only_their_own(
        service,
        store,
        Scope(namespace=one, user_id=two),
        Scope(namespace=three, user_id=four),
        word=f"w{mark}",
    )


FUZZED = st.text(
    alphabet=st.characters(codec="utf-8") | st.sampled_from("ab|:%{}*@#,. $\\\"'()-~[]"), min_size=1, max_size=130
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(FUZZED, FUZZED)
async def test_fuzzed_scopes_see_nothing_of_each_other(
    service: MemoryService, store: Store, one: str, two: str
) -> None:
    namespace = new_scope().namespace  # hypothesis comes back to the same names
    first = _scope_or_none(one, namespace)
    if first is None:
        return
    variants = [two, one.upper(), unicodedata.normalize("NFKC", one), one.strip(), one + "*", one[:-1]]
    found = [_scope_or_none(name, namespace) for name in variants]
    others = [second for second in found if second is not None and second != first]
    if others:
        await _see_only_their_own(service, store, first, others[0], word=f"w{new_scope().user_id[-6:]}")


def _scope_or_none(name: str, namespace: str) -> Scope | None:
    """The scope; None where the name is refused in words."""
    try:
        return Scope(namespace=namespace, user_id=name)
    except InvalidInput as error:
        return None if len(str(error)) < 400 else Scope(namespace=str(error))


async def _see_only_their_own(service: MemoryService, store: Store, mine: Scope, theirs: Scope, *, word: str) -> None:
    """Both scopes hold the same ids, words, session, topic; every way in must tell them apart."""
    for scope in (mine, theirs):
        await _fill(service, scope, word)
    for scope, other in ((mine, theirs), (theirs, mine)):
        own, foreign = _mark(scope), _mark(other)
        for seen in await _everything(service, store, scope, word):
            assert foreign not in seen, seen[:500]
            assert own in seen, seen[:500]
    await _act_in_one(service, mine, theirs, word)


def _mark(scope: Scope) -> str:
    """A word that only this scope's texts hold."""
    return "owned" + scope.tag.encode().hex()[-40:] + str(len(scope.tag))


async def _fill(service: MemoryService, scope: Scope, word: str) -> None:
    mark = _mark(scope)
    await service.remember(
        scope,
        [
            NewMemory(text=f"{word} first of {mark}", id=f"x-{word}", pinned=True, topics=(f"{word}-{mark}",)),
            NewMemory(text=f"{word} also of {mark}", session_id=f"s-{word}"),
        ],
    )
    await service.edit_memory(scope, f"x-{word}", {"text": f"{word} second of {mark}"})
    turns = [said(f"{word} said by {mark}", id=f"m-{word}"), said(f"{word} and more by {mark}", id=f"n-{word}")]
    await service.append_to_session(scope, f"s-{word}", turns, data={"owner": mark})
    await service.append_to_session(scope, f"s-{word}-{mark}", [])


async def _everything(service: MemoryService, store: Store, scope: Scope, word: str) -> list[str]:
    """The answer of every way in, as text; each must hold something of the scope's own."""
    session_id, message_id = f"s-{word}", message_memory_id(f"s-{word}", f"m-{word}")
    answers: list[Any] = [
        await service.get_memory(scope, f"x-{word}"),
        await service.get_memory(scope, message_id),
        await service.history(scope, f"x-{word}"),
        await service.get_session(scope, session_id),
        await service.profile(scope),
        await service.get_context(scope, query=word, session_id=session_id),
        await service.sessions(scope, limit=1_000),
        await service.topics(scope, prefix=word),
        await service.preview_forget(scope, text=word),
        await service.preview_forget(scope, session_id=session_id),
        [line async for line in export_lines(store, scope=scope, vectors=True)],
    ]
    answers += [await service.recall(query) for query in _queries(scope, word)]
    return [repr(answer) for answer in answers]


def _queries(scope: Scope, word: str) -> list[Query]:
    given: list[dict[str, Any]] = [
        {},
        {"text": word, "min_score": 0},
        {"text": word, "mode": "keyword"},
        {"text": word, "mode": "hybrid"},
        {"text": word, "mode": "keyword", "session_id": f"s-{word}"},
        {"session_id": f"s-{word}"},
        {"text": word, "mode": "keyword", "neighbours": 3, "explain": True},
        {"topics": (f"{word}-{_mark(scope)}",)},
    ]
    return [Query(scope=scope, limit=50, **fields) for fields in given]


async def _act_in_one(service: MemoryService, mine: Scope, theirs: Scope, word: str) -> None:
    """What is done in one scope changes nothing in the other, and its tokens and cursors mean nothing there."""
    memory_id, session_id = f"x-{word}", f"s-{word}"
    before = await _counts(service, theirs)
    page = await service.recall(Query(scope=mine, text=word, mode="keyword", limit=1, min_score=0))
    with pytest.raises(InvalidInput):
        await service.recall(
            Query(scope=theirs, text=word, mode="keyword", limit=1, min_score=0, cursor=page.next_cursor)
        )
    preview = await service.preview_forget(mine, text=word)
    for act in (service.read_preview, service.confirm_forget):
        with pytest.raises(NotFound):
            await act(theirs, preview.confirm)
    await service.edit_memory(mine, memory_id, {"topics": ("changed",)})
    await service.append_to_session(mine, session_id, [said("only here", id="only")], data={"owner": None})
    await service.confirm_forget(mine, preview.confirm)
    session = await service.preview_forget(mine, session_id=session_id)
    await service.confirm_forget(mine, session.confirm)
    assert await _counts(service, theirs) == before
    assert (await service.get_memory(theirs, memory_id)).text == f"{word} second of {_mark(theirs)}"
    assert (await service.get_session(theirs, session_id)).data == {"owner": _mark(theirs)}
    # Forgotten here is not forgotten there, and the other way round.
    words = f"{word} second of {_mark(mine)}"
    assert kinds(await service.remember(mine, [memory(words)])) == ["rejected"]
    assert kinds(await service.remember(theirs, [memory(words)])) == ["stored"]


async def _counts(service: MemoryService, scope: Scope) -> dict[str, int]:
    stats = await service.stats(scope)
    names = ("memories", "messages", "pinned", "sessions", "without_vector", "sessions_to_extract")
    return {name: stats[name] for name in names}


@pytest.mark.parametrize("pair", ["separator moved", "case", "composed", "star", "closed tag", "comma"])
async def test_a_call_into_an_empty_scope_finds_nothing_of_a_full_one(service: MemoryService, pair: str) -> None:
    """S1: the predecessor dropped the namespace filter when there were no hits."""
    (one, two), (three, four) = PAIRS[pair]
    mark = new_scope().user_id[-6:]
    full = Scope(namespace=f"{mark}{one}", user_id=two)
    empty = Scope(namespace=f"{mark}{three}", user_id=four)
    await service.remember(full, [memory("bank pin is 1234", id="pin", topics=("bank",))])
    await service.append_to_session(full, "s", [said("my bank pin is 1234", id="m")], data={"pin": 1234})
    for fields in ({}, {"text": "bank pin"}, {"text": "bank pin", "min_score": 0}, {"topics": ("bank",)}):
        page = await service.recall(Query(scope=empty, **fields))  # pyright: ignore[reportArgumentType]
        assert (page.hits, page.total) == ((), 0)
    assert not (await service.get_session(empty, "s")).exists
    assert await service.topics(empty) == []
    assert await service.sessions(empty) == []
    assert (await service.get_context(empty, query="bank pin", session_id="s")).context == ""
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda: service.get_memory(empty, "pin"),
        lambda: service.history(empty, "pin"),
        lambda: service.edit_memory(empty, "pin", {"pinned": True}),
        lambda: service.forget(empty, ["pin"]),
        lambda: service.forget(empty, [message_memory_id("s", "m")]),
    ]
    for read in reads:
        with pytest.raises(NotFound):
            await read()
    assert (await service.get_memory(full, "pin")).pinned is False


STRANGE_SESSIONS = [
    "s1",
    "S1",
    "s1 ",
    "s1#1",
    "s1@1",
    "s1/m",
    "message:s1/m",
    "*",
    "{s1}",
    "s1|x",
    "s1:x",
    "%73%31",
    "🎉",
]


async def test_sessions_and_messages_whose_ids_look_alike_are_apart(service: MemoryService, scope: Scope) -> None:
    for session_id in STRANGE_SESSIONS:
        turns = [said(f"word{place} of {session_id!r}", id=name) for place, name in enumerate(("m", "m#1", "M", "m/m"))]
        await service.append_to_session(scope, session_id, turns, data={"id": session_id})
    for session_id in STRANGE_SESSIONS:
        session = await service.get_session(scope, session_id)
        assert session.data == {"id": session_id}
        assert [m.content for m in session.messages] == [f"word{place} of {session_id!r}" for place in range(4)]
        texts = await recalled(service, scope, session_id=session_id)
        assert sorted(texts) == sorted(m.content for m in session.messages)
        for message in session.messages:
            read = await service.get_memory(scope, message_memory_id(session_id, message.id))
            assert (read.text, read.session_id, read.message_ids) == (message.content, session_id, (message.id,))
    preview = await service.preview_forget(scope, session_id="s1")
    assert preview.messages == 4
    await service.confirm_forget(scope, preview.confirm)
    left = {info.session_id for info in await service.sessions(scope, limit=100)}
    assert left == set(STRANGE_SESSIONS) - {"s1"}
    assert (await found(service, scope)).total == 4 * (len(STRANGE_SESSIONS) - 1)


async def test_changes_are_heard_in_their_own_scope_only(
    service: MemoryService, scope: Scope, other_scope: Scope
) -> None:
    async with service.changes(scope) as changes:
        await service.remember(other_scope, [memory("theirs", id="theirs")])
        await service.append_to_session(other_scope, "theirs", [said("theirs")])
        await service.remember(scope, [memory("mine", id="mine")])
        await service.append_to_session(scope, "s|1", [said("mine")])
        heard = [await anext(changes), await anext(changes)]
    assert [(change.scope, change.kind, change.id) for change in heard] == [
        (scope, "memory", "mine"),
        (scope, "session", "s|1"),
    ]


async def test_a_cached_query_vector_says_nothing_of_who_asked(store: Store) -> None:
    from mcp_memory.storage import keys

    assert keys.query_vector_key("m", "what") == keys.query_vector_key("m", "what")
    assert keys.query_vector_key("m|what", "") != keys.query_vector_key("m", "what")
    assert "what" not in keys.query_vector_key("m", "what")
    del store


# --- the predecessor's leaks, one by one -----------------------------------------------------------------------


async def test_s1_no_hits_in_my_namespace_never_answers_from_another(service: MemoryService) -> None:
    a, b = new_scope(user_id="shared"), new_scope(user_id="shared")
    await stored(service, a, "bank pin 1234")
    assert await recalled(service, b, "bank pin") == []
    assert (await service.get_context(b, query="bank pin")).context == ""


async def test_s2_what_is_extracted_has_the_owner_and_the_session_of_its_source(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    from datetime import UTC

    from mcp_memory.app import tiers
    from worker.extract import Extraction

    await service.append_to_session(scope, "s", [said("I live in Lisbon and I love fado.", id="m")])
    working, long_term = tiers(store)
    assert await Extraction(working, long_term, timezone=UTC).session(scope, "s") > 0
    learnt = [hit for hit in (await found(service, scope)).hits if hit.memory.memory_type != "message"]
    assert learnt
    for hit in learnt:
        assert (hit.memory.session_id, hit.memory.message_ids, hit.memory.source) == ("s", ("m",), "extraction")
    assert await recalled(service, Scope(), "Lisbon fado") == []


async def test_s4_the_same_id_in_two_scopes_is_two_memories(
    service: MemoryService, scope: Scope, other_scope: Scope
) -> None:
    await service.remember(scope, [memory("alice's", id="x1")])
    await service.remember(other_scope, [memory("bob's", id="x1")])
    assert (await service.get_memory(scope, "x1")).text == "alice's"
    await service.forget(other_scope, ["x1"])
    assert (await service.get_memory(scope, "x1")).text == "alice's"


async def test_s5_no_combination_of_names_meets_another_session(service: MemoryService) -> None:
    mark = new_scope().user_id
    owners = [
        (Scope(namespace="alice", user_id=mark), "s1"),
        (Scope(namespace=mark, user_id="alice"), "s1"),
        (Scope(namespace="default", user_id=mark), "alice:s1"),
        (Scope(namespace="migration", user_id=mark), "complete"),
        (Scope(namespace=f"alice:{mark}"), "s1"),
    ]
    for place, (scope, session_id) in enumerate(owners):
        await service.append_to_session(scope, session_id, [said(f"turn {place}")], data={"owner": place})
    for place, (scope, session_id) in enumerate(owners):
        session = await service.get_session(scope, session_id)
        assert (session.data, session.message_count) == ({"owner": place}, 1)


async def test_s6_a_session_is_not_found_by_its_id_alone(service: MemoryService, scope: Scope) -> None:
    await service.append_to_session(scope, f"unique-{scope.user_id}", [said("mine")])
    for other in (Scope(), new_scope(namespace=scope.namespace), new_scope(user_id=scope.user_id)):
        assert not (await service.get_session(other, f"unique-{scope.user_id}")).exists


async def test_an_error_names_nothing_of_another_scope(
    service: MemoryService, scope: Scope, other_scope: Scope
) -> None:
    await service.remember(other_scope, [memory("the secret words", id="a"), memory("b", id="b")])
    await service.remember(scope, [memory("mine", id="b")])
    await service.edit_memory(scope, "b", {"text": "the secret words"})  # no conflict: it is not theirs
    for act in (service.get_memory(scope, "a"), service.forget(scope, ["a"])):
        with pytest.raises(MemoryServerError) as caught:
            await act
        assert "secret" not in str(caught.value)
        assert other_scope.namespace not in str(caught.value)


def test_messages_of_records_and_queries_always_need_a_scope() -> None:
    with pytest.raises(TypeError):
        Query(text="x")  # pyright: ignore[reportCallIssue]
    assert Message.__dataclass_fields__.keys() == {"id", "role", "content", "created_at", "name"}
