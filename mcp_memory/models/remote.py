"""Any embedding model that litellm reaches: chosen by name, its key in the environment."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from mcp_memory.errors import Unavailable
from mcp_memory.models.provider import PAUSE, Litellm, Provider, close_litellm, import_litellm
from mcp_memory.models.vectors import packed, well_formed

BATCH = 64
"""Texts in one request; of the providers that litellm knows, the least generous takes 96."""
CHARACTERS = 8_000
"""Of a text that are sent: within the 8,192 tokens that the common models read."""
BLANK = "."
"""Sent for a text without a visible character, which several providers refuse, and with it the whole batch."""


async def open_remote(
    model: str, *, api_base: str | None, timeout: timedelta, pause: timedelta = PAUSE
) -> "RemoteEmbedder":
    """The model, asked once for its dimension.

    Args:
        model: litellm's name for it, such as `openai/text-embedding-3-small` or `ollama/nomic-embed-text`.
        api_base: where it is, if not at its provider's usual address.
        timeout: of one request, repeats included.
        pause: before a request is repeated for the first time.

    Raises:
        InvalidInput, Unavailable: as `Provider.ask`.
    """
    litellm = await import_litellm()
    provider = Provider(litellm, model, timeout=timeout, pause=pause)
    embedder = RemoteEmbedder(litellm, provider, model, api_base=api_base, timeout=timeout)
    await embedder.find_dimension()
    return embedder


class RemoteEmbedder:
    """An `Embedder` at a provider, which answers many at a time: nothing waits for a turn, urgent or not."""

    def __init__(
        self, litellm: Litellm, provider: Provider, model: str, *, api_base: str | None, timeout: timedelta
    ) -> None:
        self.model = model
        self.dim = 0
        self._litellm = litellm
        self._provider = provider
        self._api_base = api_base
        self._timeout_s = timeout.total_seconds()

    async def find_dimension(self) -> None:
        """Ask the model once; `dim` is then how many numbers it answers."""
        (row,) = await self._rows(["dimension"])
        self.dim = len(row)
        self._packed(row)

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[bytes]:
        """See `Embedder`; `urgent` changes nothing here."""
        vectors: list[bytes] = []
        for start in range(0, len(texts), BATCH):
            rows = await self._rows([_sendable(text) for text in texts[start : start + BATCH]])
            vectors += map(self._packed, rows)
        return vectors

    async def close(self) -> None:
        """See `Embedder`."""
        await close_litellm()

    async def _rows(self, texts: list[str]) -> list[list[float]]:
        """One row of numbers for each text, as they come."""
        reply = await self._provider.ask(lambda: self._request(texts))
        try:
            rows = _in_order(reply.data)
        except (TypeError, KeyError, AttributeError):
            raise Unavailable(f"{self.model} answered something that is no list of vectors") from None
        if len(rows) != len(texts):
            raise Unavailable(f"{self.model} answered {len(rows)} vectors for {len(texts)} texts")
        return rows

    async def _request(self, texts: list[str]) -> Any:
        return await self._litellm.aembedding(
            model=self.model, input=texts, api_base=self._api_base, timeout=self._timeout_s, max_retries=0
        )

    def _packed(self, row: list[float]) -> bytes:
        try:
            return packed(row, self.dim)
        except (ValueError, TypeError) as error:
            raise Unavailable(f"{self.model} answered a vector that cannot be used: {error}") from None


def _in_order(data: list[dict[str, Any]]) -> list[list[float]]:
    """The rows by their index, where each has one of its own; else as they came."""
    places = [row.get("index") for row in data]
    if sorted(place for place in places if isinstance(place, int)) == list(range(len(data))):
        data = sorted(data, key=lambda row: row["index"])
    return [list(row["embedding"]) for row in data]


def _sendable(text: str) -> str:
    text = well_formed(text[:CHARACTERS])
    return text if any(character.isprintable() and not character.isspace() for character in text) else BLANK
