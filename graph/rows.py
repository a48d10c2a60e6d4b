"""The rows that the traversals answer with for one conversation or chat once the builder wrote it. Pure.

Whoever holds what is written needs not ask the graph for it. tests/graph/test_graph_rows.py holds them to the
graph.
"""

from dataclasses import dataclass

from chats.conversation import Figures
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from graph.model import Scalar, element_id, topic_vertex
from graph.traversals import (
    ActionRow,
    ConversationRow,
    FanRow,
    MessagesRow,
    OutcomeRow,
    ProfileRow,
    TopicLinkRow,
)


@dataclass(frozen=True, slots=True)
class ConversationRows:
    """The rows of one conversation.

    `topics` are there for a conversation in which the fan says nothing, too: TOPIC_LINKS does not answer
    them, but what is written last of a topic is what the topic's other links read.
    """

    conversation: ConversationRow
    messages: MessagesRow
    topics: tuple[TopicLinkRow, ...] = ()
    actions: tuple[ActionRow, ...] = ()
    outcomes: tuple[tuple[int, OutcomeRow], ...] = ()  # each with its own time in whole epoch seconds


def conversation_rows(conv: EnrichedConversation, pk: str) -> ConversationRows:
    """The rows of an enriched conversation in the partition `pk`."""
    row, figures = conversation_row(conv), conv.figures
    # What is written twice is one vertex or edge with the values that came last.
    topics = {topic.id: topic for topic in conv.topics}
    actions = {(action.type, action.direction): action.count for action in conv.actions}
    return ConversationRows(
        row,
        MessagesRow(
            messageCount=figures.direct_messages,
            fanMessages=figures.fan_messages,
            massMessages=figures.mass_messages,
            ppvOffers=figures.offers,
            massPpvOffers=figures.mass_offers,
        ),
        tuple(
            TopicLinkRow(
                startDate=row["startDate"],
                id=element_id(pk, topic_vertex(topic.id)),
                topic=topic.label,
                category=topic.category or "",
                keywords=",".join(topic.keywords),
            )
            for topic in topics.values()
        ),
        tuple(ActionRow(type=type, count=count) for (type, _), count in actions.items()),
        tuple(
            (
                int(outcome.at),
                OutcomeRow(type=outcome.type, amount=outcome.amount or 0, isMass=outcome.is_mass),
            )
            for outcome in conv.outcomes
        ),
    )


def conversation_row(conv: EnrichedConversation) -> ConversationRow:
    """The figures of an enriched conversation; times are cut to whole seconds."""
    figures = conv.figures
    return ConversationRow(
        startDate=int(figures.start),
        endDate=int(figures.end),
        messageCount=figures.direct_messages,
        fanMessages=figures.fan_messages,
        turns=figures.turns,
        silenceSeconds=figures.silence_seconds,
        responseSeconds=response_seconds(figures),
        unanswered=figures.unanswered,
        sentimentSum=conv.sentiment_sum,
        sentimentCount=conv.sentiment_count,
    )


def fan_row(fan: FanState) -> FanRow:
    """Where a fan's chat stands."""
    return FanRow(
        chatId=fan.chat_id,
        spend=fan.spend,
        unread=fan.unread,
        waitingSince=int(fan.waiting_since or 0),
        notWaiting=fan.not_waiting or "",
        recentSentiment=-1.0 if fan.recent_sentiment is None else fan.recent_sentiment,
    )


def profile_row(fan: FanState) -> ProfileRow:
    """What is known of a fan; 0 stands for an unknown time."""
    return ProfileRow(
        fanId=fan.fan_id,
        chatId=fan.chat_id,
        joinDate=int(fan.join_date or 0),
        subscriptionEnd=int(fan.subscription_end or 0),
    )


def fan_facts(fan: FanState) -> dict[str, Scalar]:
    """What the rows of FANS and PROFILES have of a fan."""
    return {name: value for row in (fan_row(fan), profile_row(fan)) for name, value in row.items()}  # type: ignore[misc]


def fan_dates(figures: Figures) -> tuple[int, int]:
    """When the fan wrote first and last, in whole epoch seconds; 0: never.

    What was stored before this was kept does not say it: there a bound of the conversation stands in.
    """
    if not figures.fan_messages:
        return 0, 0
    first, last = figures.fan_first, figures.fan_last
    return int(figures.start if first is None else first), int(figures.end if last is None else last)


def response_seconds(figures: Figures) -> str:
    """Response times as the graph keeps them: to 15 digits, joined by commas."""
    return ",".join(f"{seconds:.15g}" for seconds in figures.response_seconds)
