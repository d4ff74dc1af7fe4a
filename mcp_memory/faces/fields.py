"""Checks of single JSON values: what a caller sent becomes a Python value, or an error it can act on.

A check is called with the path of the field (`memories[3].text`) and the value. Its error is one line:
what was given (shortened), what is allowed, what to do. Leniency goes as far as the meaning is beyond doubt:
one string where a list of strings is expected, and JSON text where an object or a list is expected (many
hosts send it so). Booleans are not numbers, and text is not a number.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Any, TypeAlias, TypeVar, cast

from mcp_memory.errors import InvalidInput, TooLarge
from mcp_memory.records import MESSAGE_PREFIX, NAME_CHARACTERS, check_name, message_memory_id, parse_message_memory_id

T = TypeVar("T")
Check: TypeAlias = Callable[[str, object], T]
Json: TypeAlias = dict[str, Any]

SHOWN_CHARACTERS = 60
"""How much of a caller's value an error repeats: enough to find it, too little to fill a context window."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

DEEPEST = 32
"""Levels of nesting in `metadata` and `data`; real ones have a handful, and no reader may run out of stack."""


class Fields:
    """One JSON object of a caller, read field by field. `null` and absent mean the same."""

    def __init__(self, raw: Mapping[str, Any], *, known: Collection[str], path: str = "") -> None:
        """Take the object.

        Raises:
            InvalidInput: it has a field that is not in `known`.
        """
        for name in raw:
            if name not in known:
                raise InvalidInput(_unknown(path, name, known))
        self._raw = raw
        self._path = path

    def given(self, name: str) -> bool:
        """Whether the field is there at all, `null` included."""
        return name in self._raw

    def optional(self, name: str, check: Check[T]) -> T | None:
        """The checked value; None where the field is absent or `null`."""
        value = self._raw.get(name)
        return None if value is None else check(self._path + name, value)

    def read(self, name: str, check: Check[T], default: T) -> T:
        """The checked value, or the default where the field is absent or `null`."""
        value = self.optional(name, check)
        return default if value is None else value

    def required(self, name: str, check: Check[T]) -> T:
        """The checked value.

        Raises:
            InvalidInput: the field is absent or `null`, or the check refuses it.
        """
        value = self.optional(name, check)
        if value is None:
            raise InvalidInput(f"{self._path}{name} is missing; it is required; add it and call again")
        return value


def text(most: int, *, blank: bool = False) -> Check[str]:
    """A string of at most so many characters, without NUL and halves of surrogate pairs."""

    def check(path: str, value: object) -> str:
        if not isinstance(value, str):
            raise refusal(path, value, f"a string of up to {most:,} characters")
        if len(value) > most:
            raise TooLarge(f"{path} has {len(value):,} characters; allowed: {most:,}; shorten or split it")
        _refuse_unstorable(path, value)
        if not blank and not value.strip():
            raise refusal(path, value, f"a string of 1-{most:,} characters, not only blanks")
        return value

    return check


