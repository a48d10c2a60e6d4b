from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wire.parsing
from steps import finished
from wire.parsing import Json, Rows, parse_json, parsing

TEXT = st.text(alphabet='ab"\\{}[],:é😍 ', max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=40,
)
ROWS = st.lists(st.dictionaries(TEXT, VALUES, max_size=3), max_size=20)
BODIES = VALUES | ROWS | st.fixed_dictionaries({"chats": ROWS, "messages": ROWS, "chat_id": VALUES})


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire.parsing, "PIECE", 8)
        yield


LAZILY = ("chats", "messages")


def read(data: bytes) -> Any:
    """What is read of it, as bytes and as a view of a buffer alike, and at once or as it is gone through."""
    found = [_read(data), _read(memoryview(data)), _read(data, LAZILY), _read(memoryview(data), LAZILY)]
    assert found[1:] == found[:-1]
    return found[0]


def _read(data: Json, lazily: Sequence[str] = ()) -> Any:
    try:
        return _gone_through(finished(parsing(data, lazily=lazily)))
    except ValueError as error:
        return str(error)


def _gone_through(value: Any) -> Any:
    """The value with lists in place of Rows, which say the same each time."""
    if isinstance(value, Rows):
        found = list(value)
        assert (len(value), list(value)) == (len(found), found)
        return found
    if isinstance(value, dict):
        return {name: _gone_through(each) for name, each in value.items()}
    return value


def at_once(data: bytes) -> Any:
    try:
        return parse_json(data)
    except ValueError as error:
        return str(error)


@settings(max_examples=100)
@given(BODIES, st.booleans())
def test_json_in_pieces_is_the_same_json(body: Any, spaced: bool) -> None:
    data = orjson.dumps(body, option=orjson.OPT_INDENT_2 if spaced else None)
    assert read(data) == body


@settings(max_examples=100)
@given(BODIES, st.data())
def test_damaged_json_is_refused_or_read_as_it_is_at_once(body: Any, data: st.DataObject) -> None:
    json = orjson.dumps(body)
    at = data.draw(st.integers(0, len(json)))
    cut = data.draw(st.integers(0, 4))
    put = data.draw(st.sampled_from((b"", b",", b"]", b"}", b'"', b"},{", b"NaN", b"\xff", b"]}")))
    damaged = json[:at] + put + json[at + cut :]
    assert read(damaged) == at_once(damaged)


def test_a_field_that_comes_twice_is_the_last_one() -> None:
    assert read(b'{"messages": [{"id": 1}], "messages": [{"id": 2}, {"id": 3}]}') == {
        "messages": [{"id": 2}, {"id": 3}]
    }


def test_long_lists_of_the_fields_named_are_not_in_memory_as_a_whole() -> None:
    rows = [{"id": n, "messages": [{"id": 1}, {"id": 2}]} for n in range(200)]
    found = finished(parsing(orjson.dumps({"messages": rows, "others": rows}), lazily=LAZILY))
    assert isinstance(found["messages"], Rows)
    assert found["others"] == rows
    assert list(found["messages"]) == rows


def test_a_long_list_is_parsed_in_steps() -> None:
    body = {"chats": [], "messages": [{"id": n, "media": [{"id": 1}, {"id": 2}]} for n in range(200)]}
    assert sum(1 for _ in parsing(orjson.dumps(body))) > 200


@given(
    st.sampled_from([0, -(1 << 63), 1 << 64, 10**400]).flatmap(lambda near: st.integers(near - 2, near + 2))
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_whatever_number_odd_json_has_can_be_written(number: float) -> None:
    [found, _] = parse_json(f'[{number},"\\ud800"]')  # half a character: not read strictly
    assert orjson.loads(orjson.dumps(found)) == _strictly(str(number))


def _strictly(number: str) -> Any:
    try:
        return orjson.loads(number)
    except orjson.JSONDecodeError:  # beyond what a float holds
        return None
