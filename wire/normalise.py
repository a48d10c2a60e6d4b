"""The platform's messages and chats as Message and Chat. Pure; docs/protocol.md lists the rules.

What cannot be placed is Held with a reason and what was received: never guessed, never lost. Frames that are
not chat are counted by kind. Bad values inside a message read as absent; only text beyond the limit
(InputTooLarge) and absurd nesting (InvalidInput) raise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

from chats.message import Chat, MediaKind, Message
from errors import InputTooLarge, InvalidInput
from wire.fields import amount, count, flag, identifier, moment, moment_in_id
from wire.frames import Dropped, unwrap
from wire.incoming import CacheUpdatePayload, NewRawMessagePayload
from wire.notices import Fact, tip_amount
from wire.place import NOWHERE, Places, Raw, direction_of, fan_object, find_fan, find_place
from wire.text import plain_text

HeldReason = Literal["no_id", "no_chat", "no_time"]

MAX_DEPTH = 100  # of nesting: frames and lists that hold what was received must be written too

_MEDIA: Mapping[str, MediaKind] = {kind: kind for kind in get_args(MediaKind)}


@dataclass(frozen=True, slots=True)
class Held:
    """Something received that cannot be placed: kept aside and listed.

    `no_id`: a message without an id. `no_chat`: nothing says with which fan. `no_time`: a message of a
    snapshot without any time that names an instant.
    """

    reason: HeldReason
    raw: bytes  # as received, JSON
    id: str | None = None
    is_chat: bool = False  # an entry of a snapshot's chat list, else a message


@dataclass(frozen=True, slots=True)
class Normalised:
    """What was received, read. Ids can repeat: the receiver dedupes, a newer `changed_at` wins."""

    chats: tuple[Chat, ...] = ()
    messages: tuple[Message, ...] = ()
    held: tuple[Held, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)  # by kind


def normalise_snapshot(
    payload: CacheUpdatePayload, *, creator_id: str, received_at: float, max_text: int
) -> Normalised:
    """Read a snapshot; a message whose chat is not in it brings a chat of its own.

    `received_at` is epoch seconds, `max_text` characters. Raises InputTooLarge, InvalidInput.
    """
    chats: list[Chat] = []
    held: list[Held] = []
    for raw in payload.chats:
        chat = normalise_chat(raw, creator_id=creator_id, received_at=received_at)
        if isinstance(chat, Held):
            held.append(chat)
        else:
            chats.append(chat)
    read = _messages(
        payload.messages,
        creator_id=creator_id,
        received_at=received_at,
        max_text=max_text,
        places=Places.of(chats),
        live=False,
    )
    return Normalised((*chats, *read.chats), read.messages, (*held, *read.held), read.dropped)


def normalise_deltas(
    payloads: Iterable[NewRawMessagePayload],
    *,
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places = NOWHERE,
) -> Normalised:
    """Read live messages; those of a chat that `places` does not know bring it. Raises like a snapshot."""
    return _messages(
        [payload.message for payload in payloads],
        creator_id=creator_id,
        received_at=received_at,
        max_text=max_text,
        places=places,
        live=True,
    )


def normalise_message(
    raw: Raw,
    *,
    creator_id: str,
    received_at: float,
    max_text: int,
    chat_id: str | None = None,
    places: Places = NOWHERE,
    live: bool = True,
) -> Message | Held:
    """Read one message.

    `chat_id` is used when the message names no chat. Without a time a live message gets `received_at`; one of
    a snapshot (`live=False`) its `changedAt` or the time inside its id. Raises InputTooLarge, InvalidInput.
    """
    message_id = identifier(raw.get("id"))
    if message_id is None:
        return Held("no_id", to_json(raw))
    place = find_place(raw, creator_id, chat_id, places)
    if place is None:
        return Held("no_chat", to_json(raw), message_id)
    changed_at = moment(raw.get("changedAt"))
    at = moment(raw.get("createdAt")) or (received_at if live else changed_at or moment_in_id(message_id))
    if at is None:
        return Held("no_time", to_json(raw), message_id)

    direction = direction_of(raw, creator_id)
    text = _text(raw, message_id, max_text)
    price = amount(raw.get("price")) or 0.0
    deleted_at = raw.get("deletedAt")
    if changes := [t for t in (changed_at, moment(deleted_at)) if t is not None]:
        changed_at = max(changes)
    return Message(
        id=message_id,
        creator_id=creator_id,
        chat_id=place[0],
        fan_id=place[1],
        direction=direction,
        at=at,
        text=text,
        price=price,
        is_opened=price > 0 and flag(raw.get("isOpened")),
        tip=tip_amount(raw, text, by_fan=direction == "fan"),
        media=_media(raw),
        is_mass=flag(raw.get("isFromQueue")) or bool(raw.get("queueId")),
        changed_at=changed_at,
        is_deleted=flag(raw.get("isDeleted")) or bool(deleted_at),
        raw=to_json(raw),
    )


def normalise_chat(raw: Raw, *, creator_id: str, received_at: float) -> Chat | Held:
    """Read one chat: what the platform says of it, of the fan, and of the fan's subscription."""
    with_user = _object(raw.get("withUser"))
    fan_id = find_fan(raw, creator_id)
    chat_id = identifier(raw.get("id")) or fan_id
    if chat_id is None:
        return Held("no_chat", to_json(raw), is_chat=True)
    return Chat(
        id=chat_id,
        creator_id=creator_id,
        fan_id=fan_id or chat_id,
        unread=count(raw.get("unreadMessagesCount")),
        seen_at=received_at,
        with_user=to_json(with_user) if with_user else None,
        **_subscription(with_user, received_at),
    )


