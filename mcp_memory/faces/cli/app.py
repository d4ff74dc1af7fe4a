"""The command line itself: typer's view of the commands, and the last word on how the process ends."""

import inspect
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
import typer.main

from mcp_memory import __version__
from mcp_memory.errors import InvalidInput
from mcp_memory.faces.cli.command import INTERRUPTED, OK, USAGE, Command, as_function, perform
from mcp_memory.faces.cli.configure import Configure
from mcp_memory.faces.cli.console import Console, complain
from mcp_memory.faces.cli.demo import Demo
from mcp_memory.faces.cli.doctor import Doctor
from mcp_memory.faces.cli.files import Export, Import
from mcp_memory.faces.cli.memories import Forget, Recall, Remember, Stats
from mcp_memory.faces.cli.processes import Stop, Worker

HELP = """\
Memory for AI assistants.

Without a command it is an MCP server on stdin and stdout, which a host such as Claude Desktop starts.
"""
PROGRAM = "mcp-memory"
EPILOG = "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 the store is unavailable, 4 not found."

COMMANDS: dict[str, type[Command]] = {
    "demo": Demo,
    "doctor": Doctor,
    "configure": Configure,
    "remember": Remember,
    "recall": Recall,
    "forget": Forget,
    "stats": Stats,
    "export": Export,
    "import": Import,
    "worker": Worker,
    "stop": Stop,
}
"""In the order of the help."""

PIPE_CLOSED = 128 + 13
"""What a shell says of a program that SIGPIPE ended, as `head` ends the one before it."""

# The base of every error in what a person typed; its module has moved between versions of typer.
UsageError: Any = typer.BadParameter.__mro__[1]


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; its exit code."""
    _ready_streams()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        parsed = _parsed(arguments)
        code = perform(parsed) if isinstance(parsed, Command) else parsed
        sys.stdout.flush()
    except KeyboardInterrupt:
        complain("")
        return INTERRUPTED
    except BrokenPipeError:
        return _nobody_reads()
    return code


def _parsed(arguments: Sequence[str]) -> Command | int:
    """The command that these arguments ask for; an exit code where there is nothing left to do."""
    application = typer.main.get_command(build())
    try:
        return application.main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False) or OK
    except UsageError as error:
        Console(as_json="--json" in arguments).failed(_misuse(error))
        return USAGE
    except typer.Abort:
        return INTERRUPTED


def build() -> typer.Typer:
    """The commands as a typer application; help in plain text, errors left to `run`."""
    app = typer.Typer(
        help=HELP,
        epilog=EPILOG,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_main_options)
    for name, kind in COMMANDS.items():
        app.command(name, short_help=inspect.cleandoc(kind.__doc__ or "").split(". ")[0].split("\n")[0].rstrip("."))(
            as_function(kind)
        )
    return app


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _main_options(
    *, version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version)] = False
) -> None:
    """Options before the command."""


def _misuse(error: Any) -> InvalidInput:
    """What was typed wrongly, and where the help is."""
    context = error.ctx
    path = context.command_path if context is not None else PROGRAM
    return InvalidInput(f"{str(error.format_message()).rstrip('.')}; see `{path} --help`")


def _ready_streams() -> None:
    """No text may fail to be printed or read, whatever the terminal's encoding; who cares, checks it."""
    # Closed by whoever starts us (`<&-`): then there is nothing to read, and nobody reads.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream, errors in ((sys.stdout, "backslashreplace"), (sys.stdin, "surrogateescape")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _terminated(number: int, _: object) -> NoReturn:
    """End as Ctrl-C does: what was begun is cleaned up."""
    raise SystemExit(128 + number)


def _nobody_reads() -> int:
    """The reader has gone; Python would complain once more when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
