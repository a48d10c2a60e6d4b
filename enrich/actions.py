"""Engagement actions of a message: rules over its fields first, over its text second. Pure.

A message can show several. Patterns read English lower-case chat; docs/enrichment.md lists every action.
"""

import re
from collections.abc import Mapping

from chats.message import Message

NAME = "rules 1"

RE_ENGAGEMENT_SILENCE = 3 * 86_400.0  # seconds

_MAX_CHARACTERS = 5_000


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})(?!\w)", re.IGNORECASE)


_MONEY = r"(?:[$€£]\s?\d+|\d+\s?(?:[$€£]|bucks|dollars|euros?|usd)(?!\w))"

_BY_ANYONE: Mapping[str, re.Pattern[str]] = {
    "greeting": re.compile(
        r"^\W*(?:he+y+(?:a|o+)?|hi+(?:ya+)?|hello+|hell+o|yo+|sup|wass?up|what'?s up|howdy|hola|"
        r"morning|evening|g'?morning|good (?:morning|evening|afternoon|day))\b",
        re.IGNORECASE,
    ),
    "thanks": _pattern(
        r"thank(?:s| you| u|you|ful)", "thx", "tysm", "ty", "tks", "appreciate (?:it|you|that|u)"
    ),
}

_BY_FAN: Mapping[str, re.Pattern[str]] = {
    "custom_request": _pattern(
        r"customs?(?: (?:video|vid|pic|photo|set|clip|content|one|order|request)s?)?",
        r"(?:make|film|record|shoot|do) (?:me )?(?:a|something|one|smth)(?: \w+){0,3} (?:just )?for me",
        r"personali[sz]ed",
        r"(?:video|vid|clip|pic|set) (?:just )?for me",
        r"say(?:ing)? my name",
        r"(?:can|could|would|will) (?:you|u) (?:please |pls )?(?:wear|film|record|shoot|make)",
        r"take requests",
    ),
    "price_inquiry": _pattern(
        r"how much",
        r"(?:what|whats|what's)(?: is| are|'s|'re)?(?: the| your| ur)? (?:price|cost|rate|fee)s?",
        r"(?:what|how much) do (?:you|u) charge",
        r"price(?:s| list)? (?:of|for|on)",
        r"(?:your|ur) (?:price|rate|menu|price list)s?",
        r"(?:does|do|would|will|did) (?:it|that|this|they|a|one|the)(?: \w+){0,4} cost",
        r"what would (?:it|that|this) (?:cost|run me)",
    ),
    "price_objection": _pattern(
        r"(?:too|so|kinda|very|a bit|pretty|bit) (?:expensive|pricey|steep|much money)",
        r"(?:over|high|out of my)[- ]?(?:priced|price|budget)",
        r"(?:can'?t|cannot|can not|couldn'?t) afford",
        r"(?:any )?(?:discounts?|cheaper|lower price)",
        r"(?:a|that'?s|thats) lot (?:of money|for)",
        r"too much for",
        r"not paying",
        r"(?:broke|short on cash|out of money)(?: right now| rn| this| until| till)",
        rf"{_MONEY} (?:for that|is a lot|seems like a lot|is too much|is steep)",
    ),
    "complaint": _pattern(
        r"rip(?:ped)?[- ]?off",
        r"scam(?:med|mer)?",
        r"(?:want|need|get|give me|gimme|ask(?:ing)? for)(?: \w+){0,2} (?:refund|money back)",
        r"refund(?: me)?",
        r"(?:not|isn'?t|wasn'?t|never) (?:what i (?:paid|asked|ordered|wanted)|worth it|as described)",
        r"(?:disappoint(?:ed|ing)|misleading|clickbait|false advertising|terrible|awful|unacceptable)",
        r"(?:does(?:n'?t| not)|won'?t|can'?t|not) (?:work|load|open|play)(?:ing)?",
        r"(?:is|link is|video is|file is) broken",
        r"(?:you|u) (?:never|don'?t ever|don'?t even) (?:reply|answer|respond|write|message|text)",
        r"(?:stop|tired of|sick of|quit)(?: \w+){0,3} (?:spam|spamming|(?:mass|same) messages?)",
        r"still (?:waiting|haven'?t (?:got|gotten|received)|have not (?:got|received)|nothing)",
        r"(?:waste of|wasted my) (?:money|time)",
        r"(?:copy[- ]?paste|same (?:old|stuff|pics|content)|feels? like (?:a )?bot|talking to a bot)",
        r"ignor(?:ed|ing) me",
    ),
    "churn_intent": _pattern(
        r"(?:cancel(?:l?ing|l?ed)?|end(?:ing)?|stop(?:ping)?|turn(?:ed|ing)? off)(?: \w+){0,2} "
        r"(?:sub|subs|subscription|membership|renewal?|rebill|auto[- ]?renew)",
        r"unsub(?:bed|bing|scribe|scribed|scribing)?",
        r"(?:not|won'?t|wont|don'?t think i(?:'?ll| will)?|never|doubt i(?:'ll| will)) "
        r"(?:be |going to |gonna )?(?:renew|rejoin|resub)(?:ing)?",
        r"let(?:ting)? (?:it|my sub|the sub|my subscription|this) (?:expire|run out|lapse)",
        r"(?:i'?m|im|i am) (?:leaving|out of here|done (?:here|with (?:this|you|it))|about to leave)",
        r"(?:last|final) month (?:here|for me|with you)",
        r"(?:thinking (?:about|of)|gonna|going to|might|want to|wanna|will|should) "
        r"(?:just )?(?:cancel|leave|leaving|cancell?ing|unsub)",
        r"(?:delete|deleting|close|closing) my account",
    ),
}

