"""Enriching conversations: every strategy composed, in two steps around the topic model. No IO.

`analyse` understands each message and cuts the windows; `assign` gives the topics of a fitted model and
folds everything into one node per conversation. A strategy that fails leaves null and its reason behind, and
the others standing.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from chats.conversation import Conversation, cut
from chats.message import Direction, Message
from enrich import actions, embed, entities, outcomes, sentiment, topics
from enrich.node import node_of
from enrich.outcomes import Context
from enrich.taxonomy import PAY_PER_VIEW
from enrich.windows import Window, count_words, spoken, window_vectors, windows
from errors import AnalyticsError
from wire.payloads import (
    ActionTopic,
    ActionUse,
    ExtendedConversationNode,
    MessageEnrichment,
    TopicRef,
    TopicUse,
)

T = TypeVar("T")

_NO_MODEL = "no topic model"
_MIN_WORDS = 3  # a shorter message is too little to have a topic of its own


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """One conversation before its topics."""

    conversation: Conversation
    context: Context
    messages: dict[str, MessageEnrichment]
    windows: list[Window]
    vectors: "_VectorsOf | None"  # None: they failed
    models: dict[str, str]

    @property
    def spoken(self) -> list[Message]:
        return spoken(self.conversation)


@dataclass(frozen=True, slots=True, eq=False)
class _VectorsOf:
    """One conversation's vectors: of its messages with text [n, dimension], of its windows [m, dimension]."""

    messages: embed.Vectors
    windows: embed.Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    conversations: list[Analysed]

    def documents(self, model: str = embed.PACKAGED) -> topics.Documents:
        """What to fit a topic model on; no windows where the vectors failed."""
        return topics.Documents.joined(_documents(each, model) for each in self.conversations)


def analyse(
    conversations: Sequence[Conversation], contexts: Mapping[str, Context], model: str = embed.PACKAGED
) -> Analysis:
    """Everything but topics. `contexts` by conversation id; `model` as in `enrich.embed.embed`."""
    failed: dict[str, str] = {}
    texts = [message.text for each in conversations for message in spoken(each)]
    vectors = _attempt("embedding", failed, lambda: embed.embed(texts, model))
    scores: list[float | None] | None = None
    if vectors is None:
        failed["sentiment"] = failed["topics"] = f"no embedding: {failed['embedding']}"
    else:
        scores = _attempt("sentiment", failed, lambda: sentiment.sentiment(texts, vectors, model))
    models = {
        "embedding": _attempt("embedding", failed, lambda: embed.model_name(model)) or "",
        "sentiment": _attempt("sentiment", failed, lambda: sentiment.name(model)) or "",
        "actions": actions.NAME,
        "entities": entities.NAME,
        "outcomes": outcomes.NAME,
    }
    found, start = [], 0
    for conversation in conversations:
        own = spoken(conversation)
        here = slice(start, start := start + len(own))
        found.append(
            _analysed(
                conversation,
                contexts[conversation.id],
                own,
                None if vectors is None else vectors[here],
                {} if scores is None else dict(zip([m.id for m in own], scores[here], strict=True)),
                failed,
                models,
            )
        )
    return Analysis(found)


def assign(analysis: Analysis, model: topics.TopicModel | None) -> list[ExtendedConversationNode]:
    """The nodes of the analysed conversations with the topics of `model`, in order; `messages` stay empty.

    Without a model there are no topics, and `models` says so.
    """
    return [_node(each, model) for each in analysis.conversations]


def enrich_conversation(
    conversation: Conversation,
    all_messages: Iterable[Message] | None = None,
    *,
    model: str = embed.PACKAGED,
) -> ExtendedConversationNode:
    """Enrich one conversation alone, with the seeded topics.

    `all_messages` are the whole chat's, for what needs to know what came before the conversation.
    """
    first = conversation.messages[0]
    earlier = [m for m in all_messages or () if m.chat_id == first.chat_id and m.order < first.order]
    before = cut(earlier, gap=math.inf, silence=math.inf)
    contexts = outcomes.contexts([*before, conversation], {})
    seeds = topics.seeded(conversation.creator_id, model)
    return assign(analyse([conversation], contexts, model), seeds)[0]


def _analysed(
    conversation: Conversation,
    context: Context,
    said: Sequence[Message],
    vectors: embed.Vectors | None,
    scores: Mapping[str, float | None],
    failed_for_all: Mapping[str, str],
    models: Mapping[str, str],
) -> Analysed:
    found: dict[str, MessageEnrichment] = {}
    previous_at = context.previous_at
    reasons = dict(failed_for_all)
    for message in conversation.messages:
        failed = dict(failed_for_all) if message.text.strip() else {}
        seen = _attempt("actions", failed, partial(actions.seen, message, previous_at))
        found[message.id] = MessageEnrichment(
            sentiment=scores.get(message.id),
            actions=None if seen is None else [each.type for each in seen],
            actionEvidence=dict(seen or ()),
            entities=_attempt("entities", failed, partial(entities.entities, message.text)),
            failed=failed,
        )
        reasons.update(failed)
        previous_at = message.at
    if context.failed:
        reasons["outcomes"] = context.failed
    cuts = windows(conversation)
    weights = [count_words(message.text) for message in said]
    return Analysed(
        conversation=conversation,
        context=context,
        messages=found,
        windows=cuts,
        vectors=None if vectors is None else _VectorsOf(vectors, window_vectors(cuts, vectors, weights)),
        models={**models, **{strategy: f"failed: {reason}" for strategy, reason in reasons.items()}},
    )


