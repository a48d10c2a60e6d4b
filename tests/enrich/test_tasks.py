import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs
from ray.exceptions import RayError
from redis.asyncio import Redis

from chats.account import Account
from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich import broadcast_enrichment
from enrich.outcomes import contexts
from enrich.progress import Progress
from enrich.tasks import Enricher, Wanted, _bounded, _parts
from enrich.topics.model import seeded
from enrich.topics.store import header
from errors import EnrichmentError
from frames.log import missed, push
from frames.publisher import Announcer
from search.embedded import Embedded, digest_of
from session.topic_models import TopicModels
from settings import Settings
from steps import sliced
from tests.enrich.test_topics import THEMES
from wire.payloads import OnlineUsersUpdate, OnlineUsersUpdateMsg

ChatOf = Callable[..., list[Message]]

LINES = ["hey, how much for a custom video?", "it's $40", "too expensive 😞", "i can do $30", "deal! love it"]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def enricher(redis: Redis, ray_cluster: None, user_id: str) -> Enricher:
    return Enricher(user_id, TopicModels(redis), Settings())


def creator_with(chat: ChatOf, creator_id: str, chats: int) -> list[Conversation]:
    found = []
    for n in range(chats):
        messages = [structs.replace(each, creator_id=creator_id) for each in chat(f"chat-{n}", LINES * 12)]
        late = [structs.replace(each, id=f"late-{each.id}", at=each.at + 5 * 86_400) for each in messages[:5]]
        found += cut([*messages, *late], gap=6 * 3600, silence=300)
    return found


def wanted(conversations: list[Conversation], *known: Chat) -> list[Wanted]:
    """The conversations, which are whole chats, with what surrounds them; some chats' facts are `known`."""
    around = contexts(conversations, {chat.id: chat for chat in known})
    return [(each, around[each.id], {}) for each in conversations]


def count(conversations: list[Conversation]) -> int:
    return sum(len(each.messages) for each in conversations)


async def ignore(progress: Progress) -> None:
    pass


async def enrich_all(
    enricher: Enricher, creator_id: str, all_of_it: list[Wanted], *, refit: bool = False
) -> tuple[list[EnrichedConversation], int]:
    """The nodes of all conversations, and the fit that their topics are by."""
    messages = count([each for each, _, _ in all_of_it])
    fit, parts = await enricher.whole(creator_id, all_of_it, messages, ignore, refit=refit)
    return [node async for nodes in parts for node in nodes], fit


async def enrich_some(
    enricher: Enricher, creator_id: str, some: list[Wanted], *, alone: bool = False
) -> list[EnrichedConversation]:
    """The nodes of these conversations."""
    parts = enricher.changed(creator_id, some, ignore, alone=alone)
    return [node async for nodes in parts for node in nodes]


async def test_the_vectors_of_all_texts_are_told_and_are_those_that_are_asked_for(
    enricher: Enricher, chat: ChatOf
) -> None:
    conversations = creator_with(chat, "c1", 1)
    texts = {message.text for each in conversations for message in each.messages if message.text.strip()}
    asked = await enricher.embed(sorted(texts))
    assert set(asked.vectors) == set(map(digest_of, texts))
    for enrich in (enrich_all, enrich_some):
        told: list[Embedded] = []
        enricher.on_embedded(told.append)
        await enrich(enricher, "c1", wanted(conversations))
        assert {each.model for each in told} == {asked.model}
        assert {key: each for part in told for key, each in part.vectors.items()} == asked.vectors


def by_id(nodes: list[EnrichedConversation]) -> dict[str, EnrichedConversation]:
    return {node.id: node for node in nodes}


def test_the_caller_loads_no_model() -> None:
    heavy = {"torch", "pandas", "numpy", "bertopic", "sklearn", "transformers"}
    code = f"import sys, enrich.tasks; sys.exit(bool({heavy!r} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_parts_have_enough_messages_and_are_made_as_they_are_asked_for(chat: ChatOf) -> None:
    conversations = wanted(creator_with(chat, "creator", 40))
    asked = iter(conversations)
    parts = _parts(sliced(asked), 1_000)
    first = await anext(parts)
    assert 1_000 <= count([each for each, _, _ in first]) < 1_000 + 12 * len(LINES)
    rest = list(asked)
    assert first + rest == conversations
    assert len(rest) > 10


