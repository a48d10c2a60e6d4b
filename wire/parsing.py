"""JSON read tolerantly, and in steps where it is large.

A byte order mark is passed over, a lone surrogate reads as U+FFFD, and NaN and Infinity read as null.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Sized
from functools import partial
from typing import Any

import orjson

from steps import Steps

Json = bytes | memoryview

PIECE = 256 * 1024  # bytes of a list that are parsed at a time: one or two milliseconds
CUTS = 100  # places where a piece may end that are tried before the body is parsed as a whole
NESTED = 5  # objects in objects whose fields are read one by one

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(rb"[ \t\r\n]*")
_KEY = re.compile(rb'("(?:[^"\\]++|\\.)*+")[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[-+.\w]++', re.DOTALL)
_NEXT = re.compile(rb"[ \t\r\n]*([,}])[ \t\r\n]*")
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")  # two rows, or what looks like it


class Rows(Sized, Iterable[Any]):
    """A list that is read anew each time that it is gone through, and never in memory as a whole."""

    def __init__(self, count: int, read: Callable[[], Iterator[Any]]) -> None:
        self._count = count
        self._read = read

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return self._read()


def parse_json(data: Json | str) -> Any:
    """The value. ValueError(position) when it is not JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        position = error.pos
    # Tolerantly, and slower by far.
    text = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_int=_integer, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        raise ValueError(position) from None
    return _without_surrogates(value)


def _integer(digits: str) -> int | float:
    """As orjson reads it: one of more than 64 bits, which nothing writes, as a float."""
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 64 else float(digits)


def parsing(data: Json, *, lazily: Collection[str] = ()) -> Steps[Any]:
    """The same in steps: long lists of objects are parsed in pieces.

    What is read in no other way than as a whole is: odd JSON, and one huge value. Lists in fields that are
    named in `lazily`, but for those inside of rows, are Rows of the data.
    """
    if len(data) > PIECE:
        try:
            value, end = yield from _value(data, _after_space(data, 0), 0, lazily, False)
            if _after_space(data, end) == len(data):
                return value
        except (ValueError, IndexError):
            pass
    return parse_json(data)


def _value(data: Json, at: int, depth: int, lazily: Collection[str], is_lazy: bool) -> Steps[tuple[Any, int]]:
    """The value that begins there, and where it ends. ValueError or IndexError: not read in pieces."""
    first = data[at : at + 1]
    if first == b"[":
        return (yield from _list(data, at, is_lazy))
    if first == b"{" and depth < NESTED:
        return (yield from _object(data, at, depth, lazily))
    if (found := _SCALAR.match(data, at)) is None:
        raise ValueError
    return orjson.loads(found[0]), found.end()


def _object(data: Json, at: int, depth: int, lazily: Collection[str]) -> Steps[tuple[dict[str, Any], int]]:
    value: dict[str, Any] = {}
    at = _after_space(data, at + 1)
    if data[at : at + 1] == b"}":
        return value, at + 1
    while True:
        if (found := _KEY.match(data, at)) is None or (key := orjson.loads(found[1])) in value:
            raise ValueError
        value[key], at = yield from _value(data, found.end(), depth + 1, lazily, key in lazily)
        if (following := _NEXT.match(data, at)) is None:
            raise ValueError
        at = following.end()
        if following[1] == b"}":
            return value, at


def _list(data: Json, at: int, is_lazy: bool) -> Steps[tuple[list[Any] | Rows, int]]:
    """A list, piece by piece, and where it ends."""
    rows: list[Any] = []
    pieces: list[tuple[int, int]] = []  # where each begins and ends
    count, at = 0, at + 1
    while True:
        found, end, cut = yield from _piece(data, at)
        count += len(found)
        pieces.append((at, end))
        if not is_lazy:
            rows += found
        if cut is None:
            return (Rows(count, partial(_again, data, pieces)) if is_lazy else rows), end + 1
        at = cut.end()


def _again(data: Json, pieces: Sequence[tuple[int, int]]) -> Iterator[Any]:
    for start, end in pieces:
        yield from orjson.loads(b"[" + data[start:end] + b"]")


def _piece(data: Json, at: int) -> Steps[tuple[list[Any], int, re.Match[bytes] | None]]:
    """The items of a piece of a list, where it ends, and the cut behind it; no cut: the list ends there.

    A piece is begun where an item begins. When it reads as a list by itself, it ends where an item ends: any
    bracket or quote that it opened is closed in it, and it closes none that it did not open. Else the cut was
    inside of an item, and one of the next is tried.
    """
    begin = at + PIECE
    for _ in range(CUTS):
        yield
        cut = _BETWEEN.search(data, begin)
        end = len(data) if cut is None else cut.start() + 1
        piece = b"[" + data[at:end]
        if cut is not None:
            try:
                return orjson.loads(piece + b"]"), end, cut
            except orjson.JSONDecodeError:
                begin = cut.end()
        if (length := _closed(piece)) is not None:
            return orjson.loads(piece[:length]), at + length - 2, None
        if cut is None:
            break
    raise ValueError


def _closed(piece: bytes) -> int | None:
    """The bytes of the list that a piece begins with, where it ends in the piece."""
    try:
        orjson.loads(piece)
    except orjson.JSONDecodeError as error:
        # The first character that is too much; positions count characters.
        length = len(piece.decode()[: error.pos + 1].encode())
    else:
        return len(piece)
    end = piece.rfind(b"]", 0, length) + 1
    try:
        orjson.loads(piece[:end])
    except orjson.JSONDecodeError:
        return None
    return end


def _after_space(data: Json, at: int) -> int:
    found = _SPACE.match(data, at)
    assert found is not None, "no space is space too"
    return found.end()


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return value
