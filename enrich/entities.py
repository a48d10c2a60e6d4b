"""What a message names: money, dates, times, places, platforms, brands, people. Pure.

Chat is lower-case, so capital letters tell nothing: patterns find what has a shape, small gazetteers what has
a name. A person is only found where the sentence says it is one ("my name is ..").
"""

import re
from collections.abc import Iterator

from wire.payloads import Entity

NAME = "patterns and gazetteers 1"

_MAX_CHARACTERS = 20_000

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|weds?|thurs?|fri)s?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"

_PLATFORMS = """
    instagram insta ig twitter tiktok tik-tok snapchat snap facebook fb telegram whatsapp discord reddit
    youtube yt twitch onlyfans fansly patreon spotify netflix hulu paypal cashapp cash-app venmo zelle
    skype facetime zoom tinder bumble hinge linktree threads pinterest amazon steam
"""
_BRANDS = """
    nike adidas puma reebok lululemon gymshark victoria's-secret savage-x-fenty gucci prada chanel dior
    versace louis-vuitton zara sephora starbucks mcdonalds mcdonald's chipotle taco-bell coca-cola pepsi
    red-bull tesla bmw mercedes audi toyota honda ford iphone samsung apple sony playstation ps4 ps5
    xbox nintendo switch-2 ikea target walmart costco fenty crocs converse rolex
"""
_PLACES = """
    new-york-city new-york nyc brooklyn manhattan los-angeles chicago houston phoenix philadelphia
    san-antonio san-diego dallas austin san-francisco seattle denver boston las-vegas vegas portland
    detroit miami atlanta orlando tampa nashville new-orleans minneapolis cleveland pittsburgh st-louis
    kansas-city salt-lake-city honolulu hawaii california texas florida nevada arizona colorado oregon
    ohio michigan georgia alaska montana utah illinois new-jersey virginia north-carolina south-carolina
    tennessee toronto vancouver montreal calgary ottawa canada mexico cancun tulum mexico-city london
    manchester liverpool birmingham glasgow edinburgh dublin ireland scotland england uk wales paris
    lyon france berlin munich hamburg germany madrid barcelona ibiza spain lisbon porto portugal rome
    milan venice florence naples italy amsterdam netherlands brussels belgium zurich geneva switzerland
    vienna austria prague budapest warsaw poland athens santorini mykonos greece istanbul stockholm
    sweden oslo norway copenhagen denmark helsinki finland iceland reykjavik moscow kyiv ukraine dubai
    abu-dhabi qatar tel-aviv israel egypt cairo morocco marrakech cape-town south-africa nairobi kenya
    lagos nigeria tokyo osaka kyoto japan seoul korea beijing shanghai hong-kong singapore bangkok
    phuket thailand bali indonesia vietnam hanoi manila philippines malaysia india mumbai delhi sydney
    melbourne brisbane perth australia auckland new-zealand rio brazil sao-paulo argentina buenos-aires
    chile peru lima colombia bogota medellin costa-rica puerto-rico jamaica bahamas cuba europe
"""


def _names(gazetteer: str) -> str:
    longest_first = sorted(gazetteer.split(), key=len, reverse=True)
    return "|".join(re.escape(name).replace(r"\-", r"[\s-]?") for name in longest_first)


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?P<span>{pattern})(?!\w)", re.IGNORECASE)


# Earlier kinds win where spans overlap.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "money",
        _compile(
            rf"[$€£]\s?(?:{_NUMBER})k?(?!:\d)|(?:{_NUMBER})k?\s?(?:[$€£](?!\d)|bucks?|dollars?|euros?|pounds|quid|usd|eur|gbp)|"
            rf"(?:usd|eur|gbp)\s?(?:{_NUMBER})"
        ),
    ),
    (
        "date",
        _compile(
            rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.]\d{{1,2}}[/.](?:\d{{4}}|\d{{2}})|"
            rf"{_MONTH}\s{_DAY}(?:,?\s\d{{4}})?|{_DAY}\s(?:of\s)?{_MONTH}(?:\s\d{{4}})?|"
            rf"(?:next|last|this)\s(?:week(?:end)?|month|year|summer|winter|spring|fall|{_WEEKDAY})|{_WEEKDAY}|"
            r"today|tonight|tomorrow|tmrw|tmr|yesterday|"
            r"(?:christmas|new\syear'?s|valentine'?s|thanksgiving|halloween|easter)(?:\s(?:day|eve))?"
        ),
    ),
    (
        "time",
        _compile(
            r"\d{1,2}(?::\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.)|(?:[01]?\d|2[0-3]):[0-5]\d|noon|midnight|"
            r"\d{1,2}\s?o'?clock|(?<=\bat\s)\d{1,2}(?!\s?(?:%|min|hour|day|week|month|year|or\s\d))"
        ),
    ),
    ("platform", _compile(_names(_PLATFORMS))),
    ("brand", _compile(_names(_BRANDS))),
    ("place", _compile(_names(_PLACES))),
    (
        "person",
        re.compile(
            r"(?<!\w)(?:my\sname(?:'s|\sis|s)|call\sme|(?:i'?m|this\sis)\scalled|named|"
            r"(?:say|moan|write|mention)\s(?:my\sname|the\sname),?)\s(?P<span>[^\W\d_]{2,20})(?!\w)",
            re.IGNORECASE,
        ),
    ),
)

# Words that follow "call me" without being a name.
_NOT_NAMES = """
    when later back crazy maybe tonight tomorrow today if after before anytime any old your ur the a an
    in on at by whatever what that this and or but please pls not so too baby babe daddy sir master
    honey out over now up
"""
_NOT_A_NAME = frozenset(_NOT_NAMES.split())


def entities(text: str) -> list[Entity]:
    """The entities of `text`, in its order, spans not overlapping; `text[start:end]` is what was found."""
    taken: list[Entity] = []
    for found in _found(text[:_MAX_CHARACTERS]):
        if all(found.end <= other.start or found.start >= other.end for other in taken):
            taken.append(found)
    return sorted(taken, key=lambda each: each.start)


def _found(text: str) -> Iterator[Entity]:
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("span")
            if kind != "person" or text[start:end].lower() not in _NOT_A_NAME:
                yield Entity(type=kind, text=text[start:end], start=start, end=end)
