"""Mutations as Gremlin text with bindings, for homes with one id space: embedded and TinkerPop. Pure.

graph/cosmos_writes.py has them for Cosmos DB, whose ids are unique inside a partition only.

A script is made of fixed text only: labels, property keys and page sizes come from sets written down here and
in graph/model.py; whatever comes from data (ids, values, revisions) is a binding. Double-quoted strings and
`__.` before anonymous steps are read by Groovy and by the embedded engine alike.

Edges have deterministic ids and are upserted through `E(id)`. Walking from the source vertex instead
(`V(from).outE(label).where(inV().hasId(to))`) visits every edge of that label there, so it slows down with
the number of conversations wherever they share a source: the Creator's HAS_CONVERSATION and the actions'
TARGETS_TOPIC edges. docs/graph.md has the measurements.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar, get_args
from urllib.parse import unquote

from errors import GraphError
from graph.model import (
    UNCORRECTED,
    Drop,
    DropConversation,
    DropFan,
    DropOlder,
    DropPartition,
    DropStale,
    DropUnusedTopics,
    EdgeLabel,
    Mutation,
    Scalar,
    UpsertEdge,
    UpsertVertex,
    VertexLabel,
    conversation_vertex,
    edge_id,
    element_id,
    fan_vertex,
    local_id,
)

LABELS: Final = frozenset(get_args(VertexLabel)) | frozenset(get_args(EdgeLabel))
# fmt: off
KEYS: Final = frozenset((
    "pk", "creatorId", "userId", "chatId", "fanId", "startDate", "endDate", "messageCount", "turns",
    "silenceSeconds", "responseSeconds", "unanswered", "sentimentSum", "sentimentCount", "rev",
    "joinDate", "spend", "unread", "waitingSince", "recentSentiment", "sentimentProfile",
    "lastMessageDate", "description", "category", "keywords", "model", "name", "type", "date",
    "fanMessages", "massMessages", "ppvOffers", "massPpvOffers", "notWaiting", "isMass",
    "amount", "score", "provisional", "messages", "weight", "count", "direction", "conversation",
    "schema", "offers", "said", "answers", "follows",
    "firstFanDate", "lastFanDate", "warnings", "subscriptionEnd", "corrected", "uncorrectedDescription",
    "uncorrectedSpend", "uncorrectedWaitingSince", "uncorrectedNotWaiting", "uncorrectedRecentSentiment",
))
# fmt: on
IDS: Final = 10  # elements, or properties, that one step names: the embedded engine takes no more
PAGE: Final = 200  # vertices that are read, then dropped, before more are read
# Conversations go first, with their edges and outcomes, and what the partition is found by last.
DROPPED: Final[tuple[VertexLabel, ...]] = (
    "InteractionOutcome",
    "UncorrectedOutcome",
    "Fan",
    "Topic",
    "EngagementAction",
    "Creator",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one home takes. `max_bindings` is at least 6: an edge and its properties are one statement."""

    max_bindings: int
    max_statements: int
    one_shape: bool  # every new script text is costly: share requests only between statements of one text


class Request(NamedTuple):
    """One script with its bindings, and nothing of the data in its text."""

    script: str
    bindings: dict[str, Scalar]


class Statement(NamedTuple):
    """One traversal; `{i}` in `text` stands for the binding of `values[i]`."""

    text: str
    values: tuple[Scalar, ...]


T = TypeVar("T")
Plan = Generator[Request, list[Any], None]


def plan(mutations: Sequence[Mutation], dialect: Dialect) -> Plan:
    """The requests that apply `mutations`, one after another; each is sent back its result's rows.

    Applying the same plan again, wholly or in part, ends in the same graph. Upserts between two drops are
    merged (the last value of a property wins) and written vertices first; what is stale goes after them.
    """
    for step in in_steps(mutations):
        match step:
            case Written():
                yield from _write(step, dialect)
            case DropConversation():
                yield from _drop_conversation(step, dialect)
            case DropOlder():
                yield from _drop_older(step, dialect)
            case DropPartition():
                yield from _drop_partition(step, dialect)
            case DropFan():
                fan = element_id(step.pk, fan_vertex(step.id))
                yield from pack(_each("V", [fan], ".drop().iterate()", dialect), dialect)
            case DropUnusedTopics():
                yield from _drop_unused_topics(step, dialect)


