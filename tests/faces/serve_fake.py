"""The stdio process on a fake service: `python tests/faces/serve_fake.py`."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # as `python -m mcp_memory` does before it loads anything

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_memory.faces.mcp.stdio import run_stdio
from mcp_memory.settings import Settings

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService


@asynccontextmanager
async def opened(settings: Settings) -> "AsyncGenerator[MemoryService]":
    """A fake that writes `closed` to stderr when it is closed, so that a test sees it."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from faces.fake import SleepyService  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    print("opened", file=sys.stderr, flush=True)
    print("a stray line on stdout", flush=True)
    print("another, still in its buffer at the end")
    try:
        yield SleepyService()
    finally:
        print("closed", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_stdio(open_service=opened)
