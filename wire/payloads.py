"""The payloads the service sends: to pages over the socket, and beside them over REST.

camelCase names are the wire's own. Times are ISO 8601 with offset, sentiment 0..1, silence in percent,
`averageResponseTime` and handling time in minutes, the spread of response times in seconds.

REST gives figures as they are, and `null` for what is not known. Pages show what they get as it is: in a
payload `for_pages` figures are rounded to what a person reads, and what is not known is left out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializationInfo

from chats.enriched import DatedBy, NoSentiment, OutcomeType
from chats.message import Direction

MessageKind = Literal["direct", "mass", "notice"]
TopicMark = Literal["new", "fading"]
FactorKind = Literal["topic", "action", "pair", "price_band", "hour_of_week"]
NoLift = Literal["too_few_with", "too_few_without", "none_sold_without"]
Status = Literal["PROCESSING_SNAPSHOT", "REALTIME", "ERROR"]


_FOR_PAGES = "for pages"


def _rounded(decimals: int) -> PlainSerializer:
    def shown(value: float, info: SerializationInfo) -> float:
        return round(value, decimals) if info.context == _FOR_PAGES else value

    return PlainSerializer(shown)


Tenths = Annotated[
    float, _rounded(1)
]  # on pages: percents, minutes, seconds, scores of 0..100, means of counts
Hundredths = Annotated[float, _rounded(2)]  # on pages: what lies in 0..1, and money


class Payload(BaseModel):
    """Base of all outgoing payloads: unknown fields are a programming error."""

    model_config = ConfigDict(extra="forbid")


def for_pages(payload: Payload, *, without: str | None = None) -> bytes:
    """JSON of a payload as pages get it: figures rounded, nothing that is null; perhaps `without` a field."""
    exclude = None if without is None else {without}
    return payload.model_dump_json(exclude=exclude, exclude_none=True, context=_FOR_PAGES).encode()


def published(
    kind: str, payload: bytes, *, sequence: int, creator_id: str | None, merge: bool = False
) -> bytes:
    """JSON of a frame without a position. `payload` is JSON; pages' sockets read it in this order."""
    return b'{"sequence":%d,"creatorId":%b,"type":"%b"%b,"payload":%b}' % (
        sequence,
        orjson.dumps(creator_id),
        kind.encode(),
        b',"merge":true' if merge else b"",
        payload,
    )


def call_for_full_sync(*, sequence: int, creator_id: str | None, merge: bool) -> bytes:
    """JSON of the frame that has each page ask for a full sync: one without a payload."""
    frame = published("full_sync_response", b"", sequence=sequence, creator_id=creator_id, merge=merge)
    return frame.removesuffix(b',"payload":}') + b"}"


class TopicRef(Payload):
    """A topic as it stands beside one message."""

    id: str
    topic: str  # the readable label


class TopicUse(TopicRef):
    """A topic that a conversation discusses."""

    # The same once more, by the names of the topic's vertex, which existing clients read:
    topicId: str = Field(default_factory=lambda topic: topic["id"])
    description: str = Field(default_factory=lambda topic: topic["topic"])
    messages: int  # how many of its messages
    weight: Hundredths  # their share of the conversation's messages with text, 0..1
    category: str | None = None  # the seeded taxonomy's category; null for a discovered topic
    keywords: list[str] = []
    model: str  # name and version of what found it


class ActionUse(Payload):
    """An engagement action seen in a conversation."""

    type: str
    count: int
    direction: Direction
    evidence: list[str] = []  # ids of the messages it was seen in


class ActionTopic(Payload):
    """An engagement action that was seen in messages of a topic."""

    action: str
    topicId: str
    count: int


class Entity(Payload):
    """A span of the text that names something: `text[start:end]`."""

    type: str
    text: str
    start: int
    end: int


class Outcome(Payload):
    """What a conversation led to."""

    type: OutcomeType
    date: datetime
    amount: Hundredths | None = None
    score: Hundredths  # confidence, 0..1
    evidence: str  # which field or rule says so; never message text
    messageId: str | None = None
    followsMessageId: str | None = None  # the creator's message that came before it
    provisional: bool = False  # a drop_off is withdrawn when the fan returns
    isMass: bool = False  # a purchase of what went to many
    datedBy: DatedBy | None = None  # of a purchase: what tells its time


class MessageEnrichment(Payload):
    """What was understood of one message. Null: that strategy failed, and `failed` says why."""

    sentiment: float | None
    sentimentReason: NoSentiment | None = None  # where there is no sentiment and nothing failed
    language: str | None = None  # of the text, ISO 639; null: it has no words, or is the platform's
    actions: list[str] | None = []
    # By action: the field that shows it, `text start:end`, a span of the text, or `model probability`.
    actionEvidence: dict[str, str] = {}
    entities: list[Entity] | None = []
    topics: list[TopicRef] | None = []
    failed: dict[str, str] = {}  # strategy -> reason


class AsReceived(Payload):
    """Base of the platform's own objects: fields beside those that the service sets are kept."""

    model_config = ConfigDict(extra="allow")


class ShownUser(AsReceived):
    """Who a message is from, by `id`; the other fields are what to show as the chat's title: the fan."""

    id: int | str
    displayName: str
    username: str


class Quoted(AsReceived):
    """The message that another one answers."""

    text: str | None = None  # plain


class ShownMessage(AsReceived):
    """A message as pages are shown it."""

    id: int | str
    chatId: str
    createdAt: datetime
    direction: Direction
    is_creator: bool  # the creator wrote it
    kind: MessageKind = "direct"  # mass: to many at once; notice: the platform's own sentence
    fromUser: ShownUser
    text: str  # plain
    replyToMessage: Quoted | None = None
    sentimentScore: Hundredths | None = None  # of a fan's message
    topics: list[str] | None = None  # labels; null: not enriched


@dataclass(slots=True)  # an update has one for each chat: a model takes ten times as long to be made
class PriorityScore:
    """A chat's priority with what each part contributed; the parts add up to `score` (0..100)."""

    __pydantic_config__: ClassVar[ConfigDict] = Payload.model_config

    score: Tenths
    unread: Tenths
    waiting: Tenths
    sentiment: Tenths
    spend: Tenths
    not_waiting: str | None = None  # why nobody waits although the fan has the last word


class ExtendedConversationNode(Payload):
    """One chat by the totals of its conversations; `conversationId` is the chat's id."""

    conversationId: str
    startDate: datetime | None = None
    endDate: datetime | None = None
    messageCount: int = 0
    averageResponseTime: Tenths | None = None  # minutes
    turns: Tenths | None = None
    silencePercentage: Tenths | None = None
    messages: list[ShownMessage] = []
    topics: list[TopicUse] = []
    actions: list[ActionUse] = []
    sentiment: Hundredths | None = None
    outcomes: list[Outcome] = []
    priorityScore: Tenths | None = None
    notWaiting: str | None = None  # why nobody waits although the fan has the last word
    withUser: dict[str, Any] | None = None
    # Beside what existing clients read:
    creatorId: str
    chatId: str
    fanId: str
    sentimentSum: float = 0.0  # over fan messages that have a sentiment
    sentimentCount: int = 0
    silenceSeconds: float = 0.0
    responseSeconds: list[float] = []
    unanswered: int = 0
    fanMessages: int = 0  # of the direct ones that `messageCount` counts
    massMessages: int = 0
    ppvOffers: int = 0  # in direct messages
    massPpvOffers: int = 0
    actionTopics: list[ActionTopic] = []
    enrichment: dict[str, MessageEnrichment] = {}  # by message id
    changedMessages: list[ShownMessage] = []  # edits: replace the message with the same id
    removedMessages: list[str] = []  # ids of messages deleted since
    priority: PriorityScore | None = None  # the parts of `priorityScore`
    unreadCount: int | None = None
    models: dict[str, str] = {}  # strategy -> model name and version


class Figures(Payload):
    """Figures of a period, whose `previous` are the same of the period before.

    They are null where that period has none, or where they are not asked for.
    """

    NAMED_BY: ClassVar[tuple[str, ...]] = ()  # of a row: what tells it from the others

    @property
    def as_previous(self) -> Self:
        """What is shown of them beside those of a later period."""
        return self


