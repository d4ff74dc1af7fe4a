"""Every key has its place in the table of `keys.py`; names of callers cannot leave theirs."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.app import Store
from mcp_memory.jobs import QUEUE_NAME, ExtractSession
from mcp_memory.records import (
    Scope,
    check_name,
    message_memory_id,
    parse_message_memory_id,
    quoted,
)
from mcp_memory.service import MemoryService
from mcp_memory.storage.keys import ScopeKeys, record_name
from tests.keys_table import WORD, not_in_the_table
from tests.support import memory, said, stored


async def keys_of(store: Store) -> list[tuple[str, str]]:
    """Every key with its type."""
    names: list[bytes] = []
    cursor = 0
    while True:
        cursor, some = await store.database.command("SCAN", cursor, "COUNT", 10_000)
        names += some
        if int(cursor) == 0:
            break
    kinds = await store.database.commands([("TYPE", name) for name in names])
    return [(name.decode(), kind.decode()) for name, kind in zip(names, kinds, strict=True) if kind != b"none"]


@pytest.mark.parametrize(
    ("namespace", "session_id", "memory_id"),
    [("plain", "s1", "m1"), ("a|b} *", "s{1}#@/:", "m#1@2/ü\U0001f375"), ("%7C", "message:s/m", "*")],
)
async def test_every_key_is_in_the_table(
    service: MemoryService, store: Store, scope: Scope, namespace: str, session_id: str, memory_id: str
) -> None:
    scope = Scope(namespace=namespace, user_id=scope.user_id)
    await service.remember(scope, [memory("first " * 400, id=memory_id)])
    await service.edit_memory(scope, memory_id, {"text": "second"})
    turns = [said("hello", id=memory_id), said("long " * 400, id="m2")]
    await service.append_to_session(scope, session_id, turns, data={"any {} key": 1}, ttl=timedelta(days=1))
    await service.preview_forget(scope, text="hello")
    forgotten = await stored(service, scope, "forgotten")
    await service.forget(scope, [forgotten])
    await service.remember(scope, [memory("forgotten")], said_again=True)
    await service.forget(scope, [await stored(service, scope, "gone")])
    found = await keys_of(store)
    own = [key for key, _ in found if scope.tag in key and not key.startswith("arq:")]
    assert len(own) >= 15
    assert all(f"{{{scope.tag}}}" in key for key in own)  # one slot on a cluster
    assert not_in_the_table(found) == []


async def test_what_a_search_leaves_is_in_the_table_and_ends(
    service: MemoryService, store: Store, scope: Scope
) -> None:
    from mcp_memory.records import Query

    await stored(service, scope, "green tea")
    await service.recall(Query(scope=scope, text="tea"))
    for key, _ in await keys_of(store):
        if key.startswith(("mem:e:", "mem:p:", "mem:q:queries", "mem:q:reply:")):
            assert await store.database.command("PTTL", key) > 0, key


async def test_a_forgotten_scope_leaves_only_fingerprints(service: MemoryService, store: Store, scope: Scope) -> None:
    await service.append_to_session(scope, "s", [said("I like xylophones", id="m")], data={"x": "xylophone"})
    fact = await stored(service, scope, "Likes xylophones", session_id="s", message_ids=("m",))
    await service.edit_memory(scope, fact, {"topics": ("xylophone",)})
    preview = await service.preview_forget(scope, session_id="s")
    await service.confirm_forget(scope, preview.confirm)
    left = [key for key, _ in await keys_of(store) if f"{{{scope.tag}}}" in key]
    assert {key.split(":")[1] for key in left} <= {"t", "n", "f", "u"}
    for key in left:
        if not key.startswith("mem:n:"):
            assert "xylophone" not in repr(await store.database.command("HGETALL", key)).lower()


NAMES = st.text(min_size=1, max_size=128).filter(lambda name: name.isprintable() and bool(name.strip()))


@given(NAMES, NAMES)
def test_a_message_id_is_read_back_as_the_two_names_it_was_made_of(session_id: str, message_id: str) -> None:
    joined = message_memory_id(session_id, message_id)
    assert parse_message_memory_id(joined) == (session_id, message_id)
    assert record_name(joined) == joined
    assert re.fullmatch(rf"message:{WORD}+/{WORD}+", joined)


@given(st.text(max_size=30).filter(str.isprintable) | st.text(alphabet="mesag:/%2Fab", max_size=20))
def test_what_only_looks_like_a_message_id_is_none(text: str) -> None:
    names = parse_message_memory_id(text)
    assert names is None or message_memory_id(*names) == text
    if names is None:
        assert record_name(text) == quoted(text)
        assert "/" not in record_name(text)  # no memory has the key of a message


@given(NAMES)
def test_a_name_is_quoted_without_loss_and_without_anything_that_means_something_in_a_key(name: str) -> None:
    from urllib.parse import unquote

    assert check_name("id", name) == name
    assert unquote(quoted(name)) == name
    assert re.fullmatch(rf"{WORD}+", quoted(name))


def test_jobs_of_two_sessions_never_share_an_id() -> None:
    pairs = [("a|b", "c", "s"), ("a", "b|c", "s"), ("a", "b", "c:s"), ("a", "b:c", "s"), ("a", "b", "c%3As")]
    ids = {
        ExtractSession(scope=Scope(namespace=namespace, user_id=user), session_id=session_id).job_id
        for namespace, user, session_id in pairs
    }
    assert len(ids) == len(pairs)
    assert QUEUE_NAME.startswith("mem:q:")


def test_the_counter_of_the_table_is_where_scopes_are_found() -> None:
    from mcp_memory.transfer.exporting import COUNTER_PREFIX

    assert ScopeKeys(Scope()).counter.startswith(COUNTER_PREFIX)
