"""Logistic heads on a model's layers and on words: their files read, layers and words weighed.

A head belongs to one model. It reads the mean of a text's tokens after each of some layers, made to a unit
length: in the middle of a model more is left of how a thing is said than at its end, which is trained to
tell what it is about. Beside them it reads which of the terms that it knows are in the text
(`enrich.text.terms`): what single words say is lost in a mean. `enrich.sentiment.score` and
`enrich.actions.head` say what theirs mean.

The packaged model's are in `minilm/` beside this module, those of the multilingual encoder in
`multilingual/`: they read its vector, and no layer. A user's own model has them in its folder's `heads/`. In
place of the packaged or own model's the installation may have its own, trained with corrections; of these a
version is named by its URL (`enrich.embedding.installed`).
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from enrich.embedding.embed import MULTILINGUAL, PACKAGED, model_name
from enrich.embedding.encoded import Vectors
from enrich.embedding.head_file import loads
from enrich.embedding.installed import content, damaged_version
from enrich.text.terms import terms
from errors import EnrichmentError

Strategy = Literal["sentiment", "actions"]
Floats = NDArray[np.float64]

_OURS = (PACKAGED, MULTILINGUAL)  # models whose heads are in this repository
_STRATEGIES: tuple[Strategy, ...] = ("sentiment", "actions")


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The regressions of one strategy.

    weights [outputs, layers * dimension], biases [outputs], of_terms [terms, outputs].
    """

    version: str
    layers: tuple[int, ...]  # of the model, from 1 on
    outputs: tuple[str, ...]
    weights: Vectors
    biases: Vectors
    terms: tuple[str, ...]
    of_terms: Vectors
    told: dict[str, Any]  # all that its file holds


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Those of all strategies together.

    weights [outputs, layers * dimension], biases [outputs], of_terms [terms, outputs].
    """

    layers: tuple[int, ...]
    weights: Vectors
    biases: Vectors
    columns: dict[Strategy, slice]  # of the outputs
    version: str = ""
    terms: Mapping[str, int] = field(default_factory=dict)  # the row of each in:
    of_terms: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def outputs(self) -> int:
        return len(self.biases)

    def logits(self, layers: Vectors) -> Vectors:
        """Of texts' `layers` [n, layers * dimension], [n, outputs]; each row the same in any company."""
        if not self.outputs:
            return np.zeros((len(layers), 0), np.float32)
        # A row at a time: one product for all adds up in an order that depends on their number.
        found: Vectors = np.matmul(layers[:, None, :], self.weights.T)[:, 0] + self.biases
        return found

    def by_terms(self, texts: Sequence[str]) -> Vectors:
        """What their terms add to the logits of `texts` [n, outputs]: less each, the more there are.

        Texts are as the model reads them (`enrich.embedding.embed.normalise`); each row is the same in any
        company.
        """
        adds = np.zeros((len(texts), self.outputs), np.float32)
        if not self.terms:
            return adds
        for row, text in enumerate(texts):
            own = terms(text)
            if known := [self.terms[term] for term in own if term in self.terms]:
                adds[row] = self.of_terms[known].sum(axis=0) / np.float32(math.sqrt(len(own)))
        return adds


def weighed(context: Floats, weights: Sequence[float]) -> Floats:
    """What the context of each text [texts, n] adds to a logit [texts]; each the same in any company.

    Nothing by a head without weights for it.
    """
    adds = np.zeros(len(context))
    for column, weight in zip(context.T if weights else (), weights, strict=True):
        adds += weight * column
    return adds


NONE = Heads((), np.zeros((0, 0), np.float32), np.zeros(0, np.float32), {})


def folder(model: str) -> Path:
    """Where the files of the model's heads are."""
    return Path(__file__).with_name(model) if model in _OURS else Path(model) / "heads"


def path_of(strategy: Strategy, model: str) -> Path:
    return folder(model) / f"{strategy}.json"


@lru_cache(maxsize=8)
def head_of(strategy: Strategy, model: str = PACKAGED, installed: str = "") -> Head | None:
    """The strategy's head for `model`; None where it has none, or one that was trained for other weights.

    It is that of the version `installed`, where that has one. EnrichmentError when the packaged model's is
    missing, a file is damaged, or the version was trained for another model.
    """
    file = content(installed, f"{strategy}.json") if installed else None
    try:
        if file is not None:
            head = _head(file)
            if head.told["embedding"] != model_name(model):
                raise EnrichmentError(
                    f"HEADS: {installed} was trained for {head.told['embedding']}, and MODEL is "
                    f"{model_name(model)}; train it again with --model, or set the other MODEL."
                )
            return head
        path = path_of(strategy, model)
        if model not in _OURS and not path.exists():
            return None
        head = _head(path.read_bytes())
        return head if head.told["embedding"] == model_name(model) else None
    except (OSError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise damaged(strategy, model, installed) from error


def _head(file: bytes) -> Head:
    told = loads(file)
    outputs = told["outputs"]
    return Head(
        version=hashlib.sha256(file).hexdigest()[:8],
        layers=tuple(told["layers"]),
        outputs=tuple(outputs),
        weights=np.array([each["weights"] for each in outputs.values()], np.float32),
        biases=np.array([each["bias"] for each in outputs.values()], np.float32),
        terms=tuple(told["terms"]),
        of_terms=np.array([each["of_terms"] for each in outputs.values()], np.float32).T
        if told["terms"]
        else np.zeros((0, len(outputs)), np.float32),
        told=told,
    )


def damaged(strategy: Strategy, model: str, installed: str = "") -> EnrichmentError:
    """What to raise of a head's file that does not hold what it should."""
    if installed:
        return damaged_version(installed)
    script = "languages" if model == MULTILINGUAL else strategy
    again = f"python -m training.{script}" + ("" if model in _OURS else f" --model {model}")
    return EnrichmentError(f"{path_of(strategy, model)} cannot be read; write it with {again}.")


@lru_cache(maxsize=4)
def heads_of(model: str = PACKAGED, installed: str = "") -> Heads:
    """All heads of `model`; EnrichmentError as `head_of`, or when they read different layers."""
    found = {each: its for each in _STRATEGIES if (its := head_of(each, model, installed)) is not None}
    columns: dict[Strategy, slice] = {}
    start = 0
    for strategy, its in found.items():
        columns[strategy] = slice(start, start := start + len(its.outputs))
        if its.layers != next(iter(found.values())).layers or its.weights.ndim != 2:
            raise damaged(strategy, model, installed)
    if not found:
        return NONE
    rows = {
        term: row for row, term in enumerate(dict.fromkeys(chain(*(each.terms for each in found.values()))))
    }
    of_terms = np.zeros((len(rows), start), np.float32)
    for strategy, its in found.items():
        of_terms[[rows[term] for term in its.terms], columns[strategy]] = its.of_terms
    return Heads(
        layers=next(iter(found.values())).layers,
        weights=np.concatenate([each.weights for each in found.values()]),
        biases=np.concatenate([each.biases for each in found.values()]),
        columns=columns,
        version=" ".join(each.version for each in found.values()),
        terms=rows,
        of_terms=of_terms,
    )
