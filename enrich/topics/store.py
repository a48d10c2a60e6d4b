"""An account's topic models as artefacts: their format, and the Redis hash that keeps the last two.

An artefact is a magic with the number of the schema, a checksum of what follows, the header's length (4
bytes), the header as JSON, and the arrays. Neither the arrays nor the libraries for them are needed to read
the header. A version is stored once: who fitted on an older one than the latest takes the latest instead.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson

from chats.account import Account
from enrich.topics.refit import Fitted
from errors import EnrichmentError

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

_MAGIC = b"topics\x00\x02"  # the last byte is the schema
_DIGEST = 16
_START = len(_MAGIC) + _DIGEST

# One key an account, so that the fits of two users who hold one creator never meet.
# What stands there in another form than a hash is of an earlier schema and counts as nothing.
_LATEST = """
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
return redis.call('HMGET', KEYS[1], 'version', 'next_topic', 'artefact', 'before')
"""
_STORE = """
local is_hash = redis.call('TYPE', KEYS[1]).ok == 'hash'
if not is_hash then redis.call('DEL', KEYS[1]) end
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
local before = redis.call('HGET', KEYS[1], 'artefact')
if before then redis.call('HSET', KEYS[1], 'before', before) end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'next_topic', ARGV[3], 'artefact', ARGV[4])
return 1
"""
_DIVIDE = """
for i = 2, #KEYS do redis.call('COPY', KEYS[1], KEYS[i]) end
redis.call('DEL', KEYS[1])
"""


def pack(header: Mapping[str, Any], body: bytes) -> bytes:
    """An artefact; the header has at least the fields of `Fitted`, `creator_id` and `next_topic`."""
    front = orjson.dumps(dict(header))
    content = len(front).to_bytes(4, "little") + front + body
    return _MAGIC + _checksum(content) + content


def unpack(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Header and body of an artefact; EnrichmentError when it is damaged or of another schema."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise unreadable("it is of an unknown schema")
    content = memoryview(data)[_START:]
    if data[len(_MAGIC) : _START] != _checksum(content):
        raise unreadable("its checksum does not match")
    end = 4 + int.from_bytes(content[:4], "little")
    header: dict[str, Any] = orjson.loads(content[4:end])
    return header, content[end:]


def header(data: bytes) -> Fitted:
    """What the artefact says of its fit; EnrichmentError when it is damaged or of another schema."""
    found, _ = unpack(data)
    return _fitted(found)


def unreadable(cause: str) -> EnrichmentError:
    return EnrichmentError(
        f"The stored topic model cannot be read: {cause}. Restore the account's key topics:* in Redis from a "
        "backup; or delete it with the graph: topics are found anew then, and their numbers begin again."
    )


async def latest(redis: "Redis", account: Account) -> bytes | None:
    """The account's latest artefact, None when there is none. `redis` answers bytes.

    In the place of a damaged one stands the one before it, or one without topics, under the damaged one's
    version and next number: so the next fit gives no number twice, and can be stored.
    """
    fields = cast(list[bytes | None], await redis.register_script(_LATEST)(keys=[_key(account)], args=[]))
    if not fields:
        return None
    version, next_topic, artefact, before = fields
    if artefact is not None and _is_whole(artefact):
        return artefact
    log.error("The latest topic model of %s is damaged; the one before it is served.", account.key)
    known = {"version": int(version or 0), "next_topic": int(next_topic or 0)}
    if before is not None and _is_whole(before):
        found, body = unpack(before)
        return pack({**found, **known}, bytes(body))
    log.error("So is the one before it: %s is served the taxonomy until the next fit.", account.key)
    return _lost(account.creator_id, known)


async def store(redis: "Redis", account: Account, artefact: bytes, *, after: int) -> bool:
    """Store the artefact unless the latest version is another than `after` (0: there is none).

    False: somebody else was first, and nothing was stored. The latest becomes the one before.
    EnrichmentError when the artefact is damaged or no later version than `after`.
    """
    found, _ = unpack(artefact)
    version = _fitted(found).version
    if version <= after:
        raise EnrichmentError(f"A topic model of version {version} cannot follow version {after}: refit it.")
    stored = await redis.register_script(_STORE)(
        keys=[_key(account)], args=[after, version, found["next_topic"], artefact]
    )
    return bool(stored)


async def divide(redis: "Redis", creator_id: str, accounts: Iterable[Account]) -> None:
    """Give each of these accounts a copy of what was kept by creator before there were accounts.

    Whoever has a model already keeps it; nobody comes to the creator's one afterwards.
    """
    keys = [f"topics:{creator_id}", *map(_key, accounts)]
    await redis.register_script(_DIVIDE)(keys=keys, args=[])


def _key(account: Account) -> str:
    return f"topics:{account.key}"


def _checksum(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def _is_whole(data: bytes) -> bool:
    try:
        unpack(data)
    except EnrichmentError:
        return False
    return True


def _fitted(found: Mapping[str, Any]) -> Fitted:
    return Fitted(**{name: found[name] for name in Fitted.__slots__})


def _lost(creator_id: str, known: Mapping[str, int]) -> bytes:
    """An artefact that only keeps the numbers going: it is of no taxonomy and no embedding."""
    return pack(
        {
            **known,
            "creator_id": creator_id,
            "messages": 0,
            "unplaced": None,
            "seeded": "lost",
            "embedding": "lost",
            "topics": [],
            "dimension": 1,
        },
        bytes(2 * 4),  # its two centres
    )
