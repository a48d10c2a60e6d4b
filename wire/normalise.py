"""The platform's messages and chats as Message and Chat. Pure; docs/protocol.md lists the rules.

What cannot be placed or read is Held with a reason and what was received: never guessed, never lost, never at
the cost of its neighbours. Frames that are not chat are counted by kind; those that tell of money become
their fact. Bad values inside a message read as absent.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from sys import intern
from typing import Any, Literal, assert_never, get_args

import orjson
from msgspec import structs

from chats.bundle import Bundle, Messages
from chats.chat import Chat
from chats.message import ASSUMED, INFERRED, SAID, MediaKind, Message
from errors import UnknownCreator
from steps import ROWS, Steps, finished
from wire.fields import (
    amount,
    count,
    flag,
    identifier,
    moment,
    moment_in_id,
    number,
    said_flag,
    sender_id,
    user_id,
)
from wire.frames import Dropped, notification_of, unwrap
from wire.incoming import CacheUpdatePayload, LiveMessage
from wire.notices import Fact, Purchase, Subscription, Tip, own_words, tip_amount
from wire.place import (
    NOWHERE,
    Places,
    Raw,
    assumed_direction,
    direction_of,
    fan_object,
    find_fan,
    find_place,
    likely_creator,
    named_chat,
)
from wire.text import plain_text

HeldReason = Literal["no_id", "no_chat", "no_time", "no_object", "too_long", "too_deep"]

COUNTED_AT = "countedAt"  # in a chat of the journal: up to when its unread messages were counted
SENDER = "senderId"  # in a message: who of the creator's team sent it
DEFAULT_SENDER = "defaultSenderId"  # who sent it where it does not say: the request that it came with does
MANY = 5_000  # messages of a snapshot, which as objects would take much memory
MAX_DEPTH = 100  # of nesting: frames and lists that hold what was received must be written too

_MEDIA: Mapping[str, MediaKind] = {kind: kind for kind in get_args(MediaKind)}


@dataclass(frozen=True, slots=True)
class Held:
    """Something received that cannot be placed or read: kept aside and listed.

    `no_id`: a message without an id. `no_chat`: nothing says with which fan. `no_time`: a time that names no
    instant, or none at all in a message of a snapshot. `no_object`: not an object. `too_long`: text beyond
    the limit. `too_deep`: nested beyond reason; only its own plain fields are kept.
    """

    reason: HeldReason
    raw: bytes  # as received, JSON
    id: str | None = None
    is_chat: bool = False  # an entry of a snapshot's chat list, else a message
    position: int | None = None  # among those that came with it

    def to_json(self) -> bytes:
        """All of it, for a store; `of_json` reads it."""
        return orjson.dumps({**asdict(self), "raw": orjson.Fragment(self.raw)})

    @classmethod
    def of_json(cls, json: bytes) -> "Held":
        facts = orjson.loads(json)
        return cls(**{**facts, "raw": orjson.dumps(facts["raw"])})


@dataclass(frozen=True, slots=True)
class Normalised:
    """What was received, read. Ids can repeat: `chats.message.merged` puts copies of one message together."""

    listed: tuple[Chat, ...] = ()  # the chat list
    implied: tuple[Chat, ...] = ()  # chats that messages tell of
    messages: Messages = ()
    held: tuple[Held, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)  # by kind
    # By the place of a message: the fan, where it has more than the id.
    accounts: Mapping[int, Raw] = field(default_factory=dict)

    @property
    def chats(self) -> tuple[Chat, ...]:
        return (*self.listed, *self.implied)


def normalise_snapshot(
    payload: CacheUpdatePayload,
    *,
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places = NOWHERE,
    check_creator: bool = True,
    sender: str | None = None,
) -> Normalised:
    """Read a snapshot; a message whose chat is neither in it nor in `places` brings a chat of its own.

    `received_at` is epoch seconds, `max_text` characters, `sender` who of the creator's team sent what does
    not say it. With `check_creator` raises UnknownCreator when the
    messages are clearly another account's.
    """
    return finished(
        normalising_snapshot(payload, creator_id, received_at, max_text, places, check_creator, sender)
    )


def normalising_snapshot(
    payload: CacheUpdatePayload,
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places,
    check_creator: bool,
    sender: str | None = None,
) -> Steps[Normalised]:
    """The same in steps."""
    many = len(payload.messages) > MANY
    read = _Reading(creator_id, received_at, max_text, live=False, sender=sender, bundles=many)
    chats: list[Chat] = []
    last: list[tuple[Any, Any]] = []  # of each chat: its last message, and up to when it was counted
    fans: set[str | None] = set()
    for position, raw in enumerate(payload.chats):
        if position % ROWS == 0:
            yield
        chat = (
            normalise_chat(raw, creator_id=creator_id, received_at=received_at)
            if isinstance(raw, dict)
            else _no_object(raw, is_chat=True)
        )
        fans.add(user_id(raw.get("withUser")) if isinstance(raw, dict) else None)
        if isinstance(chat, Held):
            read.held.append(replace(chat, position=position))
            continue
        chats.append(chat)
        last.append((raw.get("lastMessage"), raw.get(COUNTED_AT)))
    if check_creator:
        yield from _check_creator(((row, payload.chat_id) for row in payload.messages), creator_id, fans)
    read.places = places.knowing(chats)
    covered: list[float | None] = []
    for position, (chat, (newest, noted)) in enumerate(zip(chats, last, strict=True)):
        if position % ROWS == 0:
            yield
        covered.append(read.preview(newest, chat.id) or moment(noted))
    newest_at: dict[str, float] = {}
    for position, raw in enumerate(payload.messages):
        if position % ROWS == 0:
            yield
        if (message := read.take(raw, position, payload.chat_id)) is not None:
            newest_at[message.chat_id] = max(message.at, newest_at.get(message.chat_id, 0.0))
    return (
        yield from read.result(
            replace(chat, counted_at=at or newest_at.get(chat.id, chat.counted_at))
            if chat.counted_at
            else chat
            for chat, at in zip(chats, covered, strict=True)
        )
    )


def normalise_deltas(
    rows: Sequence[LiveMessage],
    *,
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places = NOWHERE,
    check_creator: bool = True,
    sender: str | None = None,
) -> Normalised:
    """Read live messages; those of a chat that `places` does not know bring it. Raises like a snapshot."""
    return finished(
        normalising_deltas(rows, creator_id, received_at, max_text, places, check_creator, sender)
    )


def normalising_deltas(
    rows: Sequence[LiveMessage],
    creator_id: str,
    received_at: float,
    max_text: int,
    places: Places,
    check_creator: bool,
    sender: str | None = None,
) -> Steps[Normalised]:
    """The same in steps."""
    if check_creator:
        yield from _check_creator(((row.message, row.chat_id) for row in rows), creator_id)
    read = _Reading(creator_id, received_at, max_text, live=True, places=places, sender=sender)
    for position, row in enumerate(rows, 1):
        if position % ROWS == 0:
            yield
        read.take(row.message, position - 1, row.chat_id)
    return (yield from read.result())


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
    """Read one message, or one copy of a message that says only a part.

    `chat_id` is used when the message names no chat. Without a time a live message gets `received_at`; one of
    a snapshot (`live=False`) its `changedAt` or the time inside its id.
    """
    fan_id = user_id(fan_object(raw, creator_id))
    return _message(raw, fan_id, creator_id, received_at, max_text, chat_id, places, live=live)


def _message(
    raw: Raw,
    fan_id: str | None,
    creator_id: str,
    received_at: float,
    max_text: int,
    chat_id: str | None,
    places: Places,
    *,
    live: bool,
) -> Message | Held:
    message_id = identifier(raw.get("id"))
    # Where the chat is told by what came with the message, it is from now on in the message.
    named = named_chat(raw)
    json = to_json(raw if chat_id is None or named else {**raw, "chat_id": chat_id})
    if json is None:
        return Held("too_deep", _plain(raw), message_id)
    if message_id is None:
        return Held("no_id", json)
    place = find_place(named or chat_id, fan_id, message_id, places)
    if place is None:
        return Held("no_chat", json, message_id)
    changed_at, created_at = _times(raw)
    at = created_at or (received_at if live else changed_at or moment_in_id(message_id))
    is_deleted = flag(raw.get("isDeleted")) or bool(raw.get("deletedAt")) or flag(raw.get("isCanceled"))
    is_unreadable = created_at is None and raw.get("createdAt") not in (None, "", 0)
    is_opened = flag(raw.get("isOpened"))
    if at is None and (is_deleted or is_opened):
        at = received_at  # facts that need no clock: another copy says when the message was
    if at is None or is_unreadable:
        return Held("no_time", json, message_id)
    given = raw.get("text")
    if isinstance(given, str) and len(given) > max_text:
        return Held("too_long", json, message_id)
    shown = plain_text(given) if isinstance(given, str) else ""
    text = own_words(raw, shown)
    direction = direction_of(raw, creator_id)
    by = direction or assumed_direction(raw)
    sent_by, sender_at = _sender(raw, changed_at or 0.0)
    return Message(
        id=message_id,
        creator_id=creator_id,
        chat_id=intern(place[0]),  # the same of thousands
        fan_id=intern(place[1]),
        direction=by,
        at=at,
        text=text,
        price=amount(raw.get("price")) or 0.0,
        is_free=flag(raw.get("isFree")),
        tip=tip_amount(raw, shown, by_fan=by == "fan"),
        media=_media(raw),
        is_mass=_is_mass(raw, by_fan=by == "fan"),
        is_notice=bool(shown) and not text,
        changed_at=changed_at,
        older=_older(raw, created_at, direction, changed_at or 0.0),
        is_opened=is_opened,
        opened_at=changed_at if is_opened else None,
        is_deleted=is_deleted,
        sender_id=sent_by,
        sender_at=sender_at,
        raw=json,
    )


def normalise_chat(raw: Raw, *, creator_id: str, received_at: float) -> Chat | Held:
    """Read one chat: what the platform says of it, of the fan, and of the fan's subscription."""
    if (json := to_json(raw)) is None:
        return Held("too_deep", _plain(raw), is_chat=True)
    with_user = _object(raw.get("withUser"))
    fan_id = find_fan(raw, creator_id)
    chat_id = identifier(raw.get("id")) or fan_id
    if chat_id is None:
        return Held("no_chat", json, is_chat=True)
    return Chat(
        id=chat_id,
        creator_id=creator_id,
        fan_id=fan_id or chat_id,
        is_named=fan_id is not None,
        unread=count(raw.get("unreadMessagesCount")),
        seen_at=received_at,
        counted_at=received_at if number(raw.get("unreadMessagesCount")) is not None else 0.0,
        **_account(with_user, received_at, said_flag(raw.get("canSendMessage"))),
    )


