"""From a live message over HTTP to the frame that shows it on the user's page, one message at a time."""

import asyncio
import time
from functools import partial

import aiohttp
import orjson

from bench.client import page, post, warm
from bench.corpus import Raw, corpus
from bench.echo import ECHO
from bench.figure import Figure, percentile

USER = "bench-latency"
SNAPSHOT = 200  # messages
DELTAS = 100
WARM_UP = 20


async def measure(url: str) -> list[Figure]:
    """Milliseconds until a message is acknowledged and until its page has it."""
    samples = corpus(SNAPSHOT + WARM_UP + DELTAS)
    creator = f"creator_id={samples.creator_id}"
    live = samples.messages[SNAPSHOT:]
    bodies = [orjson.dumps({"message": raw}) for raw in live]
    async with aiohttp.ClientSession(url) as http, page(http, USER) as opened:
        await warm(http, opened, f"/api/v1/ingest/{USER}/snapshot?{creator}", samples.messages[:SNAPSHOT])
        health = [await _health(http) for _ in bodies]
        echoed = [await _echo(http, body) for body in bodies]
        acknowledged, pushed = [], []
        for raw, body in zip(live, bodies, strict=True):
            shown = asyncio.create_task(opened.until(partial(shows, raw)))
            start = time.perf_counter()
            await post(http, f"/api/v1/ingest/{USER}/messages?{creator}", body)
            acknowledged.append(time.perf_counter() - start)
            await shown
            pushed.append(time.perf_counter() - start)
    return [
        *_figures("Live message to the page", pushed, "GET /health", health),
        *_figures("Live message acknowledged", acknowledged, "echo", echoed),
    ]


def shows(raw: Raw, frame: Raw) -> bool:
    """Whether the frame has the page show this message."""
    return frame["type"] == "append_message" and any(
        message["id"] == raw["id"] for message in frame["payload"]["messages"]
    )


async def _health(http: aiohttp.ClientSession) -> float:
    start = time.perf_counter()
    async with http.get("/health") as answer:
        await answer.read()
    return time.perf_counter() - start


async def _echo(http: aiohttp.ClientSession, body: bytes) -> float:
    start = time.perf_counter()
    await post(http, ECHO, body)
    return time.perf_counter() - start


def _figures(name: str, seconds: list[float], baseline: str, base_seconds: list[float]) -> list[Figure]:
    return [
        Figure(
            f"{name}, p{percent}",
            1000 * percentile(seconds[WARM_UP:], percent),
            "ms",
            f"{baseline}, p{percent}",
            1000 * percentile(base_seconds[WARM_UP:], percent),
        )
        for percent in (50, 99)
    ]
