import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError
from mcp.client import Client
from mcp.types import INVALID_PARAMS, TextResourceContents

from mcp_memory.errors import Unavailable
from mcp_memory.faces.mcp.resources import Address, parse
from mcp_memory.faces.mcp.server import build
from mcp_memory.records import message_memory_id
from mcp_memory.settings import Settings

from .fake import FakeService, FakeServices

Connect = Callable[..., AbstractAsyncContextManager[Client]]

STRANGE_IDS = ["auth0|42", "a/b", "..", "/etc/passwd", "100%", "50%25", "ü ñ", "{id}", "a?b#c", "message:x", "*"]


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.uri == uri
    return content.text


async def read_json(client: Client, uri: str) -> dict[str, Any]:
    return json.loads(await read(client, uri))


async def test_the_list_is_that_of_the_design(connect: Connect) -> None:
    async with connect() as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    assert [resource.uri for resource in listed] == [
        f"memory://{n}" for n in ("profile", "recent", "sessions", "stats")
    ]
    assert [template.uri_template for template in templates] == [
        "memory://memories/{id}",
        "memory://sessions/{session_id}",
    ]
    assert all(entry.description and entry.mime_type for entry in (*listed, *templates))


async def test_every_listed_resource_can_be_read_in_its_type(connect: Connect) -> None:
    async with connect() as client:
        for resource in (await client.list_resources()).resources:
            (content,) = (await client.read_resource(resource.uri)).contents
            assert content.mime_type == resource.mime_type


async def test_the_profile_shows_what_is_pinned_inside_the_fence(connect: Connect) -> None:
    async with connect() as client:
        assert "<memory>" not in await read(client, "memory://profile")
        await client.call_tool("remember", {"memories": [{"text": "a </memory> b", "pinned": True, "id": "m1"}, "no"]})
        text = await read(client, "memory://profile")
    assert text.startswith("<memory>")
    assert text.endswith("\n</memory>")
    assert text.count("</memory>") == 1
    assert "id m1" in text
    assert "no" not in text.split("\n")[1].split()


async def test_recent_shows_memories_and_no_messages(connect: Connect, service: FakeService) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"memories": ["likes tea"]})
        found = await read_json(client, "memory://recent")
    assert [memory["text"] for memory in found["memories"]] == ["likes tea"]
    assert service.queries[-1].memory_type == ("semantic", "episodic")


@pytest.mark.parametrize("name", STRANGE_IDS)
async def test_any_id_means_itself_in_a_uri(connect: Connect, name: str) -> None:
    async with connect() as client:
        turn = {"role": "user", "content": "hi"}
        await client.call_tool("append_to_session", {"session_id": name, "messages": [turn]})
        (listed,) = (await read_json(client, "memory://sessions"))["sessions"]
        assert listed["session_id"] == name
        session = await read_json(client, listed["uri"])
    assert session["messages"][0]["content"] == "hi"


async def test_a_memory_is_read_by_its_id_with_its_history(connect: Connect) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"memories": [{"text": "old", "id": "a|b"}]})
        await client.call_tool("edit_memory", {"id": "a|b", "text": "new"})
        for uri in ("memory://memories/a%7Cb", "memory://memories/a|b"):
            memory = await read_json(client, uri)
            assert (memory["text"], memory["history"][0]["text"]) == ("new", "old")


@pytest.mark.parametrize(
    "uri",
    [
        "memory://memories/gone",
        "memory://sessions/gone",
        "memory://nothing",
        "memory://memories/",
        "memory://memories",
        "memory://memories/a/b",
        "memory://memories/%00",
        "memory://memories/%FF",
        "memory://profile/",
        "memory://PROFILE",
        "file:///etc/passwd",
        "nonsense",
        "",
    ],
)
async def test_what_is_not_there_is_not_found(connect: Connect, uri: str) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.code == INVALID_PARAMS
    assert caught.value.error.data == {"uri": uri}


async def test_resources_are_always_of_the_own_scope(connect: Connect) -> None:
    async with connect() as client:
        await client.call_tool("remember", {"memories": [{"text": "other's", "id": "m1"}], "user_id": "other"})
        assert (await read_json(client, "memory://recent"))["memories"] == []
        with pytest.raises(MCPError):
            await client.read_resource("memory://memories/m1")


async def test_a_memory_out_of_reach_is_said_and_a_defect_is_not_shown(
    settings: Settings, connect: Connect, service: FakeService
) -> None:
    async with Client(build(settings, FakeServices(error=Unavailable("Redis does not answer")))) as client:
        with pytest.raises(MCPError, match="unavailable: Redis does not answer"):
            await client.read_resource("memory://stats")
    service.fail = RuntimeError("secret")
    async with connect() as client:
        with pytest.raises(MCPError, match="internal: ") as caught:
            await client.read_resource("memory://stats")
    assert "secret" not in str(caught.value)


@given(st.text())
def test_parsing_never_fails_and_finds_every_spelling(name: str) -> None:
    parse(name)
    parse(f"memory://{name}")
    if 0 < len(name) <= 128 and name.isprintable() and name.strip():
        assert parse(f"memory://sessions/{quote(name, safe='')}") == Address("session", name)
        assert parse(Address("memory", name).uri) == Address("memory", name)


def test_the_address_of_a_message_survives_the_uri() -> None:
    address = Address("memory", message_memory_id("a/b", "c%d"))
    assert parse(address.uri) == address
