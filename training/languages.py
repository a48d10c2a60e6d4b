"""Trains what reads languages beside English: `python -m training.languages`, for developers only.

Three files in `enrich/embedding/multilingual`, all on the vectors of the multilingual encoder:

- `sentiment.json`: heads as those of `training.sentiment`, one for fans and one for creators. They learn from
  the labelled chats and lines in English, whose meaning the encoder shares, and from this repository's own
  lines in the five languages (`language_lines.tsv`: language, who writes, sentiment, actions, text).
- `actions.json`: heads as those of `training.actions`, from the same.
- `space.json`: a map into the packaged model's space, by ridge regression on what sets a text apart from the
  mean there. It learns what that space says of English chat, and from lines that stand in all six languages
  (`parallel_lines.tsv`) that a text is at the same place in each.

Choices are made by cross-validation in which a chat, and the lines of one place in the five languages (they
say much the same), are never divided. Lines in other languages decide: they are what the heads are for.

Features are fp32. Two runs on one machine write the same files to the bit.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction
from enrich.embedding.embed import MULTILINGUAL, PACKAGED, model_name, normalise
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import path_of
from enrich.embedding.space import SPACE, unit
from enrich.embedding.universal import Own
from enrich.language.actions import of_text
from enrich.language.identify import READ
from enrich.language.sentiment import faces
from enrich.sentiment.score import FELT, leaning
from training import actions as english_actions
from training import regression
from training import sentiment as english_sentiment
from training.features import features, put, write
from training.labelled import LABELS, Label, digest, files, fold_of, read_chats
from training.regression import FOLDS, Floats, Ints

LINES = Path(__file__).with_name("language_lines.tsv")
PARALLEL = Path(__file__).with_name("parallel_lines.tsv")

_PENALTIES = (0.3, 1.0, 3.0)  # inverse: higher trusts the training data more
_WEIGHTS = (3.0, 10.0, 30.0)  # of a line in another language, against a message of an English chat
_OTHERS = 0.7  # of what the other side writes, in sentiment
_ENGLISH_LINES = 0.5  # of an English line for actions, against a message of an English chat
_CUTS = tuple(round(0.02 * step, 2) for step in range(2, 36))
_PRECISION = 0.6  # at least, of rules and head together, on lines
_THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(5, 46))
_DIMENSION = 384  # of the packaged model
_RIDGES = (0.3, 1.0, 3.0, 10.0)
_PARALLEL_WEIGHTS = (0.0, 1.0, 3.0)  # of a parallel line, against an English text

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Line:
    """A line in another language, or a text in English (`language` "en"), with its labels."""

    language: str
    direction: Direction
    label: Label | None  # None: it says nothing of sentiment
    actions: frozenset[str] | None  # None: it says nothing of actions
    text: str
    group: str  # is never divided
    weight: float = 1.0


def main() -> None:
    with threadpool_limits(1):
        lines = [*read_lines(), *read_english()]
        vectors = Own().vectors([normalise(each.text) for each in lines])
        write(path_of("sentiment", MULTILINGUAL), _told(train_sentiment(lines, vectors)))
        write(path_of("actions", MULTILINGUAL), _told(train_actions(lines, vectors)))
        found = train_space([each.text for each in lines if each.language == "en"])
        put(SPACE, (json.dumps(found, indent=1) + "\n").encode())


def read_lines() -> list[Line]:
    """This repository's own lines in the five languages; ValueError where one breaks the format."""
    found: list[Line] = []
    place: dict[str, int] = {}
    for row in LINES.read_text("utf-8").splitlines():
        language, direction, label, shown, text = row.split("\t")
        at = place[language] = place.get(language, -1) + 1
        by: Direction = "creator" if direction == "creator" else "fan"
        if language not in READ or direction != by:
            raise ValueError(f"{LINES.name}: {language}, {direction}")
        actions = frozenset(shown.split(",")) - {""}
        found.append(Line(language, by, LABELS[LABELS.index(label)], actions, text, f"line {at}"))
    return found


