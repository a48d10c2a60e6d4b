"""What people speak of everywhere beside the taxonomy: names for topics that are discovered, as data.

A creator has one of these topics only where enough of its own windows are about it; the topic's centroid is
then made of these windows. So a topic is called what a person would call it, and two fits of a creator find
the same ones. `names.txt` has a line a name, under its category: the label, then phrases as they are said
in chat.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from enrich.embedding.embed import PACKAGED, embed
from enrich.embedding.encoded import Vectors
from enrich.topics.windows import unit

_FILE = Path(__file__).with_name("names.txt")


@dataclass(frozen=True, slots=True)
class Name:
    """A label with its category, and what one would say of what it names."""

    label: str
    category: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Names and their unit centroids [n, dimension], relative to a creator's centre."""

    names: tuple[Name, ...]
    centroids: Vectors


@lru_cache(maxsize=1)
def all_names() -> tuple[Name, ...]:
    """All names, in the file's order."""
    found: list[Name] = []
    category = ""
    for line in _FILE.read_text("utf-8").splitlines():
        if line.startswith("["):
            category = line.strip("[]")
        elif line and not line.startswith("#"):
            label, _, said = line.partition(": ")
            found.append(Name(label, category, tuple(each.strip() for each in said.split("|"))))
    return tuple(found)


def names_from(centre: Vectors, model: str = PACKAGED) -> Names:
    """All names as seen from `centre` [dimension], by the vectors of `model`."""
    centroids = [unit(each - centre).mean(axis=0) for each in _vectors(model)]
    return Names(all_names(), unit(np.stack(centroids)))


@lru_cache(maxsize=2)
def _vectors(model: str) -> list[Vectors]:
    """The vectors of each name's phrases: [phrases, dimension]."""
    counts = [len(name.phrases) for name in all_names()]
    said = embed([phrase for name in all_names() for phrase in name.phrases], model)
    return np.split(said, np.cumsum(counts)[:-1])
