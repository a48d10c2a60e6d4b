"""Sentiment of a message, 0 (negative) .. 0.5 (neutral) .. 1 (positive): its words blended with its vector.

`enrich.sentiment.lexicon` reads words, negation and emoji. A small head on the vector reads what no single
word says ("you never write back"); `training.sentiment` trains it for the packaged model and chooses the
lexicon's share. Another model's vectors mean something else: with them the lexicon speaks alone, and `name`
says so. All of them know English alone: what `unread` tells of has no sentiment.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from chats.enriched import NoSentiment
from enrich.embedding import heads
from enrich.embedding.embed import PACKAGED, Vectors, model_name
from enrich.sentiment import lexicon
from enrich.text import language

HEAD = Path(__file__).with_name("head.json")


def sentiment(texts: Sequence[str], vectors: Vectors, model: str = PACKAGED) -> list[float | None]:
    """The sentiment of each text, 0..1; None where `unread` has a reason.

    `vectors` are the texts' own by `enrich.embedding.embed` with the same `model`, [n, dimension].
    EnrichmentError when the head cannot be read.
    """
    readings = [None if unread(text) else lexicon.read(text) for text in texts]
    head = _head_for(model)
    if head is None:
        return [None if reading is None else _score(reading.polarity) for reading in readings]
    return [
        None if reading is None else _score(blend(reading, meaning, head.lexicon_share))
        for reading, meaning in zip(readings, head.polarities(vectors), strict=True)
    ]


def unread(text: str) -> NoSentiment | None:
    """Why the text has no sentiment; None where it has one. The same on every machine."""
    if not lexicon.is_readable(text):
        return "language" if any(map(str.isalpha, text)) else "no_text"
    return "language" if language.is_other(text) else None


def blend(reading: lexicon.Reading, meaning: float, share: float) -> float:
    """The polarity, -1..1, of what the lexicon reads, of which `share` counts, and of what the vector means.

    A vector knows the words and hardly the "not" before them, so a turned text is the lexicon's alone.
    """
    return reading.polarity if reading.is_turned else share * reading.polarity + (1 - share) * meaning


def name(model: str = PACKAGED) -> str:
    """Name and version of what `sentiment` uses with `model`, as every enrichment made with it carries."""
    head = _head_for(model)
    known = f"{lexicon.NAME}, {language.NAME}"
    return known if head is None else f"{known} + head {head.version}"


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A logistic regression on vectors: weights [2, dimension] of negative and positive against neutral."""

    embedding: str  # name of the model it was trained on
    version: str
    weights: Vectors
    biases: tuple[float, float]
    lexicon_share: float

    def polarities(self, vectors: Vectors) -> list[float]:
        """P(positive) - P(negative) of each vector, -1..1; the same whatever vectors are beside it."""
        negative, positive = heads.weighed(vectors, self.weights).tolist()
        return [self._polarity(*logits) for logits in zip(negative, positive, strict=True)]

    def _polarity(self, negative: float, positive: float) -> float:
        against, for_it = math.exp(negative + self.biases[0]), math.exp(positive + self.biases[1])
        return (for_it - against) / (1 + for_it + against)


@lru_cache(maxsize=1)
def head() -> Head:
    """The trained head; EnrichmentError when its file is missing or damaged."""
    return heads.read(HEAD, "training.sentiment", _head)


def _head(told: dict[str, Any], version: str) -> Head:
    against, for_it = told["biases"]
    return Head(
        embedding=told["embedding"],
        version=version,
        weights=np.array(told["weights"], np.float32),
        biases=(float(against), float(for_it)),
        lexicon_share=float(told["lexicon_share"]),
    )


def _head_for(model: str) -> Head | None:
    found = head()
    return found if found.embedding == model_name(model) else None


def _score(polarity: float) -> float:
    return round(0.5 + 0.5 * polarity, 4)
