"""What each wording of a date means on the speaker's calendar, and where it is no date at all."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from mcp_memory.longterm import dates_calendar as calendar
from mcp_memory.longterm.dates_calendar import SEASONS, Stretch, Unit
from mcp_memory.longterm.dates_frame import Frame, count_of, month_of, weekday_of, yearly
from mcp_memory.longterm.patterns_words import words

__all__ = ["RULES", "Rule", "anchored", "at_time"]

Rule: TypeAlias = Callable[[re.Match[str], Frame], Stretch | None]

_MONTH_LEADS = words("in since until till during by through before after for around")
_NAME_LEADS = words("by before after for around through")
"""Before April, May, June and August these may as well introduce a person."""
_DAY_LEADS = words("on by until till since before after for from during")
_YEAR_LEADS = words("in since until till by before after during from around circa through year")
_SEASON_LEADS = words("in over during by since until till through")
_HOLIDAY_LEADS = words("at on for over since by before after until till during around")
_RECURRING = words("every each most any per alternate other next last black good ash to through")
_HOLIDAYS: Final = {"christmas eve": (12, 24), "christmas": (12, 25), "boxing": (12, 26), "new year's eve": (12, 31),
    "new year": (1, 1), "hallowe": (10, 31), "valentine": (2, 14)}  # fmt: skip
_QUANTITY = re.compile(
    r"\s(?:char(?:acter)?s|words|lines|rows|users|tokens|files|steps|people|dollars|euros|pounds|ms|px|[kmg]b|km|miles"
    r"|met(?:re|er)s|k?cal(?:orie)?s?|grams|g|ml|points|items|records|requests|days|hours|minutes|seconds|times)\b"
)
_CLAUSE_ENDS = re.compile(r"\s{0,2}(?:$|[.,;:!?)\]—–-]|(?:and|at|but|so|because|when|with|if|night|or)\b|@|\d)")
_PLURAL_OR_RANGE = re.compile(r"\s(?:nights|mornings|evenings|afternoons|to|through|thru)\b|\s?[-–]\s?[A-Z]|s\b")
_NAMES = words("april may june august")


def _iso(match: re.Match[str], frame: Frame) -> Stretch | None:
    written = match.group().upper()
    if len(written) <= len("2023-05-03"):
        return calendar.days(date.fromisoformat(written))
    moment = datetime.fromisoformat(written[:10] + "T" + written[11:].replace(" ", ""))
    return calendar.moment(frame.local(moment) if moment.tzinfo else moment, "minute")


def _year_first(match: re.Match[str], _: Frame) -> Stretch | None:
    return calendar.days(date(int(match["yf_y"]), int(match["yf_m"]), int(match["yf_d"])))


def _numeric(match: re.Match[str], _: Frame) -> Stretch | None:
    """With dots the day comes first; with slashes only what can be read in one way is read."""
    first, second = int(match["nu_a"]), int(match["nu_b"])
    if match["nu_s"] == "/" and first <= 12 and second <= 12 and first != second:
        return None
    day, month = (first, second) if second <= 12 else (second, first)
    return calendar.days(date(int(match["nu_y"]), month, day))


def _holiday(match: re.Match[str], frame: Frame) -> Stretch | None:
    name = match["ho_h"].lower().replace("’", "'")
    month, day = next(place for holiday, place in _HOLIDAYS.items() if name.startswith(holiday))
    which = (match["ho_w"] or "").lower()
    if match["ho_y"]:
        return calendar.days(date(int(match["ho_y"]), month, day))
    if not which and frame.lead not in _HOLIDAY_LEADS:
        return None
    tense = {"last": "past", "next": "future"}.get(which)
    found = yearly(month, day, frame._replace(tense=lambda: tense, lead="") if tense else frame)
    return calendar.days(found) if found else None


def _day_month(match: re.Match[str], frame: Frame) -> Stretch | None:
    return _day_of_month(match, frame, "dm")


def _month_day(match: re.Match[str], frame: Frame) -> Stretch | None:
    return _day_of_month(match, frame, "md")


def _day_of_month(match: re.Match[str], frame: Frame, prefix: str) -> Stretch | None:
    day, last, year = match[f"{prefix}_d"], match[f"{prefix}_e"], match[f"{prefix}_y"]
    month = month_of(match[f"{prefix}_m"], certain=bool(match[f"{prefix}_o"] or year))
    if month is None:
        return None
    written = date(int(year), month, int(day)) if year else None
    first = written or yearly(month, int(day), frame, match[f"{prefix}_w"])
    return calendar.days(first, max(1, int(last or day) - int(day) + 1)) if first else None


def _part(whole: Stretch, which: str) -> Stretch:
    """A third of a stretch for `early`, `mid` and `late`; the whole for any other word."""
    third = timedelta(days=(whole.end - whole.start).days // 3)
    start = {"mid": whole.start + third, "late": whole.end - third}.get(which, whole.start)
    end = {"early": whole.start + third, "mid": whole.end - third}.get(which, whole.end)
    return whole._replace(start=start, end=end, approximate=which in {"early", "mid", "late"})


def _month_year(match: re.Match[str], _: Frame) -> Stretch | None:
    month = month_of(match["my_m"], certain=True)
    return _part(calendar.months(int(match["my_y"]), month), (match["my_w"] or "").lower()) if month else None


def _nearest_month(month: int, frame: Frame) -> Stretch:
    """The present one counts as both behind and ahead."""
    today = frame.today
    away = month - today.month
    match frame.direction:
        case 1:
            return calendar.months(today.year + (away < 0), month)
        case -1:
            return calendar.months(today.year - (away > 0), month)
        case _:
            return calendar.months(today.year + (away < -6) - (away > 6), month)


def _bare_month(match: re.Match[str], frame: Frame) -> Stretch | None:
    which = (match["mo_w"] or "").lower()
    leads = _MONTH_LEADS - (_NAME_LEADS if match["mo_m"].lower() in _NAMES else frozenset())
    if not which and (frame.lead not in leads or frame.definite):
        return None
    month = month_of(match["mo_m"], certain=frame.lead in {"in", "since", "until"} and not which)
    if month is None:
        return None
    today = frame.today
    if which in {"last", "this past"}:
        return calendar.months(today.year - (month >= today.month), month)
    if which == "next":
        return calendar.months(today.year + (month <= today.month), month)
    if which == "this":
        return calendar.months(today.year, month)
    return _part(_nearest_month(month, frame), which)


def _two_away(match: re.Match[str], frame: Frame) -> Stretch | None:
    unit, direction, from_ = match.group().lower().split()
    if (unit == "day") != (from_ in {"yesterday", "tomorrow"}) or not (frame.definite or unit == "day"):
        return None
    count = -2 if direction == "before" else 2
    if unit == "night":
        return calendar.part_of_day(frame.today + timedelta(days=count), "night")
    return calendar.shifted(frame.today, _UNITS[unit], count)


def _near_day(match: re.Match[str], frame: Frame) -> Stretch | None:
    word = (match["nd_w"] or match.group().split()[0]).lower()
    part = (match["nd_p"] or match["nd_q"] or "").lower()
    if word == "last" and part not in {"night", "evening"}:
        return None
    if word == "tonight":
        part = "night"
    day = frame.today + timedelta(days={"yesterday": -1, "last": -1, "tomorrow": 1}.get(word, 0))
    return calendar.part_of_day(day, part) if part else calendar.days(day)


_UNITS: Final[Mapping[str, Unit]] = {
    "day": "day", "week": "week", "weekend": "weekend", "month": "month", "quarter": "quarter", "year": "year",
    "decade": "decade",
}  # fmt: skip


def _counted(match: re.Match[str], frame: Frame) -> Stretch | None:
    suffix = (match["co_s"] or "").lower()
    if suffix == "back" and frame.follows.startswith((" to", " in", " from", " home")):
        return None
    if not suffix and not _is_in_future(match["co_n"], frame):
        return None
    sign = -1 if suffix in {"ago", "back"} else 1
    if match["co_n"].lower().startswith("half"):
        return _half(match["co_u"].lower(), sign, frame)
    count, vague = count_of(match["co_n"])
    if match["co_h"]:
        return _and_a_half(match["co_u"].lower(), sign * count, frame)
    found = _away(match["co_u"].lower(), sign * count, frame)
    return found._replace(approximate=found.approximate or vague) if found else None


def _is_in_future(count: str, frame: Frame) -> bool:
    """`in two days` is a date unless it says how long something took; `in a day` wants a verb in the future."""
    if frame.lead != "in" or frame.definite:
        return False
    return frame.tense() == "future" or (frame.tense() == "" and count.lower() not in {"a", "an"})


def _away(unit: str, count: int, frame: Frame) -> Stretch | None:
    if unit.startswith(("min", "hour", "hr")):
        step = timedelta(minutes=count) if unit.startswith("min") else timedelta(hours=count)
        return calendar.moment(frame.local(frame.said_at + step), "minute" if unit.startswith("min") else "hour")
    if unit == "night":
        return calendar.part_of_day(frame.today + timedelta(days=count), "night")
    if unit == "fortnight":
        return calendar.shifted(frame.today, "week", 2 * count)
    if unit in _UNITS:
        return calendar.shifted(frame.today, _UNITS[unit], count)
    nearest = calendar.weekday_from(frame.today, weekday_of(unit), 1 if count > 0 else -1)
    return calendar.days(nearest + timedelta(weeks=count - 1 if count > 0 else count + 1))


def _half(unit: str, sign: int, frame: Frame) -> Stretch | None:
    if unit.startswith(("hour", "hr")):
        return _away("minute", 30 * sign, frame)
    return _away("month", 6 * sign, frame) if unit == "year" else None


def _and_a_half(unit: str, count: int, frame: Frame) -> Stretch | None:
    sign = 1 if count > 0 else -1
    if unit == "year":
        return _away("month", 12 * count + 6 * sign, frame)
    if unit.startswith(("hour", "hr")):
        return _away("minute", 60 * count + 30 * sign, frame)
    found = _away(unit, count, frame)
    return found._replace(approximate=True) if found else None


def _week_day(match: re.Match[str], frame: Frame) -> Stretch | None:
    which = (match["ww_w"] or match["ww_x"]).lower()
    week = calendar.shifted(frame.today, "week", {"last": -1, "this": 0, "next": 1}[which])
    return calendar.days(week.start.date() + timedelta(days=weekday_of(match["ww_a"] or match["ww_b"])))


def _relative(match: re.Match[str], frame: Frame) -> Stretch | None:
    which, unit, part = match["re_w"].lower(), match["re_u"].lower(), match["re_p"]
    if frame.definite and which in {"last", "next"}:
        return None  # "the last week" is a length of time, "the next weekend" belongs to a story
    direction = {"last": -1, "this past": -1, "this": 0, "next": 1}.get(which.replace("\n", " "), 2)
    if unit not in _UNITS and unit not in SEASONS:
        day = _relative_weekday(match["re_u"], direction, frame)
        return day and (calendar.part_of_day(day, part.lower()) if part else calendar.days(day))
    if part:
        return None
    if unit in SEASONS:
        return _relative_season(unit, direction, frame)
    if unit == "weekend" and direction == 0 and frame.today.weekday() < 5 and frame.tense() == "past":
        direction = -1
    if unit == "weekend" and direction == 2:
        direction = 0
    return calendar.shifted(frame.today, _UNITS[unit], min(direction, 1))


def _relative_weekday(token: str, direction: int, frame: Frame) -> date | None:
    """`last`: the latest one behind; `next`: the one of the coming week; `this`: by the verb's tense."""
    if len(token) < 6 and not token[0].isupper() and direction not in {-1, 1}:
        return None
    today = frame.today
    if direction == 1:
        return calendar.shifted(today, "week", 1).start.date() + timedelta(days=weekday_of(token))
    behind = direction == -1 or (direction == 0 and frame.tense() == "past")
    return calendar.weekday_from(today, weekday_of(token), -1 if behind else 1)


