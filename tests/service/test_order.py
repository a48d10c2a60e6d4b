"""Order is the journal's, whatever Ray starts out of order and whatever sockets send at once."""

import asyncio
import os
import signal
from typing import Any

import httpx
import orjson
import ray
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from tests.conftest import PATIENCE, Service
from tests.service.talk import Raw, actor_of, message, page, post, recent, settled


def edit(number: int, version: int) -> Raw:
    """A message that every version of replaces, if only it is taken in the order of the journal."""
    return message(number, 41, recent(200 - number), f"version {version}", changedAt=recent(50).isoformat())


def body(*messages: Raw) -> bytes:
    return orjson.dumps(list(messages))


async def journaled(redis_url: str, user_id: str) -> list[str]:
    """Ids of the messages in the journal, in its order."""
    redis = Redis.from_url(redis_url)
    try:
        records: Any = await redis.xrange(f"journal:{user_id}")
        return [str(orjson.loads(fields[b"body"])["id"]) for _, fields in records if b"body" in fields]
    finally:
        await redis.aclose()


async def test_calls_that_ray_starts_out_of_order_are_carried_out_in_the_order_of_the_journal(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "messages", [message(1, 41, recent(300), "first")])
        await listener.status("REALTIME")
        actor: Any = await actor_of(user_id)

        @ray.remote(num_cpus=0)
        class Gate:
            """Holds back an argument until it is told to let it go."""

            def __init__(self) -> None:
                self._open = asyncio.Event()

            async def pass_on(self, value: bytes) -> bytes:
                await self._open.wait()
                return value

            async def open(self) -> None:
                self._open.set()

        gate: Any = Gate.remote()  # type: ignore[attr-defined]
        # Called first, but Ray starts it when its argument is there: after all that were called later.
        held_back = gate.pass_on.remote(body(edit(2, 1), message(3, 41, recent(100), "third")))
        first = actor.handle_delta.remote(user_id, held_back, user_id)
        later = [
            actor.handle_delta.remote(user_id, body(message(n, 41, recent(90 - n), f"number {n}")), user_id)
            for n in range(4, 24)
        ]
        receipts = [await each for each in later]
        await gate.open.remote()
        overtaken = await first
        assert overtaken["sequence"] > max(receipt["sequence"] for receipt in receipts)
        boot = await settled(listener, http, user_id, overtaken["sequence"])

        by_sequence = sorted(
            (receipt["sequence"], str(n)) for n, receipt in zip(range(4, 24), receipts, strict=True)
        )
        expected = ["1", *(id for _, id in by_sequence), "2", "3"]
        assert await journaled(service.redis_url, user_id) == expected
        appended = [f for f in listener.frames if f["type"] == "append_message"]
        sequences = [f["sequence"] for f in appended]
        assert sequences == sorted(sequences)
        shown = [str(m["id"]) for f in appended for m in f["payload"]["messages"]]
        assert sorted(shown, key=int) == [str(n) for n in range(1, 24)]
        # In the chat they stand in the order of their times, whatever way they came.
        [node] = boot["conversations"]
        assert [m["id"] for m in node["messages"]] == sorted(
            range(1, 24), key=lambda n: [m["createdAt"] for m in node["messages"] if m["id"] == n]
        )

        os.kill(await actor.__ray_call__.remote(lambda self: os.getpid()), signal.SIGKILL)
        again = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
        assert [m["id"] for m in again["conversations"][0]["messages"]] == [m["id"] for m in node["messages"]]


async def test_messages_of_one_socket_are_journaled_in_the_order_they_were_sent(
    service: Service, user_id: str
) -> None:
    async def send(first: int, count: int, size: int) -> None:
        """Send messages one a frame, small ones and large ones in turn, and wait for the receipts."""
        # A ping of ours would wait behind what was sent before it.
        async with connect(
            f"{service.ws}/ws/extension/{user_id}", max_size=None, ping_interval=None
        ) as socket:
            for n in range(first, first + count):
                text = f"number {n} " + "x" * (size if n % 7 == 0 else 0)
                frame = {"type": "new_raw_message", "payload": {"message": message(n, 41, recent(5), text)}}
                await socket.send(orjson.dumps(frame).decode())
            left = count
            async with asyncio.timeout(PATIENCE):
                while left:
                    answer = orjson.loads(await socket.recv())
                    if answer["type"] == "ingest_ack":
                        left -= answer["payload"]["accepted"]

    starts = (1_000, 2_000, 3_000)
    await asyncio.gather(*(send(first, 150, 5_000) for first in starts))
    ids = [int(id) for id in await journaled(service.redis_url, user_id)]
    assert len(ids) == 450
    for first in starts:
        own = [id for id in ids if first <= id < first + 1_000]
        assert own == list(range(first, first + 150))
