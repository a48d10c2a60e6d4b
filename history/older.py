"""Reads what earlier releases kept: chats of the checkpoint formats 1 to 3, and the wire's JSON. Pure.

What is read is what the present release would have kept, so nothing else knows that there were others.
"""

import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgpack
import msgspec
import orjson
from msgspec import structs

from chats.chat import Chat
from chats.enriched import EnrichedConversation
from chats.message import Message
from enrich.reading import Reading
from history.chat import CachedChat
from history.packing import Packed, pack
from wire.normalise import Held, normalise_chat, normalise_message

# Before format 3 had names: the columns, and a chat's facts.
_FIRST_COLUMNS = (
    *("id", "fan_id", "direction", "at", "text", "price", "is_opened", "tip", "media"),
    *("is_mass", "changed_at", "is_deleted", "raw"),
)
_FIRST_CHAT = (
    *("id", "creator_id", "fan_id", "unread", "seen_at", "subscribed_at"),
    *("expires_at", "is_expired", "renewals", "with_user"),
)
# The wire's names, of a node and of what is in it.
_NAMES = {
    "conversationId": "id",
    "creatorId": "creator_id",
    "chatId": "chat_id",
    "fanId": "fan_id",
    "messageCount": "direct_messages",
    "fanMessages": "fan_messages",
    "massMessages": "mass_messages",
    "ppvOffers": "offers",
    "massPpvOffers": "mass_offers",
    "silenceSeconds": "silence_seconds",
    "responseSeconds": "response_seconds",
    "sentimentSum": "sentiment_sum",
    "sentimentCount": "sentiment_count",
    "topic": "label",
    "actionTopics": "action_topics",
    "topicId": "topic_id",
    "messageId": "message_id",
    "followsMessageId": "follows_message_id",
    "provisional": "is_provisional",
    "isMass": "is_mass",
    "datedBy": "dated_by",
    "sentimentReason": "no_sentiment",
    "actionEvidence": "action_evidence",
}
_NO_FIGURES = dict.fromkeys(("fan_messages", "mass_messages", "offers", "mass_offers", "unanswered"), 0)


def packed_chat(values: list[Any], *, gap: float, silence: float) -> Packed:
    """A chat of a checkpoint of format 1, 2 or 3. ValueError, TypeError, KeyError, zlib.error: it is none.

    `gap` and `silence` (seconds) are those it was cut with.
    """
    *_, body = values  # what is before it is seen by it, too
    facts, columns, nodes, *rest = msgpack.unpackb(zlib.decompress(body))
    if isinstance(facts, list):
        chat, messages = _first(facts, columns)
        nodes, readings = [], {}
    else:
        [readings] = rest
        chat = msgspec.convert(facts, Chat)
        messages = list(_messages(chat, columns))
    cached = CachedChat(chat, gap=gap, silence=silence)
    cached.take(messages)
    cached.recut()
    for each in map(conversation, nodes):
        cached.store(each)
    cached.keep({id: Reading(*each) for id, each in readings.items()})
    return pack(cached)


def conversation(json: str | bytes) -> EnrichedConversation:
    """An enriched conversation, of the wire's node as JSON. ValueError, KeyError, TypeError: it is none."""
    node = _named(orjson.loads(json))
    figures = {
        **_NO_FIGURES,
        **node,
        "start": _epoch(node["startDate"]),
        "end": _epoch(node["endDate"]),
        "turns": int(node["turns"] or 0),
    }
    found = {
        **node,
        "figures": figures,
        "topics": [_named(each) for each in node["topics"]],
        "action_topics": [_named(each) for each in node["action_topics"]],
        "outcomes": [_named(each) | {"at": _epoch(each["date"])} for each in node["outcomes"]],
        "messages": {id: _enrichment(each) for id, each in node["enrichment"].items()},
    }
    return msgspec.convert(found, EnrichedConversation)


def _enrichment(found: Mapping[str, Any]) -> dict[str, Any]:
    named = _named(found)
    if topics := named.get("topics"):
        named["topics"] = [_named(each) for each in topics]
    return named


def _named(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields under their present names."""
    return {_NAMES.get(name, name): value for name, value in found.items()}


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def _messages(chat: Chat, columns: Mapping[str, list[Any]]) -> Iterable[Message]:
    for row in zip(*columns.values(), strict=True):
        said = dict(zip(columns, row, strict=True))
        said["media"], said["older"] = tuple(said["media"]), _older(said["older"])
        yield Message(creator_id=chat.creator_id, chat_id=chat.id, **said)


def _first(facts: list[Any], columns: list[list[Any]]) -> tuple[Chat, list[Message]]:
    """A chat of format 1 or 2, read anew from what was received: it was read by other rules then.

    What was understood of it is left: it was of other conversations.
    """
    known = dict(zip(_FIRST_CHAT, facts, strict=True))
    seen_at, creator_id = known["seen_at"], known["creator_id"]
    told = {"id": known["id"], "withUser": orjson.loads(known["with_user"] or b"{}")}
    chat = normalise_chat(told, creator_id=creator_id, received_at=seen_at)
    assert isinstance(chat, Chat), "it has an id"
    chat = replace(
        chat,
        fan_id=known["fan_id"],
        unread=known["unread"],
        seen_at=seen_at,
        counted_at=seen_at,
        renewals=tuple((at, amount) for at, amount in known["renewals"]),
        is_named=chat.is_named or known["fan_id"] != chat.id,
    )
    messages: list[Message] = []
    for row in zip(*columns, strict=True):
        said = dict(zip(_FIRST_COLUMNS, row, strict=True))
        read = normalise_message(
            orjson.loads(said["raw"]),
            creator_id=creator_id,
            received_at=said["at"],
            max_text=sys.maxsize,
            chat_id=chat.id,
        )
        if isinstance(read, Held):  # a time that is not read any more: it keeps its place
            said["media"] = tuple(said["media"])
            read = Message(creator_id=creator_id, chat_id=chat.id, **said)
        own = structs.replace(read, fan_id=known["fan_id"], chat_id=chat.id, is_deleted=said["is_deleted"])
        messages.append(own)
    return chat, messages


def _older(values: list[Any]) -> tuple[tuple[str, float], ...]:
    return tuple((name, version) for name, version in values)
