"""The graph-writer actors: the one door for mutations, and the home of the embedded graph.

There are `GRAPH_WRITERS` of them. Each account is written by one, which its key alone decides.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from errors import GraphUnavailable
from frames.log import connect_redis
from graph.batcher import Batcher, Owner
from graph.connect import connect_as
from graph.cosmos_address import PREFIX
from graph.model import Mutation, Scalar
from graph.opened import OpenedGraph
from graph.placement import place
from graph.port import Graph
from memory import keep
from metrics.export import export
from metrics.loop_lag import SPARING, LoopLag
from metrics.tally import Tally
from remote import named_actor, result
from session.journal import owner_epochs
from settings import Settings

NAME = "graph_writer"  # and the number of the writer: graph_writer_0


class GraphWriter:
    """The actor: owns one connection to the graph and the batcher before it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        settings = Settings.from_env(env)
        logging.basicConfig(level=settings.log_level)
        tally, lag = Tally(), LoopLag(SPARING)
        self._graph = OpenedGraph(partial(connect_as, settings, graph_url(settings), tally))
        self._redis = connect_redis(settings.redis_url)
        self._batcher = Batcher(
            self._graph,
            partial(owner_epochs, self._redis),
            size=settings.graph_batch_size,
            wait=settings.graph_batch_wait,
            metrics=tally,
        )
        keep()
        loop = asyncio.get_running_loop()
        self._measuring = (
            loop.create_task(lag.run()),
            loop.create_task(export(tally, lambda: lag.measure(tally, "graph_writer"))),
        )

    async def apply(self, mutations: Sequence[Mutation], owner: Owner | None = None) -> None:
        """Write what the user's owner has; StaleOwner once there is a newer owner."""
        await self._batcher.apply(mutations, owner)

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await self._graph.submit(script, bindings)

    async def ping(self) -> None:
        await self._graph.ping()

    async def close(self) -> None:
        """Let go of the graph and of Redis; what waits to be written is not."""
        for each in self._measuring:
            each.cancel()
        await self._batcher.close()
        await self._graph.close()
        await self._redis.connection_pool.disconnect()


class ThroughActor:
    """The graph as other processes see it: every call goes through a writer actor.

    An `owner` writes only as long as there is no newer one.
    """

    def __init__(self, actors: "Sequence[ActorHandle[GraphWriter]]", owner: Owner | None = None) -> None:
        self._actors = actors
        self._owner = owner

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        # All of them reach the same graph; questions about accounts are spread as the accounts are.
        pk = bindings.get("pk")
        actor = self._of(pk) if isinstance(pk, str) else self._actors[0]
        rows: list[Any] = await _result(actor.submit.remote(script, bindings))
        return rows

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        accounts: dict[str, list[Mutation]] = {}
        for each in mutations:
            accounts.setdefault(each.pk, []).append(each)
        for pk, of_account in accounts.items():
            await _result(self._of(pk).apply.remote(of_account, self._owner))

    def of(self, owner: Owner) -> "ThroughActor":
        """The same for a user's owner."""
        return ThroughActor(self._actors, owner)

    def _of(self, account: str) -> "ActorHandle[GraphWriter]":
        return self._actors[place(account, len(self._actors))]

    async def ping(self) -> None:
        await _result(self._actors[0].ping.remote())

    async def close(self) -> None:
        """The actors live on: others use them."""


async def _result(reference: Any) -> Any:
    try:
        return await result(reference)
    except RayActorError as error:
        raise GraphUnavailable("The graph writer is being restarted; try again.") from error


def graph_url(settings: Settings) -> str:
    return settings.graph_url or f"embedded:{settings.data_dir.resolve() / 'graph'}"


def names(settings: Settings) -> list[str]:
    """The names of all writer actors."""
    return [f"{NAME}_{number}" for number in range(settings.graph_writers)]


def graph_writer(settings: Settings) -> ThroughActor:
    """The cluster's graph writers, each started when there is none of its name yet."""
    env = settings.env()
    return ThroughActor([named_actor(GraphWriter, name, env, detached=True) for name in names(settings)])


def graph_reader(settings: Settings, writer: ThroughActor) -> Graph:
    """Where to read: a TinkerPop server is asked directly, all else through the writers.

    The embedded graph lives in the writer's process. What an account's reads and writes may spend on Cosmos
    DB is one sum, which one process can keep.
    """
    url = graph_url(settings)
    if url.startswith(("embedded:", PREFIX)):
        return writer
    return connect_as(settings, url)
