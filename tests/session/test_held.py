from dataclasses import replace
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from history.checkpoints import Aside
from session.held import HeldStore
from wire.normalise import Held


def aside(n: int, at: float = 0.0) -> Aside:
    return Aside("c1", at or float(n), Held("no_chat", b'{"id":%d,"text":"hi"}' % n, str(n), position=n))


async def test_what_is_read_is_what_was_held_at_the_last_flush(redis: Redis, user_id: str) -> None:
    held = {f"k{n}": aside(n) for n in range(500)}
    store = HeldStore(redis, user_id)
    assert await store.read() == {}
    await store.flush(held)
    await store.flush(held)
    del held["k7"]
    held["new"] = aside(1000)
    await store.flush(held)
    read = await HeldStore(redis, user_id).read()
    assert read == held
    assert list(read) == list(held)


async def test_another_owner_goes_on_with_what_it_read(redis: Redis, user_id: str) -> None:
    await HeldStore(redis, user_id).flush({"k1": aside(1), "k2": aside(2)})
    second = HeldStore(redis, user_id)
    held = await second.read()
    del held["k1"]
    await second.flush(held)
    assert await HeldStore(redis, user_id).read() == {"k2": aside(2)}


async def test_what_was_received_at_once_keeps_its_order(redis: Redis, user_id: str) -> None:
    held = {f"k{n}": aside(n, at=7.0) for n in (3, 1, 2)}
    store = HeldStore(redis, user_id)
    await store.flush(held)
    held["k0"] = aside(0, at=7.0)
    held["k3"] = replace(held.pop("k3"))  # let go and set aside again
    await store.flush(held)
    second = HeldStore(redis, user_id)
    assert list(await second.read()) == ["k1", "k2", "k0", "k3"]
    held["k9"] = aside(9, at=1.0)  # read after those, though a clock was set back
    await second.flush(held)
    assert list(await HeldStore(redis, user_id).read())[-1] == "k9"


async def test_what_an_earlier_version_kept_comes_first_by_its_time(redis: Redis, user_id: str) -> None:
    for n in (2, 1):
        facts = {
            "creator_id": "c1",
            "received_at": float(n),
            "held": orjson.Fragment(aside(n).held.to_json()),
        }
        await cast(Any, redis.hset(f"held:{user_id}", f"k{n}", orjson.dumps(facts)))
    store = HeldStore(redis, user_id)
    held = await store.read()
    held["k0"] = aside(0)
    await store.flush(held)
    assert list(await HeldStore(redis, user_id).read()) == ["k1", "k2", "k0"]
