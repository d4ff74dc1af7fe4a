"""The layering is in the tree, and here in one table: a module imports from lower layers only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Lowest first. Modules of one layer do not import each other, but within their own package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("mcp_memory.__init__", "mcp_memory.errors", "mcp_memory.ids", "mcp_memory.text", "mcp_memory.models.names"),
    ("mcp_memory.records",),
    ("mcp_memory.settings", "mcp_memory.jobs", "mcp_memory.embedded", "mcp_memory.models"),
    ("mcp_memory.storage", "mcp_memory.configuration", "mcp_memory.context"),
    ("mcp_memory.working", "mcp_memory.longterm"),
    ("mcp_memory.service",),
    ("mcp_memory.app",),
    ("mcp_memory.transfer",),
    ("mcp_memory.faces", "worker"),
    ("mcp_memory.__main__",),
)

# Libraries that only some may know.
WALLS: dict[str, tuple[str, ...]] = {
    "redis": ("mcp_memory.storage", "mcp_memory.embedded", "worker"),
    "redisvl": ("mcp_memory.storage", "worker"),
    "arq": ("mcp_memory.storage", "worker"),
    "litellm": ("mcp_memory.models",),
    "onnxruntime": ("mcp_memory.models",),
    "tokenizers": ("mcp_memory.models",),
    "numpy": ("mcp_memory.models",),
    "Stemmer": ("mcp_memory.text",),
    "mcp": ("mcp_memory.faces",),
    "typer": ("mcp_memory.faces.cli",),
}

# `doctor` says which versions it found; the commands check a Redis before the product opens it.
ALLOWED = {("mcp_memory.faces.cli", "redis")}

LONGEST_MODULE = 400


def sources() -> list[Path]:
    return [*ROOT.glob("mcp_memory/**/*.py"), *ROOT.glob("worker/**/*.py")]


def module_name(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name if name == "mcp_memory.__init__" else name.removesuffix(".__init__")


def imported(source: str) -> Iterator[str]:
    """The full names of what a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name: str) -> tuple[int, str] | None:
    """The number and the entry of the layer that a name belongs to; the longest entry counts."""
    if name == "mcp_memory.__version__":
        name = "mcp_memory.__init__"
    found = [
        (len(entry), number, entry)
        for number, entries in enumerate(LAYERS)
        for entry in entries
        if name == entry or name.startswith(entry + ".")
    ]
    return max(found)[1:] if found else None


def breaches(module: str, source: str) -> list[str]:
    """What the module imports and may not, in words."""
    own = layer(module)
    assert own is not None, f"{module} is in no layer"
    wrong: list[str] = []
    for name in imported(source):
        other = layer(name)
        if other is not None and other[1] != own[1] and other[0] >= own[0]:
            wrong.append(f"{module} imports {name}, which is not below it")
        library = name.partition(".")[0]
        if library in WALLS and not _may(module, library):
            wrong.append(f"{module} imports {library}, which is behind a wall")
    return wrong


def _may(module: str, library: str) -> bool:
    inside = [*WALLS[library], *(place for place, allowed in ALLOWED if allowed == library)]
    return any(module == place or module.startswith(place + ".") for place in inside)


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_a_module_imports_only_from_below_and_is_of_a_readable_length(path: Path) -> None:
    source = path.read_text()
    assert breaches(module_name(path), source) == []
    assert source.count("\n") <= LONGEST_MODULE


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mcp_memory.longterm.planted", "from mcp_memory.faces import render"),
        ("mcp_memory.service", "import worker.jobs"),
        ("mcp_memory.app", "def f():\n    from worker.run import run"),
        ("mcp_memory.working.planted", "from mcp_memory.longterm.store import LongTermStore"),
        ("mcp_memory.records", "from mcp_memory.storage import keys"),
        ("mcp_memory.service", "import redis"),
        ("worker.planted", "import litellm"),
        ("mcp_memory.longterm.planted", "import numpy as np"),
    ],
)
def test_a_planted_breach_is_found(module: str, source: str) -> None:
    assert breaches(module, source)