def chat_of(message: Message, user: Raw | None, received_at: float) -> Chat:
    """The chat that a message implies when nothing else is known of it: never counted, `seen_at` 0.

    `user` is the fan as the message has it.
    """
    return Chat(
        id=message.chat_id,
        creator_id=message.creator_id,
        fan_id=message.fan_id,
        is_named=user is not None or message.fan_id != message.chat_id,
        **_account(user or {}, received_at, None),
    )


def to_json(value: Any) -> bytes | None:
    """Compact JSON of something received; None where it is nested beyond reason."""
    try:
        # A copy: what orjson returns holds on to the kilobytes of the buffer that it was written in.
        json = bytes(memoryview(orjson.dumps(value)))
    except TypeError:
        return None
    # Most input has fewer brackets than the limit and needs no closer look.
    return None if json.count(b"{") + json.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH else json


def _plain(raw: Raw) -> bytes:
    """The fields that are no objects and no lists."""
    return orjson.dumps({key: value for key, value in raw.items() if not isinstance(value, dict | list)})


def _depth(value: Any) -> int:
    """How deep it is nested; as deep as orjson writes at most."""
    if isinstance(value, Mapping):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


class _Reading:
    """Rows of one input as they are read, one after another."""

    def __init__(
        self,
        creator_id: str,
        received_at: float,
        max_text: int,
        *,
        live: bool,
        places: Places = NOWHERE,
        sender: str | None = None,
        bundles: bool = False,
    ) -> None:
        self._creator_id = creator_id
        self._received_at = received_at
        self._max_text = max_text
        self._live = live
        self._sender = sender
        self.places = places
        self.messages: list[Message] | Bundle = Bundle() if bundles else []
        self.held: list[Held] = []
        self._dropped: Counter[str] = Counter()
        self._implied: dict[str, tuple[Message, Raw | None]] = {}
        self._accounts: dict[int, Raw] = {}

    def take(self, raw: Any, position: int, chat_id: str | None) -> Message | None:
        """Read one row, `chat_id` being the chat that what came with it names. Returns a message as it is."""
        told = unwrap(raw) if isinstance(raw, dict) else None
        if isinstance(told, Dropped):
            self._dropped[told.kind] += 1
            return None
        if isinstance(told, Purchase | Tip | Subscription):
            self._fact(told, raw)
            return None
        if told is not None and self._sender and direction_of(told, self._creator_id) != "fan":
            # What tells it came with the message: it is from now on in the message.
            told = {**told, DEFAULT_SENDER: self._sender}
        fan = None if told is None else fan_object(told, self._creator_id)
        read = _no_object(raw) if told is None else self._read(told, fan, chat_id)
        if isinstance(read, Held):
            self.held.append(replace(read, position=position))
            return None
        self._keep(read, fan)
        return read

    def preview(self, raw: Any, chat_id: str) -> float | None:
        """Read the last message of a chat list; its time.

        One that cannot be read is passed over: it comes again among the messages of its chat.
        """
        fan = fan_object(raw, self._creator_id) if isinstance(raw, dict) else None
        read = self._read(raw, fan, chat_id) if isinstance(raw, dict) else None
        if not isinstance(read, Message):
            return None
        self.messages.append(read)
        return read.at

    def result(self, chats: Iterable[Chat] = ()) -> Steps[Normalised]:
        implied: list[Chat] = []
        for message, user in self._implied.values():
            implied.append(chat_of(message, user, self._received_at))
            if len(implied) % ROWS == 0:
                yield
        return Normalised(
            tuple(chats),
            tuple(implied),
            self.messages if isinstance(self.messages, Bundle) else tuple(self.messages),
            tuple(self.held),
            dict(self._dropped),
            self._accounts,
        )

    def _read(self, raw: Raw, fan: Raw | None, chat_id: str | None) -> Message | Held:
        return _message(
            raw,
            user_id(fan),
            self._creator_id,
            self._received_at,
            self._max_text,
            chat_id,
            self.places,
            live=self._live,
        )

    def _keep(self, message: Message, user: Raw | None) -> None:
        fullest = self._implied.get(message.chat_id)
        if user is not None and len(user) > 1:
            known = fullest and fullest[1]
            # Most messages of a fan come with the same account, which is kept once.
            self._accounts[len(self.messages)] = known if known and known == user else user
        self.messages.append(message)
        if message.chat_id in self.places.fan_of and (user is None or len(user) < 2):
            return  # an account that is only its id tells nothing of a chat that is known
        # Most messages carry only the fan's id: keep the fullest account.
        if fullest is None or len(user or ()) > len(fullest[1] or ()):
            self._implied[message.chat_id] = message, user

    def _fact(self, fact: Fact, raw: Raw) -> None:
        """What the platform notifies of, as what it changes: a message that is bought, a tip, a renewal."""
        told = notification_of(raw)
        at, json = fact.at or self._received_at, to_json({"new_message": told}) or _plain(told)
        own_id = hashlib.blake2b(json, digest_size=8).hexdigest()
        match fact:
            case Purchase():
                known = self.places.chats_with(fact.message_id)
                named = None if fact.fan_id is None else self.places.chat_of.get(fact.fan_id, fact.fan_id)
                chat_id = named or (known[0] if len(known) == 1 else None)
                if chat_id is None:
                    self.held.append(Held("no_chat", json, fact.message_id))
                    return
                bought = self._noted(fact.message_id, chat_id, at, json, direction="creator")
                price = fact.amount or 0.0
                facts: dict[str, Any] = {"is_opened": True, "bought_at": at, "paid": fact.amount}
                older = _unsaid((False,) * len(SAID))
                self._keep(structs.replace(bought, price=price, older=older, **facts), None)
            case Tip():
                chat_id = self.places.chat_of.get(fact.fan_id, fact.fan_id)
                id = f"tip:{fact.notice_id or own_id}"
                tipped = self._noted(id, chat_id, at, json, direction="fan")
                self._keep(structs.replace(tipped, tip=fact.amount), None)
            case Subscription():
                if not fact.is_renewal:
                    self._dropped["subscribed"] += 1
                    return
                chat_id = self.places.chat_of.get(fact.fan_id, fact.fan_id)
                renewed = self._noted(f"renewal:{own_id}", chat_id, at, json, direction="fan")
                self._keep(structs.replace(renewed, is_renewal=True, paid=fact.amount), None)
            case _:
                assert_never(fact)

    def _noted(self, id: str, chat_id: str, at: float, raw: bytes, **facts: Any) -> Message:
        fan_id = self.places.fan_of.get(chat_id, chat_id)
        return Message(id, self._creator_id, chat_id, fan_id, at=at, is_notification=True, raw=raw, **facts)


