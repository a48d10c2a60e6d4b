"""Instants of columns, as clocks show them, and what weekly hours hold between two of them. Pure."""

from datetime import tzinfo

import numpy as np

from insights.clock import HOUR, LOCAL_EPOCH, WEEK, steady
from insights.columns import Numbers
from insights.hours import WeeklyHours


def local_seconds(seconds: Numbers, zone: tzinfo) -> Numbers:
    """`local_second` of whole instants."""
    if not len(seconds):
        return seconds
    parts = list(steady(int(seconds.min()), int(seconds.max()) + 1, zone))
    of = np.searchsorted([each.start for each in parts], seconds, side="right") - 1
    return seconds + np.array([each.offset + LOCAL_EPOCH for each in parts], np.int64)[of]


def hours_of_week(seconds: Numbers, zone: tzinfo) -> Numbers:
    """The places among HOURS_OF_WEEK of the hours that clocks show at whole instants."""
    return local_seconds(seconds, zone) % WEEK // HOUR


def seconds_within(hours: WeeklyHours, start: Numbers, end: Numbers, zone: tzinfo) -> Numbers:
    """How many seconds of each `[start, end)`, epoch seconds, the hours hold."""
    if not len(start):
        return np.zeros(0)
    parts = list(steady(float(start.min()), float(end.max()) + 1, zone))
    begins, ends = (np.array(each) for each in zip(*(part.local for part in parts), strict=True))
    held = _until(hours, ends) - _until(hours, begins)
    before = np.cumsum(held) - held
    starts, offsets = np.array([part.start for part in parts]), begins - [part.start for part in parts]

    def until(second: Numbers) -> Numbers:
        of = np.searchsorted(starts, second, side="right") - 1
        found: Numbers = before[of] + _until(hours, second + offsets[of]) - _until(hours, begins[of])
        return found

    return until(end) - until(start)


def _until(hours: WeeklyHours, local: Numbers) -> Numbers:
    """How many seconds the hours hold before local times, counted from a Monday."""
    weeks, place = np.divmod(local, WEEK)
    before: Numbers = weeks * float(hours.whole)
    for start, end in hours.parts:
        before += np.clip(place - start, 0, end - start)
    return before
