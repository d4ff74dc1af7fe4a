"""What the wordings of dates are read against, and the small words in them: months, weekdays, counts."""

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Final, NamedTuple

from mcp_memory.longterm.dates_calendar import MONTHS, WEEKDAYS
from mcp_memory.longterm.dates_tense import Tense
from mcp_memory.longterm.patterns_words import words

__all__ = ["PREPOSITIONS", "Frame", "count_of", "month_of", "weekday_of", "yearly"]

PREPOSITIONS: Final = words("on in at by until till since before after for from during through over around of to")
"""What may stand before a date and says how it is meant."""


class Frame(NamedTuple):
    """What a wording is read against."""

    said_at: datetime
    tz: tzinfo
    lead: str
    """The word before the wording, in lower case; `the` between them is left out."""
    definite: bool
    """Whether `the` stands before it."""
    follows: str
    """What comes after it, as far as a rule may look."""
    tense: Callable[[], Tense]

    @property
    def today(self) -> date:
        return self.local(self.said_at).date()

    @property
    def direction(self) -> int:
        """Where a date without a year lies: 1 ahead, -1 behind, 0 where the words leave it open."""
        if self.lead in _AHEAD:
            return 1
        return -1 if self.lead == "since" else {"past": -1, "future": 1, "": 0}[self.tense()]

    @property
    def ahead(self) -> bool:
        """Whether it lies ahead, in doubt too."""
        return self.direction >= 0

    def local(self, moment: datetime) -> datetime:
        """An aware time as the speaker's clock shows it."""
        return moment.astimezone(self.tz).replace(tzinfo=None)


_AHEAD = words("by until till for due")
_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50,
}  # fmt: skip
_VAGUE: Final = {"couple": 2, "few": 3, "several": 4}
"""Vague counts, and the number each is read as."""


def month_of(token: str, *, certain: bool) -> int | None:
    """1..12; None where the token may be another word: `may`, `march` and `dec` want a capital or a context."""
    short = len(token) < 4 or token.lower() in {"may", "march", "sept"}
    shouted = token.isupper() and token.lower() in {"may", "march"}
    if short and not certain and (shouted or not token[0].isupper()):
        return None
    return [name[:3] for name in MONTHS].index(token[:3].lower()) + 1


def weekday_of(token: str) -> int:
    return [name[:3] for name in WEEKDAYS].index(token[:3].lower())


def count_of(token: str) -> tuple[int, bool]:
    """The number, and whether it is a vague one."""
    last = token.lower().removesuffix(" of").split()[-1]
    if last in _VAGUE:
        return _VAGUE[last], True
    return (int(last) if last.isdigit() else _NUMBERS[last]), False


def yearly(month: int, day: int, frame: Frame, weekday: str | None = None) -> date | None:
    """The nearest such day of a year in the frame's direction, today included, and on that weekday if one is named.

    29 February waits for a leap year. None: there is no such day.
    """
    today, direction = frame.today, frame.direction
    found: list[date] = []
    for year in range(today.year - 8, today.year + 9):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    named = [one for one in found if weekday and one.weekday() == weekday_of(weekday)]
    if named:
        return min(named, key=lambda one: abs(one - today))
    fitting = [one for one in found if direction * (one - today).days >= 0]
    return min(fitting, key=lambda one: abs(one - today), default=None)
