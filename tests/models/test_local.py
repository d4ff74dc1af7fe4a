"""The local embedder: order, urgency, failure, end. The work is a function that the test holds back."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from mcp_memory.errors import InvalidInput, Unavailable
from mcp_memory.models.embed import open_embedder
from mcp_memory.models.local import LocalEmbedder
from mcp_memory.models.minilm import MiniLM
from mcp_memory.models.names import LOCAL_DIM, LOCAL_MODEL


class HeldBack:
    """Answers a text with itself, when it is let."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.begun = threading.Event()
        self.let = threading.Event()

    def __call__(self, text: str) -> bytes:
        self.seen.append(text)
        self.begun.set()
        self.let.wait()
        if text == "bad":
            raise ValueError("a defect")
        if text == "refused":
            raise InvalidInput("not this")
        return text.encode()


@asynccontextmanager
async def one_lane(work: HeldBack) -> AsyncGenerator[LocalEmbedder]:
    embedder = LocalEmbedder(work, lanes=1)
    try:
        yield embedder
    finally:
        work.let.set()
        await embedder.close()


async def begin(embedder: LocalEmbedder, *texts: str, urgent: bool = False) -> asyncio.Task[list[bytes]]:
    """Start embedding; on return the texts are in the queue."""
    task = asyncio.create_task(embedder.embed(texts, urgent=urgent))
    await asyncio.sleep(0)
    return task


async def test_an_urgent_text_waits_for_one_text_and_goes_before_the_rest() -> None:
    work = HeldBack()
    async with one_lane(work) as embedder:
        first = await begin(embedder, "a", "b", "c")
        second = await begin(embedder, "d")
        await asyncio.to_thread(work.begun.wait)
        urgent = [await begin(embedder, text, urgent=True) for text in ("u", "v")]
        work.let.set()
        answers = await asyncio.gather(first, second, *urgent)
    assert answers == [[b"a", b"b", b"c"], [b"d"], [b"u"], [b"v"]]
    assert work.seen == ["a", "u", "v", "b", "c", "d"]


async def test_every_text_is_answered_in_its_place_on_any_number_of_lanes() -> None:
    work = HeldBack()
    work.let.set()
    embedder = LocalEmbedder(work, lanes=4)
    texts = [str(number) for number in range(200)]
    assert await embedder.embed(texts) == [text.encode() for text in texts]
    assert await embedder.embed([]) == []
    await embedder.close()


async def test_a_cancelled_call_takes_its_waiting_texts_with_it() -> None:
    work = HeldBack()
    async with one_lane(work) as embedder:
        given_up = await begin(embedder, "a", "b", "c")
        await asyncio.to_thread(work.begun.wait)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        work.let.set()
        assert await embedder.embed(["next"]) == [b"next"]
    assert work.seen == ["a", "next"]


async def test_a_text_that_fails_is_unavailable_and_the_next_one_is_not() -> None:
    work = HeldBack()
    work.let.set()
    async with one_lane(work) as embedder:
        with pytest.raises(Unavailable, match="ValueError") as failed:
            await embedder.embed(["a", "bad", "b"])
        assert "a defect" not in str(failed.value)
        with pytest.raises(InvalidInput, match="not this"):
            await embedder.embed(["refused"])
        assert await embedder.embed(["a"]) == [b"a"]


async def test_closing_answers_whoever_waits_and_whoever_comes_later() -> None:
    work = HeldBack()
    async with one_lane(work) as embedder:
        running = await begin(embedder, "a")
        await asyncio.to_thread(work.begun.wait)
        waiting = await begin(embedder, "b")
        closing = asyncio.create_task(embedder.close())
        await asyncio.sleep(0)
        work.let.set()
        await closing
        assert await running == [b"a"]
        for call in (waiting, embedder.embed(["c"])):
            with pytest.raises(Unavailable, match="closed"):
                await call


async def test_the_local_model_is_opened_by_its_name_and_embeds_as_the_model_does(model: MiniLM) -> None:
    embedder = await open_embedder(LOCAL_MODEL)
    assert (embedder.model, embedder.dim) == (LOCAL_MODEL, LOCAL_DIM)
    texts = ["tea", "a much longer text about coffee, and then some", "", "tea"]
    assert await embedder.embed(texts) == [model(text) for text in texts]
    await embedder.close()


async def test_another_local_name_is_refused_with_the_one_there_is() -> None:
    with pytest.raises(InvalidInput, match=LOCAL_MODEL):
        await open_embedder("local/nothing")
