"""The platform's own sentences: in a chat, and in the notifications of its socket. Pure; nothing raises.

A sentence carries its fact (a tip, a sale, a subscription) and nothing else; what a fan wrote beside it is
the fan's. Texts of a chat are plain text, those of a notification HTML.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from wire import localized
from wire.fields import amount, flag, identifier, moment, user_id
from wire.money import MONEY, money_in_text
from wire.text import plain_text

MAX_KIND = 40  # characters
MAX_TEXT = 10_000  # characters of a notification; more are not read
MAX_SENTENCE = 200  # characters; no sentence of the platform is longer


@dataclass(frozen=True, slots=True)
class Purchase:
    """A fan has bought a chat message; `fan_id` and `amount` are None where nothing tells them."""

    fan_id: str | None
    message_id: str
    amount: float | None
    at: float | None  # epoch seconds; None: not said


@dataclass(frozen=True, slots=True)
class Tip:
    """A fan has tipped; `notice_id` is None where the notification has no id of its own."""

    fan_id: str
    amount: float
    at: float | None
    notice_id: str | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A fan has subscribed or renewed; `amount` is None where nothing was paid or told."""

    fan_id: str
    amount: float | None
    at: float | None
    is_renewal: bool


Fact = Purchase | Tip | Subscription


# In a chat


@cache
def _sentence(pattern: str) -> re.Pattern[str]:
    """Compiled for the first text that may be one: together they take 0.17 s of a processor."""
    return re.compile(pattern.replace(" ", r"[^\S\n]+"), re.IGNORECASE)


_HEART = "[♥❤♡\U0001f493-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e\U0001f9e1][\ufe0e\ufe0f]*"
_END = rf"(?:{_HEART}|[\s.!…])*"
_TIP = rf"(?:(?:i|i['’]ve|i have) sent you an? {MONEY} tip\b|{localized.TIPS}){_END}"
_A_SUM = re.compile(MONEY, re.IGNORECASE)
# Where a sentence of another language ends, when the fan's words follow on its line.
_STOP = re.compile(rf"(?:{_HEART}\s*)+|[.!](?=\s)|[。！]")
# What stands between the sentence and the fan's words; ":)" is of these.
_BETWEEN = re.compile(r"(?:\s|[,;:–—-](?=\s))*")

# Up to four words, none of which makes it a remark: "i just", "my friend", "omg".
_NO_NAME = (
    "i|i['’]m|i['’]ve|we|you|u|he|she|it|they|me|us|my|your|our|his|her|their|who|that|this|and|but|so|then|now"
    "|just|already|also|only|finally|still|again|always|never|ok|hey|hi|omg|lol|babe|baby|have|had|did|was|is"
)
_NAME_WORD = rf"(?!(?:{_NO_NAME})(?![\w'’]))\S{{0,40}}[^\s,.!?;:]"
_NAME = rf"{_NAME_WORD}(?: {_NAME_WORD}){{0,3}}"
_WHO = rf"(?:{_NAME} (?:has )?(?:just )?)?"
_GOT = "(?:purchased|bought|unlocked|paid for)"
_THING = "(?:message|post|media|bundle|photo|video|content|stream|story|ppv)s?"
_PAGE = "(?:profile|page|account)"
_FOR = f"(?: for {MONEY})"
_ENGLISH = (
    "(?:"
    rf"{_WHO}{_GOT} your {_THING}{_FOR}"
    rf"|(?:(?:your|this|the) {_THING} (?:was|is|has been) )?(?:purchased|bought|unlocked|paid)"
    rf"(?: by {_NAME})?{_FOR}(?: by {_NAME})?"
    rf"|{_WHO}(?:re-?)?subscribed to your {_PAGE}{_FOR}?"
    rf"|{_WHO}renewed (?:his|her|their|your) subscription(?: to your {_PAGE})?{_FOR}?"
    rf"|{_WHO}renewed{_FOR}"
    rf"|your subscription (?:to {_NAME} )?(?:(?:was|is|has|will) )?(?:been |be )?(?:auto(?:matically |-)?)?"
    r"(?:renew|renewed|expire|expired|end|ended|activated|cancell?ed)"
    rf"(?:{_FOR}| (?:on|at|until) [^\n.!?]{{0,30}}\d[^\n.!?]{{0,30}})?"
    rf"|you(?:(?: have|['’]ve)?) (?:received|got) an? (?:{MONEY} tip|tip of {MONEY})(?: from {_NAME})?"
    rf"){_END}"
)
_ENGLISH_WORDS = ("purchased", "bought", "unlocked", "paid", "subscri", "renewed", "tip")
_LOCALIZED = rf"(?:{localized.SENTENCES}){_END}"


