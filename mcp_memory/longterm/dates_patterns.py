"""The wordings of dates in English, as one alternation.

Every repetition is bounded, so that searching a text takes time in proportion to its length. What a wording
means, and where it is no date at all, is said by the rule of the same name in `dates_rules`.
"""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["ANCHORED", "CLOCK_AFTER", "CLOCK_BEFORE", "HINTS", "LEAD", "WORDING"]

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tues?|wed|thurs?|thu|fri|mon|sat|sun)"
_SEASON = r"(?:spring|summer|autumn|fall|winter)"
_UNIT = r"(?:minute|min|hour|hr|day|night|weekend|week|fortnight|month|quarter|year|decade)"
_COUNT = (
    r"(?:\d{1,4}|a\scouple(?:\sof)?|couple(?:\sof)?|a\sfew|few|several|half\san?|an?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty)"
)
_HOLIDAY = (
    r"(?:christmas\seve|christmas(?:\sday)?|boxing\sday|new\syear['’]s\seve|new\syear['’]s(?:\sday)?|new\syear"
    r"|hallowe[’']?en|valentine['’]?s\sday)"
)
_ORDINAL = r"(?:st|nd|rd|th)"
_YEAR = r"(?:1[89]|20)\d\d"

_PATTERNS: Final[Mapping[str, str]] = {
    "iso": r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?\s?(?:z|[+-]\d\d:?\d\d)?)?(?![\w-])",
    "year_first": r"(?P<yf_y>\d{4})/(?P<yf_m>\d\d?)/(?P<yf_d>\d\d?)(?![\w/])",
    "numeric": r"(?P<nu_a>\d\d?)(?P<nu_s>[/.])(?P<nu_b>\d\d?)(?P=nu_s)(?P<nu_y>\d{4})(?![\w/])",
    "holiday": rf"(?:(?P<ho_w>last|this|next)\s)?(?P<ho_h>{_HOLIDAY})(?:,?\s(?P<ho_y>{_YEAR}))?\b",
    "day_month": (
        rf"(?:(?P<dm_w>{_WEEKDAY}),?\s(?:the\s)?)?(?P<dm_d>\d\d?)(?P<dm_o>{_ORDINAL})?"
        rf"(?:\s?[-–]\s?(?P<dm_e>\d\d?){_ORDINAL}?)?(?:\sof)?\s(?P<dm_m>{_MONTH})\b\.?(?:,?\s(?P<dm_y>{_YEAR})\b)?"
    ),
    "month_day": (
        rf"(?:(?P<md_w>{_WEEKDAY}),?\s)?(?P<md_m>{_MONTH})\b\.?\s(?:the\s)?(?P<md_d>\d\d?)(?P<md_o>{_ORDINAL})?"
        rf"(?:\s?[-–]\s?(?P<md_e>\d\d?){_ORDINAL}?)?(?:,?\s(?P<md_y>{_YEAR}))?(?![\w%/]|:\d|[.,]\d)"
    ),
    "month_year": rf"(?:(?P<my_w>early|late|mid)[\s-])?(?P<my_m>{_MONTH})\b\.?(?:\sof|,)?\s(?P<my_y>{_YEAR})\b",
    "month": rf"(?:(?P<mo_w>last|this\spast|this|next|early|late|mid)[\s-])?(?P<mo_m>{_MONTH})\b",
    "two_away": r"(?:day|night|week|weekend|month|year)\s(?:before\s(?:yesterday|last)|after\s(?:tomorrow|next))\b",
    "near_day": (
        r"(?:yesterday|today|tomorrow|tonight)(?:\s(?:in\sthe\s|at\s)?(?P<nd_p>morning|afternoon|evening|night)\b)?"
        r"|(?P<nd_w>last|this)\s(?P<nd_q>night|morning|afternoon|evening)\b"
    ),
    "counted": (
        rf"(?P<co_n>{_COUNT})\s(?P<co_u>{_UNIT}|{_WEEKDAY})s?\b(?P<co_h>\sand\sa\shalf)?"
        r"(?:\s(?P<co_s>ago|back|from\s(?:now|today)|hence)\b)?"
    ),
    "week_day": (
        rf"(?P<ww_a>{_WEEKDAY}),?\s(?:of\s)?(?P<ww_w>last|this|next)\sweek\b"
        rf"|(?P<ww_x>last|this|next)\sweek,?\s(?:on\s)?(?P<ww_b>{_WEEKDAY})\b"
    ),
    "relative": (
        r"(?P<re_w>last|this\spast|this\scoming|this|next|coming|upcoming)\s"
        rf"(?P<re_u>week|weekend|month|quarter|year|decade|{_SEASON}|{_WEEKDAY})\b"
        r"(?:\s(?P<re_p>morning|afternoon|evening|night)\b)?"
    ),
    "weekday": rf"(?P<wd_d>{_WEEKDAY})\b(?:\s(?P<wd_p>morning|afternoon|evening|night)\b)?",
    "edge": (
        r"(?P<ed_e>beginning|start|middle|end)\sof\s(?:(?P<ed_w>the|this|next|last)\s(?P<ed_u>day|week|month|quarter|year)"
        rf"|(?P<ed_m>{_MONTH})(?:,?\s(?P<ed_y>{_YEAR}))?|(?P<ed_a>{_YEAR}))\b"
    ),
    "season": rf"(?P<se_s>{_SEASON})(?:\s(?:of\s)?(?P<se_y>{_YEAR}))?\b",
    "the_other": r"other\s(?:day|night|week)\b",
    "quarter": rf"q(?P<qu_n>[1-4])(?:\s(?:of\s)?(?P<qu_y>{_YEAR}))?\b",
    "decade": r"['’]?(?P<de_c>1[89]|20)?(?P<de_d>\d0)['’]?s\b",
    "year": rf"(?:(?P<ye_w>early|late|mid)[\s-])?(?P<ye_y>{_YEAR})(?![\w%/:+-]|\.\d|,\d)",
    "ordinal": rf"(?P<or_d>\d\d?){_ORDINAL}\b(?P<or_m>\sof\s(?:this|next|last)\smonth\b)?",
}

