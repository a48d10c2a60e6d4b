from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from insights.window import Window, parse_time_zone, time_zone_notes

NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
# In steps of a quarter second, close enough together to share seconds.
instants = st.integers(0, 400).map(lambda quarters: datetime.fromtimestamp(quarters / 4, UTC))


def test_default_window_is_the_last_30_days() -> None:
    assert Window.from_params(None, None, NOW) == Window(NOW - timedelta(days=30), NOW)


def test_default_start_is_30_days_before_the_given_end() -> None:
    assert Window.from_params(None, "2024-03-31T00:00:00Z", NOW).start == datetime(2024, 3, 1, tzinfo=UTC)


def test_offsets_are_understood() -> None:
    window = Window.from_params("2024-05-01T00:00:00+02:00", "2024-05-02T00:00:00Z", NOW)
    assert window.start == datetime(2024, 4, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2024-05-01T00:00:00", None, "start_date"),
        ("2024-05-02", "2024-05-01", "start_date"),
        ("2024-05-01", "2024-05-01", "start_date"),
        ("2024-02-30", None, "start_date"),
        ("2024-05", None, "start_date"),
        ("2024-05-01T00:00", None, "start_date"),
        ("2024-05-01 ", None, "start_date"),
        (None, "2024-05-01T00:00:00", "end_date"),
        ("yesterday", None, "start_date"),
        ("2024-05-01T00:00:00 02:00", None, "start_date"),
        ("2024-05-02T00:00:00Z", "2024-05-01T00:00:00Z", "start_date"),
        ("2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00", "start_date"),
        ("0001-01-01T00:00:00+10:00", None, "start_date"),
        (None, "0001-01-02T00:00:00Z", "end_date"),
        (None, "9999-12-31T23:59:59-10:00", "end_date"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(start: str | None, end: str | None, field: str) -> None:
    with pytest.raises(InvalidInput, match=field) as caught:
        Window.from_params(start, end, NOW)
    assert [each["field"] for each in caught.value.detail] == [field]


def begins(day: str, zone: str) -> datetime:
    """The instant at which a window that asks for this date starts."""
    return Window.from_params(day, "9999-01-01", NOW, parse_time_zone(zone)).start


def test_a_date_is_midnight_in_utc_unless_a_zone_is_named() -> None:
    assert Window.from_params("2024-05-01", "2024-05-02", NOW) == Window(
        datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
    )
    assert begins("2024-05-01", "Asia/Kolkata") == datetime(2024, 4, 30, 18, 30, tzinfo=UTC)


def test_an_offset_wins_over_the_zone() -> None:
    zone = parse_time_zone("Asia/Tokyo")
    window = Window.from_params("2024-05-01T00:00:00Z", "2024-05-02T00:00:00+02:00", NOW, zone)
    assert window == Window(datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "zone", "first"),
    [
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"),  # 00:00 to 01:00
        ("2023-04-28", "Africa/Cairo", "2023-04-27T22:00:00Z"),
        ("2022-03-27", "Asia/Beirut", "2022-03-26T22:00:00Z"),
        ("1919-03-31", "America/Toronto", "1919-03-31T04:30:00Z"),  # 23:30 to 00:30
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"),  # a day that never was
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("2018-02-18", "America/Sao_Paulo", "2018-02-18T03:00:00Z"),  # back from 24:00 to 23:00
        ("2023-11-05", "America/Havana", "2023-11-05T04:00:00Z"),  # midnight twice: 01:00 to 00:00
        ("2010-11-07", "America/St_Johns", "2010-11-07T02:30:00Z"),  # 00:01 to 23:01
    ],
)
def test_a_day_begins_at_its_first_instant_where_clocks_change(day: str, zone: str, first: str) -> None:
    assert begins(day, zone) == datetime.fromisoformat(first)


@given(
    st.dates(date(1900, 1, 1), date(2037, 12, 30)),
    st.sampled_from(
        [
            "Europe/Berlin",
            "America/Sao_Paulo",
            "Africa/Cairo",
            "Asia/Beirut",
            "Pacific/Apia",
            "America/Toronto",
        ]
    ),
)
def test_no_instant_before_the_first_is_of_that_day(day: date, zone: str) -> None:
    local = parse_time_zone(zone)
    start = begins(day.isoformat(), zone)
    assert start.astimezone(local).date() >= day
    assert (start - timedelta(seconds=1)).astimezone(local).date() < day
    assert start <= begins((day + timedelta(days=1)).isoformat(), zone)


def test_a_date_that_begins_before_the_year_1_in_utc_is_refused() -> None:
    with pytest.raises(InvalidInput, match="start_date"):
        Window.from_params("0001-01-01", None, NOW, parse_time_zone("Asia/Tokyo"))


@pytest.mark.parametrize("name", ["Etc/Unknown", "etc/unknown", "", " ", "undefined", "null"])
def test_a_zone_that_a_browser_does_not_know_is_utc_and_noted(name: str) -> None:
    assert parse_time_zone(name) == ZoneInfo("UTC")
    [note] = time_zone_notes(name)
    assert "UTC" in note


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Europe/Berlin", "Asia/Calcutta"])
def test_a_zone_that_is_known_is_read_without_a_note(name: str) -> None:
    assert parse_time_zone(name).key == name
    assert time_zone_notes(name) == []


@pytest.mark.parametrize(
    "name", ["Europe", "Mars/Olympus", "../UTC", "/etc/localtime", "a\0b", "Etc/Unknown2", "x" * 5000]
)
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="time_zone"):
        parse_time_zone(name)


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="end_date"):
        Window(NOW, (NOW + timedelta(days=1)).replace(tzinfo=None))


def test_length_is_counted_in_real_time_across_a_clock_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    window = Window(datetime(2024, 3, 31, tzinfo=berlin), datetime(2024, 4, 1, tzinfo=berlin))
    assert window.end - window.start == timedelta(hours=23)
    assert window.start_second - window.preceding_start_second == 23 * 3600


def test_the_same_wall_clock_twice_is_ordered_by_instant() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2024, 10, 27, 2, 30, tzinfo=berlin)
    assert (
        Window(first, first.replace(fold=1)).end_second
        == Window(first, NOW.replace(year=2025)).start_second + 3600
    )


@given(st.lists(instants, min_size=3, max_size=3, unique=True), st.integers(0, 100))
def test_neighbouring_windows_share_no_second_and_lose_none(bounds: list[datetime], second: int) -> None:
    a, b, c = sorted(bounds)
    whole, left, right = Window(a, c), Window(a, b), Window(b, c)
    holds = [w.start_second <= second < w.end_second for w in (whole, left, right)]
    assert holds[0] == (holds[1] or holds[2])
    assert not (holds[1] and holds[2])


def test_a_window_of_all_time_has_a_preceding_one() -> None:
    window = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    assert window.preceding_start_second < window.start_second < 0
