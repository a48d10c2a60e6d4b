"""One user's chats: those in use opened, all others packed. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from itertools import groupby
from typing import Protocol, TypeVar

from msgspec import structs

from chats.bundle import Messages, emptied
from chats.chat import Chat, joined
from chats.conversation import Conversation
from chats.corrections import Correction
from chats.enriched import EnrichedConversation, TopicUse
from chats.fan import FanState
from chats.message import Message
from enrich.outcomes import Context
from enrich.topics.taxonomy import NAME, TAXONOMY
from history.chat import CachedChat, Recut, Understanding
from history.corrected import NONE, Corrections
from history.packing import Packed, pack, packed_facts, packing, unpack
from history.stretch import Edges
from steps import ROWS, Steps, finished

OPEN_AT_ONCE = 2_000  # messages of chats that stay open while many are taken in
PIECE = 256  # messages of a chat, or more, that are taken in at once
MANY_MESSAGES = 5_000  # new ones; of more nobody is told one by one

# The topics of the taxonomy as a conversation has them.
SEEDED = {
    each.id: TopicUse(each.id, each.label, 0, 0.0, NAME, each.category, each.keywords) for each in TAXONOMY
}

Key = tuple[str, str]  # creator id, chat id
Covers = Callable[..., bool]


class Marks(Protocol):
    """Says what is erased; see `session.erasure.Tombstones`."""

    def covering(self, creator_id: str) -> Covers:
        """Tells of ids, of a fan and of a chat of the creator, whether any is erased."""


Told = TypeVar("Told", Chat, Message)


@dataclass(slots=True)
class Touched:
    """What a merge changed in one chat."""

    chat_id: str
    new: list[Message] = field(default_factory=list)  # as far as a merge has not brought too many
    count: int = 0  # of all new messages
    changed: list[Message] = field(default_factory=list)
    removed: list[Message] = field(default_factory=list)
    renamed: bool = False  # it was known under the fan's id before
    told: bool = False  # what is known of the fan, or of the chat itself, is another
    stale: list[str] = field(default_factory=list)  # conversation ids that are to be enriched again
    gone: list[str] = field(default_factory=list)  # conversation ids that are no more

    @property
    def tells(self) -> bool:
        """Whether there is anything to be written or shown."""
        return bool(self.told or self.stale or self.gone or self.count or self.removed)


@dataclass(slots=True)
class Change:
    """What became another in one chat since it was asked for last; the fan's state always counts among it."""

    written: dict[str, None] = field(default_factory=dict)  # ids of conversations with a new node
    gone: dict[str, None] = field(default_factory=dict)  # ids of conversations that are no more
    stale: dict[str, None] = field(default_factory=dict)  # ids of conversations that wait for a node
    moved: bool = False  # the chat is under another id now
    erased: str | None = None  # the fan who is no more: the chat's, or who it was taken for before


@dataclass(slots=True)
class _Slot:
    """A chat: opened, packed, or both as long as it is not changed. And what of it is counted."""

    opened: CachedChat | None = None
    packed: Packed | None = None
    messages: int = 0
    conversations: int = 0


@dataclass(slots=True)
class _Creator:
    """One creator's chats by id, and what is asked of all of them."""

    slots: dict[str, _Slot] = field(default_factory=dict)
    pending: dict[str, None] = field(default_factory=dict)  # ids of chats with conversations to be enriched
    failed: dict[str, None] = field(default_factory=dict)  # ids of chats on which enrichment failed
    own: dict[str, str] = field(default_factory=dict)  # by fan: the id of a chat that has one of its own
    messages: int = 0
    conversations: int = 0


