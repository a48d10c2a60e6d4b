"""What was enriched, kept in Redis beside the journal so that a restart does not do it again.

Derived data: losing it costs time, never facts. The hash `enriched:{user}` holds, by creator and
conversation, a fingerprint of what the enrichment was made from and the enriched node.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, cast

import orjson
from pydantic import ValidationError
from redis.asyncio import Redis

from actors.cache import CachedChat
from chats.conversation import Conversation
from wire.payloads import ExtendedConversationNode

BATCH = 500
RULES = 1  # to be raised when enrichment comes to say something else of the same conversation
_DIGEST = 16


def fingerprint(cached: CachedChat, conversation: Conversation, model: str) -> bytes:
    """Of everything that a conversation's enrichment depends on."""
    figures = conversation.figures
    basis = [
        RULES,
        model,
        [(m.id, m.changed_at, m.is_opened, m.text) for m in conversation.messages],
        [figures.start, figures.end, figures.silence_seconds, figures.response_seconds, figures.unanswered],
        repr(cached.contexts[conversation.id]),
    ]
    return hashlib.blake2b(orjson.dumps(basis), digest_size=_DIGEST).digest()


class Memo:
    """One user's enriched conversations."""

    def __init__(self, redis: Redis, user_id: str, model: str) -> None:
        self._redis = redis
        self._key = f"enriched:{user_id}"
        self._model = model

    async def keep(
        self, entries: Iterable[tuple[CachedChat, Conversation, ExtendedConversationNode]]
    ) -> None:
        """Remember nodes; raises RedisError when Redis is away."""
        batch: dict[Any, Any] = {}
        for cached, conversation, node in entries:
            mark = fingerprint(cached, conversation, self._model)
            batch[_field(conversation.creator_id, conversation.id)] = mark + node.model_dump_json().encode()
            if len(batch) >= BATCH:
                await cast(Any, self._redis.hset(self._key, mapping=batch))
                batch = {}
        if batch:
            await cast(Any, self._redis.hset(self._key, mapping=batch))

    async def forget(self, creator_id: str, conversation_ids: Iterable[str]) -> None:
        if fields := [_field(creator_id, id) for id in conversation_ids]:
            await cast(Any, self._redis.hdel(self._key, *fields))

    async def recall(self, chats: Iterable[CachedChat]) -> AsyncIterator[ExtendedConversationNode]:
        """The nodes that still hold for these chats' conversations as they are now."""
        current = {_field(c.creator_id, c.id): (cached, c) for cached in chats for c in cached.conversations}
        fields = list(current)
        for start in range(0, len(fields), BATCH):
            names = fields[start : start + BATCH]
            values = await cast(Any, self._redis.hmget(self._key, names))
            for name, value in zip(names, values, strict=True):
                cached, conversation = current[name]
                if value and value[:_DIGEST] == fingerprint(cached, conversation, self._model):
                    with suppress(ValidationError):  # written by another version: made again
                        yield ExtendedConversationNode.model_validate_json(value[_DIGEST:])


def _field(creator_id: str, conversation_id: str) -> str:
    return f"{creator_id}/{conversation_id}"
