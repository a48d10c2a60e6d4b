from hypothesis import given
from hypothesis import strategies as st

from backoff import Backoff

seconds = st.floats(0.001, 100)


async def pauses(count: int, first: float, most: float, *, factor: float = 1.0) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    backoff = Backoff(first, most, sleep=sleep, uniform=lambda low, high: factor)
    for _ in range(count):
        await backoff.pause()
    backoff.reset()
    await backoff.pause()
    return slept


async def test_pauses_double_up_to_the_cap_and_begin_again_after_a_reset() -> None:
    assert await pauses(5, 1.0, 5.0) == [1.0, 2.0, 4.0, 5.0, 5.0, 1.0]


@given(seconds, seconds, st.floats(0.5, 1.5))
async def test_a_pause_is_never_longer_than_half_again_the_cap(
    first: float, most: float, factor: float
) -> None:
    slept = await pauses(20, first, most, factor=factor)
    assert all(0 < each <= 1.5 * most for each in slept)
    assert slept[-1] == slept[0]


async def test_two_that_lost_the_same_server_come_back_at_different_moments() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    for _ in range(20):
        await Backoff(1.0, 1.0, sleep=sleep).pause()
    assert len(set(slept)) > 1
    assert all(0.5 <= each <= 1.5 for each in slept)
