"""The read traversals, as constant texts, and the rows they answer with.

Each text is in the dialect that the embedded engine, a TinkerPop server and Cosmos DB share, takes every
value as a binding, starts from one partition (`pk`, the key of an account) and one label, and projects
scalars: no vertex, edge or path ever leaves the graph. Comparisons are bare (`gte(start)`): all three read
them. Means, shares and percentiles are computed from the rows by insights/metrics.py.

Rows come in no particular order. `start` and `end` are whole epoch seconds of a half-open window on a
conversation's start; a topic link or action belongs to the window of its conversation, an outcome to that of
its own time. A mass message or notice that stands alone is a row of CONVERSATIONS without direct messages.
"""

from collections.abc import Mapping
from typing import Final, TypedDict


class ConversationRow(TypedDict):
    """The figures of one conversation; times are epoch seconds, durations seconds."""

    startDate: int
    endDate: int
    messageCount: int  # direct messages; 0: no conversation, a mass message or notice that stands alone
    fanMessages: int
    turns: int
    silenceSeconds: float
    responseSeconds: str  # numbers joined by commas, "" when no fan run that began here was answered
    unanswered: int
    sentimentSum: float
    sentimentCount: int


class MessagesRow(TypedDict):
    """What was said and offered in one conversation, or by what stands alone."""

    messageCount: int
    fanMessages: int
    massMessages: int
    ppvOffers: int
    massPpvOffers: int


class TopicLinkRow(TypedDict):
    """One conversation discusses one topic."""

    startDate: int  # of the conversation
    id: str  # of the topic's vertex, `element_id`, in every home
    topic: str  # the readable label
    category: str  # "" for a discovered topic
    keywords: str  # joined by commas


class ActionRow(TypedDict):
    """An engagement action was seen `count` times in one conversation."""

    type: str
    count: int


class OutcomeRow(TypedDict):
    """One outcome; an amount that is not known reads 0."""

    type: str
    amount: float
    isMass: bool  # a purchase of what went to many


class NamedRow(TypedDict):
    """One conversation, or what stands alone, by its id; what an older schema wrote has the id ""."""

    conversation: str
    chatId: str
    fanId: str
    startDate: int
    endDate: int
    messageCount: int


class FanConversationRow(NamedRow):
    """One fan conversation."""

    offers: str  # as graph/offers.py writes them


class DiscussedRow(TypedDict):
    """One fan conversation discusses one topic."""

    conversation: str
    id: str  # of the topic's vertex, `element_id`, in every home
    topic: str  # the readable label


class UsedRow(TypedDict):
    """An engagement action was seen in one fan conversation, on one of its sides."""

    conversation: str
    type: str


class TargetRow(TypedDict):
    """An engagement action was seen in messages of a topic, in one conversation."""

    conversation: str
    type: str  # of the action
    id: str  # of the topic's vertex, `element_id`, in every home
    topic: str  # the readable label


class SaleRow(NamedRow):
    """One outcome, with its conversation; an amount that is not known reads 0."""

    type: str
    date: int
    amount: float
    follows: str  # the message that it follows, as graph/said.py writes it


class OfferedRow(NamedRow):
    """What was sent, answered and offered in one conversation, or by what stands alone."""

    offers: str  # as graph/offers.py writes them
    said: str  # this and the next as graph/said.py writes them
    answers: str


class ActivityRow(TypedDict):
    """What a fan did in one conversation, or beside what stands alone; an older schema's reads 0 or ""."""

    conversation: str  # the id
    chatId: str
    startDate: int
    endDate: int
    messageCount: int
    firstFanDate: int  # when the fan wrote first and last; 0: not at all
    lastFanDate: int
    sentimentSum: float
    sentimentCount: int
    warnings: str  # as graph/warned.py writes them


class ProfileRow(TypedDict):
    """What is known of one fan; a time that is not known reads 0."""

    fanId: str
    chatId: str
    joinDate: int
    subscriptionEnd: int


