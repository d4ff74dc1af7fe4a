"""The way to litellm's providers: imported quietly, asked within a time limit, its failures put into our words."""

import asyncio
import importlib
import logging
import os
import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast

from mcp_memory.errors import InvalidInput, MemoryServerError, Unavailable

ATTEMPTS = 3
PAUSE = timedelta(seconds=0.5)
"""Before the second attempt; doubled before the third."""

_Reply = TypeVar("_Reply")


class Litellm(Protocol):
    """litellm, as far as it is used here."""

    async def aembedding(self, **arguments: Any) -> Any: ...
    def validate_environment(self, model: str) -> dict[str, Any]: ...


async def import_litellm() -> Litellm:
    """litellm, imported in a thread (it takes 2 to 7 seconds) so that it says nothing and calls nobody."""
    return await asyncio.to_thread(_import_quietly)


async def close_litellm() -> None:
    """Close the connections that litellm keeps; it opens new ones when it is asked again."""
    cleanup = importlib.import_module("litellm.llms.custom_httpx.async_client_cleanup")
    await cleanup.close_litellm_async_clients()
    cast(Any, importlib.import_module("litellm")).in_memory_llm_clients_cache.flush_cache()


class Provider:
    """One model of a provider, asked through litellm.

    Args:
        model: litellm's name for it.
        timeout: of one question, repeats and pauses included.
        pause: before the first repeat, doubled before each further one.
    """

    def __init__(self, litellm: Litellm, model: str, *, timeout: timedelta, pause: timedelta = PAUSE) -> None:
        self._litellm = litellm
        self._model = model
        self._timeout_s = timeout.total_seconds()
        self._pause_s = pause.total_seconds()

    async def ask(self, question: Callable[[], Awaitable[_Reply]]) -> _Reply:
        """The reply; asked up to three times if the provider is busy, broken or out of reach.

        Raises:
            InvalidInput: it refuses the key, the model's name or the question; asking again will not help.
            Unavailable: anything else.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._repeat(question)
        except TimeoutError:
            raise Unavailable(f"{self._model} did not answer within {self._timeout_s:g} s") from None

    async def _repeat(self, question: Callable[[], Awaitable[_Reply]]) -> _Reply:
        pause_s = self._pause_s
        for _ in range(ATTEMPTS - 1):
            try:
                return await question()
            except Exception as error:  # noqa: BLE001 - litellm raises whatever its providers' modules raise
                if not _passing(error):
                    raise self._said(error) from None
            await asyncio.sleep(pause_s)
            pause_s *= 2
        try:
            return await question()
        except Exception as error:  # noqa: BLE001 - as above
            raise self._said(error) from None

    def _said(self, error: Exception) -> MemoryServerError:
        """The failure in one line. litellm's own message is left out: it can hold the key, the address, a stack."""
        status = _status(error)
        kind = type(error).__name__ + (f", {status}" if status else "")
        if status in (401, 403) or _without_key(error):
            return InvalidInput(f"{self._model}: the provider refuses the key ({kind}); {self._keys()}")
        if status in (400, 404, 405, 413, 422):
            return InvalidInput(f"{self._model}: the provider refuses the model or the text ({kind}); check the name")
        if status == 408:
            return Unavailable(f"{self._model} did not answer in time ({kind})")
        return Unavailable(f"{self._model} does not answer as it should ({kind}); `mcp-memory doctor` tries it")

    def _keys(self) -> str:
        missing = cast(list[str], self._litellm.validate_environment(self._model).get("missing_keys"))
        which = " and ".join(missing) or "its key in the environment"
        return f"set {which}, then check with `mcp-memory doctor`"


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _passing(error: Exception) -> bool:
    """Whether asking again may help: too many requests, or a failure on the provider's side or on the way."""
    status = _status(error)
    return status is not None and (status == 429 or status >= 500) and not _without_key(error)


def _without_key(error: Exception) -> bool:
    # OpenAI's client finds it out by itself, and litellm makes a 500 of it.
    return "missing credentials" in str(error).lower()


def _import_quietly() -> Litellm:
    # Read at its import: a price list would be fetched from the network, and a `.env` of the working folder loaded.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of no use to whoever runs this
        litellm: ModuleType = importlib.import_module("litellm")
    settings = cast(Any, litellm)
    settings.telemetry = False
    settings.suppress_debug_info = True  # it prints advice to stdout, which may be the protocol's
    settings.DEFAULT_MAX_RETRIES = 0  # embeddings take `max_retries=0` for this default
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs each failure with its stack; we say it in a line
    return cast(Litellm, litellm)
