"""A chat as a few compressed bytes: how chats rest in memory and in checkpoints. Pure.

The columns of all messages lie one after another, which compresses ten to one. What is asked of every chat at
every turn (the fan's state, how many messages there are) is kept beside the bytes and needs no unpacking.
"""

import zlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import msgpack

from actors.cached_chat import CachedChat
from chats.chat import Chat
from chats.fan import FanState
from chats.message import Message
from enrich.reading import Reading
from wire.payloads import ExtendedConversationNode

_FAST = 1  # zlib's level: half the size of the best costs a fifth of the time
_MESSAGE = [each.name for each in fields(Message) if each.name not in ("creator_id", "chat_id")]


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

    def versions(self) -> dict[str, float]:
        """Every message id with its `changed_at` (0.0: never changed), deleted ones among them."""
        ids, changed = msgpack.unpackb(zlib.decompress(self.ids))
        return {id: changed.get(id, 0.0) for id in ids}

    def to_list(self) -> list[Any]:
        """As values that msgpack takes; `from_list` reads them."""
        return [list(astuple(self.fan)), *(getattr(self, each.name) for each in fields(self)[1:])]

    @classmethod
    def from_list(cls, values: list[Any]) -> "Packed":
        fan, *others = values
        return cls(FanState(*fan), *others)


def pack(cached: CachedChat, user_id: str) -> Packed:
    """The chat as bytes. It may be changed afterwards; the bytes stay what they are."""
    messages = cached.messages.values()
    changed = {m.id: m.changed_at for m in messages if m.changed_at}
    columns = [[getattr(m, name) for m in messages] for name in _MESSAGE]
    nodes = [node.model_dump_json() for node in cached.nodes.values()]
    readings = {id: [each.sentiment, dict(each.actions)] for id, each in cached.kept.items()}
    return Packed(
        fan=cached.fan_state(user_id),
        messages=sum(len(each.messages) for each in cached.conversations),
        conversations=len(cached.conversations),
        complete=not cached.pending(),
        failed=bool(cached.failed()),
        ids=_compressed([list(cached.messages), changed]),
        body=_compressed([list(astuple(cached.chat)), columns, nodes, readings]),
    )


def unpack(packed: Packed, *, gap: float, silence: float) -> CachedChat:
    """The chat that was packed. `gap` and `silence` (seconds) are those it was cut with."""
    facts, columns, nodes, *rest = msgpack.unpackb(zlib.decompress(packed.body))
    chat = _chat(facts)
    cached = CachedChat(chat)
    for row in zip(*(_shared(column) for column in columns), strict=True):
        said = dict(zip(_MESSAGE, row, strict=True))
        said["media"] = tuple(said["media"])
        cached.messages[said["id"]] = Message(creator_id=chat.creator_id, chat_id=chat.id, **said)
    for node in map(ExtendedConversationNode.model_validate_json, nodes):
        cached.nodes[node.conversationId] = node
    for readings in rest:  # the first checkpoints had none
        cached.kept = {id: Reading(*each) for id, each in readings.items()}
    cached.cut(gap=gap, silence=silence)
    return cached


def _chat(facts: list[Any]) -> Chat:
    chat = Chat(*facts)
    return replace(chat, renewals=tuple((at, amount) for at, amount in chat.renewals))


def _shared(column: list[Any]) -> Iterable[Any]:
    """Equal neighbours as one object: most columns hold the same value all along."""
    before: Any = None
    for value in column:
        if value != before or type(value) is not type(before):
            before = value
        yield before


def _compressed(value: Any) -> bytes:
    return zlib.compress(msgpack.packb(value), _FAST)
