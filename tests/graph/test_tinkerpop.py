import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from gremlin_python.driver.protocol import GremlinServerError

from errors import GraphError, GraphUnavailable
from graph import tinkerpop
from graph.model import UpsertVertex
from graph.tinkerpop import TinkerPopGraph
from tests.graph.reading import contents


class Relay:
    """A TCP relay in front of the server, whose connections a test can cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/gremlin"
        self.opened = 0
        self._sockets: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for each in self._sockets:
            shut(each)
        self._sockets.clear()

    def close(self) -> None:
        shut(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            far = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [near, far]
            Thread(target=self._pump, args=(near, far), daemon=True).start()
            Thread(target=self._pump, args=(far, near), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        shut(source)
        shut(sink)


def shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def relay_to(url: str) -> Iterator[Relay]:
    relay = Relay(int(url.split(":")[2].split("/")[0]))
    try:
        yield relay
    finally:
        relay.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tinkerpop, "RETRY_FIRST", 0.001)


async def test_a_cut_socket_is_replaced_and_the_request_sent_again(gremlin_server: str, pk: str) -> None:
    with relay_to(gremlin_server) as relay:
        graph = TinkerPopGraph(relay.url, max_bindings=16)
        for turn in range(3):
            await graph.apply([UpsertVertex(pk, "fan:f1", "Fan", {"unread": turn})])
            assert (await contents(graph, pk)).vertices["fan:f1"]["unread"] == turn
            relay.cut()
        assert relay.opened == 3
        await graph.close()


async def test_one_socket_serves_requests_that_do_not_overlap(gremlin_server: str) -> None:
    with relay_to(gremlin_server) as relay:
        graph = TinkerPopGraph(relay.url, max_bindings=16)
        for _ in range(5):
            await graph.ping()
        assert relay.opened == 1
        await asyncio.gather(*[graph.ping() for _ in range(40)])
        assert relay.opened <= tinkerpop.CONNECTIONS
        await graph.close()


async def test_a_server_that_is_away_is_unavailable_after_bounded_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and nobody listens
        graph = TinkerPopGraph(f"ws://127.0.0.1:{bound.getsockname()[1]}/gremlin", max_bindings=16)
        connected = 0
        connect = graph._connect

        def counted() -> object:
            nonlocal connected
            connected += 1
            return connect()

        monkeypatch.setattr(graph, "_connect", counted)
        with pytest.raises(GraphUnavailable, match="does not answer"):
            await graph.ping()
        assert connected == tinkerpop.ATTEMPTS
        await graph.close()


async def test_a_final_error_keeps_its_socket_and_is_not_logged(
    gremlin_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with relay_to(gremlin_server) as relay:
        graph = TinkerPopGraph(relay.url, max_bindings=16)
        with caplog.at_level(logging.DEBUG), pytest.raises(GraphError):
            await graph.submit("g.nope(name)", {"name": "confidential"})
        await graph.ping()
        assert relay.opened == 1
        assert "confidential" not in caplog.text
        await graph.close()


async def test_more_bindings_than_the_server_takes_is_final(gremlin_server: str) -> None:
    graph = TinkerPopGraph(gremlin_server, max_bindings=16)
    with pytest.raises(GraphError, match="499"):
        await graph.submit("g.V().limit(0)", {f"b{i}": i for i in range(17)})
    await graph.close()


async def test_a_script_beyond_the_time_limit_is_unavailable(
    gremlin_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tinkerpop, "TIMEOUT", 0.05)
    graph = TinkerPopGraph(gremlin_server, max_bindings=16)
    with pytest.raises(GraphUnavailable, match="gave up"):
        await graph.submit("Thread.sleep(5000)", {})
    await graph.close()


@pytest.mark.parametrize(
    ("code", "message", "exceptions", "outcome"),
    [
        (596, "try again", [], tinkerpop._Transient),
        (500, "", ["java.util.ConcurrentModificationException"], tinkerpop._Transient),
        (500, "Vertex with id already exists: a|fan:1", [], tinkerpop._Transient),
        (500, "Server disconnected - please try to reconnect", [], tinkerpop._Transient),
        (598, "timed out", [], GraphUnavailable),
        (401, "who are you", [], GraphError),
        (597, "no such method", ["groovy.lang.MissingMethodException"], GraphError),
    ],
)
def test_an_answer_is_judged_final_or_not(
    code: int, message: str, exceptions: list[str], outcome: type[Exception]
) -> None:
    status = {"code": code, "message": message, "attributes": {"exceptions": exceptions}}
    judged = tinkerpop._judged(GremlinServerError(status), "g.V()")
    assert type(judged) is outcome
    assert not message or message not in str(judged)


async def test_an_abandoned_request_leaves_the_graph_usable(gremlin_server: str) -> None:
    graph = TinkerPopGraph(gremlin_server, max_bindings=16)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await graph.submit("Thread.sleep(300)", {})
    await graph.ping()
    await asyncio.sleep(0.5)
    await graph.close()
