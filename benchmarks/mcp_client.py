"""A real MCP client on a real stdio server process, as a host has them."""

import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextContent

from benchmarks.homes import environment

SERVER = ("-m", "mcp_memory")
ECHO_SERVER = ("-m", "benchmarks.echo_server")
ROOT = Path(__file__).parent.parent
READ_LIMIT_S = 120.0


class ToolFailed(Exception):
    """A tool answered with an error."""


@asynccontextmanager
async def connected(
    home: Path, *, server: Sequence[str] = SERVER, log: TextIO | None = None, **env: str
) -> AsyncGenerator[Client]:
    """A client connected to a server process of this home; the process ends with it."""
    parameters = StdioServerParameters(
        command=sys.executable, args=list(server), env=environment(home, **env), cwd=ROOT
    )
    transport = stdio_client(parameters, errlog=log or sys.stderr)
    async with Client(transport, mode="legacy", read_timeout_seconds=READ_LIMIT_S) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool.

    Raises:
        ToolFailed: the answer is an error; its text.
    """
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        raise ToolFailed(f"{tool}: {text}")
    return result.structured_content or json.loads(text)
