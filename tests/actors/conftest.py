"""A Redis for the tests that need a real one: embedded, durable, behind a Unix socket."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from frames.log import connect_redis
from tests.history.store import Store, running_store


@pytest.fixture
def new_store() -> Iterator[Store]:
    """A server of this test's own."""
    with running_store() as store:
        yield store


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    client = connect_redis(store.url)
    yield client
    await client.connection_pool.disconnect()
