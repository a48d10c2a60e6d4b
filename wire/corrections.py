"""Corrections as callers give them and are shown them."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from chats.corrections import LONGEST_NAME, MOST_VALUES
from chats.enriched import OutcomeType
from chats.message import Direction

Text = Annotated[str, Field(min_length=1, max_length=256)]
CorrectedField = Literal["sentiment", "action", "topic", "outcome", "name", "merged_into", "hidden"]


class StatedOutcome(BaseModel):
    """An outcome; `amount` in dollars and `at` as the service found them where they are null."""

    model_config = ConfigDict(extra="forbid")

    type: OutcomeType
    amount: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)] = None
    at: AwareDatetime | None = None


class NewCorrection(BaseModel):
    """What is said of a message or conversation, each with its `chat_id`, or of a topic of the account.

    `value` by `field`. Of a message or conversation: `sentiment` a number from 0 to 1, `action` and `topic` a
    list of all that it has, `outcome` a list of outcomes. Of a topic: `name`, `merged_into` a topic's id,
    `hidden` true. `side` says whose actions of a conversation are meant. With an `id` of the caller's the
    same correction may be sent again.
    """

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")] = None
    message_id: Text | None = None
    conversation_id: Text | None = None
    topic_id: Text | None = None
    chat_id: Text | None = None
    field: CorrectedField
    side: Direction | None = None
    value: (
        StrictBool
        | Annotated[float, Field(ge=0, le=1)]
        | Annotated[str, Field(min_length=1, max_length=max(LONGEST_NAME, 256))]
        | Annotated[list[Text | StatedOutcome], Field(max_length=MOST_VALUES)]
    )


class ShownCorrection(BaseModel):
    """A correction. `subject` is the id of a message, of one in the conversation, or of a topic.

    `value` null: it withdraws the one before. `rests`: nothing is there that it would be of.
    """

    id: str
    at: AwareDatetime
    who: str
    kind: Literal["message", "conversation", "topic"]
    chat_id: str | None
    subject: str
    field: CorrectedField
    side: Direction | None
    value: Any
    rests: bool


class Corrections(BaseModel):
    """A page of those that stand, the newest first, and how many there are."""

    corrections: list[ShownCorrection]
    total: int
