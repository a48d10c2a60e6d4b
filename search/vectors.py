"""Sentence vectors as they are kept for search: int8, with the length that makes a product a cosine. Pure.

A vector is `dimension` signed bytes, the largest of them 127 or -127, and a little-endian float32: one by the
length of these bytes as a vector. The cosine of two texts is within 0.01 of that of the exact vectors.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from search.embedded import Embedded, digest_of

LENGTH_BYTES = 4


def packed(vectors: NDArray[np.float32]) -> list[bytes]:
    """Each of the vectors [n, dimension] as bytes; one of zeros stays one."""
    most = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    whole = np.rint(vectors * (127.0 / np.maximum(most, 1e-9))).astype(np.int8)
    lengths = np.linalg.norm(whole.astype(np.float32), axis=1)
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0).astype("<f4")
    return [row.tobytes() + one.tobytes() for row, one in zip(whole, inverse, strict=True)]


def embedded(model: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> Embedded:
    """The texts' `vectors` [n, dimension] as they are kept."""
    return Embedded(model, dict(zip(map(digest_of, texts), packed(vectors), strict=True)))


def nearest(
    query: bytes, blocks: Iterable[tuple[int, bytes]], *, last: int, least: float
) -> list[tuple[int, float]]:
    """The slots up to `last` whose vectors have a cosine of `least` or more to the query, nearest first.

    `blocks` gives the vectors of neighbouring slots, each with the first one's. Of equal ones the later slot
    comes first.
    """
    slots: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    kept: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    for first, data in blocks:
        near = cosines(query, data)
        own = np.flatnonzero(near >= least)
        own = own[own + first <= last]
        slots.append(own + first)
        kept.append(near[own])
    every, all_near = np.concatenate(slots), np.concatenate(kept)
    order = np.lexsort((-every, -all_near))
    return list(zip(every[order].tolist(), all_near[order].tolist(), strict=True))


def cosines(query: bytes, data: bytes) -> NDArray[np.float32]:
    """The cosine to the query of each of the vectors that lie side by side in `data`."""
    kind = np.dtype([("whole", np.int8, (len(query) - LENGTH_BYTES,)), ("inverse", "<f4")])
    one = np.frombuffer(query, kind)[0]
    exact = one["whole"].astype(np.float32) * one["inverse"]
    rows = np.frombuffer(data, kind)
    near: NDArray[np.float32] = (rows["whole"].astype(np.float32) @ exact) * rows["inverse"]
    return near
