"""What can go wrong, on demand and at random from a seed."""

import random
from collections import deque
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """A request fails with `status`, or has its socket cut where that is 0.

    `applied`: after its script was carried out. `partial`: after a frame of its rows (implies `applied`).
    """

    status: int = 0
    retry_after: float | None = None  # seconds
    applied: bool = False
    partial: bool = False
    text: str = ""


_GONE: Final = "Entity with the specified id does not exist in the system."
RANDOM: Final = (
    *(Fault(status, applied=done) for status in (409, 412, 429, 1007, 1008, 0) for done in (False, True)),
    Fault(429, 0.01),
    Fault(429, 0.01, applied=True),
    Fault(429, 0.01, partial=True),
    Fault(404, text=_GONE),
    Fault(404, applied=True, text=_GONE),
    Fault(500, text="NotFoundException: Entity with the specified id does not exist in the system."),
)


class Faults:
    """The faults asked for, in their order; then one of RANDOM in a `rate` of requests."""

    def __init__(self, rate: float = 0.0, seed: int = 0) -> None:
        self.rate = rate
        self._random = random.Random(seed)
        self._next: deque[Fault] = deque()

    def inject(self, *faults: Fault) -> None:
        self._next.extend(faults)

    def take(self) -> Fault | None:
        if self._next:
            return self._next.popleft()
        return self._random.choice(RANDOM) if self._random.random() < self.rate else None
