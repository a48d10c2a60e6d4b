"""What could not be placed or read, kept in Redis: a checkpoint's size does not follow it.

Key `held:{user}`: a hash of JSON by the key that something is held under. Whoever writes it is the owner, and
what the journal has behind the checkpoint is held and released again when it is read, so a flush that is
repeated, or ahead of the checkpoint, does no harm.
"""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from history.checkpoints import Aside
from wire.normalise import Held

TOGETHER = 200  # read or written in one call


class HeldStore:
    """One user's. RedisError when Redis is out of reach."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self._redis = redis
        self._name = f"held:{user_id}"
        self._kept: set[str] = set()

    async def read(self) -> dict[str, Aside]:
        """Everything that was held at the last flush, oldest first."""
        found: dict[str, Aside] = {}
        async for key, value in self._redis.hscan_iter(self._name, count=TOGETHER):
            facts = orjson.loads(value)
            held = Held.of_json(orjson.dumps(facts["held"]))
            found[key.decode()] = Aside(facts["creator_id"], facts["received_at"], held)
        self._kept = set(found)
        return dict(sorted(found.items(), key=lambda each: each[1].received_at))

    async def flush(self, held: Mapping[str, Aside]) -> None:
        """Have Redis hold what is held now."""
        new = [key for key in held if key not in self._kept]
        for start in range(0, len(new), TOGETHER):
            part = new[start : start + TOGETHER]
            await cast(Any, self._redis.hset(self._name, mapping={key: _to_json(held[key]) for key in part}))
            self._kept.update(part)
        gone = [key for key in self._kept if key not in held]
        for start in range(0, len(gone), TOGETHER):
            part = gone[start : start + TOGETHER]
            await cast(Any, self._redis.hdel(self._name, *part))
            self._kept.difference_update(part)


def _to_json(aside: Aside) -> bytes:
    held = orjson.Fragment(aside.held.to_json())
    return orjson.dumps({"creator_id": aside.creator_id, "received_at": aside.received_at, "held": held})