def chat_of(message: Message, user: Raw | None) -> Chat:
    """The chat that a message implies when nothing else is known of it: never counted, `seen_at` 0.

    `user` is the fan as the message has it.
    """
    return Chat(
        id=message.chat_id,
        creator_id=message.creator_id,
        fan_id=message.fan_id,
        with_user=to_json(user) if user else None,
    )


def to_json(value: Raw) -> bytes:
    """Compact JSON of something received. Raises InvalidInput where it is nested beyond reason."""
    try:
        # A copy: what orjson returns holds on to the kilobytes of the buffer that it was written in.
        json = bytes(memoryview(orjson.dumps(value)))
    except TypeError:
        raise _too_deep() from None
    # Most input has fewer brackets than the limit and needs no closer look.
    if json.count(b"{") + json.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep()
    return json


def _depth(value: Any) -> int:
    """How deep it is nested; as deep as orjson writes at most."""
    if isinstance(value, Mapping):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _too_deep() -> InvalidInput:
    return InvalidInput(
        "The input was not taken: it is nested too deep.",
        detail=[{"field": "", "reason": "nested too deep"}],
    )


def _messages(
    frames: Iterable[Raw],
    *,
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places,
    live: bool,
) -> Normalised:
    implied: dict[str, tuple[Message, Raw | None]] = {}
    messages: list[Message] = []
    held: list[Held] = []
    dropped: Counter[str] = Counter()
    for frame in frames:
        raw = unwrap(frame)
        if isinstance(raw, Dropped):
            dropped[raw.kind] += 1
            continue
        if isinstance(raw, Fact):
            dropped["notification"] += 1
            continue
        message = normalise_message(
            raw, creator_id=creator_id, received_at=received_at, max_text=max_text, places=places, live=live
        )
        if isinstance(message, Held):
            held.append(message)
            continue
        messages.append(message)
        if message.chat_id not in places.fan_of:
            user, fullest = fan_object(raw, creator_id), implied.get(message.chat_id)
            # Most messages carry only the fan's id: keep the fullest account.
            if fullest is None or len(user or ()) > len(fullest[1] or ()):
                implied[message.chat_id] = message, user
    chats = tuple(chat_of(*fullest) for fullest in implied.values())
    return Normalised(chats, tuple(messages), tuple(held), dict(dropped))


def _text(raw: Raw, message_id: str, max_text: int) -> str:
    text = raw.get("text")
    if not isinstance(text, str):
        return ""
    if len(text) > max_text:
        raise InputTooLarge(
            f"Message {message_id}: text has {len(text)} characters, at most {max_text} are taken.",
            detail=[{"field": "text", "reason": f"longer than {max_text} characters", "id": message_id}],
        )
    return plain_text(text)


def _media(raw: Raw) -> tuple[MediaKind, ...]:
    listed = raw.get("media")
    kinds = (
        [item.get("type") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    )
    if raw.get("giphyId"):
        kinds.append("gif")
    return tuple(_MEDIA.get(kind, "other") if isinstance(kind, str) else "other" for kind in kinds)


def _subscription(user: dict[str, Any], received_at: float) -> dict[str, Any]:
    """Chat's fields about the fan's subscription; a renewal is one that has happened by `received_at`."""
    data = _object(user.get("subscribedOnData"))
    listed = data.get("subscribes")
    paid = sorted(
        (
            (start, amount(entry.get("price")))
            for entry in (listed if isinstance(listed, list) else [])
            if isinstance(entry, dict) and (start := moment(entry.get("startDate"))) is not None
        ),
        key=lambda entry: entry[0],
    )
    subscribed_at = moment(data.get("subscribeAt")) or (paid[0][0] if paid else None)
    expires_at = moment(data.get("expiredAt"))
    renewed_at = moment(data.get("renewedAt"))
    renewals = [entry for entry in paid[1:] if entry[0] <= received_at]
    if not paid and renewed_at is not None and (subscribed_at or 0.0) < renewed_at <= received_at:
        renewals = [(renewed_at, None)]
    expired = user.get("subscribedOnExpiredNow")
    return {
        "subscribed_at": subscribed_at,
        "expires_at": expires_at,
        "is_expired": flag(expired) if expired is not None else (expires_at or received_at) < received_at,
        "renewals": tuple(renewals),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
