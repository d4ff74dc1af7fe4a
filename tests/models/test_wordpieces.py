"""Texts to ids: the ids below are those of the model's published tokenizer.json."""

import pytest

from mcp_memory.models.wordpieces import LONGEST, READ_CHARACTERS, WordPieces

PIECES = WordPieces()
LONG_WORD = [13360, *[11057] * 48, 2050]

PUBLISHED: list[tuple[str, list[int]]] = [
    ("", []),
    (
        "Caroline moved to Oslo in 2023, didn't she?",
        [7981, 2333, 2000, 9977, 1999, 16798, 2509, 1010, 2134, 1005, 1056, 2016, 1029],
    ),
    ("Crème brûlée, naïve café, Å and ß", [13675, 21382, 7987, 9307, 2063, 1010, 15743, 7668, 1010, 1037, 1998, 1096]),
    ("東京タワー and 서울", [1879, 1755, 1709, 30262, 30265, 1998, 1461, 30008, 29999, 30014, 30022]),
    ("I ❤️ it 👩‍🚀!", [1045, 100, 2009, 100, 999]),
    ("tab\tnew\nline\x00\x07\ufffd end", [21628, 2047, 2240, 2203]),
    (
        "antidisestablishmentarianism x86_64",
        [3424, 10521, 4355, 7875, 13602, 3672, 12199, 2964, 1060, 20842, 1035, 4185],
    ),
    ("a" * 100, LONG_WORD),
    ("a" * 101, [100]),
    ("\ufb01nance İstanbul", [1984, 7229, 3401, 9960]),
    ("१२३ مرحبا", [100, 1295, 17149, 29820, 29816, 25573]),
]


@pytest.mark.parametrize(("text", "ids"), PUBLISHED)
def test_ids_are_those_of_the_published_tokenizer(text: str, ids: list[int]) -> None:
    assert PIECES.ids(text) == [101, *ids, 102]


def test_the_models_own_marks_mean_nothing_when_somebody_writes_them() -> None:
    assert PIECES.ids("a [SEP] [MASK]")[1:-1] == [1037, *PIECES.ids("[ sep ] [ mask ]")[1:-1]]


def test_a_long_text_is_cut_at_what_the_model_reads() -> None:
    ids = PIECES.ids("word " * 5_000)
    assert len(ids) == LONGEST
    assert (ids[0], ids[-1]) == (101, 102)


def test_no_more_of_a_text_is_looked_at_than_can_matter() -> None:
    assert PIECES.ids(" " * READ_CHARACTERS + "word") == [101, 102]


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc00\ud800"])
def test_a_lone_surrogate_counts_as_nothing(text: str) -> None:
    assert PIECES.ids(text) == PIECES.ids(text.encode("ascii", "ignore").decode())


def test_a_pair_of_surrogates_counts_as_its_character() -> None:
    assert PIECES.ids("\ud842\udfb7") == PIECES.ids("𠮷")
