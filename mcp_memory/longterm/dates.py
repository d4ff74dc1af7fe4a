"""Find the dates in English text, and what they mean: on the calendar of whoever said it, when they said it.

No clock is read and nothing is guessed that the words leave open. How words are read where people differ:

- Weeks run from Monday to Sunday. `last week`, `two weeks ago` and `in two weeks` are whole calendar weeks,
  and likewise months and years; `three days ago` is that day.
- `last Friday` is the latest one behind; `next Friday` and `next weekend` belong to the coming calendar week.
  `last summer` is the latest one that is over.
- `this Friday`, `on Friday`, `in May` and `May 3` lie behind if the last verb before them is in the past tense,
  and ahead if it is not; with no verb at all a weekday lies ahead, and a month or day of the year is the nearest.
- `a couple` is two, `a few` three, `several` four, marked `approximate`.
- `3/5/2023` can be read in two ways and is not read; `3/13/2023` and `3.5.2023` (day first) are.
- A time of day counts with am or pm, from 13:00 on, with a leading zero, or as noon.
- Seasons are northern, by whole months. Nothing recurring (`every Monday`) is a date, nor is a length of time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from mcp_memory.longterm.dates_calendar import Granularity, Stretch
from mcp_memory.longterm.dates_frame import PREPOSITIONS, Frame
from mcp_memory.longterm.dates_patterns import ANCHORED, CLOCK_AFTER, CLOCK_BEFORE, HINTS, LEAD, WORDING
from mcp_memory.longterm.dates_rules import RULES, anchored, at_time
from mcp_memory.longterm.dates_tense import tense_at

__all__ = ["DateSpan", "Granularity", "find_dates", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpan:
    """A date found in a text: `text == source[position:position + len(text)]`."""

    text: str
    position: int
    start: datetime
    """Aware UTC; the interval is half-open, [start, end)."""
    end: datetime
    granularity: Granularity
    approximate: bool = False
    """Whether the words were vague: `a few`, `early`, `the end of`."""
    lead: str = ""
    """The preposition before it (`since`, `by`, `on`, …) or "": it tells how the date is meant."""


def find_dates(text: str, *, said_at: datetime, tz: tzinfo) -> list[DateSpan]:
    """The dates in `text`, in order, none overlapping another.

    Args:
        text: any length; the time taken grows with it in proportion.
        said_at: aware; when it was said.
        tz: of whoever said it; decides what `today` is and when a day begins.

    Raises:
        ValueError: `said_at` has no zone (a bug in the caller, not a user error).
    """
    if said_at.tzinfo is None:
        raise ValueError("a time without zone reached the dates")
    return list(_spans(text, said_at, tz)) if _may_hold_date(text) else []


def _may_hold_date(text: str) -> bool:
    if _DIGIT.search(text):
        return True
    lower = text.lower()
    return any(hint in lower for hint in HINTS)


def resolve(text: str, *, said_at: datetime, tz: tzinfo) -> DateSpan | None:
    """The date that `text` is about: the first that is not the start of something lasting (`since`), else the first.

    >>> from zoneinfo import ZoneInfo
    >>> said_at = datetime(2023, 5, 9, 2, 0, tzinfo=UTC)  # still the 8th in New York
    >>> resolve("I met Ana yesterday", said_at=said_at, tz=ZoneInfo("America/New_York")).start
    datetime.datetime(2023, 5, 7, 4, 0, tzinfo=datetime.timezone.utc)
    """
    spans = find_dates(text, said_at=said_at, tz=tz)
    return next((span for span in spans if span.lead != "since"), spans[0] if spans else None)


def _spans(text: str, said_at: datetime, tz: tzinfo) -> Iterator[DateSpan]:
    at = taken = 0
    while match := WORDING.search(text, at):
        span = _read(text, match, taken, _Speaker(said_at, tz))
        at = match.start() + 1
        if span:
            at = taken = span.position + len(span.text)
            yield span


@dataclass(frozen=True, slots=True)
class _Speaker:
    said_at: datetime
    tz: tzinfo


def _read(text: str, match: re.Match[str], taken: int, speaker: _Speaker) -> DateSpan | None:
    """What the wording found means, with the time of day and the anchoring words around it."""
    start, end = match.span()
    frame = _frame(text, start, end, taken, speaker)
    try:
        stretch = RULES[match.lastgroup or ""](match, frame)
        if stretch is None:
            return None
        stretch, start, end = _widened(text, (stretch, start, end), taken, frame)
        begins, ends = _moments(stretch, speaker.tz)
    except (ValueError, OverflowError):  # no such day, or one beyond the calendar: 31 February, 9999 years ago
        return None
    if start != match.start():
        frame = _frame(text, start, end, taken, speaker)
    return DateSpan(
        text=text[start:end],
        position=start,
        start=begins,
        end=ends,
        granularity=stretch.granularity,
        approximate=stretch.approximate,
        lead=frame.lead if frame.lead in PREPOSITIONS else "",
    )


def _frame(text: str, start: int, end: int, taken: int, speaker: _Speaker) -> Frame:
    found = LEAD.search(text[max(taken, start - _LOOK) : start])
    return Frame(
        said_at=speaker.said_at,
        tz=speaker.tz,
        lead=(found["far"] or found["near"] or "").lower() if found else "",
        definite=bool(found and found["the"]),
        follows=text[end : end + _LOOK],
        tense=lambda: tense_at(text, start, end),
    )


def _widened(text: str, found: tuple[Stretch, int, int], taken: int, frame: Frame) -> tuple[Stretch, int, int]:
    """The stretch and its place, once a time of day beside it and an anchoring wording before it are read too."""
    stretch, start, end = found
    if stretch.granularity in {"day", "part_of_day"}:
        if (clock := CLOCK_AFTER.match(text, end)) and (timed := at_time(clock, stretch)):
            return timed, start, clock.end()
        before = max(taken, start - _LOOK)
        if (clock := CLOCK_BEFORE.search(text[before:start])) and (timed := at_time(clock, stretch)):
            return timed, before + clock.start(), end
    before = max(taken, start - 2 * _LOOK)
    if (words := ANCHORED.search(text[before:start])) and (moved := anchored(words, stretch, frame)):
        return moved, before + words.start(), end
    return found


def _moments(stretch: Stretch, tz: tzinfo) -> tuple[datetime, datetime]:
    """In UTC; what a change of the clocks swallows keeps its length."""
    start = stretch.start.replace(tzinfo=tz).astimezone(UTC)
    end = stretch.end.replace(tzinfo=tz).astimezone(UTC)
    return start, end if end > start else start + max(stretch.end - stretch.start, timedelta(minutes=1))


_DIGIT = re.compile(r"\d")
_LOOK: Final = 24
"""Characters around a wording in which words that change its meaning are looked for."""
