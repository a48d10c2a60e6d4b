"""Topics that no taxonomy knew: names that people use, then BERTopic over the windows that are about none.

PCA and MiniBatchKMeans stand in for its defaults: they are as good on such windows, much faster, work from
few documents up, and give the same topics for the same windows. What of it is new beside known topics is
decided by `BERTopic.merge_models`, on models that are nothing but their topics' centroids and words.
"""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enrich.embedding.encoded import Vectors
from enrich.language.identify import ENGLISH
from enrich.language.stop import empty_words, spoken_in, without_elisions
from enrich.topics.names import Names
from enrich.topics.windows import Window, unit

# All of these were set on the first half of the chats that `bench.quality.topics` measures on the second of.
_WINDOWS_PER_CLUSTER = 15
_MAX_CLUSTERS = 60
_COMPONENTS = 30
_MIN_MEMBERS = 8  # windows
_MIN_SHARE = 0.005  # of the creator's windows: what is spoken of less is no topic among so many
_MIN_CHATS = 3  # a topic, and each of its keywords, is seen in several chats: never one person's own words
_COHERENT = 0.35  # mean cosine of a cluster's members to its centroid
_DUPLICATE = 0.6  # cosine of centroids from which two clusters are one
_SAME = 0.8  # the same, of those that have names
# The same of clusters in two languages: one talk is about .55 there, for what is carried over loses some of
# it, and two talks are below .2.
_ABROAD = 0.4
_LOOSEST, _STRICTEST = 0.45, 0.55  # bounds of a discovered topic's threshold
_KEYWORDS = 5
_FEWEST_KEYWORDS = 2  # a cluster that has fewer is a manner of speaking
_TELLING = 2.5  # a keyword is so many times as frequent in the topic's windows as in the others
_CANDIDATES = 50  # words of a topic, best first, that may be keywords
# Of a name's topic less is asked: what it is about is known beforehand.
_MIN_NAMED, _MIN_NAMED_SHARE = 6, 0.0015
_NAMED = 0.36  # cosine to a name's centroid from which a window is about it
_NAMED_THRESHOLD = 0.37
_TELLING_NAMED = 1.5
_CHARACTERS = 4_000  # of a window, that may give keywords


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A discovered topic: what it is called, its words and unit centroid, and the least cosine to that."""

    label: str
    keywords: tuple[str, ...]
    centroid: Vectors
    threshold: float
    language: str = ENGLISH  # that most of it is in


def discover(
    windows: Sequence[Window], vectors: Vectors, others: Sequence[Window], names: Names
) -> list[Cluster]:
    """Coherent clusters of the windows, the named ones first. What fits none is left without a topic.

    `vectors` [n, dimension] and `names` are relative to one centre. `others` are the creator's windows that
    have topics: what is frequent in these too tells nothing of a cluster.
    """
    words = [_words(window.text) for window in windows]
    everything = [*words, *(_words(window.text) for window in others)]
    total = len(everything)
    tongues = [spoken_in(window.text.lower()) for window in windows]
    least = max(_MIN_MEMBERS, round(_MIN_SHARE * total))
    groups = [
        group
        for group in _named(vectors, tongues, names, max(_MIN_NAMED, round(_MIN_NAMED_SHARE * total)))
        if len({windows[row].chat_id for row in group.rows}) >= _MIN_CHATS
    ]
    taken = {row for group in groups for row in group.rows}
    rest = [row for row in range(len(windows)) if row not in taken]
    # BERTopic fails on documents of one word; of so few words no topic could be told apart.
    if len(rest) >= 2 * least and len({word for row in rest for word in words[row]}) >= _FEWEST_KEYWORDS:
        groups += _unnamed(words, vectors, tongues, rest, least)
    groups = _apart(groups)
    counts = Counter(word for each in everything for word in set(each))
    ranked = _ranked([[words[row] for row in group.rows] for group in groups], everything)
    kept: list[Cluster] = []
    for group, best in zip(groups, ranked, strict=True):
        own = [words[row] for row in group.rows]
        telling = _telling(own, counts, total, _TELLING if group.label is None else _TELLING_NAMED)
        shared = _shared([(windows[row].chat_id, words[row]) for row in group.rows])
        keywords = _readable(word for word in best if word in telling & shared)
        if group.label is not None:
            kept.append(
                Cluster(
                    group.label,
                    keywords or (group.label.lower(),),
                    group.centroid,
                    _NAMED_THRESHOLD,
                    group.language,
                )
            )
        elif len(keywords) >= _FEWEST_KEYWORDS:
            threshold = round(float(np.clip(np.percentile(group.near, 25), _LOOSEST, _STRICTEST)), 2)
            kept.append(Cluster(_label(keywords), keywords, group.centroid, threshold, group.language))
    return kept


def _label(keywords: Sequence[str]) -> str:
    return " and ".join(keywords[:2]).capitalize()


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Windows that belong together, by row; `near` are their cosines to the centroid.

    `language` is the one that most are in.
    """

    label: str | None
    rows: Sequence[int]
    centroid: Vectors
    near: NDArray[np.floating[Any]]
    language: str

    @classmethod
    def of(cls, label: str | None, rows: Sequence[int], vectors: Vectors, tongues: Sequence[str]) -> "_Group":
        """Of all windows' `vectors` and `tongues`."""
        centroid = unit(vectors[rows].mean(axis=0))
        return cls(label, rows, centroid, vectors[rows] @ centroid, _most(tongues[row] for row in rows))


