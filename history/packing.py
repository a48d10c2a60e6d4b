"""A chat at rest: blocks of bytes, and beside them what is asked without opening them. Pure."""

import zlib
from dataclasses import dataclass

import msgspec

from chats.chat import Chat
from chats.fan import FanState
from chats.message import Version
from history.block import Block, compressed
from history.chat import CachedChat
from history.corrected import NONE, Corrections
from history.stretch import Cutter, Head, Stretch
from history.totals import Totals
from steps import Steps


class _Heads(msgspec.Struct):
    """What `Packed.heads` holds: one for each block, and the totals of all blocks but the last."""

    heads: list[Head]
    before_last: Totals | None = None


_CHAT = msgspec.msgpack.Decoder(Chat)
_HEADS = msgspec.msgpack.Decoder(_Heads)


@dataclass(frozen=True, slots=True)
class Packed:
    """A chat at rest."""

    fan: FanState
    messages: int  # that exist
    conversations: int
    complete: bool  # every conversation is enriched
    failed: bool  # a strategy failed on some message
    facts: bytes  # the `Chat`
    heads: bytes
    blocks: tuple[Block, ...]  # oldest first

    def chat(self) -> Chat:
        return _CHAT.decode(zlib.decompress(self.facts))

    def versions(self) -> dict[str, Version]:
        """What is known of every message, by id, deleted ones among them."""
        return {id: version for block in self.blocks for id, version in block.known().items()}


def packing(cached: CachedChat) -> Steps[Packed]:
    """As `pack`, stretch by stretch."""
    for each in tuple(cached.stretches):
        each.block()
        each.head(is_last=False)
        yield
    return pack(cached)


def pack(cached: CachedChat) -> Packed:
    """The chat as bytes. It may be changed afterwards; the bytes stay what they are."""
    totals = cached.totals
    last = cached.stretches[-1]
    heads = [each.head(is_last=each is last) for each in cached.stretches]
    return Packed(
        fan=cached.fan_state(),
        messages=totals.messages,
        conversations=totals.conversations,
        complete=not totals.pending,
        failed=bool(totals.failed),
        facts=packed_facts(cached.chat),
        heads=compressed(_Heads(heads, cached.before_last)),
        blocks=tuple(each.block() for each in cached.stretches),
    )


def packed_facts(chat: Chat) -> bytes:
    return compressed(chat)


def unpack(packed: Packed, *, gap: float, silence: float, corrections: Corrections = NONE) -> CachedChat:
    """The chat that was packed. `gap` and `silence` (seconds) are those it was cut with."""
    chat = packed.chat()
    found = _HEADS.decode(zlib.decompress(packed.heads))
    cutter = Cutter(chat.creator_id, chat.id, gap, silence, corrections)
    pairs = zip(found.heads, packed.blocks, strict=True)
    return CachedChat(
        chat,
        gap=gap,
        silence=silence,
        stretches=(Stretch.at_rest(cutter, *each) for each in pairs),
        before_last=found.before_last,
        corrections=corrections,
    )
