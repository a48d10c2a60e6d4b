"""The topics of a creator's chats: the seeded taxonomy, and beside it what BERTopic discovers.

A fitted model is a list of centroids, and a text has every topic whose centroid its vector is near enough to:
one form for snapshot and delta alike. Vectors are taken relative to a centre, which tells topics apart far
better than the raw ones do: for seeded topics the taxonomy's, which does not depend on any chat, for
discovered ones a point between it and the mean of the creator's windows. A refit only ever adds topics: the
centres stay, and a discovered topic's number is never used twice.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Self

import numpy as np
from numpy.typing import NDArray

from enrich.embedding.embed import PACKAGED, embed, model_name
from enrich.embedding.encoded import Vectors
from enrich.topics.discover import discover, has_content, unknown
from enrich.topics.names import names_from
from enrich.topics.store import pack, unpack, unreadable
from enrich.topics.taxonomy import NAME as SEEDED_NAME
from enrich.topics.taxonomy import SMALL_TALK, TAXONOMY
from enrich.topics.windows import Window, unit
from errors import EnrichmentError

_MIN_WINDOWS = 60  # free ones; below it nothing is discovered
_MOST_WINDOWS = 20_000  # more do not make the topics better, only slower and larger to find
_MOST_DISCOVERED = 100  # topics of a creator, for ever: what serving costs stays bounded
_BLOCK = 8_192  # vectors compared at once
_LOWEST, _HIGHEST = 0.32, 0.42  # bounds of a seeded topic's threshold
_GOING_ON = 0.13  # below the threshold of a topic that the conversation has anyway
_TOUCHING = 0.05  # below the nearest seeded topic: a text that is nearer to another has not this one as well


Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """What a topic model is fitted on: windows, their vectors [n, dimension], and which are `free` [n].

    Topics are discovered in free windows alone: no seeded topic is in them, and the fan speaks. `messages`
    counts all messages of the windows' conversations, also those without text.
    """

    windows: Sequence[Window]
    vectors: Vectors
    free: Flags
    messages: int

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """All documents of `parts` as one."""
        parts = list(parts)
        messages = sum(part.messages for part in parts)
        filled = [part for part in parts if part.windows]
        if not filled:
            return cls([], np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), messages)
        return cls(
            [window for part in filled for window in part.windows],
            np.vstack([part.vectors for part in filled]),
            np.concatenate([part.free for part in filled]),
            messages,
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """`threshold` is the least cosine to the topic's centroid at which a text has it."""

    id: str
    label: str
    category: str | None
    keywords: tuple[str, ...]
    threshold: float
    model: str