def _named(vectors: Vectors, tongues: Sequence[str], names: Names, least: int) -> list[_Group]:
    """The windows that are about what a name stands for, where there are enough; the largest first."""
    near = vectors.astype(np.float64) @ names.centroids.T.astype(np.float64)
    best = near.argmax(axis=1)
    sure = near[np.arange(len(vectors)), best] >= _NAMED
    groups = []
    for at, name in enumerate(names.names):
        rows = np.flatnonzero(sure & (best == at)).tolist()
        if len(rows) >= least:
            groups.append(_Group.of(name.label, rows, vectors, tongues))
    return sorted(groups, key=lambda group: -len(group.rows))


def _unnamed(
    words: Sequence[list[str]], vectors: Vectors, tongues: Sequence[str], rest: Sequence[int], least: int
) -> list[_Group]:
    """Coherent clusters of at least so many of the windows at `rest`, the largest first."""
    documents = [" ".join(words[row]) for row in rest]
    members: dict[int, list[int]] = defaultdict(list)
    labels = _bertopic(documents, vectors[rest], [tongues[row] for row in rest])
    for row, label in zip(rest, labels, strict=True):
        members[label].append(row)
    groups = [
        _Group.of(None, own, vectors, tongues)
        for _, own in sorted(members.items(), key=lambda each: (-len(each[1]), each[0]))
        if len(own) >= least
    ]
    return [group for group in groups if group.near.mean() >= _COHERENT]


def _apart(groups: Iterable[_Group]) -> list[_Group]:
    """Those that are about something else than each one before."""
    kept: list[_Group] = []
    for group in groups:
        if all(float(group.centroid @ other.centroid) < _alike(group, other) for other in kept):
            kept.append(group)
    return kept


def _alike(group: _Group, other: _Group) -> float:
    """The cosine of their centroids from which the group is about the same as the other one."""
    if group.label is not None:
        return _SAME
    return _DUPLICATE if group.language == other.language else _ABROAD


def _ranked(groups: Sequence[Sequence[list[str]]], everything: Sequence[list[str]]) -> list[list[str]]:
    """The words of each group by c-TF-IDF, best first; all that is said is a class beside the groups."""
    from sklearn.feature_extraction.text import CountVectorizer

    if not groups:
        return []
    classes = [" ".join(word for own in group for word in own) for group in (*groups, everything)]
    vectorizer = CountVectorizer(analyzer=str.split)
    counts = vectorizer.fit_transform(classes)
    known = vectorizer.get_feature_names_out()
    if len(known) == 1:  # it divides by what then has no dimension
        return [list(map(str, known)) for _ in groups]
    weights = _library().vectorizers.ClassTfidfTransformer().fit(counts).transform(counts)
    found = []
    for row in range(len(groups)):
        own = weights[row]
        order = sorted(zip(-own.data, own.indices, strict=True))[:_CANDIDATES]
        found.append([str(known[at]) for _, at in order])
    return found


def unknown(found: Sequence[Cluster], words: Sequence[Sequence[str]], centroids: Vectors) -> list[Cluster]:
    """Those of `found` that are none of the known topics, given by their `words` and unit `centroids`.

    `merge_models` keeps the ids of its first model and appends what is unlike all of it. Each model here has
    one document a topic, so the topics of the merged documents tell where each topic went.
    What is in another language than English is alike from a smaller similarity on.
    """
    if not found or not words:
        return list(found)
    known = _as_bertopic(words, centroids)
    new: list[Cluster] = []
    for is_english, least in ((True, _DUPLICATE), (False, _ABROAD)):
        if not (own := [each for each in found if (each.language == ENGLISH) is is_english]):
            continue
        other = _as_bertopic([each.keywords for each in own], np.stack([each.centroid for each in own]))
        merged = _library().BERTopic.merge_models([known, other], min_similarity=least)
        went = merged.topics_[len(words) :]
        new += [each for each, topic in zip(own, went, strict=True) if topic >= len(words)]
    return [each for each in found if any(each is own for own in new)]


def has_content(text: str) -> bool:
    """Whether the text has a word that may be a keyword."""
    return bool(_words(text))


def _as_bertopic(words: Sequence[Sequence[str]], centroids: Vectors) -> Any:
    """A BERTopic model as one is after loading: topics without their documents."""
    library = _library()
    numbers = list(range(len(words)))
    model = library.BERTopic(
        embedding_model=library.backend.BaseEmbedder(),
        umap_model=library.dimensionality.BaseDimensionalityReduction(),
        hdbscan_model=library.cluster.BaseCluster(),
    )
    model.topics_ = numbers
    model.topic_sizes_ = dict.fromkeys(numbers, 1)
    model.topic_embeddings_ = centroids
    model.topic_representations_ = {number: [(word, 1.0) for word in words[number]] for number in numbers}
    model.topic_mapper_ = library._bertopic.TopicMapper(numbers)
    return model


