"""The whole of a user's session on stores in memory and a clock that stands still until it is moved."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest
from redis.exceptions import RedisError

from errors import JournalUnavailable, StaleOwner
from graph.model import Mutation
from metrics.declared import BACKLOG, GRAPH_BEHIND_SECONDS, JOURNAL_LAG
from session.graph import BEHIND, GATHER
from session.machine import RETRY_FIRST
from session.pages import Pages
from session.processing import GRAPH_BEHIND
from tests.actors.factories import HOUR
from tests.conftest import PATIENCE
from tests.session.ports import USER, FakeJournal, Page, World, bring, raw, say, turn

CREATOR, OTHER = "901", "902"
ACCOUNT = f"{USER}/{CREATOR}"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """With a session that runs and has the messages 1 and 2 of one chat, and a page."""
    world = World()
    await bring(await world.begin(), raw("1", 0), raw("2", 60))
    await world.settle()
    await world.connect()
    yield world
    await world.kill()


def page_of(world: World) -> Page:
    return world.pages[0]


async def test_with_the_graph_away_pages_are_told_and_whoever_comes_is_answered(world: World) -> None:
    page = page_of(world)
    world.graph.away = True
    for n in range(3, 8):
        await say(world.session, raw(str(n), n * 60, fan=f"{41 + n // 5}"))
        await world.settle(graph=False)
        await world.clock.advance(1.0)  # it is tried, and fails
    assert page.appended == ["3", "4", "5", "6", "7"]
    assert page.analytics["messageCount"] == 7
    later = await world.connect()
    assert later.shown() == page.shown() == world.held_texts()
    assert later.analytics["messageCount"] == 7
    assert world.graph.messages(CREATOR) == {"41:1": 2}
    world.graph.away = False
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:1": 4, "42:5": 3}


async def test_what_changes_soon_after_each_other_is_written_to_the_graph_at_once(world: World) -> None:
    writes = world.graph.writes
    for n in range(3, 9):
        await say(world.session, raw(str(n), n * 60))
        await world.settle(graph=False)
    assert page_of(world).appended == ["3", "4", "5", "6", "7", "8"]
    assert world.graph.messages(CREATOR) == {"41:1": 2}
    await world.clock.advance(GATHER)
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:1": 8}
    assert world.graph.writes == writes + 1


async def test_whoever_waits_for_the_graph_does_not_wait_for_more_to_come(world: World) -> None:
    await say(world.session, raw("3", 180))
    await world.settle(graph=False)
    assert world.graph.messages(CREATOR) == {"41:1": 2}
    assert await world.parts.writes.caught_up(PATIENCE)
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:1": 3}
    await say(world.session, raw("4", 240))
    await world.settle(graph=False)
    assert world.graph.messages(CREATOR) == {"41:1": 3}  # nobody waits any more


async def test_that_the_graph_is_behind_is_told_and_taken_back(world: World) -> None:
    page = page_of(world)
    world.graph.away = True
    await say(world.session, raw("3", 180))
    await world.clock.advance(BEHIND / 2)
    assert page.statuses == [("REALTIME", None)]
    await world.clock.advance(2 * BEHIND)
    assert page.statuses[-1] == ("REALTIME", GRAPH_BEHIND)
    assert world.lag.since.keys() == {CREATOR}
    world.graph.away = False
    await world.settle()
    await world.clock.advance(BEHIND)
    assert page.statuses[1:] == [("REALTIME", GRAPH_BEHIND), ("REALTIME", None)]
    assert world.lag.since == {}


async def test_whoever_comes_while_the_graph_is_behind_does_not_take_the_page_for_blocked(
    world: World,
) -> None:
    world.graph.away = True
    await say(world.session, raw("3", 180))
    await world.clock.advance(3 * BEHIND)
    assert (await world.connect()).statuses == [("REALTIME", None)]


async def test_what_waits_for_the_graph_is_ids_however_long_it_is_away(world: World) -> None:
    world.graph.away = True
    for n in range(3, 60):
        await say(world.session, raw(str(n), n))
        await world.settle(graph=False)
    assert world.parts.writes.unwritten() == {
        CREATOR: {"written": [("41", "41:1")], "gone": [], "fans": ["41"]}
    }


async def test_checkpoints_are_written_while_the_graph_is_away_and_the_next_owner_writes_the_graph() -> None:
    world = World(checkpoint_messages=3)
    world.graph.away = True
    session = await world.begin()
    await bring(session, raw("1", 0), raw("2", 60))
    await world.settle(graph=False)
    await say(session, raw("3", 120), raw("far", 9 * HOUR))
    await world.settle(graph=False)
    assert world.checkpoints[-1].unwritten.keys() == {CREATOR}
    await say(session, raw("4", 180))
    await world.settle(graph=False)
    assert world.checkpoints[-1].sequence < world.sequence
    await world.begin()
    world.graph.away = False
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:1": 4, "41:far": 1}
    assert world.graph.accounts == {ACCOUNT}
    await world.kill()


async def test_a_checkpoint_does_not_take_for_written_what_is_on_its_way_to_the_graph(world: World) -> None:
    world.graph.away = True
    await say(world.session, raw("3", 120))
    await world.settle(graph=False)
    leaving = asyncio.create_task(world.session.leave(3 * BEHIND))
    await turn()
    await world.clock.advance(4 * BEHIND)
    await leaving
    await world.begin()
    assert world.records == [] or world.checkpoints[-1].sequence == world.sequence
    world.graph.away = False
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:1": 3}


async def test_a_conversation_that_the_graph_refuses_is_listed_and_stops_nobody_elses(world: World) -> None:
    world.graph.refuses = {"42:a"}
    await say(world.session, raw("a", 0, fan="42"), raw("b", 0, fan="43"))
    await say(world.session, raw("c", 0, creator=OTHER, fan="51"), creator=OTHER)
    await world.settle()
    assert world.graph.messages(CREATOR).keys() == {"41:1", "43:b"}
    assert world.graph.messages(OTHER).keys() == {"51:c"}
    listed = await world.session.get_held(10, 0)
    [refused] = listed["held"]
    assert (refused["reason"], refused["creator_id"], listed["total"]) == ("not_written", CREATOR, 1)
    assert refused["received"] == {"chatId": "42", "conversationId": "42:a"}

    await world.session.replay_held(b"[]")  # it still refuses it
    await world.settle()
    assert (await world.session.get_held(10, 0))["total"] == 1

    world.graph.refuses.clear()
    await world.session.replay_held(orjson.dumps([{"key": refused["key"]}]))
    await world.settle()
    assert (await world.session.get_held(10, 0))["held"] == []
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR)


async def test_what_the_graph_refused_is_still_known_to_the_next_owner(world: World) -> None:
    world.graph.refuses = {"42:a"}
    await say(world.session, raw("a", 0, fan="42"))
    await world.settle()
    written = dict(world.graph.conversations[ACCOUNT])
    await world.session.leave(1.0)
    await world.begin()
    await world.settle()
    [refused] = (await world.session.get_held(10, 0))["held"]
    assert refused["received"]["conversationId"] == "42:a"
    assert world.graph.conversations[ACCOUNT] == written  # nothing else is written anew


async def test_a_refused_conversation_that_is_no_more_is_not_listed(world: World) -> None:
    world.graph.refuses = {"42:a"}
    await say(world.session, raw("a", 0, fan="42"))
    await world.settle()
    await say(world.session, raw("a", 0, fan="42", isDeleted=True))
    await world.settle()
    assert (await world.session.get_held(10, 0))["held"] == []


async def test_what_is_written_anew_in_parts_stays_while_another_account_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.graph.refuses = {"42:a"}
    await say(world.session, raw("a", 0, fan="42"), raw("b", 0, fan="43"), raw("c", 0, fan="44"))
    await world.settle()
    apply = world.graph.apply

    async def beside(mutations: Sequence[Mutation]) -> None:
        world.parts.writes._revision += 1  # which another account's write takes
        await apply(mutations)

    monkeypatch.setattr("session.lacking.TOGETHER", 1)
    monkeypatch.setattr(world.graph, "apply", beside)
    world.parts.writes.rewrite(CREATOR)
    await world.settle()
    assert world.graph.messages(CREATOR).keys() == {"41:1", "43:b", "44:c"}


async def test_a_snapshot_that_is_sent_twice_makes_no_write_and_no_frame(world: World) -> None:
    writes, frames, jobs = world.graph.writes, len(world.frames), world.enricher.jobs
    receipt = await bring(world.session, raw("1", 0), raw("2", 60))
    await world.settle()
    await world.clock.advance(BEHIND)
    assert (receipt["accepted"], receipt["duplicates"]) == (0, 2)
    assert (world.graph.writes, len(world.frames), world.enricher.jobs) == (writes, frames, jobs)


async def test_snapshots_that_bring_no_news_do_not_fill_the_journal() -> None:
    world = World(checkpoint_messages=4)
    await world.begin()
    for _ in range(20):
        await bring(world.session, raw("1", 0), raw("2", 60))
        await world.settle()
    assert len(world.records) <= 12
    await world.kill()


async def test_a_checkpoint_is_not_written_again_while_something_stays_unfinished() -> None:
    world = World(checkpoint_messages=3)
    await bring(await world.begin(), raw("1", 0), raw("2", 60))
    await world.settle()
    world.parts.refits.unfinished.add(CREATOR)  # as while topics are assigned anew
    await say(world.session, raw("3", 120), raw("4", 180), raw("5", 240))
    await world.settle()
    written = world.checkpoints[-1]
    assert written.unfinished == [CREATOR]
    await say(world.session, raw("6", 300))
    await world.settle()
    assert world.checkpoints[-1] is written
    world.parts.refits.unfinished.clear()
    await say(world.session, raw("7", 360))
    await world.settle()
    assert world.checkpoints[-1].unfinished == []
    await world.kill()


async def test_what_is_to_be_told_anew_is_unfinished_before_it_is_begun(world: World) -> None:
    world.parts.refits._redo(CREATOR)
    assert world.parts.persistence._to_save()[1] == [CREATOR]
    await world.settle()
    assert world.parts.persistence._to_save()[1] == []


async def test_why_a_history_cannot_be_read_holds_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async def claim(_: FakeJournal) -> int:
        raise RedisError

    monkeypatch.setattr(FakeJournal, "claim", claim)
    session = World()._new()
    running = asyncio.create_task(session.run())
    await turn()
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="Redis"):
            await say(session, raw("1", 0))
    assert session.owner._problem is not None
    assert session.owner._problem.__traceback__ is None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_in_error_input_does_not_start_enrichment_before_the_wait_is_over(world: World) -> None:
    world.enricher.broken = True
    jobs = world.enricher.jobs
    await say(world.session, raw("3", 120))
    await turn()
    assert world.enricher.jobs == jobs + 1
    for n in range(10):
        await say(world.session, raw(f"during-{n}", 130 + n))
        await world.clock.advance(RETRY_FIRST / 20)
    assert world.enricher.jobs == jobs + 1
    await world.clock.advance(RETRY_FIRST)
    assert world.enricher.jobs == jobs + 2
    assert page_of(world).statuses[-1][0] == "ERROR"
    world.enricher.broken = False
    await world.settle()
    assert page_of(world).statuses[-1] == ("REALTIME", None)
    assert page_of(world).shown() == world.held_texts()
    assert len(page_of(world).appended) == len(set(page_of(world).appended)) == 11


async def test_messages_are_taken_and_appended_while_a_full_sync_is_built(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, plain = asyncio.Event(), asyncio.Event(), Pages.written

    async def slow(self: Pages, *args: object) -> bytes:
        begun.set()
        await go.wait()
        return await plain(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Pages, "written", slow)
    connecting = asyncio.create_task(world.connect())
    await begun.wait()
    await say(world.session, raw("3", 120))
    await world.settle()
    assert page_of(world).appended == ["3"]
    go.set()
    later = await connecting
    assert later.appended == ["3"]  # it was built without it
    assert later.shown() == page_of(world).shown() == world.held_texts()


async def test_frames_that_are_lost_are_made_up_for_by_a_full_sync_of_every_creator(world: World) -> None:
    await say(world.session, raw("c", 0, creator=OTHER, fan="51"), creator=OTHER)
    await world.settle()
    world.frames_are_lost = True
    await say(world.session, raw("3", 120))
    await say(world.session, raw("d", 60, creator=OTHER, fan="51"), creator=OTHER)
    await world.clock.advance(5.0)
    page = page_of(world)
    assert page.shown() != world.held_texts()
    world.frames_are_lost = False
    await world.settle()
    await world.clock.advance(5.0)
    await world.settle()
    assert page.kinds.count("full_sync_response") == 2
    assert page.shown() == world.held_texts()
    assert page.statuses[-1] == ("REALTIME", None)


async def test_frames_that_an_owner_lost_and_did_not_make_up_for_are_made_up_for_by_the_next() -> None:
    world = World(checkpoint_messages=1)
    await bring(await world.begin(), raw("1", 0))
    await world.settle()
    page = await world.connect()
    world.frames_are_lost = True
    await say(world.session, raw("2", 60))
    await world.settle()
    assert world.checkpoints[-1].sequence == world.sequence
    await world.kill()
    world.frames_are_lost = False
    await world.begin()
    await world.settle()
    assert page.shown() == world.held_texts()
    await world.kill()


async def test_who_leaves_has_checkpointed_everything(world: World) -> None:
    await say(world.session, raw("3", 120), raw("far", 9 * HOUR))
    await world.settle()
    before = await figures(world)
    texts = world.held_texts()
    await world.session.leave(5.0)
    with pytest.raises(StaleOwner):
        await say(world.session, raw("4", 180))
    assert world.checkpoints[-1].sequence == world.sequence
    jobs, frames, writes = world.enricher.jobs, len(world.frames), world.graph.writes
    await world.begin()
    await world.settle()
    assert world.held_texts() == texts
    assert await figures(world) == before
    assert world.parts.state.unfinished() == []
    assert (world.enricher.jobs, world.graph.writes) == (jobs, writes)
    assert len(world.frames) == frames


async def test_who_leaves_finishes_what_waits_until_the_chats_are_at_rest(world: World) -> None:
    async with world.parts.at_rest:  # as while a checkpoint is taken
        await say(world.session, raw("3", 120))
        await turn()
        leaving = asyncio.create_task(world.session.leave(60.0))
        await turn()
    while not leaving.done():
        await world.clock.advance(0.01)
        await turn()
    assert world.checkpoints[-1].sequence == world.sequence
    assert world.checkpoints[-1].unfinished == []


async def test_an_owner_that_is_displaced_stops_and_writes_nothing_more(world: World) -> None:
    writes = world.graph.writes
    running, world._running = world._running, None
    world.epoch += 1
    with pytest.raises(StaleOwner):
        await say(world.session, raw("3", 120))
    assert running is not None
    with pytest.raises(StaleOwner):
        await running
    assert world.graph.writes == writes


async def test_a_graph_that_lost_everything_is_written_anew_by_the_next_owner(world: World) -> None:
    await world.session.leave(1.0)
    world.graph.conversations.clear()
    world.graph.accounts.clear()
    await world.begin()
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR)
    assert world.graph.accounts == {ACCOUNT}


async def test_a_copied_account_is_written_anew_although_it_lacks_no_conversation(world: World) -> None:
    await world.session.leave(1.0)
    world.graph.conversations[ACCOUNT] = dict.fromkeys(world.graph.conversations[ACCOUNT], (1, 99))
    world.graph.accounts.clear()  # no owner has said that all of it is its own
    await world.begin()
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR)
    assert world.graph.accounts == {ACCOUNT}


async def test_a_conversation_that_a_killed_owner_wrote_and_that_is_no_more_is_removed() -> None:
    """The next owner reads the journal and never has it: nothing but a look at the graph tells of it."""
    world = World()
    await world.begin()
    await say(world.session, raw("1", 0), raw("2", 8 * HOUR))
    await world.settle()
    world.graph.away = True
    await say(world.session, raw("1", 0, isDeleted=True))
    assert len(world.graph.messages(CREATOR)) == 2
    await world.begin()
    world.graph.away = False
    await world.settle()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR)
    assert len(world.graph.messages(CREATOR)) == 1
    await world.kill()


@pytest.mark.parametrize("is_killed", [False, True])
async def test_who_a_chat_was_taken_for_until_its_fan_was_told_is_removed(is_killed: bool) -> None:
    """A chat's id stands for its fan until then. An owner that comes after a kill is told at once."""
    world = World()
    await world.begin()
    notice = {**raw("2", 60), "fromUser": {"id": CREATOR}, "chat_id": "c41"}
    body = orjson.dumps({"message": notice})
    await world.session.handle_deltas([(body, "c41", None)], CREATOR)
    await world.settle()
    assert world.graph.fans[ACCOUNT] == {"c41"}
    world.graph.away = is_killed
    known = {"chats": [{"id": "c41", "withUser": {"id": 41}}], "messages": []}
    await world.session.handle_snapshot(orjson.dumps(known), CREATOR)
    if is_killed:
        await world.begin()
        world.graph.away = False
    await world.settle()
    assert world.graph.fans[ACCOUNT] == {"41"}
    await world.kill()


