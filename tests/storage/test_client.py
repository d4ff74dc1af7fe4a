"""Redis that is down, slow, restarted or refuses: a clear error, never an empty answer, and no secret in it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError

from mcp_memory.app import open_service, open_store
from mcp_memory.embedded import Home
from mcp_memory.errors import Internal, NotFound, Unavailable
from mcp_memory.records import Query, Scope
from mcp_memory.service import MemoryService
from mcp_memory.settings import Secret
from mcp_memory.storage.client import Call, Database, Script, address, refused, url_pool
from tests.support import freeze_redis, kill_redis, memory, recalled, said, settings_of, stored

NOWHERE = "redis://ada:s3cret@127.0.0.1:1/0"


def calls(service: MemoryService, scope: Scope) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Everything that a face may call."""
    return {
        "remember": lambda: service.remember(scope, [memory("x")]),
        "recall": lambda: service.recall(Query(scope=scope, text="tea")),
        "recall by words": lambda: service.recall(Query(scope=scope, text="tea", mode="keyword")),
        "browse": lambda: service.recall(Query(scope=scope)),
        "get_memory": lambda: service.get_memory(scope, "x"),
        "history": lambda: service.history(scope, "x"),
        "edit_memory": lambda: service.edit_memory(scope, "x", {"pinned": True}),
        "forget": lambda: service.forget(scope, ["x"]),
        "preview_forget": lambda: service.preview_forget(scope, text="tea"),
        "preview of a session": lambda: service.preview_forget(scope, session_id="s"),
        "read_preview": lambda: service.read_preview(scope, "token"),
        "confirm_forget": lambda: service.confirm_forget(scope, "token"),
        "append_to_session": lambda: service.append_to_session(scope, "s", [said("x")]),
        "get_session": lambda: service.get_session(scope, "s"),
        "profile": lambda: service.profile(scope),
        "get_context": lambda: service.get_context(scope, query="tea", session_id="s"),
        "sessions": lambda: service.sessions(scope),
        "topics": lambda: service.topics(scope),
        "stats": lambda: service.stats(scope),
    }


async def test_a_redis_that_is_down_is_said_and_never_an_empty_answer(own_home: Home) -> None:
    """D6: in the predecessor an outage read as "not found", an empty list, or a healthy server."""
    from mcp_memory.embedded import running

    async with open_service(settings_of(own_home)) as setup:
        await stored(setup, Scope(), "green tea")
        endpoint = running(own_home)
        assert endpoint is not None
        url = Secret(f"unix://:{endpoint.password}@{endpoint.socket}")
        async with open_service(settings_of(own_home, redis_url=url)) as service:
            assert await recalled(service, Scope(), "tea") == ["green tea"]
            kill_redis(own_home)
            for name, call in calls(service, Scope()).items():
                with pytest.raises(Unavailable) as caught:
                    await call()
                assert endpoint.password not in str(caught.value), name
                assert caught.value.retryable, name


async def test_a_redis_that_cannot_be_reached_is_said_without_the_password(own_home: Home) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 does not answer") as caught:
        async with open_service(settings_of(own_home, redis_url=Secret(NOWHERE))):
            pass
    assert "s3cret" not in f"{caught.value} {caught.value!r}"


async def test_the_embedded_redis_is_started_again_by_the_call_that_misses_it(own_home: Home) -> None:
    async with open_service(settings_of(own_home)) as service:
        await stored(service, Scope(), "green tea")
        for number, (name, call) in enumerate(calls(service, Scope()).items()):
            kill_redis(own_home)
            with suppress(NotFound):  # of ids that do not exist, but nothing else
                await call()
            assert "green tea" in await recalled(service, Scope(), "tea"), (number, name)


async def test_scripts_that_redis_lost_are_loaded_again(own_home: Home) -> None:
    async with open_store(settings_of(own_home), name="test") as store, open_service(settings_of(own_home)) as service:
        for number in range(3):
            await stored(service, Scope(), f"fact {number}")
            await store.database.command("SCRIPT", "FLUSH")
        both = [memory(f"batch {number}") for number in range(30)]
        assert len(await service.remember(Scope(), both)) == 30
        await service.append_to_session(Scope(), "s", [said("turn")])
        assert (await service.stats(Scope()))["memories"] == 33


async def test_a_script_that_redis_loses_again_while_it_is_loaded_is_loaded_once_more(own_home: Home) -> None:
    """As when Redis is killed between the loading and the call."""
    async with open_store(settings_of(own_home), name="test") as store:

        class Forgetful(Database):
            losses = 2

            async def commands(self, commands: Any) -> Any:
                replies = await super().commands(commands)
                if commands and commands[0][:2] == ("SCRIPT", "LOAD") and self.losses:
                    self.losses -= 1
                    await super().commands([("SCRIPT", "FLUSH")])
                return replies

        database = Forgetful(store.database.pool, where="here", settles=False)
        replies = await database.run([Call(Script("return ARGV[1]"), (), (word,)) for word in ("one", "two")])
        assert replies == [b"one", b"two"]


