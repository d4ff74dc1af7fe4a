from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mcp.client import Client
from mcp.types import CallToolResult, TextContent

from mcp_memory.faces.mcp.server import MemoryServer, build
from mcp_memory.settings import Settings

from .fake import FakeService, FakeServices

ERAS = ("auto", "legacy")


@pytest.fixture
def settings() -> Settings:
    return Settings(home=Path("/nowhere"), timezone=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def services(service: FakeService) -> FakeServices:
    return FakeServices(service)


@pytest.fixture
def server(settings: Settings, services: FakeServices) -> MemoryServer:
    return build(settings, services)


@pytest.fixture(params=ERAS)
def connect(request: pytest.FixtureRequest, server: MemoryServer) -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Connects a client in each era of the protocol."""

    def client(**options: Any) -> Client:
        return Client(server, mode=request.param, **options)

    return client


def line(answer: Any) -> str:
    """The text of a tool's answer, which is one block."""
    assert isinstance(answer, CallToolResult)
    (block,) = answer.content
    assert isinstance(block, TextContent)
    return block.text
