"""Chats of which models say something else in every message, and corrections of them."""

from collections.abc import Iterable
from typing import Any

from chats.conversation import Conversation
from chats.corrections import Correction, Field, Stated, Subject
from chats.enriched import EnrichedConversation, MessageEnrichment, TopicRef, TopicUse
from enrich.node import counted_of
from enrich.outcomes import Context
from history.history import SEEDED, History

TOPICS = {
    "topic_0": TopicUse("topic_0", "Hiking", 0, 0.0, "bertopic 1 fit 1", None, ("hiking", "trail")),
    "topic_1": TopicUse("topic_1", "Climbing", 0, 0.0, "bertopic 1 fit 1", None, ("rope", "wall")),
    "fitness": SEEDED["fitness"],
}
ACTIONS = ("question", "thanks", "complaint", "churn_intent")


def reading(text: str) -> MessageEnrichment:
    """What is said of a message: of its words that are topics and actions, and a number for its mood.

    A word with a "?" behind it is an action that was doubted.
    """
    words = text.split()
    doubted = {word[:-1]: "model 0.03" for word in words if word.endswith("?")}
    felt = [float(word) for word in words if word.replace(".", "", 1).isdigit()]
    return MessageEnrichment(
        sentiment=felt[0] if felt else None,
        no_sentiment=None if felt else "language",
        actions=tuple(word for word in words if word in ACTIONS),
        action_evidence=doubted | {word: "text 0:1" for word in words if word in ACTIONS},
        topics=tuple(TopicRef(word, TOPICS[word].label) for word in words if word in TOPICS),
    )


def understood(conversation: Conversation, context: Context) -> EnrichedConversation:
    """What models say of a conversation of such messages."""
    messages = {message.id: reading(message.text) for message in conversation.messages}
    topics_of = {id: [TOPICS[ref.id] for ref in each.topics] for id, each in messages.items() if each.topics}
    models = {"sentiment": "s 1", "topics": "t 1", "actions": "a 1", "action_head": "h 1", "outcomes": "o 1"}
    return counted_of(conversation, context, messages, topics_of, models)


def understand(history: History, creator_id: str = "c1") -> None:
    """Have every conversation that waits understood so."""
    for conversation in list(history.pending(creator_id)):
        cached = history.get(creator_id, conversation.chat_id)
        context = cached.context(conversation.id) if cached else None
        assert context is not None
        history.store(understood(conversation, context))


def of_message(id: str, field: Field, value: Stated, *, by: str = "k", at: float = 1.0) -> Correction:
    """Of a message of the chat `f1`; `by` is the correction's id."""
    return Correction(by, at, "person:ann", Subject("message", id, "f1"), field, None, value)


def of_conversation(
    id: str, field: Field, value: Stated, *, by: str = "k", at: float = 1.0, side: Any = None
) -> Correction:
    """Of the conversation of that message of the chat `f1`."""
    return Correction(by, at, "person:ann", Subject("conversation", id, "f1"), field, side, value)


def of_topic(id: str, field: Field, value: Stated, *, by: str = "k", at: float = 1.0) -> Correction:
    return Correction(by, at, "person:ann", Subject("topic", id), field, None, value)


def take(history: History, corrections: Iterable[Correction], creator_id: str = "c1") -> None:
    """As an owner does: a topic's is counted anew in every chat."""
    for each in corrections:
        history.correct(creator_id, each)
        if each.subject.kind == "topic":
            topics = history.corrections(creator_id).behind(each.subject.id)
            for key in history.keys(creator_id):
                history.recount(key, topics)
