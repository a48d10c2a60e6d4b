"""The adapter before a client of the test's own, and before a server that speaks as Cosmos DB does."""

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Barrier
from typing import Any

import pytest
from gremlin_python.driver.protocol import GremlinServerError
from websockets.asyncio.server import ServerConnection, serve

from backoff import Backoff
from errors import GraphError, GraphUnavailable, QueryRefused
from graph import cosmos
from graph.connect import connect
from graph.cosmos import CosmosGraph
from graph.cosmos_address import Address
from graph.cosmos_status import ATTEMPTS, ATTEMPTS_THROTTLED
from graph.driver import Clients
from graph.model import Scalar, UpsertEdge, UpsertVertex, element_id
from graph.traversals import ACCOUNTS, CONVERSATION_COUNT, QUESTIONS, TOPIC_LINKS
from metrics.declared import GRAPH_REQUEST_UNITS, GRAPH_THROTTLED
from metrics.tally import Tally
from tests.conftest import PATIENCE

ADDRESS = Address("ws://127.0.0.1:1/", "/dbs/d/colls/g")
KEY = "confidential-key=="
PK = "u1/c1"
WINDOW: Mapping[str, Scalar] = {"pk": PK, "start": 0, "end": 9}


class Answered:
    def __init__(self, rows: Sequence[Any], charge: float = 2.5) -> None:
        self._rows = rows
        self.status_attributes = {"x-ms-status-code": 200, "x-ms-total-request-charge": charge}

    def all(self) -> "Future[list[Any]]":
        future: Future[list[Any]] = Future()
        future.set_result(list(self._rows))
        return future


def failed(status: int, code: int = 500, *, after: Any = None) -> Exception:
    attributes = {"x-ms-status-code": status, "x-ms-total-request-charge": 1.0, "x-ms-retry-after-ms": after}
    error: Exception = GremlinServerError({"code": code, "message": "confidential", "attributes": attributes})
    return error


Asked = tuple[str, Mapping[str, Scalar]]
Answer = Callable[[str, Mapping[str, Scalar]], Any]


class Driver:
    """Stands for gremlinpython: each request is answered, or fails, as `answer` says."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[Asked] = []
        self.opened = 0
        self.closed = 0

    def open(self) -> "Driver":
        self.opened += 1
        return self

    def submit(self, script: str, bindings: Mapping[str, Scalar]) -> Answered:
        self.asked.append((script, bindings))
        answer = self._answer(script, bindings)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Answered) else Answered(answer)

    def close(self) -> None:
        self.closed += 1


def in_turn(*answers: Any) -> Answer:
    """One answer after another, then the last one for ever."""
    left = list(answers)
    return lambda *_: left.pop(0) if len(left) > 1 else left[0]


def graph_on(driver: Driver, monkeypatch: pytest.MonkeyPatch, **options: Any) -> CosmosGraph:
    graph = CosmosGraph(ADDRESS, key=KEY, **options)
    monkeypatch.setattr(graph, "_connect", driver.open)
    return graph


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between attempts last no time and are noted."""
    noted: list[float] = []

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    class Quick(Backoff):
        def __init__(self, first: float, most: float) -> None:
            super().__init__(first, most, sleep=sleep, uniform=lambda low, high: 1.0)

    monkeypatch.setattr(cosmos, "Backoff", Quick)
    monkeypatch.setattr(cosmos, "sleep", sleep)
    return noted


