"""Dates in plain English, against the time they were said at and the clock of whoever said them."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_memory.longterm.dates import DateSpan, find_dates, resolve
from mcp_memory.longterm.patterns_words import words

WEDNESDAY = datetime(2023, 6, 14, 15, 30, tzinfo=UTC)
NEW_YORK, LISBON, KIRITIMATI = ZoneInfo("America/New_York"), ZoneInfo("Europe/Lisbon"), ZoneInfo("Pacific/Kiritimati")


def read(text: str, said_at: datetime = WEDNESDAY, tz: tzinfo = UTC) -> DateSpan:
    span = resolve(text, said_at=said_at, tz=tz)
    assert span is not None, text
    return span


def days(text: str, said_at: datetime = WEDNESDAY, tz: tzinfo = UTC) -> tuple[str, str, str]:
    """First day, last day (both on the speaker's calendar) and granularity."""
    span = read(text, said_at, tz)
    last = span.end.astimezone(tz) - timedelta(microseconds=1)
    return span.start.astimezone(tz).date().isoformat(), last.date().isoformat(), span.granularity


def day(iso: str) -> tuple[str, str, str]:
    return iso, iso, "day"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I saw her yesterday", day("2023-06-13")),
        ("today", day("2023-06-14")),
        ("We fly tomorrow", day("2023-06-15")),
        ("the day before yesterday", day("2023-06-12")),
        ("the day after tomorrow", day("2023-06-16")),
        ("3 days ago", day("2023-06-11")),
        ("ten days from now", day("2023-06-24")),
        ("The launch is in 3 days", day("2023-06-17")),
        ("two weeks ago", ("2023-05-29", "2023-06-04", "week")),
        ("The exam is in two weeks", ("2023-06-26", "2023-07-02", "week")),
        ("a fortnight ago", ("2023-05-29", "2023-06-04", "week")),
        ("a month ago", ("2023-05-01", "2023-05-31", "month")),
        ("18 months ago", ("2021-12-01", "2021-12-31", "month")),
        ("a year and a half ago", ("2021-12-01", "2021-12-31", "month")),
        ("half a year ago", ("2022-12-01", "2022-12-31", "month")),
        ("ten years ago", ("2013-01-01", "2013-12-31", "year")),
        ("two weekends ago", ("2023-06-03", "2023-06-04", "weekend")),
        ("two Fridays ago", day("2023-06-02")),
        ("last week", ("2023-06-05", "2023-06-11", "week")),
        ("this week", ("2023-06-12", "2023-06-18", "week")),
        ("next week", ("2023-06-19", "2023-06-25", "week")),
        ("last weekend", ("2023-06-10", "2023-06-11", "weekend")),
        ("this weekend", ("2023-06-17", "2023-06-18", "weekend")),
        ("I went hiking this weekend", ("2023-06-10", "2023-06-11", "weekend")),
        ("this past weekend", ("2023-06-10", "2023-06-11", "weekend")),
        ("next weekend", ("2023-06-24", "2023-06-25", "weekend")),
        ("the weekend before last", ("2023-06-03", "2023-06-04", "weekend")),
        ("last month", ("2023-05-01", "2023-05-31", "month")),
        ("next month", ("2023-07-01", "2023-07-31", "month")),
        ("last year", ("2022-01-01", "2022-12-31", "year")),
        ("this year", ("2023-01-01", "2023-12-31", "year")),
        ("next quarter", ("2023-07-01", "2023-09-30", "quarter")),
        ("in Q4 2024", ("2024-10-01", "2024-12-31", "quarter")),
        ("last Friday", day("2023-06-09")),
        ("last Wednesday", day("2023-06-07")),
        ("last Tues", day("2023-06-13")),
        ("this Friday", day("2023-06-16")),
        ("this coming Friday", day("2023-06-16")),
        ("next Friday", day("2023-06-23")),
        ("next Monday", day("2023-06-19")),
        ("Friday next week", day("2023-06-23")),
        ("next week on Tuesday", day("2023-06-20")),
    ],
)
def test_relative_words_are_counted_on_the_speakers_calendar(text: str, expected: tuple[str, str, str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I met Bo on Friday", day("2023-06-09")),
        ("I'm meeting Bo on Friday", day("2023-06-16")),
        ("I'm excited to go on Friday", day("2023-06-16")),
        ("We booked a table for Saturday", day("2023-06-17")),
        ("They said the meeting is on Friday", day("2023-06-16")),
        ("I saw Tom's band on Friday", day("2023-06-09")),
        ("She's invited for Saturday", day("2023-06-17")),
        ("On Friday we went swimming", day("2023-06-09")),
        ("See you Friday!", day("2023-06-16")),
        ("I have been ill since Monday", day("2023-06-12")),
        ("I was there in May", ("2023-05-01", "2023-05-31", "month")),
        ("I will be there in May", ("2024-05-01", "2024-05-31", "month")),
        ("I've been to Rome in August", ("2022-08-01", "2022-08-31", "month")),
        ("The exam was May 3", day("2023-05-03")),
        ("The exam is May 3", day("2024-05-03")),
        ("I moved on 31 December", day("2022-12-31")),
        ("I finish by 1 March", day("2024-03-01")),
        ("May 3", day("2023-05-03")),
        ("31 August", day("2023-08-31")),
        ("Friday, May 5", day("2023-05-05")),
        ("We met in the fall", ("2022-09-01", "2022-11-30", "season")),
        ("We'll meet in the fall", ("2023-09-01", "2023-11-30", "season")),
    ],
)
def test_the_verb_tells_whether_a_date_lies_behind_or_ahead(text: str, expected: tuple[str, str, str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on 3rd of May 2023", day("2023-05-03")),
        ("May 3rd, 2023", day("2023-05-03")),
        ("3 May 2021", day("2021-05-03")),
        ("Sunday, 4 June 2023", day("2023-06-04")),
        ("Dec. 5, 2022", day("2022-12-05")),
        ("May 3-5, 2023", ("2023-05-03", "2023-05-05", "day")),
        ("2023-05-03", day("2023-05-03")),
        ("2023/05/03", day("2023-05-03")),
        ("13/5/2023", day("2023-05-13")),
        ("5/13/2023", day("2023-05-13")),
        ("5/5/2023", day("2023-05-05")),
        ("3.5.2023", day("2023-05-03")),
        ("in May 2020", ("2020-05-01", "2020-05-31", "month")),
        ("in early March 2020", ("2020-03-01", "2020-03-10", "month")),
        ("since 2016", ("2016-01-01", "2016-12-31", "year")),
        ("back in 2016", ("2016-01-01", "2016-12-31", "year")),
        ("in the 90s", ("1990-01-01", "1999-12-31", "decade")),
        ("in the 2010s", ("2010-01-01", "2019-12-31", "decade")),
        ("last summer", ("2022-06-01", "2022-08-31", "season")),
        ("this summer", ("2023-06-01", "2023-08-31", "season")),
        ("next spring", ("2024-03-01", "2024-05-31", "season")),
        ("the summer of 2019", ("2019-06-01", "2019-08-31", "season")),
        ("last Christmas", day("2022-12-25")),
        ("on New Year's Eve 2022", day("2022-12-31")),
        ("by the end of the month", ("2023-06-24", "2023-06-30", "month")),
        ("at the beginning of next year", ("2024-01-01", "2024-01-31", "year")),
        ("the end of May 2022", ("2022-05-25", "2022-05-31", "month")),
        ("the week before 9 June 2023", ("2023-05-29", "2023-06-04", "week")),
        ("the week of 9 June 2023", ("2023-06-05", "2023-06-11", "week")),
        ("the Friday before 15 July 2023", day("2023-07-14")),
        ("the weekend after 9 June 2023", ("2023-06-10", "2023-06-11", "weekend")),
        ("two days before Christmas 2023", day("2023-12-23")),
        ("the day after May 3, 2023", day("2023-05-04")),
        ("My flight is on the 3rd.", day("2023-07-03")),
        ("the 3rd of next month", day("2023-07-03")),
    ],
)
def test_written_dates_and_what_is_counted_from_them(text: str, expected: tuple[str, str, str]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "start", "end", "granularity"),
    [
        ("last night", "2023-06-13T18:00", "2023-06-14T06:00", "part_of_day"),
        ("this morning", "2023-06-14T05:00", "2023-06-14T12:00", "part_of_day"),
        ("tonight", "2023-06-14T18:00", "2023-06-15T06:00", "part_of_day"),
        ("yesterday afternoon", "2023-06-13T12:00", "2023-06-13T18:00", "part_of_day"),
        ("next Friday at 5pm", "2023-06-23T17:00", "2023-06-23T18:00", "hour"),
        ("tomorrow at 10:30 a.m.", "2023-06-15T10:30", "2023-06-15T10:31", "minute"),
        ("on 4 May 2020 at 17:30", "2020-05-04T17:30", "2020-05-04T17:31", "minute"),
        ("at 5 pm on Friday", "2023-06-16T17:00", "2023-06-16T18:00", "hour"),
        ("at noon tomorrow", "2023-06-15T12:00", "2023-06-15T13:00", "hour"),
        ("last night at 1am", "2023-06-14T01:00", "2023-06-14T02:00", "hour"),
        ("2023-05-03T10:00:00+02:00", "2023-05-03T08:00", "2023-05-03T08:01", "minute"),
        ("an hour ago", "2023-06-14T14:00", "2023-06-14T15:00", "hour"),
        ("20 minutes ago", "2023-06-14T15:10", "2023-06-14T15:11", "minute"),
    ],
)
def test_times_of_day_narrow_a_date(text: str, start: str, end: str, granularity: str) -> None:
    span = read(text)
    assert (span.start.isoformat()[:16], span.end.isoformat()[:16], span.granularity) == (start, end, granularity)


