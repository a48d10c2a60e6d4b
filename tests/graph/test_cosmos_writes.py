"""Writes for Cosmos DB end in the graph that the other homes have, and never look in other partitions."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import graphersal
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats.account import Account
from chats.enriched import EnrichedConversation
from errors import GraphError
from graph import cosmos_writes
from graph.builder import GraphBuilder
from graph.checker import check
from graph.cosmos_writes import Asked, id_in_partition, plan, vertex_id
from graph.dialect import Dialect
from graph.model import (
    DropConversation,
    DropFan,
    DropOlder,
    DropPartition,
    DropStale,
    DropUnusedTopics,
    Mutation,
    Scalar,
    UpsertEdge,
    UpsertVertex,
)
from graph.port import carry_out
from tests.graph.reading import Contents, contents
from tests.graph.strategies import conversation, conversations, tip

PK = Account("u1", "creator").key
OTHER = Account("u2", "creator").key
WIDE = Dialect(max_bindings=2_000, max_statements=200, one_shape=False)


class Memory:
    """The port over the embedded engine, which is given either plan."""

    def __init__(self, *, cosmos: bool) -> None:
        self._graph = graphersal.Graph()
        self._cosmos = cosmos
        self.names: list[str] = []

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        result = self._graph.execute(script, dict(bindings))
        return result if isinstance(result, list) else []

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        if not self._cosmos:
            await carry_out(mutations, WIDE, self.submit)
            return
        groups = plan(mutations)
        rows: list[list[Any]] | None = None
        while True:
            try:
                group = groups.send(rows)  # type: ignore[arg-type]
            except StopIteration:
                return
            found = [await self._asked(ask) for ask in reversed(group)]  # a group's order must not matter
            rows = found[::-1]

    async def _asked(self, ask: Asked) -> list[Any]:
        """One id space stands for the partitions: ids begin with their partition, and are cut out again."""
        self.names.append(ask.name)
        check(ask.script, ask.bindings)
        pk = ask.bindings["b0"]
        values = dict(ask.bindings)

        def spaced(name: str) -> str:
            values[f"x{name}"] = f"{pk}|{ask.bindings[name]}"
            return f"x{name}"

        script = re.sub(r"V\(\[b0,(b\d+)\]\)", lambda found: f"V({spaced(found[1])})", ask.script)
        script = re.sub(r"hasId\((b\d+)\)", lambda found: f"hasId({spaced(found[1])})", script)
        script = re.sub(r'"id",(b\d+)', lambda found: f"T.id,{spaced(found[1])}", script)
        used = {name: value for name, value in values.items() if re.search(rf"\b{name}\b", script)}
        rows = await self.submit(script, used)
        return [row.removeprefix(f"{pk}|") for row in rows] if script.endswith(".id()") else rows

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


def after(*batches: Sequence[Mutation], cosmos: bool = True, pk: str = PK) -> Contents:
    async def run() -> Contents:
        graph = Memory(cosmos=cosmos)
        for batch in batches:
            await graph.apply(batch)
        found = await contents(graph, pk)
        here = id_in_partition if cosmos else str
        return Contents(
            {here(id): row for id, row in found.vertices.items()},
            {
                (label, here(source), here(target), key): {k: v for k, v in row.items() if k != "id"}
                for (label, source, target, key), row in found.edges.items()
            },
        )

    return asyncio.run(run())


def built(conv: EnrichedConversation, rev: int = 1, fan: str = "f1", user: str = "u1") -> list[Mutation]:
    return GraphBuilder(user, "creator", rev).build_graph(conv, fan)


def asked_for(mutations: Sequence[Mutation], found: Sequence[str] = ()) -> list[Asked]:
    """The plan's requests; the first page that is asked for holds `found`, everything else nothing."""
    asked: list[Asked] = []
    steps = plan(mutations)
    pages = [list(found)]
    try:
        group = next(steps)
        while True:
            asked += group
            rows = [pages.pop() if ".limit(" in ask.script and pages else [] for ask in group]
            group = steps.send(rows)
    except StopIteration:
        return asked


fans = st.sampled_from(("f1", "f2"))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(conversations(), fans), min_size=1, max_size=3),
    st.integers(1, 60) | st.none(),
    st.booleans(),
)
def test_rewrites_end_in_the_graph_that_other_homes_have(
    writes: list[tuple[EnrichedConversation, str]], size: int | None, again: bool
) -> None:
    """Also when they are written in parts of `size` mutations, which end in the middle of a conversation."""
    batches = [built(conv, rev, fan) for rev, (conv, fan) in enumerate(writes, 1)]
    parts = batches
    if size:
        mutations = [mutation for batch in batches for mutation in batch]
        parts = [mutations[start : start + size] for start in range(0, len(mutations), size)]
    if again:
        parts = [*parts, parts[-1]]
    assert after(*parts) == after(*batches, cosmos=False)


