"""Time windows: half-open, in UTC, refused when they cannot be meant. Pure, apart from `now`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Self

from errors import InvalidInput

WINDOW = timedelta(days=30)  # what pages are shown, and the default length


def now() -> datetime:
    return datetime.now(UTC)


def invalid(field: str, reason: str) -> InvalidInput:
    """The error for one bad parameter; `detail` names it and the reason, as for every bad input."""
    return InvalidInput(f"{field} {reason}", detail=[{"field": field, "reason": reason}])


@dataclass(frozen=True, slots=True)
class Window:
    """The instants `[start, end)`, held in UTC.

    InvalidInput names the field: `start_date` or `end_date` when naive, `start_date` when not before the end.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _instant("start_date", self.start))
        object.__setattr__(self, "end", _instant("end_date", self.end))
        if self.start >= self.end:
            raise invalid("start_date", "must be before end_date: a window holds its start and not its end")

    @classmethod
    def from_params(cls, start_date: str | None, end_date: str | None, now: datetime) -> Self:
        """The window that two ISO 8601 texts with offset ask for; by default the 30 days up to `now`."""
        end = _parse("end_date", end_date) if end_date else _instant("now", now)
        start = _parse("start_date", start_date) if start_date else _default_start(end)
        return cls(start, end)

    # The graph keeps whole seconds, cut off. Rounding both bounds up keeps neighbouring windows a partition
    # and a conversation that began a moment before `end` inside.

    @property
    def start_second(self) -> int:
        """The first whole epoch second of the window."""
        return ceil(self.start.timestamp())

    @property
    def end_second(self) -> int:
        """The first whole epoch second after the window."""
        return ceil(self.end.timestamp())

    @property
    def preceding_start_second(self) -> int:
        """The first whole epoch second of the window of equal length that ends where this one starts."""
        return 2 * self.start_second - self.end_second


def _default_start(end: datetime) -> datetime:
    try:
        return end - WINDOW
    except OverflowError:
        raise invalid("end_date", "is too close to the year 1; give a later instant") from None


def _parse(field: str, text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        reason = "must be ISO 8601 with an offset, such as 2024-05-01T00:00:00Z (in a URL, write + as %2B)"
        raise invalid(field, reason) from None
    return _instant(field, value)


def _instant(field: str, value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise invalid(field, "has no UTC offset; add one, such as Z or +02:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise invalid(field, "lies outside the years 1 to 9999 in UTC") from None
