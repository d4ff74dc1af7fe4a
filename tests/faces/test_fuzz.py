"""Whatever arguments come in, every tool answers: with JSON, or with one line under a known code."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.client import Client
from mcp.types import CallToolResult

from mcp_memory import errors
from mcp_memory.faces.arguments import MEMORY_FIELDS, MESSAGE_FIELDS
from mcp_memory.faces.mcp.schemas import TOOLS, argument_names
from mcp_memory.faces.mcp.server import MemoryServer, build
from mcp_memory.settings import Settings

from .conftest import ERAS, line
from .fake import FakeServices

CODES = "|".join(getattr(errors, name).code for name in errors.__all__ if name not in ("MemoryServerError", "Internal"))
ERROR = re.compile(rf"({CODES}): [^\n\r]+")

TEXT = st.text() | st.sampled_from(
    ["", "*", "auth0|42", "}", "{", "[1", "\0", "a\nb", "x" * 4_097, "2026-03-01", "null"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=12,
)


def plausible(name: str) -> st.SearchStrategy[Any]:
    """Values of the shape that an argument has, so that the checks behind the first are reached."""
    if name == "memories":
        return st.lists(item({"text": TEXT}, MEMORY_FIELDS), max_size=4)
    if name == "messages":
        turn = {"role": st.sampled_from(["user", "assistant"]), "content": TEXT}
        return st.lists(item(turn, MESSAGE_FIELDS), max_size=4)
    if name in {"topics", "entities", "ids"}:
        return st.lists(TEXT)
    return TEXT


@st.composite
def arguments(draw: st.DrawFn, tool: str) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(argument_names(TOOLS[tool])), unique=True, max_size=6))
    given_arguments = {name: draw(JSON | plausible(name)) for name in names}
    return given_arguments | draw(st.dictionaries(TEXT, JSON, max_size=1))


@st.composite
def item(draw: st.DrawFn, required: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(fields), unique=True, max_size=3))
    return {name: draw(JSON) for name in names} | {name: draw(strategy) for name, strategy in required.items()}


def check(answer: Any) -> None:
    assert isinstance(answer, CallToolResult)
    text = line(answer)
    if answer.is_error:
        assert ERROR.fullmatch(text), text
        assert len(text) <= 1_100
    else:
        assert json.loads(text) == answer.structured_content


def fresh() -> MemoryServer:
    return build(Settings(home=Path("/nowhere")), FakeServices())


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_arguments_are_answered(tool: str, data: st.DataObject) -> None:
    check(asyncio.run(asyncio.wait_for(fresh().call_tool(tool, data.draw(arguments(tool))), 5)))


@pytest.mark.parametrize("era", ERAS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_arguments_are_answered_over_the_wire(era: str, data: st.DataObject) -> None:
    async def play() -> None:
        async with Client(fresh(), mode=era) as client:
            for _ in range(3):
                tool = data.draw(st.sampled_from(list(TOOLS)))
                check(await asyncio.wait_for(client.call_tool(tool, data.draw(arguments(tool))), 5))

    asyncio.run(play())


@settings(max_examples=100, deadline=None)
@given(name=st.text(), uri=st.text())
def test_any_name_of_a_tool_or_resource_is_answered(name: str, uri: str) -> None:
    async def play() -> None:
        server = fresh()
        answer = await server.call_tool(name, {})
        assert isinstance(answer, CallToolResult)
        assert answer.is_error == (name not in TOOLS or bool(TOOLS[name].input_schema.get("required")))
        check(answer)

    asyncio.run(play())
