"""What the figures of the last 30 days cost after a message: kept as they change, or asked of the graph."""

import asyncio
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.figure import Figure, percentile
from chats.account import Account
from chats.conversation import Answer, Figures
from chats.enriched import ActionUse, EnrichedConversation, Outcome, TopicUse
from graph.embedded import EmbeddedGraph
from graph.rows import conversation_rows
from graph.write import rebuild_graph_from_snapshot
from insights.queries import build_analytics_update
from insights.running import RunningFigures
from insights.window import WINDOW

SHORT, MIDDLE, LONG = 1_000, 5_000, 100_000  # conversations, all of the window
CHANGES = 200
QUESTIONS = 5
GOAL = 40.0  # MiB
USER, CREATOR = "bench-window", "creator"
NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)


def measure() -> list[Figure]:
    """An update at three sizes, for two of them beside the graph's, and the memory of the largest."""
    kept = {size: _kept(size) for size in (SHORT, MIDDLE, LONG)}
    return [
        *(
            Figure(
                f"Figures after a message, {size:,} conversations",
                kept[size],
                "ms",
                "asked of the graph",
                asyncio.run(_asked(size)),
            )
            for size in (SHORT, MIDDLE)
        ),
        Figure(
            f"Figures after a message, {LONG:,} conversations", kept[LONG], "ms", f"{SHORT:,}", kept[SHORT]
        ),
        Figure(f"Figures of {LONG:,} conversations, memory", _memory(LONG), "MiB", "goal", GOAL),
    ]


def _kept(size: int) -> float:
    """Milliseconds of a conversation's change and the update after it, median."""
    figures, seconds = _figures(size), []
    for n, node in enumerate(_conversations(CHANGES)):
        start = time.perf_counter()
        figures.put(CREATOR, node.id, conversation_rows(node, Account(USER, CREATOR).key))
        figures.update(CREATOR, NOW + timedelta(seconds=n), [])
        seconds.append(time.perf_counter() - start)
    return 1000 * percentile(seconds, 50)


async def _asked(size: int) -> float:
    """Milliseconds of the update by the traversals of an embedded graph, median."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        graph = EmbeddedGraph(Path(folder) / "graph")
        await rebuild_graph_from_snapshot(USER, _conversations(size), CREATOR, fans=(), rev=1, writer=graph)
        seconds = []
        for _ in range(QUESTIONS):
            start = time.perf_counter()
            await build_analytics_update(USER, NOW - WINDOW, NOW, CREATOR, graph=graph, now=NOW)
            seconds.append(time.perf_counter() - start)
        await graph.close()
    return 1000 * percentile(seconds, 50)


def _memory(size: int) -> float:
    tracemalloc.start()
    figures = _figures(size)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del figures
    return used / 2**20


def _figures(size: int) -> RunningFigures:
    figures = RunningFigures(USER, NOW)
    for node in _conversations(size):
        figures.put(CREATOR, node.id, conversation_rows(node, Account(USER, CREATOR).key))
    return figures


def _conversations(size: int) -> Iterator[EnrichedConversation]:
    """Fictional ones, three a chat, spread over the window."""
    random = Random(7)
    for n in range(size):
        start = NOW.timestamp() - random.uniform(1, WINDOW.total_seconds() - 1)
        messages, hours = random.randint(2, 12), random.uniform(0.01, 6)
        by_fans, chat = random.randint(1, messages), str(100_000_000 + n // 3)
        answered = random.randint(0, 4)
        yield EnrichedConversation(
            id=f"{chat}:{1_000_000_000_000 + n}",
            creator_id=CREATOR,
            chat_id=chat,
            fan_id=chat,
            figures=Figures(
                start=start,
                end=start + 3600 * hours,
                direct_messages=messages,
                fan_messages=by_fans,
                mass_messages=0,
                offers=0,
                mass_offers=0,
                turns=random.randint(0, messages),
                silence_seconds=3600 * random.uniform(0, hours),
                response_seconds=tuple(random.uniform(1, 40_000) for _ in range(answered)),
                unanswered=0,
                answers=(Answer(start),) * answered,
            ),
            sentiment_sum=by_fans * random.random(),
            sentiment_count=by_fans,
            topics=tuple(
                TopicUse(id=id, label=f"Topic {id}", messages=1, weight=1 / messages, model="bench")
                for id in map(str, random.sample(range(40), random.randint(0, 3)))
            ),
            actions=tuple(
                ActionUse(type=f"action_{type}", count=1, direction="fan")
                for type in random.sample(range(20), random.randint(0, 4))
            ),
            outcomes=(Outcome(type="tip", at=start, amount=5, score=1, evidence="bench"),) * (n % 7 == 0),
        )
