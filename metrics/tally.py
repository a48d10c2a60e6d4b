"""What a process measured since it was asked last; and what processes that come and go did, as one.

Ray keeps a series for every process that ever told a counter, for as long as the node lives, and forgets a
gauge that is not told again. So whoever comes and goes, the owners of users, tells nothing to Ray: it hands
its counts to a process that stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from metrics.declared import BY_NAME, Counter, Gauge, Histogram, Metric

MOST_VALUES = 32  # of a label; what comes after them is counted as "other"

Series = tuple[str, str]  # a metric's name, the value of its label (empty: it has none)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was measured; gauges are as they are now."""

    counts: Mapping[Series, float] = field(default_factory=dict)
    observed: Mapping[Series, list[float]] = field(default_factory=dict)
    gauges: Mapping[Series, float] = field(default_factory=dict)


class Tally:
    """Takes measurements (see `metrics.port`) and gives them out once."""

    def __init__(self) -> None:
        self._counts: dict[Series, float] = {}
        self._observed: dict[Series, list[float]] = {}
        self._gauges: dict[Series, float] = {}
        self._values: dict[str, set[str]] = {}  # of labels, by metric

    def count(self, metric: Counter, amount: float = 1, of: str = "") -> None:
        series = self._series(metric, of)
        self._counts[series] = self._counts.get(series, 0) + amount

    def observe(self, metric: Histogram, value: float, of: str = "") -> None:
        self._observed.setdefault(self._series(metric, of), []).append(value)

    def set(self, metric: Gauge, value: float, of: str = "") -> None:
        self._gauges[self._series(metric, of)] = value

    def take(self) -> Counted:
        """What was measured since this was called last, and every gauge that was ever set."""
        counted = Counted(self._counts, self._observed, dict(self._gauges))
        self._counts, self._observed = {}, {}
        return counted

    def add(self, counted: Counted) -> None:
        """Take in the counts and values of another; not its gauges."""
        for (name, of), amount in counted.counts.items():
            metric = BY_NAME[name]
            assert isinstance(metric, Counter)
            self.count(metric, amount, of)
        for (name, of), values in counted.observed.items():
            self._observed.setdefault(self._series(BY_NAME[name], of), []).extend(values)

    def _series(self, metric: Metric, of: str) -> Series:
        if bool(of) != bool(metric.label):
            raise ValueError(f"{metric.name} has the label {metric.label!r}, and its value is {of!r}.")
        if of:
            values = self._values.setdefault(metric.name, set())
            if of not in values:
                if len(values) >= MOST_VALUES:
                    return metric.name, "other"
                values.add(of)
        return metric.name, of


class Gathered:
    """Puts the measurements of sources that come and go into one tally."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._gauges: dict[str, Mapping[Series, float]] = {}  # by source
        self._told: set[Series] = set()

    def add(self, source: str, counted: Counted) -> None:
        self._tally.add(counted)
        self._gauges[source] = counted.gauges

    def forget(self, source: str) -> None:
        """The source is gone: its gauges count no more."""
        self._gauges.pop(source, None)

    def measure(self) -> None:
        """Set the tally's gauges to what all sources have together; zero where none has anything."""
        found: dict[Series, list[float]] = {series: [] for series in self._told}
        for gauges in self._gauges.values():
            for series, value in gauges.items():
                found.setdefault(series, []).append(value)
        self._told = set(found)
        for (name, of), values in found.items():
            gauge = BY_NAME[name]
            assert isinstance(gauge, Gauge)
            together = sum(values) if gauge.together == "sum" else max(values, default=0.0)
            self._tally.set(gauge, together, of)
