"""The eight tools: arguments in, one call of the service, the answer out. Never an exception, whatever comes in."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult

from mcp_memory.errors import Internal, InvalidInput, MemoryServerError
from mcp_memory.faces import arguments, fields, render
from mcp_memory.faces.arguments import Rules
from mcp_memory.faces.fields import Fields
from mcp_memory.faces.mcp import answers, forgetting
from mcp_memory.faces.mcp.schemas import TOOLS, argument_names
from mcp_memory.faces.mcp.services import Services
from mcp_memory.records import Scope
from mcp_memory.settings import Settings

log = logging.getLogger(__name__)

ToolAnswer: TypeAlias = CallToolResult | InputRequiredResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool, its scope settled."""

    given: Fields
    scope: Scope
    context: "Context[Any, Any] | None" = None
    """The request, by which the person can be asked; None for a call from within the process."""


class Tools:
    """Answers calls of the tools by name."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self._default_scope = settings.scope
        self._rules = Rules(limits=settings.limits, timezone=settings.timezone)
        self._services = services
        self._handlers: dict[str, Callable[[Call], Awaitable[ToolAnswer]]] = {
            "remember": self._remember,
            "recall": self._recall,
            "get_memory": self._get_memory,
            "edit_memory": self._edit_memory,
            "forget": self._forget,
            "append_to_session": self._append_to_session,
            "get_session": self._get_session,
            "get_context": self._get_context,
        }

    async def call(
        self, name: str, raw: Mapping[str, Any], context: "Context[Any, Any] | None" = None
    ) -> CallToolResult | InputRequiredResult:
        """The answer of a tool. What goes wrong is an answer too: one line, `code: what, allowed, next`.

        Raises:
            MCPError: only what the SDK itself raises towards the client.
        """
        try:
            if name not in self._handlers:
                raise unknown_tool(name)
            given = Fields(raw, known=argument_names(TOOLS[name]))
            scope = arguments.read_scope(given, self._default_scope)
            return await self._handlers[name](Call(given=given, scope=scope, context=context))
        except MemoryServerError as error:
            if isinstance(error, Internal):
                log.exception("tool %r failed", name)
            return answers.failure(error)
        except MCPError:
            raise
        except Exception:
            log.exception("tool %r failed", name)
            return answers.failure(defect())

    async def _remember(self, call: Call) -> ToolAnswer:
        said_again = call.given.read("said_again", fields.flag, default=False)
        items = arguments.read_memories(call.given, self._rules)
        service = await self._services.get()
        return answers.success(render.outcomes(await service.remember(call.scope, items, said_again=said_again)))

    async def _recall(self, call: Call) -> ToolAnswer:
        query = arguments.read_query(call.given, self._rules, call.scope)
        service = await self._services.get()
        return answers.success(render.page(await service.recall(query)))

    async def _get_memory(self, call: Call) -> ToolAnswer:
        memory_id = call.given.required("id", fields.memory_id)
        history = call.given.read("history", fields.flag, default=False)
        service = await self._services.get()
        memory = await service.get_memory(call.scope, memory_id)
        if not history:
            return answers.success(render.memory(memory))
        return answers.success(render.with_history(memory, await service.history(call.scope, memory_id)))

    async def _edit_memory(self, call: Call) -> ToolAnswer:
        memory_id = call.given.required("id", fields.memory_id)
        changes = arguments.read_changes(call.given, self._rules)
        service = await self._services.get()
        return answers.success(render.memory(await service.edit_memory(call.scope, memory_id, changes)))

    async def _forget(self, call: Call) -> ToolAnswer:
        wanted = arguments.read_forget(call.given, self._rules)
        service = await self._services.get()
        if wanted.ids:
            return answers.success(render.forgotten(await service.forget(call.scope, wanted.ids)))
        if wanted.confirm is None:
            preview = await service.preview_forget(call.scope, text=wanted.query, session_id=wanted.session_id)
            return answers.success(render.preview(preview))
        if forgetting.can_ask(call.context):
            preview = await service.read_preview(call.scope, wanted.confirm)
            question = await forgetting.ask(call.context, preview)
            if question is not None:
                return question
        return answers.success(render.forgotten(await service.confirm_forget(call.scope, wanted.confirm)))

    async def _append_to_session(self, call: Call) -> ToolAnswer:
        session_id = call.given.required("session_id", fields.name)
        messages = arguments.read_messages(call.given, self._rules)
        config = fields.json_object(self._rules.limits.metadata_bytes)
        data = call.given.optional("data", fields.json_object(self._rules.limits.data_bytes))
        ttl = arguments.read_ttl(call.given)
        strategy = arguments.read_strategy(call.given)
        strategy_config = call.given.optional("strategy_config", config)
        if not messages and data is None and ttl is None and strategy is None and strategy_config is None:
            raise InvalidInput('nothing to save; give messages: [{"role": "user", "content": "..."}], or data')
        service = await self._services.get()
        appended = await service.append_to_session(
            call.scope,
            session_id,
            messages,
            data=data,
            ttl=ttl,
            strategy=strategy,
            strategy_config=strategy_config,
        )
        return answers.success(render.appended(appended))

    async def _get_session(self, call: Call) -> ToolAnswer:
        session_id = call.given.required("session_id", fields.name)
        limit = call.given.read("limit", fields.integer(1, arguments.SESSION_PAGE), 20)
        max_tokens = call.given.optional("max_tokens", fields.integer(1, arguments.BUDGET_TOKENS))
        cursor = call.given.optional("cursor", fields.text(arguments.CURSOR_CHARACTERS))
        service = await self._services.get()
        session = await service.get_session(call.scope, session_id, limit=limit, max_tokens=max_tokens, cursor=cursor)
        return answers.success(render.session(session))

    async def _get_context(self, call: Call) -> ToolAnswer:
        limits = self._rules.limits
        query = call.given.read("query", fields.text(limits.query_characters, blank=True), "").strip()
        session_id = call.given.optional("session_id", fields.name)
        most = limits.context_tokens
        max_tokens = call.given.read("max_tokens", fields.integer(1, most), min(2_000, most))
        service = await self._services.get()
        block = await service.get_context(call.scope, query=query, session_id=session_id, max_tokens=max_tokens)
        # The block carries the fence itself; a second one around it would only be noise.
        return answers.success(render.context(block))


def unknown_tool(name: str) -> InvalidInput:
    """The error for a tool that does not exist."""
    close = get_close_matches(name[:64], TOOLS, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return InvalidInput(f"unknown tool {fields.shown(name)}{meant}; allowed: {', '.join(TOOLS)}; call one of these")


def defect() -> Internal:
    """What a caller hears of a defect of ours: nothing of its inside, which the log has."""
    return Internal(
        "the memory server failed on this call, which is its defect and not yours; nothing is known to be changed; "
        "try once more, then go on without memory and tell the user that its log has the details"
    )
