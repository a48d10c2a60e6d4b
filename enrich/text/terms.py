"""The words of a text and the pairs of words that follow each other, as heads read them. Pure."""

import re
from itertools import pairwise

from enrich.text.folding import folded

_WORD = re.compile(r"[\w']+|[^\w\s]")  # a sign is a word


def terms(text: str) -> list[str]:
    """Each once, in the order in which they first come."""
    words = _WORD.findall(folded(text))
    return list(dict.fromkeys([*words, *map(" ".join, pairwise(words))]))
