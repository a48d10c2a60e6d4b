"""What the writer's path to the graph costs: the batcher before an embedded graph, without Ray and Redis."""

import asyncio
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import median

from bench.figure import Figure, percentile
from graph.batcher import Batcher
from graph.embedded import EmbeddedGraph
from graph.model import DropOlder, DropStale, Mutation, UpsertEdge, UpsertVertex
from graph.write import PART
from settings import Settings

MESSAGES = 100_000  # of the rebuilt account
A_CONVERSATION = 8  # messages
UPSERTS = 8_000
ALONE = 500  # upserts written one at a time
USUAL = 200  # deltas without company
GROWN = (1_000, MESSAGES // A_CONVERSATION)  # conversations before and after the rebuild
BETWEEN = 0.02  # seconds between two deltas


def measure() -> list[Figure]:
    """Upserts/s, appends as the graph grows, and a delta's wait during another account's rebuild."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    graph = EmbeddedGraph(folder / "graph")
    settings = Settings()
    batcher = Batcher(graph, _newest, size=settings.graph_batch_size, wait=settings.graph_batch_wait)
    try:
        rates = await _rates(graph, batcher)
        return [*rates, *await _rebuild(batcher)]
    finally:
        await batcher.close()
        await graph.close()


async def _rates(graph: EmbeddedGraph, batcher: Batcher) -> list[Figure]:
    """Accounts of their own, so that each rate is one of new elements."""
    alone = _account("alone", 0, UPSERTS)[:ALONE]
    began = time.perf_counter()
    for each in alone:
        await graph.apply([each])
    one_at_a_time = len(alone) / (time.perf_counter() - began)
    engine = _account("engine", 0, UPSERTS)[:UPSERTS]
    began = time.perf_counter()
    await graph.apply(engine)
    best = len(engine) / (time.perf_counter() - began)
    path = _account("path", 0, UPSERTS)[:UPSERTS]
    began = time.perf_counter()
    await batcher.apply(path)
    value = len(path) / (time.perf_counter() - began)
    return [
        Figure("graph upserts", value, "1/s", "the engine's batches alone", best),
        Figure("graph upserts", value, "1/s", "one at a time", one_at_a_time),
    ]


async def _rebuild(batcher: Batcher) -> list[Figure]:
    small, large = GROWN
    usual = [await _delta(batcher, n) for n in range(USUAL)]
    await batcher.apply(_account("large", 0, small))
    early = [await _append(batcher, small + n) for n in range(USUAL)]
    began = time.perf_counter()
    rebuild = asyncio.create_task(_write_anew(batcher, large))
    during: list[float] = []
    while not rebuild.done():
        during.append(await _delta(batcher, USUAL + len(during)))
        await asyncio.sleep(BETWEEN)
    took = time.perf_counter() - began
    await rebuild
    late = [await _append(batcher, large + n) for n in range(USUAL)]
    return [
        Figure("rebuild of 100,000 messages", large / took, "conversations/s", "an append", 1 / median(late)),
        Figure(
            f"append to {large:,} conversations",
            median(late) * 1000,
            "ms",
            f"to {small:,}",
            median(early) * 1000,
        ),
        Figure(
            "delta during a rebuild, p99",
            percentile(during, 99) * 1000,
            "ms",
            "without one",
            percentile(usual, 99) * 1000,
        ),
    ]


async def _write_anew(batcher: Batcher, conversations: int) -> None:
    """In the parts in which an owner gives them."""
    mutations: list[Mutation] = []
    for n in range(conversations):
        mutations += _conversation("large", n, 2)
        if len(mutations) >= PART:
            await batcher.apply(mutations)
            mutations = []
    await batcher.apply([*mutations, DropOlder("large", 2)])


async def _delta(batcher: Batcher, n: int) -> float:
    """Seconds until a conversation of the small account is in."""
    began = time.perf_counter()
    await batcher.apply(list(_conversation("small", n % 50, n)))
    return time.perf_counter() - began


async def _append(batcher: Batcher, n: int) -> float:
    """Seconds until a new conversation of the large account is in."""
    began = time.perf_counter()
    await batcher.apply(list(_conversation("large", n, 2)))
    return time.perf_counter() - began


async def _newest(users: Collection[str]) -> Mapping[str, int]:
    return dict.fromkeys(users, 1)


def _account(pk: str, first: int, conversations: int) -> Sequence[Mutation]:
    return list(chain.from_iterable(_conversation(pk, n, 1) for n in range(first, first + conversations)))


def _conversation(pk: str, n: int, rev: int) -> Iterator[Mutation]:
    """What a conversation without outcomes is in the graph (`graph.builder`)."""
    creator, fan, node = "creator:1", f"fan:{n % 200}", f"conv:{n % 200}:{n}"
    yield UpsertVertex(pk, creator, "Creator", {"creatorId": "1", "userId": pk})
    yield UpsertVertex(pk, fan, "Fan", {"fanId": str(n % 200), "chatId": str(n % 200)})
    figures = {"startDate": n, "endDate": n + 60, "messageCount": A_CONVERSATION, "turns": 4, "rev": rev}
    yield UpsertVertex(pk, node, "ConversationNode", {"chatId": str(n % 200), **figures})
    yield UpsertEdge(pk, "HAS_CONVERSATION", creator, node, {"rev": rev})
    yield UpsertEdge(pk, "HAS_CONVERSATION", fan, node, {"rev": rev})
    for topic in (f"topic:{n % 10}", f"topic:{10 + n % 10}"):
        yield UpsertVertex(pk, topic, "Topic", {"category": "talk"})
        yield UpsertEdge(pk, "DISCUSS_TOPIC", node, topic, {"messages": 3, "weight": 0.5, "rev": rev})
    yield DropStale(pk, node.removeprefix("conv:"), rev)
