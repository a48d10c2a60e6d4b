"""The writes of all callers that wait at the same moment, as one batch.

A caller's mutations stay in their order and its call returns when they are in. Callers that outrun the graph
wait. A graph that is away is tried again without end. A batch that is refused for good is taken apart: only
the caller whose mutations are refused gets the error.

A caller may write as the owner of a user. Which epoch is the newest is asked right before each attempt to
write, so an owner that was displaced while it waited is refused too. Batches are written one after another:
nothing of an older owner comes after what a newer one wrote.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from backoff import Backoff
from errors import StaleOwner, Unavailable
from graph.model import Mutation
from graph.port import Graph
from metrics.declared import GRAPH_BATCH_MUTATIONS, GRAPH_RETRIES, GRAPH_WRITE_SECONDS
from metrics.port import UNMEASURED, Metrics

LARGEST_BATCH = 20_000  # mutations taken together; the adapter cuts them into requests
MOST_WAITING = 200_000  # mutations accepted and not yet written
RETRY_FIRST, RETRY_MOST = 0.2, 10.0

Owner = tuple[str, int]  # user id, epoch
Newest = Callable[[Collection[str]], Awaitable[Mapping[str, int]]]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    mutations: Sequence[Mutation]
    owner: Owner | None
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """Gathers what callers apply and hands it to `graph` in batches of about `size`, after `wait` seconds.

    `newest` returns the newest epoch of each user it is given. It raises Unavailable when it cannot; what is
    written as an owner waits until it can.
    """

    def __init__(
        self, graph: Graph, newest: Newest, *, size: int, wait: float, metrics: Metrics = UNMEASURED
    ) -> None:
        self._graph = graph
        self._newest = newest
        self._size = size
        self._wait = wait
        self._metrics = metrics
        self._queue: deque[_Waiting] = deque()
        self._room = asyncio.Condition()
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def apply(self, mutations: Sequence[Mutation], owner: Owner | None = None) -> None:
        """Return when the mutations are in the graph.

        GraphError when it refuses them. StaleOwner, with nothing written, when `owner` is not the newest.
        """
        if not mutations:
            return
        async with self._room:
            # One caller may bring more than the limit: it waits until nothing else does.
            await self._room.wait_for(
                lambda: not self._waiting or self._waiting + len(mutations) <= MOST_WAITING
            )
            self._waiting += len(mutations)
        waiting = _Waiting(mutations, owner)
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
            batch.append(self._queue.popleft())
        if not self._queue:
            self._arrived.clear()
            self._full.clear()
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        """Write the batch and answer its callers."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while batch := await self._try(batch):
            await backoff.pause()

    async def _try(self, batch: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Write what may be written and answer its callers; returns what is to be tried again."""
        try:
            batch = await self._believed(batch)
            if batch:
                began = time.perf_counter()
                mutations = [mutation for each in batch for mutation in each.mutations]
                await self._graph.apply(mutations)
                self._metrics.observe(GRAPH_WRITE_SECONDS, time.perf_counter() - began)
                self._metrics.observe(GRAPH_BATCH_MUTATIONS, len(mutations))
        except Unavailable as error:
            count = sum(len(each.mutations) for each in batch)
            log.warning("The graph is not written (%s); %d mutations wait.", error, count)
            self._metrics.count(GRAPH_RETRIES)
            return batch
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._write([each])
            else:
                _answer(batch[0], error)
            return []
        for each in batch:
            _answer(each, None)
        return []

    async def _believed(self, batch: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """The batch without the writes of displaced owners, whose callers are told."""
        users = {each.owner[0] for each in batch if each.owner is not None}
        if not users:
            return batch
        newest = await self._newest(users)
        believed: list[_Waiting] = []
        for each in batch:
            if each.owner is None or newest.get(each.owner[0]) == each.owner[1]:
                believed.append(each)
            else:
                _answer(each, StaleOwner("Another process owns this user now and writes its graph."))
        return believed


def _answer(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.done.done():  # the caller is gone
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)
