"""Sample messages to measure with: one creator's, in the platform's shape."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from samples.generate import generate

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One creator's messages, oldest first within each seed, with unique ids."""

    creator_id: str
    messages: list[Raw]


def corpus(size: int, *, seed: int = 7) -> Corpus:
    """At least `size` messages cut to `size`: the newest of the samples, of as many seeds as it takes."""
    now = datetime.now(UTC)
    found: list[Raw] = []
    for each in count(seed):
        creator = generate(seed=each, now=now).creators[0]
        # A captured send has its time in its id, which is to be another one here.
        found += (raw for raw in creator.snapshot["messages"] if isinstance(raw["id"], int))
        if len(found) >= size:
            numbered = [{**raw, "id": id} for id, raw in enumerate(found[-size:], start=10**12)]
            return Corpus(creator.creator_id, numbered)
    raise AssertionError("count() does not end")