async def figures(world: World) -> Any:
    _, _, _, payload = await world.session.full_sync(None)
    return orjson.loads(payload)["analytics"]


async def test_what_waits_is_measured(world: World) -> None:
    world.graph.away = True
    await say(world.session, raw("3", 180))
    await world.clock.advance(2 * BEHIND)
    world.session.measure()
    measured = {name: value for (name, _), value in world.tally.take().gauges.items()}
    assert measured[JOURNAL_LAG.name] == 2  # the snapshot is one
    assert measured[BACKLOG.name] == 0
    assert measured[GRAPH_BEHIND_SECONDS.name] >= BEHIND
    world.graph.away = False
    await world.settle()
    world.session.measure()
    assert world.tally.take().gauges[GRAPH_BEHIND_SECONDS.name, ""] == 0


async def test_a_large_full_sync_is_not_published_but_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published it would not fit into what may wait for a page, and cut it off."""
    monkeypatch.setattr("session.pages.PUBLISHED", 8)
    world.pages.clear()
    await bring(world.session, *(raw(str(n), 60 * n, fan=f"{40 + n}") for n in range(3, 9)))
    await world.settle()
    await bring(world.session, *(raw(str(n), 60 * n, fan=f"{40 + n}") for n in range(9, 30)))
    await world.settle()
    syncs = [frame for frame in world.frames if frame["type"] == "full_sync_response"]
    assert ["payload" in frame for frame in syncs] == [True, True, False]
