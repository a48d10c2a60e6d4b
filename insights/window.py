"""Time zones, and half-open windows in UTC; refused when they cannot be meant. Pure, apart from `now`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil
from typing import Self
from zoneinfo import ZoneInfo

from errors import InvalidInput

WINDOW = timedelta(days=30)  # what pages are shown, and the default length
# What a browser gives for a zone that it does not know: ICU's name, and JavaScript's nothing as text.
_NO_ZONE = {"", "etc/unknown", "undefined", "null"}


def now() -> datetime:
    return datetime.now(UTC)


def invalid(field: str, reason: str) -> InvalidInput:
    """The error for one bad parameter; `detail` names it and the reason, as for every bad input."""
    return InvalidInput(f"{field} {reason}", detail=[{"field": field, "reason": reason}])


def parse_time_zone(name: str, field: str = "time_zone") -> ZoneInfo:
    """The IANA time zone of that name, UTC for a browser's "unknown"; else InvalidInput, of `field`."""
    if _names_no_zone(name):
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # malformed, unknown, a folder of zones
        raise invalid(field, "is not an IANA time zone; use a name such as Europe/Berlin") from None


def time_zone_notes(name: str) -> list[str]:
    """What an answer says of the zone it was asked for: empty unless another one was taken instead."""
    return ["time_zone names no known zone; it was read as UTC."] if _names_no_zone(name) else []


def _names_no_zone(name: str) -> bool:
    return name.strip().lower() in _NO_ZONE


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
    def from_params(
        cls, start_date: str | None, end_date: str | None, now: datetime, zone: tzinfo = UTC
    ) -> Self:
        """The window that two ISO 8601 texts ask for; by default the 30 days up to `now`.

        A text is a date and time with offset, or a date alone, which is its midnight in `zone`.
        """
        end = _parse("end_date", end_date, zone) if end_date else _instant("now", now)
        start = _parse("start_date", start_date, zone) if start_date else _default_start(end)
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
    def seconds(self) -> tuple[int, int]:
        """The first whole epoch second of the window, and the first after it."""
        return self.start_second, self.end_second

    @property
    def preceding(self) -> "Window":
        """The window of equal length that ends where this one starts; InvalidInput: before the year 1."""
        try:
            return Window(self.start - (self.end - self.start), self.start)
        except OverflowError:
            raise invalid("start_date", "is too close to the year 1; give a later instant") from None

    @property
    def preceding_start_second(self) -> int:
        """The first whole epoch second of the window of equal length that ends where this one starts."""
        return 2 * self.start_second - self.end_second


def parse_instant(field: str, text: str | None, zone: tzinfo) -> datetime | None:
    """The instant that a parameter names, as `Window.from_params` reads it; None: it was left out."""
    return _parse(field, text, zone) if text else None


def _default_start(end: datetime) -> datetime:
    try:
        return end - WINDOW
    except OverflowError:
        raise invalid("end_date", "is too close to the year 1; give a later instant") from None


def _parse(field: str, text: str, zone: tzinfo) -> datetime:
    day = _date(text)
    if day is not None:
        return midnight(field, day, zone)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        reason = (
            "must be a date, such as 2024-05-01, or ISO 8601 with an offset, such as 2024-05-01T00:00:00Z "
            "(in a URL, write + as %2B)"
        )
        raise invalid(field, reason) from None
    return _instant(field, value)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def midnight(field: str, day: date, zone: tzinfo) -> datetime:
    """The first instant of the local day; of a day that clocks skip, the instant of the skip.

    InvalidInput names `field`: it lies outside the years 1 to 9999.
    """
    local = datetime.combine(day, time(), zone)
    # Where clocks are set forward over midnight the two readings of it lie around the change.
    before, after = sorted(_instant(field, local.replace(fold=fold)) for fold in (0, 1))
    if before.astimezone(zone).date() >= day:
        return before
    while after - before > timedelta(seconds=1):  # clocks change on whole seconds
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after


def _instant(field: str, value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise invalid(field, "has no UTC offset; add one, such as Z or +02:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise invalid(field, "lies outside the years 1 to 9999 in UTC") from None
