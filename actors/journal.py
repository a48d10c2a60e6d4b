"""A user's journal: every accepted input, in order, in a Redis Stream. What is in it is acknowledged.

One Lua call checks that the writer still owns the user (its epoch is the newest), numbers the records and
appends them. A snapshot is written in chunks and counts only with its closing record, so it is visible whole
or not at all. Messages are kept as received; they are normalised again when the journal is read.

Keys: `journal:{user}` the stream (record n has the id `n-0`), `owner:{user}` a hash of `epoch` and
`sequence`, `users` the set of all users, `creators:{user}` the creators a user has written for.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from errors import JournalUnavailable, StaleOwner

Kind = Literal["message", "chunk", "snapshot"]
CHUNK_BYTES = 512 * 1024
READ_COUNT = 500

_APPEND = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('SADD', KEYS[4], ARGV[3])
local sequence = tonumber(redis.call('HGET', KEYS[2], 'sequence') or '0')
for i = 4, #ARGV, 3 do
  sequence = sequence + 1
  redis.call('XADD', KEYS[1], string.format('%.0f-0', sequence),
    'kind', ARGV[i], 'creator', ARGV[3], 'at', ARGV[i + 1], 'body', ARGV[i + 2])
end
redis.call('HSET', KEYS[2], 'sequence', string.format('%.0f', sequence))
return sequence
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One input: a message as received, or a whole snapshot (`{"chats": [...], "messages": [...]}`)."""

    kind: Literal["message", "snapshot"]
    sequence: int
    creator_id: str
    received_at: float  # epoch seconds
    body: bytes  # JSON


class Journal:
    """Reads and appends one user's journal. Redis out of reach raises JournalUnavailable.

    `claim` makes this instance the owner; an instance that another has displaced gets StaleOwner.
    """

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._user_id = user_id
        self._stream = f"journal:{user_id}"
        self._meta = f"owner:{user_id}"  # a prefix of its own: a user id may contain a colon
        self._append = redis.register_script(_APPEND)
        self.epoch = 0
        self.sequence = 0  # of the last record known to be in the journal

    async def claim(self) -> int:
        """Become the owner: from now on every older epoch is refused. Returns the new epoch."""
        try:
            self.epoch = await cast(Any, self._redis.hincrby(self._meta, "epoch", 1))
            self.sequence = int(await cast(Any, self._redis.hget(self._meta, "sequence")) or 0)
        except RedisError as error:
            raise _unavailable(error) from error
        return self.epoch

    async def append_messages(self, creator_id: str, messages: Sequence[tuple[float, bytes]]) -> int:
        """Append messages (time received, JSON); returns the last one's sequence."""
        return await self._write(creator_id, [("message", at, body) for at, body in messages])

    async def append_snapshot(
        self, creator_id: str, received_at: float, chats: Sequence[bytes], messages: Sequence[bytes]
    ) -> int:
        """Append a snapshot (each chat and message as JSON); returns the closing record's sequence."""
        chunks = [*_chunks("chats", chats), *_chunks("messages", messages)]
        for chunk in chunks:
            await self._write(creator_id, [("chunk", received_at, chunk)])
        return await self._write(creator_id, [("snapshot", received_at, b"%d" % len(chunks))])

    async def read(self) -> AsyncIterator[Record]:
        """Every record from the first on, in order. Chunks without their closing record are passed over."""
        chunks: list[bytes] = []
        last = "0-0"
        while entries := await self._range(last):
            for id, fields in entries:
                kind, body = fields[b"kind"].decode(), fields[b"body"]
                if kind == "chunk":
                    chunks.append(body)
                    continue
                if kind == "snapshot":
                    count = int(body)
                    body, chunks = _join(chunks[len(chunks) - count :]), []
                yield Record(
                    kind=cast(Literal["message", "snapshot"], kind),
                    sequence=int(id.split(b"-")[0]),
                    creator_id=fields[b"creator"].decode(),
                    received_at=float(fields[b"at"]),
                    body=body,
                )
            last = entries[-1][0].decode()

    async def _range(self, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        try:
            return cast(
                list[tuple[bytes, dict[bytes, bytes]]],
                await self._redis.xrange(self._stream, min=f"({after}", count=READ_COUNT),
            )
        except RedisError as error:
            raise _unavailable(error) from error

    async def _write(self, creator_id: str, records: Iterable[tuple[Kind, float, bytes]]) -> int:
        keys = [self._stream, self._meta, "users", f"creators:{self._user_id}"]
        args: list[Any] = [self.epoch, self._user_id, creator_id]
        for kind, at, body in records:
            args += [kind, repr(at), body]
        try:
            self.sequence = int(await self._append(keys=keys, args=args))
            return self.sequence
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner(
                    "Another process owns this user now; send the request again to reach it."
                ) from error
            raise _unavailable(error) from error
        except RedisError as error:
            raise _unavailable(error) from error


async def known_users(redis: Redis) -> dict[str, list[str]]:
    """Every user that ever wrote, with the creators it wrote for."""
    try:
        users = sorted(u.decode() for u in await cast(Any, redis.smembers("users")))
        creators = [await cast(Any, redis.smembers(f"creators:{user}")) for user in users]
    except RedisError as error:
        raise _unavailable(error) from error
    return {user: sorted(c.decode() for c in of) for user, of in zip(users, creators, strict=True)}


async def is_known(redis: Redis, user_id: str) -> bool:
    """Whether the user ever wrote: asking this is cheaper than waking its actor."""
    try:
        return bool(await cast(Any, redis.sismember("users", user_id)))
    except RedisError as error:
        raise _unavailable(error) from error


def _chunks(name: str, items: Sequence[bytes]) -> list[bytes]:
    """Items as JSON objects `{name: [...]}` of about CHUNK_BYTES each."""
    chunks: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for item in items:
        part.append(item)
        size += len(item)
        if size >= CHUNK_BYTES:
            chunks.append(b'{"%s":[%s]}' % (name.encode(), b",".join(part)))
            part, size = [], 0
    if part:
        chunks.append(b'{"%s":[%s]}' % (name.encode(), b",".join(part)))
    return chunks


def _join(chunks: Sequence[bytes]) -> bytes:
    whole: dict[str, list[Any]] = {"chats": [], "messages": []}
    for chunk in chunks:
        for name, items in orjson.loads(chunk).items():
            whole[name] += items
    return orjson.dumps(whole)


def _unavailable(error: RedisError) -> JournalUnavailable:
    return JournalUnavailable(
        f"Redis did not answer for the journal ({type(error).__name__}); nothing was acknowledged, try again."
    )
