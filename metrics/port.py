"""How the service says what it measures. Whoever measures knows no Ray and no Prometheus."""

from typing import Protocol

from metrics.declared import Counter, Gauge, Histogram


class Metrics(Protocol):
    """Takes measurements; `of` is the value of the metric's label, empty for one without.

    A call is a look-up or two in memory, so that it may be made for every message.
    """

    def count(self, metric: Counter, amount: float = 1, of: str = "") -> None:
        """There was so much more of it."""

    def observe(self, metric: Histogram, value: float, of: str = "") -> None:
        """There was one of that size."""

    def set(self, metric: Gauge, value: float, of: str = "") -> None:
        """That much there is now."""


class Unmeasured:
    """Takes nothing."""

    def count(self, metric: Counter, amount: float = 1, of: str = "") -> None:
        pass

    def observe(self, metric: Histogram, value: float, of: str = "") -> None:
        pass

    def set(self, metric: Gauge, value: float, of: str = "") -> None:
        pass


UNMEASURED = Unmeasured()
