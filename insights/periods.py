"""Which window a question means, and the period before it: the one place that reads either. Pure.

A window is given by its bounds, or by a name: a calendar window in a time zone, or a rolling one up to now.
A calendar window that still runs ends now, and so far into it ends the period before it by the clocks.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Literal, get_args

from insights.window import Window, invalid, midnight

Calendar = Literal[
    "today", "yesterday", "this_week", "last_week", "this_month", "last_month", "this_year", "last_year"
]
Rolling = Literal["last_24_hours", "last_7_days", "last_30_days", "last_90_days", "last_365_days"]
Named = Literal[Calendar, Rolling]
_ROLLING: Final = {
    "last_24_hours": timedelta(hours=24),
    "last_7_days": timedelta(days=7),
    "last_30_days": timedelta(days=30),
    "last_90_days": timedelta(days=90),
    "last_365_days": timedelta(days=365),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A window and the one before it: of equal length, and ending where it starts, without `before`."""

    window: Window
    before: Window | None = None

    @property
    def previous(self) -> Window:
        return self.before or self.window.preceding

    @classmethod
    def from_params(
        cls, start_date: str | None, end_date: str | None, named: str | None, now: datetime, zone: tzinfo
    ) -> "Period":
        """The period that a question means: by its bounds, ISO 8601, or by a name, and not by both.

        InvalidInput names the parameter that is wrong.
        """
        if named is None:
            return cls(Window.from_params(start_date, end_date, now, zone))
        if start_date or end_date:
            raise invalid("window", "cannot be given beside start_date or end_date; leave one of them out")
        return named_period(named, now, zone)


def named_period(name: str, now: datetime, zone: tzinfo) -> Period:
    """The period of that name at `now` (aware); InvalidInput when there is none."""
    now = now.astimezone(UTC)  # what is subtracted is real time
    if name in _ROLLING:
        return Period(Window(now - _ROLLING[name], now))
    if name not in get_args(Calendar):
        raise invalid("window", f"must be one of {', '.join(get_args(Named))}")
    local = now.astimezone(zone)
    unit = {"today": "day", "yesterday": "day"}.get(name) or name.partition("_")[2]
    begins = _begin(unit, local.date())
    if name == "today" or name.startswith("this_"):
        start, before = midnight("window", begins, zone), _before(unit, begins)
        # As far into the period before as now is into this one; a shorter month ends sooner.
        same = datetime.combine(before + (local.date() - begins), local.time(), zone)
        earlier = midnight("window", before, zone)
        # At midnight sharp this period holds nothing yet: its first second stands for it.
        end = max(now, start + timedelta(seconds=1))
        until = min(max(same, earlier + timedelta(seconds=1)), start)
        return Period(Window(start, end), Window(earlier, until))
    first = _before(unit, begins)
    bounds = [midnight("window", day, zone) for day in (_before(unit, first), first, begins)]
    return Period(Window(bounds[1], bounds[2]), Window(bounds[0], bounds[1]))


def _begin(unit: str, day: date) -> date:
    """The first day of the day, week (Monday), month or year that holds a day."""
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def _before(unit: str, begins: date) -> date:
    """The first day of the unit before the one that begins then."""
    return _begin(unit, begins - timedelta(days=1))
