"""Values of one struct as columns by name, which compress far better than value after value. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from types import GenericAlias
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Columns(Generic[T]):
    """Encodes values of a struct column by column, but for the fields `beside`, and decodes them.

    A column that is not there is read as the field's default, one that is not known is passed over.
    """

    def __init__(self, of: type[T], beside: Collection[str] = ()) -> None:
        hints = get_type_hints(of)
        self._of = of
        self._names = [name for name in of.__struct_fields__ if name not in beside]
        columns: list[tuple[str, Any, None]] = [
            (name, GenericAlias(list, hints[name]) | None, None) for name in self._names
        ]
        self._decoder = msgspec.msgpack.Decoder(msgspec.defstruct("Columns", columns))

    def encode(self, values: Sequence[T]) -> bytes:
        return msgspec.msgpack.encode({name: [getattr(v, name) for v in values] for name in self._names})

    def decode(self, data: msgspec.Raw | bytes, **beside: Any) -> Iterator[T]:
        """The values, in order, each with the fields `beside`. msgspec.DecodeError, TypeError, ValueError."""
        columns = self._decoder.decode(data)
        held = {name: column for name in self._names if (column := getattr(columns, name)) is not None}
        for row in zip(*map(_shared, held.values()), strict=True):
            yield self._of(**dict(zip(held, row, strict=True)), **beside)


def _shared(column: Iterable[Any]) -> Iterator[Any]:
    """Equal neighbours as one object: most columns hold the same value all along."""
    before: Any = None
    for value in column:
        if value != before or type(value) is not type(before):
            before = value
        yield before
