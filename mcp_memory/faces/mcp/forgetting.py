"""Asking the person before a confirmed `forget`, where the host can ask; both eras of the protocol.

The handshake era sends the question while the call waits. The era of 2026-07-28 answers the call with the
question; the client repeats the call with the person's answer and the state we gave it (which the SDK seals).
"""

import asyncio
import hashlib
import logging
from typing import Any

from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_memory.errors import Forbidden
from mcp_memory.faces.fields import one_line
from mcp_memory.faces.render import clipped, what_goes
from mcp_memory.records import Memory, Preview

log = logging.getLogger(__name__)

ANSWER_KEY = "confirm_forget"
LISTED = 8
"""Memories named in the question: what a person reads; the rest is counted."""
LINE_CHARACTERS = 120
PATIENCE_SECONDS = 600.0
"""As long as the token lives: a person who has not answered by then has gone."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "confirm": {
            "type": "boolean",
            "title": "Forget these",
            "description": "They are not found any more, and not learnt again from old messages.",
        }
    },
    "required": ["confirm"],
}


def can_ask(context: "Context[Any, Any] | None") -> bool:
    """Whether the host says that it can put a form before the person, and can be reached to do so."""
    if context is None or context.client_capabilities is None:
        return False
    elicitation = context.client_capabilities.elicitation
    # A bare `elicitation: {}` is the form of the time before there were modes.
    forms = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return forms and (_is_modern(context) or context.session.can_send_request)


async def ask(context: "Context[Any, Any] | None", preview: Preview) -> InputRequiredResult | None:
    """Ask the person; None means yes. A result is the question, to be handed to the client.

    Raises:
        Forbidden: the person said no, or nobody answered.
    """
    if context is None:
        return None
    request = ElicitRequest(params=ElicitRequestFormParams(message=question(preview), requested_schema=SCHEMA))
    if _is_modern(context):
        return _by_retry(context, request)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await context.session.elicit_form(request.params.message, SCHEMA, context.request_id)
    except TimeoutError:
        raise _refused("the person did not answer") from None
    except (MCPError, ValidationError) as error:
        log.warning("the client could not ask: %s", type(error).__name__)
        raise _refused("the host could not ask the person") from None
    _check(answer)
    return None


def _by_retry(context: "Context[Any, Any]", request: ElicitRequest) -> InputRequiredResult | None:
    """The question, or None when this call is the retry that carries the answer to this very question."""
    asked = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
    answer = (context.input_responses or {}).get(ANSWER_KEY)
    if answer is None or context.request_state != asked:
        return InputRequiredResult(input_requests={ANSWER_KEY: request}, request_state=asked)
    if not isinstance(answer, ElicitResult):
        raise _refused("the host sent another kind of answer")
    _check(answer)
    return None


def question(preview: Preview) -> str:
    """What the person reads: the same words for the same preview, of bounded length."""
    lines = [f"Forget {what_goes(preview) or 'nothing'}?"]
    lines += [f"- {_line(memory)}" for memory in preview.hits[:LISTED]]
    if len(preview.hits) > LISTED:
        lines.append(f"and {len(preview.hits) - LISTED} more")
    return "\n".join(lines)


def _line(memory: Memory) -> str:
    day = (memory.event_date or memory.created_at).date().isoformat()
    return f"{clipped(one_line(memory.text), LINE_CHARACTERS)} ({day})"


def _check(answer: ElicitResult) -> None:
    if answer.action != "accept" or (answer.content or {}).get("confirm") is not True:
        raise _refused("the person did not agree")


def _refused(why: str) -> Forbidden:
    return Forbidden(f"{why}; nothing was forgotten; leave it, unless the user asks for it again")


def _is_modern(context: "Context[Any, Any]") -> bool:
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS
