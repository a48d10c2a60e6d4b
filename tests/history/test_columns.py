import msgspec
import pytest

from history.columns import Columns


class Before(msgspec.Struct, frozen=True):
    id: str
    at: float


class Since(msgspec.Struct, frozen=True):
    id: str
    at: float
    marks: tuple[str, ...] = ("none",)


def test_a_column_that_is_not_there_is_read_by_its_default() -> None:
    kept = Columns(Before).encode([Before("a", 1.5), Before("b", 2.5)])
    assert list(Columns(Since).decode(kept)) == [Since("a", 1.5), Since("b", 2.5)]


def test_a_column_that_is_not_known_is_passed_over() -> None:
    kept = Columns(Since).encode([Since("a", 1.5, ("x", "y"))])
    assert list(Columns(Before).decode(kept)) == [Before("a", 1.5)]


def test_what_lies_beside_the_columns_is_given_again() -> None:
    kept = Columns(Since, beside=("at",)).encode([Since("a", 1.5, ())])
    assert list(Columns(Since, beside=("at",)).decode(kept, at=3.0)) == [Since("a", 3.0, ())]


def test_columns_of_other_things_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        list(Columns(Before).decode(msgspec.msgpack.encode({"id": [1], "at": ["x"]})))
    with pytest.raises(ValueError, match="shorter"):
        list(Columns(Before).decode(msgspec.msgpack.encode({"id": ["a", "b"], "at": [1.0]})))


def test_nothing_is_no_columns() -> None:
    assert list(Columns(Before).decode(Columns(Before).encode([]))) == []
