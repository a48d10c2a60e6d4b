"""The platform's own shapes: users, chats and messages as its API and its socket give them. Seeded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from samples.personas import FIRST_NAMES, HANDLES, Creator
from samples.phrasing import platform_html
from samples.script import Step

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of the samples: a step of a script at its time. `opened_at`: when it was paid for."""

    id: int
    fan_id: int
    at: datetime
    step: Step
    queue_id: int | None = None
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Times at which the fan paid, oldest first, and when it ends."""

    paid: tuple[datetime, ...]
    expires: datetime
    expired: bool


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def fan_user(fan_id: int, random: Random) -> Raw:
    """A fan's account; not everybody has a picture or a display name."""
    handle = f"{random.choice(HANDLES)}{fan_id % 1000}"
    picture = f"https://media.example.com/avatars/{fan_id}.jpg" if random.random() < 0.8 else None
    user: Raw = {
        "id": fan_id,
        "name": random.choice(FIRST_NAMES),
        "username": handle,
        "avatar": picture,
        "avatarThumbs": {"c50": picture, "c144": picture} if picture else None,
        "isVerified": False,
        "canReceiveChatMessage": True,
    }
    if random.random() < 0.7:
        user["displayName"] = user["name"]
    return user


def chat(user: Raw, subscription: Subscription | None, unread: int, price: float, random: Random) -> Raw:
    """A chat of the chat list: it has no id of its own (or a useless one)."""
    with_user = dict(user)
    if subscription is not None:
        with_user["subscribedOn"] = not subscription.expired
        with_user["subscribedOnExpiredNow"] = subscription.expired
        with_user["subscribedOnData"] = {
            "price": price,
            "subscribeAt": iso(subscription.paid[0]),
            "expiredAt": iso(subscription.expires),
            "renewedAt": iso(subscription.paid[-1]) if len(subscription.paid) > 1 else None,
            "subscribes": [
                {
                    "id": int(paid.timestamp()),
                    "startDate": iso(paid),
                    "expireDate": iso(paid + timedelta(days=30)),
                    "price": price,
                    "type": "auto",
                }
                for paid in subscription.paid
            ],
        }
    raw: Raw = {"withUser": with_user, "unreadMessagesCount": unread, "canSendMessage": True}
    if unread == 0 and random.random() < 0.5:
        del raw["unreadMessagesCount"]
    if random.random() < 0.05:
        raw["id"] = "unknown"
    return raw


def message(sent: Sent, creator: Creator, user: Raw, random: Random, *, live: bool) -> Raw:
    """A message as the platform gives it; `live` ones come with the sender's account."""
    step = sent.step
    changed = sent.opened_at or sent.at
    raw: Raw = {
        "responseType": "message",
        "id": sent.id,
        "text": f"<p>{step.text}</p>" if step.tip else platform_html(step.text, random),
        "giphyId": "xT4uQulxzV39haRFjG" if "gif" in step.media else None,
        "price": int(step.price) if step.price == int(step.price) else step.price,
        "isFree": step.price == 0,
        "isOpened": sent.opened_at is not None or step.price == 0,
        "media": [
            {"id": sent.id * 10 + n, "type": kind, "createdAt": None, "canView": step.price == 0}
            for n, kind in enumerate(step.media)
            if kind != "gif"
        ],
        "previews": _previews(sent, random),
        "isTip": step.tip > 0,
        "isFromQueue": sent.queue_id is not None,
        "queueId": sent.queue_id,
        "createdAt": iso(sent.at),
        "changedAt": iso(changed),
    }
    if step.tip and random.random() < 0.5:
        raw["tipAmount"] = step.tip
    if step.direction == "creator":
        raw["toUser"] = {"id": sent.fan_id}
        if random.random() < 0.3:
            raw["fromUser"] = {"id": creator.id, "name": creator.name, "username": creator.username}
    else:
        raw["fromUser"] = dict(user) if live or random.random() < 0.1 else {"id": sent.fan_id}
    return _with_gaps(raw, random, live=live)


def _previews(sent: Sent, random: Random) -> list[Any]:
    if not sent.step.price:
        return []
    first = sent.id * 10
    return [first] if random.random() < 0.5 else [{"id": first, "type": "photo"}]


def _with_gaps(raw: Raw, random: Random, *, live: bool) -> Raw:
    """Leave out or null some fields, as clients of different versions do."""
    for name in ("giphyId", "previews", "queueId", "isTip", "isFree"):
        if not raw[name] and random.random() < 0.1:
            del raw[name]
    if not live and random.random() < 0.01 and raw["changedAt"] == raw["createdAt"]:
        raw["createdAt"] = None
    return raw
