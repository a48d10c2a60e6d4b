"""Messages, conversations and outcomes as rows of one shape, page by page, for tables elsewhere. Pure.

What is deleted is no row. Rows and cursors are in the order of `session.export`: what is there all the while
comes once, whatever comes or goes beside it.
"""

from collections.abc import Iterator
from typing import Any, Literal

from chats.conversation import Conversation
from chats.enriched import EnrichedConversation, MessageEnrichment
from chats.message import Message
from history.chat import CachedChat
from history.history import History
from session.export import Place, chats_from, messages_after
from wire.enriched import instant
from wire.view import message_kind

Table = Literal["messages", "conversations", "outcomes"]
Row = dict[str, Any]


def page(
    history: History, table: Table, creator_id: str | None, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """The rows of `limit` messages or so behind the cursor (None: from the start), and the next cursor.

    Of one creator or of all (None). A conversation comes with its first message. InvalidInput when the cursor
    is none.
    """
    at = Place.read(cursor)
    rows: list[Row] = []
    seen = 0
    for key in chats_from(history, creator_id, None, at):
        cached = history.look(*key)
        if cached is None:
            continue
        after = at.message if key == at.chat else None
        for message in messages_after(cached, after, limit + 1 - seen):
            if seen >= limit:
                return rows, Place(key, after).text()
            rows += _rows(table, cached, message)
            after = message.order
            seen += 1
    return rows, None


def _rows(table: Table, cached: CachedChat, message: Message) -> Iterator[Row]:
    if table == "messages":
        if not (message.is_deleted or message.is_notification):
            yield _message(message, cached.understood(message.id))
        return
    id = f"{message.chat_id}:{message.id}"
    conversation, node = cached.conversation(id), cached.counted_node(id)
    if conversation is None or node is None:
        return
    if table == "conversations":
        yield _conversation(conversation, node)
    else:
        yield from _outcomes(node)


def _message(message: Message, found: MessageEnrichment | None) -> Row:
    return {
        "creator_id": message.creator_id,
        "chat_id": message.chat_id,
        "fan_id": message.fan_id,
        "message_id": message.id,
        "at": instant(message.at),
        "direction": message.direction,
        "kind": message_kind(message),
        "text": message.text,
        "price": message.price,
        "is_opened": message.is_opened,
        "tip": message.tip,
        "media": list(message.media),
        "sentiment": found.sentiment if found else None,
        "topics": [each.label for each in found.topics or ()] if found else [],
        "actions": list(found.actions or ()) if found else [],
    }


def _conversation(conversation: Conversation, node: EnrichedConversation) -> Row:
    figures = conversation.figures
    answers = figures.response_seconds
    return {
        "creator_id": node.creator_id,
        "chat_id": node.chat_id,
        "fan_id": node.fan_id,
        "conversation_id": node.id,
        "start": instant(figures.start),
        "end": instant(figures.end),
        "direct_messages": figures.direct_messages,
        "fan_messages": figures.fan_messages,
        "mass_messages": figures.mass_messages,
        "turns": figures.turns,
        "silence_seconds": figures.silence_seconds,
        "response_seconds": sum(answers) / len(answers) if answers else None,
        "unanswered": figures.unanswered,
        "sentiment": node.sentiment,
        "offers": figures.offers,
        "mass_offers": figures.mass_offers,
        "topics": [each.label for each in node.topics],
        "actions": sorted({each.type for each in node.actions}),
    }


def _outcomes(node: EnrichedConversation) -> Iterator[Row]:
    for each in node.outcomes:
        yield {
            "creator_id": node.creator_id,
            "chat_id": node.chat_id,
            "fan_id": node.fan_id,
            "conversation_id": node.id,
            "type": each.type,
            "at": instant(each.at),
            "amount": each.amount,
            "score": each.score,
            "message_id": each.message_id,
            "evidence": each.evidence,
            "is_provisional": each.is_provisional,
            "is_mass": each.is_mass,
            "dated_by": each.dated_by,
        }
