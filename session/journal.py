"""A user's journal: accepted input in order, in a Redis Stream. What is in it is acknowledged.

One Lua call checks that the writer still owns the user (its epoch is the newest) and has seen all that the
journal has, passes over what the journal already has, numbers the rest and appends it. So an
append that Redis carries out late, when nobody waits for it any more, is either seen or refused, and one
whose answer was lost may be repeated after a `refresh`.

A snapshot is written in chunks and counts only with its closing record: it is visible whole or not at all, so
the ids of the messages in it are not compared here; the owner, who has read it, knows them. Messages are kept
as received; they are normalised again when the journal is read.

Where the user's keys encrypt, the bodies of records are encrypted, each for its creator and its place, and an
id is a keyed hash. That is done before it is known whether the journal has the record already: what is passed
over has a number all the same. Erasures name nobody, and are kept as they are.

An erasure is a record as well. The call that appends it sets its tombstones (`session.erased`), too: whoever
reads the one finds the other.

Keys: `journal:{user}` the stream (record n has the id `n-0`), `owner:{user}` a hash of `epoch`, `sequence`
(of the last record) and `base` (of the last record that was trimmed), `ids:{user}` a hash of the ids that are
in the journal, `users` the set of all users, `creators:{user}` the creators a user has written for.
"""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgpack
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from encryption.envelope import Place
from encryption.keyring import Keyring
from errors import JournalGap, JournalUnavailable, KeyDestroyed, StaleOwner
from session.erasure import Erasure

Kind = Literal["message", "snapshot", "release", "held", "correction", "erase", "lift"]
ERASING = "erasing"  # the key of the set of users of whom an erasure is not carried out yet
CHUNK_BYTES = 512 * 1024
READ_COUNT = 50  # records a call: each may be a chunk of a snapshot, and they are in memory together
USERS_TOGETHER = 1_000  # asked for in one round trip
TRIM_COUNT = 100  # records a call: each may be a chunk, and Redis serves nobody else meanwhile

# The entries come as one msgpack value, and the answer is the last sequence and the positions (from 1) of
# those passed over: values for each entry cost this side more than all else of an append.
# A field of `ids` is "<bytes of the creator>:<creator><id>", its value ends with the record's sequence.
_APPEND = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
local sequence = tonumber(redis.call('HGET', KEYS[2], 'sequence') or '0')
if sequence ~= tonumber(ARGV[2]) then return redis.error_reply('BEHIND') end
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('SADD', KEYS[4], ARGV[4])
local creator = ARGV[4]
local prefix = #creator .. ':' .. creator
local answer = {0}
for position, entry in ipairs(cmsgpack.unpack(ARGV[5])) do
  local kind, id = entry[1], entry[4]
  local number = string.format('%.0f', sequence + 1)
  if kind == 'message' and id ~= '' and redis.call('HSETNX', KEYS[5], prefix .. id, number) == 0 then
    table.insert(answer, position)
    if ARGV[6] == '1' then sequence = sequence + 1 end
  else
    sequence = sequence + 1
    redis.call('XADD', KEYS[1], number .. '-0',
      'kind', kind, 'creator', creator, 'at', entry[2], 'body', entry[3], 'id', id)
  end
end
redis.call('HSET', KEYS[2], 'sequence', string.format('%.0f', sequence))
answer[1] = sequence
return answer
"""

# The tombstones are fields of a hash, and so is what is to be carried out. A lifted one is taken away. Which
# of the ids are of what is erased is not known here: all go, or what comes again once that is lifted would be
# passed over. The owner, who has read what the journal has, tells copies apart without them.
_MARK = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
local sequence = tonumber(redis.call('HGET', KEYS[2], 'sequence') or '0')
if sequence ~= tonumber(ARGV[2]) then return redis.error_reply('BEHIND') end
local kind, number = ARGV[3], string.format('%.0f', sequence + 1)
redis.call('XADD', KEYS[1], number .. '-0',
  'kind', kind, 'creator', ARGV[4], 'at', ARGV[5], 'body', ARGV[6], 'id', '')
redis.call('HSET', KEYS[2], 'sequence', number)
if kind == 'erase' then
  redis.call('DEL', KEYS[5])
  redis.call('SADD', KEYS[4], ARGV[7])
  redis.call('HSETNX', KEYS[3], 'secret', ARGV[8])
  redis.call('HSET', KEYS[3], 'due ' .. ARGV[9], number .. ' ' .. ARGV[6])
  for n = 10, #ARGV do redis.call('HSET', KEYS[3], 'of ' .. ARGV[n], ARGV[5]) end
else
  for n = 10, #ARGV do redis.call('HDEL', KEYS[3], 'of ' .. ARGV[n]) end
end
return sequence + 1
"""

