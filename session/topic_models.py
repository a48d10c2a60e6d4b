"""The topic models of accounts in Redis: a hash `topics:{account}` of the last two.

They are encrypted where the user's keys encrypt.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, cast

from redis.asyncio import Redis

from chats.account import Account
from encryption.envelope import Place
from encryption.keyring import Keyring
from enrich.topics.store import header, sound, unpack
from errors import EnrichmentError, Undecryptable

_MOST: Final = 8  # models that are held, those that were asked for last
# One key an account, so that the fits of two users who hold one creator never meet.
# What stands there in another form than a hash is of an earlier schema and counts as nothing.
_LATEST = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
if redis.call('HGET', KEYS[1], 'version') == ARGV[1] then return {ARGV[1]} end
return redis.call('HMGET', KEYS[1], 'version', 'next_topic', 'artefact', 'before')
"""
_STORE = """
local is_hash = redis.call('TYPE', KEYS[1]).ok == 'hash'
if not is_hash then redis.call('DEL', KEYS[1]) end
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
local before = redis.call('HGET', KEYS[1], 'artefact')
if ARGV[5] == '' then redis.call('HDEL', KEYS[1], 'before')
elseif before then redis.call('HSET', KEYS[1], 'before', before) end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'next_topic', ARGV[3], 'artefact', ARGV[4])
return 1
"""
_DIVIDE = """
for i = 2, #KEYS do redis.call('COPY', KEYS[1], KEYS[i]) end
redis.call('DEL', KEYS[1])
"""


class TopicModels:
    """See `enrich.topics.store.TopicStore`. `redis` answers bytes. RedisError when it is out of reach.

    With the `keys` of a user it is for accounts of that user alone. A model that was read is read again when
    there is another version of it: one is needed for each message, and may take a quarter of a megabyte.
    """

    def __init__(self, redis: Redis, keys: Keyring | None = None) -> None:
        self._redis = redis
        self._keys = keys or Keyring("")
        self._read: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()  # version, artefact; by account

    async def latest(self, account: Account) -> bytes | None:
        """The account's latest artefact that is whole, None when there is none. KeyUnavailable."""
        run = self._redis.register_script(_LATEST)
        known, read = self._read.pop(account.key, (b"", b""))
        fields = cast(list[bytes | None], await run(keys=[_key(account)], args=[known]))
        if not fields:
            return None
        if len(fields) > 1:
            version, next_topic, artefact, before = fields
            artefact, before = self._decrypted(account, artefact), self._decrypted(account, before)
            known = version or b"0"
            read = sound(account, int(known), int(next_topic or 0), artefact, before)
        self._read[account.key] = known, read
        if len(self._read) > _MOST:
            self._read.popitem(last=False)
        return read

    async def store(self, account: Account, artefact: bytes, *, after: int) -> bool:
        """Store the artefact unless the latest version is another than `after` (0: there is none).

        False: somebody else was first, and nothing was stored. The latest becomes the one before.
        EnrichmentError when the artefact is damaged or no later version than `after`.
        """
        return await self._store(account, artefact, after, keep="before")

    async def replace(self, account: Account, artefact: bytes, *, after: int) -> bool:
        """The same, and no earlier version is kept."""
        return await self._store(account, artefact, after, keep="")

    async def drop(self, account: Account) -> None:
        """Keep nothing of the account."""
        await self._redis.delete(_key(account))
        self._read.pop(account.key, None)

    async def _store(self, account: Account, artefact: bytes, after: int, *, keep: str) -> bool:
        version, (found, _) = header(artefact).version, unpack(artefact)
        if version <= after:
            raise EnrichmentError(
                f"A topic model of version {version} cannot follow version {after}: refit it."
            )
        run = self._redis.register_script(_STORE)
        stored = self._keys.encrypt(account.creator_id, _place(account), artefact)
        args = [after, version, found["next_topic"], stored, keep]
        is_stored = bool(await run(keys=[_key(account)], args=args))
        self._read.pop(account.key, None)
        return is_stored

    def _decrypted(self, account: Account, artefact: bytes | None) -> bytes | None:
        """None as well for one that was changed, which is as good as lost."""
        try:
            return artefact and self._keys.decrypt(account.creator_id, _place(account), artefact)
        except Undecryptable:
            return None

    async def divide(self, creator_id: str, accounts: Iterable[Account]) -> None:
        """Give each of these accounts a copy of what was kept by creator before there were accounts.

        Whoever has a model already keeps it; nobody comes to the creator's one afterwards.
        """
        keys = [f"topics:{creator_id}", *map(_key, accounts)]
        await self._redis.register_script(_DIVIDE)(keys=keys, args=[])


def _place(account: Account) -> Place:
    return "topic model", account.key


def _key(account: Account) -> str:
    return f"topics:{account.key}"
