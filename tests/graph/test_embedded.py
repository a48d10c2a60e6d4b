import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from errors import GraphError
from graph import embedded
from graph.builder import GraphBuilder
from graph.embedded import INDEXES, EmbeddedGraph
from tests.graph.reading import contents
from tests.graph.strategies import conversation

BATCH = GraphBuilder("u1", "creator", 1).build_graph(conversation(), "f1")


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path / "deep" / "graph")
    await graph.apply(BATCH)
    before = await contents(graph, "u1/creator")
    await graph.close()
    graph = EmbeddedGraph(tmp_path / "deep" / "graph")
    assert await contents(graph, "u1/creator") == before
    await graph.close()


async def test_a_second_opener_is_told_that_another_holds_the_folder(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path)
    with pytest.raises(GraphError, match="Another instance holds the graph"):
        EmbeddedGraph(tmp_path)
    await graph.close()
    await EmbeddedGraph(tmp_path).close()


async def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(GraphError, match="cannot be opened"):
        EmbeddedGraph(tmp_path)
    assert os.listdir(tmp_path) == ["letter.txt"]


async def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GraphError, match="cannot hold the graph"):
        EmbeddedGraph(tmp_path / "file")


async def test_snapshots_bound_what_an_opening_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "CHECKPOINT", 3)
    graph = EmbeddedGraph(tmp_path)
    for rev in range(1, 9):
        await graph.apply(GraphBuilder("u1", "creator", rev).build_graph(conversation(), "f1"))
    snapshots = graph._store.snapshots()
    assert snapshots[-1]["commit_seq"] > 0
    assert len(snapshots) <= 3
    before = await contents(graph, "u1/creator")
    await graph.close()
    graph = EmbeddedGraph(tmp_path)
    assert graph._store.open_report()["commits_replayed"] == 0
    assert await contents(graph, "u1/creator") == before
    await graph.close()


async def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from graph.embedded import EmbeddedGraph\n"
        "from graph.model import UpsertVertex\n"
        "async def main():\n"
        "    graph = EmbeddedGraph(Path(sys.argv[1]))\n"
        "    await graph.apply([UpsertVertex('u1/creator', 'fan:f1', 'Fan', {'spend': 5.0})])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path))
    assert await killed.wait() == -signal.SIGKILL
    graph = EmbeddedGraph(tmp_path)
    assert (await contents(graph, "u1/creator")).vertices["fan:f1"]["spend"] == 5.0
    await graph.close()


async def test_indexes_are_declared_once_and_served(tmp_path: Path) -> None:
    for _ in range(2):
        graph = EmbeddedGraph(tmp_path)
        declared = graph._graph.indexes()
        await graph.close()
    assert sorted((each["label"], each["key"]) for each in declared) == sorted(INDEXES)
    assert all(each["served"] for each in declared)
