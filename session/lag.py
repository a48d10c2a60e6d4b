"""Since when the graph lacks something, told to whoever answers from it.

Key `behind:{user}`: a hash of epoch seconds by creator. What is not in it lacks nothing, or nothing for long.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from redis.asyncio import Redis


class Lag(Protocol):
    async def tell(self, since: Mapping[str, float]) -> None:
        """Since when (epoch seconds) the graph lacks something, by creator, in place of what was told."""


class LagInRedis:
    """One user's. RedisError when Redis is out of reach."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._key = f"behind:{user_id}"

    async def tell(self, since: Mapping[str, float]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(self._key)
            if since:
                pipe.hset(self._key, mapping={creator: repr(at) for creator, at in since.items()})
            await pipe.execute()


async def graph_as_of(redis: Redis, user_id: str, creator_id: str | None) -> datetime | None:
    """The time since which the graph lacks something of one creator, or of any; None: it has everything."""
    key = f"behind:{user_id}"
    if creator_id is None:
        told = list(cast(dict[bytes, bytes], await cast(Any, redis.hgetall(key))).values())
    else:
        told = [each for each in [await cast(Any, redis.hget(key, creator_id))] if each is not None]
    return min((datetime.fromtimestamp(float(each), UTC) for each in told), default=None)
