"""The index: made once by whoever comes first, the same for redisvl as for us, and of one embedding model."""

import asyncio
import importlib
import warnings
from dataclasses import replace
from typing import Any

import pytest

from mcp_memory.app import Store, open_service, open_store
from mcp_memory.embedded import Home
from mcp_memory.errors import Internal, InvalidInput, Unavailable
from mcp_memory.records import Scope
from mcp_memory.settings import ModelSettings
from mcp_memory.storage import index, keys
from mcp_memory.storage.client import Database, embedded_pool, url_pool
from mcp_memory.storage.index import INDEX_NAME, SCHEMA, VECTOR, Identity
from tests.support import crew, settings_of, stored


async def test_redisvl_sees_the_schema_that_we_declare(store: Store) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        redisvl: Any = importlib.import_module("redisvl.index")

        client: Any = store.database._redis  # pyright: ignore[reportPrivateUsage]
        seen: Any = await redisvl.AsyncSearchIndex.from_existing(INDEX_NAME, redis_client=client)
        schema = seen.schema
    assert schema.index.name == INDEX_NAME
    assert (
        {schema.index.prefix}
        if isinstance(schema.index.prefix, str)
        else set(schema.index.prefix)
        == {
            keys.RECORD_PREFIX,
            keys.SESSION_PREFIX,
        }
    )
    declared = {row[0]: row[1].lower() for row in SCHEMA} | {VECTOR: "vector"}
    assert {name: field.type for name, field in schema.fields.items()} == declared
    for name, field in schema.fields.items():
        if declared[name] == "tag":
            assert field.attrs.separator == index.SEPARATOR, name
            assert field.attrs.case_sensitive is True, name
        if declared[name] == "text":
            assert field.attrs.no_stem is True, name
    vector = schema.fields[VECTOR].attrs
    assert (vector.algorithm.lower(), vector.dims) == ("flat", 384)
    assert (vector.datatype.lower(), vector.distance_metric.lower()) == ("float16", "cosine")


async def test_the_index_has_no_stop_words_and_is_read_through_its_alias(store: Store) -> None:
    info = await index.index_info(store.database)
    assert info.get("stopwords_list", []) == []
    by_alias = await store.database.command("FT.INFO", keys.INDEX)
    assert by_alias[1] == INDEX_NAME.encode()


async def test_any_number_of_processes_may_make_the_index_at_once(own_home: Home) -> None:
    # D5: in the predecessor all but one of the first writers failed, after their calls had been answered.
    arguments = [(str(own_home.root), "n", "u", "remember", str(number)) for number in range(6)]
    with crew("writer.py", arguments) as members:
        for member in members:
            assert member.stdin is not None
            member.stdin.write("go\n")
            member.stdin.flush()
        reports = [member.stdout.readline() for member in members if member.stdout]
    assert all(report.startswith('{"outcomes"') for report in reports)
    async with open_store(settings_of(own_home), name="test") as store:
        found = await store.database.command("FT._LIST")
        assert [name.decode() for name in found] == [INDEX_NAME]
        assert int((await index.index_info(store.database))["num_docs"]) == 200


async def test_opening_a_store_again_keeps_its_identity(settings: Any, store: Store) -> None:
    assert store.identity == Identity(embedding_model="local/all-MiniLM-L6-v2", dim=384)
    first, second = await asyncio.gather(*(index.read_identity(store.database) for _ in range(2)))
    assert first == second == store.identity
    async with open_store(settings, name="test") as again:
        assert again.identity == store.identity


async def test_a_store_of_another_model_is_refused_with_the_way_out(store: Store) -> None:
    with pytest.raises(InvalidInput, match="export, start a new store"):
        await index.ensure(store.database, Identity(embedding_model="openai/other", dim=1536))


async def test_a_store_keeps_the_model_that_it_was_made_with(own_home: Home) -> None:
    asked = settings_of(own_home, models=ModelSettings(embedding_model="openai/one"), models_given=True)
    async with open_store(asked, name="test") as store:
        assert store.identity == Identity(embedding_model="openai/one", dim=None)
        assert VECTOR not in await index.index_fields(store.database)
        await index.add_vectors(store.database, 8)
        await index.add_vectors(store.database, 8)
        assert VECTOR in await index.index_fields(store.database)
    async with open_store(settings_of(own_home), name="test") as store:
        assert store.identity == Identity(embedding_model="openai/one", dim=8)
    other = replace(asked, models=ModelSettings(embedding_model="openai/two"))
    async with open_store(other, name="test") as store:
        assert store.identity.embedding_model == "openai/one"
        (difference,) = store.configuration.differences(other.models)
        assert "openai/two" in difference


