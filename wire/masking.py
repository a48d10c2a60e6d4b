"""Chats and messages under pseudonyms: for who counts and compares, and need not know who it was. Pure.

What is shown is named one by one, so that what a platform adds is not shown: ids, times, money, kinds of
media, what was understood. A fan's name and handle are a pseudonym, the same each time. In a text what tells
of a person is masked: addresses, links, handles, long numbers, what enrichment finds of people, places, dates
and platforms, and the fan's own names. What is not enriched yet has no text here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from chats.message import Message
from history.chat import CachedChat
from wire.enriched import instant, message_enrichment
from wire.names import known, named_fan
from wire.payloads import ExtendedConversationNode, ShownMessage
from wire.view import chat_facts, message_kind

Pseudonym = Callable[[str, str], str]  # of a creator's id and a fan's

_MASKED_ENTITIES = {"person", "place", "date", "platform"}
_SHOWN_FACTS = ("price", "isFree", "isOpened", "isTip", "tipAmount", "isFromQueue", "changedAt")
_SHOWN_ENRICHMENT = (
    "sentiment",
    "sentimentReason",
    "language",
    "actions",
    "topics",
    "failed",
)  # the rest has parts of the text
_NAMES = ("name", "displayName", "username", "firstName", "lastName")
_SHORTEST_NAME = 3  # characters: "Al" is in too many words
_FOUND = re.compile(
    r"(?P<address>\S+@\S+)|(?P<link>(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|net|org|me|tv|gg|io|link)\b\S*)"
    r"|(?P<handle>(?<!\w)@[\w.]+)|(?P<number>\+?\d(?:[\s().-]?\d){5,})",
    re.IGNORECASE,
)


def masked_chat(cached: CachedChat, pseudonym: Pseudonym) -> dict[str, Any]:
    """A chat for the client facade, under a pseudonym."""
    chat = cached.chat
    return {**chat_facts(chat, cached), "withUser": _fan(chat.creator_id, chat.fan_id, pseudonym)}


def masked_message(message: Message, cached: CachedChat, pseudonym: Pseudonym) -> dict[str, Any]:
    """A message for the client facade, under a pseudonym. `text` null: it has none, or is not enriched."""
    raw: dict[str, Any] = orjson.loads(message.raw)
    found = cached.understood(message.id)
    enrichment: dict[str, Any] | None = None
    if found is not None:
        read = message_enrichment(found).model_dump(mode="json")
        enrichment = {name: read[name] for name in _SHOWN_ENRICHMENT}
    fan = _fan(message.creator_id, message.fan_id, pseudonym)
    by_fan = message.direction == "fan"
    return {
        "id": raw.get("id", message.id),
        "chat_id": message.chat_id,
        "createdAt": instant(message.at).isoformat(),
        **_facts(message, raw),
        "fromUser": fan if by_fan else {"id": message.creator_id},
        "toUser": {"id": message.creator_id} if by_fan else fan,
        "text": _text(message, cached),
        "enrichment": enrichment,
    }


def masked_node(
    node: ExtendedConversationNode,
    cached: CachedChat,
    pseudonym: Pseudonym,
    messages: Sequence[Message],
    changed: Sequence[Message] = (),
) -> ExtendedConversationNode:
    """The node of a chat for pages, with these messages, under a pseudonym."""
    chat = cached.chat
    return node.model_copy(
        update={
            "withUser": _fan(chat.creator_id, chat.fan_id, pseudonym),
            "messages": [masked_shown(each, cached, pseudonym) for each in messages],
            "changedMessages": [masked_shown(each, cached, pseudonym) for each in changed],
        }
    )


def masked_shown(message: Message, cached: CachedChat, pseudonym: Pseudonym) -> ShownMessage:
    """A message for pages, under a pseudonym. `text` is empty where it has none, or is not enriched."""
    raw: dict[str, Any] = known(message.raw)
    found = cached.understood(message.id)
    by_fan = message.direction == "fan"
    name = pseudonym(message.creator_id, message.fan_id)
    return ShownMessage.model_validate(
        {
            **_facts(message, raw),
            "id": raw.get("id", message.id),
            "chatId": message.chat_id,
            "createdAt": instant(message.at),
            "direction": message.direction,
            "is_creator": not by_fan,
            "kind": message_kind(message),
            # As in `wire.view`, clients title a chat by the sender of any of its messages.
            "fromUser": {
                "id": message.fan_id if by_fan else message.creator_id,
                "displayName": name,
                "username": name,
            },
            "text": _text(message, cached) or "",
            "sentimentScore": found.sentiment if found and by_fan else None,
            "topics": None
            if found is None or found.topics is None
            else [each.label for each in found.topics],
        }
    )


def _facts(message: Message, raw: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a message as it was received: money, and kinds of media."""
    facts = {name: raw[name] for name in _SHOWN_FACTS if isinstance(raw.get(name), bool | int | float)}
    opened = {"isOpened": True} if message.is_opened else {}
    return {**facts, **opened, "media": [{"type": kind} for kind in message.media]}


def _text(message: Message, cached: CachedChat) -> str | None:
    found = cached.understood(message.id)
    if found is None or found.entities is None or not message.text:
        return None
    spans = ((each.start, each.end, each.type) for each in found.entities)
    return masked(message.text, spans, _names_of(cached))


def masked(text: str, entities: Iterable[tuple[int, int, str]], names: Iterable[str]) -> str:
    """The text with what tells of a person in brackets. `entities` are (start, end, type)."""
    spans = [each for each in entities if each[2] in _MASKED_ENTITIES]
    spans += [(found.start(), found.end(), str(found.lastgroup)) for found in _FOUND.finditer(text)]
    for name in names:
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        spans += [(found.start(), found.end(), "name") for found in word.finditer(text)]
    parts: list[str] = []
    end = 0
    for start, stop, kind in sorted(spans, key=lambda each: (each[0], -each[1])):
        if start >= end:
            parts += [text[end:start], f"[{kind}]"]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _fan(creator_id: str, fan_id: str, pseudonym: Pseudonym) -> dict[str, Any]:
    name = pseudonym(creator_id, fan_id)
    return {"id": fan_id, "name": name, "username": name}


def _names_of(cached: CachedChat) -> set[str]:
    """What the fan is called, and each word of it."""
    user = known(cached.chat.with_user or b"{}")
    id = cached.totals.named_in
    message = None if id is None else cached.message(id)
    given = [user.get(each) for each in _NAMES]
    given += [named_fan(message).get(each) for each in _NAMES] if message else []
    whole = {each.strip() for each in given if isinstance(each, str)}
    words = {word for each in whole for word in re.findall(r"[^\W_]+", each)}
    return {each for each in whole | words if len(each) >= _SHORTEST_NAME}
