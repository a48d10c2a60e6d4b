"""Trains the heads of `enrich.sentiment.score`: `python -m training.sentiment`, for developers only.

For a model of a user's own: `python -m training.sentiment --model FOLDER`, which writes them into that
folder.

Learns from three sources: the tweets in the vaderSentiment sdist (MIT), each rated by at least 20 people;
this repository's own labelled lines; and its labelled chats (`training.labelled`). The sdist's film reviews,
product reviews and editorials are other people's texts, so they are left alone. A fifth of the tweets is
held out by the hash of their text: neither the heads nor any choice here sees them, and `bench.quality`
measures on them.

Fans and creators have a head each, of a regression on layers and one on terms; what the lexicon reads is
one of the inputs. What the others write counts for less than own chats. The cuts are chosen by
cross-validation on whole chats: the best macro F1 at which a feeling that is told is right often enough;
below, the text is neutral. With a model too poor for that the best macro F1 decides alone; the figures say
so.

All this is chosen on texts alone. What the context of a fan's message adds (`enrich.preceding`) is learnt
behind that, from what heads that have not seen a chat say of its messages alone; then the cuts are chosen
again.

Corrections of an installation's own (`training.corrections`) are one more source. What they count is chosen
by how right they and the chats are then told, again by cross-validation. Calibration and cuts come from the
chats alone: corrections are what was read wrongly, no sample of what people write.

Features are fp32. Two runs on one machine write the same files to the bit.
"""

import csv
import hashlib
import html
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction
from enrich import preceding
from enrich.embedding.embed import PACKAGED, model_name
from enrich.embedding.heads import path_of
from enrich.preceding import WHOSE, Preceding
from enrich.sentiment import lexicon
from enrich.sentiment.score import FELT, LEXICON_SHARE, context, leaning
from enrich.text import terms
from training import regression
from training.features import asked_for, features, write
from training.labelled import LABELS, Label, before, digest, files, fold_of, read_chats
from training.regression import FOLDS, MARGIN, Basis, Flags, Floats, Inputs, Ints, Penalties, terms_of

LINES = Path(__file__).with_name("sentiment_lines.tsv")
SCRIPTS = [Path(each) for each in (__file__, regression.__file__, preceding.__file__, terms.__file__)]
HELD_OUT = Path(__file__).parents[1] / "bench" / "quality" / "data" / "tweets_held_out.tsv"
LICENCE = HELD_OUT.with_name("tweets_LICENSE.txt")

SDIST = "vaderSentiment==3.3.2"
SDIST_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
_LICENCE_IN_SDIST = "vaderSentiment-3.3.2/LICENSE.txt"
_RESOURCES_IN_SDIST = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_TWEETS_IN_RESOURCES = "hutto_ICWSM_2014/tweets_GroundTruth.txt"
_REMOVED = re.compile(r"@anonymous|http://url_removed")

