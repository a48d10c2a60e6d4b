"""Whose a message is: its chat, its fan, its direction. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chats.message import Chat, Direction
from wire.fields import identifier, user_id

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Which fan a chat is with, and which chat a fan has: both ways of chats already known."""

    fan_of: Mapping[str, str] = field(default_factory=dict)  # by chat id
    chat_of: Mapping[str, str] = field(default_factory=dict)  # by fan id

    @classmethod
    def of(cls, chats: Iterable[Chat]) -> "Places":
        known = list(chats)
        return cls({chat.id: chat.fan_id for chat in known}, {chat.fan_id: chat.id for chat in known})


NOWHERE = Places()


def find_place(raw: Raw, creator_id: str, chat_id: str | None, places: Places) -> tuple[str, str] | None:
    """(chat id, fan id) of a message; `chat_id` is used when it names no chat. None: nothing says where."""
    fan_id = find_fan(raw, creator_id)
    chat = identifier(raw.get("chat_id")) or identifier(raw.get("chatId")) or chat_id
    if chat is None and fan_id is not None:
        chat = places.chat_of.get(fan_id, fan_id)
    if chat is None:
        return None
    return chat, places.fan_of.get(chat) or fan_id or chat


def find_fan(raw: Raw, creator_id: str) -> str | None:
    """The fan's id, where the message or chat names one."""
    user = fan_object(raw, creator_id)
    return user_id(user) if user else None


def fan_object(raw: Raw, creator_id: str) -> dict[str, Any] | None:
    """The first user in a message or chat that is not the creator."""
    for key in ("withUser", "fromUser", "toUser"):
        user = raw.get(key)
        if isinstance(user, dict) and user_id(user) not in (None, creator_id):
            return user
    return None


def direction_of(raw: Raw, creator_id: str) -> Direction:
    """Who wrote a message: docs/protocol.md."""
    sender, recipient = user_id(raw.get("fromUser")), user_id(raw.get("toUser"))
    if sender is not None:
        return "creator" if sender == creator_id else "fan"
    if recipient is not None:
        return "fan" if recipient == creator_id else "creator"
    # A captured send is what the page sent, before the platform gave it a sender and a time.
    captured = not any(raw.get(key) for key in ("fromUser", "toUser", "withUser", "createdAt"))
    return "creator" if captured else "fan"
