from math import fsum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import insights.ordered
from insights.ordered import ExactSum, Ordered

finite = st.floats(-1e300, 1e300)


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(insights.ordered, "CHUNK", 2)
        yield


@given(st.lists(st.integers(0, 12)), st.lists(st.tuples(st.booleans(), st.integers(0, 12))), st.booleans())
def test_it_is_a_sorted_list(first: list[int], changes: list[tuple[bool, int]], in_array: bool) -> None:
    ordered, plain = Ordered("q" if in_array else "", first), sorted(first)
    for adds, value in changes:
        if adds:
            ordered.add(value)
            plain = sorted([*plain, value])
        elif value in plain:
            ordered.remove(value)
            plain.remove(value)
        else:
            with pytest.raises(ValueError, match="not among"):
                ordered.remove(value)
        assert (list(ordered), list(reversed(ordered))) == (plain, plain[::-1])
        assert [ordered[n] for n in range(len(ordered))] == plain
        for bound in range(-1, 14):
            assert ordered.below(bound) == sum(each < bound for each in plain)
            assert ordered.up_to(bound) == sum(each <= bound for each in plain)
            assert ordered.between(bound, bound + 3) == [v for v in plain if bound <= v < bound + 3]


@pytest.mark.parametrize("n", [-1, 3])
def test_there_is_nothing_before_the_first_and_after_the_last(n: int) -> None:
    with pytest.raises(IndexError):
        Ordered("q", [1, 2, 3])[n]


@given(st.lists(finite), st.lists(finite))
def test_a_sum_is_that_of_the_terms_that_are_left_to_the_last_bit(
    left: list[float], gone: list[float]
) -> None:
    found = ExactSum()
    for value in [*left, *gone]:
        found.add(value)
    for value in gone:
        found.add(value, -1)
    assert found.total == fsum(left)
