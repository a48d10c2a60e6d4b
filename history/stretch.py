"""A stretch of a chat: whole conversations that are neighbours, opened or at rest. Pure.

A stretch is cut, and its outcomes are found, from its own messages and a few facts of what lies beside it. It
ends where nothing behind it can join what is before: see `parts`. All but a chat's first begin with a
conversation of direct messages, so a message's time says in which one it is.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import chain
from zlib import crc32

import msgspec

from chats.conversation import ECHO_SECONDS, WHOLE, Beside, Conversation, cut, is_captured
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.outcomes import SAME_TIP_SECONDS, Around, Context, Told, contexts_within, told_by
from enrich.reading import Reading
from history.block import Block
from history.totals import Totals

FEW, MANY = 64, 128  # messages: the newest stretch of more than MANY is parted, so that FEW or more stay
BLOCK = 512  # messages or more that the others have, up to twice as many
# Messages that may be one, or tell of one thing, are no further apart.
_NEAR = max(ECHO_SECONDS, SAME_TIP_SECONDS) + 1.0


class Facts(msgspec.Struct, frozen=True):
    """What a stretch's messages say of where it ends, and to what is beside it. Times are epoch seconds."""

    messages: int = 0  # all that are known, deleted ones among them
    first: float | None = None  # of what is not deleted
    last: float | None = None
    start: float | None = None  # of the first direct message
    loose: tuple[float, float] | None = None  # the first and last that may be one with another
    answered_at: float | None = None  # the creator's first direct message
    trailing: int = 0  # the fan's direct messages behind the creator's last one
    told: Told = Told(start=0.0, end=None, said=None, acted_at=None, renewals=())


@dataclass(frozen=True, slots=True)
class Cutter:
    """How a chat is cut. `gap` and `silence` are seconds."""

    creator_id: str
    chat_id: str
    gap: float
    silence: float

    def cut(self, messages: Iterable[Message], beside: Beside) -> list[Conversation]:
        return cut(messages, gap=self.gap, silence=self.silence, beside=beside)


@dataclass(slots=True)
class Content:
    """A stretch opened: messages by id, conversations (oldest first), and what belongs to them by id."""

    messages: dict[str, Message]
    nodes: dict[str, EnrichedConversation]
    kept: dict[str, Reading]  # of messages whose node went since
    conversations: list[Conversation]
    contexts: dict[str, Context]


class Head(msgspec.Struct, frozen=True):
    """What is known of a stretch at rest without opening it."""

    facts: Facts
    beside: Beside
    around: Around
    totals: msgspec.Raw  # a `Totals`: most are not looked at
    ids: bytes  # sorted digests of the messages' ids, 4 bytes each; none: not kept


class Stretch:
    """One stretch. Whoever changes its content calls `changed`, or `recut` when its messages are others."""

    __slots__ = (
        "_block",
        "_content",
        "_cutter",
        "_ids",
        "_totals",
        "_totals_at_rest",
        "around",
        "beside",
        "facts",
    )

    def __init__(self, cutter: Cutter, messages: Iterable[Message] = ()) -> None:
        self._cutter = cutter
        self._content: Content | None = Content({m.id: m for m in messages}, {}, {}, [], {})
        self._block: Block | None = None
        self._totals: Totals | None = None
        self._totals_at_rest: msgspec.Raw | None = None
        self._ids: array[int] | None = None  # sorted digests
        self.facts = Facts()
        self.beside = WHOLE
        self.around = Around()

    @classmethod
    def at_rest(cls, cutter: Cutter, head: Head, block: Block) -> "Stretch":
        self = cls(cutter)
        self._content, self._block = None, block
        self._totals_at_rest, self._ids = head.totals, array("I", head.ids)
        self.facts, self.beside, self.around = head.facts, head.beside, head.around
        return self

    def copy(self) -> "Stretch":
        """The stretch as it is: what is changed here afterwards does not reach it."""
        found = copy(self)
        if (own := self._content) is not None:
            found._content = Content(
                dict(own.messages), dict(own.nodes), dict(own.kept), own.conversations, own.contexts
            )
        return found

    @property
    def is_open(self) -> bool:
        return self._content is not None

    @property
    def content(self) -> Content:
        if self._content is None:
            assert self._block is not None, "a stretch is opened, at rest, or both"
            found = self._block.open(self._cutter.creator_id, self._cutter.chat_id)
            conversations = self._cutter.cut(found.messages.values(), self.beside)
            contexts = contexts_within(conversations, self.around)
            self._content = Content(found.messages, found.nodes, found.kept, conversations, contexts)
        return self._content

    @property
    def totals(self) -> Totals:
        if self._totals is None:
            if self._totals_at_rest is not None:
                self._totals = msgspec.msgpack.decode(self._totals_at_rest, type=Totals)
            else:
                self._totals = Totals.of(self.content.conversations, self.content.nodes)
        return self._totals

    def has(self, message_id: str, digest: int) -> bool:
        """Whether it may have the message: certainly when it is open. `digest` is the id's."""
        if self._content is not None:
            return message_id in self._content.messages
        if not self._ids:
            return True
        place = bisect_left(self._ids, digest)
        return place < len(self._ids) and self._ids[place] == digest

    def changed(self) -> None:
        """Its nodes or readings are others now."""
        self._block = self._totals = self._totals_at_rest = None

    def recut(self, beside: Beside) -> None:
        """Cut it anew; its contexts are those of before until `place` is called."""
        content = self.content
        self.beside = beside
        content.conversations = self._cutter.cut(content.messages.values(), beside)
        self.facts = _facts(content)
        self._ids = None
        self.changed()

    def place(self, around: Around) -> None:
        """Find its contexts anew."""
        content = self.content
        self.around = around
        content.contexts = contexts_within(content.conversations, around)

    def ordered(self) -> Iterator[Message]:
        """Its messages that are shown, oldest first."""
        messages = chain.from_iterable(each.messages for each in self.content.conversations)
        return (message for message in messages if not message.is_notification)

    def nodes(self) -> Iterator[EnrichedConversation]:
        """Its enriched conversations, oldest first."""
        content = self.content
        return (content.nodes[each.id] for each in content.conversations if each.id in content.nodes)

    def block(self) -> Block:
        """Its content as bytes."""
        if self._block is None:
            content = self.content
            self._block = Block.of(content.messages.values(), self.nodes(), content.kept)
        return self._block

    def head(self, *, is_last: bool) -> Head:
        """What is kept beside its bytes. The last one of a chat is opened whenever a message comes."""
        if is_last:
            ids = b""
        elif self._ids:
            ids = self._ids.tobytes()
        else:
            ids = array("I", sorted(map(digest_of, self.content.messages))).tobytes()
        if self._totals_at_rest is None:
            self._totals_at_rest = msgspec.Raw(msgspec.msgpack.encode(self.totals))
        return Head(self.facts, self.beside, self.around, self._totals_at_rest, ids)


