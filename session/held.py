"""Keeps in Redis what could not be placed or read, so that a checkpoint does not grow with it.

Key `held:{user}`: a hash of JSON by the key that something is held under, each with its place in the order in
which it was set aside. Only the owner writes it. A flush may be repeated or be ahead of the checkpoint: what
the journal has behind the checkpoint is held and released again when it is read. Values are encrypted where
the user's keys encrypt, each for its key in the hash.
"""

import itertools
from collections.abc import Mapping
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from encryption.envelope import Place, is_encrypted
from encryption.keyring import Keyring
from errors import KeyDestroyed
from history.checkpoints import Aside
from wire.normalise import Held

TOGETHER = 200  # read or written in one call


class HeldStore:
    """One user's. RedisError when Redis is out of reach. The `keys` are loaded before anything is read."""

    def __init__(self, redis: Redis, user_id: str, keys: Keyring | None = None) -> None:
        self._redis = redis
        self._name = f"held:{user_id}"
        self._keys = keys or Keyring(user_id)
        self._kept: dict[str, Aside | None] = {}  # None: it is not there as it is held now
        self._places = itertools.count(1)

    async def read(self) -> dict[str, Aside]:
        """Everything that was held at the last flush, oldest first. KeyUnavailable, Undecryptable."""
        found: list[tuple[int, float, str, Aside]] = []
        kept: dict[str, Aside | None] = {}
        async for name, value in self._redis.hscan_iter(self._name, count=TOGETHER):
            key = name.decode()
            try:
                facts = orjson.loads(self._decrypted(key, value))
            except KeyDestroyed:
                kept[key] = None
                continue
            held = Held.of_json(orjson.dumps(facts["held"]))
            aside = Aside(facts["creator_id"], facts["received_at"], held)
            # An earlier version has kept no place: what it set aside is older than what has one.
            found.append((facts.get("place", 0), aside.received_at, key, aside))
            kept[key] = aside if is_encrypted(value) == self._keys.encrypts else None
        found.sort(key=lambda each: each[:3])
        self._kept = kept
        self._places = itertools.count(found[-1][0] + 1 if found else 1)
        return {key: aside for _, _, key, aside in found}

    async def flush(self, held: Mapping[str, Aside]) -> None:
        """Have Redis hold what is held now, in that order."""
        # What was let go and set aside again since has another place.
        new = [key for key, aside in held.items() if self._kept.get(key) is not aside]
        await self._keys.prepare({held[key].creator_id for key in new})
        for start in range(0, len(new), TOGETHER):
            part = new[start : start + TOGETHER]
            mapping: Any = {key: self._encrypted(key, held[key], next(self._places)) for key in part}
            await cast(Any, self._redis.hset(self._name, mapping=mapping))
            self._kept.update((key, held[key]) for key in part)
        gone = [key for key in self._kept if key not in held]
        for start in range(0, len(gone), TOGETHER):
            part = gone[start : start + TOGETHER]
            await cast(Any, self._redis.hdel(self._name, *part))
            for key in part:
                del self._kept[key]

    def _encrypted(self, key: str, aside: Aside, place: int) -> bytes:
        return self._keys.encrypt(aside.creator_id, _place(key), _to_json(aside, place))

    def _decrypted(self, key: str, value: bytes) -> bytes:
        if not is_encrypted(value):
            return value
        return self._keys.decrypt(self._keys.creator_of(value), _place(key), value)


def _place(key: str) -> Place:
    return "held input", key


def _to_json(aside: Aside, place: int) -> bytes:
    held = orjson.Fragment(aside.held.to_json())
    facts = {"creator_id": aside.creator_id, "received_at": aside.received_at, "held": held, "place": place}
    return orjson.dumps(facts)
