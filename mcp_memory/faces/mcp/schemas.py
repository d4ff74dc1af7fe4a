"""The eight tools as a host sees them: names, descriptions for a model, JSON schemas, annotations.

The whole `tools/list` answer has to stay under 10 KB (a test measures it): a host pays for these words in
every conversation. The schemas are written by hand, without `$ref` and unions, which some hosts strip or
refuse; `arguments.py` checks the values, and a test holds the two together.
"""

from collections.abc import Mapping
from typing import Any

from mcp.types import Tool, ToolAnnotations

from mcp_memory.records import MEMORY_TYPES, MODES, ROLES, STRATEGIES

Schema = dict[str, Any]

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
ADDS_ONCE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

DATED = "ISO 8601 date or time"


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _word(description: str, allowed: tuple[str, ...], default: str | None = None) -> Schema:
    chosen = {} if default is None else {"default": default}
    return {"type": "string", "enum": list(allowed), "description": description, **chosen}


def _whole(description: str, low: int, high: int | None = None, default: int | None = None) -> Schema:
    bounds = {"maximum": high, "default": default}
    given = {name: value for name, value in bounds.items() if value is not None}
    return {"type": "integer", "description": description, "minimum": low, **given}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description, "default": False}


def _texts(description: str, **more: Any) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description, **more}


def _open_object(description: str) -> Schema:
    return {"type": "object", "description": description}


def _object(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), **needed, "additionalProperties": False}


def _list_of(description: str, item: Schema) -> Schema:
    return {"type": "array", "items": item, "maxItems": 100, "description": description}


SCOPE = {
    "user_id": _text("Whose memory"),
    "namespace": _text("Memory space"),
}

NEW_MEMORY = _object(
    {
        "text": _text("One sentence that stands alone: names, no pronouns"),
        "memory_type": _word("semantic: fact; episodic: event", MEMORY_TYPES[:2], "semantic"),
        "topics": _texts("Such as food"),
        "entities": _texts("People, places, things"),
        "event_date": _text(f"When it happens: {DATED}, local if without zone"),
        "pinned": _flag("Always in get_context: standing wishes only"),
        "metadata": _open_object("Kept as it is"),
        "id": _text("Your own id for it"),
    },
    required=("text",),
)  # fmt: skip

NEW_MESSAGE = _object(
    {
        "role": _word("Who speaks", ROLES),
        "content": _text("What was said, word for word"),
        "name": _text("Speaker's name"),
        "created_at": _text("When; default now"),
        "id": _text("Same id is stored once"),
    },
    required=("role", "content"),
)


def _tool(name: str, description: str, annotations: ToolAnnotations, schema: Schema) -> Tool:
    properties = {**schema["properties"], **SCOPE}
    schema = {**schema, "properties": properties}
    return Tool(name=name, description=description, input_schema=schema, annotations=annotations)


REMEMBER = _tool(
    "remember",
    "Store lasting facts for later conversations. Call as soon as you learn something worth knowing next month: "
    "a preference, decision, name, date, plan. Not for secrets, small talk or what holds only now. "
    'Example: {"memories":[{"text":"Ada is allergic to nuts"}]}. Returns for each its id and outcome: stored, '
    "duplicate (already known), superseded (took the place of the ids in `of`) or rejected, with the reason.",
    ADDS_ONCE,
    _object(
        {
            "memories": _list_of("What to remember", NEW_MEMORY),
            "session_id": _text("Conversation it comes from"),
            "said_again": _flag("The user says anew what was forgotten"),
        },
        required=("memories",),
    ),
)

RECALL = _tool(
    "recall",
    "Search what is remembered: facts and past conversations. Call before answering what may depend on them and "
    "before asking the user again. Returns memories, best first, with id, score 0-1, why and dates; total; "
    "next_cursor; note (says so if nothing fits).",
    READS,
    _object(
        {
            "query": _text("Question or key words; empty lists the newest", default=""),
            "limit": _whole("Most results", 1, 50, 8),
            "memory_type": {
                "type": "array",
                "items": {"type": "string", "enum": list(MEMORY_TYPES)},
                "description": "Only these; message: turns of conversations",
            },
            "topics": _texts("Only with these topics"),
            "entities": _texts("Only with these entities"),
            "session_id": _text("Only from this session"),
            "after": _text(f"From then on: {DATED}"),
            "before": _text("Earlier than then; a date alone means its start"),
            "as_of": _text("As believed at that time"),
            "mode": _word("keyword: exact words", MODES, "auto"),
            "min_score": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "0 keeps all; default: automatic",
            },
            "max_tokens": _whole("Most tokens of text", 1),
            "neighbours": _whole("Turns shown around a message", 0, 10, 0),
            "explain": _flag("Show how scores came about"),
            "cursor": _text("next_cursor of the last page, all else unchanged"),
        }
    ),
)

