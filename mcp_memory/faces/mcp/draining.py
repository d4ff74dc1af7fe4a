"""Answer what was asked before the host closed stdin.

The SDK cancels running calls at the end of its input. A call that was sent is worth its answer: a last `remember`
of a host that quits, or requests piped in by a script. So the end is held back until every request is answered,
for a limited time; a signal does not wait for it.
"""

import asyncio
import contextvars
from types import TracebackType

from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId

DRAINING_SECONDS = 5.0
"""Longer than any call but the first of a new store; a host that waits less sends SIGTERM."""

Item = SessionMessage | Exception


class Unanswered:
    """The requests of one connection that were read and not yet answered."""

    def __init__(self, *, patience_s: float = DRAINING_SECONDS) -> None:
        self._patience_s = patience_s
        self._ids: set[RequestId] = set()
        self._none = asyncio.Event()
        self._none.set()

    def read(self, item: Item) -> None:
        """A message came in."""
        if isinstance(item, Exception):
            return
        match item.message:
            # A stream of notices has no answer before its end.
            case JSONRPCRequest(id=request_id, method=method) if method != "subscriptions/listen":
                self._ids.add(request_id)
                self._none.clear()
            case JSONRPCNotification(
                method="notifications/cancelled", params={"requestId": int() | str() as cancelled}
            ):
                self._answered(cancelled)
            case _:
                pass

    def written(self, item: SessionMessage) -> None:
        """A message went out."""
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._answered(item.message.id)

    def _answered(self, request_id: RequestId | None) -> None:
        self._ids.discard("" if request_id is None else request_id)
        if not self._ids:
            self._none.set()

    async def settled(self) -> None:
        """Wait until there are none, or the time is over."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._none.wait()
        except TimeoutError:
            return


class Reads:
    """The messages of a host; the end comes when all of them are answered."""

    def __init__(self, inner: ReadStream[Item], unanswered: Unanswered) -> None:
        self._inner = inner
        self._unanswered = unanswered

    @property
    def last_context(self) -> contextvars.Context | None:
        """What the SDK passes on from the transport to the handler."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Item:
        item = await self._inner.receive()
        self._unanswered.read(item)
        return item

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> "Reads":
        return self

    async def __anext__(self) -> Item:
        try:
            item = await self._inner.__anext__()
        except StopAsyncIteration:
            await self._unanswered.settled()
            raise
        self._unanswered.read(item)
        return item

    async def __aenter__(self) -> "Reads":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Writes:
    """The messages to a host, with a note of what they answer."""

    def __init__(self, inner: WriteStream[SessionMessage], unanswered: Unanswered) -> None:
        self._inner = inner
        self._unanswered = unanswered

    async def send(self, item: SessionMessage) -> None:
        await self._inner.send(item)
        self._unanswered.written(item)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> "Writes":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()
