"""The local model itself."""

from pathlib import Path

import numpy as np
import pytest

from mcp_memory.errors import Unavailable
from mcp_memory.models.minilm import SHA256, MiniLM, packaged
from tests.models.support import cosine, numbers, packaged_graph

TEXTS = [
    "Caroline: I went to a LGBTQ support group yesterday and it was so powerful.",
    "The staging database is on port 5433.",
    "ok",
    "Where do I live?",
    "I moved from Lisbon to Oslo in March because of the new job, and I still miss the sea.",
    "def add(a, b):\n    return a + b  # sums",
    "Ich trinke keinen Kaffee mehr, nur noch grünen Tee.",
    "東京に住んでいます。猫が二匹います。",
    "🎉🎉 we won!!! 🏆",
    "word " * 400,
]

ODD = [
    "",
    " \n\t",
    "\x00\x01",
    "\ud800",
    "a\udfff",
    "👩‍👩‍👧‍👦" * 500,
    "漢" * 100_000,
    "a" * 100_000,
    "\u202e\u200b",
    "[SEP]" * 9_000,
]


def test_the_vectors_are_those_of_the_packaged_graph_but_for_rounding(model: MiniLM) -> None:
    cosines = [float(numbers(model(text)) @ other) for text, other in zip(TEXTS, packaged_graph(TEXTS), strict=True)]
    assert min(cosines) > 0.99  # a single word: .995
    assert np.mean(cosines) > 0.998


def test_the_exact_products_give_the_same_vectors_to_the_bit(model: MiniLM) -> None:
    exact = MiniLM(exact=True)
    assert [exact(text) for text in TEXTS] == [model(text) for text in TEXTS]


def test_the_same_text_has_the_same_vector_whenever_it_is_asked(model: MiniLM) -> None:
    first = [model(text) for text in TEXTS]
    assert [model(text) for text in reversed(TEXTS)] == first[::-1]


@pytest.mark.parametrize("text", [*TEXTS, *ODD])
def test_every_text_has_a_finite_normalised_float16_vector(model: MiniLM, text: str) -> None:
    vector = model(text)
    assert len(vector) == 384 * 2
    assert np.linalg.norm(numbers(vector)) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("text", [" \n\t", "\x00\x01", "\ud800", "\u200b"])
def test_a_text_without_word_pieces_has_the_vector_of_the_empty_text(model: MiniLM, text: str) -> None:
    assert model(text) == model("")


def test_what_comes_after_256_word_pieces_does_not_count(model: MiniLM) -> None:
    assert model("word " * 254 + "dragon") == model("word " * 254)
    assert model("word " * 253 + "dragon") != model("word " * 254)


@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        ("She is allergic to peanuts.", "Peanuts make her ill.", "The train leaves at nine."),
        ("Where does Anna live?", "Anna's home is in Oslo.", "Bob bought a new guitar."),
        ("We chose PostgreSQL for the project.", "The team's database is Postgres.", "Remember to water the plants."),
    ],
)
def test_a_paraphrase_is_nearer_than_something_else(model: MiniLM, text: str, paraphrase: str, unrelated: str) -> None:
    assert cosine(model(text), model(paraphrase)) > cosine(model(text), model(unrelated)) + 0.2


def test_the_same_file_may_lie_somewhere_else(model: MiniLM, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.onnx").symlink_to(packaged())
    assert MiniLM(tmp_path / "elsewhere.onnx")("tea") == model("tea")


def test_another_file_is_refused_with_what_was_expected_and_what_to_do(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"not the model")
    with pytest.raises(Unavailable) as refused:
        MiniLM(other)
    assert all(part in str(refused.value) for part in (str(other), SHA256[:12], "pip install", "==1.0.0"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"gone\.onnx cannot be read"):
        MiniLM(tmp_path / "gone.onnx")


def test_a_package_that_is_not_installed_is_asked_for() -> None:
    with pytest.raises(Unavailable, match="pip install"):
        packaged("no_such_package_at_all")
