import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

import session.journal
from encryption.data_keys import DataKeys
from encryption.keyring import Keyring
from errors import JournalGap, JournalUnavailable, StaleOwner
from frames.log import connect_redis
from session.journal import CHUNK_BYTES, READ_COUNT, TRIM_COUNT, Entry, Journal, Record, is_known, known_users
from tests.encryption.places import keys_in
from tests.history.store import Store

AT = 1_714_550_400.123456


async def owned(redis: Redis, user_id: str, keys: Keyring | None = None) -> Journal:
    journal = Journal(redis, user_id, keys)
    await journal.claim()
    return journal


async def records(journal: Journal, after: int = 0) -> list[Record]:
    return [record async for record in journal.read(after)]


def body(n: int) -> bytes:
    return b'{"id":%d,"text":"\xf0\x9f\x94\xa5"}' % n


def message(n: int, *, version: int = 0) -> Entry:
    return Entry("message", AT, body(n), f"{n}.{version}")


class Dropping:
    """A Redis whose connection is lost after `calls` scripts: before the next runs, or before its answer."""

    def __init__(self, redis: Redis, calls: int, *, before_answer: bool = False) -> None:
        self._redis = redis
        self._calls = calls
        self._before_answer = before_answer

    def register_script(self, text: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        script = self._redis.register_script(text)

        async def call(**arguments: Any) -> Any:
            lost = self._calls == 0
            self._calls -= 1
            if not lost or self._before_answer:
                answer = await script(**arguments)
            if lost:
                raise RedisConnectionError("gone")
            return answer

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)


async def test_what_is_appended_is_read_as_it_was_in_order(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    release = Entry("release", AT + 2, b'{"id":3}')
    assert await journal.append("c1", [message(1), Entry("message", AT + 1, body(2))]) == [1, 2]
    assert await journal.append("c2", [release]) == [3]
    assert journal.sequence == 3
    assert await records(journal) == [
        Record("message", 1, "c1", AT, body(1)),
        Record("message", 2, "c1", AT + 1, body(2)),
        Record("release", 3, "c2", AT + 2, b'{"id":3}'),
    ]


async def test_what_comes_after_a_record_is_read_from_there(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(n) for n in range(1, 6)])
    assert [r.sequence for r in await records(journal, after=3)] == [4, 5]
    assert await records(journal, after=5) == []


async def test_an_empty_journal_has_no_records(redis: Redis, user_id: str) -> None:
    assert await records(await owned(redis, user_id)) == []


