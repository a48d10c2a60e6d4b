"""Rates of two groups: their intervals, their ratio, and tests of many such pairs at once. Pure.

Sources are in docs/metrics.md. Intervals are of 95 %.
"""

from collections.abc import Sequence
from math import erfc, exp, inf, lgamma, log, sqrt
from typing import NamedTuple

Z = 1.959963984540054  # 97.5 % of a normal distribution lie below
SIGNIFICANT = 0.05  # adjusted p: the share of false discoveries that is expected at most


class Share(NamedTuple):
    """`hits` of `n`."""

    hits: int
    n: int

    @property
    def rate(self) -> float | None:
        """None when there is nothing to be a share of."""
        return self.hits / self.n if self.n else None


class Interval(NamedTuple):
    low: float
    high: float


def wilson(share: Share) -> Interval | None:
    """The score interval of a rate (Wilson 1927); None when n is 0."""
    if share.n == 0:
        return None
    hits, n = share
    middle = (hits + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * sqrt(hits * (n - hits) / n + Z * Z / 4)
    # The bounds of none and of all are exact; the formula misses them by a rounding error.
    return Interval(0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half)


def ratio_interval(one: Share, other: Share) -> Interval:
    """The log-normal interval (Katz et al. 1978) of `one`'s rate divided by `other`'s, which is above 0.

    Where nothing of `one` hits, or all of both, the counts do not tell its error: one half is added to the
    hits and misses of both (Haldane 1956, Anscombe 1956), and the interval holds the ratio itself, too.
    """
    a, n, c, m = float(one.hits), float(one.n), float(other.hits), float(other.n)
    ratio = (a / n) / (c / m)
    if a == 0 or (a == n and c == m):
        a, n, c, m = a + 0.5, n + 1, c + 0.5, m + 1
    middle = log((a / n) / (c / m))
    half = Z * sqrt(1 / a - 1 / n + 1 / c - 1 / m)
    low, high = exp(middle - half), exp(middle + half)
    return Interval(0.0 if ratio == 0 else min(low, ratio), max(high, ratio))


def p_value(one: Share, other: Share) -> float:
    """How probable a difference as large as this is where both rates are one (two-sided). Neither n is 0.

    The N-1 chi-squared test, or where an expected count is below 1 the Fisher-Irwin test (Campbell 2007).
    """
    n, hits = one.n + other.n, one.hits + other.hits
    if hits in (0, n):
        return 1.0
    expected = min(one.n, other.n) * min(hits, n - hits) / n
    if expected < 1:
        return _fisher_irwin(one, other)
    difference = one.hits * (other.n - other.hits) - other.hits * (one.n - one.hits)
    squared = difference * difference * (n - 1) / (one.n * other.n * hits * (n - hits))
    return erfc(sqrt(squared / 2))


def _fisher_irwin(one: Share, other: Share) -> float:
    """Of all tables with these sums, the share of those no more probable than this one."""
    n, hits = one.n + other.n, one.hits + other.hits

    def logarithm(own: int) -> float:
        return _choose(one.n, own) + _choose(other.n, hits - own) - _choose(n, hits)

    seen = logarithm(one.hits) + 1e-9  # equal ones differ in their last digits
    tables = map(logarithm, range(max(0, hits - other.n), min(one.n, hits) + 1))
    return min(1.0, sum(exp(each) for each in tables if each <= seen))


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted to the false discovery rate over all (Benjamini and Hochberg 1995), in order."""
    found = [0.0] * len(p_values)
    least = inf
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * len(order) / rank, 1.0)
        found[place] = least
    return found
