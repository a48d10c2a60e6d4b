"""Engagement actions of a message: its fields first, its text second, each with what shows it. Pure.

A message can show several. The text is read word by word in one spelling (`enrich.text.slang`), and a rule is
tried only where one of its key words stands. Other languages: `enrich.language.actions`;
docs/enrichment.md lists every action.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from chats.message import Direction, Message
from enrich.actions.rules import RULES
from enrich.language import actions as phrases
from enrich.language.identify import ENGLISH
from enrich.reading import DOUBTED, evidence_of, is_doubted
from enrich.text.folding import folded
from enrich.text.slang import PHRASES, canonical

NAME = "rules 2"

RE_ENGAGEMENT_SILENCE = 3 * 86_400.0  # seconds; the creator writes after as long
_MISSED_SILENCE = 86_400.0  # seconds; as long, where the creator's words say that the fan was missed

_MAX_CHARACTERS = 5_000
_CACHE_SIZE = 8_192  # texts: those of a conversation come again with each message that is new in it
_TOKEN = re.compile(
    r"(?:[$€£] ?(?=[0-9]))?[^\W_]{1,24}(?:'[^\W_]{1,24}|[.,][0-9]{1,12})*(?: ?[$€£](?![0-9])|%)?|[?!.,;:\n]"
)
_QUOTED = re.compile(r'"[^"\n]{1,200}"')


class Seen(NamedTuple):
    """An action, and what shows it: a field (`message.price`), `text 12:25`, a span of `message.text`, or
    `model 0.83`, the probability that its vector gives it."""

    type: str
    evidence: str

    @property
    def is_doubted(self) -> bool:
        """Whether a phrase tells it and the vector says that it is not so: it does not count."""
        return is_doubted(self.evidence)


@dataclass(frozen=True, slots=True)
class _Rule:
    rank: int
    action: str
    pattern: re.Pattern[str]
    negatable: bool  # "not", "never" or "don't" just before takes it back


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A question is asked at the start of a clause, or its mark says so.
_OPENERS = _words(
    """
    ? ! . , ; : hey hi hello so and but ok omg lol haha btw babe hun baby well oh hm hmm um yo ngl also
    morning aww gorgeous cutie honey then honestly dear beautiful sexy curious anyway still mmm wow ah now
    darling sweetie
    """
)
_BE = "(?:is|are|was|were|do|does|did|can|could|would|will|should|have|has|don't|didn't|isn't|aren't)"
_ASKED = re.compile(
    rf"(?:what|who|where|why|how)(?:'s| {_BE})(?! (?:cares?|knows|not to like|i (?:bother|even)|"
    rf"dare)\b)(?!\S)|"
    r"(?:"
    r"what (?:about|you|time|kind|else|made|happened|colou?r|size|day (?:is|are|do))|who you|where you|"
    r"why (?:you|so|not)|how (?:you|about|come|long|many|much|often|far|old|big|tall)|"
    r"which (?:one|is|video|photo|set|do|of|day|ones)|when (?:do|does|did|are|is|can|could|will|"
    r"would|should|was)|"
    r"when you (?:free|online|on|back|up|coming|live|posting|going to)|"
    r"(?:can|could|do|does|did|are|is|would|will|have|has|was|were|should|may|don't|can't|isn't|"
    r"aren't|won't|didn't)"
    r" (?:you|we|it|that|there|this|they|he|she|i|your|anyone|the)|"
    r"any (?:chance|plans|news|idea|way|deals?|discount|luck|updates?)|anyone (?:there|here)|"
    r"got any|have any|"
    r"got a (?:sec|second|minute|min)|anything (?:planned|new|fun|special)|"
    r"and (?:you|yours|your)(?= [?!.,;:]|$)|you (?:like|into|ever|want) (?!to\b|me\b|"
    r"it\b)\w+(?: \w+)?(?= \?|$)|"
    r"ready (?:for|to)|care to|mind if|"
    r"want to (?:see|hear|know|play|chat|talk|join|come|help|guess|watch|get|go|be)|"
    r"you (?:there|up|around|awake|free|busy|online|single|ok|okay|mad|alive|good)(?= [?!.,;:]|$)|"
    r"(?:please )?(?:tell me|let me know) (?:about|more|what|how|why|where|when|who|if|which)|"
    r"how are you|what are you doing|where are you|what do you mean|what about you"
    r")(?!\S)"
)
_ASKING = _words(
    """
    what what's who who's where where's why how how's which when can could do does did are is would will
    have has was were should may don't can't isn't aren't won't didn't any anyone got ready care mind you
    tell let please
    """
) | {word for word in PHRASES if word.startswith(("want", "let", "how are", "what", "where"))}
_MARK = re.compile(r"(?<=[\w'%.!] )\?")
_ASKING_NOBODY = re.compile(
    r"(?<!\S)(?:huh|wtf|seriously|lol|right|who cares|why bother|kidding me|not to (?:like|love)|so hot|"
    r"how dare you)(?: [!?])* $"
)
_WONDERING = re.compile(r"(?<!\S)wondering (?:if|what|how|when|whether|where|why)(?!\S)")
_NEGATED = re.compile(r"(?<!\S)(?:not|never|no|without|hardly|nobody|\w+n't)(?: \w[^ ]*){0,2} $")


def _read(text: str) -> dict[Direction, dict[str, list[_Rule]]]:
    """The rules by who writes and key word. The format is that of `enrich.actions.rules`."""
    head, *blocks = text.strip().replace("\n  ", "").split("\n\n")
    patterns = [line.split(" = ", 1) for line in head.splitlines()]
    by_key: dict[Direction, dict[str, list[_Rule]]] = {"fan": {}, "creator": {}}
    for rank, block in enumerate(blocks):
        for name, pattern in patterns:
            block = block.replace(name, pattern)
        title, *lines = block.splitlines()
        who, _, action = title.removesuffix(" unless negated").partition(": ")
        alternatives = "|".join(line[2:] for line in lines if line[0] == "|")
        rule = _Rule(
            rank, action, re.compile(rf"(?<!\S)(?:{alternatives})(?!\S)"), title.endswith(" unless negated")
        )
        keys = " ".join(line[2:] for line in lines if line[0] == "?").split()
        keys += [phrase for phrase in PHRASES if not set(keys).isdisjoint(phrase.split())]
        for direction, rules in by_key.items():
            if who in ("anyone", direction):
                for key in keys:
                    rules.setdefault(key, []).append(rule)
    return by_key


_RULES = _read(RULES)


def seen(
    message: Message,
    previous_at: float | None = None,
    likely: Mapping[str, float] | None = None,
    language: str | None = ENGLISH,
) -> list[Seen]:
    """The engagement actions of `message`, fields first, each once; those that `is_doubted` do not count.

    `previous_at` is the time of the message before it in the chat (epoch seconds; None: it is the first),
    `likely` what `enrich.actions.head` tells of it. Of text in a `language` that is not read there are none.
    """
    found = _of_fields(message, previous_at)
    if not message.text:
        return found
    if language not in (None, ENGLISH):
        spans = phrases.of_text(message.text, message.direction, language)
        found += [Seen(action, f"text {start}:{end}") for action, (start, end) in spans]
        return _with_likely(found, likely) if likely else found
    silence = None if previous_at is None else message.at - previous_at
    known = {each.type for each in found}
    for each in _of_text(message.text, message.direction):
        if each.type == "re_engagement" and silence is not None and silence < _MISSED_SILENCE:
            continue
        if each.type not in known:
            found.append(each)
    return _with_likely(_doubted(found, likely), likely) if likely else found


def _doubted(found: list[Seen], likely: Mapping[str, float]) -> list[Seen]:
    """With what phrases of English tell taken back; those of other languages are surer than the model."""
    given = ((each, likely.get(each.type, 1.0)) for each in found)
    return [Seen(each.type, evidence_of(by)) if by <= DOUBTED else each for each, by in given]


def _with_likely(found: list[Seen], likely: Mapping[str, float]) -> list[Seen]:
    shown = dict(found)
    for action, probability in likely.items():
        if probability > DOUBTED:
            for each in (action, "question") if action == "price_inquiry" else (action,):
                if each not in shown or is_doubted(shown[each]):
                    shown[each] = evidence_of(probability)
    return [Seen(*each) for each in shown.items()]


def _of_fields(message: Message, previous_at: float | None) -> list[Seen]:
    by_creator = message.direction == "creator"
    found: list[Seen] = []
    if message.media:
        kinds = ["voice" if kind == "audio" else kind for kind in message.media]
        found += [Seen(kind, "message.media") for kind in ("photo", "video", "voice", "gif") if kind in kinds]
        if by_creator and message.price <= 0 and any(kind != "gif" for kind in kinds):
            found.append(Seen("free_media", "message.media"))
    if message.tip > 0 and not by_creator:
        found.append(Seen("tip", "message.tip"))
    if by_creator and message.price > 0:
        found.append(Seen("ppv_offer", "message.price"))
    if message.is_mass:
        found.append(Seen("mass_message", "message.is_mass"))
    if by_creator and previous_at is not None and message.at - previous_at >= RE_ENGAGEMENT_SILENCE:
        found.append(Seen("re_engagement", "message.at"))
    return found


@lru_cache(_CACHE_SIZE)
def _of_text(text: str, direction: Direction) -> tuple[Seen, ...]:
    plain = folded(text[:_MAX_CHARACTERS])
    if '"' in plain:  # somebody else's words
        plain = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), plain)
    words = list(map(canonical, _TOKEN.findall(plain)))
    said = " ".join(words)
    by_key = _RULES[direction]
    tried = {rule.rank: rule for key in words if key in by_key for rule in by_key[key]}
    found: dict[str, Seen] = {}
    for rule in [tried[rank] for rank in sorted(tried)]:
        if rule.action not in found and (span := _span(rule, said)):
            start, end = _in_text(span, words, plain)
            found[rule.action] = Seen(rule.action, f"text {start}:{end}")
    if span := _question(words, said):
        start, end = _in_text(span, words, plain)
        found["question"] = Seen("question", f"text {start}:{end}")
    elif "price_inquiry" in found:
        found["question"] = Seen("question", found["price_inquiry"].evidence)
    return tuple(found.values())


def _question(words: Sequence[str], said: str) -> tuple[int, int] | None:
    """Where something is asked first."""
    start, before = 0, "."
    for word in words:
        if word in _ASKING and before in _OPENERS and (asked := _ASKED.match(said, start)):
            return asked.span()
        if word == "wondering" and (asked := _WONDERING.match(said, start)):
            return asked.span()
        start, before = start + len(word) + 1, word
    for mark in _MARK.finditer(said) if "?" in words else ():
        if not _ASKING_NOBODY.search(said, max(0, mark.start() - 40), mark.start()):
            return mark.span()
    return None


def _span(rule: _Rule, said: str) -> tuple[int, int] | None:
    """Where the rule holds first."""
    for match in rule.pattern.finditer(said):
        start, end = match.span()
        if end > start and not (rule.negatable and _NEGATED.search(said, max(0, start - 40), start)):
            return start, end
    return None


def _in_text(span: tuple[int, int], words: Sequence[str], plain: str) -> tuple[int, int]:
    """The span of the text that the words of `span` (in their one spelling) were written in."""
    starts = list(accumulate((len(word) + 1 for word in words), initial=0))
    tokens = [token.span() for token in _TOKEN.finditer(plain)]
    first, last = bisect_right(starts, span[0]) - 1, bisect_right(starts, span[1] - 1) - 1
    return tokens[first][0], tokens[last][1]
