"""What the service knows of one message, after the platform's shapes are normalised.

Pure values: no IO, no clock. Times are seconds since the epoch, UTC; ids are strings; money is in the
platform's currency unit (dollars).

A message arrives in many copies: edits, repetitions, and copies that say only a part. `merged` puts two
together so that neither the order in which copies arrive nor how often matters.
"""

from typing import Any, Literal

import msgspec
import orjson
from msgspec import structs

Direction = Literal["fan", "creator"]
MediaKind = Literal["photo", "video", "audio", "gif", "other"]

ASSUMED = -1e12  # the version of what no copy says: any copy that does is newer
INFERRED = -1e11  # added to the version of what a copy says only between the lines: any that says it is newer
# What a copy says, each with the version of the copy that said it. All else are facts that only go up.
SAID = ("at", "direction", "text", "price", "is_free", "tip", "media", "is_mass", "is_notice")


class Message(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One message of a chat between one creator and one fan."""

    id: str
    creator_id: str
    chat_id: str
    fan_id: str
    direction: Direction
    at: float
    text: str = ""  # what its author said: plain text without the platform's own sentence; "" when nothing
    price: float = 0.0  # > 0: pay-per-view
    is_free: bool = False  # unlocked without paying
    tip: float = 0.0  # > 0: the message is a tip of that amount
    media: tuple[MediaKind, ...] = ()
    is_mass: bool = False  # sent to many at once
    is_notice: bool = False  # the platform's own sentence: it carries its fact and nothing else
    changed_at: float | None = None  # the version: what a newer copy says replaces what is known
    older: tuple[tuple[str, float], ...] = ()  # versions of those of SAID that another copy said last
    is_opened: bool = False  # a priced message that the fan has unlocked
    opened_at: float | None = None  # `changed_at` of the earliest copy that says so
    bought_at: float | None = None  # when the platform's notice says that it was bought
    paid: float | None = None  # what such a notice, the earliest, says was paid
    is_renewal: bool = False  # a notification that the fan renewed the subscription, for `paid`
    is_deleted: bool = False
    is_notification: bool = False  # a fact that came beside the chat: nobody is shown it as a message
    sender_id: str | None = None  # who of the creator's team sent it; means nothing in a fan's message
    sender_at: float | None = None  # the version of the copy that says so
    raw: bytes = b"{}"  # the message as received, JSON

    @property
    def order(self) -> tuple[float, int, str]:
        """Sort key inside a chat: time, then id (numerically where both are numbers: shorter first)."""
        return (self.at, len(self.id), self.id)

    @property
    def is_direct(self) -> bool:
        """Whether somebody said it to the other: neither a mass message nor the platform's sentence."""
        return not (self.is_mass or self.is_notice or self.is_notification)

    @property
    def cost(self) -> float:
        """What a notice says was paid for it, else what is asked for it; 0: it is not for sale."""
        return self.price if self.paid is None else self.paid

    @property
    def version(self) -> "Version":
        return Version(
            self.changed_at or 0.0,
            self.older,
            self.is_opened,
            self.opened_at,
            self.bought_at,
            self.is_deleted,
            self.sender_at,
        )


class Version(msgspec.Struct, frozen=True, gc=False):
    """How much is known of a message: what tells a copy that brings something from one that does not."""

    changed_at: float = 0.0
    older: tuple[tuple[str, float], ...] = ()
    is_opened: bool = False
    opened_at: float | None = None
    bought_at: float | None = None
    is_deleted: bool = False
    sender_at: float | None = None

    def of(self, name: str) -> float:
        """The version of one of SAID."""
        for each, version in self.older:
            if each == name:
                return version
        return self.changed_at

    def brings(self, known: "Version") -> bool:
        """Whether a copy of this version says anything that is not `known`."""
        if self == known:
            return False
        return (
            (self.is_deleted and not known.is_deleted)
            or (self.is_opened and not known.is_opened)
            or _is_earlier(self.opened_at, known.opened_at)
            or _is_earlier(self.bought_at, known.bought_at)
            or _is_later(self.sender_at, known.sender_at)
            or any(self.of(name) > known.of(name) for name in SAID)
        )

    def joined(self, other: "Version") -> "Version":
        """What is known when both are."""
        changed_at = max(self.changed_at, other.changed_at)
        versions = ((name, max(self.of(name), other.of(name))) for name in SAID)
        return Version(
            changed_at,
            tuple((name, version) for name, version in versions if version < changed_at),
            self.is_opened or other.is_opened,
            _earlier(self.opened_at, other.opened_at),
            _earlier(self.bought_at, other.bought_at),
            self.is_deleted or other.is_deleted,
            other.sender_at if _is_later(other.sender_at, self.sender_at) else self.sender_at,
        )


def merged(known: Message, copy: Message) -> Message:
    """What both copies of a message say: of each thing the newest word, and every fact that only goes up.

    Where two copies of one version contradict each other the word that is known stands: an edit has a newer
    `changed_at`. Both are of the same chat.
    """
    before, after = known.version, copy.version
    both = before.joined(after)
    newer = {name: getattr(copy, name) for name in SAID if after.of(name) > before.of(name)}
    if before.of("at") == after.of("at") == ASSUMED:
        newer["at"] = min(known.at, copy.at)
    if _is_later(copy.sender_at, known.sender_at):
        newer["sender_id"] = copy.sender_id
    return structs.replace(
        known,
        **newer,
        changed_at=both.changed_at or None,
        older=both.older,
        is_opened=both.is_opened,
        opened_at=both.opened_at,
        bought_at=both.bought_at,
        paid=copy.paid if _is_earlier(copy.bought_at, known.bought_at) else known.paid,
        sender_at=both.sender_at,
        is_deleted=both.is_deleted,
        is_notification=known.is_notification and copy.is_notification,
        raw=_raw(known, copy) if newer else known.raw,
    )


def _raw(known: Message, copy: Message) -> bytes:
    """As received last; where a copy says only a part, laid over what was received before."""
    newer, older = (copy, known) if (copy.changed_at or 0) >= (known.changed_at or 0) else (known, copy)
    if not newer.older:
        return newer.raw
    below: dict[str, Any] = orjson.loads(older.raw)
    both = orjson.dumps({**below, **orjson.loads(newer.raw)})
    return bytes(memoryview(both))  # a copy: what orjson returns holds on to kilobytes


def _earlier(one: float | None, other: float | None) -> float | None:
    known = [at for at in (one, other) if at is not None]
    return min(known) if known else None


def _is_earlier(at: float | None, known: float | None) -> bool:
    return at is not None and (known is None or at < known)


def _is_later(at: float | None, known: float | None) -> bool:
    return at is not None and (known is None or at > known)