async def test_memories_written_before_the_index_knows_vectors_wait_for_them(own_home: Home) -> None:
    asked = settings_of(own_home, models=ModelSettings(embedding_model="openai/one"), models_given=True)
    async with open_service(asked) as service:
        await stored(service, Scope(), "green tea")
        stats = await service.stats(Scope())
        assert (stats["memories"], stats["without_vector"], stats["index_failures"]) == (1, 1, 0)


async def test_a_vector_of_the_wrong_size_is_noticed(own_home: Home) -> None:
    """RediSearch drops the whole record from the index without an error: only a counter tells."""
    async with open_store(settings_of(own_home), name="test") as store, open_service(settings_of(own_home)) as service:
        memory_id = await stored(service, Scope(), "green tea")
        assert (await service.stats(Scope()))["index_failures"] == 0
        await store.database.command("HSET", keys.ScopeKeys(Scope()).record(memory_id), VECTOR, b"short")
        assert (await service.stats(Scope()))["index_failures"] == 1


async def test_a_redis_without_search_is_refused_with_what_to_do(own_home: Home) -> None:
    """As the server of a cloud without modules answers."""
    async with open_store(settings_of(own_home), name="test") as store:

        class WithoutSearch(Database):
            async def command(self, *command: Any) -> Any:
                if str(command[0]).startswith("FT."):
                    return await super().command("NO" + str(command[0]))
                return await super().command(*command)

        bare = WithoutSearch(store.database.pool, where="localhost:6379", settles=False)
        with pytest.raises(Unavailable, match="docker run"):
            await index.ensure(bare, store.identity)


class _Users(Database):
    """A Redis of the user's that answers as told; what it is not told about it refuses, as managed ones do."""

    def __init__(self, **answers: Any) -> None:
        super().__init__(url_pool("redis://localhost:1", name="test"), where="localhost:1", settles=False)
        self._answers = answers

    async def command(self, *command: Any) -> Any:
        answer = self._answers.get(command[0].lower())
        if answer is None:
            raise Internal("Redis at localhost:1 refused a command: unknown command")
        return answer


def _info(**fields: Any) -> dict[str, Any]:
    return {"cluster_enabled": 0, "aof_enabled": 1, "maxmemory_policy": "noeviction"} | fields


SEARCH = [[b"name", b"search", b"ver", 80200]]


@pytest.mark.parametrize(
    ("enabled", "version", "accepted"), [(1, 21005, False), (1, 80200, True), (0, 21005, True), (1, 0, False)]
)
async def test_a_cluster_that_answers_from_one_shard_is_refused(enabled: int, version: int, accepted: bool) -> None:
    module = [[b"name", b"search", b"ver", version]]
    database = _Users(info=_info(cluster_enabled=enabled), module=module, config=[b"save", b""])
    if accepted:
        assert await index.check_server(database) == []
    else:
        with pytest.raises(Unavailable, match="one shard only"):
            await index.check_server(database)


@pytest.mark.parametrize(
    ("info", "saves", "told"),
    [
        (_info(), b"", []),
        (_info(aof_enabled=0), b"3600 1", ["no append-only file"]),
        (_info(aof_enabled=0), b"", ["no persistence"]),
        (_info(maxmemory_policy="allkeys-lru"), b"", ["evicted"]),
    ],
)
async def test_what_is_wrong_with_a_redis_of_the_users_is_told(
    info: dict[str, Any], saves: bytes, told: list[str]
) -> None:
    problems = await index.check_server(_Users(info=info, module=SEARCH, config=[b"save", saves]))
    assert len(problems) == len(told)
    assert all(word in problem for word, problem in zip(told, problems, strict=True))


async def test_a_managed_redis_that_hides_its_configuration_can_be_used() -> None:
    assert await index.check_server(_Users(info=_info(), module=SEARCH)) == []
    assert await index.check_server(_Users(info=_info(), module=SEARCH, config=[])) == []


def test_a_pool_of_the_embedded_store_hides_its_password() -> None:
    pool = embedded_pool("/tmp/x.sock", "s3cret", ensure=lambda: None, name="test")
    database = Database(pool, where="the data folder /x", settles=True)
    assert "s3cret" not in f"{database!r} {database.where}"
