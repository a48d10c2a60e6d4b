"""Sends frames to a user's pages: one Redis Pub/Sub channel a user, delivered at most once."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import BlockingConnectionPool, Redis

from wire.payloads import Frame

WINDOW = timedelta(days=30)  # of the analytics that pages are sent


def channel(user_id: str) -> str:
    return f"frontend_user_{user_id}"


def connect_redis(url: str) -> Redis:
    """A client whose callers wait for a free connection rather than fail."""
    return Redis(connection_pool=BlockingConnectionPool.from_url(url, max_connections=16, timeout=20))


class Publisher:
    """Publishes frames of one user, in the order of the calls."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._channel = channel(user_id)

    async def send(self, frame: Frame) -> None:
        await self._redis.publish(self._channel, frame.model_dump_json())


def now() -> datetime:
    return datetime.now(UTC)
