from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from insights.window import Window

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
        ("2024-05-01", None, "start_date"),
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
