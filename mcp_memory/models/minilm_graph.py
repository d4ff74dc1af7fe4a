"""The graph of all-MiniLM-L6-v2 in int8: six BERT layers over word vectors.

What each product does to its input `x`, of `n` rows: every row is shifted by its least number, scaled to 0..255 and
rounded, so that a row with an outlier does not cost the other rows their precision. With `u` the rounded row and `W`
the packaged int8 weights with a scale for each column,

    x W  =  row_scale * (u W) * column_scale  +  row_least * column_sum

where the second term, the shift, needs no product: the columns' sums are known when the graph is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mcp_memory.models.onnxfile import CONTRIB, Array, Graph

LAYERS = 6
HEADS = 12
EPSILON = 1e-12
"""Of every norm: `layer_norm_eps` of the published model."""
LEVELS = 255.0


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights as they are packaged: `values * scales` is what they stand for."""

    values: Array  # int8[inputs, outputs]
    scales: Array  # float32[outputs]

    def column_sums(self) -> Array:
        """float32[outputs]."""
        return (self.values.sum(axis=0, dtype=np.int32) * self.scales).astype(np.float32)


class Words(NamedTuple):
    """What a word piece is before the first layer: `values[id] * scales[id] + places[position]`."""

    values: Array  # int8[30522, 384]
    scales: Array  # float32[30522, 1]
    places: Array  # float32[512, 384]


class _Rows(NamedTuple):
    """A rounded input: names of outputs in the graph."""

    rounded: str  # uint8[1, n, width]
    scale: str  # float32[1, n, 1]
    least: str  # float32[1, n, 1]


def words(file: Mapping[str, Array]) -> Words:
    """The word vectors of the packaged file."""
    start = "inner.embeddings."
    places = file[f"{start}position_embeddings.weight_q"] * file[f"{start}position_embeddings.weight_scale"]
    return Words(
        values=file[f"{start}word_embeddings.weight_q"],
        scales=file[f"{start}word_embeddings.weight_scale"],
        # Every piece of a single text is of type 0.
        places=places + file[f"{start}token_type_embeddings.weight"][0],
    )


class MiniLMGraph:
    """Writes the graph from the packaged file's constants.

    Args:
        file: the constants by name, in the file's order.
        unsigned: write the weights as uint8 (a copy of 11 MB), for processors whose int8 products saturate.
    """

    def __init__(self, file: Mapping[str, Array], *, unsigned: bool) -> None:
        self.graph = Graph()
        self._file = file
        self._unsigned = unsigned
        self._matrices = _matrices(file)
        self._one = self.graph.constant(1.0)
        self._level = self.graph.constant(1 / LEVELS)
        self._line = self.graph.constant(np.array([-1], np.int64))
        self._zero = self.graph.constant(np.array(128, np.uint8) if unsigned else np.array(0, np.int8))

    def model(self) -> bytes:
        """From `x`, float32[1, n, 384] (the words' vectors), to float32[1, n, 384]."""
        state = self._norm("x", "embeddings.LayerNorm")
        for number in range(LAYERS):
            state = self._layer(f"encoder.layer.{number}", self._matrices[6 * number : 6 * number + 6], state)
        return self.graph.model({"x": (np.float32, [1, "n", 384])}, state)

    def _layer(self, name: str, matrices: list[Matrix], state: str) -> str:
        query, key, value, output, up, down = matrices
        attended = self._attention(name, [query, key, value], state)
        bias = self._bias(f"{name}.attention.output.dense")
        mixed = self._sum(self._product_of_whole(attended, output, bias), state)
        state = self._norm(mixed, f"{name}.attention.output.LayerNorm")
        wide = self._product(self._rows(state), up)
        # By tanh instead of erf: twice as fast, and less of a difference than the rounding makes.
        wide = self.graph.node("FastGelu", wide, self._bias(f"{name}.intermediate.dense"), domain=CONTRIB)
        narrow = self._sum(self._product(self._rows(wide), down), self._bias(f"{name}.output.dense"))
        return self._norm(self._sum(narrow, state), f"{name}.output.LayerNorm")

    def _attention(self, name: str, matrices: list[Matrix], state: str) -> str:
        rows = self._rows(state)
        inputs = [self._product(rows, matrix) for matrix in matrices]
        biases = [self._float(f"{name}.attention.self.{part}.bias") for part in ("query", "key", "value")]
        bias = self.graph.constant(np.concatenate(biases))
        return self.graph.node("MultiHeadAttention", *inputs, bias, domain=CONTRIB, num_heads=HEADS)

    def _rows(self, x: str) -> _Rows:
        node = self.graph.node
        least = node("ReduceMin", x, axes=[-1], keepdims=1)
        shifted = node("Sub", x, least)
        scale = node("Mul", node("ReduceMax", shifted, axes=[-1], keepdims=1), self._level)
        rounded = node("QuantizeLinear", shifted, node("Reshape", scale, self._line), axis=1)
        return _Rows(rounded, scale, least)

    def _product(self, rows: _Rows, matrix: Matrix) -> str:
        node, constant = self.graph.node, self.graph.constant
        weights, scales = self._weights(matrix), constant(matrix.scales)
        inputs = (rows.rounded, weights, self._one, scales, "", self._zero)
        product = node("Mul", node("MatMulIntegerToFloat", *inputs, domain=CONTRIB), rows.scale)
        return self._sum(product, node("Mul", rows.least, constant(matrix.column_sums())))

    def _product_of_whole(self, x: str, matrix: Matrix, bias: str) -> str:
        """One scale for all rows, in one operator: attention's output is a mean and has no outliers."""
        inputs = (x, self._weights(matrix), self.graph.constant(matrix.scales), self._zero, bias)
        return self.graph.node("DynamicQuantizeMatMul", *inputs, domain=CONTRIB)

    def _weights(self, matrix: Matrix) -> str:
        # As uint8 with 128 as zero, the same numbers.
        return self.graph.large(matrix.values.view(np.uint8) ^ 0x80 if self._unsigned else matrix.values)

    def _norm(self, x: str, name: str) -> str:
        factor, offset = (self.graph.constant(self._float(f"{name}.{part}")) for part in ("weight", "bias"))
        return self.graph.node("LayerNormalization", x, factor, offset, axis=-1, epsilon=EPSILON)

    def _sum(self, left: str, right: str) -> str:
        return self.graph.node("Add", left, right)

    def _bias(self, name: str) -> str:
        return self.graph.constant(self._float(f"{name}.bias"))

    def _float(self, name: str) -> Array:
        return self._file[f"inner.{name}"]


def _matrices(file: Mapping[str, Array]) -> list[Matrix]:
    """The layers' matrices; the export named them by number, in the order of their use: six for each layer."""
    names = [name.removesuffix("_q") for name, array in file.items() if array.dtype == np.int8]
    names = [name for name in names if not name.startswith("inner.embeddings.")]
    return [Matrix(file[f"{name}_q"], file[f"{name}_scale"][0]) for name in names]
