"""Mutations as Gremlin text with bindings, for Azure Cosmos DB. Pure.

A request is one traversal that names its partition, and what may run side by side comes together. A vertex
is addressed by its partition and its id there (`V([pk,id])`). Edges lie with their source, so they are found
from it: an edge that is looked for at its target is looked for in every partition.

graph/checker.py has the rules that every text keeps.
"""

from collections.abc import Generator, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

from errors import GraphError
from graph.dialect import DROPPED, KEYS, LABELS, PAGE, Written, checked, in_steps, set_properties, targets_of
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
    fan_vertex,
)

LONGEST_ID: Final = 1023  # bytes, of a vertex or an edge


class Asked(NamedTuple):
    """One traversal with its bindings, and what it is for as figures call it."""

    name: str
    script: str
    bindings: dict[str, Scalar]


Plan = Generator[Sequence[Asked], Sequence[list[Any]], None]


def plan(mutations: Sequence[Mutation]) -> Plan:
    """The requests that apply `mutations`, in groups: one group after another, a group's in any order.

    Each group is sent back the rows of its requests. Applying the same plan again, wholly or in part, ends
    in the same graph.
    """
    for step in in_steps(mutations):
        match step:
            case Written():
                yield from _write(step)
            case DropConversation():
                yield from _drop_conversations(step.pk, [vertex_id(step.vertex)])
            case DropOlder():
                older = 'g.V().has("pk",{0}).hasLabel("ConversationNode","UncorrectedConversation")'
                older += '.has("rev",lt({1}))'
                yield from _drop_pages(step.pk, _page("drop_older", older, step.pk, step.rev))
            case DropPartition():
                yield from _drop_partition(step)
            case DropFan():
                yield [_drop_vertex(step.pk, vertex_id(fan_vertex(step.id)))]
            case DropUnusedTopics():
                yield from _drop_unused_topics(step)


def vertex_id(id: str) -> str:
    """A vertex's id in Cosmos DB from its id in the partition: ASCII letters, digits and `_ . - : ~`.

    `~` escapes, as `%` does in a URL. GraphError when it is longer than Cosmos DB takes.
    """
    escaped = _escaped(id)
    if len(escaped) > LONGEST_ID:
        raise GraphError(
            f"An id of {len(escaped)} bytes is longer than Cosmos DB takes ({LONGEST_ID}): it is left out."
        )
    return escaped


def id_in_partition(vertex_id: str) -> str:
    """A vertex's id in its partition from its id in Cosmos DB."""
    return unquote(vertex_id.replace("~", "%"))


def edge_id(edge: UpsertEdge) -> str:
    """An edge's id, unique in its partition. One that would be too long is a digest of it."""
    id = "|".join(_escaped(part) for part in (edge.label, edge.source, edge.target, edge.key))
    return id if len(id) <= LONGEST_ID else f"{edge.label}|{sha256(id.encode()).hexdigest()}"


def _escaped(text: str) -> str:
    return quote(text, safe=":").replace("~", "%7E").replace("%", "~")


def _write(step: Written) -> Plan:
    # A conversation may be another fan's now. The edge of the fan it had goes before the new one is written:
    # that the vertex still names the earlier fan is the only way to that edge but for asking the target.
    # The conversation's DropStale may be in another batch than its vertex.
    nodes = [
        each
        for each in step.vertices.values()
        if each.label == "ConversationNode" and "fanId" in each.properties
    ]
    known = yield [
        _ask("fan_before", 'g.V([{0},{1}]).values("fanId")', each.pk, vertex_id(each.id)) for each in nodes
    ]
    yield [
        _drop_edge(UpsertEdge(each.pk, "HAS_CONVERSATION", fan_vertex(before), each.id))
        for each, rows in zip(nodes, known, strict=True)
        for before in rows
        if before != each.properties["fanId"]
    ]
    yield [_vertex(vertex) for vertex in step.vertices.values()]
    yield [_forget(vertex) for vertex in step.vertices.values() if vertex.without]
    yield [_edge(edge) for edge in step.edges.values() if _is_current(edge, step)]
    # What hangs on what a conversation names, while the way to it stands; then the way.
    yield [ask for each in step.stale for ask in _drop_beyond(each.pk, each.vertex, each.rev)]
    yield [
        _ask(
            "drop_stale_edges",
            'g.V([{0},{1}]).outE().has("rev",lt({2})).drop()',
            each.pk,
            _node(each),
            each.rev,
        )
        for each in step.stale
    ]


def _node(stale: DropStale) -> str:
    return vertex_id(stale.vertex)


def _is_current(edge: UpsertEdge, step: Written) -> bool:
    """Whether the step does not write a newer revision of the conversation that the edge leads to."""
    node = step.vertices.get((edge.pk, edge.target)) if edge.label == "HAS_CONVERSATION" else None
    return node is None or edge.properties.get("rev", 0) >= node.properties.get("rev", 0)  # type: ignore[operator]


