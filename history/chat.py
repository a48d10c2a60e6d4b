"""One chat in memory: its messages, their cut into conversations, and what enrichment said. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from chats.chat import Chat
from chats.closers import closes
from chats.conversation import Conversation, cut, open_run
from chats.fan import FanState
from chats.message import Message
from enrich.outcomes import Context, contexts
from enrich.reading import Reading, reading_of
from wire.payloads import ExtendedConversationNode, MessageEnrichment

RECENT_FAN_MESSAGES = 10
ASKING = frozenset(("question", "price_inquiry", "complaint"))  # actions that always need an answer


def says(message: Message) -> bytes:
    """A digest of what models read of a message: who says it, and its text."""
    text = message.text.encode("utf-8", "replace")
    return blake2b(message.direction.encode() + b" " + text, digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Understanding:
    """A conversation's node and what it was made from.

    `imprint` is a digest of the conversation with what surrounds it, `said` one of each message, by id.
    """

    node: ExtendedConversationNode
    imprint: bytes
    said: dict[str, bytes]


@dataclass(slots=True)
class CachedChat:
    """A chat with its messages by id, its conversations (oldest first) and their enriched nodes by id.

    `kept` are readings of messages whose node went since, by message id.
    """

    chat: Chat
    messages: dict[str, Message] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    nodes: dict[str, ExtendedConversationNode] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)  # what enrichment sees around each of them
    kept: dict[str, Reading] = field(default_factory=dict)
    _fan: FanState | None = None  # kept until something changes: the inbox order looks at every fan

    def copy(self) -> "CachedChat":
        """The chat as it is: what is changed here afterwards does not reach it."""
        return replace(
            self,
            messages=dict(self.messages),
            conversations=list(self.conversations),
            nodes=dict(self.nodes),
            contexts=dict(self.contexts),
            kept=dict(self.kept),
        )

    def cut(self, *, gap: float, silence: float) -> None:
        """Cut the messages into conversations. `gap` and `silence` are seconds."""
        self.conversations = cut(self.messages.values(), gap=gap, silence=silence)
        self.contexts = contexts(self.conversations, {self.chat.id: self.chat})

    def outdate(self, conversations: Iterable[Conversation]) -> None:
        """Have these enriched again, given as they were enriched.

        What was read in messages stays with those that still say the same.
        """
        for each in conversations:
            if (node := self.nodes.pop(each.id, None)) is not None:
                self._keep(node, {message.id: says(message) for message in each.messages})

    def understanding(self, conversation: Conversation, node: ExtendedConversationNode) -> Understanding:
        """What `recall` takes, without message text: an entity's is where the message has it."""
        enrichment = {id: _with_entities(each, None) for id, each in node.enrichment.items()}
        said = {message.id: says(message) for message in conversation.messages}
        bare = node.model_copy(update={"enrichment": enrichment})
        return Understanding(bare, self._imprint(conversation), said)

    def recall(self, found: Iterable[Understanding]) -> bool:
        """Take in what another process understood, as far as it still holds; whether a node changed by it.

        Of a conversation that is another by now, what was read in its messages stays.
        """
        now = {each.id: each for each in self.conversations}
        changed, others = False, []
        for each in found:
            conversation = now.get(each.node.conversationId)
            if conversation is None or self._imprint(conversation) != each.imprint:
                others.append(each)
                continue
            texts = {message.id: message.text for message in conversation.messages}
            enrichment = {id: _with_entities(e, texts[id]) for id, e in each.node.enrichment.items()}
            node = each.node.model_copy(update={"enrichment": enrichment})
            if self.nodes.get(conversation.id) != node:
                self.store(node)
                changed = True
        read = {id for each in self.nodes.values() for id, e in each.enrichment.items() if reading_of(e)}
        for each in others:
            self._keep(each.node, {id: digest for id, digest in each.said.items() if id not in read})
        return changed

    def store(self, node: ExtendedConversationNode) -> None:
        """Take in an enriched conversation of this chat; what fails in it now does not undo what was read."""
        before = self.nodes.get(node.conversationId)
        self.nodes[node.conversationId] = node
        for id, found in node.enrichment.items():
            if reading_of(found) is not None:
                self.kept.pop(id, None)
            elif before and id in before.enrichment and (reading := reading_of(before.enrichment[id])):
                self.kept[id] = reading

    def readings(self) -> dict[str, Reading]:
        """What was read in messages, by id."""
        found = {
            id: reading
            for node in self.nodes.values()
            for id, each in node.enrichment.items()
            if (reading := reading_of(each)) is not None
        }
        return self.kept | found

    def pending(self) -> list[Conversation]:
        """The conversations that have no enriched node for their present shape."""
        return [each for each in self.conversations if each.id not in self.nodes]

    def failed(self) -> dict[str, dict[str, str]]:
        """Of the messages on which a strategy failed: its reason by strategy, by message id."""
        return {
            id: each.failed
            for node in self.nodes.values()
            for id, each in node.enrichment.items()
            if each.failed
        }

    def counts(self) -> tuple[int, int]:
        """How many messages and how many conversations there are."""
        return sum(len(each.messages) for each in self.conversations), len(self.conversations)

    def ordered(self) -> list[Message]:
        """The chat's messages that are there to be shown, oldest first."""
        messages = (message for conversation in self.conversations for message in conversation.messages)
        return [message for message in messages if not message.is_notification]

    def sentiments(self) -> list[float]:
        """Of the fan messages that have one, oldest first."""
        known = {id: e.sentiment for node in self.nodes.values() for id, e in node.enrichment.items()}
        return [
            score
            for message in self.ordered()
            if message.direction == "fan" and (score := known.get(message.id)) is not None
        ]

    def unread(self) -> int:
        """The client's count, plus direct fan messages since, reset by a direct message of the creator."""
        count = self.chat.unread
        for message in self.ordered():
            if message.is_direct and message.at > self.chat.counted_at:
                count = 0 if message.direction == "creator" else count + 1
        return count

    def fan_state(self) -> FanState:
        self._fan = self._fan or self._fan_state()
        return self._fan

    def changed(self) -> None:
        """Forget what was derived: to be called after every change to the chat."""
        self._fan = None

    def _waiting(self, messages: list[Message]) -> tuple[float | None, str | None]:
        """Since when the fan waits for an answer, or why not although the last word is the fan's."""
        run = open_run(messages)
        if not run:
            by_creator = bool(messages) and messages[-1].is_mass and messages[-1].direction == "fan"
            return None, "broadcast of a creator" if by_creator else None
        if self.chat.can_send is False:
            return None, "the platform takes no message"
        asked = any(not ASKING.isdisjoint(actions) for actions in self._actions_of(run))
        rule = None if asked else closes((message.text, bool(message.media)) for message in run)
        return (None, f"closing: {rule}") if rule else (run[0].at, None)

    def _actions_of(self, run: Sequence[Message]) -> Iterator[Sequence[str]]:
        """The actions seen in each of the chat's last messages, as far as they are enriched."""
        ids = {message.id for message in run}
        for conversation in reversed(self.conversations):
            if conversation.figures.end < run[0].at:
                return
            if (node := self.nodes.get(conversation.id)) is not None:
                yield from (node.enrichment[id].actions or () for id in node.enrichment.keys() & ids)

    def _keep(self, node: ExtendedConversationNode, said: Mapping[str, bytes]) -> None:
        """Keep what `node` read in messages that still say what they `said` then, by id."""
        for id, found in node.enrichment.items():
            message, reading = self.messages.get(id), reading_of(found)
            if message is None or message.is_deleted or reading is None:
                continue
            if says(message) == said.get(id):
                self.kept[id] = reading

    def _imprint(self, conversation: Conversation) -> bytes:
        """A digest that is another one when the conversation, or what enrichment sees around it, is."""
        around = repr((conversation, self.contexts.get(conversation.id)))
        return blake2b(around.encode("utf-8", "replace"), digest_size=16).digest()

    def _fan_state(self) -> FanState:
        messages = self.ordered()
        sentiments = self.sentiments()
        recent = sentiments[-RECENT_FAN_MESSAGES:]
        amounts = [o.amount for node in self.nodes.values() for o in node.outcomes if o.amount]
        first = messages[0].at if messages else None
        waiting_since, not_waiting = self._waiting(messages)
        return FanState(
            fan_id=self.chat.fan_id,
            creator_id=self.chat.creator_id,
            chat_id=self.chat.id,
            join_date=self.chat.subscribed_at or first,
            spend=max(sum(amounts), self.chat.total_spend or 0.0),
            unread=self.unread(),
            waiting_since=waiting_since,
            not_waiting=not_waiting,
            recent_sentiment=_mean(recent),
            sentiment_profile=_mean(sentiments),
            last_message_at=messages[-1].at if messages else None,
        )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _with_entities(found: MessageEnrichment, text: str | None) -> MessageEnrichment:
    """With the entities' own text from the message's `text`, or without it."""
    if not found.entities:
        return found
    entities = [
        each.model_copy(update={"text": "" if text is None else text[each.start : each.end]})
        for each in found.entities
    ]
    return found.model_copy(update={"entities": entities})