_NEUTRAL_WITHIN = 0.5  # of a tweet's mean rating, -4..4
_HELD_OUT_SHARE = 0.2
_PENALTIES = Penalties(of_features=0.3, of_terms=6.0)
_OTHERS = 0.7  # of what the other side writes, against own chats
_CORRECTED = (1.0, 3.0, 10.0)  # of a correction, against a message of own chats
_CUTS = tuple(round(0.02 * step, 2) for step in range(2, 36))
_PRECISION = {"negative": 0.4, "positive": 0.6}  # at least, of a feeling that is told
_DIRECTIONS: tuple[Direction, ...] = ("fan", "creator")
_TERMS_OF = frozenset(("lines", *_DIRECTIONS))  # of corrections none: a term is what somebody wrote
_FELT = ("negative", "positive")  # what a head has an output for


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    label: Label
    rating: float  # -4..4
    source: Literal["tweets", "lines", "fan", "creator", "corrected fan", "corrected creator"]
    chat: str = ""  # or what is never divided from it otherwise
    id: str = ""  # of a message of the chats


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What is learnt from, a row a text."""

    inputs: Inputs
    labels: Ints  # of LABELS
    source: NDArray[np.str_]
    fold: Ints
    polarity: Floats  # that the lexicon reads
    is_turned: Flags
    before: Preceding


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One way to train a direction's head, with what it says of its own chats when it has not seen them.

    All of it is of texts alone.
    """

    weights: Floats
    found: Floats  # logits of all rows by features and by terms
    cuts: tuple[float, float]
    f1: float
    corrected: float = 0.0  # the share of corrections that is told rightly
    of_corrections: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a choice says of its own chats when it has not seen them, as the service reads them."""

    context: Floats | None  # what it adds [CONTEXT, 2]; None: messages are read alone
    found: Floats  # calibrated logits
    cuts: tuple[float, float]


def main() -> None:
    model = asked_for(__doc__)
    sdist = download()
    if model == PACKAGED:
        licence, tweets = read_tweets(sdist)
        _write_held_out([each for each in tweets if is_held_out(each.text)], licence)
    with threadpool_limits(1):
        write(
            path_of("sentiment", model), train([*seen_tweets(sdist), *read_lines(), *read_messages()], model)
        )


def is_held_out(text: str) -> bool:
    """Whether a tweet is kept from training; decided by its text alone."""
    return hashlib.sha256(text.encode()).digest()[0] < 256 * _HELD_OUT_SHARE


def read_lines() -> list[Labelled]:
    """This repository's own chat lines."""
    rows = (line.split("\t") for line in LINES.read_text("utf-8").splitlines())
    return [_line(label, text) for label, text in rows]


def read_messages() -> list[Labelled]:
    """The messages of the labelled chats that have a feeling or none."""
    return [
        Labelled(
            each.text, each.label, 2.0 * (LABELS.index(each.label) - 1), each.direction, each.chat, each.id
        )
        for each in read_chats()
        if each.label is not None
    ]


def read_tweets(sdist: bytes) -> tuple[bytes, list[Labelled]]:
    """The licence and the tweets inside vaderSentiment's sdist."""
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        licence = _member(archive, _LICENCE_IN_SDIST)
        resources = _member(archive, _RESOURCES_IN_SDIST)
    with tarfile.open(fileobj=io.BytesIO(resources)) as archive:
        table = _member(archive, _TWEETS_IN_RESOURCES).decode("utf-8-sig")
    rows = csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    return licence, [_tweet(float(rating), text) for _, rating, text in rows]


def seen_tweets(sdist: bytes) -> list[Labelled]:
    """The tweets inside vaderSentiment's sdist that are learnt from; ValueError where it is another one."""
    if hashlib.sha256(sdist).hexdigest() != SDIST_SHA256:
        raise ValueError(f"no sdist of {SDIST}")
    return [each for each in read_tweets(sdist)[1] if not is_held_out(each.text)]


