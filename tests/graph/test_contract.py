"""What every home of the graph must do alike."""

import asyncio

import pytest

from chats.account import Account
from errors import GraphError
from graph.builder import GraphBuilder
from graph.dialect import KEYS
from graph.model import (
    DropConversation,
    DropFan,
    DropOlder,
    DropPartition,
    DropUnusedTopics,
    Mutation,
    UpsertVertex,
    conversation_vertex,
    element_id,
    fan_vertex,
)
from graph.port import Graph
from graph.traversals import ACCOUNTS, ACCOUNTS_OF_CREATOR, ACCOUNTS_OF_USER
from tests.graph.reading import contents
from tests.graph.strategies import conversation, drop_off, tip


def built(creator: str, id: str = "c1:m1", rev: int = 1, user: str = "u1", **parts: object) -> list[Mutation]:
    return GraphBuilder(user, creator, rev).build_graph(conversation(id, **parts), "f1")  # type: ignore[arg-type]


async def test_ping_answers(graph: Graph) -> None:
    await graph.ping()


async def test_a_written_conversation_is_read_as_it_was_built(graph: Graph, creator: str, pk: str) -> None:
    await graph.apply(built(creator, outcomes=[tip(), drop_off()]))
    found = await contents(graph, pk)
    assert found.vertices["conv:c1:m1"] == {
        "label": "ConversationNode",
        "pk": pk,
        "conversation": "c1:m1",
        "chatId": "c1",
        "fanId": "f1",
        "startDate": 1740823200,
        "endDate": 1740826800,
        "messageCount": 4,
        "fanMessages": 2,
        "massMessages": 1,
        "ppvOffers": 1,
        "massPpvOffers": 1,
        "offers": "1740823200,9.99,video,,1740823260,9.99,notice,;1740823205,25.0,,mass,,,,bob@team.example",
        "said": "1740823200f;1740823205mbob@team.example;1740823860canna;1740825000f;1740826800c",
        "answers": "1740823140,660,;1740825000,37080.25,anna",
        "turns": 3,
        "silenceSeconds": 600.5,
        "responseSeconds": "660,37080.25",
        "unanswered": 1,
        "sentimentSum": 1.25,
        "sentimentCount": 2,
        "firstFanDate": 1740823200,
        "lastFanDate": 1740826740,
        "warnings": "",
        "rev": 1,
    }
    assert found.vertices["outcome:c1:m1:tip:0"]["amount"] == 5.0
    assert found.vertices["outcome:c1:m1:drop_off:0"]["provisional"] is True
    assert found.links("HAS_CONVERSATION") == {
        (f"creator:{creator}", "conv:c1:m1"),
        ("fan:f1", "conv:c1:m1"),
    }
    assert found.links("TARGETS_TOPIC") == {
        (action, topic) for action in ("action:question", "action:thanks") for topic in ("topic:1", "topic:2")
    }


async def test_applying_twice_equals_once(graph: Graph, creator: str, pk: str) -> None:
    await graph.apply(built(creator, outcomes=[tip()]))
    once = await contents(graph, pk)
    await graph.apply(built(creator, outcomes=[tip()]))
    assert await contents(graph, pk) == once


async def test_no_stale_edges_after_enrichment_finds_less(graph: Graph, creator: str, pk: str) -> None:
    await graph.apply(built(creator, rev=1, outcomes=[tip(), tip()]))
    await graph.apply(built(creator, rev=2, topics=["2"], actions=["thanks"]))
    found = await contents(graph, pk)
    assert found.links("DISCUSS_TOPIC") == {("conv:c1:m1", "topic:2")}
    assert found.links("USES_ENGAGEMENT") == {("conv:c1:m1", "action:thanks")}
    assert found.links("TARGETS_TOPIC") == {("action:thanks", "topic:2")}
    assert found.labelled("InteractionOutcome") == set()
    assert {row["rev"] for row in found.edges.values()} == {2}


@pytest.mark.parametrize(("user", "more"), [("u1", "|2"), ("u2", "")])
async def test_two_accounts_with_the_same_ids_do_not_meet(
    graph: Graph, creator: str, pk: str, user: str, more: str
) -> None:
    """Another creator of the user, and another user of the creator."""
    other = Account(user, creator + more).key
    await graph.apply([*built(creator, topics=["1"]), *built(creator + more, topics=["1"], user=user, rev=9)])
    theirs = await contents(graph, other)
    await graph.apply([*built(creator, topics=["2"], rev=2), DropOlder(pk, 99)])
    assert await contents(graph, other) == theirs
    await graph.apply([*built(creator), DropConversation(pk, "c1:m1")])
    assert await contents(graph, other) == theirs
    mine = await contents(graph, pk)
    assert mine.edges == {}
    assert mine.labelled("ConversationNode") == set()