@dataclass(frozen=True, eq=False)
class TopicModel:
    """A creator's topics, seeded before discovered; `centroids` are unit vectors [topics, dimension].

    Those of seeded topics are relative to `centre`, those of discovered ones to `own_centre`.
    """

    creator_id: str
    version: int  # counts the fits
    messages: int  # of the conversations that it was fitted on
    unplaced: float | None  # share of those with text whose window has no topic; None when there are none
    next_topic: int  # number of the next discovered topic; numbers are never used twice
    seeded: str
    embedding: str
    topics: tuple[Topic, ...]
    centre: Vectors
    own_centre: Vectors
    centroids: Vectors

    @property
    def name(self) -> str:
        return f"{self.seeded} fit {self.version}"

    def matches(self, vectors: Vectors) -> Flags:
        """Which topics each of `vectors` [n, dimension] has: [n, topics]."""
        thresholds = self._thresholds.astype(np.float32)
        found: Flags = np.zeros((len(vectors), len(self.topics)), np.bool_)
        first = len(self.topics) - self.discovered
        for start in range(0, len(vectors), _BLOCK):
            here = slice(start, start + _BLOCK)
            near = self.similarity(vectors[here])
            found[here] = near >= thresholds
            best = near[:, :first].max(axis=1, keepdims=True, initial=-1)
            found[here, :first] &= near[:, :first] >= best - _TOUCHING
        return found

    def matches_in(self, vectors: Vectors, conversations: Sequence[str]) -> Flags:
        """The same of windows, each in the conversation whose id `conversations` [n] has: [n, topics].

        What has no topic by itself goes on with what its conversation is about: it has the topic of another
        window of it that it is nearest to, if it is near. Every conversation may be small talk, where that is
        nearer than any other topic.
        """
        found = self.matches(vectors)
        is_small_talk = np.array([topic.id == SMALL_TALK for topic in self.topics])
        numbers = {id: number for number, id in enumerate(dict.fromkeys(conversations))}
        of = np.array([numbers[id] for id in conversations], np.intp)
        about = np.zeros((len(numbers), len(self.topics)), np.bool_)
        np.logical_or.at(about, of, found)
        bare = np.flatnonzero(~found.any(axis=1))
        for start in range(0, len(bare), _BLOCK):
            rows = bare[start : start + _BLOCK]
            over = self.similarity(vectors[rows]) - self._thresholds
            is_open = about[of[rows]] | (is_small_talk & (over == over.max(axis=1, keepdims=True)))
            over = np.where(is_open, over, -np.inf)
            best = over.argmax(axis=1)
            near = over[np.arange(len(rows)), best] >= -_GOING_ON
            found[rows[near], best[near]] = True
        return found

    def places(self, vectors: Vectors) -> Flags:
        """Whether each of `vectors` [n, dimension] has a topic: [n]."""
        found: Flags = np.any(self.matches(vectors), axis=1)
        return found

    def similarity(self, vectors: Vectors) -> NDArray[np.float64]:
        """The cosine of each of `vectors` [n, dimension] to each topic's centroid: [n, topics].

        In double precision: the last bit hangs on how many are multiplied at once, and with them a topic
        must not.
        """
        first = len(self.topics) - self.discovered
        near = unit(vectors - self.centre).astype(np.float64) @ self._exact[:first].T
        if not self.discovered:
            return near
        own = unit(vectors - self.own_centre).astype(np.float64) @ self._exact[first:].T
        return np.hstack([near, own])

    @cached_property
    def discovered(self) -> int:
        """How many topics are not of the taxonomy."""
        return sum(topic.category is None for topic in self.topics)

    @cached_property
    def _thresholds(self) -> NDArray[np.float64]:
        return np.array([topic.threshold for topic in self.topics], np.float64)

    @cached_property
    def _exact(self) -> NDArray[np.float64]:
        """The centroids in double precision."""
        return self.centroids.astype(np.float64)

    def to_bytes(self) -> bytes:
        """As an artefact of `enrich.topics.store`: centres, then centroids, as little-endian float32."""
        header = {name: getattr(self, name) for name in _SCALARS}
        header |= {"topics": [asdict(topic) for topic in self.topics], "dimension": len(self.centre)}
        arrays = np.vstack([self.centre[None, :], self.own_centre[None, :], self.centroids])
        return pack(header, arrays.astype("<f4").tobytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "TopicModel":
        """The inverse of `to_bytes`; EnrichmentError when `data` is not one."""
        header, body = unpack(data)
        try:
            arrays = np.frombuffer(body, "<f4").astype(np.float32).reshape(-1, header.pop("dimension"))
            topics = tuple(
                Topic(**{**each, "keywords": tuple(each["keywords"])}) for each in header.pop("topics")
            )
            if len(arrays) != len(topics) + 2:
                raise ValueError("centroids do not match topics")
            return cls(**header, topics=topics, centre=arrays[0], own_centre=arrays[1], centroids=arrays[2:])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable("its parts do not fit together") from error


_SCALARS = ("creator_id", "version", "messages", "unplaced", "next_topic", "seeded", "embedding")


def seeded(creator_id: str, model: str = PACKAGED) -> TopicModel:
    """The taxonomy alone: what a creator without a fitted model is served with."""
    topics, centre, centroids = _seeds(model)
    return TopicModel(
        creator_id=creator_id,
        version=0,
        messages=0,
        unplaced=None,
        next_topic=0,
        seeded=SEEDED_NAME,
        embedding=model_name(model),
        topics=topics,
        centre=centre,
        own_centre=centre,
        centroids=centroids,
    )


def served(creator_id: str, stored: TopicModel | None, model: str = PACKAGED) -> TopicModel:
    """`stored` if it is the creator's, fitted with this taxonomy and `model`; else the taxonomy alone."""
    base = seeded(creator_id, model)
    if stored is None or stored.creator_id != creator_id or not _same_space(stored, base):
        return base
    return stored


def _same_space(one: TopicModel, other: TopicModel) -> bool:
    return (one.seeded, one.embedding) == (other.seeded, other.embedding)


def fit(
    creator_id: str, documents: Documents, previous: TopicModel | None = None, model: str = PACKAGED
) -> TopicModel:
    """The creator's next topic model, after `documents` in any order.

    Every topic of `previous` stays as it is; of a model of another taxonomy or embedding only its numbers go
    on. New topics are found in free windows that have none of these, through BERTopic's `merge_models`. Of
    more than _MOST_WINDOWS as many are taken, from all chats in turn, the same for the same documents.
    EnrichmentError when `previous` is another creator's.
    """
    if previous is not None and previous.creator_id != creator_id:
        raise EnrichmentError("The previous topic model is another creator's: fit on the creator's own.")
    known = replace(
        served(creator_id, previous, model),
        version=previous.version + 1 if previous else 1,
        next_topic=previous.next_topic if previous else 0,
    )
    rows = _in_turn(documents.windows)[:_MOST_WINDOWS]
    if not known.discovered and len(rows) >= _MIN_WINDOWS:
        known = replace(known, own_centre=(known.centre + documents.vectors[rows].mean(axis=0)) / 2)
    if len(unclaimed := _unclaimed(documents, known, rows)) >= _MIN_WINDOWS:
        known = _with_found(known, documents, unclaimed, set(rows).difference(unclaimed), model)
    spoken = np.array([len(window.rows) for window in documents.windows], np.int64)
    total = int(spoken.sum())
    placed = known.matches_in(
        documents.vectors, [window.conversation_id for window in documents.windows]
    ).any(axis=1)
    unplaced = float(spoken[~placed].sum()) / total if total else None
    return replace(known, messages=documents.messages, unplaced=unplaced)


@lru_cache(maxsize=2)
def _seeds(model: str) -> tuple[tuple[Topic, ...], Vectors, Vectors]:
    """The seeded topics, the centre and their centroids under `model`.

    A threshold lies above what the other topics' phrases reach, and not far below what the topic's own
    phrases do when they are left out of its centroid: a topic that is easily told apart asks for more.
    """
    phrases = [embed(topic.phrases, model) for topic in TAXONOMY]
    centre = np.mean([each.mean(axis=0) for each in phrases], axis=0)
    own = [unit(each - centre) for each in phrases]
    centroids = unit(np.stack([each.mean(axis=0) for each in own]))
    topics = []
    for row, topic in enumerate(TAXONOMY):
        others = np.concatenate([each @ centroids[row] for at, each in enumerate(own) if at != row])
        rest = unit(own[row].sum(axis=0) - own[row])  # for each phrase the centroid without it
        left_out = (own[row] * rest).sum(axis=1)
        least = max(np.percentile(others, 99) + 0.02, 0.85 * np.percentile(left_out, 10))
        threshold = round(float(np.clip(least, _LOWEST, _HIGHEST)), 2)
        topics.append(Topic(topic.id, topic.label, topic.category, topic.keywords, threshold, SEEDED_NAME))
    return tuple(topics), centre, centroids


def _in_turn(windows: Sequence[Window]) -> list[int]:
    """Rows of `windows`, one of each chat in turn, in an order that arrival does not change."""
    by_chat: dict[str, list[tuple[bytes, int]]] = defaultdict(list)
    for row, window in enumerate(windows):
        place = f"{window.conversation_id} {window.rows.start}".encode("utf-8", "replace")
        by_chat[window.chat_id].append((hashlib.blake2b(place, digest_size=16).digest(), row))
    in_turn = sorted((turn, *each) for own in by_chat.values() for turn, each in enumerate(sorted(own)))
    return [row for _, _, row in in_turn]


def _unclaimed(documents: Documents, known: TopicModel, rows: Sequence[int]) -> list[int]:
    """Those of `rows`, in their order, whose windows have words and may bring topics that are not `known`."""
    free = [row for row in rows if documents.free[row]]
    placed = known.places(documents.vectors[free])
    return [
        row
        for row, is_placed in zip(free, placed, strict=True)
        if not is_placed and has_content(documents.windows[row].text)
    ]


def _with_found(
    known: TopicModel, documents: Documents, rows: Sequence[int], others: Iterable[int], model: str
) -> TopicModel:
    """`known` and after it what else is discovered in the windows at `rows`, `others` being beside it."""
    first = len(known.topics) - known.discovered
    found = discover(
        [documents.windows[row] for row in rows],
        unit(documents.vectors[rows] - known.own_centre),
        [documents.windows[row] for row in others],
        names_from(known.own_centre, model),
    )
    labels = {topic.label for topic in known.topics}
    found = [each for each in found if each.label not in labels]
    words = [topic.keywords for topic in known.topics[first:]]
    new = unknown(found, words, known.centroids[first:])[: _MOST_DISCOVERED - known.discovered]
    name = f"bertopic {version('bertopic')} fit {known.version}"
    topics = [
        Topic(f"topic_{number}", each.label, None, each.keywords, each.threshold, name)
        for number, each in enumerate(new, known.next_topic)
    ]
    return replace(
        known,
        topics=(*known.topics, *topics),
        centroids=np.vstack([known.centroids, *(each.centroid[None, :] for each in new)]),
        next_topic=known.next_topic + len(new),
    )
