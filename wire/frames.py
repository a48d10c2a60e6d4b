"""The frames of the platform's own socket: which of them are chat, and which tell of money.

The extension gives every frame an id of its own making and an empty `previews`; neither makes it a message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from wire.fields import identifier
from wire.notices import Fact, is_notification, kind_name, read_notification

DropKind: TypeAlias = str  # at most 40 of a-z and _

_KIND_OF: Mapping[str, DropKind] = {
    "typing": "typing",
    "counters": "counters",
    "chat_messages": "counters",
    "count_priority_chat": "counters",
    "unread_tips": "counters",
    "hasSystemNotifications": "counters",
    "toast": "toast",
    "toasts": "toast",
    "notification": "notification",
    "notifications": "notification",
}
_PEOPLE = frozenset({"fromUser", "toUser"})
_SAID = frozenset({"withUser", "isSentByMe", "media", "giphyId", "createdAt", "changedAt"})
_SOLD = frozenset({"price", "tipAmount", "isTip", "isFromQueue"})
_OF_A_MESSAGE = _PEOPLE | _SAID | _SOLD
# These are fields of a message that its own id names.
_CHANGED = frozenset({"isOpened", "isDeleted", "deletedAt", "isCanceled"})
_BESIDE_AN_ID = _CHANGED | {"queueId", "chat_id", "chatId"}
_MADE_ID = re.compile(r"msg_\d{13}_\d+")
_MADE = frozenset({"id", "previews"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """A frame that is not chat and tells no fact."""

    kind: DropKind


def unwrap(frame: Mapping[str, Any]) -> Mapping[str, Any] | Fact | Dropped:
    """The chat message in a frame (the frame itself, when it is one), the fact that it tells, or neither."""
    if isinstance(inner := frame.get("api2_chat_message"), dict):
        return _told(inner) if identifier(inner.get("id")) == "0" else inner
    if "new_message" in frame:
        inner = frame["new_message"]
        return _told(inner if isinstance(inner, dict) else {})
    if is_notification(frame):
        return _told(frame)
    if not _PEOPLE.isdisjoint(frame):
        return frame
    for key, kind in _KIND_OF.items():
        if key in frame:
            return Dropped(kind)
    if _is_message(frame):
        return frame
    return Dropped(kind_name(next((key for key in frame if key not in _MADE), None)))


def notification_of(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    """The notification in a frame that tells a fact, without what the way here has put around it."""
    inner = frame.get("new_message", frame.get("api2_chat_message"))
    return inner if isinstance(inner, dict) else frame


def _told(notification: Mapping[str, Any]) -> Fact | Dropped:
    told = read_notification(notification)
    if not isinstance(told, str):
        return told
    return Dropped("notification" if told == "other" else told)


def _is_message(frame: Mapping[str, Any]) -> bool:
    if not _OF_A_MESSAGE.isdisjoint(frame) or isinstance(frame.get("text", 0), str | None):
        return True
    own_id = identifier(frame.get("id"))
    return own_id is not None and not _MADE_ID.fullmatch(own_id) and not _BESIDE_AN_ID.isdisjoint(frame)