def train(labelled: Sequence[Labelled], model: str = PACKAGED) -> dict[str, Any]:
    """The content of the heads' file."""
    layers, read = features([each.text for each in labelled], model)
    basis = regression.basis_of(read)
    known = terms_of(each.text for each in labelled if each.source in _TERMS_OF)
    readings = [lexicon.read(each.text) for each in labelled]
    polarity = np.array([each.polarity for each in readings])
    data = Data(
        inputs=Inputs(
            regression.rows_of([polarity], basis.of(read)), known.of([each.text for each in labelled])
        ),
        labels=np.array([LABELS.index(each.label) for each in labelled]),
        source=np.array([each.source for each in labelled]),
        fold=np.array([fold_of(each.chat or each.text, FOLDS) for each in labelled]),
        polarity=polarity,
        is_turned=np.array([each.is_turned for each in readings]),
        before=before([each.id for each in labelled]),
    )
    without = {direction: _choice(direction, data) for direction in _DIRECTIONS}
    choices = {direction: _with_corrections(direction, data, each) for direction, each in without.items()}
    told, told_before = _read(data, choices), _read(data, without)
    outputs: dict[str, Any] = {}
    directions: dict[str, Any] = {}
    for direction, choice in choices.items():
        own, by_lexicon = _trained(direction, data, basis, choice)
        outputs |= own
        directions[direction] = _told_of(direction, data, choice, told[direction], by_lexicon)
        if choice.of_corrections:
            first = without[direction]
            directions[direction] |= {
                "weight_of_corrections": choice.of_corrections,
                "corrections": {
                    "n": int((data.source == f"corrected {direction}").sum()),
                    "right_before": round(first.corrected, 4),
                    "right": round(choice.corrected, 4),
                },
                "cross_validated_before": _figures(direction, data, first, told_before[direction]),
            }
    return {
        "script_sha256": digest(SCRIPTS),
        "lines_sha256": digest([LINES]),
        "chats_sha256": digest(files()),
        "tweets": f"{SDIST} sdist, MIT" if "tweets" in data.source else "",
        "tweets_sha256": SDIST_SHA256 if "tweets" in data.source else "",
        "embedding": model_name(model),
        "lexicon": lexicon.NAME,
        "lexicon_share": LEXICON_SHARE,
        "layers": layers,
        "terms": list(known.columns),
        "directions": directions,
        "outputs": outputs,
    }


def _trained(direction: Direction, data: Data, basis: Basis, choice: Choice) -> tuple[dict[str, Any], Floats]:
    """The outputs of a direction's head, and what the lexicon adds to each."""
    own = data.source == direction
    models = regression.fit_both(data.inputs, data.labels, choice.weights, _PENALTIES)
    made = regression.calibration(choice.found[own], data.labels[own])
    scales = made.scales[:2], made.scales[2:]
    of_features, of_terms = (
        (model.coef_[[0, 2]] - model.coef_[1]).T @ scale for model, scale in zip(models, scales, strict=True)
    )  # [features, 2], [terms, 2]
    biases = made.shifts + sum(
        (model.intercept_[[0, 2]] - model.intercept_[1]) @ scale
        for model, scale in zip(models, scales, strict=True)
    )
    of_basis, of_lexicon = of_features[:-1], of_features[-1]
    outputs = {
        f"{direction} {label}": regression.output(*basis.back(of_basis[:, at], biases[at]), of_terms[:, at])
        for at, label in enumerate(_FELT)
    }
    return outputs, of_lexicon


def _told_of(
    direction: Direction, data: Data, choice: Choice, read: Read, by_lexicon: Floats
) -> dict[str, Any]:
    """How the outputs of a direction's head are to be taken, and what came of it."""
    told: dict[str, Any] = {
        "lexicon": dict(zip(_FELT, np.round(by_lexicon, 4).tolist(), strict=True)),
    }
    if read.context is not None:
        told["context"] = dict(zip(_FELT, np.round(read.context.T, 4).tolist(), strict=True))
    return {
        **told,
        "cuts": dict(zip(_FELT, read.cuts, strict=True)),
        "cross_validated": _figures(direction, data, choice, read),
    }


def _with_corrections(direction: Direction, data: Data, without: Choice) -> Choice:
    """The best choice that learns from corrections where there are some; harmless ones come first."""
    if f"corrected {direction}" not in data.source:
        return without
    before = _right(direction, data, without)

    def merit(each: Choice) -> tuple[bool, float]:
        pairs = zip(_right(direction, data, each), before, strict=True)
        return all(after >= first - MARGIN for after, first in pairs), each.f1 + each.corrected

    return max((_choice(direction, data, weight) for weight in _CORRECTED), key=merit)