class TopicMetric(Figures):
    NAMED_BY = ("id", "topic")

    topic: str
    id: str
    volume: int
    percentage_of_total: Tenths
    trend: Tenths | None
    previous_volume: int
    category: str | None = None
    keywords: list[str] = []
    mark: TopicMark | None = None  # against the preceding window
    drill: str | None = None  # a query of `/api/v1/insights/conversations`; pages are sent none
    previous: "TopicMetric | None" = None


class TopicBucket(Payload):
    date: str  # the bucket's start, as in the sentiment trend
    conversations: int  # fan conversations that start in it


class TopicVolume(Payload):
    """A topic in a bucket in which it was discussed."""

    date: str
    topic: str
    id: str
    volume: int
    percentage_of_total: Tenths  # of the bucket's fan conversations


class TopicsOverTime(Payload):
    """Buckets and topics in order of time, in each bucket the most discussed topics first."""

    buckets: list[TopicBucket]
    topics: list[TopicVolume]
    bucket: str
    time_zone: str
    notes: list[str] = []  # how the question was read, where not to the letter


class SentimentPoint(Payload):
    date: str  # the bucket's start, ISO 8601 in the asked time zone (a date for day, week and month)
    sentiment_score: Hundredths
    n: int  # fan messages with a sentiment


class SentimentTrend(Figures):
    trend: list[SentimentPoint]
    sentiment_score: Hundredths | None  # over the whole window
    n: int
    bucket: str
    time_zone: str
    notes: list[str] = []  # how the question was read, where not to the letter
    drill: str | None = None  # as a topic's
    previous: "SentimentTrend | None" = None


class ResponseTime(Payload):
    """Seconds, and the percentage of the answered that took no longer; null where nothing was answered."""

    mean: Tenths | None
    median: Tenths | None
    p90: Tenths | None
    max: Tenths | None
    within_5_min: Tenths | None
    within_1_h: Tenths | None
    within_4_h: Tenths | None
    within_8_h: Tenths | None
    within_24_h: Tenths | None
    n: int
    unanswered: int


class ResponseTimeMetrics(Figures):
    average_handling_time_minutes: Tenths | None
    average_handling_time_n: int
    silence_percentage: Tenths | None
    silence_n: int
    turns: Tenths | None
    turns_n: int
    response_time: ResponseTime
    drill: str | None = None  # as a topic's
    previous: "ResponseTimeMetrics | None" = None


class MessageCounts(Payload):
    """Messages of the window's conversations and of what stands alone in it."""

    direct: int
    by_fans: int  # of the direct ones
    mass: int


class PayPerView(Payload):
    """Offers of the window's conversations; unlocks that were paid for in the window, and their revenue."""

    offers: int
    unlocks: int
    revenue: Hundredths


class PayPerViewMetrics(Payload):
    direct: PayPerView
    mass: PayPerView


class AnalyticsUpdate(Figures):
    """Everything a dashboard shows of one window; `creatorId` null means all the caller may see."""

    creatorId: str | None
    chats: int  # whatever the window
    startDate: datetime
    endDate: datetime
    as_of: datetime  # what came up to here is counted; later than this, all of it may not be
    conversations: int  # in the window
    fan_conversations: int  # those of them in which the fan says something
    broadcast_only: int  # mass messages and notices that belong to no conversation
    messages: MessageCounts
    ppv: PayPerViewMetrics
    messageCount: int  # of these conversations
    sentiment: Hundredths | None  # `sentiment_trend.sentiment_score`
    averageResponseTime: Tenths | None  # `response_time_metrics.response_time.mean`, in minutes
    turns: Tenths | None  # `response_time_metrics.turns`
    topics: list[TopicMetric]
    sentiment_trend: SentimentTrend
    response_time_metrics: ResponseTimeMetrics
    actions: dict[str, int]  # engagement action -> times seen in the window
    outcomes: dict[str, int]  # outcome type -> count in the window
    revenue: Hundredths  # sum of the outcomes' amounts in the window
    priorityScores: dict[str, Tenths]  # by chat id, as `priority` and `unreadCounts`
    priority: dict[str, PriorityScore]
    unreadCounts: dict[str, int]
    notes: list[str] = []  # how the question was read, where not to the letter
    drill: str | None = None  # as a topic's
    previous: "AnalyticsUpdate | None" = None

    @property
    def as_previous(self) -> Self:
        """Without how each chat stands now, which is of no period."""
        return self.model_copy(update={"priorityScores": {}, "priority": {}, "unreadCounts": {}})


