"""Planted words go through the running service: where they are, and that an erasure removes all of them."""

import asyncio
import os
import signal
import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import orjson
import ray
from redis.asyncio import Redis

from encryption.keyring import Keyring
from errors import CheckpointError
from frames.log import connect_redis
from history.checkpoints import Checkpoints, _parsed
from history.history import History
from tests.conftest import PATIENCE, Service
from tests.service.talk import Raw, actor_of, chat, in_graph, message, page, post, recent, settled

FAN, OTHER = 7_100_041, 7_100_042


class Canaries:
    """Words that nothing else has: of texts, of the fan's name and handle, and of what is held."""

    def __init__(self) -> None:
        self.text, self.name, self.handle, self.held, self.late = (f"c{uuid.uuid4().hex}" for _ in range(5))

    @property
    def words(self) -> list[str]:
        return [self.text, self.name, self.handle, self.held, self.late]

    def within(self, data: bytes) -> list[str]:
        return [word for word in self.words if word.encode() in data]


def in_files(folder: Path, canaries: Canaries) -> dict[str, list[str]]:
    """The canaries by file, relative to the folder."""
    found: dict[str, list[str]] = {}
    for file in folder.rglob("*"):
        try:
            words = canaries.within(file.read_bytes()) if file.is_file() else []
        except FileNotFoundError:  # gone meanwhile
            continue
        if words:
            found[str(file.relative_to(folder))] = words
    return found


async def in_redis(redis: Redis, canaries: Canaries) -> dict[str, list[str]]:
    """The canaries by key, also in values that are compressed."""
    found: dict[str, list[str]] = {}
    async for key in redis.scan_iter(count=1_000):
        words = [word for piece in await _pieces(redis, key) for word in canaries.within(_opened(piece))]
        if words := [*words, *canaries.within(key)]:
            found[key.decode()] = words
    return found


async def _pieces(redis: Any, key: bytes) -> Iterable[bytes]:
    match await redis.type(key):
        case b"hash":
            return [piece for pair in (await redis.hgetall(key)).items() for piece in pair]
        case b"set":
            return list(await redis.smembers(key))
        case b"zset":
            return list(await redis.zrange(key, 0, -1))
        case b"stream":
            return [piece for _, fields in await redis.xrange(key) for piece in fields.values()]
        case b"string":
            return [await redis.get(key)]
    return []


def _opened(piece: bytes) -> bytes:
    try:
        return zlib.decompress(piece)
    except zlib.error:
        return piece


def in_checkpoints(service: Service, user_id: str, canaries: Canaries) -> list[str]:
    """The canaries of the user's checkpoints, all of which can be read."""
    folder = Path(Checkpoints(str(service.folder / "checkpoints"), user_id, 0)._folder)
    history, found = History(gap=21_600, silence=300), []
    for file in folder.iterdir():
        try:
            checkpoint = _parsed(file.read_bytes(), Keyring(user_id))
        except CheckpointError:
            raise AssertionError(f"{file.name} is no checkpoint, and may hold anything") from None
        for _, packed in checkpoint.chats:
            cached = history.unpacked_from(packed)
            found += canaries.within(repr((cached.chat, cached.messages, cached.nodes)).encode())
    return found


async def complete(http: httpx.AsyncClient, user_id: str, receipt: Raw) -> Raw:
    """The receipt, once nothing is left."""
    async with asyncio.timeout(PATIENCE):
        while receipt["completed_at"] is None:
            await asyncio.sleep(0.2)
            answer = await http.get(f"/api/v1/privacy/{user_id}/receipts/{receipt['receipt']}")
            receipt = answer.json()
    return receipt