def test_a_time_that_could_be_morning_or_evening_leaves_the_day_whole() -> None:
    assert days("tomorrow at 5:30") == day("2023-06-15")


@pytest.mark.parametrize("text", ["a few years ago", "a couple of days ago", "several weeks ago", "end of the month"])
def test_vague_words_are_marked_approximate(text: str) -> None:
    assert read(text).approximate
    assert not read("two years ago").approximate


@pytest.mark.parametrize(
    "text",
    [
        "we went",
        "it may rain and we may stay",
        "YOU MAY GO",
        "march on, we march at dawn",
        "he sat down in the sun",
        "now the second one",
        "just a second, on second thought",
        "I met August and April, ask June",
        "every Monday, each May, on Fridays",
        "from Monday to Friday, Monday-Friday",
        "on Friday nights",
        "the Monday meeting, Black Friday",
        "in the last week, over the past year, the next day, the next Friday",
        "for three weeks, twice in a week",
        "I finished it in three days",
        "at the end of the day it is fine",
        "3/5/2023",
        "version 2.0.1, 10.0.0.1, room 2020, 2016 files",
        "in 2016 files",
        "on the 3rd floor, my 3rd try",
        "31/31/2023 and 2023-02-30",
        "9999 years ago",
        "the Sun is hot, the Fall of Rome",
        "back to back, two days back to back",
        "",
    ],
)
def test_ordinary_words_are_no_dates(text: str) -> None:
    assert find_dates(text, said_at=WEDNESDAY, tz=UTC) == []


