"""How long the event loop of a process is held up."""

import asyncio
import time

STEP = 0.005  # seconds between two looks


class LoopLag:
    """Sleeps in short steps and keeps how late it woke at most, in seconds.

    `largest` is the lateness. `largest_own` leaves out what other processes are to blame for: it counts no
    more of a delay than this process computed in it, in any of its threads.
    """

    def __init__(self) -> None:
        self.largest = 0.0
        self.largest_own = 0.0

    async def run(self) -> None:
        """Look for as long as the task lives."""
        while True:
            began, computed = time.perf_counter(), time.process_time()
            await asyncio.sleep(STEP)
            late = time.perf_counter() - began - STEP
            self.largest = max(self.largest, late)
            self.largest_own = max(self.largest_own, min(late, time.process_time() - computed))
