"""Whose a message is: its chat, its fan, its direction. Pure."""

from collections import ChainMap, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from chats.chat import Chat
from chats.message import Direction
from steps import ROWS, Steps
from wire.fields import identifier, said_flag, user_id

Raw = Mapping[str, Any]

_SIDES = ("withUser", "fromUser", "toUser")


def _nowhere(message_id: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Places:
    """Which fan a chat is with, which chat a fan has, and which chats have a message of an id."""

    fan_of: Mapping[str, str] = field(default_factory=dict)  # by chat id
    chat_of: Mapping[str, str] = field(default_factory=dict)  # by fan id
    chats_with: Callable[[str], Sequence[str]] = _nowhere

    def knowing(self, chats: Iterable[Chat]) -> "Places":
        """The same with these chats, whose own ids come before what was known of their fans."""
        told = [chat for chat in chats if chat.is_named]
        fan_of = {chat.id: chat.fan_id for chat in told}
        chat_of = {c.fan_id: c.id for c in told if c.id != c.fan_id or c.fan_id not in self.chat_of}
        return Places(_laid_over(fan_of, self.fan_of), _laid_over(chat_of, self.chat_of), self.chats_with)


def _laid_over(above: dict[str, str], below: Mapping[str, str]) -> Mapping[str, str]:
    """Not copied: a page of one chat must not cost what all the chats do."""
    return ChainMap(above, cast(dict[str, str], below)) if above else below


NOWHERE = Places()


def find_place(
    chat: str | None, fan_id: str | None, message_id: str, places: Places
) -> tuple[str, str] | None:
    """(chat id, fan id) of a message, of which `chat` and `fan_id` are what is said; None: nothing is.

    One that names neither a chat nor a fan is in the one chat that has its id. None: nothing says where.
    """
    if chat is None and fan_id is None:
        known = places.chats_with(message_id)
        if len(known) != 1:
            return None
        chat = known[0]
    if chat is None:
        assert fan_id is not None, "one of the two is known"
        chat = places.chat_of.get(fan_id, fan_id)
    elif places.fan_of.get(chat, chat) == chat:  # it may be called after its fan
        chat = places.chat_of.get(chat, chat)
    return chat, places.fan_of.get(chat) or fan_id or chat


def named_chat(raw: Raw) -> str | None:
    """The chat's id, where the message names one."""
    named = identifier(raw["chat_id"]) if "chat_id" in raw else None
    return named or (identifier(raw["chatId"]) if "chatId" in raw else None)


def find_fan(raw: Raw, creator_id: str) -> str | None:
    """The fan's id, where the message or chat names one."""
    user = fan_object(raw, creator_id)
    return user_id(user) if user else None


def fan_object(raw: Raw, creator_id: str) -> dict[str, Any] | None:
    """The first user in a message or chat that is not the creator."""
    mine = said_flag(raw["isSentByMe"]) if "isSentByMe" in raw else None
    for key in _SIDES:
        if key not in raw or (key == "fromUser" and mine is True) or (key == "toUser" and mine is False):
            continue
        user = raw[key]
        if isinstance(user, dict) and user_id(user) not in (None, creator_id):
            return user
    return None


def direction_of(raw: Raw, creator_id: str) -> Direction | None:
    """Who wrote a message (docs/protocol.md); None when the message does not say."""
    if (mine := said_flag(raw.get("isSentByMe"))) is not None:
        return "creator" if mine else "fan"
    sender, recipient = user_id(raw.get("fromUser")), user_id(raw.get("toUser"))
    if sender is not None:
        return "creator" if sender == creator_id else "fan"
    if recipient is not None:
        return "fan" if recipient == creator_id else "creator"
    return None


def assumed_direction(raw: Raw) -> Direction:
    """Of a message that does not say who wrote it.

    A captured send is what the page sent, before the platform gave it a sender and a time.
    """
    captured = not any(raw.get(key) for key in ("fromUser", "toUser", "withUser", "createdAt"))
    return "creator" if captured else "fan"


def likely_creator(
    messages: Iterable[tuple[Raw, str | None]], creator_id: str, *, not_these: Collection[str | None]
) -> Steps[str | None]:
    """The id whose account these messages, each with the chat that it names, clearly are of; in steps.

    None as soon as one message has `creator_id` on either side. Else the id that wrote and was written to,
    among messages that name both sides, or wrote in a chat that is called after the other writer, or sent
    what is marked as sent by the account itself. Of several the one with most counterparts. Those of a chat
    list are fans: `not_these`.
    """
    counterparts: defaultdict[str, set[str]] = defaultdict(set)
    senders: set[str] = set()
    recipients: set[str] = set()
    own: set[str] = set()
    writers: defaultdict[str, set[str]] = defaultdict(set)  # by the chat that they name
    for position, (raw, chat_id) in enumerate(messages, 1):
        if position % ROWS == 0:
            yield
        sender, recipient = user_id(raw.get("fromUser")), user_id(raw.get("toUser"))
        if creator_id in (sender, recipient):
            return None
        if sender is not None and recipient is not None:  # who leaves one out may be anybody's
            senders.add(sender)
            recipients.add(recipient)
            counterparts[sender].add(recipient)
            counterparts[recipient].add(sender)
        if sender is not None and chat_id is not None:
            writers[chat_id].add(sender)
            counterparts[sender].add(chat_id)
        if sender is not None and said_flag(raw.get("isSentByMe")):
            own.add(sender)
    fans = {chat_id for chat_id, wrote in writers.items() if chat_id in wrote}
    own |= {sender for chat_id in fans for sender in writers[chat_id] - {chat_id}}
    candidates = (own | (senders & recipients)) - fans - set(not_these)
    # Of equals the older account, which has the smaller number.
    return min(candidates, default=None, key=lambda id: (-len(counterparts[id]), len(id), id))
