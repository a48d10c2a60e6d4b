"""Rows as columns: what metrics of many rows are computed from. Pure.

A table has as many values in each of its columns as it has rows: numbers, strings as codes of a dictionary,
strings that hardly repeat as one text, or a table of its own a row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import Any, Final, Self, TypeVar, Union, cast, overload

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
NOT_KNOWN: Final = np.iinfo(np.int64).min  # in place of a time that is not known


class Dictionary(dict[str, int]):
    """Gives strings codes, from 0 on, in the order in which they are asked for."""

    def __init__(self) -> None:
        self.values_: list[str] = []

    def __missing__(self, value: str) -> int:
        code = self[value] = len(self.values_)
        self.values_.append(value)
        return code

    def coded(self, values: Iterable[str]) -> "Coded":
        return Coded(np.fromiter(map(self.__getitem__, values), np.int32), self.values_)


class Text(Sequence[str]):
    """Strings in one piece of memory: number n lies from `bounds[n]` up to `bounds[n + 1]`, in UTF-8."""

    __slots__ = ("bounds", "joined")

    def __init__(self, joined: Numbers, bounds: Numbers) -> None:
        self.joined = joined
        self.bounds = bounds

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        parts = [each.encode("utf-8", "surrogatepass") for each in values]
        return cls(np.frombuffer(b"".join(parts), np.uint8), _bounds(np.fromiter(map(len, parts), np.int64)))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @overload
    def __getitem__(self, n: int) -> str: ...
    @overload
    def __getitem__(self, n: slice) -> list[str]: ...
    def __getitem__(self, n: int | slice) -> str | list[str]:
        if isinstance(n, slice):
            return [self[each] for each in range(*n.indices(len(self)))]
        if not 0 <= n < len(self):
            raise IndexError(n)
        part = self.joined[self.bounds[n] : self.bounds[n + 1]]
        return part.tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        whole = self.joined.tobytes()
        return (whole[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(self.bounds.tolist()))

    @property
    def are_named(self) -> Numbers:
        """Which are not empty."""
        return np.diff(self.bounds) > 0

    def part(self, start: int, stop: int) -> "Text":
        bounds = self.bounds[start : stop + 1]
        return Text(self.joined[bounds[0] : bounds[-1]], bounds - bounds[0])

    def take(self, places: Numbers) -> "Text":
        bounds, inside = _gathered(self.bounds, places)
        return Text(self.joined[inside], bounds)

    @classmethod
    def concat(cls, parts: Sequence["Text"]) -> "Text":
        return Text(np.concatenate([each.joined for each in parts]), _joined([each.bounds for each in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Strings: number n is `values[codes[n]]`. Two codes may stand for equal strings."""

    codes: Numbers
    values: Sequence[str]

    def __len__(self) -> int:
        return len(self.codes)

    def strings(self) -> list[str]:
        # Of one piece of memory all at once where most are wanted: one by one takes ten times as long.
        is_long = isinstance(self.values, Text) and len(self.values) < 8 * len(self.codes)
        values = list(self.values) if is_long else self.values
        return [values[code] for code in self.codes.tolist()]

    @property
    def are_named(self) -> Numbers:
        """Which are not empty."""
        if isinstance(self.values, Text):
            return self.values.are_named[self.codes]
        return self.of_values([value != "" for value in self.values], np.bool_)

    def of_values(self, of: Sequence[Any], dtype: Any) -> Numbers:
        """A number for each string, from one for each of `values`."""
        return np.asarray(of, dtype)[self.codes] if len(self.values) else np.zeros(0, dtype)

    def is_any(self, strings: Iterable[str]) -> Numbers:
        """Which are one of these strings."""
        wanted = frozenset(strings)
        return self.of_values([value in wanted for value in self.values], np.bool_)

    def within(self, dictionary: Dictionary) -> Numbers:
        """The codes that these strings have in a dictionary, which learns those that it lacks."""
        used = self.used()
        own = np.zeros(len(self.values), np.int64)
        own[used] = [dictionary[self.values[code]] for code in used]
        return own[self.codes]

    def without(self, places: Numbers) -> "Coded":
        """The same with empty strings at these places."""
        codes = self.codes.copy()
        codes[places] = len(self.values)
        return Coded(codes, [*self.values, ""])

    def used(self) -> list[int]:
        """The codes that are there, in rising order."""
        there = np.zeros(len(self.values), np.bool_)
        there[self.codes] = True
        return np.flatnonzero(there).tolist()

    def part(self, start: int, stop: int) -> "Coded":
        return Coded(self.codes[start:stop], self.values)

    def take(self, places: Numbers) -> "Coded":
        return Coded(self.codes[places], self.values)

    def compact(self) -> "Coded":
        """The same without the strings that none of them is, where these are many.

        What is one piece of memory stays: several columns have it, and are compared by their codes.
        """
        if isinstance(self.values, Text) or len(self.values) <= len(self.codes) + 64:
            return self
        used = self.used()
        codes = np.zeros(len(self.values), np.int32)
        codes[used] = np.arange(len(used))
        return Coded(codes[self.codes], [self.values[code] for code in used])

    @classmethod
    def concat(cls, parts: Sequence["Coded"]) -> "Coded":
        first = parts[0]
        if all(each.values is first.values for each in parts):
            return cls(np.concatenate([each.codes for each in parts]), first.values)
        dictionary = Dictionary()
        codes = np.concatenate([each.within(dictionary) for each in parts])
        return cls(codes.astype(np.int32), dictionary.values_)


