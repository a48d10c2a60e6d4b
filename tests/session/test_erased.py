"""Tombstones, what is to be carried out, and receipts, in Redis; and that its files forget."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from errors import JournalUnavailable, StaleOwner
from insights.shifts import Shift, Shifts
from session.erased import ErasedInRedis, erasing, has_erased, receipts
from session.erasure import Erasure, Tombstones
from session.journal import Entry, Journal
from session.shifts import read_shifts, write_shifts
from tests.history.store import Store

SECRET = b"s" * 32
MARKS = Tombstones(SECRET)
NAME = MARKS.name("901", "41")
SHIFTS = Shifts(shifts=[Shift(name="day", personId="anna", hours="Mon-Fri 09:00-17:00")])


def erasure(receipt: str = "r1", name: str = NAME) -> Erasure:
    return Erasure(receipt, "fan", "901", ("901",), (name,), 1_700_000_000.5, "of somebody", {"chats": 1})


async def owned(redis: Redis, user_id: str) -> Journal:
    journal = Journal(redis, user_id)
    await journal.claim()
    return journal


async def test_an_erasure_and_its_tombstones_are_there_together(redis: Redis, user_id: str) -> None:
    journal, erased = await owned(redis, user_id), ErasedInRedis(redis, user_id)
    assert not await has_erased(redis, user_id)
    await journal.append("901", [Entry("message", 1.0, b"{}", "m1")])
    assert await journal.erase(erasure(), SECRET) == 2
    tombstones, [due] = await erased.read()
    assert tombstones.secret == SECRET
    assert list(tombstones.names) == [NAME]
    assert (due.receipt, due.sequence, due.removed) == ("r1", 2, {"chats": 1})
    assert [record.kind async for record in journal.read()] == ["message", "erase"]
    assert user_id in await erasing(redis)
    assert await has_erased(redis, user_id)


async def test_the_first_secret_stays(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await journal.erase(erasure(), SECRET)
    await journal.erase(erasure("r2"), b"another")
    assert (await ErasedInRedis(redis, user_id).read())[0].secret == SECRET


async def test_what_is_lifted_is_no_tombstone_any_more(redis: Redis, user_id: str) -> None:
    journal, erased = await owned(redis, user_id), ErasedInRedis(redis, user_id)
    await journal.erase(erasure(), SECRET)
    assert await journal.lift(2.0, [NAME]) == 2
    tombstones, due = await erased.read()
    assert not tombstones
    assert len(due) == 1  # it is carried out all the same


async def test_a_copy_of_what_was_erased_is_taken_again_once_that_is_lifted(
    redis: Redis, user_id: str
) -> None:
    journal = await owned(redis, user_id)
    await journal.append("901", [Entry("message", 1.0, b"{}", "m1")])
    await journal.erase(erasure(), SECRET)
    await journal.lift(2.0, [NAME])
    assert await journal.append("901", [Entry("message", 3.0, b"{}", "m1")]) == [4]


async def test_a_displaced_owner_neither_erases_nor_ends_an_erasure(redis: Redis, user_id: str) -> None:
    journal, erased = await owned(redis, user_id), ErasedInRedis(redis, user_id)
    await journal.erase(erasure(), SECRET)
    await owned(redis, user_id)
    with pytest.raises(StaleOwner):
        await journal.erase(erasure("r2"), SECRET)
    with pytest.raises(StaleOwner):
        await erased.finish(journal.epoch, "r1", b"{}", [])
    assert len((await erased.read())[1]) == 1


async def test_an_owner_that_has_not_seen_all_does_not_erase(redis: Redis, user_id: str) -> None:
    journal = await owned(redis, user_id)
    await redis.hset(f"owner:{user_id}", "sequence", 7)
    with pytest.raises(JournalUnavailable):
        await journal.erase(erasure(), SECRET)
    assert not await has_erased(redis, user_id)


async def test_an_erasure_that_is_carried_out_leaves_a_receipt_and_its_tombstones(
    redis: Redis, user_id: str
) -> None:
    journal, erased = await owned(redis, user_id), ErasedInRedis(redis, user_id)
    for creator in ("901", "902"):
        await journal.append(creator, [Entry("message", 1.0, b"{}", "m1")])
        await write_shifts(redis, user_id, creator, SHIFTS)
    await journal.erase(erasure(), SECRET)
    await journal.erase(erasure("r2"), SECRET)
    await erased.finish(journal.epoch, "r1", b'{"a":1}', ["901"])
    assert (await read_shifts(redis, user_id, "901"), await read_shifts(redis, user_id, "902")) == (
        Shifts(),
        SHIFTS,
    )
    assert user_id in await erasing(redis)
    assert await redis.smembers(f"creators:{user_id}") == {b"902"}
    await erased.finish(journal.epoch, "r2", b'{"b":2}', None)
    assert user_id not in await erasing(redis)
    assert not await redis.sismember("users", user_id)
    assert await read_shifts(redis, user_id, "902") == Shifts()
    tombstones, due = await erased.read()
    assert (list(tombstones.names), due) == ([NAME], [])
    assert await receipts(redis, user_id) == {"r1": b'{"a":1}', "r2": b'{"b":2}'}
    assert await erased.receipt("r2") == b'{"b":2}'


async def test_the_files_of_redis_forget_what_was_deleted(redis: Redis, store: Store, user_id: str) -> None:
    word = b"6f1d0c9a7be24853"
    files = Path(store.url.removeprefix("unix://")).parent / "data"

    def are_found() -> bool:
        return any(word in file.read_bytes() for file in files.rglob("*") if file.is_file())

    await redis.set(f"word:{user_id}", word)
    await redis.delete(f"word:{user_id}")
    assert are_found()
    assert await ErasedInRedis(redis, user_id).forget_log()
    assert not are_found()


async def test_where_redis_lets_nobody_rewrite_its_files_that_is_said(
    redis: Redis, store: Store, user_id: str
) -> None:
    await redis.acl_setuser(
        "plain", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-bgrewriteaof"], reset=True
    )
    plain = Redis.from_url(store.url)
    await plain.execute_command("AUTH", "plain", "")  # type: ignore[no-untyped-call]
    try:
        assert not await ErasedInRedis(plain, user_id).forget_log()
    finally:
        await plain.aclose()
        await redis.acl_deluser("plain")


@pytest.mark.parametrize("subject", [(), ("901",), ("901", "41")])
def test_a_tombstone_covers_all_below_it_and_nothing_beside_it(subject: tuple[str, ...]) -> None:
    marks = MARKS.of([MARKS.name(*subject)])
    assert marks.covering("901")("41", "c1")
    assert marks.covering("901")("7") == (len(subject) < 2)
    assert marks.covering("902")("41") == (not subject)
    assert marks.has_account("901") == (len(subject) < 2)


def test_without_the_secret_a_tombstone_says_nothing() -> None:
    assert Tombstones(b"another").name("901", "41") != NAME
    assert MARKS.name("90", "141") != MARKS.name("901", "41")