def label(most: int) -> Check[str]:
    """A topic or an entity: printable, so that the index can keep several in one field."""

    def check(path: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise refusal(path, value, f"a string of 1-{most} printable characters")
        if len(value) > most:
            raise TooLarge(f"{path} has {len(value):,} characters; allowed: {most}; shorten it")
        return value

    return check


def name(path: str, value: object) -> str:
    """An id or a scope name."""
    if not isinstance(value, str):
        raise refusal(path, value, f"a string of 1-{NAME_CHARACTERS} printable characters")
    return check_name(path, value)


def memory_id(path: str, value: object) -> str:
    """The id of a memory; that of a message is made of two encoded names, and may be longer than one."""
    parts = parse_message_memory_id(value) if isinstance(value, str) and value.startswith(MESSAGE_PREFIX) else None
    if parts is None:
        return name(path, value)
    return message_memory_id(name(path, parts[0]), name(path, parts[1]))


def integer(low: int, high: int) -> Check[int]:
    """A whole number in `[low, high]`; 8.0 is one, true and "8" are not."""

    def check(path: str, value: object) -> int:
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise refusal(path, value, f"an integer from {low:,} to {high:,}")
        return number

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number in `[low, high]`."""

    def check(path: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refusal(path, value, f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def flag(path: str, value: object) -> bool:
    """True or false, as JSON has them."""
    if not isinstance(value, bool):
        raise refusal(path, value, "true or false, without quotes")
    return value


def choice(allowed: Sequence[str]) -> Check[str]:
    """One of the words, in exactly that spelling."""

    def check(path: str, value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise refusal(path, value, f"{', '.join(allowed)}{_meant(value, allowed)}")
        return value

    return check


def moment(zone: tzinfo) -> Check[datetime]:
    """An ISO 8601 date or time as aware UTC; without an offset it is in `zone`, a date alone is its start."""

    def check(path: str, value: object) -> datetime:
        allowed = "an ISO 8601 date or time such as 2026-03-01 or 2026-03-01T09:30:00Z"
        if not isinstance(value, str):
            raise refusal(path, value, allowed)
        try:
            given = datetime.fromisoformat(value.strip().upper())
            aware = given if given.tzinfo is not None else given.replace(tzinfo=zone)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            raise refusal(path, value, allowed) from None

    return check


def listed(item: Check[T], *, most: int) -> Check[tuple[T, ...]]:
    """A list of distinct values, in order; a single string counts as a list of one."""

    def check(path: str, value: object) -> tuple[T, ...]:
        value = parsed(path, value, opening="[")
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise refusal(path, value, "a list of strings")
        items = cast("list[object]", value)
        if len(items) > most:
            raise TooLarge(f"{path} has {len(items):,} items; allowed: {most}; send fewer")
        return tuple(dict.fromkeys(item(f"{path}[{place}]", entry) for place, entry in enumerate(items)))

    return check


def json_object(most_bytes: int) -> Check[Json]:
    """A JSON object of at most so many bytes of UTF-8, storable throughout."""

    def check(path: str, value: object) -> Json:
        value = parsed(path, value, opening="{")
        if not isinstance(value, dict):
            raise refusal(path, value, "a JSON object")
        checked = cast("Json", value)
        _refuse_unstorable_json(path, checked, DEEPEST)
        size = len(json.dumps(checked, ensure_ascii=False, separators=(",", ":")).encode())
        if size > most_bytes:
            raise TooLarge(f"{path} has {size:,} bytes as JSON; allowed: {most_bytes:,}; store less in it")
        return checked

    return check


def parsed(path: str, value: object, *, opening: str) -> object:
    """The value, decoded first if it is JSON text that opens with one of these characters."""
    if not isinstance(value, str) or not value.lstrip().startswith(tuple(opening)):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise refusal(path, value, "JSON, sent as it is and not as a string") from None


def refusal(path: str, value: object, allowed: str) -> InvalidInput:
    """The error for a value that is not allowed."""
    return InvalidInput(f"{path}={shown(value)}; allowed: {allowed}; correct it and call again")


def shown(value: object) -> str:
    """The value as an error repeats it: at most 80 characters, in one line, safe to print.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…' (100 characters)"
    """
    match value:
        case None | True | False:
            return json.dumps(value)
        case int() | float():
            return str(value) if -1e15 < value < 1e15 else "a number far out of range"
        case str():
            return _shown_text(value)
        case list():
            return f"a list of {len(cast('list[object]', value))}"
        case _:
            return "an object"


def _shown_text(value: str) -> str:
    whole = repr(value[:SHOWN_CHARACTERS])
    if len(value) <= SHOWN_CHARACTERS and len(whole) <= SHOWN_CHARACTERS + 2:
        return whole
    return f"{whole[:53]}…{whole[0]} ({len(value):,} characters)"


def one_line(message: str, *, most: int = 1_000) -> str:
    """The message without line breaks and whatever else does not print, at most so long."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _unknown(path: str, given: object, known: Collection[str]) -> str:
    what = f"unknown argument {path}{shown(given)[1:-1]}" if path else f"unknown argument {shown(given)}"
    return f"{what}{_meant(given, known)}; allowed: {', '.join(known)}; correct or remove it"


def _meant(given: object, known: Collection[str]) -> str:
    close = get_close_matches(given[:64].lower(), known, n=1) if isinstance(given, str) else []
    return f" (did you mean {close[0]}?)" if close else ""


def _refuse_unstorable(path: str, value: str) -> None:
    found = _UNSTORABLE.search(value)
    if found is not None:
        what = "a NUL character" if found[0] == "\0" else f"half of a surrogate pair ({found[0]!r})"
        raise InvalidInput(f"{path} holds {what}; allowed: valid Unicode text; remove it and call again")


def _refuse_unstorable_json(path: str, value: object, depth: int) -> None:
    if depth == 0:
        raise InvalidInput(f"{path} is nested too deeply; allowed: {DEEPEST} levels; flatten it and call again")
    match value:
        case str():
            _refuse_unstorable(path, value)
        case float() if not math.isfinite(value):
            raise refusal(path, value, "finite numbers")
        case dict():
            for key, entry in cast("Json", value).items():
                _refuse_unstorable(f"a key of {path}", key)
                _refuse_unstorable_json(f"{path}.{key[:40]}", entry, depth - 1)
        case list():
            for place, entry in enumerate(cast("list[object]", value)):
                _refuse_unstorable_json(f"{path}[{place}]", entry, depth - 1)
        case _:
            pass
