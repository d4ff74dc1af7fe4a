"""A confirmed `forget` asks the person where the host can, in both eras of the protocol."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.types import ElicitRequestFormParams, ElicitResult, ErrorData

from mcp_memory.records import Scope

from .conftest import line
from .fake import FakeService

Connect = Callable[..., AbstractAsyncContextManager[Client]]

YES = ElicitResult(action="accept", content={"confirm": True})


class Person:
    """Answers questions, and keeps them."""

    def __init__(self, answer: ElicitResult | ErrorData) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def __call__(self, _: Any, params: Any) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        assert list(params.requested_schema["properties"]) == ["confirm"]
        self.questions.append(params.message)
        return self.answer


async def previewed(client: Client, *texts: str) -> str:
    await client.call_tool("remember", {"memories": list(texts)})
    preview = await client.call_tool("forget", {"query": "likes"})
    return preview.structured_content["confirm"]


async def test_the_person_is_asked_and_a_yes_forgets(connect: Connect, service: FakeService) -> None:
    person = Person(YES)
    async with connect(elicitation_callback=person) as client:
        token = await previewed(client, "likes tea", "likes\ncoffee")
        answer = await client.call_tool("forget", {"confirm": token})
    assert not answer.is_error, line(answer)
    assert len(answer.structured_content["forgotten"]) == 2
    assert service.memories == {}
    (question,) = person.questions
    assert question.startswith("Forget 2 memories?\n- likes tea (2")
    assert "likes coffee" in question


@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept", content={"confirm": False}),
        ElicitResult(action="accept", content={"confirm": "yes"}),
        ElicitResult(action="accept", content={}),
        ElicitResult(action="accept"),
    ],
    ids=["decline", "cancel", "no", "not a boolean", "empty", "no content"],
)
async def test_anything_but_a_yes_forgets_nothing(connect: Connect, service: FakeService, answer: ElicitResult) -> None:
    async with connect(elicitation_callback=Person(answer)) as client:
        token = await previewed(client, "likes tea")
        result = await client.call_tool("forget", {"confirm": token})
    assert result.is_error
    assert line(result).startswith("forbidden: the person did not agree; nothing was forgotten")
    assert len(service.memories) == 1


async def test_a_client_that_fails_to_ask_forgets_nothing(connect: Connect, service: FakeService) -> None:
    async with connect(elicitation_callback=Person(ErrorData(code=-32603, message="no window"))) as client:
        token = await previewed(client, "likes tea")
        try:
            result = await client.call_tool("forget", {"confirm": token})
        except MCPError:  # the client of the newer era stops by itself
            pass
        else:
            assert line(result).startswith("forbidden: ")
    assert len(service.memories) == 1


async def test_a_host_that_cannot_ask_needs_the_token_only(connect: Connect, service: FakeService) -> None:
    async with connect() as client:
        token = await previewed(client, "likes tea")
        assert not (await client.call_tool("forget", {"confirm": token})).is_error
    assert service.memories == {}
    assert "read_preview" not in [name for name, _ in service.calls[:-2]]


async def test_the_question_is_short_however_much_goes(connect: Connect) -> None:
    person = Person(YES)
    async with connect(elicitation_callback=person) as client:
        token = await previewed(client, *(f"likes {'very ' * 500}{number}" for number in range(40)))
        await client.call_tool("forget", {"confirm": token})
    (question,) = person.questions
    assert len(question) < 1_500
    assert "and 32 more" in question


async def test_an_unknown_token_is_not_asked_about(connect: Connect) -> None:
    person = Person(YES)
    async with connect(elicitation_callback=person) as client:
        result = await client.call_tool("forget", {"confirm": "unknown"})
    assert line(result).startswith("not_found: ")
    assert person.questions == []


async def test_ids_are_forgotten_without_a_question(connect: Connect, service: FakeService) -> None:
    person = Person(ElicitResult(action="decline"))
    async with connect(elicitation_callback=person) as client:
        await client.call_tool("remember", {"memories": [{"text": "likes tea", "id": "m1"}]})
        assert not (await client.call_tool("forget", {"ids": ["m1"]})).is_error
    assert person.questions == []


async def test_an_answer_to_another_question_does_not_count(connect: Connect, service: FakeService) -> None:
    """What is shown must be what is forgotten: when it changes meanwhile, the person is asked again."""
    scope = Scope()

    class Slow(Person):
        async def __call__(self, context: Any, params: Any) -> ElicitResult | ErrorData:
            if not self.questions:
                await service.edit_memory(scope, "m1", {"text": "likes something else"})
            return await super().__call__(context, params)

    person = Slow(YES)
    async with connect(elicitation_callback=person) as client:
        await client.call_tool("remember", {"memories": [{"text": "likes tea", "id": "m1"}]})
        preview = await client.call_tool("forget", {"query": "likes"})
        await client.call_tool("forget", {"confirm": preview.structured_content["confirm"]})
        newer_era = client.protocol_version >= "2026-07-28"
    assert len(person.questions) == (2 if newer_era else 1)