def _attempt(strategy: str, failed: dict[str, str], run: Callable[[], T]) -> T | None:
    """`run()`, or None with the reason in `failed`. A reason never quotes the text it failed on."""
    try:
        return run()
    except AnalyticsError as error:
        failed[strategy] = str(error)
    except Exception as error:  # whatever a model throws, the other strategies go on
        failed[strategy] = type(error).__name__
    return None


def _node(analysed: Analysed, model: topics.TopicModel | None) -> ExtendedConversationNode:
    conversation = analysed.conversation
    topics_of = _topics_by_message(analysed, model)
    of_all = {message.id for message in analysed.spoken} | topics_of.keys()
    enrichment = {
        id: _with_topics(each, topics_of.get(id, ()), model) for id, each in analysed.messages.items()
    }
    sentiments = [
        score
        for message in conversation.messages
        if message.direction == "fan" and (score := enrichment[message.id].sentiment) is not None
    ]
    return node_of(
        conversation,
        analysed.context,
        topics=_topic_uses(topics_of, len(of_all)),
        actions=_action_uses(conversation.messages, enrichment),
        actionTopics=_action_topics(enrichment),
        sentiment=sum(sentiments) / len(sentiments) if sentiments else None,
        sentimentSum=sum(sentiments),
        sentimentCount=len(sentiments),
        enrichment=enrichment,
        models={"topics": model.name if model else f"failed: {_NO_MODEL}", **analysed.models},
    )


def _with_topics(
    found: MessageEnrichment, of_it: Sequence[topics.Topic], model: topics.TopicModel | None
) -> MessageEnrichment:
    if model is None:
        failed = {"topics": _NO_MODEL, **found.failed}
        return found.model_copy(update={"topics": None, "failed": failed})
    if "topics" in found.failed:
        return found.model_copy(update={"topics": None})
    return found.model_copy(update={"topics": [TopicRef(id=t.id, topic=t.label) for t in of_it]})


def _documents(analysed: Analysed, model: str) -> topics.Documents:
    conversation, vectors = analysed.conversation, analysed.vectors
    messages = len(conversation.messages)
    if vectors is None:
        return topics.Documents([], np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), messages)
    seeds = topics.seeded(conversation.creator_id, model)
    claimed = np.flatnonzero(_found(analysed, vectors, seeds).any(axis=1))
    free = [each.by_fan and not any(row in each.rows for row in claimed) for each in analysed.windows]
    return topics.Documents(analysed.windows, vectors.windows, np.array(free, np.bool_), messages)


def _topics_by_message(analysed: Analysed, model: topics.TopicModel | None) -> dict[str, list[topics.Topic]]:
    """The topics of each message that has some.

    What is for sale inside a message is seldom in its words, so its price says that it is pay-per-view.
    """
    if model is None or analysed.vectors is None:
        return {}
    found: dict[str, list[topics.Topic]] = {}
    for message, row in zip(analysed.spoken, _found(analysed, analysed.vectors, model), strict=True):
        found[message.id] = [model.topics[at] for at in np.flatnonzero(row)]
    pay_per_view = next(topic for topic in model.topics if topic.id == PAY_PER_VIEW)
    for message in analysed.conversation.messages:
        if message.price > 0 and pay_per_view not in found.setdefault(message.id, []):
            found[message.id].append(pay_per_view)
    return {message_id: each for message_id, each in found.items() if each}


def _found(analysed: Analysed, vectors: _VectorsOf, model: topics.TopicModel) -> topics.Flags:
    """Which topics each message with text has: those of its window, and those it has by itself."""
    long_enough = np.array([count_words(each.text) >= _MIN_WORDS for each in analysed.spoken], np.bool_)
    found: topics.Flags = model.matches(vectors.messages) & long_enough[:, None]
    for window, has in zip(analysed.windows, model.matches(vectors.windows), strict=True):
        found[window.rows.start : window.rows.stop] |= has
    return found


def _topic_uses(topics_of: Mapping[str, Sequence[topics.Topic]], messages: int) -> list[TopicUse]:
    """Most discussed first."""
    counts = Counter(topic for found in topics_of.values() for topic in found)
    return [
        TopicUse(
            id=topic.id,
            topic=topic.label,
            messages=count,
            weight=round(count / messages, 4),
            category=topic.category,
            keywords=list(topic.keywords),
            model=topic.model,
        )
        for topic, count in sorted(counts.items(), key=lambda each: (-each[1], each[0].id))
    ]


def _action_uses(messages: Sequence[Message], enrichment: Mapping[str, MessageEnrichment]) -> list[ActionUse]:
    evidence: dict[tuple[str, Direction], list[str]] = defaultdict(list)
    for message in messages:
        for action in enrichment[message.id].actions or ():
            evidence[action, message.direction].append(message.id)
    return [
        ActionUse(type=action, direction=direction, count=len(ids), evidence=ids)
        for (action, direction), ids in sorted(evidence.items())
    ]


def _action_topics(enrichment: Mapping[str, MessageEnrichment]) -> list[ActionTopic]:
    counts = Counter(
        (action, topic.id)
        for each in enrichment.values()
        for action in each.actions or ()
        for topic in each.topics or ()
    )
    return [
        ActionTopic(action=action, topicId=topic, count=count)
        for (action, topic), count in sorted(counts.items())
    ]