async def test_a_group_larger_than_one_page_of_reading_keeps_its_order(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    count = 2 * READ_COUNT + 1
    entries = [message(n) for n in range(count)]
    assert await journal.append("c1", entries) == list(range(1, count + 1))
    found = await records(journal)
    assert [r.body for r in found] == [body(n) for n in range(count)]
    assert [r.sequence for r in found] == list(range(1, count + 1))


async def test_appends_at_the_same_moment_are_each_whole_and_numbered_once(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(redis, user_id)
    groups = [[message(10 * g + n) for n in range(3)] for g in range(20)]
    numbered = await asyncio.gather(*(journal.append("c1", group) for group in groups))
    assert sorted(first for first, _, _ in numbered) == list(range(1, 61, 3))
    found = {r.sequence: r.body for r in await records(journal)}
    for group, sequences in zip(groups, numbered, strict=True):
        assert [found[each] for each in sequences] == [entry.body for entry in group]


async def test_a_snapshot_is_not_broken_into_by_what_is_appended_meanwhile(
    redis: Redis, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.journal, "CHUNK_BYTES", 1)
    journal = await owned(redis, user_id)
    snapshots = [[body(10 * n), body(10 * n + 1)] for n in range(1, 4)]
    await asyncio.gather(
        *(journal.append_snapshot("c1", AT, [], each) for each in snapshots),
        *(journal.append("c1", [message(n)]) for n in range(100, 105)),
    )
    found = await records(journal)
    assert [orjson.loads(r.body)["messages"] for r in found if r.kind == "snapshot"] == [
        [orjson.loads(each) for each in snapshot] for snapshot in snapshots
    ]
    # Every finished record is a place to trim at: what follows it can be read without it.
    for record in found:
        await journal.trim(record.sequence)
        assert await records(journal, record.sequence) == found[found.index(record) + 1 :]


# What the journal already has


async def test_a_copy_of_a_message_that_is_there_is_dropped(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    assert await journal.append("c1", [message(7)]) == [1]
    assert await journal.append("c1", [message(7), message(7)]) == [0, 0]
    assert await journal.append("c1", [message(7, version=1), message(8)]) == [2, 3]
    assert await journal.append("c1", [message(7, version=1)]) == [0]
    assert journal.sequence == 3
    assert [r.sequence for r in await records(journal)] == [1, 2, 3]


async def test_of_one_message_twice_in_an_append_the_second_counts_if_it_is_another_copy(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(redis, user_id)
    twice = [message(1, version=2), message(1, version=2), message(1, version=1), message(1, version=1)]
    assert await journal.append("c1", twice) == [1, 0, 2, 0]


async def test_an_entry_without_an_id_is_never_dropped(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    entry = Entry("release", AT, b"{}")
    assert await journal.append("c1", [entry, entry]) == [1, 2]
    assert await journal.append("c1", [entry]) == [3]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("c1", "7"), ("c2", "7")),
        (("a", "/b"), ("a/", "b")),
        (("a", "1:b"), ("a1:", "b")),
    ],
)
async def test_messages_of_other_creators_are_other_messages(
    redis: Redis, user_id: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    journal = await owned(redis, user_id)
    assert await journal.append(one[0], [Entry("message", AT, b"{}", one[1])]) == [1]
    assert await journal.append(other[0], [Entry("message", AT, b"{}", other[1])]) == [2]


async def test_an_append_whose_answer_was_lost_is_repeated_without_doubling(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(Dropping(redis, 0, before_answer=True), user_id)  # type: ignore[arg-type]
    with pytest.raises(JournalUnavailable):
        await journal.append("c1", [message(1), message(2)])
    with pytest.raises(JournalUnavailable):  # it is not known yet what the journal has
        await journal.append("c1", [message(4)])
    await journal.refresh()
    assert await journal.append("c1", [message(1), message(2), message(3)]) == [0, 0, 3]
    assert journal.sequence == 3
    assert [r.body for r in await records(journal)] == [body(1), body(2), body(3)]


async def test_an_append_that_redis_carries_out_late_is_refused_once_the_owner_has_gone_on(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(redis, user_id)
    late = copy(journal)  # what its connection still holds
    await journal.append("c1", [message(1)])
    with pytest.raises(JournalUnavailable):
        await late.append("c1", [message(2)])
    assert [r.body for r in await records(journal)] == [body(1)]


async def test_a_snapshot_nested_as_deep_as_can_be_written_is_read_again(redis: Redis, user_id: str) -> None:
    deep = b"[" * 250 + b"]" * 250
    journal = await owned(redis, user_id)
    await journal.append_snapshot("c1", AT, [], [b'{"id":1,"deep":%b}' % deep])
    [snapshot] = await records(journal)
    assert orjson.loads(snapshot.body)["messages"][0]["id"] == 1


async def test_a_new_owner_knows_what_the_journal_has(redis: Redis, user_id: str) -> None:
    await (await owned(redis, user_id)).append("c1", [message(1, version=2)])
    assert await (await owned(redis, user_id)).append("c1", [message(1, version=2), message(2)]) == [0, 2]


async def test_sequences_and_versions_are_exact_however_large(redis: Redis, user_id: str) -> None:
    last = 2**53 - 4
    await redis.hset(f"owner:{user_id}", "sequence", str(last))
    journal = await owned(redis, user_id)
    assert await journal.append("c1", [message(1), message(2)]) == [last + 1, last + 2]
    assert journal.sequence == last + 2
    assert [r.sequence for r in await records(journal, last)] == [last + 1, last + 2]
    await journal.trim(last + 1)
    assert [r.sequence for r in await records(journal, last + 1)] == [last + 2]


# Snapshots


async def test_a_snapshot_is_one_record_with_its_chats_and_messages(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(1)])
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
    monkeypatch.setattr(session.journal, "CHUNK_BYTES", 1)
    broken = await owned(Dropping(redis, 2), user_id)  # type: ignore[arg-type]
    with pytest.raises(JournalUnavailable):
        await broken.append_snapshot("c1", AT, [b'{"id":7}'], [body(1), body(2)])
    journal = await owned(redis, user_id)
    assert await records(journal) == []
    await journal.append("c2", [message(3)])
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


# Owners


async def test_an_older_owner_is_refused_and_leaves_nothing(redis: Redis, user_id: str) -> None:
    old = await owned(redis, user_id)
    await old.append("c1", [message(1)])
    new = await owned(redis, user_id)
    assert new.epoch > old.epoch
    with pytest.raises(StaleOwner):
        await old.append("c1", [message(2)])
    with pytest.raises(StaleOwner):
        await old.append_snapshot("c1", AT, [b"{}"], [])
    with pytest.raises(StaleOwner):
        await old.trim(1)
    assert await new.append("c1", [message(3)]) == [2]
    assert [r.body for r in await records(new)] == [body(1), body(3)]


async def test_who_never_claimed_may_not_write(redis: Redis, user_id: str) -> None:
    with pytest.raises(StaleOwner):
        await Journal(redis, user_id).append("c1", [message(1)])


async def test_a_new_owner_goes_on_where_the_last_one_stopped(redis: Redis, user_id: str) -> None:
    first = await owned(redis, user_id)
    await first.append("c1", [message(1), message(2)])
    second = await owned(redis, user_id)
    assert second.sequence == 2
    assert await records(second) == await records(first)
    assert await second.append("c1", [message(3)]) == [3]


# Trimming


async def test_what_was_trimmed_is_gone_and_asking_for_it_is_an_error(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(n) for n in range(1, 6)])
    await journal.trim(3)
    assert [r.sequence for r in await records(journal, after=3)] == [4, 5]
    assert [r.sequence for r in await records(journal, after=4)] == [5]
    for after in (0, 2):
        with pytest.raises(JournalGap, match="up to record 3"):
            await records(journal, after)
    assert await journal.append("c1", [message(6)]) == [6]


async def test_trimming_less_than_was_trimmed_changes_nothing(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(n) for n in range(1, 6)])
    await journal.trim(3)
    for through in (3, 2, 0):
        await journal.trim(through)
        with pytest.raises(JournalGap):
            await records(journal, after=2)
    assert len(await records(journal, after=3)) == 2


async def test_trimming_everything_leaves_nothing_behind_and_numbers_go_on(
    redis: Redis, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.journal, "CHUNK_BYTES", 1)
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(n) for n in range(1, 2 * TRIM_COUNT + 1)])
    last = await journal.append_snapshot("c2", AT, [b"{}"], [body(1), body(2)])
    await journal.trim(last)
    assert await redis.xlen(f"journal:{user_id}") == 0
    assert not await redis.exists(f"ids:{user_id}")
    assert await records(journal, last) == []
    successor = await owned(redis, user_id)
    assert await successor.append("c1", [message(1)]) == [last + 1]


