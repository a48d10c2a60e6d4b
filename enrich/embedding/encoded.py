"""What a model makes of texts: their vectors, and what its heads say of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Encoded(NamedTuple):
    """Of n texts, a row each: unit `vectors` [n, dimension], and the heads' `logits` [n, outputs]."""

    vectors: Vectors
    logits: Vectors
