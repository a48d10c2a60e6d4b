"""The writer's graph: opened at the first call, and asked which schema it has before anything is written."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from errors import GraphError, GraphUnavailable, SettingsError
from graph.model import SCHEMA, Mutation, Scalar
from graph.port import Graph
from graph.traversals import NEWER

PROBLEM: Final = "GRAPH_URL: "  # begins what an operator has to mend


class OpenedGraph:
    """What `connect` opens. A graph that cannot be opened, or that a newer release wrote, counts as away.

    So does one whose settings are wrong, such as a key's file that is not there. What its callers write waits
    then and is not refused: it is written once an operator has mended that.
    """

    def __init__(self, connect: Callable[[], Graph]) -> None:
        self._connect = connect
        self._graph: Graph | None = None
        self._opening = asyncio.Lock()

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await (await self._opened()).submit(script, bindings)

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        await (await self._opened()).apply(mutations)

    async def ping(self) -> None:
        await (await self._opened()).ping()

    async def close(self) -> None:
        if self._graph is not None:
            await self._graph.close()

    async def _opened(self) -> Graph:
        async with self._opening:
            if self._graph is None:
                try:
                    self._graph = await _known(await asyncio.to_thread(self._connect))
                except SettingsError as error:
                    raise GraphUnavailable(str(error)) from error
                except GraphError as error:
                    raise GraphUnavailable(f"{PROBLEM}{error}") from error
            return self._graph


async def _known(graph: Graph) -> Graph:
    """The graph itself; GraphError, and the graph closed, when it is of a schema that is not known."""
    try:
        if newer := await graph.submit(NEWER, {"schema": SCHEMA}):
            raise GraphError(
                f"The graph was written by a newer release (schema {newer[0]}; this one knows {SCHEMA}): "
                "start that release, or give this one another graph."
            )
    except BaseException:
        await graph.close()
        raise
    return graph
