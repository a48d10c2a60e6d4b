"""Topics that no taxonomy knew: BERTopic over the windows that have no seeded topic.

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
from sys import intern
from typing import Any

import numpy as np

from enrich.embedding.encoded import Vectors
from enrich.language.identify import ENGLISH
from enrich.language.stop import empty_words, spoken_in, without_elisions
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
# The same of clusters in two languages: one talk is about .55 there, for what is carried over loses some of
# it, and two talks are below .2.
_ABROAD = 0.4
_LOOSEST, _STRICTEST = 0.45, 0.55  # bounds of a discovered topic's threshold
_KEYWORDS = 5
_FEWEST_KEYWORDS = 2  # a cluster that has fewer is a manner of speaking
_TELLING = 2.5  # a keyword is so many times as frequent in the topic's windows as in the others
_CHARACTERS = 4_000  # of a window, that may give keywords


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """A discovered topic: its words, its unit centroid, and the least cosine to it of what has the topic."""

    keywords: tuple[str, ...]
    centroid: Vectors
    threshold: float
    language: str = ENGLISH  # that most of it is in


def discover(windows: Sequence[Window], vectors: Vectors, others: Sequence[Window]) -> list[Cluster]:
    """Coherent clusters of the windows, largest first. What fits none is left without a topic.

    `vectors` [n, dimension] are relative to a centre. `others` are the creator's windows that have topics:
    what is frequent in these too tells nothing of a cluster.
    """
    words = [_words(window.text) for window in windows]
    tongues = [spoken_in(window.text.lower()) for window in windows]
    labels, ranked = _bertopic([" ".join(each) for each in words], vectors, tongues)
    members: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        members[label].append(row)
    counts = Counter(word for each in words for word in set(each))
    counts.update(word for window in others for word in set(_words(window.text)))
    total = len(windows) + len(others)
    least = max(_MIN_MEMBERS, round(_MIN_SHARE * total))
    kept: list[Cluster] = []
    for label, rows in sorted(members.items(), key=lambda each: (-len(each[1]), each[0])):
        centroid = unit(vectors[rows].mean(axis=0))
        near = vectors[rows] @ centroid
        if len(rows) < least or near.mean() < _COHERENT:
            continue
        telling = _telling([words[row] for row in rows], counts, total)
        shared = _shared([(windows[row].chat_id, words[row]) for row in rows])
        keywords = _readable(word for word in ranked.get(label, ()) if word in telling & shared)
        if len(keywords) >= _FEWEST_KEYWORDS:
            threshold = round(float(np.clip(np.percentile(near, 25), _LOOSEST, _STRICTEST)), 2)
            kept.append(Cluster(keywords, centroid, threshold, _most(tongues[row] for row in rows)))
    return kept


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


def _bertopic(
    documents: list[str], vectors: Vectors, tongues: Sequence[str]
) -> tuple[list[int], dict[int, list[str]]]:
    """Each document's cluster, and each cluster's words by c-TF-IDF, best first. Same in, same out."""
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
        top_n_words=50,
    )
    labels, _ = model.fit_transform(documents, embeddings=vectors)
    if groups := _duplicates(labels, vectors, tongues):
        model.merge_topics(documents, groups)
        labels = model.topics_
    words = {label: [word for word, _ in ranked if word] for label, ranked in model.get_topics().items()}
    return [int(label) for label in labels], words


@lru_cache(maxsize=1)
def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plotting misses libraries that nothing here needs
        import bertopic
        import bertopic.backend
        import bertopic.cluster
        import bertopic.dimensionality
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


def _telling(own: Sequence[Sequence[str]], counts: Counter[str], total: int) -> set[str]:
    """The words that are much more frequent in the cluster's windows than in the rest of all `total`.

    `counts` says in how many of these each word is.
    """
    seen = Counter(word for each in own for word in set(each))
    rest = total - len(own)
    return {
        word for word, count in seen.items() if count * rest >= _TELLING * (counts[word] - count) * len(own)
    }


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
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem  # "running" and "run"


# Links, addresses and handles are never a keyword.
_PRIVATE = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)\S*@\S+")
_CONTRACTED = re.compile(r"['’][^\W\d_]+")  # what stays of "don't" is among the fillers
_WORD = re.compile(r"[^\W\d_]{3,}")

# What chats are full of beside the usual stop words.
_FILLERS = """
    ain aint aren babe baby bit btw came come comes coming couldn cutie dear did didn does doesn doing
    don dont gets getting goes going gone gonna good got gotta guess haha hahaha hahahaha hasn haven hehe
    hello hey hmm hope hun idk isn just kinda knew know let like liked likes little lmao lol lot lots
    make makes maybe mhm mmm nah need needs nice nope okay omg ooh pretty probably really right said say
    saying says shouldn sorry stuff sure sweetie tbh tell thank thanks thats thing things think thinking
    thought today tomorrow tonight totally try trying ugh use used wanna want wanted wants wasn way went
    weren whats won wont wouldn wow xoxo yay yea yeah yep yes yesterday
"""


@lru_cache(maxsize=1)
def _empty() -> frozenset[str]:
    """Words that say nothing of what is spoken about."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) | frozenset(_FILLERS.split())


def _words(text: str) -> list[str]:
    """The words of a text that may be keywords: no links, no handles, no fillers."""
    said = _PRIVATE.sub(" ", text[:_CHARACTERS].lower())
    empty = _empty() | empty_words(said)
    plain = _CONTRACTED.sub(" ", without_elisions(said))
    return [intern(word) for word in _WORD.findall(plain) if word not in empty]
