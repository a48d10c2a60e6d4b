"""What is searched for, and where a page of what was found ends. Pure."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

from chats.message import Direction
from errors import InvalidInput

Mode = Literal["words", "meaning", "both"]
Mood = Literal["negative", "neutral", "positive"]

MOODS: Final[dict[Mood, tuple[float, float]]] = {  # sentiment, [from, below)
    "negative": (-1.0, 0.4),
    "neutral": (0.4, 0.6),
    "positive": (0.6, 2.0),
}
MOST_WORDS: Final = 64  # of a query are looked for
# What no text is searched by, and what SQLite and JSON mind: replaced one by one, so that places stay.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages are meant; None: all. Times are epoch seconds, [start, end)."""

    start: float | None = None
    end: float | None = None
    fan_id: str | None = None
    chat_id: str | None = None
    topic: str | None = None  # its id, or its label as it is shown
    action: str | None = None
    mood: Mood | None = None
    direction: Direction | None = None
    corrections: bool = True  # topics, actions and moods as people have corrected them, or as models said


@dataclass(frozen=True, slots=True)
class Question:
    """A search: text as somebody typed it, and a page of what is found."""

    text: str
    mode: Mode = "both"
    filters: Filters = Filters()
    limit: int = 20
    cursor: str | None = None

    @property
    def words(self) -> list[str]:
        """The words to look for, as typed: nothing in them is an operator."""
        typed = (word for word in readable(self.text).split() if any(map(str.isalnum, word)))
        return list(dict.fromkeys(typed))[:MOST_WORDS]

    @property
    def digest(self) -> str:
        """Tells this search from another one, whatever page of it is asked for."""
        asked = repr((self.text, self.mode, self.filters)).encode("utf-8", "replace")
        return blake2b(asked, digest_size=8).hexdigest()


class Place(NamedTuple):
    """Behind a hit: its slot, its place in the order, and the last slot there was when the search began."""

    slot: int
    at: int
    last: int

    def text(self, question: Question) -> str:
        return base64.urlsafe_b64encode(json.dumps([*self, question.digest]).encode()).decode()


def place_of(question: Question) -> Place | None:
    """Where the page of a question begins; InvalidInput when its cursor is not of this search."""
    if question.cursor is None:
        return None
    try:
        found: Any = json.loads(base64.urlsafe_b64decode(question.cursor))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    match found:
        case [int(slot), int(at), int(last), str(digest)] if digest == question.digest and _are_small(found):
            return Place(slot, at, last)
    reason = "is not the `next` of an answer to this search; leave it out to begin with the first page"
    raise InvalidInput(f"cursor {reason}", detail=[{"field": "cursor", "reason": reason}])


def _are_small(numbers: list[Any]) -> bool:
    return all(0 <= each < 2**62 for each in numbers[:3])


def readable(text: str) -> str:
    """The text with U+FFFD for each character that is none to read. As long as it was."""
    return _UNREADABLE.sub("\ufffd", text)


def fused(*rankings: list[int]) -> dict[int, float]:
    """The score of each slot by reciprocal rank fusion (Cormack et al., 2009, k = 60)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, slot in enumerate(ranking, start=1):
            scores[slot] = scores.get(slot, 0.0) + score_of(rank)
    return scores


def score_of(rank: int) -> float:
    """What a place in one ranking, the first is 1, adds to a score."""
    return 1.0 / (60 + rank)
