"""The same lives in every home: the same answers, and the same graph, element by element."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from random import Random

import pytest

from chats.account import Account
from graph.batcher import Batcher
from graph.connect import connect
from graph.contents import Contents, read
from graph.model import DropPartition
from graph.placement import place
from graph.port import Graph
from graph.traversals import ACROSS_PARTITIONS, QUESTIONS
from tests.graph.lives import STEPS, answers, cut, life, newer, write
from tests.graph.standin import opened
from tests.gremlin_server import server
from tests.standin.faults import Faults
from tests.standin.server import Standin

RATE = 0.05  # of the requests to Cosmos DB that fail
WRITERS = 2
Told = list[tuple[dict[str, list[bytes]], Contents]]


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(server.address(), across=ACROSS_PARTITIONS) as started:
        yield started


async def told(graph: Graph, user: str, seed: int, *, is_cut: bool = True) -> Told:
    """What two accounts of a user have half-way and in the end; then they are dropped.

    `is_cut`: written in other batches than their owner gave.
    """
    random = Random(seed)
    accounts = [Account(user, "creator/1 é"), Account(user, "creator/2")]
    lives = [life(random, account) for account in accounts]
    found: Told = []
    for start in range(0, STEPS, STEPS // 2):
        for batches in lives:
            half = batches[start : start + STEPS // 2]
            await write(graph, cut(half, random) if is_cut else half)
        found += [(await answers(graph, each), await read(graph, each.key)) for each in accounts]
    await write(graph, [[newer(accounts[1])]])
    found.append((await answers(graph, accounts[1]), await read(graph, accounts[1].key)))
    await write(graph, [[DropPartition(each.key)] for each in accounts])
    for each in accounts:
        assert await read(graph, each.key) == Contents()
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_every_question_and_the_whole_graph_are_the_same_in_every_home_whatever_fails(
    standin: Standin, gremlin_server: str, tmp_path: Path, seed: int
) -> None:
    user = f"u{uuid.uuid4().hex}"
    embedded = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    tinkerpop, cosmos = connect(gremlin_server, max_bindings=16), opened(standin)
    standin.faults = Faults(RATE, seed)
    try:
        expected = await told(embedded, user, seed, is_cut=False)
        for name in QUESTIONS:
            assert any(rows[name] for rows, _ in expected), name
        assert await told(embedded, user, seed) == expected
        # One after another: behind the stand-in is the same server.
        assert await told(tinkerpop, user, seed) == expected
        assert await told(cosmos, user, seed) == expected
        assert {each.status for each in standin.seen} > {200}  # some failed
    finally:
        for graph in (embedded, tinkerpop, cosmos):
            await graph.close()


@pytest.mark.parametrize("home", ["tinkerpop", "cosmos"])
async def test_two_writers_side_by_side_leave_the_graph_that_one_leaves(
    standin: Standin, gremlin_server: str, tmp_path: Path, home: str
) -> None:
    user = f"u{uuid.uuid4().hex}"
    accounts = [account for writer in range(WRITERS) for account in _written_by(writer, user, 3)]
    lives = {account: life(Random(n), account) for n, account in enumerate(accounts)}
    alone = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    for batches in lives.values():
        await write(alone, batches)
    expected = {account: await read(alone, account.key) for account in accounts}
    await alone.close()

    connected: Mapping[str, Callable[[], Graph]] = {
        "tinkerpop": lambda: connect(gremlin_server, max_bindings=16),
        "cosmos": lambda: opened(standin),
    }
    standin.faults = Faults(RATE)
    graphs = [connected[home]() for _ in range(WRITERS)]
    writers = [Batcher(graph, _newest, size=50, wait=0.001) for graph in graphs]
    try:
        # An account's calls all wait at once: the order in which they were made is the writer's to keep.
        await asyncio.gather(
            *(
                writers[place(account.key, WRITERS)].apply(batch)
                for account, batches in lives.items()
                for batch in batches
            )
        )
        assert {account: await read(graphs[0], account.key) for account in accounts} == expected
        await write(graphs[0], [[DropPartition(account.key)] for account in accounts])
    finally:
        for writer in writers:
            await writer.close()
        for graph in graphs:
            await graph.close()


def _written_by(writer: int, user: str, accounts: int) -> list[Account]:
    """The first so many of a user's accounts that this writer writes."""
    every = (Account(user, f"creator {n}") for n in count())
    return list(islice((each for each in every if place(each.key, WRITERS) == writer), accounts))


async def _newest(users: Collection[str]) -> Mapping[str, int]:
    return dict.fromkeys(users, 1)
