"""A chat as a few compressed bytes: how chats rest in memory and in checkpoints. Pure.

The columns of all messages lie one after another, which compresses ten to one. What is asked of every chat at
every turn (the fan's state, how many messages there are) is kept beside the bytes and needs no unpacking.
"""

import sys
import zlib
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields, replace
from typing import Any

import msgpack
import orjson

from chats.chat import Chat
from chats.fan import FanState
from chats.message import Message, Version
from enrich.reading import Reading
from history.chat import CachedChat
from wire.normalise import Held, normalise_chat, normalise_message
from wire.payloads import ExtendedConversationNode

_FAST = 1  # zlib's level: half the size of the best costs a fifth of the time
_MESSAGE = [each.name for each in fields(Message) if each.name not in ("creator_id", "chat_id")]
# What the columns were before they had names, and a chat's and a fan's facts.
_FIRST_COLUMNS = (
    *("id", "fan_id", "direction", "at", "text", "price", "is_opened", "tip", "media"),
    *("is_mass", "changed_at", "is_deleted", "raw"),
)
_FIRST_CHAT = (
    *("id", "creator_id", "fan_id", "unread", "seen_at", "subscribed_at"),
    *("expires_at", "is_expired", "renewals", "with_user"),
)
_FIRST_FAN = (
    *("fan_id", "creator_id", "chat_id", "user_id", "join_date", "spend", "unread", "waiting_since"),
    *("recent_sentiment", "sentiment_profile", "last_message_at"),
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A chat at rest."""

    fan: FanState
    messages: int  # that exist
    conversations: int
    complete: bool  # every conversation has its enriched node
    failed: bool  # a strategy failed on some message
    ids: bytes
    body: bytes

    def versions(self) -> dict[str, Version]:
        """What is known of every message, by id, deleted ones among them."""
        ids, versions = msgpack.unpackb(zlib.decompress(self.ids))
        if isinstance(versions, dict):  # as it was once: by id, of those that were changed
            return {id: Version(versions.get(id, 0.0)) for id in ids}
        return dict(zip(ids, map(_version, versions), strict=True))

    def to_list(self) -> list[Any]:
        """As values that msgpack takes; `from_list` reads them."""
        return [asdict(self.fan), *(getattr(self, each.name) for each in fields(self)[1:])]

    @classmethod
    def from_list(cls, values: list[Any]) -> "Packed":
        fan, *others = values
        if isinstance(fan, list):
            fan = dict(zip(_FIRST_FAN, fan, strict=True))
            del fan["user_id"]  # whose it is is known by the folder
        return cls(FanState(**fan), *others)


def pack(cached: CachedChat) -> Packed:
    """The chat as bytes. It may be changed afterwards; the bytes stay what they are."""
    messages = cached.messages.values()
    versions = [astuple(message.version) for message in messages]
    columns = {name: [getattr(m, name) for m in messages] for name in _MESSAGE}
    nodes = [node.model_dump_json() for node in cached.nodes.values()]
    readings = {id: [each.sentiment, dict(each.actions)] for id, each in cached.kept.items()}
    return Packed(
        fan=cached.fan_state(),
        messages=sum(len(each.messages) for each in cached.conversations),
        conversations=len(cached.conversations),
        complete=not cached.pending(),
        failed=bool(cached.failed()),
        ids=_compressed([list(cached.messages), versions]),
        body=_compressed([asdict(cached.chat), columns, nodes, readings]),
    )


def unpack(packed: Packed, *, gap: float, silence: float) -> CachedChat:
    """The chat that was packed. `gap` and `silence` (seconds) are those it was cut with."""
    facts, columns, nodes, *rest = msgpack.unpackb(zlib.decompress(packed.body))
    if isinstance(facts, list):
        return _first(facts, columns, gap=gap, silence=silence)
    chat = Chat(**{**facts, "renewals": tuple((at, amount) for at, amount in facts["renewals"])})
    cached = CachedChat(chat)
    names = list(columns)
    for row in zip(*(_shared(column) for column in columns.values()), strict=True):
        said = dict(zip(names, row, strict=True))
        said["media"], said["older"] = tuple(said["media"]), _older(said["older"])
        cached.messages[said["id"]] = Message(creator_id=chat.creator_id, chat_id=chat.id, **said)
    for node in map(ExtendedConversationNode.model_validate_json, nodes):
        cached.nodes[node.conversationId] = node
    [readings] = rest
    cached.kept = {id: Reading(*each) for id, each in readings.items()}
    cached.cut(gap=gap, silence=silence)
    return cached


def _first(facts: list[Any], columns: list[list[Any]], *, gap: float, silence: float) -> CachedChat:
    """A chat as it was packed once, read anew from what was received: it was read by other rules then.

    What was understood of it is left: it was of other conversations.
    """
    known = dict(zip(_FIRST_CHAT, facts, strict=True))
    seen_at, creator_id = known["seen_at"], known["creator_id"]
    told = {"id": known["id"], "withUser": orjson.loads(known["with_user"] or b"{}")}
    chat = normalise_chat(told, creator_id=creator_id, received_at=seen_at)
    assert isinstance(chat, Chat), "it has an id"
    renewals = tuple((at, amount) for at, amount in known["renewals"])
    cached = CachedChat(
        replace(
            chat,
            fan_id=known["fan_id"],
            unread=known["unread"],
            seen_at=seen_at,
            counted_at=seen_at,
            renewals=renewals,
            is_named=chat.is_named or known["fan_id"] != chat.id,
        )
    )
    for row in zip(*columns, strict=True):
        said = dict(zip(_FIRST_COLUMNS, row, strict=True))
        read = normalise_message(
            orjson.loads(said["raw"]),
            creator_id=creator_id,
            received_at=said["at"],
            max_text=sys.maxsize,
            chat_id=chat.id,
        )
        if isinstance(read, Held):  # a time that is not read any more: it keeps its place
            said["media"] = tuple(said["media"])
            read = Message(creator_id=creator_id, chat_id=chat.id, **said)
        own = replace(read, fan_id=known["fan_id"], chat_id=chat.id, is_deleted=said["is_deleted"])
        cached.messages[read.id] = own
    cached.cut(gap=gap, silence=silence)
    return cached


def _version(values: list[Any]) -> Version:
    changed_at, older, *facts = values
    return Version(changed_at, _older(older), *facts)


def _older(values: list[Any]) -> tuple[tuple[str, float], ...]:
    return tuple((name, version) for name, version in values)


def _shared(column: list[Any]) -> Iterable[Any]:
    """Equal neighbours as one object: most columns hold the same value all along."""
    before: Any = None
    for value in column:
        if value != before or type(value) is not type(before):
            before = value
        yield before


def _compressed(value: Any) -> bytes:
    return zlib.compress(msgpack.packb(value), _FAST)
