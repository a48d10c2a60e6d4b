"""Lists what could not be placed, enriched or written, and has it tried once more."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from history.history import History
from session.graph import GraphWrites
from session.intake import Intake, Receipt
from session.knowledge import Knowledge
from session.retelling import Retelling
from wire.incoming import Replay
from wire.view import failed_conversations, not_enriched


class SetAside:
    """One user's. `at_rest` is held while the chats are looked through."""

    def __init__(
        self,
        history: History,
        knowledge: Knowledge,
        intake: Intake,
        writes: GraphWrites,
        retelling: Retelling,
        at_rest: asyncio.Lock,
    ) -> None:
        self._history = history
        self._knowledge = knowledge
        self._intake = intake
        self._writes = writes
        self._retelling = retelling
        self._at_rest = at_rest

    async def listed(self, limit: int, offset: int) -> dict[str, Any]:
        """One page of it with the reasons, how much there is, and how much was not chat, by kind."""
        held = [
            {
                "key": key,
                "reason": aside.held.reason,
                "id": aside.held.id,
                "creator_id": aside.creator_id,
                "failed": {},
                "position": aside.held.position,
                "received": orjson.loads(aside.held.raw),
            }
            for key, aside in self._knowledge.held.items()
        ]
        async with self._at_rest:
            for cached in self._history.failed():
                held += not_enriched(cached)
                await asyncio.sleep(0)
            held += _refused(self._writes.refused)
        page = held[offset : offset + limit]
        return {"held": page, "total": len(held), "dropped": dict(self._knowledge.dropped)}

    async def again(self, asked: Sequence[Replay]) -> Receipt:
        """Have it placed, enriched or written: this, or all when nothing is asked for."""
        found = await self._work_again({each.key for each in asked})
        everything = [Replay(key=key) for key in self._knowledge.held]
        return await self._intake.replay(
            [each for each in asked if each.key not in found] if asked else everything
        )

    async def _work_again(self, keys: set[str]) -> set[str]:
        """Have conversations that failed enriched or written again: these, or all when there are no keys.

        Returns the keys of those found.
        """
        found: set[str] = set()
        async with self._at_rest:
            creators: dict[str, None] = {}
            for cached in self._history.failed():
                failed = {key: id for id, key in failed_conversations(cached).items()}
                if again := failed.keys() & keys if keys else failed.keys():
                    chat = cached.chat
                    self._history.forget(chat.creator_id, chat.id, [failed[key] for key in again])
                    found |= again
                    creators[chat.creator_id] = None
            for creator_id in creators:
                self._retelling.redo(creator_id)
            refused = {_refused_key(*which): which for which in self._writes.refused}
            to_write = refused.keys() & keys if keys else set(refused)
            self._writes.write_again([refused[key] for key in to_write])
            found |= to_write
        return found


def _refused_key(creator_id: str, chat_id: str, conversation_id: str) -> str:
    """What a conversation that the graph refused is replayed by."""
    named = f"graph\0{creator_id}\0{chat_id}\0{conversation_id}".encode()
    return blake2b(named, digest_size=12).hexdigest()


def _refused(found: Mapping[tuple[str, str, str], str]) -> Iterator[dict[str, Any]]:
    """The conversations that the graph refused, with the reason."""
    for (creator_id, chat_id, id), reason in found.items():
        yield {
            "key": _refused_key(creator_id, chat_id, id),
            "reason": "not_written",
            "id": None,
            "creator_id": creator_id,
            "failed": {"graph": reason},
            "received": {"chatId": chat_id, "conversationId": id},
        }
