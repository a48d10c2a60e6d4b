"""One user's chats in memory: messages, their cut into conversations, and what enrichment said. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from chats.conversation import Conversation, cut, waiting_since
from chats.fan import FanState
from chats.message import Chat, Message
from enrich.outcomes import Context, contexts
from wire.payloads import ExtendedConversationNode

RECENT_FAN_MESSAGES = 10


@dataclass(slots=True)
class CachedChat:
    """A chat with its messages by id, its conversations (oldest first) and their enriched nodes by id."""

    chat: Chat
    messages: dict[str, Message] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    nodes: dict[str, ExtendedConversationNode] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)  # what enrichment sees around each of them
    _fan: FanState | None = None  # kept until something changes: the inbox order looks at every fan

    def ordered(self) -> list[Message]:
        """The chat's messages that still exist, oldest first."""
        return [message for conversation in self.conversations for message in conversation.messages]

    def sentiments(self) -> list[float]:
        """Of the fan messages that have one, oldest first."""
        known = {id: e.sentiment for node in self.nodes.values() for id, e in node.enrichment.items()}
        return [
            score
            for message in self.ordered()
            if message.direction == "fan" and (score := known.get(message.id)) is not None
        ]

    def unread(self) -> int:
        """The client's count, plus fan messages since, reset by a message of the creator."""
        count = self.chat.unread
        for message in self.ordered():
            if message.at > self.chat.seen_at:
                count = 0 if message.direction == "creator" else count + 1
        return count

    def fan_state(self, user_id: str) -> FanState:
        self._fan = self._fan or self._fan_state(user_id)
        return self._fan

    def changed(self) -> None:
        """Forget what was derived: to be called after every change to the chat."""
        self._fan = None

    def _fan_state(self, user_id: str) -> FanState:
        messages = self.ordered()
        sentiments = self.sentiments()
        recent = sentiments[-RECENT_FAN_MESSAGES:]
        amounts = [o.amount for node in self.nodes.values() for o in node.outcomes if o.amount]
        first = messages[0].at if messages else None
        return FanState(
            fan_id=self.chat.fan_id,
            creator_id=self.chat.creator_id,
            chat_id=self.chat.id,
            user_id=user_id,
            join_date=self.chat.subscribed_at or first,
            spend=sum(amounts),
            unread=self.unread(),
            waiting_since=waiting_since(messages),
            recent_sentiment=_mean(recent),
            sentiment_profile=_mean(sentiments),
            last_message_at=messages[-1].at if messages else None,
        )


@dataclass(slots=True)
class Touched:
    """What a merge changed in one chat."""

    chat_id: str
    new: list[Message] = field(default_factory=list)
    changed: list[Message] = field(default_factory=list)
    removed: list[Message] = field(default_factory=list)
    stale: list[Conversation] = field(default_factory=list)  # to be enriched again
    gone: list[str] = field(default_factory=list)  # conversation ids that are no more


