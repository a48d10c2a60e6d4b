"""What it costs to have messages on disk before they are acknowledged: the intake and its journal alone."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from redis.asyncio import Redis

from bench.corpus import corpus
from bench.figure import Figure, percentile
from frames.log import connect_redis
from local.redis import running_redis
from session.intake import Intake
from session.journal import Entry, Journal
from session.knowledge import Knowledge

CALLERS = 16
BATCHES = 200
BATCH = 100  # messages
SINGLES = 1_000
WARM_UP = 50


class _Nowhere(Journal):
    """A journal that keeps nothing."""

    async def append(self, creator_id: str, entries: Sequence[Entry]) -> list[int]:
        first = self.sequence + 1
        self.sequence += len(entries)
        return list(range(first, self.sequence + 1))


def measure() -> list[Figure]:
    """Messages/s in batches against the same without a journal; one message against one XADD."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:  # short: a socket's path holds 107 bytes
        folder = Path(name)
        with running_redis(folder, folder / "redis.sock", print) as url:
            return asyncio.run(_measure(url))


async def _measure(url: str) -> list[Figure]:
    samples = corpus(BATCHES * BATCH + SINGLES + WARM_UP)
    batches = [samples.messages[start : start + BATCH] for start in range(0, BATCHES * BATCH, BATCH)]
    bodies = [orjson.dumps([{"message": raw} for raw in batch]) for batch in batches]
    singles = [orjson.dumps({"message": raw}) for raw in samples.messages[BATCHES * BATCH :]]
    redis = connect_redis(url)
    try:
        without = await _rate(_Nowhere(redis, "bench-without"), samples.creator_id, bodies)
        durable = await _rate(Journal(redis, "bench-durable"), samples.creator_id, bodies)
        added = [await _xadd(redis, body) for body in singles]
        taken = await _one_by_one(Journal(redis, "bench-one"), samples.creator_id, singles)
    finally:
        await redis.connection_pool.disconnect()
    milliseconds = [1000 * percentile(each[WARM_UP:], 50) for each in (taken, added)]
    return [
        Figure(
            f"Durable messages, {BATCH} a call, {CALLERS} callers",
            durable,
            "messages/s",
            "the same without the journal",
            without,
        ),
        Figure("One durable message, p50", milliseconds[0], "ms", "one XADD, p50", milliseconds[1]),
    ]


async def _rate(journal: Journal, creator_id: str, bodies: Sequence[bytes]) -> float:
    """Messages/s from many callers."""
    async with taking(journal) as intake:
        waiting = iter(bodies)

        async def caller() -> None:
            for body in waiting:
                receipt = await intake.messages(body, creator_id)
                assert receipt["accepted"] == BATCH

        start = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return len(bodies) * BATCH / (time.perf_counter() - start)


async def _one_by_one(journal: Journal, creator_id: str, bodies: Sequence[bytes]) -> list[float]:
    async with taking(journal) as intake:
        return [await _seconds(intake.messages(body, creator_id)) for body in bodies]


async def _xadd(redis: Redis, body: bytes) -> float:
    return await _seconds(redis.xadd("bench-xadd", {"body": body}))


async def _seconds(work: object) -> float:
    start = time.perf_counter()
    await work  # type: ignore[misc]
    return time.perf_counter() - start


@asynccontextmanager
async def taking(journal: Journal) -> AsyncIterator[Intake]:
    """An intake at work."""
    await journal.claim()
    intake = Intake(
        journal,
        Knowledge(10_000),
        max_text=100_000,
        max_waiting=200_000,
        waiting=lambda: 0,
        accepted=lambda event: None,
    )
    task = asyncio.create_task(intake.run())
    try:
        yield intake
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