async def test_dropping_what_is_not_there_changes_nothing(graph: Graph, creator: str, pk: str) -> None:
    await graph.apply(built(creator))
    before = await contents(graph, pk)
    await graph.apply([DropConversation(pk, "c9:m9"), DropOlder(pk, 1), DropPartition(f"{pk}9")])
    assert await contents(graph, pk) == before


async def test_a_rebuild_beside_the_old_drops_what_it_did_not_write(
    graph: Graph, creator: str, pk: str
) -> None:
    await graph.apply([m for i in range(30) for m in built(creator, f"c{i}:m1", outcomes=[tip()])])
    await graph.apply([m for i in range(20, 40) for m in built(creator, f"c{i}:m1", rev=2)])
    assert len((await contents(graph, pk)).labelled("ConversationNode")) == 40
    await graph.apply([DropOlder(pk, 2)])
    found = await contents(graph, pk)
    assert found.labelled("ConversationNode") == {f"conv:c{i}:m1" for i in range(20, 40)}
    assert found.labelled("InteractionOutcome") == set()
    assert {row["rev"] for row in found.edges.values()} == {2}


async def test_of_a_dropped_partition_nothing_is_left_and_the_others_stay(
    graph: Graph, creator: str, pk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.dialect.PAGE", 3)
    other = Account("u2", creator).key
    builder = GraphBuilder("u1", creator, 1)
    await graph.apply([m for i in range(8) for m in built(creator, f"c{i}:m1", outcomes=[tip()])])
    await graph.apply(
        [builder.build_account(), *(UpsertVertex(pk, fan_vertex(str(n)), "Fan") for n in range(7))]
    )
    await graph.apply(built(creator, user="u2"))
    theirs = await contents(graph, other)
    await graph.apply([DropPartition(pk)])
    assert await contents(graph, pk) == ({}, {})
    assert await contents(graph, other) == theirs


async def test_an_account_is_found_by_user_and_by_creator(graph: Graph, creator: str, pk: str) -> None:
    user = f"user {creator}"
    for each, of in ((user, creator), (user, f"{creator} 2"), (f"{user} 2", creator)):
        await graph.apply([*built(of, user=each), GraphBuilder(each, of, 1).build_account()])
    mine, second, theirs = (
        Account(user, creator).key,
        Account(user, f"{creator} 2").key,
        Account(f"{user} 2", creator).key,
    )
    assert sorted(await graph.submit(ACCOUNTS_OF_USER, {"user_id": user})) == sorted([mine, second])
    assert sorted(await graph.submit(ACCOUNTS_OF_CREATOR, {"creator_id": creator})) == sorted([mine, theirs])
    assert {mine, second, theirs} <= set(await graph.submit(ACCOUNTS, {}))


async def test_an_account_that_was_not_written_whole_is_not_found(
    graph: Graph, creator: str, pk: str
) -> None:
    await graph.apply(built(creator))
    assert pk not in await graph.submit(ACCOUNTS, {})
    assert await graph.submit(ACCOUNTS_OF_CREATOR, {"creator_id": creator}) == []


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


async def test_results_have_one_shape_in_every_home(graph: Graph, creator: str, pk: str) -> None:
    await graph.apply(built(creator, topics=["1"], actions=[]))
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


async def test_concurrent_readers_and_writers_all_succeed(graph: Graph, creator: str, pk: str) -> None:
    async def read() -> None:
        for _ in range(20):
            await graph.submit('g.V().has("pk",P.eq(pk)).outE().count()', {"pk": pk})

    writes = [graph.apply(built(creator, f"c{i}:m1")) for i in range(12)]
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


async def test_of_a_dropped_fan_nothing_is_left_but_the_topics_of_others(
    graph: Graph, creator: str, pk: str
) -> None:
    other = Account("u2", creator).key
    await graph.apply([*built(creator, topics=["1", "2"], outcomes=[tip()]), *built(creator, user="u2")])
    await graph.apply(GraphBuilder("u1", creator, 1).build_graph(conversation("c2:m9", topics=["2"]), "f2"))
    theirs = await contents(graph, other)
    await graph.apply([DropConversation(pk, "c1:m1"), DropFan(pk, "f1"), DropUnusedTopics(pk)])
    found = await contents(graph, pk)
    assert found.labelled("Fan") == {"fan:f2"}
    assert found.labelled("ConversationNode") == {"conv:c2:m9"}
    assert found.labelled("Topic") == {"topic:2"}
    assert found.labelled("InteractionOutcome") == set()
    assert await contents(graph, other) == theirs
    await graph.apply([DropFan(pk, "f1"), DropUnusedTopics(pk)])
    assert await contents(graph, pk) == found
