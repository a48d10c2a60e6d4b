"""Sentiment of a message, 0 (negative) .. 0.5 (neutral) .. 1 (positive), by its words and a model together.

`enrich.sentiment.lexicon` reads words, negation and emoji. Heads on a model's layers read what no single
word says ("you never write back"), one for what fans write and one for creators; what the lexicon reads is
one of their inputs. What both sides lately felt in the conversation, each message read alone, is added to
what a fan's text says. `training.sentiment` trains them for one model (`enrich.embedding.heads`). With a
model that has none the lexicon speaks alone, and `name` says so. All of them know English alone: what
`unread` tells of has no sentiment.
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
from enrich.embedding.heads import damaged, head_of, heads_of, weighed
from enrich.preceding import Floats, Preceding
from enrich.sentiment import lexicon
from enrich.text import language

LEXICON_SHARE = 0.1  # besides: with less, an angry face after plain words would change next to nothing
FELT = 0.2  # the polarity, -1..1, from which on a text is negative or positive: a sentiment of .4 and .6

CONTEXT = 6  # numbers that tell of a text's context

Number = TypeVar("Number", float, NDArray[np.float64])

_SILENT = (0.0, 1.0, 0.0)  # the probabilities of a text that cannot be read
_NOTHING = (0.0, 0.0)


def sentiment(
    texts: Sequence[str],
    directions: Sequence[Direction],
    logits: Vectors,
    model: str = PACKAGED,
    installed: str = "",
    before: Preceding | None = None,
) -> list[float | None]:
    """The sentiment of each text, 0..1; None where `unread` has a reason.

    `directions` say who wrote each text, `logits` [n, outputs] are the texts' own by
    `enrich.embedding.embed` with the same `model` and `installed` heads, `before` is what precedes each
    (None: nothing). EnrichmentError when the head cannot be read.
    """
    readings = [None if unread(text) else lexicon.read(text) for text in texts]
    by_writer = readers(model, installed)
    if not by_writer:
        return [None if reading is None else scored(reading.polarity) for reading in readings]
    own = logits[:, heads_of(model, installed).columns["sentiment"]].tolist()
    said = list(zip(readings, directions, own, strict=True))
    if before is None:
        return [None if of is None else scored(by_writer[by].polarity(of, row)) for of, by, row in said]
    shares = [_SILENT if of is None else by_writer[by].probabilities(of, row) for of, by, row in said]
    around = context(before, np.array(shares, np.float64).reshape(-1, 3)[:, [0, 2]])
    adds = {by: reader.added(around) for by, reader in by_writer.items()}
    return [
        None if of is None else scored(by_writer[by].polarity(of, row, adds[by][at]))
        for at, (of, by, row) in enumerate(said)
    ]


def context(before: Preceding, likely: Floats) -> Floats:
    """What the heads know of the context of each text [texts, CONTEXT]; nothing but 0 where there is none.

    `likely` [texts, 2] are the probabilities of negative and positive of each text alone.
    """
    of_other, of_own = before.lately(likely, by_own=False), before.lately(likely, by_own=True)
    return np.concatenate([before.places, of_other, of_own], axis=1)


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
    """How the texts of one direction are read: two logits, against neutral, and what is added to them."""

    negative: int  # the columns of the logits
    positive: int
    by_lexicon: tuple[float, float]  # what a polarity of 1 adds to the logit of negative, and of positive
    cuts: tuple[float, float]  # of what a text leans to: beyond them negative or positive is told
    # What each number of the context adds to them likewise; nothing in heads that read texts alone.
    by_context: tuple[Sequence[float], Sequence[float]] = ((), ())

    def added(self, context: Floats) -> list[tuple[float, float]]:
        """What the context of each text adds to the logit of negative, and of positive."""
        negative, positive = (weighed(context, weights).tolist() for weights in self.by_context)
        return list(zip(negative, positive, strict=True))

    def polarity(
        self, reading: lexicon.Reading, logits: Sequence[float], added: tuple[float, float] = _NOTHING
    ) -> float:
        """-1..1, beyond FELT where the feeling is told; of the text alone, or with what its context `added`.

        An idiom is not what its words are, so a turned text is the lexicon's alone.
        """
        if reading.is_turned:
            return reading.polarity
        negative, _, positive = self.probabilities(reading, logits, added)
        return felt(leaning(reading.polarity, negative, positive), self.cuts)

    def probabilities(
        self, reading: lexicon.Reading, logits: Sequence[float], added: tuple[float, float] = _NOTHING
    ) -> tuple[float, float, float]:
        """Of negative, neutral and positive."""
        against = math.exp(logits[self.negative] + self.by_lexicon[0] * reading.polarity + added[0])
        for_it = math.exp(logits[self.positive] + self.by_lexicon[1] * reading.polarity + added[1])
        all_of_them = 1 + against + for_it
        return against / all_of_them, 1 / all_of_them, for_it / all_of_them


def leaning(polarity: Number, negative: Number, positive: Number) -> Number:
    """What a text leans to, -1..1, by the lexicon's polarity and by the more probable of two feelings."""
    feeling = positive * (positive > negative) - negative * (positive <= negative)
    return LEXICON_SHARE * polarity + (1 - LEXICON_SHARE) * feeling


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
        by_context=(_by_context(told, "negative"), _by_context(told, "positive")),
    )


def _by_context(told: dict[str, Any], label: str) -> list[float]:
    """None of a head that reads texts alone."""
    weights = [float(each) for each in told["context"][label]] if "context" in told else []
    if len(weights) not in (0, CONTEXT):
        raise ValueError("weights of another context")
    return weights


def scored(polarity: float) -> float:
    return round(0.5 + 0.5 * polarity, 4)
