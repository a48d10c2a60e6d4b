"""The update of a dashboard from its figures, however they were come by. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from insights.window import Window
from wire.payloads import (
    AnalyticsUpdate,
    MessageCounts,
    PayPerViewMetrics,
    PriorityScore,
    ResponseTimeMetrics,
    SentimentTrend,
    TopicMetric,
)


def analytics_update(
    creator_id: str | None,
    window: Window,
    *,
    as_of: datetime,
    chats: int,
    conversations: int,
    fan_conversations: int,
    broadcast_only: int,
    messages: MessageCounts,
    ppv: PayPerViewMetrics,
    message_count: int,
    topics: Sequence[TopicMetric],
    trend: SentimentTrend,
    times: ResponseTimeMetrics,
    actions: Mapping[str, int],
    outcomes: Mapping[str, int],
    revenue: float,
    priority: Mapping[str, PriorityScore],
    unread: Mapping[str, int],
    notes: Sequence[str] = (),
) -> AnalyticsUpdate:
    """The update, with the means that pages show first under names of their own."""
    response = times.response_time.mean
    return AnalyticsUpdate(
        creatorId=creator_id,
        chats=chats,
        startDate=window.start,
        endDate=window.end,
        as_of=as_of,
        conversations=conversations,
        fan_conversations=fan_conversations,
        broadcast_only=broadcast_only,
        messages=messages,
        ppv=ppv,
        messageCount=message_count,
        sentiment=trend.sentiment_score,
        averageResponseTime=None if response is None else response / 60,
        turns=times.turns,
        topics=list(topics),
        sentiment_trend=trend,
        response_time_metrics=times,
        actions=dict(actions),
        outcomes=dict(outcomes),
        revenue=revenue,
        priorityScores={chat: score.score for chat, score in priority.items()},
        priority=dict(priority),
        unreadCounts=dict(unread),
        notes=list(notes),
    )


def priority_by_chat(
    accounts: Iterable[tuple[Mapping[str, PriorityScore], Mapping[str, int]]],
) -> tuple[dict[str, PriorityScore], dict[str, int]]:
    """Priorities and unread counts of several accounts by chat id; of one id the more urgent chat's."""
    priority: dict[str, PriorityScore] = {}
    unread: dict[str, int] = {}
    for scores, counts in accounts:
        for chat, score in scores.items():
            if chat not in priority or score.score > priority[chat].score:
                priority[chat], unread[chat] = score, counts[chat]
    return priority, unread
