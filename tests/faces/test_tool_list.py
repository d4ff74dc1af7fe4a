"""What a host sees of the tools: the design's table, small, complete, and in step with the checks."""

import json
import re
from typing import Any

import pytest
from mcp.client import Client
from mcp.types import CallToolResult, ListToolsResult, Tool

from mcp_memory.faces import arguments
from mcp_memory.faces.mcp.guidance import INSTRUCTIONS
from mcp_memory.faces.mcp.schemas import NEW_MEMORY, NEW_MESSAGE, TOOLS
from mcp_memory.faces.mcp.server import MemoryServer
from mcp_memory.records import MEMORY_TYPES, MODES, ROLES, STRATEGIES
from mcp_memory.settings import Limits

from .conftest import ERAS, line

MOST_BYTES = 10_240

# design.md section 5: the arguments of each tool, with their defaults; `...` is required.
DESIGN: dict[str, dict[str, Any]] = {
    "remember": {"memories": ..., "session_id": None, "said_again": False},
    "recall": {
        "query": "",
        "limit": 8,
        "memory_type": None,
        "topics": None,
        "entities": None,
        "session_id": None,
        "after": None,
        "before": None,
        "as_of": None,
        "mode": "auto",
        "min_score": None,
        "max_tokens": None,
        "neighbours": 0,
        "explain": False,
        "cursor": None,
    },
    "get_memory": {"id": ..., "history": False},
    "edit_memory": {
        "id": ...,
        "text": None,
        "memory_type": None,
        "topics": None,
        "entities": None,
        "event_date": None,
        "pinned": None,
        "metadata": None,
        "session_id": None,
    },
    "forget": {"ids": None, "query": None, "session_id": None, "confirm": None},
    "append_to_session": {
        "session_id": ...,
        "messages": None,
        "data": None,
        "ttl_seconds": None,
        "strategy": None,
        "strategy_config": None,
    },
    "get_session": {"session_id": ..., "limit": 20, "max_tokens": None, "cursor": None},
    "get_context": {"query": None, "session_id": None, "max_tokens": 2000},
}
SCOPE = {"user_id": None, "namespace": None}


def declared(tool: Tool) -> dict[str, Any]:
    required = tool.input_schema.get("required", [])
    properties = tool.input_schema["properties"]
    return {name: ... if name in required else schema.get("default") for name, schema in properties.items()}


