import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ResponseError

from errors import StaleOwner
from frames.log import (
    LOGGED_BYTES,
    LOGGED_FRAMES,
    LOGGED_SECONDS,
    NOWHERE,
    Readers,
    channel,
    connect_redis,
    forget,
    is_after,
    is_read_whole,
    last_position,
    missed,
    newest,
    push,
    push_full_sync,
)
from session.journal import Journal
from tests.actors.factories import analytics
from tests.conftest import PATIENCE
from tests.history.store import Store, running_store
from wire.payloads import AnalyticsUpdateMsg, SystemError, SystemErrorMsg, SystemStatus, SystemStatusMsg


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    client = connect_redis(store.url)
    yield client
    await client.connection_pool.disconnect()


def frame(sequence: int, text: str = "café 🔥") -> SystemErrorMsg:
    return SystemErrorMsg(sequence=sequence, payload=SystemError(errorMessage=text))


def large(sequence: int) -> SystemErrorMsg:
    return frame(sequence, "x" * LOGGED_BYTES)


def state(sequence: int) -> SystemStatusMsg:
    return SystemStatusMsg(sequence=sequence, payload=SystemStatus(status="REALTIME"))


def figures(sequence: int, creator: str | None = None) -> AnalyticsUpdateMsg:
    return AnalyticsUpdateMsg(sequence=sequence, creatorId=creator, payload=analytics(creator))


def sequences(frames: list[bytes] | None) -> list[int] | None:
    return None if frames is None else [orjson.loads(each)["sequence"] for each in frames]


async def published(pages: PubSub) -> bytes:
    while (message := await pages.get_message(ignore_subscribe_messages=True, timeout=PATIENCE)) is None:
        pass
    data: bytes = message["data"]
    return data


async def test_a_frame_is_published_with_its_position_in_front(redis: Redis, user_id: str) -> None:
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        position = await push(redis, user_id, frame(7))
        data = await published(pages)
    assert data.startswith(
        b'{"frame":"%b","sequence":7,"creatorId":null,"type":"system_error",' % position.encode()
    )
    pairs = json.loads(data, object_pairs_hook=list)
    assert [name for name, _ in pairs].count("frame") == 1
    assert SystemErrorMsg.model_validate_json(data) == frame(7).model_copy(update={"frame": position})
    assert await last_position(redis, user_id) == position


async def test_a_position_that_a_frame_already_has_is_not_sent_on(redis: Redis, user_id: str) -> None:
    start = await push(redis, user_id, frame(1))
    position = await push(redis, user_id, frame(2).model_copy(update={"frame": "9-9"}))
    [again] = await missed(redis, user_id, start) or []
    assert [value for name, value in json.loads(again, object_pairs_hook=list) if name == "frame"] == [
        position
    ]


async def test_frames_are_published_in_the_order_of_their_positions(redis: Redis, user_id: str) -> None:
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        positions = await asyncio.gather(*(push(redis, user_id, frame(n)) for n in range(50)))
        heard = [orjson.loads(await published(pages))["frame"] for _ in positions]
    assert sorted(heard) == sorted(positions)
    assert all(is_after(later, earlier) for earlier, later in pairwise(heard))


async def test_what_a_page_missed_is_what_was_published_after_its_position(
    redis: Redis, user_id: str
) -> None:
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        positions = [await push(redis, user_id, frame(n)) for n in range(5)]
        heard = [await published(pages) for _ in positions]
    for n, position in enumerate(positions):
        assert await missed(redis, user_id, position) == heard[n + 1 :]


async def test_after_a_large_frame_a_page_that_lacks_it_needs_a_full_sync(redis: Redis, user_id: str) -> None:
    before = await push(redis, user_id, frame(1))
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        at = await push(redis, user_id, large(2))
        assert orjson.loads(await published(pages))["frame"] == at
    await push(redis, user_id, frame(3))
    assert await missed(redis, user_id, before) is None
    assert sequences(await missed(redis, user_id, at)) == [3]
    assert (await redis.memory_usage(f"frames:{user_id}") or 0) < LOGGED_BYTES


async def test_the_log_is_bounded_and_who_is_behind_it_needs_a_full_sync(redis: Redis, user_id: str) -> None:
    positions = [await push(redis, user_id, frame(n)) for n in range(3 * LOGGED_FRAMES)]
    length = await redis.xlen(f"frames:{user_id}")
    assert LOGGED_FRAMES <= length < 2 * LOGGED_FRAMES
    assert await missed(redis, user_id, positions[-length - 1]) is None
    kept = range(3 * LOGGED_FRAMES - length + 1, 3 * LOGGED_FRAMES)
    assert sequences(await missed(redis, user_id, positions[-length])) == list(kept)


async def test_the_log_expires_after_the_last_frame(redis: Redis, user_id: str) -> None:
    await push(redis, user_id, frame(1))
    await redis.expire(f"frames:{user_id}", 5)
    position = await push(redis, user_id, frame(2))
    assert 5 < await redis.ttl(f"frames:{user_id}") <= LOGGED_SECONDS
    await redis.delete(f"frames:{user_id}")
    assert await last_position(redis, user_id) == NOWHERE
    assert await missed(redis, user_id, position) is None
    assert is_after(await push(redis, user_id, frame(3)), position)
    assert await missed(redis, user_id, position) is None


async def test_after_a_loss_every_page_needs_a_full_sync_and_new_frames_come_after_old_ones(
    redis: Redis, user_id: str
) -> None:
    positions = [await push(redis, user_id, frame(n)) for n in range(2)]
    await forget(redis, user_id)
    assert [await missed(redis, user_id, position) for position in positions] == [None, None]
    assert await last_position(redis, user_id) == NOWHERE
    at = await push(redis, user_id, frame(3))
    assert is_after(at, positions[-1])
    assert [await missed(redis, user_id, position) for position in positions] == [None, None]
    await push(redis, user_id, frame(4))
    assert sequences(await missed(redis, user_id, at)) == [4]


async def test_forgetting_a_user_without_a_log_makes_none(redis: Redis, user_id: str) -> None:
    await forget(redis, user_id)
    assert not await redis.exists(f"frames:{user_id}")


async def test_a_state_is_published_without_a_position_and_is_not_in_the_log(
    redis: Redis, user_id: str
) -> None:
    at = await push(redis, user_id, frame(1))
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        assert await push(redis, user_id, state(2)) == ""
        data = await published(pages)
    assert data == b'{"frame":null,%b' % state(2).published()[1:]
    assert await missed(redis, user_id, at) == []
    assert await last_position(redis, user_id) == at


async def test_who_comes_back_gets_the_newest_state_of_its_scope(redis: Redis, user_id: str) -> None:
    assert await newest(redis, user_id, None) == []
    for n in range(3):
        await push(redis, user_id, state(n))
        for creator in (None, "c1", "c2"):
            await push(redis, user_id, figures(10 + n, creator))
    for creator in (None, "c1", "c2"):
        status, update = map(orjson.loads, await newest(redis, user_id, creator))
        assert (status["type"], status["sequence"], status["frame"]) == ("system_status", 2, None)
        assert (update["type"], update["sequence"]) == ("analytics_update", 12)
        assert update["creatorId"] == creator
    assert sequences(await newest(redis, user_id, "c3")) == [2]


