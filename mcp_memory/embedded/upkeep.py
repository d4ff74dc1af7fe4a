"""The data files of the embedded Redis: safe from power cuts; and, while none runs, versions, backups and repair."""

import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_memory.embedded.binaries import Binaries, find_binaries
from mcp_memory.embedded.home import Home, write_private
from mcp_memory.embedded.process import Background
from mcp_memory.errors import Unavailable

if sys.platform == "darwin":
    pass

__all__ = ["Repaired", "repair"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: where the files from before it are, and how many bytes it cut off the end."""

    backup: Path
    dropped_bytes: int


def repair(home: Home, *, find: Callable[[], Binaries] = find_binaries) -> Repaired:
    """Make damaged data loadable again by cutting off everything from the damage on; a copy is kept.

    Raises:
        Unavailable: Redis runs on the data, there is none, or this way cannot mend it.
    """
    with Background(home.redis_lock, home.redis_log).claimed() as lock:
        if lock is None:
            raise Unavailable("Redis runs on this data; run `mcp-memory stop` first")
        manifest = home.append_only_files / "appendonly.aof.manifest"
        if not manifest.is_file():
            raise Unavailable(f"there is no data to repair in {home.append_only_files}")
        # The checker takes a manifest that it cannot read for an old kind of data file, and would empty it.
        if not manifest.read_bytes().startswith(b"file "):
            raise _beyond_repair(home, "its manifest is damaged")
        backup = back_up(home, reason="repair")
        before_bytes = _size_bytes(home.append_only_files)
        complaint = _check_and_fix(find().server, manifest)
        if complaint:  # then it has changed nothing
            shutil.rmtree(backup)
            raise _beyond_repair(home, complaint)
        return Repaired(backup, before_bytes - _size_bytes(home.append_only_files))


def tidy(home: Home) -> None:
    """Remove what a killed Redis or a power cut leaves behind and a new Redis would stumble over or never remove."""
    for leftover in home.redis_data.glob("temp-*"):
        leftover.unlink()
    for file in home.append_only_files.glob("*.incr.aof"):
        _cut_zeros(file)


def check_format(home: Home, versions: dict[str, str]) -> None:
    """Refuse data of a newer program, which this one could not read, and copy that of an older one.

    Of the copies from before upgrades, the last one stays.

    Raises:
        Unavailable: the data was written by a newer version.
    """
    written = _written_by(home)
    for name, ours in versions.items():
        if _parts(written.get(name, "")) > _parts(ours):
            raise Unavailable(
                f"the data in {home.root} was written by {name} {written[name]}, and this installation has {ours}; "
                "upgrade mcp-memory, or set MCP_MEMORY_HOME to another folder"
            )
    if written and written != versions and home.append_only_files.is_dir():
        older = list(home.backups.glob("*-before-upgrade"))
        logger.info("kept a copy of the data from before the upgrade in %s", back_up(home, reason="upgrade"))
        for copy in older:  # also those of a new version that fails to start again and again
            shutil.rmtree(copy)


def record_format(home: Home, versions: dict[str, str]) -> None:
    """Note which versions write the data from now on."""
    if _written_by(home) != versions:
        draft = home.format.with_name("format.new")
        write_private(draft, json.dumps(versions).encode())
        draft.replace(home.format)


def back_up(home: Home, *, reason: str) -> Path:
    """Copy the append-only files; the folder of the copy."""
    copy = home.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-before-{reason}"
    partial = home.backups / "partial"
    home.backups.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(home.append_only_files, partial)
    return partial.rename(copy)


def _beyond_repair(home: Home, reason: str) -> Unavailable:
    return Unavailable(
        f"the data cannot be repaired: {reason}; put an older copy in place of {home.append_only_files} "
        f"(those from before upgrades are in {home.backups}), or move that folder away to start empty"
    )


def _check_and_fix(server: Path, manifest: Path) -> str:
    """Run `redis-check-aof --fix`; an empty text, or the last thing it said if it failed."""
    # The server is its own checker, under another name.
    done = subprocess.run(
        ["redis-check-aof", "--fix", manifest],
        executable=server,
        input="y\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip().split("\n")[-1]


def _cut_zeros(file: Path) -> None:
    """Cut the zero bytes off the end of a file.

    After a power cut a file can be as long as it was to be, with zeros where its last second was to be. Redis forgives
    a tail that is short but not one of zeros. No whole command ends in a zero byte, so nothing whole is lost.
    """
    with file.open("r+b") as data:
        end = data.seek(0, 2)
        while end > 0:
            start = max(0, end - 65_536)
            data.seek(start)
            kept = data.read(end - start).rstrip(b"\0")
            end = start + len(kept)
            if kept:
                break
        data.truncate(end)


def _written_by(home: Home) -> dict[str, str]:
    try:
        written: Any = json.loads(home.format.read_bytes())
        return {str(name): str(version) for name, version in written.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
