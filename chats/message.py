"""What the service knows of one message and one chat, after the platform's shapes are normalised.

Pure values: no IO, no clock. Times are seconds since the epoch, UTC; ids are strings; money is in the
platform's currency unit (dollars).
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["fan", "creator"]
MediaKind = Literal["photo", "video", "audio", "gif", "other"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat between one creator and one fan."""

    id: str
    creator_id: str
    chat_id: str
    fan_id: str
    direction: Direction
    at: float
    text: str = ""  # plain text: tags stripped, entities resolved; "" when there is none
    price: float = 0.0  # > 0: pay-per-view
    is_opened: bool = False  # a priced message the fan has paid for
    tip: float = 0.0  # > 0: the message is a tip of that amount
    media: tuple[MediaKind, ...] = ()
    is_mass: bool = False  # sent to many fans at once
    changed_at: float | None = None  # a newer one with the same id is an edit
    is_deleted: bool = False
    raw: bytes = b"{}"  # the message as received, JSON

    @property
    def order(self) -> tuple[float, int, str]:
        """Sort key inside a chat: time, then id (numerically where both are numbers: shorter first)."""
        return (self.at, len(self.id), self.id)


@dataclass(frozen=True, slots=True)
class Chat:
    """What the platform says of a chat beside its messages. `id` is the fan's id unless it has its own."""

    id: str
    creator_id: str
    fan_id: str
    unread: int = 0  # the client's own count at `seen_at`
    seen_at: float = 0.0
    subscribed_at: float | None = None
    expires_at: float | None = None  # the subscription's end, past or future
    is_expired: bool = False
    renewals: tuple[tuple[float, float | None], ...] = ()  # (time, amount) of each renewal
    with_user: bytes | None = None  # the fan as received, JSON
