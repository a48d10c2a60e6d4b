"""Who said something when in a conversation as one text, which is how its vertex has it. Pure.

Messages are joined by semicolons: the whole epoch second, cut off, a letter for the kind, and the sender
where that is known, as in `1740823200f;1740823260canna`. Answers are joined by semicolons, and what is said
of each by commas: the second at which the fan's run began, the seconds until the answer, its sender or
nothing. What an outcome follows is the second at which it was sent and its sender or nothing, or is empty.
Ids of senders have neither of these signs (`wire.fields.SENDER_ID`).
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from chats.conversation import Figures, Said

_LETTERS: Final = {"fan": "f", "creator": "c", "mass": "m"}
_KINDS: Final[dict[str, Literal["fan", "creator", "mass"]]] = {"f": "fan", "c": "creator", "m": "mass"}
_MESSAGE: Final = re.compile(r"(-?\d+)([fcm])(.*)")


class Answered(NamedTuple):
    """A fan run that was answered. `asked_at` is an epoch second."""

    asked_at: int
    seconds: float  # until the answer
    sender_id: str | None = None  # who of the creator's team sent that; None: no message says so

    @property
    def answered_at(self) -> int:
        return self.asked_at + int(self.seconds)


def said_text(said: Iterable[Said]) -> str:
    """The messages as text; empty when there are none."""
    return ";".join(f"{int(each.at)}{_LETTERS[each.kind]}{each.sender_id or ''}" for each in said)


def read_said(text: str) -> list[Said]:
    """The messages of a text that `said_text` made."""
    found = (_MESSAGE.fullmatch(each) for each in text.split(";")) if text else ()
    return [Said(int(each[1]), _KINDS[each[2]], each[3] or None) for each in found if each is not None]


def answers_text(figures: Figures) -> str:
    """The answers to the fan runs of a conversation as text; empty when there are none."""
    return ";".join(
        f"{int(answer.asked_at)},{seconds:.15g},{answer.sender_id or ''}"
        for answer, seconds in zip(figures.answers, figures.response_seconds, strict=True)
    )


def read_answers(text: str) -> list[Answered]:
    """The answers of a text that `answers_text` made."""
    return [_answered(*each.split(",")) for each in text.split(";")] if text else []


def followed_text(at: float | None, sender_id: str | None) -> str:
    """The message that an outcome follows as text; empty when there is none (no time)."""
    return "" if at is None else f"{int(at)},{sender_id or ''}"


def read_followed(text: str) -> tuple[int, str | None] | None:
    """When the message of a text that `followed_text` made was sent, and by whom; None: there is none."""
    at, _, sender = text.partition(",")
    return (int(at), sender or None) if at else None


def _answered(asked_at: str, seconds: str, sender: str) -> Answered:
    return Answered(int(asked_at), float(seconds), sender or None)
