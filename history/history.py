"""One user's chats: those in use opened, all others packed. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import groupby
from typing import TypeVar

from chats.chat import Chat, joined
from chats.conversation import Conversation
from chats.fan import FanState
from chats.message import Message, merged
from history.chat import CachedChat, Understanding, says
from history.packing import Packed, pack, unpack
from wire.payloads import ExtendedConversationNode

Key = tuple[str, str]  # creator id, chat id
Told = TypeVar("Told", Chat, Message)


@dataclass(slots=True)
class Touched:
    """What a merge changed in one chat."""

    chat_id: str
    new: list[Message] = field(default_factory=list)
    changed: list[Message] = field(default_factory=list)
    removed: list[Message] = field(default_factory=list)
    renamed: bool = False  # it was known under the fan's id before
    told: bool = False  # what is known of the fan, or of the chat itself, is another
    stale: list[Conversation] = field(default_factory=list)  # to be enriched again
    gone: list[str] = field(default_factory=list)  # conversation ids that are no more

    @property
    def tells(self) -> bool:
        """Whether there is anything to be written or shown."""
        return bool(self.told or self.stale or self.gone or self.new or self.removed)


@dataclass(slots=True)
class Change:
    """What became another in one chat since it was asked for last; the fan's state always counts among it."""

    written: dict[str, None] = field(default_factory=dict)  # ids of conversations with a new node
    gone: dict[str, None] = field(default_factory=dict)  # ids of conversations that are no more
    moved: bool = False  # the chat is under another id now


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


