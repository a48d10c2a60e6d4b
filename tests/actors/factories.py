"""Small chats, and what enrichment would say of them, without a model."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chats.chat import Chat
from chats.conversation import Conversation
from chats.enriched import EnrichedConversation, MessageEnrichment
from chats.message import Direction, Message
from history.chat import CachedChat
from history.history import History
from wire.payloads import (
    AnalyticsUpdate,
    MessageCounts,
    PayPerView,
    PayPerViewMetrics,
    ResponseTime,
    ResponseTimeMetrics,
    SentimentTrend,
)

START = 1_714_550_400.0  # 2024-05-01T08:00:00Z
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOTHING_SOLD = PayPerView(offers=0, unlocks=0, revenue=0.0)
GAP, SILENCE = 6 * HOUR, 5 * MINUTE


def message(
    id: str, after: float, by: Direction = "fan", *, chat: str = "f1", creator: str = "c1", **more: Any
) -> Message:
    """A message `after` seconds from START; in chat `f1`, with the fan of that name."""
    facts = {"text": f"text of {id}", "fan_id": chat, **more}
    return Message(id=id, creator_id=creator, chat_id=chat, direction=by, at=START + after, **facts)


def chat(id: str = "f1", creator: str = "c1", **more: Any) -> Chat:
    """A chat as a snapshot brings it, seen at START."""
    seen_at = more.get("seen_at", START)
    facts = {"fan_id": id, "seen_at": seen_at, "counted_at": seen_at, **more}
    return Chat(id=id, creator_id=creator, **facts)


def empty_cache() -> History:
    return History(gap=GAP, silence=SILENCE)


def cached(messages: Sequence[Message], of: Chat | None = None) -> CachedChat:
    """The one chat of these messages, every conversation of it enriched."""
    cache = empty_cache()
    cache.merge([of] if of else [], messages)
    enrich_pending(cache)
    (found,) = cache.of(None)
    return found


def enrich_pending(cache: History) -> list[str]:
    """Store a node for every conversation that waits for one; returns their ids."""
    pending = [c for creator in cache.creators() for c in cache.pending(creator)]
    for conversation in pending:
        found = cache.get(conversation.creator_id, conversation.chat_id)
        assert found is not None
        cache.store(node(conversation, found))
    return [conversation.id for conversation in pending]


def sentiment(said: Message) -> float | None:
    return (len(said.text) % 11) / 10 if said.text else None


def node(conversation: Conversation, within: CachedChat | None = None, **more: Any) -> EnrichedConversation:
    """A conversation's node: its figures, a made-up sentiment, and what surrounds it `within` its chat."""
    scores = {m.id: sentiment(m) for m in conversation.messages}
    felt = [s for m in conversation.messages if m.direction == "fan" and (s := scores[m.id]) is not None]
    context = within.context(conversation.id) if within else None
    facts: dict[str, Any] = {
        "outcomes": context.outcomes if context else (),
        "models": {"before": repr(context.previous_at)} if context else {},
        "messages": {id: MessageEnrichment(sentiment=score) for id, score in scores.items()},
    }
    return EnrichedConversation(
        id=conversation.id,
        creator_id=conversation.creator_id,
        chat_id=conversation.chat_id,
        fan_id=conversation.fan_id,
        figures=conversation.figures,
        sentiment_sum=sum(felt, 0.0),
        sentiment_count=len(felt),
        **{**facts, **more},
    )


def analytics(creator: str | None = None) -> AnalyticsUpdate:
    """Of a creator without any conversation."""
    return AnalyticsUpdate(
        creatorId=creator,
        chats=0,
        startDate=datetime(2024, 4, 1, tzinfo=UTC),
        endDate=datetime(2024, 5, 1, tzinfo=UTC),
        as_of=datetime(2024, 5, 1, tzinfo=UTC),
        conversations=0,
        fan_conversations=0,
        broadcast_only=0,
        messages=MessageCounts(direct=0, by_fans=0, mass=0),
        ppv=PayPerViewMetrics(direct=NOTHING_SOLD, mass=NOTHING_SOLD),
        messageCount=0,
        sentiment=None,
        averageResponseTime=None,
        turns=None,
        topics=[],
        sentiment_trend=SentimentTrend(trend=[], sentiment_score=None, n=0, bucket="day", time_zone="UTC"),
        response_time_metrics=ResponseTimeMetrics(
            average_handling_time_minutes=None,
            average_handling_time_n=0,
            silence_percentage=None,
            silence_n=0,
            turns=None,
            turns_n=0,
            response_time=ResponseTime(
                mean=None,
                median=None,
                p90=None,
                max=None,
                within_5_min=None,
                within_1_h=None,
                within_4_h=None,
                within_8_h=None,
                within_24_h=None,
                n=0,
                unanswered=0,
            ),
        ),
        actions={},
        outcomes={},
        revenue=0.0,
        priorityScores={},
        priority={},
        unreadCounts={},
    )
