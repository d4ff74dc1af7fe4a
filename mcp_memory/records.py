"""The values that everything else speaks of: frozen, no I/O, times aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import quote, unquote

from mcp_memory.errors import InvalidInput

MemoryType: TypeAlias = Literal["semantic", "episodic", "message"]
Mode: TypeAlias = Literal["auto", "semantic", "keyword", "hybrid"]
Strategy: TypeAlias = Literal["discrete", "summary", "preferences", "custom", "off"]

MEMORY_TYPES: tuple[str, ...] = get_args(MemoryType)
MODES: tuple[str, ...] = get_args(Mode)
STRATEGIES: tuple[str, ...] = get_args(Strategy)
ROLES = ("user", "assistant", "system", "tool")

NAME_CHARACTERS = 128
"""The most characters of an id or a scope name: percent-encoded as UTF-8 two of them stay under
the 4,096 bytes above which RediSearch no longer finds a tag."""

MESSAGE_PREFIX = "message:"
"""Opens the id under which a message is read as a memory; no caller's memory id may."""


def check_name(field_name: str, value: object) -> str:
    """The value itself if it may be an id or a scope name.

    Any printable Unicode is allowed and means exactly itself.

    Raises:
        InvalidInput: not a string, empty, longer than 128 characters, or with control characters.
    """
    if isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS and value.isprintable() and value.strip():
        return value
    given = f"{value[:40]!r} ({len(value)} characters)" if isinstance(value, str) else repr(value)[:40]
    raise InvalidInput(
        f"{field_name}={given}; allowed: 1-{NAME_CHARACTERS} printable characters, not only blanks; "
        f"give another {field_name} or leave it out"
    )


def quoted(value: str) -> str:
    """The value as part of a key or a tag: no two values share one, and none has a meaning to Redis."""
    return quote(value, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Who a memory belongs to. Both names are always set; no value of them means more than itself."""

    namespace: str = "default"
    user_id: str = "default"

    def __post_init__(self) -> None:
        check_name("namespace", self.namespace)
        check_name("user_id", self.user_id)

    @property
    def tag(self) -> str:
        """Key part (inside the hash tag) and index tag; injective, under 4,096 bytes."""
        return f"{quoted(self.namespace)}|{quoted(self.user_id)}"


def message_memory_id(session_id: str, message_id: str) -> str:
    """The id under which a message is read as a memory: made of both, ambiguous in neither."""
    return f"{MESSAGE_PREFIX}{quoted(session_id)}/{quoted(message_id)}"


def parse_message_memory_id(memory_id: str) -> tuple[str, str] | None:
    """The session and message ids inside such an id; None for any other text, however similar."""
    session_id, slash, message_id = memory_id.removeprefix(MESSAGE_PREFIX).partition("/")
    if not slash:
        return None
    names = unquote(session_id), unquote(message_id)
    return names if message_memory_id(*names) == memory_id else None


def utc(value: datetime) -> datetime:
    """The same moment, aware and in UTC; a naive one is a defect of the caller."""
    if value.tzinfo is None:
        raise ValueError("a time without zone reached the core")
    return value.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a session."""

    id: str
    role: str
    content: str
    created_at: datetime
    name: str | None = None

    @property
    def author(self) -> str:
        """Who said it, as a person would say: the name if there is one, else the role."""
        return self.name or self.role


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """What somebody wants remembered, checked but not yet reconciled with what is there."""

    text: str
    memory_type: MemoryType = "semantic"
    topics: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    event_date: datetime | None = None
    pinned: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str | None = None
    session_id: str | None = None
    message_ids: tuple[str, ...] = ()
    author: str | None = None
    """Name of who said it, where it comes from a conversation of named people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One lasting record, or a message read as one."""

    id: str
    text: str
    memory_type: MemoryType
    created_at: datetime
    """When it was recorded (a message: when it was said)."""
    updated_at: datetime
    topics: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    event_date: datetime | None = None
    pinned: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    session_id: str | None = None
    message_ids: tuple[str, ...] = ()
    author: str | None = None
    """Name of who said it, where it was said in a session and a name was given."""
    role: str | None = None
    source: str = "remember"
    """How it came here: `remember`, `extraction`, `import`, `message`."""
    seen: int = 1
    """How many times it was stated."""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a memory said before, and what took its place."""

    memory: Memory
    until: datetime
    """When it stopped being believed."""
    reason: str
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question to both tiers. Every filter narrows; none is ever relaxed."""

    scope: Scope
    text: str = ""
    limit: int = 8
    memory_type: tuple[MemoryType, ...] = ()
    topics: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    session_id: str | None = None
    after: datetime | None = None
    """Inclusive, on the event date if there is one, else on the time of creation."""
    before: datetime | None = None
    """Exclusive, likewise."""
    as_of: datetime | None = None
    """Answer from what was recorded and believed at that moment."""
    mode: Mode = "auto"
    min_score: float | None = None
    """None: the automatic cut; 0: no cut."""
    max_tokens: int | None = None
    neighbours: int = 0
    explain: bool = False
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A memory that answers a query."""

    memory: Memory
    score: float | None
    """0..1, the same scale for every query and mode; None where nothing was asked."""
    why: str
    text: str
    """What to show: the memory's text, or the matching part of a long one."""
    covers: tuple[str, ...] = ()
    """Ids of the messages that this hit stands for, as the memory's `message_ids`."""
    sources: tuple[str, ...] = ()
    """The messages it came from, by the ids under which they are read as memories."""
    neighbours: tuple[Message, ...] = ()
    """The turns around it, where they were asked for."""
    trace: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of hits, best first (newest first where nothing was asked)."""

    hits: tuple[Hit, ...]
    total: int
    next_cursor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Nothing new was stored; `id` is the memory that says the same."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Stored, and in the place of `of`."""

    id: str
    of: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Not stored. `code` is the word of the error tree."""

    code: str
    reason: str
    id: str | None = None


Outcome: TypeAlias = Stored | Duplicate | Superseded | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Working memory: what `get_session` shows."""

    session_id: str
    exists: bool
    messages: tuple[Message, ...] = ()
    summary: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    message_count: int = 0
    pending_extraction: int = 0
    """Messages that extraction has not read yet; 0 where the strategy is `off`."""
    next_cursor: str | None = None
    expires_at: datetime | None = None
    version: int = 0
    strategy: Strategy = "discrete"
    truncated: int = 0
    """Messages left out because of the token budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    session_id: str
    message_ids: tuple[str, ...]
    message_count: int
    extraction: Literal["queued", "off"]
    version: int
    forgotten: tuple[str, ...] = ()
    """Ids of messages kept in the transcript but not searchable: they replay what was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a `forget` by query or session would take."""

    confirm: str
    hits: tuple[Memory, ...]
    messages: int = 0
    """Messages of the session that go with it (by session only)."""
    total: int = 0
