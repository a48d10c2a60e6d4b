"""What every home of the graph must do alike."""

import asyncio

import pytest

from errors import GraphError
from graph.builder import GraphBuilder
from graph.dialect import KEYS
from graph.model import (
    DropConversation,
    DropOlder,
    Mutation,
    UpsertVertex,
    conversation_vertex,
    element_id,
    fan_vertex,
)
from graph.port import Graph
from tests.graph.reading import contents
from tests.graph.strategies import conversation, drop_off, tip


def built(pk: str, id: str = "c1:m1", rev: int = 1, **parts: object) -> list[Mutation]:
    return GraphBuilder("u1", pk, rev).build_graph(conversation(id, **parts), "f1")  # type: ignore[arg-type]


async def test_ping_answers(graph: Graph) -> None:
    await graph.ping()


async def test_a_written_conversation_is_read_as_it_was_built(graph: Graph, pk: str) -> None:
    await graph.apply(built(pk, outcomes=[tip(), drop_off()]))
    found = await contents(graph, pk)
    assert found.vertices["conv:c1:m1"] == {
        "label": "ConversationNode",
        "pk": pk,
        "userId": "u1",
        "chatId": "c1",
        "fanId": "f1",
        "startDate": 1740823200,
        "endDate": 1740826800,
        "messageCount": 4,
        "turns": 3,
        "silenceSeconds": 600.5,
        "responseSeconds": "660,37080.25",
        "unanswered": 1,
        "sentimentSum": 1.25,
        "sentimentCount": 2,
        "rev": 1,
    }
    assert found.vertices["outcome:c1:m1:tip:0"]["amount"] == 5.0
    assert found.vertices["outcome:c1:m1:drop_off:0"]["provisional"] is True
    assert found.links("HAS_CONVERSATION") == {
        (f"creator:{pk}", "conv:c1:m1"),
        ("fan:f1", "conv:c1:m1"),
    }
    assert found.links("TARGETS_TOPIC") == {
        (action, topic) for action in ("action:question", "action:thanks") for topic in ("topic:1", "topic:2")
    }


async def test_applying_twice_equals_once(graph: Graph, pk: str) -> None:
    await graph.apply(built(pk, outcomes=[tip()]))
    once = await contents(graph, pk)
    await graph.apply(built(pk, outcomes=[tip()]))
    assert await contents(graph, pk) == once


async def test_no_stale_edges_after_enrichment_finds_less(graph: Graph, pk: str) -> None:
    await graph.apply(built(pk, rev=1, outcomes=[tip(), tip()]))
    await graph.apply(built(pk, rev=2, topics=["2"], actions=["thanks"]))
    found = await contents(graph, pk)
    assert found.links("DISCUSS_TOPIC") == {("conv:c1:m1", "topic:2")}
    assert found.links("USES_ENGAGEMENT") == {("conv:c1:m1", "action:thanks")}
    assert found.links("TARGETS_TOPIC") == {("action:thanks", "topic:2")}
    assert found.labelled("InteractionOutcome") == set()
    assert {row["rev"] for row in found.edges.values()} == {2}


async def test_two_creators_with_the_same_ids_do_not_meet(graph: Graph, pk: str) -> None:
    other = f"{pk}|2"
    await graph.apply([*built(pk, topics=["1"]), *built(other, topics=["1"])])
    theirs = await contents(graph, other)
    await graph.apply([DropConversation(pk, "c1:m1")])
    assert await contents(graph, other) == theirs
    mine = await contents(graph, pk)
    assert mine.edges == {}
    assert mine.labelled("ConversationNode") == set()


async def test_dropping_what_is_not_there_changes_nothing(graph: Graph, pk: str) -> None:
    await graph.apply(built(pk))
    before = await contents(graph, pk)
    await graph.apply([DropConversation(pk, "c9:m9"), DropOlder(pk, "u1", 1), DropOlder(pk, "u9", 9)])
    assert await contents(graph, pk) == before


async def test_a_rebuild_beside_the_old_drops_what_it_did_not_write(graph: Graph, pk: str) -> None:
    await graph.apply([m for i in range(30) for m in built(pk, f"c{i}:m1", outcomes=[tip()])])
    await graph.apply([m for i in range(20, 40) for m in built(pk, f"c{i}:m1", rev=2)])
    assert len((await contents(graph, pk)).labelled("ConversationNode")) == 40
    await graph.apply([DropOlder(pk, "u1", 2)])
    found = await contents(graph, pk)
    assert found.labelled("ConversationNode") == {f"conv:c{i}:m1" for i in range(20, 40)}
    assert found.labelled("InteractionOutcome") == set()
    assert {row["rev"] for row in found.edges.values()} == {2}


