"""What is not taken yet stays with whoever sends it: the process that reads holds little of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from tests.conftest import PATIENCE, Service
from tests.service.processes import memory_of, replica_of
from tests.service.talk import message, owner, post, recent

PART = 2**20  # bytes
PARTS = 192
MOST = 64 * PART  # bytes: what others send meanwhile is among them
STILL = 2.0  # seconds; when as long nothing more goes out, nothing is taken

Send = Callable[[], Awaitable[None]]  # a part


@asynccontextmanager
async def by_socket(service: Service, user_id: str) -> AsyncIterator[Send]:
    """Frames after a message whose receipt has to come in the end."""
    padded = orjson.dumps({"type": "keepalive", "payload": {"timestamp": "x" * PART}}).decode()
    live = {"type": "new_raw_message", "payload": {"message": message(2, 41, recent(1), "and then?")}}
    url = f"{service.ws}/ws/extension/{user_id}"
    async with connect(url, max_size=None, ping_interval=None, proxy=None) as socket:
        await socket.send(orjson.dumps(live).decode())
        yield lambda: socket.send(padded)
        said: list[Any] = []
        while "ingest_ack" not in said:
            said.append(orjson.loads(await socket.recv())["type"])


@asynccontextmanager
async def as_a_body(service: Service, user_id: str) -> AsyncIterator[Send]:
    """The body of a question, which nobody reads; the answer has to come in the end."""
    address = service.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(f"GET /api/v1/chats?user_id={user_id} HTTP/1.1\r\nHost: {address}\r\n".encode())
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")

    async def send() -> None:
        writer.write(b"%x\r\n%b\r\n" % (PART, b"x" * PART))
        await writer.drain()

    with closing(writer):
        yield send
        writer.write(b"0\r\n\r\n")
        assert b" 200 " in await reader.readline()


@asynccontextmanager
async def stopped_owner(service: Service, user_id: str) -> AsyncIterator[int]:
    """The process of the user's owner, which does nothing; it goes on in the end."""
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        await post(http, user_id, "messages", {"message": message(1, 41, recent(2), "hello")})
    pid = int(await asyncio.to_thread(owner, service, user_id, "pid"))
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(PATIENCE):
            yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("sending", [by_socket, as_a_body])
async def test_of_what_waits_for_an_owner_that_stands_still_little_is_read(
    sending: Any, service: Service, user_id: str
) -> None:
    replica, sent = replica_of(service.folder), 0

    async def send_all(send: Send) -> None:
        nonlocal sent
        for _ in range(PARTS):
            await send()
            sent += 1

    async with stopped_owner(service, user_id) as stopped:
        before = memory_of(replica)
        async with sending(service, user_id) as send:
            all_sent, seen = asyncio.create_task(send_all(send)), -1
            while not all_sent.done() and seen < sent:
                seen = sent
                await asyncio.wait([all_sent], timeout=STILL)
            assert memory_of(replica) - before < MOST
            os.kill(stopped, signal.SIGCONT)
            await all_sent


async def test_what_came_before_a_socket_closed_is_taken(service: Service, user_id: str) -> None:
    """A socket has one call at a time: its end comes while the snapshot waits for the message before it."""
    live, in_snapshot = (message(n, 41, recent(1), "and then?") for n in (2, 3))
    async with stopped_owner(service, user_id):
        url = f"{service.ws}/ws/extension/{user_id}"
        async with connect(url, ping_interval=None, proxy=None) as socket:
            for frame in (
                {"type": "new_raw_message", "payload": {"message": live}},
                {"type": "cache_update", "payload": {"chats": [], "messages": [in_snapshot]}},
            ):
                await socket.send(orjson.dumps(frame).decode())
    async with (
        asyncio.timeout(PATIENCE),
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
    ):
        while True:
            said = await http.get("/api/v1/chats/41/messages", params={"user_id": user_id})
            if {each["id"] for each in said.json()} == {1, 2, 3}:
                break
            await asyncio.sleep(0.2)
