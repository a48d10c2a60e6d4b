"""The launcher: what it refuses and says, what it leaves behind, and what a second start finds."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from local.ray import free_port
from local.redis import running_redis
from tests.conftest import PATIENCE, ROOT, Service, start, stop
from tests.service.cosmos import failing_cosmos
from tests.service.talk import Raw, chat, message, numbers, page, post, recent, settled

# Each starts a service of its own: one at a time is enough for a small machine.
pytestmark = pytest.mark.own_service


def launch(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.launch"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = launch(tmp_path, PORT=str(port), RAY_DASHBOARD_PORT=str(free_port()))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: PORT={port}: ")
    assert refused.stderr.count("\n") == 1


def test_a_second_service_on_the_same_data_is_refused(service: Service) -> None:
    refused = launch(service.folder)
    assert refused.returncode == 1
    assert "is used by a running service" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert httpx.get(f"{service.url}/health", timeout=PATIENCE).status_code == 200


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    refused = launch(tmp_path, HOST="0.0.0.0")
    assert refused.returncode == 1
    assert "HOST=0.0.0.0" in refused.stderr


@pytest.fixture
def cosmos() -> Iterator[dict[str, str]]:
    """The settings of a service whose graph is in a stand-in for Cosmos DB."""
    with failing_cosmos() as (_, settings):
        yield settings


async def test_a_stop_tells_sockets_and_leaves_no_process_and_the_next_start_finds_the_data(
    tmp_path: Path, cosmos: dict[str, str], user_id: str
) -> None:
    """With the graph in Cosmos DB, which keeps it meanwhile and fails all the time.

    HAProxy is started anew several times while the service starts; here one that was replaced ends within a
    second, and a socket that was taken before lives on.
    """
    port = str(free_port())
    settings = {**cosmos, "PORT": port, "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "1"}
    starting = asyncio.create_task(asyncio.to_thread(start, tmp_path, **settings))
    socket = await _first_taken(f"ws://127.0.0.1:{port}/ws/frontend/{user_id}", starting)
    first = await starting
    raws = [message(n, 40 + n % 3, recent(600 - n * 20), "i love this, thank you ❤️") for n in range(20)]
    try:
        await _until(lambda: len(_haproxies(tmp_path)) == 1)
        await (await socket.ping())
        async with (
            httpx.AsyncClient(base_url=first.url, timeout=PATIENCE) as http,
            page(first.ws, user_id) as listener,
        ):
            chats = [chat(40), chat(41), chat(42)]
            receipt = await post(http, user_id, "snapshot", {"chats": chats, "messages": raws})
            before = await settled(listener, http, user_id, receipt["sequence"])
            assert before["analytics"]["conversations"] > 0
    finally:
        await asyncio.to_thread(stop, first)
    await socket.wait_closed()
    assert socket.close_code == 1012
    said = (tmp_path / "log").read_text()
    assert not re.search("error|exception|traceback|fail|died", said, re.IGNORECASE), said
    assert said.endswith("Stopped.\n")
    assert _processes_of(tmp_path) == []

    second = start(tmp_path, **settings)
    try:
        async with httpx.AsyncClient(base_url=second.url, timeout=PATIENCE) as http:
            insight = await http.get("/api/v1/insights/full", params={"user_id": user_id})
            assert numbers(insight.json())["topics"] == numbers(before["analytics"])["topics"]
            async with page(second.ws, user_id) as listener:
                sync = await listener.until(lambda frame: frame["type"] == "full_sync_response")
                assert numbers(sync["payload"]["analytics"]) == numbers(before["analytics"])
    finally:
        stop(second)


async def test_a_killed_redis_and_an_idle_users_process_come_back_with_all_that_was_acknowledged(
    tmp_path: Path, user_id: str
) -> None:
    running = start(tmp_path, USER_IDLE="2", USERS_PER_NODE="2")
    users, sent = [f"{user_id}-{n}" for n in range(3)], recent(60)
    try:
        async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as http:
            await post(http, user_id, "snapshot", {"chats": [chat(40)], "messages": []})
            pids = [_redis_of(tmp_path)]
            for n in range(1, 61):
                if n % 20 == 0:
                    os.kill(pids[-1], signal.SIGKILL)
                await _insist(http, user_id, message(n, 40, recent(600 - n), f"message {n}"))
                if n % 20 == 0:
                    pids.append(_redis_of(tmp_path))
            shown: list[int] = []
            deadline = time.monotonic() + PATIENCE
            # What was acknowledged is shown once it is enriched.
            while len(shown) < 60 and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
                boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
                shown = [each["id"] for node in boot["conversations"] for each in node["messages"]]
            for n, user in enumerate(users):
                raws = [message(1 + n, 40, sent, f"from {user}")]
                await post(http, user, "snapshot", {"chats": [chat(40)], "messages": raws})
            await _until(lambda: len(_user_actors(tmp_path)) == 1)  # the spare one
            for n, user in enumerate(users):
                boot = (await http.get(f"/api/v1/frontend/bootstrap/{user}")).json()
                [conversation] = boot["conversations"]
                assert [each["id"] for each in conversation["messages"]] == [1 + n]
                receipt = await post(http, user, "messages", message(1 + n, 40, sent, f"from {user}"))
                assert receipt["duplicates"] == 1
    finally:
        stop(running)
    assert len(set(pids)) == 4
    assert (tmp_path / "log").read_text().count("Redis has died; starting it again") == 3
    assert shown == list(range(1, 61))
    assert _processes_of(tmp_path) == []


def test_a_redis_that_outlived_its_service_is_stopped_by_the_next_start(tmp_path: Path) -> None:
    """Two servers on one append-only file would ruin it."""
    folder = tmp_path / "redis"
    with (
        tempfile.TemporaryDirectory(prefix="analytics-") as first,
        tempfile.TemporaryDirectory(prefix="analytics-") as second,
    ):
        orphan = subprocess.Popen(
            [sys.executable, "-c", _A_SERVICE, str(folder), f"{first}/redis.sock"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert orphan.stdout is not None
        assert orphan.stdout.readline()
        orphan.kill()
        orphan.communicate()
        left = _redis_of(tmp_path)
        assert Path(f"/proc/{left}").exists()
        with running_redis(folder, Path(second) / "redis.sock", print) as url:
            assert not Path(f"/proc/{left}").exists()
            with Redis.from_url(url) as redis:
                assert redis.get("kept") == b"yes"


_A_SERVICE = """
import sys, time
from pathlib import Path
from redis import Redis
from local.redis import running_redis
with running_redis(Path(sys.argv[1]), Path(sys.argv[2]), print) as url:
    Redis.from_url(url).set("kept", "yes")
    print("up", flush=True)
    time.sleep(600)
"""


def _redis_of(folder: Path) -> int:
    return int((folder / "redis" / "pid").read_text())


async def _insist(http: httpx.AsyncClient, user_id: str, body: Raw) -> None:
    """Send it until it is acknowledged, as an extension does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.post(f"/api/v1/ingest/{user_id}/messages", json=body)
            if answer.status_code == 202:
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)


async def _first_taken(url: str, starting: "asyncio.Task[Service]") -> ClientConnection:
    """The first socket that is not turned away, tried all the time that the service starts."""
    while not starting.done():
        with contextlib.suppress(OSError, WebSocketException):
            socket = await connect(url, open_timeout=PATIENCE)
            if orjson.loads(await socket.recv())["type"] == "connection_ack":
                return socket
        await asyncio.sleep(0.05)
    return await connect(url)


def _haproxies(folder: Path) -> list[str]:
    return [command for command in _processes_of(folder) if "/haproxy -db" in command]


def _user_actors(folder: Path) -> list[str]:
    return [command for command in _processes_of(folder) if "UserActor" in command]


def _processes_of(folder: Path) -> list[str]:
    """Commands of processes that run with this data folder in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
