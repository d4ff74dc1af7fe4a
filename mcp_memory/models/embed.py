"""Embedding models behind one face: texts in, normalised float16 vectors out."""

import importlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from mcp_memory.models.names import LOCAL_MODEL

TIME_LIMIT = timedelta(seconds=30)
"""Of one call to a provider (decision 1)."""


class Embedder(Protocol):
    """One open embedding model."""

    @property
    def model(self) -> str:
        """The name that is stored with the index."""
        ...

    @property
    def dim(self) -> int: ...

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """One vector for each text: `dim` float16, little-endian, L2-normalised.

        An urgent call goes before what waits, behind at most one small batch.

        Raises:
            Unavailable: the model does not answer. InvalidInput: it refuses us.
        """
        ...

    async def close(self) -> None: ...


async def open_embedder(
    model: str, *, api_base: str | None = None, path: Path | None = None, timeout: timedelta = TIME_LIMIT
) -> Embedder:
    """The model of that name, loaded; a remote one has been asked once for its dimension.

    Args:
        model: `local/all-MiniLM-L6-v2`, or any embedding model that litellm knows.
        api_base: where a remote model is, if not at its provider's usual address.
        path: another file of the local model than the one its package carries.
        timeout: of one call to a remote model.

    Raises:
        Unavailable: the model's package is missing or broken, or its provider does not answer.
        InvalidInput: there is no such model, or its provider refuses our key.
    """
    # What a model needs is imported with it: numpy and onnxruntime here, litellm there.
    if model == LOCAL_MODEL:
        return await importlib.import_module("mcp_memory.models.local").LocalEmbedder.open(path)
    return await importlib.import_module("mcp_memory.models.remote").RemoteEmbedder.open(
        model, api_base=api_base, timeout=timeout
    )
