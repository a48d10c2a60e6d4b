"""Keeps in Redis what was erased: tombstones, what is still to be carried out, and receipts.

Keys: `erased:{user}`, a hash of `secret`, of the tombstones (`of {name}`, when each was set), and of erasures
that are not carried out (`due {receipt}`, the record's sequence and body); the journal writes it
(`session.journal`). `receipts:{user}`, a hash of JSON by receipt. `erasing`, the set of users of whom an
erasure is not carried out yet. None of them says whose it was. `retention:{user}`, a hash of days by creator.
What else is kept by creator goes with it: `shifts:{user}` (`session.shifts`).
"""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from errors import StaleOwner, Unavailable
from session.erasure import Erasure, Tombstones
from session.journal import ERASING

SECRET_BYTES = 32
LOOK_EVERY = 0.2  # seconds, at a rewrite of the append-only file
REWRITTEN_WITHIN = 600.0  # seconds

# Whoever is erased is not known any more either: which accounts these are comes behind the user.
_FINISH = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
if ARGV[5] == 'all' then redis.call('DEL', KEYS[7], KEYS[8]) end
for n = 6, #ARGV do
  redis.call('HDEL', KEYS[7], ARGV[n])
  redis.call('HDEL', KEYS[8], ARGV[n])
end
redis.call('HDEL', KEYS[2], 'due ' .. ARGV[2])
if ARGV[5] == 'all' then redis.call('DEL', KEYS[5]) end
for n = 6, #ARGV do redis.call('SREM', KEYS[5], ARGV[n]) end
if redis.call('SCARD', KEYS[5]) == 0 then redis.call('SREM', KEYS[6], ARGV[4]) end
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 4) == 'due ' then return 0 end
end
redis.call('SREM', KEYS[4], ARGV[4])
return 1
"""


class Erased(Protocol):
    """One user's. RedisError when Redis is out of reach, StaleOwner when the user has another owner."""

    async def read(self) -> tuple[Tombstones, list[Erasure]]:
        """What must not come back, and the erasures that are still to be carried out."""

    async def forget_log(self) -> bool:
        """Have the store's own log forget what was deleted; whether there is none that has it now."""

    async def finish(self, epoch: int, receipt: str, answer: bytes, accounts: Iterable[str] | None) -> None:
        """Keep the receipt of an erasure that is carried out; these creators (None: all) are unknown now."""

    async def receipt(self, receipt: str) -> bytes | None:
        """The receipt of an erasure that is carried out."""

    async def retention(self) -> dict[str, int]:
        """For how many days the messages of creators are kept that have a term of their own; 0: for ever."""

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        """Give a creator such a term, or none."""


class ErasedInRedis:
    """See `Erased`."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._user_id = user_id
        self._erased = f"erased:{user_id}"
        self._keys = [
            f"owner:{user_id}",
            self._erased,
            f"receipts:{user_id}",
            ERASING,
            f"creators:{user_id}",
            "users",
            f"retention:{user_id}",
            f"shifts:{user_id}",
        ]
        self._finish = redis.register_script(_FINISH)

    async def read(self) -> tuple[Tombstones, list[Erasure]]:
        fields = cast(dict[bytes, bytes], await cast(Any, self._redis.hgetall(self._erased)))
        secret = fields.pop(b"secret", None) or secrets.token_bytes(SECRET_BYTES)
        names: list[str] = []
        due: list[Erasure] = []
        for field, value in fields.items():
            kind, _, name = field.decode().partition(" ")
            if kind == "of":
                names.append(name)
            else:
                sequence, _, body = value.partition(b" ")
                due.append(Erasure.of_json(body, int(sequence)))
        return Tombstones(secret, names), sorted(due, key=lambda each: each.sequence)

    async def forget_log(self) -> bool:
        """Rewrites the append-only file, and the dump where there is one.

        False where Redis does not let this service do that. Unavailable when it takes too long.
        """
        try:
            facts = await self._redis.info("persistence")
            if facts["aof_enabled"]:
                await self._rewritten(
                    self._redis.bgrewriteaof, "aof_rewrite_in_progress", "aof_rewrite_scheduled"
                )
            if int(facts["rdb_last_save_time"]) and await self._saves():
                await self._rewritten(self._redis.bgsave, "rdb_bgsave_in_progress")
        except (
            ResponseError,
            KeyError,
        ):  # a server of another kind, or one that allows it nobody but its operator
            return False
        return True

    async def finish(self, epoch: int, receipt: str, answer: bytes, accounts: Iterable[str] | None) -> None:
        which = ["all"] if accounts is None else ["these", *accounts]
        try:
            await self._finish(keys=self._keys, args=[epoch, receipt, answer, self._user_id, *which])
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner("Another process owns this user now; it is the one that erases.") from error
            raise

    async def receipt(self, receipt: str) -> bytes | None:
        return cast(bytes | None, await cast(Any, self._redis.hget(self._keys[2], receipt)))

    async def retention(self) -> dict[str, int]:
        return await retention(self._redis, self._user_id)

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        key: Any = f"retention:{self._user_id}"
        if days is None:
            await cast(Any, self._redis.hdel(key, creator_id))
        else:
            await cast(Any, self._redis.hset(key, creator_id, days))

    async def _saves(self) -> bool:
        """Whether it writes dumps by itself."""
        return bool((await self._redis.config_get("save")).get("save"))

    async def _rewritten(self, begin: Any, *busy: str) -> None:
        """Return when a rewrite that began after now has ended."""
        deadline = asyncio.get_running_loop().time() + REWRITTEN_WITHIN

        async def rested() -> Any:
            while True:
                facts = await self._redis.info("persistence")
                if not any(facts.get(each) for each in busy):
                    return facts
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(
                        "Redis does not end the rewrite of its files; the erasure goes on later."
                    )
                await asyncio.sleep(LOOK_EVERY)

        while True:
            await rested()  # one that is under way may have begun before
            try:
                await begin()
                break
            except ResponseError as error:
                if "progress" not in str(error):  # else another owner's has just begun
                    raise
        facts = await rested()
        if "err" in (facts.get("aof_last_bgrewrite_status"), facts.get("rdb_last_bgsave_status")):
            raise Unavailable("Redis could not rewrite its files; see its log. The erasure goes on later.")


async def retention(redis: Redis, user_id: str) -> dict[str, int]:
    """See `Erased.retention`. RedisError."""
    found = cast(dict[bytes, bytes], await cast(Any, redis.hgetall(f"retention:{user_id}")))
    return {creator.decode(): int(days) for creator, days in found.items()}


async def receipts(redis: Redis, user_id: str) -> dict[str, bytes]:
    """All receipts of a user, by id. Unavailable when Redis is out of reach."""
    try:
        found = cast(dict[bytes, bytes], await cast(Any, redis.hgetall(f"receipts:{user_id}")))
    except RedisError as error:
        raise Unavailable("Redis did not answer for the receipts; try again.") from error
    return {receipt.decode(): answer for receipt, answer in found.items()}


async def has_erased(redis: Redis, user_id: str) -> bool:
    """Whether anything was ever erased of the user. Unavailable when Redis is out of reach."""
    try:
        return bool(await redis.exists(f"erased:{user_id}"))
    except RedisError as error:
        raise Unavailable("Redis did not answer for what is erased; try again.") from error


async def erasing(redis: Redis) -> list[str]:
    """The users of whom an erasure is not carried out yet. RedisError."""
    return sorted(user.decode() for user in await cast(Any, redis.smembers(ERASING)))