class Cache:
    """A user's chats by (creator id, chat id). `gap` and `silence` are seconds.

    A chat is opened when it is asked for and stays so until `close` packs it again.
    """

    def __init__(self, *, gap: float, silence: float) -> None:
        self._gap = gap
        self._silence = silence
        self._creators: dict[str, _Creator] = {}
        self._opened: dict[Key, None] = {}  # the one used last comes last
        self._changes: dict[Key, Change] = {}

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

    def merge(self, chats: Iterable[Chat], messages: Iterable[Message]) -> list[Touched]:
        """Take in what arrived: new messages, edits, deletions and the chats' own facts.

        A message that says nothing new is ignored. Returns a `Touched` for every chat something changed in,
        with its conversations cut anew.
        """
        touched: dict[Key, Touched] = {}
        to_cut: dict[Key, None] = {}
        told = list(chats)
        for chat in told:
            if chat.id != chat.fan_id:
                self._creators.setdefault(chat.creator_id, _Creator()).own.setdefault(chat.fan_id, chat.id)
        for chat in map(self._placed, told):
            key = (chat.creator_id, chat.id)
            met = self._meet(chat)
            if met is not _Met.NOTHING_NEW:
                touched.setdefault(key, Touched(chat.id)).told = True
            if met is _Met.TO_ENRICH:
                to_cut[key] = None
            if chat.id != chat.fan_id and (moved := self._slot((chat.creator_id, chat.fan_id))):
                self._move(moved, key)
                touched[key] = Touched(chat.id, renamed=True)
                to_cut[key] = None
        by_chat: dict[Key, list[Message]] = {}
        for message in map(self._placed, messages):
            by_chat.setdefault((message.creator_id, message.chat_id), []).append(message)
        for key, arrived in by_chat.items():
            first = arrived[0]
            if self._slot(key) is None:
                self._add(Chat(id=first.chat_id, creator_id=first.creator_id, fan_id=first.fan_id))
            if self._take(self._open(key), arrived):
                touched.setdefault(key, Touched(key[1]))
                to_cut[key] = None
        for key in to_cut:
            self._recut(key, touched[key])
        return [mark for mark in touched.values() if mark.renamed or mark.tells]

    def pending(self, creator_id: str, chat_ids: Iterable[str] | None = None) -> list[Conversation]:
        """The creator's conversations, or those of some chats, without a node for their present shape."""
        own = self._of(creator_id)
        ids = list(own.pending) if chat_ids is None else [id for id in chat_ids if id in own.pending]
        return [conversation for id in ids for conversation in self._read(own.slots[id]).pending()]

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
        key, ids = (creator_id, chat_id), set(conversation_ids)
        cached = self._open(key)
        cached.outdate(each for each in cached.conversations if each.id in ids)
        self._changed(key)

    def store(self, node: ExtendedConversationNode) -> None:
        """Keep an enriched conversation, unless the conversation is no more."""
        key = (node.creatorId, node.chatId)
        if self._slot(key) is not None:
            cached = self._open(key)
            if any(c.id == node.conversationId for c in cached.conversations):
                cached.store(node)
                self._changed(key).written[node.conversationId] = None

    def understandings(self, nodes: Iterable[ExtendedConversationNode]) -> Iterator[Understanding]:
        """What `recall` takes, for these nodes of the chats as they are; best chat by chat."""
        for key, own in groupby(nodes, key=lambda node: (node.creatorId, node.chatId)):
            if (cached := self.look(*key)) is not None:
                now = {each.id: each for each in cached.conversations}
                for node in own:
                    if (conversation := now.get(node.conversationId)) is not None:
                        yield cached.understanding(conversation, node)

    def recall(self, key: Key, found: Sequence[Understanding]) -> bool:
        """Take in what was understood of a chat before this process began, as far as it still holds.

        Returns whether a conversation has another node by it than the checkpoint has.
        """
        if self._slot(key) is None:
            return False
        cached = self._open(key)
        kept = dict(cached.kept)
        changed = cached.recall(found)
        if changed or cached.kept != kept:  # else it stays packed as it is
            self._changed(key).written.update(dict.fromkeys(cached.nodes) if changed else {})
        return changed

    def revise(
        self,
        creator_id: str,
        chat_id: str,
        found: Iterable[ExtendedConversationNode],
        seen: Mapping[str, int],
    ) -> list[ExtendedConversationNode]:
        """Give a chat's conversations the topics `found` of them anew. Returns the nodes that changed.

        `seen` holds, by id, the `mark` of each conversation as it was then: one that is another by now, or of
        which something failed then or now, keeps what it has.
        """
        cached = self.look(creator_id, chat_id)
        if cached is None:
            return []
        now = {each.id: each for each in cached.conversations}
        changed: dict[str, ExtendedConversationNode] = {}
        for node in found:
            id = node.conversationId
            known = cached.nodes.get(id)
            if known is None or id not in now or mark(cached, now[id]) != seen.get(id):
                continue
            if not _has_failed(known) and not _has_failed(node) and _topics(known) != _topics(node):
                changed[id] = _with_topics(known, node)
        if changed:
            key = (creator_id, chat_id)
            self._open(key).nodes.update(changed)
            self._changed(key).written.update(dict.fromkeys(changed))
        return list(changed.values())

    # At rest

    def load(self, key: Key, packed: Packed, *, enriched: bool) -> None:
        """Take in a chat at rest; when not `enriched`, without what enrichment said of it."""
        own = self._creators.setdefault(key[0], _Creator())
        own.slots[key[1]] = slot = _Slot(packed=packed)
        self._count(key, slot)
        if key[1] != packed.fan.fan_id:
            own.own.setdefault(packed.fan.fan_id, key[1])
        if not enriched:
            cached = self._open(key)
            cached.nodes.clear()
            cached.kept.clear()
            self._changed(key)
            self.close(key)

    def unpacked(self) -> list[Key]:
        """The chats that were changed since they were packed last."""
        return [key for key in self._opened if self._at(key).packed is None]

    def unpacked_from(self, packed: Packed) -> CachedChat:
        """A chat as it was when it was packed, to be read."""
        return unpack(packed, gap=self._gap, silence=self._silence)

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

    def beyond(self, messages: int) -> list[Key]:
        """The opened chats that were not used for longest, without the last ones that hold `messages`."""
        held = 0
        found: list[Key] = []
        for key in reversed(self._opened):
            held += len(self._read(self._at(key)).messages)
            if held > messages:
                found.append(key)
        return found

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
        return replace(told, id=own) if isinstance(told, Chat) else replace(told, chat_id=own)

    def _of(self, creator_id: str) -> _Creator:
        return self._creators.get(creator_id) or _Creator()

    def _slot(self, key: Key) -> _Slot | None:
        own = self._creators.get(key[0])
        return None if own is None else own.slots.get(key[1])

    def _at(self, key: Key) -> _Slot:
        return self._creators[key[0]].slots[key[1]]

    def _add(self, chat: Chat) -> None:
        key = (chat.creator_id, chat.id)
        self._creators.setdefault(key[0], _Creator()).slots[key[1]] = _Slot(opened=CachedChat(chat))
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
        return self._changes.setdefault(key, Change())

    def _count(self, key: Key, slot: _Slot) -> None:
        """Have the creator's figures follow a chat."""
        own, at_rest = self._creators[key[0]], slot.packed
        if at_rest is not None:
            messages, conversations = at_rest.messages, at_rest.conversations
            complete, failed = at_rest.complete, at_rest.failed
        else:
            cached = self._read(slot)
            messages, conversations = cached.counts()
            complete, failed = not cached.pending(), bool(cached.failed())
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
        cached = self._open(key)
        before, shown = cached.chat, cached.fan_state()
        cached.chat = joined(before, chat)
        if before == cached.chat:
            return _Met.NOTHING_NEW
        if before.fan_id != cached.chat.fan_id:
            for id, message in cached.messages.items():
                cached.messages[id] = replace(message, fan_id=cached.chat.fan_id)
        elif before.subscription == cached.chat.subscription:
            cached.changed()
            if shown == cached.fan_state() and _says_of(before) == _says_of(cached.chat):
                self._at(key).packed = None  # it was seen once more, and is the same
                return _Met.NOTHING_NEW
            self._changed(key)
            return _Met.TO_TELL
        cached.outdate(cached.conversations)
        self._changed(key)
        return _Met.TO_ENRICH

    def _move(self, slot: _Slot, key: Key) -> None:
        """Have a chat that was known under its fan's id under its own."""
        moved, cached = self._read(slot), self._open(key)
        left = (key[0], moved.chat.id)
        self._drop(left)
        change = self._changes.setdefault(left, Change())
        change.moved = True
        change.gone.update(dict.fromkeys(each.id for each in moved.conversations))
        cached.chat = joined(replace(moved.chat, id=key[1]), cached.chat)
        self._take(cached, (replace(m, chat_id=key[1]) for m in moved.messages.values()))
        cached.kept = moved.readings() | cached.kept
        self._changed(key)

    def _take(self, cached: CachedChat, arrived: Iterable[Message]) -> bool:
        """Put copies of messages together with what is held; whether they say anything new."""
        says_new = False
        for message in arrived:
            held = cached.messages.get(message.id)
            fan_id = cached.chat.fan_id
            own = message if message.fan_id == fan_id else replace(message, fan_id=fan_id)
            found = own if held is None else merged(held, own)
            if found == held:
                continue
            cached.messages[message.id] = found
            if held is None or _says(held) != _says(found):
                says_new = True
            if held is not None and says(held) != says(found):
                cached.kept.pop(message.id, None)
        if not says_new:  # what is known is newer now, and the same
            self._changed((cached.chat.creator_id, cached.chat.id))
        return says_new

    def _recut(self, key: Key, mark: Touched) -> None:
        cached = self._open(key)
        before = {c.id: c for c in cached.conversations}
        shown = {message.id: message for message in cached.ordered()}
        around = cached.contexts
        cached.cut(gap=self._gap, silence=self._silence)
        now = {c.id: c for c in cached.conversations}
        shows = {message.id: message for message in cached.ordered()}
        mark.new = [message for id, message in shows.items() if id not in shown]
        mark.removed = [message for id, message in shown.items() if id not in shows]
        both = ((message, shown[id]) for id, message in shows.items() if id in shown)
        mark.changed = [message for message, old in both if _says(message) != _says(old)]
        mark.gone = [id for id in before if id not in now]
        # A conversation's enrichment also speaks of what surrounds it: a renewal belongs to the last
        # conversation before it, a drop-off is withdrawn when the fan returns.
        cached.outdate(
            each
            for id, each in before.items()
            if now.get(id) != each or around.get(id) != cached.contexts.get(id)
        )
        mark.stale = cached.pending()
        change = self._changed(key)
        for id in mark.gone:
            change.written.pop(id, None)
            change.gone[id] = None
        for id in now:
            change.gone.pop(id, None)


