"""How much of what grows with history pages are sent in one frame. REST has all of it. Pure."""

from collections.abc import Iterable
from heapq import nlargest
from typing import TypeVar

from wire.payloads import AnalyticsUpdate, ExtendedConversationNode, TopicMetric, TopicUse

T = TypeVar("T", TopicUse, TopicMetric)

TOPICS = 10  # of a chat, and of an update to pages that merge: those with most messages or volume
KEYWORDS = 4  # of each of them
OUTCOMES = 20  # of a chat: the newest
ACTION_TOPICS = 20  # of a chat: the most frequent
EVIDENCE = 3  # ids of messages of an action: the newest
URGENT = 25  # chats of an `analytics_update` to pages that merge
REPLACED = 500  # chats of one to pages that replace the one before


def bounded(node: ExtendedConversationNode) -> ExtendedConversationNode:
    """A chat's node with the newest or most frequent of what it has; the response times are left out."""
    pairs = nlargest(ACTION_TOPICS, node.actionTopics, key=lambda pair: pair.count)
    actions = [each.model_copy(update={"evidence": each.evidence[-EVIDENCE:]}) for each in node.actions]
    return node.model_copy(
        update={
            "topics": [_short(each) for each in node.topics[:TOPICS]],
            "outcomes": node.outcomes[-OUTCOMES:],
            "actionTopics": sorted(pairs, key=lambda pair: (pair.action, pair.topicId)),
            "actions": actions,
            "responseSeconds": [],
        }
    )


def changes(update: AnalyticsUpdate) -> AnalyticsUpdate:
    """The update for pages that merge. Scores are in `priority`: they are not sent twice."""
    topics = [_short(each) for each in update.topics[:TOPICS]]
    return update.model_copy(update={"topics": topics, "priorityScores": {}})


def of_most_urgent(update: AnalyticsUpdate, chats: int) -> AnalyticsUpdate:
    """The update with the inbox order of so many chats."""
    return of_chats(update, nlargest(chats, update.priority, key=lambda chat: update.priority[chat].score))


def of_chats(update: AnalyticsUpdate, chats: Iterable[str]) -> AnalyticsUpdate:
    """The update with what the inbox order has of these chats, in their order."""
    known = [chat for chat in dict.fromkeys(chats) if chat in update.priority]
    return update.model_copy(
        update={
            "priority": {chat: update.priority[chat] for chat in known},
            "priorityScores": {chat: update.priorityScores[chat] for chat in known},
            "unreadCounts": {chat: update.unreadCounts[chat] for chat in known},
        }
    )


def _short(topic: T) -> T:
    return topic.model_copy(update={"keywords": topic.keywords[:KEYWORDS]})
