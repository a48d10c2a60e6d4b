from datetime import UTC, datetime

from redis.asyncio import Redis

from session.lag import LagInRedis, graph_as_of


async def test_whoever_answers_from_the_graph_knows_since_when_it_lacks_something(
    redis: Redis, user_id: str
) -> None:
    lag = LagInRedis(redis, user_id)
    assert await graph_as_of(redis, user_id, None) is None
    await lag.tell({"c1": 1_700_000_000.25, "c2": 1_700_000_100.0})
    assert await graph_as_of(redis, user_id, "c2") == datetime.fromtimestamp(1_700_000_100, UTC)
    assert await graph_as_of(redis, user_id, None) == datetime.fromtimestamp(1_700_000_000.25, UTC)
    assert await graph_as_of(redis, user_id, "c3") is None
    await lag.tell({"c2": 1_700_000_100.0})
    assert await graph_as_of(redis, user_id, "c1") is None
    await lag.tell({})
    assert await graph_as_of(redis, user_id, None) is None
