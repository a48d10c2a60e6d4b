"""An account's contents as GraphSON 2, one vertex a line with its edges, and back. Pure.

It is what `g.io(file).read()` of TinkerPop reads: in-edges are there for it, as it joins vertices by them.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, cast

from errors import InvalidInput
from graph.contents import EDGES, VERTICES, Contents, EdgeName, Vertex, edge_name
from graph.model import EdgeLabel, Scalar, VertexLabel, edge_id, element_id, local_id

Properties = dict[str, Scalar]


def lines(pk: str, contents: Contents, numbers: Iterator[int]) -> Iterator[str]:
    """A line for each vertex, without its end, in order of ids; those of a store with one id space.

    `numbers` are the ids of vertex properties, which are unique in a file.
    """
    leaving: defaultdict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    coming: defaultdict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name, properties in sorted(contents.edges.items()):
        edge = {
            "id": edge_id(pk, *name),
            "properties": {key: _typed(value) for key, value in sorted(properties.items())},
        }
        leaving[name.source][name.label].append({**edge, "inV": element_id(pk, name.target)})
        coming[name.target][name.label].append({**edge, "outV": element_id(pk, name.source)})
    for id, vertex in sorted(contents.vertices.items()):
        line: dict[str, Any] = {"id": element_id(pk, id), "label": vertex.label}
        if id in leaving:
            line["outE"] = leaving[id]
        if id in coming:
            line["inE"] = coming[id]
        line["properties"] = {
            key: [{"id": _typed(next(numbers)), "value": _typed(value)}]
            for key, value in sorted({"pk": pk, **vertex.properties}.items())
        }
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def parse(line: str) -> tuple[str, str, Vertex, dict[EdgeName, Properties]]:
    """Of one line: the partition, the vertex's id in it, the vertex, and its out-edges.

    InvalidInput when it is no vertex of this model.
    """
    try:
        facts = json.loads(line)
        label = cast(VertexLabel, facts["label"])
        id = local_id(facts["id"])
        properties = {key: _plain(value["value"]) for key, [value] in facts["properties"].items()}
        pk = properties.pop("pk")
        if not isinstance(pk, str) or element_id(pk, id) != facts["id"]:
            raise ValueError("the id does not begin with pk")
        _check(properties, VERTICES[label])
        edges: dict[EdgeName, Properties] = {}
        for kind, group in facts.get("outE", {}).items():
            for each in group:
                values = {key: _plain(value) for key, value in each.get("properties", {}).items()}
                _check(values, EDGES[kind][1])
                edges[edge_name(cast(EdgeLabel, kind), id, local_id(each["inV"]), values)] = values
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"No vertex of this graph in GraphSON 2 ({type(error).__name__}); see docs/graph.md."
        ) from error
    return pk, id, Vertex(label, properties), edges


def _check(properties: Mapping[str, Scalar], keys: tuple[str, ...]) -> None:
    if unknown := set(properties) - set(keys):
        raise ValueError(f"unknown properties: {len(unknown)}")


def _typed(value: Scalar) -> Any:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return {"@type": "g:Int64", "@value": value}
    return {"@type": "g:Double", "@value": value}


def _plain(value: Any) -> Scalar:
    if isinstance(value, dict):
        number = value["@value"]
        return float(number) if value["@type"] in ("g:Double", "g:Float") else int(number)
    if not isinstance(value, str | bool):
        raise TypeError("a value that is no string, number or boolean")
    return value
