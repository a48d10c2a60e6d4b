"""The audit trail: what was done is found again, and so is whoever changed the record of it."""

import asyncio
import json
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from access.audit import STREAM, Audit
from access.secret import Secret
from errors import Unavailable
from frames.log import connect_redis
from tests.conftest import PATIENCE
from tests.history.store import Store

SECRET = Secret(b"s" * 32)


@pytest.fixture
async def audit(redis: Redis) -> Audit:
    await redis.flushall()
    return Audit(redis, SECRET)


async def told(audit: Audit) -> list[dict[str, Any]]:
    return [record.facts async for record in audit.records()]


async def test_records_are_kept_in_order_and_are_whole(audit: Audit) -> None:
    assert await audit.verify() == (0, "0" * 64, None)
    await audit.record("signed_in", "person:ann", address="127.0.0.1")
    await audit.record("grant_added", "person:ann", principal="key:1", grants="owner u1")
    assert [(each["event"], each["who"]) for each in await told(audit)] == [
        ("signed_in", "person:ann"),
        ("grant_added", "person:ann"),
    ]
    number, last, wrong = await audit.verify()
    assert (number, wrong) == (2, None)
    assert [record.hash for record in await audit.newest(1)] == [last]


async def test_records_of_several_processes_at_once_are_one_chain(redis: Redis, audit: Audit) -> None:
    others = [Audit(redis, SECRET) for _ in range(5)]
    await asyncio.gather(*(each.record("signed_in", f"person:p{n}") for n, each in enumerate(others * 10)))
    number, _, wrong = await audit.verify()
    assert (number, wrong) == (50, None)


Entries = list[tuple[bytes, dict[bytes, bytes]]]


async def _kept(redis: Redis) -> Entries:
    return cast(Entries, await redis.xrange(STREAM))


async def _rewrite(redis: Redis, entries: Entries) -> None:
    await redis.delete(STREAM)
    for _, fields in entries:
        await redis.xadd(STREAM, fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("tampering", ["changed", "missing", "first missing", "moved", "added", "renumbered"])
async def test_tampering_is_found(redis: Redis, audit: Audit, tampering: str) -> None:
    for n in range(5):
        await audit.record("signed_in", f"person:p{n}")
    entries = await _kept(redis)
    match tampering:
        case "changed":
            fields = entries[2][1]
            fields[b"record"] = fields[b"record"].replace(b"p2", b"p9")
        case "missing":
            del entries[2]
        case "first missing":
            del entries[0]
        case "moved":
            entries[1], entries[2] = entries[2], entries[1]
        case "added":
            forged = Audit(redis, Secret(b"t" * 32))
            await forged.record("signed_in", "person:mallory")
            entries = await _kept(redis)
        case "renumbered":
            del entries[2]
            for n, (_, fields) in enumerate(entries, 1):
                fields[b"number"] = str(n).encode()
    await _rewrite(redis, entries)
    *_, wrong = await audit.verify()
    assert wrong is not None
    assert "record" in wrong


async def test_what_was_cut_off_is_found_by_a_hash_that_was_noted(redis: Redis, audit: Audit) -> None:
    for n in range(3):
        await audit.record("signed_in", f"person:p{n}")
    _, noted, _ = await audit.verify()
    await audit.record("signed_in", "person:p3")
    assert (await audit.verify(noted))[2] is None
    entries = await _kept(redis)
    await _rewrite(redis, entries[:2])
    assert (await audit.verify())[2] is None
    assert (await audit.verify(noted))[2] is not None


async def test_reading_is_told_once_for_each_principal_and_account(redis: Redis, audit: Audit) -> None:
    for _ in range(3):
        for each in (audit, Audit(redis, SECRET)):
            await each.text_read("key:1", "u1", "c1")
    await audit.text_read("key:1", "u1", "c2")
    await audit.text_read("key:1", "u1", None)
    await audit.text_read("key:2", "u1", "c1")
    read = [(each["who"], each.get("creator_id")) for each in await told(audit)]
    assert read == [("key:1", "c1"), ("key:1", "c2"), ("key:1", None), ("key:2", "c1")]


async def test_reading_is_told_anew_after_its_time(
    redis: Redis, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("access.audit.READ_SECONDS", 1)
    async with asyncio.timeout(PATIENCE):
        while len(await told(audit)) < 2:
            await audit.text_read("key:1", "u1", "c1")
            await asyncio.sleep(0.1)


async def test_what_cannot_be_recorded_is_not_done(new_store: Store) -> None:
    redis = connect_redis(new_store.url)
    audit = Audit(redis, SECRET)
    new_store.kill()
    with pytest.raises(Unavailable):
        await audit.record("exported", "person:ann")
    with pytest.raises(Unavailable):
        await audit.text_read("person:ann", "u1", None)
    await redis.connection_pool.disconnect()


async def test_a_record_is_json_in_one_order(audit: Audit) -> None:
    await audit.record("erased", "person:ann", user_id="u1", creator_id=None)
    [record] = await audit.newest(1)
    assert json.loads(record.json) == record.facts
    assert set(record.facts) == {"at", "event", "user_id", "who"}
