"""Labels that people corrected, read from a file and divided into what is learnt and what is judged. Pure.

The file is JSON Lines, as the service exports corrections. A line has

    label      "sentiment" or "action"; lines with another one ("topic", "outcome") are counted and left out
    text       the message's
    direction  who wrote it: "fan" or "creator"
    corrected  what is right: for a sentiment 0 (negative) to 1, or one of the words negative, neutral and
               positive; for an action the list of all that the message shows

Lines whose text has several lines are left out: a conversation's labels are exported with the texts of its
messages, and heads read one message. A line may have `said` (what the model said), `model`, `at` and
others, which nothing here depends on. Of lines with one label, direction and text the last one counts.

A part is held out by the hash of its text, so it is the same part whenever the file grows, and no version of
the heads has ever seen it. Texts are compared in a plain form (`plain`); of what is not held out, what nearly
says what a text that is held out says is left out.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from chats.message import Direction
from enrich.sentiment.score import FELT, unread
from errors import InvalidInput
from training.labelled import LABELS, Label

LEARNT, HELD_OUT = 40, 15  # texts at least
_HELD_OUT_SHARE = 0.25
_NEAR = 0.6  # of the words of both
_TOLD = FELT / 2  # from the middle of 0..1, beyond which a sentiment is negative or positive
_LONGEST = 1 << 20  # bytes of a line
_TOGETHER = 1_000  # texts that are compared at a time

_WORD = re.compile(r"\w+")
_AGAIN = re.compile(r"(\w)\1+")
_DIGITS = re.compile(r"\d+")
_WHOLE = "of several lines, as a whole conversation is"  # heads read one message
_FIELD = re.compile(r"`(?:\$\.)?(label|text|direction|corrected)`")  # as msgspec names the one that is wrong
_EXPECTED = {
    "label": "label: must be sentiment, action, topic or outcome",
    "text": "text: must be a string",
    "direction": "direction: must be fan or creator",
    "corrected": "corrected: is missing",
    "": "must be an object with label, text, direction and corrected",
}

V = TypeVar("V", Label, frozenset[str])


@dataclass(frozen=True, slots=True)
class Corrected(Generic[V]):
    text: str
    direction: Direction
    value: V
    key: str  # the text in its plain form


@dataclass(frozen=True, slots=True)
class Corrections:
    """What a file has; `left_out` says of how many lines nothing is learnt, by reason."""

    sentiments: tuple[Corrected[Label], ...]
    actions: tuple[Corrected[frozenset[str]], ...]
    left_out: Mapping[str, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class Divided(Generic[V]):
    learnt: tuple[Corrected[V], ...]
    held_out: tuple[Corrected[V], ...]
    near: int  # left out: they nearly say what is held out


class _Line(msgspec.Struct):
    label: str
    text: str
    direction: Direction
    corrected: Any


_DECODER = msgspec.json.Decoder(_Line)


def read(name: str, content: bytes) -> Corrections:
    """The corrections of a file; InvalidInput with the line's number, and never with its text."""
    sentiments: dict[tuple[Direction, str], Corrected[Label]] = {}
    actions: dict[tuple[Direction, str], Corrected[frozenset[str]]] = {}
    left_out: Counter[str] = Counter()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        row = _row(where, line)
        key = plain(row.text)
        place = (row.direction, row.text)
        match row.label:
            case "sentiment" | "action" if "\n" in row.text.strip():
                left_out[_WHOLE] += 1
            case "sentiment":
                feeling = _feeling(where, row.corrected)
                if why := unread(row.text):
                    left_out["nothing to read" if why == "no_text" else "another language"] += 1
                    continue
                left_out["corrected again"] += place in sentiments
                sentiments[place] = Corrected(row.text, row.direction, feeling, key)
            case "action":
                shown = _actions(where, row.corrected)
                if not row.text.strip():
                    left_out["nothing to read"] += 1
                    continue
                left_out["corrected again"] += place in actions
                actions[place] = Corrected(row.text, row.direction, shown, key)
            case "topic" | "outcome":
                left_out[f"{row.label}: no head learns it"] += 1
            case _:
                raise InvalidInput(f"{where}: {_EXPECTED['label']}.")
    found = {reason: count for reason, count in left_out.items() if count}
    digest = hashlib.sha256(content).hexdigest()
    return Corrections(tuple(sentiments.values()), tuple(actions.values()), found, digest)


