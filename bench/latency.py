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
from enrich.embedding import embed
from frames.log import channel, connect_redis
from session.journal import Entry, Journal

USER, FLOOR = "bench-latency", "bench-floor"
SNAPSHOT = 200  # messages
DELTAS = 100
WARM_UP = 20


async def measure(url: str, redis_url: str) -> list[Figure]:
    """Milliseconds until a message is acknowledged and until its page has it."""
    samples = corpus(SNAPSHOT + WARM_UP + DELTAS)
    creator = f"creator_id={samples.creator_id}"
    live = samples.messages[SNAPSHOT:]
    bodies = [orjson.dumps({"message": raw}) for raw in live]
    async with aiohttp.ClientSession(url) as http, page(http, USER) as opened:
        await warm(http, opened, f"/api/v1/ingest/{USER}/snapshot?{creator}", samples.messages[:SNAPSHOT])
        floor = await _floor(redis_url, samples.creator_id, live)
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
        *_figures("Live message to the page", pushed, "embedding, journal and Pub/Sub", floor),
        *_figures("Live message acknowledged", acknowledged, "echo", echoed),
    ]


def shows(raw: Raw, frame: Raw) -> bool:
    """Whether the frame has the page show this message."""
    return frame["type"] == "append_message" and any(
        message["id"] == raw["id"] for message in frame["payload"]["messages"]
    )


async def _floor(redis_url: str, creator_id: str, live: list[Raw]) -> list[float]:
    """Seconds of what cannot be left out: each text is embedded, each message journaled and published."""
    redis = connect_redis(redis_url)
    journal = Journal(redis, FLOOR)
    encoder = embed.encoder(embed.PACKAGED)
    seconds = []
    try:
        await journal.claim()
        for raw in live:
            body = orjson.dumps(raw)
            start = time.perf_counter()
            await journal.append(creator_id, [Entry("message", time.time(), body, str(raw["id"]))])
            encoder.encode([raw["text"]])
            await redis.publish(channel(FLOOR), body)
            seconds.append(time.perf_counter() - start)
    finally:
        await redis.connection_pool.disconnect()
    return seconds


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
