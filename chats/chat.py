"""What the service knows of one chat beside its messages. Pure."""

from dataclasses import dataclass, replace
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Chat:
    """What the platform says of a chat. `id` is the fan's unless it has its own; times are epoch seconds."""

    id: str
    creator_id: str
    fan_id: str
    unread: int = 0  # the client's own count of what came up to `counted_at`
    seen_at: float = 0.0  # when a snapshot last showed it; 0: only messages told of it
    subscribed_at: float | None = None
    expires_at: float | None = None  # the subscription's end, past or future
    is_expired: bool = False
    renewals: tuple[tuple[float, float | None], ...] = ()  # (time, amount) of each renewal
    with_user: bytes | None = None  # the fan as received, JSON
    counted_at: float = 0.0  # 0: no client has told a count
    can_send: bool | None = None  # whether the platform lets the creator write; None: not said
    total_spend: float | None = None  # the fan's lifetime total as the platform states it
    is_named: bool = True  # whether anything names the fan; else the fan's id is the chat's own

    @property
    def subscription(self) -> tuple[object, ...]:
        """What enrichment reads of it."""
        return (self.subscribed_at, self.expires_at, self.is_expired, self.renewals)

    @property
    def _tells_of_subscription(self) -> bool:
        return any(each for each in self.subscription)


def joined(known: Chat, told: Chat) -> Chat:
    """What is known of a chat when it is told of once more.

    A thin account never wipes a full one. What a snapshot says replaces what was known before it; what a
    message implies only adds. The unread count is the one that covers the newest messages.
    """
    newer, older = (told, known) if told.seen_at >= known.seen_at else (known, told)
    if not told.seen_at:  # told by a message: it says nothing of now
        newer, older = known, told
    about = newer if newer._tells_of_subscription else older
    counted = newer if newer.counted_at and newer.counted_at >= older.counted_at else older
    totals = [chat.total_spend for chat in (known, told) if chat.total_spend is not None]
    return replace(
        newer,
        fan_id=newer.fan_id if newer.is_named else older.fan_id,
        is_named=newer.is_named or older.is_named,
        unread=counted.unread,
        counted_at=counted.counted_at,
        subscribed_at=about.subscribed_at,
        expires_at=about.expires_at,
        is_expired=about.is_expired,
        renewals=tuple(sorted({*known.renewals, *told.renewals}, key=lambda each: (each[0], each[1] or 0.0))),
        with_user=_user(older.with_user, newer.with_user),
        can_send=older.can_send if newer.can_send is None else newer.can_send,
        total_spend=max(totals, default=None),
    )


def _user(older: bytes | None, newer: bytes | None) -> bytes | None:
    """One account out of two: every field that is said, as the newer one says it."""
    if older is None or newer is None or older == newer:
        return newer or older
    below: dict[str, Any] = orjson.loads(older)
    above: dict[str, Any] = orjson.loads(newer)
    both = orjson.dumps({**below, **{key: value for key, value in above.items() if value is not None}})
    return bytes(memoryview(both))  # a copy: what orjson returns holds on to kilobytes