class History:
    """A user's chats by (creator id, chat id). `gap` and `silence` are seconds.

    A chat is opened when it is asked for and stays so until `close` packs it again.
    """

    def __init__(self, *, gap: float, silence: float) -> None:
        self._gap = gap
        self._silence = silence
        self._creators: dict[str, _Creator] = {}
        self._opened: dict[Key, None] = {}  # the one used last comes last
        self._changes: dict[Key, Change] = {}
        self._corrections: dict[str, Corrections] = {}  # by creator, of whom anything was ever corrected
        self._topics: dict[tuple[str, str], TopicUse | None] = {}  # that were looked for, by creator and id
        self._uncounted: dict[tuple[str, str], None] = {}  # topics that may count otherwise now, likewise

    def creators(self) -> list[str]:
        return list(self._creators)

    def keys(self, creator_id: str | None = None) -> list[Key]:
        """The chats of one creator, or all of them."""
        creators = self._creators if creator_id is None else [creator_id] * (creator_id in self._creators)
        return [(id, chat_id) for id in creators for chat_id in self._creators[id].slots]

    def of(self, creator_id: str | None) -> Iterator[CachedChat]:
        """The chats of one creator, or all of them, to be read; packed ones are opened for the moment.

        Chats that go meanwhile are passed over.
        """
        for key in self.keys(creator_id):
            if (cached := self.look(*key)) is not None:
                yield cached

    def get(self, creator_id: str, chat_id: str) -> CachedChat | None:
        key = (creator_id, chat_id)
        return self._open(key) if self._slot(key) else None

    def look(self, creator_id: str, chat_id: str) -> CachedChat | None:
        """The chat to be read: a packed one is opened for the moment."""
        slot = self._slot((creator_id, chat_id))
        return self._read(slot) if slot else None

    def fan(self, key: Key) -> FanState | None:
        """The fan of a chat."""
        slot = self._slot(key)
        return None if slot is None else self._fan(slot)

    def fans(self, creator_id: str | None) -> list[FanState]:
        """The fan of every chat of one creator, or of all."""
        return [fan for key in self.keys(creator_id) if (fan := self.fan(key)) is not None]

    def understood(self, key: Key, since: float) -> Iterator[EnrichedConversation]:
        """What counts of a chat's conversations, perhaps without that of each message, oldest first.

        What began and had its outcomes before `since` (epoch seconds) may be left out.
        """
        slot, corrections = self._at(key), self.corrections(key[0])
        if slot.packed is None or corrections.messages_of(key[1]):
            return iter(self._read(slot).counted.values())
        return (
            corrections.counted(node, None)
            for block in slot.packed.blocks
            if block.until >= since
            for node in block.conversations()
        )

    def chats(self, creator_id: str) -> int:
        """How many chats the creator has."""
        return len(self._of(creator_id).slots)

    def size(self, creator_id: str) -> int:
        """How many messages the creator's chats have."""
        return self._of(creator_id).messages

    def conversations(self, creator_id: str) -> int:
        """How many conversations the creator's chats have."""
        return self._of(creator_id).conversations

    def take_changes(self) -> dict[Key, Change]:
        """What changed since this was asked last."""
        changes, self._changes = self._changes, {}
        return changes

    def merge(self, chats: Iterable[Chat], messages: Messages) -> list[Touched]:
        """As `merging`, at once."""
        return finished(self.merging(chats, messages))

    def merging(self, chats: Iterable[Chat], messages: Messages) -> Steps[list[Touched]]:
        """Take in what arrived, chat by chat: new messages, edits, deletions and the chats' own facts.

        A message that says nothing new is ignored, and a bundle of messages is empty afterwards. Returns a
        `Touched` for every chat something changed in, with its conversations cut anew.
        """
        touched: dict[Key, Touched] = {}
        to_cut: dict[Key, None] = {}
        listed = list(chats)
        for chat in listed:
            if chat.id != chat.fan_id:
                self._creators.setdefault(chat.creator_id, _Creator()).own.setdefault(chat.fan_id, chat.id)
        for chat in map(self._placed, listed):
            key = (chat.creator_id, chat.id)
            met = self._meet(chat)
            if met is not _Met.NOTHING_NEW:
                touched.setdefault(key, Touched(chat.id)).told = True
            if met is _Met.TO_ENRICH:
                to_cut[key] = None
            if chat.id != chat.fan_id and (moved := self._slot((chat.creator_id, chat.fan_id))):
                self._move(moved, key)
                touched[key] = Touched(chat.id, renamed=True)
                self._recut(key, touched[key])
                self._settle(key, touched[key])
                to_cut.pop(key, None)
            yield
        taken = new = 0
        told: list[Touched] = []  # with their new messages
        for part in emptied(messages):
            for key, arrived in (yield from self._by_chat(part)).items():
                first = arrived[0]
                if self._slot(key) is None:
                    self._add(Chat(id=first.chat_id, creator_id=first.creator_id, fan_id=first.fan_id))
                is_cut = False
                for piece in _pieces(arrived):
                    if self._open(key).take(piece) or key in to_cut:
                        is_cut = True
                        to_cut.pop(key, None)
                        new += self._recut(key, touched.setdefault(key, Touched(key[1])))
                        told.append(touched[key])
                        while told and new > MANY_MESSAGES:
                            told.pop().new = []
                    else:  # what is known is newer now, and the same
                        self._changed(key)
                    yield
                if is_cut:
                    self._settle(key, touched[key])
                if (taken := taken + len(arrived)) > OPEN_AT_ONCE:
                    taken = 0
                    yield from self.closing(each for each in self.beyond(OPEN_AT_ONCE) if each not in to_cut)
        for key in to_cut:
            self._recut(key, touched[key])
            self._settle(key, touched[key])
            yield
        return [mark for mark in touched.values() if mark.renamed or mark.tells]

    def _by_chat(self, messages: Iterable[Message]) -> Steps[dict[Key, list[Message]]]:
        by_chat: dict[Key, list[Message]] = {}
        for number, message in enumerate(map(self._placed, messages), 1):
            by_chat.setdefault((message.creator_id, message.chat_id), []).append(message)
            if number % ROWS == 0:
                yield
        return by_chat

    # Corrections

    def corrections(self, creator_id: str) -> Corrections:
        """All that were made of a creator's chats and topics."""
        return self._corrections.get(creator_id, NONE)

    def has_corrections(self, creator_id: str) -> bool:
        """Whether anything of the creator was ever corrected, also where that is gone by now."""
        return creator_id in self._corrections

    def load_corrections(self, made: Mapping[str, Iterable[Correction]]) -> None:
        """Take in those of before, by creator; to be called before chats are loaded."""
        for creator_id, own in made.items():
            self._corrections[creator_id] = Corrections(own, partial(self.topic, creator_id))

    def all_corrections(self) -> dict[str, list[Correction]]:
        """What `load_corrections` takes."""
        return {creator_id: own.all() for creator_id, own in self._corrections.items()}

    def correct(self, creator_id: str, correction: Correction) -> bool:
        """Have a correction count; whether it is new. One of a topic does in a chat after `recount`."""
        if creator_id not in self._creators:
            return False
        if creator_id not in self._corrections:
            self.load_corrections({creator_id: ()})
            for key in self.keys(creator_id):  # of those that are opened, none knows of it yet
                if (opened := self._at(key).opened) is not None:
                    opened.have(self._corrections[creator_id])
        subject = correction.subject
        placed = self._creators[creator_id].own.get(subject.chat_id, subject.chat_id)
        own = structs.replace(correction, subject=structs.replace(subject, chat_id=placed))
        if not self._corrections[creator_id].take(own):
            return False
        key = (creator_id, placed)
        if subject.kind != "topic" and self._slot(key) is not None:
            changed = self._open(key).corrected(subject.id)
            self._changed(key).written.update(dict.fromkeys(changed))
        return True

    def recount(self, key: Key, topics: Collection[str]) -> None:
        """Have a chat's conversations with one of these topics count as they are corrected now.

        Of a topic that is corrected that are also those merged into it: `Corrections.behind`.
        """
        slot = self._slot(key)
        if slot is None:
            return
        is_found = any(topic.id in topics for node in self._said(slot) for topic in node.topics)
        if not is_found and not self.corrections(key[0]).messages_of(key[1]):
            return
        if changed := self._open(key).recount(topics):
            self._changed(key).written.update(dict.fromkeys(changed))

    def topic(self, creator_id: str, id: str) -> TopicUse | None:
        """A topic of the creator's as some conversation has it, or of the taxonomy; None: there is none."""
        if (known := SEEDED.get(id)) is not None:
            return known
        if (creator_id, id) not in self._topics:
            nodes = (node for key in self.keys(creator_id) for node in self._said(self._at(key)))
            found = next((topic for node in nodes for topic in node.topics if topic.id == id), None)
            self._topics[creator_id, id] = found
        return self._topics[creator_id, id]

    def _said(self, slot: _Slot) -> Iterator[EnrichedConversation]:
        """What models said of a chat's conversations, perhaps without that of each message."""
        if slot.packed is None:
            return iter(self._read(slot).nodes.values())
        return (node for block in slot.packed.blocks for node in block.conversations())

    def _met(self, node: EnrichedConversation) -> None:
        """Take note of topics that were looked for and not found."""
        for topic in node.topics if self._topics else ():
            if self._topics.get((node.creator_id, topic.id), topic) is None:
                self._look_again(node.creator_id, [topic.id])

    def _look_again(self, creator_id: str, topics: Iterable[str] | None = None) -> None:
        """Topics (None: all) came or went: what people said of them may count, or not count any more."""
        for id in self.corrections(creator_id).mentioned() if topics is None else topics:
            self._topics.pop((creator_id, id), None)
            self._uncounted[creator_id, id] = None

    def take_uncounted(self) -> list[tuple[str, str]]:
        """The topics, by creator and id, that every chat is to `recount` since this was asked last."""
        found, self._uncounted = list(self._uncounted), {}
        return found

    def said_by(self, creator_id: str, correction: Correction) -> Touched | None:
        """The chat that a correction of a message or conversation is of, with the messages it concerns."""
        own = self._of(creator_id)
        subject = correction.subject
        cached = self.look(creator_id, own.own.get(subject.chat_id, subject.chat_id))
        conversation = cached.with_message(subject.id) if cached else None
        if cached is None or conversation is None:
            return None
        shown = [m for m in conversation.messages if not m.is_notification]
        if subject.kind == "message":
            shown = [message for message in shown if message.id == subject.id]
        return Touched(cached.chat.id, changed=shown, told=True)

    def erase(self, marks: Marks) -> list[str]:
        """Have what is marked no more. Returns the creators of whom there was anything."""
        found: list[str] = []
        for creator_id in self.creators():
            covers = marks.covering(creator_id)
            own = self._creators[creator_id]
            gone = [key for key in self.keys(creator_id) if covers(key[1], self._fan(self._at(key)).fan_id)]
            for key in gone:
                self._remove(key)
            own.own = {fan: chat for fan, chat in own.own.items() if not covers(fan, chat)}
            self.corrections(creator_id).forget({chat_id for _, chat_id in gone}.__contains__)
            if gone:
                self._look_again(creator_id)
                found.append(creator_id)
            if not own.slots:
                self._forget_creator(creator_id)
        return found

    def expiring(self, creator_id: str, before: float) -> Steps[bool]:
        """Have what a creator's chats have from before a time no more; whether there was anything.

        A chat of which nothing is left, and that was not seen since, is no more itself.
        """
        found = False
        for number, key in enumerate(self.keys(creator_id), 1):
            cached = self._read(self._at(key))
            is_older = cached.is_older(before)
            if is_older:
                cached = self._open(key)
                self._note(key, cached.drop(before))
                self._change(key).stale.update(dict.fromkeys(each.id for each in cached.pending()))
            if not cached.stretches[0].facts.messages and cached.chat.seen_at < before:
                self._remove(key)
                found = True
            found = found or is_older
            if is_older:
                yield from self.closing(self.beyond(OPEN_AT_ONCE))
            if is_older or number % ROWS == 0:
                yield
        if found:
            self._expire_corrections(creator_id)
            self._look_again(creator_id)
        if creator_id in self._creators and not self._creators[creator_id].slots:
            self._forget_creator(creator_id)
        return found

    def _expire_corrections(self, creator_id: str) -> None:
        """Have those no more whose message is not there any more."""
        corrections = self.corrections(creator_id)
        for chat_id in corrections.chats():
            cached = self.look(creator_id, chat_id)
            corrections.keep(chat_id, cached.messages.keys() if cached else ())

    def _forget_creator(self, creator_id: str) -> None:
        del self._creators[creator_id]
        self._corrections.pop(creator_id, None)
        self._topics = {key: topic for key, topic in self._topics.items() if key[0] != creator_id}

    def _remove(self, key: Key) -> None:
        """Have a chat no more, nor its fan."""
        cached = self._read(self._at(key))
        change = self._change(key)
        change.written.clear()
        change.gone.update(dict.fromkeys(each.id for each in cached.conversations))
        change.erased = cached.chat.fan_id
        self._drop(key)

    def pending(self, creator_id: str, chat_ids: Iterable[str] | None = None) -> Iterator[Conversation]:
        """The creator's conversations, or those of some chats, without a node for their present shape.

        Chats are opened as they are needed.
        """
        for cached in self._pending(creator_id, chat_ids):
            yield from cached.pending()

    def waiting(self, creator_id: str, chat_ids: Iterable[str] | None = None) -> int:
        """How many there are of these."""
        return sum(cached.totals.pending for cached in self._pending(creator_id, chat_ids))

    def _pending(self, creator_id: str, chat_ids: Iterable[str] | None) -> Iterator[CachedChat]:
        own = self._of(creator_id)
        ids = list(own.pending) if chat_ids is None else [id for id in chat_ids if id in own.pending]
        # Looked for anew: what is erased while they are read is passed over.
        return (self._read(own.slots[id]) for id in ids if id in own.slots)

    def is_complete(self, creator_id: str) -> bool:
        """Whether every conversation of the creator has its node."""
        return not self._of(creator_id).pending

    def failed(self) -> Iterator[CachedChat]:
        """The chats with messages on which enrichment failed, to be read."""
        for creator_id, own in list(self._creators.items()):
            for id in list(own.failed):
                if (cached := self.look(creator_id, id)) is not None:
                    yield cached

    def forget(self, creator_id: str, chat_id: str, conversation_ids: Iterable[str]) -> None:
        """Have conversations enriched again."""
        key = (creator_id, chat_id)
        cached = self._open(key)
        cached.outdate(each for id in conversation_ids if (each := cached.conversation(id)) is not None)
        self._changed(key)

    def store(self, node: EnrichedConversation) -> None:
        """Keep an enriched conversation, unless the conversation is no more."""
        key = (node.creator_id, node.chat_id)
        self._met(node)
        if self._slot(key) is not None and self._open(key).store(node):
            self._changed(key).written[node.id] = None

    def understandings(self, nodes: Iterable[EnrichedConversation]) -> Iterator[Understanding]:
        """What `recall` takes, for these nodes of the chats as they are; best chat by chat."""
        for key, own in groupby(nodes, key=lambda node: (node.creator_id, node.chat_id)):
            if (cached := self.look(*key)) is not None:
                for node in own:
                    if (conversation := cached.conversation(node.id)) is not None:
                        yield cached.understanding(conversation, node)

    def recall(self, key: Key, found: Sequence[Understanding]) -> bool:
        """Take in what was understood of a chat before this process began, as far as it still holds.

        Returns whether a conversation has another node by it than the checkpoint has.
        """
        if self._slot(key) is None:
            return False
        changed = self._open(key).recall(found)
        for each in found:
            self._met(each.node)
        if changed is not None:  # else it stays packed as it is
            self._changed(key).written.update(dict.fromkeys(changed))
        return bool(changed)

    def revise(
        self,
        creator_id: str,
        chat_id: str,
        found: Iterable[EnrichedConversation],
        seen: Mapping[str, int],
    ) -> list[EnrichedConversation]:
        """Give a chat's conversations the topics `found` of them anew. Returns the nodes that changed.

        `seen` holds, by id, the `mark` of each conversation as it was then: one that is another by now, or of
        which something failed then or now, keeps what it has.
        """
        cached = self.look(creator_id, chat_id)
        if cached is None:
            return []
        changed: dict[str, EnrichedConversation] = {}
        for node in found:
            id = node.id
            known, conversation = cached.node(id), cached.conversation(id)
            if known is None or conversation is None:
                continue
            if mark(conversation, cached.context(id)) != seen.get(id):
                continue
            if not known.has_failed and not node.has_failed and _topics(known) != _topics(node):
                changed[id] = _with_topics(known, node)
        if changed:
            key = (creator_id, chat_id)
            for node in changed.values():
                self._met(node)
                self._open(key).store(node)
            self._changed(key).written.update(dict.fromkeys(changed))
        return list(changed.values())

    # At rest

    def load(self, key: Key, packed: Packed, *, enriched: bool) -> None:
        """Take in a chat at rest; when not `enriched`, without what enrichment said of it."""
        self._topics.clear()
        own = self._creators.setdefault(key[0], _Creator())
        own.slots[key[1]] = slot = _Slot(packed=packed)
        self._count(key, slot)
        if key[1] != packed.fan.fan_id:
            own.own.setdefault(packed.fan.fan_id, key[1])
        if not enriched:
            self._open(key).forget_all()
            self._changed(key)
            self.close(key)

    def unpacked(self) -> list[Key]:
        """The chats that were changed since they were packed last."""
        return [key for key in self._opened if self._at(key).packed is None]

    def unpacked_from(self, packed: Packed) -> CachedChat:
        """A chat as it was when it was packed, to be read."""
        corrections = self.corrections(packed.fan.creator_id)
        return unpack(packed, gap=self._gap, silence=self._silence, corrections=corrections)

    def as_now(self, key: Key) -> Packed | CachedChat | None:
        """A chat in a form that no later change reaches, taken at no cost; `read` reads it."""
        slot = self._slot(key)
        if slot is None:
            return None
        return slot.packed if slot.opened is None else slot.opened.copy()

    def read(self, chat: Packed | CachedChat) -> CachedChat:
        """A chat as it was when it was taken."""
        return chat if isinstance(chat, CachedChat) else self.unpacked_from(chat)

    def pack(self, key: Key) -> Packed:
        slot = self._at(key)
        slot.packed = slot.packed or pack(self._read(slot))
        return slot.packed

    def at_rest(self, key: Key) -> Packed | None:
        """The bytes of a chat, where `take_changes` has told of all that changed since it was packed."""
        slot = self._slot(key)
        return None if slot is None or key in self._changes else slot.packed

    def beyond(self, messages: int) -> list[Key]:
        """The opened chats that were not used for longest, without the last ones that hold `messages`."""
        held = 0
        found: list[Key] = []
        for key in reversed(self._opened):
            held += max(1, self._read(self._at(key)).held)  # without messages it takes memory, too
            if held > messages:
                found.append(key)
        return found

    def packing(self, keys: Iterable[Key]) -> Steps[None]:
        """Pack these chats."""
        for key in keys:
            slot = self._at(key)
            if slot.packed is None:
                slot.packed = yield from packing(self._read(slot))
            yield

    def closing(self, keys: Iterable[Key]) -> Steps[None]:
        """Keep these chats in their packed form only."""
        for key in keys:
            yield from self.packing([key])
            self.close(key)

    def close(self, key: Key) -> None:
        """Keep the chat in its packed form only."""
        self.pack(key)
        self._at(key).opened = None
        self._opened.pop(key, None)

    def packed(self) -> list[tuple[Key, Packed]]:
        """Every chat at rest; those that are not are packed."""
        return [(key, self.pack(key)) for key in self.keys()]

    # Inside

    def _placed(self, told: Told) -> Told:
        """A chat or message that is told of under the fan's id, under the chat's own."""
        own = self._of(told.creator_id).own.get(told.fan_id)
        if own is None or told.fan_id != (told.id if isinstance(told, Chat) else told.chat_id):
            return told
        return replace(told, id=own) if isinstance(told, Chat) else structs.replace(told, chat_id=own)

    def _of(self, creator_id: str) -> _Creator:
        return self._creators.get(creator_id) or _Creator()

    def _slot(self, key: Key) -> _Slot | None:
        own = self._creators.get(key[0])
        return None if own is None else own.slots.get(key[1])

    def _at(self, key: Key) -> _Slot:
        return self._creators[key[0]].slots[key[1]]

    def _add(self, chat: Chat) -> None:
        key = (chat.creator_id, chat.id)
        self._creators.setdefault(key[0], _Creator()).slots[key[1]] = _Slot(
            opened=CachedChat(
                chat, gap=self._gap, silence=self._silence, corrections=self.corrections(key[0])
            )
        )
        self._opened[key] = None

    def _open(self, key: Key) -> CachedChat:
        slot = self._at(key)
        self._opened.pop(key, None)
        self._opened[key] = None
        if slot.opened is None:
            slot.opened = self._read(slot)
        return slot.opened

    def _fan(self, slot: _Slot) -> FanState:
        return slot.packed.fan if slot.packed else self._read(slot).fan_state()

    def _read(self, slot: _Slot) -> CachedChat:
        if slot.opened is not None:
            return slot.opened
        assert slot.packed is not None, "a chat is opened, packed, or both"
        return self.unpacked_from(slot.packed)

    def _changed(self, key: Key) -> Change:
        """To be called after every change to a chat; returns where it is noted."""
        slot = self._at(key)
        self._open(key).changed()
        slot.packed = None
        self._count(key, slot)
        return self._change(key)

    def _change(self, key: Key) -> Change:
        return self._changes.setdefault(key, Change())

    def _count(self, key: Key, slot: _Slot) -> None:
        """Have the creator's figures follow a chat."""
        own, at_rest = self._creators[key[0]], slot.packed
        if at_rest is not None:
            messages, conversations = at_rest.messages, at_rest.conversations
            complete, failed = at_rest.complete, at_rest.failed
        else:
            totals = self._read(slot).totals
            messages, conversations = totals.messages, totals.conversations
            complete, failed = not totals.pending, bool(totals.failed)
        own.messages += messages - slot.messages
        own.conversations += conversations - slot.conversations
        slot.messages, slot.conversations = messages, conversations
        for chats, holds in ((own.pending, not complete), (own.failed, failed)):
            if holds:
                chats[key[1]] = None
            else:
                chats.pop(key[1], None)

    def _drop(self, key: Key) -> None:
        """Have a chat no more."""
        own = self._creators[key[0]]
        slot = own.slots.pop(key[1])
        own.messages -= slot.messages
        own.conversations -= slot.conversations
        own.pending.pop(key[1], None)
        own.failed.pop(key[1], None)
        self._opened.pop(key, None)

    def _meet(self, chat: Chat) -> "_Met":
        """Keep a chat's facts."""
        key = (chat.creator_id, chat.id)
        if self._slot(key) is None:
            self._add(chat)
            return _Met.TO_ENRICH
        slot = self._at(key)
        before = slot.packed.chat() if slot.packed else self._open(key).chat
        now = joined(before, chat)
        if before == now:
            return _Met.NOTHING_NEW
        if before.fan_id == now.fan_id and before.subscription == now.subscription:
            shown = self._fan(slot)
            self._know(slot, key, now)
            if shown == self._fan(slot) and _says_of(before) == _says_of(now):
                return _Met.NOTHING_NEW
            self._change(key)
            return _Met.TO_TELL
        cached = self._open(key)
        cached.chat = now
        change = self._changed(key)
        if before.fan_id != now.fan_id:
            cached.rename(now.fan_id)
            change.erased = before.fan_id
        return _Met.TO_ENRICH

    def _know(self, slot: _Slot, key: Key, chat: Chat) -> None:
        """Keep a chat's facts, of which enrichment reads none that is new."""
        at_rest = slot.packed
        if at_rest is not None:
            before, last_at = at_rest.chat(), at_rest.fan.last_message_at
            is_counted = last_at is None or last_at <= chat.counted_at
            if is_counted and _others_of(before) == _others_of(chat):  # no message says more
                fan = replace(at_rest.fan, unread=chat.unread)
                slot.packed = replace(at_rest, fan=fan, facts=packed_facts(chat))
                if slot.opened is not None:
                    slot.opened.chat = chat
                    slot.opened.changed()
                return
        cached = self._open(key)
        cached.chat = chat
        cached.changed()
        slot.packed = None

    def _move(self, slot: _Slot, key: Key) -> None:
        """Have a chat that was known under its fan's id under its own."""
        moved, cached = self._read(slot), self._open(key)
        left = (key[0], moved.chat.id)
        self._drop(left)
        change = self._changes.setdefault(left, Change())
        change.moved = True
        change.gone.update(dict.fromkeys(each.id for each in moved.conversations))
        cached.chat = joined(replace(moved.chat, id=key[1]), cached.chat)
        self.corrections(key[0]).move(left[1], key[1])
        cached.take(structs.replace(m, chat_id=key[1]) for m in moved.messages.values())
        cached.keep(moved.readings())
        self._changed(key)

    def _recut(self, key: Key, mark: Touched) -> int:
        """Returns how many messages are new. `_settle` is to be called after the last time."""
        found = self._open(key).recut()
        self._note(key, found)
        mark.new += found.new
        mark.count += len(found.new)
        mark.changed += found.changed
        mark.removed += found.removed
        if mark.gone:
            there = set(found.cut)
            mark.gone = [id for id in mark.gone if id not in there]
        mark.gone += found.gone
        return len(found.new)

    def _note(self, key: Key, found: Recut) -> None:
        """Take note of what became of a chat's conversations."""
        change = self._changed(key)
        for id in found.gone:
            change.written.pop(id, None)
            change.gone[id] = None
        for id in found.cut:
            change.gone.pop(id, None)

    def _settle(self, key: Key, mark: Touched) -> None:
        """Tell which conversations are to be enriched, and of each message one thing.

        What came and went was never there, what went and came back is changed.
        """
        cached = self._open(key)
        came, went = Counter(m.id for m in mark.new), Counter(m.id for m in mark.removed)
        if both := came.keys() & went.keys():
            new, removed = {m.id: m for m in mark.new}, {m.id: m for m in mark.removed}
            mark.count -= sum(came[id] - (came[id] > went[id]) for id in both)
            mark.new = [message for id, message in new.items() if came[id] > went[id]]
            mark.removed = [message for id, message in removed.items() if came[id] < went[id]]
            even = [cached.message(id) for id in both if came[id] == went[id] and cached.shown_from(id)]
            mark.changed += [message for message in even if message is not None]
        mark.stale = [each.id for each in cached.pending()]
        self._change(key).stale.update(dict.fromkeys(mark.stale))


