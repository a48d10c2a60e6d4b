"""The words of a text and the pairs of words that follow each other, as heads read them. Pure.

Words after a negation are marked, each of them for itself ("not:good"): they say something else.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from enrich.text.folding import folded

_WORD = re.compile(r"[\w']+|[^\w\s]+")  # signs in a row are a word, as of an emoticon
_NEGATION = re.compile(
    r"not|no|never|nothing|nobody|none|without|cannot|nor|neither|hardly|barely|\w+n't"
    r"|(?:ca|do|did|does|is|was|wo|would|could|should|ai|are|have|has)nt"
)
_REACH = 4  # words
_END = re.compile(r"but|[^\w\s]+")  # of what a negation reaches


def terms(text: str) -> list[str]:
    """Each once, in the order in which they first come."""
    words = _WORD.findall(folded(text))
    return list(dict.fromkeys([*_marked(words), *map(" ".join, pairwise(words))]))


def _marked(words: Sequence[str]) -> Iterator[str]:
    reached = 0
    for word in words:
        if _NEGATION.fullmatch(word):
            reached = _REACH
            yield word
        elif reached and not _END.fullmatch(word):
            reached -= 1
            yield f"not:{word}"
        else:
            reached = 0
            yield word
