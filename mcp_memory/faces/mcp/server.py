"""The MCP server, for any transport: stdio, streamable HTTP, SSE."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.stdio import stdio_server
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    GetPromptResult,
    InputRequiredResult,
    Prompt,
    Resource,
    ResourceTemplate,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    Tool,
    UnsubscribeRequestParams,
)
from pydantic import AnyUrl

from mcp_memory import __version__
from mcp_memory.faces.mcp import guidance
from mcp_memory.faces.mcp.answers import failure
from mcp_memory.faces.mcp.changes import Changes
from mcp_memory.faces.mcp.draining import Reads, Unanswered, Writes
from mcp_memory.faces.mcp.prompts import PROMPTS, Prompts
from mcp_memory.faces.mcp.resources import RESOURCES, TEMPLATES, Resources, parse
from mcp_memory.faces.mcp.schemas import TOOLS
from mcp_memory.faces.mcp.services import Services
from mcp_memory.faces.mcp.tools import Tools, unknown_tool
from mcp_memory.settings import Settings

NAME = "mcp-memory"
FIXED_LIST = CacheHint(ttl_ms=3_600_000, scope="public")
"""The lists are the same for everybody until the next version is installed."""


def build(settings: Settings, services: Services) -> "MemoryServer":
    """The server, ready to be run on a transport; Redis is not opened before a call needs it."""
    return MemoryServer(settings, services)


class MemoryServer(MCPServer[None]):
    """Tools, resources and prompts from our own tables instead of the SDK's reading of signatures.

    So the schemas are as small as they can be, every error is one line that a model can act on, and nothing is
    compiled at the start. Whatever else is registered on it (by tests, say) works as on any `MCPServer`.
    """

    def __init__(self, settings: Settings, services: Services) -> None:
        @asynccontextmanager
        async def lifespan(_: MCPServer[None]) -> AsyncGenerator[None]:
            async with services.use():
                yield

        super().__init__(
            NAME,
            title=guidance.TITLE,
            version=__version__,
            instructions=guidance.INSTRUCTIONS,
            lifespan=lifespan,
            log_level="WARNING",
            cache_hints={
                "tools/list": FIXED_LIST,
                "prompts/list": FIXED_LIST,
                "resources/list": FIXED_LIST,
                "resources/templates/list": FIXED_LIST,
                "server/discover": FIXED_LIST,
            },
            subscriptions=False,
            middleware=[decode_arguments],
        )
        self._memory_tools = Tools(settings, services)
        self._memory_resources = Resources(services, settings.scope)
        self._memory_prompts = Prompts(services, settings.scope)
        self._changes = Changes(services, settings.scope)
        add = self._lowlevel_server.add_request_handler
        add("completion/complete", CompleteRequestParams, self._complete)
        add("resources/subscribe", SubscribeRequestParams, self._changes.subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, self._changes.unsubscribe)
        add("subscriptions/listen", SubscriptionsListenRequestParams, self._changes.listen)

    async def run_stdio_async(self) -> None:
        """Serve the host at the other end of stdin and stdout until it closes stdin and has all its answers."""
        low_level = self._lowlevel_server
        unanswered = Unanswered()
        async with stdio_server() as (read_stream, write_stream):
            reads, writes = Reads(read_stream, unanswered), Writes(write_stream, unanswered)
            await low_level.run(reads, writes, low_level.create_initialization_options())

    async def list_tools(self) -> list[Tool]:
        return [*TOOLS.values(), *await super().list_tools()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        if name in TOOLS:
            return await self._memory_tools.call(name, arguments, context)
        if self._tool_manager.get_tool(name) is None:
            return failure(unknown_tool(name))
        return await super().call_tool(name, arguments, context)

    async def list_resources(self) -> list[Resource]:
        return [*RESOURCES, *await super().list_resources()]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        return [*TEMPLATES, *await super().list_resource_templates()]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        address = parse(str(uri))
        if address is None:
            return await super().read_resource(uri, context)
        return [await self._memory_resources.read(address)]

    async def list_prompts(self) -> list[Prompt]:
        return [*PROMPTS.values(), *await super().list_prompts()]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[None, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        if name in PROMPTS:
            return await self._memory_prompts.get(name, arguments or {})
        if self._prompt_manager.get_prompt(name) is None:
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown prompt: {name[:200]}; allowed: {', '.join(PROMPTS)}")
        return await super().get_prompt(name, arguments, context)

    async def _complete(self, _: ServerRequestContext[None, Any], params: CompleteRequestParams) -> CompleteResult:
        return await self._memory_prompts.complete(params)


async def decode_arguments(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Take JSON text for the arguments of a tool, as some hosts send it.

    Anything else that is no object goes on under a name that no tool knows, so that the model reads what is
    allowed instead of the host seeing a protocol error.
    """
    params = ctx.params
    if ctx.method != "tools/call" or params is None or isinstance(params.get("arguments"), dict | None):
        return await call_next(ctx)
    given = params["arguments"]
    decoded: object = None
    if isinstance(given, str):
        try:
            decoded = json.loads(given)
        except (ValueError, RecursionError):
            decoded = None
    arguments = cast("Mapping[str, Any]", decoded) if isinstance(decoded, dict) else {"arguments": given}
    return await call_next(replace(ctx, params={**params, "arguments": arguments}))