def _no_object(row: Any, *, is_chat: bool = False) -> Held:
    return Held("no_object", to_json(row) or b"null", is_chat=is_chat)


def _check_creator(
    rows: Iterable[tuple[Any, str | None]], creator_id: str, fans: Collection[str | None] = ()
) -> Steps[None]:
    """Refuse what is another account's: taken as it is, every direction would be wrong for good.

    `rows` come each with the chat that what came with it names; `fans` are those of the chat list.
    """
    # One by one: the first message that has the creator's id ends it.
    messages = (
        (told, named_chat(told) or chat_id)
        for row, chat_id in rows
        if isinstance(row, dict) and isinstance(told := unwrap(row), dict)
    )
    likely = yield from likely_creator(messages, creator_id, not_these=fans)
    if likely is not None:
        raise UnknownCreator(
            f"No message is of the creator {creator_id}: these are the chats of {likely}. Send them with "
            f"creator_id={likely}, or to the user whose account that is.",
            detail=[{"field": "creator_id", "reason": "not in these messages", "likely": likely}],
        )


def _times(raw: Raw) -> tuple[float | None, float | None]:
    """When it was changed, and when it was sent: of most messages one number."""
    changed, created = raw.get("changedAt"), raw.get("createdAt")
    changed_at = moment(changed)
    is_same = isinstance(created, str) and created == changed
    return changed_at, changed_at if is_same else moment(created)