def _vertex(vertex: UpsertVertex) -> Asked:
    label = checked(vertex.label, LABELS)
    return _ask(
        "upsert_vertex",
        f'g.V([{{0}},{{1}}]).fold().coalesce(__.unfold(),__.addV("{label}").property("id",{{1}})'
        f'.property("pk",{{0}})){set_properties(list(vertex.properties.items()), 2)}',
        vertex.pk,
        vertex_id(vertex.id),
        *vertex.properties.values(),
    )


def _forget(vertex: UpsertVertex) -> Asked:
    keys = ",".join(f'"{checked(key, KEYS)}"' for key in vertex.without)
    text = f"g.V([{{0}},{{1}}]).properties({keys}).drop()"
    return _ask("drop_properties", text, vertex.pk, vertex_id(vertex.id))


def _edge(edge: UpsertEdge) -> Asked:
    label = checked(edge.label, LABELS)
    return _ask(
        "upsert_edge",
        f'g.V([{{0}},{{1}}]).outE("{label}").hasId({{3}}).fold().coalesce(__.unfold(),'
        f'__.V([{{0}},{{1}}]).addE("{label}").to(__.V([{{0}},{{2}}])).property("id",{{3}}))'
        f"{set_properties(list(edge.properties.items()), 4)}",
        edge.pk,
        vertex_id(edge.source),
        vertex_id(edge.target),
        edge_id(edge),
        *edge.properties.values(),
    )


def _drop_edge(edge: UpsertEdge) -> Asked:
    text = f'g.V([{{0}},{{1}}]).outE("{edge.label}").hasId({{2}}).drop()'
    return _ask("drop_edge", text, edge.pk, vertex_id(edge.source), edge_id(edge))


def _drop_beyond(pk: str, vertex: str, before: int | None = None) -> Iterator[Asked]:
    """Drop a conversation's outcomes and TARGETS_TOPIC edges: all, or those of revisions before that one.

    An action has an edge for every conversation and topic: those of one conversation carry its id.
    """
    older, rev = ("", ()) if before is None else ('.has("rev",lt({2}))', (before,))
    node = vertex_id(vertex)
    label, conversation = targets_of(vertex)
    targets = (
        f'g.V([{{0}},{{1}}]).out("USES_ENGAGEMENT").dedup().outE("{label}"){older}'
        f'.has("conversation",eq({{{2 + len(rev)}}})).drop()'
    )
    yield _ask("drop_targets", targets, pk, node, *rev, conversation)
    outcomes = f'g.V([{{0}},{{1}}]).out("RESULTS_IN_OUTCOME"){older}.drop()'
    yield _ask("drop_outcomes", outcomes, pk, node, *rev)


def _drop_conversations(pk: str, nodes: Sequence[str]) -> Plan:
    """By their ids in Cosmos DB, with all that was written for them."""
    yield [ask for node in nodes for ask in _drop_beyond(pk, id_in_partition(node))]
    yield [_drop_vertex(pk, node) for node in nodes]


def _drop_pages(pk: str, page: Asked) -> Plan:
    while found := (yield [page])[0]:
        yield from _drop_conversations(pk, found)


def _drop_partition(drop: DropPartition) -> Plan:
    """A vertex at a time, which takes its edges with it: the store has no other way that Gremlin reaches."""
    for label in ("ConversationNode", "UncorrectedConversation", *DROPPED):
        page = _page("drop_partition", f'g.V().has("pk",{{0}}).hasLabel("{label}")', drop.pk)
        while found := (yield [page])[0]:
            yield [_drop_vertex(drop.pk, id) for id in found]


def _drop_unused_topics(drop: DropUnusedTopics) -> Plan:
    topics, used = yield [
        _ask("topics", 'g.V().has("pk",{0}).hasLabel("Topic").id()', drop.pk),
        _ask(
            "topics_used",
            'g.V().has("pk",{0}).hasLabel("ConversationNode","UncorrectedConversation")'
            '.out("DISCUSS_TOPIC").dedup().id()',
            drop.pk,
        ),
    ]
    yield [_drop_vertex(drop.pk, id) for id in topics if id not in set(used)]


def _drop_vertex(pk: str, id: str) -> Asked:
    return _ask("drop_vertex", "g.V([{0},{1}]).drop()", pk, id)


def _page(name: str, text: str, *values: Scalar) -> Asked:
    return _ask(name, f"{text}.limit({PAGE}).id()", *values)


def _ask(name: str, text: str, *values: Scalar) -> Asked:
    """`{i}` in `text` stands for the binding of `values[i]`."""
    names = [f"b{i}" for i in range(len(values))]
    return Asked(name, text.format(*names), dict(zip(names, values, strict=True)))
