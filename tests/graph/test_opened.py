"""The graph before which the writer stands: what it does with one that it must not write."""

from pathlib import Path

import pytest

from errors import GraphUnavailable
from graph.embedded import EmbeddedGraph
from graph.model import SCHEMA, UpsertVertex
from graph.opened import OpenedGraph
from tests.graph.reading import contents

PK = "u1/creator"


def account(schema: int) -> UpsertVertex:
    return UpsertVertex(PK, "creator:creator", "Creator", {"userId": "u1", "schema": schema})


async def test_a_graph_of_a_newer_release_is_not_written(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path)
    await graph.apply([account(SCHEMA + 1)])
    await graph.close()
    opened = OpenedGraph(lambda: EmbeddedGraph(tmp_path))
    for _ in range(2):  # it is closed after each attempt, so the folder is free
        newer = rf"^GRAPH_URL: .*newer release \(schema {SCHEMA + 1}; this one knows {SCHEMA}"
        with pytest.raises(GraphUnavailable, match=newer):
            await opened.apply([UpsertVertex(PK, "fan:f1", "Fan")])
    graph = EmbeddedGraph(tmp_path)
    assert (await contents(graph, PK)).labelled("Fan") == set()
    await graph.close()


async def test_what_could_not_be_opened_is_opened_once_it_can(tmp_path: Path) -> None:
    holder = EmbeddedGraph(tmp_path)
    await holder.apply([account(SCHEMA)])
    opened = OpenedGraph(lambda: EmbeddedGraph(tmp_path))
    with pytest.raises(GraphUnavailable, match="Another instance holds the graph"):
        await opened.ping()
    await holder.close()
    await opened.ping()
    assert await opened.submit("g.V().count()", {}) == [1]
    await opened.close()