_OPENING = r"(?<![\w/@-])(?<!\d[.:,])"
WORDING: Final = re.compile(
    _OPENING + "(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()) + ")", re.IGNORECASE
)
"""Any date; `lastgroup` of a match is the name of its rule."""

HINTS: Final = (
    "day", "week", "month", "year", "night", "tomorrow", "morning", "noon", "evening", "ago",
    "hour", "minute", "decade",
    "quarter", "summer", "winter", "spring", "autumn", "fall", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
    "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "christmas", "hallowe",
)  # fmt: skip
"""A text without a digit and without one of these, in lower case, holds no date."""

LEAD: Final = re.compile(
    r"(?:\b(?P<far>[a-z'’]{1,16})\s{1,2})?\b(?P<the>the)\s{1,2}$|\b(?P<near>[a-z'’]{1,16})\s{1,2}$", re.IGNORECASE
)
"""The word before a wording, and whether `the` stands between."""

ANCHORED: Final = re.compile(
    rf"(?:\bthe|(?P<n>\b{_COUNT}))\s(?P<u>{_UNIT}|{_WEEKDAY})s?\s(?P<d>before|after|of|prior\sto)\s(?:the\s)?$",
    re.IGNORECASE,
)
"""What makes a date the anchor of another one: `the week before`, `two days after`."""

_CLOCK = (
    r"(?:(?P<h>\d\d?)(?::(?P<m>[0-5]\d))?\s?(?P<a>[ap])\.?m\b|(?P<H>1[3-9]|2[0-3]|0\d):(?P<M>[0-5]\d)"
    r"|(?P<w>noon|midday)\b)"
)
CLOCK_AFTER: Final = re.compile(rf",?\s(?:(?:at|@|around|about|by|from)\s)?{_CLOCK}", re.IGNORECASE)
CLOCK_BEFORE: Final = re.compile(rf"(?:\b(?:at|@)\s)?\b{_CLOCK}\.?\s(?:on\s)?$", re.IGNORECASE)
"""A time of day that leaves no doubt: with am or pm, an hour from 13 on or with a leading 0, noon, midnight."""
