import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

import actors.journal
from actors.journal import CHUNK_BYTES, READ_COUNT, Journal, Record, is_known, known_users
from actors.publisher import connect_redis
from errors import JournalUnavailable, StaleOwner
from tests.actors.store import Store

AT = 1_714_550_400.123456


async def owned(redis: Redis, user_id: str) -> Journal:
    journal = Journal(redis, user_id)
    await journal.claim()
    return journal


async def records(journal: Journal) -> list[Record]:
    return [record async for record in journal.read()]


def body(n: int) -> bytes:
    return b'{"id":%d,"text":"\xf0\x9f\x94\xa5"}' % n


class Dropping:
    """A Redis whose scripts lose the connection after `calls` of them."""

    def __init__(self, redis: Redis, calls: int) -> None:
        self._redis = redis
        self._calls = calls

    def register_script(self, text: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        script = self._redis.register_script(text)

        async def call(**arguments: Any) -> Any:
            if self._calls == 0:
                raise RedisConnectionError("gone")
            self._calls -= 1
            return await script(**arguments)

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)


async def test_what_is_appended_is_read_as_it_was_in_order(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    assert await journal.append_messages("c1", [(AT, body(1)), (AT + 1, body(2))]) == 2
    assert await journal.append_messages("c2", [(AT + 2, body(3))]) == 3
    assert journal.sequence == 3
    assert await records(journal) == [
        Record("message", 1, "c1", AT, body(1)),
        Record("message", 2, "c1", AT + 1, body(2)),
        Record("message", 3, "c2", AT + 2, body(3)),
    ]


async def test_an_empty_journal_has_no_records(redis: Redis, user_id: str) -> None:
    assert await records(await owned(redis, user_id)) == []


async def test_a_group_larger_than_one_page_of_reading_keeps_its_order(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    count = 2 * READ_COUNT + 1
    assert await journal.append_messages("c1", [(AT, body(n)) for n in range(count)]) == count
    found = await records(journal)
    assert [r.body for r in found] == [body(n) for n in range(count)]
    assert [r.sequence for r in found] == list(range(1, count + 1))


async def test_appends_at_the_same_moment_are_each_whole_and_numbered_once(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(redis, user_id)
    groups = [[(AT, body(10 * g + n)) for n in range(3)] for g in range(20)]
    last = await asyncio.gather(*(journal.append_messages("c1", group) for group in groups))
    assert sorted(last) == list(range(3, 61, 3))
    found = {r.sequence: r.body for r in await records(journal)}
    for group, sequence in zip(groups, last, strict=True):
        assert [found[sequence - 2 + n] for n in range(3)] == [b for _, b in group]


async def test_a_snapshot_is_one_record_with_its_chats_and_messages(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append_messages("c1", [(AT, body(1))])
    sequence = await journal.append_snapshot("c1", AT, [b'{"id":7}'], [body(1), body(2)])
    _, snapshot = await records(journal)
    assert (snapshot.kind, snapshot.sequence, snapshot.received_at) == ("snapshot", sequence, AT)
    assert orjson.loads(snapshot.body) == {
        "chats": [{"id": 7}],
        "messages": [orjson.loads(body(1)), orjson.loads(body(2))],
    }


async def test_an_empty_snapshot_is_a_record(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append_snapshot("c1", AT, [], [])
    [snapshot] = await records(journal)
    assert orjson.loads(snapshot.body) == {"chats": [], "messages": []}


async def test_a_large_snapshot_is_written_in_chunks_and_read_whole(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    messages = [orjson.dumps({"id": n, "text": "x" * (CHUNK_BYTES // 3)}) for n in range(10)]
    await journal.append_snapshot("c1", AT, [b'{"id":7}'], messages)
    assert await redis.xlen(f"journal:{user_id}") > 4
    [snapshot] = await records(journal)
    assert [m["id"] for m in orjson.loads(snapshot.body)["messages"]] == list(range(10))


async def test_a_snapshot_that_was_not_finished_is_not_there_and_takes_nothing_from_what_follows(
    redis: Redis, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.journal, "CHUNK_BYTES", 1)
    broken = await owned(Dropping(redis, 2), user_id)  # type: ignore[arg-type]
    with pytest.raises(JournalUnavailable):
        await broken.append_snapshot("c1", AT, [b'{"id":7}'], [body(1), body(2)])
    journal = await owned(redis, user_id)
    assert await records(journal) == []
    await journal.append_messages("c2", [(AT, body(3))])
    await journal.append_snapshot("c2", AT, [], [body(4)])
    await journal.append_snapshot("c2", AT, [], [])
    found = await records(journal)
    assert [(r.kind, r.creator_id) for r in found] == [
        ("message", "c2"),
        ("snapshot", "c2"),
        ("snapshot", "c2"),
    ]
    assert orjson.loads(found[1].body) == {"chats": [], "messages": [orjson.loads(body(4))]}
    assert orjson.loads(found[2].body) == {"chats": [], "messages": []}


async def test_an_older_owner_is_refused_and_leaves_nothing(redis: Redis, user_id: str) -> None:
    old = await owned(redis, user_id)
    await old.append_messages("c1", [(AT, body(1))])
    new = await owned(redis, user_id)
    assert new.epoch > old.epoch
    with pytest.raises(StaleOwner):
        await old.append_messages("c1", [(AT, body(2))])
    with pytest.raises(StaleOwner):
        await old.append_snapshot("c1", AT, [b"{}"], [])
    assert await new.append_messages("c1", [(AT, body(3))]) == 2
    assert [r.body for r in await records(new)] == [body(1), body(3)]


async def test_who_never_claimed_may_not_write(redis: Redis, user_id: str) -> None:
    with pytest.raises(StaleOwner):
        await Journal(redis, user_id).append_messages("c1", [(AT, body(1))])


async def test_a_new_owner_goes_on_where_the_last_one_stopped(redis: Redis, user_id: str) -> None:
    first = await owned(redis, user_id)
    await first.append_messages("c1", [(AT, body(1)), (AT, body(2))])
    second = await owned(redis, user_id)
    assert second.sequence == 2
    assert await records(second) == await records(first)
    assert await second.append_messages("c1", [(AT, body(3))]) == 3


async def test_users_are_known_with_their_creators_once_they_wrote(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    assert not await is_known(redis, user_id)
    await journal.append_messages("c2", [(AT, body(1))])
    await journal.append_snapshot("c1", AT, [], [])
    assert await is_known(redis, user_id)
    assert (await known_users(redis))[user_id] == ["c1", "c2"]


@pytest.mark.parametrize("suffix", ["2", ":meta", ":"])
async def test_users_do_not_see_each_other(redis: Redis, user_id: str, suffix: str) -> None:
    journal, other = await owned(redis, user_id), await owned(redis, user_id + suffix)
    await journal.append_messages("c1", [(AT, body(1))])
    assert await records(other) == []
    await other.append_messages("c1", [(AT, body(2))])
    assert [r.body for r in await records(journal)] == [body(1)]


@asynccontextmanager
async def client(store: Store) -> AsyncIterator[Redis]:
    redis = connect_redis(store.url)
    try:
        yield redis
    finally:
        await redis.connection_pool.disconnect()


async def test_kill_9_of_redis_loses_nothing_that_was_acknowledged(new_store: Store, user_id: str) -> None:
    acknowledged: list[int] = []
    enough = asyncio.Event()

    async def write(journal: Journal) -> None:
        with contextlib.suppress(JournalUnavailable):
            for n in range(100_000):
                await journal.append_messages("c1", [(AT, body(n))])
                acknowledged.append(n)
                if n == 120:
                    enough.set()
                if n % 50 == 0:
                    await journal.append_snapshot("c1", AT, [], [body(n)])

    async with client(new_store) as redis:
        journal = await owned(redis, user_id)
        writing = asyncio.create_task(write(journal))
        await enough.wait()
        new_store.kill()
        await writing
        with pytest.raises(JournalUnavailable):
            await journal.append_messages("c1", [(AT, body(0))])
        with pytest.raises(JournalUnavailable):
            await records(journal)

        new_store.restart()
        # The same owner goes on, and so does the next.
        assert await journal.append_messages("c1", [(AT, b'{"id":"after"}')]) > len(acknowledged)
        successor = await owned(redis, user_id)
        found = await records(successor)
    bodies = [r.body for r in found if r.kind == "message"]
    assert bodies[: len(acknowledged)] == [body(n) for n in acknowledged]
    assert bodies[-1] == b'{"id":"after"}'
    assert len(bodies) <= len(acknowledged) + 2  # one more may have been written and not answered
    assert all(orjson.loads(r.body)["messages"] for r in found if r.kind == "snapshot")


items = st.lists(st.binary(max_size=3).map(lambda raw: orjson.dumps({"id": raw.hex()})), max_size=4)


class AgainstAList(RuleBasedStateMachine):
    """A journal says what a list of its finished inputs says, whoever owns it."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.user_id = f"user-{uuid.uuid4().hex}"
        self.model: list[tuple[str, str, bytes]] = []
        self.last = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.redis = connect_redis(self.store.url)
        self.journal = self.run(owned(self.redis, self.user_id))

    @rule(creator=st.sampled_from(("c1", "c2")), bodies=items.filter(bool))
    def append_messages(self, creator: str, bodies: list[bytes]) -> None:
        sequence = self.run(self.journal.append_messages(creator, [(AT, each) for each in bodies]))
        assert sequence == self.last + len(bodies)
        self.last = sequence
        self.model += [("message", creator, each) for each in bodies]

    @rule(creator=st.sampled_from(("c1", "c2")), chats=items, messages=items)
    def append_snapshot(self, creator: str, chats: list[bytes], messages: list[bytes]) -> None:
        sequence = self.run(self.journal.append_snapshot(creator, AT, chats, messages))
        assert sequence > self.last
        self.last = sequence
        whole = {"chats": list(map(orjson.loads, chats)), "messages": list(map(orjson.loads, messages))}
        self.model.append(("snapshot", creator, orjson.dumps(whole)))

    @rule(messages=items, finished=st.integers(0, 3))
    def begin_a_snapshot_and_lose_the_connection(self, messages: list[bytes], finished: int) -> None:
        finished = min(finished, len(messages))
        journal = self.run(owned(Dropping(self.redis, finished), self.user_id))  # type: ignore[arg-type]
        with pytest.raises(JournalUnavailable):
            self.run(journal.append_snapshot("c1", AT, [], messages))
        self.change_owner()
        self.last += finished

    @rule()
    def change_owner(self) -> None:
        old, self.journal = self.journal, self.run(owned(self.redis, self.user_id))
        with pytest.raises(StaleOwner):
            self.run(old.append_messages("c1", [(AT, b"{}")]))

    @invariant()
    def reads_as_the_list(self) -> None:
        if hasattr(self, "journal"):
            found = self.run(records(self.journal))
            assert [(r.kind, r.creator_id, r.body) for r in found] == self.model
            sequences = [r.sequence for r in found]
            assert sequences == sorted(set(sequences))

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.run(self.redis.connection_pool.disconnect())
        self.runner.close()


def test_a_journal_says_what_a_list_of_its_finished_inputs_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.journal, "CHUNK_BYTES", 1)  # every item a chunk
    monkeypatch.setattr(actors.journal, "READ_COUNT", 3)
    monkeypatch.setattr(AgainstAList, "store", store, raising=False)
    case = AgainstAList.TestCase
    case.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
    case().runTest()
