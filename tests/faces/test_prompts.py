from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference, TextContent

from mcp_memory.errors import Unavailable
from mcp_memory.faces.mcp.prompts import PROMPTS
from mcp_memory.faces.mcp.server import build
from mcp_memory.records import Scope
from mcp_memory.settings import Settings

from .fake import FakeService, FakeServices

Connect = Callable[..., AbstractAsyncContextManager[Client]]

COMPLETE: dict[str, dict[str, str]] = {
    "recall_topic": {"topic": "tea"},
    "remember_conversation": {},
    "review_memories": {},
    "forget_topic": {"topic": "tea"},
}


async def prompted(client: Client, name: str, **arguments: str) -> str:
    got = await client.get_prompt(name, arguments)
    (message,) = got.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_the_prompts_are_listed_with_their_arguments(connect: Connect) -> None:
    async with connect() as client:
        listed = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in listed] == list(COMPLETE)
    for prompt in listed:
        assert prompt.title
        assert prompt.description
        required = {argument.name for argument in prompt.arguments or [] if argument.required}
        assert required == set(COMPLETE[prompt.name])
        assert all(argument.description for argument in prompt.arguments or [])


@pytest.mark.parametrize("name", COMPLETE)
async def test_every_prompt_can_be_had_with_what_it_requires(connect: Connect, name: str) -> None:
    async with connect() as client:
        assert len(await prompted(client, name, **COMPLETE[name])) > 100


async def test_recalling_a_topic_brings_what_is_known_inside_the_fence(connect: Connect) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"memories": ["Ada likes tea"]})
        text = await prompted(client, "recall_topic", topic="tea")
        nothing = await prompted(client, "recall_topic", topic="coffee {found}")
    assert text.index("<memory>") < text.index("Ada likes tea") < text.index("</memory>")
    assert "Nothing is remembered" in nothing
    assert "coffee {found}" in nothing


async def test_a_review_shows_what_was_learnt_in_those_days(connect: Connect, service: FakeService) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"memories": [{"text": "fresh", "id": "m1"}, {"text": "stale", "id": "m2"}]})
        stale = service.memories[Scope(), "m2"]
        service.memories[Scope(), "m2"] = replace(stale, created_at=stale.created_at - timedelta(days=8))
        week = await prompted(client, "review_memories")
        month = await prompted(client, "review_memories", days="30")
    assert "fresh" in week
    assert "stale" not in week
    assert "stale" in month


async def test_the_focus_is_optional(connect: Connect) -> None:
    async with connect() as client:
        assert "What matters most" not in await prompted(client, "remember_conversation")
        assert "What matters most to me: my diet" in await prompted(client, "remember_conversation", focus="my diet")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("recall_topic", {}, "invalid_input: topic is missing"),
        ("recall_topic", {"topic": " "}, "invalid_input: topic=' '"),
        ("recall_topic", {"topic": "x", "tpic": "y"}, "did you mean topic?"),
        ("review_memories", {"days": "a week"}, "invalid_input: days='a week'; allowed: a whole number of days"),
        ("review_memories", {"days": "0"}, "days='0'"),
        ("review_memories", {"days": "9" * 400}, "days='9"),
        ("review_memories", {"days": "²"}, "days='²'"),
        ("recal_topic", {}, "Unknown prompt: recal_topic; allowed: recall_topic"),
    ],
)
async def test_a_wrong_prompt_is_refused_in_one_line(
    connect: Connect, name: str, arguments: dict[str, str], says: str
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.code == INVALID_PARAMS


async def test_a_memory_out_of_reach_is_said(settings: Settings) -> None:
    async with Client(build(settings, FakeServices(error=Unavailable("Redis does not answer")))) as client:
        with pytest.raises(MCPError, match="unavailable: Redis does not answer"):
            await client.get_prompt("recall_topic", {"topic": "x"})
        with pytest.raises(MCPError, match="unavailable: Redis does not answer"):
            await client.complete(PromptReference(name="recall_topic"), {"name": "topic", "value": ""})
        assert await prompted(client, "remember_conversation")


async def completed(client: Client, ref: Any, name: str, value: str) -> list[str]:
    return (await client.complete(ref, {"name": name, "value": value})).completion.values


async def test_topics_and_sessions_complete_what_was_typed(connect: Connect) -> None:
    template = ResourceTemplateReference(uri="memory://sessions/{session_id}")
    async with connect() as client:
        await client.call_tool("remember", {"memories": [{"text": "x", "topics": ["tea", "travel", "work"]}]})
        await client.call_tool("append_to_session", {"session_id": "a|1", "data": {}})
        for prompt in ("recall_topic", "forget_topic"):
            assert await completed(client, PromptReference(name=prompt), "topic", "t") == ["tea", "travel"]
        assert await completed(client, template, "session_id", "a") == ["a|1"]
        assert await completed(client, template, "session_id", "b") == []
        assert await completed(client, PromptReference(name="review_memories"), "days", "1") == []
        assert await completed(client, PromptReference(name="recall_topic"), "topic", "t" * 500) == []


async def test_at_most_a_hundred_completions_are_sent(connect: Connect, service: FakeService) -> None:
    async with connect() as client:
        for number in range(150):
            await client.call_tool("append_to_session", {"session_id": f"s{number}", "data": {}})
        answer = await client.complete(
            ResourceTemplateReference(uri="memory://sessions/{session_id}"), {"name": "session_id", "value": "s"}
        )
    assert len(answer.completion.values) == 100
    assert answer.completion.has_more is True


def test_the_names_of_prompts_fit_a_slash_command() -> None:
    assert all(name.replace("_", "").isalpha() and len(name) < 30 for name in PROMPTS)
