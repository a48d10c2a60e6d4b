"""The labelled chats that heads are trained on (`chats/README.md`), read and checked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from chats.conversation import Conversation, cut
from chats.message import Direction, Message
from enrich.language.identify import ENGLISH
from enrich.preceding import Preceding, alone, preceding
from enrich.topics.windows import spoken
from settings import Settings

Label = Literal["negative", "neutral", "positive"]

CHATS = Path(__file__).with_name("chats")
LABELS: tuple[Label, ...] = get_args(Label)
BY_ANYONE = frozenset(("greeting", "question", "thanks", "apology"))
BY: Mapping[Direction, frozenset[str]] = {
    "fan": BY_ANYONE | {"custom_request", "price_inquiry", "price_objection", "complaint", "churn_intent"},
    "creator": BY_ANYONE | {"upsell"},
}
_FIELDS = frozenset(
    [
        "chat",
        "id",
        "direction",
        "at",
        "text",
        "media",
        "price",
        "isOpened",
        "tip",
        "isMass",
        "sentiment",
        "actions",
    ]
)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    chat: str
    id: str
    direction: Direction
    text: str
    label: Label | None  # None: there is nothing to read
    actions: frozenset[str]  # of those that are judged on the text
    at: float  # epoch seconds
    is_mass: bool

    def as_message(self) -> Message:
        """What of it decides what it is read in."""
        return Message(
            id=self.id,
            creator_id="",
            chat_id=self.chat,
            fan_id=self.chat,
            direction=self.direction,
            at=self.at,
            text=self.text,
            is_mass=self.is_mass,
        )


def files(folder: Path = CHATS) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def read_chats(folder: Path = CHATS) -> list[ChatMessage]:
    """Every message of the folder's files; ValueError where one breaks the format."""
    return [
        _message(path.name, json.loads(line))
        for path in files(folder)
        for line in path.read_text("utf-8").splitlines()
    ]


def conversations(messages: Sequence[ChatMessage]) -> list[Conversation]:
    """The chats, each together, cut as the service cuts them."""
    settings = Settings()
    return [
        conversation
        for _, chat in groupby(messages, key=lambda each: each.chat)
        for conversation in cut(
            [each.as_message() for each in chat],
            gap=settings.conversation_gap,
            silence=settings.silence_threshold,
        )
    ]


def before(ids: Sequence[str]) -> Preceding:
    """What precedes each of these messages in its chat; nothing where an id is of no message."""
    said = [spoken(each) for each in conversations(read_chats())]
    places = {each.id: at for at, each in enumerate(each for own in said for each in own)}
    found = preceding(said, [ENGLISH] * len(places))
    rows = np.full(len(places) + 1, -1)  # of each among `ids`; the last one is nobody's
    kept = [row for row, id in enumerate(ids) if id in places]
    at = [places[ids[row]] for row in kept]
    rows[at] = kept
    whole = alone(len(ids))
    whole.rows[kept] = rows[found.rows[at]]
    whole.by_own[kept], whole.by_other[kept] = found.by_own[at], found.by_other[at]
    return whole


def digest(paths: Sequence[Path]) -> str:
    """One SHA-256 of the files, in this order."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def fold_of(key: str, folds: int) -> int:
    """Which of the `folds` a chat or a line is in: by its name alone, so that a chat is never divided."""
    return hashlib.sha256(key.encode()).digest()[1] % folds


def _message(file: str, row: Mapping[str, Any]) -> ChatMessage:
    if row.keys() != _FIELDS:
        raise ValueError(f"{file}, {row.get('id')}: fields {', '.join(sorted(row.keys() ^ _FIELDS))}")
    direction, label, actions = row["direction"], row["sentiment"], frozenset(row["actions"])
    for by, known in BY.items():
        if by == direction and actions <= known and (label is None or label in LABELS):
            at = datetime.fromisoformat(row["at"]).timestamp()
            return ChatMessage(row["chat"], row["id"], by, row["text"], label, actions, at, row["isMass"])
    raise ValueError(f"{file}, {row['id']}: no {direction} shows {label}, {', '.join(sorted(actions))}")