@pytest.mark.parametrize("said_at", [datetime(2023, 5, 9, hour, tzinfo=UTC) for hour in (2, 3)])
def test_the_users_zone_decides_what_yesterday_was(said_at: datetime) -> None:
    """At 2 o'clock UTC it is still the 8th in New York, and has long been the 9th in Kiritimati."""
    assert days("yesterday", said_at, UTC) == day("2023-05-08")
    assert days("yesterday", said_at, NEW_YORK) == day("2023-05-07")
    assert days("yesterday", said_at, KIRITIMATI) == day("2023-05-08")
    assert read("yesterday", said_at, NEW_YORK).start == datetime(2023, 5, 7, 4, tzinfo=UTC)


def test_a_day_on_which_the_clocks_change_has_23_or_25_hours() -> None:
    spring, autumn = datetime(2023, 3, 13, 12, tzinfo=UTC), datetime(2023, 11, 6, 12, tzinfo=UTC)
    short, long = read("yesterday", spring, NEW_YORK), read("yesterday", autumn, NEW_YORK)
    assert short.end - short.start == timedelta(hours=23)
    assert long.end - long.start == timedelta(hours=25)


def test_a_time_that_the_clocks_skip_or_repeat_still_has_a_length() -> None:
    skipped = read("yesterday at 2am", datetime(2023, 3, 13, 12, tzinfo=UTC), NEW_YORK)
    repeated = read("10 minutes ago", datetime(2023, 11, 5, 6, 10, tzinfo=UTC), NEW_YORK)
    assert skipped.start < skipped.end
    assert repeated.end - repeated.start == timedelta(minutes=1)
    assert repeated.start == datetime(2023, 11, 5, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said_on", "text", "expected"),
    [
        (date(2024, 1, 1), "yesterday", day("2023-12-31")),
        (date(2023, 12, 31), "tomorrow", day("2024-01-01")),
        (date(2024, 1, 3), "last week", ("2023-12-25", "2023-12-31", "week")),
        (date(2024, 1, 15), "last month", ("2023-12-01", "2023-12-31", "month")),
        (date(2023, 12, 15), "in two months we will move", ("2024-02-01", "2024-02-29", "month")),
        (date(2024, 3, 1), "yesterday", day("2024-02-29")),
        (date(2023, 3, 31), "a month ago", ("2023-02-01", "2023-02-28", "month")),
        (date(2023, 6, 14), "He was born on Feb 29", day("2020-02-29")),
        (date(2023, 6, 14), "The party will be on Feb 29", day("2024-02-29")),
        (date(2024, 1, 20), "last winter", ("2022-12-01", "2023-02-28", "season")),
        (date(2023, 6, 18), "last weekend", ("2023-06-10", "2023-06-11", "weekend")),
        (date(2023, 6, 18), "next Monday", day("2023-06-19")),
        (date(2023, 6, 17), "last Friday", day("2023-06-16")),
    ],
)
def test_the_edges_of_weeks_months_and_years(said_on: date, text: str, expected: tuple[str, str, str]) -> None:
    said_at = datetime(said_on.year, said_on.month, said_on.day, 12, tzinfo=UTC)
    if text.startswith("in "):
        text = "We will move " + text.removesuffix(" we will move")
    assert days(text, said_at) == expected


