"""How the service's tests talk to it: chats in the platform's shape, and a page that listens."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import ray
from ray.exceptions import RayActorError
from websockets.asyncio.client import ClientConnection, connect

from tests.conftest import PATIENCE, ROOT, Service

Raw = dict[str, Any]


async def actor_of(user_id: str) -> Any:
    """The user's actor, as soon as it is up; this process is a driver on the service's Ray."""
    registry: Any = ray.get_actor("registry", namespace="analytics")
    async with asyncio.timeout(PATIENCE):
        while (found := await registry.owner.remote(user_id)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def kill_owner(user_id: str) -> int:
    """kill -9 the user's actor; returns its process id. As `actor_of`."""
    while True:
        actor: Any = await actor_of(user_id)
        try:
            pid: int = await actor.__ray_call__.remote(lambda self: os.getpid())
        except RayActorError:  # it was killed just now; another takes its place
            await asyncio.sleep(0.05)
            continue
        os.kill(pid, signal.SIGKILL)
        return pid


def message(id: object, fan: int, at: datetime, text: str = "", *, by: str = "fan", **more: Any) -> Raw:
    """A message as the platform has it; the creator's own echo has `toUser` and no `fromUser`."""
    sides: Raw = {"fromUser": {"id": fan}} if by == "fan" else {"toUser": {"id": fan}}
    return {
        "id": id,
        "text": f"<p>{text}</p>" if text else None,
        "createdAt": at.isoformat(),
        **sides,
        **more,
    }


def chat(fan: int, *, unread: int = 0, name: str = "") -> Raw:
    return {
        "withUser": {"id": fan, "name": name or f"Fan {fan}", "username": f"fan{fan}"},
        "unreadMessagesCount": unread,
    }


def recent(minutes: float) -> datetime:
    """A whole second that many minutes ago."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)


async def post(http: httpx.AsyncClient, user_id: str, kind: str, body: Any) -> Raw:
    answer = await http.post(f"/api/v1/ingest/{user_id}/{kind}", content=orjson.dumps(body))
    assert answer.status_code == 202, answer.text
    receipt: Raw = answer.json()
    return receipt


def owner(service: Service, user_id: str, wanted: str) -> str:
    """Of a service of a test's own: the process of the user's actor ("pid"), or its end in order ("end").

    Blocking.
    """
    command = [sys.executable, "-m", "tests.service.owner", service.ray_address, user_id, wanted]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return "".join(re.findall(r"<(\d+)>", said))


class Listener:
    """A page's socket, and every frame it has got."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames: list[Raw] = []

    async def until(self, wanted: Callable[[Raw], bool]) -> Raw:
        """The next frame that is wanted; fails when it does not come."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame: Raw = orjson.loads(await self._socket.recv())
                self.frames.append(frame)
                if wanted(frame):
                    return frame

    async def status(self, status: str) -> Raw:
        return await self.until(lambda f: f["type"] == "system_status" and f["payload"]["status"] == status)

    def of(self, kind: str) -> list[Raw]:
        return [frame["payload"] for frame in self.frames if frame["type"] == kind]


def dial(url: str, **more: Any) -> connect:
    """A socket of the service, which no slowness of the machine ends."""
    return connect(url, open_timeout=PATIENCE, ping_interval=None, max_size=None, proxy=None, **more)


@asynccontextmanager
async def page(ws: str, user_id: str, **query: str) -> AsyncIterator[Listener]:
    asked = str(httpx.QueryParams(query))
    async with dial(f"{ws}/ws/frontend/{user_id}?{asked}") as socket:
        listener = Listener(socket)
        await listener.until(lambda frame: frame["type"] == "connection_ack")
        yield listener


async def settled(listener: Listener, http: httpx.AsyncClient, user_id: str, sequence: int) -> Raw:
    """The user's bootstrap once everything up to `sequence` is enriched and in the graph.

    A page that comes meanwhile is told where things stand: messages may be there that are not enriched yet.
    """
    shows = ("analytics_update", "full_sync_response")
    await listener.until(lambda frame: frame["type"] in shows and frame["sequence"] >= sequence)
    boot = await enriched(http, user_id)
    await in_graph(http, user_id, boot["analytics"])
    return boot


async def enriched(http: httpx.AsyncClient, user_id: str) -> Raw:
    """The user's bootstrap once each message in it is enriched."""
    async with asyncio.timeout(PATIENCE):
        while True:
            boot: Raw = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
            if _is_enriched(boot):
                return boot
            await asyncio.sleep(0.05)


async def synced(listener: Listener) -> Raw:
    """What the first full sync has that shows something, all of it enriched, once the user is live.

    A page that comes meanwhile is told where things stand before.
    """

    def is_whole(frame: Raw) -> bool:
        told = frame["type"] == "full_sync_response" and frame["payload"]
        return bool(told and told["conversations"]) and _is_enriched(told)

    sync: Raw = (await listener.until(is_whole))["payload"]
    while listener.of("system_status")[-1]["status"] != "REALTIME":
        await listener.until(lambda frame: frame["type"] == "system_status")
    return sync


def _is_enriched(shown: Raw) -> bool:
    messages = (each for node in shown["conversations"] for each in node["messages"])
    return all(each.get("topics") is not None for each in messages)


async def in_graph(http: httpx.AsyncClient, user_id: str, shown: Raw) -> None:
    """Return once the graph, which is written beside it, has what pages are shown.

    A graph that is slow to answer is mostly left alone, so that it can be written.
    """
    counted = ("conversations", "messageCount", "messages", "actions", "outcomes", "unreadCounts")
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get("/api/v1/insights/full", params={"user_id": user_id})
            if answer.is_success and all(answer.json()[name] == shown[name] for name in counted):
                return
            await asyncio.sleep(0.05 + 3 * answer.elapsed.total_seconds())


def numbers(update: Raw) -> Raw:
    """An analytics update without what the clock moves: its window and the waiting part of priorities.

    And without what lists the conversations behind it, which names window and user; pages get none.
    """
    moved = ("startDate", "endDate", "as_of", "priorityScores", "priority", "drill")
    kept = {name: value for name, value in update.items() if name not in moved}
    if "topics" in update:
        kept["topics"] = [{**topic, "drill": None} for topic in update["topics"]]
    kept["priority"] = {
        chat: {
            part: round(value, 6) if isinstance(value, float) else value
            for part, value in parts.items()
            if part not in ("waiting", "score")
        }
        for chat, parts in update["priority"].items()
    }
    return kept
