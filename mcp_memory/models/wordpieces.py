"""BERT's uncased word pieces: text to ids."""

from pathlib import Path
from typing import Protocol, cast

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from mcp_memory.models.vectors import well_formed

VOCABULARY = Path(__file__).with_name("minilm-vocab.txt")
"""One piece a line, its id is the line's number from 0 (origin and licence: NOTICE.txt beside it)."""

LONGEST = 256
"""Pieces that all-MiniLM-L6-v2 reads, its two marks included: `max_seq_length` of the published model."""

READ_CHARACTERS = 8192
"""Of a text, at most: 32 for each piece it could become. Bounds the time that a hostile text can take to 3 ms."""


class _Encoding(Protocol):
    ids: list[int]


class WordPieces:
    """Splits texts as the model's own tokenizer does, but for one thing.

    `[SEP]` and the like in a text are five characters that somebody wrote, not the model's marks.
    """

    def __init__(self) -> None:
        vocabulary = _vocabulary()
        # The dict is as fast as tokenizers' own `from_file`, and does not depend on the platform's line ends.
        pieces = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
        pieces.normalizer = BertNormalizer(lowercase=True)
        pieces.pre_tokenizer = BertPreTokenizer()
        self._pieces = pieces
        self._first, self._last = vocabulary["[CLS]"], vocabulary["[SEP]"]

    def ids(self, text: str) -> list[int]:
        """The ids of a text between the model's two marks: 2 (for a blank text) to 256 of them, the rest cut off."""
        encoding = cast(_Encoding, self._pieces.encode(well_formed(text[:READ_CHARACTERS]), add_special_tokens=False))
        return [self._first, *encoding.ids[: LONGEST - 2], self._last]


def _vocabulary() -> dict[str, int]:
    lines = VOCABULARY.read_text(encoding="utf-8").split("\n")
    return {piece: place for place, piece in enumerate(lines) if piece}