async def test_one_chat_is_understood_in_as_many_parts_as_another_of_its_size(chat: ChatOf) -> None:
    said = [
        structs.replace(each, id=f"{day}-{each.id}", at=each.at + day * 86_400)
        for day in range(100)
        for each in chat("chat-0", LINES[:5])
    ]
    conversations = wanted(cut(said, gap=6 * 3600, silence=300))
    parts = [part async for part in _parts(sliced(conversations), 100)]
    assert [count([each for each, _, _ in part]) for part in parts] == [100] * 5


async def test_results_stand_in_the_order_of_their_items_and_few_are_in_hand() -> None:
    in_hand: set[int] = set()
    most = 0

    async def run(item: int) -> int:
        nonlocal most
        in_hand.add(item)
        most = max(most, len(in_hand))
        await asyncio.sleep(0.01 * (item % 3))
        in_hand.remove(item)
        return item * 10

    assert [each async for each in _bounded(3, run, sliced(range(20)))] == [item * 10 for item in range(20)]
    assert most == 3


async def test_the_first_error_ends_all_and_is_raised_as_it_is() -> None:
    begun: list[int] = []

    async def run(item: int) -> None:
        begun.append(item)
        await asyncio.sleep(0)
        if item == 4:
            raise EnrichmentError("broken")

    with pytest.raises(EnrichmentError, match="broken"):
        async for _ in _bounded(2, run, sliced(range(100))):
            pass
    assert len(begun) < 10


async def test_a_snapshot_enriches_everything_and_a_repeat_gives_the_same(
    enricher: Enricher, redis: Redis, chat: ChatOf, user_id: str
) -> None:
    conversations = creator_with(chat, user_id, 40)
    own, total = wanted(conversations), count(conversations)
    seen: list[Progress] = []

    async def progress(each: Progress) -> None:
        seen.append(each)

    fit, parts = await enricher.whole(user_id, own, total, progress)
    nodes = [node async for part in parts for node in part]
    assert [node.id for node in nodes] == [each.id for each in conversations]
    assert fit == 1
    assert len(seen) == 3
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert seen[-1] == Progress(total, total, 0.0)
    stored = await TopicModels(redis).latest(Account(user_id, user_id))
    assert await enrich_all(enricher, user_id, own) == (nodes, 1)
    assert await TopicModels(redis).latest(Account(user_id, user_id)) == stored


async def test_a_refit_keeps_every_topic_and_finds_the_new_ones(
    enricher: Enricher, redis: Redis, chat: ChatOf, user_id: str
) -> None:
    def themed(names: list[str], chats: int) -> list[Conversation]:
        found = []
        for n in range(chats):
            lines = Random(n).choices(THEMES[names[n % len(names)]], k=6)
            messages = [
                structs.replace(m, creator_id=user_id) for m in chat(f"{names[n % len(names)]}-{n}", lines)
            ]
            found += cut(messages, gap=6 * 3600, silence=300)
        return found

    first_chats = themed(["car", "garden"], 160)
    before, first = await enrich_all(enricher, user_id, wanted(first_chats))
    assert first == 1
    more = [*first_chats, *themed(["book"], 100)]
    after, version = await enrich_all(enricher, user_id, wanted(more), refit=True)
    nodes = by_id(after)
    assert version == 2
    known = await enricher.fitted(user_id)
    assert known is not None
    assert (known.version, known.messages) == (2, count(more))
    assert set(nodes) == {each.id for each in more}

    def topics(node: EnrichedConversation) -> dict[str, str]:
        return {topic.id: topic.label for topic in node.topics}

    assert any(id.startswith("topic_") for node in before for id in topics(node))
    for node in before:
        kept = topics(nodes[node.id])
        assert topics(node).items() <= kept.items()
    known_before = {id for node in before for id in topics(node)}
    new = {id for node in nodes.values() for id in topics(node)} - known_before
    assert any(id.startswith("topic_") for id in new)
    (some,) = await enrich_some(enricher, user_id, wanted(more[-1:]))
    assert some == nodes[more[-1].id]


