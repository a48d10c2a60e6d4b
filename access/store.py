"""Keys, people, grants and sessions, in Redis.

Keys: `access:keys`, `access:people` hashes by id and name; `access:grants:{principal}` a set of grants, and
`access:granted` the principals that have some; `access:session:{digest}` a session, which expires;
`access:sign-in:{digest}` a sign-in at the provider that has begun; `access:attempts:{what}` failed attempts.
`access:version` is raised with each change of what the first three have, and when a session ends.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from access.keys import Key
from access.people import Person
from access.principal import Grant
from errors import Unavailable

VERSION: Final = "access:version"
_KEYS, _PEOPLE, _GRANTED = "access:keys", "access:people", "access:granted"
_AWAY = "Redis is away, and with it who may do what; try again."

Model = TypeVar("Model", bound=BaseModel)

# Counts an attempt; the time runs from the first one.
_ATTEMPT = """
local attempts = redis.call('INCR', KEYS[1])
if attempts == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return attempts
"""
# Nothing is kept of a key that was revoked meanwhile.
_RENEW = """
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if not kept or cjson.decode(kept).digest ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class Session(BaseModel):
    """A person who has signed in. `grants` are those that the provider gave; null: those of the store count.

    `stamp` is that of a local person's password.
    """

    model_config = ConfigDict(frozen=True)

    principal: str
    name: str
    csrf_token: str
    expires_at: AwareDatetime
    stamp: str | None = None
    grants: tuple[Grant, ...] | None = None


class PendingSignIn(BaseModel):
    """A sign-in at the provider that has begun: what its answer is checked against."""

    model_config = ConfigDict(frozen=True)

    verifier: str
    nonce: str


class Store:
    """Every method raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._attempt = redis.register_script(_ATTEMPT)
        self._renew = redis.register_script(_RENEW)

    async def version(self) -> int:
        """Of all that decides who may do what."""
        return int(await _answer(self._redis.get(VERSION)) or 0)

    async def tell_changed(self) -> None:
        """Raise the version: what decides who may do what has changed elsewhere."""
        await _answer(self._redis.incr(VERSION))

    async def is_empty(self) -> bool:
        """Whether there is no key, no person and no grant."""
        return not await _answer(self._redis.exists(_KEYS, _PEOPLE, _GRANTED))

    async def key(self, id: str) -> Key | None:
        return _read(Key, await _answer(cast(Any, self._redis.hget(_KEYS, id))))

    async def keys(self) -> list[Key]:
        kept = await _answer(cast(Any, self._redis.hvals(_KEYS)))
        return sorted((Key.model_validate_json(each) for each in kept), key=lambda key: key.created_at)

    async def add_key(self, key: Key, grants: Iterable[Grant]) -> None:
        async with self._change() as change:
            change.hset(_KEYS, key.id, key.model_dump_json())
            _grant(change, key.principal, grants)

    async def renew_key(self, key: Key, renewed: Key) -> None:
        """Keep this of a key in place of what is kept, unless that is another by now."""
        args = [key.id, key.digest, renewed.model_dump_json()]
        await _answer(cast(Any, self._renew(keys=[_KEYS], args=args)))

    async def remove_key(self, key: Key) -> None:
        async with self._change() as change:
            change.hdel(_KEYS, key.id)
            _ungrant_all(change, key.principal)

    async def person(self, name: str) -> Person | None:
        return _read(Person, await _answer(cast(Any, self._redis.hget(_PEOPLE, name))))

    async def people(self) -> list[Person]:
        kept = await _answer(cast(Any, self._redis.hvals(_PEOPLE)))
        return sorted((Person.model_validate_json(each) for each in kept), key=lambda person: person.name)

    async def put_person(self, person: Person, grants: Iterable[Grant] = ()) -> None:
        """Add a person, or replace it."""
        async with self._change() as change:
            change.hset(_PEOPLE, person.name, person.model_dump_json())
            _grant(change, person.principal, grants)

    async def remove_person(self, person: Person) -> None:
        async with self._change() as change:
            change.hdel(_PEOPLE, person.name)
            _ungrant_all(change, person.principal)

    async def grants(self, principal: str) -> tuple[Grant, ...]:
        kept = await _answer(cast(Any, self._redis.smembers(_grants(principal))))
        return tuple(Grant.model_validate_json(each) for each in sorted(kept))

    async def all_grants(self) -> dict[str, tuple[Grant, ...]]:
        """Of every principal that has some."""
        principals = sorted(p.decode() for p in await _answer(cast(Any, self._redis.smembers(_GRANTED))))
        found = {principal: await self.grants(principal) for principal in principals}
        return {principal: grants for principal, grants in found.items() if grants}

    async def add_grant(self, principal: str, grant: Grant) -> None:
        async with self._change() as change:
            _grant(change, principal, [grant])

    async def remove_grant(self, principal: str, grant: Grant) -> None:
        async with self._change() as change:
            change.srem(_grants(principal), grant.model_dump_json())

    async def session(self, id: str) -> Session | None:
        return _read(Session, await _answer(self._redis.get(_named("session", id))))

    async def add_session(self, id: str, session: Session) -> None:
        expires = int(session.expires_at.timestamp())
        await _answer(self._redis.set(_named("session", id), session.model_dump_json(), exat=expires))

    async def remove_session(self, id: str) -> None:
        async with self._change() as change:
            change.delete(_named("session", id))

    async def add_sign_in(self, state: str, pending: PendingSignIn, seconds: int) -> None:
        await _answer(self._redis.set(_named("sign-in", state), pending.model_dump_json(), ex=seconds))

    async def take_sign_in(self, state: str) -> PendingSignIn | None:
        """What was kept under the state; it is gone then."""
        return _read(PendingSignIn, await _answer(self._redis.getdel(_named("sign-in", state))))

    async def count_attempt(self, what: str, seconds: int) -> int:
        """How many attempts there were of this since the first one, `seconds` ago at most."""
        return int(await _answer(cast(Any, self._attempt(keys=[_named("attempts", what)], args=[seconds]))))

    async def forget_attempts(self, what: str) -> None:
        await _answer(self._redis.delete(_named("attempts", what)))

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[Pipeline]:
        """What is put into it is done at once, and the version raised."""
        try:
            async with self._redis.pipeline(transaction=True) as change:
                yield change
                change.incr(VERSION)
                await change.execute()
        except RedisError as error:
            raise Unavailable(_AWAY) from error


async def _answer(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except RedisError as error:
        raise Unavailable(_AWAY) from error


def _read(model: type[Model], kept: bytes | None) -> Model | None:
    return None if kept is None else model.model_validate_json(kept)


def _grant(change: Pipeline, principal: str, grants: Iterable[Grant]) -> None:
    for grant in grants:
        change.sadd(_grants(principal), grant.model_dump_json())
        change.sadd(_GRANTED, principal)


def _ungrant_all(change: Pipeline, principal: str) -> None:
    change.delete(_grants(principal))
    change.srem(_GRANTED, principal)


def _grants(principal: str) -> str:
    return f"access:grants:{principal}"


def _named(kind: str, secret: str) -> str:
    """A key of what is found by something secret or long, which Redis is not told."""
    return f"access:{kind}:{hashlib.sha256(secret.encode()).hexdigest()}"