class FanRow(TypedDict):
    """Where one fan's chat stands now."""

    chatId: str
    spend: float
    unread: int
    waitingSince: float  # epoch seconds; 0: nobody waits
    notWaiting: str  # why nobody waits although the fan has the last word; "": no such reason
    recentSentiment: float  # 0..1; -1: not known


_CONVERSATIONS = 'g.V().has("pk", pk).hasLabel("ConversationNode")'
_IN_WINDOW = _CONVERSATIONS + '.has("startDate", gte(start)).has("startDate", lt(end))'

# Bindings: pk, start, end. Rows: ConversationRow.
CONVERSATIONS = (
    _IN_WINDOW + '.project("startDate", "endDate", "messageCount", "fanMessages", "turns", "silenceSeconds",'
    ' "responseSeconds", "unanswered", "sentimentSum", "sentimentCount")'
    '.by("startDate").by("endDate").by("messageCount").by("fanMessages").by("turns").by("silenceSeconds")'
    '.by("responseSeconds").by("unanswered").by("sentimentSum").by("sentimentCount")'
)

# Bindings: pk, start, end. Rows: MessagesRow.
MESSAGES = (
    _IN_WINDOW + '.project("messageCount", "fanMessages", "massMessages", "ppvOffers", "massPpvOffers")'
    '.by("messageCount").by("fanMessages").by("massMessages").by("ppvOffers").by("massPpvOffers")'
)

# Bindings: pk. Rows: the one number of conversations.
CONVERSATION_COUNT = _CONVERSATIONS + ".count()"

# Bindings: pk, start, end. Rows: TopicLinkRow, of fan conversations.
TOPIC_LINKS = (
    _IN_WINDOW + '.has("fanMessages", gt(0)).outE("DISCUSS_TOPIC")'
    '.project("startDate", "id", "topic", "category", "keywords")'
    '.by(__.outV().values("startDate")).by(__.inV().id()).by(__.inV().values("description"))'
    '.by(__.inV().values("category")).by(__.inV().values("keywords"))'
)

# Bindings: pk, start, end. Rows: ActionRow.
ACTIONS = (
    _IN_WINDOW
    + '.outE("USES_ENGAGEMENT").project("type", "count").by(__.inV().values("type")).by(__.values("count"))'
)

# Bindings: pk, start, end. Rows: OutcomeRow.
OUTCOMES = (
    'g.V().has("pk", pk).hasLabel("InteractionOutcome")'
    '.has("date", gte(start)).has("date", lt(end))'
    '.project("type", "amount", "isMass")'
    '.by("name").by(__.coalesce(__.values("amount"), __.constant(0))).by("isMass")'
)


def _or_empty(key: str) -> str:
    return f'__.coalesce(__.values("{key}"), __.constant(""))'


def _or_zero(key: str) -> str:
    return f'__.coalesce(__.values("{key}"), __.constant(0))'


# Properties that what an older schema wrote lacks, until its owner has written it anew.
_CONVERSATION = _or_empty("conversation")
_CHAT = _or_empty("chatId")
_OFFERS = _or_empty("offers")
_SAID = _or_empty("said")
_ANSWERS = _or_empty("answers")
_FAN = _or_empty("fanId")
_FOLLOWS = _or_empty("follows")

_BY_FANS = _IN_WINDOW + '.has("fanMessages", gt(0))'

# Bindings: pk, start, end. Rows: FanConversationRow.
FAN_CONVERSATIONS = (
    _BY_FANS + '.project("conversation", "chatId", "fanId", "startDate", "endDate", "messageCount", "offers")'
    f'.by({_CONVERSATION}).by("chatId").by("fanId").by("startDate").by("endDate").by("messageCount")'
    f".by({_OFFERS})"
)

# Bindings: pk, start, end. Rows: DiscussedRow.
DISCUSSED = (
    _BY_FANS + '.outE("DISCUSS_TOPIC").project("conversation", "id", "topic")'
    '.by(__.outV().coalesce(__.values("conversation"), __.constant(""))).by(__.inV().id())'
    '.by(__.inV().values("description"))'
)

