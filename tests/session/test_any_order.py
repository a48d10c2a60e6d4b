"""Whatever comes, fails, is away or is killed, in any order: nothing is lost, doubled or told wrongly."""

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
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
from wire import normalise
from wire.normalise import MANY
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
        self.erased: set[str] = set()  # fans, and creators of whom all is
        self.told = False

    def take(self, creator: str, drawn: Drawn) -> list[dict[str, Any]]:
        for number, version in drawn:
            key = (creator, number)
            if self.erased & {creator, f"{creator}{number % 2}"}:
                continue
            self.told = True
            self.newest[key] = max(version, self.newest.get(key, 0))
        return [version_of(creator, *each) for each in drawn]

    def erase(self, whose: str) -> None:
        """Of a fan or a creator."""
        self.erased.add(whose)
        self.newest = {
            key: v for key, v in self.newest.items() if whose not in (key[0], f"{key[0]}{key[1] % 2}")
        }

    def texts(self) -> dict[str, dict[str, str]]:
        """What is to be shown of every chat that has anything."""
        found: dict[str, dict[str, str]] = {}
        for (creator, number), version in self.newest.items():
            if not is_deleted(number, version):
                found.setdefault(f"{creator}{number % 2}", {})[f"m{number}"] = f"version {version}"
        return found


