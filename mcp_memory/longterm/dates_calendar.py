"""Stretches of the calendar, on the wall clock of whoever speaks: days, weekends, seasons, the end of a month.

Weeks begin on Monday. Seasons are those of the northern hemisphere, by whole months.
"""

from datetime import date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["MONTHS", "SEASONS", "WEEKDAYS", "Granularity", "Stretch", "Unit"]

Granularity: TypeAlias = Literal[
    "minute", "hour", "part_of_day", "day", "weekend", "week", "month", "quarter", "season", "year", "decade"
]
Unit: TypeAlias = Literal["day", "weekend", "week", "month", "quarter", "year", "decade"]

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
SEASONS: Final = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
"""The month each begins with; it lasts three."""
PARTS: Final = {"morning": (5, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}
"""Hours from midnight; a night ends at six the next morning."""


class Stretch(NamedTuple):
    """Half-open, in naive local time."""

    start: datetime
    end: datetime
    granularity: Granularity
    approximate: bool = False


def days(first: date, count: int = 1, granularity: Granularity = "day") -> Stretch:
    """`count` whole days from `first` on."""
    return Stretch(_midnight(first), _midnight(first + timedelta(days=count)), granularity)


def months(year: int, month: int, count: int = 1, granularity: Granularity = "month") -> Stretch:
    """`count` whole months; `month` may be any integer, 13 is the next year's January."""
    return Stretch(_first_of(year, month), _first_of(year, month + count), granularity)


def years(year: int, count: int = 1) -> Stretch:
    return months(year, 1, 12 * count, "year" if count == 1 else "decade")


def moment(at: datetime, granularity: Literal["minute", "hour"]) -> Stretch:
    """The minute or the hour that holds `at`."""
    start = (
        at.replace(second=0, microsecond=0)
        if granularity == "minute"
        else at.replace(minute=0, second=0, microsecond=0)
    )
    length = timedelta(minutes=1) if granularity == "minute" else timedelta(hours=1)
    return Stretch(start, (start + length).replace(fold=start.fold), granularity)


def part_of_day(day: date, part: str) -> Stretch:
    """Morning, afternoon, evening or night of a day."""
    begins, ends = PARTS[part]
    return Stretch(_midnight(day) + timedelta(hours=begins), _midnight(day) + timedelta(hours=ends), "part_of_day")


def weekend(day: date) -> Stretch:
    """Saturday and Sunday of the week that holds `day`."""
    return days(_monday(day) + timedelta(days=5), 2, "weekend")


def shifted(today: date, unit: Unit, count: int) -> Stretch:
    """The calendar unit `count` units from the one that holds `today`: -1 is the last one, 0 this one."""
    match unit:
        case "day":
            return days(today + timedelta(days=count))
        case "week":
            return days(_monday(today) + timedelta(weeks=count), 7, "week")
        case "weekend":
            return weekend(today + timedelta(weeks=count))
        case "month":
            return months(today.year, today.month + count)
        case "quarter":
            return quarter(today.year, (today.month - 1) // 3 + 1 + count)
        case "year":
            return years(today.year + count)
        case "decade":
            return years(today.year // 10 * 10 + 10 * count, 10)


def quarter(year: int, number: int) -> Stretch:
    """Quarter `number` of a year, from 1; 5 is the next year's first."""
    return months(year, 3 * number - 2, 3, "quarter")


def season(year: int, name: str) -> Stretch:
    """The season that begins in `year`: winter 2023 is December 2023 to February 2024."""
    return months(year, SEASONS[name], 3, "season")


def season_from(today: date, name: str, count: int) -> Stretch:
    """-1: the last one that is over; 0: the present or coming one; 1: the first one that is still to begin."""
    now = _midnight(today)
    around = [season(year, name) for year in range(today.year - 2, today.year + 3)]
    if count < 0:
        return [one for one in around if one.end <= now][-1]
    if count > 0:
        return next(one for one in around if one.start > now)
    return next(one for one in around if one.end > now)


def weekday_from(today: date, weekday: int, direction: int) -> date:
    """The nearest such weekday before (-1) or after (1) today, never today itself."""
    ahead = (weekday - today.weekday()) % 7 or 7
    return today + timedelta(days=ahead if direction > 0 else (ahead - 7 or -7))


def edge(whole: Stretch, which: str) -> Stretch:
    """The beginning, middle or end of a stretch: a week's two days, a month's seven, a year's one month.

    A day's ends are its morning and its evening; the middle is always the middle third.
    """
    length = whole.end - whole.start
    size = _EDGES.get(whole.granularity, length / 3)
    if which in {"beginning", "start"}:
        return Stretch(whole.start, whole.start + size, whole.granularity, approximate=True)
    if which == "end":
        return Stretch(whole.end - size, whole.end, whole.granularity, approximate=True)
    third = timedelta(days=length.days // 3) if length.days >= 3 else length / 3
    return Stretch(whole.start + third, whole.end - third, whole.granularity, approximate=True)


_EDGES: Final[dict[str, timedelta]] = {
    "day": timedelta(hours=7),
    "week": timedelta(days=2),
    "month": timedelta(days=7),
    "quarter": timedelta(days=14),
    "year": timedelta(days=31),
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first_of(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)  # noqa: DTZ001 - wall clock
