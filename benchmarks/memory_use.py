"""How much memory processes use. PSS counts a shared page once among all that share it; it is Linux's."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.mcp_client import SERVER


@dataclass(frozen=True, slots=True)
class Use:
    """In MB."""

    rss: float
    pss: float | None

    @classmethod
    def of(cls, processes: Iterable[psutil.Process]) -> "Use":
        """The sum over processes."""
        infos = [process.memory_full_info() for process in processes]
        shares = [getattr(info, "pss", None) for info in infos]
        pss = None if None in shares else sum(share for share in shares if share is not None) / 2**20
        return cls(rss=sum(info.rss for info in infos) / 2**20, pss=pss)


def servers() -> list[psutil.Process]:
    """The stdio servers that this process started and that still run."""
    return [child for child in psutil.Process().children() if _says(child, SERVER[-1])]


def background(home: Path) -> list[psutil.Process]:
    """The Redis and the worker of a data folder."""
    return [
        process
        for process in psutil.process_iter()
        if _says(process, str(home)) and process.pid != psutil.Process().pid
    ]


def _says(process: psutil.Process, word: str) -> bool:
    try:
        return any(word in argument for argument in process.cmdline())
    except psutil.Error:
        return False
