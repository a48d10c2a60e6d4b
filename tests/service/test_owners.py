"""A user's owners: of two at a time one is believed, and from one to the next nothing is lost."""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson
import ray
from ray.exceptions import RayActorError

from actors.directory import Directory
from actors.registry import NAME
from actors.user_actor import UserActor
from errors import StaleOwner
from frames.log import connect_redis
from remote import named_actor, result
from settings import Settings
from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, message, recent

CREATOR = "creator-1"
TAKES = 40  # messages the last owner is given
CALLERS = 8
PASSIVATIONS = 3


async def test_of_owners_that_write_at_the_same_time_one_is_believed(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    settings = Settings(redis_url=service.redis_url, data_dir=service.folder)
    await Directory(settings).model_ready()  # the registry is there
    registry = ray.get_actor(NAME)
    acknowledged: list[int] = []
    start = recent(5000)

    async def owner(name: str) -> Any:
        # A child of the registry, as every user actor is: it uses the workers that have the model.
        make: Any = registry.__ray_call__.remote(
            lambda _, *args: named_actor(UserActor, *args, detached=False),
            f"{name}-{user_id}",
            user_id,
            settings.env(),
        )
        return await result(make)

    async def feed(actor: Any, ids: Iterable[int]) -> int | None:
        """Send these until one is refused, and say which; None when all are acknowledged."""
        for id in ids:
            body = orjson.dumps(message(id, 40, start, "hello"))
            try:
                await result(actor.handle_delta.remote(user_id, body, CREATOR))
            except (StaleOwner, RayActorError):
                return id
            acknowledged.append(id)
        return None

    first, second = await asyncio.gather(owner("first"), owner("second"))
    snapshot = orjson.dumps({"chats": [chat(40)], "messages": []})
    await asyncio.gather(
        *(result(each.handle_snapshot.remote(user_id, snapshot, CREATOR)) for each in (first, second)),
        return_exceptions=True,  # whoever claimed first is refused already
    )
    feeding = [
        asyncio.ensure_future(feed(actor, itertools.count(begin, 3)))
        for begin, actor in ((1, first), (2, second))
    ]
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait(feeding, return_when=asyncio.FIRST_COMPLETED)
        third = await owner("third")
        refused = await asyncio.gather(*feeding)
    # What was refused is sent to who is believed, along with more; and all of it twice.
    last = [*refused, *range(3, 3 * TAKES, 3)]
    assert await feed(third, last) is None
    assert await feed(third, last) is None

    await asyncio.gather(_ended(first, user_id), _ended(second, user_id))
    expected = Counter(str(id) for id in set(acknowledged))
    async with asyncio.timeout(PATIENCE):
        while len(held := await result(third.get_cached_messages.remote(user_id))) < len(expected):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # what is acknowledged is merged a moment later
    assert Counter(str(each["id"]) for each in held) == expected
    journaled = await _journaled(service.redis_url, user_id)
    assert max(journaled.values()) == 1
    assert journaled.keys() <= expected.keys()  # checkpoints may have had some of them trimmed
    ray.kill(third)


async def test_calls_while_the_user_is_passivated_are_answered_and_nothing_is_lost_or_doubled(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    directory = Directory(Settings(redis_url=service.redis_url, data_dir=service.folder))
    await directory.model_ready()  # the registry is there
    registry: Any = ray.get_actor(NAME)
    acknowledged: list[int] = []
    pids: list[int] = []
    passivated = asyncio.Event()
    start = recent(5000)

    async def ingesting(begin: int) -> None:
        for id in itertools.count(begin, CALLERS):
            raw = message(id, 40, start + timedelta(seconds=id), "hello")
            receipt = await directory.handle_delta(user_id, orjson.dumps(raw), CREATOR)
            assert receipt.accepted + receipt.duplicates == 1
            acknowledged.append(id)
            if passivated.is_set():
                return

    async def reading() -> None:
        before: set[int] = set()
        while not passivated.is_set():
            read = await _held(directory, user_id)
            assert read == sorted(set(read))
            assert before <= set(read)
            before = set(read)

    async def passivating() -> None:
        for _ in range(PASSIVATIONS):
            owner: Any = await result(registry.activate.remote(user_id))
            pids.append(await result(owner.__ray_call__.remote(lambda _: os.getpid())))
            await result(registry.passivate.remote(user_id, 1.0))
        passivated.set()

    await asyncio.gather(passivating(), reading(), *(ingesting(n) for n in range(1, CALLERS + 1)))
    assert len(set(pids)) == PASSIVATIONS
    await result(registry.passivate.remote(user_id))  # the next one has read all that was acknowledged
    assert await _held(directory, user_id) == sorted(acknowledged)
    journaled = await _journaled(service.redis_url, user_id)
    assert max(journaled.values()) == 1
    assert journaled.keys() <= {str(id) for id in acknowledged}


async def _held(directory: Directory, user_id: str) -> list[int]:
    """Ids of the user's messages as they are listed, oldest first."""
    held = await directory.get_cached_messages(user_id)
    return [int(each["id"]) for each in held]


async def _ended(actor: Any, user_id: str) -> None:
    """Wait until the actor, which refuses calls by now, has ended itself."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await result(actor.handle_delta.remote(user_id, b"[]", CREATOR))
            except RayActorError:
                return
            except StaleOwner:
                await asyncio.sleep(0.05)


async def _journaled(url: str, user_id: str) -> Counter[str]:
    """How many records the journal has of each message."""
    redis = connect_redis(url)
    records: Any = await redis.xrange(f"journal:{user_id}")
    await redis.connection_pool.disconnect()
    return Counter(
        str(orjson.loads(fields[b"body"])["id"]) for _, fields in records if fields[b"kind"] == b"message"
    )
