"""What the homes behind gremlinpython's WebSocket driver share: clients, their sockets, and plain results.

The driver never reconnects and its sockets belong to threads, so a request leases a client of one socket
inside a worker thread; a client whose socket failed is thrown away.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gremlin_python.driver.aiohttp.transport import AiohttpTransport
from gremlin_python.driver.client import Client
from gremlin_python.structure.graph import Element, Path

# The driver logs every refused request with the server's full answer, which may quote bindings.
logging.getLogger("gremlinpython").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class Lease:
    """A client that one thread has for a while. Unless it is `usable` in the end, it is thrown away."""

    client: Client
    usable: bool = False


class Clients:
    """Clients of one socket each; `connect` makes one when all are leased.

    One that was idle for more than `idle` seconds is not used again: the server may have left it.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        idle: float = math.inf,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._longest = idle
        self._monotonic = monotonic
        self._idle: deque[tuple[Client, float]] = deque()  # each with the time of its last use
        self._closed = False

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Runs in a worker thread, as everything here: the driver owns an event loop."""
        lease = Lease(self._rested() or self._connect())
        try:
            yield lease
        finally:
            if lease.usable:
                self._idle.append((lease.client, self._monotonic()))
            else:
                _close(lease.client)
            if self._closed:
                self.close_idle()

    def close(self) -> None:
        """Close the idle clients, and those that are leased when they come back."""
        self._closed = True
        self.close_idle()

    def close_idle(self) -> None:
        """Begin with new clients: where one is dead, those beside it are likely to be."""
        with suppress(IndexError):
            while True:
                _close(self._idle.popleft()[0])

    def _rested(self) -> Client | None:
        """An idle client, the one that rests longest: so none is left to age."""
        while True:
            try:
                client, since = self._idle.popleft()
            except IndexError:
                return None
            if self._monotonic() - since <= self._longest:
                return client
            _close(client)


class Transport(AiohttpTransport):  # type: ignore[misc]
    """The driver's socket, let go of at once when it cannot connect.

    The driver leaves that to the garbage collector, where it fails with a warning in some other thread.
    """

    def connect(self, url: str, headers: Any = None) -> None:
        try:
            super().connect(url, headers)
        except BaseException:
            self.close()
            raise


def plain(value: Any) -> Any:
    """A result in the shape that graph/port.py promises."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Enum):  # T.id, T.label, Direction.IN
        return value.name
    if isinstance(value, int):  # the driver's long is a subclass
        return int(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, Element):
        return {"id": value.id, "label": value.label}
    if isinstance(value, Path):
        return [plain(each) for each in value.objects]
    if isinstance(value, list | tuple | set):
        return [plain(each) for each in value]
    return float(value)  # float, Decimal


def _close(client: Client) -> None:
    # A socket that broke may break again while it is being closed; it is gone either way.
    with suppress(Exception):
        client.close()
