"""Resources: what a person may attach to a conversation, always of the process's own scope.

The list is fixed (a template leads to each memory and session), so that it never changes while a host runs.
"""

import logging
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import unquote

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Annotations, Resource, ResourceTemplate

from mcp_memory.errors import InvalidInput, MemoryServerError, NotFound
from mcp_memory.faces import fields, render
from mcp_memory.faces.mcp import answers
from mcp_memory.faces.mcp.services import Services
from mcp_memory.faces.mcp.tools import defect
from mcp_memory.records import Memory, Query, Scope, quoted

log = logging.getLogger(__name__)

SCHEME = "memory://"
RECENT = 20
SESSION_MESSAGES = 100
"""A resource has no cursor: enough of a conversation to go on with; `get_session` leads further back."""
PROFILE_TOKENS = 1_000

Kind: TypeAlias = Literal["profile", "recent", "sessions", "stats", "memory", "session"]

JSON = "application/json"
MARKDOWN = "text/markdown"

_FOR_BOTH = Annotations(audience=["user", "assistant"])

RESOURCES = (
    Resource(
        uri="memory://profile",
        name="profile",
        title="What always holds",
        description="Pinned memories and standing preferences",
        mime_type=MARKDOWN,
        annotations=_FOR_BOTH,
    ),
    Resource(
        uri="memory://recent",
        name="recent",
        title="Learnt lately",
        description=f"The {RECENT} newest memories",
        mime_type=JSON,
        annotations=_FOR_BOTH,
    ),
    Resource(
        uri="memory://sessions",
        name="sessions",
        title="Conversations",
        description="Saved conversations, the latest first",
        mime_type=JSON,
        annotations=_FOR_BOTH,
    ),
    Resource(
        uri="memory://stats",
        name="stats",
        title="State of the memory",
        description="How much is stored, and how the store and its worker are",
        mime_type=JSON,
        annotations=Annotations(audience=["user"]),
    ),
)

TEMPLATES = (
    ResourceTemplate(
        uri_template="memory://memories/{id}",
        name="memory",
        title="One memory",
        description="A memory with its earlier versions, by id",
        mime_type=JSON,
        annotations=_FOR_BOTH,
    ),
    ResourceTemplate(
        uri_template="memory://sessions/{session_id}",
        name="session",
        title="One conversation",
        description="The newest messages of a conversation, its summary and data",
        mime_type=JSON,
        annotations=_FOR_BOTH,
    ),
)

_FIXED: dict[str, Kind] = {"profile": "profile", "recent": "recent", "sessions": "sessions", "stats": "stats"}
_COLLECTIONS: dict[str, Kind] = {"memories": "memory", "sessions": "session"}


@dataclass(frozen=True, slots=True)
class Address:
    """What a URI of ours names."""

    kind: Kind
    id: str = ""

    @property
    def uri(self) -> str:
        """The one spelling that we use; a client may have percent-encoded more or less."""
        if self.kind == "memory":
            return f"{SCHEME}memories/{quoted(self.id)}"
        if self.kind == "session":
            return f"{SCHEME}sessions/{quoted(self.id)}"
        return SCHEME + self.kind


def parse(uri: str) -> Address | None:
    """What the URI names; None where it is none of ours, or holds what can be no id."""
    if not uri.startswith(SCHEME):
        return None
    place = uri.removeprefix(SCHEME)
    if place in _FIXED:
        return Address(_FIXED[place])
    collection, slash, encoded = place.partition("/")
    kind = _COLLECTIONS.get(collection)
    if kind is None or not slash or "/" in encoded:
        return None
    check = fields.memory_id if kind == "memory" else fields.name
    try:
        return Address(kind, check("id", unquote(encoded, errors="strict")))
    except (InvalidInput, UnicodeDecodeError):
        return None


class Resources:
    """Reads resources of one scope."""

    def __init__(self, services: Services, scope: Scope) -> None:
        self._services = services
        self._scope = scope

    async def read(self, address: Address) -> ReadResourceContents:
        """The content.

        Raises:
            ResourceNotFoundError: no such memory or session.
            ResourceError: it cannot be read now; the message is one line for a person.
        """
        try:
            return await self._content(address)
        except NotFound as error:
            raise ResourceNotFoundError(answers.error_line(error)) from None
        except MemoryServerError as error:
            raise ResourceError(answers.error_line(error)) from None
        except Exception as error:
            log.exception("resource %r failed", address.uri)
            raise ResourceError(answers.error_line(defect())) from error

    async def _content(self, address: Address) -> ReadResourceContents:
        service = await self._services.get()
        match address.kind:
            case "profile":
                memories = await service.profile(self._scope, max_tokens=PROFILE_TOKENS)
                return ReadResourceContents(content=profile(memories), mime_type=MARKDOWN)
            case "recent":
                query = Query(scope=self._scope, limit=RECENT, memory_type=("semantic", "episodic"))
                found = await service.recall(query)
                value = {"memories": [render.hit(hit) for hit in found.hits], "total": found.total}
            case "sessions":
                sessions = await service.sessions(self._scope)
                value = {"sessions": [render.session_info(one) | _link(one.session_id) for one in sessions]}
            case "stats":
                return ReadResourceContents(content=answers.compact(await service.stats(self._scope)), mime_type=JSON)
            case "memory":
                memory = await service.get_memory(self._scope, address.id)
                value = render.with_history(memory, await service.history(self._scope, address.id))
            case "session":
                session = await service.get_session(self._scope, address.id, limit=SESSION_MESSAGES)
                if not session.exists:
                    raise NotFound(f"no session {fields.shown(address.id)}; memory://sessions lists them")
                value = render.session(session)
        return ReadResourceContents(content=answers.fenced_text(value), mime_type=JSON)


def profile(memories: list[Memory]) -> str:
    """Pinned memories and standing preferences as a person and a model read them."""
    if not memories:
        return "Nothing is pinned, and no standing preferences are known yet."
    return answers.fenced_lines([dated_line(memory) for memory in memories])


def dated_line(memory: Memory) -> str:
    """One memory in one line: day, words, id."""
    day = (memory.event_date or memory.created_at).date().isoformat()
    return f"- {fields.one_line(memory.text)} ({day}, id {memory.id})"


def _link(session_id: str) -> dict[str, str]:
    return {"uri": Address("session", session_id).uri}
