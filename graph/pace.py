"""How fast a home that sells its throughput is asked: request units a second, and requests at a time."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

FIRST_GUESS: Final = 10.0  # request units of a query that was never sent
NARROWED_FOR: Final = 0.5  # seconds in which refusals count as one: their requests were sent together


class Budget(Protocol):
    """Says when request units may be spent."""

    async def spend(self, units: float, *, writing: bool) -> None:
        """Return when so many units may be spent. What reads comes before what writes."""
        ...


class Unlimited:
    """No limit of ours: the server throttles."""

    async def spend(self, units: float, *, writing: bool) -> None:
        pass


class TokenBucket:
    """`rate` units a second, and as many at once after a second of rest.

    A request that takes more than a second's units goes when the bucket is full, and those after it wait
    longer. While a read waits no write goes.
    """

    def __init__(
        self,
        rate: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._sleep = sleep
        self._left = rate
        self._as_of = monotonic()
        self._reads = 0  # that wait
        self._turn = {False: asyncio.Lock(), True: asyncio.Lock()}  # one at a time, in order, of either kind

    async def spend(self, units: float, *, writing: bool) -> None:
        self._reads += not writing
        try:
            async with self._turn[writing]:
                while seconds := self._seconds_until(units, writing):
                    await self._sleep(seconds)
                self._left -= units
        finally:
            self._reads -= not writing

    def _seconds_until(self, units: float, writing: bool) -> float:
        """How long to wait before looking again; 0.0: there is enough."""
        now = self._monotonic()
        self._left = min(self._rate, self._left + (now - self._as_of) * self._rate)
        self._as_of = now
        lacking = min(units, self._rate) - self._left
        if writing and self._reads:
            lacking = max(lacking, 0.01 * self._rate)
        return lacking / self._rate if lacking > 1e-9 * self._rate else 0.0  # no rounding is waited for


class Meter:
    """Spends what a query is likely to take, and settles the difference once that is known."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._usual: dict[str, float] = {}  # units by query
        self._owed = 0.0

    async def spend(self, query: str, *, writing: bool) -> float:
        """Return when the query may be sent: the units that were spent for it."""
        usual = self._usual.get(query, FIRST_GUESS)
        units = max(0.0, usual + self._owed)
        self._owed += usual - units
        await self._budget.spend(units, writing=writing)
        return usual

    def failed(self, spent: float, charge: float) -> None:
        """It failed, and took `charge` units."""
        self._owed += charge - spent

    def succeeded(self, query: str, spent: float, charge: float) -> None:
        """It took `charge` units after all."""
        self._owed += charge - spent
        known = self._usual.get(query)
        self._usual[query] = charge if known is None else known + (charge - known) / 8


class Window:
    """How many requests are on their way at once: half as many after a throttled one, slowly more again."""

    def __init__(self, first: int, most: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._width = float(first)
        self._most = most
        self._monotonic = monotonic
        self._narrowed = -math.inf
        self._used = 0
        self._room = asyncio.Condition()

    @property
    def width(self) -> int:
        return int(self._width)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Room for one request."""
        async with self._room:
            await self._room.wait_for(lambda: self._used < self.width)
            self._used += 1
        try:
            yield
        finally:
            async with self._room:
                self._used -= 1
                self._room.notify_all()

    def succeeded(self) -> None:
        """One more after as many successes as there is room for."""
        self._width = min(self._most, self._width + 1 / self._width)

    def throttled(self) -> None:
        now = self._monotonic()
        if now - self._narrowed >= NARROWED_FOR:
            self._narrowed = now
            self._width = max(1.0, self._width / 2)
