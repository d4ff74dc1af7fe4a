"""The format of an export: one JSON object a line, a header first. Pure.

    {"kind": "header", "format": "mcp-memory", "version": 1, …}
    {"kind": "memory", "namespace": …, "user_id": …, "id": …, "text": …, "history": [{…}, …], …}
    {"kind": "session", "session_id": …, "data": {…}, …}
    {"kind": "message", "session_id": …, "id": …, "content": …, …}      after their session, in order
    {"kind": "tombstone", "fingerprint": …, "forgotten_at": …, …}        after everything else

Times are ISO 8601 in UTC; vectors are float16, little-endian, base64, one for each part of a text. The same store
gives the same lines, byte for byte, whenever it is asked (but for `exported_at`).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from mcp_memory.errors import InvalidInput, TooLarge
from mcp_memory.records import (
    MESSAGE_PREFIX,
    ROLES,
    Scope,
    Strategy,
    check_name,
    parse_message_memory_id,
)
from mcp_memory.settings import Limits

FORMAT = "mcp-memory"
VERSION = 1

DEEPEST = 32
"""Levels of nesting in `metadata` and `data`, as on every face."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_ms(milliseconds: int) -> datetime:
    """A time as the store keeps it, exactly."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("an ISO 8601 time with its zone is needed")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None


def _name(value: str) -> str:
    return check_name("name", value)


def _memory_id(value: str) -> str:
    if value.startswith(MESSAGE_PREFIX):
        raise ValueError(f"an id does not begin with {MESSAGE_PREFIX!r}: that is a message")
    return _name(value)


def _source(value: str) -> str:
    """A message's id, on its own or with that of its session."""
    names = parse_message_memory_id(value)
    for name in names or (value,):
        _name(name)
    return value


