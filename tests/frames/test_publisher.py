"""What becomes of frames when Redis is away, or the user has another owner."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import orjson
import pytest
from redis.asyncio import Redis

from errors import StaleOwner, Unavailable
from frames.log import NOWHERE, connect_redis, last_position, missed, newest
from frames.publisher import Announcer, Publisher
from session.journal import Journal
from tests.conftest import PATIENCE
from tests.history.store import Store, running_store
from wire.payloads import SystemError, SystemErrorMsg


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    client = connect_redis(store.url)
    yield client
    await client.connection_pool.disconnect()


def frame(sequence: int) -> SystemErrorMsg:
    return SystemErrorMsg(sequence=sequence, payload=SystemError(errorMessage="something happened"))


async def test_the_position_is_that_of_the_last_frame_whoever_sent_it(redis: Redis, user_id: str) -> None:
    await Announcer(redis, user_id).send(frame(0))
    publisher = Publisher(redis, user_id, lambda: None)
    await publisher.begin(await Journal(redis, user_id).claim())
    assert publisher.position == await last_position(redis, user_id) != NOWHERE
    await publisher.send(frame(1))
    assert publisher.position == await last_position(redis, user_id)


async def test_a_displaced_owner_sends_nothing(redis: Redis, user_id: str) -> None:
    publisher = Publisher(redis, user_id, lambda: None)
    await publisher.begin(await Journal(redis, user_id).claim())
    await Journal(redis, user_id).claim()
    with pytest.raises(StaleOwner):
        await publisher.send(frame(1))
    assert await last_position(redis, user_id) == NOWHERE


async def test_frames_are_dropped_until_redis_is_back_and_then_everybody_needs_a_full_sync(
    redis: Redis, store: Store, user_id: str
) -> None:
    told: list[str] = []
    publisher = Publisher(redis, user_id, lambda: told.append("lost"))
    await publisher.begin(await Journal(redis, user_id).claim())
    await publisher.send(frame(1))
    before = publisher.position
    store.kill()
    await asyncio.gather(publisher.send(frame(2)), publisher.send(frame(3)))
    assert told == ["lost"]
    assert not publisher.works
    repairing = asyncio.create_task(publisher.repair(3))
    await asyncio.sleep(0.2)
    assert not repairing.done()
    store.restart()
    await asyncio.wait_for(repairing, PATIENCE)
    assert publisher.works
    assert await missed(redis, user_id, before) is None
    assert publisher.position == NOWHERE
    [status] = await newest(redis, user_id, None)
    assert orjson.loads(status)["payload"] == {"status": "PROCESSING_SNAPSHOT"}
    await publisher.send(frame(4))
    after = publisher.position
    await publisher.send(frame(5))
    assert len(await missed(redis, user_id, after) or ()) == 1


async def test_who_is_not_the_owner_is_told_that_redis_refuses(
    redis: Redis, store: Store, user_id: str
) -> None:
    store.kill()
    with pytest.raises(Unavailable, match="Redis"):
        await Announcer(redis, user_id).send(frame(1))
