"""The stand-in answers the real driver as Cosmos DB is known to, over a real socket and a real engine."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import GremlinServerError
from gremlin_python.driver.serializer import GraphSONSerializersV2d0, GraphSONSerializersV3d0

from tests.gremlin_server import server
from tests.standin.charges import Touched
from tests.standin.faults import Fault
from tests.standin.server import Standin

ADD = (
    'g.V([b0,b1]).fold().coalesce(__.unfold(),__.addV("Fan").property("id",b1).property("pk",b0))'
    '.property("spend",b2)'
)
LINK = (
    'g.V([b0,b1]).outE("KNOWS").hasId(b3).fold().coalesce(__.unfold(),'
    '__.V([b0,b1]).addE("KNOWS").to(__.V([b0,b2])).property("id",b3)).property("rev",b4)'
)
Ask = Callable[..., list[Any]]


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(server.address()) as started:
        yield started


def connected(standin: Standin, key: str = "secret", serializer: Any = None) -> Client:
    return Client(
        standin.url,
        "g",
        pool_size=1,
        username="/dbs/db/colls/graph",
        password=key,
        message_serializer=serializer or GraphSONSerializersV2d0(),
    )


@pytest.fixture
def ask(standin: Standin) -> Iterator[Ask]:
    with closing(connected(standin)) as client:
        yield lambda script, **bindings: client.submit(script, bindings).all().result()


@pytest.fixture
def pk() -> str:
    return f"u1|{uuid.uuid4().hex}"


def refused(ask: Ask, script: str, **bindings: Any) -> tuple[int, int]:
    """Outer code and `x-ms-status-code`."""
    with pytest.raises(GremlinServerError) as caught:
        ask(script, **bindings)
    return caught.value.status_code, caught.value.status_attributes["x-ms-status-code"]


def test_a_vertex_and_an_edge_read_as_untyped_json_with_local_ids(ask: Ask, pk: str) -> None:
    ask(ADD, b0=pk, b1="fan:1", b2=2.5)
    (vertex,) = ask(ADD, b0=pk, b1="fan:2", b2=2**40)
    assert (vertex["id"], vertex["label"], vertex["type"]) == ("fan:2", "Fan", "vertex")
    assert [each["value"] for each in vertex["properties"]["spend"]] == [2**40]
    (edge,) = ask(LINK, b0=pk, b1="fan:1", b2="fan:2", b3="e1", b4=7)
    assert ask(LINK, b0=pk, b1="fan:1", b2="fan:2", b3="e1", b4=7) == [edge]
    assert edge == {
        "id": "e1",
        "label": "KNOWS",
        "type": "edge",
        "inVLabel": "Fan",
        "outVLabel": "Fan",
        "inV": "fan:2",
        "outV": "fan:1",
        "properties": {"rev": 7},
    }
    assert sorted(ask('g.V().has("pk",b0).id()', b0=pk)) == ["fan:1", "fan:2"]
    assert ask("g.V([b0,b1]).valueMap()", b0=pk, b1="fan:1") == [{"pk": [pk], "spend": [2.5]}]
    assert ask("g.V([b0,b1]).drop()", b0=pk, b1="fan:1") == []


def test_rows_come_in_frames_of_16_with_the_charge_on_the_last(standin: Standin, ask: Ask, pk: str) -> None:
    for n in range(20):
        ask(ADD, b0=pk, b1=f"fan:{n}", b2=n)
    assert len(ask('g.V().has("pk",eq(b0)).values("spend")', b0=pk)) == 20
    assert standin.seen[-1].charge == 11.5
    assert standin.seen[-1].types == {"b0": "str"}
    assert standin.charged()[ADD] == pytest.approx(20 * standin.seen[0].charge)
    with closing(connected(standin)) as client:
        answer = client.submit('g.V().has("pk",b0).id()', {"b0": pk})
        answer.all().result()
        assert answer.status_attributes["x-ms-total-request-charge"] == 11.5
        assert answer.status_attributes["x-ms-status-code"] == 200


def test_what_a_script_touched_is_what_it_is_charged_for(standin: Standin, ask: Ask, pk: str) -> None:
    def last() -> Touched:
        return standin.seen[-1].touched

    ask(ADD, b0=pk, b1="fan:1", b2=1)
    assert last() == Touched(by_id=1, inserted=1, entries=1)
    ask(ADD, b0=pk, b1="fan:1", b2=2)
    assert last() == Touched(by_id=1, replaced=1, entries=1)
    for other in ("fan:2", "fan:3"):
        ask(ADD, b0=pk, b1=other, b2=1)
        ask(LINK, b0=pk, b1="fan:1", b2=other, b3=f"e {other}", b4=7)
    assert last() == Touched(by_id=3, queries=1, passed=1, inserted=1, entries=1)
    ask('g.V([b0,b1]).out("KNOWS").project("a").by(__.inE().count())', b0=pk, b1="fan:1")
    assert last() == Touched(by_id=1, queries=2, read=4)
    ask('g.V([b0,b1]).outE("KNOWS").has("rev",lt(b2)).drop()', b0=pk, b1="fan:1", b2=7)
    assert last() == Touched(by_id=1, queries=1, passed=2)
    ask('g.V([b0,b1]).outE("KNOWS").drop()', b0=pk, b1="fan:1")
    assert last() == Touched(by_id=1, queries=1, read=2, dropped=2)
    ask('g.V().has("pk",b0).hasLabel("Fan").limit(1).id()', b0=pk)
    assert last().read <= 3


@pytest.mark.parametrize(
    "script",
    [
        "g.V([b0,b1]).iterate()",
        "g.V([b0,b1]);g.V([b0,b1])",
        "g.V([b0,b1]).property(T.id,b1)",
        'g.V().has("pk",P.eq(b0))',
        "g.V([b0,b1]).map{it}",
        "g.V([b0,b1]).elementMap()",
        'g.V([b0,b1]).order().by("spend",asc)',
        "g.V([b0,other])",
        "g.V(b1)",
        'g.V().hasLabel("Fan")',
        "g.E(b1)",
        'g.addV("Fan")',
        "g.V([b0,b1]).coalesce(__.V(b1))",
        f"g.V([b0,b1]){'.id()' * 400}",
        f"g.V([b0,b1]).has({' ' * 65536}b1)",
        "g.V([b0,b1]).repeat(__.out()).times(33)",
    ],
)
def test_what_is_not_known_to_be_taken_is_refused(ask: Ask, pk: str, script: str) -> None:
    assert refused(ask, script, b0=pk, b1="fan:1") == (597, 400)


@pytest.mark.parametrize("value", [None, ["a"], {"a": 1}])
def test_a_binding_that_is_no_scalar_is_refused(ask: Ask, pk: str, value: Any) -> None:
    assert refused(ask, ADD, b0=pk, b1="fan:1", b2=value) == (597, 400)


@pytest.mark.parametrize("id", ["a/b", "a\\b", "a?", "a#", "", "x" * 1024])
def test_an_id_that_cannot_be_stored_is_refused(ask: Ask, pk: str, id: str) -> None:
    assert refused(ask, ADD, b0=pk, b1=id, b2=1) == (500, 400)


def test_the_partition_of_a_vertex_stays_and_a_missing_property_is_no_row(ask: Ask, pk: str) -> None:
    ask(ADD, b0=pk, b1="fan:1", b2=1)
    assert refused(ask, 'g.V([b0,b1]).property("pk",b1)', b0=pk, b1="fan:1") == (500, 400)
    assert refused(ask, 'g.V([b0,b1]).project("a").by("none")', b0=pk, b1="fan:1") == (500, 1000)
    assert ask('g.V([b0,b1]).project("a").by("spend")', b0=pk, b1="fan:1") == [{"a": 1}]


def test_a_wrong_key_is_refused(standin: Standin) -> None:
    with closing(connected(standin, key="wrong")) as client, pytest.raises(GremlinServerError) as caught:
        client.submit("g.V([b0,b1])", {"b0": "p", "b1": "i"}).all().result()
    assert caught.value.status_code == 401


def test_another_serializer_is_refused(standin: Standin) -> None:
    with closing(connected(standin, serializer=GraphSONSerializersV3d0())) as client, pytest.raises(KeyError):
        # The answer names no request of the driver: that one could not be read.
        client.submit("g.V([b0,b1])", {"b0": "p", "b1": "i"}).all().result()


@pytest.mark.parametrize("status", [404, 409, 412, 429, 500, 1007, 1008, 1009])
@pytest.mark.parametrize("applied", [False, True])
def test_a_fault_has_its_status_whether_the_script_was_applied_or_not(
    standin: Standin, ask: Ask, pk: str, status: int, applied: bool
) -> None:
    standin.faults.inject(Fault(status, applied=applied))
    assert refused(ask, ADD, b0=pk, b1="fan:1", b2=1) == (500, status)
    assert len(ask("g.V([b0,b1])", b0=pk, b1="fan:1")) == applied


def test_a_failure_may_follow_partial_frames(standin: Standin, ask: Ask, pk: str) -> None:
    standin.faults.inject(Fault(429, 1.25, partial=True))
    with pytest.raises(GremlinServerError) as caught:
        ask(ADD, b0=pk, b1="fan:1", b2=1)
    assert caught.value.status_attributes["x-ms-retry-after-ms"] == "00:00:01.2500000"
    assert len(ask("g.V([b0,b1])", b0=pk, b1="fan:1")) == 1


def test_who_spends_more_than_the_budget_waits_as_long_as_the_answer_says(pk: str) -> None:
    with Standin(server.address(), units=10) as standin, closing(connected(standin)) as client:
        values = {"b0": pk, "b1": "fan:1", "b2": 1}
        client.submit(ADD, values).all().result()
        client.submit(ADD, values).all().result()
        with pytest.raises(GremlinServerError) as caught:
            client.submit(ADD, values).all().result()
        assert caught.value.status_attributes["x-ms-status-code"] == 429
        after = caught.value.status_attributes["x-ms-retry-after-ms"]
        time.sleep(float(after.rpartition(":")[2]) + 0.01)
        assert len(client.submit(ADD, values).all().result()) == 1


def test_a_socket_is_cut_in_use(standin: Standin, ask: Ask, pk: str) -> None:
    standin.faults.inject(Fault())
    with pytest.raises(Exception, match=r"(?i)clos|disconnect|reset"):
        ask(ADD, b0=pk, b1="fan:1", b2=1)


def test_an_idle_socket_is_closed(pk: str) -> None:
    with Standin(server.address(), idle=0.2) as standin, closing(connected(standin)) as client:
        client.submit("g.V([b0,b1])", {"b0": pk, "b1": "i"}).all().result()
        time.sleep(0.6)
        with pytest.raises(Exception, match=r"(?i)clos|disconnect|reset"):
            client.submit("g.V([b0,b1])", {"b0": pk, "b1": "i"}).all().result()
