"""An account's topic models as artefacts: their format, and who keeps them.

An artefact is a magic with the number of the schema, a checksum of what follows, the header's length (4
bytes), the header as JSON, and the arrays. Neither the arrays nor the libraries for them are needed to read
the header. A version is stored once: who fitted on an older one than the latest takes the latest instead.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from chats.account import Account
from enrich.topics.refit import Fitted
from errors import EnrichmentError

log = logging.getLogger(__name__)

_MAGIC = b"topics\x00\x02"  # the last byte is the schema
_DIGEST = 16
_START = len(_MAGIC) + _DIGEST


class TopicStore(Protocol):
    """Keeps the topic models of accounts, each version once."""

    async def latest(self, account: Account) -> bytes | None:
        """The account's latest artefact, None when there is none."""

    async def store(self, account: Account, artefact: bytes, *, after: int) -> bool:
        """Store the artefact unless the latest version is another than `after` (0: there is none).

        False: somebody else was first, and nothing was stored.
        """

    async def replace(self, account: Account, artefact: bytes, *, after: int) -> bool:
        """The same, and no earlier version is kept."""

    async def drop(self, account: Account) -> None:
        """Keep nothing of the account."""


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


def without_discovered(data: bytes) -> tuple[bytes, int] | None:
    """The next version of an artefact, of which nothing was made from any chat: the seeded topics alone.

    With it goes how many others there were. None: there is nothing else in it. Numbers go on.
    """
    found, body = unpack(data)
    seeded = [topic for topic in found["topics"] if topic["category"] is not None]
    row = 4 * found["dimension"]
    centre, own_centre = bytes(body[:row]), bytes(body[row : 2 * row])
    if len(seeded) == len(found["topics"]) and own_centre == centre:
        return None
    header = {**found, "topics": seeded, "version": found["version"] + 1, "messages": 0, "unplaced": None}
    centroids = bytes(body[2 * row : (2 + len(seeded)) * row])
    return pack(header, centre + centre + centroids), len(found["topics"]) - len(seeded)


def sound(
    account: Account, version: int, next_topic: int, artefact: bytes | None, before: bytes | None
) -> bytes:
    """The latest artefact that is whole, of an account's last two.

    In the place of a damaged one stands the one before it, or one without topics, under the damaged one's
    version and next number: so the next fit gives no number twice, and can be stored.
    """
    if artefact is not None and _is_whole(artefact):
        return artefact
    log.error("The latest topic model of %s is damaged; the one before it is served.", account.key)
    known = {"version": version, "next_topic": next_topic}
    if before is not None and _is_whole(before):
        found, body = unpack(before)
        return pack({**found, **known}, bytes(body))
    log.error("So is the one before it: %s is served the taxonomy until the next fit.", account.key)
    return _lost(account.creator_id, known)


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
