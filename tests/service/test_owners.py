"""Two processes that both think they own a user: one of them is believed."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
import ray
from ray.exceptions import RayActorError

from actors.directory import REGISTRY, Directory
from actors.user_actor import UserActor
from errors import StaleOwner
from push import connect_redis
from remote import named_actor, result
from settings import Settings
from tests.conftest import Service
from tests.service.talk import PATIENCE, chat, message, recent

CREATOR = "creator-1"
TAKES = 40  # messages the last owner is given


async def test_of_owners_that_write_at_the_same_time_one_is_believed(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    settings = Settings(redis_url=service.redis_url, data_dir=service.folder)
    await Directory(settings).model_ready()  # the registry is there
    registry = ray.get_actor(REGISTRY)
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
    held = await result(third.get_cached_messages.remote(user_id))
    assert Counter(str(each["id"]) for each in held) == expected
    journaled = await _journaled(service.redis_url, user_id)
    assert max(journaled.values()) == 1
    assert journaled.keys() <= expected.keys()  # checkpoints may have had some of them trimmed
    ray.kill(third)


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
