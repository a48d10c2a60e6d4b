"""The topics of a creator's chats: the seeded taxonomy, and beside it what BERTopic discovers.

A fitted model is a list of centroids, and a text has every topic whose centroid its vector is near enough to:
one form for snapshot and delta alike. Vectors are taken relative to the taxonomy's centre, which tells topics
apart far better than the raw ones, and which does not depend on any chat.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Self

import numpy as np
import orjson
from numpy.typing import NDArray

from enrich.discover import MIN_MEMBERS, Cluster, discover, has_content
from enrich.embed import PACKAGED, Vectors, embed, model_name
from enrich.taxonomy import TAXONOMY, VERSION
from enrich.windows import Window, unit
from errors import EnrichmentError

SEEDED_NAME = f"taxonomy {VERSION}"

_MIN_WINDOWS = 60  # free ones; below it nothing is discovered
_LOWEST, _HIGHEST = 0.32, 0.42  # bounds of a seeded topic's threshold


Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """What a topic model is fitted on: windows, their vectors [n, dimension], and which are `free` [n].

    Topics are discovered in free windows alone: no seeded topic is in them, and the fan speaks.
    """

    windows: Sequence[Window]
    vectors: Vectors
    free: Flags

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """All documents of `parts` as one."""
        filled = [part for part in parts if part.windows]
        if not filled:
            return cls([], np.zeros((0, 0), np.float32), np.zeros(0, np.bool_))
        return cls(
            [window for part in filled for window in part.windows],
            np.vstack([part.vectors for part in filled]),
            np.concatenate([part.free for part in filled]),
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


@dataclass(frozen=True, slots=True, eq=False)
class TopicModel:
    """A creator's topics. `centroids` are unit vectors [topics, dimension] relative to `centre`."""

    creator_id: str
    version: int  # counts the fits
    fitted: int  # how many windows it was fitted on
    next_topic: int  # number of the next discovered topic; numbers are never used twice
    seeded: str
    embedding: str
    topics: tuple[Topic, ...]
    centre: Vectors
    centroids: Vectors

    @property
    def name(self) -> str:
        return f"{self.seeded} fit {self.version}"

    def matches(self, vectors: Vectors) -> Flags:
        """Which topics each of `vectors` [n, dimension] has: [n, topics]."""
        thresholds = np.array([topic.threshold for topic in self.topics], np.float32)
        found: Flags = self.relative(vectors) @ self.centroids.T >= thresholds
        return found

    def relative(self, vectors: Vectors) -> Vectors:
        return unit(vectors - self.centre)

    def to_bytes(self) -> bytes:
        """JSON header, its length before it (4 bytes), the arrays behind it as little-endian float32."""
        header = orjson.dumps(
            {
                **{name: getattr(self, name) for name in _SCALARS},
                "topics": [asdict(topic) for topic in self.topics],
                "dimension": len(self.centre),
            }
        )
        arrays = np.vstack([self.centre[None, :], self.centroids]).astype("<f4")
        return len(header).to_bytes(4, "little") + header + arrays.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "TopicModel":
        """The inverse of `to_bytes`; EnrichmentError when `data` is not one."""
        try:
            end = 4 + int.from_bytes(data[:4], "little")
            header = orjson.loads(data[4:end])
            arrays = np.frombuffer(data[end:], "<f4").astype(np.float32).reshape(-1, header.pop("dimension"))
            topics = tuple(
                Topic(**{**each, "keywords": tuple(each["keywords"])}) for each in header.pop("topics")
            )
            if len(arrays) != len(topics) + 1:
                raise ValueError("centroids do not match topics")
            return cls(**header, topics=topics, centre=arrays[0], centroids=arrays[1:])
        except (ValueError, KeyError, TypeError) as error:
            raise EnrichmentError(
                "The stored topic model cannot be read: delete the creator's key topics:* in Redis, "
                "the next snapshot fits it anew."
            ) from error


