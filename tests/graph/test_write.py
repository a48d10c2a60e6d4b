"""What a whole write and a write beside it leave in the graph."""

from collections import Counter
from collections.abc import Sequence

import pytest

from errors import GraphUnavailable
from graph.model import Mutation, UpsertVertex
from graph.port import Graph
from graph.traversals import ACCOUNTS, CONVERSATION_COUNT
from graph.write import append_graph_from_delta, rebuild_graph_from_snapshot
from tests.graph.reading import contents
from tests.graph.strategies import conversation

CONVERSATIONS = [conversation(f"c{n}:m1") for n in range(4)]


class Interrupted:
    """Writes the first parts, then is away."""

    def __init__(self, graph: Graph, parts: int) -> None:
        self._graph = graph
        self._parts = parts

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        if not self._parts:
            raise GraphUnavailable("The graph is away.")
        self._parts -= 1
        await self._graph.apply(mutations)


async def test_a_rebuild_that_was_interrupted_is_not_taken_for_all_of_the_account(
    graph: Graph, creator: str, pk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.write.PART", 1)
    writer = Interrupted(graph, 2)
    with pytest.raises(GraphUnavailable):
        await rebuild_graph_from_snapshot("u1", CONVERSATIONS, creator, fans=(), rev=1, writer=writer)
    assert await graph.submit(CONVERSATION_COUNT, {"pk": pk}) == [2]
    assert pk not in await graph.submit(ACCOUNTS, {})
    await rebuild_graph_from_snapshot("u1", CONVERSATIONS, creator, fans=(), rev=2, writer=graph)
    assert await graph.submit(CONVERSATION_COUNT, {"pk": pk}) == [4]
    assert pk in await graph.submit(ACCOUNTS, {})


async def test_a_rebuild_drops_what_the_account_has_no_more_and_nothing_of_anothers(
    graph: Graph, creator: str, pk: str
) -> None:
    other = pk.replace("u1", "u2", 1)
    for user in ("u1", "u2"):
        await rebuild_graph_from_snapshot(user, CONVERSATIONS, creator, fans=(), rev=1, writer=graph)
    theirs = await contents(graph, other)
    await rebuild_graph_from_snapshot("u1", CONVERSATIONS[:1], creator, fans=(), rev=9, writer=graph)
    assert (await contents(graph, pk)).labelled("ConversationNode") == {"conv:c0:m1"}
    assert await contents(graph, other) == theirs


async def test_a_conversation_written_alone_makes_its_account_one_that_is_found(
    graph: Graph, creator: str, pk: str
) -> None:
    await append_graph_from_delta("u1", CONVERSATIONS[0], creator, rev=1, writer=graph)
    assert pk in await graph.submit(ACCOUNTS, {})
    await append_graph_from_delta("u1", (), creator, gone=["c0:m1"], rev=2, writer=graph)
    assert await graph.submit(CONVERSATION_COUNT, {"pk": pk}) == [0]


class Counting:
    """How often each vertex was written, by its id."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.ids: Counter[str] = Counter()

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        self.ids.update(each.id for each in mutations if isinstance(each, UpsertVertex))
        await self._graph.apply(mutations)


async def test_what_conversations_share_is_written_once_a_call_and_ends_as_if_each_came_alone(
    graph: Graph, creator: str, pk: str
) -> None:
    conversations = [conversation(f"c{n}:m1", topics=("1", "2", "3")[: 1 + n % 3]) for n in range(6)]
    together, alone = Counting(graph), Counting(graph)
    await append_graph_from_delta("u1", conversations, creator, rev=1, writer=together)
    for each in conversations:
        await append_graph_from_delta("u2", each, creator, rev=1, writer=alone)
    assert [together.ids[id] for id in ("topic:1", "topic:3", "action:question", "conv:c5:m1")] == [1] * 4
    assert [alone.ids[id] for id in ("topic:1", "topic:3", "action:question", "conv:c5:m1")] == [6, 2, 6, 1]
    found = await contents(graph, pk), await contents(graph, pk.replace("u1", "u2", 1))
    vertices, others = [
        {id: {k: v for k, v in row.items() if k not in ("pk", "userId")} for id, row in each.vertices.items()}
        for each in found
    ]
    assert vertices == others
    assert found[0].edges.keys() == found[1].edges.keys()
