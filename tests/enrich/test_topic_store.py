import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from chats.account import Account
from enrich.topics.model import Documents, TopicModel, fit, seeded, served
from enrich.topics.refit import Fitted
from enrich.topics.store import header, pack, unpack, without_discovered
from errors import EnrichmentError
from frames.log import connect_redis
from session.topic_models import TopicModels
from tests.history.store import Store, running_store


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture
async def redis(running: Store) -> AsyncIterator[Redis]:
    client = connect_redis(running.url)
    yield client
    await client.connection_pool.disconnect()


@pytest.fixture
def account(user_id: str) -> Account:
    return Account(user_id, "creator")


def artefact(version: int, next_topic: int = 0, creator_id: str = "creator") -> bytes:
    return pack(
        {
            "creator_id": creator_id,
            "version": version,
            "messages": 10,
            "unplaced": 0.5,
            "next_topic": next_topic,
            "seeded": "taxonomy 1",
            "embedding": "a 1",
            "topics": [],
            "dimension": 1,
        },
        b"\0\0\0\0\0\0\0\0",
    )


async def damage(redis: Redis, account: Account, field: str = "artefact") -> None:
    await redis.hset(f"topics:{account.key}", field, artefact(1)[:-1])


def test_a_header_is_read_without_the_arrays() -> None:
    assert header(artefact(3)) == Fitted(version=3, messages=10, unplaced=0.5)


@given(st.dictionaries(st.text("abc"), st.integers(0, 9) | st.text("xyz")), st.binary())
def test_an_artefact_gives_back_what_was_packed(front: dict[str, int | str], body: bytes) -> None:
    found, rest = unpack(pack(front, body))
    assert (found, bytes(rest)) == (front, body)


@given(st.data())
def test_a_damaged_artefact_is_never_read(data: st.DataObject) -> None:
    whole = artefact(1)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    for damaged in (whole[:place], whole[:place] + bytes([other]) + whole[place + 1 :]):
        with pytest.raises(EnrichmentError, match="topics:"):
            header(damaged)


@given(st.binary())
def test_bytes_that_are_no_artefact_say_how_to_mend_it(data: bytes) -> None:
    with pytest.raises(EnrichmentError, match="topics:"):
        header(data)


async def test_what_is_stored_is_found_again(redis: Redis, account: Account) -> None:
    assert await TopicModels(redis).latest(account) is None
    assert await TopicModels(redis).store(account, artefact(1), after=0)
    assert await TopicModels(redis).latest(account) == artefact(1)
    assert await TopicModels(redis).store(account, artefact(2), after=1)
    assert await TopicModels(redis).latest(account) == artefact(2)


async def test_a_model_is_read_again_when_there_is_another_version(redis: Redis, account: Account) -> None:
    mine, others = TopicModels(redis), TopicModels(redis)
    assert await others.store(account, artefact(1), after=0)
    assert await mine.latest(account) == artefact(1)
    await redis.hset(f"topics:{account.key}", "artefact", b"of the same version")
    assert await mine.latest(account) == artefact(1)
    assert await others.store(account, artefact(2), after=1)
    assert await mine.latest(account) == artefact(2)
    await others.drop(account)
    assert await mine.latest(account) is None


async def test_a_model_that_was_dropped_is_not_found_though_another_has_its_version(
    redis: Redis, account: Account
) -> None:
    models = TopicModels(redis)
    for number in (5, 7):
        assert await models.store(account, artefact(1, number), after=0)
        assert await models.latest(account) == artefact(1, number)
        await models.drop(account)


async def test_of_two_refits_at_once_one_is_stored(redis: Redis, account: Account) -> None:
    await TopicModels(redis).store(account, artefact(1), after=0)
    mine, yours = artefact(2, 5), artefact(2, 7)
    won = await asyncio.gather(
        TopicModels(redis).store(account, mine, after=1), TopicModels(redis).store(account, yours, after=1)
    )
    assert sorted(won) == [False, True]
    assert await TopicModels(redis).latest(account) == (mine if won[0] else yours)


async def test_a_refit_of_an_older_version_is_not_stored(redis: Redis, account: Account) -> None:
    await TopicModels(redis).store(account, artefact(1), after=0)
    await TopicModels(redis).store(account, artefact(2), after=1)
    assert not await TopicModels(redis).store(account, artefact(3), after=1)
    assert not await TopicModels(redis).store(account, artefact(1), after=0)
    assert await TopicModels(redis).latest(account) == artefact(2)


async def test_only_a_whole_and_later_artefact_is_stored(redis: Redis, account: Account) -> None:
    with pytest.raises(EnrichmentError, match="cannot follow"):
        await TopicModels(redis).store(account, artefact(1), after=1)
    with pytest.raises(EnrichmentError, match="checksum"):
        await TopicModels(redis).store(account, artefact(1)[:-1], after=0)
    assert await TopicModels(redis).latest(account) is None


