"""How much a second worker adds: enrichment in two processes with a core each, against one alone."""

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier

from bench.enrich import MESSAGES, conversations, enrich, unique_messages
from bench.figure import Figure
from chats.conversation import Conversation
from chats.message import Message

WORKERS = 2
LEAST_SECONDS = 6.0
PATIENCE = 120.0  # seconds for the others to come


def measure() -> list[Figure]:
    """Messages/s of all workers together."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(WORKERS, _join, (context.Barrier(WORKERS), unique_messages())) as pool:
        pool.map(_work, [True] * WORKERS, chunksize=1)  # all have loaded the model
        alone = sum(pool.map(_work, [False]))
        together = sum(pool.map(_work, [True] * WORKERS, chunksize=1))
    return [Figure(f"Enrichment, {WORKERS} workers", together, "messages/s", "one worker", alone)]


class _Own:
    """What a worker holds."""

    all_ready: Barrier
    conversations: list[Conversation]


def _join(all_ready: Barrier, messages: Sequence[Message]) -> None:
    _Own.all_ready, _Own.conversations = all_ready, conversations(messages)
    enrich(_Own.conversations[:10])


def _work(with_others: bool) -> float:
    """Messages/s; with the others it begins when all are there, so that each has a process of its own."""
    if with_others:
        _Own.all_ready.wait(PATIENCE)
    done, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < LEAST_SECONDS:
        enrich(_Own.conversations)
        done += MESSAGES
    return done / seconds
