"""The frames of the platform's own socket: which of them are chat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wire.fields import number

DropKind = Literal["typing", "counters", "toast", "notification", "other"]

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
_OF_A_MESSAGE = frozenset({"id", "text", "fromUser", "toUser", "media", "createdAt"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """A frame that is not chat."""

    kind: DropKind


def unwrap(frame: Mapping[str, Any]) -> Mapping[str, Any] | Dropped:
    """The chat message inside one frame (the frame itself, when it is one), or what else the frame is."""
    for wrapper in ("api2_chat_message", "new_message"):
        if isinstance(inner := frame.get(wrapper), dict):
            return Dropped("notification") if _is_notification(inner) else inner
    for key, kind in _KIND_OF.items():
        if key in frame:
            return Dropped(kind)
    if not _OF_A_MESSAGE & frame.keys():
        return Dropped("other")
    return Dropped("notification") if _is_notification(frame) else frame


def _is_notification(message: Mapping[str, Any]) -> bool:
    """The platform's own notices come as messages with the id 0."""
    return number(message.get("id")) == 0