_TRIM = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
local through, count = ARGV[2], tonumber(ARGV[3])
local records = redis.call('XRANGE', KEYS[1], '-', through .. '-0', 'COUNT', count)
for _, record in ipairs(records) do
  local fields = {}
  for i = 1, #record[2], 2 do fields[record[2][i]] = record[2][i + 1] end
  if fields.id and fields.id ~= '' then
    local field = #fields.creator .. ':' .. fields.creator .. fields.id
    local held = redis.call('HGET', KEYS[3], field)
    if held and string.match(held, '(%d+)$') .. '-0' == record[1] then redis.call('HDEL', KEYS[3], field) end
  end
  redis.call('XDEL', KEYS[1], record[1])
end
if #records == count then through = string.match(records[count][1], '^%d+') end
if tonumber(through) > tonumber(redis.call('HGET', KEYS[2], 'base') or '0') then
  redis.call('HSET', KEYS[2], 'base', through)
end
return #records
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input to append. A message with an `id` is dropped when the journal has that id."""

    kind: Literal["message", "release", "held", "correction"]
    at: float  # epoch seconds, when received
    body: bytes  # JSON
    id: str | None = None  # of this copy of a message, among the creator's; None: nothing is compared


@dataclass(frozen=True, slots=True)
class Record:
    """One input: an entry as it was appended, or a whole snapshot (`{"chats": [...], "messages": [...]}`)."""

    kind: Kind
    sequence: int
    creator_id: str
    received_at: float  # epoch seconds
    body: bytes  # JSON


class Journal:
    """Reads, appends and trims one user's journal. Redis out of reach raises JournalUnavailable.

    `claim` makes this instance the owner; an instance that another has displaced gets StaleOwner. The `keys`
    are loaded by then.
    """

    def __init__(self, redis: Redis, user_id: str, keys: Keyring | None = None) -> None:
        self._redis = redis
        self._user_id = user_id
        self._keys = keys or Keyring(user_id)
        self._stream = f"journal:{user_id}"
        self._meta = f"owner:{user_id}"  # a prefix of its own: a user id may contain a colon
        self._ids = f"ids:{user_id}"
        self._erased = f"erased:{user_id}"
        self._append = redis.register_script(_APPEND)
        self._mark = redis.register_script(_MARK)
        self._trim = redis.register_script(_TRIM)
        self._writing = asyncio.Lock()  # the records of a snapshot have no others between them
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

    async def refresh(self) -> None:
        """Learn where the journal ends, after an append of which it is not known whether it went through."""
        try:
            self.sequence = int(await cast(Any, self._redis.hget(self._meta, "sequence")) or 0)
        except RedisError as error:
            raise _unavailable(error) from error

    async def append(self, creator_id: str, entries: Sequence[Entry]) -> list[int]:
        """Append the entries, all or none; returns the sequence of each, 0 where it was dropped."""
        async with self._writing:
            return await self._write(
                creator_id, [(each.kind, each.at, each.body, each.id or "") for each in entries]
            )

    async def append_snapshot(
        self, creator_id: str, received_at: float, chats: Iterable[bytes], messages: Iterable[bytes]
    ) -> int:
        """Append a snapshot (each chat and message as JSON); returns the closing record's sequence."""
        # One id for all its records: a chunk that an earlier attempt left behind, or that Redis takes late,
        # is not mistaken for one of this snapshot.
        id = uuid.uuid4().hex
        async with self._writing:
            for chunk in itertools.chain(_chunks("chats", chats), _chunks("messages", messages)):
                await self._write(creator_id, [("chunk", received_at, chunk, id)])
            [sequence] = await self._write(creator_id, [("snapshot", received_at, b"", id)])
        return sequence

    async def erase(self, erasure: Erasure, secret: bytes) -> int:
        """Append an erasure, with its tombstones and that it is to be carried out; returns its sequence.

        `secret` is that of the tombstones, and is kept with the first of them.
        """
        creator_id, at = erasure.creator_id or "", erasure.requested_at
        first = (secret, erasure.receipt)
        return await self._write_mark("erase", creator_id, at, erasure.to_json(), first, erasure.names)

    async def lift(self, received_at: float, names: Sequence[str]) -> int:
        """Append that these tombstones are taken away; returns its sequence."""
        return await self._write_mark("lift", "", received_at, orjson.dumps(names), (b"", ""), names)

    async def _write_mark(
        self,
        kind: Kind,
        creator_id: str,
        at: float,
        body: bytes,
        first: tuple[bytes, str],
        names: Sequence[str],
    ) -> int:
        keys = [self._stream, self._meta, self._erased, ERASING, self._ids]
        async with self._writing:
            record = [self.epoch, self.sequence, kind, creator_id, repr(at), body]
            self.sequence = await self._run(self._mark, keys, [*record, self._user_id, *first, *names])
            return self.sequence

    async def read(self, after: int = 0) -> AsyncIterator[Record]:
        """The records with a sequence above `after` (that of a record, or 0), in order.

        Chunks without their closing record are passed over, and so is what was encrypted with a key that is
        destroyed. JournalGap when records above `after` were trimmed, even while this reads, and when the
        journal does not reach up to `after`. KeyUnavailable, Undecryptable.
        """
        chunks: list[tuple[bytes, bytes]] = []
        while entries := await self._page(after):
            for number, fields in entries:
                after = int(number.split(b"-")[0])
                kind, id = fields[b"kind"].decode(), fields.get(b"id", b"")
                creator_id = fields[b"creator"].decode()
                try:
                    place = _place(after, kind, fields[b"at"].decode(), id.decode())
                    body = self._keys.decrypt(creator_id, place, fields[b"body"])
                except KeyDestroyed:
                    continue
                if kind == "chunk":
                    chunks.append((id, body))
                    continue
                if kind == "snapshot":
                    body, chunks = _join([chunk for of, chunk in chunks if of == id]), []
                yield Record(
                    kind=cast(Kind, kind),
                    sequence=after,
                    creator_id=creator_id,
                    received_at=float(fields[b"at"]),
                    body=body,
                )

    async def trim(self, through: int) -> None:
        """Remove the records up to and including `through`, the sequence of a finished record.

        Only what is kept elsewhere may be trimmed. Their ids are forgotten with them.
        """
        keys = [self._stream, self._meta, self._ids]
        while await self._run(self._trim, keys, [self.epoch, through, TRIM_COUNT]) == TRIM_COUNT:
            pass

    async def _page(self, after: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(self._meta, ["base", "sequence"])
                pipe.xrange(self._stream, min=f"({after}-0", count=READ_COUNT)
                (base, sequence), entries = await pipe.execute()
        except RedisError as error:
            raise _unavailable(error) from error
        if after < int(base or 0):
            raise JournalGap(
                f"The journal was trimmed up to record {int(base)}, and no checkpoint that can be read has "
                "these records; restore the checkpoints' folder from a backup, see docs/reliability.md."
            )
        if after > int(sequence or 0):
            raise JournalGap(
                f"The journal ends at record {int(sequence or 0)}, and the checkpoint was made at {after}; "
                "restore the data of Redis and the checkpoints from one backup, see docs/reliability.md."
            )
        return cast(list[tuple[bytes, dict[bytes, bytes]]], entries)

    async def _write(self, creator_id: str, rows: Sequence[tuple[str, float, bytes, str]]) -> list[int]:
        keys = [self._stream, self._meta, "users", f"creators:{self._user_id}", self._ids]
        await self._keys.prepare([creator_id])
        before, encrypts = self.sequence, self._keys.encrypts
        told = [(kind, repr(at), body, id) for kind, at, body, id in rows]
        if encrypts:
            told = [self._encrypted(creator_id, before + n, *each) for n, each in enumerate(told, 1)]
        packed = msgpack.packb(told, use_bin_type=False)
        args = [self.epoch, before, self._user_id, creator_id, packed, int(encrypts)]
        self.sequence, *copies = await self._run(self._append, keys, args)
        if not copies:
            return list(range(before + 1, self.sequence + 1))
        passed_over = set(copies)
        numbers = itertools.count(before + 1)
        return [
            0 if position in passed_over else before + position if encrypts else next(numbers)
            for position in range(1, len(rows) + 1)
        ]

    def _encrypted(
        self, creator_id: str, sequence: int, kind: str, at: str, body: bytes, id: str
    ) -> tuple[str, str, bytes, str]:
        if kind == "message" and id:
            id = self._keys.digest(creator_id, id)
        return kind, at, self._keys.encrypt(creator_id, _place(sequence, kind, at, id), body), id

    async def _run(self, script: Any, keys: list[str], args: list[Any]) -> Any:
        try:
            return await script(keys=keys, args=args)
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner(
                    "Another process owns this user now; send the request again to reach it."
                ) from error
            if "BEHIND" in str(error):
                raise JournalUnavailable(
                    "The journal has records its owner has not seen yet; nothing was acknowledged, try again."
                ) from error
            raise _unavailable(error) from error
        except RedisError as error:
            raise _unavailable(error) from error


async def known_users(redis: Redis) -> dict[str, list[str]]:
    """Every user that ever wrote, with the creators it wrote for."""
    try:
        users = sorted(u.decode() for u in await cast(Any, redis.smembers("users")))
        creators: list[set[bytes]] = []
        for start in range(0, len(users), USERS_TOGETHER):
            async with redis.pipeline(transaction=False) as pipe:
                for user in users[start : start + USERS_TOGETHER]:
                    pipe.smembers(f"creators:{user}")
                creators += await pipe.execute()
    except RedisError as error:
        raise _unavailable(error) from error
    return {user: sorted(c.decode() for c in of) for user, of in zip(users, creators, strict=True)}


async def owner_epochs(redis: Redis, users: Collection[str]) -> dict[str, int]:
    """The newest epoch of each user that ever had an owner, in one round trip."""
    try:
        async with redis.pipeline(transaction=False) as pipe:
            for user in users:
                pipe.hget(f"owner:{user}", "epoch")
            epochs = await pipe.execute()
    except RedisError as error:
        raise _unavailable(error) from error
    return {user: int(epoch) for user, epoch in zip(users, epochs, strict=True) if epoch is not None}


async def is_known(redis: Redis, user_id: str) -> bool:
    """Whether the user ever wrote: asking this is cheaper than waking its actor."""
    try:
        return bool(await cast(Any, redis.sismember("users", user_id)))
    except RedisError as error:
        raise _unavailable(error) from error


def _chunks(name: str, items: Iterable[bytes]) -> Iterator[bytes]:
    """Items as JSON objects `{name: [...]}` of about CHUNK_BYTES each."""
    part: list[bytes] = []
    size = 0
    for item in items:
        part.append(item)
        size += len(item)
        if size >= CHUNK_BYTES:
            yield b'{"%s":[%s]}' % (name.encode(), b",".join(part))
            part, size = [], 0
    if part:
        yield b'{"%s":[%s]}' % (name.encode(), b",".join(part))


def _join(chunks: Sequence[bytes]) -> bytes:
    """The chunks as one object. They are not parsed: what is nested deep could not be written again."""
    items: dict[bytes, list[bytes]] = {b"chats": [], b"messages": []}
    for chunk in chunks:
        name, _, rest = chunk.removeprefix(b'{"').partition(b'":[')
        items[name].append(rest.removesuffix(b"]}"))
    return b'{"chats":[%b],"messages":[%b]}' % (b",".join(items[b"chats"]), b",".join(items[b"messages"]))


def _place(sequence: int, kind: str, at: str, id: str) -> Place:
    return "record of the journal", sequence, kind, at, id


def _unavailable(error: RedisError) -> JournalUnavailable:
    return JournalUnavailable(
        f"Redis did not answer for the journal ({type(error).__name__}); nothing was acknowledged, try again."
    )
