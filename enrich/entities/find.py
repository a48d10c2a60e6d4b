"""What a message names: money, dates, times, places, platforms, brands, people. Pure.

Chat is lower-case, so capital letters tell nothing: patterns find what has a shape, the gazetteer what has a
name, and a name that is also a plain word counts only where the words around it say so. Spans are without
the preposition before them. "tonight" and "this morning" are times, as parts of a day; "in 20 min" holds the
time "20 min", "in 2 weeks" the date "2 weeks"; lengths ("a 20 min video") are neither.
"""

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chats.enriched import Entity
from enrich.entities.amounts import NUMERALS, amounts
from enrich.entities.gazetteer import BY_FIRST_WORD, Name
from enrich.text.folding import folded

NAME = "patterns and gazetteer 5"

_MAX_CHARACTERS = 5_000
_CACHE_SIZE = 8_192  # texts: those of a conversation come again with each message that is new in it

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,9})(?:\.[0-9]{1,2})?"
_ONES = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_NUMERAL = (
    rf"(?:{_ONES}|fifteen|twenty(?:[ -]five)?|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    "thousand)"
)
_FEW = r"(?:a couple(?: of)?|couple(?: of)?|a few|few|several)"
_COUNT = rf"(?:[0-9]{{1,3}}|an?|{_ONES}|{_FEW})"
_UNIT = r"(?:bucks?|bux|dolla(?:r?[sz]?)|euros?|quid|usd|eur|gbp)"
_UNITS = "buck bucks bux dolla dollas dollaz dollar dollars dollarz euro euros quid usd eur gbp"
_WEIGHED = (
    r"(?:lost|lose|losing|gain(?:ed|ing)?|weigh(?:s|ed|ing)?|drop(?:ped|ping)?|shed|down|put on|i'?m|am|"
    r"he'?s|she'?s|lift(?:ed|ing)?|bench(?:ed|ing)?|squat(?:ted|ting)?|deadlift(?:ed|ing)?)"
    r"(?: (?:about|like|over|another|almost|nearly|around|only|just|me|to))*"
)
_FULL_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_MONTH = rf"(?:{_FULL_MONTH}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_FULL_WEEKDAY = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?"
_WEEKDAY = rf"(?:{_FULL_WEEKDAY}|mon|tues?|weds?|thurs?|thu|fri|sat|sun)"
_ORDINAL = r"(?:3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)"
_DAY = rf"(?:{_ORDINAL}|3[01]|[12][0-9]|0?[1-9])"
_DAY_NUMBER, _MONTH_NUMBER = "(?:3[01]|[12][0-9]|0?[1-9])", "(?:1[0-2]|0?[1-9])"
_AM_PM = r"(?:am|pm|a\.m\.?|p\.m\.?)"
_HOUR, _CLOCK = "(?:1[0-2]|0?[1-9])", "(?:[01]?[0-9]|2[0-3])(?:[:.][0-5][0-9])?"
_OF_DATES = (
    "today|tomorrow|tommorow|tommorrow|tomorow|tomoro|tomorro|2morrow|2moro|tmrw|tmr|tmw|tmro|tomoz|"
    "yesterday|yesturday|yday"
)
_OF_TIMES = "tonight|tonite|2nite|2night|tn"
_HOLIDAYS = (
    r"(?:christmas|xmas|new year'?s|nye|valentine'?s|vday|thanksgiving|halloween|easter|"
    r"black friday|(?:4th|fourth) of july|"
    r"mother'?s day|father'?s day)(?: (?:day|eve))?"
)
_NO_CLOCK = (
    r"(?!['.:][0-9]|\.[a-z]| ?(?:%|\$|€|£|min|sec|hour|hr|day|week|wk|month|year|k\b|x\b|people|"
    r"percent|bucks|dollars|"
    r"of\b|times|or [0-9]|photos|videos|pics|in a))"
)
_NO_SUM = (
    r"(?! ?(?:[:/%]|[ap]m\b|k\b|min|sec|hour|hr|day|week|month|year|people|girls|guys|times?\b|"
    r"photos?|pics?|vids?|videos?|"
    r"x\b|of\b|percent))"
)
_NO_K = (
    r"(?! ?(?:followers?|subs?\b|subscribers|likes|views|steps|words|km|miles|videos?|vids?|tv|"
    r"resolution|quality|cam|"
    r"camera|fps|hd|footage|clips?|run\b|race|screen|monitor|photos?|pics|people|posts|fans|messages|uhd))"
)
_NO_GRAND = (
    r"(?! (?:gesture|piano|plan|total|prix|opening|time|finale|canyon|slam|theft|scheme|day|entrance))"
)
_NO_THIRD = (
    r"(?! (?:time|video|vid|pic|photo|one|floor|place|person|season|part|week|month|grade|try|"
    r"message|round|guy|girl|"
    rf"date|wheel|base|gear|degree|set|clip|ppv|year|birthday|anniversary|day|line|song|of (?!{_MONTH})))"
)
_DIGITS = "0"  # as a key: any digit


