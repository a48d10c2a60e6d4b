"""What was said in a conversation just before a message, for heads that read it in this context. Pure.

The context are the direct messages before it that the same model reads, WITHIN of them at most, of both
sides. A text in another language is read alone and belongs to no context, and so is a broadcast. What is told
here of a message depends on these few alone, and is the same to the bit in any company.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chats.message import Direction, Message
from enrich.language.identify import ENGLISH

WHOSE: Direction = "fan"  # messages are read in context; what creators write is read no better by it
WITHIN = 6  # messages
_FADES = 0.8  # what a message counts for against the one behind it
_READ = (None, ENGLISH)  # languages: of texts without words, too

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Preceding:
    """What precedes each of some texts, the nearest first. All are [texts, WITHIN]."""

    rows: NDArray[np.intp]  # its row among the texts; -1: nobody, or somebody who is not among them
    by_own: Flags  # whether the same side said it
    by_other: Flags

    @property
    def places(self) -> Floats:
        """Whether anything precedes each text, and whether the nearest is of the same side [texts, 2]."""
        own, other = self.by_own[:, 0], self.by_other[:, 0]
        return np.stack([own | other, own], axis=1).astype(np.float64)

    def lately(self, likely: Floats, *, by_own: bool) -> Floats:
        """How likely it is that one of one side's texts before each showed it, those further back less so.

        `likely` [texts, k] is how likely each text shows each of some things.
        """
        padded = np.concatenate([likely, np.zeros((1, likely.shape[1]))])  # the last row is nobody's
        counts = self.by_own if by_own else self.by_other
        none_did = np.ones_like(likely)
        for place in range(WITHIN):
            none_did *= 1 - _FADES**place * counts[:, place, None] * padded[self.rows[:, place]]
        return 1 - none_did

    def digests(self, texts: Sequence[str], directions: Sequence[Direction]) -> list[int]:
        """One of what precedes each text: another one where that is another."""
        said = zip(texts, directions, strict=True)
        own = [crc32(f"{by} {text}".encode("utf-8", "replace")).to_bytes(4) for text, by in said]
        return [crc32(b"".join(own[row] for row in rows if row >= 0)) for rows in self.rows.tolist()]


def preceding(conversations: Iterable[Sequence[Message]], tongues: Sequence[str | None]) -> Preceding:
    """Of all of these, each conversation's oldest first; `tongues` are their languages."""
    rows: list[list[int]] = []
    sides: list[list[int]] = []  # 1: the same one
    for messages in conversations:
        before: deque[tuple[int, Direction]] = deque(maxlen=WITHIN)
        for message in messages:
            is_in_context = has_context(message, tongues[len(rows)])
            seen = tuple(before) if is_in_context else ()
            if is_in_context:
                before.appendleft((len(rows), message.direction))
            lacking = [-1] * (WITHIN - len(seen))
            rows.append([row for row, _ in seen] + lacking)
            sides.append([by == message.direction for _, by in seen] + lacking)
    side = np.array(sides, np.int8).reshape(-1, WITHIN)
    return Preceding(np.array(rows, np.intp).reshape(-1, WITHIN), side == 1, side == 0)


def has_context(message: Message, tongue: str | None) -> bool:
    """Whether the message belongs to the context of others, and others to its own."""
    return message.is_direct and tongue in _READ


def alone(texts: int) -> Preceding:
    """Of texts that nothing precedes."""
    shape = texts, WITHIN
    return Preceding(np.full(shape, -1), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_))
