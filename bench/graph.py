"""What the writer's path to the graph costs: the batcher before an embedded graph, without Ray and Redis."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.figure import Figure, percentile
from bench.graph_load import A_CONVERSATION, account, conversation, newest
from graph.batcher import Batcher
from graph.embedded import EmbeddedGraph
from graph.model import DropOlder, Mutation
from graph.port import Graph
from graph.write import PART
from settings import Settings

MESSAGES = 100_000  # of the rebuilt account
UPSERTS = 8_000
ALONE = 500  # upserts written one at a time
USUAL = 300  # deltas without company
APPENDS = 200
FEW, MANY = 1_000, 100_000  # conversations of the account that is appended to
BETWEEN = 0.02  # seconds between two deltas


def measure() -> list[Figure]:
    """Upserts/s, a delta's wait during another account's rebuild, and appends as an account grows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return asyncio.run(_measure(Path(folder)))


async def rates(graph: Graph, name: str, upserts: int, alone: int) -> list[Figure]:
    """Upserts/s through the batcher, beside the best of the adapter alone and beside one at a time.

    Each is of an account of its own, so that elements are new.
    """
    batcher = batcher_before(graph)
    single = account(f"{name} alone", upserts)[:alone]
    began = time.perf_counter()
    for each in single:
        await graph.apply([each])
    one_at_a_time = len(single) / (time.perf_counter() - began)
    best = await _rate(graph, account(f"{name} best", upserts)[:upserts])
    value = await _rate(batcher, account(f"{name} path", upserts)[:upserts])
    await batcher.close()
    return [
        Figure(f"Graph upserts, {name}", value, "upserts/s", "the home's batches alone", best),
        Figure(f"Graph upserts, {name}", value, "upserts/s", "one at a time", one_at_a_time),
    ]


def batcher_before(graph: Graph) -> Batcher:
    """As a graph writer has it."""
    settings = Settings()
    return Batcher(graph, newest, size=settings.graph_batch_size, wait=settings.graph_batch_wait)


async def _rate(writer: Graph | Batcher, mutations: Sequence[Mutation]) -> float:
    began = time.perf_counter()
    await writer.apply(mutations)
    return len(mutations) / (time.perf_counter() - began)


async def _measure(folder: Path) -> list[Figure]:
    graph = EmbeddedGraph(folder / "graph")
    batcher = batcher_before(graph)
    try:
        return [
            *await rates(graph, "embedded", UPSERTS, ALONE),
            *await _rebuild(batcher),
            await _appends(graph),
        ]
    finally:
        await batcher.close()
        await graph.close()


async def _rebuild(batcher: Batcher) -> list[Figure]:
    usual = [await _delta(batcher, n) for n in range(USUAL)]
    alone = await _write_anew(batcher, "quiet")
    rebuild = asyncio.create_task(_write_anew(batcher, "rebuilt"))
    during: list[float] = []
    while not rebuild.done():
        during.append(await _delta(batcher, USUAL + len(during)))
        await asyncio.sleep(BETWEEN)
    return [
        Figure(f"Rebuild of {MESSAGES:,} messages", await rebuild, "s", "without deltas beside it", alone),
        Figure(
            "Delta during a rebuild, p99",
            percentile(during, 99) * 1000,
            "ms",
            "without one",
            percentile(usual, 99) * 1000,
        ),
    ]


async def _write_anew(batcher: Batcher, pk: str) -> float:
    """Seconds until an account is written, in the parts in which an owner gives it."""
    began = time.perf_counter()
    mutations: list[Mutation] = []
    for n in range(MESSAGES // A_CONVERSATION):
        mutations += conversation(pk, n, 2)
        if len(mutations) >= PART:
            await batcher.apply(mutations)
            mutations = []
    await batcher.apply([*mutations, DropOlder(pk, 2)])
    return time.perf_counter() - began


async def _delta(batcher: Batcher, n: int) -> float:
    """Seconds until a conversation of the small account is in."""
    began = time.perf_counter()
    await batcher.apply(list(conversation("small", n % 50, n)))
    return time.perf_counter() - began


async def _appends(graph: Graph) -> Figure:
    await graph.apply(account("grown", FEW))
    early = await _append(graph, FEW)
    for start in range(FEW + APPENDS, MANY, FEW):
        grown = [each for n in range(start, min(start + FEW, MANY)) for each in conversation("grown", n, 1)]
        await graph.apply(grown)
    late = await _append(graph, MANY)
    return Figure(f"Append to {MANY:,} conversations", late, "ms", f"to {FEW:,}", early)


async def _append(graph: Graph, first: int) -> float:
    """Milliseconds until a new conversation is in, median."""
    seconds: list[float] = []
    for n in range(first, first + APPENDS):
        began = time.perf_counter()
        await graph.apply(list(conversation("grown", n, 1)))
        seconds.append(time.perf_counter() - began)
    return median(seconds) * 1000