class _Met(Enum):
    """What a chat's own facts say that was not known."""

    NOTHING_NEW = auto()
    TO_TELL = auto()  # pages and the inbox order
    TO_ENRICH = auto()  # what enrichment reads, too


def _pieces(arrived: list[Message]) -> Iterator[list[Message]]:
    """What arrived of a chat, oldest first, in pieces of PIECE messages or a little more.

    What may be one message, or tell of one thing, is in one piece.
    """
    if len(arrived) <= PIECE:
        yield arrived
        return
    copies: dict[str, list[Message]] = {}
    for message in arrived:
        copies.setdefault(message.id, []).append(message)
    ordered = sorted(copies.values(), key=lambda own: min(message.at for message in own))
    edges = Edges([min(own, key=lambda message: message.at) for own in ordered])
    place = 0
    for edge in range(1, len(ordered)):
        if edge - place >= PIECE and edges.are_far(edge):
            yield [message for own in ordered[place:edge] for message in own]
            place = edge
    yield [message for own in ordered[place:] for message in own]


def mark(conversation: Conversation, context: Context | None) -> int:
    """Tells the conversation, with what enrichment sees before it, from itself as it was at another time."""
    return hash((conversation, context and context.previous_at))


def _topics(node: EnrichedConversation) -> tuple[object, ...]:
    return node.topics, node.action_topics, [each.topics for each in node.messages.values()]


def _with_topics(known: EnrichedConversation, node: EnrichedConversation) -> EnrichedConversation:
    messages = {
        id: structs.replace(each, topics=node.messages[id].topics) for id, each in known.messages.items()
    }
    return structs.replace(
        known, topics=node.topics, action_topics=node.action_topics, models=node.models, messages=messages
    )


def _says_of(chat: Chat) -> Chat:
    """The chat without what is another each time that it is seen; its unread count is the fan's."""
    return replace(chat, seen_at=0.0, counted_at=0.0, unread=0)


def _others_of(chat: Chat) -> Chat:
    """The chat without what is another each time that it is seen, and without whom it is with."""
    return replace(_says_of(chat), with_user=None)
