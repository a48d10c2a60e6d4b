"""Engagement actions that a text's vector shows: free paraphrase, which the rules of `seen` miss.

One logistic regression an action, trained by `training.actions` on vectors of the packaged model. Another
model's vectors mean something else: with them nothing is found, and `name` says so. English only.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chats.message import Direction
from enrich.embedding import heads
from enrich.embedding.embed import PACKAGED, Vectors, model_name

HEAD = Path(__file__).with_name("head.json")

_LETTER = re.compile(r"[A-Za-z]")


def found(
    texts: Sequence[str], directions: Sequence[Direction], vectors: Vectors, model: str = PACKAGED
) -> list[dict[str, float]]:
    """The actions of each text with their probability, 0..1; only those that are probable enough to be told.

    `directions` say who wrote each text, `vectors` are the texts' own by `enrich.embedding.embed` with the
    same `model`, [n, dimension]. A text without Latin letters has none. EnrichmentError when the head cannot
    be read.
    """
    seen: list[dict[str, float]] = [{} for _ in texts]
    head = _head_for(model)
    if head is None:
        return seen
    written_by = np.array(directions, np.str_)
    for direction, regressions in head.by_direction.items():
        rows = np.flatnonzero(written_by == direction)
        for row, action, probability in regressions.found(vectors[rows]):
            at = rows[row]
            if _LETTER.search(texts[at]):
                seen[at][action] = probability
    return seen


def name(model: str = PACKAGED) -> str:
    """Name and version of what `found` uses with `model`; empty where it does not apply."""
    head = _head_for(model)
    return "" if head is None else f"head {head.version}"


@dataclass(frozen=True, slots=True, eq=False)
class Regressions:
    """One logistic regression an action: weights [actions, dimension], biases and cuts [actions, 1]."""

    actions: tuple[str, ...]
    weights: Vectors
    biases: Vectors
    cuts: Vectors  # the logit from which on an action is told

    def found(self, vectors: Vectors) -> list[tuple[int, str, float]]:
        """Row, action and probability of what is told, action by action."""
        logits = heads.weighed(vectors, self.weights) + self.biases
        told = logits >= self.cuts
        of, rows = (each.tolist() for each in np.nonzero(told))
        return [
            (row, self.actions[at], round(1 / (1 + math.exp(-logit)), 4))
            for at, row, logit in zip(of, rows, logits[told].tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The trained regressions by who writes."""

    embedding: str  # name of the model they were trained on
    version: str
    by_direction: dict[Direction, Regressions]


@lru_cache(maxsize=1)
def head() -> Head:
    """The trained head; EnrichmentError when its file is missing or damaged."""
    return heads.read(HEAD, "training.actions", _head)


def _head(told: dict[str, Any], version: str) -> Head:
    return Head(
        embedding=told["embedding"],
        version=version,
        by_direction={"fan": _regressions(told["fan"]), "creator": _regressions(told["creator"])},
    )


def _regressions(told: dict[str, Any]) -> Regressions:
    def column(values: Sequence[float]) -> Vectors:
        return np.array(values, np.float32)[:, None]

    return Regressions(
        actions=tuple(told),
        weights=np.array([each["weights"] for each in told.values()], np.float32),
        biases=column([each["bias"] for each in told.values()]),
        cuts=column([_logit(each["threshold"]) for each in told.values()]),
    )


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _head_for(model: str) -> Head | None:
    found = head()
    return found if found.embedding == model_name(model) else None