def _sender(raw: Raw, version: float) -> tuple[str | None, float | None]:
    """Who of the creator's team sent it, and the version of that: a default is older than any copy's word."""
    if (own := sender_id(raw.get(SENDER))) is not None:
        return intern(own), version
    if (default := sender_id(raw.get(DEFAULT_SENDER))) is not None:
        return default, INFERRED
    return None, None


def _older(
    raw: Raw, created_at: float | None, direction: str | None, version: float
) -> tuple[tuple[str, float], ...]:
    """`Message.older` of one copy: what it does not say, and what it says only between the lines."""
    has_text, has_tip = "text" in raw, "tipAmount" in raw
    said = (  # in the order of SAID
        created_at is not None,
        direction is not None,
        has_text,
        "price" in raw,
        "isFree" in raw,
        has_text or has_tip,
        "media" in raw or "giphyId" in raw,
        "isFromQueue" in raw or "queueId" in raw,
        has_text,
    )
    # What is read from other fields where a copy has none of its own.
    of_tip = has_tip or "isTip" in raw
    inferred = (not of_tip and has_text, "queueId" in raw and "isFromQueue" not in raw)
    return _unsaid(said) + (_inferred(inferred, version + INFERRED) if any(inferred) else ())


@cache
def _unsaid(said: Sequence[bool]) -> tuple[tuple[str, float], ...]:
    return tuple((name, ASSUMED) for name, is_said in zip(SAID, said, strict=True) if not is_said)


