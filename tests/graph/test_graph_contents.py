"""A graph read whole, as a file, and written back: the same graph."""

import itertools
import json
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chats.enriched import EnrichedConversation
from chats.fan import FanState
from errors import InvalidInput
from graph.builder import GraphBuilder
from graph.care import check, export, load, move
from graph.contents import Contents, compare, loose_ends, read
from graph.embedded import EmbeddedGraph
from graph.graphson import lines, parse
from graph.model import SCHEMA, DropPartition, Mutation, UpsertVertex
from graph.port import Graph
from tests.graph.reading import contents
from tests.graph.strategies import conversation, conversations, drop_off, tip

FAN = FanState(
    fan_id="f1",
    creator_id="creator",
    chat_id="c1",
    join_date=None,
    spend=5.5,
    unread=2,
    waiting_since=7.0,
    recent_sentiment=0.25,
    sentiment_profile=None,
    last_message_at=9.0,
)
BOTH = st.tuples(conversations("c1:m1"), conversations("c1:m2"))


def built(creator: str, *conversations: EnrichedConversation, user: str = "u1") -> list[Mutation]:
    builder = GraphBuilder(user, creator, 1)
    found = [each for node in conversations for each in builder.build_graph(node, "f1")]
    return [*found, *builder.build_fan(FAN), builder.build_account()]


def nothing(line: str) -> None: ...


@given(BOTH)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_graph_that_is_written_to_a_file_and_read_back_is_the_same(
    graph: Graph, tmp_path: Path, both: tuple[EnrichedConversation, EnrichedConversation]
) -> None:
    creator = f'creator/"{uuid.uuid4().hex}\n|é'
    mutations = built(creator, *both)
    pk = mutations[0].pk
    await graph.apply(mutations)
    before = await contents(graph, pk)
    file = tmp_path / f"{uuid.uuid4().hex}.graphson"
    assert await export(graph, [pk], file, nothing) == len(before.vertices)
    await graph.apply([DropPartition(pk)])
    for _ in range(2):
        assert await load(graph, file, nothing) == len(before.vertices)
        assert await contents(graph, pk) == before
    again = tmp_path / "again.graphson"
    await export(graph, [pk], again, nothing)
    assert again.read_text() == file.read_text()
    await graph.apply([DropPartition(pk)])


async def test_everything_that_is_written_is_read(graph: Graph, creator: str, pk: str) -> None:
    mutations = built(creator, conversation(outcomes=[tip(), tip(None), drop_off()]))
    await graph.apply(mutations)
    expected = Contents()
    expected.add(mutations)
    found = await read(graph, pk)
    assert found == expected
    whole = await contents(graph, pk)
    assert {id: {"pk": pk, "label": v.label, **v.properties} for id, v in found.vertices.items()} == (
        whole.vertices
    )


async def test_a_file_is_read_by_tinkerpop_itself(
    gremlin_server: str, creator: str, pk: str, tmp_path: Path
) -> None:
    from graph.connect import connect

    server, embedded = connect(gremlin_server, max_bindings=16), EmbeddedGraph(tmp_path / "graph")
    await embedded.apply(built(creator, conversation(outcomes=[tip()])))
    file = tmp_path / "all.json"
    await export(embedded, None, file, nothing)
    await server.submit("g.io(file).read().iterate()", {"file": str(file)})
    assert await contents(server, pk) == await contents(embedded, pk)
    await embedded.close()
    await server.apply([DropPartition(pk)])
    await server.close()


async def test_a_moved_account_is_the_same_but_for_the_mark_of_its_owner(
    graph: Graph, creator: str, pk: str, tmp_path: Path
) -> None:
    await graph.submit("g.V().drop().iterate()", {})  # what other tests left on this server
    await graph.apply(built(creator, conversation()))
    target = EmbeddedGraph(tmp_path / "target")
    await target.apply([UpsertVertex(pk, "fan:old", "Fan", {"fanId": "old"})])
    assert await move(graph, target, nothing, nothing) == 0
    before, after = await contents(graph, pk), await contents(target, pk)
    assert before.vertices[f"creator:{creator}"].pop("schema") == SCHEMA
    assert after == before
    await target.close()


async def test_a_vertex_without_partition_and_one_of_another_label_are_found(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path)
    await graph.apply(built("creator", conversation()))
    said: list[str] = []
    assert await check(graph, None, said.append, nothing) == 0
    assert said == []
    await graph.submit('g.addV("Fan").property(T.id,"stray").iterate()', {})
    await graph.submit(
        'g.addV("Other").property(T.id,"x|y").property("pk",pk).iterate()', {"pk": "u1/creator"}
    )
    assert await check(graph, None, said.append, nothing) == 2
    assert said == [
        "1 vertices have no partition key (pk).",
        "u1/creator: 1 vertices are of no label of this model.",
    ]
    await graph.close()


def test_what_differs_is_told_apart() -> None:
    expected, found = Contents(), Contents()
    expected.add(built("creator", conversation("c1:m1"), conversation("c1:m2", topics=["1"])))
    found.add(built("creator", conversation("c1:m1", turns=9), conversation("c1:m3", topics=["3"])))
    difference = compare(expected, found)
    assert "conv:c1:m2" in difference.missing
    assert "conv:c1:m3" in difference.extra
    assert "topic:3" not in difference.extra  # topics stay when no conversation names them
    assert difference.differing == ("conv:c1:m1",)
    assert not compare(expected, expected)


def test_a_rewrite_with_another_revision_is_no_difference() -> None:
    first, second = Contents(), Contents()
    first.add(GraphBuilder("u1", "creator", 1).build_graph(conversation(), "f1"))
    second.add(GraphBuilder("u1", "creator", 2).build_graph(conversation(), "f1"))
    assert not compare(first, second)


def test_an_edge_to_nowhere_is_a_loose_end() -> None:
    found = Contents()
    found.add(built("creator", conversation()))
    assert loose_ends(found) == []
    del found.vertices["topic:1"]
    assert {each.split()[0] for each in loose_ends(found)} == {"DISCUSS_TOPIC", "TARGETS_TOPIC"}


@pytest.mark.parametrize(
    "damage",
    [
        {"label": "Other"},
        {"id": "other|fan:f1"},
        {"properties": {"pk": [{"value": "u1/creator"}], "text": [{"value": "hello"}]}},
        {"properties": {"pk": [{"value": "u1/creator"}], "spend": [{"value": None}]}},
        {"outE": {"KNOWS": [{"inV": "x"}]}},
        {"outE": []},
    ],
)
def test_a_line_of_something_else_is_refused(damage: dict[str, object]) -> None:
    found = Contents()
    found.add(built("creator", conversation()))
    line = next(each for each in lines("u1/creator", found, itertools.count()) if '"label":"Fan"' in each)
    parse(line)
    with pytest.raises(InvalidInput, match="No vertex of this graph"):
        parse(json.dumps({**json.loads(line), **damage}))