class _Pattern(NamedTuple):
    """Tried where one of the words `keys` stands; what it finds are its named groups."""

    type: str
    keys: str
    regex: re.Pattern[str]


def _pattern(type: str, keys: str, regex: str) -> _Pattern:
    span = regex if "(?P<" in regex else f"(?P<span>{regex})"
    return _Pattern(type, keys, re.compile(rf"(?<!\w)(?:{span})(?!\w)"))


# Earlier ones win where spans overlap.
_PATTERNS = (
    _Pattern("money", _DIGITS, re.compile(rf"(?P<span>[$€£¥] ?{_NUMBER}k?)(?:ish)?(?!:?[0-9])")),
    _Pattern(
        "money",
        _DIGITS,
        re.compile(rf"(?<![\w.,/:])(?P<span>{_NUMBER}k?(?:ish)? ?(?:[$€£](?![0-9])|{_UNIT}(?!\w)))"),
    ),
    _pattern("money", "usd eur gbp", rf"(?:usd|eur|gbp) ?{_NUMBER}"),
    _pattern(
        "money", _UNITS, rf"(?:an?|{_FEW}|{_NUMERAL})(?:[ -]{_NUMERAL}){{0,3}}(?:ish)? {_UNIT}(?: fifty)?"
    ),
    _pattern("money", "tenner fiver", "tenner|fiver"),
    # "lost ten pounds" is a weight.
    _pattern(
        "money",
        "pounds",
        rf"{_WEIGHED} (?:{_NUMBER}|{_NUMERAL}(?:[ -]{_NUMERAL}){{0,3}}) pounds|"
        rf"(?P<span>(?:{_NUMBER}|{_NUMERAL}(?:[ -]{_NUMERAL}){{0,3}}) pounds)"
        r"(?! (?:of|heavier|lighter|overweight|down|up|less|since|so far)\b)",
    ),
    _pattern("money", "grand", rf"(?:half a|an?|{_ONES}|couple|[0-9]{{1,3}}) grand{_NO_GRAND}"),
    _pattern(
        "money",
        "pay paid paying cost costs tip tipped tipping spent spend charge charged worth budget owe sent",
        r"(?:sent you|sent u|pay|paid|paying|costs?|tip|tipped|tipping|spent|spend|charged?|worth|"
        r"budget is|owe)"
        rf"(?: (?:you|u|me|about|like|around|over|only|just|another|"
        rf"an extra))* (?P<span>{_NUMBER}(?: pounds)?(?!\w)){_NO_SUM}",
    ),
    _pattern(
        "money",
        _DIGITS,
        r"(?:can|could|would|will) (?:you|u) (?:do|take|accept)(?: (?:it|that|this|one|a custom))?(?: for)? "
        rf"(?P<span>{_NUMBER}(?!\w)){_NO_SUM}(?= (?:instead|for|then|babe|please|pls|ok|max)\b| ?[?.!,]|$)|"
        rf"do (?:it|that|this|one) for (?P<other>{_NUMBER}(?!\w)){_NO_SUM}(?= ?[?.!,]|$)",
    ),
    _pattern(
        "money",
        _DIGITS,
        r"(?:pay|paid|spent|spend|for|owe|make|made|earn|earned|about|like|costs?|worth|over|tip|"
        r"lost|won|saved|another|of|is|"
        rf"almost|dropped|have|got) (?P<span>[0-9]{{1,3}}(?:\.[0-9]{{1,2}})?k(?!\w)){_NO_K}",
    ),
    # "8ish" is a time; "im 20ish" an age.
    _pattern(
        "money",
        _DIGITS,
        r"(?:at|by|my|i'm|im|he's|hes|she's|shes|am|is) [0-9]+ish|"
        r"(?P<span>(?:1[3-9]|[2-9][0-9]|[1-9][0-9]{2,3})ish)(?! (?:min|year|day|people|hour|sec|"
        r"photos|pics|videos))",
    ),
    _pattern(
        "time",
        _DIGITS,
        rf"[0-9]{{1,2}}(?::[0-9]{{2}})? ?{_AM_PM}?(?: ?- ?| to ){_HOUR}(?::[0-9]{{2}})? ?{_AM_PM}",
    ),
    _pattern(
        "time", _DIGITS, rf"{_HOUR}(?::[0-5][0-9])? ?(?:{_AM_PM}|ish)|(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?!:)"
    ),
    _pattern("time", _DIGITS, rf"{_HOUR} (?:in the (?:morning|evening|afternoon)|at night)"),
    _pattern(
        "time", "noon midnight midday " + _OF_TIMES.replace("|", " "), f"noon|midnight|midday|{_OF_TIMES}"
    ),
    _pattern(
        "time",
        "night morning afternoon evening",
        rf"(?P<span>(?:last|this) (?:night|morning|afternoon|evening))|"
        rf"(?:{_FULL_WEEKDAY}|fri|sat|sun|tues|thurs|{_OF_DATES}) (?P<other>night|morning|afternoon|evening)",
    ),
    _pattern("time", "o clock oclock", rf"(?:[0-9]{{1,2}}|{_ONES}) ?o'?clock"),
    _pattern(
        "time",
        "half quarter past",
        rf"half (?:{_HOUR}|{_ONES})(?= (?:tonight|tomorrow|today|works|is|then|ok)\b|[.!,?]|$)|"
        rf"(?:(?:half|quarter|a quarter|[0-9]{{1,2}}|ten|five|twenty) past|(?:a )?quarter (?:to|"
        rf"til)) (?:{_HOUR}|{_ONES})"
        r"(?! (?:min|day|week|hour|month|year|people|times))",
    ),
    _pattern(
        "time",
        "minute minutes min mins hour hours hr hrs h second seconds sec secs",
        rf"(?:with)?in (?:about |like |the next )?(?P<other>(?:half an|"
        rf"{_COUNT}) ?(?:more )?(?:minutes?|mins?|hours?|hrs?|h|secs?|seconds?))|"
        rf"(?P<span>(?:half an|{_COUNT}) ?(?:minutes?|mins?|hours?|hrs?|h) ago)",
    ),
    _pattern("time", _DIGITS, rf"(?:\bat |@ ?)(?P<span>{_CLOCK}(?![\w]){_NO_CLOCK})"),
    _pattern(
        "time", "at", rf"at (?P<span>{_ONES})(?= (?:{_OF_DATES}|{_OF_TIMES}|on|my|your|sharp|then)\b|[.!,]|$)"
    ),
    _pattern(
        "time",
        _DIGITS,
        rf"(?:around|about|by|til|till|until|after|before) (?P<span>{_HOUR}(?!\w))"
        rf"(?= (?:{_OF_DATES}|{_OF_TIMES}|my time|your time|ur time|est|pst|gmt|cet|sharp|then|"
        rf"on {_WEEKDAY})\b|[.!,?](?![0-9])|$)",
    ),
    _pattern(
        "date", _DIGITS, r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([/.-])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2})"
    ),
    # "10/10" and "24/7" are dates only after "on", "by", ..
    _pattern(
        "date",
        _DIGITS,
        rf"(?:(?:on|by|due|until|till|til|before|since|is) (?P<other>{_DAY_NUMBER}/{_DAY_NUMBER})|"
        rf"(?!24/7|50/50|9/11|1/[234]|2/3|3/4)(?P<span>{_MONTH_NUMBER}/(?!10\b){_DAY_NUMBER}|"
        rf"{_DAY_NUMBER}/(?!10\b){_MONTH_NUMBER}))"
        r"(?!\w)(?![/%.][0-9])",
    ),
    _pattern(
        "date",
        _DIGITS,
        rf"{_MONTH}\.? (?:the )?{_DAY}(?!\w|:| ?(?:[ap]m|%|\$|min|hours|days|weeks|times|photos|"
        rf"videos|pics)\b)(?:,? [12][0-9]{{3}})?|"
        rf"(?:the )?{_ORDINAL} (?:of )?{_MONTH}(?:,? [12][0-9]{{3}})?|"
        rf"{_DAY} (?:of )?{_FULL_MONTH}(?:,? [12][0-9]{{3}})?|"
        rf"{_MONTH} (?:19|20)[0-9]{{2}}|the {_ORDINAL}(?!\w){_NO_THIRD}",
    ),
    _pattern(
        "date",
        "christmas xmas new nye valentine valentines vday thanksgiving halloween easter black "
        "fourth july mother mothers father fathers",
        _HOLIDAYS,
    ),
    _pattern("date", "2morrow 2moro " + _OF_DATES.replace("|", " "), _OF_DATES),
    _pattern(
        "date",
        "next last this coming",
        rf"(?:next|last|this|coming) (?:week(?:end)?|month|year|summer|winter|spring|autumn|fall|"
        rf"{_WEEKDAY}|{_FULL_MONTH})",
    ),
    _pattern("date", "weekend", "the (?P<span>weekend)"),
    _pattern(
        "date",
        _DIGITS,
        r"(?:in|since|from|back in|of|until|till|by|summer|around|early|late) (?P<span>(?:19[5-9]|"
        r"20[0-4])[0-9])(?! (?:bucks|dollars))",
    ),
    _pattern(
        "date",
        "summer winter spring autumn fall",
        "(?:in|over|during|since|until|till|by|all) (?:the )?(?P<span>summer|winter|autumn|spring)|"
        "(?:in|during|this) the (?P<other>fall)(?= [.!,]|$)",
    ),
    _pattern("date", "other", "the other (?:day|week|month|night|morning)"),
    _pattern(
        "date",
        "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays "
        "thursdays fridays saturdays "
        "sundays tues weds thur thurs fri",
        rf"{_FULL_WEEKDAY}|tues|weds|thurs?|fri",
    ),
    _pattern(
        "date",
        "mon tue wed thu sat sun",
        r"(?:on|til|till|until|by|from|every) (?P<other>mon|tue|wed|thu|sat|sun)(?! (?:is|was|bath|"
        r"tan|shine|down|in the|and the)\b)|"
        r"(?P<span>mon|tue|wed|thu|sat|sun)(?= (?:night|morning|afternoon|evening|or (?:sun|fri|sat|mon))\b)",
    ),
    _pattern(
        "date",
        "january february july august september october november december",
        "january|february|july|august|september|october|november|december",
    ),
    _pattern(
        "date",
        "march april may june",
        r"(?:in|by|since|until|till|til|every|early|late|mid|end of|of|from|for|before|after|during|around) "
        r"(?P<span>march|april|may|june)(?! (?:i|you|be|we|it|have|not|to|u)\b)",
    ),
    _pattern(
        "date",
        "day days week weeks wk wks month months year years",
        rf"(?:with)?in (?:about |like |the next )?(?P<other>{_COUNT} (?:more )?(?:days?|weeks?|wks?|"
        rf"months?|years?))|"
        rf"(?P<span>{_COUNT} (?:days?|weeks?|wks?|months?|years?) ago)",
    ),
    _pattern(
        "platform",
        "of",
        r"(?:on|my|your|ur|her|an|this|the|to|from|joined|quit|delete|off) (?P<span>of)"
        r"(?= (?:page|account|subs?|girls?|creators?|models?|bill|profile|rn|anymore)\b| ?[.,!?]|$)",
    ),
    _pattern("date", "ago", rf"{_COUNT} (?:yrs?|nights?) ago"),
)
_TOLD_KEYS = "name names named call calls called goes go going"


