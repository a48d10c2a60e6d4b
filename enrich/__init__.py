"""Understanding conversations: one module a strategy, composed in `analyse`, run on Ray by `tasks`.

The two public functions are found here, and speak the wire's node; inside the service what is understood of a
conversation is `chats.enriched.EnrichedConversation`. What they need is imported when it is asked for, since
the strategies are heavy and not every process that imports this package runs them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chats.conversation import Conversation
    from chats.message import Message
    from frames.enrichment import broadcast_enrichment
    from wire.payloads import ExtendedConversationNode

__all__ = ["broadcast_enrichment", "enrich_conversation"]

RULES = 12  # to be raised when enrichment says something else of a conversation, or a chat is cut otherwise


def enrich_conversation(
    conversation: "Conversation",
    all_messages: "Iterable[Message] | None" = None,
    *,
    model: str = "minilm",
) -> "ExtendedConversationNode":
    """Enrich one conversation alone, with the seeded topics; the node's `messages` stay empty.

    `all_messages` are the whole chat's, for what needs to know what came before the conversation.
    """
    from enrich.analyse import enrich_alone
    from wire.enriched import conversation_node

    return conversation_node(enrich_alone(conversation, all_messages, model=model))


def __getattr__(name: str) -> Any:
    if name == "broadcast_enrichment":
        from frames.enrichment import broadcast_enrichment

        return broadcast_enrichment
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
