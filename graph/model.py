"""The labelled property graph as data: its vertices, edges, and the mutations that write them. Pure.

Every vertex carries `pk`, the partition key (the account's key), and nothing else says whose it is. Ids are
unique inside a partition, and `element_id` makes them unique in a store that has one id space. Property
values are strings, numbers or booleans; times are whole epoch seconds. Message text, names, handles and URLs
never enter the graph. docs/graph.md lists every property.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

Scalar = str | int | float | bool

SCHEMA: Final = 3  # of what is written; a change that old readers or writers would mistake counts it up

VertexLabel = Literal[
    "Fan",
    "Creator",
    "ConversationNode",
    "Topic",
    "EngagementAction",
    "InteractionOutcome",
    # What models said, where a person has corrected it: what counts has the labels above.
    "UncorrectedConversation",
    "UncorrectedOutcome",
]
EdgeLabel = Literal[
    "HAS_CONVERSATION",
    "DISCUSS_TOPIC",
    "USES_ENGAGEMENT",
    "TARGETS_TOPIC",
    "RESULTS_IN_OUTCOME",
    "UNCORRECTED_TARGETS",
]


UNCORRECTED: Final = "uncorrected:"


def creator_vertex(creator_id: str) -> str:
    return f"creator:{creator_id}"


def fan_vertex(fan_id: str) -> str:
    return f"fan:{fan_id}"


def conversation_vertex(conversation_id: str) -> str:
    """`conversation_id` is `{chat_id}:{first message id}`."""
    return f"conv:{conversation_id}"


def uncorrected_vertex(conversation_id: str) -> str:
    """What models said of a conversation that a person has corrected."""
    return f"{UNCORRECTED}{conversation_id}"


def topic_vertex(topic_id: str) -> str:
    return f"topic:{topic_id}"


def action_vertex(action_type: str) -> str:
    return f"action:{action_type}"


def outcome_vertex(conversation_id: str, outcome_type: str, n: int, *, uncorrected: bool = False) -> str:
    return f"{'uncorrected-' if uncorrected else ''}outcome:{conversation_id}:{outcome_type}:{n}"


def element_id(pk: str, id: str) -> str:
    """The vertex's id in the store (`T.id`): two accounts may have a fan, topic or action of the same id."""
    return f"{quote(pk, safe='')}|{id}"


def local_id(element_id: str) -> str:
    """The vertex's id inside its partition, such as `topic:7`, from its id in the store."""
    return element_id.partition("|")[2]


def edge_id(pk: str, label: EdgeLabel, source: str, target: str, key: str) -> str:
    """An edge's id in the store. Parts are escaped: no two different edges share one."""
    return "|".join(quote(part, safe=":") for part in (pk, label, source, target, key))


@dataclass(frozen=True, slots=True)
class UpsertVertex:
    """Create the vertex or set the given properties on it (others stay, those in `without` go)."""

    pk: str
    id: str
    label: VertexLabel
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpsertEdge:
    """Create the edge `source -label-> target` or set its properties; both ends exist in partition `pk`.

    `key` tells apart edges of one label between the same two vertices (empty: there is one).
    """

    pk: str
    label: EdgeLabel
    source: str
    target: str
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class DropConversation:
    """Remove a conversation with its outcomes and the edges written for it.

    Or, where `uncorrected`, what models said of it.
    """

    pk: str
    id: str  # the conversation's id, without the vertex prefix
    uncorrected: bool = False

    @property
    def vertex(self) -> str:
        return uncorrected_vertex(self.id) if self.uncorrected else conversation_vertex(self.id)


@dataclass(frozen=True, slots=True)
class DropStale:
    """Remove what an earlier revision wrote for one conversation and `rev` did not write again.

    Or, where `uncorrected`, for what models said of it.
    """

    pk: str
    id: str
    rev: int
    uncorrected: bool = False

    @property
    def vertex(self) -> str:
        return uncorrected_vertex(self.id) if self.uncorrected else conversation_vertex(self.id)


@dataclass(frozen=True, slots=True)
class DropOlder:
    """Remove all conversations of a partition (with their outcomes and edges) older than `rev`."""

    pk: str
    rev: int


@dataclass(frozen=True, slots=True)
class DropPartition:
    """Remove everything of a partition, what it is found by last."""

    pk: str


@dataclass(frozen=True, slots=True)
class DropFan:
    """Remove a fan's vertex. The fan's conversations are dropped each by itself, before it."""

    pk: str
    id: str  # the fan's id, without the vertex prefix


@dataclass(frozen=True, slots=True)
class DropUnusedTopics:
    """Remove the topics of a partition that no conversation discusses."""

    pk: str


Drop = DropConversation | DropOlder | DropPartition | DropFan | DropUnusedTopics
Mutation = UpsertVertex | UpsertEdge | DropStale | Drop