def _hints() -> tuple[dict[str, int], int, int, int]:
    """Word -> the patterns that may hold as bits; the bits of bare numbers, told names and the gazetteer."""
    numbers, told, listed = 1 << len(_PATTERNS), 2 << len(_PATTERNS), 4 << len(_PATTERNS)
    found: dict[str, int] = {}
    keys = [(1 << at, pattern.keys.split()) for at, pattern in enumerate(_PATTERNS)]
    # A name is looked for where its rarest word stands, which is mostly its longest.
    names = [max(name.words, key=len).split("'")[0] for own in BY_FIRST_WORD.values() for name in own]
    for bit, words in (*keys, (numbers, (_DIGITS, *NUMERALS)), (told, _TOLD_KEYS.split()), (listed, names)):
        for word in words:
            found[word] = found.get(word, 0) | bit
    return found, numbers, told, listed


_HINTS, _NUMBER_HINT, _TOLD_HINT, _LISTED_HINT = _hints()
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"[0-9]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What follows "my name is" or "call me" without being a name.
_NOT_NAMES = _words(
    """
    when later back crazy maybe tonight tomorrow today if after before anytime any old your ur the a an in
    on at by whatever what that this and or but please pls plz not so too baby babe daddy sir master honey
    out over now up is it isn't to for with you u me my him her them his again then sometime someday soon
    one day just like as from out of because lol haha ok okay princess king queen mommy boss spoiled lucky
    old-fashioned silly stupid dramatic spelled spelt written wrong same secret private really anything
    something first here there i im i'm he she we they no yes when who why how all some too very also again
    was will would
    can could should only still already nice mine yours weird dumb mad bad good by
    """
)
_TOLD = re.compile(
    r"(?<!\w)(?:(?P<sure>"
    r"(?:my|his|her|their|its) (?:real |full |first |actual )?name(?:'s|s| is)|name's|name is|named|"
    r"(?:i'm|im|i am|he's|hes|she's|shes|is|was|guy|girl|friend|someone|brother|sister|son|daughter|"
    r"wife|husband|man|woman) called"
    r")|my name|(?:goes?|going) by|calls? (?:me|him|her)|(?:say|moan|write|mention) (?:my name|the name),?"
    r") (?P<span>[^\W\d_]{2,20})(?![\w'])"
)