def plain(text: str) -> str:
    """The text without what two people write differently: case, marks, repeats, the value of numbers."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _WORD.findall(_AGAIN.sub(r"\1", _DIGITS.sub("0", folded)))
    return " ".join(words) or folded.strip()


def divided(found: Sequence[Corrected[V]], seen: Iterable[str]) -> Divided[V]:
    """What is learnt and what is judged. `seen` are texts that the heads are trained on anyway.

    These are not judged: who has learnt them knows them.
    """
    known = set(map(plain, seen))
    held_out = tuple(each for each in found if is_held_out(each.key) and each.key not in known)
    rest = [each for each in found if not is_held_out(each.key)]
    is_near = _near([each.key for each in rest], [each.key for each in held_out])
    learnt = tuple(each for each, near in zip(rest, is_near, strict=True) if not near)
    return Divided(learnt, held_out, sum(is_near))


def label_of(sentiment: float) -> Label:
    """What a sentiment, 0..1, tells."""
    return LABELS[1 + (sentiment > 0.5 + _TOLD) - (sentiment < 0.5 - _TOLD)]


def is_held_out(key: str) -> bool:
    return hashlib.sha256(key.encode()).digest()[2] < 256 * _HELD_OUT_SHARE


def too_few(what: str, parts: Divided[V]) -> str | None:
    """Why there are too few to retrain with; None: there are enough."""
    learnt, held_out = len(parts.learnt), len(parts.held_out)
    if learnt >= LEARNT and held_out >= HELD_OUT:
        return None
    lacking = max(-(-(LEARNT - learnt) * 4 // 3), (HELD_OUT - held_out) * 4)
    return (
        f"{what}: {learnt} corrections to learn from and {held_out} held out; at least {LEARNT} and "
        f"{HELD_OUT} are needed: about {lacking} more, of other texts"
    )


def _row(where: str, line: bytes) -> _Line:
    if len(line) > _LONGEST:
        raise InvalidInput(f"{where}: is longer than {_LONGEST} bytes.")
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError as error:
        named = _FIELD.search(str(error))
        raise InvalidInput(f"{where}: {_EXPECTED[named[1] if named else '']}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidInput(f"{where}: is no JSON object.") from None


def _feeling(where: str, value: Any) -> Label:
    for label in LABELS:
        if label == value:
            return label
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return label_of(value)
    raise InvalidInput(
        f"{where}: corrected: of a sentiment must be a number from 0 to 1, or {', '.join(LABELS)}."
    )


def _actions(where: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidInput(
            f"{where}: corrected: of an action must be the list of all that the message shows."
        )
    return frozenset(value)


def _near(texts: Sequence[str], others: Sequence[str]) -> list[bool]:
    """Whether each of `texts` has most of its words in common with one of the `others`."""
    if not texts or not others:
        return [False] * len(texts)
    words = CountVectorizer(binary=True, analyzer=str.split).fit([*texts, *others])
    other = words.transform(others)
    sizes = np.asarray(other.sum(axis=1)).ravel()
    found: list[bool] = []
    for start in range(0, len(texts), _TOGETHER):
        one = words.transform(texts[start : start + _TOGETHER])
        shared = (one @ other.T).toarray()
        of_both = np.asarray(one.sum(axis=1)) + sizes - shared
        found += (shared >= _NEAR * of_both).any(axis=1).tolist()
    return found
