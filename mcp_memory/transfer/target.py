"""What every part of an import needs to know, and how rows are handed to the scripts."""

import base64
import binascii
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from mcp_memory.app import Store
from mcp_memory.errors import MemoryServerError
from mcp_memory.storage.client import Database, Value
from mcp_memory.storage.index import VECTOR
from mcp_memory.storage.rows import Fields, Row
from mcp_memory.transfer.lines import Header

SHOWN_BAD_LINES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that was left out, and why."""

    number: int
    """Counted from 1, the header included."""
    code: str
    reason: str


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did, in numbers of lines."""

    stored: int = 0
    """Memories that were not there."""
    updated: int = 0
    """Memories that were there in fewer versions."""
    unchanged: int = 0
    """Memories and messages that were there already."""
    duplicates: int = 0
    """Memories whose words another memory holds."""
    forgotten: int = 0
    """Memories and messages that were forgotten here, and stay so."""
    sessions: int = 0
    """Sessions that were not there."""
    messages: int = 0
    """Messages that were not there."""
    tombstones: int = 0
    """Things that were forgotten there, and now are here."""
    expired: int = 0
    """Sessions whose time is over, and their messages."""
    bad_lines: int = 0
    bad: list[BadLine] = field(default_factory=list[BadLine])
    """The first hundred of them."""

    def note_bad(self, number: int, error: MemoryServerError) -> None:
        """A line that cannot be taken."""
        self.bad_lines += 1
        if len(self.bad) < SHOWN_BAD_LINES:
            self.bad.append(BadLine(number=number, code=error.code, reason=str(error)))


class Target:
    """The store that an import writes to."""

    def __init__(self, store: Store, header: Header, report: ImportReport, *, said_again: bool) -> None:
        self.database: Database = store.database
        self.timezone: tzinfo = store.settings.timezone
        self.report = report
        self.said_again = said_again
        identity = store.identity
        same_model = (header.embedding_model, header.dim) == (identity.embedding_model, identity.dim)
        self._dim = identity.dim if same_model else None

    def with_vectors(self, row: Row, vectors: Sequence[str | None] | None) -> Row:
        """The row with the vectors of a line, where they are of this store's model and fit its parts."""
        if self._dim is None or vectors is None or len(vectors) != len(row.groups):
            return row
        groups = [dict(group) for group in row.groups]
        for group, text in zip(groups, vectors, strict=True):
            vector = _vector(text, self._dim)
            if vector is not None:
                group[VECTOR] = vector
                del group["todo"]
        return Row(groups=tuple(groups), fingerprint=row.fingerprint, wording=row.wording)


def flat(fields: Fields) -> list[Value]:
    """A row as the scripts read it: the number of values, then name and value in turn."""
    values: list[Value] = [2 * len(fields)]
    for name, value in fields.items():
        values += (name, value)
    return values


def _vector(text: str | None, dim: int) -> bytes | None:
    """A float16 vector; None where the text is not one of finite numbers."""
    try:
        raw = base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 2 * dim or any(half & 0x7C00 == 0x7C00 for half in array("H", raw)):
        return None
    return raw
