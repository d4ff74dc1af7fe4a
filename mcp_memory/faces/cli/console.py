"""Where a command speaks: lines for a person, or one JSON document for a program; errors on stderr."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, TextIO

import typer

from mcp_memory.errors import MemoryServerError
from mcp_memory.faces.fields import one_line
from mcp_memory.faces.render import clipped

Style = Literal["bold", "dim", "good", "warning", "bad"]

STYLES: dict[Style, dict[str, Any]] = {
    "bold": {"bold": True},
    "dim": {"dim": True},
    "good": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "bad": {"fg": "red"},
}

TEXT_CHARACTERS = 300
"""How much of a stored text a list shows; `--json` has all of it."""
WIDEST = 110
"""Lines longer than this are hard to read, however wide the terminal."""

PLAIN_MARKS = str.maketrans({"✓": "+", "✗": "x", "·": "-", "→": ">", "…": "~", "│": "|", "●": "*"})
"""For terminals whose encoding lacks them."""


class Console:
    """A command's voice."""

    def __init__(self, *, as_json: bool, timezone: tzinfo = UTC, out: TextIO | None = None) -> None:
        """`timezone` is what people read times in; `out` is stdout unless a test says otherwise."""
        self.as_json = as_json
        self.timezone = timezone
        self._out = out or sys.stdout
        self._styled = _has_colours(self._out)
        self._unicode = (self._out.encoding or "").lower().replace("-", "") == "utf8"

    @property
    def width(self) -> int:
        """Columns for text."""
        return min(WIDEST, shutil.get_terminal_size().columns)

    @property
    def asks(self) -> bool:
        """Whether a person is there to answer a question."""
        return not self.as_json and sys.stdin.isatty() and self._out.isatty()

    def confirms(self, question: str) -> bool:
        """Whether the person says yes. Ctrl-C is no answer and ends the command."""
        try:
            return typer.confirm(question)
        except typer.Abort:
            raise KeyboardInterrupt from None

    def say(self, line: str = "") -> None:
        """A line for a person; a program does not get it."""
        if not self.as_json:
            self._print(line if self._unicode else line.translate(PLAIN_MARKS))

    def paragraph(self, text: str, *, indent: str = "", hanging: str | None = None, style: Style | None = None) -> None:
        """Text wrapped to the terminal; where nobody looks at one, in one line."""
        if not self._out.isatty():
            self.say(indent + self.styled(text, style))
            return
        later = indent if hanging is None else hanging
        for line in textwrap.wrap(text, self.width, initial_indent=indent, subsequent_indent=later) or [indent]:
            self.say(self.styled(line, style))

    def styled(self, text: str, style: Style | None) -> str:
        """The text in a colour or weight, where the terminal has them and the person wants them."""
        return typer.style(text, **STYLES[style]) if style and self._styled else text

    def time(self, moment: datetime) -> str:
        """A moment as people read it, in their zone: `2026-11-22 18:20`, without the time at midnight."""
        local = moment.astimezone(self.timezone)
        return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%d %H:%M}"

    def document(self, value: Mapping[str, Any]) -> None:
        """The one JSON document that a program gets."""
        if self.as_json:
            self._print(json.dumps(value, ensure_ascii=not self._unicode, indent=2, default=str))

    def failed(self, error: MemoryServerError) -> None:
        """What went wrong: a line on stderr, and for a program the same as JSON."""
        detail = one_line(str(error))
        complain(f"{error.code}: {detail}")
        self.document({"code": error.code, "detail": detail})

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def complain(line: str) -> None:
    """A line on stderr."""
    print(line, file=sys.stderr, flush=True)


def shown(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """A stored text for a terminal: one line, clipped, without anything that could steer the terminal."""
    return clipped(one_line(text, most=characters + 1), characters)


@contextmanager
def progress(label: str, total: int | None) -> Generator[Callable[[int], None]]:
    """A bar on stderr that is told how much more is done; nothing where nobody looks, or there is nothing to do.

    `total` of None: the end is not known, so that it counts.
    """
    if not sys.stderr.isatty() or total == 0:
        yield lambda _: None
    elif total is None:
        with _counter(label) as count:
            yield count
    else:
        with typer.progressbar(length=total, label=label, file=sys.stderr) as bar:
            yield bar.update


@contextmanager
def _counter(label: str) -> Generator[Callable[[int], None]]:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        print(f"\r{label}: {done:,}", end="", file=sys.stderr, flush=True)

    try:
        yield count
    finally:
        print(file=sys.stderr)


def _has_colours(out: TextIO) -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.platform != "win32"
    return wanted and out.isatty()