async def test_what_only_pages_that_replace_are_sent_is_not_what_a_page_comes_back_to(
    redis: Redis, user_id: str
) -> None:
    async with redis.pubsub() as merging, redis.pubsub() as replacing:
        await merging.subscribe(channel(user_id, merges=True))
        await replacing.subscribe(channel(user_id))
        await push(redis, user_id, figures(1), to=Readers.MERGING)
        await push(redis, user_id, figures(2), to=Readers.REPLACING)
        await push(redis, user_id, frame(3))
        heard = [[orjson.loads(await published(pages)) for _ in range(2)] for pages in (merging, replacing)]
    assert [[each["sequence"] for each in frames] for frames in heard] == [[1, 3], [2, 3]]
    assert heard[0][1] == heard[1][1]
    assert sequences(await newest(redis, user_id, None)) == [1]


async def test_the_state_expires_with_the_log_and_is_forgotten_with_it(redis: Redis, user_id: str) -> None:
    await push(redis, user_id, state(1))
    await redis.expire(f"state:{user_id}", 5)
    await push(redis, user_id, frame(2))
    assert 5 < await redis.ttl(f"state:{user_id}") <= LOGGED_SECONDS
    await forget(redis, user_id)
    assert await newest(redis, user_id, None) == []


async def test_a_displaced_owner_changes_no_state(redis: Redis, user_id: str) -> None:
    old = await Journal(redis, user_id).claim()
    await push(redis, user_id, state(1), epoch=old)
    await Journal(redis, user_id).claim()
    with pytest.raises(StaleOwner):
        await push(redis, user_id, state(2), epoch=old)
    assert sequences(await newest(redis, user_id, None)) == [1]


@pytest.mark.parametrize("whole", [None, b'{"sequence":7,"payload":{}}'])
async def test_a_call_for_a_full_sync_is_an_event_that_nobody_can_resume_over(
    redis: Redis, user_id: str, whole: bytes | None
) -> None:
    before = await push(redis, user_id, frame(1))
    async with redis.pubsub() as merging, redis.pubsub() as replacing:
        await merging.subscribe(channel(user_id, merges=True))
        await replacing.subscribe(channel(user_id))
        at = await push_full_sync(redis, user_id, b'{"sequence":7}', whole)
        call, other = [orjson.loads(await published(pages)) for pages in (merging, replacing)]
    assert call == {"frame": at, "sequence": 7}
    assert other == (call if whole is None else {**call, "payload": {}})
    await push(redis, user_id, frame(8))
    assert await missed(redis, user_id, before) is None
    assert sequences(await missed(redis, user_id, at)) == [8]


async def test_whether_anybody_needs_whole_frames_is_known(redis: Redis, user_id: str) -> None:
    async with redis.pubsub() as merging, redis.pubsub() as replacing:
        await merging.subscribe(channel(user_id, merges=True))
        assert not await is_read_whole(redis, user_id)
        await replacing.subscribe(channel(user_id))
        await replacing.get_message(timeout=PATIENCE)
        assert await is_read_whole(redis, user_id)


def test_no_two_users_share_a_channel() -> None:
    names = {
        channel(user, merges=merges) for user in ("a", "a:changes", "changes_a") for merges in (True, False)
    }
    assert len(names) == 6


async def test_a_frame_that_is_json_already_is_pushed_as_it_is(redis: Redis, user_id: str) -> None:
    at = await push(redis, user_id, frame(1))
    position = await push(redis, user_id, frame(2).published())
    assert await missed(redis, user_id, at) == [
        b'{"frame":"%b",%b' % (position.encode(), frame(2).published()[1:])
    ]


async def test_only_the_owner_pushes_with_an_epoch(redis: Redis, user_id: str) -> None:
    old = await Journal(redis, user_id).claim()
    await push(redis, user_id, frame(1), epoch=old)
    new = await Journal(redis, user_id).claim()
    at = await last_position(redis, user_id)
    async with redis.pubsub() as pages:
        await pages.subscribe(channel(user_id))
        with pytest.raises(StaleOwner):
            await push(redis, user_id, frame(2), epoch=old)
        await push(redis, user_id, frame(3), epoch=new)
        assert orjson.loads(await published(pages))["sequence"] == 3
    assert sequences(await missed(redis, user_id, at)) == [3]


