"""The whole service with its graph in a stand-in for Cosmos DB that fails all the time.

Scenarios, a kill, and what a stop leaves and the next start finds.
"""

import asyncio
import contextlib
import os
import re
import signal
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from local.ray import free_port
from tests.conftest import PATIENCE, Service, start, stop
from tests.service import test_scenario as scenario
from tests.service.cosmos import failing_cosmos
from tests.service.processes import processes_of, until
from tests.service.talk import Raw, dial, numbers, owner, page, post, settled
from tests.service.test_graph_care import command


@pytest.mark.own_service
async def test_scenarios_a_kill_and_a_restart_end_with_the_right_graph_whatever_fails(
    tmp_path: Path, user_id: str
) -> None:
    """With two writers.

    HAProxy is started anew several times while the service starts; here one that was replaced ends within a
    second, and a socket that was taken before lives on.
    """
    killed, port = f"{user_id}-killed", str(free_port())
    with failing_cosmos() as (standin, cosmos):
        settings = {
            **cosmos,
            "GRAPH_WRITERS": "2",
            "PORT": port,
            "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "1",
        }
        starting = asyncio.create_task(asyncio.to_thread(start, tmp_path, **settings))
        socket = await first_taken(f"ws://127.0.0.1:{port}/ws/frontend/{user_id}-waits", starting)
        service = await starting
        try:
            await until(lambda: sum("/haproxy -db" in each for each in processes_of(tmp_path)) == 1)
            await (await socket.ping())
            await asyncio.gather(
                scenario.test_deltas_before_during_and_after_a_snapshot_arrive_in_order_once_and_with_the_same_numbers(
                    service, user_id
                ),
                scenario.test_a_repeated_snapshot_changes_nothing(service, f"{user_id}-repeats"),
                scenario.test_an_edit_replaces_the_message_and_a_deletion_removes_it(
                    service, f"{user_id}-edits"
                ),
                kill_while_it_writes(service, killed),
            )
            found = numbers(await figures(service, killed))
            assert found == numbers(await figures(service, f"{killed}-at-once"))
            shown = numbers(await on_page(service, killed))
            # The graph has what the owners hold, element by element, and nothing else.
            code, out, err = await command(service, "check", **settings)
            assert (code, out.splitlines()[-1]) == (0, "All is well."), err  # Ray may warn before it
        finally:
            await asyncio.to_thread(stop, service)
        await socket.wait_closed()
        assert socket.close_code == 1012
        # Ray tells of the killed owner.
        said = re.sub(r".*\(raylet\).*\n", "", (tmp_path / "log").read_text())
        assert not re.search("error|exception|traceback|fail|died", said, re.IGNORECASE), said
        assert said.endswith("Stopped.\n")
        assert processes_of(tmp_path) == []

        service = await asyncio.to_thread(start, tmp_path, **settings)
        try:
            assert numbers(await figures(service, killed)) == found
            assert numbers(await on_page(service, killed)) == shown
        finally:
            await asyncio.to_thread(stop, service)
    assert {0, 404, 409, 412, 429, 500, 1007, 1008} <= {each.status for each in standin.seen}


async def first_taken(url: str, starting: "asyncio.Task[Service]") -> ClientConnection:
    """The first socket that is not turned away, tried all the time that the service starts."""
    while not starting.done():
        with contextlib.suppress(OSError, WebSocketException):
            socket = await dial(url)
            if orjson.loads(await socket.recv())["type"] == "connection_ack":
                return socket
        await asyncio.sleep(0.05)
    return await dial(url)


async def kill_while_it_writes(service: Service, user_id: str) -> None:
    """A user whose owner is killed meanwhile, and one who sends the same in one snapshot."""
    everything = scenario.history()
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": scenario.CHATS, "messages": everything[:50]})
        os.kill(int(await asyncio.to_thread(owner, service, user_id, "pid")), signal.SIGKILL)
        receipt = await post(http, user_id, "messages", everything[50:])
        await settled(listener, http, user_id, receipt["sequence"])
    await scenario.one_snapshot(service, f"{user_id}-at-once", everything)


async def figures(service: Service, user_id: str) -> Raw:
    """As the graph has them."""
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        answer = await http.get("/api/v1/insights/full", params={"user_id": user_id})
    found: Raw = answer.raise_for_status().json()
    return found


async def on_page(service: Service, user_id: str) -> Raw:
    """The figures that a page shows which has just come."""
    async with page(service.ws, user_id) as listener:
        sync = await listener.until(lambda frame: frame["type"] == "full_sync_response")
    found: Raw = sync["payload"]["analytics"]
    return found
