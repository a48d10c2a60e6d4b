"""What was understood behind a user's checkpoints, kept in Redis so that a replay does not compute it again.

Pages are shown it only when it is kept. So a value that was shown stays what it is whatever is killed, though
a worker on another kind of machine would compute another last digit.

Keys: `understood:{user}`, a hash of conversations (`["<creator>","<chat>","<conversation>"]`) and, under "",
of what all of them were made with; `revisions:{user}`, a sorted set of the same conversations by revision, a
number that grows with every call and every owner. No message text is in it, but digests of texts.
"""

import asyncio
import logging
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import msgpack
import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from errors import StaleOwner
from history.chat import Understanding
from wire.payloads import ExtendedConversationNode

log = logging.getLogger(__name__)

TOGETHER = 100  # conversations a call
_FAST = 1  # zlib's level

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


class Understood:
    """One user's. RedisError when Redis is out of reach, StaleOwner when another process owns the user.

    `revision` is the last one that is known to have been used.
    """

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
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
        """All that is kept. What another `basis` made is dropped; what cannot be read is left out."""
        held = cast(dict[bytes, bytes], await cast(Any, self._redis.hgetall(self._keys[0])))
        made_with = msgpack.unpackb(held.pop(b"", b"\x80"))
        if held and made_with.get("basis") != basis:
            await self._run(self._drop, [])
            return Kept()
        kept = Kept(fits=made_with.get("fits"))
        for name, value in held.items():
            try:
                creator_id, chat_id, _ = orjson.loads(name)
                revision, imprint, said, packed = msgpack.unpackb(value)
                node = ExtendedConversationNode.model_validate_json(zlib.decompress(packed))
            except (ValueError, TypeError, zlib.error) as error:
                log.error(
                    "What was understood under %s cannot be read (%s).", self._keys[0], type(error).__name__
                )
                kept.fits = None  # the checkpoint may have the conversation with other topics
                continue
            kept.chats.setdefault((creator_id, chat_id), []).append(Understanding(node, imprint, said))
            self.revision = max(self.revision, revision)
            await asyncio.sleep(0)
        return kept

    async def keep(
        self, revision: int, basis: Mapping[str, Any], fits: Mapping[str, int], found: Iterable[Understanding]
    ) -> None:
        """Keep these in place of what was kept of the same conversations; the fits when all of them are."""
        rest = iter(found)
        part = list(islice(rest, TOGETHER))
        while True:
            following = list(islice(rest, TOGETHER))
            made_with = b"" if following else msgpack.packb({"basis": dict(basis), "fits": dict(fits)})
            fields = [piece for each in part for piece in (_name(each.node), _packed(each, revision))]
            await self._run(self._keep, [revision, made_with, *fields])
            if not following:
                return
            part = following
            await asyncio.sleep(0)

    async def forget(self, revision: int) -> None:
        """Drop what was kept up to this revision: two checkpoints have it."""
        while await self._run(self._forget, [revision, TOGETHER]) == TOGETHER:
            pass

    async def _run(self, script: Any, args: list[Any]) -> Any:
        try:
            return await script(keys=self._keys, args=[self._epoch, *args])
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner(
                    "Another process owns this user now; it is the one that understands."
                ) from error
            raise


def _name(node: ExtendedConversationNode) -> bytes:
    return orjson.dumps([node.creatorId, node.chatId, node.conversationId])


def _packed(each: Understanding, revision: int) -> bytes:
    node = zlib.compress(each.node.model_dump_json().encode(), _FAST)
    packed: bytes = msgpack.packb([revision, each.imprint, each.said, node])
    return packed