def _inferred(inferred: tuple[bool, bool], version: float) -> tuple[tuple[str, float], ...]:
    tip, mass = inferred
    names = (("tip", "is_notice") if tip else ()) + (("is_mass",) if mass else ())
    return tuple((name, version) for name in names)


def _is_mass(raw: Raw, *, by_fan: bool) -> bool:
    """`isFromQueue` decides; `queueId` only where it is absent: ordinary messages have one, fans' too."""
    if (given := said_flag(raw.get("isFromQueue"))) is not None:
        return given
    sender = _object(raw.get("fromUser"))
    is_creator = not by_fan or flag(sender.get("canEarn")) or flag(sender.get("isPerformer"))
    return is_creator and bool(raw.get("queueId"))


def _media(raw: Raw) -> tuple[MediaKind, ...]:
    listed = raw.get("media")
    kinds = (
        [item.get("type") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    )
    if raw.get("giphyId"):
        kinds.append("gif")
    return tuple(_MEDIA.get(kind, "other") if isinstance(kind, str) else "other" for kind in kinds)


def _account(user: Raw, received_at: float, can_send: bool | None) -> dict[str, Any]:
    """Chat's fields about the fan; a renewal is one that has happened by `received_at`."""
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
    expired = said_flag(user.get("subscribedOnExpiredNow"))
    return {
        "subscribed_at": subscribed_at,
        "expires_at": expires_at,
        "is_expired": (expires_at or received_at) < received_at if expired is None else expired,
        "renewals": tuple(renewals),
        "with_user": to_json(dict(user)) if user else None,
        "can_send": said_flag(user.get("canSendMessage")) if can_send is None else can_send,
        "total_spend": amount(data.get("totalSumm")),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
