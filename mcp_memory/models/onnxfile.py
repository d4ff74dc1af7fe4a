"""The little of the ONNX file format that the local model needs: find tensors in a file, write a graph.

The `onnx` package would do both; it is 31 MB and a protobuf runtime for what is a hundred lines here.
Source of every field number: `onnx/onnx.proto` of ONNX, IR version 8.
"""

import mmap
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

IR_VERSION = 8
OPSET = 17
"""The first with LayerNormalization; onnxruntime reads it since 1.12."""
CONTRIB = "com.microsoft"
"""The domain of onnxruntime's own operators."""

_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""The wire types of protobuf: how long a field is."""
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def tensors(file: mmap.mmap) -> dict[str, Array]:
    """The constants of a model by name, in the file's order: views into the mapping, nothing is copied.

    Those of a type that this module does not know are left out.

    Raises:
        ValueError: this is no ONNX file.
    """
    found: dict[str, Array] = {}
    for graph, start, end in _fields(file, 0, len(file)):
        if graph == 7:
            for constant, begin, stop in _fields(file, start, end):
                if constant == 5:
                    found.update(_tensor(file, begin, stop))
    return found


class Graph:
    """An ONNX graph in the making. Every method that adds something answers the name of its output."""

    def __init__(self) -> None:
        self.outside: dict[str, Array] = {}
        """Constants that are not in the written model: the session is given them beside it."""
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, value: Array | float) -> str:
        """A small constant, written into the model."""
        array = np.asarray(value, dtype=np.float32) if isinstance(value, float) else np.ascontiguousarray(value)
        name = f"c{len(self._constants)}"
        self._constants.append(_header(name, array) + _bytes(9, array.tobytes()))
        return name

    def large(self, array: Array) -> str:
        """A large constant, which stays where it is: see `outside`."""
        name = f"w{len(self.outside)}"
        self.outside[name] = array
        location = _bytes(13, _bytes(1, b"location") + _bytes(2, name.encode()))
        self._constants.append(_header(name, array) + location + _number(14, 1))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: float | Sequence[int]) -> str:
        """An operator on earlier outputs; "" leaves an optional input out."""
        name = f"n{len(self._nodes)}"
        body = b"".join(_bytes(1, value.encode()) for value in inputs) + _bytes(2, name.encode())
        body += _bytes(4, operator.encode()) + b"".join(_attribute(*item) for item in attributes.items())
        self._nodes.append(body + _bytes(7, domain.encode()))
        return name

    def model(self, inputs: Mapping[str, tuple[type[Any], Sequence[int | str]]], output: str) -> bytes:
        """The whole, as a file's content.

        Args:
            inputs: the type and shape of each input; a name in a shape stands for any length.
            output: the one output, of float32.
        """
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _bytes(2, b"graph")
        graph += b"".join(_bytes(5, constant) for constant in self._constants)
        graph += b"".join(_bytes(11, _value(name, dtype, shape)) for name, (dtype, shape) in inputs.items())
        graph += _bytes(12, _value(output, np.float32, None))
        opsets = _bytes(8, _bytes(1, b"") + _number(2, OPSET)) + _bytes(8, _bytes(1, CONTRIB.encode()) + _number(2, 1))
        return _number(1, IR_VERSION) + opsets + _bytes(7, graph)


def _fields(file: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, and where its content begins and ends (a number: itself, and itself)."""
    while start < end:
        tag, start = _varint_at(file, start)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, start = _varint_at(file, start)
            yield number, value, value
            continue
        if wire == _BYTES:
            size, start = _varint_at(file, start)
        elif wire in _SIZES:
            size = _SIZES[wire]
        else:
            raise ValueError("not an ONNX file")
        if start + size > end:
            raise ValueError("not an ONNX file, or cut short")
        yield number, start, start + size
        start += size


def _varint_at(file: mmap.mmap, start: int) -> tuple[int, int]:
    value = shift = 0
    while start < len(file):
        byte = file[start]
        start += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, start
        shift += 7
    raise ValueError("not an ONNX file, or cut short")


def _tensor(file: mmap.mmap, start: int, end: int) -> dict[str, Array]:
    shape: list[int] = []
    name, code, content = "", 0, (0, 0)
    for field, begin, stop in _fields(file, start, end):
        match field:
            case 1:
                shape += [begin] if begin == stop else []
            case 2:
                code = begin
            case 8:
                name = file[begin:stop].decode()
            case 9:
                content = (begin, stop)
            case _:
                pass
    dtype = _TYPES.get(code)
    if dtype is None or content == (0, 0):
        return {}
    count = (content[1] - content[0]) // dtype.itemsize
    return {name: np.frombuffer(file, dtype, count, content[0]).reshape(shape)}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    # Negative numbers are written as their 64-bit two's complement.
    return _varint(field << 3 | _VARINT) + _varint(value % 2**64)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _header(name: str, array: Array) -> bytes:
    return (
        b"".join(_number(1, size) for size in array.shape) + _number(2, _CODES[array.dtype]) + _bytes(8, name.encode())
    )


def _attribute(name: str, value: float | Sequence[int]) -> bytes:
    match value:
        case int():
            content = _number(3, value) + _number(20, 2)
        case float():
            content = _varint(2 << 3 | _FIXED32) + struct.pack("<f", value) + _number(20, 1)
        case _:
            content = b"".join(_number(8, item) for item in value) + _number(20, 7)
    return _bytes(5, _bytes(1, name.encode()) + content)


def _value(name: str, dtype: type[Any], shape: Sequence[int | str] | None) -> bytes:
    tensor = _number(1, _CODES[np.dtype(dtype)])
    if shape is not None:
        sizes = [_number(1, size) if isinstance(size, int) else _bytes(2, size.encode()) for size in shape]
        tensor += _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))
