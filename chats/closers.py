"""Texts that end a talk and ask for no answer: "thanks, good night 😘", "ok", "haha". Pure; docs/metrics.md.

A text is a closer when all of it falls into phrases and emoji of `chats.closing_words`. Anything else in it
makes it none, be it a word, a number, a question mark or an angry emoji: what is not known needs an answer.
"""

import re
from collections.abc import Iterable
from itertools import product
from unicodedata import normalize

from chats.closing_words import EMOJI, EMOJI_BESIDE, LEADING, PHRASES, SPELLINGS, WOVEN

_MAX_CHARACTERS = 1_000  # who writes more says more, and normalising long runs of accents is quadratic

_DROPPED = re.compile(
    "[\u0300-\u036f\ufe0e\ufe0f\u200b-\u200d♀♂🏻-🏿'’‘´`]"
)  # accents, joiners, skin, quotes
_DRAWN_OUT = re.compile(r"(.)\1+", re.DOTALL)
_TOKEN = re.compile(
    rf"(?P<beside>[{EMOJI_BESIDE}])"
    rf"|(?P<emoji>[{EMOJI}]|<3(?!\w)|[:;=]-?(?:[)\]*]|[dp3](?!\w))|\(-?[:;=]|\^(?:_\^)?)"
    r"|(?P<word>[^\W_]+)|(?P<mark>[\s,.!;:~*&\"“”–—]|-(?!\.))|(?P<other>.)",
    re.DOTALL,
)


def closer(text: str) -> str | None:
    """The rules by which all of `text` is closing ("thanks, emoji"); None when it needs an answer."""
    return closes([(text, False)])


def closes(run: Iterable[tuple[str, bool]]) -> str | None:
    """The rules by which all of a fan's open run is closing; None when it needs an answer.

    `run` has of each message its text and whether it has media, which need an answer whatever stands beside.
    A message with neither says nothing.
    """
    found: dict[str, None] = {}
    for text, has_media in run:
        if not has_media and not text.strip():
            continue
        rules = None if has_media else _rules(text)
        if not rules:
            return None
        found |= rules
    return ", ".join(found) or None


def _rules(text: str) -> dict[str, None] | None:
    """The rules of the phrases that `text` falls into, as they come; empty or None when it is none."""
    words = _words(text) if len(text) <= _MAX_CHARACTERS else None
    if words is None:
        return None
    reached: list[dict[str, None] | None] = [{}, *[None] * len(words)]  # the rules on the way to each word
    for start in range(len(words)):
        if (before := reached[start]) is None:
            continue
        for end in range(start + 1, min(start + _LONGEST, len(words)) + 1):
            rule = _RULES.get(tuple(words[start:end]))
            if rule is not None and not reached[end]:
                reached[end] = before | ({rule: None} if rule else {})
        if words[start] in LEADING and start + 1 < len(words) and not reached[start + 1]:
            reached[start + 1] = before
    return reached[-1]


def _words(text: str) -> list[str] | None:
    """The words and emoji of `text` as the phrases spell them; None when something else stands in it."""
    words: list[str] = []
    for token in _TOKEN.finditer(_folded(text)):
        if token.lastgroup == "other":
            return None
        if token.lastgroup != "mark":
            words.append(_spelled(token[0]) if token.lastgroup == "word" else f"<{token.lastgroup}>")
    return words


def _folded(text: str) -> str:
    """One form for many: no capitals, accents, apostrophes, and no character twice in a row."""
    return _DRAWN_OUT.sub(r"\1", _DROPPED.sub("", normalize("NFKD", text).casefold()))


def _spelled(word: str) -> str:
    woven = (letters for letters in WOVEN if letters in word and set(word) <= set(letters))
    return next((f"<{letters}>" for letters in woven), _SPELLED.get(word, word))


def _spellings() -> dict[str, str]:
    lines = (line.split(":") for line in _folded(SPELLINGS).strip().splitlines())
    return {other: word.strip() for word, others in lines for other in others.split()}


def _phrases() -> dict[tuple[str, ...], str]:
    """The rule of every phrase; "" for what may stand beside."""
    found: dict[tuple[str, ...], str] = {}
    for rule, lines in PHRASES.items():
        spelled = re.sub(r"[^\s/_]+", lambda word: _spelled(word[0]), _folded(lines))
        for line in spelled.strip().splitlines():
            for chosen in product(*(slot.split("/") for slot in line.split())):
                found.setdefault(tuple(" ".join(chosen).replace("_", " ").split()), rule)
    return found


_SPELLED = _spellings()
_RULES = _phrases()
_LONGEST = max(map(len, _RULES))
