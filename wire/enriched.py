"""What is understood of conversations as the wire shows it. Pure."""

from datetime import UTC, datetime

from chats import enriched as domain
from wire.payloads import (
    ActionTopic,
    ActionUse,
    Entity,
    ExtendedConversationNode,
    MessageEnrichment,
    Outcome,
    TopicRef,
    TopicUse,
)


def conversation_node(found: domain.EnrichedConversation) -> ExtendedConversationNode:
    """The node of one conversation, under its own id; `messages` stay empty."""
    figures = found.figures
    responses = figures.response_seconds
    return ExtendedConversationNode(
        conversationId=found.id,
        creatorId=found.creator_id,
        chatId=found.chat_id,
        fanId=found.fan_id,
        startDate=instant(figures.start),
        endDate=instant(figures.end),
        messageCount=figures.direct_messages,
        fanMessages=figures.fan_messages,
        massMessages=figures.mass_messages,
        ppvOffers=figures.offers,
        massPpvOffers=figures.mass_offers,
        averageResponseTime=sum(responses) / len(responses) / 60 if responses else None,
        turns=figures.turns,
        silencePercentage=100 * figures.silence_seconds / figures.duration if figures.duration > 0 else None,
        silenceSeconds=figures.silence_seconds,
        responseSeconds=list(responses),
        unanswered=figures.unanswered,
        topics=[topic_use(each, messages=each.messages, weight=each.weight) for each in found.topics],
        actions=[action_use(each) for each in found.actions],
        actionTopics=[action_topic(each) for each in found.action_topics],
        outcomes=[outcome(each) for each in found.outcomes],
        sentiment=found.sentiment,
        sentimentSum=found.sentiment_sum,
        sentimentCount=found.sentiment_count,
        enrichment={id: message_enrichment(each) for id, each in found.messages.items()},
        models=dict(found.models),
    )


def topic_use(found: domain.TopicUse, *, messages: int, weight: float) -> TopicUse:
    return TopicUse(
        id=found.id,
        topic=found.label,
        messages=messages,
        weight=weight,
        category=found.category,
        keywords=list(found.keywords),
        model=found.model,
    )


def action_use(found: domain.ActionUse) -> ActionUse:
    return ActionUse(
        type=found.type, count=found.count, direction=found.direction, evidence=list(found.evidence)
    )


def action_topic(found: domain.ActionTopic) -> ActionTopic:
    return ActionTopic(action=found.action, topicId=found.topic_id, count=found.count)


def outcome(found: domain.Outcome) -> Outcome:
    return Outcome(
        type=found.type,
        date=instant(found.at),
        amount=found.amount,
        score=found.score,
        evidence=found.evidence,
        messageId=found.message_id,
        followsMessageId=found.follows_message_id,
        provisional=found.is_provisional,
        isMass=found.is_mass,
        datedBy=found.dated_by,
    )


def message_enrichment(found: domain.MessageEnrichment) -> MessageEnrichment:
    entities, topics, shown = found.entities, found.topics, found.action_evidence
    return MessageEnrichment(
        sentiment=found.sentiment,
        sentimentReason=found.no_sentiment,
        language=found.language,
        actions=None if found.actions is None else list(found.actions),
        actionEvidence={action: shown[action] for action in found.actions or () if action in shown},
        entities=None if entities is None else [_entity(each) for each in entities],
        topics=None if topics is None else [TopicRef(id=each.id, topic=each.label) for each in topics],
        failed=dict(found.failed),
    )


def instant(at: float) -> datetime:
    """A time of the wire, of epoch seconds."""
    return datetime.fromtimestamp(at, UTC)


def _entity(found: domain.Entity) -> Entity:
    return Entity(type=found.type, text=found.text, start=found.start, end=found.end)
