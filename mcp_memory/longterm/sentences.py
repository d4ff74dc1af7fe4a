"""Split a message into sentences that know where they stand, apart from code and quoted text.

Every rule looks at one line or one stop at a time, so that the work grows with the length of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from mcp_memory.longterm.patterns_words import words

__all__ = ["CAPTION", "Block", "Sentence", "split"]

Block: TypeAlias = Literal["prose", "item", "heading", "caption", "code", "quote"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a message: `text == message[start:end]`, without blanks at either end."""

    text: str
    start: int
    end: int
    block: Block = "prose"
    """`prose`, `item` (of a list, its bullet left out) and `heading` are one sentence each; the others are one whole
    each, marks included: `[photo: …]`, fenced or indented code, `>` lines, tagged or triple-quoted documents."""


CAPTION: Final = re.compile(r"\[photo:\s{0,3}[^\[\]]{1,400}\]")
"""How a message shows what a photo in it shows."""


class _Line(NamedTuple):
    text: str
    start: int
    end: int


WRAPPED_LINE = 40
"""A shorter line was ended by its writer, not by an editor that wraps at 72 or 80 columns."""

_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_DOCUMENT = re.compile(r'\s{0,3}(?:(""")|<([A-Za-z][\w-]{0,40})(?:\s[^<>]{0,200})?>)\s{0,9}$')
_CLOSING = re.compile(r'```|~~~|"""|</[A-Za-z][\w-]{0,40}')
_QUOTE = re.compile(r"\s{0,3}(?:>|&gt;)")
_ATTRIBUTION = re.compile(r"(?:On|Am|Le|El)\s.{4,120}\swrote:$|-{3,20}\s?(?:Original|Forwarded) [Mm]essage")
_INDENTED = re.compile(r"(?: {4}|\t)\s{0,80}\S")
_ITEM = re.compile(r"\s{0,12}(?:[-*+•‣–]|\d{1,3}[.)]|[a-z]\))\s{1,4}(?:\[[ xX]\]\s{1,4})?(?=\S)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s{1,4}(?=\S)")

_STOP = re.compile(r"(?<=\S)[.!?…]{1,12}[\"'”’)\]*_]{0,4}(?=\s)|[。！？]{1,12}[\"”’」』）]{0,3}")
_LAST_TOKEN = re.compile(r"[\w.&'’-]{1,24}$")

_NEVER_ENDS = words("mr mrs mx dr prof rev gen col capt lt sgt vs e.g i.e eg ie cf ca approx viz resp incl excl ext")
"""Written with a stop that is not the end of a sentence, whatever follows."""
_BEFORE_NUMBER = words("no nos fig figs sec ch vol p pp eq tel art")
_MAY_END = words(
    "a.m p.m u.s u.k u.n e.u d.c u.s.a etc inc ltd co corp jr sr ph.d m.d b.a m.a b.sc m.sc bros al st mt ft "
    "dept est min max hrs hr mins jan feb mar apr jun jul aug sep sept oct nov dec "
    "mon tue tues wed thu thur thurs fri sat sun"
)
"""Ends a sentence only where the next word is one that usually opens one."""
_OPENERS = words(
    "i i'm i've i'll i'd we we're we've the a an my our your his her their its he she it they you this that these "
    "those there then but and so or if when while after before also what who where why how which is are do does "
    "did can could would should will please thanks thank yes no not in on at as for"
)


def split(text: str) -> list[Sentence]:
    """The sentences and blocks of `text`, in order, none overlapping another.

    A stop ends a sentence unless it belongs to an abbreviation, an initial or a number; so does a line's
    end, unless the line was wrapped by an editor. Stops inside a word (URLs, versions, file names) never do.

    >>> [s.text for s in split("I saw Dr. Okafor at 5 p.m. on Friday. It went well!")]
    ['I saw Dr. Okafor at 5 p.m. on Friday.', 'It went well!']
    """
    sentences: list[Sentence] = []
    captioned = "[photo:" in text
    for block, start, end in _blocks(text):
        if block in {"code", "quote"}:
            _add(sentences, text, start, end, block)
        elif captioned:
            _add_captioned(sentences, text, start, end, block)
        else:
            _add_sentences(sentences, text, start, end, block)
    return sentences


def _add(sentences: list[Sentence], text: str, start: int, end: int, block: Block) -> None:
    piece = text[start:end].lstrip()
    start = end - len(piece)
    if piece := piece.rstrip():
        sentences.append(Sentence(piece, start, start + len(piece), block))


def _add_sentences(sentences: list[Sentence], text: str, start: int, end: int, block: Block) -> None:
    opened = start
    for stop in _STOP.finditer(text, start, end):
        if _ends(text, stop, end):
            _add(sentences, text, opened, stop.end(), block)
            opened = stop.end()
    _add(sentences, text, opened, end, block)


def _add_captioned(sentences: list[Sentence], text: str, start: int, end: int, block: Block) -> None:
    for caption in CAPTION.finditer(text, start, end):
        _add_sentences(sentences, text, start, caption.start(), block)
        _add(sentences, text, *caption.span(), "caption")
        start = caption.end()
    _add_sentences(sentences, text, start, end, block)


