"""Values kept in order and exact sums, from which a value can be taken again. Pure."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, MutableSequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from insights.columns import Numbers

CHUNK = 2_048  # values; twice as many are cut in two
_ONE = 1 << 1074  # every finite float is a whole number of its parts

T = TypeVar("T")


class InOrder(Protocol):
    """Numbers in rising order."""

    def __len__(self) -> int: ...

    def __getitem__(self, n: int) -> float:
        """The number with `n` numbers before it."""
        ...

    def up_to(self, value: float) -> int:
        """How many numbers are no greater."""
        ...


class Sorted:
    """Numbers in rising order that stay as they are."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = np.sort(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, n: int) -> float:
        return float(self.numbers[n])

    def up_to(self, value: float) -> int:
        return int(np.searchsorted(self.numbers, value, side="right"))


class Ordered(Generic[T]):
    """Values in rising order, equal ones as often as they were added.

    Adding, taking away, finding and counting cost what one chunk does, and a little for each `CHUNK` values.
    `kind` is the type code of an array, 8 bytes a number, or "" for values of any type.
    """

    __slots__ = ("_chunks", "_lasts", "_length")

    def __init__(self, kind: str, values: Iterable[T] = ()) -> None:
        ordered = sorted(values)  # type: ignore[type-var]  # T compares: an unordered one fails here
        self._chunks: list[MutableSequence[Any]] = [
            _chunk(kind, ordered[start : start + CHUNK]) for start in range(0, len(ordered), CHUNK)
        ] or [_chunk(kind, [])]
        self._lasts: list[Any] = [chunk[-1] for chunk in self._chunks if chunk]  # but of a lone empty chunk
        self._length = len(ordered)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, n: int) -> T:
        """The value with `n` values before it; IndexError when there is none."""
        if not 0 <= n < self._length:
            raise IndexError(n)
        if n > self._length // 2:  # from the end
            back = self._length - n
            for chunk in reversed(self._chunks):
                if back <= len(chunk):
                    return chunk[-back]  # type: ignore[no-any-return]
                back -= len(chunk)
        for chunk in self._chunks:
            if n < len(chunk):
                return chunk[n]  # type: ignore[no-any-return]
            n -= len(chunk)
        raise AssertionError("the chunks hold fewer values than were counted")

    def add(self, value: T) -> None:
        n = min(bisect_right(self._lasts, value), len(self._chunks) - 1)
        chunk = self._chunks[n]
        insort(chunk, value)
        if self._lasts:
            self._lasts[n] = chunk[-1]
        else:
            self._lasts.append(value)
        self._length += 1
        if len(chunk) >= 2 * CHUNK:
            self._chunks.insert(n + 1, chunk[CHUNK:])
            del chunk[CHUNK:]
            self._lasts.insert(n, chunk[-1])

    def remove(self, value: T) -> None:
        """Take one such value away; ValueError when there is none."""
        n = bisect_left(self._lasts, value)
        chunk = self._chunks[n] if n < len(self._chunks) else []
        at = bisect_left(chunk, value)
        if at == len(chunk) or chunk[at] != value:
            raise ValueError(f"{value!r} is not among the values")
        del chunk[at]
        self._length -= 1
        if chunk:
            self._lasts[n] = chunk[-1]
        else:
            del self._lasts[n]
            if len(self._chunks) > 1:
                del self._chunks[n]

    def below(self, value: Any) -> int:
        """How many values are less."""
        n = bisect_left(self._lasts, value)
        return self._before(n) + (bisect_left(self._chunks[n], value) if n < len(self._chunks) else 0)

    def up_to(self, value: Any) -> int:
        """How many values are no greater."""
        n = bisect_right(self._lasts, value)
        return self._before(n) + (bisect_right(self._chunks[n], value) if n < len(self._chunks) else 0)

    def between(self, start: Any, end: Any) -> list[T]:
        """The values from `start`, and below `end`, in rising order."""
        found: list[T] = []
        for n in range(bisect_left(self._lasts, start), len(self._chunks)):
            chunk = self._chunks[n]
            first, last = bisect_left(chunk, start), bisect_left(chunk, end)
            found.extend(chunk[first:last])
            if last < len(chunk):
                break
        return found

    def __iter__(self) -> Iterator[T]:
        for chunk in self._chunks:
            yield from chunk

    def __reversed__(self) -> Iterator[T]:
        for chunk in reversed(self._chunks):
            yield from reversed(chunk)

    def _before(self, n: int) -> int:
        return sum(map(len, self._chunks[:n]))


def _chunk(kind: str, values: list[Any]) -> MutableSequence[Any]:
    return array(kind, values) if kind else values


class ExactSum:
    """The sum of floats, rounded once, as `fsum` gives it; a term can be taken away again."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = 0

    def add(self, value: float, sign: int = 1) -> None:
        """Add a finite value, or with `sign` -1 take it away."""
        numerator, denominator = value.as_integer_ratio()
        self._parts += sign * (numerator * (_ONE // denominator))

    @property
    def total(self) -> float:
        return self._parts / _ONE
