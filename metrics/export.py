"""Measurements on their way to Prometheus: Ray's agent on every node offers what its processes tell Ray."""

import asyncio
from collections.abc import Callable
from functools import cache

from ray.util import metrics as told

from metrics.declared import BY_NAME, Counter, Gauge, Histogram
from metrics.tally import Counted, Tally

EVERY = 5.0  # seconds; Ray forgets a gauge that was not told for 10


class Exporter:
    """Tells Ray. A call to Ray costs some microseconds, so it is made for what was counted together."""

    def __init__(self) -> None:
        self._told: dict[str, told.Metric] = {}

    def record(self, counted: Counted) -> None:
        for (name, of), amount in counted.counts.items():
            counter = self._of(name)
            assert isinstance(counter, told.Counter)
            if amount > 0:
                counter.inc(amount, _tags(name, of))
        for (name, of), values in counted.observed.items():
            histogram = self._of(name)
            assert isinstance(histogram, told.Histogram)
            for value in values:
                histogram.observe(value, _tags(name, of))
        for (name, of), value in counted.gauges.items():
            gauge = self._of(name)
            assert isinstance(gauge, told.Gauge)
            gauge.set(value, _tags(name, of))

    def _of(self, name: str) -> told.Metric:
        if (found := self._told.get(name)) is None:
            found = self._told[name] = _declared(name)
        return found


@cache
def exporter() -> Exporter:
    """This process's."""
    return Exporter()


async def export(tally: Tally, measure: Callable[[], None]) -> None:
    """Export what is tallied, again and again; `measure` sets the gauges before."""
    while True:
        await asyncio.sleep(EVERY)
        measure()
        exporter().record(tally.take())


def _declared(name: str) -> told.Metric:
    metric = BY_NAME[name]
    labels = (metric.label,) if metric.label else ()
    match metric:
        case Counter():
            return told.Counter(name, metric.description, labels)
        case Histogram():
            return told.Histogram(name, metric.description, list(metric.boundaries), labels)
        case Gauge():
            return told.Gauge(name, metric.description, labels)


def _tags(name: str, of: str) -> dict[str, str]:
    return {BY_NAME[name].label: of} if of else {}
