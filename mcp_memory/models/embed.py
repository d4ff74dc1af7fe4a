"""Embedding models behind one face: texts in, normalised float16 vectors out.

Importing this imports no model: numpy and onnxruntime come with the local model when it is opened, litellm with a
remote one. Only the worker opens any.
"""

import asyncio
import importlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from mcp_memory.errors import InvalidInput
from mcp_memory.models.names import LOCAL_MODEL

TIME_LIMIT = timedelta(seconds=30)
"""Of one request to a provider, repeats included (decision 1)."""


class Embedder(Protocol):
    """One open embedding model."""

    @property
    def model(self) -> str:
        """The name that is stored with the index; vectors of two names cannot be compared."""
        ...

    @property
    def dim(self) -> int:
        """Numbers in a vector; > 0, the same for every text."""
        ...

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """One vector for each text, in order: float16[dim], little-endian, L2-normalised, `2 * dim` bytes.

        Any text has one, all numbers finite, not all zero: a blank text gets a fixed vector of the model's, of a long
        one the beginning counts (256 word pieces of the local model, 8,000 characters of a remote one), a lone
        surrogate counts as U+FFFD. Cancelling takes what has not begun out of the queue.

        Args:
            texts: any number; none gives no vectors.
            urgent: go before what waits, behind at most one text.

        Raises:
            Unavailable: the model fails, does not answer in time, or answers something that is no vector.
            InvalidInput: a provider refuses the key, the model or a text; trying again will not help.
        """
        ...

    async def close(self) -> None:
        """Free what it holds; `Unavailable` to whoever still waits or comes later, where that can be known."""
        ...


async def open_embedder(
    model: str, *, api_base: str | None = None, path: Path | None = None, timeout: timedelta = TIME_LIMIT
) -> Embedder:
    """The model of that name, loaded; a remote one has been asked once for its dimension.

    Args:
        model: `local/all-MiniLM-L6-v2`, or any embedding model that litellm knows, such as
            `openai/text-embedding-3-small`, with its key in the environment.
        api_base: where a remote model is, if not at its provider's usual address.
        path: another place of the local model's file than the package that carries it; the same file all the same.
        timeout: of one request to a remote model, repeats included.

    Raises:
        Unavailable: the local model is missing or damaged, or the provider does not answer.
        InvalidInput: there is no such model, or its provider refuses the key.
    """
    if model == LOCAL_MODEL:
        local = await asyncio.to_thread(importlib.import_module, "mcp_memory.models.local")
        return await local.open_local(path)
    if model.startswith("local/"):
        raise InvalidInput(f"embedding model {model!r}; the only local one is {LOCAL_MODEL}")
    remote = await asyncio.to_thread(importlib.import_module, "mcp_memory.models.remote")
    return await remote.open_remote(model, api_base=api_base, timeout=timeout)
