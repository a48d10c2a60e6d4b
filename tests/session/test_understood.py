"""What was understood is not computed again: kept in Redis behind the checkpoints, and with messages."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import msgpack
import pytest
from msgspec import structs
from redis.asyncio import Redis

from chats.enriched import EnrichedConversation, Entity, MessageEnrichment
from errors import StaleOwner
from history.chat import Understanding
from history.history import History
from session.journal import Journal
from session.understood import TOGETHER, Understood
from tests.actors.factories import DAY, MINUTE, empty_cache, message, node
from wire.enriched import conversation_node

BASIS = {"rules": 1, "model": "minilm"}
KEY = ("c1", "f1")


@pytest.fixture
async def owner(redis: Redis, user_id: str) -> Understood:
    return await new_owner(redis, user_id)


async def new_owner(redis: Redis, user_id: str, revision: int = 0) -> Understood:
    """The next process that owns the user, on a checkpoint made at `revision`."""
    found = Understood(redis, user_id)
    found.begin(await Journal(redis, user_id).claim(), revision)
    return found


def understood(cache: History, score: float = 0.25) -> list[Understanding]:
    """Every conversation that waits, understood and stored; all messages have that sentiment."""
    nodes: list[EnrichedConversation] = []
    for creator_id in cache.creators():
        for conversation in cache.pending(creator_id):
            read = {each.id: MessageEnrichment(sentiment=score) for each in conversation.messages}
            nodes.append(node(conversation, messages=read))
    found = list(cache.understandings(nodes))
    for each in nodes:
        cache.store(each)
    return found


def one_chat(messages: int = 2, *, apart: float = MINUTE) -> History:
    cache = empty_cache()
    cache.merge([], [message(f"m{n}", n * apart) for n in range(messages)])
    return cache


def in_order(found: list[Understanding]) -> list[Understanding]:
    return sorted(found, key=lambda each: each.node.id)


async def read(owner: Understood, basis: Mapping[str, object] = BASIS) -> list[Understanding]:
    kept = await owner.read(basis)
    return in_order([each for own in kept.chats.values() for each in own])


async def test_what_is_kept_is_read_by_the_next_owner_with_the_fits(
    redis: Redis, user_id: str, owner: Understood
) -> None:
    said = understood(one_chat(3 * TOGETHER, apart=DAY))
    assert len(said) == 3 * TOGETHER
    await owner.keep(owner.next(), BASIS, {"c1": 4}, said)
    following = await new_owner(redis, user_id)
    assert await read(following) == in_order(said)
    assert (await following.read(BASIS)).fits == {"c1": 4}
    assert following.next() > owner.next()


async def test_fits_can_be_kept_alone(owner: Understood) -> None:
    await owner.keep(owner.next(), BASIS, {"c1": 5}, [])
    assert (await owner.read(BASIS)).fits == {"c1": 5}


async def test_the_fits_are_kept_when_all_conversations_are(
    owner: Understood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else, after a kill in between, those that were not kept would count as having the topics of the fit."""
    calls: list[list[Any]] = []
    plain = owner._run

    async def broken(script: Any, args: list[Any]) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise ConnectionError
        await plain(script, args)

    await owner.keep(owner.next(), BASIS, {"c1": 1}, [])
    monkeypatch.setattr(Understood, "_run", lambda _, script, args: broken(script, args))
    with pytest.raises(ConnectionError):
        await owner.keep(owner.next(), BASIS, {"c1": 2}, understood(one_chat(2 * TOGETHER, apart=DAY)))
    monkeypatch.undo()
    assert (await owner.read(BASIS)).fits == {"c1": 1}
    assert len(await read(owner)) == TOGETHER


async def test_the_latest_is_what_counts(owner: Understood) -> None:
    cache = one_chat()
    await owner.keep(owner.next(), BASIS, {}, understood(cache))
    cache.merge([], [message("m2", 2 * MINUTE)])
    later = understood(cache)
    await owner.keep(owner.next(), BASIS, {}, later)
    assert await read(owner) == later


async def test_what_two_checkpoints_have_is_dropped_but_not_what_was_kept_again_since(
    redis: Redis, user_id: str, owner: Understood
) -> None:
    cache = one_chat(3 * TOGETHER, apart=DAY)
    await owner.keep(owner.next(), BASIS, {}, understood(cache))
    checkpoint = owner.revision
    cache.merge([], [message("late", DAY + MINUTE)])
    later = understood(cache)
    following = await new_owner(redis, user_id, checkpoint)
    await following.keep(following.next(), BASIS, {}, later)
    await following.forget(checkpoint)
    assert await read(following) == in_order(later)
    assert await redis.zcard(f"revisions:{user_id}") == len(later)


async def test_what_is_kept_while_others_are_dropped_stays(owner: Understood) -> None:
    found = understood(one_chat(4 * TOGETHER, apart=DAY))
    await owner.keep(owner.next(), BASIS, {}, found)
    checkpoint = owner.revision
    again = found[::3]
    await asyncio.gather(owner.forget(checkpoint), owner.keep(owner.next(), BASIS, {}, again))
    assert await read(owner) == in_order(again)


async def test_what_was_made_with_other_rules_is_dropped(owner: Understood) -> None:
    await owner.keep(owner.next(), BASIS, {}, understood(one_chat()))
    assert await read(owner, {**BASIS, "rules": 2}) == []
    assert await read(owner) == []


async def test_a_field_that_cannot_be_read_costs_only_itself(
    redis: Redis, user_id: str, owner: Understood, caplog: pytest.LogCaptureFixture
) -> None:
    said = understood(one_chat(3, apart=DAY))
    await owner.keep(owner.next(), BASIS, {"c1": 1}, said)
    broken = {'["c1","f1","f1:m1"]': b"\xc1", '["c1","f1","f1:m2"]': b"\x80", "nonsense": b""}
    for name, value in broken.items():
        await redis.hset(f"understood:{user_id}", name, value)
    assert await read(owner) == said[:1]
    assert (await owner.read(BASIS)).fits is None
    assert "cannot be read" in caplog.text


