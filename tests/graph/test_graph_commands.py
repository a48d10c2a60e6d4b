"""`python -m graph` as an operator calls it, where no service runs."""

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple

from graph.builder import GraphBuilder
from graph.connect import connect
from graph.embedded import EmbeddedGraph
from graph.model import DropPartition
from tests.conftest import PATIENCE, ROOT
from tests.graph.reading import contents
from tests.graph.strategies import conversation, tip


class Ended(NamedTuple):
    code: int
    out: str
    err: str


async def command(*arguments: object, **env: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", *map(str, arguments)),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def write(graph: EmbeddedGraph, creator: str) -> None:
    builder = GraphBuilder("u1", creator, 1)
    node = conversation(outcomes=[tip()])
    await graph.apply([*builder.build_graph(node, "f1"), builder.build_account()])


async def test_an_account_goes_to_a_file_and_from_there_to_another_graph(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path / "data" / "graph")
    for creator in ("one", "two"):
        await write(graph, creator)
    before = await contents(graph, "u1/one")
    await graph.close()
    file = tmp_path / "one.graphson"
    ended = await command("export", "--account", "u1", "one", file, DATA_DIR=str(tmp_path / "data"))
    assert (ended.code, ended.out) == (0, f"{len(before.vertices)} vertices are in the file.\n")
    assert "1 of 1 accounts" in ended.err
    ended = await command("import", file, GRAPH_URL=f"embedded:{tmp_path / 'other'}")
    assert (ended.code, ended.out) == (0, f"{len(before.vertices)} vertices are in the graph.\n")
    other = EmbeddedGraph(tmp_path / "other")
    assert await contents(other, "u1/one") == before
    assert (await contents(other, "u1/two")).vertices == {}
    await other.close()


async def test_all_accounts_move_to_a_server(
    tmp_path: Path, gremlin_server: str, creator: str, pk: str
) -> None:
    graph = EmbeddedGraph(tmp_path / "graph")
    await write(graph, creator)
    before = await contents(graph, pk)
    await graph.close()
    ended = await command("move", "--to", gremlin_server, DATA_DIR=str(tmp_path))
    assert ended.code == 0, ended.err
    assert "GRAPH_URL" in ended.out
    server = connect(gremlin_server, max_bindings=16)
    del before.vertices[f"creator:{creator}"]["schema"]
    assert await contents(server, pk) == before
    file = tmp_path / "back.graphson"
    ended = await command("export", "--account", "u1", creator, file, GRAPH_URL=gremlin_server)
    assert ended.code == 0, ended.err
    await server.apply([DropPartition(pk)])
    assert (await command("import", file, GRAPH_URL=gremlin_server)).code == 0
    assert await contents(server, pk) == before
    await server.apply([DropPartition(pk)])
    await server.close()


async def test_a_check_says_what_is_wrong_and_what_it_could_not_ask(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path / "graph")
    await write(graph, "one")
    await graph.close()
    ended = await command("check", DATA_DIR=str(tmp_path))
    assert (ended.code, ended.out) == (0, "All is well.\n")
    assert "No service runs" in ended.err
    assert "deploy/graph" in ended.err
    graph = EmbeddedGraph(tmp_path / "graph")
    await graph.submit('g.addV("Fan").property(T.id,"stray").iterate()', {})
    await graph.close()
    ended = await command("check", DATA_DIR=str(tmp_path))
    assert ended.code == 1
    assert "1 vertices have no partition key" in ended.out


async def test_what_cannot_be_done_says_why_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text('{"id": 1}\n')
    data = {"DATA_DIR": str(tmp_path / "data")}
    for arguments, why in (
        (("check",), "There is no graph in"),
        (("import", file), "Line 1: No vertex of this graph"),
        (("import", tmp_path / "none"), "the file cannot be used"),
        (("export", "--account", "u1", "none", file), "no such account"),
        (("repair",), "start the service"),
        (("move", "--to", "http://elsewhere"), "GRAPH_URL: must be"),
        (("export", file), "required"),
    ):
        ended = await command(*arguments, **data)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert why in ended.err
        assert "Traceback" not in ended.err
    assert file.read_text() == '{"id": 1}\n'  # an export that fails leaves what was there


async def test_a_graph_that_somebody_holds_is_not_opened(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path / "graph")
    ended = await command("check", DATA_DIR=str(tmp_path))
    assert ended.code == 2
    assert "Another instance holds the graph" in ended.err
    await graph.close()
