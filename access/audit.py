"""The audit trail: who signed in, read which account's messages, changed who may do what.

Records are appended to the Redis Stream `access:audit` and never changed. Each carries its number, and a hash
of itself and of the hash before it, under a key that Redis does not have: a record that was changed, moved or
taken out of the middle is found (`verify`). What was cut off at the end is found by whoever noted a later
hash. Records hold no message text and no secret.

Reading messages is recorded once per principal, account and READ_SECONDS.
"""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Literal, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from access.chain import FIRST, Chain, Record, signed
from access.secret import Secret
from errors import Unavailable

STREAM: Final = "access:audit"
READ_SECONDS = 600
MOST_READS = 10_000  # that a process remembers
PAGE = 1_000  # records read at a time

Event = Literal[
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "text_read",
    "exported",
    "erased",
    "corrected",
    "key_created",
    "key_revoked",
    "person_added",
    "person_removed",
    "password_changed",
    "grant_added",
    "grant_removed",
    "secret_rotated",
    "secret_retired",
    "storage_key_rotated",
    "storage_key_retired",
]

# Appends when the last record is still the one that the new record's hash stands on.
_APPEND = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local number, hash = '0', ARGV[1]
if #last > 0 then
  local fields = last[1][2]
  for n = 1, #fields, 2 do
    if fields[n] == 'number' then number = fields[n + 1] end
    if fields[n] == 'hash' then hash = fields[n + 1] end
  end
end
if ARGV[2] == '' or ARGV[2] ~= number or ARGV[3] ~= hash then return {number, hash} end
redis.call('XADD', KEYS[1], '*', 'number', ARGV[4], 'hash', ARGV[5], 'record', ARGV[6])
return {}
"""


_Entries = list[tuple[bytes, dict[bytes, bytes]]]


def _record(fields: dict[bytes, bytes]) -> Record:
    return Record(int(fields[b"number"]), fields[b"hash"].decode(), fields[b"record"])


class Trail(Protocol):
    """Where it is said what was done."""

    async def record(self, event: Event, who: str, **about: str | None) -> None:
        """Append a record; Unavailable when it cannot be: then what it is about must not be done."""

    async def text_read(self, who: str, user_id: str, creator_id: str | None) -> None:
        """Record that messages of the account (None: of all the user's) are read, if that is news."""


class Untold:
    """Keeps nothing: on a machine that asks nobody who they are there is nothing to say of them."""

    async def record(self, event: Event, who: str, **about: str | None) -> None:
        pass

    async def text_read(self, who: str, user_id: str, creator_id: str | None) -> None:
        pass


class Audit:
    """The trail in Redis."""

    def __init__(self, redis: Redis, secret: Secret) -> None:
        self._redis = redis
        self._secret = secret
        self._append = redis.register_script(_APPEND)
        self._read: dict[tuple[str, str, str | None], float] = {}  # until when (monotonic) it is no news

    async def record(self, event: Event, who: str, **about: str | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        facts = {"at": at, "event": event, "who": who, **about}
        kept = json.dumps({k: v for k, v in facts.items() if v is not None}, sort_keys=True).encode()
        number, last = "", ""
        try:
            while True:  # until nobody else appended meanwhile
                following = str(int(number or 0) + 1)
                hash = self._secret.digest("audit", signed(last, int(following), kept))
                told = await self._append(keys=[STREAM], args=[FIRST, number, last, following, hash, kept])
                if not told:
                    return
                number, last = (each.decode() for each in told)
        except RedisError as error:
            raise Unavailable("The audit trail cannot be written; try again.") from error

    async def text_read(self, who: str, user_id: str, creator_id: str | None) -> None:
        account, now = (who, user_id, creator_id), monotonic()
        if self._read.get(account, 0.0) > now:
            return
        name = hashlib.sha256("\0".join((who, user_id, creator_id or "")).encode()).hexdigest()
        mark = f"access:read:{name}"
        try:
            is_news = await self._redis.set(mark, b"", nx=True, ex=READ_SECONDS)
        except RedisError as error:
            raise Unavailable("The audit trail cannot be written; try again.") from error
        if is_news:
            try:
                await self.record("text_read", who, user_id=user_id, creator_id=creator_id)
            except Unavailable:
                await self._forget(mark)
                raise
        if len(self._read) >= MOST_READS:
            self._read.clear()
        self._read[account] = now + READ_SECONDS / 10  # another process may have told it a while ago

    async def newest(self, count: int) -> list[Record]:
        """The last records, the newest first."""
        try:
            entries = cast(_Entries, await self._redis.xrevrange(STREAM, count=count))
        except RedisError as error:
            raise Unavailable("The audit trail cannot be read; try again.") from error
        return [_record(fields) for _, fields in entries]

    async def records(self) -> AsyncIterator[Record]:
        """Every record, the oldest first."""
        after = "-"
        while True:
            entries = cast(_Entries, await self._redis.xrange(STREAM, after, count=PAGE))
            for _, fields in entries:
                yield _record(fields)
            if len(entries) < PAGE:
                return
            after = f"({entries[-1][0].decode()}"

    async def verify(self, through: str | None = None) -> tuple[int, str, str | None]:
        """How many records there are, the last one's hash, and what is wrong; None: nothing.

        `through` is a hash that was noted earlier: the trail has to have it.
        """
        chain = await self.chain(through)
        return chain.number, chain.last, chain.wrong

    async def chain(self, noted: str | None = None) -> Chain:
        """All records up to the first that is wrong."""
        chain = Chain(self._secret, noted)
        async for record in self.records():
            if not chain.take(record):
                break
        return chain

    async def _forget(self, mark: str) -> None:
        with contextlib.suppress(RedisError):  # it expires by itself
            await self._redis.delete(mark)
