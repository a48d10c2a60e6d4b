"""Scripts as the Gremlin Server takes them, and its rows as Cosmos DB answers. Pure.

The server has one space of ids: there an id is `\\1pk\\1id`, which no value of a test looks like. All
bindings go as one map, `x`: the server takes 16 and Cosmos DB knows no such limit.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from gremlin_python.statics import long
from gremlin_python.structure.graph import Edge, Path, Property, Vertex, VertexProperty

from tests.standin.protocol import Refused
from tests.standin.rules import ADDRESS, STRING, first_partition

MISSING: Final = "\2missing"


def script(text: str, bindings: Mapping[str, Any], pk: str) -> tuple[str, dict[str, Any]]:
    values = {name: _wide(value) for name, value in bindings.items()}
    own = first_partition(text, pk)

    def id_of(key: str | None, name: str) -> str:
        new = f"{key}_{name}"
        values[new] = f"\1{bindings[key] if key else ''}\1{bindings[name]}"
        return f"x.{new}"

    text = ADDRESS.sub(lambda m: "\3" + id_of(m[1], m[2]), text)
    text = re.sub(r"hasId\((\w+)\)", lambda m: f"hasId(\3{id_of(own, m[1])})", text)
    text = re.sub(r'property\("id",\s*(\w+)\)', lambda m: f"property(\3T.id,\3{id_of(own, m[1])})", text)
    text = re.sub(r'\.by\(("\w+")\)', r".by(__.coalesce(__.values(\1),__.constant(x.missing)))", text)
    names = "|".join(map(re.escape, bindings))
    pieces = re.split(f"({STRING.pattern})", text)
    for at in range(0, len(pieces), 2):
        piece = re.sub(r"\bincr\b", "asc", re.sub(r"\bdecr\b", "desc", pieces[at]))
        pieces[at] = re.sub(rf"(?<![\w.])({names})(?![\w(])", r"x.\1", piece) if names else piece
    return "".join(pieces).replace("\3", ""), {"x": {**values, "missing": MISSING}}


def row(value: Any) -> Any:
    """A row as untyped JSON. Refused when it has a `by("k")` of an element without k."""
    if value == MISSING:
        raise Refused(500, 1000, "Project By: Next: The provided traverser maps to nothing")
    if isinstance(value, str):
        return value.rpartition("\1")[2] if value.startswith("\1") else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Vertex):
        properties: dict[str, list[Any]] = {}
        id = row(value.id)
        for each in value.properties:
            entry = {"id": f"{id}|{each.key}", "value": row(each.value)}
            properties.setdefault(each.key, []).append(entry)
        return {"id": id, "label": value.label, "type": "vertex", "properties": properties}
    if isinstance(value, Edge):
        return {
            "id": row(value.id),
            "label": value.label,
            "type": "edge",
            "inVLabel": value.inV.label,
            "outVLabel": value.outV.label,
            "inV": row(value.inV.id),
            "outV": row(value.outV.id),
            "properties": {each.key: row(each.value) for each in value.properties},
        }
    if isinstance(value, VertexProperty | Property):
        return {"key": value.key, "value": row(value.value)}
    if isinstance(value, Path):
        return {"labels": [list(each) for each in value.labels], "objects": [row(e) for e in value.objects]}
    if isinstance(value, Mapping):
        return {str(row(key)): row(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [row(each) for each in value]
    return int(value) if isinstance(value, int) else float(value)


def _wide(value: Any) -> Any:
    big = isinstance(value, int) and not -(2**31) <= value < 2**31
    return long(value) if big else value