def _relative_season(name: str, direction: int, frame: Frame) -> Stretch | None:
    today = frame.today
    if direction == 0 and frame.tense() == "past" and not _contains(calendar.season_from(today, name, 0), today):
        direction = -1
    return calendar.season_from(today, name, 0 if direction == 2 else direction)


def _contains(stretch: Stretch, day: date) -> bool:
    return stretch.start.date() <= day < stretch.end.date()


def _bare_weekday(match: re.Match[str], frame: Frame) -> Stretch | None:
    token, part = match["wd_d"], match["wd_p"]
    if frame.definite or frame.lead in _RECURRING or _PLURAL_OR_RANGE.match(frame.follows):
        return None
    led = frame.lead in _DAY_LEADS
    if len(token) < 6 and not (led and token[0].isupper()):
        return None
    if not (led or part or _CLAUSE_ENDS.match(frame.follows)):
        return None
    day = calendar.weekday_from(frame.today, weekday_of(token), 1 if frame.ahead else -1)
    return calendar.part_of_day(day, part.lower()) if part else calendar.days(day)


def _edge(match: re.Match[str], frame: Frame) -> Stretch | None:
    which, unit = match["ed_e"].lower(), (match["ed_u"] or "").lower()
    if unit == "day" and frame.lead not in {"by", "before"}:
        return None  # "at the end of the day" is seldom a time
    if match["ed_m"]:
        month = month_of(match["ed_m"], certain=True) or 1
        year = match["ed_y"]
        return calendar.edge(calendar.months(int(year), month) if year else _nearest_month(month, frame), which)
    if match["ed_a"]:
        return calendar.edge(calendar.years(int(match["ed_a"])), which)
    count = {"last": -1, "next": 1}.get(match["ed_w"].lower(), 0)
    return calendar.edge(calendar.shifted(frame.today, _UNITS[unit], count), which)