def without_what_came_later(found: Understanding) -> Understanding:
    figures = replace(found.node.figures, said=(), answers=(), fan_first=None, fan_last=None)
    return replace(found, node=structs.replace(found.node, figures=figures))


async def test_what_an_earlier_release_kept_is_read(redis: Redis, user_id: str, owner: Understood) -> None:
    said = understood(one_chat(3, apart=DAY))
    await owner.keep(owner.next(), BASIS, {"c1": 1}, said)
    for each in said:
        json = conversation_node(each.node).model_dump_json().encode()
        kept = msgpack.packb([owner.revision + 5, each.imprint, each.said, zlib.compress(json, 1)])
        await redis.hset(f"understood:{user_id}", f'["c1","f1","{each.node.id}"]', kept)
    following = await new_owner(redis, user_id)
    assert await read(following) == in_order([without_what_came_later(each) for each in said])
    assert (await following.read(BASIS)).fits == {"c1": 1}
    assert following.revision == owner.revision + 5


async def test_an_owner_that_was_displaced_keeps_and_drops_nothing(
    redis: Redis, user_id: str, owner: Understood
) -> None:
    await owner.keep(owner.next(), BASIS, {}, understood(one_chat()))
    following = await new_owner(redis, user_id)
    with pytest.raises(StaleOwner):
        await owner.keep(owner.next(), BASIS, {}, understood(one_chat(3, apart=DAY)))
    with pytest.raises(StaleOwner):
        await owner.forget(owner.revision)
    assert len(await read(following)) == 1


async def test_no_message_text_is_kept_and_entities_have_theirs_again(
    redis: Redis, user_id: str, owner: Understood
) -> None:
    cache = empty_cache()
    cache.merge([], [message("m0", 0, text="call me at noon in Lisbon")])
    [conversation] = cache.pending("c1")
    place = Entity(type="place", text="Lisbon", start=19, end=25)
    shown = node(conversation, messages={"m0": MessageEnrichment(sentiment=0.5, entities=(place,))})
    await owner.keep(owner.next(), BASIS, {}, cache.understandings([shown]))
    held: dict[bytes, bytes] = await cast(Any, redis.hgetall(f"understood:{user_id}"))
    packed = [value for name, value in held.items() if name]
    assert len(packed) == 1
    assert b"Lisbon" not in zlib.decompress(packed[0])
    assert cache.recall(KEY, await read(owner))
    [found] = cache.of("c1")
    assert found.nodes == {conversation.id: shown}


def test_a_replayed_conversation_has_the_node_it_had() -> None:
    said = understood(one_chat())
    cache = one_chat()
    assert cache.recall(KEY, said)
    assert list(cache.pending("c1")) == []
    [found] = cache.of("c1")
    assert found.nodes == {said[0].node.id: said[0].node}
    cache.packed()
    assert not cache.recall(KEY, said), "it has it already"
    assert cache.unpacked() == []


def test_a_conversation_that_has_grown_keeps_what_was_read_in_its_messages() -> None:
    said = understood(one_chat(2))
    cache = one_chat(3)
    assert not cache.recall(KEY, said)
    assert [each.id for each in cache.pending("c1")] == ["f1:m0"]
    [found] = cache.of("c1")
    assert {id: each.sentiment for id, each in found.kept.items()} == {"m0": 0.25, "m1": 0.25}


@pytest.mark.parametrize("change", [{"text": "something else"}, {"is_deleted": True}])
def test_a_message_that_was_edited_or_deleted_since_keeps_nothing(change: dict[str, Any]) -> None:
    said = understood(one_chat(2))
    cache = one_chat(2)
    cache.merge([], [message("m1", MINUTE, changed_at=5.0, **change)])
    cache.recall(KEY, said)
    [found] = cache.of("c1")
    assert found.kept.keys() == {"m0"}


def test_a_message_that_is_edited_while_its_conversation_waits_is_read_again() -> None:
    cache = one_chat(2)
    understood(cache)
    cache.merge([], [message("m2", 2 * MINUTE)])
    cache.merge([], [message("m1", MINUTE, text="something else", changed_at=5.0)])
    [found] = cache.of("c1")
    assert found.kept.keys() == {"m0"}


def test_what_was_kept_is_newer_than_what_the_checkpoint_has() -> None:
    """As after a refit, or when a failed enrichment was mended, and a kill before the next checkpoint."""
    cache = one_chat()
    [first] = understood(cache, 0.25)
    newer = structs.replace(first.node, sentiment_sum=0.75)
    assert cache.recall(KEY, list(cache.understandings([newer])))
    [found] = cache.of("c1")
    assert list(found.nodes.values()) == [newer]


def test_a_conversation_that_is_no_more_leaves_what_was_read_where_nobody_read_since() -> None:
    said = understood(one_chat(1))
    arrived = [message("before", -MINUTE), message("m0", 0.0)]
    cache, merged = empty_cache(), empty_cache()
    cache.merge([], arrived)
    merged.merge([], arrived)
    cache.recall(KEY, said)
    [found] = cache.of("c1")
    assert found.nodes == {}
    assert found.kept.keys() == {"m0"}
    cache.recall(KEY, [*said, *understood(merged, 0.75)])
    [found] = cache.of("c1")
    assert found.kept == {}


def test_a_user_that_is_not_known_recalls_nothing() -> None:
    cache = empty_cache()
    assert not cache.recall(KEY, understood(one_chat()))
    assert list(cache.of(None)) == []
