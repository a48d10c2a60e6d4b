"""A stretch of a chat as a few compressed bytes: how it rests in memory and in checkpoints. Pure.

What is in the bytes has names: a field that is added is read from older bytes by its default, and one that a
newer release added is passed over. The columns of all messages lie one after another, which compresses ten to
one. What is asked of many chats at once lies in bytes of its own, which are read alone: how much is known of
each message, and what was understood of each conversation as a whole.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import structs

from chats.enriched import EnrichedConversation, MessageEnrichment
from chats.message import Message, Version
from enrich.reading import Reading
from history.columns import Columns

_FAST = 1  # zlib's level: half the size of the best costs a fifth of the time
_MESSAGES = Columns(Message, beside=("creator_id", "chat_id"))
_VERSIONS = Columns(Version)


class _Versions(msgspec.Struct):
    """What `Block.versions` holds: of every message its id and, in the same order, its version."""

    ids: list[str]
    versions: msgspec.Raw  # columns


class _Body(msgspec.Struct):
    """What `Block.body` holds."""

    messages: msgspec.Raw  # columns
    read: Mapping[str, Mapping[str, MessageEnrichment]]  # by conversation and message
    readings: Mapping[str, Reading]  # by message id


_DECODE_VERSIONS = msgspec.msgpack.Decoder(_Versions)
_DECODE_BODY = msgspec.msgpack.Decoder(_Body)
_DECODE_NODES = msgspec.msgpack.Decoder(list[EnrichedConversation])


@dataclass(frozen=True, slots=True)
class Opened:
    """What a block holds: messages and enriched conversations by id, and what else was read in messages."""

    messages: dict[str, Message]
    nodes: dict[str, EnrichedConversation]
    kept: dict[str, Reading]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch at rest."""

    versions: bytes
    nodes: bytes
    body: bytes
    until: float  # the latest start of an enriched conversation, or time of an outcome; epoch seconds

    @classmethod
    def of(
        cls,
        messages: Iterable[Message],
        nodes: Iterable[EnrichedConversation],
        kept: Mapping[str, Reading],
    ) -> "Block":
        said, own = list(messages), list(nodes)
        versions = msgspec.Raw(_VERSIONS.encode([each.version for each in said]))
        read = {node.id: node.messages for node in own}
        return cls(
            compressed(_Versions([each.id for each in said], versions)),
            compressed([structs.replace(node, messages={}) for node in own]),
            compressed(_Body(msgspec.Raw(_MESSAGES.encode(said)), read, kept)),
            max(
                (at for node in own for at in (node.figures.start, *(o.at for o in node.outcomes))),
                default=0.0,
            ),
        )

    def known(self) -> dict[str, Version]:
        """What is known of every message, by id, deleted ones among them."""
        found = _DECODE_VERSIONS.decode(zlib.decompress(self.versions))
        return dict(zip(found.ids, _VERSIONS.decode(found.versions), strict=True))

    def conversations(self) -> list[EnrichedConversation]:
        """What was understood, without that of each message."""
        return _DECODE_NODES.decode(zlib.decompress(self.nodes))

    def open(self, creator_id: str, chat_id: str) -> Opened:
        body = _DECODE_BODY.decode(zlib.decompress(self.body))
        said = _MESSAGES.decode(body.messages, creator_id=creator_id, chat_id=chat_id)
        nodes = (structs.replace(each, messages=body.read[each.id]) for each in self.conversations())
        return Opened(
            {message.id: message for message in said},
            {node.id: node for node in nodes},
            dict(body.readings),
        )


def compressed(value: Any) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), _FAST)