# Bindings: pk, start, end. Rows: UsedRow.
USED = (
    _BY_FANS + '.outE("USES_ENGAGEMENT").project("conversation", "type")'
    '.by(__.outV().coalesce(__.values("conversation"), __.constant(""))).by(__.inV().values("type"))'
)

# Bindings: pk, start, end. Rows: TargetRow, of conversations without a fan's message, too. An edge has the
# start of its conversation, so that those of the window are found without visiting the conversations.
TARGETS = (
    'g.V().has("pk", pk).hasLabel("EngagementAction").outE("TARGETS_TOPIC")'
    '.has("startDate", gte(start)).has("startDate", lt(end))'
    '.project("conversation", "type", "id", "topic")'
    '.by(__.values("conversation")).by(__.outV().values("type")).by(__.inV().id())'
    '.by(__.inV().values("description"))'
)

# Bindings: pk, start, end. Rows: SaleRow, of every type of outcome.
SALES = (
    'g.V().has("pk", pk).hasLabel("InteractionOutcome")'
    '.has("date", gte(start)).has("date", lt(end))'
    '.project("conversation", "chatId", "fanId", "startDate", "endDate", "messageCount", "type", "date",'
    ' "amount", "follows")'
    f".by({_CONVERSATION}).by({_CHAT}).by({_FAN}).by({_or_zero('startDate')}).by({_or_zero('endDate')})"
    f'.by({_or_zero("messageCount")}).by("name").by("date").by({_or_zero("amount")}).by({_FOLLOWS})'
)

# Bindings: pk, start, end. Rows: OfferedRow.
OFFERED = (
    _IN_WINDOW + '.project("conversation", "chatId", "fanId", "startDate", "endDate", "messageCount",'
    ' "offers", "said", "answers")'
    f'.by({_CONVERSATION}).by("chatId").by("fanId").by("startDate").by("endDate").by("messageCount")'
    f".by({_OFFERS}).by({_SAID}).by({_ANSWERS})"
)

# Bindings: pk, start, end. Rows: ActivityRow.
ACTIVITY = (
    _IN_WINDOW + '.project("conversation", "chatId", "startDate", "endDate", "messageCount", "firstFanDate",'
    ' "lastFanDate", "sentimentSum", "sentimentCount", "warnings")'
    f'.by({_CONVERSATION}).by("chatId").by("startDate").by("endDate").by("messageCount")'
    '.by(__.coalesce(__.values("firstFanDate"), __.constant(0)))'
    '.by(__.coalesce(__.values("lastFanDate"), __.constant(0)))'
    '.by("sentimentSum").by("sentimentCount").by(__.coalesce(__.values("warnings"), __.constant("")))'
)

# Bindings: pk. Rows: ProfileRow, of the fans whose state was written.
PROFILES = (
    'g.V().has("pk", pk).hasLabel("Fan").has("unread", gte(0))'
    '.project("fanId", "chatId", "joinDate", "subscriptionEnd")'
    '.by("fanId").by("chatId").by("joinDate")'
    '.by(__.coalesce(__.values("subscriptionEnd"), __.constant(0)))'
)

# Bindings: pk. Rows: FanRow. The comparison leaves out a fan whose state was not written yet.
FANS = (
    'g.V().has("pk", pk).hasLabel("Fan").has("unread", gte(0))'
    '.project("chatId", "spend", "unread", "waitingSince", "notWaiting", "recentSentiment")'
    '.by("chatId").by("spend").by("unread").by("waitingSince").by("notWaiting").by("recentSentiment")'
)

# Which accounts there are: the questions that have no partition yet. Bindings: none, user_id or creator_id.
# Rows: the accounts' keys. A Creator whose account was not written whole yet has no user.
_ACCOUNTS = 'g.V().hasLabel("Creator")'
ACCOUNTS = _ACCOUNTS + '.has("userId", neq("")).values("pk")'
ACCOUNTS_OF_USER = _ACCOUNTS + '.has("userId", eq(user_id)).values("pk")'
ACCOUNTS_OF_CREATOR = _ACCOUNTS + '.has("creatorId", eq(creator_id)).values("pk")'

