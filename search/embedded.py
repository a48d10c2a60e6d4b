"""Vectors of texts on their way from enrichment to an index, by a digest of the text. Light to import."""

from hashlib import blake2b
from typing import NamedTuple

from search.question import readable


class Embedded(NamedTuple):
    """Packed vectors (`search.vectors`) by the digest of their text, and the model that they are of."""

    model: str
    vectors: dict[bytes, bytes]


def digest_of(text: str) -> bytes:
    """A digest of the text as the index has it."""
    return blake2b(readable(text).encode(), digest_size=16).digest()
