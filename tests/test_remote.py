"""Work that several wait for."""

import asyncio

import pytest

from remote import Shared


class Load:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        await self.may_end.wait()


async def test_work_that_all_wait_for_is_done_once_and_goes_on_when_they_leave() -> None:
    load = Load()
    shared = Shared(load)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shared(), 0)
    waiting = [asyncio.create_task(shared()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting.pop().cancel()
    load.may_end.set()
    await asyncio.gather(*waiting)
    assert load.begun == 1
    await shared()
    assert load.begun == 2


async def test_what_the_work_raises_reaches_all_who_wait_and_it_is_begun_anew_after_that() -> None:
    begun = list[int]()

    async def fail() -> None:
        begun.append(1)
        await asyncio.sleep(0)
        raise ValueError("no model")

    shared = Shared(fail)
    raised = await asyncio.gather(shared(), shared(), return_exceptions=True)
    assert [str(each) for each in raised] == ["no model", "no model"]
    assert len(begun) == 1
    with pytest.raises(ValueError, match="no model"):
        await shared()
    assert len(begun) == 2
