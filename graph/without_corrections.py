"""A graph that answers what models said, whatever a person has corrected."""

from collections.abc import Mapping, Sequence
from typing import Any

from graph.model import Mutation, Scalar
from graph.port import Graph
from graph.traversals import WITHOUT_CORRECTIONS


class WithoutCorrections:
    """See `Graph`. What is asked of what counts is asked of what models said; all else is the graph's own."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await self._graph.submit(WITHOUT_CORRECTIONS.get(script, script), bindings)

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        await self._graph.apply(mutations)

    async def ping(self) -> None:
        await self._graph.ping()

    async def close(self) -> None:
        await self._graph.close()
