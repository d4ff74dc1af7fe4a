"""onnxruntime, as far as it is used here, with types."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from mcp_memory.models.onnxfile import CONTRIB, Array, Graph

CPU = ["CPUExecutionProvider"]


class Session(Protocol):
    """A graph ready to run; safe to call from several threads at once."""

    def run(self, outputs: None, inputs: Mapping[str, Array], /) -> list[Array]: ...


class _Options(Protocol):
    intra_op_num_threads: int
    inter_op_num_threads: int
    enable_cpu_mem_arena: bool
    enable_mem_pattern: bool
    log_severity_level: int
    graph_optimization_level: Any

    def add_session_config_entry(self, key: str, value: str, /) -> None: ...
    def add_external_initializers(self, names: Sequence[str], values: Sequence[Any], /) -> None: ...


class _OrtValue(Protocol):
    def ortvalue_from_numpy(self, array: Array, /) -> Any: ...


class _Levels(Protocol):
    ORT_DISABLE_ALL: Any


class _Runtime(Protocol):
    OrtValue: _OrtValue
    GraphOptimizationLevel: _Levels

    def disable_telemetry_events(self) -> None: ...
    def SessionOptions(self) -> _Options: ...
    def InferenceSession(self, model: bytes, options: _Options, providers: Sequence[str]) -> Session: ...


class Running:
    """A graph in onnxruntime, on the thread of whoever calls it."""

    def __init__(self, graph: Graph, model: bytes) -> None:
        runtime = cast(_Runtime, importlib.import_module("onnxruntime"))
        runtime.disable_telemetry_events()  # on Windows they are on by default
        # The session reads these while it lives, and does not keep them alive.
        self._outside = [runtime.OrtValue.ortvalue_from_numpy(array) for array in graph.outside.values()]
        options = _options(runtime)
        options.add_external_initializers(list(graph.outside), self._outside)
        self._session = runtime.InferenceSession(model, options, providers=CPU)

    def __call__(self, **inputs: Array) -> Array:
        """The graph's output."""
        return self._session.run(None, inputs)[0]


def int8_products_saturate() -> bool:
    """Whether this processor's int8 products are cut off at 16 bits.

    x86 with AVX2 and without VNNI (Intel before 2019, AMD before Zen 4) adds pairs of products in 16 bits, so that
    large weights silently become smaller ones; uint8 weights take another, exact way. Asked of the processor itself,
    because no flag says it on every system.
    """
    graph = Graph()
    rows, columns = 64, 64
    weights = graph.constant(np.full((rows, columns), 127, np.int8))
    scales = graph.constant(np.ones(columns, np.float32))
    output = graph.node("MatMulIntegerToFloat", "x", weights, graph.constant(1.0), scales, domain=CONTRIB)
    product = Running(graph, graph.model({"x": (np.uint8, [1, rows])}, output))
    return bool(product(x=np.full((1, rows), 255, np.uint8))[0, 0] != 255 * 127 * rows)


def _options(runtime: _Runtime) -> _Options:
    options = runtime.SessionOptions()
    # The caller's thread is the only one: two texts at a time on two threads each are slower than one on each.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Both keep what the longest text needed, for ever; without them it is no slower.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # The graph is written as it should run; onnxruntime's own fusion of sum and norm makes it a fifth slower.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3  # errors only
    return options
