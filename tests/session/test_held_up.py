"""How long an owner holds its event loop up while it takes in a large history."""

import asyncio
from pathlib import Path

import orjson
from redis.asyncio import Redis

from bench.alone import alone, fans, message, snapshot
from metrics.loop_lag import LoopLag

CREATOR = "creator"
CHATS, MESSAGES = 300, 60


async def test_no_step_of_a_large_snapshot_holds_the_owner_up(
    redis: Redis, user_id: str, tmp_path: Path
) -> None:
    body = snapshot(CHATS, MESSAGES)
    async with alone(redis, user_id, tmp_path) as session:
        lag = LoopLag()
        looking = asyncio.create_task(lag.run())
        assert (await session.handle_snapshot(body, CREATOR))["accepted"] == CHATS * MESSAGES
        live = orjson.dumps({"message": message(fans(CHATS)[7], MESSAGES, 0)})
        assert (await session.handle_delta(live, CREATOR))["accepted"] == 1
        await session.idle(0.2)  # understood, shown, written, and searched
        looking.cancel()
        assert len(await session.get_cached_chats(creator_id=CREATOR)) == CHATS
    assert lag.largest_own < 0.1
