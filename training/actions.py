"""Trains the heads of `enrich.actions.head`: `python -m training.actions`, for developers only.

For a model of a user's own: `python -m training.actions --model FOLDER`, which writes them into that folder.

Learns from this repository's own labelled lines (`action_lines.tsv`: who writes, the actions, the text) and
from its labelled chats (`training.labelled`), a logistic regression for each action on the messages of those
who can show it. Questions, which the lines do not tell of, are learnt from the chats alone. Penalty, what a
line counts against a message of a chat, and threshold are chosen by cross-validation on whole chats, for the
best F1 of rules and head together at which both are right often enough. In the lines an action is far more
frequent than in chats, so they choose nothing.

Features are fp32. Two runs on one machine write the same file to the bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction, Message
from enrich.actions.seen import seen
from enrich.embedding.embed import PACKAGED, model_name
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import path_of
from training import regression
from training.features import asked_for, features, write
from training.labelled import digest, files, fold_of, read_chats
from training.regression import FOLDS, Basis, Floats, Ints

Flags = NDArray[np.bool_]

ACTIONS: dict[Direction, tuple[str, ...]] = {
    "fan": ("custom_request", "price_inquiry", "price_objection", "complaint", "churn_intent", "question"),
    "creator": ("upsell", "question"),
}
LINES = Path(__file__).with_name("action_lines.tsv")

_OF_CHATS_ALONE = frozenset(("question",))
_PENALTIES = (1.0, 3.0)  # inverse: higher trusts the training data more
_WEIGHTS = (0.1, 0.3, 1.0)  # of a line, against a message of a chat
_THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(5, 46))
_PRECISION = 0.5  # at least, of what rules and head tell together


@dataclass(frozen=True, slots=True)
class Labelled:
    direction: Direction
    actions: frozenset[str]
    text: str
    chat: str = ""  # "": a line


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What those of one direction wrote, a row a text."""

    inputs: Vectors  # in the basis
    fold: Ints
    is_chat: Flags
    shown: Sequence[frozenset[str]]
    ruled: Sequence[set[str]]  # by the rules


def main() -> None:
    model = asked_for(__doc__)
    with threadpool_limits(1):
        write(path_of("actions", model), train([*read_lines(), *read_messages()], model))


def read_lines() -> list[Labelled]:
    """This repository's own chat lines; ValueError where a line shows what its writer cannot."""
    return [_line(*line.split("\t")) for line in LINES.read_text("utf-8").splitlines()]


def read_messages() -> list[Labelled]:
    """The messages of the labelled chats that have a text."""
    return [
        Labelled(each.direction, each.actions, each.text, each.chat)
        for each in read_chats()
        if each.text.strip()
    ]


def train(labelled: Sequence[Labelled], model: str = PACKAGED) -> dict[str, Any]:
    """The content of the head's file."""
    layers, read = features([each.text for each in labelled], model)
    basis = regression.basis_of(read)
    outputs: dict[str, Any] = {}
    for direction, actions in ACTIONS.items():
        rows = [row for row, each in enumerate(labelled) if each.direction == direction]
        own = [labelled[row] for row in rows]
        data = Data(
            inputs=basis.of(read[rows]),
            fold=np.array([fold_of(each.chat or each.text, FOLDS) for each in own]),
            is_chat=np.array([each.chat != "" for each in own]),
            shown=[each.actions for each in own],
            ruled=[_by_rules(each) for each in own],
        )
        for action in actions:
            outputs[f"{direction} {action}"] = _trained(data, action, basis)
    return {
        "script_sha256": digest([Path(__file__), Path(regression.__file__)]),
        "lines_sha256": digest([LINES]),
        "chats_sha256": digest(files()),
        "embedding": model_name(model),
        "layers": layers,
        "outputs": outputs,
    }


def _line(direction: str, actions: str, text: str) -> Labelled:
    shown = frozenset(actions.split(",")) - {""}
    for by, known in ACTIONS.items():
        if by == direction and shown <= set(known) - _OF_CHATS_ALONE:
            return Labelled(by, shown, text)
    raise ValueError(f"{LINES.name}: no {direction} shows {', '.join(sorted(shown))}")


def _by_rules(line: Labelled) -> set[str]:
    message = Message(
        id="", creator_id="", chat_id="", fan_id="", direction=line.direction, at=0.0, text=line.text
    )
    return {each.type for each in seen(message)}


def _trained(data: Data, action: str, basis: Basis) -> dict[str, Any]:
    """One action's regression with its figures; ValueError where no threshold is precise enough."""
    true = np.array([action in each for each in data.shown])
    labels = true.astype(int)
    chat, fold = data.is_chat, data.fold[data.is_chat]
    ruled = np.array([action in each for each in data.ruled])[chat]
    choices: dict[tuple[float, float, float], dict[str, float]] = {}
    found: dict[tuple[float, float], Floats] = {}
    for weight, penalty in product((0.0,) if action in _OF_CHATS_ALONE else _WEIGHTS, _PENALTIES):
        weights = np.where(chat, 1.0, weight)
        own = regression.out_of_fold(data.inputs, labels, weights, data.fold, penalty)[chat]
        found[weight, penalty] = own
        likely = regression.probabilities(regression.calibrated(own, labels[chat], fold))[:, 1]
        for threshold in _THRESHOLDS:
            choices[weight, penalty, threshold] = _figures(true[chat], ruled | (likely >= threshold))
    precise = [choice for choice, each in choices.items() if each["precision"] >= _PRECISION]
    weight, penalty, threshold = max(precise, key=lambda choice: choices[choice]["f1"])
    before = found[weight, penalty]
    after = regression.calibrated(before, labels[chat], fold)
    likely, raw = (regression.probabilities(each)[:, 1] for each in (after, before))
    made = regression.calibration(before, labels[chat])
    weights = np.where(chat, 1.0, weight)
    used = weights > 0
    model = regression.fit(data.inputs[used], labels[used], weights[used], penalty)
    scale, shift = made.scales[0, 0], made.shifts[0]
    return {
        "weight_of_lines": weight,
        "inverse_penalty": penalty,
        "threshold": threshold,
        "cross_validated": {
            "n": int(true[chat].sum()),
            "rules": _figures(true[chat], ruled),
            "head": _figures(true[chat], likely >= threshold),
            "rules or head": choices[weight, penalty, threshold],
            "calibration_error_before": regression.calibration_error(raw, true[chat]),
            "calibration_error": regression.calibration_error(likely, true[chat]),
        },
        **regression.output(*basis.back(model.coef_[0] * scale, float(model.intercept_[0] * scale + shift))),
    }


def _figures(true: Flags, told: Flags) -> dict[str, float]:
    right, of_true, of_told = int((true & told).sum()), int(true.sum()), int(told.sum())
    return {
        "precision": round(right / max(1, of_told), 4),
        "recall": round(right / max(1, of_true), 4),
        "f1": round(2 * right / max(1, of_told + of_true), 4),
    }


if __name__ == "__main__":
    main()