class AnyOrder(RuleBasedStateMachine):
    """Two creators' snapshots and deltas; pages come; all around fails for a while; owners are killed."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World(checkpoint_messages=4)
        self.model = Model()
        self.receipts = 0

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

    @rule(creator=st.sampled_from(CREATORS), side=st.integers(0, 1))
    def erase(self, creator: str, side: int) -> None:
        fan = f"{creator}{side}"
        self.receipts += 1
        receipt = self.run(self.world.session.erase(f"r{self.receipts}", creator, fan, 0.0))
        assert receipt["scope"] == "fan"
        self.model.erase(fan)
        assert fan not in self.world.held_texts()
        self.run(turn())

    @rule(creator=st.sampled_from(CREATORS))
    def erase_account(self, creator: str) -> None:
        self.receipts += 1
        self.run(self.world.session.erase(f"r{self.receipts}", creator, None, 0.0))
        self.model.erase(creator)
        assert creator not in self.world.parts.history.creators()
        self.run(turn())

    @rule(creator=st.sampled_from(CREATORS))
    def lift_account(self, creator: str) -> None:
        lifted = self.run(self.world.session.lift(creator, None))
        assert bool(lifted) == (creator in self.model.erased)
        self.model.erased.discard(creator)
        self.run(turn())

    @rule(creator=st.sampled_from(CREATORS), side=st.integers(0, 1))
    def lift(self, creator: str, side: int) -> None:
        fan = f"{creator}{side}"
        lifted = self.run(self.world.session.lift(creator, fan))
        assert bool(lifted) == (fan in self.model.erased)
        self.model.erased.discard(fan)
        self.run(turn())

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

    @rule(few=st.sampled_from((1, MANY)))
    def snapshots_are_large_that_have_more_than(self, few: int) -> None:
        normalise.MANY = few

    @rule(chats=st.integers(1, 4))
    def chats_are_closed(self, chats: int) -> None:
        cache = self.world.parts.history
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
        state = self.world.parts.state
        if state.job is None and not self.world.parts.at_rest.locked():
            assert state.status is Status.ERROR or not state.inbox

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            normalise.MANY = MANY
            self.run(self.world.kill())
            self.loop.close()

    def check(self) -> None:
        world = self.world
        world.enricher.go.set()
        world.enricher.broken = world.graph.away = False
        world.storage_is_away = world.frames_are_lost = False
        self.run(world.clock.advance(2.0))
        self.run(world.settle())
        expected = self.model.texts()
        assert world.held_texts() == expected
        state = world.parts.state
        assert state.status is Status.REALTIME or (state.status is Status.EMPTY and not self.model.told)
        assert state.unfinished() == []
        for page in [*world.pages, self.run(world.connect())]:
            assert page.shown() == expected
            assert page.statuses[-1][0] in ("REALTIME", "EMPTY")
        for whose in self.model.erased:
            # Not as a part of a digest or another id. Pages are told of whom they have nothing to show.
            kept = world.kept(frames=whose not in CREATORS)
            found = re.search(rf"(?<![0-9a-f.]){whose}(?![0-9a-f])", kept)
            assert found is None, kept[found.start() - 100 : found.end() + 100]
        assert world.due == {}
        assert len(world.receipts) == self.receipts
        for creator in CREATORS:
            assert world.graph.messages(creator) == world.expected_graph(creator)
            assert list(world.parts.history.pending(creator)) == []


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_nothing_is_lost_or_shown_twice_in_any_order_of_events = AnyOrder.TestCase


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """What happens to a user: input of two creators, time, a graph that is away, kills and good ends."""
    some = st.lists(versions, min_size=1, max_size=4)
    inputs = st.tuples(st.sampled_from(("snapshot", "delta")), st.tuples(st.sampled_from(CREATORS), some))
    times = st.tuples(st.just("time"), st.sampled_from((1.0, 3600.0, 26 * 86_400.0)))
    graphs = st.tuples(st.just("graph"), st.booleans())
    ends = st.tuples(st.sampled_from(("kill", "settle")), st.none())
    return draw(st.lists(inputs | inputs | times | graphs | ends, min_size=1, max_size=12))


async def live(world: World, life: list[tuple[str, Any]]) -> None:
    model = Model()
    await world.begin()
    for kind, what in life:
        match kind:
            case "snapshot" | "delta":
                creator, drawn = what
                take = bring if kind == "snapshot" else say
                await take(world.session, *model.take(creator, drawn), creator=creator)
            case "time":
                await world.clock.advance(min(what, 5.0))
                world.clock.skip(what)
            case "graph":
                world.graph.away = what
            case "kill":
                await world.begin()
            case "settle":
                await world.settle(graph=False)
    world.graph.away = False
    await world.settle()


@settings(max_examples=25)
@given(lives())
def test_figures_in_memory_are_those_of_the_graph_and_the_graph_is_what_a_rebuild_writes(
    life: list[tuple[str, Any]],
) -> None:
    async def check(graph: Graph, other: Graph) -> None:
        world = World(graph, checkpoint_messages=3)
        await live(world, life)
        now = world.clock.now()
        for creator in (None, *world.parts.history.creators()):
            _, _, _, shown = await world.session.full_sync(creator)
            asked = await build_analytics_update(USER, now - WINDOW, now, creator, graph=graph, now=now)
            assert orjson.loads(shown)["analytics"] == orjson.loads(for_pages(asked))
        for creator in world.parts.history.creators():
            await rebuilt(world, creator, other)
            pk = Account(USER, creator).key
            assert without_rev(await contents(graph, pk)) == without_rev(await contents(other, pk))
        await world.kill()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(in_graphs(Path(folder), check))


async def in_graphs(folder: Path, check: Callable[[Graph, Graph], Awaitable[None]]) -> None:
    graph, other = (connect(f"embedded:{folder / name}", max_bindings=16) for name in ("one", "other"))
    try:
        await check(graph, other)
    finally:
        await graph.close()
        await other.close()


async def rebuilt(world: World, creator: str, graph: Graph) -> None:
    history = world.parts.history
    nodes = [node for cached in history.of(creator) for node in cached.nodes.values()]
    await rebuild_graph_from_snapshot(USER, nodes, creator, fans=history.fans(creator), rev=1, writer=graph)


def without_rev(found: Contents) -> Contents:
    """What differs between two writings of the same."""
    for row in (*found.vertices.values(), *found.edges.values()):
        row.pop("rev", None)
    return found
