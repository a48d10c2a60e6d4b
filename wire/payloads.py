"""The payloads the service sends: to pages over the socket, and beside them over REST.

camelCase names are the wire's own. Times are ISO 8601 with offset, scores 0..1, silence in percent,
response times in seconds, handling time in minutes. `null` means "not known", never zero.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chats.message import Direction

OutcomeType = Literal["tip", "purchase", "renewal", "drop_off"]
DatedBy = Literal["notice", "change", "offer"]  # the platform's notice, the change to it, its offer alone
# Why a message has no sentiment: nothing to read, a language that is not read, the platform's own sentence.
NoSentiment = Literal["no_text", "language", "notice"]
Status = Literal["PROCESSING_SNAPSHOT", "REALTIME", "ERROR"]


class Payload(BaseModel):
    """Base of all outgoing payloads: unknown fields are a programming error."""

    model_config = ConfigDict(extra="forbid")


class TopicRef(Payload):
    """A topic as it stands beside one message."""

    id: str
    topic: str  # the readable label


class TopicUse(TopicRef):
    """A topic that a conversation discusses."""

    messages: int  # how many of its messages
    weight: float  # their share of the conversation's messages with text, 0..1
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
    amount: float | None = None
    score: float  # confidence, 0..1
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
    actions: list[str] | None = []
    # By action: the field that shows it, `text start:end`, a span of the text, or `model probability`.
    actionEvidence: dict[str, str] = {}
    entities: list[Entity] | None = []
    topics: list[TopicRef] | None = []
    failed: dict[str, str] = {}  # strategy -> reason


class ExtendedConversationNode(Payload):
    """An enriched conversation; on the wire one per chat (`conversationId` is the chat's id)."""

    conversationId: str
    startDate: datetime | None = None
    endDate: datetime | None = None
    messageCount: int = 0
    averageResponseTime: float | None = None
    turns: float | None = None
    silencePercentage: float | None = None
    messages: list[dict[str, Any]] = []
    topics: list[TopicUse] = []
    actions: list[ActionUse] = []
    sentiment: float | None = None
    outcomes: list[Outcome] = []
    priorityScore: float | None = None
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
    actionTopics: list[ActionTopic] = []
    enrichment: dict[str, MessageEnrichment] = {}  # by message id
    changedMessages: list[dict[str, Any]] = []  # edits: replace the message with the same id
    removedMessages: list[str] = []  # ids of messages deleted since
    models: dict[str, str] = {}  # strategy -> model name and version


class TopicMetric(Payload):
    topic: str
    id: str
    volume: int
    percentage_of_total: float
    trend: float | None
    previous_volume: int
    category: str | None = None
    keywords: list[str] = []


class SentimentPoint(Payload):
    date: str  # the bucket's start, ISO 8601 in the asked time zone (a date for day, week and month)
    sentiment_score: float
    n: int  # fan messages with a sentiment


class SentimentTrend(Payload):
    trend: list[SentimentPoint]
    sentiment_score: float | None  # over the whole window
    n: int
    bucket: str
    time_zone: str
    notes: list[str] = []  # how the question was read, where not to the letter


class ResponseTime(Payload):
    """Seconds, and the percentage of the answered that took no longer; null where nothing was answered."""

    mean: float | None
    median: float | None
    p90: float | None
    max: float | None
    within_5_min: float | None
    within_1_h: float | None
    within_4_h: float | None
    within_8_h: float | None
    within_24_h: float | None
    n: int
    unanswered: int


class ResponseTimeMetrics(Payload):
    average_handling_time_minutes: float | None
    average_handling_time_n: int
    silence_percentage: float | None
    silence_n: int
    turns: float | None
    turns_n: int
    response_time: ResponseTime


class PriorityScore(Payload):
    """A chat's priority with what each part contributed; the parts add up to `score` (0..100)."""

    score: float
    unread: float
    waiting: float
    sentiment: float
    spend: float


class AnalyticsUpdate(Payload):
    """Everything a dashboard shows of one window; `creatorId` null means all the caller may see."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    conversations: int  # in the window
    topics: list[TopicMetric]
    sentiment_trend: SentimentTrend
    response_time_metrics: ResponseTimeMetrics
    actions: dict[str, int]  # engagement action -> times seen in the window
    outcomes: dict[str, int]  # outcome type -> count in the window
    revenue: float  # sum of the outcomes' amounts in the window
    priorityScores: dict[str, float]  # by chat id, all chats
    priority: dict[str, PriorityScore]
    unreadCounts: dict[str, int]
    notes: list[str] = []  # how the question was read, where not to the letter


class ConnectionAck(Payload):
    version: str
    clientType: Literal["extension", "frontend"]
    userId: str
    statusMessage: str


class SnapshotProgress(Payload):
    """How far a snapshot is understood, in messages."""

    done: int
    total: int
    secondsLeft: float | None  # null: too early to tell


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


class IngestReceipt(Payload):
    """What became of an input: it is in the journal up to `sequence`."""

    sequence: int
    accepted: int  # messages that were new, or newer than what was held
    duplicates: int
    held: int  # could not be placed and are kept aside


class EnrichmentResult(Payload):
    conversationId: str
    conversation_id: str  # the same: one client reads this spelling
    topics: list[TopicUse]
    actions: list[ActionUse]
    sentiment: float | None
    outcomes: list[Outcome]


class OnlineUsersUpdate(Payload):
    model_config = ConfigDict(extra="allow")

    user_ids: list[int | str] = []


class Frame(Payload):
    """Base of the envelopes. `sequence` is the user's journal sequence the frame speaks of."""

    frame: str | None = None  # its position among the user's frames; null: made for one socket (`push.py`)
    sequence: int = 0
    creatorId: str | None = None


class ConnectionAckMsg(Frame):
    type: Literal["connection_ack"] = "connection_ack"
    payload: ConnectionAck


class SystemStatusMsg(Frame):
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
