"""Hours of the week through changes of the clocks, against looking at every minute."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.clock import HOUR, HOURS_OF_WEEK, exposure, steady
from insights.hours import WeeklyHours
from insights.instants import hours_of_week, seconds_within

# With summer time, without; by half an hour, ahead by 45 minutes; a whole day skipped.
ZONES = tuple(
    map(
        ZoneInfo,
        (
            *("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"),
            *("Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo"),
        ),
    )
)
zones = st.sampled_from(ZONES)
# Around changes of some of them, and anywhere.
CHANGES = tuple(
    int(datetime(*day, tzinfo=UTC).timestamp())
    for day in ((2024, 3, 31), (2024, 10, 27), (2011, 12, 30), (2018, 11, 4), (2024, 4, 6), (2024, 3, 10))
)
minutes = st.one_of(
    st.builds(lambda change, near: change // 60 + near, st.sampled_from(CHANGES), st.integers(-4320, 4320)),
    st.integers(0, 2_000_000_000 // 60),
)


def shown(minute: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(minute * 60, zone).strftime("%a %H")


@given(minutes, st.integers(1, 5000), zones)
def test_clocks_show_each_hour_for_as_long_as_they_do(start: int, length: int, zone: ZoneInfo) -> None:
    expected = Counter(shown(minute, zone) for minute in range(start, start + length))
    found = exposure(start * 60, (start + length) * 60, zone)
    assert {hour: n // 60 for hour, n in zip(HOURS_OF_WEEK, found, strict=True) if n} == expected
    assert sum(found) == length * 60


@given(minutes, zones)
def test_a_moment_is_in_the_hour_that_clocks_show(minute: int, zone: ZoneInfo) -> None:
    assert HOURS_OF_WEEK[hours_of_week(np.array([minute * 60 + 59]), zone)[0]] == shown(minute, zone)


@given(st.lists(minutes, max_size=20), zones)
def test_many_moments_are_each_in_the_hour_that_clocks_show(found: list[int], zone: ZoneInfo) -> None:
    places = hours_of_week(np.array(found, np.int64) * 60, zone)
    assert [HOURS_OF_WEEK[place] for place in places] == [shown(minute, zone) for minute in found]


@given(minutes, st.floats(0.5, 5e6), zones)
def test_stretches_without_a_change_lie_side_by_side(start: int, length: float, zone: ZoneInfo) -> None:
    found = list(steady(start * 60, start * 60 + length, zone))
    assert (found[0].start, found[-1].end) == (start * 60, start * 60 + length)
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]
    assert all(one.offset != other.offset for one, other in pairwise(found))


def test_an_hour_that_is_skipped_is_never_shown_and_one_that_comes_twice_is_shown_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours, changed in ((date(2024, 3, 31), 23, 0), (date(2024, 10, 27), 25, 2)):
        midnight, next_midnight = (
            datetime.combine(each, time(), berlin) for each in (day, day + timedelta(days=1))
        )
        found = exposure(int(midnight.timestamp()), int(next_midnight.timestamp()), berlin)
        assert sum(found) == hours * HOUR
        assert found[HOURS_OF_WEEK.index("Sun 02")] == changed * HOUR
        assert found[HOURS_OF_WEEK.index("Sun 03")] == HOUR


@pytest.mark.parametrize(("start", "end"), [("0001-01-01", "0001-01-03"), ("9999-12-29", "9999-12-31")])
@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_the_last_days_of_all_have_hours_too(start: str, end: str, zone: ZoneInfo) -> None:
    first, last = (int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) for day in (start, end))
    assert sum(exposure(first, last, zone)) == last - first
    hours = set(hours_of_week(np.arange(first, last, 1800), zone).tolist())
    assert len(hours) in (48, 49)


texts = st.lists(
    st.builds(
        "{}{} {:02}:{:02}-{:02}:{:02}".format,
        st.sampled_from(("Mon", "Wed", "Sat", "Sun")),
        st.sampled_from(("", "-Mon", "-Thu", "-Sun")),
        st.integers(0, 23),
        st.sampled_from((0, 30, 59)),
        st.integers(0, 23),
        st.sampled_from((0, 15)),
    ),
    min_size=1,
    max_size=3,
).map(", ".join)


@given(texts, minutes, st.integers(1, 3000), zones)
def test_weekly_hours_hold_as_many_seconds_as_their_minutes(
    text: str, start: int, length: int, zone: ZoneInfo
) -> None:
    hours = WeeklyHours.parse(text)
    assert hours is not None
    open_minutes = 0
    for minute in range(start, start + length):
        local = datetime.fromtimestamp(minute * 60, zone)
        open_minutes += _is_open(text, local.weekday(), local.hour * 60 + local.minute)
    found = seconds_within(hours, np.array([start * 60]), np.array([(start + length) * 60]), zone)
    assert found.tolist() == [open_minutes * 60]


def _is_open(text: str, weekday: int, minute: int) -> bool:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    for part in text.split(", "):
        days, span = part.split(" ")
        first, _, last = days.partition("-")
        begin, end = (int(each[:2]) * 60 + int(each[3:]) for each in span.split("-"))
        day = names.index(first)
        of = [day]
        while last and names[day] != last:
            day = (day + 1) % 7
            of.append(day)
        over = end <= begin
        if weekday in of and begin <= minute and (over or minute < end):
            return True
        if over and (weekday - 1) % 7 in of and minute < end:
            return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        *("", "Mon", "09:00-17:00", "Mon 9:00-17:00", "Mon 09:00-24:30", "Mon 25:00-26:00"),
        *("mon 09:00-17:00", "Mon-Fri 09:00-17:00;", "Mon 09:00-17:00,", "Mon 09:60-17:00"),
        ", ".join(["Mon 09:00-10:00"] * 100),
    ],
)
def test_what_names_no_hours_is_refused(text: str) -> None:
    assert WeeklyHours.parse(text) is None


def test_hours_that_meet_are_one_and_a_whole_day_may_end_at_24() -> None:
    hours = WeeklyHours.parse("Sun 22:00-06:00, Mon 05:00-24:00, Tue 00:00-00:00")
    assert hours is not None
    assert hours.parts == ((0, 2 * 86_400), (6 * 86_400 + 22 * 3600, 7 * 86_400))
