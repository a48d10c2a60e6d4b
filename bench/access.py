"""What saying who one is costs: requests and connects with a key, against the same without authentication.

`python -m bench.access` measures this alone. Both applications run in this process, on one Redis, with an
owner that answers at once: what is compared is the way to the owner. It is processor time, of which what else
the machine does takes no part; that of the client is in it.
"""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import uvicorn

from access.principal import Grant
from access.secret import make_secret
from access.setup import GuardedAccess
from api.sockets.extension import Extensions
from api.sockets.pages import Pages
from bench.figure import Figure
from frames.log import connect_redis
from local.redis import running_redis
from serve_app import build_api
from settings import Settings
from wire.payloads import IngestReceipt

ROUNDS = 7  # of each, by turns
REQUESTS = 300  # of a round, one after another
CONNECTS = 50
USER = "bench-access"
BODY = orjson.dumps({"message": {"id": 1, "text": "hello there", "fromUser": {"id": 902}}})
RECEIPT = IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0)


class Answering:
    """In place of an owner: takes everything at once."""

    async def messages(self, *_: Any, **__: Any) -> IngestReceipt:
        return RECEIPT


def measure() -> list[Figure]:
    """Processor time of a request and of a page's connect, in µs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with running_redis(folder / "redis", folder / "redis.sock", print) as url:
            return asyncio.run(_measure(Settings(redis_url=url, data_dir=folder, requests_per_second=0.0)))


async def _measure(settings: Settings) -> list[Figure]:
    make_secret(settings.secret_file)
    guarded = replace(settings, auth="required")
    async with (
        _serving(settings) as (open_url, _),
        _serving(guarded) as (guarded_url, headers),
        aiohttp.ClientSession(open_url) as plain,
        aiohttp.ClientSession(guarded_url, headers=headers) as keyed,
    ):
        ingest = await _by_turns(_ingest, plain, keyed)
        connect = await _by_turns(_connect, plain, keyed)
    return [
        _figure("A message over HTTP with a key, its way to the owner", ingest, REQUESTS),
        _figure("A page's connect with a key", connect, CONNECTS),
    ]


def _figure(name: str, seconds: list[float], count: int) -> Figure:
    without, with_key = (each / count * 1e6 for each in seconds)
    return Figure(name, with_key, "µs", "without authentication", without)


async def _by_turns(
    work: Callable[[aiohttp.ClientSession], Awaitable[None]], *sessions: aiohttp.ClientSession
) -> list[float]:
    """The median seconds of the work with each session."""
    seconds: list[list[float]] = [[] for _ in sessions]
    for turn in range(ROUNDS + 1):
        for of, session in zip(seconds, sessions, strict=True):
            start = time.thread_time()
            await work(session)
            if turn:  # the first one warms up
                of.append(time.thread_time() - start)
    return [median(of) for of in seconds]


async def _ingest(http: aiohttp.ClientSession) -> None:
    for _ in range(REQUESTS):
        async with http.post(f"/api/v1/ingest/{USER}/messages", data=BODY) as answer:
            await answer.read()
            answer.raise_for_status()


async def _connect(http: aiohttp.ClientSession) -> None:
    for _ in range(CONNECTS):
        async with http.ws_connect(f"/ws/frontend/{USER}") as page:
            assert orjson.loads(await page.receive_str())["type"] == "connection_ack"


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Where the application is served, and what a caller sends to be let in."""
    app, redis, owner, headers = build_api(settings), connect_redis(settings.redis_url), Answering(), {}
    pages = Pages(redis, owner)  # type: ignore[arg-type]
    app.state.services = SimpleNamespace(
        redis=redis,
        ingest=owner,
        pages=pages,
        extensions=Extensions(redis, owner, owner, app.state.limits, max_frame=settings.max_body),  # type: ignore[arg-type]
    )

    async def fine(_: Any) -> None: ...

    app.state.door = SimpleNamespace(check=fine)
    if settings.is_guarded:
        app.state.access = access = GuardedAccess(settings, redis)
        key, _ = await access.manager.create_key("bench", "bench", [Grant(role="owner", user_id=USER)])
        headers = {"Authorization": f"Bearer {key}"}
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's algorithm on
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", timeout_keep_alive=600))
    running = [
        asyncio.create_task(server.serve(sockets=[listening])),
        asyncio.create_task(app.state.access.admissions.run()),
    ]
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", headers
    server.should_exit = True
    await running[0]
    for task in (running[1], pages._task):
        while task is not None and not task.done():
            task.cancel()  # the client of Redis loses one that comes while it asks for a connection
            await asyncio.wait([task], timeout=0.1)
    await redis.connection_pool.disconnect()


if __name__ == "__main__":
    for figure in measure():
        print(" | ".join(figure.cells()))
