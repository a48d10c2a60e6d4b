"""Token buckets: how much each of many callers may take in a time. Pure, apart from the clock passed in."""

import time
from collections.abc import Callable

MOST = 10_000  # buckets that are kept before those are looked for that say nothing any more


class Buckets:
    """A bucket a key: it is filled with `rate` a second, up to `burst`. A `rate` of 0 is no limit.

    What is taken may be more than there is, as its size is often known only afterwards: the bucket then owes
    it, and its key waits until that is made up for.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._full_at: dict[str, float] = {}  # by key: when the bucket is full, if nothing more is taken
        self._tidy_at = MOST

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, amount: float = 0.0) -> float:
        """Seconds until the bucket owes nothing and has `amount`, at most its burst; 0 where it has."""
        if not self._rate:
            return 0.0
        now = self._clock()
        return max(0.0, self._full_at.get(key, now) - now - (self._burst - amount) / self._rate)

    def take(self, key: str, amount: float) -> None:
        if not self._rate:
            return
        now = self._clock()
        self._full_at[key] = max(now, self._full_at.get(key, now)) + amount / self._rate
        if len(self._full_at) > self._tidy_at:
            self._full_at = {each: full for each, full in self._full_at.items() if full > now}
            self._tidy_at = max(MOST, 2 * len(self._full_at))