def _finds(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the words, which are tried by their first letter: that takes half the time."""
    by_letter = groupby(sorted(words), key=itemgetter(0))
    return re.compile("|".join(f"{first}(?:{'|'.join(w[1:] for w in own)})" for first, own in by_letter))


_BY_WORD = ((_finds(_ENGLISH_WORDS), _ENGLISH), (_finds(localized.WORDS), _LOCALIZED))


def tip_notice(text: str) -> float | None:
    """The amount of the sentence that the platform writes for a tip, where it is the whole text."""
    found = _sentence(_TIP).fullmatch(text.strip())
    return money_in_text(found[0]) if found else None


def tip_amount(raw: Mapping[str, Any], text: str, *, by_fan: bool) -> float:
    """The amount of a message that is a tip, by what the platform says of it; 0 where it is none."""
    if given := _sum(raw.get("tipAmount")):
        return given
    if flag(raw.get("isTip")):
        return _stated(text.strip()) or 0.0
    if by_fan and not _denied(raw):
        return tip_notice(text) or 0.0
    return 0.0


def own_words(raw: Mapping[str, Any], text: str) -> str:
    """What somebody wrote: the text without the platform's sentence, "" where it is nothing else."""
    whole = text.strip()
    given = _sum(raw.get("tipAmount"))
    is_tip = not _denied(raw) and (flag(raw.get("isTip")) or given is not None)
    if found := _sentence(_TIP).match(whole):
        rest = _BETWEEN.sub("", whole[found.end() :], 1)
        return rest if is_tip or not (rest or _denied(raw)) else whole
    if is_tip:
        first, _, more = whole.partition("\n")
        stated = money_in_text(first)
        if stated is not None and given in (None, stated):
            return _BETWEEN.sub("", f"{_after_the_sum(first)}\n{more}", 1).rstrip()
    return "" if _is_sentence(whole) else whole


def _is_sentence(text: str) -> bool:
    """Whether a text is one of the platform's sentences; looking for their words first is far cheaper."""
    if len(text) > MAX_SENTENCE:
        return False
    folded = text.casefold()
    return any(word.search(folded) and _sentence(each).fullmatch(text) for word, each in _BY_WORD)


def is_notice_text(raw: Mapping[str, Any], text: str) -> bool:
    """Whether a message is the platform's own sentence and nothing else: no feeling, no topic, no turn."""
    return bool(text.strip()) and not own_words(raw, text)


def _denied(raw: Mapping[str, Any]) -> bool:
    return raw.get("isTip") in (False, "0", "false")  # 0 == False


def _stated(text: str) -> float | None:
    """The amount of a text that is known to tell of a tip; the platform's sentence comes first in it."""
    if found := _sentence(_TIP).match(text):
        return money_in_text(found[0])
    return money_in_text(text.partition("\n")[0]) or money_in_text(text)


def _after_the_sum(line: str) -> str:
    """What follows the platform's sentence on its line."""
    found = _A_SUM.search(line)
    stop = _STOP.search(line, found.end()) if found else None
    return line[stop.end() :] if stop else ""


# In a notification

_CHAT = re.compile(r"\bchats?/chat/([\w.:@-]{1,256})/?(?:\?([^\s\"'<>#]{0,500}))?", re.IGNORECASE)
_FIRST = re.compile(r"(?:^|&)(?:first|message)_?id=([\w.:@-]{1,256})", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KIND = re.compile(f"[a-z_]{{1,{MAX_KIND}}}")
_RENEWED_TEXT = re.compile(rf"\b(?:renewed|resubscribed|{localized.RENEWED})\b", re.IGNORECASE)
_POST_TEXT = re.compile(rf"\b(?:posts?|{localized.POST})\b", re.IGNORECASE)


def _any_of(words: str) -> re.Pattern[str]:
    """Finds one of these words in a kind such as `new_tip`."""
    return re.compile(rf"(?<![a-z])(?:{words})(?![a-z])")


_TIPPED = _any_of("tips?|tipped")
_RENEWAL = _any_of("renew|renewed|renewal|resubscribed?|rebill|rebilled|prolong|prolonged|returning")
_SUBSCRIBED = _any_of(f"subscribed?|subscriber|subscription|{_RENEWAL.pattern}")
_SOLD = re.compile("paid|purchas|unlock|bought|pay_for")
_A_MESSAGE = _any_of("messages?|chat|ppv")
_A_POST = _any_of("posts?")
_OFFER = _any_of("price|promo|promotion|goal")
# Money that went back or never came, a subscription that ended or is only to be renewed.
_NOTHING_PAID = _any_of(
    "refund|refunded|chargeback|reversed|failed|declined|pending|cancell?ed|unpaid"
    "|unsubscribed|expired?|expires|expiring|ended|off|disabled|enabled"
)
_OF_A_NOTIFICATION = frozenset({"subType", "replacePairs"})
_OF_ITS_USERS = frozenset({"user_id", "user"})
_OF_A_CHAT = frozenset({"toUser", "isSentByMe", "media", "chat_id", "chatId"})
_OF_A_CHAT |= {"responseType", "isTip", "tipAmount", "isOpened", "isFromQueue"}


def is_notification(raw: Mapping[str, Any]) -> bool:
    """Whether an object outside `new_message` is a notification and no chat message.

    It has the id 0, or a type beside fields of a notification and none of a chat message. A type that tells
    of money needs the least beside it.
    """
    if identifier(raw.get("id")) == "0":
        return True
    if not isinstance(raw.get("type"), str) or not _OF_A_CHAT.isdisjoint(raw):
        return False
    marked = not _OF_A_NOTIFICATION.isdisjoint(raw)
    if _about(kind_name(raw["type"])) is not None:
        return marked or not _OF_ITS_USERS.isdisjoint(raw)
    return "fromUser" not in raw and (marked or raw.keys() >= _OF_ITS_USERS)


def read_notification(raw: Mapping[str, Any]) -> Fact | str:
    """The fact that a notification tells, or the kind by which it is to be counted.

    Nothing is made up: a purchase names its chat message, a tip its fan and amount, a subscription its fan.
    """
    name, more = kind_name(raw.get("type")), kind_name(raw.get("subType"))
    kinds = f"{name} {more}"
    if _NOTHING_PAID.search(kinds):
        return name
    html = raw.get("text")
    text = plain_text(html[:MAX_TEXT]) if isinstance(html, str) else ""
    linked_fan, linked_message = _link(raw)
    fan_id, paid, at = _fan(raw, linked_fan), _paid(raw, text), _at(raw)
    match _about(name) or _about(more):
        case "tip" if fan_id is not None and paid is not None:
            return Tip(fan_id, paid, at, _not_zero(raw.get("id")))
        case "subscription" if fan_id is not None:
            is_renewal = bool(_RENEWAL.search(kinds) or _RENEWED_TEXT.search(text))
            return Subscription(fan_id, paid, at, is_renewal)
        case "sale":
            message_id = linked_message or _message_field(raw, kinds)
            if _A_POST.search(kinds) or (message_id is None and _POST_TEXT.search(text)):
                return "post"
            if message_id is not None:
                return Purchase(fan_id, message_id, paid, at)
    return name


def kind_name(value: Any) -> str:
    """The name of a kind as it is counted: at most 40 of a-z and _, else "other"."""
    if not isinstance(value, str) or len(value) > MAX_KIND:
        return "other"
    name = _HUMP.sub("_", value.strip()).lower().replace("-", "_").replace(" ", "_")
    return name if _KIND.fullmatch(name) else "other"


def _about(kind: str) -> Literal["tip", "subscription", "sale"] | None:
    if _OFFER.search(kind):
        return None
    if _TIPPED.search(kind):
        return "tip"
    if _SUBSCRIBED.search(kind) and not _A_MESSAGE.search(kind):
        return "subscription"
    return "sale" if _SOLD.search(kind) else None


def _link(raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(fan, message) of the link to a chat: the first one that names a message, else the first."""
    fan_id = None
    for html in _strings(raw):
        for found in _CHAT.finditer(unescape(html[:MAX_TEXT])):
            if (first := _FIRST.search(found[2] or "")) and (message_id := _not_zero(first[1])):
                return _not_zero(found[1]), message_id
            fan_id = fan_id or _not_zero(found[1])
    return fan_id, None


def _strings(raw: Mapping[str, Any]) -> Iterator[str]:
    pairs = raw.get("replacePairs")
    values = pairs.values() if isinstance(pairs, dict) else ()
    return (
        value
        for value in (raw.get("text"), *values, raw.get("link"), raw.get("url"))
        if isinstance(value, str)
    )


def _message_field(raw: Mapping[str, Any], kinds: str) -> str | None:
    """The message that the fields name. An entity is one only where its type, else the kind, says so."""
    entity, message = raw.get("entity"), raw.get("message")
    named = raw.get("entityType", entity.get("type") if isinstance(entity, dict) else None)
    values = [raw.get("messageId"), raw.get("message_id"), user_id(message)]
    if _A_MESSAGE.search(kind_name(named) if isinstance(named, str) else kinds):
        values += [raw.get("entityId"), raw.get("entity_id"), user_id(entity), entity]
    return next((found for value in values if (found := _not_zero(value)) is not None), None)


def _fan(raw: Mapping[str, Any], linked: str | None) -> str | None:
    creator_id = identifier(raw.get("user_id"))
    users = (user_id(raw.get(key)) for key in ("user", "fromUser", "from_user"))
    return next((fan for fan in (linked, *users) if fan not in (None, "0", creator_id)), None)


def _paid(raw: Mapping[str, Any], text: str) -> float | None:
    """The amount: of the text, else of what is to be put into it, else of the fields."""
    if (stated := money_in_text(text)) is not None:
        return stated
    pairs = raw.get("replacePairs")
    put_in = [pairs.get("{AMOUNT}"), pairs.get("{PRICE}")] if isinstance(pairs, dict) else []
    given = (_sum(value) for value in (*put_in, raw.get("amount"), raw.get("price")))
    return next((value for value in given if value is not None), None)


def _at(raw: Mapping[str, Any]) -> float | None:
    times = (moment(raw.get(key)) for key in ("createdAt", "created_at", "date"))
    return next((at for at in times if at is not None), None)


def _sum(value: Any) -> float | None:
    """A sum of money from a number, or from text such as "5.00" and "$5.00"."""
    found = amount(value)
    return money_in_text(value) if found is None and isinstance(value, str) else found


def _not_zero(value: Any) -> str | None:
    found = identifier(value)
    return None if found == "0" else found
