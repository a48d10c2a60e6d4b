"""Whatever comes, fails, is away or is killed, in any order: nothing is lost, doubled or told wrongly."""

import asyncio
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chats.account import Account
from graph.connect import connect
from graph.port import Graph
from graph.write import rebuild_graph_from_snapshot
from insights.queries import build_analytics_update
from insights.window import WINDOW
from session.machine import Status
from tests.actors.factories import HOUR, MINUTE, START
from tests.graph.reading import Contents, contents
from tests.session.ports import USER, World, bring, raw, say, turn
from wire.payloads import for_pages

CREATORS = ("901", "902")
T = TypeVar("T")

Drawn = list[tuple[int, int]]  # a message's number and version
versions = st.tuples(st.integers(0, 11), st.integers(0, 2))


def is_deleted(number: int, version: int) -> bool:
    """The newest version of every third one is its deletion."""
    return version == 2 and number % 3 == 0


def version_of(creator: str, number: int, version: int) -> dict[str, Any]:
    fan = f"{creator}{number % 2}"
    sides: dict[str, Any] = {"fromUser": {"id": creator}, "toUser": {"id": fan}} if number % 5 == 2 else {}
    if version:
        sides["changedAt"] = datetime.fromtimestamp(START + version, UTC).isoformat()
    if number == 7:
        sides |= {"isTip": True, "tipAmount": 5}
    if is_deleted(number, version):
        sides["isDeleted"] = True
    after = number * 4 * HOUR if number % 4 else number * HOUR + MINUTE
    return raw(f"m{number}", after, fan=fan, creator=creator, text=f"version {version}", **sides)


class Model:
    """What was acknowledged: the newest version of each message."""

    def __init__(self) -> None:
        self.newest: dict[tuple[str, int], int] = {}

    def take(self, creator: str, drawn: Drawn) -> list[dict[str, Any]]:
        for number, version in drawn:
            key = (creator, number)
            self.newest[key] = max(version, self.newest.get(key, 0))
        return [version_of(creator, *each) for each in drawn]

    def texts(self) -> dict[str, dict[str, str]]:
        """What is to be shown of every chat that has anything."""
        found: dict[str, dict[str, str]] = {}
        for (creator, number), version in self.newest.items():
            if not is_deleted(number, version):
                found.setdefault(f"{creator}{number % 2}", {})[f"m{number}"] = f"version {version}"
        return found


class AnyOrder(RuleBasedStateMachine):
    """Two creators' snapshots and deltas; pages come; everything around fails for a while; owners are killed."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World(checkpoint_messages=4)
        self.model = Model()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.run(self.world.begin())

    @rule(creator=st.sampled_from(CREATORS), drawn=st.lists(versions, max_size=5))
    def snapshot(self, creator: str, drawn: Drawn) -> None:
        self.run(bring(self.world.session, *self.model.take(creator, drawn), creator=creator))

    @rule(creator=st.sampled_from(CREATORS), drawn=st.lists(versions, min_size=1, max_size=3))
    def delta(self, creator: str, drawn: Drawn) -> None:
        self.run(say(self.world.session, *self.model.take(creator, drawn), creator=creator))

    @rule()
    def enrichment_waits(self) -> None:
        self.world.enricher.go.clear()

    @rule()
    def enrichment_goes_on(self) -> None:
        self.world.enricher.go.set()
        self.run(turn())

    @rule(broken=st.booleans())
    def enrichment_fails(self, broken: bool) -> None:
        self.world.enricher.broken = broken

    @rule(away=st.booleans())
    def the_graph_is_away(self, away: bool) -> None:
        self.world.graph.away = away

    @rule(away=st.booleans())
    def the_storage_is_away(self, away: bool) -> None:
        self.world.storage_is_away = away

    @rule(lost=st.booleans())
    def frames_are_lost(self, lost: bool) -> None:
        self.world.frames_are_lost = lost

    @rule(seconds=st.sampled_from((0.3, 2.0, 20.0)))
    def time_goes_on(self, seconds: float) -> None:
        self.run(self.world.clock.advance(seconds))

    @rule()
    def connect(self) -> None:
        self.run(self.world.connect())

    @rule(chats=st.integers(1, 4))
    def chats_are_closed(self, chats: int) -> None:
        cache = self.world.session._history
        for key in cache.beyond(0)[-chats:]:
            cache.close(key)

    @rule()
    def kill(self) -> None:
        self.run(self.world.begin())

    @rule()
    def leave(self) -> None:
        self.run(self._leave())

    async def _leave(self) -> None:
        leaving = asyncio.create_task(self.world.session.leave(5.0))
        while not leaving.done():
            await turn()
            await self.world.clock.advance(0.5)
            await asyncio.sleep(0.001)  # a checkpoint is written in a thread
        leaving.result()
        await self.world.begin()

    @invariant()
    def at_rest_the_status_says_so(self) -> None:
        state = self.world.session._state
        if state.job is None:
            assert state.status is Status.ERROR or not state.inbox

    def teardown(self) -> None:
        world = self.world
        world.enricher.go.set()
        world.enricher.broken = world.graph.away = False
        world.storage_is_away = world.frames_are_lost = False
        self.run(world.clock.advance(2.0))
        self.run(world.settle())
        expected = self.model.texts()
        assert world.held_texts() == expected
        state = world.session._state
        assert state.status is (Status.REALTIME if world.sequence else Status.EMPTY)
        assert state.unfinished() == []
        for page in [*world.pages, self.run(world.connect())]:
            assert page.shown() == expected
            assert page.statuses[-1][0] in ("REALTIME", "EMPTY")
        for creator in CREATORS:
            assert world.graph.messages(creator) == world.expected_graph(creator)
            assert world.session._history.pending(creator) == []
        self.run(world.kill())
        self.loop.close()


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_nothing_is_lost_or_shown_twice_in_any_order_of_events = AnyOrder.TestCase
