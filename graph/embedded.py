"""The graph in a folder of this process: graphersal's store, durable at every commit, one writer.

Edges and vertices are found by id; the property indexes below serve `hasLabel(..).has(..)`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import graphersal

from errors import GraphError
from graph.dialect import Dialect
from graph.model import Mutation, Scalar
from graph.port import carry_out

DIALECT: Final = Dialect(max_bindings=2_000, max_statements=200, one_shape=False)
INDEXES: Final = (
    ("Creator", "userId"),
    ("Creator", "creatorId"),
    ("ConversationNode", "pk"),
    ("ConversationNode", "startDate"),
    ("Fan", "pk"),
    ("InteractionOutcome", "pk"),
    ("InteractionOutcome", "date"),
)
CHECKPOINT: Final = 5_000  # commits between two snapshots
UNREADABLE: Final = ("Function not found", "Variable not found", "Syntax error")
REMEDY: Final = "move the folder away and start again: the owners of all users write the graph anew."
DOUBT: Final = 'g.V().hasLabel("Creator").properties("schema").drop().iterate()'
T = TypeVar("T")

log = logging.getLogger(__name__)


class EmbeddedGraph:
    """The graph stored in the folder `path`, created when it is missing.

    GraphError when another process (or this one) holds the folder, it is no store, or it is damaged. All work
    runs on one thread of its own: scripts are answered in the order they came.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = _open(path)
        self._graph = self._store.graph
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="graph")
        self._writing = asyncio.Lock()
        self._commits: int = self._store.open_report()["commits_replayed"]
        self._closed = False

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await self._run(lambda: self._execute(script, bindings))

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        async with self._writing:
            await carry_out(mutations, DIALECT, self._commit)
            if self._commits >= CHECKPOINT:
                await self._run(self._checkpoint)

    async def ping(self) -> None:
        await self.submit("g.V().limit(0).count()", {})

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._checkpoint)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
            self._thread.shutdown()

    async def _commit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        self._commits += 1
        return await self.submit(script, bindings)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise GraphError(f"The graph in {self._path} is closed; connect again.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _execute(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        try:
            # One unit: a failing script leaves nothing behind, and its statements share one durable commit.
            result = self._graph.execute(script, dict(bindings), atomic=True)
        except graphersal.GraphersalError as error:
            reason = str(error).partition("\n")[0]
            if not reason.startswith(UNREADABLE):  # an error of a running step quotes its values
                reason = "it failed while it ran"
            raise GraphError(f"The embedded graph refused a script ({reason}): {script[:200]}") from None
        if result is None:
            return []
        return [_plain(each) for each in result] if isinstance(result, list) else [_plain(result)]

    def _checkpoint(self) -> None:
        """Write a snapshot and forget the log before it: the log would grow, and be replayed, for ever."""
        try:
            self._store.checkpoint()
            self._store.compact()
        except graphersal.GraphersalError as error:
            # What was committed is in the log, which only grows until a snapshot succeeds.
            log.error("The graph in %s has no new snapshot (%s).", self._path, _first_line(error))
        self._commits = 0


def _open(path: Path) -> graphersal.Store:
    try:
        if path.is_dir() and any(path.iterdir()):
            store = graphersal.Store.open(str(path))
        else:
            path.mkdir(parents=True, exist_ok=True)
            store = graphersal.Store.create(str(path))
    except graphersal.GraphersalError as error:
        if "in use" in str(error):
            raise GraphError(
                f"Another instance holds the graph in {path}: stop it, or give this one a folder of its own."
            ) from error
        raise GraphError(f"The graph in {path} cannot be opened: {_first_line(error)}; {REMEDY}") from error
    except OSError as error:
        raise GraphError(f"The folder {path} cannot hold the graph: {error.strerror}.") from error
    try:
        if store.maintenance is not None:
            # The engine would show what it can read of it, which is not all that was written.
            raise GraphError(f"The graph in {path} is damaged; {REMEDY}")
        _prepare(store, path)
    except graphersal.GraphersalError as error:
        store.close()
        raise GraphError(f"The graph in {path} cannot be opened: {_first_line(error)}; {REMEDY}") from error
    except BaseException:
        store.close()
        raise
    return store


def _prepare(store: graphersal.Store, path: Path) -> None:
    """Declare the indexes, and doubt what is there when the log did not end in order."""
    declared = {index["name"] for index in store.graph.indexes()}
    for label, key in INDEXES:
        if f"{label}_{key}" not in declared:
            store.graph.create_index(label, key)
    if store.open_report()["torn_tail_bytes"]:
        # A commit that a kill interrupted looks like acknowledged ones of which the disk lost the end.
        log.warning("The log of the graph in %s ends in half a commit: accounts are written anew.", path)
        store.graph.execute(DOUBT, {}, atomic=True)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, graphersal.Vertex | graphersal.Edge):
        return {"id": value.id, "label": value.label}
    return value
