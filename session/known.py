"""What an owner knows of the messages of one creator, and where each fan's chat is. Pure.

What an input changes is noted, so that it can be taken back when the journal does not take the input.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, TypeVar

from msgspec import structs

from chats.bundle import Bundle, Messages, placed
from chats.chat import Chat
from chats.message import Message, Version
from steps import ROWS, Steps
from wire.normalise import Normalised, chat_of
from wire.place import Places, Raw

T = TypeVar("T")


class Notes:
    """Changes of dictionaries, each with what was there before."""

    def __init__(self) -> None:
        # Side by side: a large input changes some hundred thousand.
        self._mappings: list[dict[Any, Any]] = []
        self._keys: list[Any] = []
        self._before: list[Any] = []

    def set(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        """Set a value (None: remove it)."""
        self._mappings.append(mapping)
        self._keys.append(key)
        self._before.append(mapping.get(key))
        _put(mapping, key, value)

    def undo(self) -> None:
        """Everything as it was, provided that whatever was changed after it is undone already."""
        while self._before:
            _put(self._mappings.pop(), self._keys.pop(), self._before.pop())


class Known:
    """One creator's messages by chat, and the chats by message and by fan."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[str, Version]] = {}  # chat id -> message id -> what is known of it
        self._chats_with: dict[str, tuple[str, ...]] = {}  # message id -> chat ids
        self._alone: dict[str, tuple[str, ...]] = {}  # chat id -> that id alone, made once
        self._shared: dict[Version, Version] = {}  # most messages are known in one of a few ways
        self._fan_of: dict[str, str] = {}  # chat id -> fan id
        self._chat_of: dict[str, str] = {}  # fan id -> chat id
        self.places = Places(self._fan_of, self._chat_of, self.chats_with)

    def chats_with(self, message_id: str) -> Sequence[str]:
        """The chats that have a message of that id."""
        return self._chats_with.get(message_id, ())

    def add(self, chat_id: str, fan_id: str, versions: Mapping[str, Version]) -> None:
        """A chat that the owner holds, with what is known of each of its messages."""
        if fan_id != chat_id:  # else it may be that nothing named the fan yet
            self._fan_of[chat_id] = fan_id
            self._chat_of.setdefault(fan_id, chat_id)
        known, notes = self._versions.setdefault(chat_id, {}), Notes()
        for id, version in versions.items():
            known[id] = self._once(version)
            self._place(id, chat_id, notes)

    def ids_with(self, id: str) -> list[str]:
        """The ids of the fan and the chats that the id of a fan or chat stands for, itself among them."""
        pairs = ((chat, fan) for chat, fan in self._fan_of.items() if id in (chat, fan))
        chat = self._chat_of.get(id)
        return list(
            dict.fromkeys([id, *(each for pair in pairs for each in pair), *([chat] if chat else [])])
        )

    def held_of(self, covers: Callable[..., bool]) -> dict[str, int]:
        """How many messages are known of each chat that is erased."""
        ids = dict.fromkeys([*self._versions, *self._fan_of])
        gone = (id for id in ids if covers(id, self._fan_of.get(id, id)))
        return {id: len(self._versions.get(id, ())) for id in gone}

    def erase(self, covers: Callable[..., bool]) -> None:
        """Know no more of what is erased."""
        for chat_id in self.held_of(covers):
            for id in self._versions.pop(chat_id, ()):
                others = tuple(each for each in self._chats_with.get(id, ()) if each != chat_id)
                _put(self._chats_with, id, others or None)
            self._fan_of.pop(chat_id, None)
            self._alone.pop(chat_id, None)
        for fan_id in [fan for fan, chat in self._chat_of.items() if covers(fan, chat)]:
            del self._chat_of[fan_id]

    def take(
        self,
        normalised: Normalised,
        received_at: float,
        set_aside: Callable[[str, str], Sequence[Message]],
        met: Callable[[Message], None],
        notes: Notes,
    ) -> Steps[tuple[Messages, tuple[Chat, ...]]]:
        """The messages that say something which is not known yet, and the chats that they or a list tell of.

        From now on all of it is known. A message that says nothing new is not journaled, so its account of
        the fan does not count. `set_aside` gives what was set aside of a message (chat id, message id) that
        has a place now, such as that it was deleted. `met` is called with every message that is new.
        """
        messages = normalised.messages
        first: list[Message] = []
        last: deque[Message] = deque()
        implied = (chat for chat in normalised.implied if chat.fan_id != chat.id)
        named = {chat.id: chat.fan_id for chat in implied if self._fan_of.get(chat.id) != chat.fan_id}
        for position, chat in enumerate(normalised.chats):
            if position % ROWS == 0:
                yield
            for id in self._learn(chat, notes):  # what two chats had is one message now
                first += set_aside(chat.id, id)
        arrived = chain(zip(repeat(None), first), placed(messages), zip(repeat(None), _drained(last)))
        bundled = isinstance(messages, Bundle)
        fresh: list[Message] = []  # that are in no bundle
        old: set[int] = set()  # places of what says nothing new
        moved: dict[int, str] = {}  # by place
        told: dict[str, list[tuple[Message, Raw | None]]] = {}
        for position, (place, message) in enumerate(arrived, 1):
            if position % ROWS == 0:
                yield
            account = None if place is None else normalised.accounts.get(place)
            names_fan = named.get(message.chat_id) == message.fan_id  # the first to say whose chat it is
            if message.chat_id == message.fan_id != self._chat_of.get(message.fan_id, message.fan_id):
                # Learnt from what came with it.
                message = structs.replace(message, chat_id=self._chat_of[message.fan_id])
                if place is not None:
                    moved[place] = message.chat_id
            chat_id = message.chat_id
            known = self._versions.setdefault(chat_id, {})
            version, before = message.version, known.get(message.id)
            if before is not None and not version.brings(before) and not names_fan:
                if place is not None:
                    old.add(place)
                continue
            if names_fan:
                named.pop(chat_id)
            if before is None:
                self._place(message.id, chat_id, notes)
            notes.set(known, message.id, self._once(version if before is None else before.joined(version)))
            met(message)
            if place is None or not bundled:
                fresh.append(message)
            accounts = told.setdefault(chat_id, [])
            if not accounts or account not in (None, accounts[-1][1]):
                accounts.append((message, account))
            if aside := set_aside(chat_id, message.id):
                last.extend(aside)
        chats = list(normalised.listed)
        for own in told.values():
            chats += (chat_of(*each, received_at) for each in own)
            yield
        if not isinstance(messages, Bundle):
            return fresh, tuple(chats)
        found = yield from messages.without(old, moved)
        for message in fresh:
            found.append(message)
        return found, tuple(chats)

    def _learn(self, chat: Chat, notes: Notes) -> Iterable[str]:
        """Where a fan's chat is: under an id of its own, as soon as one is known.

        Returns the ids of the messages that are under it now.
        """
        if not chat.is_named:
            return ()
        renamed: Iterable[str] = ()
        known = self._chat_of.get(chat.fan_id)
        if known is None or (known == chat.fan_id != chat.id):
            notes.set(self._chat_of, chat.fan_id, chat.id)
        if chat.id != chat.fan_id and (moved := self._versions.get(chat.fan_id)) is not None:
            there = dict(self._versions.get(chat.id, {}))
            for id, version in moved.items():
                there[id] = self._once(there[id].joined(version) if id in there else version)
                self._place(id, chat.id, notes, instead_of=chat.fan_id)
            renamed = moved
            notes.set(self._versions, chat.id, there)
            notes.set(self._versions, chat.fan_id, None)
            notes.set(self._fan_of, chat.fan_id, None)
        is_renamed = chat.id == chat.fan_id != self._chat_of[chat.fan_id]
        if self._fan_of.get(chat.id) != chat.fan_id and not is_renamed:
            notes.set(self._fan_of, chat.id, chat.fan_id)
        return renamed

    def _place(self, message_id: str, chat_id: str, notes: Notes, *, instead_of: str | None = None) -> None:
        """The chat has a message of that id, and the other one has it no more."""
        before = self._chats_with.get(message_id, ())
        others = tuple(each for each in before if each not in (chat_id, instead_of))
        alone = self._alone.setdefault(chat_id, (chat_id,))
        notes.set(self._chats_with, message_id, (*others, chat_id) if others else alone)

    def _once(self, version: Version) -> Version:
        """The version, with equal ones as one object where they are many, and equal times in it always."""
        if not version.changed_at:
            return self._shared.setdefault(version, version)
        at, opened_at, sender_at = version.changed_at, version.opened_at, version.sender_at
        if at not in (opened_at, sender_at):
            return version
        opened_at, sender_at = (at if each == at else each for each in (opened_at, sender_at))
        return structs.replace(version, opened_at=opened_at, sender_at=sender_at)


def _drained(waiting: deque[T]) -> Iterator[T]:
    while waiting:
        yield waiting.popleft()


def _put(mapping: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
