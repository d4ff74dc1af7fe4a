"""The background worker of a home: one, whoever started it."""

import os
import sys
from collections.abc import Sequence
from datetime import timedelta

from mcp_memory.embedded.home import Home
from mcp_memory.embedded.process import Background
from mcp_memory.errors import Unavailable

__all__ = ["ensure_worker", "stop_worker", "worker_running"]

# They are meant for a person at a terminal: one runs that person's file, the other waits for them at the end.
NOT_FOR_A_WORKER = frozenset({"PYTHONSTARTUP", "PYTHONINSPECT"})


def ensure_worker(home: Home, *, argv: Sequence[str] | None = None) -> bool:
    """Start the worker of this home unless it runs; whether this call started it. Does not wait until it is ready.

    Args:
        home: the data folder.
        argv: the command line; by default `python -m worker --home <folder>` with the Python that runs us.

    Raises:
        Unavailable: the process cannot be started.
    """
    # -P: the folder that it works in must not lend it modules.
    command = argv or [sys.executable, "-P", "-m", "worker", "--home", str(home.root)]
    kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_A_WORKER}
    try:
        env = kept | {"MCP_MEMORY_HOME": str(home.root)}
        return _background(home).start(lambda: command, cwd=home.root, env=env) is not None
    except OSError as error:
        raise Unavailable(f"the worker cannot start in {home.root}: {error.strerror or error}") from error


def worker_running(home: Home) -> bool:
    """Whether the worker of this home lives."""
    return _background(home).running()


def stop_worker(home: Home, *, timeout: timedelta) -> bool:
    """End the worker of this home, by force when `timeout` has passed; whether there was one.

    Raises:
        Unavailable: it does not end.
    """
    return _background(home).end(timeout=timeout)


def _background(home: Home) -> Background:
    return Background(home.worker_lock, home.worker_log)
