"""What is understood of one conversation: made by enrichment, kept by history, written to the graph. Pure.

Names are those under which it is stored (`history.packing`): a field that is added needs a default, by which
stored values without it are read. Times are seconds since the epoch, UTC; sentiment is 0 (negative) to 1.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from chats.conversation import Figures
from chats.message import Direction, MediaKind

OutcomeType = Literal["tip", "purchase", "renewal", "drop_off"]
DatedBy = Literal["notice", "change", "offer"]  # the platform's notice, the change to it, its offer alone
OfferMedia = MediaKind | Literal["mixed"]
# Why a message has no sentiment: nothing to read, a language that is not read, the platform's own sentence.
NoSentiment = Literal["no_text", "language", "notice"]


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of these values. Stored without what is as by default, so a default never changes."""


class Entity(Value, frozen=True):
    """A span of the text that names something: `text[start:end]`."""

    type: str
    text: str
    start: int
    end: int


class TopicRef(Value, frozen=True):
    """A topic as it stands beside one message."""

    id: str
    label: str


class TopicUse(Value, frozen=True):
    """A topic that a conversation discusses."""

    id: str
    label: str
    messages: int  # how many of its messages
    weight: float  # their share of the conversation's messages with text, 0..1
    model: str  # name and version of what found it
    category: str | None = None  # the seeded taxonomy's category; None for a discovered topic
    keywords: tuple[str, ...] = ()
    found_as: str | None = None  # the label that a person has changed, or had; None: nobody ever did


class ActionUse(Value, frozen=True):
    """An engagement action seen in a conversation."""

    type: str
    count: int
    direction: Direction
    evidence: tuple[str, ...] = ()  # ids of the messages it was seen in


class ActionTopic(Value, frozen=True):
    """An engagement action that was seen in messages of a topic."""

    action: str
    topic_id: str
    count: int


class Outcome(Value, frozen=True):
    """What a conversation led to."""

    type: OutcomeType
    at: float
    score: float  # confidence, 0..1
    evidence: str  # which field or rule says so; never message text
    amount: float | None = None  # dollars
    message_id: str | None = None
    follows_message_id: str | None = None  # the creator's message that came before it
    is_provisional: bool = False  # a drop_off is withdrawn when the fan returns
    is_mass: bool = False  # a purchase of what went to many
    dated_by: DatedBy | None = None  # of a purchase: what tells its time
    sent_at: float | None = None  # when the message that it follows was sent
    sender_id: str | None = None  # who of the creator's team sent that


class Offer(Value, frozen=True):
    """A pay-per-view message of a conversation, and what became of it. Money is in dollars."""

    at: float  # when it was sent
    price: float  # what is asked; what was paid where that is not known
    media: OfferMedia | None = None  # None: not known
    is_mass: bool = False  # sent to many
    unlocked_at: float | None = None  # None: it is locked
    paid: float | None = None  # for unlocking it
    dated_by: DatedBy | None = None  # what tells `unlocked_at`; `offer`: nothing, it is `at`
    sender_id: str | None = None  # who of the creator's team sent it


class MessageEnrichment(Value, frozen=True):
    """What was understood of one message. None: that strategy failed, and `failed` says why."""

    sentiment: float | None
    no_sentiment: NoSentiment | None = None  # why there is none where nothing failed
    language: str | None = None  # of the text, ISO 639; None: it has no words, or is the platform's
    actions: tuple[str, ...] | None = ()
    # By action: the field that shows it, `text start:end`, a span of the text, or `model probability`. One
    # that is no action of the message: a phrase told it, and the model's probability took it back.
    action_evidence: Mapping[str, str] = {}
    entities: tuple[Entity, ...] | None = ()
    topics: tuple[TopicRef, ...] | None = ()
    failed: Mapping[str, str] = {}  # strategy -> reason
    read_after: int | None = None  # a digest of the context that it was read in; None: it was read alone


class EnrichedConversation(Value, frozen=True):
    """A conversation's figures, and what was understood of it. `id` is the conversation's."""

    id: str
    creator_id: str
    chat_id: str
    fan_id: str
    figures: Figures
    topics: tuple[TopicUse, ...] = ()  # the most discussed first
    actions: tuple[ActionUse, ...] = ()
    action_topics: tuple[ActionTopic, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    ppv_offers: tuple[Offer, ...] = ()  # in order of time
    sentiment_sum: float = 0.0  # over the fan's messages that have a sentiment
    sentiment_count: int = 0
    messages: Mapping[str, MessageEnrichment] = {}  # by message id
    models: Mapping[str, str] = {}  # strategy -> model name and version
    said: "EnrichedConversation | None" = None  # of one that a person corrected: without the corrections

    @property
    def sentiment(self) -> float | None:
        """The mean over the fan's messages that have one."""
        return self.sentiment_sum / self.sentiment_count if self.sentiment_count else None

    @property
    def differs(self) -> bool:
        """Whether what counts is another than what models said, in anything that is counted of it."""
        return self.said is not None and self._counted() != self.said._counted()

    def _counted(self) -> tuple[object, ...]:
        return (
            (self.sentiment_sum, self.sentiment_count, self.action_topics, self.outcomes),
            [(each.id, each.messages, each.weight) for each in self.topics],
            [(each.type, each.direction, each.count) for each in self.actions],
        )

    @property
    def has_failed(self) -> bool:
        """Whether a strategy failed on one of its messages."""
        return any(each.failed for each in self.messages.values())
