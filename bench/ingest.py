"""How many messages a second are taken over HTTP and are on disk, against a bare echo of the same bodies."""

import asyncio
import time
from collections.abc import Sequence

import aiohttp
import orjson

from bench.client import page, post, warm
from bench.corpus import Raw, corpus
from bench.echo import ECHO
from bench.figure import Figure
from errors import Unavailable

CONNECTIONS = 16
SNAPSHOT = 200  # messages, so that the user is live
SINGLES = 2_000  # messages sent one a request
BATCHES = 50
BATCH = 100  # messages
WARM_UP = 200  # requests to the echo


async def measure(url: str) -> list[Figure]:
    """Messages/s acknowledged with 16 connections, one message a request and 100."""
    samples = corpus(SNAPSHOT + SINGLES + BATCHES * BATCH)
    first, rest = samples.messages[:SNAPSHOT], samples.messages[SNAPSHOT:]
    singles, others = rest[:SINGLES], rest[SINGLES:]
    batches = [others[start : start + BATCH] for start in range(0, len(others), BATCH)]
    connector = aiohttp.TCPConnector(limit=CONNECTIONS + 1)  # and the page
    async with aiohttp.ClientSession(url, connector=connector) as http:
        return [
            await _compare(http, "one", samples.creator_id, first, [[raw] for raw in singles]),
            await _compare(http, str(BATCH), samples.creator_id, first, batches),
        ]


async def _compare(
    http: aiohttp.ClientSession, each: str, creator_id: str, first: list[Raw], batches: Sequence[list[Raw]]
) -> Figure:
    """One user's ingest of the batches, after an echo of them."""
    user, messages = f"bench-ingest-{each}", sum(map(len, batches))
    path = f"/api/v1/ingest/{user}/{{}}?creator_id={creator_id}"
    bodies = [orjson.dumps([{"message": raw} for raw in batch]) for batch in batches]
    async with page(http, user) as opened:
        await warm(http, opened, path.format("snapshot"), first)
        await _send(http, ECHO, bodies[:WARM_UP])
        echo_seconds, _ = await _send(http, ECHO, bodies)
        seconds, receipts = await _send(http, path.format("messages"), bodies)
        if (accepted := sum(orjson.loads(receipt)["accepted"] for receipt in receipts)) != messages:
            raise Unavailable(f"Of {messages} messages {accepted} were accepted.")
        await opened.settled(receipts)
    return Figure(
        f"HTTP ingest, {each} a request, {CONNECTIONS} connections",
        messages / seconds,
        "messages/s",
        "echo",
        messages / echo_seconds,
    )


async def _send(http: aiohttp.ClientSession, path: str, bodies: Sequence[bytes]) -> tuple[float, list[bytes]]:
    """Seconds that it took to have all bodies answered, and the answers."""
    waiting, answers = iter(bodies), []

    async def connection() -> None:
        for body in waiting:
            answers.append(await post(http, path, body))

    start = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return time.perf_counter() - start, answers
