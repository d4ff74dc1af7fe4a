"""Any embedding model that litellm reaches: chosen by name, its key in the environment."""

import asyncio
import importlib
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from mcp_memory.errors import InvalidInput, MemoryServerError, Unavailable

BATCH = 64
"""Texts in one request; every provider that litellm knows takes as many."""
ATTEMPTS = 3
FIRST_PAUSE_S = 0.5
"""Before the second attempt; doubled for the third."""


class RemoteEmbedder:
    """A provider's model, asked through litellm without its own retries."""

    def __init__(self, model: str, *, api_base: str | None, timeout: timedelta, litellm: Any) -> None:
        self.model = model
        self.dim = 0
        self._api_base = api_base
        self._timeout_s = timeout.total_seconds()
        self._litellm = litellm

    @classmethod
    async def open(cls, model: str, *, api_base: str | None, timeout: timedelta) -> "RemoteEmbedder":
        """The model, asked once for its dimension. Raises as `open_embedder`."""
        litellm = await asyncio.to_thread(quiet_litellm)
        embedder = cls(model, api_base=api_base, timeout=timeout, litellm=litellm)
        embedder.dim = len((await embedder._request(["dimension"]))[0])
        return embedder

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """See `Embedder`; a provider answers many at a time, so that nothing waits for a turn."""
        vectors: list[bytes] = []
        for start in range(0, len(texts), BATCH):
            rows = await self._request(list(texts[start : start + BATCH]))
            vectors += [_normalised(row, self.dim, self.model) for row in rows]
        return vectors

    async def close(self) -> None:
        """Nothing is held open."""

    async def _request(self, texts: list[str]) -> list[list[float]]:
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._ask([text if text.strip() else "." for text in texts])
            except Unavailable:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(pause)
                pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        errors = self._litellm.exceptions
        try:
            reply = await self._litellm.aembedding(
                model=self.model, input=texts, api_base=self._api_base, timeout=self._timeout_s, max_retries=0
            )
        except (errors.AuthenticationError, errors.PermissionDeniedError) as error:
            raise InvalidInput(f"the provider of {self.model} refuses the key; set it and `mcp-memory configure`") from error
        except (errors.NotFoundError, errors.BadRequestError) as error:
            raise InvalidInput(f"{self.model} is not an embedding model that litellm reaches; check its name") from error
        # litellm wraps a refused connection as InternalServerError, and providers' errors in classes of openai.
        except self._litellm.openai.OpenAIError as error:
            raise Unavailable(f"{self.model} does not answer ({type(error).__name__})") from error
        rows = sorted(reply.data, key=lambda row: row["index"])
        if len(rows) != len(texts):
            raise _broken(self.model, f"{len(rows)} vectors for {len(texts)} texts")
        return [row["embedding"] for row in rows]


def quiet_litellm() -> Any:
    """litellm, imported so that it neither calls home nor writes to stdout; takes two seconds."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    return litellm


def _normalised(row: list[float], dim: int, model: str) -> bytes:
    vector = np.asarray(row, dtype=np.float32)
    norm = float(np.linalg.norm(vector))
    if vector.shape != (dim,) or not np.isfinite(norm) or norm == 0.0:
        raise _broken(model, f"a vector of shape {vector.shape} and norm {norm}, not {dim} numbers")
    return (vector / norm).astype("<f2").tobytes()


def _broken(model: str, what: str) -> MemoryServerError:
    return Unavailable(f"{model} answered {what}")
