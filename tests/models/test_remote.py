"""Remote models: litellm itself, against a provider on this machine."""

from datetime import timedelta

import numpy as np
import pytest

from mcp_memory.errors import InvalidInput, MemoryServerError, Unavailable
from mcp_memory.models.embed import open_embedder
from mcp_memory.models.remote import BATCH, CHARACTERS, RemoteEmbedder, open_remote
from tests.models.support import Answer, ScriptedProvider, body, each, numbers, scripted, status, vectors

MODEL = "openai/small"
SOON = timedelta(seconds=20)
NO_PAUSE = timedelta(0)
GOOD = each([3.0, 4.0, 0.0])


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")


async def opened(provider: ScriptedProvider, timeout: timedelta = SOON) -> RemoteEmbedder:
    return await open_remote(MODEL, api_base=provider.url, timeout=timeout, pause=NO_PAUSE)


async def failure(provider: ScriptedProvider, timeout: timedelta = SOON) -> MemoryServerError:
    """The error of opening the model, which asks it once."""
    with pytest.raises(MemoryServerError) as failed:
        await opened(provider, timeout)
    said = str(failed.value)
    assert said.startswith(MODEL)
    assert "\n" not in said
    assert not any(secret in said for secret in ("sk-secret", "user:pw", "http"))
    return failed.value


async def test_a_model_is_asked_once_for_its_dimension() -> None:
    async with scripted(GOOD) as provider:
        embedder = await open_embedder(MODEL, api_base=provider.url)
        assert (embedder.model, embedder.dim, len(provider.seen)) == (MODEL, 3, 1)
        await embedder.close()


async def test_vectors_come_normalised_in_float16_and_in_order() -> None:
    swapped = [{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [-3.0, 0.0]}]
    async with scripted(each([3.0, 4.0]), body({"data": swapped})) as provider:
        embedder = await opened(provider)
        first, second = await embedder.embed(["a", "b"])
        assert numbers(first).tolist() == [-1.0, 0.0]
        assert numbers(second).tolist() == [0.0, 1.0]
        await embedder.close()


async def test_many_texts_go_in_batches() -> None:
    async with scripted(GOOD) as provider:
        embedder = await opened(provider)
        found = await embedder.embed([f"text {number}" for number in range(BATCH + 3)])
        assert [len(texts) for texts in provider.seen[1:]] == [BATCH, 3]
        assert len(found) == BATCH + 3
        assert await embedder.embed([]) == []
        await embedder.close()


async def test_texts_that_providers_refuse_are_sent_as_something_else() -> None:
    async with scripted(GOOD) as provider:
        embedder = await opened(provider)
        await embedder.embed(["", " \n", "\x00", "a\ud800", "x" * 100_000])
        assert provider.seen[1] == [".", ".", ".", "a\ufffd", "x" * CHARACTERS]
        await embedder.close()


async def test_a_busy_provider_is_asked_again() -> None:
    async with scripted(status(429), status(503), GOOD) as provider:
        embedder = await opened(provider)
        assert (embedder.dim, len(provider.seen)) == (3, 3)
        await embedder.close()


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_provider_that_stays_broken_is_unavailable_after_three_attempts(code: int) -> None:
    async with scripted(status(code)) as provider:
        failed = await failure(provider)
        assert isinstance(failed, Unavailable)
        assert str(code) in str(failed)
        assert len(provider.seen) == 3


async def test_a_provider_that_says_nothing_is_unavailable_when_the_time_is_up() -> None:
    async with scripted(None) as provider:
        failed = await failure(provider, timedelta(seconds=0.5))
        assert isinstance(failed, Unavailable)
        assert "in time" in str(failed) or "within 0.5 s" in str(failed)
        assert len(provider.seen) <= 1  # litellm's first call can take that long before it sends


async def test_nobody_at_the_address_is_unavailable() -> None:
    async with scripted(GOOD) as provider:
        pass
    assert isinstance(await failure(provider), Unavailable)


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refused_key_is_said_at_once_with_what_to_do(code: int) -> None:
    async with scripted(status(code)) as provider:
        failed = await failure(provider)
        assert isinstance(failed, InvalidInput)
        assert "key" in str(failed)
        assert "doctor" in str(failed)
        assert len(provider.seen) == 1


async def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    async with scripted(GOOD) as provider:
        failed = await failure(provider)
        assert isinstance(failed, InvalidInput)
        assert "set OPENAI_API_KEY" in str(failed)


@pytest.mark.parametrize("code", [400, 404])
async def test_a_model_that_the_provider_does_not_know_is_refused_at_once(code: int) -> None:
    async with scripted(status(code)) as provider:
        assert isinstance(await failure(provider), InvalidInput)
        assert len(provider.seen) == 1


async def test_a_name_that_litellm_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no-such-provider/model"):
        await open_embedder("no-such-provider/model")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (vectors([1.0, 2.0, 3.0]), "1 vectors for 2 texts"),
        (vectors([1.0, 0.0, 0.0], [1.0, 0.0]), "2 numbers instead of 3"),
        (vectors([1.0, 0.0, 0.0], [1.0, float("nan"), 0.0]), "not finite"),
        (vectors([1.0, 0.0, 0.0], [float("inf"), 0.0, 0.0]), "not finite"),
        (vectors([1.0, 0.0, 0.0], [0.0, 0.0, 0.0]), "nothing but zeros"),
        (body({"data": [{"index": 0}, {"index": 1}]}), MODEL),
        (body({"data": [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": ["a", "b", "c"]}]}), MODEL),
        (body({}), MODEL),
        (body({"data": None}), MODEL),
    ],
)
async def test_an_answer_that_is_no_vectors_is_unavailable(answer: Answer, said: str) -> None:
    async with scripted(GOOD, answer) as provider:
        embedder = await opened(provider)
        with pytest.raises(Unavailable, match=said):
            await embedder.embed(["a", "b"])
        await embedder.close()


async def test_no_numbers_at_all_are_no_dimension() -> None:
    async with scripted(each([])) as provider:
        assert isinstance(await failure(provider), Unavailable)


async def test_the_largest_numbers_do_not_overflow() -> None:
    async with scripted(each([3e38, -3e38])) as provider:
        embedder = await opened(provider)
        (vector,) = await embedder.embed(["a"])
        assert numbers(vector) == pytest.approx([np.sqrt(0.5), -np.sqrt(0.5)], abs=1e-3)
        await embedder.close()


async def test_nothing_is_written_to_stdout_or_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    async with scripted(status(401)) as provider:
        await failure(provider)
    async with scripted(status(500)) as provider:
        await failure(provider)
    async with scripted(GOOD) as provider:
        embedder = await opened(provider)
        await embedder.embed(["a"])
        await embedder.close()
    assert capfd.readouterr() == ("", "")


async def test_a_model_can_be_opened_again_after_it_was_closed() -> None:
    async with scripted(GOOD) as provider:
        for _ in range(2):
            embedder = await opened(provider)
            assert len(await embedder.embed(["a"])) == 1
            await embedder.close()
