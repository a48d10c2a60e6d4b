"""The launcher: what it refuses and says, what it leaves behind, and what a second start finds."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import ROOT, Service, start, stop
from tests.gremlin_server import server
from tests.service.talk import chat, message, numbers, page, post, recent, settled


def launch(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launch"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = launch(tmp_path, PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: PORT={port}: ")
    assert refused.stderr.count("\n") == 1


def test_a_second_service_on_the_same_data_is_refused(service: Service) -> None:
    refused = launch(service.folder)
    assert refused.returncode == 1
    assert "is used by a running service" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert httpx.get(f"{service.url}/health").status_code == 200


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    refused = launch(tmp_path, HOST="0.0.0.0")
    assert refused.returncode == 1
    assert "HOST=0.0.0.0" in refused.stderr


async def test_a_second_start_finds_the_data_and_a_stop_leaves_no_process(
    tmp_path: Path, user_id: str
) -> None:
    """On a real Gremlin Server, which keeps the graph meanwhile."""
    settings = {"GRAPH_URL": server.address()}
    raws = [message(n, 40 + n % 3, recent(600 - n * 20), "i love this, thank you ❤️") for n in range(20)]
    first = start(tmp_path, **settings)
    try:
        async with (
            httpx.AsyncClient(base_url=first.url, timeout=60) as http,
            page(first.ws, user_id) as listener,
        ):
            chats = [chat(40), chat(41), chat(42)]
            receipt = await post(http, user_id, "snapshot", {"chats": chats, "messages": raws})
            before = await settled(listener, http, user_id, receipt["sequence"])
            assert before["analytics"]["conversations"] > 0
    finally:
        stop(first)
    assert _processes_of(tmp_path) == []

    second = start(tmp_path, **settings)
    try:
        async with httpx.AsyncClient(base_url=second.url, timeout=60) as http:
            insight = await http.get("/api/v1/insights/full", params={"user_id": user_id})
            assert numbers(insight.json())["topics"] == numbers(before["analytics"])["topics"]
            async with page(second.ws, user_id) as listener:
                sync = await listener.until(lambda frame: frame["type"] == "full_sync_response")
                assert numbers(sync["payload"]["analytics"]) == numbers(before["analytics"])
    finally:
        stop(second)


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
