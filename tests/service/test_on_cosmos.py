"""The whole service, encrypting, with its graph in a stand-in for Cosmos DB that fails all the time.

Scenarios, kills, and what a stop leaves and the next start finds. What the graph is told does not depend on
encryption, and has no words: test_privacy_live.py looks for them in the files of an embedded one.
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
from tests.encryption.places import key_files, master_file, other_file
from tests.service import test_scenario as scenario
from tests.service.cosmos import failing_cosmos
from tests.service.planted import Planted
from tests.service.processes import processes_of, until
from tests.service.talk import Raw, dial, numbers, owner, page, post, settled
from tests.service.test_graph_care import command
from tests.service.test_launch import launch


@pytest.mark.own_service
async def test_scenarios_kills_and_a_restart_end_with_the_right_graph_whatever_fails_and_no_file_has_words(
    tmp_path: Path, user_id: str
) -> None:
    """With two writers. What was acknowledged is all back after the kills and the restart.

    HAProxy is started anew several times while the service starts; here one that was replaced ends within a
    second, and a socket that was taken before lives on.
    """
    killed, port = f"{user_id}-killed", str(free_port())
    data, secrets, planted = tmp_path / "data", tmp_path / "secrets", Planted(f"{user_id}-plants")
    await asyncio.to_thread(secrets.mkdir)
    with failing_cosmos() as (standin, cosmos):
        settings = {
            **cosmos,
            "ENCRYPTION": "required",
            "ENCRYPTION_KEY_FILE": str(master_file(secrets)),
            "GRAPH_WRITERS": "2",
            "PORT": port,
            "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "1",
        }
        starting = asyncio.create_task(asyncio.to_thread(start, data, **settings))
        socket = await first_taken(f"ws://127.0.0.1:{port}/ws/frontend/{user_id}-waits", starting)
        service = await starting
        runtime = Path(service.redis_url.removeprefix("unix://")).parent  # Ray's folder, with its logs
        try:
            await until(lambda: sum("/haproxy -db" in each for each in processes_of(data)) == 1)
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
                planted.plant(service),
            )
            await planted.check_back(service)  # from the journal
            found = numbers(await figures(service, killed))
            assert found == numbers(await figures(service, f"{killed}-at-once"))
            shown = numbers(await on_page(service, killed))
            # The graph has what the owners hold, element by element, and nothing else.
            code, out, err = await command(service, "check", **settings)
            assert (code, out.splitlines()[-1]) == (0, "All is well."), err  # Ray may warn before it
            assert planted.within(runtime) == {}
        finally:
            await asyncio.to_thread(stop, service)
        await socket.wait_closed()
        assert socket.close_code == 1012
        # Ray tells of the killed owner.
        said = re.sub(r".*\(raylet\).*\n", "", (data / "log").read_text())
        assert not re.search("error|exception|traceback|fail|died", said, re.IGNORECASE), said
        assert said.endswith("Stopped.\n")
        assert processes_of(data) == []
        assert planted.within(data) == {}
        assert {file.suffix for file in key_files(data)} == {".key"}

        wrong = {**settings, "ENCRYPTION_KEY_FILE": str(other_file(secrets))}
        without = {name: value for name, value in settings.items() if not name.startswith("ENCRYPTION")}
        for refused_with in (wrong, without):
            refused = await asyncio.to_thread(launch, data, **refused_with)
            assert refused.returncode == 1
            assert refused.stderr.startswith(
                "error: DATA_KEYS_URL: data keys there were wrapped by master key "
            )
            assert refused.stderr.count("\n") == 1

        service = await asyncio.to_thread(start, data, **settings)
        try:
            assert numbers(await figures(service, killed)) == found
            assert numbers(await on_page(service, killed)) == shown
            await planted.check_back(service)  # from a checkpoint
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
    everything = scenario.history()[40:]
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": scenario.CHATS, "messages": everything[:25]})
        os.kill(int(await asyncio.to_thread(owner, service, user_id, "pid")), signal.SIGKILL)
        receipt = await post(http, user_id, "messages", everything[25:])
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