class Written(NamedTuple):
    """What is written between two drops: each vertex and edge once, by what makes it one."""

    vertices: dict[tuple[str, str], UpsertVertex]  # by pk, id
    edges: dict[tuple[str, EdgeLabel, str, str, str], UpsertEdge]  # by pk, label, source, target, key
    stale: list[DropStale]


def in_steps(mutations: Iterable[Mutation]) -> Iterator[Written | Drop]:
    """The mutations in order, those between two drops merged: the last value of a property wins."""
    step = Written({}, {}, [])
    for each in mutations:
        match each:
            case UpsertVertex():
                vertex = each.pk, each.id
                known = step.vertices.get(vertex)
                step.vertices[vertex] = _merge(known, each) if known else each
            case UpsertEdge():
                edge = each.pk, each.label, each.source, each.target, each.key
                older = step.edges[edge].properties if edge in step.edges else {}
                step.edges[edge] = replace(each, properties={**older, **each.properties})
            case DropStale():
                step.stale.append(each)
            case _:
                yield step
                yield each
                step = Written({}, {}, [])
    yield step


def _write(step: Written, dialect: Dialect) -> Plan:
    vertices = {element_id(*key): vertex for key, vertex in step.vertices.items()}
    edges = {edge_id(*key): edge for key, edge in step.edges.items()}
    stale: dict[int, list[str]] = {}
    for each in step.stale:
        stale.setdefault(each.rev, []).append(element_id(each.pk, each.vertex))
    # Two passes: statements of one text are sent together, and what sets more properties on one vertex may
    # read the same as what does so on another that was not created yet.
    yield from pack((_create(id, vertex, dialect) for id, vertex in vertices.items()), dialect)
    yield from pack((s for id, vertex in vertices.items() for s in _more(id, vertex, dialect)), dialect)
    yield from pack((_edge(id, edge, dialect) for id, edge in edges.items()), dialect)
    for rev, nodes in stale.items():
        written = {id for id, edge in edges.items() if edge.properties.get("rev") == rev}
        yield from _drop_stale(nodes, rev, written, dialect)


def _merge(old: UpsertVertex, new: UpsertVertex) -> UpsertVertex:
    """Both, one after the other."""
    properties = {k: v for k, v in old.properties.items() if k not in new.without} | dict(new.properties)
    without = tuple(k for k in dict.fromkeys(old.without + new.without) if k not in properties)
    return UpsertVertex(new.pk, new.id, new.label, properties, without)


def _create(id: str, vertex: UpsertVertex, dialect: Dialect) -> Statement:
    """The upsert, with as many properties as the bindings limit leaves room for."""
    label = checked(vertex.label, LABELS)
    properties = list(vertex.properties.items())[: dialect.max_bindings - 2]
    return Statement(
        f'g.V({{0}}).fold().coalesce(__.unfold(),__.addV("{label}").property(T.id,{{0}})'
        f'.property("pk",{{1}})){set_properties(properties, 2)}.iterate()',
        (id, vertex.pk, *(value for _, value in properties)),
    )


def _more(id: str, vertex: UpsertVertex, dialect: Dialect) -> Iterator[Statement]:
    """The properties that `_create` had no room for, and the removal of those in `without`."""
    properties = list(vertex.properties.items())[dialect.max_bindings - 2 :]
    for start in range(0, len(properties), dialect.max_bindings - 1):
        piece = properties[start : start + dialect.max_bindings - 1]
        yield Statement(
            f"g.V({{0}}){set_properties(piece, 1)}.iterate()", (id, *(value for _, value in piece))
        )
    for start in range(0, len(vertex.without), IDS):
        keys = ",".join(f'"{checked(key, KEYS)}"' for key in vertex.without[start : start + IDS])
        yield Statement(f"g.V({{0}}).properties({keys}).drop().iterate()", (id,))


