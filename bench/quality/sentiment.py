"""How well sentiment is read, beside plain VADER on the same texts.

Three sets, none of which trained or tuned anything: tweets held out by `training.sentiment` (MIT, see
`data/tweets_LICENSE.txt`), the labelled chat messages, each read in its chat, and hard lines by kind, written
to show what fails. Texts that have no writer are read as a fan's. A sentiment below .4 is taken as negative
and above .6 as positive; VADER's at its own cuts, -.05 and .05. A text without a sentiment counts as wrong.

Beside them, what is taken for another language: of lines in other languages, and of English.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import orjson
from sklearn.metrics import f1_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench.quality.score import Score
from bench.quality.truth import LabelledChat, chats, spoken_in
from chats.message import Direction
from enrich.embedding.embed import encode
from enrich.sentiment.score import sentiment
from enrich.text.language import is_other
from training.labelled import LABELS
from training.sentiment import HELD_OUT, read_lines, read_messages

MESSAGES = Path(__file__).with_name("labelled") / "messages.jsonl"
HARD_LINES = Path(__file__).with_name("data") / "hard_lines.tsv"
OTHER_LANGUAGES = Path(__file__).with_name("data") / "other_languages.tsv"

_OURS, _VADERS = (0.2, 0.05)  # cuts of a polarity, -1..1
_MEASURES = ("accuracy", "macro F1", "polarity right, not neutral", "Pearson r")


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    label: str  # of LABELS
    rating: float  # what the polarity should be proportional to
    kind: str = ""
    direction: Direction = "fan"
    id: str = ""  # of a message of the labelled chats


def measure() -> list[Score]:
    messages, hard = labelled_messages(MESSAGES), hard_lines(HARD_LINES)
    kinds = list(dict.fromkeys(case.kind for case in hard))
    fans, creators = ([case for case in messages if case.direction == by] for by in ("fan", "creator"))
    read = read_in(chats())
    return [
        *scores("held-out tweets", held_out_tweets(HELD_OUT)),
        *scores("labelled messages of fans", fans, read),
        *scores("labelled messages of creators", creators, read),
        *(
            score
            for kind in kinds
            for score in scores(f"hard: {kind}", [case for case in hard if case.kind == kind])[:1]
        ),
        *languages(),
    ]


def languages() -> list[Score]:
    """The share of texts that are taken for another language: by language, and of English."""
    lines: dict[str, list[str]] = defaultdict(list)
    for language, text in other_languages(OTHER_LANGUAGES):
        lines[language].append(text)
    own = [case.text for case in (*held_out_tweets(HELD_OUT), *hard_lines(HARD_LINES))]
    sets = [
        *((f"lines in {language}", texts) for language, texts in lines.items()),
        ("held-out tweets, hard lines", own),
        ("real chats, the half whose words are not listed", _real_chats()),
    ]
    found = [(data, sum(map(is_other, texts)), len(texts)) for data, texts in sets]
    return [
        Score("language", data, "share taken for another language", told / n, n, f"{told:,} texts")
        for data, told, n in found
    ]


def other_languages(path: Path) -> list[tuple[str, str]]:
    """Language (ISO 639-1, or that of other scripts together) and text."""
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [(language, text) for language, text in rows]


def _real_chats() -> list[str]:
    """The distinct texts that no word of `enrich/english.txt` was counted in: half of them, by their hash."""
    chats = orjson.loads((files("chitchat_dataset") / "dataset.json").read_bytes())
    said = {
        message["text"].encode("utf-8", "ignore").decode()
        for chat in chats.values()
        for turn in chat["messages"]
        for message in turn
    }
    return sorted(text for text in said if hashlib.sha256(text.encode()).digest()[0] % 2 == 0)


def held_out_tweets(path: Path) -> list[Case]:
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [Case(text, label, float(rating)) for label, rating, text in rows]


def labelled_messages(path: Path) -> list[Case]:
    """Those with a label, without the texts that the heads were trained on."""
    trained = {each.text.strip().casefold() for each in (*read_lines(), *read_messages())}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return [
        Case(
            row["text"],
            row["sentiment"],
            LABELS.index(row["sentiment"]) - 1,
            direction="creator" if row["direction"] == "creator" else "fan",
            id=row["id"],
        )
        for row in rows
        if row["sentiment"] is not None and row["text"].strip().casefold() not in trained
    ]


def hard_lines(path: Path) -> list[Case]:
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [Case(text, label, LABELS.index(label) - 1, kind) for kind, label, text in rows]


def read_in(labelled: Sequence[LabelledChat]) -> dict[str, float | None]:
    """The sentiment of each message that has text, read in its conversation, by its id."""
    said, before = spoken_in(labelled)
    texts, writers = [each.text for each in said], [each.direction for each in said]
    found = sentiment(texts, writers, encode(texts).logits, before=before)
    return {message.id: its for message, its in zip(said, found, strict=True)}


def scores(data: str, cases: Sequence[Case], read: Mapping[str, float | None] | None = None) -> list[Score]:
    """Each measure of the sentiments and, beside it, of VADER; none where there is no case.

    `read` are the sentiments by the cases' ids; None: each is read alone.
    """
    if not cases:
        return []
    texts = [case.text for case in cases]
    if read is None:
        found = sentiment(texts, [case.direction for case in cases], encode(texts).logits)
    else:
        found = [read[case.id] for case in cases]
    vader = SentimentIntensityAnalyzer()
    ours = _figures(cases, [None if score is None else 2 * score - 1 for score in found], _OURS)
    theirs = _figures(cases, [vader.polarity_scores(text)["compound"] for text in texts], _VADERS)
    return [
        Score("sentiment", data, name, value, n, f"VADER {other:.2f}")
        for name, (value, n), (other, _) in zip(_MEASURES, ours, theirs, strict=True)
        if n
    ]


def _figures(
    cases: Sequence[Case], polarities: Iterable[float | None], cut: float
) -> list[tuple[float, int]]:
    """Value and number of cases of each of `_MEASURES`; no case where it is not defined."""
    pairs = list(zip(cases, polarities, strict=True))
    said = [_label(polarity, cut) for _, polarity in pairs]
    right = [case.label == label for (case, _), label in zip(pairs, said, strict=True)]
    felt = [
        polarity is not None and polarity * (LABELS.index(case.label) - 1) > 0
        for case, polarity in pairs
        if case.label != "neutral"
    ]
    read = [(case.rating, polarity) for case, polarity in pairs if polarity is not None]
    f1 = f1_score([case.label for case in cases], said, labels=LABELS, average="macro", zero_division=0)
    varied = len({rating for rating, _ in read}) > 1 and len({polarity for _, polarity in read}) > 1
    return [
        (sum(right) / len(right), len(right)),
        (float(f1), len(right)),
        (sum(felt) / max(1, len(felt)), len(felt)),
        (float(np.corrcoef(np.array(read).T)[0, 1]), len(read)) if varied else (0.0, 0),
    ]


def _label(polarity: float | None, cut: float) -> str:
    if polarity is None:
        return "none"
    return LABELS[1 + (polarity > cut) - (polarity < -cut)]
