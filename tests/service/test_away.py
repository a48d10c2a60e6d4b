"""Redis or the graph away: nothing is acknowledged that is not kept, all wait quietly, and all go on."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import PATIENCE, Service, start, stop
from tests.gremlin_server import server
from tests.history.store import Store, running_store
from tests.service.talk import Raw, dial, in_graph, message, numbers, owner, page, post, recent, settled

pytestmark = pytest.mark.own_service
QUIET = 3.0  # seconds of an outage that are watched


@dataclass
class Surroundings:
    service: Service
    store: Store
    graph: server.Server


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    """A service on a Redis and a graph that a test may kill."""
    folder = Path(tempfile.mkdtemp(prefix="analytics-away-"))
    graph = server.Server(server.jars())
    with running_store() as store:
        service = start(folder, REDIS_URL=store.url, GRAPH_URL=graph.address)
        surroundings = Surroundings(service, store, graph)
        try:
            yield surroundings
        finally:
            stop(service)
            surroundings.graph.stop()
            shutil.rmtree(folder, ignore_errors=True)


def line(number: int) -> Raw:
    return message(number, 41, recent(100 - number), f"message number {number}")


async def ready(http: httpx.AsyncClient, wanted: int) -> Raw:
    """The answer of /ready once it has that status."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await http.get("/ready")).status_code != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    found: Raw = answer.json()
    return found


async def posted(http: httpx.AsyncClient, user_id: str, body: Any) -> Raw:
    """The receipt, once it is accepted: what a client does that is told to come again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.post(f"/api/v1/ingest/{user_id}/messages", content=orjson.dumps(body))
            if answer.status_code == 202:
                receipt: Raw = answer.json()
                return receipt
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(float(answer.headers["Retry-After"]))


class Actor:
    """The process of a user's actor: what it costs and what it says while it waits."""

    def __init__(self, service: Service, user_id: str) -> None:
        self._pid = int(owner(service, user_id, "pid"))
        self._log = Path(f"/proc/{self._pid}/fd/2").resolve()

    def cpu_seconds(self) -> float:
        stat = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def lines(self) -> int:
        return len(self._log.read_text().splitlines())


async def test_while_redis_is_away_nothing_is_acknowledged_and_all_goes_on_when_it_is_back(
    around: Surroundings, user_id: str
) -> None:
    service = around.service
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        async with page(service.ws, user_id) as listener:
            first = await post(http, user_id, "messages", [line(1), line(2)])
            await settled(listener, http, user_id, first["sequence"])
            actor = await asyncio.to_thread(Actor, service, user_id)
            around.store.kill()
            refused = await http.post(f"/api/v1/ingest/{user_id}/messages", content=orjson.dumps(line(3)))
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert refused.json()["error"]["code"] in ("journal_unavailable", "unavailable")
            with pytest.raises(ConnectionClosed) as cut:
                await listener.until(lambda frame: False)
            assert cut.value.rcvd is not None
            assert cut.value.rcvd.code == 4008
        assert (await ready(http, 503))["checks"]["redis"] != "ok"
        async with dial(f"{service.ws}/ws/frontend/{user_id}") as late:
            with contextlib.suppress(ConnectionClosed):
                async for _ in late:
                    pass
            assert late.close_code == 1013
        cpu, lines = actor.cpu_seconds(), actor.lines()
        await asyncio.sleep(QUIET)  # the outage goes on
        assert actor.cpu_seconds() - cpu < QUIET / 2
        assert actor.lines() - lines < 20
        around.store.restart()
        assert (await ready(http, 200))["checks"]["redis"] == "ok"
        async with page(service.ws, user_id) as listener:
            last = await posted(http, user_id, [line(3), line(4)])
            boot = await settled(listener, http, user_id, last["sequence"])
        [node] = boot["conversations"]
        assert [m["id"] for m in node["messages"]] == [1, 2, 3, 4]


async def test_while_the_graph_is_away_ingest_is_acknowledged_and_written_when_it_is_back(
    around: Surroundings, user_id: str
) -> None:
    service = around.service
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        around.graph.stop()
        receipt = await post(http, user_id, "messages", [line(1), line(2)])  # the journal has it
        assert (await ready(http, 503))["checks"]["graph"] != "ok"
        asked = await http.get("/api/v1/insights/full", params={"user_id": user_id})
        assert asked.status_code == 503
        assert "Retry-After" in asked.headers
        actor = await asyncio.to_thread(Actor, service, user_id)
        cpu, lines = actor.cpu_seconds(), actor.lines()
        await asyncio.sleep(QUIET)
        assert actor.cpu_seconds() - cpu < QUIET / 2
        assert actor.lines() - lines < 20
        around.graph = server.Server(server.jars(), around.graph.port)
        await ready(http, 200)
        async with page(service.ws, user_id) as listener:
            last = await post(http, user_id, "messages", [line(3)])
            boot = await settled(listener, http, user_id, max(receipt["sequence"], last["sequence"]))
        [node] = boot["conversations"]
        assert [m["id"] for m in node["messages"]] == [1, 2, 3]
        assert boot["analytics"]["conversations"] == 1
        assert boot["analytics"]["unreadCounts"] == {"41": 3}


async def test_a_graph_that_was_lost_is_written_anew_when_the_user_comes_back(
    around: Surroundings, user_id: str
) -> None:
    service = around.service
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        async with page(service.ws, user_id) as listener:
            receipt = await post(http, user_id, "messages", [line(1), line(2)])
            before = await settled(listener, http, user_id, receipt["sequence"])
        await asyncio.to_thread(owner, service, user_id, "end")
        around.graph.stop()
        around.graph = server.Server(server.jars(), around.graph.port)  # it kept everything in memory
        await ready(http, 200)
        async with page(service.ws, user_id) as listener:
            await listener.until(
                lambda f: f["type"] == "full_sync_response" and f["payload"]["analytics"]["conversations"] > 0
            )
        again = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
        assert numbers(again["analytics"]) == numbers(before["analytics"])
        await in_graph(http, user_id, before["analytics"])
