"""Words of the five languages that say nothing of what is spoken about, and so never name a topic. Pure.

Some of them are English words that may name one ("war", "son", "hat"): these are empty only where the text
around them is in their language.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from enrich.language.identify import ENGLISH, READ, stop_words
from enrich.text.language import is_known

_SPOKEN = 0.2  # of the words of a text, from which on it is in the language, perhaps beside another one
_FEWEST = 2  # words
_WORD = re.compile(r"[^\W\d_]+")
_ELIDED = re.compile(
    r"(?<!\w)(?:[cdjlmnst]|qu|un|jusqu|lorsqu|puisqu|dell|nell|all|dall|sull|quest|quell)['’](?=\w)"
)


def empty_words(text: str) -> frozenset[str]:
    """Those words of the text, which is in lower case, that say nothing in a language that it is in."""
    return _empty_of(_WORD.findall(text))


def spoken_in(text: str) -> str:
    """The language beside English that most words of a text in lower case are of; English where few are."""
    return next(iter(_spoken(_WORD.findall(text))), ENGLISH)


def without_elisions(text: str) -> str:
    """Without the articles before an apostrophe: "l'été" as "été"; English stays as it is."""
    return _ELIDED.sub(" ", text) if _ELIDED.search(text) and _spoken(_WORD.findall(text)) else text


def _empty_of(words: Sequence[str]) -> frozenset[str]:
    spoken = _spoken(words)
    own = set(words)
    return frozenset(
        word for code in READ for word in own & (stop_words(code) if code in spoken else _telling()[code])
    )


def _spoken(words: Sequence[str]) -> list[str]:
    """The languages beside English that are in the text, those with most words first."""
    least = max(_FEWEST, _SPOKEN * len(words))
    counts = {code: sum(word in _telling()[code] for word in words) for code in READ}
    return sorted((code for code in READ if counts[code] >= least), key=lambda code: -counts[code])


@lru_cache(maxsize=1)
def _telling() -> dict[str, frozenset[str]]:
    """Those that English chat does not have."""
    return {code: frozenset(word for word in stop_words(code) if not is_known(word)) for code in READ}