_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]+|\n")

_AND = _words("or and n , / & vs - >")
_PLACE_BEFORE = _words(
    """
    in to from near around visit visiting visited outside leaving via downtown north south east west
    central explore exploring toward towards through across of reach
    """
)
_MOVING = _words(
    """
    live living lives lived i'm im am are is was were we're you're ur he's she's born up down back stuck
    based here over been work working works moved moving move flying fly flew going go went drive driving
    drove trip travel travelling traveling flight home from visiting vacation holiday holidays staying
    stay stayed week weekend days months year years house place landed land arrived arrive trips heading
    headed friends family greetings hello hi
    """
)
_GOING_ON = _words(
    """
    and for next this in on at with soon right rn now today tomorrow tonight last france england uk us
    alabama ireland croatia germany california so but again btw lol haha if when since until till on then
    babe baby
    """
)
_RELATIVES = _words(
    """
    friend buddy brother bro sister sis wife husband boyfriend girlfriend bf gf son daughter ex boss
    cousin roommate mate uncle aunt coworker mr mrs miss ms neighbor neighbour dad mom dog cat puppy
    kitten pup hamster bunny horse met dating ask asked tell told
    """
)
_CALLS = _words(
    """
    hey hi hello hiya heya yo hii heyy heyyy hiii howdy hola thanks thx ty tysm thankyou morning evening
    night goodnight gn bye goodbye birthday bday dear sorry ok okay welcome
    """
)
_GREETED = _words("hi hey hello goodnight bye goodbye birthday bday")
_WHO_IS = _words("who's whos whose")
_AFTER_CALL = _words(
    """
    how hows how's what whats what's are did do hope just this thanks its it's im i'm good long
    nice where wyd and was from
    """
)
_AFTER_INTRODUCTION = _words("from and btw by here nice but the your ur a")
_PRONOUNS = _words("i you u it we they he she me")
_SEASONS = _words("may june april summer autumn dawn will hope don")
_ADJECTIVES = _words(
    "rich frank will may don bill april june summer autumn chase drew ash sage ace pat art hope joy "
    "christian ginger sandy misty"
)
_SIGNED = _words(
    """
    thanks thx ty tysm night goodnight gn bye love xoxo xo yours you u babe cheers sorry morning hey hi
    hello kisses hugs welcome day weekend
    """
)
_PLATFORM_BEFORE = _words("on my your ur have got via through over using add off")
_BRAND_BEFORE = _words("a my new some your ur nike from at by old drive driving wearing got in pair of")
_OF_ZOOM = _words("call calls link meeting chat")
_OF_APPLE = _words("watch phone music store tv laptop card id products ipad macbook pencil gift")


