"""The writer's path to a Gremlin Server, one writer beside two, and what Cosmos DB would charge by our model.

The server is the one of the tests, in this machine's memory, with the 16 bindings that it takes by default.
Where there is no Java, nothing is measured.
"""

import asyncio
import time
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

from bench.figure import Figure
from bench.graph import batcher_before, rates
from bench.graph_load import account
from graph.connect import connect
from graph.traversals import ACROSS_PARTITIONS
from settings import Settings
from tests.graph.charged import charged
from tests.gremlin_server import server
from tests.standin.server import Standin

WARM = 2_000  # upserts before, in which the server compiles what it then knows
UPSERTS = 8_000
ALONE = 500  # upserts written one at a time


def measure() -> list[Figure]:
    try:
        jars = server.fetched()
    except server.Missing as missing:
        print(f"No Gremlin Server is measured: {missing}", flush=True)
        return []
    started = server.Server(jars, measured=True)
    try:
        with Standin(started.address, across=ACROSS_PARTITIONS) as standin:
            return [
                *asyncio.run(_rates(started.address)),
                Figure(
                    "Graph upserts, two writers on a Gremlin Server",
                    _together(started.address, 2),
                    "upserts/s",
                    "one writer",
                    _together(started.address, 1),
                ),
                asyncio.run(_charge(standin)),
            ]
    finally:
        started.stop()


async def _rates(address: str) -> list[Figure]:
    graph = connect(address, max_bindings=Settings().graph_max_bindings)
    try:
        await graph.apply(account("warm", WARM)[:WARM])
        return await rates(graph, "Gremlin Server", UPSERTS, ALONE)
    finally:
        await graph.close()


def _together(address: str, writers: int) -> float:
    """Upserts/s of so many writers, each a process with an account of its own."""
    context = get_context("spawn")
    gate, told = context.Barrier(writers), context.SimpleQueue()
    processes = [
        context.Process(target=_written, args=(address, f"{n} of {writers}", gate, told))
        for n in range(writers)
    ]
    for each in processes:
        each.start()
    spans: list[tuple[float, float]] = [told.get() for _ in processes]
    for each in processes:
        each.join()
    return writers * UPSERTS / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def _written(address: str, pk: str, gate: Barrier, told: "SimpleQueue[tuple[float, float]]") -> None:
    told.put(asyncio.run(_span(address, pk, gate)))


async def _span(address: str, pk: str, gate: Barrier) -> tuple[float, float]:
    """When an account was begun and when it was written, on the machine's clock."""
    graph = connect(address, max_bindings=Settings().graph_max_bindings)
    batcher = batcher_before(graph)
    try:
        await batcher.apply(account(f"warm {pk}", WARM)[:WARM])
        mutations = account(pk, UPSERTS)[:UPSERTS]
        gate.wait()
        began = time.monotonic()
        await batcher.apply(mutations)
        return began, time.monotonic()
    finally:
        await batcher.close()
        await graph.close()


async def _charge(standin: Standin) -> Figure:
    found = await charged(standin)
    return Figure("Request units, a live message", found.live, "RU", "a conversation at first", found.first)