def _ends(text: str, stop: re.Match[str], end: int) -> bool:
    mark = stop.group()
    if mark[0] in "。！？":
        return True
    follows = text[stop.end() : min(end, stop.end() + 24)].split(maxsplit=1)
    word = follows[0] if follows else ""
    if mark.startswith(("...", "…", "..")):
        return not word[:1].islower()
    if mark[-1] not in ".!?…":  # a closing quote or bracket: '"Really?" he said' goes on
        return not word[:1].islower()
    return mark != "." or _full_stop(text, stop.start(), word)


def _full_stop(text: str, at: int, word: str) -> bool:
    """Whether a lone stop at `at`, followed by `word`, ends the sentence rather than an abbreviation."""
    found = _LAST_TOKEN.search(text[max(0, at - 24) : at])
    token = found.group() if found else ""
    lower = token.lower()
    if lower in _NEVER_ENDS or token == "Ms":  # "ms" is a unit
        return False
    if lower in _BEFORE_NUMBER:
        return not word[:1].isdigit()
    if lower in _MAY_END or _is_initial(token):
        return word.strip("\"'“‘(").lower().replace("’", "'") in _OPENERS and word[:1].isupper()
    return True


def _is_initial(token: str) -> bool:
    return len(token) == 1 and token.isalpha() and token.isupper() and token != "I"


def _lines(text: str) -> Iterator[_Line]:
    at = 0
    for raw in text.splitlines(keepends=True):
        yield _Line(raw.rstrip("\r\n"), at, at + len(raw))
        at += len(raw)


def _blocks(text: str) -> Iterator[tuple[Block, int, int]]:
    """Cut the text into blocks; the prose ones are paragraphs whose wrapped lines belong together."""
    if "\n" not in text and not _special(text):
        yield "prose", 0, len(text)
        return
    lines = list(_lines(text))
    closings = _closings(lines)
    at = 0
    while at < len(lines):
        block, offset, taken = _block_at(lines, at, closings)
        yield block, lines[at].start + offset, lines[at + taken - 1].end
        at += taken


def _special(line: str) -> bool:
    return bool(
        _FENCE.match(line) or _QUOTE.match(line) or _ITEM.match(line) or _HEADING.match(line) or _DOCUMENT.match(line)
    )


def _closings(lines: list[_Line]) -> dict[str, list[int]]:
    """For each mark that may close a block: the lines that hold it, the last one first.

    Found once, so that a text full of marks that nothing closes is not searched to its end for each.
    """
    found: dict[str, list[int]] = {}
    for at in range(len(lines) - 1, -1, -1):
        for mark in dict.fromkeys(_CLOSING.findall(lines[at].text)):
            found.setdefault(mark, []).append(at)
    return found


def _block_at(lines: list[_Line], at: int, closings: dict[str, list[int]]) -> tuple[Block, int, int]:
    """What stands at line `at`: its kind, how many characters its mark takes, how many lines it takes."""
    line = lines[at].text
    if fence := _FENCE.match(line):
        return _fenced(lines, at, fence, closings)
    if document := _DOCUMENT.match(line):
        taken = _until(at, document.group(1) or f"</{document.group(2)}", closings)
        return ("quote", 0, taken) if taken else ("prose", 0, 1)
    if _QUOTE.match(line) or _ATTRIBUTION.match(line):
        return "quote", 0, _run(lines, at, _QUOTE)
    if item := _ITEM.match(line):
        return "item", item.end(), _wrapped(lines, at)
    if heading := _HEADING.match(line):
        return "heading", heading.end(), 1
    if _INDENTED.match(line) and (at == 0 or not lines[at - 1].text.strip()):
        return "code", 0, _run(lines, at, _INDENTED)
    return "prose", 0, _wrapped(lines, at)


def _fenced(
    lines: list[_Line], at: int, fence: re.Match[str], closings: dict[str, list[int]]
) -> tuple[Block, int, int]:
    line, mark = lines[at].text.rstrip(), fence.group(1)
    if mark in line[fence.end() :]:
        return ("code" if line.endswith(mark) else "prose"), 0, 1
    return "code", 0, _until(at, mark, closings) or len(lines) - at


def _until(at: int, mark: str, closings: dict[str, list[int]]) -> int:
    """How many lines up to and with the one that closes the block; 0 if none does."""
    later = closings.get(mark, [])
    while later and later[-1] <= at:
        later.pop()
    return later[-1] - at + 1 if later else 0


def _run(lines: list[_Line], at: int, pattern: re.Pattern[str]) -> int:
    ahead = at + 1
    while ahead < len(lines) and pattern.match(lines[ahead].text):
        ahead += 1
    return ahead - at


def _wrapped(lines: list[_Line], at: int) -> int:
    """Lines of one paragraph: a line goes on where it is long, unfinished, and the next starts in lower case."""
    ahead = at
    while ahead + 1 < len(lines) and _goes_on(lines[ahead].text, lines[ahead + 1].text):
        ahead += 1
    return ahead - at + 1


def _goes_on(line: str, following: str) -> bool:
    ended = line.rstrip()
    if len(line) < WRAPPED_LINE or not ended or ended[-1] in ".!?:;…。！？" or _special(following):
        return False
    start = following.lstrip()[:1]
    return start.islower() or (bool(start) and ended[-1] == ",")
