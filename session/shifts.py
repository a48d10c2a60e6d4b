"""Keeps the shifts of accounts in Redis, in `shifts:{user}`, a hash of JSON by creator.

They are erased with their account (`session.erased`). Whoever asks reads them anew, so a change holds at
once, for what was sent before it, too.
"""

from collections.abc import Collection, Mapping
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chats.account import Account
from errors import Unavailable
from insights.shifts import Roster, Rosters, Shifts


async def read_shifts(redis: Redis, user_id: str, creator_id: str) -> Shifts:
    """The shifts of an account; Unavailable when Redis is out of reach."""
    found = await _read(redis, [Account(user_id, creator_id)])
    return found[0] or Shifts()


async def write_shifts(redis: Redis, user_id: str, creator_id: str, shifts: Shifts) -> None:
    """Give an account these shifts in place of what it has; Unavailable when Redis is out of reach."""
    key: Any = _key(user_id)
    try:
        if shifts.shifts:
            await cast(Any, redis.hset(key, creator_id, shifts.model_dump_json()))
        else:
            await cast(Any, redis.hdel(key, creator_id))
    except RedisError as error:
        raise Unavailable("Redis did not answer for the shifts; nothing was changed, try again.") from error


def rosters_in(redis: Redis) -> Rosters:
    """Reads the rosters of accounts, by their keys; Unavailable when Redis is out of reach."""

    async def read(accounts: Collection[str]) -> Mapping[str, Roster]:
        found = await _read(redis, [Account.of_key(each) for each in accounts])
        return {key: Roster(own) for key, own in zip(accounts, found, strict=True) if own is not None}

    return read


async def _read(redis: Redis, accounts: Collection[Account]) -> list[Shifts | None]:
    """Of each account, in one round trip; None: it has none."""
    try:
        async with redis.pipeline(transaction=False) as pipe:
            for account in accounts:
                pipe.hget(_key(account.user_id), account.creator_id)
            found = await pipe.execute()
    except RedisError as error:
        raise Unavailable("Redis did not answer for the shifts; try again.") from error
    return [None if each is None else Shifts.model_validate_json(each) for each in found]


def _key(user_id: str) -> str:
    return f"shifts:{user_id}"
