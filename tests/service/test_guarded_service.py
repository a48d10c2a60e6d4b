"""The whole service with AUTH=required: two agencies, each of whose people sees its own, live."""

import asyncio
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import PATIENCE, ROOT, Service, start, stop
from tests.service.talk import chat, message, recent

pytestmark = pytest.mark.own_service

CREATOR = "4711"
SENTENCE = "i would love to hear more about your garden"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def command(service: Service, *arguments: str) -> str:
    """What `python -m access` prints, on the data folder of the service."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "access", *arguments),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "DATA_DIR": str(service.folder)},
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


async def kinds(socket: ClientConnection, until: str) -> list[dict[str, Any]]:
    """What a page is sent, up to the first frame of that type."""
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        while not told or told[-1]["type"] != until:
            told.append(orjson.loads(await socket.recv()))
    return told


def _status(told: list[dict[str, Any]]) -> str:
    """The last one that a page was told."""
    return [str(each["payload"]["status"]) for each in told if each["type"] == "system_status"][-1]


async def closed(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            return socket.close_code


async def test_two_agencies_on_one_service_see_their_own_alone(tmp_path: Path) -> None:
    service = await asyncio.to_thread(start, tmp_path, AUTH="required")
    try:
        await _agencies(service)
    finally:
        await asyncio.to_thread(stop, service)
    log = (tmp_path / "log").read_text()
    assert "first-key" in log
    assert SENTENCE not in log
    assert "ca_" not in log


async def _agencies(service: Service) -> None:
    file = service.folder / "first-key"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, service.folder / "secret")] == [0o600, 0o600]
    first = file.read_text().strip()
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:

        async def ask(key: str | None, path: str, method: str = "GET", **more: Any) -> httpx.Response:
            return await http.request(method, path, headers={} if key is None else bearer(key), **more)

        async def new_key(*grants: dict[str, str]) -> str:
            body = {"name": "test", "grants": grants}
            answer = await ask(first, "/api/v1/access/keys", "POST", json=body)
            assert answer.status_code == 201
            return str(answer.json()["key"])

        assert (await ask(None, "/ready")).json() == {"status": "ready"}
        assert "checks" in (await ask(first, "/ready")).json()
        assert (await ask(None, "/api/v1/users")).status_code == 401
        agents = [
            await new_key({"role": "agent", "user_id": f"agency{n}", "creator_id": CREATOR}) for n in (1, 2)
        ]
        chatters = [
            await new_key({"role": "chatter", "user_id": f"agency{n}", "creator_id": CREATOR}) for n in (1, 2)
        ]
        analyst = await new_key({"role": "analyst", "user_id": "agency1"})
        snapshot = {"chats": [chat(902)], "messages": [message(1, 902, recent(60), SENTENCE)]}
        for n, agent in enumerate(agents, 1):
            scope = {"creator_id": CREATOR}
            path = f"/api/v1/ingest/agency{n}/snapshot"
            assert (await ask(agent, path, "POST", params=scope, json=snapshot)).status_code == 202
            assert (await ask(agents[n % 2], path, "POST", params=scope, json=snapshot)).status_code == 404
        assert (await ask(chatters[0], "/api/v1/users")).json() == [
            {"user_id": "agency1", "creator_ids": [CREATOR]}
        ]

        own = f"{service.ws}/ws/frontend/agency1?creator_id={CREATOR}&merge=true"
        async with (
            connect(own, additional_headers=bearer(chatters[0])) as page,
            connect(own, subprotocols=["bearer", analyst]) as figures,  # type: ignore[list-item]
            connect(own, additional_headers=bearer(chatters[1])) as stranger,
            connect(f"{service.ws}/ws/extension/agency1?creator_id={CREATOR}") as extension,
        ):
            assert await closed(stranger) == 4403
            seen = await kinds(page, "full_sync_response")
            while _status(seen) != "REALTIME":  # what comes before is in a full sync
                seen += await kinds(page, "system_status")
            assert SENTENCE in str(seen)
            told = await kinds(figures, "analytics_update")
            authenticate = {"type": "authenticate", "payload": {"token": agents[0]}}
            await extension.send(orjson.dumps(authenticate).decode())
            live = message(2, 902, recent(0), "and about your cat")
            frame = {"type": "new_raw_message", "payload": {"message": live}}
            await extension.send(orjson.dumps(frame).decode())
            await kinds(extension, "ingest_ack")
            assert "your cat" in str(await kinds(page, "append_message"))
            told += await kinds(figures, "analytics_update")
            assert {each["type"] for each in told} <= {"connection_ack", "system_status", "analytics_update"}
            assert "garden" not in str([each for each in told if each["type"] != "analytics_update"])

            id = chatters[0].split("_")[1]
            began = time.monotonic()
            revoking = asyncio.create_task(ask(first, f"/api/v1/access/keys/key:{id}", "DELETE"))
            assert await closed(page) == 4401
            took = time.monotonic() - began
            assert (await revoking).status_code == 204
            assert took < 1.5, took  # the request that revokes it included
            assert (await ask(chatters[0], "/api/v1/users")).status_code == 401
        texts = await ask(analyst, "/api/v1/chats/902/messages", params={"user_id": "agency1"})
        assert texts.status_code == 403

    trail = await command(service, "audit", "show")
    assert f"key:{chatters[0].split('_')[1]}  text_read  creator_id={CREATOR}  user_id=agency1" in trail
    assert "garden" not in trail
    assert "ca_" not in trail
    assert "All is well." in await command(service, "audit", "verify")
    listed = await command(service, "keys", "list")
    assert "launcher" not in listed
    assert len(listed.splitlines()) == 5  # the first one, and all that were made but the one that was revoked
