"""The labelled chats of `labelled/`: read, checked, and as the product's own values.

What each label means is in `labelled/README.md`. A file that breaks its shape raises `ValueError` with the
file's name and the line, never with message text.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from chats.chat import Chat
from chats.conversation import cut
from chats.enriched import OutcomeType
from chats.message import Direction, MediaKind, Message
from enrich.language.identify import languages
from enrich.preceding import Preceding, preceding
from enrich.topics.windows import spoken
from settings import Settings

Sentiment = Literal["negative", "neutral", "positive"]
EntityType = Literal["money", "date", "time", "place", "person", "brand", "platform"]

FOLDER = Path(__file__).parent / "labelled"
CREATOR = "creator"
ACTIONS = (
    "greeting",
    "question",
    "photo",
    "video",
    "voice",
    "gif",
    "ppv_offer",
    "free_media",
    "tip",
    "custom_request",
    "price_inquiry",
    "price_objection",
    "mass_message",
    "re_engagement",
    "upsell",
    "thanks",
    "complaint",
    "churn_intent",
    "apology",
)
TOPICS = (
    "small_talk",
    "flirting",
    "custom_content",
    "pay_per_view",
    "pricing",
    "subscription",
    "tips",
    "travel",
    "food",
    "fitness",
    "gaming",
    "music",
    "work_life",
    "pets",
    "compliments",
    "complaints",
)

T = TypeVar("T")
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelledEntity:
    """`text[start:end]` of its message names something of this type."""

    start: int
    end: int
    type: EntityType


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """A message and its labels. Times are seconds since the epoch."""

    chat: str
    id: str
    direction: Direction
    at: float
    text: str
    media: tuple[MediaKind, ...]
    price: float
    is_opened: bool
    tip: float
    is_mass: bool
    changed_at: float | None
    sentiment: Sentiment | None  # None: nothing to read
    actions: tuple[str, ...]  # sorted
    entities: tuple[LabelledEntity, ...]  # by start, never overlapping

    def as_message(self) -> Message:
        """What the service knows of it: everything but the labels."""
        return Message(
            id=self.id,
            creator_id=CREATOR,
            chat_id=self.chat,
            fan_id=self.chat,
            direction=self.direction,
            at=self.at,
            text=self.text,
            price=self.price,
            is_opened=self.is_opened,
            opened_at=self.changed_at if self.is_opened else None,
            tip=self.tip,
            media=self.media,
            is_mass=self.is_mass,
            changed_at=self.changed_at,
        )


@dataclass(frozen=True, slots=True)
class LabelledOutcome:
    """What a chat led to. `at` is in seconds since the epoch, `amount` in the platform's currency unit."""

    type: OutcomeType
    at: float
    amount: float | None
    message_id: str | None
    follows_message_id: str | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class LabelledChat:
    """A chat, its messages (oldest first) and its labels. `chat` is its id and its fan's."""

    chat: str
    messages: tuple[LabelledMessage, ...]
    expires_at: float | None
    is_expired: bool
    renewals: tuple[tuple[float, float | None], ...]
    topics: tuple[str, ...]
    outcomes: tuple[LabelledOutcome, ...]  # by time

    def as_chat(self) -> Chat:
        """What the platform says of it beside its messages."""
        return Chat(
            id=self.chat,
            creator_id=CREATOR,
            fan_id=self.chat,
            expires_at=self.expires_at,
            is_expired=self.is_expired,
            renewals=self.renewals,
        )

    def as_messages(self) -> list[Message]:
        """Its messages as the service knows them, oldest first."""
        return [message.as_message() for message in self.messages]


def messages(folder: Path = FOLDER) -> list[LabelledMessage]:
    """All labelled messages, chat by chat, oldest first."""
    seen: set[str] = set()

    def read(fields: Fields) -> LabelledMessage:
        message = _message(fields)
        _check(message.id not in seen, "the id is not unique")
        seen.add(message.id)
        return message

    return _lines(folder / "messages.jsonl", read)


def chats(folder: Path = FOLDER) -> list[LabelledChat]:
    """All labelled chats with their messages."""
    of_chat: dict[str, list[LabelledMessage]] = defaultdict(list)
    for message in messages(folder):
        of_chat[message.chat].append(message)
    found = _lines(folder / "chats.jsonl", lambda fields: _chat(fields, of_chat.pop(fields["chat"], [])))
    if of_chat:
        raise ValueError(f"chats.jsonl: no line for {', '.join(sorted(of_chat))}")
    return found