class Converted(Payload):
    """Fan conversations, those of them that a sale followed, and their share with its 95 % interval."""

    conversations: int
    sold: int
    rate: float | None  # 0..1
    low: float | None
    high: float | None


class ConversionRow(Figures):
    """Conversations with one topic, action, pair of both, price band or hour, against those without it."""

    NAMED_BY = ("kind", "action", "topicId", "topic", "value")

    kind: FactorKind
    action: str | None = None  # of an action or pair
    topicId: str | None = None  # of a topic or pair
    topic: str | None = None  # its readable label
    value: str | None = None  # the price band, or the hour of the week
    with_it: Converted
    without_it: Converted
    fans: int  # whose conversations have it
    sales: int  # that followed the conversations with it
    amount_total: float  # of those sales whose amount is known, in dollars
    amount_median: float | None
    amounts_known: int
    lift: float | None  # the rate with it divided by the rate without it
    lift_low: float | None
    lift_high: float | None
    reason: NoLift | None  # why there is no lift
    p: float | None  # null where there are too few conversations to test
    adjusted_p: float | None  # over all tests of the answer
    significant: bool | None
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`
    previous: "ConversionRow | None" = None


class Conversion(Figures):
    """Which conversations a sale follows."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    as_of: datetime
    time_zone: str
    attribution: float  # hours after a conversation in which a sale still counts as following it
    min_sample: int
    total: Converted  # every fan conversation of the window whose hours are over
    pending: int  # whose hours are not over: in no other number
    sales: int  # that followed a conversation of `total`
    amount_total: float
    amount_median: float | None
    amounts_known: int
    tests: int  # over which p is adjusted
    rows: list[ConversionRow]
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`
    method: str
    caution: str  # what must not be read into it
    notes: list[str] = []  # how the question was read, where not to the letter
    previous: "Conversion | None" = None


