"""The read traversals, as constant texts, and the rows they answer with.

Each text is in the dialect that the embedded engine, a TinkerPop server and Cosmos DB share, takes every
value as a binding, starts from one label in one partition (`pk`), and projects scalars: no vertex, edge or
path ever leaves the graph. Means, shares and percentiles are computed from the rows by insights/metrics.py.

Rows come in no particular order. `start` and `end` are whole epoch seconds of a half-open window on a
conversation's start; a topic link, action or outcome belongs to the window of its conversation.
"""

from dataclasses import dataclass
from typing import TypedDict

from graph.model import Scalar


class ConversationRow(TypedDict):
    """The figures of one conversation; times are epoch seconds, durations seconds."""

    startDate: int
    endDate: int
    messageCount: int
    turns: int
    silenceSeconds: float
    responseSeconds: str  # numbers joined by commas, "" when no fan run that began here was answered
    unanswered: int
    sentimentSum: float
    sentimentCount: int


class TopicLinkRow(TypedDict):
    """One conversation discusses one topic."""

    startDate: int  # of the conversation
    id: str  # of the topic's vertex in the store
    topic: str  # the readable label
    category: str  # "" for a discovered topic
    keywords: str  # joined by commas


class ActionRow(TypedDict):
    """An engagement action was seen `count` times in one conversation."""

    type: str
    count: int


class OutcomeRow(TypedDict):
    """One outcome of one conversation; an amount that is not known reads 0."""

    type: str
    amount: float


class FanRow(TypedDict):
    """Where one fan's chat stands now."""

    chatId: str
    spend: float
    unread: int
    waitingSince: float  # epoch seconds; 0: nobody waits
    recentSentiment: float  # 0..1; -1: not known


@dataclass(frozen=True, slots=True)
class Traversal:
    """One question, as the text over all users of a partition and the text that keeps to one user."""

    all_users: str
    one_user: str

    def bind(self, user_id: str | None, **bindings: Scalar) -> tuple[str, dict[str, Scalar]]:
        """The script and its bindings, ready for `Graph.submit`."""
        if user_id is None:
            return self.all_users, bindings
        return self.one_user, {**bindings, "user_id": user_id}


_OF_USER = '.has("userId", P.eq(user_id))'


def _both(start: str, rest: str) -> Traversal:
    return Traversal(start + rest, start + _OF_USER + rest)


_CONVERSATIONS = 'g.V().hasLabel("ConversationNode").has("pk", P.eq(pk))'
_IN_WINDOW = '.has("startDate", P.gte(start)).has("startDate", P.lt(end))'

# Bindings: pk, start, end. Rows: ConversationRow.
CONVERSATIONS = _both(
    _CONVERSATIONS,
    _IN_WINDOW
    + '.project("startDate", "endDate", "messageCount", "turns", "silenceSeconds", "responseSeconds",'
    + ' "unanswered", "sentimentSum", "sentimentCount")'
    + '.by("startDate").by("endDate").by("messageCount").by("turns").by("silenceSeconds")'
    + '.by("responseSeconds").by("unanswered").by("sentimentSum").by("sentimentCount")',
)

# Bindings: pk. Rows: the one number of conversations.
CONVERSATION_COUNT = _both(_CONVERSATIONS, ".count()")

# Bindings: pk, start, end. Rows: TopicLinkRow.
TOPIC_LINKS = _both(
    _CONVERSATIONS,
    _IN_WINDOW
    + '.outE("DISCUSS_TOPIC").project("startDate", "id", "topic", "category", "keywords")'
    + '.by(__.outV().values("startDate")).by(__.inV().id()).by(__.inV().values("description"))'
    + '.by(__.inV().values("category")).by(__.inV().values("keywords"))',
)

# Bindings: pk, start, end. Rows: ActionRow.
ACTIONS = _both(
    _CONVERSATIONS,
    _IN_WINDOW
    + '.outE("USES_ENGAGEMENT").project("type", "count").by(__.inV().values("type")).by(__.values("count"))',
)

# Bindings: pk, start, end. Rows: OutcomeRow.
OUTCOMES = _both(
    _CONVERSATIONS,
    _IN_WINDOW
    + '.out("RESULTS_IN_OUTCOME").project("type", "amount")'
    + '.by("name").by(__.coalesce(__.values("amount"), __.constant(0)))',
)

# Bindings: pk. Rows: FanRow. The comparison leaves out a fan whose state was not written yet.
FANS = _both(
    'g.V().hasLabel("Fan").has("pk", P.eq(pk))',
    '.has("unread", P.gte(0)).project("chatId", "spend", "unread", "waitingSince", "recentSentiment")'
    '.by("chatId").by("spend").by("unread").by("waitingSince").by("recentSentiment")',
)

# No bindings. Rows: creator ids. The one question that has no partition yet.
CREATORS = Traversal(
    'g.V().hasLabel("Creator").values("pk").dedup()',
    'g.V().hasLabel("Fan")' + _OF_USER + '.values("pk").dedup()',
)
