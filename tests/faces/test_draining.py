import asyncio

from mcp.shared.message import SessionMessage
from mcp.types import ErrorData, JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from mcp_memory.faces.mcp.draining import Unanswered


def request(request_id: int | str, method: str = "tools/call") -> SessionMessage:
    return SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=request_id, method=method))


async def settled(unanswered: Unanswered) -> bool:
    """Whether nothing is waited for."""
    waiting = asyncio.create_task(unanswered.settled())
    done, _ = await asyncio.wait([waiting], timeout=0.01)
    waiting.cancel()
    return bool(done)


async def test_a_request_is_waited_for_until_its_answer_or_error_is_written() -> None:
    unanswered = Unanswered()
    assert await settled(unanswered)
    unanswered.read(request(1))
    unanswered.read(request("a"))
    unanswered.written(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={})))
    assert not await settled(unanswered)
    unanswered.written(SessionMessage(JSONRPCError(jsonrpc="2.0", id="a", error=ErrorData(code=1, message="x"))))
    assert await settled(unanswered)


async def test_what_has_no_answer_is_not_waited_for() -> None:
    unanswered = Unanswered()
    unanswered.read(ValueError("a line that is no JSON"))
    unanswered.read(request(1, "subscriptions/listen"))
    unanswered.read(request(2))
    cancelled = {"requestId": 2}
    unanswered.read(
        SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=cancelled))
    )
    assert await settled(unanswered)


async def test_waiting_ends_by_itself() -> None:
    unanswered = Unanswered(patience_s=0.01)
    unanswered.read(request(1))
    await asyncio.wait_for(unanswered.settled(), 5)