class Cache:
    """A user's chats by (creator id, chat id). `gap` and `silence` are seconds."""

    def __init__(self, *, gap: float, silence: float) -> None:
        self._gap = gap
        self._silence = silence
        self._chats: dict[tuple[str, str], CachedChat] = {}

    def creators(self) -> list[str]:
        return list(dict.fromkeys(creator_id for creator_id, _ in self._chats))

    def of(self, creator_id: str | None) -> Iterator[CachedChat]:
        """The chats of one creator, or all of them."""
        return (c for (owner, _), c in self._chats.items() if creator_id in (None, owner))

    def get(self, creator_id: str, chat_id: str) -> CachedChat | None:
        return self._chats.get((creator_id, chat_id))

    def merge(self, chats: Iterable[Chat], messages: Iterable[Message]) -> list[Touched]:
        """Take in what arrived: new messages, edits, deletions and the chats' own facts.

        A message that says nothing new is ignored. Returns a `Touched` for every chat something changed in,
        with its conversations cut anew.
        """
        by_chat: dict[tuple[str, str], list[Message]] = {}
        for message in messages:
            by_chat.setdefault((message.creator_id, message.chat_id), []).append(message)
        touched: dict[tuple[str, str], Touched] = {}
        for chat in chats:
            if self._meet(chat, by_chat.get((chat.creator_id, chat.id), ())):
                touched[chat.creator_id, chat.id] = Touched(chat.id)
        for key, arrived in by_chat.items():
            first = arrived[0]
            cached = self._chats.setdefault(
                key, CachedChat(Chat(id=first.chat_id, creator_id=first.creator_id, fan_id=first.fan_id))
            )
            mark = touched.get(key) or Touched(key[1])
            for message in arrived:
                _take(cached, message, mark)
            if mark.new or mark.changed or mark.removed:
                touched[key] = mark
        for key, mark in touched.items():
            self._recut(self._chats[key], mark)
        return [mark for mark in touched.values() if mark.stale or mark.gone or mark.new or mark.removed]

    def pending(self, creator_id: str) -> list[Conversation]:
        """The creator's conversations that have no enriched node for their present shape."""
        return [
            conversation
            for cached in self.of(creator_id)
            for conversation in cached.conversations
            if conversation.id not in cached.nodes
        ]

    def store(self, node: ExtendedConversationNode) -> None:
        """Keep an enriched conversation, unless the conversation is no more."""
        cached = self._chats.get((node.creatorId, node.chatId))
        if cached and any(c.id == node.conversationId for c in cached.conversations):
            cached.nodes[node.conversationId] = node
            cached.changed()

    def _meet(self, chat: Chat, arrived: Iterable[Message]) -> bool:
        """Keep a chat's facts; True when they differ in what enrichment reads (the subscription).

        The client's unread count covers every message up to the newest that is known with it; facts that a
        message only implied (`seen_at` 0) do not replace known ones.
        """
        key = (chat.creator_id, chat.id)
        cached = self._chats.get(key)
        if cached is None:
            newest = max((m.at for m in arrived), default=chat.seen_at)
            self._chats[key] = CachedChat(replace(chat, seen_at=newest) if chat.seen_at else chat)
            return True
        if not chat.seen_at:
            return False
        newest = max((m.at for m in (*arrived, *cached.messages.values())), default=chat.seen_at)
        before, cached.chat = cached.chat, replace(chat, seen_at=newest)
        cached.changed()
        if _subscription(before) == _subscription(chat):
            return False
        cached.nodes.clear()
        return True

    def _recut(self, cached: CachedChat, mark: Touched) -> None:
        before = {c.id: c for c in cached.conversations}
        cached.conversations = cut(cached.messages.values(), gap=self._gap, silence=self._silence)
        now = {c.id for c in cached.conversations}
        mark.gone = [id for id in before if id not in now]
        # A conversation's enrichment also speaks of what surrounds it: a renewal belongs to the last
        # conversation before it, a drop-off is withdrawn when the fan returns.
        around = cached.contexts
        cached.contexts = contexts(cached.conversations, {cached.chat.id: cached.chat})
        for each in cached.conversations:
            if before.get(each.id) != each or around.get(each.id) != cached.contexts[each.id]:
                cached.nodes.pop(each.id, None)
        for id in mark.gone:
            cached.nodes.pop(id, None)
        mark.stale = [c for c in cached.conversations if c.id not in cached.nodes]
        cached.changed()


def _take(cached: CachedChat, message: Message, mark: Touched) -> None:
    held = cached.messages.get(message.id)
    if held is not None and (_says(held) == _says(message) or _version(held) > _version(message)):
        return
    cached.messages[message.id] = message
    if message.is_deleted:
        mark.removed.append(message)
    elif held is None or held.is_deleted:
        mark.new.append(message)
    else:
        mark.changed.append(message)


def _version(message: Message) -> float:
    return message.changed_at or 0.0


def _subscription(chat: Chat) -> tuple[object, ...]:
    return (chat.subscribed_at, chat.expires_at, chat.is_expired, chat.renewals)


def _says(message: Message) -> Message:
    """The message without what may differ between two copies of the same content."""
    return replace(message, raw=b"", changed_at=None)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
