"""The period before beside a period, figure by figure. Pure."""

from collections.abc import Sequence
from typing import Any, TypeVar

from wire.payloads import Figures

F = TypeVar("F", bound=Figures)


def beside(now: F, before: F) -> F:
    """An answer with that of the period before in `previous`, and each of its rows with its own row there."""
    rows = {name: _beside(getattr(now, name), getattr(before, name)) for name in type(now).model_fields}
    found = {name: row for name, row in rows.items() if row is not None}
    return now.model_copy(update={**found, "previous": before.as_previous})


def rows_beside(now: Sequence[F], before: Sequence[F]) -> list[F]:
    """The rows, each with the one of `before` that has its name; with none where it is not the only one."""
    found: dict[tuple[Any, ...], F | None] = {}
    for row in before:
        name = _name(row)
        found[name] = None if name in found else row
    return [row.model_copy(update={"previous": found.get(_name(row))}) for row in now]


def _beside(now: Any, before: Any) -> Any:
    """A row, or a list of rows, with what was before; None: it is something else."""
    if isinstance(now, Figures) and now.NAMED_BY:
        return rows_beside([now], [before])[0]
    if isinstance(now, list) and any(isinstance(each, Figures) for each in now):
        return rows_beside(now, before)
    return None


def _name(row: Figures) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.NAMED_BY)
