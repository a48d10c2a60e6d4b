"""What Cosmos DB refuses, or is not proven to take. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.standin.protocol import Refused

# fmt: off
STEPS: Final = frozenset((
    "addE", "addV", "and", "as", "by", "coalesce", "constant", "count", "dedup", "drop", "fold",
    "group", "has", "hasLabel", "hasId", "hasNot", "inject", "is", "limit", "local", "not", "optional",
    "or", "order", "path", "project", "properties", "property", "range", "repeat", "select", "tree",
    "unfold", "union", "V", "E", "in", "out", "both", "inE", "outE", "bothE", "inV", "outV", "bothV",
    "otherV", "values", "where", "with", "eq", "neq", "lt", "lte", "gt", "gte", "between", "within",
    "id", "label", "valueMap", "times", "until", "emit", "from", "to", "startingWith", "endingWith",
    "containing", "notStartingWith", "notEndingWith", "notContaining",
))
# fmt: on
LONGEST_SCRIPT: Final = 64 * 1024  # bytes
MOST_STEPS: Final = 400
MOST_REPEATS: Final = 32
LONGEST_ID: Final = 1023  # bytes
LONGEST_KEY: Final = 101  # bytes, of a partition key's value

STRING: Final = re.compile(r'"[^"\\]*"|\'[^\'\\]*\'')
CALL: Final = re.compile(r"(?<![\w])(\w+)\(")
ADDRESS: Final = re.compile(r"\[(\w+),\s*(\w+)\]")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w(])")
_WORDS = frozenset(("g", "__", "TextP", "incr", "decr", "single", "true", "false", "id", "label"))
_ADDED = re.compile(r'addV\((?:"\w*"|\w+)\)(?:\.property\([^()]*\))*$')


def check(script: str, bindings: Mapping[str, Any], *, pk: str, across: bool) -> None:
    """Refused where Cosmos DB would refuse; `pk` is the name of the partition key.

    `across`: it may ask all partitions.
    """
    if len(script.encode()) > LONGEST_SCRIPT:
        raise _syntax("the script is longer than 64 KB")
    for value in bindings.values():
        if value is None or isinstance(value, list | dict):
            raise _syntax("Value of variable is not a constant type: Cannot assign complex values.")
    bare = STRING.sub('""', script)
    for sign, name in ((";", "statements"), ("{", "closure"), ("->", "closure"), ("T.", "T."), ("P.", "P.")):
        if re.search(rf"(?<![A-Za-z]){re.escape(sign)}" if sign[0].isalpha() else re.escape(sign), bare):
            raise _syntax(f"Unsupported groovy language rule: '{name}'")
    calls = CALL.findall(bare)
    if unknown := set(calls) - STEPS:
        raise _syntax(f"Unable to find any method {sorted(unknown)[0]!r}")
    if len(calls) > MOST_STEPS:
        raise _syntax("too many steps")
    if any(int(times) > MOST_REPEATS for times in re.findall(r"\btimes\((\d+)\)", bare)):
        raise _syntax("too many repeats")
    for word in _WORD.findall(bare):
        if word not in _WORDS and word not in bindings:
            raise _syntax(f"No such property: {word}")
    if not re.match(r"g\.[VE]\(", bare):
        raise _syntax("a traversal starts at vertices or edges: AddE should follow by a Vertex")
    _check_partition(script, pk, across)
    _check_ids(script, bindings, pk)


def first_partition(script: str, pk: str) -> str | None:
    """The binding that names the query's partition, None for all partitions."""
    found = re.match(r"g\.V\(\[(\w+),", script) or re.match(
        rf'g\.[VE]\([^()]*\)(?:\.hasLabel\([^()]*\))*\.has\(["\']{pk}["\'],\s*(?:eq\()?(\w+)\)', script
    )
    return found.group(1) if found else None


def _check_partition(script: str, pk: str, across: bool) -> None:
    if first_partition(script, pk) is None and not across:
        raise _syntax("the query names no partition")
    for call in re.finditer(r"__\.V\(([^()]*)\)", script):
        if not ADDRESS.match(call.group(1)):
            raise _syntax("a later V() names a vertex as V([pk,id])")
    for call in re.finditer(rf'\.property\((?:single,\s*)?["\']{pk}["\']', script):
        if not _ADDED.search(script[: call.start()]):
            raise Refused(500, 400, "the partition key of an element cannot be changed")


def _check_ids(script: str, bindings: Mapping[str, Any], pk: str) -> None:
    ids = re.findall(r'(?:hasId\(|property\("id",\s*)(\w+)\)', script)
    pairs = ADDRESS.findall(script)
    for name in {*ids, *(id for _, id in pairs)}:
        id = bindings.get(name)
        if not isinstance(id, str) or set(id) & set("/\\?#") or not 0 < len(id.encode()) <= LONGEST_ID:
            raise Refused(500, 400, "an id is a string without / \\ ? # of at most 1023 bytes")
    for name in {first_partition(script, pk), *(key for key, _ in pairs)} - {None}:
        if len(str(bindings.get(str(name))).encode()) > LONGEST_KEY:
            raise Refused(500, 400, "a partition key's value has at most 101 bytes")


def _syntax(reason: str) -> Refused:
    return Refused(597, 400, f"ExceptionType : GraphCompileException: {reason}")
