"""One user's chats: those in use opened, all others packed. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

from msgspec import structs

from chats.chat import Chat, joined
from chats.conversation import Conversation
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from chats.message import Message, merged
from history.chat import CachedChat, Understanding, says
from history.packing import Packed, pack, unpack

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
    stale: list[Conversation] = field(default_factory=list)  # to be enriched again
    gone: list[str] = field(default_factory=list)  # conversation ids that are no more

    @property
    def tells(self) -> bool:
        """Whether there is anything to be written or shown."""
        return bool(self.stale or self.gone or self.new or self.removed)


@dataclass(slots=True)
class _Slot:
    """A chat: opened, packed, or both as long as it is not changed."""

    opened: CachedChat | None = None
    packed: Packed | None = None


class Cache:
    """A user's chats by (creator id, chat id). `gap` and `silence` are seconds.

    A chat is opened when it is asked for and stays so until `close` packs it again.
    """

    def __init__(self, *, gap: float, silence: float) -> None:
        self._gap = gap
        self._silence = silence
        self._slots: dict[Key, _Slot] = {}
        self._opened: dict[Key, None] = {}  # the one used last comes last
        self._own: dict[Key, str] = {}  # by creator and fan: the id of a chat that has one of its own

    def creators(self) -> list[str]:
        return list(dict.fromkeys(creator_id for creator_id, _ in self._slots))

    def of(self, creator_id: str | None) -> Iterator[CachedChat]:
        """The chats of one creator, or all of them, to be read; packed ones are opened for the moment."""
        for key, slot in list(self._slots.items()):
            if creator_id in (None, key[0]):
                yield self._read(slot)

    def get(self, creator_id: str, chat_id: str) -> CachedChat | None:
        key = (creator_id, chat_id)
        return self._open(key) if key in self._slots else None

    def look(self, creator_id: str, chat_id: str) -> CachedChat | None:
        """The chat to be read: a packed one is opened for the moment."""
        slot = self._slots.get((creator_id, chat_id))
        return self._read(slot) if slot else None

    def fans(self, creator_id: str | None) -> list[FanState]:
        """The fan of every chat of one creator, or of all."""
        return [
            slot.packed.fan if slot.packed else self._read(slot).fan_state()
            for (owner, _), slot in self._slots.items()
            if creator_id in (None, owner)
        ]

    def size(self, creator_id: str) -> int:
        """How many messages the creator's chats have."""
        return sum(
            slot.packed.messages if slot.packed else len(self._read(slot).ordered())
            for (owner, _), slot in self._slots.items()
            if owner == creator_id
        )

    def conversations(self, creator_id: str) -> int:
        """How many conversations the creator's chats have."""
        return sum(
            slot.packed.conversations if slot.packed else len(self._read(slot).conversations)
            for (owner, _), slot in self._slots.items()
            if owner == creator_id
        )

    def merge(self, chats: Iterable[Chat], messages: Iterable[Message]) -> list[Touched]:
        """Take in what arrived: new messages, edits, deletions and the chats' own facts.

        A message that says nothing new is ignored. Returns a `Touched` for every chat something changed in,
        with its conversations cut anew.
        """
        touched: dict[Key, Touched] = {}
        told = list(chats)
        for chat in told:
            if chat.id != chat.fan_id:
                self._own.setdefault((chat.creator_id, chat.fan_id), chat.id)
        for chat in map(self._placed, told):
            key = (chat.creator_id, chat.id)
            if self._meet(chat):
                touched.setdefault(key, Touched(chat.id))
            if chat.id != chat.fan_id and (moved := self._slots.get((chat.creator_id, chat.fan_id))):
                self._move(moved, key)
                touched[key] = Touched(chat.id, renamed=True)
        by_chat: dict[Key, list[Message]] = {}
        for message in map(self._placed, messages):
            by_chat.setdefault((message.creator_id, message.chat_id), []).append(message)
        for key, arrived in by_chat.items():
            first = arrived[0]
            if key not in self._slots:
                self._add(Chat(id=first.chat_id, creator_id=first.creator_id, fan_id=first.fan_id))
            if self._take(self._open(key), arrived):
                touched.setdefault(key, Touched(key[1]))
        for key, mark in touched.items():
            self._recut(key, mark)
        return [mark for mark in touched.values() if mark.renamed or mark.tells]

    def pending(self, creator_id: str) -> list[Conversation]:
        """The creator's conversations that have no enriched node for their present shape."""
        return [
            conversation
            for (owner, _), slot in list(self._slots.items())
            if owner == creator_id and (slot.packed is None or not slot.packed.complete)
            for conversation in self._read(slot).pending()
        ]

    def failed(self) -> Iterator[CachedChat]:
        """The chats with messages on which enrichment failed, to be read."""
        for slot in list(self._slots.values()):
            if (slot.packed is None or slot.packed.failed) and (cached := self._read(slot)).failed():
                yield cached

    def forget(self, creator_id: str, chat_id: str, conversation_ids: Iterable[str]) -> None:
        """Have conversations enriched again."""
        key, ids = (creator_id, chat_id), set(conversation_ids)
        cached = self._open(key)
        cached.outdate(each for each in cached.conversations if each.id in ids)
        self._changed(key)

    def store(self, node: EnrichedConversation) -> None:
        """Keep an enriched conversation, unless the conversation is no more."""
        key = (node.creator_id, node.chat_id)
        if key in self._slots:
            cached = self._open(key)
            if any(c.id == node.id for c in cached.conversations):
                cached.store(node)
                self._changed(key)

    def understandings(self, nodes: Iterable[EnrichedConversation]) -> Iterator[Understanding]:
        """What `recall` takes, for these nodes of the chats as they are; best chat by chat."""
        for key, own in groupby(nodes, key=lambda node: (node.creator_id, node.chat_id)):
            if (cached := self.look(*key)) is not None:
                now = {each.id: each for each in cached.conversations}
                for node in own:
                    if (conversation := now.get(node.id)) is not None:
                        yield cached.understanding(conversation, node)

    def recall(self, key: Key, found: Sequence[Understanding]) -> bool:
        """Take in what was understood of a chat before this process began, as far as it still holds.

        Returns whether a conversation has another node by it than the checkpoint has.
        """
        if key not in self._slots:
            return False
        cached = self._open(key)
        kept = dict(cached.kept)
        changed = cached.recall(found)
        if changed or cached.kept != kept:  # else it stays packed as it is
            self._changed(key)
        return changed

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
        now = {each.id: each for each in cached.conversations}
        changed: dict[str, EnrichedConversation] = {}
        for node in found:
            id = node.id
            known = cached.nodes.get(id)
            if known is None or id not in now or mark(cached, now[id]) != seen.get(id):
                continue
            if not known.has_failed and not node.has_failed and _topics(known) != _topics(node):
                changed[id] = _with_topics(known, node)
        if changed:
            key = (creator_id, chat_id)
            self._open(key).nodes.update(changed)
            self._changed(key)
        return list(changed.values())

    # At rest

    def load(self, key: Key, packed: Packed, *, enriched: bool) -> None:
        """Take in a chat at rest; when not `enriched`, without what enrichment said of it."""
        self._slots[key] = _Slot(packed=packed)
        if key[1] != packed.fan.fan_id:
            self._own.setdefault((key[0], packed.fan.fan_id), key[1])
        if not enriched:
            cached = self._open(key)
            cached.nodes.clear()
            cached.kept.clear()
            self._changed(key)
            self.close(key)

    def unpacked(self) -> list[Key]:
        """The chats that were changed since they were packed last."""
        return [key for key, slot in self._slots.items() if slot.packed is None]

    def pack(self, key: Key) -> Packed:
        slot = self._slots[key]
        slot.packed = slot.packed or pack(self._read(slot))
        return slot.packed

    def beyond(self, messages: int) -> list[Key]:
        """The opened chats that were not used for longest, without the last ones that hold `messages`."""
        held = 0
        found: list[Key] = []
        for key in reversed(self._opened):
            held += len(self._read(self._slots[key]).messages)
            if held > messages:
                found.append(key)
        return found

    def close(self, key: Key) -> None:
        """Keep the chat in its packed form only."""
        self.pack(key)
        self._slots[key].opened = None
        self._opened.pop(key, None)

    def packed(self) -> list[tuple[Key, Packed]]:
        """Every chat at rest; those that are not are packed."""
        return [(key, self.pack(key)) for key in self._slots]

    # Inside

    def _placed(self, told: Told) -> Told:
        """A chat or message that is told of under the fan's id, under the chat's own."""
        own = self._own.get((told.creator_id, told.fan_id))
        if own is None or told.fan_id != (told.id if isinstance(told, Chat) else told.chat_id):
            return told
        return replace(told, id=own) if isinstance(told, Chat) else replace(told, chat_id=own)

    def _add(self, chat: Chat) -> None:
        key = (chat.creator_id, chat.id)
        self._slots[key] = _Slot(opened=CachedChat(chat))
        self._opened[key] = None

    def _open(self, key: Key) -> CachedChat:
        slot = self._slots[key]
        self._opened.pop(key, None)
        self._opened[key] = None
        if slot.opened is None:
            slot.opened = self._read(slot)
        return slot.opened

    def _read(self, slot: _Slot) -> CachedChat:
        if slot.opened is not None:
            return slot.opened
        assert slot.packed is not None, "a chat is opened, packed, or both"
        return unpack(slot.packed, gap=self._gap, silence=self._silence)

    def _changed(self, key: Key) -> None:
        self._open(key).changed()
        self._slots[key].packed = None

    def _meet(self, chat: Chat) -> bool:
        """Keep a chat's facts; True when they differ in what enrichment reads."""
        key = (chat.creator_id, chat.id)
        if key not in self._slots:
            self._add(chat)
            return True
        cached = self._open(key)
        before, cached.chat = cached.chat, joined(cached.chat, chat)
        if before == cached.chat:
            return False
        self._changed(key)
        if before.fan_id != cached.chat.fan_id:
            for id, message in cached.messages.items():
                cached.messages[id] = replace(message, fan_id=cached.chat.fan_id)
        elif before.subscription == cached.chat.subscription:
            return False
        cached.outdate(cached.conversations)
        return True

    def _move(self, slot: _Slot, key: Key) -> None:
        """Have a chat that was known under its fan's id under its own."""
        moved, cached = self._read(slot), self._open(key)
        self._slots.pop((key[0], moved.chat.id))
        self._opened.pop((key[0], moved.chat.id), None)
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
        self._changed(key)


def mark(cached: CachedChat, conversation: Conversation) -> int:
    """Tells the conversation, with what enrichment sees before it, from itself as it was at another time."""
    return hash((conversation, cached.contexts[conversation.id].previous_at))


def _topics(node: EnrichedConversation) -> tuple[object, ...]:
    return node.topics, node.action_topics, [each.topics for each in node.messages.values()]


def _with_topics(known: EnrichedConversation, node: EnrichedConversation) -> EnrichedConversation:
    messages = {
        id: structs.replace(each, topics=node.messages[id].topics) for id, each in known.messages.items()
    }
    return structs.replace(
        known, topics=node.topics, action_topics=node.action_topics, models=node.models, messages=messages
    )


def _says(message: Message) -> Message:
    """The message without what may differ between two copies of the same content."""
    return replace(message, raw=b"", changed_at=None, older=())
