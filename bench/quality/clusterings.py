"""`python -m bench.quality.clusterings`: ways to find topics that nobody named, on the same chats.

On the half of the real chats that rules may be developed on. PCA with MiniBatchKMeans, and BERTopic's own
UMAP with HDBSCAN, stand in for each other in the same discovery, with the names and without them; and
BERTopic stands alone, as it is without a setting.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from random import Random
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

from bench.quality.topics import Real, nearest_topic, of_chats, real_chats
from enrich.embedding.encoded import Vectors
from enrich.topics import discover
from enrich.topics.model import Documents, fit, seeded
from enrich.topics.names import Names

PARTS = 8  # fits, each on two thirds of the chats
# A topic for each window, -1 where it has none; the seeded ones too where that is asked for.
Assigns = Callable[[Documents, bool], list[int]]
Fits = Callable[[Documents], tuple[Assigns, int]]  # and how many topics it discovers


def main() -> int:
    real = real_chats(unseen=False)
    _default(seed=0).fit(["warm up"] * 60, np.random.default_rng(0).normal(size=(60, 8)))  # which compiles it
    print(
        "| found by | topics | NMI with prompts | adjusted | free windows without | NMI of halves | seconds |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, fits in WAYS.items():
        print(f"| {name} | {' | '.join(measured(fits, real))} |", flush=True)
    return 0


def measured(fits: Fits, real: Real) -> Iterator[str]:
    """The columns of a row: means over the parts, and how far the parts are apart."""
    random = Random(0)
    documents = real.documents
    chats = sorted({window.chat_id for window in documents.windows})
    subjects = [row for row, prompt in enumerate(real.prompts) if prompt and documents.free[row]]
    topics, agreed, adjusted, without, seconds = [], [], [], [], []
    every: list[list[int]] = []
    for _ in range(PARTS):
        part = of_chats(documents, random.sample(chats, len(chats) * 2 // 3), random)
        began = time.process_time()
        assigns, count = fits(part)
        seconds.append(time.process_time() - began)
        found = assigns(documents, False)
        named = [row for row in subjects if found[row] >= 0]
        pair = [real.prompts[row] for row in named], [found[row] for row in named]
        topics.append(count)
        agreed.append(normalized_mutual_info_score(*pair))
        adjusted.append(adjusted_mutual_info_score(*pair))
        without.append(mean(found[row] < 0 for row in np.flatnonzero(documents.free).tolist()))
        every.append(assigns(documents, True))
    stable = [normalized_mutual_info_score(*each) for each in combinations(every, 2)]
    yield f"{mean(topics):.0f} ± {stdev(topics):.0f}"
    for values in (agreed, adjusted, without, stable):
        yield f"{mean(values):.2f} ± {stdev(values):.2f}"
    yield f"{mean(seconds):.1f}"


def _discovered(cluster: Callable[..., list[int]], *, named: bool) -> Fits:
    """The service's discovery, with this in place of its clustering."""

    def fits(documents: Documents) -> tuple[Assigns, int]:
        with (
            patch.object(discover, "_bertopic", cluster),
            patch.object(discover, "_named", _named if named else _none),
        ):
            model = fit("creator", documents)
        return lambda each, with_seeded: nearest_topic(model, each, seeded=with_seeded), model.discovered

    return fits


_named = discover._named


def _none(vectors: Vectors, tongues: Sequence[str], names: Names, least: int) -> list[Any]:
    return []


def _default(seed: int) -> Any:
    """BERTopic as it is, but for the words that it is not to count, and a seed."""
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from umap import UMAP

    return BERTopic(
        embedding_model=BaseEmbedder(),  # the vectors are given
        umap_model=UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed),
        vectorizer_model=CountVectorizer(analyzer=str.split),
    )


def _umap_hdbscan(documents: list[str], vectors: Vectors, tongues: Sequence[str]) -> list[int]:
    labels, _ = _default(seed=0).fit_transform(documents, embeddings=vectors)
    return [int(label) if label >= 0 else -1 - row for row, label in enumerate(labels)]  # an outlier is alone


def _alone(documents: Documents) -> tuple[Assigns, int]:
    """BERTopic over the free windows; what else has a seeded topic keeps it."""
    base = seeded("creator")
    model = _default(seed=0)
    model.fit(*_free(documents))

    def assigns(own: Documents, with_seeded: bool) -> list[int]:
        found = np.array(nearest_topic(base, own, seeded=with_seeded))
        texts, vectors = _free(own)
        labels = np.array(model.transform(texts, embeddings=vectors)[0])
        found[np.flatnonzero(own.free)] = np.where(labels >= 0, labels + len(base.topics), -1)
        return [int(each) for each in found]

    return assigns, len(set(model.topics_) - {-1})


def _free(documents: Documents) -> tuple[list[str], Vectors]:
    """The free windows' words, and their vectors."""
    rows = np.flatnonzero(documents.free)
    words = (discover._words(documents.windows[row].text) for row in rows.tolist())
    return [" ".join(each) for each in words], documents.vectors[rows]


WAYS: dict[str, Fits] = {
    "names, then PCA and MiniBatchKMeans (what is used)": _discovered(discover._bertopic, named=True),
    "names, then UMAP and HDBSCAN": _discovered(_umap_hdbscan, named=True),
    "PCA and MiniBatchKMeans without names": _discovered(discover._bertopic, named=False),
    "UMAP and HDBSCAN without names": _discovered(_umap_hdbscan, named=False),
    "BERTopic as it is, alone": _alone,
}

if __name__ == "__main__":
    sys.exit(main())
