"""Wakes once a day the owners of users whose messages have a term: each drops what is past it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ray.exceptions import RayError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from errors import AnalyticsError
from frames.log import connect_redis
from session.erased import retention
from session.journal import known_users

EVERY = 86_400.0  # seconds

log = logging.getLogger(__name__)


class Daily:
    """`days` is the term of accounts without one of their own (0: for ever); `activate` starts an owner.

    One user is woken after another: who begins with a large history does not begin beside others.
    """

    def __init__(self, days: int, activate: Callable[[str], Awaitable[Any]]) -> None:
        self._days = days
        self._activate = activate

    async def run(self, redis_url: str) -> None:
        """Every day, again and again."""
        while True:
            await asyncio.sleep(EVERY)
            redis = connect_redis(redis_url)
            await self.once(redis)
            await redis.connection_pool.disconnect()

    async def once(self, redis: Redis) -> None:
        """Wake all that there are; those that cannot be woken are the next day."""
        try:
            for user_id in await known_users(redis):
                if self._days or await retention(redis, user_id):
                    await self._wake(user_id)
        except (AnalyticsError, RedisError) as error:
            log.warning("Not all owners are woken today (%s).", type(error).__name__)

    async def _wake(self, user_id: str) -> None:
        try:
            await self._activate(user_id)
        except (AnalyticsError, RayError) as error:
            log.warning("User %s is not woken today (%s).", user_id, type(error).__name__)
