"""Tells a user's pages what was understood of conversations, one `enrichment_result` each."""

from collections.abc import Iterable

from chats.conversation import Conversation
from chats.message import Message
from enrich.tasks import enrich_alone
from frames.log import Readers
from frames.publisher import Frames
from wire.enriched import conversation_node
from wire.payloads import EnrichmentResult, EnrichmentResultMsg, ExtendedConversationNode


async def broadcast_enrichment(
    user_id: str,
    conversations: Iterable[ExtendedConversationNode | Conversation],
    all_messages: Iterable[Message] | None = None,
    creator_id: str | None = None,
    *,
    frames: Frames,
    to: Readers = Readers.ALL,
    sequence: int = 0,
    model: str = "minilm",
) -> None:
    """Send one `enrichment_result` per conversation to the pages of `user_id`, under the chat's id.

    A conversation that is not enriched yet is, by `model`, with `all_messages` as what surrounds it.
    `creator_id` is set on the frames (None: each conversation's own), as is the journal's `sequence`.
    """
    around = list(all_messages or ())
    for each in conversations:
        if isinstance(each, Conversation):
            node = conversation_node(await enrich_alone(each, around, model))
        else:
            node = each
        frame = EnrichmentResultMsg(
            sequence=sequence,
            creatorId=creator_id or node.creatorId,
            payload=EnrichmentResult(
                conversationId=node.chatId,
                conversation_id=node.chatId,
                topics=node.topics,
                actions=node.actions,
                sentiment=node.sentiment,
                outcomes=node.outcomes,
            ),
        )
        await frames.send(frame, to)