GET_MEMORY = _tool(
    "get_memory",
    "Call with an id from recall to read one memory in full; with history, also what it said before, what superseded "
    "it and when. To search use recall.",
    READS,
    _object({"id": _text("Its id"), "history": _flag("With earlier versions")}, required=("id",)),
)

EDIT_MEMORY = _tool(
    "edit_memory",
    "Correct one memory: only the fields you give change, null clears. Call when the user corrects something known; "
    "new facts: remember. The old version stays in its history. Returns the memory.",
    REPLACES,
    _object(
        {
            "id": _text("Id from recall"),
            "text": _text("New text"),
            "memory_type": _word("New type", MEMORY_TYPES[:2]),
            "topics": _texts("New topics, all of them"),
            "entities": _texts("New entities, all of them"),
            "event_date": _text("New date; null or empty clears"),
            "pinned": {"type": "boolean", "description": "Always in get_context"},
            "metadata": _open_object("New metadata, all of it"),
            "session_id": _text("New session; null or empty clears"),
        },
        required=("id",),
    ),
)

FORGET = _tool(
    "forget",
    "Forget for good, only when the user asks. ids are forgotten at once; query or session_id only preview: show the "
    "user would_forget and, on their yes, call again with confirm alone. Returns forgotten, would_forget, confirm.",
    REPLACES,
    _object(
        {
            "ids": _texts("Ids from recall, at most 100"),
            "query": _text("Preview what matches"),
            "session_id": _text("Preview this conversation and what was learnt from it"),
            "confirm": _text("Token of a preview: forget what it showed"),
        }
    ),
)

APPEND_TO_SESSION = _tool(
    "append_to_session",
    "Save this conversation, to continue it later; facts are learnt from it in the background. Call after an exchange "
    "worth keeping, with the new turns only. A single fact: remember. Returns message_ids and whether extraction is "
    "queued.",
    ADDS,
    _object(
        {
            "session_id": _text("Your id of this conversation"),
            "messages": _list_of("New turns", NEW_MESSAGE),
            "data": _open_object("State kept with it; merged, null removes a key"),
            "ttl_seconds": _whole("Expires so long after last use; default never", 1),
            "strategy": _word("How to learn from it; default discrete", STRATEGIES),
            "strategy_config": _open_object("Settings of the strategy"),
        },
        required=("session_id",),
    ),
)

GET_SESSION = _tool(
    "get_session",
    "Call to continue a saved conversation. Returns its newest messages in order, summary and data; next_cursor leads "
    "to older ones; an unknown one is empty. Facts from all of them: recall.",
    READS,
    _object(
        {
            "session_id": _text("Which conversation"),
            "limit": _whole("Most messages", 1, 1_000, 20),
            "max_tokens": _whole("Most tokens of messages", 1),
            "cursor": _text("next_cursor of the last page"),
        },
        required=("session_id",),
    ),
)

GET_CONTEXT = _tool(
    "get_context",
    "One block to read before answering: standing preferences, the session's summary, relevant memories with dates "
    "and ids. Call once as a conversation or task begins; later use recall.",
    READS,
    _object(
        {
            "query": _text("The user's message or task"),
            "session_id": _text("Conversation to continue"),
            "max_tokens": _whole("Most tokens", 1, 16_000, 2_000),
        }
    ),
)

TOOLS = {
    tool.name: tool
    for tool in (REMEMBER, RECALL, GET_MEMORY, EDIT_MEMORY, FORGET, APPEND_TO_SESSION, GET_SESSION, GET_CONTEXT)
}
"""By name, in the order in which they are listed: those used most come first."""


def argument_names(tool: Tool) -> tuple[str, ...]:
    """The arguments that a tool knows, in the order of its schema."""
    return tuple(tool.input_schema["properties"])
