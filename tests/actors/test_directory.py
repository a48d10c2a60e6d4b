"""Who has an actor and for how long, on the service's Ray; the actors are stand-ins."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import ray
from ray.exceptions import RayActorError
from redis.asyncio import Redis

from actors import directory
from actors.directory import Caller
from actors.registry import Registry
from errors import Unavailable
from remote import named_actor, result
from settings import Settings
from tests.actors.standin import NothingToUpgrade, Standin, have_no_room, spare_of
from tests.conftest import PATIENCE


class Own:
    """A registry of a test's own, and a directory that asks it."""

    def __init__(self, **settings: Any) -> None:
        self.name = f"registry-{uuid.uuid4().hex[:8]}"
        self.settings = Settings(**settings)
        self.registry = named_actor(
            Registry, self.name, self.settings, Standin, NothingToUpgrade, detached=False
        )
        self.directory = Caller(self.settings, self.name)

    async def children(self) -> set[str]:
        names: list[str] = await result(self.registry.__ray_call__.remote(lambda it: list(it._children)))
        return set(names)

    async def pid(self, user_id: str) -> int | None:
        """The process of the user's actor, None while there is none."""
        try:
            owner: Any = await result(self.registry.owner.remote(user_id))
            return None if owner is None else await result(owner.__ray_call__.remote(lambda _: os.getpid()))
        except RayActorError:
            return None

    async def spare(self) -> int:
        """The process that waits for a user."""
        while (spare := await result(self.registry.__ray_call__.remote(spare_of))) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        pid: int = await result(spare.__ray_call__.remote(lambda _: os.getpid()))
        return pid

    async def until(self, holds: Callable[[set[str]], bool]) -> None:
        """Wait until that is so of who has an actor."""
        async with asyncio.timeout(PATIENCE):
            while not holds(await self.children()):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.05)


@pytest.fixture
async def own(ray_cluster: None) -> AsyncIterator[Callable[..., Own]]:
    made: list[Own] = []

    def make(**settings: Any) -> Own:
        made.append(Own(**settings))
        return made[-1]

    yield make
    for each in made:
        ray.kill(each.registry)


def users(count: int) -> list[str]:
    return [f"user-{uuid.uuid4().hex[:12]}" for _ in range(count)]


