"""The waits between attempts: each twice the one before up to a cap, and each of random length.

Those who lost the same server come back at different moments, so it is not met by all of them at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable


class Backoff:
    """Pauses of about `first` seconds, then twice as long each time, up to about `most`.

    A pause lasts between half and one and a half of that. `sleep` and `uniform` are replaced in tests.
    """

    def __init__(
        self,
        first: float,
        most: float,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._most = most
        self._sleep = sleep
        self._uniform = uniform
        self._next = min(first, most)

    async def pause(self) -> None:
        """Wait before the next attempt."""
        seconds, self._next = self._next, min(self._most, self._next * 2)
        await self._sleep(seconds * self._uniform(0.5, 1.5))

    def reset(self) -> None:
        """Begin with the shortest pause again: what was tried has succeeded."""
        self._next = min(self._first, self._most)
