"""Who has an actor and for how long, on the service's Ray; the actors are stand-ins."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import ray
from hypothesis import given
from hypothesis import strategies as st
from ray.exceptions import RayActorError
from redis.asyncio import Redis

from actors import directory
from actors.directory import RESPITE, Directory, Registry, Seen, to_passivate
from errors import Unavailable
from remote import named_actor, result
from settings import Settings
from tests.actors.standin import NothingToUpgrade, Standin
from tests.conftest import PATIENCE

seen = st.dictionaries(
    st.integers().map(str), st.builds(Seen, st.sampled_from("ab"), st.just(0.0) | st.floats(0, 100))
)


@given(seen, st.floats(1, 50), st.integers(1, 5))
def test_who_ends_is_idle_or_was_used_longest_ago_where_there_are_too_many(
    seen: dict[str, Seen], user_idle: float, users_per_node: int
) -> None:
    ending = to_passivate(seen, user_idle=user_idle, users_per_node=users_per_node)
    assert all(user in ending for user, each in seen.items() if each.idle > user_idle)
    for node in "ab":
        there = {user: each.idle for user, each in seen.items() if each.node == node}
        staying = [idle for user, idle in there.items() if user not in ending]
        surplus = [idle for user, idle in there.items() if user in ending and idle <= user_idle]
        if surplus:
            assert len(staying) >= users_per_node
            assert min(surplus) >= RESPITE
            assert min(surplus) >= max(staying)
        if len(staying) > users_per_node:
            assert max(staying) < RESPITE


class Own:
    """A registry of a test's own, and a directory that asks it."""

    def __init__(self, **settings: Any) -> None:
        self.name = f"registry-{uuid.uuid4().hex[:8]}"
        self.settings = Settings(**settings)
        self.registry = named_actor(
            Registry, self.name, self.settings, Standin, NothingToUpgrade, detached=False
        )
        self.directory = Directory(self.settings, self.name)

    async def children(self) -> set[str]:
        names: list[str] = await result(self.registry.__ray_call__.remote(lambda it: list(it._children)))
        return set(names)

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
    first = await it.directory.call(user_id, "pid")
    await it.directory.call(user_id, "rest", 100.0)
    await it.until(lambda children: not children)
    # The directory still holds the handle of the actor that ended.
    assert await it.directory.call(user_id, "pid") != first
    assert await it.children() == {user_id}


async def test_calls_during_a_passivation_are_answered(own: Callable[..., Own], user_id: str) -> None:
    it = own()
    first = await it.directory.call(user_id, "pid")
    ending = asyncio.ensure_future(result(it.registry.passivate.remote(user_id)))
    answers = []
    while not ending.done():
        answers += await asyncio.gather(*(it.directory.call(user_id, "pid") for _ in range(5)))
    await ending
    answers.append(await it.directory.call(user_id, "pid"))
    assert answers[-1] != first
    assert set(answers) - {first} == {answers[-1]}
    assert await it.children() == {user_id}


async def test_whoever_was_used_longest_ago_makes_room(own: Callable[..., Own]) -> None:
    it = own(users_per_node=2)
    old, older, new = users(3)
    for user, seconds in ((old, 50.0), (older, 100.0)):
        await it.directory.call(user, "rest", seconds)
    await it.directory.call(new, "pid")
    await it.until(lambda children: children == {old, new})


async def test_one_at_work_is_not_ended_and_makes_room_once_it_rests(own: Callable[..., Own]) -> None:
    it = own(users_per_node=1, user_idle=400.0)
    busy, other, new = users(3)
    await it.directory.call(busy, "work")
    await it.directory.call(other, "rest", 100.0)
    # The other goes, however long the busy one has had its place.
    await it.until(lambda children: children == {busy})
    await it.directory.call(new, "work")
    assert await it.children() == {busy, new}
    await it.directory.call(busy, "rest", 100.0)
    await it.until(lambda children: children == {new})


async def test_a_killed_process_is_made_again_and_an_ended_actor_forgotten(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own(user_idle=20.0)
    first = await it.directory.call(user_id, "pid")
    os.kill(first, signal.SIGKILL)
    second = await it.directory.call(user_id, "pid")
    assert second != first
    ray.kill(ray.get_actor(f"user:{user_id}"))
    await it.until(lambda children: not children)
    assert await it.directory.call(user_id, "pid") not in (first, second)


async def test_a_user_whose_actor_has_just_ended_by_itself_has_another(
    own: Callable[..., Own], user_id: str
) -> None:
    it = own()
    former = await it.directory.call(user_id, "pid")
    for _ in range(3):
        ray.kill(it.directory._handles[user_id])
        async with asyncio.timeout(PATIENCE):
            while (pid := await it.directory.call(user_id, "pid")) == former:
                pass  # the one that is being killed still answers
        former = pid
    assert await it.children() == {user_id}


async def test_calls_go_on_when_the_registry_is_killed(own: Callable[..., Own], user_id: str) -> None:
    it = own()
    first = await it.directory.call(user_id, "pid")
    pid = await result(it.registry.__ray_call__.remote(lambda _: os.getpid()))
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while (answer := await it.directory.call(user_id, "pid")) == first:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
    assert answer != first
    assert await it.children() == {user_id}


async def test_at_the_end_every_actor_is_passivated(own: Callable[..., Own]) -> None:
    it = own()
    a, b = users(2)
    await asyncio.gather(*(it.directory.call(each, "pid") for each in (a, b)))
    handles = [ray.get_actor(f"user:{each}") for each in (a, b)]
    await result(it.registry.passivate_all.remote(30.0))
    assert await it.children() == set()
    for each in handles:
        with pytest.raises(RayActorError):
            await each.idle_for.remote()


async def test_a_registered_user_has_no_actor_until_it_is_called(
    own: Callable[..., Own], redis: Redis, user_id: str
) -> None:
    it = own()
    await redis.sadd("users", *(f"user-{n}" for n in range(1000)))
    await it.directory.call(user_id, "pid")
    assert await it.children() == {user_id}


async def test_a_directory_holds_a_bounded_number_of_handles(
    own: Callable[..., Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MOST_HANDLES", 2)
    it = own()
    a, b, c = users(3)
    first = await it.directory.call(a, "pid")
    for each in (b, a, c):
        await it.directory.call(each, "pid")
    assert list(it.directory._handles) == [a, c]
    assert await it.directory.call(a, "pid") == first


async def test_a_call_that_no_owner_takes_is_unavailable(
    own: Callable[..., Own], user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "CALL_WITHIN", 0.2)
    it = own()
    with pytest.raises(Unavailable):
        await it.directory.call(user_id, "pid")  # a process does not start in that time
