"""Months by the clocks of a time zone. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from insights.window import Window, invalid


def month_of(second: int, zone: tzinfo) -> str:
    """The month that calendars show in the zone at an epoch second, such as `2024-05`."""
    local = datetime.fromtimestamp(second, zone)
    return f"{local.year:04}-{local.month:02}"


def check_month(text: str) -> str:
    """The month, as `month_of` names it; InvalidInput when it is none."""
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        raise invalid("cohort", "must be a month such as 2024-05") from None
    return text


def following(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def months_between(first: str, last: str) -> Iterator[str]:
    """All from the first to the last, both among them; none when the last is earlier."""
    while first <= last:
        yield first
        first = following(first)


def window_of(month: str, zone: tzinfo) -> Window:
    """From the first instant of the month in the zone to that of the next."""
    start = f"{month}-01"
    return Window.from_params(start, f"{following(month)}-01", datetime.now(zone), zone)
