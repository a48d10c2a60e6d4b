"""Long work in steps: a generator that yields where others may be let in, and returns the result."""

import asyncio
import time
from collections.abc import Callable, Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]

ROWS = 50  # read between two steps: a millisecond or two
SLICE = 0.01  # seconds of work between two looks at the event loop


def finished(steps: Steps[T]) -> T:
    """All steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


async def paced(steps: Steps[T], check: Callable[[], None] = lambda: None) -> T:
    """All steps, with the event loop let in every SLICE seconds; `check` raises when the rest is in vain."""
    until = time.monotonic() + SLICE
    try:
        while True:
            next(steps)
            if time.monotonic() >= until:
                await asyncio.sleep(0)
                check()
                until = time.monotonic() + SLICE
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
