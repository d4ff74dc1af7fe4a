"""Change notices: subscribers hear what changed in the scope, whichever process changed it.

Both eras: `resources/subscribe` of the handshake era, and `subscriptions/listen` of 2026-07-28. One task
follows the service's changes while somebody is subscribed, and only then.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from mcp_memory.errors import MemoryServerError
from mcp_memory.faces.mcp import answers
from mcp_memory.faces.mcp.resources import Address, parse
from mcp_memory.faces.mcp.services import Services
from mcp_memory.records import Scope

if TYPE_CHECKING:
    from mcp_memory.service import Change

log = logging.getLogger(__name__)

SEND_SECONDS = 5.0
"""A client that has not taken a notice by then does not read; the others must not wait for it."""
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.25, 30.0
"""Between attempts to follow the changes again after Redis went away."""
MOST_SUBSCRIPTIONS = 1_000
"""Resources that one connection may subscribe to: far more than a host shows."""


@dataclass(slots=True)
class Subscriber:
    """A client of the handshake era: the URIs as it spelt them, each with what it names."""

    connection: Connection
    uris: dict[str, Address] = field(default_factory=dict[str, Address])


class Changes:
    """The subscriptions of all connections of one server, and the task that serves them."""

    def __init__(self, services: Services, scope: Scope) -> None:
        self._services = services
        self._scope = scope
        self._subscribers: dict[Connection, Subscriber] = {}
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus)
        self._listened: dict[Address, Counter[str]] = {}
        self._follower: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    async def subscribe(self, context: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        """Handshake era: tell this connection when the resource changes.

        Raises:
            MCPError: not a resource of ours, too many subscriptions, or the memory is out of reach.
        """
        address = _address(params.uri)
        connection = _connection(context)
        subscriber = self._subscribers.get(connection)
        if subscriber is not None and len(subscriber.uris) >= MOST_SUBSCRIPTIONS:
            raise MCPError(code=INVALID_PARAMS, message=f"more than {MOST_SUBSCRIPTIONS:,} subscriptions")
        if subscriber is None:
            subscriber = self._subscribers[connection] = Subscriber(connection)
            connection.exit_stack.push_async_callback(self._leave, connection)
        subscriber.uris[params.uri] = address
        try:
            await self._follow()
        except MCPError:
            await self._drop(subscriber, params.uri)
            raise
        return EmptyResult()

    async def unsubscribe(
        self, context: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Handshake era: no more notices of this resource. Not having subscribed is no error."""
        subscriber = self._subscribers.get(_connection(context))
        if subscriber is not None:
            await self._drop(subscriber, params.uri)
        return EmptyResult()

    async def listen(
        self, context: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Era of 2026-07-28: a stream of notices until the client closes it.

        Raises:
            MCPError: a URI that is no resource of ours, or the memory is out of reach.
        """
        uris = list(dict.fromkeys(params.notifications.resource_subscriptions or ()))
        if len(uris) > MOST_SUBSCRIPTIONS:
            raise MCPError(code=INVALID_PARAMS, message=f"more than {MOST_SUBSCRIPTIONS:,} subscriptions")
        wanted = [(_address(uri), uri) for uri in uris]
        for address, uri in wanted:
            self._listened.setdefault(address, Counter())[uri] += 1
        try:
            if wanted:
                await self._follow()
            return await self._listen(context, params)
        finally:
            for address, uri in wanted:
                self._unlisten(address, uri)
            await asyncio.shield(self._stop_if_idle())

    def _unlisten(self, address: Address, uri: str) -> None:
        spellings = self._listened[address]
        spellings[uri] -= 1
        if spellings[uri] == 0:
            del spellings[uri]
        if not spellings:
            del self._listened[address]

    async def _drop(self, subscriber: Subscriber, uri: str) -> None:
        subscriber.uris.pop(uri, None)
        await self._stop_if_idle()

    async def _leave(self, connection: Connection) -> None:
        self._subscribers.pop(connection, None)
        await self._stop_if_idle()

    async def _follow(self) -> None:
        """Have the task run, and wait until nothing that changes from now on is missed."""
        try:
            await self._services.get()
        except MemoryServerError as error:
            raise MCPError(code=INTERNAL_ERROR, message=answers.error_line(error)) from None
        if self._follower is None:
            self._settled.clear()
            self._follower = asyncio.create_task(self._run(), name="change notices")
        await self._settled.wait()

    async def _stop_if_idle(self) -> None:
        follower = self._follower
        if follower is None or self._listened or any(one.uris for one in self._subscribers.values()):
            return
        self._follower = None
        follower.cancel()
        await asyncio.wait([follower])

    async def _run(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            try:
                async for change in self._changes():
                    delay = FIRST_DELAY_SECONDS
                    await self._publish(touched(change))
            except MemoryServerError as error:
                log.warning("changes are not heard for now: %s", answers.error_line(error))
            except Exception:
                log.exception("changes are not heard for now")
            self._settled.set()
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            # What happened meanwhile is not known: anything may have changed.
            await self._publish({*self._listened, *(a for s in self._subscribers.values() for a in s.uris.values())})

    async def _changes(self) -> "AsyncGenerator[Change]":
        service = await self._services.get()
        async with service.changes(self._scope) as changes:
            self._settled.set()
            async for change in changes:
                yield change

    async def _publish(self, addresses: Iterable[Address]) -> None:
        """Tell everybody who subscribed to one of them, in their own spelling."""
        changed = frozenset(addresses)
        for address in changed:
            for uri in list(self._listened.get(address, ())):
                await self._bus.publish(ResourceUpdated(uri=uri))
        for subscriber in list(self._subscribers.values()):
            for uri in [uri for uri, address in subscriber.uris.items() if address in changed]:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SEND_SECONDS):
                        await subscriber.connection.send_resource_updated(uri)


def touched(change: "Change") -> set[Address]:
    """The resources that show what changed."""
    if change.kind == "session":
        return {Address("session", change.id), Address("sessions"), Address("stats")}
    return {Address("memory", change.id), Address("profile"), Address("recent"), Address("stats")}


def _address(uri: str) -> Address:
    address = parse(uri)
    if address is None:
        raise MCPError(code=INVALID_PARAMS, message=f"Unknown resource: {uri[:200]}", data={"uri": uri})
    return address


def _connection(context: ServerRequestContext[Any, Any]) -> Connection:
    # The SDK has no public way to the connection, and only it lives as long as a subscription does.
    return context.session._connection  # pyright: ignore[reportPrivateUsage]
