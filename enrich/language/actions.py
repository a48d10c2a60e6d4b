"""Engagement actions that phrases of the five languages show, each with the span that shows it. Pure.

Thanks, greetings, apologies, plain questions and what is said of prices in the usual words; what is said
otherwise the heads on the multilingual encoder read. Phrases are in `actions.txt`: for each language who
writes, the action, `^` where it stands at the beginning alone, and a pattern without accents.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from chats.message import Direction
from enrich.text.folding import folded

NAME = "phrases of five languages 1"

_MAX_CHARACTERS = 5_000
_FIRST = frozenset(("greeting",))  # begins the text, or the text has none
_MARK = re.compile(r"(?<=[^\W_])[^\w?]{0,3}\?")
_CLAUSE = re.compile(r"(?:^|[?!.,;:\n…])[^\w]*")


@dataclass(frozen=True, slots=True)
class _Rule:
    action: str
    pattern: re.Pattern[str]
    begins: bool  # a clause


def of_text(text: str, direction: Direction, language: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each action of the text once, with its span in the text; elsewhere a question mark alone tells one."""
    plain = _plain(text[:_MAX_CHARACTERS])
    found: dict[str, tuple[int, int]] = {}
    for rule in _rules().get((language, direction), ()):
        if rule.action not in found and (span := _span(rule, plain)):
            found[rule.action] = span
    if "question" not in found and (mark := _MARK.search(plain)):
        found["question"] = mark.end() - 1, mark.end()
    if "price_inquiry" in found:
        found.setdefault("question", found["price_inquiry"])
    yield from found.items()


def _span(rule: _Rule, plain: str) -> tuple[int, int] | None:
    if not rule.begins:
        match = rule.pattern.search(plain)
        return match.span() if match else None
    for clause in _CLAUSE.finditer(plain):
        if match := rule.pattern.match(plain, clause.end()):
            return match.span()
        if rule.action in _FIRST:
            return None
    return None


def _plain(text: str) -> str:
    """As `folded`, without accents, character by character."""
    plain = folded(text)
    return plain if plain.isascii() else "".join(unicodedata.normalize("NFD", each)[0] for each in plain)


@lru_cache(maxsize=1)
def _rules() -> dict[tuple[str, Direction], list[_Rule]]:
    """By language and who writes."""
    found: dict[tuple[str, Direction], list[_Rule]] = {}
    both: tuple[Direction, Direction] = ("fan", "creator")
    language = ""
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if not line.startswith(" "):
            language = line
            continue
        who, action, place, pattern = line.strip().split(" ", 3)
        rule = _Rule(action, re.compile(rf"(?<![\w'])(?:{pattern})(?!\w)"), place == "^" or action in _FIRST)
        for direction in both:
            if who in ("anyone", direction):
                found.setdefault((language, direction), []).append(rule)
    return found