class _Met(Enum):
    """What a chat's own facts say that was not known."""

    NOTHING_NEW = auto()
    TO_TELL = auto()  # pages and the inbox order
    TO_ENRICH = auto()  # what enrichment reads, too


def mark(cached: CachedChat, conversation: Conversation) -> int:
    """Tells the conversation, with what enrichment sees before it, from itself as it was at another time."""
    return hash((conversation, cached.contexts[conversation.id].previous_at))


def _has_failed(node: ExtendedConversationNode) -> bool:
    return any(each.failed for each in node.enrichment.values())


def _topics(node: ExtendedConversationNode) -> tuple[object, ...]:
    return node.topics, node.actionTopics, [each.topics for each in node.enrichment.values()]


def _with_topics(known: ExtendedConversationNode, node: ExtendedConversationNode) -> ExtendedConversationNode:
    enrichment = {
        id: each.model_copy(update={"topics": node.enrichment[id].topics})
        for id, each in known.enrichment.items()
    }
    own = {"topics": node.topics, "actionTopics": node.actionTopics, "models": node.models}
    return known.model_copy(update={**own, "enrichment": enrichment})


def _says_of(chat: Chat) -> Chat:
    """The chat without what is another each time that it is seen; its unread count is the fan's."""
    return replace(chat, seen_at=0.0, counted_at=0.0, unread=0)


def _says(message: Message) -> Message:
    """The message without what may differ between two copies of the same content."""
    return replace(message, raw=b"", changed_at=None, older=())
