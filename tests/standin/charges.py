"""Request units by a model: what is documented, or was seen, of single operations, added up. Pure.

Azure publishes no table for Gremlin; docs/cosmos.md has the source of each number. What a script touched is
read from the engine's profile of it. Elements are taken to be of 1 KB. Edges that go with a dropped vertex
are not charged.
"""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

BY_ID: Final = 1.0  # a vertex by its partition and id, whether it is there or not
QUERY: Final = 2.5  # a look-up by anything else, or a hop
ACROSS: Final = 10.0  # a look-up in all partitions
READ: Final = 0.45  # an element that a look-up or a hop reads
INSERT: Final = 5.5  # an element, without its index
REPLACE: Final = 11.0  # likewise
ENTRY: Final = 1.15  # a property's entry in the index, as if every property that is set had changed
DROP: Final = 5.5  # an element

_HOP = re.compile(r"(Vertex|EdgeVertex|EdgeOtherVertex)Step\(")
_START = re.compile(r"(TinkerGraph|Graph)Step\(")
_ADD = re.compile(r"Add(Vertex|Edge)")

# A step of a profile: its name, how many elements left it, and the steps of the traversals inside it.
Profile = Sequence[Sequence[Any]]


class Touched(NamedTuple):
    """What a script did; `passed` are elements that hops led to and a condition after the hop left out."""

    by_id: int = 0
    queries: int = 0
    read: int = 0
    passed: int = 0
    inserted: int = 0
    replaced: int = 0
    entries: int = 0
    dropped: int = 0


def touched(script: str, profile: Profile) -> Touched:
    """`script` as Cosmos DB is given it, and the profile of its run."""
    chains = list(_chains(profile))
    first, *later = chains[0]
    starts = [step for chain in chains for step in chain if _START.match(step[0]) and step is not first]
    hops = [
        (before, step, after)
        for chain in chains
        for before, step, after in zip([None, *chain], chain, [*chain[1:], None], strict=False)
        if _HOP.match(step[0])
    ]
    read = [_left(step, after) for _, step, after in hops]
    inserted = sum(step[1] for chain in chains for step in chain if _ADD.match(step[0]))
    entries = sum(1 for step in later if step[0].startswith("AddProperty") and step[1])
    dropping = [step[0].startswith("DropStep") for step in chains[0]]
    by_id = script.startswith("g.V([")
    return Touched(
        by_id=by_id + sum(step[1] for step in starts),
        queries=(not by_id) + sum(1 for before, step, _ in hops if step[1] or (before and before[1])),
        read=(0 if by_id else first[1]) + sum(read),
        passed=sum(step[1] for _, step, _ in hops) - sum(read),
        inserted=inserted,
        replaced=1 if entries and not inserted else 0,
        entries=entries,
        dropped=chains[0][dropping.index(True) - 1][1] if True in dropping else 0,
    )


def of(found: Touched, *, across: bool = False, by_index: bool = True) -> float:
    """Request units. `across`: of all partitions.

    `by_index` says that a condition right after a hop is looked up, as one at the start of a script is. No
    document says so: else each element that it leaves out is read.
    """
    return round(
        BY_ID * found.by_id
        + QUERY * found.queries
        + (ACROSS - QUERY) * across
        + READ * (found.read + (0 if by_index else found.passed))
        + INSERT * found.inserted
        + REPLACE * found.replaced
        + ENTRY * found.entries
        + DROP * found.dropped,
        2,
    )


def _chains(profile: Profile) -> Iterator[Profile]:
    """The traversal, then those inside it; a profile lists the steps of all inner ones in a row."""
    yield profile
    for step in profile:
        if step[2]:
            yield from _chains(step[2])


def _left(step: Sequence[Any], after: Sequence[Any] | None) -> int:
    """How many elements of a hop are left by a condition right after it."""
    count: int = after[1] if after is not None and after[0].startswith("HasStep(") else step[1]
    return count


class Budget:
    """`units` a second (0: no limit), spent after the fact: who is over it waits until it is paid back."""

    def __init__(self, units: float) -> None:
        self._units = units
        self._left = units
        self._at = time.monotonic()

    def wait(self) -> float:
        """Seconds until something may be spent."""
        if not self._units:
            return 0.0
        now = time.monotonic()
        self._left = min(self._units, self._left + (now - self._at) * self._units)
        self._at = now
        return max(0.0, -self._left / self._units)

    def spend(self, charge: float) -> None:
        self._left -= charge