def _edge(id: str, edge: UpsertEdge, dialect: Dialect) -> Statement:
    label = checked(edge.label, LABELS)
    return Statement(
        f"g.E({{0}}).fold().coalesce(__.unfold(),"
        f'__.V({{1}}).addE("{label}").to(__.V({{2}})).property(T.id,{{0}}))'
        f"{set_properties(list(edge.properties.items()), 3)}.iterate()",
        (id, element_id(edge.pk, edge.source), element_id(edge.pk, edge.target), *edge.properties.values()),
    )


def set_properties(properties: Sequence[tuple[str, Scalar]], first: int) -> str:
    """The steps that set them; their values are the statement's from number `first` on."""
    return "".join(
        f'.property("{checked(key, KEYS)}",{{{first + i}}})' for i, (key, _) in enumerate(properties)
    )


def checked(name: str, known: frozenset[str]) -> str:
    """The name, which goes into the text of a script; GraphError when it is not one of ours."""
    if name not in known:
        raise GraphError(f"{name!r} is no label or property key of the graph; see docs/graph.md.")
    return name


_CONVERSATIONS = '"ConversationNode","UncorrectedConversation"'
_TOPICS = (
    'g.V().has("pk",{0}).hasLabel("Topic").project("id","uses")'
    '.by(__.id()).by(__.inE("DISCUSS_TOPIC").limit(1).count())'
)
_FOUND = (
    '.project("id","actions","topics").by(__.id())'
    '.by(__.out("USES_ENGAGEMENT").id().fold()).by(__.out("DISCUSS_TOPIC").id().fold())'
)


def _drop_stale(nodes: Sequence[str], rev: int, written: Set[str], dialect: Dialect) -> Plan:
    found = yield from _find(nodes, dialect)
    targets = [edge for edge in _targets(found) if edge not in written]
    older = '.has("rev",lt({0})).drop().iterate()'
    yield from pack(
        (
            *_each("E", targets, older, dialect, rev),
            *_each("V", nodes, f'.out("RESULTS_IN_OUTCOME"){older}', dialect, rev),
            *_each("V", nodes, f".bothE(){older}", dialect, rev),
        ),
        dialect,
    )


def _drop_conversation(drop: DropConversation, dialect: Dialect) -> Plan:
    found = yield from _find([element_id(drop.pk, drop.vertex)], dialect)
    yield from _drop_found(found, dialect)


def _drop_older(drop: DropOlder, dialect: Dialect) -> Plan:
    yield from _drop_conversations('.has("rev",lt({1}))', (drop.pk, drop.rev), dialect)


def _drop_partition(drop: DropPartition, dialect: Dialect) -> Plan:
    yield from _drop_conversations("", (drop.pk,), dialect)
    for label in DROPPED:
        query = Statement(f'g.V().has("pk",{{0}}).hasLabel("{label}").limit({PAGE}).id()', (drop.pk,))
        while found := (yield _request([query])):
            yield from pack(_each("V", found, ".drop().iterate()", dialect), dialect)


def _drop_unused_topics(drop: DropUnusedTopics, dialect: Dialect) -> Plan:
    found = yield _request([Statement(_TOPICS, (drop.pk,))])
    unused = [row["id"] for row in found if not row["uses"]]
    yield from pack(_each("V", unused, ".drop().iterate()", dialect), dialect)


def _drop_conversations(which: str, values: tuple[Scalar, ...], dialect: Dialect) -> Plan:
    query = Statement(
        f'g.V().has("pk",{{0}}).hasLabel({_CONVERSATIONS}){which}.limit({PAGE}){_FOUND}', values
    )
    while found := (yield _request([query])):
        yield from _drop_found(found, dialect)