# The accounts that an owner wrote whole in the present schema. Bindings: schema, user_id.
WRITTEN = _ACCOUNTS + '.has("userId", neq("")).has("schema", eq(schema)).values("pk")'
WRITTEN_OF_USER = _ACCOUNTS + '.has("userId", eq(user_id)).has("schema", eq(schema)).values("pk")'

# Bindings: schema. Rows: the schemas of at most one account that a newer release wrote.
NEWER = _ACCOUNTS + '.has("schema", gt(schema)).limit(1).values("schema")'

# All of the graph: its partitions, and how many vertices are in none. Each scans it.
PARTITIONS = 'g.V().values("pk").dedup()'
WITHOUT_PARTITION = 'g.V().hasNot("pk").count()'

_SAID_BY_MODELS: Final = '.not(__.has("corrected", gt(0)))'


def _without_corrections(question: str) -> str:
    """The same question of what models said: of what was corrected, what stands beside it."""
    for counts, said in (
        ('"ConversationNode"', '"ConversationNode", "UncorrectedConversation"'),
        ('"InteractionOutcome"', '"InteractionOutcome", "UncorrectedOutcome"'),
    ):
        question = question.replace(f"hasLabel({counts})", f"hasLabel({said}){_SAID_BY_MODELS}")
    question = question.replace(
        'outE("TARGETS_TOPIC")', f'outE("TARGETS_TOPIC", "UNCORRECTED_TARGETS"){_SAID_BY_MODELS}'
    )
    question = question.replace(
        '__.inV().values("description")',
        '__.inV().coalesce(__.values("uncorrectedDescription"), __.values("description"))',
    )
    for name in ("spend", "waitingSince", "notWaiting", "recentSentiment"):
        beside = f"uncorrected{name[0].upper()}{name[1:]}"
        question = question.replace(
            f'.by("{name}")', f'.by(__.coalesce(__.values("{beside}"), __.values("{name}")))'
        )
    return question


# By the question that asks what counts: the one that asks for it without corrections. Of all others the
# answer is the same.
WITHOUT_CORRECTIONS: Final[Mapping[str, str]] = {
    question: _without_corrections(question)
    for question in (
        *(CONVERSATIONS, TOPIC_LINKS, ACTIONS, OUTCOMES, FANS, DISCUSSED, USED, TARGETS, SALES, ACTIVITY),
    )
}

# The questions that name no partition: they ask all there are, and answer which ones.
ACROSS_PARTITIONS: Final = frozenset(
    (
        *(ACCOUNTS, ACCOUNTS_OF_USER, ACCOUNTS_OF_CREATOR, WRITTEN, WRITTEN_OF_USER, NEWER),
        *(PARTITIONS, WITHOUT_PARTITION),
    )
)

# Every question by its name, as figures about the graph call it.
QUESTIONS: Final[Mapping[str, str]] = {
    "conversations": CONVERSATIONS,
    "messages": MESSAGES,
    "conversation_count": CONVERSATION_COUNT,
    "topic_links": TOPIC_LINKS,
    "actions": ACTIONS,
    "outcomes": OUTCOMES,
    "fans": FANS,
    "fan_conversations": FAN_CONVERSATIONS,
    "discussed": DISCUSSED,
    "used": USED,
    "targets": TARGETS,
    "sales": SALES,
    "offered": OFFERED,
    "activity": ACTIVITY,
    "profiles": PROFILES,
    "accounts": ACCOUNTS,
    "accounts_of_user": ACCOUNTS_OF_USER,
    "accounts_of_creator": ACCOUNTS_OF_CREATOR,
    "written": WRITTEN,
    "written_of_user": WRITTEN_OF_USER,
    "newer": NEWER,
    "partitions": PARTITIONS,
    "without_partition": WITHOUT_PARTITION,
}