def _read(data: Data, choices: Mapping[Direction, Choice]) -> dict[Direction, Read]:
    """What both sides' choices say together: of each message alone, and then of some in their context."""
    alone = {each: _alone(each, data, choice) for each, choice in choices.items()}
    read = {each: Read(None, alone[each], choice.cuts) for each, choice in choices.items()}
    shares = np.zeros((len(data.labels), 2))
    for direction, found in alone.items():
        shares[data.source == direction] = regression.probabilities(found)[:, [0, 2]]
    own = data.source == WHOSE
    labels, around, raw = data.labels[own], context(data.before, shares)[own], choices[WHOSE].found[own]
    weights = regression.context_weights(regression.calibration(raw, labels).of(raw), around, labels)
    found = regression.in_context(alone[WHOSE], around, labels, data.fold[own])
    cuts, _ = _cuts(data, own, _leans(data, own, found))
    return read | {WHOSE: Read(weights, found, cuts)}


def _alone(direction: Direction, data: Data, choice: Choice) -> Floats:
    """Calibrated logits of own chats, each message alone."""
    own = data.source == direction
    return regression.calibrated(choice.found[own], data.labels[own], data.fold[own])


def _right(direction: Direction, data: Data, choice: Choice) -> tuple[float, float]:
    """Accuracy and macro F1 on own chats, each message alone."""
    own = data.source == direction
    told = _told(data, own, _leans(data, own, _alone(direction, data, choice)), choice.cuts)
    return float((told == data.labels[own]).mean()), _judged(data.labels[own], told)[0]


def _choice(direction: Direction, data: Data, of_corrections: float = 0.0) -> Choice:
    """Judged on own chats."""
    of = dict.fromkeys(_DIRECTIONS, _OTHERS) | {"tweets": 1.0, "lines": 1.0, direction: 1.0}
    of |= {f"corrected {each}": of_corrections * of[each] for each in _DIRECTIONS}
    weights = _balanced(np.array([of[each] for each in data.source]), data.labels)
    found = regression.both_out_of_fold(data.inputs, data.labels, weights, data.fold, _PENALTIES)
    own = data.source == direction
    calibrated = regression.calibrated(found[own], data.labels[own], data.fold[own])
    cuts, f1 = _cuts(data, own, _leans(data, own, calibrated))
    corrected = _corrected(direction, data, found, cuts)
    return Choice(weights, found, cuts, f1, corrected, of_corrections)


def _corrected(direction: Direction, data: Data, found: Floats, cuts: tuple[float, float]) -> float:
    """The share of a direction's corrections that is told rightly; 0 where there are none."""
    own, corrected = data.source == direction, data.source == f"corrected {direction}"
    if not corrected.any():
        return 0.0
    made = regression.calibration(found[own], data.labels[own])
    leans = _leans(data, corrected, made.of(found[corrected]))
    return float((_told(data, corrected, leans, cuts) == data.labels[corrected]).mean())


def _balanced(weights: Floats, labels: Ints) -> Floats:
    """Halfway to labels of the same weight in total: the frequent one must not win by being frequent."""
    balanced: Floats = weights * np.sqrt(weights.sum() / len(LABELS) / np.bincount(labels, weights))[labels]
    return balanced


def _leans(data: Data, own: Flags, found: Floats) -> Floats:
    """What own texts lean to by their calibrated logits."""
    shares = regression.probabilities(found)
    return leaning(data.polarity[own], shares[:, 0], shares[:, 2])


def _cuts(data: Data, own: Flags, leans: Floats) -> tuple[tuple[float, float], float]:
    """The best cuts for negative and positive, and their macro F1, less 1 where none is precise enough."""
    found = []
    for cuts in product(_CUTS, _CUTS):
        told = _told(data, own, leans, cuts)
        f1, precision = _judged(data.labels[own], told)
        is_precise = all(precision[LABELS.index(label)] >= least for label, least in _PRECISION.items())
        found.append((f1 if is_precise else f1 - 1, cuts))
    f1, cuts = max(found)
    return cuts, f1