def _season(match: re.Match[str], frame: Frame) -> Stretch | None:
    name = match["se_s"].lower()
    if match["se_y"]:
        return calendar.season(int(match["se_y"]), name)
    if frame.lead not in _SEASON_LEADS:
        return None
    current = calendar.season_from(frame.today, name, 0)
    if frame.ahead or _contains(current, frame.today):
        return current
    return calendar.season_from(frame.today, name, -1)


def _the_other(match: re.Match[str], frame: Frame) -> Stretch | None:
    if not frame.definite:
        return None
    return calendar.days(frame.today - timedelta(days=7), 7, "week")._replace(approximate=True)


def _quarter(match: re.Match[str], frame: Frame) -> Stretch | None:
    number, year = int(match["qu_n"]), match["qu_y"]
    if year:
        return calendar.quarter(int(year), number)
    if frame.lead not in _MONTH_LEADS or not match.group()[0].isupper():
        return None
    present = (frame.today.month - 1) // 3 + 1
    shift = number < present if frame.ahead else -(number > present)
    return calendar.quarter(frame.today.year + shift, number)


def _decade(match: re.Match[str], frame: Frame) -> Stretch | None:
    if not (match["de_c"] or frame.definite):
        return None
    tens = int(match["de_d"])
    century = int(match["de_c"] or (20 if tens <= frame.today.year % 100 else 19))
    return calendar.years(100 * century + tens, 10)