async def test_an_idle_actor_ends_and_the_next_call_has_a_new_one(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own(user_idle=2.0)
    first = await it.directory.call(Standin.pid, user_id)
    await it.directory.call(Standin.rest, user_id, 100.0)
    await it.until(lambda children: not children)
    # The directory still holds the handle of the actor that ended.
    assert await it.directory.call(Standin.pid, user_id) != first
    assert await it.children() == {user_id}


async def test_calls_during_a_passivation_are_answered(own: Callable[..., Own], user_id: str) -> None:
    it = own()
    first = await it.directory.call(Standin.pid, user_id)
    ending = asyncio.ensure_future(result(it.registry.passivate.remote(user_id)))
    answers = []
    while not ending.done():
        answers += await asyncio.gather(*(it.directory.call(Standin.pid, user_id) for _ in range(5)))
    await ending
    answers.append(await it.directory.call(Standin.pid, user_id))
    assert answers[-1] != first
    assert set(answers) - {first} == {answers[-1]}
    assert await it.children() == {user_id}


async def test_whoever_was_used_longest_ago_makes_room(own: Callable[..., Own]) -> None:
    it = own(users_per_node=2)
    old, older, new = users(3)
    for user, seconds in ((old, 50.0), (older, 100.0)):
        await it.directory.call(Standin.rest, user, seconds)
    await it.directory.call(Standin.pid, new)
    await it.until(lambda children: children == {old, new})


async def test_one_at_work_is_not_ended_and_makes_room_once_it_rests(own: Callable[..., Own]) -> None:
    it = own(users_per_node=1, user_idle=400.0)
    busy, other, new = users(3)
    await it.directory.call(Standin.work, busy)
    await it.directory.call(Standin.rest, other, 100.0)
    # The other goes, however long the busy one has had its place.
    await it.until(lambda children: children == {busy})
    await it.directory.call(Standin.work, new)
    assert await it.children() == {busy, new}
    await it.directory.call(Standin.rest, busy, 100.0)
    await it.until(lambda children: children == {new})


async def test_a_killed_process_is_replaced_though_nobody_calls(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own()
    first = await it.directory.call(Standin.pid, user_id)
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while await it.pid(user_id) in (None, first):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
    assert await it.directory.call(Standin.pid, user_id) == await it.pid(user_id)


async def test_a_user_that_is_called_gets_the_process_that_was_prepared(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own()
    prepared = await it.spare()
    assert await it.directory.call(Standin.pid, user_id) == prepared
    assert await it.spare() != prepared


async def test_a_user_whose_actor_has_just_ended_by_itself_has_another(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own()
    former = await it.directory.call(Standin.pid, user_id)
    for _ in range(3):
        ray.kill(it.directory._handles[user_id])
        async with asyncio.timeout(PATIENCE):
            while (pid := await it.directory.call(Standin.pid, user_id)) == former:
                pass  # the one that is being killed still answers
        former = pid
    assert await it.children() == {user_id}


async def test_calls_go_on_when_the_registry_is_killed(own: Callable[..., Own], user_id: str) -> None:
    it = own()
    first = await it.directory.call(Standin.pid, user_id)
    pid = await result(it.registry.__ray_call__.remote(lambda _: os.getpid()))
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while (answer := await it.directory.call(Standin.pid, user_id)) == first:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
    assert answer != first
    assert await it.children() == {user_id}


async def test_a_thousand_calls_to_a_user_whose_actor_blocks_delay_nobody_else(
    own: Callable[..., Own],
) -> None:
    it = own()
    blocked, other, new = users(3)
    for user in (blocked, other):
        await it.directory.call(Standin.pid, user)
    blocking = asyncio.ensure_future(it.directory.call(Standin.block, blocked))
    waiting = [asyncio.ensure_future(it.directory.call(Standin.pid, blocked)) for _ in range(1000)]
    # As of a process that was started meanwhile: it has to ask the registry, and the actor whether it is up.
    stranger = Caller(it.settings, it.name)
    waiting += [asyncio.ensure_future(stranger.call(Standin.pid, blocked)) for _ in range(1000)]
    await asyncio.sleep(1)
    for caller in (it.directory, stranger):
        async with asyncio.timeout(PATIENCE):
            await caller.call(Standin.pid, other)
    await stranger.call(Standin.pid, new)
    assert not any(each.done() for each in (blocking, *waiting))
    for each in (blocking, *waiting):
        each.cancel()
    await asyncio.gather(blocking, *waiting, return_exceptions=True)


async def test_calls_to_one_user_ask_the_registry_once(own: Callable[..., Own], user_id: str) -> None:
    it = own()
    pids = await asyncio.gather(*(it.directory.call(Standin.pid, user_id) for _ in range(100)))
    assert len(set(pids)) == 1
    assert len(it.directory._handles) == 1
    assert not it.directory._activating


async def test_an_owner_that_cannot_start_is_unavailable_and_delays_nobody_else(
    own: Callable[..., Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = own()
    first, stuck, other = users(3)
    await it.spare()
    # No machine has what the next one needs: Ray waits for one without end.
    await result(it.registry.__ray_call__.remote(have_no_room))
    await it.directory.call(Standin.pid, first)
    calls = [asyncio.ensure_future(it.directory.call(Standin.pid, stuck)) for _ in range(100)]
    await it.until(lambda children: stuck in children)
    await it.directory.call(Standin.pid, other)
    assert not any(each.done() for each in calls)
    for each in calls:
        each.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    monkeypatch.setattr(directory, "CALL_WITHIN", 0.5)
    with pytest.raises(Unavailable):
        await it.directory.call(Standin.pid, stuck)
    await it.directory.call(Standin.pid, other)


async def test_at_the_end_every_actor_is_passivated(own: Callable[..., Own]) -> None:
    it = own()
    a, b = users(2)
    await asyncio.gather(*(it.directory.call(Standin.pid, each) for each in (a, b)))
    handles = [await result(it.registry.owner.remote(each)) for each in (a, b)]
    await result(it.registry.passivate_all.remote(30.0))
    assert await it.children() == set()
    for each in handles:
        with pytest.raises(RayActorError):
            await each.idle.remote(0.0)


async def test_a_registered_user_has_no_actor_until_it_is_called(
    own: Callable[..., Own], redis: Redis, user_id: str
) -> None:
    it = own()
    await redis.sadd("users", *(f"user-{n}" for n in range(1000)))
    await it.directory.call(Standin.pid, user_id)
    assert await it.children() == {user_id}


async def test_a_directory_holds_a_bounded_number_of_handles(
    own: Callable[..., Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MOST_HANDLES", 2)
    it = own()
    a, b, c = users(3)
    first = await it.directory.call(Standin.pid, a)
    for each in (b, a, c):
        await it.directory.call(Standin.pid, each)
    assert list(it.directory._handles) == [a, c]
    assert await it.directory.call(Standin.pid, a) == first


async def test_a_call_that_no_owner_takes_is_unavailable(
    own: Callable[..., Own], user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "CALL_WITHIN", 0.2)
    it = own()
    with pytest.raises(Unavailable):
        await it.directory.call(Standin.pid, user_id)  # a process does not start in that time
