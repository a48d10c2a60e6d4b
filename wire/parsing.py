"""JSON read tolerantly, and in steps where it is large.

A byte order mark is passed over, a lone surrogate reads as U+FFFD, and NaN and Infinity read as null.
"""

import json
import re
from typing import Any

import orjson

from wire.steps import Steps

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


def parsing(data: Json) -> Steps[Any]:
    """The same in steps: long lists of objects are parsed in pieces.

    What is read in no other way than as a whole is: odd JSON, and one huge value.
    """
    if len(data) > PIECE:
        try:
            value, end = yield from _value(data, _after_space(data, 0), 0)
            if _after_space(data, end) == len(data):
                return value
        except (ValueError, IndexError):
            pass
    return parse_json(data)


def _value(data: Json, at: int, depth: int) -> Steps[tuple[Any, int]]:
    """The value that begins there, and where it ends. ValueError or IndexError: not read in pieces."""
    first = data[at : at + 1]
    if first == b"[":
        return (yield from _list(data, at))
    if first == b"{" and depth < NESTED:
        return (yield from _object(data, at, depth))
    if (found := _SCALAR.match(data, at)) is None:
        raise ValueError
    return orjson.loads(found[0]), found.end()


def _object(data: Json, at: int, depth: int) -> Steps[tuple[dict[str, Any], int]]:
    value: dict[str, Any] = {}
    at = _after_space(data, at + 1)
    if data[at : at + 1] == b"}":
        return value, at + 1
    while True:
        if (found := _KEY.match(data, at)) is None or (key := orjson.loads(found[1])) in value:
            raise ValueError
        value[key], at = yield from _value(data, found.end(), depth + 1)
        if (following := _NEXT.match(data, at)) is None:
            raise ValueError
        at = following.end()
        if following[1] == b"}":
            return value, at


def _list(data: Json, at: int) -> Steps[tuple[list[Any], int]]:
    """A list, piece by piece.

    A piece is begun where an item begins. When it reads as a list by itself, it ends where an item ends: any
    bracket or quote that it opened is closed in it, and it closes none that it did not open.
    """
    rows: list[Any] = []
    at += 1
    while True:
        yield
        cut = _BETWEEN.search(data, at + PIECE)
        piece = b"[" + (data[at:] if cut is None else data[at : cut.start() + 1])
        try:
            rows += orjson.loads(piece + b"]")
        except orjson.JSONDecodeError:
            if (length := _closed(piece)) is not None:
                rows += orjson.loads(piece[:length])
                return rows, at + length - 1
            found, at = yield from _longer(data, at, cut)
            rows += found
        else:
            if cut is None:
                raise ValueError
            at = cut.end()


def _longer(data: Json, at: int, cut: re.Match[bytes] | None) -> Steps[tuple[list[Any], int]]:
    """A piece that ends at one of the next cuts, and where the next begins: the first was inside an item."""
    for _ in range(CUTS):
        if cut is None or (cut := _BETWEEN.search(data, cut.end())) is None:
            break
        yield
        try:
            rows = orjson.loads(b"[" + data[at : cut.start() + 1] + b"]")
        except orjson.JSONDecodeError:
            continue
        return rows, cut.end()
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
