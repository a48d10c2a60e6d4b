"""Intervals and tests of rates, against another implementation and against what they promise."""

import warnings
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.rates import Interval, Share, adjusted, p_value, ratio_interval, wilson

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from scipy.stats import binomtest, chi2_contingency, false_discovery_control, fisher_exact
    from scipy.stats.contingency import relative_risk

TRIALS = 4000  # of a simulation: its standard error is 0.34 %


def shares(most: int = 400, least: int = 1) -> st.SearchStrategy[Share]:
    sizes = st.integers(least, most)
    return sizes.flatmap(lambda n: st.integers(0, n).map(lambda hits: Share(hits, n)))


@given(shares())
def test_the_interval_of_a_rate_is_wilsons(share: Share) -> None:
    known = binomtest(*share).proportion_ci(method="wilson")
    assert wilson(share) == pytest.approx((known.low, known.high), abs=1e-12)


def test_the_example_of_the_documents() -> None:
    one, other = Share(20, 100), Share(30, 300)
    assert wilson(one) == pytest.approx((0.133, 0.289), abs=5e-4)
    assert wilson(other) == pytest.approx((0.071, 0.139), abs=5e-4)
    assert ratio_interval(one, other) == pytest.approx((1.19, 3.36), abs=5e-3)
    assert p_value(one, other) == pytest.approx(0.0089, abs=5e-5)
    assert adjusted([p_value(one, other), *[0.5] * 9])[0] == pytest.approx(0.089, abs=5e-4)
    assert wilson(Share(2, 8)) == pytest.approx((0.071, 0.591), abs=5e-4)


def test_nothing_has_no_rate_and_no_interval() -> None:
    assert Share(0, 0).rate is None
    assert wilson(Share(0, 0)) is None


@given(shares(), shares())
def test_the_interval_of_a_ratio_is_that_of_katz(one: Share, other: Share) -> None:
    if not one.hits or not other.hits or (one.hits == one.n and other.hits == other.n):
        return
    known = relative_risk(*one, *other).confidence_interval()
    assert ratio_interval(one, other) == pytest.approx((known.low, known.high))


@given(shares(), shares())
def test_every_interval_holds_its_rate_or_ratio(one: Share, other: Share) -> None:
    found, rate = wilson(one), one.rate
    assert found is not None
    assert rate is not None
    assert 0 <= found.low <= rate <= found.high <= 1
    if other.hits:
        low, high = ratio_interval(one, other)
        assert 0 <= low <= (one.hits / one.n) / (other.hits / other.n) <= high
        assert low < high


def test_none_of_many_has_a_ratio_of_0_and_an_upper_bound() -> None:
    low, high = ratio_interval(Share(0, 500), Share(50, 500))
    assert low == 0
    assert 0 < high < 0.2


@given(shares(120), shares(120))
def test_a_p_is_of_the_chi_squared_test_or_of_fishers_where_one_is_expected_less_than_once(
    one: Share, other: Share
) -> None:
    table = [[one.hits, one.n - one.hits], [other.hits, other.n - other.hits]]
    n, hits = one.n + other.n, one.hits + other.hits
    if hits in (0, n):
        assert p_value(one, other) == 1
    elif min(one.n, other.n) * min(hits, n - hits) / n < 1:
        assert p_value(one, other) == pytest.approx(fisher_exact(table).pvalue, abs=1e-9)
    else:
        squared = chi2_contingency(table, correction=False)
        if squared.statistic:
            from scipy.stats import chi2

            known = chi2.sf(squared.statistic * (n - 1) / n, 1)
            assert p_value(one, other) == pytest.approx(known, abs=1e-12)
        else:
            assert p_value(one, other) == 1


@given(shares(), shares())
def test_a_p_is_the_same_either_way_and_for_what_does_not_happen(one: Share, other: Share) -> None:
    turned = Share(one.n - one.hits, one.n), Share(other.n - other.hits, other.n)
    assert p_value(one, other) == pytest.approx(p_value(other, one))
    assert p_value(one, other) == pytest.approx(p_value(*turned))


@given(st.lists(st.floats(0, 1), max_size=40))
def test_p_values_are_adjusted_as_benjamini_and_hochberg_do(p_values: list[float]) -> None:
    known = list(false_discovery_control(p_values, method="bh")) if p_values else []
    assert adjusted(p_values) == pytest.approx(known)


def hits(random: Random, n: int, rate: float) -> Share:
    return Share(sum(random.random() < rate for _ in range(n)), n)


@pytest.mark.parametrize(("n", "rate"), [(20, 0.5), (50, 0.2), (200, 0.1), (400, 0.03)])
def test_of_the_95_percent_intervals_of_a_rate_93_to_97_percent_hold_it(n: int, rate: float) -> None:
    random = Random(f"{n} {rate}")
    held = sum(_holds(wilson(hits(random, n, rate)), rate) for _ in range(TRIALS))
    assert 0.93 <= held / TRIALS <= 0.97


@pytest.mark.parametrize(
    ("n", "rate", "m", "base"),
    [(60, 0.4, 90, 0.2), (100, 0.2, 400, 0.2), (200, 0.3, 300, 0.15), (150, 0.1, 500, 0.2)],
)
def test_of_the_95_percent_intervals_of_a_lift_93_to_97_percent_hold_it(
    n: int, rate: float, m: int, base: float
) -> None:
    random = Random(f"{n} {rate} {m} {base}")
    held = 0
    for _ in range(TRIALS):
        held += _holds(ratio_interval(hits(random, n, rate), hits(random, m, base)), rate / base)
    assert 0.93 <= held / TRIALS <= 0.97


def test_where_nothing_differs_few_answers_find_anything_and_where_something_does_few_finds_are_false() -> (
    None
):
    """Each answer makes 40 tests; in the second half of them 10 of the groups have twice the rate."""
    random = Random(5)
    wrong, shares_of_false = 0, []
    for trial in range(200):
        doubled = 0 if trial < 100 else 10
        rates = [0.3] * doubled + [0.15] * (40 - doubled)
        pairs = [(hits(random, 100, rate), hits(random, 300, 0.15)) for rate in rates]
        found = [p <= 0.05 for p in adjusted([p_value(*pair) for pair in pairs])]
        if doubled:
            shares_of_false.append(sum(found[doubled:]) / max(1, sum(found)))
            assert sum(found[:doubled]) > 0
        else:
            wrong += any(found)
    assert wrong <= 12  # 5 of 100 are expected
    assert sum(shares_of_false) / len(shares_of_false) <= 0.07


def _holds(interval: Interval | None, value: float) -> bool:
    assert interval is not None
    return interval.low <= value <= interval.high
