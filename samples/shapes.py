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
    """One message of the samples: a step of a script at its time.

    `opened_at`: when it was paid for; `is_untold`: only `isOpened` says so, `changedAt` stays.
    """

    id: int
    fan_id: int
    at: datetime
    step: Step
    queue_id: int | None = None
    opened_at: datetime | None = None
    is_untold: bool = False

    @property
    def is_direct(self) -> bool:
        return self.queue_id is None and not self.step.tip


@dataclass(frozen=True, slots=True)
class Subscription:
    """Times at which the fan paid, oldest first, and when it ends."""

    paid: tuple[datetime, ...]
    expires: datetime
    expired: bool


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def fan_user(fan_id: int, random: Random, *, is_creator: bool) -> Raw:
    """A fan's account; not everybody has a picture or a display name, and some are creators themselves."""
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
    if is_creator:
        user["canEarn"] = user["isPerformer"] = True
    return user


def subscriber(user: Raw, subscription: Subscription, price: float, total: float) -> Raw:
    """The account with what it pays; `total` is all that it ever paid."""
    data = {
        "price": price,
        "subscribeAt": iso(subscription.paid[0]),
        "expiredAt": iso(subscription.expires),
        "renewedAt": iso(subscription.paid[-1]) if len(subscription.paid) > 1 else None,
        "totalSumm": total,
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
    return {
        **user,
        "subscribedOn": not subscription.expired,
        "subscribedOnExpiredNow": subscription.expired,
        "subscribedOnData": data,
    }


def chat(user: Raw, last: Raw, unread: int, random: Random, *, is_thin: bool, can_send: bool) -> Raw:
    """A chat of the chat list: it has no id of its own (or a useless one), some no account but its id."""
    raw: Raw = {
        "withUser": {"id": user["id"], "_view": "s"} if is_thin else user,
        "lastMessage": last,
        "unreadMessagesCount": unread,
        "canSendMessage": can_send,
    }
    if unread == 0 and random.random() < 0.5:
        del raw["unreadMessagesCount"]
    if random.random() < 0.05:
        raw["id"] = "unknown"
    return raw


def message(
    sent: Sent, creator: Creator, user: Raw, random: Random, *, live: bool, names_fan: bool = False
) -> Raw:
    """A message as the platform gives it when it is sent; `live` ones come with the sender's account.

    `names_fan`: so does this one of the fan's.
    """
    step, is_mass = sent.step, sent.queue_id is not None
    raw: Raw = {
        "responseType": "message",
        "id": sent.id,
        "text": f"<p>{step.text}</p>" if step.tip else platform_html(step.text, random),
        "giphyId": "xT4uQulxzV39haRFjG" if "gif" in step.media else None,
        "price": int(step.price) if step.price == int(step.price) else step.price,
        "isFree": step.price == 0,
        "isOpened": step.price == 0,
        "media": [
            {"id": sent.id * 10 + n, "type": kind, "createdAt": None, "canView": step.price == 0}
            for n, kind in enumerate(step.media)
            if kind != "gif"
        ],
        "previews": _previews(sent, random),
        "isTip": step.tip > 0,
        "isFromQueue": is_mass,
        # Ordinary messages carry one too.
        "queueId": sent.queue_id if is_mass or random.random() < 0.9 else random.randrange(10**6, 10**7),
        "createdAt": iso(sent.at),
        "changedAt": iso(sent.at),
    }
    if step.tip and random.random() < 0.5:
        raw["tipAmount"] = step.tip
    if step.direction == "creator":
        raw["toUser"] = {"id": sent.fan_id}
        if random.random() < 0.3:
            raw["fromUser"] = {"id": creator.id, "name": creator.name, "username": creator.username}
        worker = creator.worker(sent.at.hour) if sent.is_direct else None
        if worker is not None:
            raw["senderId"] = worker
    else:
        is_named = live or names_fan or random.random() < 0.1
        raw["fromUser"] = dict(user) if is_named else {"id": sent.fan_id}
    return _with_gaps(raw, random, live=live)


def opened(raw: Raw, sent: Sent) -> Raw:
    """The copy of a message that says that the fan has unlocked it."""
    assert sent.opened_at is not None, "it was sold"
    changed = raw["changedAt"] if sent.is_untold else iso(sent.opened_at)
    media = [{**each, "canView": True} for each in raw["media"]]
    return {**raw, "isOpened": True, "media": media, "changedAt": changed}


def captured(raw: Raw, at: datetime, random: Random) -> Raw:
    """A send as the extension sees it before the platform has given it an id, a sender and a time."""
    return {"id": made_id(at, random), "text": raw["text"]}


def made_id(at: datetime, random: Random) -> str:
    """What an extension calls something that has no id."""
    return f"msg_{int(at.timestamp() * 1000)}_{random.randrange(1000)}"


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
    if not live and random.random() < 0.01 and not raw["price"]:
        raw["createdAt"] = None
    return raw
