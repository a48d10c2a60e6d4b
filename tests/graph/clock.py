"""Time that a test moves."""

import asyncio


class Clock:
    """Time that passes when someone sleeps, in the order in which they wake."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(3):  # others come first
            await asyncio.sleep(0)
        self.now = max(self.now, until)
