"""What a search answers with, and who asks for messages that are typical of a topic."""

from datetime import datetime
from typing import Literal

from chats.message import Direction
from wire.payloads import MessageKind, Payload, TopicRef

By = Literal["words", "meaning"]


class PlacedMessage(Payload):
    """A message with its whole text, where it is, and what was understood of it."""

    chatId: str
    messageId: str
    conversationId: str
    fanId: str
    creatorId: str
    createdAt: datetime
    direction: Direction
    kind: MessageKind
    text: str | None  # null: masked, and not understood yet
    sentiment: float | None
    topics: list[TopicRef]
    actions: list[str]


class FoundMessage(PlacedMessage):
    """A message that was found.

    `highlights` are [start, end) in characters (Unicode code points) of `text`, where the words asked for
    are. `score` falls from hit to hit and says nothing by itself; `similarity` is the cosine of its meaning
    to what was asked, null where it has the words alone.
    """

    highlights: list[tuple[int, int]]
    score: float
    has_words: bool
    similarity: float | None


class SearchAnswer(Payload):
    """A page of what was found, best first. `next` is the cursor of the next page; null: that is all.

    `by` says how it was searched: without `meaning` where the model did not answer in time. `waiting` chats
    are not all in the index yet, and `without_meaning` messages are found by their words alone.
    """

    messages: list[FoundMessage]
    next: str | None
    by: list[By]
    waiting: int
    without_meaning: int


class TypicalMessage(PlacedMessage):
    """A message about a topic; `similarity` is the cosine of its meaning to what the topic is about."""

    similarity: float


class TypicalMessages(Payload):
    """The most typical messages of a topic, each of another chat, the most typical first.

    `waiting` chats are not all in the index yet.
    """

    messages: list[TypicalMessage]
    waiting: int
