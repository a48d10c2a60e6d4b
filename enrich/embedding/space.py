"""The linear map from the multilingual encoder's space into the packaged model's.

`training.languages` learns it, so that what is said in another language is where its English form is: a topic
is one topic in every language, and a search finds what means the same.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from enrich.embedding.encoded import Vectors
from errors import EnrichmentError

SPACE = Path(__file__).with_name("multilingual") / "space.json"


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Weights [there, here] and biases [there] of what sets a text apart from the mean of English chat.

    A regression says too little of it, and the more so the less it knows. So its length is made that which it
    has in English, `radius`: else all that is said in other languages would lie together near the mean.
    """

    version: str
    weights: Vectors
    biases: Vectors
    mean: Vectors  # [there]
    radius: float

    def of(self, vectors: Vectors) -> Vectors:
        """Unit vectors there; each row the same in any company."""
        # A row at a time: one product for all adds up in an order that depends on their number.
        apart = np.matmul(vectors[:, None, :], self.weights.T)[:, 0] + self.biases
        found: Vectors = unit(self.mean + np.float32(self.radius) * unit(apart))
        return found


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays one."""
    scaled: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return scaled


@lru_cache(maxsize=1)
def space() -> Space:
    """The map; EnrichmentError when its file cannot be read."""
    try:
        content = SPACE.read_bytes()
        told = json.loads(content)
        rows = np.frombuffer(base64.b64decode(told["weights"]), "<f2").astype(np.float32)
        weights, biases, mean = np.split(rows.reshape(told["rows"], -1), [-2, -1], axis=1)
        version = hashlib.sha256(content).hexdigest()[:8]
        return Space(
            version, np.ascontiguousarray(weights), biases[:, 0].copy(), mean[:, 0].copy(), told["radius"]
        )
    except (OSError, LookupError, TypeError, ValueError) as error:
        cause = f"{SPACE} cannot be read"
        raise EnrichmentError(f"{cause}; write it with python -m training.languages.") from error