async def test_a_refit_that_another_was_quicker_with_takes_that_ones_topics(
    enricher: Enricher, chat: ChatOf, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = replace(seeded(user_id), version=1, messages=7).to_bytes()
    plain = TopicModels.store

    async def late(models: TopicModels, account: Account, artefact: bytes, *, after: int) -> bool:
        assert await plain(models, account, rival, after=after)
        return await plain(models, account, artefact, after=after)

    monkeypatch.setattr(TopicModels, "store", late)
    nodes, version = await enrich_all(enricher, user_id, wanted(creator_with(chat, user_id, 2)), refit=True)
    assert version == 1
    assert await enricher.fitted(user_id) == header(rival)
    assert {node.models["topics"] for node in nodes} == {"taxonomy 1 fit 1"}


async def test_two_users_of_one_creator_have_fits_of_their_own(
    enricher: Enricher, redis: Redis, chat: ChatOf, user_id: str
) -> None:
    other = Enricher(f"{user_id}-2", TopicModels(redis), Settings())
    conversations = creator_with(chat, user_id, 2)
    _, fit = await enrich_all(enricher, user_id, wanted(conversations))
    assert await other.fitted(user_id) is None
    await enrich_all(enricher, user_id, wanted(conversations), refit=True)
    _, theirs = await enrich_all(other, user_id, wanted(conversations[:1]))
    assert fit == theirs == 1
    known, unlike = await enricher.fitted(user_id), await other.fitted(user_id)
    assert known is not None
    assert unlike is not None
    assert (known.version, known.messages) == (2, count(conversations))
    assert (unlike.version, unlike.messages) == (1, count(conversations[:1]))


async def test_a_delta_agrees_with_the_snapshot_and_gives_back_only_what_changed(
    enricher: Enricher, chat: ChatOf, user_id: str
) -> None:
    conversations = creator_with(chat, user_id, 2)
    ended = Chat("chat-0", user_id, "chat-0", is_expired=True, expires_at=1_700_000_000 + 9 * 86_400)
    own = wanted(conversations, ended)
    nodes, _ = await enrich_all(enricher, user_id, own)
    late = "chat-0:late-chat-0-0"
    (node,) = await enrich_some(enricher, user_id, [each for each in own if each[0].id == late])
    assert node == by_id(nodes)[late]
    assert [each.type for each in node.outcomes] == ["drop_off"]
    assert await enrich_some(enricher, user_id, []) == []


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
    said = [structs.replace(each, creator_id=user_id) for each in chat("chat-0", LINES)]
    deadly = [structs.replace(each, text=Deadly(each.text)) for each in chat("chat-1", LINES[:2])]
    conversations = [*cut(said, gap=21_600, silence=300), *cut(deadly, gap=21_600, silence=300)]
    good, bad = await enrich_some(enricher, user_id, wanted(conversations), alone=True)
    assert [good] == await enrich_some(enricher, user_id, wanted(conversations[:1]))
    assert (bad.figures.direct_messages, bad.sentiment, bad.topics) == (2, None, ())
    assert [each.failed for each in bad.messages.values()] == [{"enrichment": "WorkerCrashedError"}] * 2


async def test_when_nothing_can_be_enriched_it_is_not_the_conversations_fault(
    enricher: Enricher, chat: ChatOf, user_id: str
) -> None:
    said = [structs.replace(each, text=Unreadable(each.text)) for each in chat("chat-0", LINES)]
    conversations = cut(said, gap=21_600, silence=300)
    with pytest.raises(RayError):
        await enrich_some(enricher, user_id, wanted(conversations), alone=True)


async def test_nothing_to_enrich_gives_nothing(enricher: Enricher, user_id: str) -> None:
    nodes, _ = await enrich_all(enricher, user_id, [])
    assert nodes == []
    assert await enrich_some(enricher, user_id, []) == []


async def test_a_topic_model_that_cannot_be_served_costs_the_topics_alone(
    enricher: Enricher, chat: ChatOf, user_id: str, tmp_path: Path
) -> None:
    conversations = creator_with(chat, user_id, 1)
    broken = Enricher(user_id, enricher._topics, Settings(model=str(tmp_path)))
    nodes, _ = await enrich_all(broken, user_id, wanted(conversations))
    assert all(node.topics == () and node.models["topics"].startswith("failed") for node in nodes)
    assert all(node.sentiment is None for node in nodes)
    assert any(node.actions for node in nodes)


async def test_results_are_broadcast_under_the_chats_id(
    redis: Redis, ray_cluster: None, chat: ChatOf, user_id: str
) -> None:
    (conversation,) = cut(chat("chat-0", LINES), gap=6 * 3600, silence=300)
    before = await push(redis, user_id, OnlineUsersUpdateMsg(payload=OnlineUsersUpdate()))
    frames = Announcer(redis, user_id)
    await broadcast_enrichment(user_id, [conversation], creator_id="another", frames=frames, sequence=7)
    [pushed] = await missed(redis, user_id, before) or []
    told = json.loads(pushed)
    assert (told["type"], told["sequence"], told["creatorId"]) == ("enrichment_result", 7, "another")
    payload = told["payload"]
    assert payload["conversationId"] == payload["conversation_id"] == "chat-0"
    assert {"custom_content", "pricing"} <= {topic["id"] for topic in payload["topics"]}
    assert 0 <= payload["sentiment"] <= 1