async def test_words_are_only_where_text_is_kept_and_nowhere_once_they_are_erased(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    canaries = Canaries()
    runtime = Path(service.redis_url.removeprefix("unix://")).parent  # Ray's folder, with its logs
    redis = connect_redis(service.redis_url)
    told = [{**chat(FAN, name=canaries.name)}, chat(OTHER)]
    told[0]["withUser"]["username"] = canaries.handle
    said = [
        message(11, FAN, recent(90), f"i love yoga, mail me: {canaries.text}@example.com"),
        message(12, FAN, recent(80), "anytime", by="creator"),
        message(21, OTHER, recent(70), "hello there"),
    ]
    held = {"id": 13, "fromUser": {"id": FAN}, "text": canaries.held, "createdAt": "never"}
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": told, "messages": said})
        await post(http, user_id, "messages", [held])
        live = message(14, FAN, recent(1), f"{canaries.late} tonight")
        receipt = await post(http, user_id, "messages", [live])
        await settled(listener, http, user_id, receipt["sequence"])
        refused = await http.post(f"/api/v1/ingest/{user_id}/messages", content=f'"{canaries.text}"')
        assert refused.status_code == 422
        assert not canaries.within(refused.content)

        exported = await http.get(f"/api/v1/privacy/{user_id}/export", params={"fan_id": FAN})
        assert set(canaries.within(exported.content)) == set(canaries.words)
        lines = [orjson.loads(line) for line in exported.content.splitlines()]
        assert {line.get("chat_id") for line in lines if line["type"] == "message"} == {str(FAN)}
        assert lines[-1] == {"type": "end"}
        for path in ("/api/v1/chats", f"/api/v1/chats/{FAN}/messages"):
            shown = await http.get(path, params={"user_id": user_id, "mask": True})
            assert {canaries.name, canaries.handle, canaries.text}.isdisjoint(canaries.within(shown.content))
            assert "Fan " in shown.text

        [node] = ray.nodes()  # type: ignore[no-untyped-call]
        address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        assert not canaries.within((await http.get(address)).content)
        stores = {name.split("/")[0] for name in in_files(service.folder, canaries)}
        assert stores == {"redis", "search"}  # checkpoints are compressed; logs and the graph have none
        assert in_files(runtime, canaries) == {}
        assert {key.split(":")[0] for key in await in_redis(redis, canaries)} <= {
            "journal",
            "frames",
            "held",
            "state",
        }

        erasing = asyncio.create_task(http.delete(f"/api/v1/privacy/{user_id}", params={"fan_id": FAN}))
        pid = await (await actor_of(user_id)).__ray_call__.remote(lambda _: os.getpid())
        os.kill(pid, signal.SIGKILL)
        answer = await erasing
        assert answer.status_code in (200, 202), answer.text
        receipt = await complete(http, user_id, answer.json())
        assert receipt["removed"]["messages"] == 3
        assert receipt["left"] == []

        again = await post(http, user_id, "snapshot", {"chats": told, "messages": [*said, live]})
        assert again["accepted"] == 0
        await listener.status("REALTIME")
        async with page(service.ws, user_id) as other:
            synced = await other.until(lambda frame: frame["type"] == "full_sync_response")
        assert [each["conversationId"] for each in synced["payload"]["conversations"]] == [str(OTHER)]
        boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
        await in_graph(http, user_id, boot["analytics"])
        assert boot["analytics"]["chats"] == 1

        assert await in_redis(redis, canaries) == {}
        async with asyncio.timeout(PATIENCE):
            while in_files(service.folder, canaries):  # noqa: ASYNC110 (Redis unlinks what it replaced beside its work)
                await asyncio.sleep(0.2)
        assert in_files(runtime, canaries) == {}
        assert in_checkpoints(service, user_id, canaries) == []

        verdict = await http.post(
            "/api/v1/privacy/receipts/verify", json=receipt, params={"fan_id": FAN, "creator_id": user_id}
        )
        assert verdict.json() == {"valid": True, "is_of": True}
        listed = await http.get(f"/api/v1/privacy/{user_id}/receipts")
        assert receipt in listed.json()

        lifted = await http.delete(f"/api/v1/privacy/{user_id}/tombstones", params={"fan_id": FAN})
        assert lifted.json() == {"lifted": 1}
        assert (await post(http, user_id, "messages", [live]))["accepted"] == 1
        assert (await http.delete(f"/api/v1/privacy/{user_id}", params={"fan": FAN})).status_code == 422
        gone = await http.delete(f"/api/v1/privacy/{user_id}", params={"everything": True})
        assert (await complete(http, user_id, gone.json()))["scope"] == "user"
        assert user_id not in [each["user_id"] for each in (await http.get("/api/v1/users")).json()]
    await redis.connection_pool.disconnect()
