"""Prompts: what a person picks from a menu. And completions for what they type there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mcp import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from mcp_memory.errors import InvalidInput, MemoryServerError
from mcp_memory.faces import fields
from mcp_memory.faces.fields import Fields
from mcp_memory.faces.mcp import answers, guidance
from mcp_memory.faces.mcp.resources import dated_line
from mcp_memory.faces.mcp.services import Services
from mcp_memory.records import NAME_CHARACTERS, Query, Scope

TOPIC_CHARACTERS = 500
REVIEWED = 50
LONGEST_REVIEW_DAYS = 3_650
COMPLETIONS = 100
"""As many as the protocol allows in one answer."""

PROMPTS = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            name="recall_topic",
            title="Recall a topic",
            description="Tell me what you remember about something",
            arguments=[PromptArgument(name="topic", description="What about", required=True)],
        ),
        Prompt(
            name="remember_conversation",
            title="Remember this conversation",
            description="Store what is worth knowing from our conversation",
            arguments=[PromptArgument(name="focus", description="What matters most; everything if left out")],
        ),
        Prompt(
            name="review_memories",
            title="Review what was learnt lately",
            description="Go through the newest memories with me and mend them",
            arguments=[PromptArgument(name="days", description="How many days back; 7 if left out")],
        ),
        Prompt(
            name="forget_topic",
            title="Forget a topic",
            description="Forget what is remembered about something, after showing it to me",
            arguments=[PromptArgument(name="topic", description="What to forget", required=True)],
        ),
    )
}


class Prompts:
    """Fills prompts with what is remembered in one scope."""

    def __init__(self, services: Services, scope: Scope) -> None:
        self._services = services
        self._scope = scope

    async def get(self, name: str, raw: Mapping[str, str]) -> GetPromptResult:
        """The prompt, filled in.

        Raises:
            MCPError: a wrong argument, or the memory is out of reach; the message is one line for a person.
        """
        prompt = PROMPTS[name]
        try:
            given = Fields(raw, known=[argument.name for argument in prompt.arguments or []])
            text = await self._text(name, given)
        except MemoryServerError as error:
            code = INVALID_PARAMS if isinstance(error, InvalidInput) else INTERNAL_ERROR
            raise MCPError(code=code, message=answers.error_line(error)) from None
        message = PromptMessage(role="user", content=TextContent(type="text", text=text))
        return GetPromptResult(description=prompt.description, messages=[message])

    async def _text(self, name: str, given: Fields) -> str:
        short = fields.text(TOPIC_CHARACTERS)
        match name:
            case "recall_topic":
                topic = given.required("topic", short)
                service = await self._services.get()
                block = await service.get_context(self._scope, query=topic)
                return guidance.RECALL_TOPIC.format(topic=topic, found=block.context or guidance.NOTHING_FOUND)
            case "remember_conversation":
                focus = given.read("focus", fields.text(TOPIC_CHARACTERS, blank=True), "").strip()
                wanted = f" What matters most to me: {focus}" if focus else ""
                return guidance.REMEMBER_CONVERSATION.format(focus=wanted)
            case "review_memories":
                days = given.read("days", _days, 7)
                return guidance.REVIEW_MEMORIES.format(days=days, found=await self._learnt(days))
            case _:
                return guidance.FORGET_TOPIC.format(topic=given.required("topic", short))

    async def _learnt(self, days: int) -> str:
        service = await self._services.get()
        newest = await service.recall(Query(scope=self._scope, limit=REVIEWED, memory_type=("semantic", "episodic")))
        since = datetime.now(UTC) - timedelta(days=days)
        # Not the filter `after`: it is about when things happen, this is about when they were learnt.
        lines = [dated_line(hit.memory) for hit in newest.hits if hit.memory.created_at >= since]
        return answers.fenced_lines(lines) if lines else guidance.NOTHING_NEW

    async def complete(self, params: CompleteRequestParams) -> CompleteResult:
        """Session ids and topics that begin with what was typed; nothing for other arguments.

        Raises:
            MCPError: the memory is out of reach.
        """
        argument, typed = params.argument.name, params.argument.value
        if argument not in {"topic", "session_id"} or len(typed) > NAME_CHARACTERS:
            return CompleteResult(completion=Completion(values=[]))
        try:
            service = await self._services.get()
            if argument == "topic":
                found = await service.topics(self._scope, limit=COMPLETIONS + 1, prefix=typed)
            else:
                sessions = await service.sessions(self._scope, limit=COMPLETIONS + 1, prefix=typed)
                found = [session.session_id for session in sessions]
        except MemoryServerError as error:
            raise MCPError(code=INTERNAL_ERROR, message=answers.error_line(error)) from None
        values = found[:COMPLETIONS]
        return CompleteResult(completion=Completion(values=values, has_more=len(found) > COMPLETIONS))


def _days(path: str, value: object) -> int:
    """A number of days; prompt arguments are text in the protocol."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LONGEST_REVIEW_DAYS:
        raise fields.refusal(path, value, f"a whole number of days from 1 to {LONGEST_REVIEW_DAYS:,}")
    return int(text)
