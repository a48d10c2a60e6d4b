"""Request units, by a model of our own that is only good for comparing: Azure's is not published. Pure.

A statement costs 1, on all partitions 10; an element read 0.5, one written 5, a property's index entry 0.2.
"""

import re
import time


def of(script: str, rows: int, dropped: int, *, fan_out: bool) -> float:
    """`rows` were answered and `dropped` elements removed."""
    read = rows + len(re.findall(r"\bV\(\[", script))
    entries = len(re.findall(r"\.property\(", script))
    written = dropped + bool(entries)
    return round((10 if fan_out else 1) + 0.5 * read + 5 * written + 0.2 * entries, 2)


class Budget:
    """`units` a second (0: no limit), spent after the fact: who is over it waits until it is paid back."""

    def __init__(self, units: float) -> None:
        self._units = units
        self._left = units
        self._at = time.monotonic()

    def wait(self) -> float:
        """Seconds until something may be spent."""
        if not self._units:
            return 0.0
        now = time.monotonic()
        self._left = min(self._units, self._left + (now - self._at) * self._units)
        self._at = now
        return max(0.0, -self._left / self._units)

    def spend(self, charge: float) -> None:
        self._left -= charge
