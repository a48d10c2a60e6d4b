"""Corrections: what a person says is wrong in what was understood, as journal and checkpoints have it. Pure.

A correction says of one subject what one field of it is. A later one of the same subject and field replaces
it, one without a value withdraws it. A conversation is named by one of its messages: so the correction stays
with it when older history gives the conversation another first message. A topic is named by its id, which no
fit and no model gives to another topic.
"""

from typing import Literal, NamedTuple

import msgspec

from chats.enriched import OutcomeType, Value
from chats.message import Direction

Kind = Literal["message", "conversation", "topic"]
Field = Literal["sentiment", "action", "topic", "outcome", "name", "merged_into", "hidden"]
OF_TALK: tuple[Field, ...] = ("sentiment", "action", "topic", "outcome")  # of a message or a conversation
OF_TOPICS: tuple[Field, ...] = ("name", "merged_into", "hidden")

MOST_VALUES = 20  # topics, actions or outcomes of one correction
LONGEST_NAME = 100  # characters of a topic's new name


class StatedOutcome(Value, frozen=True):
    """An outcome as a person states it. None: as the service found it, else the conversation's end."""

    type: OutcomeType
    amount: float | None = None  # dollars
    at: float | None = None  # epoch seconds


# By field: a sentiment (0..1); ids of topics, or names of actions; outcomes; a topic's name, or the id of the
# topic that it is a part of; whether it is hidden.
Stated = float | str | bool | tuple[str | StatedOutcome, ...] | None


class Subject(Value, frozen=True):
    """What is corrected. `id` is of a message, of a message of the conversation, or of a topic."""

    kind: Kind
    id: str
    chat_id: str = ""  # of a topic: none


class Place(NamedTuple):
    """What of the subject is corrected: of two corrections with one place the later one counts."""

    kind: Kind
    field: Field
    side: Direction | None


class Correction(Value, frozen=True):
    """That a person said so. `id` is of this correction alone; times are epoch seconds."""

    id: str
    at: float
    who: str  # the principal
    subject: Subject
    field: Field
    side: Direction | None = None  # whose actions are meant; of a conversation's actions alone
    value: Stated = None  # None: the earlier one is withdrawn

    @property
    def place(self) -> Place:
        return Place(self.subject.kind, self.field, self.side)

    @property
    def order(self) -> tuple[float, str]:
        """The later of two is the one that counts, in whatever order they are read."""
        return self.at, self.id

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def of_json(cls, json: bytes) -> "Correction":
        return _DECODER.decode(json)


_DECODER = msgspec.json.Decoder(Correction)


def problem(correction: Correction) -> tuple[str, str] | None:
    """The field that makes no sense with the others, and why; None: it can be taken."""
    kind, field, value = correction.subject.kind, correction.field, correction.value
    if field not in (OF_TOPICS if kind == "topic" else OF_TALK):
        return "field", f"is none that a {kind} has"
    if (kind == "topic") != (not correction.subject.chat_id):
        return "chat_id", "is needed for a message or conversation, and for these alone"
    if (correction.side is not None) != (kind == "conversation" and field == "action"):
        return "side", "is needed for the actions of a conversation, and for these alone"
    return None if value is None else _wrong_value(field, value)


def _wrong_value(field: Field, value: Stated) -> tuple[str, str] | None:
    found: str | None = None
    match field:
        case "sentiment":
            if isinstance(value, bool) or not isinstance(value, float) or not 0 <= value <= 1:
                found = "must be a number from 0 (negative) to 1"
        case "action" | "topic":
            is_list = isinstance(value, tuple) and all(isinstance(each, str) for each in value)
            if not is_list or len(set(value)) < len(value):  # type: ignore[arg-type]
                found = "must be a list of different ids"
        case "outcome":
            if not isinstance(value, tuple) or not all(isinstance(each, StatedOutcome) for each in value):
                found = "must be a list of outcomes"
        case "name":
            if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME:
                found = f"must be a text of 1 to {LONGEST_NAME} characters"
        case "merged_into":
            if not isinstance(value, str) or not value:
                found = "must be the id of a topic"
        case "hidden":
            if value is not True:
                found = "must be true; withdraw it to show the topic again"
    if found is None and isinstance(value, tuple) and len(value) > MOST_VALUES:
        found = f"has more than {MOST_VALUES}"
    return None if found is None else ("value", found)
