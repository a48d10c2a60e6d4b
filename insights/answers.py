"""Answers that are given again while nothing changed that they are about."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

MOST: Final = 32 << 20  # bytes of answers that are kept
HOLDS: Final = 60.0  # seconds: what follows from the time, such as a priority, is no older than that


class _Kept(NamedTuple):
    until: float
    version: Hashable
    answer: bytes


class Answers:
    """Those of one process, by question. Each says itself of which moment it is (`as_of`)."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()  # the last one used is last
        self.size = 0  # in bytes

    def get(self, question: Hashable, version: Hashable) -> bytes | None:
        """The answer to the question, where it is of this version and not too old."""
        self._forget()
        kept = self._kept.get(question)
        if kept is None:
            return None
        if kept.version != version:
            self._drop(question)
            return None
        self._kept.move_to_end(question)
        return kept.answer

    def put(self, question: Hashable, version: Hashable, answer: bytes) -> None:
        """Keep an answer of this version, or of a later one."""
        self._drop(question)
        self._kept[question] = _Kept(self._seconds() + HOLDS, version, answer)
        self.size += len(answer)
        while self.size > self._most:
            self._drop(next(iter(self._kept)))

    def _forget(self) -> None:
        """Drop all that are too old, asked for or not: they may be about somebody who was erased."""
        now = self._seconds()
        for question in [question for question, kept in self._kept.items() if now >= kept.until]:
            self._drop(question)

    def _drop(self, question: Hashable) -> None:
        if (kept := self._kept.pop(question, None)) is not None:
            self.size -= len(kept.answer)
