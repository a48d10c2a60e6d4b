"""What a long history costs: activation, the latency of a live message, the owner's memory."""

import asyncio
import re
import time
from functools import partial
from pathlib import Path
from typing import cast

import aiohttp
import orjson

from bench.client import Page, page, post, warm
from bench.corpus import Raw, corpus
from bench.figure import Figure, percentile
from bench.latency import shows
from bench.service import beside
from errors import Unavailable

SHORT, MIDDLE, LONG = 1_000, 10_000, 100_000  # messages
DELTAS = 200
WARM_UP = 20
GOAL, REST_GOAL = 256.0, 64.0  # MiB
ACTIVATIONS = 5
LOOK_EVERY = 0.2  # seconds


async def measure(url: str, ray_address: str) -> list[Figure]:
    """Figures of users with 1,000, 10,000 and 100,000 messages."""
    connector = aiohttp.TCPConnector(limit=8)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as http:
        short = await _latency(http, SHORT)
        rests = _own(await _owner(ray_address, _user(SHORT)))
        await _load(http, MIDDLE)
        activations = {size: await _activations(http, ray_address, size) for size in (SHORT, MIDDLE)}
        pid = await _owner(ray_address, _user(LONG))
        peak = [0.0]
        watching = asyncio.create_task(_watch(pid, peak))
        long = await _latency(http, LONG)
        watching.cancel()
        resident = _own(pid)
        await _owner(ray_address, _user(LONG), "end")
        await _chats(http, LONG)
        again = _own(await _owner(ray_address, _user(LONG)))
    return [
        Figure(
            f"Activation with {MIDDLE:,} messages, p50",
            1000 * percentile(activations[MIDDLE], 50),
            "ms",
            f"with {SHORT:,}",
            1000 * percentile(activations[SHORT], 50),
        ),
        *(
            Figure(
                f"Live message to the page, history of {LONG:,}, p{percent}",
                1000 * percentile(long, percent),
                "ms",
                f"history of {SHORT:,}",
                1000 * percentile(short, percent),
            )
            for percent in (50, 99)
        ),
        Figure(f"Owner of {SHORT:,} messages, at rest", rests, "MiB", "goal", REST_GOAL),
        Figure(f"Owner of {LONG:,} messages, resident", resident, "MiB", "goal", GOAL),
        Figure(f"Owner of {LONG:,} messages, at its peak", peak[0], "MiB", "goal", GOAL),
        Figure(f"Owner of {LONG:,} messages, activated anew", again, "MiB", "goal", GOAL),
    ]


def _user(size: int) -> str:
    return f"bench-history-{size}"


async def _load(http: aiohttp.ClientSession, size: int) -> None:
    samples = corpus(size)
    async with page(http, _user(size)) as opened:
        path = f"/api/v1/ingest/{_user(size)}/snapshot?creator_id={samples.creator_id}"
        await warm(http, opened, path, samples.messages)


async def _latency(http: aiohttp.ClientSession, size: int) -> list[float]:
    """Seconds from sending a live message until the page shows it, each when all before is settled."""
    samples = corpus(size + WARM_UP + DELTAS)
    creator = f"creator_id={samples.creator_id}"
    seconds: list[float] = []
    async with page(http, _user(size)) as opened:
        path = f"/api/v1/ingest/{_user(size)}"
        await warm(http, opened, f"{path}/snapshot?{creator}", samples.messages[:size])
        for raw in samples.messages[size:]:
            seconds.append(await _one(http, opened, f"{path}/messages?{creator}", raw))
    return seconds[WARM_UP:]


async def _one(http: aiohttp.ClientSession, opened: Page, path: str, raw: Raw) -> float:
    shown = asyncio.create_task(opened.until(partial(shows, raw)))
    start = time.perf_counter()
    receipt = await post(http, path, orjson.dumps({"message": raw}))
    await shown
    taken = time.perf_counter() - start
    await opened.settled([receipt])
    return taken


async def _activations(http: aiohttp.ClientSession, ray_address: str, size: int) -> list[float]:
    """Seconds until a user at rest answers."""
    seconds: list[float] = []
    for _ in range(ACTIVATIONS):
        await _owner(ray_address, _user(size), "end")
        seconds.append(await _chats(http, size))
    return seconds


async def _chats(http: aiohttp.ClientSession, size: int) -> float:
    start = time.perf_counter()
    async with http.get("/api/v1/chats", params={"user_id": _user(size), "limit": "1"}) as answer:
        if not await answer.json():
            raise Unavailable(f"{_user(size)} has no chats.")
    return time.perf_counter() - start


async def _owner(ray_address: str, user_id: str, *more: str) -> int:
    """The process of the user's actor."""
    return cast(int, await beside("bench.owner", ray_address, user_id, *more))


async def _watch(pid: int, peak: list[float]) -> None:
    while True:
        peak[0] = max(peak[0], _own(pid))
        await asyncio.sleep(LOOK_EVERY)


def _own(pid: int) -> float:
    """MiB that it takes, with its share of libraries, but for what of Ray's store it has looked at."""
    memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"^Pss_(?:Anon|File):\s+(\d+) kB", memory, re.MULTILINE))) / 1024