@dataclass(frozen=True, slots=True, eq=False)
class Nested:
    """A table a row: row n has the rows from `bounds[n]` up to `bounds[n + 1]` of `table`."""

    bounds: Numbers
    table: "Table"

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Numbers:
        return np.diff(self.bounds)

    @property
    def parents(self) -> Numbers:
        """The row that each row of `table` belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def part(self, start: int, stop: int) -> "Nested":
        bounds = self.bounds[start : stop + 1]
        return Nested(bounds - bounds[0], self.table.part(int(bounds[0]), int(bounds[-1])))

    def take(self, places: Numbers) -> "Nested":
        bounds, inside = _gathered(self.bounds, places)
        return Nested(bounds, self.table.take(inside))

    @classmethod
    def concat(cls, parts: Sequence["Nested"]) -> "Nested":
        return cls(_joined([each.bounds for each in parts]), Table.concat([each.table for each in parts]))


Column = Union[Numbers, Coded, Text, Nested]  # noqa: UP007  # a name of what is defined further down
T = TypeVar("T", Coded, Text, Nested)


class Table:
    """Columns by their names, all of one length."""

    __slots__ = ("_n", "columns")

    def __init__(self, n: int, columns: Mapping[str, Column]) -> None:
        self._n = n
        self.columns = columns

    def __len__(self) -> int:
        return self._n

    def numbers(self, name: str) -> Numbers:
        return cast(Numbers, self.columns[name])

    def coded(self, name: str) -> Coded:
        return self._as(name, Coded)

    def text(self, name: str) -> Text:
        return self._as(name, Text)

    def nested(self, name: str) -> Nested:
        return self._as(name, Nested)

    def _as(self, name: str, kind: type[T]) -> T:
        found = self.columns[name]
        assert isinstance(found, kind), f"{name} is no column of that kind"
        return found

    def part(self, start: int, stop: int) -> "Table":
        """The rows from `start` up to `stop`; nothing is copied."""
        if (start, stop) == (0, self._n):
            return self
        return Table(max(0, stop - start), {k: _part(v, start, stop) for k, v in self.columns.items()})

    def take(self, places: Numbers) -> "Table":
        """The rows at these places, in this order."""
        return Table(len(places), {k: _take(v, places) for k, v in self.columns.items()})

    def where(self, mask: Numbers) -> "Table":
        """The rows for which it holds."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def only(self, names: Iterable[str]) -> "Table":
        """These columns alone."""
        return Table(self._n, {name: self.columns[name] for name in names})

    def compact(self) -> "Table":
        """The same without the strings of dictionaries that no row has; for it to go elsewhere."""
        return Table(self._n, {k: _compact(v) for k, v in self.columns.items()})

    @classmethod
    def concat(cls, tables: Sequence["Table"]) -> "Table":
        """The rows of all, one table after the other. They are one at least, of the same columns."""
        if len(tables) == 1:
            return tables[0]
        names = tables[0].columns
        n = sum(map(len, tables))
        return cls(n, {name: _concat([each.columns[name] for each in tables]) for name in names})


