"""An enriched conversation: its figures, and what was understood of it. Pure, light to import."""

from typing import Any

from chats.conversation import Conversation
from chats.enriched import EnrichedConversation, MessageEnrichment
from enrich.outcomes import Context, offers


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
