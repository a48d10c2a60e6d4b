"""Which topics belong together, so that many can be shown as few. Pure.

They are joined as BERTopic joins them, by scipy's linkage, but by what they are served by, their centroids:
so no text is looked at again. The tree is cut once, where what is joined is still about one thing. The topics
of a later fit join the groups that there are, or make new ones: a refit, which keeps every topic, moves none
from one group to another.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enrich.topics.model import Topic, TopicModel
from enrich.topics.outline import OutlinedTopic
from search.vectors import packed

_NEAR = 0.2  # mean cosine of a group's centroids to those of what joins it, at least


def outlined(model: TopicModel) -> tuple[OutlinedTopic, ...]:
    """The model's topics, those of a group one after the other, the one that leads it first."""
    centroids = packed(model.centroids)
    return tuple(
        OutlinedTopic(
            id=model.topics[row].id,
            label=model.topics[row].label,
            category=model.topics[row].category,
            keywords=model.topics[row].keywords,
            group=model.topics[group[0]].id,
            centroid=centroids[row],
        )
        for group in grouped(model)
        for row in group
    )


def grouped(model: TopicModel) -> list[list[int]]:
    """The rows of topics that belong together; of those that began a group the most typical one is first."""
    centroids = model.centroids.astype(np.float64)
    # The last bit hangs on how many are multiplied at once, and with it a group must not.
    near = (centroids @ centroids.T).round(9)
    groups: list[list[int]] = []
    for fit in _fits(model.topics, len(model.topics) - model.discovered):
        known = [list(group) for group in groups]
        alone: list[int] = []
        for row in fit:
            means = [float(near[row, group].mean()) for group in known]
            best = max(range(len(means)), key=means.__getitem__, default=None)
            if best is None or means[best] < _NEAR:
                alone.append(row)
            else:
                groups[best].append(row)
        groups += _joined(alone, near)
    return groups


def _fits(topics: Sequence[Topic], seeded: int) -> Iterator[list[int]]:
    """The rows of topics that were found together: the seeded ones with the first discovered."""
    found_by = [topics[min(max(row, seeded), len(topics) - 1)].model for row in range(len(topics))]
    for _, rows in groupby(range(len(topics)), key=found_by.__getitem__):
        yield list(rows)


def _joined(rows: Sequence[int], near: NDArray[np.floating[Any]]) -> list[list[int]]:
    """The rows by group, in the order of their first ones; in a group the most typical first."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(rows) < 2:
        return [[row] for row in rows]
    apart = 1 - near[np.ix_(rows, rows)]
    np.fill_diagonal(apart, 0)
    numbers = fcluster(linkage(squareform(apart), "average"), 1 - _NEAR, "distance")
    groups: dict[int, list[int]] = {}
    for row, number in zip(rows, numbers.tolist(), strict=True):
        groups.setdefault(number, []).append(row)
    return [sorted(own, key=lambda row: (-near[row, own].sum(), row)) for own in groups.values()]
