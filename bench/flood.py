"""What one tenant that floods the service costs another: `python -m bench.flood`.

Both call from other machines, as a proxy tells it. The one that floods sends as fast as it is answered, the
other as somebody who chats. Phases with and without the flood take turns, so that both meet the same machine.
The flood is a process of its own: its work is not in the clock of the one that is measured.
"""

import asyncio
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, cycle, islice
from multiprocessing.synchronize import Event

import aiohttp
import orjson

from bench.client import page, post, warm
from bench.corpus import Raw, corpus
from bench.figure import Figure, percentile, table
from bench.service import running
from errors import AnalyticsError

SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1"}
QUIET, FLOOD = "203.0.113.10", "203.0.113.9"
CONNECTIONS = 32  # of the flood
EVERY = 0.1  # seconds between the quiet one's messages
SNAPSHOT = 200  # messages
BATCH = 100  # messages of a request, in the second measurement
PHASE = 100  # the quiet one's messages in a phase
PHASES = 4  # with the flood, and as many without
FLOODED = 5_000  # messages that the flood has; their texts come again and again, with new ids


async def measure(url: str, each: int) -> list[Figure]:
    """Milliseconds until a quiet tenant's message is acknowledged, beside a flood and alone.

    The flood has `each` messages a request.
    """
    sent = 2 * PHASES * PHASE
    samples = corpus(SNAPSHOT + sent)
    first, live = samples.messages[:SNAPSHOT], iter(samples.messages[SNAPSHOT:])
    snapshot = f"snapshot?creator_id={samples.creator_id}"
    alone: list[float] = []
    beside: list[float] = []
    async with aiohttp.ClientSession(url, headers={"X-Forwarded-For": QUIET}) as http:
        for user in ("quiet", "flood"):
            async with page(http, user) as opened:
                await warm(http, opened, f"/api/v1/ingest/{user}/{snapshot}", first)
        with _flood(url, samples.creator_id, each) as now:
            for _ in range(PHASES):
                alone += await _chat(http, samples.creator_id, live)
                now.set()
                beside += await _chat(http, samples.creator_id, live)
                now.clear()
                await asyncio.sleep(1)  # what it left is understood
    return [
        Figure(
            f"Quiet tenant's message acknowledged beside a flood of {each} a request, p{percent}",
            percentile(beside, percent) * 1000,
            "ms",
            "alone",
            percentile(alone, percent) * 1000,
        )
        for percent in (50, 99)
    ]


async def _chat(http: aiohttp.ClientSession, creator_id: str, messages: Iterator[Raw]) -> list[float]:
    """Seconds of each message of a phase until it was acknowledged."""
    seconds = []
    for _ in range(PHASE):
        body = orjson.dumps({"message": next(messages)})
        start = time.perf_counter()
        await post(http, f"/api/v1/ingest/quiet/messages?creator_id={creator_id}", body)
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(EVERY)
    return seconds


@contextmanager
def _flood(url: str, creator_id: str, each: int) -> Iterator[Event]:
    """A process that floods the service while the event is set."""
    spawn = multiprocessing.get_context("spawn")
    now = spawn.Event()
    process = spawn.Process(target=_flooding, args=(url, creator_id, each, now), daemon=True)
    process.start()
    try:
        yield now
    finally:
        process.terminate()
        process.join()


def _flooding(url: str, creator_id: str, each: int, now: Event) -> None:
    asyncio.run(_send(url, creator_id, each, now))


async def _send(url: str, creator_id: str, each: int, now: Event) -> None:
    messages = _endless(corpus(FLOODED).messages)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(url, headers={"X-Forwarded-For": FLOOD}, connector=connector) as http:
        answered: Counter[int] = Counter()
        while True:
            await asyncio.to_thread(now.wait)
            await asyncio.gather(
                *(_keep_sending(http, creator_id, messages, each, now, answered) for _ in range(CONNECTIONS))
            )
            sys.stderr.write(f"the flood's requests of {each} were answered: {dict(answered)}\n")


async def _keep_sending(
    http: aiohttp.ClientSession,
    creator_id: str,
    messages: Iterator[Raw],
    each: int,
    now: Event,
    answered: Counter[int],
) -> None:
    """Send one request after the other, and the same again when it is refused."""
    path = f"/api/v1/ingest/flood/messages?creator_id={creator_id}"
    while now.is_set():
        body = orjson.dumps([{"message": raw} for raw in islice(messages, each)])
        status = 0
        while status != 202 and now.is_set():
            async with http.post(path, data=body) as answer:
                await answer.read()
                status = answer.status
            answered[status] += 1


def _endless(messages: list[Raw]) -> Iterator[Raw]:
    for number, raw in zip(count(10**12), cycle(messages)):
        yield {**raw, "id": number}


def main() -> int:
    try:
        with running(**SETTINGS) as places:
            figures = [*asyncio.run(measure(places["url"], 1)), *asyncio.run(measure(places["url"], BATCH))]
    except AnalyticsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