def _drop_found(found: Sequence[Mapping[str, Any]], dialect: Dialect) -> Plan:
    nodes = [row["id"] for row in found]
    yield from pack(
        (
            *_each("E", list(_targets(found)), ".drop().iterate()", dialect),
            *_each("V", nodes, '.out("RESULTS_IN_OUTCOME").drop().iterate()', dialect),
            *_each("V", nodes, ".drop().iterate()", dialect),
        ),
        dialect,
    )


def _find(nodes: Sequence[str], dialect: Dialect) -> Generator[Request, list[Any], list[Any]]:
    """Of the conversations that exist, the vertices of their actions and topics."""
    found: list[Any] = []
    for statement in _each("V", nodes, _FOUND, dialect):
        found += yield _request([statement])
    return found


def _targets(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The ids of all TARGETS_TOPIC edges these conversations can have: their actions times their topics.

    Naming them is constant work, where looking for them at an action visits every conversation's edge.
    """
    for row in found:
        pk, node = row["id"].split("|", 1)
        label, conversation = targets_of(node)
        for action in dict.fromkeys(row["actions"]):
            for topic in row["topics"]:
                yield edge_id(unquote(pk), label, local_id(action), local_id(topic), conversation)


def targets_of(node: str) -> tuple[EdgeLabel, str]:
    """Of a conversation's vertex: the label of its edges from actions to topics, and its id."""
    if node.startswith(UNCORRECTED):
        return "UNCORRECTED_TARGETS", node.removeprefix(UNCORRECTED)
    return "TARGETS_TOPIC", node.removeprefix(conversation_vertex(""))


def _each(start: str, ids: Sequence[str], rest: str, dialect: Dialect, *first: Scalar) -> Iterator[Statement]:
    """`g.V(ids)rest` or `g.E(ids)rest`, as many ids a statement as fit; `rest` may use the values `first`."""
    for piece in _pieces(ids, min(dialect.max_bindings - len(first), IDS)):
        slots = ",".join(f"{{{len(first) + i}}}" for i in range(len(piece)))
        yield Statement(f"g.{start}({slots}){rest}", (*first, *piece))


def pack(statements: Iterable[Statement], dialect: Dialect) -> Iterator[Request]:
    """Statements in as few requests as the dialect's limits allow, in order, or by text (`one_shape`)."""
    if not dialect.one_shape:
        yield from _fill(statements, dialect)
        return
    by_text: dict[str, list[Statement]] = {}
    for statement in statements:
        by_text.setdefault(statement.text, []).append(statement)
    for alike in by_text.values():
        fitting = dialect.max_bindings // len(alike[0].values)
        for piece in _pieces(alike, min(fitting, dialect.max_statements)):
            yield _request(piece)


def _fill(statements: Iterable[Statement], dialect: Dialect) -> Iterator[Request]:
    batch: list[Statement] = []
    bindings = 0
    for statement in statements:
        full = bindings + len(statement.values) > dialect.max_bindings or len(batch) == dialect.max_statements
        if batch and full:
            yield _request(batch)
            batch, bindings = [], 0
        batch.append(statement)
        bindings += len(statement.values)
    if batch:
        yield _request(batch)


def _request(statements: Sequence[Statement]) -> Request:
    bindings: dict[str, Scalar] = {}
    texts = []
    for statement in statements:
        names = [f"b{len(bindings) + i}" for i in range(len(statement.values))]
        bindings.update(zip(names, statement.values, strict=True))
        texts.append(statement.text.format(*names))
    return Request(";".join(texts), bindings)


def _pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Cut into pieces of `most` items, the rest into powers of two: few sizes, so few script texts."""
    start = 0
    while start < len(items):
        left = len(items) - start
        size = most if left >= most else 1 << (left.bit_length() - 1)
        yield items[start : start + size]
        start += size