def every_schema(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    """A schema and all those inside it, with where they stand."""
    found = [(path, schema)]
    for name, inner in schema.get("properties", {}).items():
        found += every_schema(inner, f"{path}.{name}")
    if "items" in schema:
        found += every_schema(schema["items"], f"{path}[]")
    return found


EVERY_SCHEMA = [entry for tool in TOOLS.values() for entry in every_schema(tool.input_schema, tool.name)]


def test_the_tools_and_their_arguments_are_those_of_the_design() -> None:
    assert {name: declared(tool) for name, tool in TOOLS.items()} == {
        name: arguments | SCOPE for name, arguments in DESIGN.items()
    }


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_lists_them_in_that_order(server: MemoryServer, era: str) -> None:
    async with Client(server, mode=era) as client:
        listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == list(DESIGN)
    assert listed.next_cursor is None


def test_the_list_alone_is_small() -> None:
    # The line on the wire, with the envelope of each era, is measured on the real process (test_stdio.py).
    listed = ListToolsResult(tools=list(TOOLS.values()))
    dumped = listed.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert len(json.dumps(dumped, ensure_ascii=False, separators=(",", ":")).encode()) < MOST_BYTES - 300


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_every_tool_says_what_it_is_for_and_what_comes_back(tool: Tool) -> None:
    description = tool.description or ""
    assert 100 < len(description) < 500
    assert re.search(r"\b[Cc]all\b|only when", description)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_every_tool_is_annotated_in_full(tool: Tool) -> None:
    hints = tool.annotations
    assert hints is not None
    reads = tool.name in {"recall", "get_memory", "get_session", "get_context"}
    assert hints.read_only_hint is reads
    assert hints.destructive_hint is (tool.name in {"edit_memory", "forget"})
    assert hints.idempotent_hint is (tool.name != "append_to_session")
    assert hints.open_world_hint is False


@pytest.mark.parametrize(("path", "schema"), EVERY_SCHEMA, ids=[path for path, _ in EVERY_SCHEMA])
def test_every_schema_is_plain_enough_for_every_host(path: str, schema: dict[str, Any]) -> None:
    assert isinstance(schema["type"], str)
    assert not {"anyOf", "oneOf", "allOf", "$ref", "$defs", "not"} & schema.keys()
    if "properties" in schema:
        assert schema["additionalProperties"] is False
    if path not in TOOLS and not path.endswith("[]"):
        assert len(schema["description"]) >= 3


def test_choices_are_those_of_the_records() -> None:
    recall, append = TOOLS["recall"].input_schema["properties"], TOOLS["append_to_session"].input_schema["properties"]
    assert recall["mode"]["enum"] == list(MODES)
    assert recall["memory_type"]["items"]["enum"] == list(MEMORY_TYPES)
    assert append["strategy"]["enum"] == list(STRATEGIES)
    assert NEW_MESSAGE["properties"]["role"]["enum"] == list(ROLES)
    assert NEW_MEMORY["properties"]["memory_type"]["enum"] == list(arguments.WRITABLE_TYPES)


def test_items_have_the_fields_that_the_checks_know() -> None:
    assert tuple(NEW_MEMORY["properties"]) == arguments.MEMORY_FIELDS
    assert tuple(NEW_MESSAGE["properties"]) == arguments.MESSAGE_FIELDS


BASE: dict[str, dict[str, Any]] = {
    "remember": {"memories": ["x"]},
    "get_session": {"session_id": "s"},
    "append_to_session": {"session_id": "s", "data": {}},
}


def bounds() -> list[tuple[str, str, Any, bool]]:
    """Values at the edges of what the schemas allow, and just outside."""
    cases: list[tuple[str, str, Any, bool]] = []
    for tool in TOOLS.values():
        for name, schema in tool.input_schema["properties"].items():
            if "minimum" in schema:
                cases += [(tool.name, name, schema["minimum"], True), (tool.name, name, schema["minimum"] - 1, False)]
            if "maximum" in schema:
                cases += [(tool.name, name, schema["maximum"], True), (tool.name, name, schema["maximum"] + 1, False)]
            cases += [(tool.name, name, word, True) for word in schema.get("enum", []) if tool.name != "edit_memory"]
    return cases


@pytest.mark.parametrize(("tool", "name", "value", "allowed"), bounds())
async def test_the_checks_allow_just_what_the_schemas_do(
    server: MemoryServer, tool: str, name: str, value: Any, allowed: bool
) -> None:
    answer = await server.call_tool(tool, {**BASE.get(tool, {}), name: value})
    assert isinstance(answer, CallToolResult)
    assert answer.is_error is not allowed, line(answer)


def test_the_largest_batch_and_context_are_those_of_the_settings() -> None:
    limits = Limits()
    assert TOOLS["remember"].input_schema["properties"]["memories"]["maxItems"] == limits.items
    assert TOOLS["get_context"].input_schema["properties"]["max_tokens"]["maximum"] == limits.context_tokens


def test_the_instructions_fit_and_begin_with_what_matters() -> None:
    assert len(INSTRUCTIONS) <= 2_048
    first = INSTRUCTIONS.split(". ")[0]
    assert "`recall`" in first
    assert "`remember`" in first
    for name in TOOLS:
        assert f"`{name}`" in INSTRUCTIONS or name == "get_memory"


@pytest.mark.parametrize("era", ERAS)
async def test_the_server_names_itself_and_its_version(server: MemoryServer, era: str) -> None:
    async with Client(server, mode=era) as client:
        assert client.server_info is not None
        assert client.server_info.name == "mcp-memory"
        assert client.server_info.version.count(".") == 2
        assert client.instructions == INSTRUCTIONS


async def test_lists_may_be_cached(server: MemoryServer) -> None:
    async with Client(server) as client:
        for listed in (await client.list_tools(), await client.list_prompts(), await client.list_resources()):
            assert listed.ttl_ms == 3_600_000
            assert listed.cache_scope == "public"
