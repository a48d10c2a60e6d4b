"""What pages are shown of a chat: one node per chat, made of its conversations. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from chats.chat import Chat
from chats.message import Message
from graph.rows import conversation_row
from history.chat import CachedChat
from history.history import Touched
from insights.metrics import response_time_metrics
from wire.fields import user_id
from wire.payloads import (
    ActionTopic,
    ActionUse,
    ExtendedConversationNode,
    MessageEnrichment,
    MessageKind,
    ShownMessage,
    TopicUse,
)
from wire.place import fan_object
from wire.text import plain_text

_NAMES = ("displayName", "name", "username")  # the first that is there is what a person is called
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
    chat, nodes = cached.chat, list(cached.nodes.values())
    metrics = response_time_metrics(map(conversation_row, nodes))
    count = sum(node.sentimentCount for node in nodes)
    total = sum(node.sentimentSum for node in nodes)
    ordered = cached.ordered()
    response = metrics.response_time.mean
    return ExtendedConversationNode(
        conversationId=chat.id,
        startDate=_instant(ordered[0].at) if ordered else None,
        endDate=_instant(ordered[-1].at) if ordered else None,
        messageCount=len(ordered),
        averageResponseTime=None if response is None else response / 60,
        turns=metrics.turns,
        silencePercentage=metrics.silence_percentage,
        messages=shown_messages(cached, messages),
        topics=_topics(nodes, sum(bool(message.text) for message in ordered)),
        actions=_actions(nodes),
        sentiment=total / count if count else None,
        outcomes=sorted((o for node in nodes for o in node.outcomes), key=lambda o: o.date),
        priorityScore=priority,
        notWaiting=not_waiting,
        withUser=_read(chat.with_user) if chat.with_user else None,
        creatorId=chat.creator_id,
        chatId=chat.id,
        fanId=chat.fan_id,
        sentimentSum=total,
        sentimentCount=count,
        silenceSeconds=sum(node.silenceSeconds for node in nodes),
        responseSeconds=[seconds for node in nodes for seconds in node.responseSeconds],
        unanswered=metrics.response_time.unanswered,
        actionTopics=_action_topics(nodes),
        changedMessages=shown_messages(cached, touched.changed) if touched else [],
        removedMessages=[message.id for message in touched.removed] if touched else [],
        models={strategy: model for node in nodes for strategy, model in node.models.items()},
    )


@dataclass(frozen=True, slots=True)
class _Fan:
    """The fan of a chat: the user as received, and the fields by which existing clients title the chat."""

    user: dict[str, Any]
    title: dict[str, Any]

    @classmethod
    def of(cls, cached: CachedChat) -> "_Fan":
        user = _user(_read(cached.chat.with_user or b"{}"))
        if not _called(user):
            user = {**_named_in_messages(cached), **user}
        name = _called(user) or cached.chat.fan_id
        username = user.get("username")
        return cls(
            user,
            {
                "displayName": name,
                "username": username if _is_name(username) else name,
                **{key: user[key] for key in _PICTURES if key in user},
            },
        )

    def sender_of(self, message: Message, raw: dict[str, Any]) -> dict[str, Any]:
        """`fromUser`: its id is the sender's, what is to be shown of it the fan's, whoever wrote.

        Existing clients title a chat by the sender of the first message that they have.
        """
        sender = _user(raw.get("fromUser"))
        if message.direction == "fan":
            return {"id": message.fan_id, **self.user, **sender, **self.title}
        own = {key: value for key, value in sender.items() if key not in _PICTURES}
        return {"id": message.creator_id, **own, **self.title}


def shown_messages(cached: CachedChat, messages: Sequence[Message]) -> list[ShownMessage]:
    """Messages for a page: as received, but what the service knows better in place of what it was given."""
    if not messages:
        return []
    fan, ids = _Fan.of(cached), {message.id for message in messages}
    understood = {
        id: node.enrichment[id] for node in cached.nodes.values() for id in node.enrichment.keys() & ids
    }
    return [_shown_message(message, fan, understood.get(message.id)) for message in messages]


def _shown_message(message: Message, fan: _Fan, understood: MessageEnrichment | None) -> ShownMessage:
    raw: dict[str, Any] = _read(message.raw)
    topics = understood.topics if understood else None
    by_fan = message.direction == "fan"
    return ShownMessage.model_validate(
        {
            **raw,
            "id": raw.get("id", message.id),
            "chatId": message.chat_id,
            "createdAt": _instant(message.at),
            "direction": message.direction,
            "is_creator": not by_fan,
            "kind": _kind(message),
            "isOpened": message.is_opened or raw.get("isOpened"),
            "fromUser": fan.sender_of(message, raw),
            "text": plain_text(raw["text"]) if isinstance(raw.get("text"), str) else message.text,
            "replyToMessage": _quoted(raw.get("replyToMessage")),
            "sentimentScore": understood.sentiment if understood and by_fan else None,
            "topics": None if topics is None else [topic.topic for topic in topics],
        }
    )


def _kind(message: Message) -> MessageKind:
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
    for message in reversed(cached.ordered()):
        if b'ame":"' in message.raw:  # else it is not worth reading
            user = _user(fan_object(_read(message.raw), message.creator_id))
            if _called(user):
                return user
    return {}


def _called(user: dict[str, Any]) -> str | None:
    return next((user[key] for key in _NAMES if _is_name(user.get(key))), None)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _user(raw: Any) -> dict[str, Any]:
    """A user as received, without an id that cannot be read."""
    if not isinstance(raw, dict):
        return {}
    return raw if user_id(raw) is not None else {key: raw[key] for key in raw if key != "id"}


def _read(json: bytes) -> Any:
    """What was received, without the fields that are null."""
    value = orjson.loads(json)
    return _known(value) if b":null" in json else value


def _known(value: Any) -> Any:
    """A value of JSON without the fields that are null, however deep."""
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items() if each is not None}
    return [_known(each) for each in value] if isinstance(value, list) else value


def received(message: Message, cached: CachedChat) -> dict[str, Any]:
    """A message as received, with its enrichment beside it (null until it is enriched)."""
    found = next(
        (n.enrichment[message.id] for n in cached.nodes.values() if message.id in n.enrichment), None
    )
    return {**orjson.loads(message.raw), "enrichment": found.model_dump(mode="json") if found else None}


def failed_conversations(cached: CachedChat) -> dict[str, str]:
    """The conversations on which enrichment failed, by id, with the key that they are replayed by."""
    return {
        id: blake2b(f"{cached.chat.creator_id}\0{id}".encode(), digest_size=12).hexdigest()
        for id, node in cached.nodes.items()
        if any(each.failed for each in node.enrichment.values())
    }


def not_enriched(cached: CachedChat) -> list[dict[str, Any]]:
    """The messages on which enrichment failed, as received, with the reasons; keys are per conversation."""
    return [
        {
            "key": key,
            "reason": "not_enriched",
            "id": message.id,
            "creator_id": message.creator_id,
            "failed": failed,
            "received": orjson.loads(message.raw),
        }
        for conversation, key in failed_conversations(cached).items()
        for id, each in cached.nodes[conversation].enrichment.items()
        if (failed := each.failed) and (message := cached.messages.get(id)) is not None
    ]


def chat_facts(chat: Chat, cached: CachedChat) -> dict[str, Any]:
    """A chat for the client facade."""
    ordered = cached.ordered()
    return {
        "id": chat.id,
        "creatorId": chat.creator_id,
        "withUser": orjson.loads(chat.with_user) if chat.with_user else {"id": chat.fan_id},
        "unreadMessagesCount": cached.unread(),
        "messageCount": len(ordered),
        "lastMessageAt": _instant(ordered[-1].at).isoformat() if ordered else None,
    }


def _topics(nodes: Iterable[ExtendedConversationNode], with_text: int) -> list[TopicUse]:
    found: dict[str, TopicUse] = {}
    for node in nodes:
        for topic in node.topics:
            before = found.get(topic.id)
            messages = topic.messages + (before.messages if before else 0)
            weight = min(1.0, messages / with_text) if with_text else 0.0
            found[topic.id] = topic.model_copy(update={"messages": messages, "weight": weight})
    return sorted(found.values(), key=lambda topic: (-topic.messages, topic.id))


def _actions(nodes: Iterable[ExtendedConversationNode]) -> list[ActionUse]:
    found: dict[tuple[str, str], list[ActionUse]] = defaultdict(list)
    for node in nodes:
        for action in node.actions:
            found[action.type, action.direction].append(action)
    merged = [
        ActionUse(
            type=uses[0].type,
            direction=uses[0].direction,
            count=sum(use.count for use in uses),
            evidence=[id for use in uses for id in use.evidence],
        )
        for uses in found.values()
    ]
    return sorted(merged, key=lambda action: (-action.count, action.type, action.direction))


def _action_topics(nodes: Iterable[ExtendedConversationNode]) -> list[ActionTopic]:
    counts: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        for pair in node.actionTopics:
            counts[pair.action, pair.topicId] += pair.count
    return [ActionTopic(action=a, topicId=t, count=n) for (a, t), n in sorted(counts.items())]


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
