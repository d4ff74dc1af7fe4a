"""Subscribers hear what changed in the scope, in both eras; nobody else does, and nothing is left behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from mcp_memory.errors import Unavailable
from mcp_memory.faces.mcp.server import MemoryServer, build
from mcp_memory.records import Scope
from mcp_memory.service import Change
from mcp_memory.settings import Settings

from .fake import FakeService, FakeServices

OTHER = Scope(user_id="other")


class Notices:
    """What a client of the handshake era was told, in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.queue.put_nowait(message.params.uri)

    async def next(self) -> str:
        return await asyncio.wait_for(self.queue.get(), 5)


async def subscribe(client: Client, uri: str) -> None:
    """As a host of the handshake era does (the SDK's own method warns that this era ends)."""
    await client.session.send_request(SubscribeRequest(params=SubscribeRequestParams(uri=uri)), EmptyResult)


async def unsubscribe(client: Client, uri: str) -> None:
    await client.session.send_request(UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri)), EmptyResult)


@asynccontextmanager
async def subscribed(server: MemoryServer, *uris: str) -> AsyncGenerator[tuple[Client, Notices]]:
    notices = Notices()
    async with Client(server, mode="legacy", message_handler=notices) as client:
        for uri in uris:
            await subscribe(client, uri)
        yield client, notices


async def test_a_subscriber_hears_of_a_change_by_a_tool(server: MemoryServer) -> None:
    async with subscribed(server, "memory://recent") as (client, notices):
        await client.call_tool("remember", {"memories": ["likes tea"]})
        assert await notices.next() == "memory://recent"


async def test_a_subscriber_hears_of_a_change_by_another_process(server: MemoryServer, service: FakeService) -> None:
    async with subscribed(server, "memory://sessions/a%7Cb", "memory://sessions") as (_, notices):
        service.tell(Scope(), "session", "a|b")
        assert {await notices.next(), await notices.next()} == {"memory://sessions/a%7Cb", "memory://sessions"}


async def test_a_notice_names_the_resource_as_the_client_spelt_it(server: MemoryServer, service: FakeService) -> None:
    async with subscribed(server, "memory://memories/a|b") as (_, notices):
        service.tell(Scope(), "memory", "a|b")
        assert await notices.next() == "memory://memories/a|b"


async def test_a_change_in_another_scope_or_of_another_memory_is_not_told(
    server: MemoryServer, service: FakeService
) -> None:
    async with subscribed(server, "memory://memories/m1") as (_, notices):
        service.tell(OTHER, "memory", "m1")
        service.tell(Scope(), "memory", "m2")
        service.tell(Scope(), "session", "m1")
        service.tell(Scope(), "memory", "m1")
        assert await notices.next() == "memory://memories/m1"
        assert notices.queue.empty()


async def test_after_unsubscribing_there_are_no_more_notices(server: MemoryServer, service: FakeService) -> None:
    async with subscribed(server, "memory://recent", "memory://stats") as (client, notices):
        await unsubscribe(client, "memory://recent")
        await unsubscribe(client, "memory://never")
        service.tell(Scope(), "memory", "m1")
        assert await notices.next() == "memory://stats"
        assert notices.queue.empty()
        await unsubscribe(client, "memory://stats")
        assert service.listeners == []


async def test_a_client_that_leaves_leaves_nothing_behind(server: MemoryServer, service: FakeService) -> None:
    async with subscribed(server, "memory://recent"), subscribed(server, "memory://recent", "memory://stats"):
        assert len(service.listeners) == 1
    assert service.listeners == []


async def test_one_client_leaving_does_not_end_the_notices_of_another(
    server: MemoryServer, service: FakeService
) -> None:
    async with subscribed(server, "memory://recent") as (_, notices):
        async with subscribed(server, "memory://recent"):
            pass
        service.tell(Scope(), "memory", "m1")
        assert await notices.next() == "memory://recent"


UNKNOWN = ["memory://nothing", "memory://memories/", "memory://sessions/a/b", "file:///etc/passwd", ""]


