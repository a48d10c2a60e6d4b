"""Columns that an owner keeps: those of the graph's rows whatever happens, made and forgotten in time."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steps
from chats.account import Account
from graph.port import Graph
from graph.traversals import CONVERSATIONS, FANS, PROFILES
from insights.columns import Table
from insights.tables import SCHEMAS, Ask, Version, of_answers, rows_of
from session import columns
from tests.conftest import PATIENCE
from tests.session import test_corrections as corrections
from tests.session.ports import USER, World, bring, raw, say, turn
from tests.session.test_any_order import CREATORS, Model, in_graphs, live, lives

EVER = (0, 1 << 40)
STATES = (FANS, PROFILES)
ASKS = [*(Ask(each, *EVER) for each in SCHEMAS if each not in STATES), *map(Ask, STATES)]
CREATOR = CREATORS[0]


def plain(table: Table) -> list[str]:
    return sorted(map(repr, rows_of(table)))


async def asked(world: World, creator: str, asks: list[Ask]) -> tuple[Version, list[Table]]:
    """What the owner answers, once it has columns."""
    async with asyncio.timeout(PATIENCE):
        while (found := await world.session.columns(creator, asks)) is None:
            await turn()
    return found


async def conversations(world: World, creator: str = CREATOR) -> int:
    _, [found] = await asked(world, creator, [Ask(CONVERSATIONS, *EVER)])
    return len(found)


@settings(max_examples=25, deadline=None)
@given(lives(), lives(), st.sampled_from((0.0, steps.SLICE)), st.sampled_from((2, columns.TOGETHER)))
def test_columns_are_those_of_the_graphs_rows_whatever_happens(
    before: list[tuple[str, Any]], after: list[tuple[str, Any]], slice: float, together: int
) -> None:
    async def check(graph: Graph, other: Graph) -> None:
        world = World(graph, checkpoint_messages=3)
        await live(world, before)
        for creator in world.parts.history.creators():
            await asked(world, creator, ASKS)  # from now on its columns follow
        model = Model()
        for kind, what in after:
            if kind in ("snapshot", "delta"):
                take = bring if kind == "snapshot" else say
                await take(world.session, *model.take(*what), creator=what[0])
        await world.settle()
        for creator in world.parts.history.creators():
            await are_those_of(graph, world, creator)
        await world.kill()

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "SLICE", slice)
        patch.setattr(columns, "TOGETHER", together)
        asyncio.run(in_graphs(Path(folder), check))


async def are_those_of(graph: Graph, world: World, creator: str) -> None:
    _, found = await asked(world, creator, ASKS)
    pk = Account(USER, creator).key
    rows = [await graph.submit(each.traversal, {"pk": pk, **each.bindings}) for each in ASKS]
    for ask, own, theirs in zip(ASKS, found, of_answers(ASKS, rows), strict=True):
        assert plain(own) == plain(theirs), ask


@pytest.mark.parametrize("is_kept_before", [True, False])
async def test_columns_are_of_what_counts_once_people_have_corrected_it(
    is_kept_before: bool, tmp_path: Path
) -> None:
    world = await corrections.talked(tmp_path / "graph")
    graph = world.graph.behind
    assert graph is not None
    if is_kept_before:
        await asked(world, corrections.CREATOR, ASKS)
    await corrections.correct_much(world)
    await are_those_of(graph, world, corrections.CREATOR)
    await world.kill()
    await graph.close()


async def begun(*messages: str) -> World:
    world = World()
    await world.begin()
    await bring(
        world.session, *(raw(id, 0.0, fan=f"{CREATOR}1", creator=CREATOR) for id in messages), creator=CREATOR
    )
    await world.settle()
    return world


async def test_the_first_question_is_for_the_graph_and_has_columns_made() -> None:
    world = await begun("m1")
    assert await world.session.columns(CREATOR, ASKS) is None
    assert await world.session.column_versions([CREATOR]) == [None]
    assert await conversations(world) == 1
    assert await world.session.column_versions([CREATOR]) != [None]
    await world.kill()


async def test_of_an_account_that_is_not_there_no_columns_are_made() -> None:
    world = await begun("m1")
    for _ in range(20):
        assert await world.session.columns("another", ASKS) is None
        await turn()
    await world.kill()


async def test_a_version_holds_until_something_changes_and_another_owner_has_another() -> None:
    world = await begun("m1")
    await conversations(world)
    [first] = await world.session.column_versions([CREATOR])
    assert await world.session.column_versions([CREATOR]) == [first]
    await say(world.session, raw("m2", 1.0, fan=f"{CREATOR}1", creator=CREATOR), creator=CREATOR)
    await world.settle()
    [second] = await world.session.column_versions([CREATOR])
    assert second not in (None, first)
    version, _ = await asked(world, CREATOR, ASKS)
    assert version == second
    await world.begin()
    await world.settle()
    await conversations(world)
    assert (await world.session.column_versions([CREATOR]))[0] not in (None, first, second)
    await world.kill()


async def test_columns_are_forgotten_after_a_while_without_a_question() -> None:
    world = await begun("m1")
    await conversations(world)
    world.clock.skip(columns.FORGOTTEN + 1)
    await say(world.session, raw("m2", 1.0, fan=f"{CREATOR}1", creator=CREATOR), creator=CREATOR)
    await world.settle()
    assert await world.session.columns(CREATOR, ASKS) is None
    assert await conversations(world) == 1
    await world.kill()


async def test_who_is_erased_is_in_no_column_and_in_no_dictionary() -> None:
    world = await begun("m1")
    other = raw("m9", 0.0, fan="4321", creator=CREATOR)
    await say(world.session, other, creator=CREATOR)
    await world.settle()
    assert await conversations(world) == 2
    await world.session.erase("r1", CREATOR, "4321", 5.0)
    await world.settle()
    assert await world.session.columns(CREATOR, ASKS) is None
    _, tables = await asked(world, CREATOR, ASKS)
    assert len(tables[0]) == 1
    assert "4321" not in repr([rows_of(each) for each in tables])
    kept = world.parts.columns._accounts[CREATOR][1].columns
    assert "4321" not in {name for each in kept._dictionaries.values() for name in each}
    await world.kill()


@pytest.mark.parametrize("asked_before", [False, True])
async def test_columns_that_cannot_be_made_leave_the_graph_to_answer_and_the_owner_at_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked_before: bool
) -> None:
    class Broken:
        @staticmethod
        def of(*_: Any) -> None:
            raise ValueError("a message's text")

    world = await begun("m1")
    if asked_before:
        await conversations(world)
    monkeypatch.setattr(columns, "Put", Broken)
    await say(world.session, raw("m2", 1.0, fan=f"{CREATOR}1", creator=CREATOR), creator=CREATOR)
    await world.settle()
    for _ in range(50):
        assert await world.session.columns(CREATOR, ASKS) is None
        await turn()
    [said] = [each.message for each in caplog.records if "columns" in each.message]
    assert "ValueError" in said
    assert "text" not in said
    assert world.held_texts()[f"{CREATOR}1"].keys() == {"m1", "m2"}
    await world.kill()
