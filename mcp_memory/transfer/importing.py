"""Lines into a store, reconciled with what is there: nothing is lost, doubled, or brought back by an old export."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable

from mcp_memory.app import Store
from mcp_memory.errors import InvalidInput, MemoryServerError
from mcp_memory.records import Scope
from mcp_memory.storage.vectors import WAKE
from mcp_memory.transfer.lines import Line, MemoryLine, MessageLine, Reader, SessionLine, TombstoneLine
from mcp_memory.transfer.memories import Memories
from mcp_memory.transfer.sessions import Sessions, Tombstones
from mcp_memory.transfer.target import ImportReport, Target

BATCH = 100
"""Lines written in one round trip."""
BATCH_CHARACTERS = 2_000_000
"""More text than this is not held back, so that long messages do not fill the memory."""


async def import_lines(
    store: Store,
    lines: Iterable[str] | AsyncIterable[str],
    *,
    said_again: bool = False,
    into: Scope | None = None,
) -> ImportReport:
    """Take the lines of an export into a store, one after the other; what was done.

    - A memory whose words are stored already is a duplicate; one whose id is there gets the versions that it lacks,
      and the newest of all is what it says.
    - What was forgotten here does not come back, unless `said_again`.
    - A session that is there gets the messages that it lacks, at its end.
    - A bad line is reported with its number, and left out. Each other line is taken whole.

    The same lines again change nothing, so that an import that broke off is repeated from the start.

    Args:
        store: an open store.
        lines: with or without line ends.
        said_again: let what was forgotten back in.
        into: the scope for all lines, in place of their own.

    Raises:
        InvalidInput: these are not the lines of an export, or of a version that this program does not know.
        Unavailable: Redis does not answer; what came before is written.
    """
    report = ImportReport()
    reader = Reader(store.settings.limits, into)
    writer: _Writer | None = None
    async for number, text in _numbered(lines):
        if writer is None:
            writer = _Writer(Target(store, reader.header(text), report, said_again=said_again))
            continue
        try:
            line = reader.line(text)
            writer.check(line)
        except MemoryServerError as error:
            report.note_bad(number, error)
        else:
            await writer.take(number, line, len(text))
    if writer is None:
        raise InvalidInput("there is nothing to import: the first line is the header of an export")
    await writer.finish()
    await store.database.commands(WAKE)
    return report


async def _numbered(lines: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    number = 0
    async for line in lines if isinstance(lines, AsyncIterable) else _each(lines):
        number += 1
        if line.strip():
            yield number, line


async def _each(lines: Iterable[str]) -> AsyncIterator[str]:
    for line in lines:
        yield line


class _Writer:
    """Holds lines of one kind back until there are enough of them for a round trip."""

    def __init__(self, target: Target) -> None:
        self._memories = Memories(target)
        self._sessions = Sessions(target)
        self._tombstones = Tombstones(target)
        self._batch: list[tuple[int, Line]] = []
        self._characters = 0

    def check(self, line: Line) -> None:
        """Whether a line stands where it may. Raises InvalidInput."""
        if isinstance(line, MessageLine):
            self._sessions.check(line)

    async def take(self, number: int, line: Line, characters: int) -> None:
        """One line that was checked; it is written together with others of its kind."""
        another_kind = self._batch and type(self._batch[0][1]) is not type(line)
        if another_kind or len(self._batch) >= BATCH or self._characters >= BATCH_CHARACTERS:
            await self._flush()
        if isinstance(line, SessionLine):
            await self._sessions.begin(line)
            return
        if not isinstance(line, MessageLine):
            await self._sessions.end()
        self._batch.append((number, line))
        self._characters += characters

    async def finish(self) -> None:
        """Write the rest."""
        await self._flush()
        await self._sessions.end()

    async def _flush(self) -> None:
        batch, self._batch, self._characters = self._batch, [], 0
        memories = [(number, line) for number, line in batch if isinstance(line, MemoryLine)]
        messages = [line for _, line in batch if isinstance(line, MessageLine)]
        if memories:
            await self._memories.write(memories)
        if messages:
            await self._sessions.write(messages)
        for _, line in batch:
            if isinstance(line, TombstoneLine):
                await self._tombstones.write(line)
