"""Raw JSON arguments of any face become records here, and nowhere else.

Every failure is an `InvalidInput` or a `TooLarge` whose message names the field, what was given, what is
allowed and what to do. A bad item of `remember` becomes a `Rejected` in its place, and the others go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar, cast

from mcp_memory.errors import InvalidInput, MemoryServerError, TooLarge
from mcp_memory.faces import fields
from mcp_memory.faces.fields import Check, Fields, Json
from mcp_memory.ids import new_id
from mcp_memory.records import (
    MEMORY_TYPES,
    MESSAGE_PREFIX,
    MODES,
    ROLES,
    STRATEGIES,
    MemoryType,
    Message,
    Mode,
    NewMemory,
    Query,
    Rejected,
    Scope,
    Strategy,
)
from mcp_memory.settings import Limits

T = TypeVar("T")

MEMORY_FIELDS = ("text", "memory_type", "topics", "entities", "event_date", "pinned", "metadata", "id")
MESSAGE_FIELDS = ("role", "content", "name", "created_at", "id")
WRITABLE_TYPES = ("semantic", "episodic")
"""What a caller may make a memory; `message` is what a turn of a session is read as."""

PAGE = 50
"""The most hits of one page; more are a page away, and a model reads few."""
SESSION_PAGE = 1_000
NEIGHBOURS = 10
"""The most turns shown on each side of a hit; `get_session` reads more of them."""
BUDGET_TOKENS = 1_000_000
"""No context window is larger, so that a larger budget is a mistake."""
LONGEST_TTL = timedelta(days=3650)
CURSOR_CHARACTERS = 4_000
"""Cursors and tokens are made by the server; a longer one is not its own."""


def _now() -> datetime:
    """Now, in whole milliseconds: answers repeat it, and three digits are read faster than six."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1_000 * 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the checks need to know of this process."""

    limits: Limits = field(default_factory=Limits)
    timezone: tzinfo = UTC
    now: Callable[[], datetime] = _now

    @property
    def labels(self) -> Check[tuple[str, ...]]:
        """Topics or entities."""
        return fields.listed(fields.label(self.limits.label_characters), most=self.limits.labels)

    @property
    def moment(self) -> Check[datetime]:
        return fields.moment(self.timezone)


def read_scope(given: Fields, default: Scope) -> Scope:
    """The scope that the caller named, or the default; each name on its own."""
    return Scope(
        namespace=given.read("namespace", fields.name, default.namespace),
        user_id=given.read("user_id", fields.name, default.user_id),
    )


def read_memories(given: Fields, rules: Rules) -> list[NewMemory | Rejected]:
    """The items of `memories`, each checked on its own: a bad one is a `Rejected` in its place.

    One object, one string and a list of strings are taken for what they mean.

    Raises:
        InvalidInput: `memories` is missing, empty or no list at all.
        TooLarge: more items than one call may bring.
    """
    session_id = given.optional("session_id", fields.name)
    items = given.required("memories", _items(rules.limits.items))
    return [_new_memory(f"memories[{place}]", item, rules, session_id) for place, item in enumerate(items)]


def _items(most: int) -> Check[list[object]]:
    """A list of 1 to `most` things of any kind; one thing counts as a list of one."""

    def check(path: str, value: object) -> list[object]:
        value = fields.parsed(path, value, opening="[{")
        items = cast("list[object]", value) if isinstance(value, list) else [value]
        if not items:
            raise InvalidInput(f"{path} is empty; allowed: 1-{most} items; add one and call again")
        if len(items) > most:
            raise TooLarge(f"{path} has {len(items):,} items; allowed: {most} a call; send the rest in further calls")
        return items

    return check


def _new_memory(path: str, item: object, rules: Rules, session_id: str | None) -> NewMemory | Rejected:
    """One memory of a caller, or why not; a plain string is its text."""
    try:
        value = fields.parsed(path, item, opening="{")
        value = {"text": value} if isinstance(value, str) else value
        return _checked_memory(_object(path, value, MEMORY_FIELDS), rules, session_id)
    except MemoryServerError as error:
        return Rejected(code=error.code, reason=fields.one_line(str(error)), id=_claimed_id(item))