@lru_cache(_CACHE_SIZE)
def entities(text: str) -> tuple[Entity, ...]:
    """The entities of `text`, in its order, spans not overlapping; `text[start:end]` is what was found."""
    plain = folded(text[:_MAX_CHARACTERS])
    hints = _HINTS[_DIGITS] if _DIGIT.search(plain) else 0
    for word in _WORD.findall(plain):
        if word in _HINTS:
            hints |= _HINTS[word]
    if not hints:
        return ()
    taken: list[tuple[int, int, str]] = []
    for found in _found(plain, hints):
        at = bisect(taken, found)
        if (not at or taken[at - 1][1] <= found[0]) and (at == len(taken) or found[1] <= taken[at][0]):
            taken.insert(at, found)
    return tuple(Entity(type=kind, text=text[start:end], start=start, end=end) for start, end, kind in taken)


def _found(plain: str, hints: int) -> Iterator[tuple[int, int, str]]:
    """What is found, best first: earlier ones win where spans overlap."""
    patterns = hints & (_NUMBER_HINT - 1)
    while patterns:
        pattern = _PATTERNS[(patterns & -patterns).bit_length() - 1]  # of the lowest bit
        patterns &= patterns - 1
        for match in pattern.regex.finditer(plain):
            for group in pattern.regex.groupindex:
                if match[group]:
                    yield (*match.span(group), pattern.type)
    if hints & _NUMBER_HINT:
        yield from ((*span, "money") for span in amounts(plain))
    if hints & _TOLD_HINT:
        yield from _told(plain)
    if hints & _LISTED_HINT:
        yield from _listed(plain)


