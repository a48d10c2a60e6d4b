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
from graph.builder import GraphBuilder
from graph.dialect import Dialect, Plan, Request, Statement, pack, plan
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
    edge_id,
    element_id,
    local_id,
)
from graph.port import carry_out
from tests.graph.reading import Contents, contents
from tests.graph.strategies import conversation, conversations, tip

PK = Account("u1", "creator").key
SMALL = Dialect(max_bindings=16, max_statements=50, one_shape=True)
WIDE = Dialect(max_bindings=2_000, max_statements=200, one_shape=False)
dialects = st.builds(
    Dialect, max_bindings=st.integers(7, 40), max_statements=st.integers(1, 9), one_shape=st.booleans()
)


class Memory:
    """The port over the embedded engine without a folder, speaking any dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._graph = graphersal.Graph()

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        result = self._graph.execute(script, dict(bindings))
        return result if isinstance(result, list) else []

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        await carry_out(mutations, self._dialect, self.submit)

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


def graph_after(*batches: Sequence[Mutation], dialect: Dialect = WIDE) -> Contents:
    async def run() -> Contents:
        graph = Memory(dialect)
        for batch in batches:
            await graph.apply(batch)
        return await contents(graph, PK)

    return asyncio.run(run())


def built(conv: EnrichedConversation, rev: int = 1) -> list[Mutation]:
    return GraphBuilder("u1", "creator", rev).build_graph(conv, "f1")


def requests_of(mutations: Sequence[Mutation], dialect: Dialect) -> list[Request]:
    """The plan against an empty graph: every read finds nothing."""
    found: list[Request] = []
    steps: Plan = plan(mutations, dialect)
    try:
        found.append(next(steps))
        while True:
            found.append(steps.send([]))
    except StopIteration:
        return found


def upserts_of(mutations: Sequence[Mutation]) -> list[Mutation]:
    return [m for m in mutations if isinstance(m, UpsertVertex | UpsertEdge)]


nasty = st.text(min_size=1, max_size=20) | st.sampled_from(
    ['"); g.V().drop(); ("', "{0}", "${x}", "a|b", "'"]
)


@given(nasty, nasty, st.booleans())
def test_nothing_of_the_data_reaches_a_script(pk: str, text: str, one_shape: bool) -> None:
    dialect = Dialect(max_bindings=16, max_statements=50, one_shape=one_shape)

    def scripts(pk: str, text: str) -> list[str]:
        mutations: list[Mutation] = [
            UpsertVertex(pk, text, "Topic", {"description": text}),
            UpsertEdge(pk, "DISCUSS_TOPIC", text, text, {"weight": 1.0}, key=text),
            DropStale(pk, text, 2),
            DropConversation(pk, text),
            DropOlder(pk, 2),
            DropPartition(pk),
            DropFan(pk, text),
            DropUnusedTopics(pk),
        ]
        return [request.script for request in requests_of(mutations, dialect)]

    assert scripts(pk, text) == scripts("creator", "plain")


@given(dialects, st.lists(conversations(), min_size=1, max_size=3))
def test_requests_stay_within_the_limits(dialect: Dialect, convs: list[EnrichedConversation]) -> None:
    for request in requests_of([m for conv in convs for m in built(conv)], dialect):
        assert len(request.bindings) <= dialect.max_bindings
        assert request.script.count(";") < dialect.max_statements
        assert set(re.findall(r"\bb\d+\b", request.script)) == set(request.bindings)
        assert len(request.script) < 64_000


def test_requests_of_one_shape_hold_statements_of_one_text() -> None:
    statements = [Statement("g.V({0})", ("a",)), Statement("g.E({0})", ("b",)), Statement("g.V({0})", ("c",))]
    assert list(pack(statements, SMALL)) == [
        Request("g.V(b0);g.V(b1)", {"b0": "a", "b1": "c"}),
        Request("g.E(b0)", {"b0": "b"}),
    ]
    assert [request.script for request in pack(statements, WIDE)] == ["g.V(b0);g.E(b1);g.V(b2)"]


def test_a_server_sees_few_script_texts_however_many_conversations() -> None:
    def texts(convs: int) -> set[str]:
        batch = [m for i in range(convs) for m in built(conversation(f"c{i}:m1"))]
        return {request.script for request in requests_of(batch, SMALL)}

    assert len(texts(1) | texts(7) | texts(30) | texts(50)) < 50


def test_unknown_property_key_is_refused() -> None:
    with pytest.raises(GraphError, match="'colour'"):
        requests_of([UpsertVertex("creator", "fan:1", "Fan", {"colour": 1})], WIDE)


def test_ids_of_two_partitions_never_meet() -> None:
    assert element_id("a|fan:1", "x") != element_id("a", "fan:1|x")
    assert local_id(element_id("a|b/c", "fan:1|2")) == "fan:1|2"
    assert edge_id("p", "DISCUSS_TOPIC", "a|b", "c", "") != edge_id("p", "DISCUSS_TOPIC", "a", "b|c", "")


@settings(max_examples=25, deadline=None)
@given(conversations(), dialects, st.data())
def test_upserts_give_one_graph_in_any_order_however_often(
    conv: EnrichedConversation, dialect: Dialect, data: st.DataObject
) -> None:
    upserts = upserts_of(built(conv))
    again = data.draw(st.lists(st.sampled_from(upserts))) if upserts else []
    shuffled = data.draw(st.permutations([*upserts, *again]))
    assert graph_after(shuffled, dialect=dialect) == graph_after(upserts)


@settings(max_examples=25, deadline=None)
@given(conversations(), conversations(), dialects)
def test_applying_a_batch_twice_equals_once(
    first: EnrichedConversation, second: EnrichedConversation, dialect: Dialect
) -> None:
    batch = [*built(first, 1), *built(second, 2), DropConversation("creator", "c9:m9")]
    assert graph_after(batch, batch, dialect=dialect) == graph_after(batch)


@settings(max_examples=25, deadline=None)
@given(conversations(), conversations(), dialects, st.booleans())
def test_a_rewrite_leaves_nothing_of_the_earlier_revision(
    first: EnrichedConversation, second: EnrichedConversation, dialect: Dialect, together: bool
) -> None:
    one, two = built(first, 1), built(second, 2)
    after = graph_after([*one, *two], dialect=dialect) if together else graph_after(one, two, dialect=dialect)
    alone = graph_after(two)
    assert after.edges == alone.edges
    shared = after.labelled("Topic") | after.labelled("EngagementAction")
    assert {id: row for id, row in after.vertices.items() if id not in shared} == {
        id: row for id, row in alone.vertices.items() if id not in shared
    }


@settings(max_examples=25, deadline=None)
@given(conversations(), conversations("c2:m5"), dialects)
def test_dropping_a_conversation_leaves_the_others_as_they_were(
    gone: EnrichedConversation, stays: EnrichedConversation, dialect: Dialect
) -> None:
    drop = DropConversation(PK, "c1:m1")
    after = graph_after([*built(gone), *built(stays)], [drop], dialect=dialect)
    assert after.edges == graph_after(built(stays)).edges
    assert after.labelled("ConversationNode") == {"conv:c2:m5"}
    assert all(":c2:m5:" in outcome for outcome in after.labelled("InteractionOutcome"))


def test_two_revisions_in_one_batch_leave_only_the_later() -> None:
    one, two = built(conversation(), 1), built(conversation(targets=[("thanks", "2")]), 2)
    assert graph_after([*one, *two]).links("TARGETS_TOPIC") == {("action:thanks", "topic:2")}


def test_statements_of_one_text_never_run_before_their_vertex_exists() -> None:
    narrow = Dialect(max_bindings=7, max_statements=1, one_shape=True)
    batch = built(conversation(outcomes=[tip()]))
    assert graph_after(batch, dialect=narrow) == graph_after(batch)


def test_an_interrupted_rewrite_is_mended_by_the_next() -> None:
    first, second, third = (
        built(conversation(topics=topics, outcomes=[tip()]), rev)
        for rev, topics in ((1, ["1", "2"]), (2, ["2", "3"]), (3, ["3"]))
    )
    half = upserts_of(second)
    assert graph_after(first, half, third).edges == graph_after(third).edges


def test_drop_older_spares_newer_revisions_and_other_partitions() -> None:
    def written(id: str, user: str, creator: str, rev: int) -> list[Mutation]:
        return GraphBuilder(user, creator, rev).build_graph(conversation(id, outcomes=[tip()]), "f1")

    batch = [
        *written("c1:m1", "u1", "creator", 1),
        *written("c1:m2", "u1", "creator", 2),
        *written("c1:m1", "u2", "creator", 1),
        *written("c1:m1", "u1", "other", 1),
    ]
    others = [Account("u2", "creator").key, Account("u1", "other").key]

    async def run() -> tuple[Contents, list[Contents], list[Contents]]:
        graph = Memory(SMALL)
        await graph.apply(batch)
        before = [await contents(graph, each) for each in others]
        await graph.apply([DropOlder(PK, 2)])
        return await contents(graph, PK), [await contents(graph, each) for each in others], before

    mine, after, before = asyncio.run(run())
    assert mine.labelled("ConversationNode") == {"conv:c1:m2"}
    assert mine.labelled("InteractionOutcome") == {"outcome:c1:m2:tip:0"}
    assert {key for kind, *_, key in mine.edges if kind == "TARGETS_TOPIC"} == {"c1:m2"}
    assert after == before


def test_drop_older_goes_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.dialect.PAGE", 2)
    batch = [m for i in range(5) for m in built(conversation(f"c1:m{i}"))]
    after = graph_after(batch, [DropOlder(PK, 2)])
    assert after.labelled("ConversationNode") == set()
    assert after.edges == {}


def test_property_no_longer_known_goes() -> None:
    before, after = (
        built(conversation(outcomes=[tip(amount)]), rev) for rev, amount in ((1, 5.0), (2, None))
    )
    assert "amount" not in graph_after(before, after).vertices["outcome:c1:m1:tip:0"]
    assert "amount" not in graph_after([*before, *after]).vertices["outcome:c1:m1:tip:0"]
