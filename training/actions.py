"""Trains the heads of `enrich.actions.head`: `python -m training.actions`, for developers only.

For a model of a user's own: `python -m training.actions --model FOLDER`, which writes them into that folder.

Learns from this repository's own labelled lines (`action_lines.tsv`: who writes, the actions, the text) and
from its labelled chats (`training.labelled`), a logistic regression on layers and one on terms for each
action on the messages of those who can show it. Questions, which the lines do not tell of, are learnt from
the chats alone. What a line counts against a message of a chat, and the threshold, are chosen by
cross-validation on whole chats, for the best F1 of rules and head together at which both are right often
enough. In the lines an action is far more frequent than in chats, so they choose nothing. An action of which
nothing is right often enough is left to the rules: then the model is too poor, or the lines and chats say too
little.

Some actions of fans are read in the context of a message (`enrich.preceding`): those that were read better
by it when all chats of one writer after the other were left out. What it adds is learnt behind each
regression, from what one that has not seen a chat says of its messages alone.

Corrections of an installation's own (`training.corrections`) are one more source. What they count is chosen
by how right they and the chats are then told, again by cross-validation; calibration and threshold come from
the chats alone.

Features are fp32. Two runs on one machine write the same file to the bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction, Message
from enrich import preceding
from enrich.actions import head
from enrich.actions.seen import seen
from enrich.embedding.embed import PACKAGED, model_name
from enrich.embedding.heads import path_of
from enrich.preceding import Preceding
from enrich.reading import DOUBTED
from enrich.text import terms
from training import regression
from training.features import asked_for, features, write
from training.labelled import before, digest, files, fold_of, read_chats
from training.regression import FOLDS, Basis, Flags, Floats, Inputs, Ints, Penalties, terms_of

ACTIONS: dict[Direction, tuple[str, ...]] = {
    "fan": ("custom_request", "price_inquiry", "price_objection", "complaint", "churn_intent", "question"),
    "creator": ("upsell", "question"),
}
LINES = Path(__file__).with_name("action_lines.tsv")
SCRIPTS = [Path(each) for each in (__file__, regression.__file__, preceding.__file__, terms.__file__)]

IN_CONTEXT = frozenset(("custom_request", "price_inquiry", "price_objection", "complaint"))
_OF_CHATS_ALONE = frozenset(("question",))
_PENALTIES = Penalties(of_features=1.0, of_terms=20.0)
_WEIGHTS = (0.1, 0.3, 1.0)  # of a line, against a message of a chat
_CORRECTED = (0.3, 1.0, 3.0)  # of a correction, likewise
_THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(5, 46))
_PRECISION = 0.55  # at least, of what rules and head tell together
_PRECISION_OF = {"complaint": 0.62}  # whoever answers chats looks at these first


@dataclass(frozen=True, slots=True)
class Labelled:
    direction: Direction
    actions: frozenset[str]
    text: str
    chat: str = ""  # "": a line; of a correction, what is never divided
    is_correction: bool = False
    id: str = ""  # of a message of the chats


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What those of one direction wrote, a row a text."""

    inputs: Inputs
    fold: Ints
    is_chat: Flags
    is_correction: Flags
    shown: Sequence[frozenset[str]]
    ruled: Sequence[set[str]]  # by the rules
    texts: Sequence[str]  # of the chats
    before: Preceding  # likewise


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
        Labelled(each.direction, each.actions, each.text, each.chat, id=each.id)
        for each in read_chats()
        if each.text.strip()
    ]


