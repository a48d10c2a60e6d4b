"""The adapter for Cosmos DB on a stand-in for it: its sockets, and how it shares what it may spend.

That it gives the right answers: test_conformance.py.
"""

import asyncio
from collections.abc import Iterator

import pytest

from chats.account import Account
from graph.connect import connect_as
from graph.pace import TokenBucket
from graph.traversals import ACROSS_PARTITIONS, FANS
from graph.write import rebuild_graph_from_snapshot
from tests.graph.clock import Clock
from tests.graph.load import CREATOR, conversations, fans
from tests.graph.standin import opened, settings_for
from tests.gremlin_server import server
from tests.standin.server import Standin

UNITS = 200.0  # request units a second
CONVERSATIONS = 30  # of a rebuild
LONGEST = 1.0  # seconds that a read waits for its turn


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(server.address(), across=ACROSS_PARTITIONS) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[float]:
    """Seconds that each read waited until it might spend, by a clock that only such waits move."""
    found: list[float] = []

    class Timed(TokenBucket):
        def __init__(self, rate: float) -> None:
            super().__init__(rate, monotonic=clock.monotonic, sleep=clock.sleep)

        async def spend(self, units: float, *, writing: bool) -> None:
            began = clock.now
            await super().spend(units, writing=writing)
            if not writing:
                found.append(clock.now - began)

    monkeypatch.setattr("graph.cosmos.TokenBucket", Timed)
    return found


async def test_a_read_waits_for_no_rebuild_that_spends_all_there_is(
    standin: Standin, clock: Clock, waits: list[float], user_id: str
) -> None:
    settings = settings_for(standin, cosmos_ru=UNITS)
    graph = connect_as(settings, settings.graph_url)
    try:
        rebuild = asyncio.create_task(
            rebuild_graph_from_snapshot(
                user_id, conversations(CONVERSATIONS), CREATOR, fans=fans(CONVERSATIONS), rev=1, writer=graph
            )
        )
        while not rebuild.done():
            await graph.submit(FANS, {"pk": Account(user_id, CREATOR).key})
            await asyncio.sleep(0.01)
        await rebuild
        assert clock.now > 20 * LONGEST  # the rebuild waited again and again
        assert len(waits) > 10
        assert max(waits) < LONGEST
    finally:
        await graph.close()


async def test_all_writers_together_spend_no_more_than_the_service_may(
    standin: Standin, clock: Clock, waits: list[float], user_id: str
) -> None:
    settings = settings_for(standin, cosmos_ru=UNITS, graph_writers=2)
    writers = [connect_as(settings, settings.graph_url) for _ in range(settings.graph_writers)]

    async def rebuild(number: int) -> None:
        user, writer, half = f"{user_id}-{number}", writers[number], CONVERSATIONS // 2
        await rebuild_graph_from_snapshot(
            user, conversations(half), CREATOR, fans=fans(half), rev=1, writer=writer
        )

    try:
        await asyncio.gather(*map(rebuild, range(len(writers))))
    finally:
        for each in writers:
            await each.close()
    spent = sum(standin.charged().values())
    assert clock.now > 10  # they waited
    # A second's units are saved before, and what was more than it was expected to be is paid with the next.
    assert spent / UNITS < clock.now + 2


async def test_an_idle_socket_that_was_cut_is_replaced() -> None:
    with Standin(server.address(), idle=0.2) as standin:
        graph = opened(standin)
        try:
            await graph.ping()
            await asyncio.sleep(1.0)
            await graph.ping()
        finally:
            await graph.close()
