"""What a partition of a graph holds, in a form that compares."""

from typing import Any, NamedTuple

from graph.model import local_id
from graph.port import Graph


class Contents(NamedTuple):
    vertices: dict[str, dict[str, Any]]  # by id inside the partition
    edges: dict[tuple[str, str, str, str], dict[str, Any]]  # by label, source, target, conversation or side

    def links(self, label: str) -> set[tuple[str, str]]:
        return {(source, target) for kind, source, target, _ in self.edges if kind == label}

    def labelled(self, label: str) -> set[str]:
        return {id for id, row in self.vertices.items() if row["label"] == label}


async def contents(graph: Graph, pk: str) -> Contents:
    vertices = await graph.submit('g.V().has("pk",P.eq(pk)).elementMap()', {"pk": pk})
    edges = await graph.submit('g.V().has("pk",P.eq(pk)).outE().elementMap()', {"pk": pk})
    found = Contents({local_id(row.pop("id")): row for row in vertices}, dict(_named(row) for row in edges))
    assert len(found.vertices) == len(vertices)
    assert len(found.edges) == len(edges)  # no edge stands there twice under two ids
    return found


def _named(row: dict[str, Any]) -> tuple[tuple[str, str, str, str], dict[str, Any]]:
    source, target = local_id(row["OUT"]["id"]), local_id(row["IN"]["id"])
    key = row.get("conversation") or row.get("direction") or ""
    return (row["label"], source, target, key), {k: v for k, v in row.items() if k not in ("IN", "OUT")}