@settings(max_examples=20, deadline=None)
@given(conversations(), conversations("c2:m5"), st.sampled_from((1, 2, 3)))
def test_drops_end_in_the_graph_that_other_homes_have(
    first: EnrichedConversation, second: EnrichedConversation, rev: int
) -> None:
    written = [*built(first, 1), *built(second, 2)]
    for drop in (DropConversation(PK, "c1:m1"), DropOlder(PK, rev), DropPartition(PK)):
        assert after(written, [drop]) == after(written, [drop], cosmos=False)
    erased: list[Mutation] = [DropConversation(PK, "c1:m1"), DropFan(PK, "f1"), DropUnusedTopics(PK)]
    assert after(written, erased) == after(written, erased, cosmos=False)


def test_the_edge_of_the_fan_it_had_goes_even_when_the_rewrite_was_interrupted() -> None:
    def fans(found: Contents) -> set[str]:
        return {source for source, _ in found.links("HAS_CONVERSATION") if source.startswith("fan:")}

    async def run() -> Contents:
        graph = Memory(cosmos=True)
        await graph.apply(built(conversation(), 1, "f1"))
        moved = built(conversation(), 2, "f2")
        steps = plan(moved)
        group = next(steps)
        for _ in range(3):  # up to the vertices, which are written; then the process ends
            rows = [await graph._asked(ask) for ask in group]
            group = steps.send(rows)
        await graph.apply(moved)
        return await contents(graph, PK)

    assert fans(asyncio.run(run())) == {"fan:f2"}


def test_pages_of_a_drop_go_on_until_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosmos_writes, "PAGE", 2)
    batch = [m for i in range(5) for m in built(conversation(f"c1:m{i}", outcomes=[tip()]))]
    found = after(batch, [DropOlder(PK, 2)])
    assert found.labelled("ConversationNode") == found.labelled("InteractionOutcome") == set()
    assert after(batch, [DropPartition(PK)]) == ({}, {})


def test_partitions_with_the_same_ids_do_not_meet() -> None:
    theirs = built(conversation(), 1, user="u2")
    drops: list[Mutation] = [DropOlder(PK, 9), DropPartition(PK)]
    batches = [theirs, built(conversation(), 2), drops]
    assert after(*batches, pk=OTHER) == after(theirs, pk=OTHER)
    assert after(*batches) == ({}, {})


def test_nothing_is_looked_for_at_an_edges_target() -> None:
    mutations = [
        *built(conversation(outcomes=[tip(None)])),
        DropConversation(PK, "c9:m9"),
        DropOlder(PK, 2),
        DropPartition(PK),
        DropFan(PK, "f1"),
        DropUnusedTopics(PK),
    ]
    asked = asked_for(mutations, found=["conv:c1:m1"])
    assert {"upsert_edge", "drop_targets", "drop_stale_edges", "drop_vertex"} <= {ask.name for ask in asked}
    for ask in asked:
        assert not re.search(r"\.(in|inE|both|bothE|E)\(", ask.script), ask.name


nasty = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(
    ('"); g.V().drop(); ("', "{0}", "a|b", "a/b\\c?d#e", "~7E", "%7E", "é🔥")
)


@given(nasty, nasty)
def test_every_script_passes_the_checker_and_holds_nothing_of_the_data(pk: str, text: str) -> None:
    def scripts(pk: str, text: str) -> list[str]:
        asked = asked_for(
            [
                UpsertVertex(pk, text, "Topic", {"description": text}, without=("category",)),
                UpsertEdge(pk, "DISCUSS_TOPIC", text, text, {"weight": 1.0}, key=text),
                DropStale(pk, text, 2),
                DropConversation(pk, text),
                DropOlder(pk, 2),
                DropPartition(pk),
                DropFan(pk, text),
                DropUnusedTopics(pk),
            ],
            found=[vertex_id(text)],
        )
        for ask in asked:
            check(ask.script, ask.bindings)
        return [ask.script for ask in asked]

    assert scripts(pk, text) == scripts("creator", "plain")


@given(conversations(), conversations("c/2?:m#5"))
def test_every_script_of_a_conversation_passes_the_checker(
    first: EnrichedConversation, second: EnrichedConversation
) -> None:
    for ask in asked_for([*built(first), *built(second, 2)]):
        check(ask.script, ask.bindings)


@given(nasty)
def test_an_id_has_no_character_that_is_refused_and_comes_back_whole(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.:~-]+", vertex_id(text))
    assert id_in_partition(vertex_id(text)) == text


@given(st.tuples(nasty, nasty, nasty), st.tuples(nasty, nasty, nasty))
def test_two_edges_never_share_an_id(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    def id_of(source: str, target: str, key: str) -> str:
        return cosmos_writes.edge_id(UpsertEdge(PK, "DISCUSS_TOPIC", source, target, key=key))

    assert (id_of(*one) == id_of(*two)) == (one == two)


def test_ids_stay_within_the_length_that_is_taken() -> None:
    def long(end: str) -> str:
        edge = UpsertEdge(PK, "DISCUSS_TOPIC", "conv:" + "x" * 900, "topic:" + "y" * 200, key=end)
        return cosmos_writes.edge_id(edge)

    assert len(long("1")) <= 1023
    assert long("1") != long("2")
    with pytest.raises(GraphError, match="1029 bytes"):
        vertex_id("conv:" + "x" * 1024)