async def test_who_never_owned_a_user_does_not_push_as_its_owner(redis: Redis, user_id: str) -> None:
    with pytest.raises(StaleOwner):
        await push(redis, user_id, frame(1), epoch=0)


async def test_another_error_of_redis_is_passed_on(redis: Redis, user_id: str) -> None:
    await redis.set(f"frames:{user_id}", "no stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await push(redis, user_id, frame(1))


async def test_users_have_logs_of_their_own(redis: Redis, user_id: str) -> None:
    at = await push(redis, user_id, frame(1))
    await push(redis, user_id + "2", frame(2))
    assert await missed(redis, user_id, at) == []
    assert await last_position(redis, user_id) == at


@pytest.mark.parametrize(
    "position",
    [
        "",
        "0-0",
        "1-1",
        "-",
        "+",
        "$",
        "(5-0",
        "5",
        "5-",
        "-5",
        "a-b",
        "5-0-0",
        "5-0\n",
        " 5-0",
        "٥-٠",
        "9" * 40 + "-1",
    ],
)
async def test_a_position_that_no_frame_has_tells_nothing(redis: Redis, user_id: str, position: str) -> None:
    await push(redis, user_id, frame(1))
    assert await missed(redis, user_id, position) is None


async def test_a_position_in_another_spelling_tells_nothing(redis: Redis, user_id: str) -> None:
    assert await missed(redis, user_id, "0" + await push(redis, user_id, frame(1))) is None


def test_positions_are_compared_as_numbers() -> None:
    assert is_after("10-0", "9-5")
    assert is_after("9-10", "9-9")
    assert not is_after("9-9", "9-9")
    assert not is_after("9-9", "9-10")
    assert is_after("1-0", NOWHERE)


def test_any_creator_and_text_are_one_json_object(store: Store) -> None:
    """The position is put in front of the text of the JSON: whatever is in that must not break it."""

    @given(st.text(max_size=20), st.text(max_size=50))
    @settings(max_examples=50)
    def holds(creator_id: str, text: str) -> None:
        async def work() -> None:
            redis, user_id = connect_redis(store.url), f"user-{uuid.uuid4().hex}"
            at = await push(redis, user_id, frame(1))
            sent = SystemErrorMsg(creatorId=creator_id, payload=SystemError(errorMessage=text))
            position = await push(redis, user_id, sent)
            [found] = await missed(redis, user_id, at) or []
            expected: dict[str, Any] = {**orjson.loads(sent.published()), "frame": position}
            assert orjson.loads(found) == expected
            assert (expected["creatorId"], expected["payload"]) == (creator_id, {"errorMessage": text})
            await redis.connection_pool.disconnect()

        asyncio.run(work())

    holds()


def test_missed_is_exactly_the_frames_after_the_cut_or_nothing(store: Store) -> None:
    @given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
    @settings(max_examples=50)
    def holds(is_large: list[bool], data: st.DataObject) -> None:
        cut = data.draw(st.integers(0, len(is_large) - 1))
        trimmed = data.draw(st.integers(0, len(is_large)))

        async def work() -> None:
            redis, user_id = connect_redis(store.url), f"user-{uuid.uuid4().hex}"
            async with redis.pubsub() as pages:
                await pages.subscribe(channel(user_id))
                positions, heard = [], []
                for n, big in enumerate(is_large):
                    positions.append(await push(redis, user_id, (large if big else frame)(n)))
                    heard.append(await published(pages))
            await redis.xtrim(f"frames:{user_id}", maxlen=len(is_large) - trimmed, approximate=False)
            known = cut >= trimmed and not any(is_large[cut + 1 :])
            assert await missed(redis, user_id, positions[cut]) == (heard[cut + 1 :] if known else None)
            await redis.delete(f"frames:{user_id}")
            await redis.connection_pool.disconnect()

        asyncio.run(work())

    holds()