async def test_an_id_is_forgotten_with_its_newest_record_and_not_before(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    assert await journal.append("c1", [message(1, version=1), message(1, version=2)]) == [1, 2]
    await journal.trim(1)
    assert await journal.append("c1", [message(1, version=2)]) == [0]
    await journal.trim(2)
    assert await journal.append("c1", [message(1, version=1)]) == [3]


async def test_records_trimmed_while_another_reads_are_an_error_and_not_passed_over(
    redis: Redis, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.journal, "READ_COUNT", 2)
    old = await owned(redis, user_id)
    await old.append("c1", [message(n) for n in range(1, 6)])
    reading = old.read()
    assert (await anext(reading)).sequence == 1
    await (await owned(redis, user_id)).trim(3)
    assert (await anext(reading)).sequence == 2
    with pytest.raises(JournalGap):
        await anext(reading)


async def test_a_journal_that_ends_before_what_was_kept_of_it_is_an_error(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.append("c1", [message(1)])
    with pytest.raises(JournalGap, match="ends at record 1"):
        await records(journal, after=2)


async def test_a_trim_that_was_broken_off_is_finished_by_the_next(redis: Redis, user_id: str) -> None:
    count = 3 * TRIM_COUNT
    journal = await owned(Dropping(redis, 2), user_id)  # type: ignore[arg-type]
    await journal.append("c1", [message(n) for n in range(count)])
    with pytest.raises(JournalUnavailable):
        await journal.trim(count - 1)
    assert await redis.xlen(f"journal:{user_id}") == count - TRIM_COUNT
    assert len(await records(journal, after=TRIM_COUNT)) == count - TRIM_COUNT
    await journal.trim(count - 1)
    assert [r.sequence for r in await records(journal, after=count - 1)] == [count]


# Who there is


async def test_users_are_known_with_their_creators_once_they_wrote(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    assert not await is_known(redis, user_id)
    await journal.append("c2", [message(1)])
    await journal.append_snapshot("c1", AT, [], [])
    assert await is_known(redis, user_id)
    assert (await known_users(redis))[user_id] == ["c1", "c2"]


@pytest.mark.parametrize("suffix", ["2", ":meta", ":"])
async def test_users_do_not_see_each_other(redis: Redis, user_id: str, suffix: str) -> None:
    journal, other = await owned(redis, user_id), await owned(redis, user_id + suffix)
    await journal.append("c1", [message(1)])
    assert await records(other) == []
    await other.append("c1", [message(2)])
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
                await journal.append("c1", [message(n)])
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
            await journal.append("c1", [message(0)])
        with pytest.raises(JournalUnavailable):
            await records(journal)

        new_store.restart()
        # The same owner goes on, and so does the next.
        [sequence] = await journal.append("c1", [Entry("message", AT, b'{"id":"after"}')])
        assert sequence > len(acknowledged)
        successor = await owned(redis, user_id)
        found = await records(successor)
    bodies = [r.body for r in found if r.kind == "message"]
    assert bodies[: len(acknowledged)] == [body(n) for n in acknowledged]
    assert bodies[-1] == b'{"id":"after"}'
    assert len(bodies) <= len(acknowledged) + 2  # one more may have been written and not answered
    assert all(orjson.loads(r.body)["messages"] for r in found if r.kind == "snapshot")


items = st.lists(st.binary(max_size=3).map(lambda raw: orjson.dumps({"id": raw.hex()})), max_size=4)
creators = st.sampled_from(("c1", "c2"))


def entry_lists(ids: st.SearchStrategy[str | None]) -> st.SearchStrategy[list[Entry]]:
    bodies = st.binary(max_size=3).map(lambda raw: orjson.dumps({"text": raw.hex()}))
    return st.lists(st.builds(Entry, st.just("message"), st.just(AT), bodies, ids), max_size=5)


message_ids = st.sampled_from(("1", "2", "3", "4"))


class AgainstAList(RuleBasedStateMachine):
    """A journal says what a list of its finished inputs says, whoever owns it and wherever it is trimmed."""

    store: Store
    keys: DataKeys | None = None  # then it is encrypted

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.user_id = f"user-{uuid.uuid4().hex}"
        self.keyring = Keyring(self.user_id, self.keys, encrypts=self.keys is not None)
        self.model: list[Record] = []  # as it would be without trimming
        self.ids: dict[tuple[str, str], int] = {}  # of the untrimmed: sequence
        self.base = 0
        self.last = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def owned(self, redis: Any) -> Journal:
        journal: Journal = self.run(owned(redis, self.user_id, self.keyring))
        return journal

    @initialize()
    def begin(self) -> None:
        self.redis = connect_redis(self.store.url)
        self.journal = self.owned(self.redis)

    def take(self, creator: str, entries: list[Entry]) -> list[int]:
        """What an append does to the model; the sequences it is to answer."""
        sequences = []
        for entry in entries:
            key = (creator, entry.id or "")
            if entry.kind == "message" and key in self.ids:
                sequences.append(0)
                self.last += self.keyring.encrypts  # it has a number all the same
                continue
            self.last += 1
            sequences.append(self.last)
            self.model.append(Record(entry.kind, self.last, creator, entry.at, entry.body))
            if entry.kind == "message" and entry.id:
                self.ids[key] = self.last
        return sequences

    @rule(creator=creators, entries=entry_lists(st.none() | message_ids))
    def append(self, creator: str, entries: list[Entry]) -> None:
        found = self.run(self.journal.append(creator, entries))
        assert found == self.take(creator, entries)
        assert self.journal.sequence == self.last

    @rule(creator=creators, entries=entry_lists(message_ids))
    def lose_the_answer_of_an_append_and_repeat_it(self, creator: str, entries: list[Entry]) -> None:
        losing = Dropping(self.redis, 0, before_answer=True)
        self.journal = self.owned(losing)
        with pytest.raises(JournalUnavailable):
            self.run(self.journal.append(creator, entries))
        self.take(creator, entries)
        self.run(self.journal.refresh())
        again = self.take(creator, entries)
        assert self.run(self.journal.append(creator, entries)) == again == [0] * len(entries)
        assert self.journal.sequence == self.last

    @rule(creator=creators, chats=items, messages=items)
    def append_snapshot(self, creator: str, chats: list[bytes], messages: list[bytes]) -> None:
        sequence = self.run(self.journal.append_snapshot(creator, AT, chats, messages))
        self.last += len(chats) + len(messages) + 1
        assert sequence == self.last
        whole = {"chats": list(map(orjson.loads, chats)), "messages": list(map(orjson.loads, messages))}
        self.model.append(Record("snapshot", sequence, creator, AT, orjson.dumps(whole)))

    @rule(messages=items, finished=st.integers(0, 3), answered=st.booleans())
    def begin_a_snapshot_and_lose_the_connection(
        self, messages: list[bytes], finished: int, answered: bool
    ) -> None:
        """After some chunks; the last of them is written, or not."""
        finished = min(finished, len(messages) - 1)
        if finished < 0:
            return
        losing = Dropping(self.redis, finished, before_answer=answered)
        self.journal = self.owned(losing)
        with pytest.raises(JournalUnavailable):
            self.run(self.journal.append_snapshot("c1", AT, [], messages))
        self.last += finished + answered
        self.run(self.journal.refresh())

    @rule()
    def change_owner(self) -> None:
        old, self.journal = self.journal, self.owned(self.redis)
        assert self.journal.sequence == self.last
        with pytest.raises(StaleOwner):
            self.run(old.append("c1", [Entry("message", AT, b"{}")]))
        with pytest.raises(StaleOwner):
            self.run(old.trim(self.last))

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        through = data.draw(st.sampled_from([0, *(record.sequence for record in self.model)]))
        self.run(self.journal.trim(through))
        self.base = max(self.base, through)
        self.ids = {key: held for key, held in self.ids.items() if held > self.base}

    @rule(data=st.data())
    def read_from_a_record(self, data: st.DataObject) -> None:
        after = data.draw(st.sampled_from([0, *(record.sequence for record in self.model)]))
        if after < self.base:
            with pytest.raises(JournalGap):
                self.run(records(self.journal, after))
        else:
            found = self.run(records(self.journal, after))
            assert found == [record for record in self.model if record.sequence > after]

    @invariant()
    def reads_as_the_list(self) -> None:
        if hasattr(self, "journal"):
            found = self.run(records(self.journal, self.base))
            assert found == [record for record in self.model if record.sequence > self.base]
            sequences = [r.sequence for r in found]
            assert sequences == sorted(set(sequences))

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.run(self.redis.connection_pool.disconnect())
        self.runner.close()


@pytest.mark.parametrize("encrypts", [False, True])
def test_a_journal_says_what_a_list_of_its_finished_inputs_says(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encrypts: bool
) -> None:
    monkeypatch.setattr(session.journal, "CHUNK_BYTES", 1)  # every item a chunk
    monkeypatch.setattr(session.journal, "READ_COUNT", 3)
    monkeypatch.setattr(session.journal, "TRIM_COUNT", 3)
    monkeypatch.setattr(AgainstAList, "store", store, raising=False)
    monkeypatch.setattr(AgainstAList, "keys", keys_in(tmp_path) if encrypts else None)
    case = AgainstAList.TestCase
    case.settings = settings(max_examples=40, stateful_step_count=16, deadline=None)
    case().runTest()
