"""What pages are shown of a chat: one node per chat, made of its conversations. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from chats import enriched as domain
from chats.chat import Chat
from chats.message import Message
from history.chat import CachedChat
from history.history import Touched
from history.totals import Totals
from wire.enriched import instant, message_enrichment, outcome, topic_use
from wire.names import called, is_name, known, named_fan
from wire.names import user as as_user
from wire.payloads import (
    ActionTopic,
    ActionUse,
    ExtendedConversationNode,
    MessageKind,
    ShownMessage,
    TopicUse,
)
from wire.text import plain_text

_PICTURES = ("avatar", "avatarThumbs")


def chat_node(
    cached: CachedChat,
    messages: Sequence[Message],
    *,
    priority: float | None,
    not_waiting: str | None = None,
    touched: Touched | None = None,
) -> ExtendedConversationNode:
    """The chat's totals with the given messages, and what `touched` says was changed or removed."""
    chat, totals = cached.chat, cached.totals
    response = totals.response.mean
    count, total = totals.sentiment_count, totals.sentiment.total
    return ExtendedConversationNode(
        conversationId=chat.id,
        startDate=None if totals.first_at is None else instant(totals.first_at),
        endDate=None if totals.last_at is None else instant(totals.last_at),
        messageCount=totals.shown,
        averageResponseTime=None if response is None else response / 60,
        turns=totals.turns.mean,
        silencePercentage=totals.silence.mean,
        messages=list(shown_messages(cached, messages)),
        topics=_topics(totals),
        actions=_actions(totals),
        sentiment=total / count if count else None,
        outcomes=[outcome(each) for each in totals.outcomes],
        priorityScore=priority,
        notWaiting=not_waiting,
        withUser=known(chat.with_user) if chat.with_user else None,
        creatorId=chat.creator_id,
        chatId=chat.id,
        fanId=chat.fan_id,
        sentimentSum=total,
        sentimentCount=count,
        silenceSeconds=totals.silence_seconds.total,
        responseSeconds=list(totals.responses),
        unanswered=totals.unanswered,
        actionTopics=_action_topics(totals),
        changedMessages=list(shown_messages(cached, touched.changed if touched else ())),
        removedMessages=[message.id for message in touched.removed] if touched else [],
        models=totals.models,
    )


@dataclass(frozen=True, slots=True)
class _Fan:
    """The fan of a chat: the user as received, and the fields by which existing clients title the chat."""

    user: dict[str, Any]
    title: dict[str, Any]

    @classmethod
    def of(cls, cached: CachedChat) -> "_Fan":
        user = as_user(known(cached.chat.with_user or b"{}"))
        if not called(user):
            user = {**_named_in_messages(cached), **user}
        name = called(user) or cached.chat.fan_id
        username = user.get("username")
        return cls(
            user,
            {
                "displayName": name,
                "username": username if is_name(username) else name,
                **{key: user[key] for key in _PICTURES if key in user},
            },
        )

    def sender_of(self, message: Message, raw: dict[str, Any]) -> dict[str, Any]:
        """`fromUser`: its id is the sender's, what is to be shown of it the fan's, whoever wrote.

        Existing clients title a chat by the sender of the first message that they have.
        """
        sender = as_user(raw.get("fromUser"))
        if message.direction == "fan":
            return {"id": message.fan_id, **self.user, **sender, **self.title}
        own = {key: value for key, value in sender.items() if key not in _PICTURES}
        return {"id": message.creator_id, **own, **self.title}


def shown_messages(cached: CachedChat, messages: Iterable[Message]) -> Iterator[ShownMessage]:
    """Messages for a page: as received, but what the service knows better in place of what it was given."""
    fan: _Fan | None = None
    for message in messages:
        fan = fan or _Fan.of(cached)
        yield _shown_message(message, fan, cached.understood(message.id))


