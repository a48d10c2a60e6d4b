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
