"""The graph-writer actor: the one door for mutations, and the home of the embedded graph.

Writes of all users that wait at the same moment go out together, by size or time; a caller's mutations stay
in their order and its call returns when they are in. Callers that outrun the graph wait (backpressure). A
graph that is away is retried without end; a batch that is refused for good is taken apart so that only the
caller whose mutations are refused gets the error.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from errors import GraphUnavailable, StaleOwner
from graph.connect import connect
from graph.model import Mutation, Scalar
from graph.port import Graph
from remote import named_actor, result
from settings import Settings

NAME = "graph_writer"
LARGEST_BATCH = 20_000  # mutations taken together; the adapter cuts them into requests
MOST_WAITING = 200_000  # mutations accepted and not yet written
RETRY_FIRST, RETRY_MOST = 0.2, 10.0
OWNERS = 100_000  # whose epochs are remembered: those that wrote last

Owner = tuple[str, int]  # user id, epoch

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    mutations: Sequence[Mutation]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """Gathers what callers apply and hands it to `graph` in batches. `wait` is seconds."""

    def __init__(self, graph: Graph, *, size: int, wait: float) -> None:
        self._graph = graph
        self._size = size
        self._wait = wait
        self._queue: list[_Waiting] = []
        self._room = asyncio.Condition()
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        """Return when the mutations are in the graph; GraphError when it refuses them."""
        if not mutations:
            return
        async with self._room:
            # One caller may bring more than the limit: it waits until nothing else does.
            await self._room.wait_for(
                lambda: not self._waiting or self._waiting + len(mutations) <= MOST_WAITING
            )
            self._waiting += len(mutations)
        waiting = _Waiting(mutations)
        self._queue.append(waiting)
        self._arrived.set()
        if self._waiting >= self._size:
            self._full.set()
        await waiting.done

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._wait)
            batch = self._take()
            await self._write(batch)
            async with self._room:
                self._waiting -= sum(len(each.mutations) for each in batch)
                self._room.notify_all()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue and (not batch or size + len(self._queue[0].mutations) <= LARGEST_BATCH):
            size += len(self._queue[0].mutations)
            batch.append(self._queue.pop(0))
        if not self._queue:
            self._arrived.clear()
            self._full.clear()
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        """Write the batch and answer its callers."""
        try:
            await self._insist([mutation for each in batch for mutation in each.mutations])
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._write([each])
            else:
                _answer(batch[0], error)
            return
        for each in batch:
            _answer(each, None)

    async def _insist(self, mutations: Sequence[Mutation]) -> None:
        wait = RETRY_FIRST
        while True:
            try:
                await self._graph.apply(mutations)
                return
            except GraphUnavailable as error:
                log.warning("The graph is away (%s); %d mutations wait.", error, len(mutations))
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 (jitter, not a secret)
            wait = min(RETRY_MOST, wait * 2)


def _answer(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.done.done():  # the caller is gone
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)


class Owners:
    """The newest owner that wrote for each user: what an older one still sends would undo its work."""

    def __init__(self) -> None:
        self._epochs: dict[str, int] = {}  # the user that wrote last comes last

    def check(self, user_id: str, epoch: int) -> None:
        """Raises StaleOwner when a newer owner has written."""
        newest = max(epoch, self._epochs.pop(user_id, 0))
        self._epochs[user_id] = newest
        if len(self._epochs) > OWNERS:
            del self._epochs[next(iter(self._epochs))]
        if epoch < newest:
            raise StaleOwner("Another process owns this user now and writes its graph.")


class GraphWriter:
    """The actor: owns one connection to the graph and the batcher before it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = Settings.from_env(env)
        logging.basicConfig(level=settings.log_level)
        self._graph = connect(graph_url(settings), max_bindings=settings.graph_max_bindings)
        self._batcher = Batcher(self._graph, size=settings.graph_batch_size, wait=settings.graph_batch_wait)
        self._owners = Owners()

    async def apply(self, mutations: Sequence[Mutation], owner: Owner | None = None) -> None:
        """Write what the user's owner has; StaleOwner once a newer owner has written."""
        if owner is not None:
            self._owners.check(*owner)
        await self._batcher.apply(mutations)

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await self._graph.submit(script, bindings)

    async def ping(self) -> None:
        await self._graph.ping()


class ThroughActor:
    """The graph as other processes see it: every call goes through the writer actor.

    An `owner` writes only as long as there is no newer one.
    """

    def __init__(self, actor: "ActorHandle[GraphWriter]", owner: Owner | None = None) -> None:
        self._actor = actor
        self._owner = owner

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        rows: list[Any] = await _result(self._actor.submit.remote(script, bindings))
        return rows

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        await _result(self._actor.apply.remote(list(mutations), self._owner))

    def of(self, owner: Owner) -> "ThroughActor":
        """The same for a user's owner."""
        return ThroughActor(self._actor, owner)

    async def ping(self) -> None:
        await _result(self._actor.ping.remote())

    async def close(self) -> None:
        """The actor lives on: others use it."""


async def _result(reference: Any) -> Any:
    try:
        return await result(reference)
    except RayActorError as error:
        raise GraphUnavailable("The graph writer is being restarted; try again.") from error


def graph_url(settings: Settings) -> str:
    return settings.graph_url or f"embedded:{settings.data_dir.resolve() / 'graph'}"


def graph_writer(settings: Settings) -> ThroughActor:
    """The cluster's graph writer, started when there is none yet."""
    return ThroughActor(named_actor(GraphWriter, NAME, settings.env(), detached=True))


def graph_reader(settings: Settings, writer: ThroughActor) -> Graph:
    """Where to read: the embedded graph lives in the writer's process, a server is asked directly."""
    url = graph_url(settings)
    if url.startswith("embedded:"):
        return writer
    return connect(url, max_bindings=settings.graph_max_bindings)
