import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.progress import Pace, Progress


def test_the_first_part_tells_no_pace() -> None:
    assert Pace(100).at(10, 50.0) == Progress(10, 100, None)


def test_the_time_left_follows_from_the_parts_after_the_first() -> None:
    pace = Pace(1_000)
    pace.at(100, 60.0)  # the models were loaded meanwhile
    assert pace.at(300, 62.0) == Progress(300, 1_000, 7.0)


def test_what_is_done_has_no_time_left() -> None:
    assert Pace(5).at(5, 3.0).seconds_left == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.floats(0, 1_000)), min_size=1, max_size=20),
)
def test_the_time_left_is_never_negative(steps: list[tuple[int, float]]) -> None:
    pace = Pace(sum(done for done, _ in steps))
    done, now = 0, 0.0
    for more, seconds in steps:
        done, now = done + more, now + seconds
        left = pace.at(done, now).seconds_left
        assert left is None or left >= 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.4, "59 s"), (90.0, "2 min"), (7_260.0, "2 h 1 min")],
)
def test_it_is_told_in_words(seconds: float, said: str) -> None:
    assert str(Progress(1_200, 3_400, seconds)) == f"1,200 of 3,400 messages understood, about {said} left"
    assert str(Progress(1, 2, None)) == "1 of 2 messages understood"
