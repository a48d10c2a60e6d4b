"""A user's owner in this process, on a Redis of its own: without Ray, a model or a graph.

What is understood of a conversation is made up, as much of it as a model finds.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from chats.conversation import Conversation
from chats.enriched import ActionUse, EnrichedConversation, MessageEnrichment, TopicUse
from encryption.keyring import Keyring
from enrich.node import enriched_of
from enrich.outcomes import Context
from enrich.progress import Progress
from enrich.tasks import Wanted
from enrich.topics.outline import OutlinedTopic
from enrich.topics.refit import Fitted
from frames.log import end
from frames.publisher import Publisher
from graph.model import Mutation, Scalar
from graph.port import Graph
from history.checkpoints import Checkpoints
from privacy.seal import read_seal
from session.clock import SystemClock
from session.erased import ErasedInRedis
from session.held import HeldStore
from session.journal import Journal
from session.lag import LagInRedis
from session.ports import Ports
from session.session import Session
from session.understood import Understood
from settings import Settings
from steps import sliced

TOPICS = 40
PART = 500  # conversations that are understood together
MADE_UP = "made up 1"
Nodes = list[EnrichedConversation]


@asynccontextmanager
async def alone(
    redis: Redis, user_id: str, folder: Path, keys: Keyring | None = None
) -> AsyncIterator[Session]:
    """The user's owner, which runs until the end of the context; checkpoints are in the folder."""
    keys = keys or Keyring(user_id)  # which encrypts nothing
    settings = replace(Settings(), data_dir=folder, max_waiting=10**9)
    ports = Ports(
        journal=Journal(redis, user_id, keys),
        understood=Understood(redis, user_id, keys),
        held=HeldStore(redis, user_id, keys),
        erased=ErasedInRedis(redis, user_id),
        seal=lambda: read_seal(settings.secret_file),
        publisher=lambda lost: Publisher(redis, user_id, lost, keys=keys),
        checkpoints=lambda epoch: Checkpoints(settings.checkpoints, user_id, epoch, keys),
        enricher=_Enricher(),
        writer=lambda _: _Nothing(),
        reader=cast(Graph, _Nothing()),
        lag=LagInRedis(redis, user_id),
        clock=SystemClock(),
        keys=keys,
    )
    session = Session(user_id, settings, ports)
    running = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        await end(running)


def snapshot(chats: int, messages: int) -> bytes:
    """JSON of so many chats with so many short messages each, of the last four weeks."""
    told = [
        {
            "withUser": {"id": fan, "name": f"Fan {fan}", "username": f"fan{fan}"},
            "unreadMessagesCount": fan % 4,
        }
        for fan in fans(chats)
    ]
    said = [message(fan, n, 7919 * fan % 40_000 + 60 * n) for fan in fans(chats) for n in range(messages)]
    return orjson.dumps({"chats": told, "messages": said})


def fans(chats: int) -> range:
    return range(400_000_000, 400_000_000 + chats)


def message(fan: int, n: int, minutes: float) -> dict[str, Any]:
    """The n-th message with a fan, sent so many minutes ago; every third is the creator's."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)
    side = {"toUser": {"id": fan}} if n % 3 == 1 else {"fromUser": {"id": fan}}
    text = f"<p>This is number {n} of what is said, and no more</p>"
    return {"id": fan * 1000 + n, "text": text, "createdAt": at.isoformat(), "price": 0, "media": [], **side}


class _Enricher:
    """See `session.understanding.Enriches`."""

    async def whole(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        messages: int,
        on_progress: Callable[[Progress], Any],
        *,
        refit: bool = False,
        aside: bool = False,
    ) -> tuple[int, AsyncIterator[Nodes]]:
        return 0, self._parts((each, context) for each, context, _ in conversations)

    def changed(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        on_progress: Callable[[Progress], Any],
        *,
        alone: bool = False,
    ) -> AsyncIterator[Nodes]:
        return self._parts((each, context) for each, context, _ in conversations)

    async def topics(self, creator_id: str) -> tuple[OutlinedTopic, ...]:
        return ()

    async def fitted(self, creator_id: str) -> Fitted | None:
        return None

    async def forget_topics(self, creator_id: str, *, everything: bool) -> int:
        return 0

    async def _parts(self, conversations: Iterable[tuple[Conversation, Context]]) -> AsyncIterator[Nodes]:
        nodes: Nodes = []
        async for conversation, context in sliced(conversations):
            nodes.append(_node(conversation, context))
            if len(nodes) >= PART:
                yield nodes
                nodes = []
        if nodes:
            yield nodes


class _Nothing:
    """A graph that has nothing and takes everything."""

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        pass

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return []


def _node(conversation: Conversation, context: Context) -> EnrichedConversation:
    number = zlib.crc32(conversation.id.encode())
    count = len(conversation.messages)
    uses = [_use(topic % TOPICS, count) for topic in (number, number // 7)]
    felt = tuple(m.id for m in conversation.messages if m.direction == "fan")
    feeling = number % 100 / 100
    return enriched_of(
        conversation,
        context,
        topics=tuple({use.id: use for use in uses}.values()),
        actions=(ActionUse(type="question", count=count, direction="fan", evidence=felt),),
        sentiment_sum=feeling * len(felt),
        sentiment_count=len(felt),
        messages={
            m.id: MessageEnrichment(sentiment=feeling if m.id in felt else None)
            for m in conversation.messages
        },
        models={"topics": MADE_UP, "sentiment": MADE_UP, "actions": MADE_UP},
    )


def _use(number: int, messages: int) -> TopicUse:
    words = tuple(f"word{number}of{n}" for n in range(8))
    label = f"What is talked about, number {number}"
    return TopicUse(
        id=f"t{number}", label=label, messages=messages, weight=1.0, keywords=words, model=MADE_UP
    )
