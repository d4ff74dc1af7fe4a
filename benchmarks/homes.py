"""A data folder for one benchmark, and an end for everything that ran in it."""

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from mcp_memory.embedded import Home, stop
from mcp_memory.settings import Settings

ENDING = timedelta(seconds=30)

_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "REDIS_URL", "QUEUE_REDIS_URL", "EMBEDDING_MODEL", "GENERATION_MODEL")
"""Without .pyc files every import takes twice as long; the others would measure another store."""


@contextmanager
def temporary_home() -> Generator[Path]:
    """An empty data folder; afterwards its worker and its Redis are ended, by their locks, and it is removed."""
    root = Path(tempfile.mkdtemp(prefix="mcp-memory-bench-"))
    try:
        yield root
    finally:
        stop(Home.at(root), timeout=ENDING)
        shutil.rmtree(root, ignore_errors=True)


def environment(home: Path, **more: str) -> dict[str, str]:
    """What child processes get: this environment with the home, in UTC, and nothing that would lead elsewhere."""
    kept = {name: value for name, value in os.environ.items() if _passed_on(name)}
    return kept | {"MCP_MEMORY_HOME": str(home), "MCP_MEMORY_TIMEZONE": "UTC"} | more


def settings(home: Path, more: Mapping[str, str] | None = None) -> Settings:
    """The same, for the service in this process."""
    return Settings.from_env(environment(home, **(more or {})))


def _passed_on(name: str) -> bool:
    return name not in _NOT_PASSED_ON and not name.startswith(("MCP_MEMORY_", "DEFAULT_MCP_"))
