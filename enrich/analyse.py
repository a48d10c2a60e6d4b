"""Enriching conversations: every strategy composed, in two steps around the topic model. No IO.

`analyse` understands each message and cuts the windows; `assign` gives the topics of a fitted model and
folds everything into one value per conversation. A strategy that fails leaves null and its reason behind, and
the others standing.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from chats.conversation import Conversation, cut
from chats.enriched import EnrichedConversation, MessageEnrichment, TopicRef
from chats.message import Direction, Message
from enrich import outcomes
from enrich.actions import head as action_head
from enrich.actions import seen as actions
from enrich.embedding import embed
from enrich.embedding.encoded import Vectors
from enrich.entities import find as entities
from enrich.language import read as multilingual
from enrich.language.identify import ENGLISH, READ, languages
from enrich.node import counted_of
from enrich.outcomes import Context
from enrich.preceding import WHOSE, has_context, preceding
from enrich.reading import Reading
from enrich.sentiment import score as sentiment
from enrich.sentiment.labels import Classifier
from enrich.topics import model as topics
from enrich.topics.taxonomy import PAY_PER_VIEW
from enrich.topics.windows import Window, count_words, spoken, window_vectors, windows
from errors import AnalyticsError

T = TypeVar("T")
_TopicsOf = dict[tuple[str, str], list[topics.Topic]]

_NO_MODEL = "no topic model"
_BY_ENGLISH = (None, ENGLISH)  # the languages of texts that the models of English read: without words, too
_READ = frozenset(READ)
_MIN_WORDS = 3  # a shorter message is too little to have a topic of its own


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """One conversation before its topics. `rows` are its texts' among those of the analysis."""

    conversation: Conversation
    context: Context
    messages: dict[str, MessageEnrichment]
    models: dict[str, str]
    rows: slice


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """One creator's conversations before their topics, with the vectors of all texts and all windows.

    Shapes: [texts, dimension] and [windows, dimension]; `window_of` [texts] is each text's window, `is_read`
    [texts] whether its language is read, `is_long` [texts] whether it can have a topic by itself.
    """

    conversations: list[Analysed]
    windows: list[Window]
    window_of: NDArray[np.intp]
    is_read: topics.Flags
    is_long: topics.Flags
    text_vectors: Vectors | None  # None: they failed
    window_vectors: Vectors | None

    def documents(self, model: str = embed.PACKAGED) -> topics.Documents:
        """What to fit a topic model on; no windows where the vectors failed."""
        messages = sum(len(each.conversation.messages) for each in self.conversations)
        if self.window_vectors is None or not self.conversations:
            return topics.Documents([], np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), messages)
        seeds = topics.seeded(self.conversations[0].conversation.creator_id, model)
        claimed = self._found(seeds, seeds.matches(self.window_vectors)).any(axis=1)
        free = np.array([each.by_fan for each in self.windows], np.bool_)
        free[self.window_of[claimed]] = False
        free &= np.bincount(self.window_of[self.is_read], minlength=len(free)) > 0
        return topics.Documents(self.windows, self.window_vectors, free, messages)

    def found(self, model: topics.TopicModel) -> topics.Flags:
        """Which topics each text has, [n, topics]: those of its window, and those it has by itself."""
        if self.window_vectors is None:
            return np.zeros((len(self.window_of), len(model.topics)), np.bool_)
        conversations = [window.conversation_id for window in self.windows]
        return self._found(model, model.matches_in(self.window_vectors, conversations))

    def _found(self, model: topics.TopicModel, of_windows: topics.Flags) -> topics.Flags:
        assert self.text_vectors is not None, "they are there where the windows' are"
        found: topics.Flags = model.matches(self.text_vectors) & self.is_long[:, None]
        found |= of_windows[self.window_of]
        found &= self.is_read[:, None]
        return found


