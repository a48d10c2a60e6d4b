"""The writes of all callers that wait at the same moment, in batches in which accounts take turns.

A caller's mutations are of one account. Each account is written in the order of its calls, and a call
returns when its mutations are in. Callers that outrun the graph wait. A graph that is away is tried again
without end. A batch that is refused for good is taken apart: only the caller whose mutations are refused gets
the error.

A large call is written in parts, and each account gives one part before the next is asked. After a batch with
such parts comes one without, if anything smaller waits: a small write waits for the batch that is being
written, not for another account's rebuild.

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

LARGEST_BATCH = 200  # mutations written together; the adapter cuts them into requests
LARGEST_PART = 100  # mutations that an account gives before the next one's turn
MOST_WAITING = 200_000  # mutations accepted and not yet written
RETRY_FIRST, RETRY_MOST = 0.2, 10.0

Owner = tuple[str, int]  # user id, epoch
Newest = Callable[[Collection[str]], Awaitable[Mapping[str, int]]]

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Call:
    mutations: Sequence[Mutation]
    owner: Owner | None
    taken: int = 0  # mutations that are in a batch already
    written: int = 0
    refused: bool = False
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def account(self) -> str:
        return self.mutations[0].pk

    @property
    def is_small(self) -> bool:
        return len(self.mutations) <= LARGEST_PART


@dataclass(frozen=True, slots=True)
class _Part:
    call: _Call
    mutations: Sequence[Mutation]


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
        self._turns: dict[str, deque[_Call]] = {}  # by account, the next one's turn first
        self._room = asyncio.Condition()
        self._took_large = False  # the last batch had a part of a large call
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def apply(self, mutations: Sequence[Mutation], owner: Owner | None = None) -> None:
        """Return when the mutations, all of one account, are in the graph.

        GraphError when it refuses them. StaleOwner when `owner` is not the newest: nothing is written from
        then on. An error says nothing of the parts before it; they may be in.
        """
        if not mutations:
            return
        async with self._room:
            # One caller may bring more than the limit: it waits until nothing else does.
            await self._room.wait_for(
                lambda: not self._waiting or self._waiting + len(mutations) <= MOST_WAITING
            )
            self._waiting += len(mutations)
        call = _Call(mutations, owner)
        self._turns.setdefault(call.account, deque()).append(call)
        self._arrived.set()
        if self._waiting >= self._size:
            self._full.set()
        await call.done

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

    def _take(self) -> list[_Part]:
        batch: list[_Part] = []
        room = LARGEST_BATCH
        small_alone = self._took_large and any(calls[0].is_small for calls in self._turns.values())
        while room and (account := self._next(small_alone)) is not None:
            calls = self._turns.pop(account)
            call = calls[0]
            end = call.taken + min(LARGEST_PART, room)
            part = _Part(call, call.mutations[call.taken : end])
            call.taken += len(part.mutations)
            room -= len(part.mutations)
            batch.append(part)
            if call.taken == len(call.mutations):
                calls.popleft()
            if calls:
                self._turns[account] = calls  # behind all others
        if not self._turns:
            self._arrived.clear()
            self._full.clear()
        self._took_large = not all(each.call.is_small for each in batch)
        return batch

    def _next(self, small_alone: bool) -> str | None:
        """The account whose turn it is; None when there is none, or none with a small call."""
        accounts = (of for of, calls in self._turns.items() if calls[0].is_small or not small_alone)
        return next(accounts, None)

    async def _write(self, batch: Sequence[_Part]) -> None:
        """Write the batch and answer the callers that it completes."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while batch := await self._try(batch):
            await backoff.pause()

    async def _try(self, batch: Sequence[_Part]) -> Sequence[_Part]:
        """Write what may be written and answer its callers; returns what is to be tried again."""
        try:
            batch = await self._believed([each for each in batch if not each.call.refused])
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
                self._refuse(batch[0].call, error)
            return []
        for each in batch:
            call = each.call
            call.written += len(each.mutations)
            if call.written == len(call.mutations) and not call.done.done():  # else the caller is gone
                call.done.set_result(None)
        return []

    async def _believed(self, batch: Sequence[_Part]) -> Sequence[_Part]:
        """The batch without the writes of displaced owners, whose callers are told."""
        users = {each.call.owner[0] for each in batch if each.call.owner is not None}
        if not users:
            return batch
        newest = await self._newest(users)
        believed: list[_Part] = []
        for each in batch:
            owner = each.call.owner
            if owner is None or newest.get(owner[0]) == owner[1]:
                believed.append(each)
            else:
                self._refuse(
                    each.call, StaleOwner("Another process owns this user now and writes its graph.")
                )
        return believed

    def _refuse(self, call: _Call, error: Exception) -> None:
        """Tell the caller, and forget what of the call is not in a batch yet."""
        call.refused = True
        if rest := len(call.mutations) - call.taken:
            calls = self._turns[call.account]
            calls.popleft()  # a call that was begun is the first of its account
            if not calls:
                del self._turns[call.account]
            call.taken += rest
            self._waiting -= rest
        if not call.done.done():  # else the caller is gone
            call.done.set_exception(error)
