"""What clocks show in a zone, through their changes: hours of the week, and for how long. Pure.

Instants are epoch seconds. Between two changes of the clocks local time runs as ours does, so everything is
computed in stretches in which the offset stays: an hour that clocks skip is in none, one that they show twice
is in two.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

HOUR: Final = 3600
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS_OF_WEEK: Final = tuple(f"{day} {hour:02}" for day in DAYS for hour in range(24))
_EPOCH: Final = 3 * DAY  # the epoch began on a Thursday, so many seconds into its week


class Steady(NamedTuple):
    """The instants `[start, end)`, at which local time is `offset` seconds ahead of UTC."""

    start: float
    end: float
    offset: int

    @property
    def local(self) -> tuple[float, float]:
        """Where it begins and ends in local time, in seconds since the Monday before the epoch."""
        return self.start + self.offset + _EPOCH, self.end + self.offset + _EPOCH


def offset_at(second: float, zone: tzinfo) -> int:
    """How many seconds local time is ahead of UTC at an instant."""
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None, "a zone has an offset"
    return round(offset.total_seconds())


def local_second(second: float, zone: tzinfo) -> float:
    """What clocks show at an instant, in seconds since the Monday before the epoch."""
    return second + offset_at(second, zone) + _EPOCH


def steady(start: float, end: float, zone: tzinfo) -> Iterator[Steady]:
    """The stretches of `[start, end)` between changes of the clocks, in order.

    Clocks change on whole seconds, and never twice in a day.
    """
    begun, at, offset = start, start, offset_at(start, zone)
    while at < end:
        following = min(at + DAY, end)
        if (new := offset_at(following, zone)) != offset:
            change = _change(at, following, offset, zone)
            if begun < change < end:
                yield Steady(begun, change, offset)
                begun = change
            offset = new
        at = following
    if begun < end:
        last = offset_at(begun, zone)
        yield Steady(begun, end, last)


def _change(before: float, after: float, offset: int, zone: tzinfo) -> float:
    """The first whole second behind `before` at which the offset is another one."""
    low, high = int(before), int(after) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def exposure(start: int, end: int, zone: tzinfo) -> list[int]:
    """For how many seconds of `[start, end)` clocks show each hour of the week; as HOURS_OF_WEEK."""
    seconds = [0] * len(HOURS_OF_WEEK)
    for each in steady(start, end, zone):
        begin, finish = map(int, each.local)
        weeks = (finish - begin) // WEEK
        for place in range(len(seconds)):
            seconds[place] += weeks * HOUR
        begin += weeks * WEEK
        while begin < finish:
            following = min((begin // HOUR + 1) * HOUR, finish)
            seconds[begin % WEEK // HOUR] += following - begin
            begin = following
    return seconds


def hour_of_week_at(second: int, zone: tzinfo) -> int:
    """The place among HOURS_OF_WEEK of the hour that clocks show at an instant."""
    return int(local_second(second, zone)) % WEEK // HOUR
