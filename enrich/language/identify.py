"""The language of a message: of its words, and where they leave it open of its chat. Pure.

`enrich.text.language` tells English from all others. Here an identifier and the frequent words of five
languages together say which of the others it is, and find some short texts of the five that were taken for
English since no word of them was known not to be. A text that the chat's language decides is one without a
word that English alone has, or one that two languages share.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from chats.message import Message
from enrich.text import language

NAME = f"{language.NAME}, five languages 1"

ENGLISH = "en"
_UNDETERMINED = "und"  # as ISO 639 has it
READ = ("es", "pt", "de", "fr", "it")  # beside English; ISO 639-1, as all languages here

_CACHE_SIZE = 8_192  # texts: mass messages and short answers repeat
# A short text is one of these although nothing says that it is not English: by the share of its words that
# the language's list has and the identifier's certainty together, and of two words by the latter alone.
_TOGETHER, _OF_TWO = 0.6, 0.8
# Where no word that English does not have is listed: the identifier's certainty, and other words' share.
_ALONE, _SHARE = 0.9, 0.4
_WORD = 2  # letters: "C a n  y o u" has no word of any list
# The certainty from which a text is of a language beyond the five whatever its chat is in: where one of the
# five lists a word of it, and otherwise.
_OF_ANOTHER, _OTHERWISE = 0.9, 0.5
_LISTED = 0.2  # ahead of one of the five that lists a word of the text
_AHEAD = 0.2  # of the next likely language, where the text itself says which one it is


class Identified(NamedTuple):
    """A text's language, None where it has no word; `is_sure` where the chat's has nothing to say."""

    language: str | None
    is_sure: bool


@lru_cache(_CACHE_SIZE)
def identified(text: str) -> Identified:
    """The language that the text alone is in."""
    words = language.judged(text)
    if not words.latin:
        return _by_guess(text) if words.is_other else Identified(None, False)
    if not words.is_other and words.english:
        return Identified(ENGLISH, True)
    if not words.is_other and not _may_be_read(words):
        return Identified(ENGLISH, False)
    guesses = language.guesses(words.latin)
    listed = {each: _share(words.latin, each) for each in READ}
    both = {each: share + guesses.get(each, 0.0) for each, share in listed.items()}
    best, second = sorted(both, key=both.__getitem__, reverse=True)[:2]
    if not words.is_other:
        return Identified(best, True) if _is_read(words, best, both[best], guesses) else _IN_DOUBT
    others = {each: sure for each, sure in guesses.items() if each not in (*READ, ENGLISH)}
    other = max(others, key=others.__getitem__, default=best)
    if others and others[other] > both[best] + (_LISTED if listed[best] else 0.0):
        is_sure = others[other] >= (_OF_ANOTHER if listed[best] else _OTHERWISE)
        return Identified(other, is_sure)
    is_sure = both[best] >= both[second] + _AHEAD and listed[best] == max(listed.values())
    return Identified(best, is_sure)


def languages(messages: Iterable[Message]) -> list[str | None]:
    """The languages of a chat's messages, in order; each depends on what was said before it alone.

    What the text leaves open is in the language that its writer wrote last, else the other one. What goes to
    many and what the platform says tell nothing of a chat.
    """
    found: list[str | None] = []
    last: dict[str, str | None] = {}  # by who writes, of the last text that was sure
    for message in messages:
        own, is_sure = identified(message.text)
        if is_sure and message.is_direct:
            last[message.direction] = own
        if own and not is_sure:
            chats = last.get(message.direction) or next(iter(last.values()), None)
            own = chats if chats in READ else own
        found.append(own)
    return found


def stop_words(code: str) -> frozenset[str]:
    """The frequent words of a language of READ, with their accents and without."""
    return _words()[code]


_IN_DOUBT = Identified(ENGLISH, False)


def _by_guess(text: str) -> Identified:
    """Of another script, which English never is in."""
    guesses = language.guesses(text.split())
    guesses.pop(ENGLISH, None)
    return Identified(max(guesses, key=guesses.__getitem__, default=_UNDETERMINED), True)


def _may_be_read(words: language.Words) -> bool:
    """Whether one of its words that English does not have is listed, or there are several; seldom so."""
    if len(words.latin) < 2:
        return False
    return len(words.unknown) > 1 or any(_is_listed(words.unknown, code) for code in READ)


def _is_read(words: language.Words, best: str, both: float, guesses: dict[str, float]) -> bool:
    sure = guesses.get(best, 0.0)
    if _is_listed(words.unknown, best):
        enough = len(words.latin) > 2 or sure >= _OF_TWO
        return enough and both >= _TOGETHER and sure > guesses.get(ENGLISH, 0.0)
    several = sum(len(word) >= _WORD for word in words.unknown) > 1
    return several and sure >= _ALONE and both >= sure + _SHARE


def _is_listed(words: Iterable[str], code: str) -> bool:
    own = stop_words(code)
    return any(len(word) >= _WORD and word in own for word in words)


def _share(words: tuple[str, ...], code: str) -> float:
    return sum(word in _words()[code] for word in words) / len(words)


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    found = {}
    for code in READ:
        words = Path(__file__).with_name(f"{code}.txt").read_text("utf-8").split()
        found[code] = frozenset(words) | {bare(word) for word in words if len(word) > _WORD}
    return found


def bare(word: str) -> str:
    """Without accents, as chat often writes."""
    return "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