async def test_a_429_waits_for_what_the_server_says(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    throttled = failed(429, after="00:00:03.9500000")
    driver = Driver(in_turn(throttled, throttled, [7]))
    graph = graph_on(driver, monkeypatch)
    assert await graph.submit(CONVERSATION_COUNT, {"pk": PK}) == [7]
    assert waits == [3.95, 3.95]
    assert driver.opened == 1
    await graph.close()


async def test_a_429_without_a_time_backs_off_and_ends(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    driver = Driver(in_turn(failed(429)))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(GraphUnavailable, match="COSMOS_RU"):
        await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    assert len(driver.asked) == ATTEMPTS_THROTTLED
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    await graph.close()


@pytest.mark.parametrize("status", [404, 409, 412, 500])
async def test_a_race_is_sent_again_on_the_same_client_within_a_bound(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    driver = Driver(in_turn(failed(status), [7]))
    graph = graph_on(driver, monkeypatch)
    assert await graph.submit(CONVERSATION_COUNT, {"pk": PK}) == [7]
    assert (len(driver.asked), driver.opened, driver.closed) == (2, 1, 0)
    await graph.close()
    driver = Driver(in_turn(failed(status)))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(GraphUnavailable):
        await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    assert len(driver.asked) == ATTEMPTS
    await graph.close()


@pytest.mark.parametrize(
    "failure",
    [
        failed(1007),
        failed(1008),
        RuntimeError("Connection was already closed."),
        GremlinServerError({"code": 500, "message": "Server disconnected - please try", "attributes": {}}),
    ],
)
async def test_a_lost_connection_is_replaced(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    driver = Driver(in_turn([1], failure, [7]))
    graph = graph_on(driver, monkeypatch)
    await graph.ping()
    assert await graph.submit(CONVERSATION_COUNT, {"pk": PK}) == [7]
    assert (driver.opened, driver.closed) == (2, 1)
    await graph.close()


@pytest.mark.parametrize(
    "failure", [failed(401, 401), failed(400, 597), failed(1004, 498), failed(1009), failed(1003)]
)
async def test_what_would_fail_again_is_sent_once(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    driver = Driver(in_turn(failure))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(GraphError) as caught:
        await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    assert len(driver.asked) == 1
    assert "confidential" not in str(caught.value)
    assert caught.value.__suppress_context__
    await graph.close()


async def test_an_answer_that_says_nothing_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = GremlinServerError({"code": 597, "message": None, "attributes": None})
    driver = Driver(in_turn(silent))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(GraphError, match="597"):
        await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    assert (len(driver.asked), driver.closed) == (1, 0)
    await graph.close()


async def test_a_script_that_breaks_a_rule_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(in_turn([]))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(QueryRefused):
        await graph.submit("g.V().count()", {})
    assert driver.asked == []
    await graph.close()


async def test_ids_come_as_every_other_home_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"startDate": 5, "id": "topic:a~2Fb", "topic": "t", "category": "", "keywords": ""}
    graph = graph_on(Driver(in_turn([row])), monkeypatch)
    assert await graph.submit(TOPIC_LINKS, WINDOW) == [{**row, "id": element_id(PK, "topic:a/b")}]
    await graph.close()


async def test_untyped_elements_and_paths_come_in_the_shape_of_the_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vertex = {"id": "fan:f1", "label": "Fan", "type": "vertex", "properties": {"pk": [{"value": PK}]}}
    graph = graph_on(
        Driver(in_turn([{"labels": [[], []], "objects": [vertex, 3]}, {"a": [1, None]}])), monkeypatch
    )
    rows = await graph.submit("g.V([a,b]).path()", {"a": PK, "b": "fan:f1"})
    assert rows == [[{"id": "fan:f1", "label": "Fan"}, 3], {"a": [1, None]}]
    await graph.close()


async def test_another_partition_key_is_named_in_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(in_turn([]))
    graph = graph_on(driver, monkeypatch, partition_key="account")
    await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    await graph.submit(ACCOUNTS, {})
    await graph.apply([UpsertVertex(PK, "fan:f1", "Fan", {"unread": 1})])
    assert not any('"pk"' in script for script, _ in driver.asked)
    assert all('"account"' in script for script, _ in driver.asked)
    await graph.close()


async def test_request_units_are_counted_by_query(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    driver = Driver(in_turn(failed(429, after=1), Answered([7], 4.0)))
    graph = graph_on(driver, monkeypatch, metrics=tally)
    await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    await graph.apply([UpsertVertex(PK, "fan:f1", "Fan", {})])
    await graph.submit("g.V([a,b]).count()", {"a": PK, "b": "fan:f1"})
    counts = tally.take().counts
    assert counts == {
        (GRAPH_REQUEST_UNITS.name, "conversation_count"): 5.0,
        (GRAPH_REQUEST_UNITS.name, "upsert_vertex"): 4.0,
        (GRAPH_REQUEST_UNITS.name, "other"): 4.0,
        (GRAPH_THROTTLED.name, ""): 1,
    }
    await graph.close()


def test_every_question_has_a_name_of_its_own() -> None:
    assert len(set(QUESTIONS.values())) == len(QUESTIONS) == len(cosmos.NAMES)


async def test_every_request_waits_for_its_units(monkeypatch: pytest.MonkeyPatch) -> None:
    class Budget:
        def __init__(self) -> None:
            self.spent: list[bool] = []

        async def spend(self, units: float, *, writing: bool) -> None:
            self.spent.append(writing)

    budget = Budget()
    graph = graph_on(Driver(in_turn([], failed(409), [])), monkeypatch, budget=budget)
    await graph.submit(CONVERSATION_COUNT, {"pk": PK})
    await graph.apply([UpsertVertex(PK, "fan:f1", "Fan", {})])
    assert budget.spent == [False, True, True]
    await graph.close()


async def test_vertices_are_written_side_by_side_and_all_of_them_before_edges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = Barrier(2)  # a request is answered when another one is on its way beside it
    driver = Driver(lambda *_: [together.wait(PATIENCE)][:0])
    graph = graph_on(driver, monkeypatch)
    vertices = [UpsertVertex(PK, f"fan:f{i}", "Fan", {}) for i in range(60)]
    edges = [UpsertEdge(PK, "HAS_CONVERSATION", f"fan:f{i}", "fan:f0") for i in range(60)]
    await graph.apply([*edges, *vertices])
    assert ["addV" in script for script, _ in driver.asked] == [True] * 60 + [False] * 60
    assert 1 < driver.opened <= cosmos.WRITES
    await graph.close()


async def test_after_a_refused_request_no_more_of_the_batch_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(in_turn(failed(400, 597)))
    graph = graph_on(driver, monkeypatch)
    with pytest.raises(GraphError, match="400"):
        await graph.apply([UpsertVertex(PK, f"fan:f{i}", "Fan", {}) for i in range(500)])
    assert len(driver.asked) <= cosmos.FIRST_WRITES
    await graph.close()


async def test_a_throttled_graph_is_written_with_fewer_requests_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Driver(in_turn(*[failed(429, after=0)] * 3, []))
    graph = graph_on(driver, monkeypatch)
    await graph.apply([UpsertVertex(PK, "fan:f1", "Fan", {})])
    assert graph._writes.width < cosmos.FIRST_WRITES
    await graph.apply([UpsertVertex(PK, f"fan:f{i}", "Fan", {}) for i in range(500)])
    assert graph._writes.width == cosmos.WRITES
    await graph.close()


def test_a_client_that_was_idle_too_long_is_retired() -> None:
    now = 0.0
    driver = Driver(in_turn([]))
    clients = Clients(driver.open, idle=1500.0, monotonic=lambda: now)

    def use() -> None:
        with clients.lease() as lease:
            lease.usable = True

    use()
    now = 1500.0
    use()
    assert (driver.opened, driver.closed) == (1, 0)
    now = 3000.1
    use()
    assert (driver.opened, driver.closed) == (2, 1)
    clients.close()
    assert driver.closed == 2


async def test_a_closed_graph_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_on(Driver(in_turn([1])), monkeypatch)
    await graph.ping()
    await graph.close()
    await graph.close()
    with pytest.raises(GraphError, match="closed"):
        await graph.ping()


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(CosmosGraph(ADDRESS, key=KEY))


class Server:
    """Speaks the protocol as Cosmos DB does: asks for the key, reads GraphSON 2, answers untyped frames."""

    def __init__(self) -> None:
        self.users: list[tuple[str, str]] = []
        self.asked: list[Mapping[str, Any]] = []
        self._known: set[ServerConnection] = set()

    async def serve(self, socket: ServerConnection) -> None:
        waiting: dict[str, Any] = {}
        async for frame in socket:
            assert isinstance(frame, bytes)
            mime, body = frame[1 : 1 + frame[0]], frame[1 + frame[0] :]
            assert mime == b"application/vnd.gremlin-v2.0+json"
            message = json.loads(body)
            if message["op"] == "authentication":
                _, user, key = base64.b64decode(message["args"]["sasl"]).split(b"\0")
                self.users.append((user.decode(), key.decode()))
                if key.decode() != KEY:
                    await socket.send(self._frame(message, 401, [], 401))
                    continue
                self._known.add(socket)
            elif socket not in self._known:
                waiting = message
                await socket.send(self._frame(message, 407, None, 407))
                continue
            else:
                waiting = message
            self.asked.append(waiting["args"])
            await socket.send(self._frame(waiting, 206, [1, 2], 206))
            await socket.send(self._frame(waiting, 200, [3.5, "x"], 200))

    @staticmethod
    def _frame(message: Mapping[str, Any], code: int, data: Any, status: int) -> str:
        request_id = message["requestId"]
        if isinstance(request_id, dict):
            request_id = request_id["@value"]
        attributes = {"x-ms-status-code": status, "x-ms-total-request-charge": 3.25}
        answer = {
            "requestId": request_id,
            "status": {"code": code, "message": "", "attributes": attributes},
            "result": {"data": data, "meta": {}},
        }
        return json.dumps(answer)


async def test_the_driver_speaks_with_a_server_that_answers_as_cosmos_db_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, tally = Server(), Tally()
    async with serve(server.serve, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        url = f"cosmos:ws://127.0.0.1:{port}/?database=d&graph=g"
        graph = connect(url, max_bindings=16, cosmos_key=KEY, metrics=tally)
        with caplog.at_level(logging.DEBUG):
            assert await graph.submit(CONVERSATION_COUNT, {"pk": PK}) == [1, 2, 3.5, "x"]
            await graph.ping()
        await graph.close()
        refused = connect(url, max_bindings=16, cosmos_key="wrong")
        with pytest.raises(GraphError, match="COSMOS_KEY"):
            await refused.ping()
        await refused.close()
    assert server.users == [("/dbs/d/colls/g", KEY), ("/dbs/d/colls/g", "wrong")]
    assert server.asked[0]["gremlin"] == CONVERSATION_COUNT
    assert server.asked[0]["bindings"] == {"pk": PK}
    assert tally.take().counts[GRAPH_REQUEST_UNITS.name, "conversation_count"] == 3.25
    assert KEY not in caplog.text


async def test_a_server_that_is_away_is_unavailable_and_says_what_to_check() -> None:
    graph = connect("cosmos:ws://127.0.0.1:1/?database=d&graph=g", max_bindings=16, cosmos_key=KEY)
    with pytest.raises(GraphUnavailable, match="firewall") as caught:
        await graph.ping()
    assert KEY not in str(caught.value)
    await graph.close()