@pytest.mark.parametrize("uri", UNKNOWN)
async def test_what_is_no_resource_cannot_be_subscribed_to(
    server: MemoryServer, service: FakeService, uri: str
) -> None:
    async with Client(server, mode="legacy") as client:
        with pytest.raises(MCPError) as caught:
            await subscribe(client, uri)
    assert caught.value.code == INVALID_PARAMS
    async with Client(server) as client:
        with pytest.raises(MCPError) as caught:
            await listen(client, "memory://recent", uri)
    assert caught.value.code == INVALID_PARAMS
    assert service.listeners == []


async def test_a_listener_of_the_newer_era_hears_of_changes(server: MemoryServer, service: FakeService) -> None:
    async with Client(server) as client:
        async with client.listen(resource_subscriptions=["memory://memories/a|b", "memory://stats"]) as events:
            service.tell(OTHER, "memory", "a|b")
            service.tell(Scope(), "memory", "a|b")
            heard = {(await asyncio.wait_for(anext(events), 5)) for _ in range(2)}
        assert heard == {ResourceUpdated(uri="memory://memories/a|b"), ResourceUpdated(uri="memory://stats")}
        await gone(service)


async def test_two_listeners_have_streams_of_their_own(server: MemoryServer, service: FakeService) -> None:
    async with Client(server) as first, Client(server) as second:  # noqa: SIM117 (one line would hide the streams)
        async with second.listen(resource_subscriptions=["memory://recent"]) as staying:
            await listen(first, "memory://recent")
            service.tell(Scope(), "memory", "m1")
            assert await asyncio.wait_for(anext(staying), 5) == ResourceUpdated(uri="memory://recent")
    await gone(service)


async def test_listening_for_lists_alone_needs_no_memory(settings: Settings) -> None:
    server = build(settings, FakeServices(error=Unavailable("Redis does not answer")))
    async with Client(server) as client, client.listen(resources_list_changed=True):
        pass


async def listen(client: Client, *uris: str) -> None:
    async with client.listen(resource_subscriptions=list(uris)):
        pass


@pytest.mark.parametrize(("era", "ask"), [("auto", listen), ("legacy", subscribe)])
async def test_subscribing_says_when_the_memory_is_out_of_reach(settings: Settings, era: str, ask: Any) -> None:
    server = build(settings, FakeServices(error=Unavailable("Redis does not answer")))
    async with Client(server, mode=era) as client:
        with pytest.raises(MCPError, match="unavailable: Redis does not answer"):
            await ask(client, "memory://recent")


async def test_notices_go_on_after_redis_was_away_and_the_gap_is_told(settings: Settings) -> None:
    class Broken(FakeService):
        """Loses its first subscription when it is told to."""

        def __init__(self) -> None:
            super().__init__()
            self.lost = asyncio.Event()

        @asynccontextmanager
        async def changes(self, scope: Scope) -> AsyncGenerator[AsyncIterator[Change]]:
            if not self.lost.is_set():
                yield self._lose()
                return
            async with super().changes(scope) as changes:
                yield changes

        async def _lose(self) -> AsyncIterator[Change]:
            await self.lost.wait()
            raise Unavailable("Redis went away")
            yield  # a generator like the others

    service = Broken()
    async with subscribed(build(settings, FakeServices(service)), "memory://recent") as (_, notices):
        service.lost.set()
        assert await notices.next() == "memory://recent"
        await until(lambda: bool(service.listeners))
        service.tell(Scope(), "memory", "m1")
        assert await notices.next() == "memory://recent"


async def test_a_handshake_host_is_told_what_it_may_subscribe_to(server: MemoryServer) -> None:
    async with Client(server, mode="legacy") as client:
        resources = client.server_capabilities.resources
        assert resources is not None
        assert resources.subscribe is True
        # The list of resources is fixed: promising notices of its changes would be a lie.
        assert not resources.list_changed
        assert client.server_capabilities.completions is not None


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def gone(service: FakeService) -> None:
    """The newer era has no word for an ended stream: the server learns of it a moment later."""
    await until(lambda: service.listeners == [])