_SCALARS = ("creator_id", "version", "fitted", "next_topic", "seeded", "embedding")


def seeded(creator_id: str, model: str = PACKAGED) -> TopicModel:
    """The taxonomy alone: what a creator without a fitted model is served with."""
    topics, centre, centroids = _seeds(model)
    return TopicModel(
        creator_id=creator_id,
        version=0,
        fitted=0,
        next_topic=0,
        seeded=SEEDED_NAME,
        embedding=model_name(model),
        topics=topics,
        centre=centre,
        centroids=centroids,
    )


def served(creator_id: str, stored: TopicModel | None, model: str = PACKAGED) -> TopicModel:
    """`stored` if it was fitted with this taxonomy and `model`, else the taxonomy alone."""
    base = seeded(creator_id, model)
    return stored if stored is not None and _same_space(stored, base) else base


def _same_space(one: TopicModel, other: TopicModel) -> bool:
    return (one.seeded, one.embedding) == (other.seeded, other.embedding)


def fit(
    creator_id: str, documents: Documents, previous: TopicModel | None = None, model: str = PACKAGED
) -> TopicModel:
    """The creator's topic model after `documents`, in any order.

    `previous` is kept as it is until the windows have doubled since it was fitted. A refit keeps the
    discovered topics that are still spoken of, and looks for new ones in what is left.
    """
    base = seeded(creator_id, model)
    if previous is not None and not _same_space(previous, base):
        previous = replace(base, version=previous.version, next_topic=previous.next_topic)
    if previous is not None and previous.fitted and len(documents.windows) < 2 * previous.fitted:
        return previous
    base = replace(
        base,
        version=previous.version + 1 if previous else 1,
        fitted=len(documents.windows),
        next_topic=previous.next_topic if previous else 0,
    )
    free = _in_order(documents)
    if previous is not None and free:
        base = _with_known(base, previous, documents.vectors[free])
        claimed = set(np.flatnonzero(base.matches(documents.vectors).any(axis=1)))
        free = [row for row in free if row not in claimed]
    if len(free) < _MIN_WINDOWS:
        return base
    windows = [documents.windows[row] for row in free]
    return _with_found(base, discover(windows, base.relative(documents.vectors[free])))


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


def _in_order(documents: Documents) -> list[int]:
    """Rows of the windows to discover topics in, in an order that arrival does not change."""
    windows = documents.windows
    rows: list[int] = np.flatnonzero(documents.free).tolist()
    rows.sort(key=lambda row: (windows[row].text, windows[row].conversation_id, windows[row].rows.start))
    return [row for row in rows if has_content(windows[row].text)]


def _with_known(base: TopicModel, previous: TopicModel, vectors: Vectors) -> TopicModel:
    """`base` and, unchanged, those topics `previous` discovered that free windows' `vectors` still have."""
    counts = previous.matches(vectors).sum(axis=0)
    rows = [
        row
        for row, topic in enumerate(previous.topics)
        if topic.category is None and counts[row] >= MIN_MEMBERS
    ]
    return replace(
        base,
        topics=(*base.topics, *(previous.topics[row] for row in rows)),
        centroids=np.vstack([base.centroids, previous.centroids[rows]]),
    )


def _with_found(base: TopicModel, found: Sequence[Cluster]) -> TopicModel:
    name = f"bertopic {version('bertopic')} fit {base.version}"
    new = [
        Topic(f"topic_{number}", _label(each.keywords), None, each.keywords, each.threshold, name)
        for number, each in enumerate(found, base.next_topic)
    ]
    return replace(
        base,
        topics=(*base.topics, *new),
        centroids=np.vstack([base.centroids, *(each.centroid[None, :] for each in found)]),
        next_topic=base.next_topic + len(new),
    )


def _label(keywords: Sequence[str]) -> str:
    return ", ".join(keywords[:3]).capitalize()