async def test_the_error_of_one_script_is_raised_and_the_connection_stays_usable(own_home: Home) -> None:
    async with open_store(settings_of(own_home), name="test") as store:
        good, bad = Script("return 'fine'"), Script("return redis.call('HGET')")
        with pytest.raises(Internal):
            await store.database.run([Call(good, (), ()), Call(bad, (), ()), Call(good, (), ())])
        assert await store.database.run([Call(good, (), ())] * 2) == [b"fine", b"fine"]


async def test_a_frozen_redis_makes_a_search_wait_and_not_fail(own_home: Home) -> None:
    async with open_service(settings_of(own_home)) as service:
        await stored(service, Scope(), "green tea")
        thaw = freeze_redis(own_home)
        waiting = asyncio.ensure_future(recalled(service, Scope(), "tea"))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        thaw()
        assert not done
        assert await waiting == ["green tea"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # redis-py gives some of Redis's words a class and takes them out of the text.
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), Unavailable),
        (ReadOnlyError("You can't write against a read only replica."), Unavailable),
        (NoPermissionError("this user has no permissions to run the 'hset' command"), Unavailable),
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'."), Unavailable),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), Unavailable),
        (ResponseError("memories: no such index"), Unavailable),
        (ResponseError("Timeout limit was reached"), Unavailable),
        (ResponseError("WRONGTYPE Operation against a key holding s3cret"), Internal),
    ],
)
def test_a_refusal_of_redis_becomes_an_error_that_says_what_to_do(error: ResponseError, expected: type) -> None:
    meant = refused(error, "here")
    assert isinstance(meant, expected)
    assert len(str(meant)) < 200


async def test_a_redis_out_of_memory_says_so_and_keeps_what_it_has(own_home: Home) -> None:
    async with open_store(settings_of(own_home), name="test") as store, open_service(settings_of(own_home)) as service:
        await stored(service, Scope(), "green tea")
        await store.database.command("CONFIG", "SET", "maxmemory", 1)
        with pytest.raises(Unavailable, match="takes no writes"):
            await service.remember(Scope(), [memory("coffee")])
        with pytest.raises(Unavailable, match="takes no writes"):
            await service.append_to_session(Scope(), "s", [said("coffee")])
        assert await recalled(service, Scope(), "tea coffee", min_score=0) == ["green tea"]
        await store.database.command("CONFIG", "SET", "maxmemory", 0)
        assert not (await service.get_session(Scope(), "s")).exists


async def test_a_lost_index_is_said_and_not_an_empty_answer(own_home: Home) -> None:
    async with open_store(settings_of(own_home), name="test") as store, open_service(settings_of(own_home)) as service:
        await stored(service, Scope(), "green tea")
        await store.database.command("FT.DROPINDEX", "memories:v1")
        with pytest.raises(Unavailable, match="index is missing"):
            await recalled(service, Scope(), "tea")
    async with open_service(settings_of(own_home)) as service:
        assert await _until_indexed(service) == ["green tea"]


async def _until_indexed(service: MemoryService) -> list[str]:
    """RediSearch fills a new index in the background."""
    for _ in range(500):
        texts = await recalled(service, Scope(), "tea")
        if texts:
            return texts
        await asyncio.sleep(0.01)
    return []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://ada:s3cret@example.org:7000/2", "example.org:7000"),
        ("rediss://:s3cret@example.org", "example.org:6379"),
        ("unix://ada:s3cret@/var/run/redis.sock?db=1", "/var/run/redis.sock"),
        ("redis://localhost", "localhost:6379"),
    ],
)
def test_an_address_shows_where_and_not_who(url: str, shown: str) -> None:
    assert address(url) == shown


async def test_wrong_passwords_are_said(own_home: Home) -> None:
    from mcp_memory.embedded import running

    async with open_store(settings_of(own_home), name="test"):
        endpoint = running(own_home)
        assert endpoint is not None
        database = Database(url_pool(f"unix://:wrong@{endpoint.socket}", name="t"), where="here", settles=False)
        with pytest.raises(Unavailable, match="refuses the password"):
            await database.command("PING")
        await database.close()


async def test_a_blocking_pop_gives_what_comes_and_none_when_the_time_is_over(own_home: Home) -> None:
    async with open_store(settings_of(own_home), name="test") as store:
        async with store.database.blocking() as pop:
            assert await pop(["mem:q:test"], 0.01) is None
            waiting = asyncio.ensure_future(pop(["mem:q:test"], 30))
            await store.database.command("RPUSH", "mem:q:test", "x")
            assert await waiting == (b"mem:q:test", b"x")
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.05), store.database.blocking() as pop:
                await pop(["mem:q:test"], 30)
        # The broken-off pop leaves no reply for the next command.
        await store.database.command("RPUSH", "mem:q:test", "late")
        assert await store.database.command("PING") in (b"PONG", True)
