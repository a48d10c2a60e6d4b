"""Engagement actions that a model reads in a text: free paraphrase, which the rules of `seen` miss.

One logistic regression an action, trained by `training.actions` for one model (`enrich.embedding.heads`).
With a model that has none nothing is found, and `name` says so. English only.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chats.message import Direction
from enrich.embedding.embed import PACKAGED
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import damaged, head_of, heads_of

_LETTER = re.compile(r"[A-Za-z]")


def found(
    texts: Sequence[str],
    directions: Sequence[Direction],
    logits: Vectors,
    model: str = PACKAGED,
    installed: str = "",
) -> list[dict[str, float]]:
    """The actions of each text with their probability, 0..1; only those that are probable enough to be told.

    `directions` say who wrote each text, `logits` [n, outputs] are the texts' own by
    `enrich.embedding.embed` with the same `model` and `installed` heads. A text without Latin letters has
    none. EnrichmentError when the head cannot be read.
    """
    seen: list[dict[str, float]] = [{} for _ in texts]
    outputs = _outputs(model, installed)
    if not outputs:
        return seen
    own = logits[:, heads_of(model, installed).columns["actions"]]
    cuts = np.array([each.cut for each in outputs], np.float32)
    told = own >= cuts
    for row, at in zip(*(each.tolist() for each in np.nonzero(told)), strict=True):
        output = outputs[at]
        if output.direction == directions[row] and _LETTER.search(texts[row]):
            seen[row][output.action] = round(1 / (1 + math.exp(-own[row, at])), 4)
    return seen


def name(model: str = PACKAGED, installed: str = "") -> str:
    """Name and version of what `found` uses with `model`; empty where it does not apply."""
    head = head_of("actions", model, installed)
    return "" if head is None else f"head {head.version}"


@dataclass(frozen=True, slots=True)
class _Output:
    """What one of the logits tells."""

    direction: Direction
    action: str
    cut: float  # the logit from which on the action is told


@lru_cache(maxsize=4)
def _outputs(model: str, installed: str) -> tuple[_Output, ...]:
    """Of the head's outputs, in their order; none where `model` has no head."""
    head = head_of("actions", model, installed)
    if head is None:
        return ()
    try:
        return tuple(_output(name, each["threshold"]) for name, each in head.told["outputs"].items())
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise damaged("actions", model, installed) from error


def _output(name: str, threshold: float) -> _Output:
    direction, action = name.split(" ")
    by: Direction = "creator" if direction == "creator" else "fan"
    return _Output(by, action, math.log(threshold / (1 - threshold)))
