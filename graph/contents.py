"""All that a graph has of one account, as data: read through the port, compared, and written back.

What is compared leaves out `rev` and `schema`, which say who wrote it and when, and what a topic's vertex
says: conversations may know a topic by different labels, and it keeps what was written last.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from graph.model import (
    EdgeLabel,
    Mutation,
    Scalar,
    UpsertEdge,
    UpsertVertex,
    VertexLabel,
    local_id,
)
from graph.port import Graph

_CONVERSATION: Final = (
    *("conversation", "chatId", "fanId", "startDate", "endDate", "messageCount", "fanMessages"),
    *("massMessages", "ppvOffers", "massPpvOffers", "offers", "said", "answers", "turns"),
    *("silenceSeconds", "responseSeconds", "unanswered", "sentimentSum", "sentimentCount"),
    *("firstFanDate", "lastFanDate", "warnings", "rev"),
)
_OUTCOME: Final = (
    *("conversation", "chatId", "fanId", "startDate", "endDate", "messageCount", "name", "date"),
    *("amount", "score", "provisional", "isMass", "follows", "rev"),
)
_TALK: Final[tuple[VertexLabel, ...]] = ("ConversationNode", "UncorrectedConversation")
VERTICES: Final[Mapping[VertexLabel, tuple[str, ...]]] = {
    "Creator": ("creatorId", "userId", "schema"),
    "Fan": (
        *("fanId", "chatId", "joinDate", "spend", "unread", "waitingSince", "notWaiting"),
        *("recentSentiment", "sentimentProfile", "lastMessageDate", "subscriptionEnd"),
        *("uncorrectedSpend", "uncorrectedWaitingSince", "uncorrectedNotWaiting"),
        "uncorrectedRecentSentiment",
    ),
    "ConversationNode": (*_CONVERSATION, "corrected"),
    "UncorrectedConversation": _CONVERSATION,
    "Topic": ("description", "category", "keywords", "model", "uncorrectedDescription"),
    "EngagementAction": ("name", "type"),
    "InteractionOutcome": (*_OUTCOME, "corrected"),
    "UncorrectedOutcome": _OUTCOME,
}
EDGES: Final[Mapping[EdgeLabel, tuple[tuple[VertexLabel, ...], tuple[str, ...]]]] = {
    "HAS_CONVERSATION": (("Creator", "Fan"), ("rev",)),
    "DISCUSS_TOPIC": (_TALK, ("messages", "weight", "rev")),
    "USES_ENGAGEMENT": (_TALK, ("count", "direction", "rev")),
    "TARGETS_TOPIC": (("EngagementAction",), ("conversation", "startDate", "count", "rev", "corrected")),
    "UNCORRECTED_TARGETS": (("EngagementAction",), ("conversation", "startDate", "count", "rev")),
    "RESULTS_IN_OUTCOME": (_TALK, ("rev",)),
}
_KEYS: Final[Mapping[EdgeLabel, str]] = {
    "TARGETS_TOPIC": "conversation",
    "UNCORRECTED_TARGETS": "conversation",
    "USES_ENGAGEMENT": "direction",
}
KEYS_TOGETHER: Final = 9  # beside the id: a step takes ten arguments in every home
UNCOMPARED: Final = ("rev", "schema")
NOT_CORRECTED: Final = ("corrected", 0)  # is as good as no such property
SHARED: Final = ("Topic", "EngagementAction")  # stay when no conversation names them any more

_PARTITION = '.has("pk", pk)'
VERTEX_COUNT: Final = f"g.V(){_PARTITION}.count()"


class EdgeName(NamedTuple):
    """What tells an edge from all others of its account; ends are ids inside the partition."""

    label: EdgeLabel
    source: str
    target: str
    key: str

    def __str__(self) -> str:
        return f"{self.label} {self.source} -> {self.target}" + (f" ({self.key})" if self.key else "")


class Vertex(NamedTuple):
    label: VertexLabel
    properties: dict[str, Scalar]


@dataclass(slots=True)
class Contents:
    """Vertices by their id inside the partition, edges by what names them; properties without `pk`."""

    vertices: dict[str, Vertex] = field(default_factory=dict)
    edges: dict[EdgeName, dict[str, Scalar]] = field(default_factory=dict)

    def add(self, mutations: Iterable[Mutation]) -> None:
        """Take in upserts, as the graph does."""
        for each in mutations:
            if isinstance(each, UpsertVertex):
                vertex = self.vertices.setdefault(each.id, Vertex(each.label, {}))
                vertex.properties.update(each.properties)
                for key in each.without:
                    vertex.properties.pop(key, None)
            elif isinstance(each, UpsertEdge):
                name = EdgeName(each.label, each.source, each.target, each.key)
                self.edges.setdefault(name, {}).update(each.properties)

    def mutations(self, pk: str) -> Iterator[UpsertVertex | UpsertEdge]:
        """What writes it, vertices first; properties that it lacks are removed."""
        for id, vertex in self.vertices.items():
            yield vertex_of(pk, id, vertex)
        for name, properties in self.edges.items():
            yield UpsertEdge(pk, name.label, name.source, name.target, properties, name.key)


@dataclass(frozen=True, slots=True)
class Difference:
    """Ids and names of what one account should have, and does not; has too much; or has otherwise."""

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.differing)


def vertex_of(pk: str, id: str, vertex: Vertex) -> UpsertVertex:
    """The upsert that leaves the vertex with just these properties."""
    without = tuple(key for key in VERTICES[vertex.label] if key not in vertex.properties)
    return UpsertVertex(pk, id, vertex.label, vertex.properties, without)


def edge_name(label: EdgeLabel, source: str, target: str, properties: Mapping[str, Scalar]) -> EdgeName:
    """The name of an edge; what tells it from others between the same ends is one of its properties."""
    key = properties.get(_KEYS.get(label, ""), "")
    return EdgeName(label, source, target, str(key))


async def read(graph: Graph, pk: str) -> Contents:
    """All of a partition: a question for each label, so none answers with more than the account has of it."""
    found = Contents()
    for label, keys in VERTICES.items():
        for start in range(0, len(keys), KEYS_TOGETHER):
            some = keys[start : start + KEYS_TOGETHER]
            for row in await graph.submit(_vertices(label, some), {"pk": pk}):
                vertex = found.vertices.setdefault(local_id(row["id"]), Vertex(label, {}))
                vertex.properties.update(_known(row, some))
    for edge, (sources, keys) in EDGES.items():
        for source in sources:
            for row in await graph.submit(_edges(source, edge, keys), {"pk": pk}):
                properties = _known(row, keys)
                ends = local_id(row["source"]), local_id(row["target"])
                found.edges[edge_name(edge, *ends, properties)] = properties
    return found


def compare(expected: Contents, found: Contents) -> Difference:
    """What `found` has otherwise; topics and actions that nobody names any more are no difference."""
    missing = [id for id in expected.vertices if id not in found.vertices]
    missing += [str(name) for name in expected.edges if name not in found.edges]
    extra = [
        id
        for id, vertex in found.vertices.items()
        if id not in expected.vertices and vertex.label not in SHARED
    ]
    extra += [str(name) for name in found.edges if name not in expected.edges]
    differing = [
        id
        for id, vertex in expected.vertices.items()
        if id in found.vertices and _compared(vertex) != _compared(found.vertices[id])
    ]
    differing += [
        str(name)
        for name, properties in expected.edges.items()
        if name in found.edges and _without(properties) != _without(found.edges[name])
    ]
    return Difference(tuple(missing), tuple(extra), tuple(differing))


def loose_ends(found: Contents) -> list[str]:
    """The edges of which an end does not exist, by name."""
    return [
        str(name)
        for name in found.edges
        if name.source not in found.vertices or name.target not in found.vertices
    ]


def _compared(vertex: Vertex) -> tuple[str, dict[str, Scalar]]:
    return vertex.label, {} if vertex.label == "Topic" else _without(vertex.properties)


def _without(properties: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {
        key: value
        for key, value in properties.items()
        if key not in UNCOMPARED and (key, value) != NOT_CORRECTED
    }


def _known(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Scalar]:
    # Each value is folded: an empty list where the element has no such property.
    return {key: cast(Scalar, row[key][0]) for key in keys if row[key]}


def _vertices(label: VertexLabel, keys: Sequence[str]) -> str:
    names = ", ".join(f'"{key}"' for key in ("id", *keys))
    return f'g.V(){_PARTITION}.hasLabel("{label}").project({names}).by(__.id()){_folded(keys)}'


def _edges(source: VertexLabel, label: EdgeLabel, keys: Sequence[str]) -> str:
    names = ", ".join(f'"{key}"' for key in ("id", "source", "target", *keys))
    return (
        f'g.V(){_PARTITION}.hasLabel("{source}").outE("{label}").project({names})'
        f".by(__.id()).by(__.outV().id()).by(__.inV().id()){_folded(keys)}"
    )


def _folded(keys: Sequence[str]) -> str:
    return "".join(f'.by(__.values("{key}").fold())' for key in keys)