async def test_a_damaged_artefact_gives_way_to_the_one_before_and_no_number_is_used_twice(
    redis: Redis, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    await TopicModels(redis).store(account, artefact(1, 3), after=0)
    await TopicModels(redis).store(account, artefact(2, 9), after=1)
    await damage(redis, account)
    with caplog.at_level(logging.ERROR):
        found = await TopicModels(redis).latest(account)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert found is not None
    front, body = unpack(found)
    before, arrays = unpack(artefact(1, 3))
    assert front == {**before, "version": 2, "next_topic": 9}
    assert body == arrays
    assert await TopicModels(redis).store(account, artefact(3, 9), after=2)
    assert await TopicModels(redis).latest(account) == artefact(3, 9)


async def test_when_both_are_damaged_the_numbers_still_go_on(redis: Redis, account: Account) -> None:
    await TopicModels(redis).store(account, artefact(1, 3), after=0)
    await TopicModels(redis).store(account, artefact(2, 9), after=1)
    await damage(redis, account)
    await damage(redis, account, "before")
    found = await TopicModels(redis).latest(account)
    assert found is not None
    lost = TopicModel.from_bytes(found)
    assert served("creator", lost).topics == seeded("creator").topics
    again = fit("creator", Documents.joined([]), lost)
    assert (again.version, again.next_topic) == (3, 9)
    assert await TopicModels(redis).store(account, again.to_bytes(), after=header(found).version)


async def test_a_model_of_the_first_format_counts_as_none_and_is_replaced(
    redis: Redis, account: Account
) -> None:
    await redis.set(f"topics:{account.key}", b"\x05\x00\x00\x00{}")
    assert await TopicModels(redis).latest(account) is None
    assert await TopicModels(redis).store(account, artefact(1), after=0)
    assert await TopicModels(redis).latest(account) == artefact(1)


async def test_no_account_finds_anothers_topics(redis: Redis, user_id: str) -> None:
    odd = ["", ":before", "/", "/creator", "%2F", "*", "\n", "é"]
    accounts = [Account(f"{user_id}{end}", "creator") for end in odd]
    accounts += [Account(user_id, f"creator{end}") for end in odd[1:]]
    for number, account in enumerate(accounts, 1):
        assert await TopicModels(redis).store(account, artefact(number), after=0)
    for number, account in enumerate(accounts, 1):
        assert await TopicModels(redis).latest(account) == artefact(number)


async def test_what_was_kept_by_creator_is_divided_among_its_accounts_once(
    redis: Redis, user_id: str
) -> None:
    creator = f"creator-{user_id}"
    first, second, own, late = (Account(f"{user_id}-{n}", creator) for n in range(4))
    await redis.hset(f"topics:{creator}", mapping={"version": 2, "next_topic": 7, "artefact": artefact(2, 7)})
    assert await TopicModels(redis).store(own, artefact(5), after=0)
    for _ in range(2):
        await TopicModels(redis).divide(creator, [first, second, own])
    assert await TopicModels(redis).latest(first) == await TopicModels(redis).latest(second) == artefact(2, 7)
    assert await TopicModels(redis).latest(own) == artefact(5)
    await TopicModels(redis).divide(creator, [late])
    assert await TopicModels(redis).latest(late) is None
    # From here on each goes its own way.
    assert await TopicModels(redis).store(first, artefact(3, 9), after=2)
    assert await TopicModels(redis).latest(second) == artefact(2, 7)


async def test_of_a_creator_without_topics_there_is_nothing_to_divide(redis: Redis, account: Account) -> None:
    await TopicModels(redis).divide(account.creator_id, [account])
    assert await TopicModels(redis).latest(account) is None


def test_of_a_fitted_model_the_seeded_topics_alone_are_left_and_numbers_go_on() -> None:
    base = seeded("creator")
    found = replace(
        base.topics[0], id="topic_4", label="Their words", category=None, keywords=("their", "words")
    )
    fitted = replace(
        base,
        version=3,
        messages=500,
        next_topic=5,
        topics=(*base.topics, found),
        own_centre=base.centre + 1,
        centroids=np.vstack([base.centroids, base.centroids[:1]]),
    )
    bare = without_discovered(fitted.to_bytes())
    assert bare is not None
    artefact, lost = bare
    read = TopicModel.from_bytes(artefact)
    assert (lost, read.version, read.next_topic, read.messages) == (1, 4, 5, 0)
    assert read.topics == base.topics
    assert np.array_equal(read.centroids, base.centroids)
    assert np.array_equal(read.own_centre, base.centre)
    assert b"Their" not in artefact
    assert without_discovered(artefact) is None


async def test_a_replaced_model_leaves_none_before_it_and_a_dropped_one_nothing(
    redis: Redis, account: Account
) -> None:
    models = TopicModels(redis)
    await models.store(account, artefact(1), after=0)
    await models.store(account, artefact(2), after=1)
    assert not await models.replace(account, artefact(4), after=3)
    assert await models.replace(account, artefact(3), after=2)
    assert await models.latest(account) == artefact(3)
    assert await redis.hget(f"topics:{account.key}", "before") is None
    await models.drop(account)
    assert await redis.exists(f"topics:{account.key}") == 0
