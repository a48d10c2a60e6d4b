"""Chaos in which whole nodes of a Ray cluster are killed.

The nodes are on this machine, each with processes of its own. Redis, the graph's server and the folder of the
checkpoints are on none of them.
"""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import ray
from ray.cluster_utils import Cluster
from ray.exceptions import RayError

from local.ray import LIMITS
from tests.chaos.kills import Kill, Strike, asked, call, descendants, found, settings
from tests.conftest import Service, start, stop
from tests.gremlin_server import server
from tests.history.store import running_store

WORKERS = 2  # nodes beside the head, at any time
KINDS = ("node of the registry", "node of the graph writer", "node of a user")


def plan(rng: Random, count: int, users: Sequence[str], most_apart: float) -> list[Kill]:
    """Kinds in a random order in which all come up."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += rng.sample(KINDS, len(KINDS))
    return [Kill(kind, rng.choice(users), rng.uniform(0, most_apart)) for kind in kinds[:count]]


@contextmanager
def running(users: int) -> Iterator[tuple[Service, Strike]]:
    """A service on a cluster of its own, and what kills nodes of that."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nodes-", ignore_cleanup_errors=True))
        os.environ.update(LIMITS)
        os.environ.update(
            RAY_TMPDIR=folder,  # in Ray's own folder it would stand as the cluster for others to join
            # A node that is gone refuses to be asked. After five times it is dead; one that is busy answers.
            RAY_health_check_period_ms="1000",
            RAY_health_check_failure_threshold="5",
        )
        nodes = _Nodes()
        stack.callback(nodes.shutdown)
        graph = server.Server(server.jars())
        stack.callback(graph.stop)
        service = start(
            Path(folder) / "service",
            RAY_ADDRESS=nodes.address,
            REDIS_URL=stack.enter_context(running_store()).url,
            GRAPH_URL=graph.address,
            CHECKPOINT_URL=f"{folder}/checkpoints",
            **settings(users),
        )
        stack.callback(stop, service)
        yield service, nodes.strike


class _Nodes:
    """A head, which has Serve's proxy and the drivers, and nodes that may be killed."""

    def __init__(self) -> None:
        self._cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.address: str = self._cluster.address
        for _ in range(WORKERS):
            self._cluster.add_node()

    def shutdown(self) -> None:
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    async def strike(self, kill: Kill, http: httpx.AsyncClient) -> None:
        """Kill the node with everything on it, and have a new one join."""
        node = await self._find(kill, http)
        await asyncio.to_thread(self._kill, node)
        self._cluster.add_node()  # Ray sets signal handlers there, so in the main thread

    def _kill(self, node: Any) -> None:
        # The raylet first: if it saw its workers die it would say so, and a machine that is gone does not.
        there = {pid for _, process in node.live_processes() for pid in descendants(process.pid)}
        self._cluster.remove_node(node, allow_graceful=False)
        for pid in there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _find(self, kill: Kill, http: httpx.AsyncClient) -> Any:
        """The node, as soon as there is one beside the head."""
        name = _actor(kill)
        while True:
            workers = {node.node_id: node for node in self._cluster.worker_nodes}
            place = await asked(name, lambda _: ray.get_runtime_context().get_node_id())
            if place in workers:
                return workers[place]
            if place is not None:  # on the head: it is placed anew
                with contextlib.suppress(ValueError, RayError):
                    if (actor := await found(name)) is not None:
                        ray.kill(actor, no_restart=False)
            await call(kill.user_id, http)


def _actor(kill: Kill) -> str:
    """The name of the actor whose node is to go."""
    match kill.kind:
        case "node of the registry":
            return "registry"
        case "node of the graph writer":
            return "graph_writer_0"
        case _:
            return f"user:{kill.user_id}"
