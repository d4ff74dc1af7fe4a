"""`mcp-memory` and `python -m mcp_memory`.

The bare command is what a host starts: it imports the stdio face and nothing of the others, because the host waits
for it.
"""

import signal
import sys

HINT = """\
mcp-memory is waiting for an MCP host, which starts it by itself and talks to it through this terminal's place.
Try `mcp-memory demo` to see it remember, `mcp-memory doctor` to check everything, `mcp-memory --help` for the rest.
Ctrl-C ends it."""


def main() -> None:
    """Serve the host that started us; with arguments, run that command and exit with its code."""
    match sys.argv[1:]:
        case []:
            _serve()
        case ["--version"]:
            from mcp_memory import __version__  # noqa: PLC0415

            print(f"mcp-memory {__version__}")
        case arguments:
            sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    try:
        from mcp_memory.faces.cli.app import run  # noqa: PLC0415 (typer: not on a host's way)
    except KeyboardInterrupt:  # later ones are `run`'s
        return 130
    return run(arguments)


def _serve() -> None:
    # While modules load, an interrupt raised inside a callback is lost: end at once until the face has its handlers.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mcp_memory.faces.mcp.stdio import run_stdio  # noqa: PLC0415 (the SDK: not on a command's way)

    if sys.stdin is not None and sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison] (`<&-` in a shell)
        print(HINT, file=sys.stderr)
    run_stdio()


if __name__ == "__main__":
    main()