def _told(data: Data, own: Flags, leans: Floats, cuts: tuple[float, float]) -> Ints:
    """The labels, as the service tells them: a turned text is the lexicon's."""
    polarity, is_turned = data.polarity[own], data.is_turned[own]
    by_head = 1 + (leans > cuts[1]).astype(int) - (leans < -cuts[0])
    by_lexicon = 1 + (polarity > FELT).astype(int) - (polarity < -FELT)
    return np.where(is_turned, by_lexicon, by_head)


def _judged(true: Ints, told: Ints) -> tuple[float, list[float]]:
    """Macro F1, and the precision of each label."""
    counts = np.bincount(3 * true + told, minlength=9).reshape(3, 3)
    right, of_true, of_told = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    f1 = (2 * right / np.maximum(1, of_true + of_told)).mean()
    return float(f1), (right / np.maximum(1, of_told)).tolist()


def _figures(direction: Direction, data: Data, choice: Choice, read: Read) -> dict[str, float]:
    """Of own chats, by heads and calibrations that have not seen them."""
    own = data.source == direction
    true = data.labels[own]
    leans = _leans(data, own, read.found)
    told = _told(data, own, leans, read.cuts)
    f1, precision = _judged(true, told)
    alone = _right(direction, data, choice)
    by_lexicon = _told(data, own, data.polarity[own], (FELT, FELT))
    felt = true != 1
    errors = [_calibration_error(each, true) for each in (choice.found[own, :2], read.found)]
    return {
        "n": len(true),
        "accuracy": round(float((told == true).mean()), 4),
        "macro_f1": round(f1, 4),
        "precision_negative": round(precision[0], 4),
        "precision_positive": round(precision[2], 4),
        "polarity_right": round(float((leans[felt] * (true[felt] - 1) > 0).mean()), 4),
        "calibration_error_before": errors[0],
        "calibration_error": errors[1],
        "accuracy_alone": round(alone[0], 4),
        "macro_f1_alone": round(alone[1], 4),
        "lexicon_accuracy": round(float((by_lexicon == true).mean()), 4),
        "lexicon_macro_f1": round(_judged(true, by_lexicon)[0], 4),
    }


def _calibration_error(found: Floats, true: Ints) -> float:
    """Over the probabilities of all three labels."""
    shares = regression.probabilities(found)
    return regression.calibration_error(shares.ravel(), (true[:, None] == np.arange(len(LABELS))).ravel())


def _line(label: str, text: str) -> Labelled:
    at = LABELS.index(label)  # ValueError: no such label
    return Labelled(text, LABELS[at], 2.0 * (at - 1), "lines")


def _tweet(rating: float, text: str) -> Labelled:
    label = LABELS[1 + (rating > _NEUTRAL_WITHIN) - (rating < -_NEUTRAL_WITHIN)]
    return Labelled(" ".join(_REMOVED.sub(" ", html.unescape(text)).split()), label, rating, "tweets")


def download() -> bytes:
    """The sdist from the configured package index, its hash checked; CalledProcessError without one."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{SDIST} --hash=sha256:{SDIST_SHA256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        asked = [
            "--no-binary=:all:",
            "--no-deps",
            "--require-hashes",
            f"--dest={folder}",
            f"--requirement={wanted}",
        ]
        subprocess.run([*pip, *asked], check=True)  # noqa: S603  # arguments are this module's own
        (sdist,) = Path(folder).glob("*.tar.gz")
        return sdist.read_bytes()


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


def _write_held_out(tweets: Iterable[Labelled], licence: bytes) -> None:
    HELD_OUT.parent.mkdir(exist_ok=True)
    HELD_OUT.write_text("".join(f"{each.label}\t{each.rating}\t{each.text}\n" for each in tweets), "utf-8")
    LICENCE.write_bytes(licence)


if __name__ == "__main__":
    main()
