"""How far a long enrichment is, and how long it will still take. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` messages; `seconds_left` is None as long as there is nothing to tell it from."""

    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        told = f"{self.done:,} of {self.total:,} messages understood"
        return told if self.seconds_left is None else f"{told}, about {_spoken(self.seconds_left)} left"


class Pace:
    """Tells the progress of `total` messages from when they were done. Times are seconds of one clock.

    The pace is taken from the first part on: the first one also waits for workers that load their model.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._first: tuple[int, float] | None = None

    def at(self, done: int, now: float) -> Progress:
        """The progress when `done` messages are; `done` and `now` never fall."""
        if self._first is None:
            self._first = done, now
        messages, seconds = done - self._first[0], now - self._first[1]
        left = (self._total - done) * seconds / messages if messages and seconds > 0 else None
        return Progress(done, self._total, 0.0 if done >= self._total else left)


def _spoken(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
