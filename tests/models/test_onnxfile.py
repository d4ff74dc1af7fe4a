"""The ONNX format, read and written."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from mcp_memory.models.onnxfile import Graph, tensors
from mcp_memory.models.runtime import Running


def mapped(path: Path, content: bytes) -> mmap.mmap:
    path.write_bytes(content)
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def test_constants_that_were_written_are_read_again_in_their_order(tmp_path: Path) -> None:
    graph = Graph()
    matrix = np.arange(6, dtype=np.int8).reshape(2, 3)
    added = [graph.constant(matrix), graph.constant(0.5), graph.constant(np.array([1, -(2**40)], np.int64))]
    found = tensors(mapped(tmp_path / "graph", graph.model({"x": (np.float32, [1])}, graph.node("Identity", "x"))))
    assert list(found) == added
    assert [array.tolist() for array in found.values()] == [[[0, 1, 2], [3, 4, 5]], 0.5, [1, -(2**40)]]


def test_a_written_graph_runs_with_constants_inside_and_outside() -> None:
    graph = Graph()
    product = graph.node("MatMul", "x", graph.large(np.full((3, 2), 2.0, np.float32)))
    total = graph.node("Add", graph.node("ReduceMax", product, axes=[-1], keepdims=1), graph.constant(0.25))
    run = Running(graph, graph.model({"x": (np.float32, ["n", 3])}, total))
    assert run(x=np.ones((4, 3), np.float32)).tolist() == [[6.25]] * 4


@pytest.mark.parametrize("content", [b"\xff" * 40, b"\x3a\x7f", b"not an onnx file at all", b"\x80" * 12])
def test_what_is_no_onnx_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX file"):
        tensors(mapped(tmp_path / "junk", content))
