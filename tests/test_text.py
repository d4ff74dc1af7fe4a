"""Text as the index sees it: what is said and what is asked meet in every script; long texts are covered by parts."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.text import (
    LONGEST_WORD,
    PART_CHARACTERS,
    PART_OVERLAP,
    clip,
    content_stems,
    estimate_tokens,
    fingerprint,
    fold,
    parts,
    query_terms,
    stem,
    stems,
    words,
)

TEXTS = st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't Ada's O'Brien it’s", ["dont", "ada", "obrien", "it"]),
        ("Crème BRÛLÉE Ærø", ["creme", "brulee", "ærø"]),
        ("Straße ﬁne ２０２６", ["strasse", "fine", "2026"]),
        ("snake_case a-b c.d", ["snake_case", "a", "b", "c", "d"]),
        ("МИР ёлка", ["мир", "елка"]),
        ("ΣΊΣΥΦΟΣ", ["σισυφοσ"]),
        ("喜欢茶", ["喜", "欢", "茶", "喜欢", "欢茶"]),
        ("お茶 tea", ["お", "茶", "お茶", "tea"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مُحَمَّد", ["مُحَمَّد"]),
        ("", []),
        ("?!… 🎉", []),
        ("a\x00b\x1fc", ["a", "b", "c"]),
    ],
)
def test_words_are_folded_and_cut_as_each_script_needs(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(TEXTS)
def test_words_are_the_same_however_the_text_is_composed_or_cased(text: str) -> None:
    expected = words(text)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert words(unicodedata.normalize(form, text)) == expected, form
    assert words(fold(text)) == words(text) or "'" in text or "’" in text or "ʼ" in text


@given(TEXTS)
def test_words_hold_nothing_that_redis_or_the_index_would_read_as_syntax(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= LONGEST_WORD
        assert not set(word) & set(" \t\n\x1f,.<>{}[]\"':;!@#$%^&*()-+=~|/\\?`")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_every_term_of_a_question_is_a_stem_of_the_same_text(text: str) -> None:
    assert set(query_terms(text)) <= set(stems(text))
    assert bool(query_terms(text)) == bool(words(text))
    assert len(query_terms(text)) == len(set(query_terms(text)))


def test_only_stop_words_are_asked_as_they_are() -> None:
    assert query_terms("to be or not to be") == ["to", "be", "or", "not"]
    assert query_terms("What is the name of the dog?") == ["name", "dog"]
    assert content_stems("to be or not") == ["to", "be", "or", "not"]
    assert content_stems("the dogs are running") == ["dog", "run"]


def test_stems_are_of_english_words_only() -> None:
    assert [stem(word) for word in ("running", "dogs", "ladies")] == ["run", "dog", "ladi"]
    assert [stem(word) for word in ("x2s", "élevées", "a1")] == ["x2s", "élevées", "a1"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Likes tea.", "likes  TEA", True),
        ("Likes tea!", "Likes tea", True),
        ("Likes\ntea", " likes tea ", True),
        ("Café", "Cafe\u0301", True),
        ("Ａ", "a", True),
        ("Café", "Cafe", False),
        ("Likes tea?", "Likes tea", False),
        ("owes 5", "owes 50", False),
        ("-5", "5", False),
        ("a b", "ab", False),
        ("", " ", True),
    ],
)
def test_a_fingerprint_is_of_the_words_and_not_of_their_writing(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) is same


def test_a_fingerprint_is_of_a_day_too() -> None:
    assert (
        fingerprint("ran", event_day="2026-05-01") != fingerprint("ran", event_day="2026-05-02") != fingerprint("ran")
    )
    assert fingerprint("ran\n2026-05-01") != fingerprint("ran", event_day="2026-05-01")


@given(st.text())
def test_a_fingerprint_is_32_hex_digits_of_any_text(text: str) -> None:
    digits = fingerprint(text)
    assert len(digits) == 32
    assert int(digits, 16) >= 0


@given(st.text(alphabet="ab. \n茶", max_size=5_000) | st.integers(0, 6_000).map(lambda n: "x" * n))
def test_parts_cover_the_whole_text_in_order_and_none_is_too_long(text: str) -> None:
    pieces = parts(text)
    assert pieces[0].start == 0
    assert pieces[-1].end == len(text)
    for piece, after in pairwise(pieces):
        assert piece.start < after.start <= piece.end
        assert piece.end < after.end
        assert piece.end - after.start <= PART_OVERLAP + PART_CHARACTERS // 2
    assert all(piece.end - piece.start <= PART_CHARACTERS for piece in pieces)


def test_a_short_text_is_one_part_and_a_long_one_is_cut_at_sentences() -> None:
    assert len(parts("short")) == len(parts("")) == 1
    text = "This is a sentence of some length. " * 100
    for piece in parts(text)[:-1]:
        assert text[: piece.end].endswith(". ")


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("word", 1), ("a" * 400, 100), ("茶" * 10, 10), ("tea 茶", 2)])
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(TEXTS, TEXTS)
def test_a_longer_text_never_has_fewer_tokens(one: str, other: str) -> None:
    assert estimate_tokens(one + other) >= max(estimate_tokens(one), estimate_tokens(other)) - 1


@given(st.text(max_size=50), st.integers(1, 60))
def test_a_clipped_text_is_at_most_so_long(text: str, most: int) -> None:
    clipped = clip(text, most)
    assert len(clipped) <= most
    assert clipped == text or clipped.endswith("…")
