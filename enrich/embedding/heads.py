"""Logistic heads on sentence vectors: their files read, vectors weighed.

A head is trained for one embedding; `enrich.sentiment.score` and `enrich.actions.head` say what theirs mean.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from enrich.embedding.embed import Vectors
from errors import EnrichmentError

T = TypeVar("T")


def read(path: Path, trainer: str, build: Callable[[dict[str, Any], str], T]) -> T:
    """`build` of the file's content and its version; EnrichmentError when it is missing or damaged.

    `trainer` is the module that writes it.
    """
    try:
        content = path.read_bytes()
        return build(json.loads(content), hashlib.sha256(content).hexdigest()[:8])
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise EnrichmentError(f"{path.name} cannot be read; write it with python -m {trainer}.") from error


def weighed(vectors: Vectors, weights: Vectors) -> Vectors:
    """The sums of `vectors` [n, dimension] by `weights` [heads, dimension]: [heads, n].

    Each is the same to the bit whatever vectors are beside it.
    """
    # Row by row: a matrix product adds up in an order that depends on its size.
    rows = np.ascontiguousarray(vectors)
    return np.stack([(rows * each).sum(axis=1) for each in weights])
