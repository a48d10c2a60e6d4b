"""An enriched conversation: its figures, and what was understood of it. Pure, light to import.

What a conversation has as a whole is counted here from what its messages have, by whoever knows these: when a
model has read them, and when a person has corrected them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chats.conversation import Conversation
from chats.enriched import ActionTopic, ActionUse, EnrichedConversation, MessageEnrichment, TopicUse
from chats.message import Direction, Message
from enrich.outcomes import Context, offers


class ToldTopic(Protocol):
    """A topic as it is told of, whoever has a message with it."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def category(self) -> str | None: ...
    @property
    def keywords(self) -> tuple[str, ...]: ...
    @property
    def model(self) -> str: ...


def enriched_of(conversation: Conversation, context: Context, **understood: Any) -> EnrichedConversation:
    """The conversation's figures, outcomes and offers with the `understood` fields."""
    return EnrichedConversation(
        id=conversation.id,
        creator_id=conversation.creator_id,
        chat_id=conversation.chat_id,
        fan_id=conversation.fan_id,
        figures=conversation.figures,
        outcomes=context.outcomes,
        ppv_offers=offers(conversation),
        **understood,
    )


def counted_of(
    conversation: Conversation,
    context: Context,
    messages: Mapping[str, MessageEnrichment],
    topics_of: Mapping[str, Sequence[ToldTopic]],
    models: Mapping[str, str],
) -> EnrichedConversation:
    """The conversation with what its `messages` say, by id; `topics_of` has the topics of those with any."""
    total, n = fan_sentiments(conversation.messages, messages)
    return enriched_of(
        conversation,
        context,
        topics=topic_uses(conversation, topics_of),
        actions=action_uses(conversation.messages, messages),
        action_topics=action_topics(messages),
        sentiment_sum=total,
        sentiment_count=n,
        messages=messages,
        models=models,
    )


def not_understood(conversation: Conversation, context: Context, reason: str) -> EnrichedConversation:
    """A conversation that cannot be enriched: every message says why it has nothing."""
    failed = MessageEnrichment(
        sentiment=None, actions=None, entities=None, topics=None, failed={"enrichment": reason}
    )
    return enriched_of(
        conversation,
        context,
        messages={message.id: failed for message in conversation.messages},
        models={"enrichment": f"failed: {reason}"},
    )


def topic_uses(
    conversation: Conversation, topics_of: Mapping[str, Sequence[ToldTopic]]
) -> tuple[TopicUse, ...]:
    """The topics of a conversation, the most discussed first; `topics_of` has those of messages, by id."""
    told = {topic.id: topic for found in topics_of.values() for topic in found}
    counts = Counter(topic.id for found in topics_of.values() for topic in found)
    messages = with_text(conversation, topics_of)
    return tuple(
        TopicUse(
            id=id,
            label=told[id].label,
            messages=count,
            weight=round(count / messages, 4),
            category=told[id].category,
            keywords=tuple(told[id].keywords),
            model=told[id].model,
        )
        for id, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    )


def with_text(conversation: Conversation, topics_of: Mapping[str, Sequence[ToldTopic]]) -> int:
    """How many of its messages have text or a topic: of these is a topic's weight a share."""
    return len({m.id for m in conversation.messages if m.text.strip()} | topics_of.keys())


def action_uses(
    messages: Sequence[Message], enrichment: Mapping[str, MessageEnrichment]
) -> tuple[ActionUse, ...]:
    """The actions of a conversation with these messages, of each side by itself."""
    evidence: dict[tuple[str, Direction], list[str]] = defaultdict(list)
    for message in messages:
        for action in enrichment[message.id].actions or ():
            evidence[action, message.direction].append(message.id)
    return tuple(
        ActionUse(type=action, direction=direction, count=len(ids), evidence=tuple(ids))
        for (action, direction), ids in sorted(evidence.items())
    )


def action_topics(enrichment: Mapping[str, MessageEnrichment]) -> tuple[ActionTopic, ...]:
    """The pairs of an action and a topic that one message has."""
    counts = Counter(
        (action, topic.id)
        for each in enrichment.values()
        for action in each.actions or ()
        for topic in each.topics or ()
    )
    return tuple(
        ActionTopic(action=action, topic_id=topic, count=count)
        for (action, topic), count in sorted(counts.items())
    )


def fan_sentiments(
    messages: Sequence[Message], enrichment: Mapping[str, MessageEnrichment]
) -> tuple[float, int]:
    """The sum of the sentiments of the fan's messages that have one, and how many these are."""
    scores = [
        score
        for message in messages
        if message.direction == "fan" and (score := enrichment[message.id].sentiment) is not None
    ]
    return sum(scores, 0.0), len(scores)