def _claimed_id(item: object) -> str | None:
    """The id that a refused item asked for, if it could be one, so that its caller finds it again."""
    claimed = cast("Json", item).get("id") if isinstance(item, dict) else None
    try:
        return None if claimed is None else fields.name("id", claimed)
    except InvalidInput:
        return None


def _checked_memory(given: Fields, rules: Rules, session_id: str | None) -> NewMemory:
    return NewMemory(
        text=given.required("text", fields.text(rules.limits.memory_characters)),
        memory_type=cast("MemoryType", given.read("memory_type", fields.choice(WRITABLE_TYPES), "semantic")),
        topics=given.read("topics", rules.labels, ()),
        entities=given.read("entities", rules.labels, ()),
        event_date=given.optional("event_date", rules.moment),
        pinned=given.read("pinned", fields.flag, default=False),
        metadata=given.read("metadata", fields.json_object(rules.limits.metadata_bytes), {}),
        id=given.optional("id", new_memory_id),
        session_id=session_id,
    )


def new_memory_id(path: str, value: object) -> str:
    """An id that a caller may give to a memory."""
    memory_id = fields.name(path, value)
    if memory_id.startswith(MESSAGE_PREFIX):
        raise InvalidInput(
            f"{path}={fields.shown(memory_id)}; allowed: ids that do not begin with {MESSAGE_PREFIX!r}, "
            "which are the messages'; give another id or leave it out"
        )
    return memory_id


def read_changes(given: Fields, rules: Rules) -> dict[str, Any]:
    """What `edit_memory` is to change; None clears.

    Raises:
        InvalidInput: nothing to change, or a value that is not allowed.
    """
    changes: dict[str, Any] = {}
    _set(changes, given, "text", fields.text(rules.limits.memory_characters), clearable=False)
    _set(changes, given, "memory_type", fields.choice(WRITABLE_TYPES), clearable=False)
    _set(changes, given, "topics", rules.labels)
    _set(changes, given, "entities", rules.labels)
    _set(changes, given, "event_date", _or_empty(rules.moment))
    _set(changes, given, "pinned", fields.flag)
    _set(changes, given, "metadata", fields.json_object(rules.limits.metadata_bytes))
    _set(changes, given, "session_id", _or_empty(fields.name))
    if not changes:
        raise InvalidInput("nothing to change; give at least one field beside id, such as text, topics or event_date")
    return changes


def _set(changes: dict[str, Any], given: Fields, name: str, check: Check[Any], *, clearable: bool = True) -> None:
    if not given.given(name):
        return
    changes[name] = given.optional(name, check)
    if changes[name] is None and not clearable:
        raise InvalidInput(f"{name}=null; a memory always has it; give a new value, or use forget to remove the memory")


def _or_empty(check: Check[T]) -> Check[T | None]:
    """The check, with "" for null: some hosts cannot send null where the schema says string."""
    return lambda path, value: None if value == "" else check(path, value)


def read_messages(given: Fields, rules: Rules) -> list[Message]:
    """The turns of `messages`, oldest first; ids and times are made where absent.

    Raises:
        InvalidInput: naming the message and the field; no message of the call is taken then.
        TooLarge: too many messages, or one too long.
    """
    items = given.optional("messages", _items(rules.limits.items)) or []
    now = rules.now()
    objects = [_object(f"messages[{place}]", item, MESSAGE_FIELDS) for place, item in enumerate(items)]
    return [_message(message, rules, now) for message in objects]


def _message(given: Fields, rules: Rules, now: datetime) -> Message:
    return Message(
        id=given.optional("id", fields.name) or new_id(),
        role=given.required("role", fields.choice(ROLES)),
        # An assistant's turn that only called tools has no words, and is still a turn.
        content=given.required("content", fields.text(rules.limits.message_characters, blank=True)),
        name=given.optional("name", fields.name),
        created_at=given.read("created_at", rules.moment, now),
    )


