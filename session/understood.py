"""What was understood behind a user's checkpoints, kept in Redis so that a replay does not compute it again.

Pages are shown it only when it is kept. So a value that was shown stays what it is whatever is killed, though
a worker on another kind of machine would compute another last digit.

Keys: `understood:{user}`, a hash of conversations (`["<creator>","<chat>","<conversation>"]`) and, under "",
of what all of them were made with; `revisions:{user}`, a sorted set of the same conversations by revision, a
number that grows with every call and every owner. No message text is in it, but digests of texts. A value is
compressed msgpack with names; those of earlier releases are read, what cannot be read is computed again. It
is encrypted where the user's keys encrypt, for the conversation that it stands under.
"""

import logging
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from chats.enriched import EnrichedConversation
from encryption.envelope import Place
from encryption.keyring import Keyring
from errors import StaleOwner, Undecryptable
from history import older
from history.chat import Understanding
from steps import sliced

log = logging.getLogger(__name__)

TOGETHER = 100  # conversations a call
_FAST = 1  # zlib's level
_OLDER = b"\x94"  # how the values of earlier releases begin: four, of which the last is compressed

_FENCED = "if redis.call('HGET', KEYS[3], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end\n"
_KEEP = f"""{_FENCED}
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[i])
end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], '', ARGV[3]) end
"""
_FORGET = f"""{_FENCED}
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(gone) do
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
return #gone
"""
_DROP = f"{_FENCED} redis.call('DEL', KEYS[1], KEYS[2])"


@dataclass(slots=True)
class Kept:
    """What is kept: by creator and chat, and the fits of the creators' topics in it (None: not known)."""

    chats: dict[tuple[str, str], list[Understanding]] = field(default_factory=dict)
    fits: dict[str, int] | None = None


class _Value(msgspec.Struct):
    """What is kept of one conversation."""

    revision: int
    imprint: bytes
    said: dict[str, bytes]
    conversation: EnrichedConversation


class _MadeWith(msgspec.Struct):
    """What all of them were made with."""

    basis: dict[str, Any] | None = None
    fits: dict[str, int] | None = None


class Understood:
    """One user's. RedisError when Redis is out of reach, StaleOwner when another process owns the user.

    `revision` is the last one that is known to have been used. The `keys` are loaded before anything is read.
    """

    def __init__(self, redis: Redis, user_id: str, keys: Keyring | None = None) -> None:
        self._redis = redis
        self._cipher = keys or Keyring(user_id)
        self._keys = [f"understood:{user_id}", f"revisions:{user_id}", f"owner:{user_id}"]
        self._keep, self._forget, self._drop = map(redis.register_script, (_KEEP, _FORGET, _DROP))
        self._epoch = 0
        self.revision = 0

    def begin(self, epoch: int, revision: int) -> None:
        """Go on as this owner, from the checkpoint that was made at `revision`."""
        self._epoch, self.revision = epoch, revision

    def next(self) -> int:
        """A revision that no owner has used."""
        self.revision = max(self.revision, self._epoch << 32) + 1
        return self.revision

    async def read(self, basis: Mapping[str, Any]) -> Kept:
        """All that is kept. What another `basis` made is dropped; what cannot be read is left out.

        KeyUnavailable.
        """
        held = cast(dict[bytes, bytes], await cast(Any, self._redis.hgetall(self._keys[0])))
        made_with = msgspec.msgpack.decode(held.pop(b"", b"\x80"), type=_MadeWith)
        if held and made_with.basis != basis:
            await self._run(self._drop, [])
            return Kept()
        kept = Kept(fits=made_with.fits)
        async for name, value in sliced(held.items()):
            try:
                creator_id, chat_id, _ = orjson.loads(name)
                found = _value(self._cipher.decrypt(creator_id, _place(name), value))
            except (ValueError, KeyError, TypeError, zlib.error, Undecryptable) as error:
                log.error(
                    "What was understood under %s cannot be read (%s).", self._keys[0], type(error).__name__
                )
                kept.fits = None  # the checkpoint may have the conversation with other topics
                continue
            understanding = Understanding(found.conversation, found.imprint, found.said)
            kept.chats.setdefault((creator_id, chat_id), []).append(understanding)
            self.revision = max(self.revision, found.revision)
        return kept

    async def keep(
        self, revision: int, basis: Mapping[str, Any], fits: Mapping[str, int], found: Iterable[Understanding]
    ) -> None:
        """Keep these in place of what was kept of the same conversations; the fits when all of them are."""
        fields: list[bytes] = []
        async for each in sliced(found):
            if len(fields) == 2 * TOGETHER:
                await self._run(self._keep, [revision, b"", *fields])
                fields = []
            fields += self._field(each, revision)
        made_with = msgspec.msgpack.encode(_MadeWith(dict(basis), dict(fits)))
        await self._run(self._keep, [revision, made_with, *fields])

    async def forget(self, revision: int) -> None:
        """Drop what was kept up to this revision: two checkpoints have it."""
        while await self._run(self._forget, [revision, TOGETHER]) == TOGETHER:
            pass

    def _field(self, each: Understanding, revision: int) -> tuple[bytes, bytes]:
        name = _name(each.node)
        return name, self._cipher.encrypt(each.node.creator_id, _place(name), _packed(each, revision))

    async def _run(self, script: Any, args: list[Any]) -> Any:
        try:
            return await script(keys=self._keys, args=[self._epoch, *args])
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner(
                    "Another process owns this user now; it is the one that understands."
                ) from error
            raise


def _name(node: EnrichedConversation) -> bytes:
    return orjson.dumps([node.creator_id, node.chat_id, node.id])


def _place(name: bytes) -> Place:
    return "understanding", name.decode()


def _packed(each: Understanding, revision: int) -> bytes:
    value = _Value(revision, each.imprint, each.said, each.node)
    return zlib.compress(msgspec.msgpack.encode(value), _FAST)


def _value(packed: bytes) -> _Value:
    if packed.startswith(_OLDER):
        revision, imprint, said, node = msgspec.msgpack.decode(packed)
        return _Value(revision, imprint, said, older.conversation(zlib.decompress(node)))
    return msgspec.msgpack.decode(zlib.decompress(packed), type=_Value)