async def test_a_vertex_wider_than_a_request_is_written_whole(graph: Graph, pk: str) -> None:
    wide = dict.fromkeys(sorted(KEYS - {"pk"}), "x")
    await graph.apply([UpsertVertex(pk, "topic:1", "Topic", wide)])
    assert (await contents(graph, pk)).vertices["topic:1"] == {"label": "Topic", "pk": pk, **wide}


async def test_an_upsert_keeps_properties_it_does_not_name(graph: Graph, pk: str) -> None:
    await graph.apply([UpsertVertex(pk, fan_vertex("f1"), "Fan", {"spend": 5.0, "unread": 2})])
    await graph.apply([UpsertVertex(pk, fan_vertex("f1"), "Fan", {"unread": 3}, without=("joinDate",))])
    fan = (await contents(graph, pk)).vertices["fan:f1"]
    assert fan == {"label": "Fan", "pk": pk, "spend": 5.0, "unread": 3}


async def test_text_of_any_kind_survives(graph: Graph, pk: str) -> None:
    text = "quote \" and ' brace {0} ${x} \\ newline\n 🔥 g.V().drop()"
    await graph.apply([UpsertVertex(pk, "topic:" + text, "Topic", {"description": text})])
    assert (await contents(graph, pk)).vertices["topic:" + text]["description"] == text


async def test_results_have_one_shape_in_every_home(graph: Graph, pk: str) -> None:
    await graph.apply(built(pk, topics=["1"], actions=[]))
    at = {"node": element_id(pk, conversation_vertex("c1:m1"))}
    node = {"id": at["node"], "label": "ConversationNode"}
    topic = {"id": element_id(pk, "topic:1"), "label": "Topic"}
    for script, expected in (
        ('g.V(node).project("n","s").by("messageCount").by("silenceSeconds")', [{"n": 4, "s": 600.5}]),
        ('g.V(node).values("turns").fold()', [[3]]),
        ("g.V(node)", [node]),
        ('g.V(node).out("DISCUSS_TOPIC").path()', [[node, topic]]),
        ('g.V(node).group().by("chatId").by(__.count())', [{"c1": 1}]),
        ('g.V(node).project("id","label").by(T.id).by(T.label)', [node]),
        ('g.V(node).outE("DISCUSS_TOPIC").project("w").by("weight")', [{"w": 0.5}]),
        ("g.V(node).count()", [1]),
        ("g.V(node).count().next()", [1]),
        ('g.V(node).values("amount")', []),
        ("g.V(node).iterate()", []),
        ("g.V(node).outE().count().is(P.gt(0)).fold().coalesce(__.unfold(),__.constant(false))", [1]),
    ):
        found = await graph.submit(script, at)
        assert found == expected, script
        assert repr(found) == repr(expected), script  # 1 is not 1.0, and no driver type is left


async def test_numbers_of_any_size_are_bound_and_compared(graph: Graph, pk: str) -> None:
    values = {"unread": 2**40, "spend": 10.0, "date": -5}
    await graph.apply([UpsertVertex(pk, fan_vertex("f1"), "Fan", values)])
    query = 'g.V().has("pk",P.eq(pk)).has("unread",P.gte(big)).has("spend",P.eq(ten)).values("unread","date")'
    assert sorted(await graph.submit(query, {"pk": pk, "big": 2**40, "ten": 10})) == [-5, 2**40]


async def test_concurrent_readers_and_writers_all_succeed(graph: Graph, pk: str) -> None:
    async def read() -> None:
        for _ in range(20):
            await graph.submit('g.V().has("pk",P.eq(pk)).outE().count()', {"pk": pk})

    writes = [graph.apply(built(pk, f"c{i}:m1")) for i in range(12)]
    await asyncio.gather(*writes, *[read() for _ in range(3)])
    assert len((await contents(graph, pk)).labelled("ConversationNode")) == 12


@pytest.mark.parametrize("script", ["g.V(", "g.nope()", "g.V(undefined)"])
async def test_a_refused_script_is_final_and_its_error_quotes_no_value(graph: Graph, script: str) -> None:
    with pytest.raises(GraphError) as caught:
        await graph.submit(script, {"name": "confidential"})
    assert script in str(caught.value)
    assert "confidential" not in str(caught.value)


async def test_an_error_of_a_running_step_quotes_no_value(graph: Graph, pk: str) -> None:
    await graph.apply([UpsertVertex(pk, "topic:1", "Topic", {})])
    with pytest.raises(GraphError) as caught:
        await graph.submit(
            'g.V(id).addE("X").to(__.V(gone))', {"id": element_id(pk, "topic:1"), "gone": "nobody"}
        )
    assert pk not in str(caught.value)
    assert "nobody" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_closed_graph_says_so(graph: Graph) -> None:
    await graph.close()
    await graph.close()
    with pytest.raises(GraphError, match="closed"):
        await graph.ping()
