"""The node of an enriched conversation: its figures, and what was understood of it. Pure, light to import."""

from datetime import UTC, datetime
from typing import Any

from chats.conversation import Conversation
from enrich.outcomes import Context
from wire.payloads import ExtendedConversationNode, MessageEnrichment


def node_of(conversation: Conversation, context: Context, **understood: Any) -> ExtendedConversationNode:
    """The conversation's figures and outcomes with the `understood` fields; `messages` stay empty."""
    figures = conversation.figures
    responses = figures.response_seconds
    return ExtendedConversationNode(
        conversationId=conversation.id,
        creatorId=conversation.creator_id,
        chatId=conversation.chat_id,
        fanId=conversation.fan_id,
        startDate=datetime.fromtimestamp(figures.start, UTC),
        endDate=datetime.fromtimestamp(figures.end, UTC),
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
        outcomes=list(context.outcomes),
        **understood,
    )


def not_understood(conversation: Conversation, context: Context, reason: str) -> ExtendedConversationNode:
    """The node of a conversation that cannot be enriched: every message says why it has nothing."""
    failed = MessageEnrichment(
        sentiment=None, actions=None, entities=None, topics=None, failed={"enrichment": reason}
    )
    return node_of(
        conversation,
        context,
        enrichment={message.id: failed for message in conversation.messages},
        models={"enrichment": f"failed: {reason}"},
    )