def _label(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("a topic or an entity is printable and not blank")
    return value


def _json(value: dict[str, Any]) -> dict[str, Any]:
    """An object that can be stored and given out again."""
    if _depth(value) > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    # Not finite: 1e999. Not UTF-8: half of a surrogate pair. Both are ValueErrors.
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


def _depth(value: object) -> int:
    """Levels of nesting, counted to just over the limit."""
    level: list[object] = [value]
    depth = 0
    while depth <= DEEPEST and (inner := [each for outer in level for each in _inside(outer)]):
        level = inner
        depth += 1
    return depth


def _inside(value: object) -> list[object]:
    match value:
        case dict():
            return list(cast("dict[str, object]", value).values())
        case list():
            return list(cast("list[object]", value))
        case _:
            return []


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("it holds a NUL character")
    value.encode()  # half of a surrogate pair is a ValueError
    return value


def _role(value: str) -> str:
    if value not in ROLES:
        raise ValueError(f"allowed: {', '.join(ROLES)}")
    return value


Moment: TypeAlias = Annotated[datetime, BeforeValidator(_moment), PlainSerializer(datetime.isoformat)]
Name: TypeAlias = Annotated[str, AfterValidator(_name)]
MemoryId: TypeAlias = Annotated[str, AfterValidator(_memory_id)]
SourceId: TypeAlias = Annotated[str, AfterValidator(_source)]
Label: TypeAlias = Annotated[str, AfterValidator(_label)]
Text: TypeAlias = Annotated[str, AfterValidator(_text)]
Role: TypeAlias = Annotated[str, AfterValidator(_role)]
JsonObject: TypeAlias = Annotated[dict[str, Any], AfterValidator(_json)]
Vectors: TypeAlias = list[str | None] | None
Order: TypeAlias = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Row(BaseModel):
    """Any object of an export: what it does not know is an error, so that nothing is dropped in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def to_text(self) -> str:
        """The line; vectors only where there are any."""
        row = self.model_dump()
        for state in (row, *row.get("history", ())):
            if state.get("vectors", ()) is None:
                del state["vectors"]
        row = {"kind": row.pop("kind"), **row}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


class Header(Row):
    """The first line."""

    kind: Literal["header"] = "header"
    format: str
    version: int
    exported_at: Moment
    embedding_model: str
    dim: int | None
    vectors: bool


class Owned(Row):
    """A line of one scope."""

    namespace: str
    user_id: str

    @property
    def scope(self) -> Scope:
        return Scope(namespace=self.namespace, user_id=self.user_id)


class MemoryState(Row):
    """What a memory says at one time."""

    text: Text
    memory_type: Literal["semantic", "episodic"]
    topics: list[Label]
    entities: list[Label]
    event_date: Moment | None
    pinned: bool
    metadata: JsonObject
    session_id: Name | None
    sources: list[SourceId]
    author: Name | None
    source: Name
    created_at: Moment
    updated_at: Moment
    vectors: Vectors = None

    @property
    def identity(self) -> str:
        """Equal where two states say the same of the same moment."""
        shared = MemoryState.model_fields.keys() - {"vectors"}
        return json.dumps(self.model_dump(include=set(shared)), sort_keys=True)


class VersionState(MemoryState):
    """What it said before."""

    until: Moment
    reason: Text
    superseded_by: Name | None


class MemoryLine(Owned, MemoryState):
    kind: Literal["memory"] = "memory"
    id: MemoryId
    seen: Annotated[int, Field(ge=1, lt=2**53)]
    version: Annotated[int, Field(ge=1)]
    order: Order
    history: list[VersionState]


class SessionLine(Owned):
    kind: Literal["session"] = "session"
    session_id: Name
    created_at: Moment
    active_at: Moment
    strategy: Strategy
    strategy_config: JsonObject
    summary: Text | None
    data: JsonObject
    expires_at: Moment | None
    version: Annotated[int, Field(ge=1, lt=2**53)]
    order: Order


class MessageLine(Owned):
    kind: Literal["message"] = "message"
    session_id: Name
    id: Name
    role: Role
    name: Name | None
    content: Text
    created_at: Moment
    recorded_at: Moment | None
    """None where it is in the transcript only: hidden, or without words."""
    order: Order | None
    hidden: bool
    """It was forgotten."""
    extracted: bool
    vectors: Vectors = None


class TombstoneSource(Row):
    session_id: Text
    message_id: Text
    role: Text
    at: Moment


class TombstoneLine(Owned):
    kind: Literal["tombstone"] = "tombstone"
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    forgotten_at: Moment
    lifted: bool
    """It was said anew since, so that it may be there; should it be forgotten again, these sources count too."""
    sources: list[TombstoneSource]


Line: TypeAlias = MemoryLine | SessionLine | MessageLine | TombstoneLine

_KINDS: dict[str, type[Line]] = {
    "memory": MemoryLine,
    "session": SessionLine,
    "message": MessageLine,
    "tombstone": TombstoneLine,
}


class Reader:
    """Lines of text as what they say."""

    LONGEST_ERROR: ClassVar[int] = 300

    def __init__(self, limits: Limits, into: Scope | None) -> None:
        """`into` takes the place of every line's own scope."""
        self._limits = limits
        self._into = into

    def header(self, text: str) -> Header:
        """The first line.

        Raises:
            InvalidInput: it is no export of ours, or of a version that this program does not know.
        """
        try:
            raw = _object(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError, InvalidInput):
            raw = {}
        if raw.get("format") != FORMAT:
            raise InvalidInput(f"the first line is not the header of an export ({FORMAT}); give a file made by export")
        if raw.get("version") != VERSION:
            given = json.dumps(raw.get("version"))[:20]
            raise InvalidInput(f"the export has format version {given}; this program reads {VERSION}; upgrade it")
        try:
            return Header.model_validate(raw)
        except ValidationError as error:
            raise InvalidInput(f"the header of the export is damaged: {_first(error)}") from None

    def line(self, text: str) -> Line:
        """Any other line.

        Raises:
            InvalidInput: it cannot be read; the message says why. TooLarge: something in it is over a limit.
        """
        try:
            raw = _object(text)
            model = _KINDS.get(str(raw.get("kind")))
            if model is None:
                raise InvalidInput(f"kind={str(raw.get('kind'))[:40]!r}; allowed: {', '.join(_KINDS)}")
            if self._into is not None:
                raw |= {"namespace": self._into.namespace, "user_id": self._into.user_id}
            line = model.model_validate(raw)
        except ValidationError as error:
            raise InvalidInput(_first(error)) from None
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"it is not JSON: {str(error)[: self.LONGEST_ERROR]}") from None
        _ = line.scope  # checked now, not in the middle of a batch
        self._check_limits(line)
        return line

    def _check_limits(self, line: Line) -> None:
        limits = self._limits
        match line:
            case MemoryLine():
                for state in (line, *line.history):
                    _at_most("text", len(state.text), limits.memory_characters)
                    _at_most("metadata", _bytes(state.metadata), limits.metadata_bytes)
                    for labels in (state.topics, state.entities):
                        _at_most("topics or entities", len(labels), limits.labels)
                        _at_most("a topic or an entity", max(map(len, labels), default=0), limits.label_characters)
            case MessageLine():
                _at_most("content", len(line.content), limits.message_characters)
            case SessionLine():
                _at_most("data", _bytes(line.data), limits.data_bytes)
            case TombstoneLine():
                pass


def _object(text: str) -> dict[str, Any]:
    raw = json.loads(text, parse_constant=_no_number)
    if not isinstance(raw, dict):
        raise InvalidInput("it is not a JSON object")
    return raw  # pyright: ignore[reportUnknownVariableType]


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _first(error: ValidationError) -> str:
    """The first of a model's complaints, in a line."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'line'}: {problem['msg']}"[: Reader.LONGEST_ERROR]


def _at_most(what: str, given: int, most: int) -> None:
    if given > most:
        raise TooLarge(f"{what}: {given:,}; allowed: {most:,}")


def _bytes(value: dict[str, Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
