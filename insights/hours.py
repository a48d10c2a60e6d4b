"""Hours that come every week, such as business hours: `Mon-Fri 09:00-17:30, Sat 10:00-14:00`. Pure.

They are read as clocks show them. A range that does not end after its start goes on into the next day.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from insights.clock import DAY, DAYS, WEEK

LONGEST: Final = 1000  # characters
FORM: Final = "must be days and hours, such as Mon-Fri 09:00-17:30, Sat 10:00-14:00"
_DAYS = "|".join(DAYS)
_RANGE: Final = re.compile(
    rf"(?P<first>{_DAYS})(?:-(?P<last>{_DAYS}))?\s+"
    r"(?P<start>[01]\d|2[0-3]):(?P<start_minute>[0-5]\d)-(?P<end>[01]\d|2[0-4]):(?P<end_minute>[0-5]\d)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Parts of the week, in seconds since its Monday: in order, apart from one another."""

    parts: tuple[tuple[int, int], ...]
    whole: int  # seconds of all

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The hours that a text says; None: it says none."""
        spans: list[tuple[int, int]] = []
        for each in text.split(","):
            found = _RANGE.fullmatch(each.strip())
            if found is None or len(text) > LONGEST:
                return None
            start = (int(found["start"]) * 60 + int(found["start_minute"])) * 60
            end = (int(found["end"]) * 60 + int(found["end_minute"])) * 60
            if end > DAY:
                return None
            end += DAY if end <= start else 0
            for day in _between(DAYS.index(found["first"]), DAYS.index(found["last"] or found["first"])):
                spans.append((day * DAY + start, day * DAY + end))
        within = [(start, min(end, WEEK)) for start, end in spans]
        over = [(0, end - WEEK) for _, end in spans if end > WEEK]  # Sunday's go on into Monday
        parts = _joined(sorted([*within, *over]))
        return cls(tuple(parts), sum(end - start for start, end in parts))

    def has(self, local: float) -> bool:
        """Whether they hold a local time, in seconds since some Monday."""
        place = local % WEEK
        return any(start <= place < end for start, end in self.parts)


def _between(first: int, last: int) -> list[int]:
    """The days from one to another; `Sat-Mon` goes over the end of the week."""
    return [day % 7 for day in range(first, (last if last >= first else last + 7) + 1)]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, as one where they meet."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
