"""Topics that no taxonomy knew: BERTopic over the windows that have no seeded topic.

PCA and MiniBatchKMeans stand in for its defaults: they are as good on such windows, much faster, work from
few documents up, and give the same topics for the same windows.
"""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import emoji
import numpy as np

from enrich.embed import Vectors
from enrich.windows import Window, unit

_WINDOWS_PER_CLUSTER = 15
_MAX_CLUSTERS = 40
_COMPONENTS = 15
MIN_MEMBERS = 8
_MIN_CHATS = 3  # a topic, and each of its keywords, is seen in several chats: never one person's own words
_COHERENT = 0.5  # mean cosine of a cluster's members to its centroid
_DUPLICATE = 0.6  # cosine of centroids above which two clusters are one
_LOOSEST, _STRICTEST = 0.4, 0.5  # bounds of a discovered topic's threshold
_KEYWORDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A discovered topic: its words, its unit centroid, and the least cosine to it of what has the topic."""

    keywords: tuple[str, ...]
    centroid: Vectors
    threshold: float


def discover(windows: Sequence[Window], vectors: Vectors) -> list[Cluster]:
    """Coherent clusters of the windows, largest first. What fits none is left without a topic."""
    labels, ranked = _bertopic([_content(window.text) for window in windows], vectors)
    members: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        members[label].append(row)
    kept: list[Cluster] = []
    for label, rows in sorted(members.items(), key=lambda each: (-len(each[1]), each[0])):
        centroid = unit(vectors[rows].mean(axis=0))
        near = vectors[rows] @ centroid
        chats = {windows[row].chat_id for row in rows}
        if len(rows) < MIN_MEMBERS or len(chats) < _MIN_CHATS or near.mean() < _COHERENT:
            continue
        if keywords := _shared(ranked.get(label, ()), [windows[row] for row in rows]):
            threshold = round(float(np.clip(np.percentile(near, 15), _LOOSEST, _STRICTEST)), 2)
            kept.append(Cluster(keywords, centroid, threshold))
    return kept


def _bertopic(documents: list[str], vectors: Vectors) -> tuple[list[int], dict[int, list[str]]]:
    """Each document's cluster, and each cluster's words by c-TF-IDF, best first. Same in, same out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plotting misses libraries that nothing here needs
        from bertopic import BERTopic
        from bertopic.backend import BaseEmbedder
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA

    count = min(_MAX_CLUSTERS, max(2, len(documents) // _WINDOWS_PER_CLUSTER))
    model = BERTopic(
        embedding_model=BaseEmbedder(),  # the vectors are given
        umap_model=PCA(n_components=min(_COMPONENTS, len(documents)), random_state=0),
        hdbscan_model=MiniBatchKMeans(n_clusters=count, random_state=0, n_init=5),
        vectorizer_model=_vectorizer(),
        top_n_words=30,
    )
    labels, _ = model.fit_transform(documents, embeddings=vectors)
    if groups := _duplicates(labels, vectors):
        model.merge_topics(documents, groups)
        labels = model.topics_
    words = {label: [word for word, _ in ranked if word] for label, ranked in model.get_topics().items()}
    return [int(label) for label in labels], words


def _duplicates(labels: Sequence[int], vectors: Vectors) -> list[list[int]]:
    """Clusters that are about the same: each with the larger one that it is near to, if there is one."""
    sizes = Counter(labels)
    groups: list[tuple[Vectors, list[int]]] = []
    for label in sorted(sizes, key=lambda each: (-sizes[each], each)):
        centroid = unit(vectors[np.array(labels) == label].mean(axis=0))
        near = next((group for leader, group in groups if float(leader @ centroid) >= _DUPLICATE), None)
        if near is None:
            groups.append((centroid, [label]))
        else:
            near.append(label)
    return [group for _, group in groups if len(group) > 1]


_WORD = r"(?u)\b[^\W\d_]{3,}\b"


@lru_cache(maxsize=1)
def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(stop_words="english", token_pattern=_WORD)


_PRIVATE = re.compile(r"(?:https?://|www\.)\S+|\S*@\S+")  # links, addresses, handles: never a keyword


def _content(text: str) -> str:
    """The words of a text that may be keywords: no links, no handles, no names of emoji."""
    return emoji.replace_emoji(_PRIVATE.sub(" ", text), " ")


def has_content(text: str) -> bool:
    return bool(_vectorizer().build_analyzer()(_content(text)))


def _shared(ranked: Iterable[str], windows: Sequence[Window]) -> tuple[str, ...]:
    """The best words that are seen in several chats."""
    analyze = _vectorizer().build_analyzer()
    words_of_chats = defaultdict(set)
    for window in windows:
        words_of_chats[window.chat_id].update(analyze(_content(window.text)))
    seen = Counter(word for words in words_of_chats.values() for word in words)
    return tuple([word for word in ranked if seen[word] >= _MIN_CHATS][:_KEYWORDS])