def _bertopic(documents: list[str], vectors: Vectors, tongues: Sequence[str]) -> list[int]:
    """Each document's cluster. Same in, same out."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA
    from sklearn.feature_extraction.text import CountVectorizer

    library = _library()
    count = min(_MAX_CLUSTERS, max(2, len(documents) // _WINDOWS_PER_CLUSTER))
    model = library.BERTopic(
        embedding_model=library.backend.BaseEmbedder(),  # the vectors are given
        umap_model=PCA(n_components=min(_COMPONENTS, len(documents)), random_state=0),
        hdbscan_model=MiniBatchKMeans(n_clusters=count, random_state=0, n_init=5),
        vectorizer_model=CountVectorizer(analyzer=str.split),
    )
    labels, _ = model.fit_transform(documents, embeddings=vectors)
    if groups := _duplicates(labels, vectors, tongues):
        model.merge_topics(documents, groups)
        labels = model.topics_
    return [int(label) for label in labels]


@lru_cache(maxsize=1)
def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plotting misses libraries that nothing here needs
        import bertopic
        import bertopic.backend
        import bertopic.cluster
        import bertopic.dimensionality
        import bertopic.vectorizers
    return bertopic


def _duplicates(labels: Sequence[int], vectors: Vectors, tongues: Sequence[str]) -> list[list[int]]:
    """Clusters that are about the same: each with the larger one that it is near to, if there is one."""
    sizes = Counter(labels)
    groups: list[tuple[Vectors, str, list[int]]] = []
    for label in sorted(sizes, key=lambda each: (-sizes[each], each)):
        rows = np.flatnonzero(np.array(labels) == label)
        centroid, tongue = unit(vectors[rows].mean(axis=0)), _most(tongues[row] for row in rows.tolist())
        near = next(
            (
                group
                for leader, its, group in groups
                if float(leader @ centroid) >= (_DUPLICATE if its == tongue else _ABROAD)
            ),
            None,
        )
        if near is None:
            groups.append((centroid, tongue, [label]))
        else:
            near.append(label)
    return [group for *_, group in groups if len(group) > 1]


def _most(tongues: Iterable[str]) -> str:
    """The most frequent one, of equal ones the first by name."""
    counts = Counter(tongues)
    return min(counts, key=lambda each: (-counts[each], each))


def _telling(own: Sequence[Sequence[str]], counts: Counter[str], total: int, least: float) -> set[str]:
    """The words that are `least` times as frequent in the cluster's windows as in the rest of all `total`.

    `counts` says in how many of these each word is.
    """
    seen = Counter(word for each in own for word in set(each))
    rest = total - len(own)
    return {word for word, count in seen.items() if count * rest >= least * (counts[word] - count) * len(own)}


def _shared(own: Iterable[tuple[str, Sequence[str]]]) -> set[str]:
    """The words that are seen in several of the cluster's chats."""
    by_chat: dict[str, set[str]] = defaultdict(set)
    for chat_id, words in own:
        by_chat[chat_id].update(words)
    seen = Counter(word for words in by_chat.values() for word in words)
    return {word for word, count in seen.items() if count >= _MIN_CHATS}


def _readable(ranked: Iterable[str]) -> tuple[str, ...]:
    """The best words, each in one form only: not "dog, dogs"."""
    chosen = {_stem(word): word for word in reversed(list(ranked))}  # the best form of each is set last
    return tuple(reversed(chosen.values()))[:_KEYWORDS]


_ENDING = re.compile(r"(?:ings?|ers?|ed|es|s|e|y|ies?)$")


def _stem(word: str) -> str:
    """Enough of a word to see that another is a form of it."""
    stem = _ENDING.sub("", word) if len(word) > 3 else word
    stem = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem  # "running" and "run"
    return stem.rstrip("s") if len(stem) > 3 else stem  # "lenses" and "lens"


# Links, addresses and handles are never a keyword.
_PRIVATE = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)\S*@\S+")
_CONTRACTED = re.compile(r"['’][^\W\d_]+")  # what stays of "don't" is among the fillers
_WORD = re.compile(r"[^\W\d_]{3,}")

_VAGUE = Path(__file__).with_name("vague.txt")


@lru_cache(maxsize=1)
def _empty() -> frozenset[str]:
    """Words that say nothing of what is spoken about."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    lines = (line for line in _VAGUE.read_text("utf-8").splitlines() if not line.startswith("#"))
    return frozenset(ENGLISH_STOP_WORDS).union(*(line.split() for line in lines))


def _words(text: str) -> list[str]:
    """The words of a text that may be keywords: no links, no handles, no fillers."""
    said = _PRIVATE.sub(" ", text[:_CHARACTERS].lower())
    empty = _empty() | empty_words(said)
    plain = _CONTRACTED.sub(" ", without_elisions(said))
    return [intern(word) for word in _WORD.findall(plain) if word not in empty]