_BY_CREATOR: Mapping[str, re.Pattern[str]] = {
    "apology": _pattern(
        r"(?:so|very|really|i'?m|im) sorry",
        r"sorry (?:about|for|to hear|that|i)",
        r"apologi[sz]e",
        r"my (?:bad|apologies)",
        r"make it up to (?:you|u)",
        r"should(?: not|n'?t) have happened",
    ),
    "upsell": _pattern(
        r"upgrade",
        r"bundles?",
        r"(?:special|limited|exclusive|big|great|new) (?:offer|deal|price|sale|discount)s?",
        r"\d{1,2}\s?% (?:off|discount)",
        r"(?:add|get|unlock|throw in|include)(?: \w+){0,6} (?:for (?:only |just )?"
        + _MONEY
        + r"|extra|more)",
        r"(?:only|just) " + _MONEY + r" more",
        r"(?:full|longer|extended|uncut) (?:version|video|set|length)",
        r"(?:want|wanna|like|ready)(?: to)? (?:see|hear|get|unlock) (?:more|the rest|the full)",
        r"vip",
        r"(?:3|6|12|three|six|twelve)[- ]months? (?:bundle|sub|deal|plan)",
    ),
}

_QUESTION = re.compile(
    r"\?|^\W*(?:who|what|whats|what's|when|where|why|how|which|can (?:you|u|i|we)|could (?:you|u)|"
    r"do (?:you|u)|did (?:you|u)|are (?:you|u)|is (?:it|that|there|this)|would (?:you|u)|will (?:you|u)|"
    r"have (?:you|u)|"
    r"wanna|any (?:plans|chance|news))\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://\S+")  # its query string holds question marks


def actions(message: Message, previous_at: float | None = None) -> list[str]:
    """The engagement actions of `message`, in a fixed order, each once.

    `previous_at` is the time of the message before it in the chat (epoch seconds; None: it is the first).
    """
    return [*_of_fields(message, previous_at), *_of_text(message)]


def _of_fields(message: Message, previous_at: float | None) -> list[str]:
    by_creator = message.direction == "creator"
    found: list[str] = [kind for kind in ("photo", "video", "audio", "gif") if kind in message.media]
    if message.tip > 0:
        found.append("tip")
    if by_creator and message.price > 0:
        found.append("ppv_offer")
    if by_creator and message.price <= 0 and any(kind != "gif" for kind in message.media):
        found.append("free_media")
    if message.is_mass:
        found.append("mass_message")
    if by_creator and previous_at is not None and message.at - previous_at >= RE_ENGAGEMENT_SILENCE:
        found.append("re_engagement")
    return found


def _of_text(message: Message) -> list[str]:
    text = _LINK.sub(" ", message.text[:_MAX_CHARACTERS].replace("’", "'"))
    own = _BY_FAN if message.direction == "fan" else _BY_CREATOR
    found = [name for name, pattern in (*_BY_ANYONE.items(), *own.items()) if pattern.search(text)]
    if _QUESTION.search(text):
        found.append("question")
    return found
