"""The labelled chats that heads are trained on (`chats/README.md`), read and checked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from chats.message import Direction

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


def files(folder: Path = CHATS) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def read_chats(folder: Path = CHATS) -> list[ChatMessage]:
    """Every message of the folder's files; ValueError where one breaks the format."""
    return [
        _message(path.name, json.loads(line))
        for path in files(folder)
        for line in path.read_text("utf-8").splitlines()
    ]


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
            return ChatMessage(row["chat"], row["id"], by, row["text"], label, actions)
    raise ValueError(f"{file}, {row['id']}: no {direction} shows {label}, {', '.join(sorted(actions))}")