def spans(starts: Numbers, lengths: Numbers) -> Numbers:
    """The whole numbers from each start on, so many of each."""
    ends = np.cumsum(lengths)
    first: Numbers = np.repeat(starts - (ends - lengths), lengths)
    return first + np.arange(len(first))


def distinct(*numbers: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct combinations of whole numbers: the first place of each, and which one each place has."""
    key = np.zeros(len(numbers[0]), np.int64)
    for each in numbers if len(key) else ():
        least = int(each.min())
        key = key * (int(each.max()) - least + 1) + (each - least)
    size = int(key.max(initial=0)) + 1
    if size > 4 * len(key) + 65_536:
        _, places, which = np.unique(key, return_index=True, return_inverse=True)
        return places, which
    first = np.full(size, len(key), np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]  # of what is assigned several times the last one stays
    there = np.flatnonzero(first < len(key))
    rank = np.zeros(size, np.int64)
    rank[there] = np.arange(len(there))
    return first[there], rank[key]


def joined(names: Coded, others: Coded) -> Numbers:
    """Of each of the others the place of the same name; -1: there is none."""
    if names.values is not others.values:
        dictionary = Dictionary()
        of, codes = names.within(dictionary), others.within(dictionary)
        size = len(dictionary)
    else:
        of, codes, size = names.codes, others.codes, len(names.values)
    place = np.full(size, -1, np.int64)
    place[of] = np.arange(len(of))
    return place[codes]


def without_repeats(numbers: Numbers) -> Numbers:
    """The numbers in rising order, each once."""
    ordered = np.sort(numbers)  # of whole numbers this is a fraction of what `np.unique` takes
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def grouped(codes: Numbers, n: int) -> list[Numbers]:
    """The places of each code from 0 to `n` - 1, in rising order."""
    counts = np.bincount(codes, minlength=n)
    return np.split(_by_code(codes, n), np.cumsum(counts)[:-1]) if n else []


def _by_code(codes: Numbers, n: int) -> Numbers:
    """The places by their codes from 0 to `n` - 1, those of one code in rising order."""
    # Few are sorted in linear time.
    return np.argsort(codes.astype(np.uint16 if n <= 1 << 16 else np.int64), kind="stable")


def sums(numbers: Numbers, which: Numbers, n: int) -> Numbers:
    """The sum of the numbers of each kind from 0 to `n` - 1, rounded once, as `fsum` rounds it."""
    found = np.bincount(which, numbers, minlength=n)  # rounds once where there are two
    counts = np.bincount(which, minlength=n)
    many = np.flatnonzero(counts > 2)
    if not len(many):
        return found
    inside = np.flatnonzero((counts > 2)[which])
    ordered, bounds = numbers[inside[_by_code(which[inside], n)]], _bounds(counts[many])
    # Summed with more digits; what is rounded alike at both ends of the error is what the exact sum is.
    wide = np.add.reduceat(ordered.astype(np.longdouble), bounds[:-1])
    error = np.finfo(np.longdouble).eps * counts[many] * np.add.reduceat(np.abs(ordered), bounds[:-1])
    low, high = (wide - error).astype(np.float64), (wide + error).astype(np.float64)
    found[many] = low
    for place in np.flatnonzero(low != high).tolist():
        found[many[place]] = fsum(ordered[bounds[place] : bounds[place + 1]].tolist())
    return found


def _bounds(lengths: Numbers) -> Numbers:
    found = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=found[1:])
    return found


def _gathered(bounds: Numbers, places: Numbers) -> tuple[Numbers, Numbers]:
    starts, lengths = bounds[:-1][places], np.diff(bounds)[places]
    return _bounds(lengths), spans(starts, lengths)


def _joined(bounds: Sequence[Numbers]) -> Numbers:
    return _bounds(np.concatenate([np.diff(each) for each in bounds]))


def _part(column: Column, start: int, stop: int) -> Column:
    return column[start:stop] if isinstance(column, np.ndarray) else column.part(start, stop)


def _take(column: Column, places: Numbers) -> Column:
    return column[places] if isinstance(column, np.ndarray) else column.take(places)


def _compact(column: Column) -> Column:
    if isinstance(column, Nested):
        return Nested(column.bounds, column.table.compact())
    return column.compact() if isinstance(column, Coded) else column


def _concat(columns: Sequence[Column]) -> Column:
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(cast(Sequence[Numbers], columns))
    return type(columns[0]).concat(columns)  # type: ignore[arg-type]  # all are of one kind
