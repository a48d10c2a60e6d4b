"""Sentiment of a message, 0 (negative) .. 0.5 (neutral) .. 1 (positive), by its words and a model together.

`enrich.sentiment.lexicon` reads words, negation and emoji. Heads on a model's layers read what no single
word says ("you never write back"), one for what fans write and one for creators; what the lexicon reads is
one of their inputs. `training.sentiment` trains them for one model (`enrich.embedding.heads`). With a model
that has none the lexicon speaks alone, and `name` says so. All of them know English alone: what `unread`
tells of has no sentiment.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chats.enriched import NoSentiment
from chats.message import Direction
from enrich.embedding.embed import PACKAGED
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import damaged, head_of, heads_of
from enrich.sentiment import lexicon
from enrich.text import language

LEXICON_SHARE = 0.3  # besides: with less, an angry face after plain words would change next to nothing
FELT = 0.2  # the polarity, -1..1, from which on a text is negative or positive: a sentiment of .4 and .6

Number = TypeVar("Number", float, NDArray[np.float64])


def sentiment(
    texts: Sequence[str],
    directions: Sequence[Direction],
    logits: Vectors,
    model: str = PACKAGED,
    installed: str = "",
) -> list[float | None]:
    """The sentiment of each text, 0..1; None where `unread` has a reason.

    `directions` say who wrote each text, `logits` [n, outputs] are the texts' own by
    `enrich.embedding.embed` with the same `model` and `installed` heads. EnrichmentError when the head
    cannot be read.
    """
    readings = [None if unread(text) else lexicon.read(text) for text in texts]
    by_writer = readers(model, installed)
    if not by_writer:
        return [None if reading is None else scored(reading.polarity) for reading in readings]
    own = logits[:, heads_of(model, installed).columns["sentiment"]].tolist()
    return [
        None if reading is None else scored(by_writer[by].polarity(reading, row))
        for reading, by, row in zip(readings, directions, own, strict=True)
    ]


def unread(text: str) -> NoSentiment | None:
    """Why the text has no sentiment; None where it has one. The same on every machine."""
    if not lexicon.is_readable(text):
        return "language" if any(map(str.isalpha, text)) else "no_text"
    return "language" if language.is_other(text) else None


def name(model: str = PACKAGED, installed: str = "") -> str:
    """Name and version of what `sentiment` uses with `model`, as every enrichment made with it carries."""
    head = head_of("sentiment", model, installed)
    known = f"{lexicon.NAME}, {language.NAME}"
    return known if head is None else f"{known} + head {head.version}"


@dataclass(frozen=True, slots=True)
class Reader:
    """How the texts of one direction are read: two logits, against neutral, and what the lexicon adds."""

    negative: int  # the columns of the logits
    positive: int
    by_lexicon: tuple[float, float]  # what a polarity of 1 adds to the logit of negative, and of positive
    cuts: tuple[float, float]  # of what a text leans to: beyond them negative or positive is told

    def polarity(self, reading: lexicon.Reading, logits: Sequence[float]) -> float:
        """-1..1, beyond FELT where the feeling is told.

        An idiom is not what its words are, so a turned text is the lexicon's alone.
        """
        if reading.is_turned:
            return reading.polarity
        negative, _, positive = self.probabilities(reading, logits)
        return felt(leaning(reading.polarity, positive - negative), self.cuts)

    def probabilities(self, reading: lexicon.Reading, logits: Sequence[float]) -> tuple[float, float, float]:
        """Of negative, neutral and positive."""
        against = math.exp(logits[self.negative] + self.by_lexicon[0] * reading.polarity)
        for_it = math.exp(logits[self.positive] + self.by_lexicon[1] * reading.polarity)
        all_of_them = 1 + against + for_it
        return against / all_of_them, 1 / all_of_them, for_it / all_of_them


def leaning(polarity: Number, difference: Number) -> Number:
    """What a text leans to, -1..1, by the lexicon's polarity and by P(positive) - P(negative)."""
    return LEXICON_SHARE * polarity + (1 - LEXICON_SHARE) * difference


def felt(leans: float, cuts: tuple[float, float]) -> float:
    """What a text leans to as a polarity: a cut is at FELT, 0 and 1 stay, and it is straight between."""
    cut = cuts[leans > 0]
    size = abs(leans)
    bent = FELT * size / cut if size < cut else 1 - (1 - FELT) * (1 - size) / (1 - cut)
    return math.copysign(bent, leans)


@lru_cache(maxsize=4)
def readers(model: str, installed: str = "") -> dict[Direction, Reader]:
    """By who writes; none where `model` has no head. EnrichmentError when its file is damaged."""
    head = head_of("sentiment", model, installed)
    if head is None:
        return {}
    try:
        by: tuple[Direction, Direction] = ("fan", "creator")
        return {each: _reader(each, head.outputs, head.told["directions"][each]) for each in by}
    except (LookupError, TypeError, ValueError) as error:
        raise damaged("sentiment", model, installed) from error


def _reader(direction: Direction, outputs: Sequence[str], told: dict[str, Any]) -> Reader:
    labels = ("negative", "positive")
    negative, positive = (outputs.index(f"{direction} {label}") for label in labels)
    return Reader(
        negative=negative,
        positive=positive,
        by_lexicon=(float(told["lexicon"]["negative"]), float(told["lexicon"]["positive"])),
        cuts=(float(told["cuts"]["negative"]), float(told["cuts"]["positive"])),
    )


def scored(polarity: float) -> float:
    return round(0.5 + 0.5 * polarity, 4)