def _told(plain: str) -> Iterator[tuple[int, int, str]]:
    """People whose name the sentence gives, in a list or not."""
    for match in _TOLD.finditer(plain):
        start, end = match.span("span")
        name, rest = match["span"], plain[end : end + 2]
        if name in _NOT_NAMES:
            continue
        # "call me jx" is a name where nothing more is said; "call me sometimes" is caught above.
        if match["sure"] or _is_first_name(name) or not rest[1:].isalnum():
            yield start, end, "person"


def _is_first_name(word: str) -> bool:
    return any(name.type == "person" and len(name.words) == 1 for name in BY_FIRST_WORD.get(word, ()))


def _listed(plain: str) -> Iterator[tuple[int, int, str]]:
    """Names of the gazetteer, where the words around them allow."""
    words = ["", "", *_TOKEN.findall(plain), "", ""]
    spans: list[tuple[int, int]] = []
    past = 0
    for at in range(2, len(words) - 2):
        word = words[at]
        if at < past or (word not in BY_FIRST_WORD and word[-2:] != "'s"):
            continue
        standing: dict[str, int] = {}
        for name in BY_FIRST_WORD.get(_owner(word), ()):
            if (size := _length(name, words, at)) and size >= max(standing.values(), default=0):
                around = _Around(words[at - 2], words[at - 1], words[at + size], words[at + size + 1])
                if _STANDS[name.type](name, around):
                    standing[name.type] = size
        if standing:
            kind = _of_several(standing, words[at - 1])
            past = at + standing[kind]
            spans = spans or [token.span() for token in _TOKEN.finditer(plain)]
            yield spans[at - 2][0], spans[past - 3][0] + len(_owner(words[past - 1])), kind


