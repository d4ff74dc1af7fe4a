"""The table of keys in `mcp_memory/storage/keys.py`, as something to check real keys with."""

import re
from collections.abc import Iterable

from mcp_memory.storage import keys

WORD = r"[A-Za-z0-9_.~%-]"
_PATTERNS = {
    "{S}": rf"\{{{WORD}+\|{WORD}+\}}",
    "message:<s>/<m>": rf"message:{WORD}+/{WORD}+(?:#\d+)?",
    "<id>#<n>": rf"{WORD}*(?:@\d+)?#\d+",
    "<id>@<v>": rf"{WORD}*@\d+",
    "<id>": rf"{WORD}*",
    "<session>": rf"{WORD}*",
    "<token>": rf"{WORD}+",
    "<model>": rf"{WORD}+",
    "<hash>": "[0-9a-f]{32}",
    "…": ".*",
}


def table() -> dict[str, tuple[re.Pattern[str], str]]:
    """The key patterns of the table in `keys.py`, with the types that stand beside them."""
    rows = re.findall(r"^    (mem:\S+) +(HASH|LIST|STRING|channel|the wire)", str(keys.__doc__), re.MULTILINE)
    assert len(rows) > 10
    patterns: dict[str, tuple[re.Pattern[str], str]] = {}
    for row, kind in rows:
        text = re.escape(row).replace(r"\{S\}", "{S}").replace(r"\#", "#").replace(r"\@", "@")
        for name, pattern in _PATTERNS.items():
            text = text.replace(name, pattern)
        patterns[row] = re.compile(text), kind.lower()
    return patterns


def not_in_the_table(found: Iterable[tuple[str, str]]) -> list[str]:
    """Of (key, type), those that no row describes. arq brings its own keys for a job's arguments and the like."""
    rows = [(pattern, kind) for pattern, kind in table().values() if kind != "channel"]

    def described(key: str, kind: str) -> bool:
        return any(pattern.fullmatch(key) and stated in (kind, "the wire") for pattern, stated in rows)

    return [f"{key} ({kind})" for key, kind in found if not described(key, kind) and not key.startswith("arq:")]
