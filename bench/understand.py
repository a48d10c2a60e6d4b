"""`python -m bench.understand ADDRESS SEED MESSAGES`: seconds to understand a snapshot, and nothing else.

The tasks are those of the service, on its own Ray, which this process joins; nothing else is done: nothing is
kept, shown or written.
"""

import asyncio
import json
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import ray

from bench.corpus import corpus
from chats.account import Account
from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.message import Message
from enrich.outcomes import contexts
from enrich.progress import Progress
from enrich.tasks import Enricher, Wanted
from settings import Settings
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot

USER = "bench-understand"


class _NoTopics:
    """Keeps no topic models, so topics are fitted as for a new account."""

    async def latest(self, account: Account) -> bytes | None:
        return None

    async def store(self, account: Account, artefact: bytes, *, after: int) -> bool:
        return True

    async def replace(self, account: Account, artefact: bytes, *, after: int) -> bool:
        return True

    async def drop(self, account: Account) -> None: ...


async def measure(seed: int, messages: int) -> float:
    """Seconds until the last conversation is understood."""
    creator_id, known, chats = await asyncio.to_thread(_chats, seed, messages)
    start = time.perf_counter()
    enricher = Enricher(USER, _NoTopics(), Settings())
    _, parts = await enricher.whole(creator_id, _surrounded(known, chats), messages, _told)
    async for _ in parts:
        pass
    return time.perf_counter() - start


async def _told(_: Progress) -> None:
    pass


def _chats(seed: int, size: int) -> tuple[str, dict[str, Chat], list[list[Conversation]]]:
    """The samples, read and cut into conversations: of whom, the chats by id, and their conversations."""
    samples, settings = corpus(size, seed=seed), Settings()
    read = normalise_snapshot(
        CacheUpdatePayload(messages=samples.messages),
        creator_id=samples.creator_id,
        received_at=time.time(),
        max_text=settings.max_text,
    )
    chats: dict[str, list[Message]] = defaultdict(list)
    for message in read.messages:
        chats[message.chat_id].append(message)
    gap, silence = settings.conversation_gap, settings.silence_threshold
    conversations = [cut(messages, gap=gap, silence=silence) for messages in chats.values()]
    return samples.creator_id, {chat.id: chat for chat in read.chats}, conversations


def _surrounded(known: dict[str, Chat], chats: list[list[Conversation]]) -> Iterator[Wanted]:
    for own in chats:
        around = contexts(own, known)
        yield from ((each, around[each.id], {}) for each in own)


def main() -> None:
    address, seed, messages = sys.argv[1:]
    ray.init(address=address, namespace="analytics", log_to_driver=False, logging_level=logging.ERROR)
    print(json.dumps(asyncio.run(measure(int(seed), int(messages)))))
    ray.shutdown()


if __name__ == "__main__":
    main()
