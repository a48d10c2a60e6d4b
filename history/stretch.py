"""A stretch of a chat: whole conversations that are neighbours, opened or at rest. Pure.

A stretch is cut, and its outcomes are found, from its own messages and a few facts of what lies beside it. It
ends where nothing behind it can join what is before, or where a long run is cut: see `parts`. All but a
chat's first either begin with a conversation of direct messages or are quiet: they hold only broadcasts and
notices that each stand alone. So a message's time says in which stretch it is.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, chain

import msgspec

from chats.conversation import (
    ECHO_SECONDS,
    WHOLE,
    Beside,
    Conversation,
    Pause,
    cut,
    digest_of,
    is_captured,
    outer_pauses,
    pause_of,
)
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.outcomes import SAME_TIP_SECONDS, Around, Context, Told, contexts_within, told_by
from enrich.reading import Reading
from history.block import Block
from history.corrected import NONE, Corrections
from history.totals import Totals

FEW, MANY = 64, 128  # messages: the newest stretch of more than MANY is parted, so that FEW or more stay
BLOCK = 512  # messages or more that the others have, up to twice as many


class Facts(msgspec.Struct, frozen=True):
    """What a stretch's messages say of where it ends, and to what is beside it. Times are epoch seconds."""

    messages: int = 0  # all that are known, deleted ones among them
    oldest: float = math.inf  # deleted ones among them
    first: float | None = None  # of what is not deleted
    last: float | None = None
    start: float | None = None  # of the first direct message
    is_quiet: bool = False  # broadcasts and notices that each stand alone, whatever lies beside them
    # Between these times another message may be one with one of these, or tell of the same.
    reach_from: float = math.inf
    reach_to: float = -math.inf
    answered_at: float | None = None  # the creator's first direct message
    trailing: int = 0  # the fan's direct messages behind the creator's last one
    told: Told = Told(start=0.0, end=None, said=None, acted_at=None, renewals=())
    answered_by: str | None = None  # who sent the creator's first direct message
    digest: int = 0  # of the id of the first direct message
    first_pauses: Pause | None = None  # the longest where it begins; None: no run is cut before it
    last_pauses: Pause | None = None  # where it ends, likewise

    def may_take(self, at: float, before: "Facts", gap: float) -> bool:
        """Whether a message of that time may be of this stretch, or else of those `before`."""
        if self.start is None:
            return self.is_quiet and self.first is not None and self.first <= at
        end = before.told.end
        return end < at if end is not None and self.start - end <= gap else self.start - at <= gap

    def is_cut_from(self, before: "Facts") -> bool:
        """Whether a long run is cut between the last direct message `before` and the first one of these."""
        end = before.told.end
        if end is None or self.start is None or before.last_pauses is None or self.first_pauses is None:
            return False
        return pause_of(self.start - end, self.digest) > max(before.last_pauses, self.first_pauses)


