"""A chat as a few compressed bytes: how chats rest in memory and in checkpoints. Pure.

What is in the bytes has names: a field that is added is read from older bytes by its default, and one that a
newer release added is passed over. The columns of all messages lie one after another, which compresses ten to
one. What is asked of every chat at every turn (the fan's state, how many messages there are) is kept beside
the bytes and needs no unpacking.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from chats.chat import Chat
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from chats.message import Message, Version
from enrich.reading import Reading
from history.chat import CachedChat
from history.columns import Columns

_FAST = 1  # zlib's level: half the size of the best costs a fifth of the time
_MESSAGES = Columns(Message, beside=("creator_id", "chat_id"))
_VERSIONS = Columns(Version)


class _Ids(msgspec.Struct):
    """What `Packed.ids` holds: of every message its id and, in the same order, its version."""

    ids: list[str]
    versions: msgspec.Raw  # columns


class _Body(msgspec.Struct):
    """What `Packed.body` holds."""

    chat: Chat
    messages: msgspec.Raw  # columns
    conversations: list[EnrichedConversation]
    readings: Mapping[str, Reading]  # by message id


_IDS = msgspec.msgpack.Decoder(_Ids)
_BODY = msgspec.msgpack.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Packed:
    """A chat at rest."""

    fan: FanState
    messages: int  # that exist
    conversations: int
    complete: bool  # every conversation is enriched
    failed: bool  # a strategy failed on some message
    ids: bytes
    body: bytes

    def versions(self) -> dict[str, Version]:
        """What is known of every message, by id, deleted ones among them."""
        found = _IDS.decode(zlib.decompress(self.ids))
        return dict(zip(found.ids, _VERSIONS.decode(found.versions), strict=True))


def pack(cached: CachedChat) -> Packed:
    """The chat as bytes. It may be changed afterwards; the bytes stay what they are."""
    return Packed(
        fan=cached.fan_state(),
        messages=sum(len(each.messages) for each in cached.conversations),
        conversations=len(cached.conversations),
        complete=not cached.pending(),
        failed=bool(cached.failed()),
        ids=packed_ids({id: each.version for id, each in cached.messages.items()}),
        body=packed_body(cached.chat, cached.messages.values(), cached.nodes.values(), cached.kept),
    )


def packed_ids(versions: Mapping[str, Version]) -> bytes:
    return _compressed(_Ids(list(versions), msgspec.Raw(_VERSIONS.encode(list(versions.values())))))


def packed_body(
    chat: Chat,
    messages: Iterable[Message],
    conversations: Iterable[EnrichedConversation],
    readings: Mapping[str, Reading],
) -> bytes:
    columns = _MESSAGES.encode(list(messages))
    return _compressed(_Body(chat, msgspec.Raw(columns), list(conversations), readings))


def unpack(packed: Packed, *, gap: float, silence: float) -> CachedChat:
    """The chat that was packed. `gap` and `silence` (seconds) are those it was cut with."""
    body = _BODY.decode(zlib.decompress(packed.body))
    chat = body.chat
    cached = CachedChat(chat, kept=dict(body.readings))
    for message in _MESSAGES.decode(body.messages, creator_id=chat.creator_id, chat_id=chat.id):
        cached.messages[message.id] = message
    cached.nodes.update((each.id, each) for each in body.conversations)
    cached.cut(gap=gap, silence=silence)
    return cached


def _compressed(value: msgspec.Struct) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), _FAST)
