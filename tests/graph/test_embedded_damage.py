"""A store of which any file is damaged: all of it is there, or the opening says what is wrong.

The one exception is a log whose end is gone: the accounts lose their mark then, and owners write them anew.
Cases run in processes of their own: nothing of the engine may crash.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import GraphError
from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import SCHEMA
from graph.traversals import WRITTEN
from tests.conftest import PATIENCE, ROOT
from tests.graph.reading import contents
from tests.graph.strategies import conversation

PK = "u1/creator"
CUTS, FLIPS = 5, 8  # places in each file

# Opens each store that it is told of, and says what came of that in one line.
CHILD = """
import asyncio, json, sys
from pathlib import Path
from errors import GraphError
from graph.embedded import EmbeddedGraph
from tests.graph.reading import contents
from tests.graph.test_embedded_damage import facts

async def opened(path):
    try:
        graph = EmbeddedGraph(Path(path))
    except GraphError as error:
        return {"error": str(error)}
    found = await facts(graph)
    await graph.close()
    graph = EmbeddedGraph(Path(path))
    again = await facts(graph)
    await graph.close()
    return {"facts": found, "again": again}

for line in sys.stdin:
    print(json.dumps(asyncio.run(opened(line.strip()))), flush=True)
"""


async def facts(graph: EmbeddedGraph) -> dict[str, Any]:
    """All that the store has, and whether its account counts as written."""
    found = await contents(graph, PK)
    for vertex in found.vertices.values():
        vertex.pop("schema", None)
    return {
        "vertices": found.vertices,
        "edges": sorted(map(str, found.edges.items())),
        "written": await graph.submit(WRITTEN, {"schema": SCHEMA}),
    }


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """With a snapshot, and a log behind it, as a kill leaves it."""
    graph = EmbeddedGraph(tmp_path / "store")
    await _write(graph, range(6))
    await graph.close()
    graph = EmbeddedGraph(tmp_path / "store")
    await _write(graph, range(6, 9))
    shutil.copytree(tmp_path / "store", tmp_path / "killed")
    await graph.close()
    return tmp_path / "killed"


async def _write(graph: EmbeddedGraph, numbers: range) -> None:
    builder = GraphBuilder("u1", "creator", 1)
    await graph.apply([builder.build_account()])
    for n in numbers:
        await graph.apply(builder.build_graph(conversation(f"c{n}:m1"), f"f{n}"))


def damages(data: bytes) -> Iterator[tuple[str, bytes | None]]:
    """What a file may become, by name; None: it is gone."""
    yield "gone", None
    for at in sorted({len(data) * part // CUTS for part in range(CUTS)} | {max(0, len(data) - 1)}):
        yield f"cut at {at}", data[:at]
    for at in sorted({len(data) * part // FLIPS for part in range(FLIPS)} | {len(data) - 1}) if data else ():
        yield f"flipped at {at}", data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def files(store: Path) -> list[Path]:
    return sorted(path.relative_to(store) for path in store.rglob("*") if path.is_file())


class Opener:
    """A process that opens stores; another takes its place when it crashes, which is an answer too."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, path: Path) -> dict[str, Any]:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", CHILD),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**24,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n".encode())
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = await self._process.wait()
        self._process = None
        return {"crash": code}

    async def close(self) -> None:
        if self._process is not None:
            await self._process.communicate(b"")


@pytest.fixture
async def opener() -> AsyncIterator[Opener]:
    opener = Opener()
    yield opener
    await opener.close()


async def test_damage_is_told_and_loses_nothing_that_counts_as_written(
    store: Path, opener: Opener, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(store, case)
    whole = (await opener.open(case))["facts"]
    assert whole["written"] == [PK]
    outcomes: dict[str, list[str]] = {}
    for file in files(store):
        for name, damaged in damages((store / file).read_bytes()):
            shutil.rmtree(case)
            shutil.copytree(store, case)
            if damaged is None:
                (case / file).unlink()
            else:
                (case / file).write_bytes(damaged)
            answer = await opener.open(case)
            if "error" in answer:
                assert "move the folder away" in answer["error"], (file, name)
                kind = "told"
            elif answer.get("facts") == answer.get("again") == whole:
                kind = "whole"
            else:
                kind = "doubted"
                assert "facts" in answer, (file, name, answer)
                assert answer["facts"]["written"] == answer["again"]["written"] == [], (file, name)
            outcomes.setdefault(kind, []).append(f"{file}: {name}")
    assert outcomes.keys() == {"told", "whole", "doubted"}  # each of the three is met
    assert all(each.startswith("wal") and "cut" in each for each in outcomes["doubted"])


async def test_a_store_without_its_description_is_refused(store: Path) -> None:
    for name in ("GRAPH", "GRAPH.copy"):
        data = (store / name).read_bytes()
        (store / name).write_bytes(data[:8] + bytes([data[8] ^ 0xFF]) + data[9:])
    with pytest.raises(GraphError, match="move the folder away"):
        EmbeddedGraph(store)


async def test_a_damaged_store_is_let_go_of(store: Path) -> None:
    [segment] = [store / file for file in files(store) if file.match("v-*.seg")]
    data = segment.read_bytes()
    segment.write_bytes(data[:-1])
    with pytest.raises(GraphError, match="is damaged"):
        EmbeddedGraph(store)
    segment.write_bytes(data)
    graph = EmbeddedGraph(store)
    assert (await contents(graph, PK)).labelled("Fan") == {f"fan:f{n}" for n in range(9)}
    await graph.close()


async def test_writing_goes_on_when_a_snapshot_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.embedded.CHECKPOINT", 1)
    graph = EmbeddedGraph(tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "snapshots")
    (tmp_path / "store" / "snapshots").write_text("in the way")
    await _write(graph, range(2))
    assert (await contents(graph, PK)).labelled("Fan") == {"fan:f0", "fan:f1"}
    await graph.close()