def is_boundary(before: Facts, behind: Facts, gap: float) -> bool:
    """Whether two neighbouring stretches are each what they would be in the whole chat."""
    if before.start is None or before.last is None or behind.start is None or behind.first is None:
        return False
    if not (behind.start - before.last > gap >= behind.start - behind.first):
        return False
    is_near_before = before.loose is not None and behind.first - before.loose[1] <= _NEAR
    is_near_behind = behind.loose is not None and behind.loose[0] - before.last <= _NEAR
    return not (is_near_before or is_near_behind)


def parts(content: Content, gap: float, least: int) -> list[list[Message]]:
    """The messages of a stretch as those of several, all but the last with `least` or more, or of one.

    A part begins with a conversation of direct messages: what can join that conversation is no further than
    `gap` before its start and comes with it. No part ends near a captured send, whose echo may follow, or
    near the notice of a tip, which may be of a message behind.
    """
    ordered = sorted(content.messages.values(), key=lambda each: each.order)
    there = [message for message in ordered if not message.is_deleted]
    times = [message.at for message in there]
    loose = [message.at for message in there if _is_loose(message)]
    begins: list[float] = []  # the time from which on messages are of each further part
    place = 0
    is_spoken = False  # whether the part has a conversation of direct messages
    for conversation in content.conversations:
        if conversation.stands_alone:
            continue
        is_first, is_spoken = not is_spoken, True
        start = conversation.figures.start
        if is_first:
            continue
        edge = bisect_left(times, True, lo=place, key=lambda at: start - at <= gap)
        if edge - place < least or edge >= len(times):
            continue
        last, first = times[edge - 1], times[edge]
        near = bisect_left(loose, first - _NEAR)
        if near < len(loose) and loose[near] <= last + _NEAR:
            continue
        begins.append(first)
        place = edge
    found: list[list[Message]] = [[] for _ in range(len(begins) + 1)]
    part = 0
    for message in ordered:
        while part < len(begins) and message.at >= begins[part]:
            part += 1
        found[part].append(message)
    return found


def in_blocks(parted: Iterable[list[Message]]) -> list[list[Message]]:
    """Neighbouring parts together, as many as make BLOCK messages."""
    found: list[list[Message]] = []
    for messages in parted:
        if found and len(found[-1]) < BLOCK:
            found[-1] += messages
        else:
            found.append(list(messages))
    return found


def _facts(content: Content) -> Facts:
    times = [message.at for message in content.messages.values() if not message.is_deleted]
    loose = [m.at for m in content.messages.values() if not m.is_deleted and _is_loose(m)]
    direct = (m for each in content.conversations for m in each.messages if m.is_direct)
    start: float | None = None
    answered_at: float | None = None
    trailing = 0
    for message in direct:
        start = message.at if start is None else start
        if message.direction == "fan":
            trailing += 1
        else:
            answered_at = message.at if answered_at is None else answered_at
            trailing = 0
    return Facts(
        messages=len(content.messages),
        first=min(times, default=None),
        last=max(times, default=None),
        start=start,
        loose=(min(loose), max(loose)) if loose else None,
        answered_at=answered_at,
        trailing=trailing,
        told=told_by(content.conversations),
    )


def _is_loose(message: Message) -> bool:
    """Whether it may be one with another message, or tell of one."""
    is_notice = message.is_notification and message.direction == "fan" and message.tip > 0
    return is_notice or (message.direction == "creator" and is_captured(message))


def digest_of(id: str) -> int:
    return crc32(id.encode("utf-8", "replace"))
