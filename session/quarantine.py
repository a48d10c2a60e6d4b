"""Keeps what is held (input that could not be placed or read), and finds it by message. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import orjson

from chats.conversation import ECHO_SECONDS
from chats.message import Message
from history.checkpoints import Aside
from session.erasure import Tombstones
from wire.fields import identifier
from wire.normalise import Held
from wire.place import find_fan, named_chat
from wire.text import plain_text

Name = tuple[str, str]  # creator id, and the id or text of a message


class Quarantine:
    """A user's: at most `most` of one creator, of which the oldest go.

    `held` is in the order in which it was set aside. It is found by the message's id, and a captured send
    that nothing says the chat of (an id and a text alone) by its text too: its echo has another id.
    """

    def __init__(self, most: int, dropped: Counter[str]) -> None:
        self._most = most
        self._dropped = dropped  # by kind: those that had to go are counted in it
        self._under: dict[Name, dict[str, None]] = {}  # (creator, message id) -> keys
        self._captured: dict[Name, dict[str, None]] = {}  # (creator, text) -> keys
        self._of: dict[str, dict[str, None]] = {}  # creator -> keys, oldest first
        self.held: dict[str, Aside] = {}

    def hold(self, aside: Aside) -> None:
        """Keep it; what is held already stays as it is."""
        held, key = aside.held, key_of(aside.creator_id, aside.held)
        if key in self.held:
            return
        self.held[key] = aside
        own = self._of.setdefault(aside.creator_id, {})
        own[key] = None
        if held.id is not None:
            self._under.setdefault((aside.creator_id, held.id), {})[key] = None
        if text := captured_text(held):
            self._captured.setdefault((aside.creator_id, text), {})[key] = None
        if len(own) > self._most:
            self.release([next(iter(own))])
            self._dropped["held_too_many"] += 1

    def release(self, keys: Iterable[str]) -> None:
        """Keep it no longer."""
        for key in keys:
            if (aside := self.held.pop(key, None)) is None:
                continue
            creator_id, held = aside.creator_id, aside.held
            self._of[creator_id].pop(key)
            if held.id is not None:
                _drop(self._under, (creator_id, held.id), key)
            if text := captured_text(held):
                _drop(self._captured, (creator_id, text), key)

    def of_erased(self, marks: Tombstones) -> list[str]:
        """The keys of what is held of somebody erased, as far as it says of whom it is."""
        covering = {creator_id: marks.covering(creator_id) for creator_id, keys in self._of.items() if keys}
        return [
            key
            for key, aside in self.held.items()
            if covering[aside.creator_id](*ids_in(aside.creator_id, aside.held))
        ]

    def older(self, creator_id: str, before: float) -> list[str]:
        """The keys of what was set aside of a creator before a time (epoch seconds)."""
        return [key for key in self._of.get(creator_id, ()) if self.held[key].received_at < before]

    def under(self, creator_id: str, message_id: str, chats: Sequence[str]) -> list[str]:
        """The keys of what is held under a message's id and speaks of it, which is in these chats.

        What names no chat speaks of it only where one chat alone has that id.
        """
        keys = self._under.get((creator_id, message_id))
        if not keys:
            return []
        alone = len(chats) == 1
        return [key for key in keys if alone or self.held[key].held.reason != "no_chat"]

    def captured_of(self, message: Message) -> str | None:
        """The key of a captured send that is held and of which this message is the echo."""
        if not self._captured or message.direction != "creator" or not message.is_direct:
            return None
        keys = self._captured.get((message.creator_id, message.text), ())
        near = (k for k in keys if abs(message.at - self.held[k].received_at) <= ECHO_SECONDS)
        return next(near, None)


def key_of(creator_id: str, held: Held) -> str:
    """What something held is called: the same thing received again has the same key."""
    return hashlib.blake2b(creator_id.encode() + b"\0" + held.raw, digest_size=12).hexdigest()


def ids_in(creator_id: str, held: Held) -> list[str]:
    """The ids of the chat and the fan that something held names."""
    raw = orjson.loads(held.raw)
    if not isinstance(raw, dict):
        return []
    own = identifier(raw.get("id")) if held.is_chat else None
    return [id for id in (own, named_chat(raw), find_fan(raw, creator_id)) if id is not None]


def captured_text(held: Held) -> str | None:
    """The text of a captured send that nothing says the chat of; None when it is something else."""
    if held.reason != "no_chat" or held.is_chat or held.id is None:
        return None
    raw = orjson.loads(held.raw)
    captured = isinstance(raw.get("text"), str) and not raw.get("createdAt")
    return plain_text(raw["text"]) if captured else None


def _drop(mapping: dict[Name, dict[str, None]], name: Name, key: str) -> None:
    """Take a key out, and its name with the last."""
    keys = mapping.get(name, {})
    keys.pop(key, None)
    if not keys:
        mapping.pop(name, None)
