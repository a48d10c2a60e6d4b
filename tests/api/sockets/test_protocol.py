"""Connections of a real uvicorn: what the application reads itself, and sockets whose peers are pinged."""

import asyncio
import contextlib
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from api.sockets.protocol import RequestProtocol, SocketProtocol
from tests.conftest import PATIENCE

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from ray.serve._private.constants import SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER
    from ray.serve._private.http_util import parse_disconnect_disabled_header

EVERY = 0.1  # seconds between pings, and until a pong has to be there
FRAMES = 4_000  # more than the buffers on the way hold
FRAME = "x" * 4_000

Read = Callable[[int], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(app: Any) -> AsyncIterator[int]:
    """The port of a server of the application."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=RequestProtocol,
                ws=SocketProtocol,
                lifespan="off",
                log_config=None,
                ws_ping_interval=EVERY,
                ws_ping_timeout=EVERY,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        async with asyncio.timeout(PATIENCE):
            yield listening.getsockname()[1]
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def serving(read: Read) -> AsyncIterator[tuple[int, asyncio.Queue[str]]]:
    """The port of a server that awaits `read` before it takes the nth frame, and how its sockets ended."""
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        for n in range(FRAMES):
            await read(n)
            if (await receive())["type"] == "websocket.disconnect":
                ended.put_nowait(f"after {n}")
                return
        ended.put_nowait("read")
        await send({"type": "websocket.close"})

    async with running(app) as port:
        yield port, ended


async def not_at_first(n: int) -> None:
    if n == 1:
        await asyncio.sleep(8 * EVERY)


async def slowly(n: int) -> None:
    if n < 100:
        await asyncio.sleep(EVERY / 10)


@pytest.mark.parametrize("read", [not_at_first, slowly])
async def test_a_peer_that_waits_to_be_read_is_not_taken_for_dead(read: Read) -> None:
    async with (
        serving(read) as (port, ended),
        connect(f"ws://127.0.0.1:{port}", ping_interval=None, proxy=None) as peer,
    ):
        for _ in range(FRAMES):
            await peer.send(FRAME)
        await peer.wait_closed()
        assert await ended.get() == "read"


async def test_a_peer_that_answers_no_ping_and_sends_nothing_is_closed() -> None:
    async def at_once(n: int) -> None:
        pass

    async with serving(at_once) as (port, ended):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        await reader.read()  # pings, and then its end
        writer.close()
        assert await ended.get() == "after 0"


@pytest.mark.parametrize("is_here", [True, False])
async def test_serve_reads_ahead_of_no_application_on_its_loop(
    is_here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application on another loop cannot read itself: Serve does, and hands on what it has read."""
    reads_ahead = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reads_ahead.append(not parse_disconnect_disabled_header(dict(scope["headers"])))
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
        else:
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

    monkeypatch.setattr(RequestProtocol, "application", asyncio.get_running_loop() if is_here else None)
    said = {SERVE_HTTP_REQUEST_DISCONNECT_DISABLED_HEADER: "?0"}
    async with running(app) as port, httpx.AsyncClient(headers=said) as http:
        assert (await http.post(f"http://127.0.0.1:{port}", content=b"{}")).status_code == 204
        async with connect(f"ws://127.0.0.1:{port}", additional_headers=said, proxy=None) as peer:
            await peer.wait_closed()
    assert reads_ahead == [not is_here] * 2
