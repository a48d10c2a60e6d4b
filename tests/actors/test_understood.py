"""What was understood is not computed again: kept in Redis behind the checkpoints, and with messages."""

import pytest
from redis.asyncio import Redis

from actors.cache import Cache
from actors.cached_chat import Understanding
from actors.journal import Journal
from actors.understood import TOGETHER, Understood
from errors import StaleOwner
from tests.actors.factories import DAY, MINUTE, empty_cache, message, node
from wire.payloads import ExtendedConversationNode, MessageEnrichment

BASIS = {"rules": 1, "model": "minilm"}


@pytest.fixture
async def epoch(redis: Redis, user_id: str) -> int:
    return await Journal(redis, user_id).claim()


def understood(cache: Cache, score: float = 0.25) -> list[Understanding]:
    """Every conversation that waits, understood and stored; all messages have that sentiment."""
    nodes: list[ExtendedConversationNode] = []
    for creator_id in cache.creators():
        for conversation in cache.pending(creator_id):
            read = {each.id: MessageEnrichment(sentiment=score) for each in conversation.messages}
            nodes.append(node(conversation, enrichment=read))
    found = list(cache.understandings(nodes))
    for each in nodes:
        cache.store(each)
    return found


def one_chat(messages: int = 2, *, apart: float = MINUTE) -> Cache:
    cache = empty_cache()
    cache.merge([], [message(f"m{n}", n * apart) for n in range(messages)])
    return cache


async def read(
    kept: Understood, epoch: int, basis: dict[str, object] = BASIS
) -> tuple[list[Understanding], object]:
    found = [each async for each in kept.read(epoch, basis)]
    fits = next((each for each in found if isinstance(each, dict)), None)
    return [each for each in found if isinstance(each, Understanding)], fits


async def test_what_is_kept_is_read_by_the_next_owner_with_the_fits(
    redis: Redis, user_id: str, epoch: int
) -> None:
    said = understood(one_chat(3 * TOGETHER, apart=DAY))
    assert len(said) == 3 * TOGETHER
    await Understood(redis, user_id).keep(epoch, BASIS, {"c1": 4}, said)
    found, fits = await read(Understood(redis, user_id), epoch)
    assert sorted(found, key=lambda each: each.node.conversationId) == sorted(
        said, key=lambda each: each.node.conversationId
    )
    assert fits == {"c1": 4}


async def test_the_latest_is_what_counts(redis: Redis, user_id: str, epoch: int) -> None:
    kept, cache = Understood(redis, user_id), one_chat()
    await kept.keep(epoch, BASIS, {}, understood(cache))
    cache.merge([], [message("m2", 2 * MINUTE)])
    later = understood(cache)
    await kept.keep(epoch, BASIS, {}, later)
    assert (await read(kept, epoch))[0] == later


async def test_what_two_checkpoints_have_is_dropped_but_not_what_was_understood_since(
    redis: Redis, user_id: str, epoch: int
) -> None:
    kept, cache = Understood(redis, user_id), one_chat(2, apart=DAY)
    await kept.keep(epoch, BASIS, {}, understood(cache))
    mark = kept.mark()
    cache.merge([], [message("late", DAY + MINUTE)])
    later = understood(cache)
    await kept.keep(epoch, BASIS, {}, later)
    await kept.forget(epoch, mark)
    assert (await read(kept, epoch))[0] == later


async def test_what_was_made_with_other_rules_is_dropped(redis: Redis, user_id: str, epoch: int) -> None:
    await Understood(redis, user_id).keep(epoch, BASIS, {}, understood(one_chat()))
    assert await read(Understood(redis, user_id), epoch, {**BASIS, "rules": 2}) == ([], None)
    assert await read(Understood(redis, user_id), epoch) == ([], {})


async def test_an_owner_that_was_displaced_keeps_nothing(redis: Redis, user_id: str, epoch: int) -> None:
    await Journal(redis, user_id).claim()
    with pytest.raises(StaleOwner):
        await Understood(redis, user_id).keep(epoch, BASIS, {}, understood(one_chat()))
    assert await read(Understood(redis, user_id), epoch + 1) == ([], None)


def test_a_replayed_conversation_has_the_node_it_had() -> None:
    [said] = understood(one_chat())
    cache = one_chat()
    cache.recall(said)
    assert cache.pending("c1") == []
    [found] = cache.of("c1")
    assert found.nodes == {said.node.conversationId: said.node}


def test_a_conversation_that_has_grown_keeps_what_was_read_in_its_messages() -> None:
    [said] = understood(one_chat(2))
    cache = one_chat(3)
    cache.recall(said)
    assert [each.id for each in cache.pending("c1")] == ["f1:m0"]
    [found] = cache.of("c1")
    assert {id: each.sentiment for id, each in found.kept.items()} == {"m0": 0.25, "m1": 0.25}


def test_a_message_that_was_edited_since_is_read_again() -> None:
    [said] = understood(one_chat(2))
    cache = one_chat(2)
    cache.merge([], [message("m1", MINUTE, text="something else", changed_at=5.0)])
    cache.recall(said)
    [found] = cache.of("c1")
    assert found.kept.keys() == {"m0"}


def test_a_message_that_is_edited_while_its_conversation_waits_is_read_again() -> None:
    cache = one_chat(2)
    understood(cache)
    cache.merge([], [message("m2", 2 * MINUTE)])
    cache.merge([], [message("m1", MINUTE, text="something else", changed_at=5.0)])
    [found] = cache.of("c1")
    assert found.kept.keys() == {"m0"}


def test_what_is_in_the_checkpoint_is_newer_than_what_was_kept_before_it() -> None:
    cache = one_chat()
    [old] = understood(cache, 0.25)
    newer = old.node.model_copy(update={"sentiment": 0.75})
    cache.store(newer)
    cache.recall(old)
    [found] = cache.of("c1")
    assert list(found.nodes.values()) == [newer]


def test_a_conversation_that_is_no_more_leaves_what_was_read_in_its_messages() -> None:
    [said] = understood(one_chat(1))
    cache = empty_cache()
    cache.merge([], [message("before", -MINUTE), message("m0", 0.0)])
    cache.recall(said)
    [found] = cache.of("c1")
    assert found.nodes == {}
    assert found.kept.keys() == {"m0"}


def test_a_user_that_is_not_known_recalls_nothing() -> None:
    cache = empty_cache()
    for each in understood(one_chat()):
        cache.recall(each)
    assert list(cache.of(None)) == []
