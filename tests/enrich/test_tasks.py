import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from ray.exceptions import RayError
from redis.asyncio import Redis

from actors.journal import Journal
from chats.conversation import Conversation, cut
from chats.message import Chat, Message
from enrich.tasks import Enricher, _chunks, broadcast_enrichment
from errors import StaleOwner
from push import NOWHERE, last_position, missed, push
from settings import Settings
from wire.payloads import ExtendedConversationNode, SystemStatus, SystemStatusMsg

ChatOf = Callable[..., list[Message]]

LINES = ["hey, how much for a custom video?", "it's $40", "too expensive 😞", "i can do $30", "deal! love it"]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def enricher(redis: Redis, ray_cluster: None) -> Enricher:
    return Enricher(redis, Settings())


def creator_with(chat: ChatOf, creator_id: str, chats: int) -> list[Conversation]:
    found = []
    for n in range(chats):
        messages = [replace(each, creator_id=creator_id) for each in chat(f"chat-{n}", LINES * 12)]
        late = [replace(each, id=f"late-{each.id}", at=each.at + 5 * 86_400) for each in messages[:5]]
        found += cut([*messages, *late], gap=6 * 3600, silence=300)
    return found


async def ignore(done: int, total: int) -> None:
    pass


def by_id(nodes: list[ExtendedConversationNode]) -> dict[str, ExtendedConversationNode]:
    return {node.conversationId: node for node in nodes}


def test_the_caller_loads_no_model() -> None:
    heavy = {"torch", "pandas", "numpy", "bertopic", "sklearn", "transformers"}
    code = f"import sys, enrich.tasks; sys.exit(bool({heavy!r} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_chunk_never_splits_a_chat(chat: ChatOf) -> None:
    conversations = creator_with(chat, "creator", 20)
    chunks = list(_chunks(conversations))
    assert len(chunks) > 1
    homes = [{each.chat_id for each in chunk} for chunk in chunks]
    assert sum(len(home) for home in homes) == len(set.union(*homes)) == 20
    assert sum(len(chunk) for chunk in chunks) == len(conversations)


async def test_a_snapshot_enriches_everything_and_a_repeat_gives_the_same(
    enricher: Enricher, redis: Redis, chat: ChatOf, user_id: str
) -> None:
    conversations = creator_with(chat, user_id, 12)
    seen: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        seen.append((done, total))

    nodes = await enricher.snapshot(user_id, conversations, {}, progress)
    total = sum(len(each.messages) for each in conversations)
    assert set(by_id(nodes)) == {each.id for each in conversations}
    assert len(nodes) == len(conversations)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    stored = await redis.get(f"topics:{user_id}")
    assert await enricher.snapshot(user_id, conversations, {}, ignore) == nodes
    assert await redis.get(f"topics:{user_id}") == stored


async def test_a_delta_agrees_with_the_snapshot_and_gives_back_only_what_changed(
    enricher: Enricher, chat: ChatOf, user_id: str
) -> None:
    conversations = creator_with(chat, user_id, 2)
    chats = {
        "chat-0": Chat("chat-0", user_id, "chat-0", is_expired=True, expires_at=1_700_000_000 + 9 * 86_400)
    }
    whole = by_id(await enricher.snapshot(user_id, conversations, chats, ignore))
    late = "chat-0:late-chat-0-0"
    (node,) = await enricher.delta(user_id, conversations, chats, changed={late})
    assert node == whole[late]
    assert [each.type for each in node.outcomes] == ["drop_off"]
    assert await enricher.delta(user_id, conversations, chats, changed=set()) == []


class Deadly(str):
    """A text that ends the process it comes to."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os._exit, (1,))


class Unreadable(str):
    """A text that no process can read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (int, ("no number",))


async def test_a_conversation_that_kills_its_worker_is_set_apart_and_the_others_are_enriched(
    enricher: Enricher, chat: ChatOf, user_id: str
) -> None:
    said = [replace(each, creator_id=user_id) for each in chat("chat-0", LINES)]
    deadly = [replace(each, text=Deadly(each.text)) for each in chat("chat-1", LINES[:2])]
    conversations = [*cut(said, gap=21_600, silence=300), *cut(deadly, gap=21_600, silence=300)]
    changed = {each.id for each in conversations}
    good, bad = await enricher.one_by_one(user_id, conversations, {}, changed=changed)
    assert good == (await enricher.delta(user_id, conversations[:1], {}))[0]
    assert (bad.messageCount, bad.sentiment, bad.topics) == (2, None, [])
    assert [each.failed for each in bad.enrichment.values()] == [{"enrichment": "WorkerCrashedError"}] * 2


async def test_when_nothing_can_be_enriched_it_is_not_the_conversations_fault(
    enricher: Enricher, chat: ChatOf, user_id: str
) -> None:
    said = [replace(each, text=Unreadable(each.text)) for each in chat("chat-0", LINES)]
    conversations = cut(said, gap=21_600, silence=300)
    with pytest.raises(RayError):
        await enricher.one_by_one(user_id, conversations, {}, changed={each.id for each in conversations})


async def test_nothing_to_enrich_gives_nothing(enricher: Enricher, user_id: str) -> None:
    assert await enricher.snapshot(user_id, [], {}, ignore) == []
    assert await enricher.delta(user_id, [], {}) == []


async def test_an_unreadable_topic_model_costs_the_topics_alone(
    enricher: Enricher, redis: Redis, chat: ChatOf, user_id: str
) -> None:
    await redis.set(f"topics:{user_id}", b"not a model")
    nodes = await enricher.snapshot(user_id, creator_with(chat, user_id, 1), {}, ignore)
    assert all(node.topics == [] and node.models["topics"].startswith("failed") for node in nodes)
    assert all(node.sentiment is not None for node in nodes)


async def test_results_are_broadcast_under_the_chats_id(
    redis: Redis, ray_cluster: None, chat: ChatOf, user_id: str
) -> None:
    (conversation,) = cut(chat("chat-0", LINES), gap=6 * 3600, silence=300)
    epoch = await Journal(redis, user_id).claim()
    before = await push(redis, user_id, SystemStatusMsg(payload=SystemStatus(status="REALTIME")))
    await broadcast_enrichment(
        user_id, [conversation], creator_id="another", redis=redis, sequence=7, epoch=epoch
    )
    [pushed] = await missed(redis, user_id, before) or []
    told = json.loads(pushed)
    assert (told["type"], told["sequence"], told["creatorId"]) == ("enrichment_result", 7, "another")
    payload = told["payload"]
    assert payload["conversationId"] == payload["conversation_id"] == "chat-0"
    assert {"custom_content", "pricing"} <= {topic["id"] for topic in payload["topics"]}
    assert 0 <= payload["sentiment"] <= 1


async def test_a_displaced_owner_broadcasts_nothing(
    redis: Redis, ray_cluster: None, chat: ChatOf, user_id: str
) -> None:
    (conversation,) = cut(chat("chat-0", LINES), gap=6 * 3600, silence=300)
    epoch = await Journal(redis, user_id).claim()
    await Journal(redis, user_id).claim()
    with pytest.raises(StaleOwner):
        await broadcast_enrichment(user_id, [conversation], redis=redis, epoch=epoch)
    assert await last_position(redis, user_id) == NOWHERE
