"""What was understood behind a user's checkpoints, kept in Redis so that a replay does not compute it again.

Pages are shown it only when it is kept. So a value that was shown stays what it is whatever is killed, though
a worker on another kind of machine would compute another last digit.

Key: `understood:{user}`, a hash. Its fields are conversations, `["<creator>","<conversation>"]`, and "" for
what all of them were made with. Nothing in it is message text.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import islice
from typing import Any, cast

import msgpack
import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from actors.cached_chat import Understanding
from errors import StaleOwner
from wire.payloads import ExtendedConversationNode

TOGETHER = 100  # conversations a call
_FAST = 1  # zlib's level

_KEEP = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
"""

_FORGET = """
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return redis.error_reply('STALE') end
for i = 2, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
"""


class Understood:
    """One user's. RedisError when Redis is out of reach, StaleOwner when another process owns the user."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._keys = [f"understood:{user_id}", f"owner:{user_id}"]
        self._keep = redis.register_script(_KEEP)
        self._forget = redis.register_script(_FORGET)
        self._kept: dict[str, int] = {}  # field -> number of the call that wrote it
        self._calls = 0

    async def read(
        self, epoch: int, basis: Mapping[str, Any]
    ) -> AsyncIterator[Understanding | dict[str, int]]:
        """The fits of the creators' topics as they were last, then all that is kept.

        What was made with another `basis` is dropped.
        """
        held = cast(dict[bytes, bytes], await cast(Any, self._redis.hgetall(self._keys[0])))
        self._kept = {field.decode(): 0 for field in held if field}
        if not held:
            return
        made_with = msgpack.unpackb(held.pop(b"", b"\x80"))
        if made_with.get("basis") != basis:
            await self.forget(epoch, self.mark())
            return
        yield made_with["fits"]
        for value in held.values():
            imprint, said, node = msgpack.unpackb(value)
            yield Understanding(
                ExtendedConversationNode.model_validate_json(zlib.decompress(node)), imprint, said
            )

    async def keep(
        self,
        epoch: int,
        basis: Mapping[str, Any],
        fits: Mapping[str, int],
        understood: Iterable[Understanding],
    ) -> None:
        """Keep these in place of what was kept of the same conversations."""
        self._calls += 1
        made_with = msgpack.packb({"basis": dict(basis), "fits": dict(fits)})
        rest = iter(understood)
        while part := list(islice(rest, TOGETHER)):
            fields = {_field(each.node): _packed(each) for each in part}
            self._kept.update(dict.fromkeys(fields, self._calls))
            args = [piece for field in fields.items() for piece in field]
            await self._run(self._keep, [epoch, "", made_with, *args])
            await asyncio.sleep(0)

    def mark(self) -> dict[str, int]:
        """What is kept now, for `forget`."""
        return dict(self._kept)

    async def forget(self, epoch: int, mark: Mapping[str, int]) -> None:
        """Drop what was kept at `mark` and not again since: checkpoints have it."""
        gone = [field for field, call in mark.items() if self._kept.get(field) == call]
        for start in range(0, len(gone), TOGETHER):
            part = gone[start : start + TOGETHER]
            await self._run(self._forget, [epoch, *part])
            for field in part:
                self._kept.pop(field, None)

    async def _run(self, script: Any, args: list[Any]) -> None:
        try:
            await script(keys=self._keys, args=args)
        except ResponseError as error:
            if "STALE" in str(error):
                raise StaleOwner(
                    "Another process owns this user now; it is the one that understands."
                ) from error
            raise


def _field(node: ExtendedConversationNode) -> str:
    return orjson.dumps([node.creatorId, node.conversationId]).decode()


def _packed(each: Understanding) -> bytes:
    node = zlib.compress(each.node.model_dump_json().encode(), _FAST)
    packed: bytes = msgpack.packb([each.imprint, each.said, node])
    return packed