@dataclass(frozen=True, slots=True)
class Cutter:
    """How a chat is cut, and what is laid over what was understood of it. `gap` and `silence` are seconds."""

    creator_id: str
    chat_id: str
    gap: float
    silence: float
    corrections: Corrections = NONE

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
        "_said_totals",
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
        self._said_totals: Totals | None = None
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

    def have(self, cutter: Cutter) -> None:
        """Be cut and counted so from now on; what it holds now is the same by it."""
        self._cutter = cutter

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
                self._totals = Totals.of(self.content.conversations, self.counted())
        return self._totals

    @property
    def said_totals(self) -> Totals:
        """What the totals would be without corrections."""
        corrected = self._cutter.corrections.messages_of(self._cutter.chat_id)
        if not any(self.has(id, digest_of(id)) for id in corrected):
            return self.totals
        if self._said_totals is None:
            self._said_totals = Totals.of(self.content.conversations, self.content.nodes)
        return self._said_totals

    def counted(self) -> dict[str, EnrichedConversation]:
        """What counts of its enriched conversations, by id, oldest first: `nodes` is what models said."""
        corrections, content = self._cutter.corrections, self.content
        if not corrections:
            return {node.id: node for node in self.nodes()}
        corrected = self.corrected()
        return {
            each.id: corrections.counted(content.nodes[each.id], each, corrected.get(each.id, ()))
            for each in content.conversations
            if each.id in content.nodes
        }

    def counted_node(self, id: str) -> EnrichedConversation | None:
        """What counts of one of them."""
        corrections, node = self._cutter.corrections, self.content.nodes.get(id)
        if node is None or not corrections:
            return node
        conversation = next(each for each in self.content.conversations if each.id == id)
        return corrections.counted(node, conversation, self.corrected().get(id, ()))

    def with_topics(self, topics: Collection[str]) -> list[str]:
        """The conversations in which one of these topics was found, or may have been stated."""
        corrected = self.corrected()
        return [
            node.id
            for node in self.nodes()
            if node.id in corrected or any(topic.id in topics for topic in node.topics)
        ]

    def corrected(self) -> dict[str, list[str]]:
        """By conversation the messages by which it was ever corrected.

        Of one that is deleted that is the conversation in whose time it was.
        """
        found: dict[str, list[str]] = {}
        content = self.content
        for id in self._cutter.corrections.messages_of(self._cutter.chat_id):
            if (message := content.messages.get(id)) is None:
                continue
            own = next((c for c in content.conversations if any(m.id == id for m in c.messages)), None)
            if own is None:
                before = [each for each in content.conversations if each.figures.start <= message.at]
                own = before[-1] if before else None
            if own is not None:
                found.setdefault(own.id, []).append(id)
        return found

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
        self._block = self._totals = self._said_totals = self._totals_at_rest = None

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
        if not (is_last or self._ids):
            self._ids = array("I", sorted(map(digest_of, self.content.messages)))
        ids = b"" if is_last or self._ids is None else self._ids.tobytes()
        if self._totals_at_rest is None:
            self._totals_at_rest = msgspec.Raw(msgspec.msgpack.encode(self.totals))
        return Head(self.facts, self.beside, self.around, self._totals_at_rest, ids)


def is_boundary(before: Facts, behind: Facts, gap: float) -> bool:
    """Whether two neighbouring stretches are each what they would be in the whole chat."""
    if before.last is None or behind.first is None or not (before.is_quiet or before.start is not None):
        return False
    end = before.told.end
    if behind.start is None:
        is_apart = (
            behind.is_quiet and behind.first > before.last and (end is None or behind.first - end > gap)
        )
    elif end is not None and behind.start - end <= gap:
        is_apart = behind.first > before.last == end and behind.is_cut_from(before)
    else:
        is_apart = behind.start - before.last > gap >= behind.start - behind.first
    return is_apart and before.reach_to < behind.first and before.last < behind.reach_from


@dataclass(slots=True)
class Part:
    """A part of a stretch, all its messages; `is_quiet` as in `Facts`."""

    messages: list[Message]
    is_quiet: bool


def parts(content: Content, gap: float, least: int) -> list[Part]:
    """A stretch in parts that can each be one, all but the last with `least` messages or more where possible.

    A part begins with a conversation of direct messages, and what can join that one comes with it: what is no
    further than `gap` before its start, and behind the end of the one before; or it is quiet. No part ends
    near a captured send, whose echo may follow, or the notice of a tip, which may be of a message behind.
    """
    ordered = sorted(content.messages.values(), key=lambda each: each.order)
    there = [message for message in ordered if not message.is_deleted]
    edges = Edges(there)
    begins: list[
        tuple[float, bool]
    ] = []  # the time from which on messages are of a further part; is it quiet
    place = 0
    is_spoken = is_quiet = False  # the part has a direct message; it must end before one comes
    ended = -math.inf  # the time of the last direct message so far
    upcoming = _next_starts(content.conversations)
    for conversation, following in zip(content.conversations, upcoming, strict=True):
        start = conversation.figures.start
        edge = edges.at(start) if conversation.stands_alone else edges.before(start, ended, gap)
        if not conversation.stands_alone:
            ended = conversation.figures.end
        if is_quiet and not conversation.stands_alone:
            begins.append((edges.times[edge], False))
            place, is_spoken, is_quiet = edge, True, False
            continue
        can_end = edge - place >= least and (is_spoken or edges.has_no_notice(place, edge))
        if conversation.stands_alone:
            end = len(there) if following is None else edges.before(following, ended, gap)
            is_parted = can_end and edges.are_far(edge) and edges.has_no_notice(edge, end)
            if is_parted and (following is None or edges.are_far(end)):
                begins.append((edges.times[edge], True))
                place, is_spoken, is_quiet = edge, False, True
            continue
        if can_end and edges.are_far(edge):
            begins.append((edges.times[edge], False))
            place = edge
        is_spoken = True
    found = [Part([], not is_spoken and not begins)]
    for message in ordered:
        while len(found) <= len(begins) and message.at >= begins[len(found) - 1][0]:
            found.append(Part([], begins[len(found) - 1][1]))
        found[-1].messages.append(message)
    return found