def analyse(
    conversations: Sequence[Conversation],
    contexts: Mapping[str, Context],
    model: str = embed.PACKAGED,
    known: Mapping[str, Reading] | None = None,
    *,
    installed: str = "",
    classifier: Classifier | None = None,
) -> Analysis:
    """Everything but topics. `contexts` by conversation id; `model`, `installed` heads and `classifier` as in
    `enrich.models.Models`.

    `known` is what was read before, by message id: it stays as it is where its context is the same.
    """
    known = known or {}
    failed: dict[str, str] = {}
    said = [message for each in conversations for message in spoken(each)]
    texts = [message.text for message in said]
    writers = [message.direction for message in said]
    tongues = [tongue for each in conversations for tongue in languages(spoken(each))]
    before = preceding(map(spoken, conversations), tongues)
    places = _places(said, tongues, before.digests(texts, writers))
    foreign = _foreign(texts, writers, tongues, model)
    read = _attempt("embedding", failed, lambda: multilingual.encode(texts, foreign.read, model, installed))
    scores: list[float | None] | None = None
    told: list[dict[str, float]] | None = None
    if read is None:
        failed["sentiment"] = failed["topics"] = f"no embedding: {failed['embedding']}"
    else:
        of = (texts, writers, read.logits, model, installed, before)
        scores = _attempt("sentiment", failed, lambda: sentiment.sentiment(*of))
        told = _attempt("action_head", failed, lambda: action_head.found(*of))
    for row, tongue in enumerate(tongues):
        if tongue not in _BY_ENGLISH:
            if scores is not None:
                scores[row] = foreign.told.sentiment.get(row)
            if told is not None:
                told[row] = foreign.told.actions.get(row, {})
    felt_by = "" if scores is None else sentiment.name(model, installed)
    if classifier is not None:
        failed.pop("sentiment", None)
        found_by = _attempt("sentiment", failed, lambda: _classified(texts, classifier))
        scores, felt_by = found_by or (None, "")
    names = {
        "embedding": _attempt("embedding", failed, lambda: embed.model_name(model)) or "",
        "sentiment": felt_by,
        "actions": actions.NAME,
        "action_head": "" if told is None else action_head.name(model, installed),
        "entities": entities.NAME,
        "outcomes": outcomes.NAME,
    }
    models = {strategy: name for strategy, name in names.items() if name}
    cuts = [windows(each) for each in conversations]
    found, start = [], 0
    for conversation in conversations:
        own = spoken(conversation)
        rows = slice(start, start := start + len(own))
        ids = [message.id for message in own]
        place_of = dict(zip(ids, places[rows], strict=True))
        felt = {} if scores is None else dict(zip(ids, scores[rows], strict=True))
        likely = {} if told is None else dict(zip(ids, told[rows], strict=True))
        still = {id: known[id] for id, place in place_of.items() if id in known and _is_of(known[id], place)}
        felt.update({id: each.sentiment for id, each in still.items()})
        likely.update({id: dict(each.actions) for id, each in still.items()})
        context = contexts[conversation.id]
        messages, reasons = _understood(conversation, context, place_of, felt, likely, failed, foreign.failed)
        failures = {strategy: f"failed: {reason}" for strategy, reason in reasons.items()}
        beside = {"multilingual": foreign.name} if not _READ.isdisjoint(tongues[rows]) else {}
        found.append(Analysed(conversation, context, messages, {**models, **beside, **failures}, rows))
    known_tongues = _BY_ENGLISH if foreign.failed else (*_BY_ENGLISH, *READ)
    is_read = np.array([tongue in known_tongues for tongue in tongues], np.bool_)
    counts = np.array([count_words(text) for text in texts], np.int64) * is_read
    of_texts = [len(window.rows) for own in cuts for window in own]
    window_of = np.repeat(np.arange(len(of_texts)), of_texts)
    return Analysis(
        conversations=found,
        windows=[window for own in cuts for window in own],
        window_of=window_of,
        is_read=is_read,
        is_long=counts >= _MIN_WORDS,
        text_vectors=None if read is None else read.vectors,
        window_vectors=None if read is None else window_vectors(of_texts, read.vectors, counts),
    )


def assign(analysis: Analysis, model: topics.TopicModel | None) -> list[EnrichedConversation]:
    """The analysed conversations with the topics of `model`, in order.

    Without a model there are no topics, and `models` says so.
    """
    topics_of = _topics_by_message(analysis, model) if model else {}
    return [_enriched(each, topics_of, model) for each in analysis.conversations]


def enrich_alone(
    conversation: Conversation,
    all_messages: Iterable[Message] | None = None,
    *,
    model: str = embed.PACKAGED,
) -> EnrichedConversation:
    """Enrich one conversation alone, with the seeded topics and the heads that go with `model`.

    `all_messages` are the whole chat's, for what needs to know what came before the conversation.
    """
    first = conversation.messages[0]
    earlier = [m for m in all_messages or () if m.chat_id == first.chat_id and m.order < first.order]
    before = cut(earlier, gap=math.inf, silence=math.inf)
    contexts = outcomes.contexts([*before, conversation], {})
    seeds = topics.seeded(conversation.creator_id, model)
    return assign(analyse([conversation], contexts, model), seeds)[0]


class _Foreign(NamedTuple):
    """What the multilingual models make of some of the texts, and why they failed, if they did."""

    read: multilingual.Foreign
    told: multilingual.Told
    name: str
    failed: Mapping[str, str]


def _foreign(
    texts: Sequence[str], writers: Sequence[Direction], tongues: Sequence[str | None], model: str
) -> _Foreign:
    failed: dict[str, str] = {}
    read = _attempt("multilingual", failed, lambda: multilingual.foreign(texts, tongues, model))
    if read is None:
        return _Foreign(multilingual.NOTHING, multilingual.SILENT, "", failed)
    told = _attempt("multilingual", failed, lambda: multilingual.told(texts, writers, read))
    return _Foreign(read, told or multilingual.SILENT, multilingual.name() if read.rows else "", failed)


class _Place(NamedTuple):
    """How a text is read: its language, and a digest of its context (None: alone)."""

    tongue: str | None = None
    after: int | None = None


