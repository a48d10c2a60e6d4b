"""Which account is meant, and how a message that was found in it is shown."""

from typing import Any

import orjson

from errors import InvalidInput, NotFound
from history.history import History
from search.index import Row
from wire.enriched import instant
from wire.masking import Pseudonym, masked_message
from wire.payloads import TopicRef


def one_of(history: History, creator_id: str | None) -> str:
    """The creator that is meant.

    InvalidInput when the user has several and none is named; NotFound when it has not that one.
    """
    creators = history.creators()
    if creator_id is None and len(creators) == 1:
        return creators[0]
    if creator_id is None and creators:
        raise InvalidInput(
            "This user has several creators: say with creator_id whose messages are meant.",
            detail=[{"field": "creator_id", "reason": "missing"}],
        )
    if creator_id not in creators:
        raise NotFound("This user has no chats of that creator.")
    return str(creator_id)


def placed(creator_id: str, row: Row) -> dict[str, Any]:
    """The fields of a `PlacedMessage`."""
    return {
        "chatId": row.chat,
        "messageId": row.message,
        "conversationId": row.conversation,
        "fanId": row.fan,
        "creatorId": creator_id,
        "createdAt": instant(row.at),
        "direction": row.direction,
        "kind": row.kind,
        "text": row.text,
        "sentiment": row.mood,
        "topics": [TopicRef(id=id, topic=label) for id, label in orjson.loads(row.topics)],
        "actions": orjson.loads(row.actions),
    }


def masked_text(history: History, creator_id: str, row: Row, pseudonym: Pseudonym) -> str | None:
    """Its text as `wire.masking` shows it."""
    cached = history.look(creator_id, row.chat)
    message = cached.message(row.message) if cached else None
    if cached is None or message is None:  # it went just now
        return None
    text: str | None = masked_message(message, cached, pseudonym)["text"]
    return text
