"""The import rule as one table: who may import whom, and which libraries stay behind which wall."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import SOURCES

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "ids"),
    ("records", "text", "models.names"),
    ("settings", "jobs", "context", "embedded"),
    ("configuration", "storage", "models"),
    ("working", "longterm"),
    ("service",),
    ("app",),
    ("transfer",),
    ("faces",),
    ("__init__", "__main__"),
)
"""From the bottom up. A part imports only from rows below its own; parts of one row are strangers to each other.

Parts are modules and packages of `mcp_memory`; inside a package the imports are its own affair. The version in
`mcp_memory/__init__.py` may be read by all. `worker` stands above everything and is imported by nobody.
"""

SPECIAL = {
    "records": {"errors"},
    "text": set[str](),
}
"""What must stay as small as it is: the values and the words know nothing but their errors."""

WALLS: Mapping[str, tuple[str, ...]] = {
    "redis": ("mcp_memory.storage", "worker"),
    "redisvl": ("mcp_memory.storage", "worker"),
    "arq": ("mcp_memory.storage", "worker"),
    "litellm": ("mcp_memory.models",),
    "onnxruntime": ("mcp_memory.models",),
    "tokenizers": ("mcp_memory.models",),
    "numpy": ("mcp_memory.models",),
    "mcp": ("mcp_memory.faces.mcp", "mcp_memory.faces.cli"),
    "typer": ("mcp_memory.faces.cli",),
    "Stemmer": ("mcp_memory.text",),
}
"""Libraries and the only places that may import them, lazily or not."""

LONGEST_MODULE = 400
"""Lines."""


@dataclass(frozen=True)
class Import:
    """`importer` imports `imported` (both dotted) at a line."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules(root: Path) -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    found: dict[str, Path] = {}
    for package in ("mcp_memory", "worker"):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts)] = path
    return found


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    """Everything a module imports, in functions and under TYPE_CHECKING too, as the modules that are meant."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                one = f"{module}.{alias.name}"
                is_module = one in known or f"{one}.__init__" in known
                yield Import(name, one if is_module else module, node.lineno)


def part(module: str) -> str:
    """The part of the product that a module belongs to: the longest name in the table that covers it."""
    inner = module.removeprefix("mcp_memory").removeprefix(".")
    names = [name for layer in LAYERS for name in layer if inner == name or inner.startswith(f"{name}.")]
    return max(names, key=len, default=inner.split(".")[0] or "__init__")


def broken_rules(root: Path) -> list[str]:
    """Every import that the table forbids, every library outside its wall, every module that is too long."""
    known = modules(root)
    found: list[str] = []
    for name, path in known.items():
        if path.read_text().count("\n") > LONGEST_MODULE:
            found.append(f"{name} has more than {LONGEST_MODULE} lines")
        for each in imports(name, path, known):
            reason = _broken(each)
            if reason:
                found.append(f"{each}: {reason}")
    return found


def _broken(each: Import) -> str | None:
    top = each.imported.split(".")[0]
    if top in WALLS and not any(_inside(each.importer, wall) for wall in WALLS[top]):
        return f"{top} is for {' and '.join(WALLS[top])} only"
    if each.importer.startswith("worker"):
        return None if top != "mcp_memory" or _below_the_worker(each.imported) else "the worker has no faces"
    if top == "worker":
        return "nothing but its command imports the worker" if not _starts_the_worker(each) else None
    if top == "mcp_memory":
        return _out_of_order(part(each.importer), part(each.imported))
    return None


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _below_the_worker(imported: str) -> bool:
    return part(imported) not in {"faces", "transfer", "__main__"}


def _starts_the_worker(each: Import) -> bool:
    """`mcp-memory worker` and `mcp-memory serve` run one; the command line is where that is decided."""
    return _inside(each.importer, "mcp_memory.faces.cli") and each.imported in ("worker.run", "worker")


def _out_of_order(importer: str, imported: str) -> str | None:
    if imported in (importer, "__init__"):
        return None
    places = {name: place for place, layer in enumerate(LAYERS) for name in layer}
    for name in (importer, imported):
        if name not in places:
            return f"{name} has no place in the table of tests/test_layers.py"
    if importer in SPECIAL and imported not in SPECIAL[importer]:
        return f"{importer} knows nothing but {', '.join(SPECIAL[importer]) or 'the standard library'}"
    if places[imported] >= places[importer]:
        return "only downwards; parts of one layer are strangers"
    return None


def test_every_import_goes_down_and_every_library_stays_behind_its_wall() -> None:
    assert broken_rules(SOURCES) == []


def test_every_part_of_the_product_has_its_place() -> None:
    parts = {part(name) for name in modules(SOURCES) if name.startswith("mcp_memory")}
    assert parts == {name for layer in LAYERS for name in layer}


PLANTED = {
    "a memory that knows a face": ("longterm/store.py", "from mcp_memory.faces import render"),
    "a sibling": ("working/store.py", "from mcp_memory.longterm.store import LongTermStore"),
    "another sibling": ("longterm/rank.py", "import mcp_memory.working.store"),
    "hidden in a function": ("service.py", "def f():\n    from mcp_memory import app"),
    "a relative one": ("storage/keys.py", "from ..service import MemoryService"),
    "a package by name": ("storage/keys.py", "from mcp_memory import longterm"),
    "the worker": ("service.py", "import worker.jobs"),
    "the worker from a command": ("faces/cli/app.py", "from worker.embedding import QueryLoop"),
    "values that know the store": ("records.py", "from mcp_memory.text import fold"),
    "redis outside": ("service.py", "from redis.asyncio import Redis"),
    "redisvl outside": ("longterm/search.py", "def f():\n    import redisvl.index"),
    "arq outside": ("service.py", "import arq"),
    "litellm outside": ("longterm/extract.py", "import litellm"),
    "onnxruntime outside": ("app.py", "import onnxruntime as ort"),
    "numpy in a face": ("faces/render.py", "import numpy as np"),
    "typer outside": ("service.py", "import typer"),
    "a part without a place": ("novelty.py", "from mcp_memory import errors"),
    "a long module": ("errors.py", "\n" * 400),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, what: str) -> None:
    for name, path in modules(SOURCES).items():
        copy = tmp_path / Path(*name.split(".")).with_suffix(".py")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    before = broken_rules(tmp_path)
    file, fault = PLANTED[what]
    with (tmp_path / "mcp_memory" / file).open("a") as module:
        module.write(f"\n{fault}\n")
    assert len(broken_rules(tmp_path)) == len(before) + 1


def test_a_worker_that_shows_a_face_is_found(tmp_path: Path) -> None:
    (tmp_path / "mcp_memory/faces").mkdir(parents=True)
    (tmp_path / "worker").mkdir()
    (tmp_path / "mcp_memory/faces/render.py").write_text("")
    (tmp_path / "worker/jobs.py").write_text("from mcp_memory.faces import render\n")
    assert broken_rules(tmp_path) == ["worker.jobs:1 imports mcp_memory.faces.render: the worker has no faces"]