def read_strategy(given: Fields) -> Strategy | None:
    return cast("Strategy | None", given.optional("strategy", fields.choice(STRATEGIES)))


def read_ttl(given: Fields) -> timedelta | None:
    most = int(LONGEST_TTL.total_seconds())
    seconds = given.optional("ttl_seconds", fields.integer(1, most))
    return None if seconds is None else timedelta(seconds=seconds)


def read_query(given: Fields, rules: Rules, scope: Scope) -> Query:
    """The arguments of `recall`.

    Raises:
        InvalidInput: naming the field.
        TooLarge: the query is longer than the limit.
    """
    query = Query(
        scope=scope,
        text=given.read("query", fields.text(rules.limits.query_characters, blank=True), "").strip(),
        limit=given.read("limit", fields.integer(1, PAGE), 8),
        memory_type=_memory_types(given),
        topics=given.read("topics", rules.labels, ()),
        entities=given.read("entities", rules.labels, ()),
        session_id=given.optional("session_id", fields.name),
        after=given.optional("after", rules.moment),
        before=given.optional("before", rules.moment),
        as_of=given.optional("as_of", rules.moment),
        mode=cast("Mode", given.read("mode", fields.choice(MODES), "auto")),
        min_score=given.optional("min_score", fields.number(0, 1)),
        max_tokens=given.optional("max_tokens", fields.integer(1, BUDGET_TOKENS)),
        neighbours=given.read("neighbours", fields.integer(0, NEIGHBOURS), 0),
        explain=given.read("explain", fields.flag, default=False),
        cursor=given.optional("cursor", fields.text(CURSOR_CHARACTERS)),
    )
    if query.after is not None and query.before is not None and query.after >= query.before:
        raise InvalidInput(
            f"after={query.after.isoformat()} is not earlier than before={query.before.isoformat()}, "
            "so that nothing lies between; after is inclusive, before exclusive; correct one of them"
        )
    return query


def _memory_types(given: Fields) -> tuple[MemoryType, ...]:
    check = fields.listed(fields.choice(MEMORY_TYPES), most=len(MEMORY_TYPES))
    return cast("tuple[MemoryType, ...]", given.read("memory_type", check, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What `forget` was asked to do: exactly one of ids, a preview (by words, by session), a token."""

    ids: tuple[str, ...] = ()
    query: str | None = None
    session_id: str | None = None
    confirm: str | None = None


def read_forget(given: Fields, rules: Rules) -> Forgetting:
    """The arguments of `forget`. The words of the preview may come again with its token; ids may not.

    Raises:
        InvalidInput: none of them, or ids together with another.
    """
    wanted = Forgetting(
        ids=given.read("ids", fields.listed(fields.memory_id, most=rules.limits.items), ()),
        query=given.optional("query", fields.text(rules.limits.query_characters)),
        session_id=given.optional("session_id", fields.name),
        confirm=given.optional("confirm", fields.text(CURSOR_CHARACTERS)),
    )
    others = [name for name in ("query", "session_id", "confirm") if getattr(wanted, name) is not None]
    if wanted.ids and others:
        raise InvalidInput(
            f"ids and {others[0]} were given together; allowed: ids alone forgets these at once, query or "
            "session_id previews, confirm alone carries out a preview; leave one out and call again"
        )
    if not wanted.ids and not others:
        raise InvalidInput(
            "nothing says what to forget; allowed: ids, query, session_id, or the confirm token of a preview; "
            "give one of them"
        )
    return wanted


def _object(path: str, item: object, known: tuple[str, ...]) -> Fields:
    value = fields.parsed(path, item, opening="{")
    if not isinstance(value, dict):
        raise fields.refusal(path, value, f"an object with the fields {', '.join(known)}")
    return Fields(cast("Json", value), known=known, path=f"{path}.")
