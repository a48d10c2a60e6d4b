"""What clocks show in a zone, through their changes: hours of the week, and for how long. Pure.

Instants are epoch seconds. Between two changes of the clocks local time runs as ours does, so everything is
computed in stretches in which the offset stays: an hour that clocks skip is in none, one that they show twice
is in two.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS_OF_WEEK: Final = tuple(f"{day} {hour:02}" for day in DAYS for hour in range(24))
_EARLIEST: Final = int(datetime(1, 1, 3, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(9999, 12, 29, tzinfo=UTC).timestamp())
LOCAL_EPOCH: Final = 3 * DAY  # the epoch began on a Thursday, so many seconds into its week


class Steady(NamedTuple):
    """The instants `[start, end)`, at which local time is `offset` seconds ahead of UTC."""

    start: float
    end: float
    offset: int

    @property
    def local(self) -> tuple[float, float]:
        """Where it begins and ends in local time, in seconds since the Monday before the epoch."""
        return self.start + self.offset + LOCAL_EPOCH, self.end + self.offset + LOCAL_EPOCH


def offset_at(second: float, zone: tzinfo) -> int:
    """How many seconds local time is ahead of UTC at an instant."""
    first, *others = _day(int(second // DAY), zone)
    return others[0].offset if others and second >= first.end else first.offset


def local_second(second: float, zone: tzinfo) -> float:
    """What clocks show at an instant, in seconds since the Monday before the epoch."""
    return second + offset_at(second, zone) + LOCAL_EPOCH


def steady(start: float, end: float, zone: tzinfo) -> Iterator[Steady]:
    """The stretches of `[start, end)` between changes of the clocks, in order."""
    found: Steady | None = None
    for day in range(int(start // DAY), int(-(-end // DAY))):
        for each in _day(day, zone):
            begin, finish = max(start, each.start), min(end, each.end)
            if begin >= finish:
                continue
            if found is not None and found.offset == each.offset:
                found = found._replace(end=finish)
                continue
            if found is not None:
                yield found
            found = Steady(begin, finish, each.offset)
    if found is not None:
        yield found


@lru_cache(maxsize=2**16)  # many moments of a window lie in the same few days
def _day(day: int, zone: tzinfo) -> tuple[Steady, ...]:
    """The stretches of a day in UTC, counted from the epoch. Clocks never change twice in one."""
    start, end = day * DAY, (day + 1) * DAY
    before, after = _offset(start, zone), _offset(end, zone)
    low, high = start, end
    while before != after and high - low > 1:  # clocks change on whole seconds
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    parts = Steady(start, high, before), Steady(high, end, after)
    return parts if high < end else parts[:1]


def _offset(second: int, zone: tzinfo) -> int:
    # Where local time is outside the years 1 to 9999 it runs as it does inside.
    offset = datetime.fromtimestamp(min(max(second, _EARLIEST), _LATEST), zone).utcoffset()
    assert offset is not None, "a zone has an offset"
    return round(offset.total_seconds())


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
