"""Token buckets on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import buckets
from api.buckets import Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 9)), max_size=60)


@given(steps=STEPS, rate=st.floats(0.5, 20), burst=st.floats(0.5, 50))
def test_in_no_time_more_is_taken_than_the_burst_and_the_rate_allow(
    steps: list[tuple[float, float]], rate: float, burst: float
) -> None:
    clock = Clock()
    taken: list[tuple[float, float]] = []
    bucket = Buckets(rate, burst, clock)
    for pause, amount in steps:
        clock.now += pause
        if not bucket.wait("a"):
            bucket.take("a", amount)
            taken.append((clock.now, amount))
    largest = max((amount for _, amount in taken), default=0)  # what is taken last may be more than there is
    for start in range(len(taken)):
        for end in range(start, len(taken)):
            time = taken[end][0] - taken[start][0]
            amount = sum(each for _, each in taken[start : end + 1])
            assert amount <= burst + rate * time + largest + 1e-6


@given(amounts=st.lists(st.floats(0.1, 100), min_size=1), rate=st.floats(0.5, 20))
def test_who_waits_as_long_as_it_is_told_goes_on(amounts: list[float], rate: float) -> None:
    clock = Clock()
    bucket = Buckets(rate, 5, clock)
    for amount in amounts:
        bucket.take("a", amount)
    if wait := bucket.wait("a"):
        clock.now += wait * 0.99
        assert bucket.wait("a") > 0
        clock.now += wait * 0.0101
    assert bucket.wait("a") == 0


def test_who_needs_a_whole_one_waits_for_it() -> None:
    clock = Clock()
    bucket = Buckets(2, 3, clock)
    for _ in range(3):
        assert bucket.wait("a", 1) == 0
        bucket.take("a", 1)
    assert bucket.wait("a", 1) == 0.5
    clock.now += 0.5
    assert bucket.wait("a", 1) == 0


def test_what_one_takes_costs_no_other() -> None:
    bucket = Buckets(1, 10, Clock())
    bucket.take("a", 1_000)
    assert bucket.wait("a") == 990
    assert bucket.wait("b") == 0


def test_a_rate_of_zero_is_no_limit() -> None:
    bucket = Buckets(0, 0, Clock())
    bucket.take("a", 1e9)
    assert (bucket.wait("a"), len(bucket)) == (0, 0)


def test_callers_that_came_once_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST", 100)
    clock = Clock()
    bucket = Buckets(1, 10, clock)
    bucket.take("busy", 1_000_000)
    for n in range(10_000):
        clock.now += 1
        bucket.take(f"caller {n}", 1)
        assert len(bucket) <= 102
    assert bucket.wait("busy") > 0
