"""What the tests of the models share: vectors as numbers, the packaged graph to compare with, a provider to talk to."""

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mcp_memory.models.minilm import packaged
from mcp_memory.models.wordpieces import WordPieces

Numbers = NDArray[np.float64]


def numbers(vector: bytes) -> Numbers:
    """A stored vector, float64[dim]."""
    return np.frombuffer(vector, "<f2").astype(np.float64)


def cosine(one: bytes, other: bytes) -> float:
    """How alike two stored vectors are, -1..1."""
    return float(numbers(one) @ numbers(other))


def packaged_graph(texts: Sequence[str]) -> list[Numbers]:
    """What the graph in the package makes of the texts, in float32 and by the book: the reference."""
    runtime = cast(Any, importlib.import_module("onnxruntime"))
    session = runtime.InferenceSession(str(packaged()), providers=["CPUExecutionProvider"])
    pieces = WordPieces()

    def one(text: str) -> Numbers:
        ids = np.array([pieces.ids(text)], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = cast(NDArray[np.float32], session.run(None, inputs)[0])[0].mean(axis=0).astype(np.float64)
        return mean / np.linalg.norm(mean)

    return [one(text) for text in texts]


Answer = Callable[[list[str]], tuple[int, Any]]
"""A status, and a body to send as JSON, for the texts of a request."""


def body(content: dict[str, Any]) -> Answer:
    """This, whatever was asked."""
    return lambda texts: (200, content)


def vectors(*rows: list[float]) -> Answer:
    """Exactly these rows, whatever was asked."""
    return body({"data": [_row(place, row) for place, row in enumerate(rows)]})


def each(row: list[float]) -> Answer:
    """This row for each text."""
    return lambda texts: (200, {"data": [_row(place, row) for place in range(len(texts))]})


def status(code: int) -> Answer:
    """A failure, with a message that must not be shown."""
    return lambda texts: (code, {"error": {"message": "wrong key sk-secret at http://user:pw@host", "type": "x"}})


def _row(place: int, row: list[float]) -> dict[str, Any]:
    return {"object": "embedding", "index": place, "embedding": row}


class ScriptedProvider:
    """Answers `POST /v1/embeddings` with its script in order; the last answer is repeated."""

    def __init__(self, script: Sequence[Answer | None]) -> None:
        self.script = script
        self.seen: list[list[str]] = []
        """The texts of each request."""
        self.url = ""
        self.ending = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        texts = cast(list[str], json.loads(await reader.readexactly(length))["input"])
        answer = self.script[min(len(self.seen), len(self.script) - 1)]
        self.seen.append(texts)
        if answer is None:
            await self.ending.wait()
        else:
            code, body = answer(texts)
            content = json.dumps(
                body | {"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
            )
            writer.write(
                f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
                f"Connection: close\r\n\r\n{content}".encode()
            )
        writer.close()


@asynccontextmanager
async def scripted(*script: Answer | None) -> AsyncGenerator[ScriptedProvider]:
    """A provider on a free port of this machine; None in the script is an answer that never comes."""
    provider = ScriptedProvider(script)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield provider
        provider.ending.set()