def _shown_message(message: Message, fan: _Fan, understood: domain.MessageEnrichment | None) -> ShownMessage:
    raw: dict[str, Any] = known(message.raw)
    topics = understood.topics if understood else None
    by_fan = message.direction == "fan"
    return ShownMessage.model_validate(
        {
            **raw,
            "id": raw.get("id", message.id),
            "chatId": message.chat_id,
            "createdAt": instant(message.at),
            "direction": message.direction,
            "is_creator": not by_fan,
            "kind": message_kind(message),
            "isOpened": message.is_opened or raw.get("isOpened"),
            "fromUser": fan.sender_of(message, raw),
            "text": plain_text(raw["text"]) if isinstance(raw.get("text"), str) else message.text,
            "replyToMessage": _quoted(raw.get("replyToMessage")),
            "sentimentScore": understood.sentiment if understood and by_fan else None,
            "topics": None if topics is None else [topic.label for topic in topics],
        }
    )


def message_kind(message: Message) -> MessageKind:
    """To one fan, to many at once, or a sentence of the platform's own."""
    if message.is_notice:
        return "notice"
    return "mass" if message.is_mass else "direct"


def _quoted(raw: Any) -> dict[str, Any] | None:
    """The message that is answered, with plain text."""
    if not isinstance(raw, dict):
        return None
    text = raw.get("text")
    return {**raw, "text": plain_text(text) if isinstance(text, str) else None}


def _named_in_messages(cached: CachedChat) -> dict[str, Any]:
    """The fan as the newest message has it that names it; empty when none does."""
    id = cached.totals.named_in
    message = None if id is None else cached.message(id)
    return named_fan(message) if message else {}


def received(message: Message, cached: CachedChat) -> dict[str, Any]:
    """A message as received, with its enrichment beside it (null until it is enriched)."""
    found = cached.understood(message.id)
    shown = message_enrichment(found).model_dump(mode="json") if found else None
    return {**orjson.loads(message.raw), "enrichment": shown}


def failed_conversations(cached: CachedChat) -> dict[str, str]:
    """The conversations on which enrichment failed, by id, with the key that they are replayed by."""
    return {node.id: _replay_key(node) for node in cached.failed()}


def not_enriched(cached: CachedChat) -> list[dict[str, Any]]:
    """The messages on which enrichment failed, as received, with the reasons; keys are per conversation."""
    return [
        {
            "key": _replay_key(node),
            "reason": "not_enriched",
            "id": message.id,
            "creator_id": message.creator_id,
            "failed": failed,
            "received": orjson.loads(message.raw),
        }
        for node in cached.failed()
        for id, each in node.messages.items()
        if (failed := each.failed) and (message := cached.message(id)) is not None
    ]


def _replay_key(node: domain.EnrichedConversation) -> str:
    return blake2b(f"{node.creator_id}\0{node.id}".encode(), digest_size=12).hexdigest()


def chat_facts(chat: Chat, cached: CachedChat) -> dict[str, Any]:
    """A chat for the client facade."""
    last_at = cached.totals.last_at
    return {
        "id": chat.id,
        "creatorId": chat.creator_id,
        "withUser": orjson.loads(chat.with_user) if chat.with_user else {"id": chat.fan_id},
        "unreadMessagesCount": cached.unread(),
        "messageCount": cached.totals.shown,
        "lastMessageAt": None if last_at is None else instant(last_at).isoformat(),
    }


def _topics(totals: Totals) -> list[TopicUse]:
    with_text = totals.with_text
    return [
        topic_use(
            each.last,
            messages=each.messages,
            weight=min(1.0, each.messages / with_text) if with_text else 0.0,
        )
        for id, each in sorted(totals.topics.items(), key=lambda each: (-each[1].messages, each[0]))
    ]


def _actions(totals: Totals) -> list[ActionUse]:
    found = [
        ActionUse(type=type, direction=direction, count=each.count, evidence=list(each.evidence))
        for type, by_direction in totals.actions.items()
        for direction, each in by_direction.items()
    ]
    return sorted(found, key=lambda action: (-action.count, action.type, action.direction))


def _action_topics(totals: Totals) -> list[ActionTopic]:
    return [
        ActionTopic(action=action, topicId=topic, count=count)
        for action, counts in sorted(totals.action_topics.items())
        for topic, count in sorted(counts.items())
    ]
