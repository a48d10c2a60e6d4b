from typing import Any

import pytest
from redis.asyncio import Redis

from actors.cache import Cache
from actors.memo import BATCH, Memo
from chats.message import Message
from tests.actors.factories import DAY, HOUR, MINUTE, START, chat, empty_cache, enrich_pending, message
from wire.payloads import ExtendedConversationNode


def enriched(*messages: Message, **facts: Any) -> Cache:
    cache = empty_cache()
    cache.merge([chat(**facts)], messages)
    enrich_pending(cache)
    return cache


async def keep(memo: Memo, cache: Cache) -> None:
    await memo.keep(
        (cached, conversation, cached.nodes[conversation.id])
        for cached in cache.of(None)
        for conversation in cached.conversations
    )


async def recalled(memo: Memo, cache: Cache) -> dict[str, ExtendedConversationNode]:
    return {node.conversationId: node async for node in memo.recall(cache.of(None))}


CHAT = (
    message("m1", 0),
    message("a1", MINUTE, "creator"),
    message("m2", 10 * HOUR),
    message("m3", 30 * HOUR),
)


async def test_what_was_kept_is_recalled_as_it_was(redis: Redis, user_id: str) -> None:
    cache = enriched(*CHAT)
    await keep(Memo(redis, user_id, "model"), cache)
    [chat] = cache.of(None)
    again = enriched(*CHAT)
    assert await recalled(Memo(redis, user_id, "model"), again) == chat.nodes
    assert chat.nodes.keys() == {"f1:m1", "f1:m2", "f1:m3"}


async def test_more_than_one_batch_is_recalled(redis: Redis, user_id: str) -> None:
    cache = enriched(*(message(f"m{n}", n * DAY) for n in range(BATCH + 2)))
    memo = Memo(redis, user_id, "model")
    await keep(memo, cache)
    assert len(await recalled(memo, cache)) == BATCH + 2


@pytest.mark.parametrize(
    ("change", "facts", "holds"),
    [
        ([], {}, {"f1:m1", "f1:m2", "f1:m3"}),
        ([message("m2", 10 * HOUR, text="edited", changed_at=1.0)], {}, {"f1:m1", "f1:m3"}),
        ([message("m2", 10 * HOUR, price=5.0, is_opened=True)], {}, {"f1:m1", "f1:m3"}),
        ([message("m4", 30 * HOUR + 1)], {}, {"f1:m1", "f1:m2"}),
        ([message("a2", 50 * HOUR, "creator")], {}, {"f1:m1", "f1:m3"}),  # m2 is answered by it
        ([message("m0", -HOUR)], {}, {"f1:m2", "f1:m3"}),
        ([], {"is_expired": True, "expires_at": START + 20 * HOUR}, {"f1:m1", "f1:m2", "f1:m3"}),
        ([], {"is_expired": True, "expires_at": START + 40 * HOUR}, {"f1:m1", "f1:m2"}),
        ([], {"renewals": ((START + HOUR, 9.0),)}, {"f1:m2", "f1:m3"}),
    ],
)
async def test_only_what_still_holds_is_recalled(
    redis: Redis, user_id: str, change: list[Message], facts: dict[str, Any], holds: set[str]
) -> None:
    memo = Memo(redis, user_id, "model")
    await keep(memo, enriched(*CHAT))
    after = empty_cache()
    after.merge([chat(**facts)], [*CHAT, *change])
    assert (await recalled(memo, after)).keys() == holds


async def test_a_drop_off_that_was_withdrawn_is_not_recalled(redis: Redis, user_id: str) -> None:
    facts = {"is_expired": True, "expires_at": START + DAY}
    memo = Memo(redis, user_id, "model")
    lines = [message("m1", 0), message("win-back", 30 * HOUR, "creator")]
    before = enriched(*lines, **facts)
    await keep(memo, before)
    assert [o.type for o in (await recalled(memo, before))["f1:m1"].outcomes] == ["drop_off"]
    assert "f1:m1" not in await recalled(memo, enriched(*lines, message("back", 50 * HOUR), **facts))


async def test_another_model_recalls_nothing(redis: Redis, user_id: str) -> None:
    cache = enriched(*CHAT)
    await keep(Memo(redis, user_id, "model"), cache)
    assert await recalled(Memo(redis, user_id, "other"), cache) == {}


async def test_what_was_forgotten_is_not_recalled(redis: Redis, user_id: str) -> None:
    memo, cache = Memo(redis, user_id, "model"), enriched(*CHAT)
    await keep(memo, cache)
    await memo.forget("c1", ["f1:m1", "f1:none"])
    await memo.forget("c1", [])
    assert (await recalled(memo, cache)).keys() == {"f1:m2", "f1:m3"}


async def test_creators_and_users_do_not_share_what_was_kept(redis: Redis, user_id: str) -> None:
    memo = Memo(redis, user_id, "model")
    await keep(memo, enriched(*CHAT))
    other = empty_cache()
    other.merge([], [message("m1", 0, creator="c2")])
    assert await recalled(memo, other) == {}
    assert await recalled(Memo(redis, f"{user_id}-2", "model"), enriched(*CHAT)) == {}
