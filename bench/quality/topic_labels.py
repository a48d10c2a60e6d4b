"""Whether topics are called what a person calls them: real chats that people named, against the labels.

`data/topic_labels.tsv` has a line a topic: the half of the chats, the reader, three windows as chat and
position, and words that the reader would accept in a label, having read the windows. A topic's label is right
when one of its words is among them; a topic is that which most of the windows have first of all.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.quality.score import Score
from enrich.topics.model import Documents, TopicModel, fit

_FILE = Path(__file__).parent / "data" / "topic_labels.tsv"


class _Named(NamedTuple):
    half: str  # of the real chats: "unseen" or "seen"
    reader: str
    windows: tuple[tuple[str, int], ...]
    words: frozenset[str]


def measure(unseen: Documents, seen: Documents) -> list[Score]:
    labels = {"unseen": _labels(unseen), "seen": _labels(seen)}
    named = _read()
    found = []
    for reader in sorted({each.reader for each in named}):
        own = [each for each in named if each.reader == reader]
        right = sum(_is_right(each, labels[each.half]) for each in own)
        found.append(
            Score(
                "topics", "real chats, discovered topics", f"share with a label that reader {reader} accepts",
                right / len(own), len(own), "read with the labels beside them",
            )
        )  # fmt: skip
    return found


def _read() -> list[_Named]:
    found = []
    for line in _FILE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            half, reader, windows, words = line.split("\t")
            places = (each.rpartition("@") for each in windows.split(" "))
            at = tuple((chat, int(start)) for chat, _, start in places)
            found.append(_Named(half, reader, at, frozenset(words.split(", "))))
    return found


def _labels(documents: Documents) -> dict[tuple[str, int], str]:
    """The label of the discovered topic that each window is nearest to, where it has one."""
    model = fit("creator", documents)
    return {
        (window.chat_id, window.rows.start): label
        for window, label in zip(documents.windows, nearest(model, documents), strict=True)
        if label
    }


def nearest(model: TopicModel, documents: Documents) -> list[str]:
    """The label of each window's nearest discovered topic; empty where it has none."""
    near = np.where(model.matches(documents.vectors), model.similarity(documents.vectors), -1.0)
    near[:, : len(model.topics) - model.discovered] = -1.0
    best = near.argmax(axis=1)
    return [
        model.topics[topic].label if row[topic] >= 0 else "" for row, topic in zip(near, best, strict=True)
    ]


def _is_right(named: _Named, labels: dict[tuple[str, int], str]) -> bool:
    said: Sequence[str] = [labels[each] for each in named.windows if each in labels]
    if not said:
        return False
    [(label, _)] = Counter(said).most_common(1)
    return bool(named.words & set(re.findall(r"\w+", label.lower())))
