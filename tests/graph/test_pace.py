import asyncio

import pytest

from graph.pace import FIRST_GUESS, Meter, TokenBucket, Window
from tests.graph.clock import Clock


def bucket(rate: float) -> tuple[TokenBucket, Clock]:
    clock = Clock()
    return TokenBucket(rate, monotonic=clock.monotonic, sleep=clock.sleep), clock


async def test_units_are_spent_at_the_rate_and_a_second_of_rest_is_saved() -> None:
    tokens, clock = bucket(100)
    for _ in range(10):
        await tokens.spend(10, writing=True)
    assert clock.now == 0.0
    for _ in range(30):
        await tokens.spend(10, writing=True)
    assert clock.now == pytest.approx(3.0)
    clock.now += 60
    for _ in range(20):
        await tokens.spend(10, writing=False)
    assert clock.now == pytest.approx(64.0)


async def test_a_request_beyond_a_second_goes_and_those_after_it_wait() -> None:
    tokens, clock = bucket(100)
    await tokens.spend(500, writing=False)
    assert clock.now == 0.0
    await tokens.spend(10, writing=False)
    assert clock.now == pytest.approx(4.1)


async def test_reads_go_before_the_writes_that_waited_first() -> None:
    tokens, _ = bucket(100)
    await tokens.spend(100, writing=True)
    order: list[str] = []

    async def spend(name: str) -> None:
        await tokens.spend(50, writing=name == "write")
        order.append(name)

    writes = [asyncio.create_task(spend("write")) for _ in range(4)]
    await asyncio.sleep(0)
    reads = [asyncio.create_task(spend("read")) for _ in range(3)]
    await asyncio.gather(*writes, *reads)
    assert order == ["read"] * 3 + ["write"] * 4


async def test_a_read_that_is_given_up_holds_no_write_back() -> None:
    tokens, clock = bucket(100)
    await tokens.spend(100, writing=False)
    asking = asyncio.create_task(tokens.spend(100, writing=False))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await asyncio.wait_for(tokens.spend(10, writing=True), 5)
    assert clock.now < 1.0


class Spent:
    def __init__(self) -> None:
        self.units: list[float] = []

    async def spend(self, units: float, *, writing: bool) -> None:
        self.units.append(units)


async def test_what_a_query_really_took_is_settled_with_the_next() -> None:
    budget = Spent()
    meter = Meter(budget)
    for _ in range(20):
        spent = await meter.spend("upsert_vertex", writing=True)
        meter.succeeded("upsert_vertex", spent, 40.0)
    assert budget.units[:3] == [FIRST_GUESS, 70.0, 40.0]
    assert sum(budget.units) == pytest.approx(20 * 40.0)


async def test_an_estimate_that_was_too_high_is_given_back() -> None:
    budget = Spent()
    meter = Meter(budget)
    for _ in range(20):
        spent = await meter.spend("ping", writing=False)
        meter.succeeded("ping", spent, 1.0)
    assert min(budget.units) >= 0.0
    assert sum(budget.units) == pytest.approx(20 * 1.0)


async def test_a_failure_is_settled_and_teaches_nothing() -> None:
    budget = Spent()
    meter = Meter(budget)
    meter.succeeded("fans", await meter.spend("fans", writing=False), 50.0)
    meter.failed(await meter.spend("fans", writing=False), 0.0)
    assert await meter.spend("fans", writing=False) == 50.0
    assert budget.units == [FIRST_GUESS, 90.0, 0.0]


async def test_the_window_halves_when_throttled_and_grows_slowly() -> None:
    clock = Clock()
    window = Window(8, 16, monotonic=clock.monotonic)
    window.throttled()
    window.throttled()  # of the same moment
    assert window.width == 4
    clock.now += 1.0
    window.throttled()
    assert window.width == 2
    for _ in range(3):
        window.succeeded()
    assert window.width == 3
    for _ in range(1000):
        window.succeeded()
    assert window.width == 16
    for _ in range(10):
        clock.now += 1.0
        window.throttled()
    assert window.width == 1


async def test_no_more_requests_are_on_their_way_than_the_window_is_wide() -> None:
    window = Window(3, 16)
    now, most = 0, 0

    async def request() -> None:
        nonlocal now, most
        async with window.slot():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(request() for _ in range(20)))
    assert most == 3
