"""The graph on a TinkerPop server: text scripts with bindings over gremlinpython's WebSocket driver.

A request whose socket failed is sent again on a new one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import ConfigurationError, GremlinServerError
from gremlin_python.statics import long

from backoff import Backoff
from errors import GraphError, GraphUnavailable
from graph.dialect import Dialect
from graph.driver import Clients, Transport, plain
from graph.model import Mutation, Scalar
from graph.port import carry_out

CONNECTIONS: Final = 8
ATTEMPTS: Final = 5
RETRY_FIRST, RETRY_MOST = 0.1, 0.8  # seconds between attempts
TIMEOUT: Final = 30.0  # seconds for one request

TEMPORARY: Final = 596  # the server's own word for "try again"
TIMED_OUT: Final = 598
DISCONNECTED: Final = "Server disconnected"
# Another writer or reader got in between; the same script succeeds when it is sent again.
RACES: Final = ("ConcurrentModificationException", "TransactionException", "already exists")


class TinkerPopGraph:
    """The graph behind a `ws://` or `wss://` address, traversal source `g`. Sockets open at first use.

    `max_bindings` is what the server takes in one request (its `maxParameters`, 16 unless configured).
    """

    def __init__(self, url: str, *, max_bindings: int, username: str = "", password: str = "") -> None:
        self._url = url
        self._credentials = {"username": username, "password": password}
        self._dialect = Dialect(max_bindings=max_bindings, max_statements=50, one_shape=True)
        self._clients = Clients(lambda: self._connect())
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._writing = asyncio.Lock()  # the reference server's graph is not made for concurrent writers
        self._closed = False

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        attempt = 0
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while True:
            if self._closed:
                raise GraphError("The graph connection is closed; connect again.")
            try:
                async with self._slots:
                    return await asyncio.to_thread(self._ask, script, bindings)
            except _Transient as error:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise GraphUnavailable(f"The graph server does not answer: {error}.") from error
                await backoff.pause()

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        async with self._writing:
            await carry_out(mutations, self._dialect, self.submit)

    async def ping(self) -> None:
        await self.submit("g.V().limit(0).count()", {})

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._clients.close)

    def _ask(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        """One request on a leased client, in a worker thread."""
        options = {"evaluationTimeout": int(TIMEOUT * 1000)}
        values = {name: _wire(value) for name, value in bindings.items()}
        try:
            with self._clients.lease() as lease:
                try:
                    rows = lease.client.submit(script, values, request_options=options).all().result()
                except GremlinServerError as error:
                    lease.usable = DISCONNECTED not in error.status_message
                    raise
                lease.usable = True
            return [plain(row) for row in rows]
        except GremlinServerError as error:
            raise _judged(error, script) from None
        except ConfigurationError as error:
            raise GraphError(
                "The graph server wants a user name and password: add them to its URL."
            ) from error
        except Exception as error:  # the driver raises whatever its socket does: OSError, RuntimeError, ..
            raise _Transient(type(error).__name__) from error

    def _connect(self) -> Client:
        # A socket outlives the server's own limit a little, so the server's answer is what is seen.
        def transport() -> Transport:
            return Transport(read_timeout=TIMEOUT + 5, write_timeout=TIMEOUT)

        return Client(self._url, "g", pool_size=1, transport_factory=transport, **self._credentials)


class _Transient(Exception):
    """Worth another attempt; says only what kind of failure it was."""


def _judged(error: GremlinServerError, script: str) -> Exception:
    """Final or not, without the server's text: that may quote values."""
    kinds = [name.rpartition(".")[2] for name in error.status_attributes.get("exceptions", [])]
    answer = " ".join([str(error.status_code), *kinds])
    if error.status_code == TIMED_OUT:
        return GraphUnavailable(f"The graph server gave up on a script after {TIMEOUT:g} s: {script[:200]}")
    raced = any(sign in error.status_message or sign in kinds for sign in RACES)
    if error.status_code == TEMPORARY or DISCONNECTED in error.status_message or raced:
        return _Transient(answer)
    if error.status_code in (401, 403):
        return GraphError(f"The graph server refused the credentials ({answer}): check its URL.")
    return GraphError(f"The graph server refused a script ({answer}): {script[:200]}")


def _wire(value: Scalar) -> Scalar:
    """The driver sends an int as 32 bits unless told otherwise; a bool is an int to Python."""
    return long(value) if isinstance(value, int) and not -(2**31) <= value < 2**31 else value
