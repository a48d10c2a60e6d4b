"""Long work in steps: a generator that yields where others may be let in, and returns the result."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]

ROWS = 50  # read between two steps: a millisecond or two
SLICE = 0.002  # seconds of work between two looks at the event loop


def finished(steps: Steps[T]) -> T:
    """All steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class Breaks:
    """Lets the event loop in during long work, SLICE seconds after the work began or did so last."""

    def __init__(self) -> None:
        self._until = time.monotonic() + SLICE

    async def take(self) -> bool:
        """To be called every millisecond or two; whether others were let in."""
        if time.monotonic() < self._until:
            return False
        await asyncio.sleep(0)
        self._until = time.monotonic() + SLICE
        return True


async def sliced(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with the event loop let in every SLICE seconds: each takes a millisecond or two."""
    breaks = Breaks()
    for each in items:
        yield each
        await breaks.take()


async def paced(steps: Steps[T], check: Callable[[], None] = lambda: None) -> T:
    """All steps, with the event loop let in every SLICE seconds; `check` raises when the rest is in vain."""
    breaks = Breaks()
    try:
        while True:
            next(steps)
            if await breaks.take():
                check()
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
