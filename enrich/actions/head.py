"""Engagement actions that a model reads in a text: free paraphrase, which the rules of `seen` miss.

One logistic regression an action, trained by `training.actions` for one model (`enrich.embedding.heads`).
Some also know how probable the action was in what the same side lately said, each message read alone: who
haggles goes on haggling. With a model that has none nothing is found, and `name` says so. English only.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chats.message import Direction
from enrich.embedding.embed import PACKAGED
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import damaged, head_of, heads_of, weighed
from enrich.preceding import Floats, Preceding
from enrich.reading import DOUBTED

CONTEXT = 3  # numbers that tell of a text's context

_LOGIT_OF_DOUBT = math.log(DOUBTED / (1 - DOUBTED))
_LETTER = re.compile(r"[A-Za-z]")


def found(
    texts: Sequence[str],
    directions: Sequence[Direction],
    logits: Vectors,
    model: str = PACKAGED,
    installed: str = "",
    before: Preceding | None = None,
) -> list[dict[str, float]]:
    """The actions of each text with their probability, 0..1: those probable enough to be told, or doubted.

    `directions` say who wrote each text, `logits` [n, outputs] are the texts' own by
    `enrich.embedding.embed` with the same `model` and `installed` heads, `before` is what precedes each
    (None: nothing). A text without Latin letters has none. EnrichmentError when the head cannot be read.
    """
    seen: list[dict[str, float]] = [{} for _ in texts]
    outputs = _outputs(model, installed)
    if not outputs:
        return seen
    own = logits[:, heads_of(model, installed).columns["actions"]].astype(np.float64)
    in_context = [at for at, output in enumerate(outputs) if output.by_context]
    if before is not None and in_context:
        likely = np.stack([alone(texts, own[:, at]) for at in in_context], axis=1)
        for at, around in zip(in_context, contexts(before, likely), strict=True):
            own[:, at] += weighed(around, outputs[at].by_context)
    cuts = np.array([each.cut for each in outputs], np.float32)
    told = (own >= cuts) | (own <= _LOGIT_OF_DOUBT)
    for row, at in zip(*(each.tolist() for each in np.nonzero(told)), strict=True):
        output = outputs[at]
        if output.direction == directions[row] and _LETTER.search(texts[row]):
            seen[row][output.action] = round(1 / (1 + math.exp(-own[row, at])), 4)
    return seen


def alone(texts: Sequence[str], logits: Floats) -> Floats:
    """How probable an action is in each text by its own logit; a text without Latin letters has none."""
    said = zip(texts, logits.tolist(), strict=True)
    return np.array([1 / (1 + math.exp(-logit)) if _LETTER.search(text) else 0.0 for text, logit in said])


def context(before: Preceding, likely: Floats) -> Floats:
    """What an action's regression knows of the context of each text [texts, CONTEXT]; 0 where there is none.

    `likely` [texts] is how probable the action is in each text alone.
    """
    return contexts(before, likely[:, None])[0]


def contexts(before: Preceding, likely: Floats) -> list[Floats]:
    """The same of several actions, whose columns `likely` [texts, actions] has."""
    places = before.places
    lately = before.lately(likely, by_own=True)
    return [np.column_stack((places, column)) for column in lately.T]


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
    # What each number of the context adds to the logit; nothing where texts are read alone.
    by_context: Sequence[float]


@lru_cache(maxsize=4)
def _outputs(model: str, installed: str) -> tuple[_Output, ...]:
    """Of the head's outputs, in their order; none where `model` has no head."""
    head = head_of("actions", model, installed)
    if head is None:
        return ()
    try:
        return tuple(_output(name, each) for name, each in head.told["outputs"].items())
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise damaged("actions", model, installed) from error


def _output(name: str, told: Mapping[str, Any]) -> _Output:
    direction, action = name.split(" ")
    by: Direction = "creator" if direction == "creator" else "fan"
    threshold, by_context = told["threshold"], [float(each) for each in told.get("context", ())]
    if len(by_context) not in (0, CONTEXT):
        raise ValueError("weights of another context")
    return _Output(by, action, math.log(threshold / (1 - threshold)), by_context)
