"""Texts in several languages read together: English as `enrich.embedding.embed` reads it, others beside it.

What a text's vector is made by depends on the text alone, so that it is the same in every chat and in a
search. Which heads read its feeling and its actions depends on the language that it has in its chat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chats.message import Direction
from enrich.actions import head as action_head
from enrich.embedding import embed
from enrich.embedding.embed import MULTILINGUAL, PACKAGED
from enrich.embedding.encoded import Encoded, Vectors
from enrich.embedding.space import space
from enrich.language import sentiment
from enrich.language.identify import READ, identified
from errors import EnrichmentError


class Foreign(NamedTuple):
    """What the multilingual models make of some of the texts, at these `rows` among all."""

    rows: list[int]
    logits: Vectors  # [rows, outputs]
    carried: list[int]  # the rows whose vectors are theirs too
    vectors: Vectors  # of `carried`, in the packaged model's space


NOTHING = Foreign([], np.zeros((0, 0), np.float32), [], np.zeros((0, 0), np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is felt in each of some rows, and the actions that a model finds there."""

    sentiment: dict[int, float]
    actions: dict[int, dict[str, float]]


SILENT = Told({}, {})


def embed_all(texts: Sequence[str], model: str = PACKAGED) -> Vectors:
    """Unit vectors of texts in any language, in the space of `model`; as `enrich.embedding.embed.embed`."""
    found = foreign(texts, [identified(text).language for text in texts], model)
    return encode(texts, found, model).vectors


def foreign(texts: Sequence[str], languages: Sequence[str | None], model: str = PACKAGED) -> Foreign:
    """Read the texts that are in one of the languages of READ; nothing is loaded where none is."""
    rows = [row for row, language in enumerate(languages) if language in READ]
    if not rows:
        return NOTHING
    read = embed.encode([texts[row] for row in rows], MULTILINGUAL)
    carried = [at for at, row in enumerate(rows) if is_carried(texts[row], model)]
    return Foreign(rows, read.logits, [rows[at] for at in carried], read.vectors[carried])


def encode(texts: Sequence[str], beside: Foreign, model: str = PACKAGED, installed: str = "") -> Encoded:
    """Every text's vector, and what the heads of `model` say of those that it read itself, 0 elsewhere."""
    if not beside.carried:
        return embed.encode(texts, model, installed)
    elsewhere = set(beside.carried)
    own = [row for row in range(len(texts)) if row not in elsewhere]
    read = embed.encode([texts[row] for row in own], model, installed)
    vectors = np.zeros((len(texts), read.vectors.shape[1]), np.float32)
    logits = np.zeros((len(texts), read.logits.shape[1]), np.float32)
    vectors[own], logits[own] = read
    vectors[beside.carried] = beside.vectors
    return Encoded(vectors, logits)


def told(texts: Sequence[str], writers: Sequence[Direction], read: Foreign) -> Told:
    """What the multilingual heads say; EnrichmentError when they cannot be read."""
    if not read.rows:
        return SILENT
    own, by = [texts[row] for row in read.rows], [writers[row] for row in read.rows]
    felt = sentiment.sentiment(own, by, read.logits)
    found = action_head.found(own, by, read.logits, MULTILINGUAL)
    return Told(dict(zip(read.rows, felt, strict=True)), dict(zip(read.rows, found, strict=True)))


def is_carried(text: str, model: str = PACKAGED) -> bool:
    """Whether the multilingual encoder makes the text's vector: another `model` may know its language."""
    return model == PACKAGED and identified(text).language in READ


def name() -> str:
    """Name and version of what reads these languages."""
    head = action_head.name(MULTILINGUAL)
    return f"{embed.model_name(MULTILINGUAL)}, space {space().version}, {sentiment.name()}, actions {head}"


def vectors_name(model: str = PACKAGED) -> str:
    """Name and version of what makes vectors in the space of `model`: others cannot be compared with them."""
    name = embed.model_name(model)
    if model != PACKAGED:
        return name
    try:
        return f"{name}, other languages by {space().version}"
    except EnrichmentError:  # English goes on without them
        return name
