"""What a live message and a connect cost a page, by the number of chats: bytes, and time of the owner."""

import asyncio
import tempfile
import time
from pathlib import Path

import orjson
from redis.asyncio import Redis

from bench.alone import alone, fans, message, snapshot
from bench.figure import Figure, percentile
from frames.log import channel, connect_redis
from local.redis import running_redis
from session.pages import EVERYTHING, START, Extent
from session.session import Session

SIZES = 100, 1_000, 10_000  # chats
CREATOR = "creator"
MESSAGES = 2  # of each chat
LIVE = 20
CONNECTS = 5


def measure() -> list[Figure]:
    """For each size a message and a connect of a page that merges, beside a full sync of everything."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:  # short: a socket's path holds 107 bytes
        folder = Path(name)
        with running_redis(folder, folder / "redis.sock", print) as url:
            return [figure for size in SIZES for figure in asyncio.run(_measure(url, folder, size))]


async def _measure(url: str, folder: Path, size: int) -> list[Figure]:
    redis, user_id = connect_redis(url), f"bench-frames-{size}"
    try:
        async with alone(redis, user_id, folder / "checkpoints") as session:
            await session.handle_snapshot(snapshot(size, MESSAGES), CREATOR)
            await session.idle(0.2)
            live, live_seconds = await _live(redis, user_id, session, size)
            some, some_seconds = await _connect(session, START)
            everything, seconds = await _connect(session, EVERYTHING)
    finally:
        await redis.connection_pool.disconnect()
    return [
        _figure(f"A live message to a page, {size:,} chats", "kB", live / 1e3, everything / 1e3),
        _figure(f"A live message to a page, {size:,} chats", "ms", 1e3 * live_seconds, 1e3 * seconds),
        _figure(f"A connect, {size:,} chats", "kB", some / 1e3, everything / 1e3),
        _figure(f"A connect, {size:,} chats", "ms", 1e3 * some_seconds, 1e3 * seconds),
    ]


def _figure(name: str, unit: str, value: float, everything: float) -> Figure:
    return Figure(name, value, unit, "a full sync of everything", everything)


async def _live(redis: Redis, user_id: str, session: Session, size: int) -> tuple[float, float]:
    """Bytes of the frames of one message, and seconds until the last of them is published, medians."""
    sizes, seconds = [], []
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id, merges=True))
        await pages.get_message(timeout=10)
        for n in range(LIVE):
            told, sent = False, 0
            start = time.perf_counter()
            body = orjson.dumps({"message": message(fans(size)[-n], 100, 0)})
            await session.handle_delta(body, CREATOR)
            while not told:
                published = await pages.get_message(timeout=10)
                assert published is not None, "the page is told"
                frame = orjson.loads(published["data"])
                if frame["creatorId"] == CREATOR:  # what is of all creators is for other pages
                    sent += len(published["data"])
                    told = frame["type"] == "analytics_update"
            sizes.append(sent)
            seconds.append(time.perf_counter() - start)
            await session.idle(0.01)
            while await pages.get_message(timeout=0.01) is not None:
                pass
    return percentile(sizes, 50), percentile(seconds, 50)


async def _connect(session: Session, extent: Extent) -> tuple[int, float]:
    """Bytes of a full sync, and seconds until it is there, median."""
    seconds = []
    for _ in range(CONNECTS):
        start = time.perf_counter()
        *_, payload = await session.full_sync(CREATOR, extent)
        seconds.append(time.perf_counter() - start)
    return len(payload), percentile(seconds, 50)