class PpvRow(Figures):
    """What became of pay-per-view offers. What is not known of such offers, or not asked of them, is null."""

    NAMED_BY = ("key",)

    key: str
    sent: int
    unlocked: int
    unlock_ratio: float | None  # 0..1
    low: float | None  # of its 95 % interval
    high: float | None
    revenue: float  # dollars paid for those unlocked
    seconds_to_unlock: float | None  # the median
    seconds_to_unlock_n: int  # of those whose time is known
    messages_sent: int | None  # by the creator, offers among them
    golden_ratio: float | None  # offers sent, of all messages sent
    revenue_per_message: float | None
    conversations: int  # that the offers were sent in, or by themselves
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`
    previous: "PpvRow | None" = None


class PpvFunnel(Figures):
    """The pay-per-view offers of the window's conversations and of what stands alone in it."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    as_of: datetime
    total: PpvRow
    by_delivery: list[PpvRow]  # direct, mass
    by_price_band: list[PpvRow]
    by_media: list[PpvRow]
    by_person: list[PpvRow]  # who sent them; `unknown` where nothing says it
    by_creator: list[PpvRow]  # a row an account
    previous: "PpvFunnel | None" = None


class CountedConversation(Payload):
    """A conversation, or what stands alone, that a number counts."""

    userId: str
    creatorId: str
    conversationId: str
    chatId: str
    fanId: str
    startDate: datetime
    endDate: datetime
    messageCount: int  # direct messages; 0: a mass message that stands alone
    counted: int  # how much of the number this is
    amount: float | None  # dollars of what was counted; null where that is no money


class CountedConversations(Payload):
    """Some of the conversations that a number counts, by their start."""

    conversations: list[CountedConversation]
    total: int  # conversations, whatever the page
    counted: int  # the number
    amount: float | None
    next: str | None  # the `cursor` of the next page; null: this is the last


class ConnectionAck(Payload):
    version: str
    clientType: Literal["extension", "frontend"]
    userId: str
    statusMessage: str


class SnapshotProgress(Payload):
    """How far a snapshot is understood, in messages."""

    done: int
    total: int
    secondsLeft: Tenths | None  # null: too early to tell


class SystemStatus(Payload):
    status: Status
    detail: str | None = None
    progress: SnapshotProgress | None = None  # while a long snapshot is understood


class SystemError(Payload):
    errorMessage: str
    code: str | None = None
    detail: Any = None


class FullSyncResponse(Payload):
    conversations: list[ExtendedConversationNode]
    analytics: AnalyticsUpdate


class ShownChats(Payload):
    """Some of the chats in an order, as a full sync has them; `total` is how many there are."""

    conversations: list[ExtendedConversationNode]
    total: int


class ShownMessages(Payload):
    """Some of a chat's messages, oldest first; `more` says that there are older ones."""

    messages: list[ShownMessage]
    more: bool


class IngestReceipt(Payload):
    """What became of an input: it is in the journal up to `sequence`."""

    sequence: int
    accepted: int  # messages that were new, or newer than what was held
    duplicates: int
    held: int  # could not be placed and are kept aside

    @property
    def received(self) -> int:
        """How many messages the input had."""
        return self.accepted + self.duplicates + self.held


class EnrichmentResult(Payload):
    conversationId: str
    conversation_id: str  # the same: one client reads this spelling
    topics: list[TopicUse]
    actions: list[ActionUse]
    sentiment: Hundredths | None
    outcomes: list[Outcome]


class OnlineUsersUpdate(Payload):
    model_config = ConfigDict(extra="allow")

    user_ids: list[int | str] = []


class Frame(Payload):
    """Base of the envelopes. `sequence` is the user's journal sequence the frame speaks of."""

    is_state: ClassVar[bool] = False  # else an event (`frames/log.py`)
    # Its position among the user's events; null in states and in what is made for one socket.
    frame: str | None = None
    sequence: int = 0
    creatorId: str | None = None
    type: str
    merge: bool = (
        False  # only for pages that change a part of what they show (`api/sockets`); left out when false
    )
    payload: Payload

    def published(self) -> bytes:
        """JSON without the position."""
        return published(
            self.type,
            for_pages(self.payload),
            sequence=self.sequence,
            creator_id=self.creatorId,
            merge=self.merge,
        )


class ConnectionAckMsg(Frame):
    type: Literal["connection_ack"] = "connection_ack"
    payload: ConnectionAck


class SystemStatusMsg(Frame):
    is_state = True
    type: Literal["system_status"] = "system_status"
    payload: SystemStatus


class SystemErrorMsg(Frame):
    type: Literal["system_error"] = "system_error"
    payload: SystemError


class FullSyncResponseMsg(Frame):
    type: Literal["full_sync_response"] = "full_sync_response"
    payload: FullSyncResponse


class AppendMessageMsg(Frame):
    type: Literal["append_message"] = "append_message"
    payload: ExtendedConversationNode


class AnalyticsUpdateMsg(Frame):
    is_state = True
    type: Literal["analytics_update"] = "analytics_update"
    payload: AnalyticsUpdate


class EnrichmentResultMsg(Frame):
    type: Literal["enrichment_result"] = "enrichment_result"
    payload: EnrichmentResult


class OnlineUsersUpdateMsg(Frame):
    type: Literal["online_users_update"] = "online_users_update"
    payload: OnlineUsersUpdate


class IngestAckMsg(Frame):
    """Answers an extension's batch; nothing is acknowledged before it is in the journal."""

    type: Literal["ingest_ack"] = "ingest_ack"
    payload: IngestReceipt


OutgoingMsg = (
    ConnectionAckMsg
    | SystemStatusMsg
    | SystemErrorMsg
    | FullSyncResponseMsg
    | AppendMessageMsg
    | AnalyticsUpdateMsg
    | EnrichmentResultMsg
    | OnlineUsersUpdateMsg
    | IngestAckMsg
)


class TypedOutgoing(BaseModel):
    """Any frame the service sends, discriminated by `type` (for the published schema)."""

    message: OutgoingMsg = Field(discriminator="type")
