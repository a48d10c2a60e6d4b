"""The port through which everything reads and writes the graph; its adapters stand beside it.

Every adapter returns the same shapes for the same traversal: a list of plain Python values, namely strings,
ints, floats, bools, lists, and dicts with string keys. An element is `{"id": .., "label": ..}`, a path the
list of its objects, and `T.id`/`T.label` as keys of a map are `"id"`/`"label"`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from graph.dialect import Dialect, plan
from graph.model import Mutation, Scalar


class Graph(Protocol):
    """A home of the graph. Raises GraphError (final) or GraphUnavailable (send it again)."""

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        """Run one script written in the common dialect (docs/graph.md) and return its results."""
        ...

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        """Carry out the mutations. Idempotent: after a GraphUnavailable apply the same ones again."""
        ...

    async def ping(self) -> None:
        """Return when the graph answers."""
        ...

    async def close(self) -> None:
        """Let go of files, threads and sockets. A closed graph raises GraphError."""
        ...


Submit = Callable[[str, Mapping[str, Scalar]], Awaitable[list[Any]]]


async def carry_out(mutations: Sequence[Mutation], dialect: Dialect, submit: Submit) -> None:
    """Drive the plan of `mutations` through `submit`, one request after another."""
    requests = plan(mutations, dialect)
    rows: list[Any] | None = None
    while True:
        try:
            request = requests.send(rows)  # type: ignore[arg-type]  # a generator starts by being sent None
        except StopIteration:
            return
        rows = await submit(request.script, request.bindings)
