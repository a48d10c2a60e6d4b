"""What a script must keep to before Azure Cosmos DB is asked, with its bindings. Pure.

Cosmos DB reads a part of Gremlin, and what it does not refuse may still be answered from every partition.
A script is read here as what the rules allow: one traversal of known steps, whose values are bindings.
docs/graph.md lists the rules; an error names the one that is broken and quotes nothing.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from errors import QueryRefused
from graph.dialect import KEYS, LABELS
from graph.model import Scalar
from graph.traversals import ACROSS_PARTITIONS

LARGEST_SCRIPT: Final = 64 * 1024  # bytes; a script is smaller
MOST_STEPS: Final = 400
DEEPEST: Final = 16  # calls inside each other
MOST_CONDITIONS: Final = 10  # on one element, one after another

# fmt: off
STEPS: Final = frozenset((
    "V", "E", "addE", "addV", "and", "as", "both", "bothE", "bothV", "by", "coalesce", "constant", "count",
    "dedup", "drop", "fold", "group", "has", "hasId", "hasLabel", "hasNot", "id", "in", "inE", "inV", "is",
    "limit", "local", "not", "optional", "or", "order", "otherV", "out", "outE", "outV", "path", "project",
    "properties", "property", "range", "repeat", "select", "to", "unfold", "union", "values", "where",
))
PREDICATES: Final = frozenset(("eq", "neq", "lt", "lte", "gt", "gte", "between", "within"))
# fmt: on
CONDITIONS: Final = frozenset(("has", "hasId", "hasLabel", "hasNot"))
WORDS: Final = KEYS | LABELS | {"id", "topic", ""}  # what may stand in quotes: no value is among them
COUNTED: Final = frozenset(("limit", "range"))  # take any whole number; elsewhere a number is 0

_TOKEN = re.compile(r'\s*("[^"\\]*"|[A-Za-z_]\w*|\d+|[.,()\[\]])', re.ASCII)


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    arguments: "tuple[_Argument, ...]"


@dataclass(frozen=True, slots=True)
class _Traversal:
    steps: tuple[_Step, ...]


@dataclass(frozen=True, slots=True)
class _Predicate:
    name: str
    arguments: "tuple[_Argument, ...]"


@dataclass(frozen=True, slots=True)
class _Word:
    text: str


@dataclass(frozen=True, slots=True)
class _Number:
    value: int


@dataclass(frozen=True, slots=True)
class _Binding:
    name: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """`[b0,b1]`: partition and id."""

    names: tuple[str, str]


_Argument = _Traversal | _Predicate | _Word | _Number | _Binding | _Pair


def check(script: str, bindings: Mapping[str, Scalar]) -> None:
    """Return when the script may be sent with these bindings; QueryRefused names the rule that it breaks."""
    if set(bindings) != _checked(script):
        raise _refused("bindings", "a script names exactly the bindings that come with it")
    for value in bindings.values():
        if not isinstance(value, str | int | float | bool):
            raise _refused("binding values", "a value is a string, a number or a boolean, and never null")
        if isinstance(value, float) and not math.isfinite(value):
            raise _refused("binding values", "a number is finite")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise _refused("binding values", "a whole number has at most 64 bits")


@lru_cache(maxsize=1024)
def _checked(script: str) -> frozenset[str]:
    """The names of the bindings of a script that keeps the rules."""
    if ";" in script:
        raise _refused("one traversal", "statements are not joined by a semicolon")
    if len(script.encode()) >= LARGEST_SCRIPT:
        raise _refused("script size", f"a script has less than {LARGEST_SCRIPT} bytes")
    root = _Reader(script).read()
    _check_start(root, script)
    _check_traversal(root, within="", adds=frozenset())
    steps = list(_all_steps(root))
    if len(steps) > MOST_STEPS:
        raise _refused("number of steps", f"a script has at most {MOST_STEPS} steps")
    return frozenset(name for step in steps for name in _names(step.arguments))


def _check_start(root: _Traversal, script: str) -> None:
    """One start, and it names its partition."""
    first, *rest = root.steps
    if first.name not in ("V", "E"):
        raise _refused("start", "a script starts with g.V(..) or g.E()")
    if first.name == "V" and _is_pair(first.arguments):
        return
    if first.arguments:
        raise _refused("partition", "g.V is given [partition, id], or nothing; g.E is given nothing")
    if not (rest and _names_partition(rest[0])) and script not in ACROSS_PARTITIONS:
        raise _refused("partition", 'has("pk", ..) comes right after the start, with a binding')


def _names_partition(step: _Step) -> bool:
    match step:
        case _Step("has", (_Word("pk"), _Binding() | _Predicate("eq", (_Binding(),)))):
            return True
    return False


def _is_pair(arguments: Sequence[_Argument]) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], _Pair)


def _check_traversal(traversal: _Traversal, within: str, adds: frozenset[str]) -> None:
    """`within` is the step whose argument it is, empty for the root; `adds` what is added around it."""
    conditions = 0
    for at, step in enumerate(traversal.steps):
        if step.name not in STEPS:
            raise _refused("allowed steps", "a step is not one that every home takes")
        if step.name in ("V", "E") and (within or at):
            if step.name == "E" or at or within not in ("coalesce", "to") or not _is_pair(step.arguments):
                raise _refused("one start", "a later V is V([partition, id]) inside coalesce or to")
        elif any(isinstance(each, _Pair) for each in step.arguments) and step.name != "V":
            raise _refused("lists", "a list is only the [partition, id] of V")
        conditions = conditions + 1 if step.name in CONDITIONS else 0
        if conditions > MOST_CONDITIONS:
            raise _refused("conditions", f"at most {MOST_CONDITIONS} has steps follow each other")
        if step.name in ("addV", "addE"):
            adds = adds | {step.name}
        _check_property(step, adds)
        for each in step.arguments:
            _check_argument(each, step.name)


def _check_property(step: _Step, adds: frozenset[str]) -> None:
    match step:
        case _Step("property", (_Word("pk"), *_)) if "addV" not in adds:
            raise _refused("partition of an element", "pk is set where the vertex is added, nowhere else")
        case _Step("property", (_Word("id"), *_)) if not adds:
            raise _refused("id of an element", "an id is set where the element is added, nowhere else")
        case _Step("property", (_Word(), _Binding())):
            return
        case _Step("property"):
            raise _refused("property", "property takes a key and a binding")


def _check_argument(argument: _Argument, of: str) -> None:
    match argument:
        case _Traversal():
            _check_traversal(argument, within=of, adds=frozenset())
        case _Predicate(name, arguments):
            if name not in PREDICATES:
                raise _refused("allowed predicates", "a call that is no step is a comparison such as eq(..)")
            for each in arguments:
                if isinstance(each, _Traversal | _Predicate | _Pair):
                    raise _refused("comparisons", "a comparison is with bindings")
                _check_argument(each, name)
        case _Word(text) if text not in WORDS:
            raise _refused("literals", "in quotes are labels and property keys only; values are bindings")
        case _Number(value) if value and of not in COUNTED:
            raise _refused("literals", "a number other than 0 is a binding, but for limit and range")
        case _Number(value) if value >= 2**31:
            raise _refused("literals", "limit and range take numbers of 32 bits")


def _all_steps(traversal: _Traversal) -> Iterator[_Step]:
    for step in traversal.steps:
        yield step
        for each in step.arguments:
            if isinstance(each, _Traversal):
                yield from _all_steps(each)


def _names(arguments: Sequence[_Argument]) -> Iterator[str]:
    for each in arguments:
        match each:
            case _Binding(name):
                yield name
            case _Pair(names):
                yield from names
            case _Predicate(arguments=inner):
                yield from _names(inner)


class _Reader:
    """Reads a script; what it cannot read breaks the rule `grammar`."""

    def __init__(self, script: str) -> None:
        self._tokens: list[str] = []
        end = 0
        script = script.rstrip()
        while end < len(script):
            found = _TOKEN.match(script, end)
            if found is None:
                raise _refused("grammar", "a script has steps, quoted names, whole numbers and bindings only")
            self._tokens.append(found[1])
            end = found.end()
        self._at = 0
        self._depth = 0

    def read(self) -> _Traversal:
        self._expect("g")
        root = self._steps()
        if self._at < len(self._tokens):
            raise self._unread()
        return root

    def _steps(self) -> _Traversal:
        steps: list[_Step] = []
        while self._next() == ".":
            self._at += 1
            name = self._take()
            if not name.isidentifier():
                raise self._unread()
            steps.append(_Step(name, self._arguments()))
        if not steps:
            raise self._unread()
        return _Traversal(tuple(steps))

    def _arguments(self) -> tuple[_Argument, ...]:
        if self._depth == DEEPEST:
            raise _refused("depth", f"at most {DEEPEST} calls stand inside each other")
        self._depth += 1
        self._expect("(")
        found: list[_Argument] = []
        while self._next() != ")":
            if found:
                self._expect(",")
            found.append(self._argument())
        self._expect(")")
        self._depth -= 1
        return tuple(found)

    def _argument(self) -> _Argument:
        word = self._take()
        if word.startswith('"'):
            return _Word(word[1:-1])
        if word.isdigit():
            return _Number(int(word))
        if word == "__":
            return self._steps()
        if word == "[":
            pk = self._identifier()
            self._expect(",")
            id = self._identifier()
            self._expect("]")
            return _Pair((pk, id))
        if not word.isidentifier():
            raise self._unread()
        return _Predicate(word, self._arguments()) if self._next() == "(" else _Binding(word)

    def _identifier(self) -> str:
        word = self._take()
        if not word.isidentifier():
            raise self._unread()
        return word

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        word = self._next()
        self._at += 1
        return word

    def _expect(self, word: str) -> None:
        if self._take() != word:
            raise self._unread()

    def _unread(self) -> QueryRefused:
        return _refused("grammar", "a script is one traversal: g.step(..).step(..)")


def _refused(rule: str, meaning: str) -> QueryRefused:
    return QueryRefused(f"A graph query breaks the rule {rule!r} of Cosmos DB: {meaning}; see docs/graph.md.")