def spoken_in(found: Iterable[LabelledChat]) -> tuple[list[Message], Preceding]:
    """The messages of these chats that have text, and what precedes each in its conversation."""
    settings = Settings()
    said = [
        spoken(conversation)
        for chat in found
        for conversation in cut(
            chat.as_messages(), gap=settings.conversation_gap, silence=settings.silence_threshold
        )
    ]
    tongues = [tongue for each in said for tongue in languages(each)]
    return [message for each in said for message in each], preceding(said, tongues)


def _lines(path: Path, read: Callable[[Fields], T]) -> list[T]:
    found = []
    # Not splitlines(): a text may hold other separators than the newline.
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        try:
            found.append(read(json.loads(line)))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path.name}:{number}: not JSON at column {error.colno}") from None
        except KeyError as error:
            raise ValueError(f"{path.name}:{number}: no field {error}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}:{number}: {error}") from None
    return found


def _message(fields: Fields) -> LabelledMessage:
    text = _of(str, fields, "text")
    message = LabelledMessage(
        chat=_of(str, fields, "chat"),
        id=_of(str, fields, "id"),
        direction=cast(Direction, _one(fields["direction"], get_args(Direction))),
        at=_time(fields["at"]),
        text=text,
        media=tuple(cast(MediaKind, _one(kind, get_args(MediaKind))) for kind in fields["media"]),
        price=_amount(fields["price"]),
        is_opened=_of(bool, fields, "isOpened"),
        tip=_amount(fields["tip"]),
        is_mass=_of(bool, fields, "isMass"),
        changed_at=_maybe(_time, fields["changedAt"]),
        sentiment=cast(Sentiment | None, _maybe(lambda v: _one(v, get_args(Sentiment)), fields["sentiment"])),
        actions=tuple(_one(action, ACTIONS) for action in fields["actions"]),
        entities=tuple(_entity(span, text) for span in fields["entities"]),
    )
    _check(message.price > 0 or not message.is_opened, "only a priced message is bought")
    _check(bool(text) or message.sentiment is None, "without text there is no sentiment")
    _check(sorted(set(message.actions)) == list(message.actions), "actions are sorted, each once")
    _check(all(a.end <= b.start for a, b in pairwise(message.entities)), "entities overlap or are unsorted")
    return message


def _entity(span: tuple[int, int, str], text: str) -> LabelledEntity:
    start, end, kind = span
    _check(0 <= start < end <= len(text), "an entity is outside the text")
    _check(text[start:end] == text[start:end].strip(), "an entity begins or ends with space")
    return LabelledEntity(start, end, cast(EntityType, _one(kind, get_args(EntityType))))


def _chat(fields: Fields, own: list[LabelledMessage]) -> LabelledChat:
    _check(bool(own), "a chat has messages, and one line")
    _check(all(a.at < b.at for a, b in pairwise(own)), "its messages are not oldest first")
    return LabelledChat(
        chat=_of(str, fields, "chat"),
        messages=tuple(own),
        expires_at=_maybe(_time, fields["expiresAt"]),
        is_expired=_of(bool, fields, "isExpired"),
        renewals=tuple((_time(at), _maybe(_amount, amount)) for at, amount in fields["renewals"]),
        topics=tuple(_one(topic, TOPICS) for topic in fields["topics"]),
        outcomes=tuple(_outcome(outcome, {m.id for m in own}) for outcome in fields["outcomes"]),
    )


def _outcome(fields: Fields, ids: set[str]) -> LabelledOutcome:
    outcome = LabelledOutcome(
        type=cast(OutcomeType, _one(fields["type"], get_args(OutcomeType))),
        at=_time(fields["at"]),
        amount=_maybe(_amount, fields["amount"]),
        message_id=fields["messageId"],
        follows_message_id=fields["followsMessageId"],
        provisional=_of(bool, fields, "provisional"),
    )
    _check({outcome.message_id, outcome.follows_message_id} <= ids | {None}, "an outcome names no message")
    return outcome


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _of(kind: type[T], fields: Fields, name: str) -> T:
    value = fields[name]
    _check(isinstance(value, kind), f"{name} is not {kind.__name__}")
    return cast(T, value)


def _one(value: Any, allowed: tuple[str, ...]) -> str:
    _check(value in allowed, f"a label or kind is not one of {', '.join(allowed)}")
    return cast(str, value)


def _amount(value: Any) -> float:
    _check(isinstance(value, int | float) and not isinstance(value, bool) and value >= 0, "no amount")
    return float(value)


def _time(value: str) -> float:
    at = datetime.fromisoformat(value)
    _check(at.tzinfo is not None, "a time without offset")
    return at.timestamp()


def _maybe(read: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else read(value)
