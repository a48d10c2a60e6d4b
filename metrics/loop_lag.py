"""How long the event loop of a process is held up."""

import asyncio
import time

from metrics.declared import LOOP_LAG_SECONDS
from metrics.port import Metrics

STEP = 0.005  # seconds between two looks
SPARING = 0.1  # the same where it is looked all the time: a process at rest stays at rest


class LoopLag:
    """Sleeps in short steps and keeps how late it woke at most, in seconds.

    `largest` is the lateness. `largest_own` leaves out what other processes are to blame for: it counts no
    more of a delay than this process computed in it, in any of its threads.
    """

    def __init__(self, step: float = STEP) -> None:
        self._step = step
        self.largest = 0.0
        self.largest_own = 0.0

    async def run(self) -> None:
        """Look for as long as the task lives."""
        while True:
            began, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(self._step)
            late = time.perf_counter() - began - self._step
            self.largest = max(self.largest, late)
            self.largest_own = max(self.largest_own, min(late, time.process_time() - computed))

    def measure(self, metrics: Metrics, process: str) -> None:
        """Set the gauge of this kind of process, and begin anew."""
        metrics.set(LOOP_LAG_SECONDS, round(self.largest, 2), process)
        self.largest = self.largest_own = 0.0
