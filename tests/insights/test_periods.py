"""Windows by name, in a zone, and the period before each."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from insights.periods import Named, Period, named_period
from insights.window import Window

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.integers(946_857_600, 2_114_380_800).map(lambda second: datetime.fromtimestamp(second, UTC))
zones = st.sampled_from(
    [
        ZoneInfo(name)
        for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia")
    ]
)


def local(window: Window, zone: ZoneInfo) -> tuple[str, str]:
    return tuple(f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in (window.start, window.end))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "window", "previous"),
    [  # on Wednesday 2026-03-31, 14:30 in Berlin, two days after clocks went forward
        ("today", ("03-31 00:00", "03-31 14:30"), ("03-30 00:00", "03-30 14:30")),
        ("yesterday", ("03-30 00:00", "03-31 00:00"), ("03-29 00:00", "03-30 00:00")),
        ("this_week", ("03-30 00:00", "03-31 14:30"), ("03-23 00:00", "03-24 14:30")),
        ("last_week", ("03-23 00:00", "03-30 00:00"), ("03-16 00:00", "03-23 00:00")),
        ("this_month", ("03-01 00:00", "03-31 14:30"), ("02-01 00:00", "03-01 00:00")),
        ("last_month", ("02-01 00:00", "03-01 00:00"), ("01-01 00:00", "02-01 00:00")),
        ("last_7_days", ("03-24 13:30", "03-31 14:30"), ("03-17 13:30", "03-24 13:30")),
        ("last_24_hours", ("03-30 14:30", "03-31 14:30"), ("03-29 14:30", "03-30 14:30")),
    ],
)
def test_a_name_means_its_window_and_the_one_before(
    name: str, window: tuple[str, str], previous: tuple[str, str]
) -> None:
    found = named_period(name, datetime(2026, 3, 31, 14, 30, tzinfo=BERLIN), BERLIN)
    assert local(found.window, BERLIN) == tuple(f"2026-{each}" for each in window)
    assert local(found.previous, BERLIN) == tuple(f"2026-{each}" for each in previous)


def test_a_year_is_compared_with_as_many_days_of_the_year_before() -> None:
    found = named_period("this_year", datetime(2025, 3, 1, 9, tzinfo=BERLIN), BERLIN)
    assert local(found.window, BERLIN) == ("2025-01-01 00:00", "2025-03-01 09:00")
    assert local(found.previous, BERLIN) == ("2024-01-01 00:00", "2024-02-29 09:00")
    last = named_period("last_year", datetime(2025, 3, 1, 9, tzinfo=BERLIN), BERLIN)
    assert local(last.previous, BERLIN) == ("2023-01-01 00:00", "2024-01-01 00:00")


def test_a_day_of_a_change_has_the_hours_that_it_has() -> None:
    for day, hours in (((2024, 4, 1), 23), ((2024, 10, 28), 25)):
        found = named_period("yesterday", datetime(*day, 12, tzinfo=BERLIN), BERLIN)
        assert found.window.end - found.window.start == timedelta(hours=hours)


@given(moments, zones, st.sampled_from(get_args(Named)))
def test_windows_of_a_name_hold_now_or_end_before_it_and_follow_their_period_before(
    now: datetime, zone: ZoneInfo, name: str
) -> None:
    found = named_period(name, now, zone)
    still_runs = name == "today" or name.startswith("this_")
    assert found.window.start <= now <= found.window.end or name in ("yesterday",) or name.startswith("last_")
    if still_runs:
        assert found.window.end in (now, found.window.start + timedelta(seconds=1))
        assert found.previous.end <= found.window.start
        assert named_period(name, found.previous.start, zone).window.start == found.previous.start
    else:
        assert found.window.end <= now
        assert found.previous.end == found.window.start


@given(moments, zones, st.sampled_from(("day", "week", "month", "year")))
def test_calendar_windows_leave_no_gap(now: datetime, zone: ZoneInfo, unit: str) -> None:
    this = named_period({"day": "today"}.get(unit, f"this_{unit}"), now, zone)
    last = named_period({"day": "yesterday"}.get(unit, f"last_{unit}"), now, zone)
    assert last.window.end == this.window.start
    assert last.window.start == this.previous.start


def test_a_window_is_given_by_name_or_by_bounds() -> None:
    now = datetime(2026, 3, 31, 14, 30, tzinfo=UTC)
    by_bounds = Period.from_params("2026-03-01", "2026-03-08", None, now, UTC)
    assert by_bounds.previous == Window(datetime(2026, 2, 22, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    for start, end in (("2026-03-01", None), (None, "2026-03-01")):
        with pytest.raises(InvalidInput, match="window"):
            Period.from_params(start, end, "today", now, UTC)
    with pytest.raises(InvalidInput, match="window must be one of today"):
        named_period("this_decade", now, UTC)
