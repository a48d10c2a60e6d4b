"""Long work that lets the event loop in."""

import asyncio
import time

from steps import Steps, finished, paced, sliced

WORK = 0.005  # seconds, of a step


def working(steps: int) -> Steps[int]:
    for _ in range(steps):
        time.sleep(WORK)
        yield
    return steps


async def others(during: asyncio.Task[int]) -> int:
    """How often others are let in until it is done."""
    turns = 0
    while not during.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


async def test_others_are_let_in_while_steps_take_long_and_the_result_comes() -> None:
    task = asyncio.create_task(paced(working(10)))
    assert await others(task) >= 10
    assert await task == finished(working(1)) * 10


async def test_others_are_let_in_while_items_are_gone_through_and_all_come_in_their_order() -> None:
    async def through() -> int:
        found = []
        async for each in sliced(range(10)):
            time.sleep(WORK)  # noqa: ASYNC251 (the work that takes long)
            found.append(each)
        assert found == list(range(10))
        return len(found)

    assert await others(asyncio.create_task(through())) >= 10


async def test_short_work_is_done_at_once() -> None:
    async def through() -> int:
        return sum([each async for each in sliced(range(10))])

    task = asyncio.create_task(through())
    await asyncio.sleep(0)
    assert task.done()
    assert await task == 45