def test_several_dates_are_found_in_order_with_their_places_and_prepositions() -> None:
    text = "I got back yesterday, have lived here since 2016, and fly again by next Friday."
    spans = find_dates(text, said_at=WEDNESDAY, tz=UTC)
    assert [(span.text, span.lead) for span in spans] == [("yesterday", ""), ("2016", "since"), ("next Friday", "by")]
    assert all(text[span.position :].startswith(span.text) for span in spans)


def test_the_start_of_something_lasting_is_not_what_a_sentence_is_about() -> None:
    assert days("Since 2016 I have lived here, and yesterday I left") == day("2023-06-13")
    assert days("I have lived here since 2016")[2] == "year"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        find_dates("yesterday", said_at=datetime(2023, 6, 14), tz=UTC)  # noqa: DTZ001 - the point of the test


WORDS = st.sampled_from(
    sorted(
        words(
            "yesterday today tomorrow last next this the a two 3 31st of in on by since until at ago days weeks Friday "
            "May march 2016 1999 29 Feb 2023-05-03 5pm 17:30 weekend summer night week before after end month year "
            "Christmas early 90s Q3and was will I couple few half an hour minutes noon . , ! Sat"
        )
    )
)
ZONES = st.sampled_from(
    [UTC, NEW_YORK, LISBON, KIRITIMATI, ZoneInfo("America/Sao_Paulo"), timezone(timedelta(hours=-12))]
)
MOMENTS = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=25).map(" ".join), MOMENTS, ZONES)
def test_any_words_in_any_zone_give_proper_intervals_in_their_place(text: str, said_at: datetime, tz: tzinfo) -> None:
    at = 0
    for span in find_dates(text, said_at=said_at, tz=tz):
        assert text[span.position : span.position + len(span.text)] == span.text
        assert span.position >= at
        at = span.position + len(span.text)
        assert span.start < span.end
        assert span.start.utcoffset() == span.end.utcoffset() == timedelta(0)


@settings(deadline=None)
@given(st.integers(0, 3000), MOMENTS, ZONES)
def test_days_ago_and_days_ahead_are_as_far_away_as_they_say(count: int, said_at: datetime, tz: tzinfo) -> None:
    today = said_at.astimezone(tz).date()
    behind = read(f"{count} days ago", said_at, tz).start.astimezone(tz).date()
    ahead = read(f"{count} days from now", said_at, tz).start.astimezone(tz).date()
    assert (today - behind).days == (ahead - today).days == count


@pytest.mark.parametrize("unit", ["May 3 ", "the week before ", "last ", "two ", "in 2016 ", "1/", "mon ", "a"])
def test_a_long_text_is_read_in_steps_that_grow_with_its_length(unit: str) -> None:
    """Ten times the text gives ten times the dates: none is lost, and none looks further than its sentence."""
    few = find_dates(unit * 50, said_at=WEDNESDAY, tz=UTC)
    many = find_dates(unit * 500, said_at=WEDNESDAY, tz=UTC)
    assert len(many) <= 10 * len(few) + 10