class _Around(NamedTuple):
    """The two words (or marks) before a name, and the two after it; "" at the ends of the text."""

    before2: str
    before: str
    after: str
    after2: str

    @property
    def ends(self) -> bool:
        """Nothing follows in the clause."""
        return not self.after[:1].isalnum()

    def beside(self, type: str) -> bool:
        """Another name of `type` stands on the other side of "or", "and" or a mark."""
        return (self.before in _AND and _is_free(self.before2, type)) or (
            self.after in _AND and _is_free(self.after2, type)
        )


def _owner(word: str) -> str:
    """ "jake" of "jake's"; "levi's" is a name itself."""
    return word[:-2] if word.endswith("'s") and word not in BY_FIRST_WORD else word


def _length(name: Name, words: Sequence[str], at: int) -> int:
    """How many tokens from `at` on are the name, with hyphens between its words or without; 0: none."""
    past = at + 1
    for word in name.words[1:]:
        if words[past] == "-":
            past += 1
        if words[past] != word and (_owner(words[past]) != word or word is not name.words[-1]):
            return 0
        past += 1
    return past - at


def _of_several(standing: Mapping[str, int], before: str) -> str:
    """Which of the kinds it is where one word names several: a place after a preposition, else a person."""
    longest = max(standing.values())
    kinds = [kind for kind, size in standing.items() if size == longest]
    if "place" in kinds and before in _PLACE_BEFORE:
        return "place"
    return "person" if "person" in kinds else kinds[0]


def _is_free(word: str, type: str) -> bool:
    return any(name.type == type and name.how == "free" for name in BY_FIRST_WORD.get(word, ()))


def _place(name: Name, around: _Around) -> bool:
    if name.how == "free":
        return True
    after_preposition = around.before in _PLACE_BEFORE
    if name.how == "near":
        return (
            after_preposition
            or around.beside("place")
            or _is_free(around.after, "place")
            or (around.after == "," and _is_free(around.after2, "place"))
        )
    return after_preposition and around.before2 in _MOVING and (around.ends or around.after in _GOING_ON)


def _person(name: Name, around: _Around) -> bool:
    word = name.words[0]
    if name.how == "free":
        return True
    if around.before in _RELATIVES or around.before in _WHO_IS:
        return around.ends or around.after not in _PRONOUNS
    if around.before in _CALLS and (around.ends or around.after in _AFTER_CALL):
        return word not in _SEASONS or around.ends
    if around.before in ("u", "you") and around.before2 in ("thank", "love", "miss", "ty"):
        return around.ends and word not in _SEASONS
    if around.ends and around.before == "to" and around.before2 in _GREETED:
        return word not in _SEASONS
    if around.ends and around.before in ("you're", "youre"):
        return word not in _ADJECTIVES
    if around.before in ("i'm", "im") or (around.before == "am" and around.before2 == "i"):
        return word not in _ADJECTIVES and (around.ends or around.after in _AFTER_INTRODUCTION)
    if around.after == "is" and around.after2 == "my":
        return around.before == "" and word not in _SEASONS | {"may"}
    if around.before in ("it's", "its", "is") and around.after in ("here", "again", "from"):
        return True
    if around.after in ("here", "says", "said") and not around.before[:1].isalnum():
        return word not in _SEASONS
    if around.before in ("-", "--", "~", "xoxo", "xo", "xx"):
        return around.ends
    if around.before == "," and around.before2 in _SIGNED:
        return around.ends
    return around.beside("person") and word not in _SEASONS


def _platform(name: Name, around: _Around) -> bool:
    if name.how == "free":
        return True
    if name.words[0] == "zoom" and (around.after in _OF_ZOOM or around.before in ("monthly", "weekly")):
        return True
    if name.words[0] == "x":
        return around.before == "on" and around.ends
    return around.before in _PLATFORM_BEFORE or around.beside("platform")


def _brand(name: Name, around: _Around) -> bool:
    if name.how == "free":
        return True
    word = name.words[0]
    if word == "apple":
        return around.after in _OF_APPLE or around.beside("brand")
    if word == "target":
        return around.before in ("at", "to", "from") or around.beside("brand")
    return around.before in _BRAND_BEFORE or around.beside("brand")


_STANDS: Mapping[str, Callable[[Name, _Around], bool]] = {
    "place": _place,
    "person": _person,
    "platform": _platform,
    "brand": _brand,
}