def _places(said: Sequence[Message], tongues: Sequence[str | None], digests: Sequence[int]) -> list[_Place]:
    return [
        _Place(tongue, digest if message.direction == WHOSE and has_context(message, tongue) else None)
        for message, tongue, digest in zip(said, tongues, digests, strict=True)
    ]


def _is_of(reading: Reading, place: _Place) -> bool:
    """Whether the reading holds: the text is in that language and context. Old ones do not say theirs."""
    is_same_tongue = reading.language == place.tongue or (
        reading.language is None and place.tongue in _BY_ENGLISH
    )
    return is_same_tongue and reading.after in (None, place.after)


def _understood(
    conversation: Conversation,
    context: Context,
    places: Mapping[str, _Place],
    scores: Mapping[str, float | None],
    likely: Mapping[str, Mapping[str, float]],
    failed_for_all: Mapping[str, str],
    failed_for_foreign: Mapping[str, str],
) -> tuple[dict[str, MessageEnrichment], dict[str, str]]:
    """What each message says by itself, and why something is not known, by strategy."""
    found: dict[str, MessageEnrichment] = {}
    previous_at = context.previous_at
    reasons = dict(failed_for_all)
    for message in conversation.messages:
        failed = dict(failed_for_all) if message.text.strip() else {}
        tongue, after = places.get(message.id, _Place())
        is_foreign = tongue in READ
        if is_foreign:
            failed |= failed_for_foreign
        unread = "notice" if message.is_notice else None if is_foreign else sentiment.unread(message.text)
        own = likely.get(message.id, {})
        seen = _attempt("actions", failed, partial(actions.seen, message, previous_at, own, tongue))
        found[message.id] = MessageEnrichment(
            language=None if message.is_notice else tongue,
            sentiment=None if unread else scores.get(message.id),
            no_sentiment=None if "sentiment" in failed else unread,
            actions=None if seen is None else tuple(each.type for each in seen if not each.is_doubted),
            action_evidence=dict(seen or ()),
            entities=_attempt("entities", failed, partial(entities.entities, message.text)),
            failed=failed,
            read_after=after,
        )
        reasons.update(failed)
        previous_at = message.at if message.is_direct else previous_at
    if context.failed:
        reasons["outcomes"] = context.failed
    return found, reasons


def _classified(texts: Sequence[str], classifier: Classifier) -> tuple[list[float | None], str]:
    """The sentiment of each text by a classifier of the user's own, and its name."""
    from enrich.sentiment import classifier as own  # takes seconds and much memory to import

    return own.sentiment(texts, classifier), own.name(classifier)


def _attempt(strategy: str, failed: dict[str, str], run: Callable[[], T]) -> T | None:
    """`run()`, or None with the reason in `failed`. A reason never quotes the text it failed on."""
    try:
        return run()
    except AnalyticsError as error:
        failed[strategy] = str(error)
    except Exception as error:  # whatever a model throws, the other strategies go on
        failed[strategy] = type(error).__name__
    return None


def _enriched(analysed: Analysed, found: _TopicsOf, model: topics.TopicModel | None) -> EnrichedConversation:
    conversation = analysed.conversation
    chat = conversation.chat_id
    topics_of = {id: of_it for id in analysed.messages if (of_it := found.get((chat, id)))}
    messages = {
        id: _with_topics(each, topics_of.get(id, ()), model) for id, each in analysed.messages.items()
    }
    models = {"topics": model.name if model else f"failed: {_NO_MODEL}", **analysed.models}
    return counted_of(conversation, analysed.context, messages, topics_of, models)


def _with_topics(
    found: MessageEnrichment, of_it: Sequence[topics.Topic], model: topics.TopicModel | None
) -> MessageEnrichment:
    if model is None:
        failed = {"topics": _NO_MODEL, **found.failed}
        return msgspec.structs.replace(found, topics=None, failed=failed)
    if "topics" in found.failed:
        return msgspec.structs.replace(found, topics=None)
    if not of_it:
        return found  # as most are
    return msgspec.structs.replace(found, topics=tuple(TopicRef(t.id, t.label) for t in of_it))


def _topics_by_message(analysis: Analysis, model: topics.TopicModel) -> _TopicsOf:
    """The topics of each message that has some, by chat and message.

    What is for sale inside a message is seldom in its words, so its price says that it is pay-per-view.
    """
    found: _TopicsOf = {}
    has = analysis.found(model)
    pay_per_view = next(topic for topic in model.topics if topic.id == PAY_PER_VIEW)
    for each in analysis.conversations:
        chat = each.conversation.chat_id
        own = has[each.rows]
        if own.any():
            said = spoken(each.conversation)
            for row, topic in zip(*map(np.ndarray.tolist, np.nonzero(own)), strict=True):
                found.setdefault((chat, said[row].id), []).append(model.topics[topic])
        if analysis.text_vectors is not None:
            for message in each.conversation.messages:
                if message.price > 0 and pay_per_view not in found.setdefault((chat, message.id), []):
                    found[chat, message.id].append(pay_per_view)
    return found
