"""`export` and `import`: what is remembered, as lines of JSON."""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mcp_memory.app import open_store
from mcp_memory.errors import InvalidInput
from mcp_memory.faces.cli.command import FAILED, OK, Answer, ScopedCommand, read_settings
from mcp_memory.faces.cli.console import Console, complain, progress, shown
from mcp_memory.records import Scope
from mcp_memory.settings import Settings

if TYPE_CHECKING:
    from mcp_memory.transfer import ImportReport

STANDARD = "-"
PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(ScopedCommand):
    """Write what is remembered to FILE, one JSON object a line: memories with their history, sessions, forgettings."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - is stdout.")] = STANDARD
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="Of all users and namespaces.")] = False
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With the vectors: larger, and of use with the same model only.")
    ] = False

    async def run(self, console: Console) -> Answer:
        from mcp_memory.transfer import export_lines  # noqa: PLC0415 (its line models take a while: only here)

        settings = read_settings()
        if self.as_json and self.file == STANDARD:
            raise InvalidInput("--json describes the export, so the export itself needs a FILE; name one")
        scope = self._exported(settings)
        async with open_store(settings, name="face") as store:
            with _written(self.file) as out, progress("exporting", None) as done:
                lines = 0
                async for line in export_lines(store, scope=scope, vectors=self.vectors):
                    out.write(line.rstrip("\n") + "\n")
                    lines += 1
                    done(1)
                out.flush()
        if self.file != STANDARD:
            console.say(f"{console.styled('✓', 'good')} {lines:,} lines written to {self.file}")
        return Answer(value={"file": self.file, "lines": lines})

    def _exported(self, settings: Settings) -> Scope | None:
        """The scope to export; None for all."""
        if not self.all_scopes:
            return self.scope(settings)
        if self.user_id is not None or self.namespace is not None:
            raise InvalidInput("--all-scopes and one scope were given together; leave out one of them")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(ScopedCommand):
    """Read an export. Everything goes to the scope it was exported from, unless --user-id or --namespace is given.

    It may be repeated: what is there already is counted as duplicate. What was forgotten here stays forgotten, unless
    --said-again.
    """

    file: Annotated[str, typer.Argument(metavar="FILE", help="What export wrote; - is stdin.")]
    said_again: Annotated[bool, typer.Option("--said-again", help="Take back in what was forgotten here.")] = False

    async def run(self, console: Console) -> Answer:
        from mcp_memory.transfer import import_lines  # noqa: PLC0415 (as above)

        settings = read_settings()
        named = self.user_id is not None or self.namespace is not None
        into = self.scope(settings) if named else None
        with _read(self.file) as (source, size):
            async with open_store(settings, name="face") as store:
                with progress("importing", size) as done:
                    lines = _lines(source, done)
                    report = await import_lines(store, lines, said_again=self.said_again, into=into)
                await store.start_worker()
        for line in report.bad[:PROBLEMS_SHOWN]:
            complain(f"{line.code}: line {line.number}: {shown(line.reason)}")
        mark = console.styled("✗", "bad") if report.bad_lines else console.styled("✓", "good")
        console.say(f"{mark} {_summary(report)}")
        return Answer(value=asdict(report), code=FAILED if report.bad_lines else OK)


def _summary(report: "ImportReport") -> str:
    """The counts that say something, in words."""
    counts = {
        "memories stored": report.stored,
        "updated": report.updated,
        "sessions stored": report.sessions,
        "messages stored": report.messages,
        "there already": report.unchanged + report.duplicates,
        "stay forgotten": report.forgotten,
        "forgettings taken over": report.tombstones,
        "expired": report.expired,
        "bad lines left out": report.bad_lines,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing was in it"


@contextmanager
def _written(name: str) -> Generator[TextIO]:
    """Where to write: stdout, or a file that is there once it is complete, readable by its owner only."""
    if name == STANDARD:
        yield sys.stdout
        return
    path = Path(name).expanduser()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            yield out
        draft.replace(path)
    except OSError as error:
        raise _unusable(name, error) from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _read(name: str) -> Generator[tuple[TextIO, int | None]]:
    """What to read, and its size in bytes where that is known."""
    if name == STANDARD:
        yield sys.stdin, None
        return
    try:
        source = Path(name).expanduser().open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise _unusable(name, error) from error
    with source:
        yield source, os.fstat(source.fileno()).st_size


def _lines(source: TextIO, done: Callable[[int], None]) -> Iterator[str]:
    for line in source:
        done(len(line.encode(errors="surrogateescape")))
        yield line


def _unusable(name: str, error: OSError) -> InvalidInput:
    return InvalidInput(f"file={name[:200]!r}: {error.strerror or error}; name another one")
