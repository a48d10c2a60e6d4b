"""How long an owner holds its event loop up while it takes in a large history."""

import asyncio
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from bench.alone import alone, fans, message, snapshot
from metrics.loop_lag import LoopLag

CREATOR = "creator"
CHATS, MESSAGES = 300, 60
CHAT = 15_000  # messages of one chat, ten without a pause


async def test_no_step_of_a_large_snapshot_holds_the_owner_up(
    redis: Redis, user_id: str, tmp_path: Path
) -> None:
    assert await held_up(snapshot(CHATS, MESSAGES), CHATS, MESSAGES, redis, user_id, tmp_path) < 0.1


@pytest.mark.parametrize("pause", [400, 1], ids=["with", "without"])
async def test_no_step_of_one_large_chat_holds_the_owner_up_with_long_pauses_or_without(
    pause: int, redis: Redis, user_id: str, tmp_path: Path
) -> None:
    said = [message(fans(1)[0], n, n // 10 * (9 + pause) + n % 10) for n in range(CHAT)]
    body = orjson.dumps({"chats": [], "messages": said})
    assert await held_up(body, 1, CHAT, redis, user_id, tmp_path) < 0.2


async def held_up(body: bytes, chats: int, messages: int, redis: Redis, user_id: str, folder: Path) -> float:
    """Seconds of the longest step until the owner has nothing more to do; each chat has so many messages."""
    async with alone(redis, user_id, folder) as session:
        lag = LoopLag()
        looking = asyncio.create_task(lag.run())
        assert (await session.handle_snapshot(body, CREATOR))["accepted"] == chats * messages
        live = orjson.dumps({"message": message(fans(chats)[0], messages, 0)})
        assert (await session.handle_delta(live, CREATOR))["accepted"] == 1
        await session.idle(0.2)  # understood, shown, written, and searched
        await session.full_sync(CREATOR)
        looking.cancel()
        assert len(await session.get_cached_chats(creator_id=CREATOR)) == chats
    return lag.largest_own