def train(labelled: Sequence[Labelled], model: str = PACKAGED) -> dict[str, Any]:
    """The content of the head's file."""
    layers, read = features([each.text for each in labelled], model)
    basis = regression.basis_of(read)
    known = terms_of(each.text for each in labelled if not each.is_correction)
    outputs: dict[str, Any] = {}
    for direction, actions in ACTIONS.items():
        rows = [row for row, each in enumerate(labelled) if each.direction == direction]
        own = [labelled[row] for row in rows]
        data = Data(
            inputs=Inputs(basis.of(read[rows]), known.of([each.text for each in own])),
            fold=np.array([fold_of(each.chat or each.text, FOLDS) for each in own]),
            is_chat=np.array([each.chat != "" and not each.is_correction for each in own]),
            is_correction=np.array([each.is_correction for each in own]),
            shown=[each.actions for each in own],
            ruled=[_by_rules(each) for each in own],
            texts=[each.text for each in own if each.id],
            before=before([each.id for each in own if each.id]),
        )
        for action in actions:
            if (trained := _trained(data, action, basis)) is not None:
                outputs[f"{direction} {action}"] = trained
    return {
        "script_sha256": digest(SCRIPTS),
        "lines_sha256": digest([LINES]),
        "chats_sha256": digest(files()),
        "embedding": model_name(model),
        "layers": layers,
        "terms": list(known.columns),
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


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One way to train an action's regression, with what it says of chats that it has not seen."""

    weight: float  # of a line
    weights: Floats  # of all rows
    threshold: float
    found: Floats  # logits of the chats by features and by terms, each message alone
    around: Floats | None  # what is known of the context of each [chats, CONTEXT]; None: it is not asked
    likely: Floats  # of the chats, calibrated, as the service reads them
    figures: Mapping[str, float]  # of rules and head together
    corrected: float  # the share of corrections that is told rightly; 0 where there are none


def _trained(data: Data, action: str, basis: Basis) -> dict[str, Any] | None:
    """One action's regression with its figures; None where no threshold is precise enough."""
    weights = (0.0,) if action in _OF_CHATS_ALONE else _WEIGHTS
    best = _best(_choice(data, action, each) for each in weights)
    more: dict[str, Any] = {}
    if best is not None and data.is_correction.any():
        best, more = _with_corrections(data, action, best)
    if best is None:
        return None
    true, ruled = _true(data, action), _ruled(data, action)
    labels, chat = true.astype(int), data.is_chat
    made = regression.calibration(best.found, labels[chat])
    used = best.weights > 0
    of_features, of_terms = regression.fit_both(
        data.inputs[used], labels[used], best.weights[used], _PENALTIES
    )
    scale, scale_of_terms = made.scales[:, 0]
    bias = made.shifts[0] + scale * of_features.intercept_[0] + scale_of_terms * of_terms.intercept_[0]
    return {
        "weight_of_lines": best.weight,
        "threshold": best.threshold,
        "cross_validated": {
            "n": int(true[chat].sum()),
            "rules": _figures(true[chat], ruled[chat]),
            "head": _figures(true[chat], best.likely >= best.threshold),
            "rules or head": best.figures,
            "calibration_error_before": regression.calibration_error(_likely(best.found[:, :1]), true[chat]),
            "calibration_error": regression.calibration_error(best.likely, true[chat]),
        },
        **more,
        **_context(best, made.of(best.found), labels[chat]),
        **regression.output(
            *basis.back(scale * of_features.coef_[0], float(bias)), scale_of_terms * of_terms.coef_[0]
        ),
    }


def _with_corrections(data: Data, action: str, without: Choice) -> tuple[Choice, dict[str, Any]]:
    """The best choice that learns from corrections, or none is; and what is told of it."""
    choices = {
        weight: choice
        for weight in _CORRECTED
        if (choice := _choice(data, action, without.weight, weight)) is not None
    }
    if not choices:
        return without, {"weight_of_corrections": 0.0}
    weight, best = max(choices.items(), key=lambda each: each[1].figures["f1"] + each[1].corrected)
    return best, {
        "weight_of_corrections": weight,
        "corrections": {
            "n": int(data.is_correction.sum()),
            "right_before": round(without.corrected, 4),
            "right": round(best.corrected, 4),
        },
        "cross_validated_before": without.figures,
    }


def _context(best: Choice, alone: Floats, labels: Ints) -> dict[str, Any]:
    """What the context adds to the calibrated logits of the chats, as the file has it."""
    if best.around is None:
        return {}
    weights = regression.context_weights(alone, best.around, labels)
    return {"context": np.round(weights[:, 0], 4).tolist()}


def _best(choices: Iterable[Choice | None]) -> Choice | None:
    return max((each for each in choices if each), key=lambda each: each.figures["f1"], default=None)


def _choice(data: Data, action: str, weight: float, of_corrections: float = 0.0) -> Choice | None:
    """With the best threshold that is precise enough; None where none is."""
    true, ruled = _true(data, action), _ruled(data, action)
    labels, chat, corrected = true.astype(int), data.is_chat, data.is_correction
    weights = np.where(chat, 1.0, np.where(corrected, of_corrections, weight))
    found = regression.both_out_of_fold(data.inputs, labels, weights, data.fold, _PENALTIES)
    read = alone = regression.calibrated(found[chat], labels[chat], data.fold[chat])
    around: Floats | None = None
    if action in IN_CONTEXT:
        around = head.context(data.before, head.alone(data.texts, alone[:, 0]))
        read = regression.in_context(alone, around, labels[chat], data.fold[chat])
    likely = _likely(read)
    choices = {
        threshold: _figures(true[chat], told(ruled[chat], likely, threshold)) for threshold in _THRESHOLDS
    }
    least = _PRECISION_OF.get(action, _PRECISION)
    precise = [threshold for threshold, each in choices.items() if each["precision"] >= least]
    if not precise:
        return None
    threshold = max(precise, key=lambda each: choices[each]["f1"])
    right = 0.0
    if corrected.any():
        made = regression.calibration(found[chat], labels[chat])
        corrections = told(ruled[corrected], _likely(made.of(found[corrected])), threshold)
        right = float((corrections == true[corrected]).mean())
    return Choice(weight, weights, threshold, found[chat], around, likely, choices[threshold], right)


def told(ruled: Flags, likely: Floats, threshold: float) -> Flags:
    """What rules and a head tell together, as `enrich.actions.seen` does."""
    shown: Flags = (ruled & (likely > DOUBTED)) | (likely >= threshold)
    return shown


def _true(data: Data, action: str) -> Flags:
    return np.array([action in each for each in data.shown])


def _ruled(data: Data, action: str) -> Flags:
    return np.array([action in each for each in data.ruled])


def _likely(found: Floats) -> Floats:
    likely: Floats = regression.probabilities(found)[:, 1]
    return likely


def _figures(true: Flags, told: Flags) -> dict[str, float]:
    right, of_true, of_told = int((true & told).sum()), int(true.sum()), int(told.sum())
    return {
        "precision": round(right / max(1, of_told), 4),
        "recall": round(right / max(1, of_true), 4),
        "f1": round(2 * right / max(1, of_told + of_true), 4),
    }


if __name__ == "__main__":
    main()
