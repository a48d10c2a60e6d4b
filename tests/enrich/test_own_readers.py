"""Heads of the installation's own and a classifier of the user's own, where they are used: in Ray tasks."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.embedding import installed
from enrich.embedding.embed import PACKAGED
from enrich.embedding.head_file import dumps, loads
from enrich.embedding.heads import path_of
from enrich.outcomes import contexts
from enrich.progress import Progress
from enrich.sentiment import score
from enrich.tasks import Enricher, model_ready
from errors import EnrichmentError
from session.topic_models import TopicModels
from settings import Settings

ChatOf = Callable[..., list[Message]]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def turned() -> bytes:
    """The packaged head of sentiment with its weights negated."""
    head = loads(path_of("sentiment", PACKAGED).read_bytes())
    for each in head["outputs"].values():
        each["weights"] = [-weight for weight in each["weights"]]
    return dumps(head)


async def ignore(progress: Progress) -> None:
    pass


async def understood(enricher: Enricher, conversation: Conversation) -> EnrichedConversation:
    around = contexts([conversation], {"f": Chat("f", "creator", "f")})
    parts = enricher.changed("creator", [(conversation, around[conversation.id], {})], ignore)
    [node] = [node async for nodes in parts for node in nodes]
    return node


async def test_heads_that_come_into_use_are_used_without_a_restart_and_taken_back(
    redis: Redis,
    ray_cluster: None,
    chat: ChatOf,
    user_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installed, "HOLD", 0.0)
    settings = Settings(heads=str(tmp_path))
    await model_ready(settings)
    enricher = Enricher(user_id, TopicModels(redis), settings)
    [talk] = cut(chat("f", ["you never write back to me", "what a lovely day"]), gap=21_600, silence=300)
    before = await understood(enricher, talk)
    assert before.models["sentiment"] == score.name()
    made = installed.write(str(tmp_path), "", {"sentiment.json": turned()}, {})
    installed.use(str(tmp_path), made.name)
    after = await understood(enricher, talk)
    assert after.models["sentiment"] == score.name(PACKAGED, installed.current(str(tmp_path)))
    assert after.models["sentiment"] != before.models["sentiment"]
    assert after.messages["f-0"].sentiment != before.messages["f-0"].sentiment
    assert after.messages["f-0"].actions == before.messages["f-0"].actions
    installed.use(str(tmp_path), "")
    assert await understood(enricher, talk) == before


async def test_what_cannot_be_used_is_told_when_the_service_starts(ray_cluster: None, tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text('{"version": "0001-0123456789ab"}')
    with pytest.raises(EnrichmentError, match=r"^HEADS: version 0001-0123456789ab"):
        await model_ready(Settings(heads=str(tmp_path)))
    with pytest.raises(EnrichmentError, match=r"^SENTIMENT_MODEL=/no/such"):
        await model_ready(replace(Settings(), sentiment_model="/no/such"))