class Edges:
    """Places between neighbouring messages, in order of time, at which they may be parted."""

    def __init__(self, there: Sequence[Message]) -> None:
        self.times = [message.at for message in there]
        reaches = list(map(_reach, there))
        self._reach_to = list(accumulate((end for _, end in reaches), max))
        self._reach_from = list(accumulate((start for start, _ in reversed(reaches)), min))[::-1]
        self._notices = [n for n, message in enumerate(there) if message.is_notification]

    def at(self, time: float) -> int:
        return bisect_left(self.times, time)

    def before(self, start: float, ended: float, gap: float) -> int:
        """Before all that can join a conversation of direct messages that starts then.

        `ended` is when the one before it did.
        """
        return bisect_left(self.times, True, key=lambda at: at > ended and start - at <= gap)

    def are_far(self, edge: int) -> bool:
        """Whether nothing beside the edge may be one with another message, or tell of one."""
        if not 0 < edge < len(self.times):
            return False
        return self._reach_to[edge - 1] < self.times[edge] and self.times[edge - 1] < self._reach_from[edge]

    def has_no_notice(self, start: int, end: int) -> bool:
        """Whether there is no notification among these, which would join a conversation that is elsewhere."""
        near = bisect_left(self._notices, start)
        return near == len(self._notices) or self._notices[near] >= end


def _next_starts(conversations: Sequence[Conversation]) -> list[float | None]:
    """Of every conversation the start of the next one of direct messages behind it."""
    found: list[float | None] = []
    following: float | None = None
    for each in reversed(conversations):
        found.append(following)
        following = following if each.stands_alone else each.figures.start
    return found[::-1]


def in_blocks(parted: Iterable[Part]) -> list[Part]:
    """Neighbouring parts together, as many as make BLOCK messages; what begins as a quiet one stays that."""
    found: list[Part] = []
    for part in parted:
        last = found[-1] if found else None
        most = 2 * BLOCK if part.is_quiet else BLOCK
        if last is not None and len(last.messages) < most and (part.is_quiet or not last.is_quiet):
            last.messages += part.messages
        else:
            found.append(Part(list(part.messages), part.is_quiet))
    return found


def _facts(content: Content) -> Facts:
    there = [message for message in content.messages.values() if not message.is_deleted]
    times = [message.at for message in there]
    reaches = list(map(_reach, there))
    spoken = [each for each in content.conversations if not each.stands_alone]
    direct = (m for each in spoken for m in each.messages if m.is_direct)
    first, last = (outer_pauses(each) for each in (spoken[0], spoken[-1])) if spoken else (None, None)
    opening: Message | None = None
    answer: Message | None = None
    trailing = 0
    for message in direct:
        opening = opening or message
        if message.direction == "fan":
            trailing += 1
        else:
            answer = answer or message
            trailing = 0
    return Facts(
        messages=len(content.messages),
        oldest=min((message.at for message in content.messages.values()), default=math.inf),
        first=min(times, default=None),
        last=max(times, default=None),
        start=opening.at if opening else None,
        is_quiet=opening is None and bool(there) and not any(message.is_notification for message in there),
        reach_from=min((start for start, _ in reaches), default=math.inf),
        reach_to=max((end for _, end in reaches), default=-math.inf),
        answered_at=answer.at if answer else None,
        trailing=trailing,
        told=told_by(content.conversations),
        answered_by=answer.sender_id if answer else None,
        digest=digest_of(opening.id) if opening else 0,
        first_pauses=first[0] if first else None,
        last_pauses=last[1] if last else None,
    )


def _reach(message: Message) -> tuple[float, float]:
    """The times between which another may be one with it, or tell of the same."""
    seconds = 0.0
    if message.is_notification and message.direction == "fan" and message.tip > 0:
        seconds = SAME_TIP_SECONDS + 1
    elif message.direction == "creator" and is_captured(message):
        seconds = ECHO_SECONDS + 1
    return message.at - seconds, message.at + seconds