def _bare_year(match: re.Match[str], frame: Frame) -> Stretch | None:
    which = (match["ye_w"] or "").lower()
    if frame.definite or not (which or frame.lead in _YEAR_LEADS) or _QUANTITY.match(frame.follows):
        return None
    return _part(calendar.years(int(match["ye_y"])), which)


def _bare_day(match: re.Match[str], frame: Frame) -> Stretch | None:
    """`on the 3rd`, and no third thing of another kind."""
    of, day = match["or_m"], int(match["or_d"])
    if of:
        month = calendar.shifted(frame.today, "month", {"this": 0, "next": 1, "last": -1}[of.lower().split()[1]])
        return calendar.days(month.start.date().replace(day=day))
    if frame.lead not in {"on", "by", "until"} or not frame.definite or not _CLAUSE_ENDS.match(frame.follows):
        return None
    for away in range(3):
        month = calendar.shifted(frame.today, "month", away if frame.ahead else -away).start.date()
        last = calendar.months(month.year, month.month).end.date() - timedelta(days=1)
        if day <= last.day and (month.replace(day=day) >= frame.today) == frame.ahead:
            return calendar.days(month.replace(day=day))
    return None


RULES: Final[Mapping[str, Rule]] = {
    "iso": _iso, "year_first": _year_first, "numeric": _numeric, "holiday": _holiday, "day_month": _day_month,
    "month_day": _month_day, "month_year": _month_year, "month": _bare_month, "two_away": _two_away,
    "near_day": _near_day, "counted": _counted, "week_day": _week_day, "relative": _relative,
    "weekday": _bare_weekday, "edge": _edge, "season": _season, "the_other": _the_other, "quarter": _quarter,
    "decade": _decade, "year": _bare_year, "ordinal": _bare_day,
}  # fmt: skip
"""By the names of the wordings in `dates_patterns`."""


def anchored(match: re.Match[str], anchor: Stretch, frame: Frame) -> Stretch | None:
    """What `the week before`, `two days after`, `the Friday of` make of the date that follows them."""
    unit, direction = match["u"].lower(), match["d"].lower()
    day = anchor.start.date()
    sign = {"of": 0, "after": 1}.get(direction, -1)
    count, vague = count_of(match["n"]) if match["n"] else (1, False)
    if sign == 0:
        return calendar.shifted(day, _UNITS[unit], 0) if unit in {"week", "weekend"} and not match["n"] else None
    if sign > 0:
        day = anchor.end.date() - timedelta(days=1)
    near = frame._replace(said_at=datetime(day.year, day.month, day.day, 12, tzinfo=frame.tz))
    if unit == "weekend" and (day.weekday() < 5) and sign > 0:
        count -= 1
    if unit.startswith(("min", "hour", "hr")):
        return None
    found = _away(unit, sign * count, near)
    return found._replace(approximate=found.approximate or vague) if found else None


def at_time(match: re.Match[str], whole: Stretch) -> Stretch | None:
    """The hour or minute of a day; None where it is none (13 pm). The small hours of a night are the next day's."""
    day, hour = whole.start.date(), _hour(match)
    if hour is None:
        return None
    if whole.granularity == "part_of_day" and hour < 6 and whole.start.hour == 18:
        day += timedelta(days=1)
    minute = match["M"] or match["m"]
    at = datetime.combine(day, datetime.min.time().replace(hour=hour, minute=int(minute or 0)))
    return calendar.moment(at, "minute" if minute else "hour")


def _hour(match: re.Match[str]) -> int | None:
    if match["w"]:
        return 12
    if match["H"]:
        return int(match["H"])
    hour = int(match["h"])
    return hour % 12 + (12 if match["a"].lower() == "p" else 0) if 1 <= hour <= 12 else None
