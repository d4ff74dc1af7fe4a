import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcp_memory.embedded import Home

from .support import clean_up


@pytest.fixture
def make_home() -> Generator[Callable[[Path], Home]]:
    """Makes homes, and kills what still runs in them after the test."""
    with ExitStack() as stack:

        def make(folder: Path) -> Home:
            home = Home.at(folder)
            stack.callback(clean_up, home)
            return home

        yield make


@pytest.fixture
def home(tmp_path: Path, make_home: Callable[[Path], Home]) -> Home:
    return make_home(tmp_path / "home")


@pytest.fixture
def short_folder() -> Generator[Path]:
    """A folder whose path is short enough for a socket in it, which those of pytest need not be."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="m") as folder:
        yield Path(folder)