def read_english() -> list[Line]:
    """The labelled chats and lines that the heads of English are trained on, without the tweets."""
    chats = [
        Line("en", each.direction, each.label, each.actions, each.text, each.chat)
        for each in read_chats()
        if each.text.strip()
    ]
    felt = [
        Line("en", "fan", each.label, None, each.text, each.text) for each in english_sentiment.read_lines()
    ]
    done = [
        Line("en", each.direction, None, each.actions, each.text, each.text, _ENGLISH_LINES)
        for each in english_actions.read_lines()
    ]
    return [*chats, *felt, *done]


def read_parallel() -> list[dict[str, str]]:
    """Texts that say the same in six languages, by language, and the topic that they are of."""
    head, *rows = (row.split("\t") for row in PARALLEL.read_text("utf-8").splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def train_sentiment(lines: Sequence[Line], vectors: Vectors) -> dict[str, Any]:
    """The content of the sentiment heads' file, without what all files have."""
    rows = [at for at, each in enumerate(lines) if each.label is not None]
    outputs: dict[str, Any] = {}
    directions: dict[str, Any] = {}
    for direction in english_actions.ACTIONS:
        own, directions[direction] = _felt(direction, [lines[row] for row in rows], vectors[rows])
        outputs |= own
    return {"directions": directions, "outputs": outputs}


def _felt(
    direction: Direction, lines: Sequence[Line], vectors: Vectors
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of a direction's head, and how they are to be taken."""
    labels = np.array([LABELS.index(each.label) for each in lines if each.label is not None])
    fold = np.array([fold_of(each.group, FOLDS) for each in lines])
    own = np.array([each.language != "en" and each.direction == direction for each in lines])
    polarity = np.array([faces(each.text).polarity for each in lines])[own]
    best: tuple[float, tuple[float, float], Floats, Floats, float] | None = None
    for weight, penalty in product(_WEIGHTS, _PENALTIES):
        weights = np.array(
            [
                each.weight
                * (weight if each.language != "en" else 1.0)
                * (1.0 if each.direction == direction else _OTHERS)
                for each in lines
            ]
        )
        weights *= np.sqrt(weights.sum() / len(LABELS) / np.bincount(labels, weights))[labels]
        found = regression.out_of_fold(vectors, labels, weights, fold, penalty)
        leans = _leans(found[own], polarity, labels[own], fold[own])
        cuts, f1 = _cuts(labels[own], leans)
        is_right = leans * (labels[own] - 1) > 0
        score = f1 + float(is_right[labels[own] != 1].mean())
        if best is None or score > best[0]:
            best = (score, cuts, weights, found, penalty)
    assert best is not None, "there are weights and penalties"
    _, cuts, weights, found, penalty = best
    model = regression.fit(vectors, labels, weights, penalty)
    made = regression.calibration(found[own], labels[own])
    against = (model.coef_[[0, 2]] - model.coef_[1]).T @ made.scales
    biases = (model.intercept_[[0, 2]] - model.intercept_[1]) @ made.scales + made.shifts
    names = ("negative", "positive")
    outputs = {
        f"{direction} {label}": regression.output(against[:, at], float(biases[at]))
        for at, label in enumerate(names)
    }
    true = labels[own]
    leans = _leans(found[own], polarity, true, fold[own])
    told = 1 + (leans > cuts[1]).astype(int) - (leans < -cuts[0])
    _, f1 = _cuts(true, leans)
    is_right, felt = leans * (true - 1) > 0, true != 1
    languages = np.array([each.language for each in lines])[own]
    return outputs, {
        "inverse_penalty": penalty,
        "lexicon": dict.fromkeys(names, 0.0),
        "cuts": dict(zip(names, cuts, strict=True)),
        "cross_validated": {
            "n": len(true),
            "accuracy": round(float((told == true).mean()), 4),
            "macro_f1": round(f1, 4),
            "polarity_right": {
                code: round(float(is_right[felt & (languages == code)].mean()), 4) for code in READ
            },
        },
    }


def _leans(found: Floats, polarity: Floats, labels: Ints, fold: Ints) -> Floats:
    """What each text leans to, by logits that are calibrated on the other folds."""
    shares = regression.probabilities(regression.calibrated(found, labels, fold))
    return leaning(polarity, shares[:, 0], shares[:, 2])


def _cuts(labels: Ints, leans: Floats) -> tuple[tuple[float, float], float]:
    """The cuts for negative and positive with the best macro F1, and that."""
    best = ((FELT, FELT), 0.0)
    for against in _CUTS:
        for for_it in _CUTS:
            told = 1 + (leans > for_it).astype(int) - (leans < -against)
            counts = np.bincount(3 * labels + told, minlength=9).reshape(3, 3)
            sums = counts.sum(axis=0) + counts.sum(axis=1)
            f1 = float((2 * counts.diagonal() / np.maximum(1, sums)).mean())
            if f1 > best[1]:
                best = ((against, for_it), f1)
    return best


def train_actions(lines: Sequence[Line], vectors: Vectors) -> dict[str, Any]:
    """The content of the action heads' file, without what all files have."""
    outputs: dict[str, Any] = {}
    for direction, actions in english_actions.ACTIONS.items():
        rows = [
            at for at, each in enumerate(lines) if each.actions is not None and each.direction == direction
        ]
        own = [lines[row] for row in rows]
        ruled = [_by_rules(each) for each in own]
        for action in actions:
            shown = np.array([action in (each.actions or ()) for each in own])
            by_rules = np.array([action in each for each in ruled])
            # English lines do not tell of questions.
            uses = np.array([not (action == "question" and each.weight < 1) for each in own])
            outputs[f"{direction} {action}"] = _done(
                [each for each, is_used in zip(own, uses, strict=True) if is_used],
                vectors[rows][uses],
                shown[uses],
                by_rules[uses],
            )
    return {"outputs": outputs}


def _by_rules(line: Line) -> set[str]:
    """What phrases tell of a line in another language; what they tell of English is not asked."""
    return {action for action, _ in of_text(line.text, line.direction, line.language)}


def _done(lines: Sequence[Line], vectors: Vectors, shown: Flags, ruled: Flags) -> dict[str, Any]:
    """One action's regression with its figures; ValueError where no threshold is precise enough."""
    labels = shown.astype(int)
    fold = np.array([fold_of(each.group, FOLDS) for each in lines])
    foreign = np.array([each.language != "en" for each in lines])
    best: tuple[float, float, Floats, Floats, float] | None = None
    for weight in _WEIGHTS:
        weights = np.array([each.weight * (weight if each.language != "en" else 1.0) for each in lines])
        for penalty in _PENALTIES:
            found = regression.out_of_fold(vectors, labels, weights, fold, penalty)
            own = regression.calibrated(found[foreign], labels[foreign], fold[foreign])
            likely = regression.probabilities(own)[:, 1]
            for threshold in _THRESHOLDS:
                precision, _, f1 = _figures(shown[foreign], ruled[foreign] | (likely >= threshold))
                if precision >= _PRECISION and (best is None or f1 > best[0]):
                    best = (f1, threshold, weights, found, penalty)
    if best is None:
        raise ValueError("no threshold is precise enough")
    _, threshold, weights, found, penalty = best
    model = regression.fit(vectors, labels, weights, penalty)
    made = regression.calibration(found[foreign], labels[foreign])
    likely = regression.probabilities(regression.calibrated(found[foreign], labels[foreign], fold[foreign]))[
        :, 1
    ]
    names = ("precision", "recall", "f1")
    true, told = shown[foreign], ruled[foreign]
    figures = {"rules": told, "head": likely >= threshold, "rules or head": told | (likely >= threshold)}
    scale, shift = made.scales[0, 0], made.shifts[0]
    return {
        "inverse_penalty": penalty,
        "threshold": threshold,
        "cross_validated": {
            "n": int(true.sum()),
            **{by: dict(zip(names, _figures(true, each), strict=True)) for by, each in figures.items()},
        },
        **regression.output(model.coef_[0] * scale, float(model.intercept_[0] * scale + shift)),
    }


def _figures(true: Flags, told: Flags) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    right, of_true, of_told = int((true & told).sum()), int(true.sum()), int(told.sum())
    return (
        round(right / max(1, of_told), 4),
        round(right / max(1, of_true), 4),
        round(2 * right / max(1, of_told + of_true), 4),
    )


def train_space(english: Sequence[str]) -> dict[str, Any]:
    """The content of the map's file."""
    encoder, parallel = Own(), read_parallel()
    texts = [*dict.fromkeys(english), *(each["en"] for each in parallel)]
    _, layers = features(texts)
    targets = layers[:, -_DIMENSION:]  # the last layer, which the packaged model's vectors are of
    mean = targets.mean(axis=0)
    apart = targets - mean
    sources = encoder.vectors([normalise(each) for each in texts])
    said = [encoder.vectors([normalise(each[code]) for each in parallel]) for code in READ]
    fold = np.array([fold_of(each["topic"], FOLDS) for each in parallel])
    alone = slice(0, len(texts) - len(parallel))  # English that stands in no other language
    choices: dict[tuple[float, float], float] = {}
    for ridge, weight in product(_RIDGES, _PARALLEL_WEIGHTS):
        told_apart = []
        for left_out in range(FOLDS):
            seen, unseen = fold != left_out, fold == left_out
            pairs = [(sources[alone], apart[alone], 1.0)]
            pairs += [(each[seen], apart[-len(parallel) :][seen], weight) for each in said]
            fitted = _fitted(pairs, ridge)
            goals = unit(apart[-len(parallel) :][unseen])
            told_apart += [_told_apart(fitted, each[unseen], goals) for each in said]
        choices[ridge, weight] = float(np.mean(told_apart))
    ridge, weight = max(choices, key=choices.__getitem__)
    fitted = _fitted(
        [(sources, apart, 1.0), *((each, apart[-len(parallel) :], weight) for each in said)], ridge
    )
    rows = np.column_stack([fitted.T, mean])  # [there, here and the bias and the mean]
    return {
        "script_sha256": digest([Path(__file__)]),
        "lines_sha256": digest([LINES, PARALLEL, english_sentiment.LINES, english_actions.LINES]),
        "chats_sha256": digest(files()),
        "embedding": model_name(MULTILINGUAL),
        "into": model_name(PACKAGED),
        "ridge": ridge,
        "weight_of_parallel": weight,
        "cross_validated": round(choices[ridge, weight], 4),
        "radius": round(float(np.linalg.norm(apart, axis=1).mean()), 4),
        "rows": len(rows),
        "weights": base64.b64encode(np.ascontiguousarray(rows, "<f2").tobytes()).decode(),
    }


def _fitted(pairs: Sequence[tuple[Vectors, Vectors, float]], ridge: float) -> Floats:
    """The map [here and the bias, there] that is nearest to what these are apart; each has its weight."""
    products = ridge * np.eye(pairs[0][0].shape[1] + 1)
    products[-1, -1] = 0
    goals = np.zeros((len(products), pairs[0][1].shape[1]))
    for inputs, outputs, weight in pairs:
        own = _with_ones(inputs)
        products += weight * own.T @ own
        goals += weight * own.T @ outputs.astype(np.float64)
    found: Floats = np.linalg.solve(products, goals).astype(np.float64)
    return found


def _with_ones(inputs: Vectors) -> Floats:
    found: Floats = np.hstack([inputs.astype(np.float64), np.ones((len(inputs), 1))])
    return found


def _told_apart(fitted: Floats, said: Vectors, goals: Vectors) -> float:
    """How much nearer a text is to where its English form is than to where other texts are, mean cosine."""
    near = unit((_with_ones(said) @ fitted).astype(np.float32)) @ goals.T
    own = np.eye(len(goals), dtype=np.bool_)
    return float(near[own].mean() - near[~own].mean())


def _told(found: dict[str, Any]) -> dict[str, Any]:
    """With what both files of heads have."""
    return {
        "script_sha256": digest([Path(__file__), Path(regression.__file__)]),
        "lines_sha256": digest([LINES, english_sentiment.LINES, english_actions.LINES]),
        "chats_sha256": digest(files()),
        "embedding": model_name(MULTILINGUAL),
        "layers": [],
        **found,
    }


if __name__ == "__main__":
    main()
