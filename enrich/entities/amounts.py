"""Bare numbers that are amounts of money by what is said around them: "i can do 50", "would 30 work". Pure.

Chosen on the numbers of the training chats (`training/amounts.tsv`). A number counts as an amount where an
offer, a price or what is paid for stands before it, a rate or a verdict after it, or where it is all that is
said. What is counted ("3 photos"), years, ages, clock times and lengths are none. Numbers in words count from
ten on, and what may be an hour only beside a word of money.
"""

import re
from collections.abc import Iterator

_LEAST = 5  # smaller ones are mostly counts
_LAST_HOUR = 12  # larger ones are no time of day
_NEAR = 40  # characters on each side of a number are looked at
_CENTS = (".99", ".95", ".49")  # of a price, whatever stands beside it

_UNDER_TEN = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
}
_TEENS = {"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "eighteen": 18}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_IN_WORDS = _UNDER_TEN | _TEENS | _TENS
NUMERALS = (*_TEENS, *_TENS)  # smaller numbers in words are mostly counts
_NUMERAL = f"(?:{'|'.join(_TEENS)}|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNDER_TEN)}))?)"
_NUMBER = re.compile(
    rf"(?<![\w$€£¥.:/,#'’-])(?:[0-9]{{1,4}}(?:\.[0-9]{{2}})?|{_NUMERAL})(?![\w%:/'’°-]|[.,][0-9])"
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-3])\.(?:00|15|30|45)")
_TO_THE_CENT = re.compile(r"[0-9]+\.[0-9]0")


def _one_of(phrases: str) -> str:
    """A group of these phrases, each a word or a regular expression without spaces; `_` is a space."""
    return "(?:" + "|".join(phrase.replace("_", r"\s+") for phrase in phrases.split()) + ")"


_START = r"(?:^|[\s\"“(,.!?;:-])"
_YOU = "(?:you|u|ya|ye|me)"
_GOODS = _one_of(
    "mins? minutes? hours? hrs? secs? seconds? days? weeks? months? pics? photos? vids? videos? clips? "
    "pages? sets? songs? notes? calls?"
)
_RATE = (
    _one_of("a an per each every")
    + r"\s+"
    + _one_of("month min minute hour pic photo vid video clip set piece page call custom")
)

# What may follow an amount in its clause; any other word is what is counted.
_ALLOWED = re.compile(
    r"\s*$|\s*[^\w\s]|\s+"
    + _one_of(
        """
        for if and n then but or plus with w each max tops total altogether together instead more extra off
        back again now today tonight tomorrow only please pls plz babe baby hun hon love lol lmao haha ffs tho
        though right ok okay cool deal is it its it's was on at once to in all both i i'll ill u you we so
        because cause cuz later from til till until hmm flat usually normally sounds works had go goes towards
        puts get gets would above yes sadly before seems over work the be enough good fair final plain
        anyway credit once are up get after since bc as no same twice both upfront saved tip refund ones?
        here just not this next without left felt feels
        """
    )
    + r"\b"
)

# What stands before a number that is no amount.
_NUMBERED = re.compile(
    r"\b"
    + _one_of(
        """
        numbers? no nr part row ward gate level lvl page day week chapter season episode pic room bus line
        version rank round top aged? turns? turning turned minute year mon tues? wed thurs? fri sat sun
        """
    )
    + r"\s+$"
)

_OFFER = "|".join(
    [
        _one_of(
            "can can't cant cannot could would will i'd id i'll ill let_me let's lets i you u we to gonna"
        )
        + rf"\s+(?:only\s+|just\s+)?do(?:\s+(?:it|that|this|one|{_YOU}))?(?:\s+(?:for|at))?",
        _one_of("make call set keep leave") + r"\s+(?:it|that)(?:\s+(?:to|at))?",
        r"(?:how|what)\s+(?:about|abt|bout)",
        rf"offer(?:ing|ed)?(?:\s+{_YOU})?",
        r"settle\s+(?:for|at|on)",
        r"(?:swing|drop|spare|(?:chip|pitch|put)\s+in|(?:fork|shell)\s+out|cough\s+up|put\s+down)(?:\s+a)?",
        r"go\s+(?:as\s+)?(?:low|high)\s+as",
        r"(?:can|could|would|if|i'?d|i'?ll)(?:\s+(?:you|u|i))?\s+go",
        r"take(?:\s+the)?",
        rf"give\s+{_YOU}(?:\s+the)?",
        r"counter(?:ing)?(?:\s+with)?",
    ]
)
_PRICE = "|".join(
    [
        _one_of(
            """
            pay paid paying charged? charging sending owes? afford justify spend spent costs? worth wasted
            earned? refund(?:ed)? tip(?:ped)?
            """
        )
        + rf"(?:\s+(?:{_YOU}|like|about|around|only|just|another|an\s+extra|the))*",
        _one_of(
            "prices? rate sub subscription budget limit bundle fees? postage shipping rent bill deposit "
            "custom usually normally originally"
        )
        + r"(?:'s|\s+(?:is|are|was|goes|went|of|to|at|for|up|from|now|it's|its|comes|about))+",
        _one_of("normally usually best max"),
        _one_of("comes? goes went raising dropped down") + r"\s+(?:out\s+|up\s+|back\s+)?(?:to|about)",
        r"waste\s+of",
        r"for\s+(?:this|that|both|all|you|u)",
        r"back\s+(?:up\s+|down\s+)?to",
        rf"[0-9]+\s+(?:\w+\s+)?{_GOODS}(?:\s+of\s+\w+)?"
        r"(?:\s+(?:is|are|was|would\s+be|will\s+be|for|at|costs?)|\s*[=,:-](?:\s*for)?)?",
        _one_of("one two three four five six ten an? the")
        + rf"\s+{_GOODS}(?:\s+of\s+\w+)?\s+(?:is|are|was|would\s+be|for|at|costs?)",
        rf"[0-9]+\s+is|{_GOODS}\s+are|makes",
        r"(?:it|that|this|which)(?:'?d|\s+would|'ll|\s+will|'?s\s+gonna|'?s\s+going\s+to)\s+be"
        r"(?:\s+(?:about|around|only|just))?",
        rf"[0-9]+(?:\s+{_RATE})?,?\s+(?:for\s+(?:you|u)\s+)?instead\s+of",
    ]
)
_BEFORE = re.compile(rf"{_START}(?:{_OFFER}|{_PRICE})\s*$")

_PER = re.compile(rf"\s+{_RATE}\b|\s+(?:(?:plus|with|w)\s+)?(?:shipping|postage)\b")
_RATED = re.compile(
    r"\s+(?:"
    + _one_of(
        """
        each both total in_total all_in together altogether at_once in_one_go on_top max tops upfront up_front
        to_(?:unlock|open|see|watch|hear|join) tip refund
        """
    )
    + r"|for\s+"
    + _one_of(
        "all both it this that the an? my your ur one two three ten under another everything everyone each "
        "me you u what stuff [0-9]+"
    )
    + r")\b"
)
_VERDICT = re.compile(
    r"\s+(?:(?:the|my)\s+(?:best|most|max|lowest|least)|it\s+is|be\s+(?:ok|okay|fine|enough|fair)|"
    r"instead\s+of\s+[0-9]+(?=\s*(?:$|[^\w\s]))|i\s+can\s+(?:live|do|manage)|"
    r"off(?=\s*(?:$|[^\w\s])|\s+(?:if|for|today)\b)|saved|"
    r"left\s+(?:til|till|until)|(?:left\s+)?(?:in|on)\s+my\s+(?:wallet|account|bank|card|balance)|"
    r"is\s+(?:what\s+i|the\s+price)|(?:felt|feels|seems)\s+like\s+a\s+lot|"
    r"(?:is|seems|sounds|feels|would\s+be)\s+"
    + _one_of(
        """
        a_lot a_bit too way kinda pretty so really very still steep fine fair ok okay good great perfect cheap
        expensive crazy nuts insane robbery correct my the_best the_max the_lowest more_than all_i doable
        reasonable a_steal just_over
        """
    )
    + r")"
)
_WORKS = re.compile(r"\s+(?:works?|ok|okay|good|enough|fair)(?=\s*(?:$|[^\w\s])|\s+(?:for|with)\b)")

_FOR = re.compile(rf"{_START}for\s+(?:only\s+|just\s+|like\s+|about\s+|under\s+)?$")
_LASTING = re.compile(
    _one_of("wait waited waiting been slept worked working gone out table kitchen dinner room")
    + r"\s+for\s+\S*\s*$"
)

# These make an amount only of what is said with a word of money.
_IT_IS = re.compile(
    rf",\s*or\s+$|{_START}"
    + _one_of(
        """
        it its it's thats that's that_is it_is they're theyre those_are they_are they_were is was are be just
        only at to the then from between over under plus extra so now says still saying say said which_is
        """
    )
    + r"\s+(?:like\s+|about\s+|only\s+|just\s+)*$"
)
_SAID = re.compile(
    rf"{_START}(?:(?:that's|thats)(?:\s+(?:like|about|only|just|still|now))?|"
    r"(?:i'?d|just|let'?s)\s+(?:say|saying|ask|guess))\s+$"
)
_COMMA = re.compile(r",\s*$")
_ENDS = re.compile(r"\s*(?:$|[?!.])")
_ONLY = re.compile(rf"(?:{_START})(?P<who>\S+\s+)?(?:only|just)\s+$")
_ONESELF = re.compile(
    r"(?:i'?m|i|am|he'?s|she'?s|he|she|was|we|we're|there|there's|got|have|has|like|at|by)\s+"
)
_CLAUSE_ENDS = re.compile(
    r"\s*(?:$|[^\w\s'’-])|\s+"
    + _one_of("and but n or with without w because bc cuz since so instead now for")
    + r"\b"
)
# "my 40?", "the other 55", "the 22 back", "the 60 one".
_ARTICLES = frozenset(("the", "that", "a"))
_OWN = re.compile(r"\b(?P<whose>my|the\s+other|another|the|that|a)\s+$")
_OWNED = re.compile(r"\s+(?:back|ones?)\b")
_OWNED_OR_ENDS = re.compile(rf"{_OWNED.pattern}|{_ENDS.pattern}")
# What is priced stands right before its amount: "boots 10, long ones 15".
_NO_ITEM = _one_of(
    """
    im i am hes he shes she we they you and or than of by till til until after before since around in on the a
    that this my your ur his her their minus like but if when so count(?:ed)? missing full last first next
    another other have had has got
    """
)
_ITEM = re.compile(rf"(?:^|[^\w'’])(?!{_NO_ITEM}\b)[^\W\d_]{{2,}}(?:'s)?,?\s+[+]?$")
# So it does with "is", but for ages, times and what is measured: "a live roast is 70".
_NO_THING = _one_of(
    """
    it there here what who today time age score record pass temperature outside birthday height knees
    battery weight size temp volume level average speed pulse number mum mom dad sister brother son daughter
    wife husband gf bf girlfriend boyfriend mother father grandma grandpa niece nephew cousin uncle aunt
    boss friend mate kids? boy girl baby dog cat puppy kitten horse
    """
)
_THING_IS = re.compile(
    rf"(?:^|[^\w'’])(?!(?:{_NO_ITEM}|{_NO_THING})\b)[^\W\d_]{{2,}}"
    r"(?:'s|\s+(?:is|are|was|were|(?:would|will)\s+be))\s+(?:like\s+|about\s+|only\s+|just\s+)?$"
)
# The clause ends, or an emoji follows.
_SHOWN = re.compile(r"\s*(?:$|[^\w\s,.'’-])")
_PRICED = re.compile(
    r"\b"
    + _one_of(
        """
        price[sd]? costs? costing charged? charging pays? paying paid sub subscription bundles? customs?
        discount off unlock(?:s|ed)? tip(?:s|ped)? money afford expensive cheap(?:er)? budget deal bucks
        dollars? usd renew yearly monthly month pricey worth sale refund credit buy buying bought spend broke
        order menu lower haggle bargain postage shipping rent bills? fees? wages? payday
        """
    )
    + r"\b|[$€£]"
)

# So they do beside what is sold, but for what is counted in years and hours.
_OFFERED = re.compile(
    r"\b(?:"
    + _one_of("pics? photos? vids? videos? clips? sets? packs? voice_notes? notes? premiere deal offer")
    + r")\b"
)

# Where the number begins a clause, or is all that is said in it.
_BEGINS = re.compile(r"(?:^|[.!?,\n])\s*$")
_GIVEN = re.compile(
    r"\s+(?:for|bc|because|cuz|since\s+(?:you|u))\b|\s*,?\s+(?:and|plus|if|with|but|n|w)\s+(?:i|i'll|ill|you|u|we|it|its|it's|that|no|the|an?(?!\s+half))\b"
)
_FILLER = _one_of(
    """
    ok okay kk lol lmao ha(?:ha)+ hehe hmm+ ugh oof fine yes yeah yep no nope so then babe baby hun hon love
    hey still cute nice try you u win and or just like deal final offer please pls sadly sorry well best i can
    do today now tho though instead max wow damn really maybe about exactly done perhaps honey
    """
)
_ALONE_BEFORE = re.compile(rf"(?:^|[.!?…\n])\s*(?:{_FILLER}[\s,:]+)*$")
_LEADS = re.compile(rf"\s*(?:{_FILLER}[\s,]+)*$")
_GOES_ON = re.compile(r",(?!\s*[0-9])")
_ALONE_AFTER = re.compile(rf"[\s,]*(?:(?:{_FILLER}\b|[:;]-?[)dp(]|[^\w\s.!?])[\s,]*)*(?:$|[.!?…\n])")


def amounts(plain: str) -> Iterator[tuple[int, int]]:
    """The spans of the bare numbers of `plain` (folded text) that are amounts, in its order."""
    numbers = [each for each in _NUMBER.finditer(plain) if _may_be(plain, each)]
    is_priced = bool(numbers) and (_PRICED.search(plain) is not None or _is_list(plain, numbers))
    found = {each.span() for each in numbers if _is_amount(plain, each, is_priced)}
    if found and not is_priced:  # an amount is a word of money for the others
        rest = [each for each in numbers if each.span() not in found]
        found |= {each.span() for each in rest if _is_amount(plain, each, True)}
    yield from sorted(found)


def _is_list(plain: str, numbers: list[re.Match[str]]) -> bool:
    """Whether things stand beside their amounts: "boots 10, long ones 15"."""
    if len(numbers) < 2:
        return False
    items = [_value(each[0]) for each in numbers if _is_item(plain, each)]
    return len(items) > 1 and min(items) >= _LEAST and max(items) > _LAST_HOUR


def _is_item(plain: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    before = plain[max(0, start - _NEAR) : start]
    return _CLAUSE_ENDS.match(plain, end) is not None and _ITEM.search(before) is not None


def _may_be(plain: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if _YEAR.fullmatch(match[0]) or _NUMBERED.search(plain, max(0, start - 12), start):
        return False
    return _is_sure(plain, match) or _ALLOWED.match(plain, end) is not None


def _is_sure(plain: str, match: re.Match[str]) -> bool:
    return match[0][-3:] in _CENTS or _PER.match(plain, match.end()) is not None


def _is_amount(plain: str, match: re.Match[str], is_priced: bool) -> bool:
    """`is_priced` says whether the text has a word of money."""
    if _is_sure(plain, match):
        return True
    (start, end), number = match.span(), match[0]
    # What was cut off stands for a word, so that nothing seems to begin or end there.
    before = plain[:start] if start <= _NEAR else f"x {plain[start - _NEAR : start]}"
    after = plain[end : end + _NEAR] + ("x" if end + _NEAR < len(plain) else "")
    value = _value(number)
    if (value < _LEAST and value.is_integer()) or _is_quantity(value, after):
        return False
    if value <= _LAST_HOUR and number.isalpha() and not is_priced:
        return False
    if _BEFORE.search(before) or _RATED.match(after) or _VERDICT.match(after):
        return True
    if _WORKS.match(after) and (is_priced or value > _LAST_HOUR):
        return True
    if _CLOCK.fullmatch(number):
        return False
    if _FOR.search(before):
        return not _LASTING.search(before) and not _is_bought(value, before)
    if (only := _ONLY.search(before)) and _SHOWN.match(after):
        return not (only["who"] and _ONESELF.fullmatch(only["who"]))
    if _TO_THE_CENT.fullmatch(number) and _SHOWN.match(after):
        return True
    is_offered = is_priced or _OFFERED.search(plain) is not None
    if is_offered and (_IT_IS.search(before) or (_COMMA.search(before) and _ENDS.match(after))):
        return True
    if is_priced and _is_item(plain, match):
        return True
    if (is_offered or value > _LAST_HOUR) and (_SAID.search(before) or _is_of_a_thing(before, after)):
        return True
    if (_BEGINS.search(before) or _ALONE_BEFORE.search(before)) and _GIVEN.match(after):
        return True
    if number.isalpha() and not is_priced:  # "forty!" is as often a count
        return False
    if _GOES_ON.match(after) and _LEADS.match(before):
        return True
    if value > _LAST_HOUR and after[:1] == "?" and _COMMA.search(before):
        return True
    return bool(_ALONE_BEFORE.search(before) and _ALONE_AFTER.match(after))


def _is_of_a_thing(before: str, after: str) -> bool:
    """Whether it is what something costs, or what somebody paid or got: "a live roast is 70", "my 40?"."""
    if (own := _OWN.search(before)) and (_OWNED if own["whose"] in _ARTICLES else _OWNED_OR_ENDS).match(
        after
    ):
        return True
    return _CLAUSE_ENDS.match(after) is not None and _THING_IS.search(before) is not None


def _value(number: str) -> float:
    if number[0].isdigit():
        return float(number)
    return sum(_IN_WORDS[word] for word in re.split("[ -]", number))


def _is_quantity(value: float, after: str) -> bool:
    """Whether the number after "for" is the larger one, and so the amount: "5 for 30"."""
    match = re.match(r" for ([0-9]+)\b(?! ?[a-z])", after)
    return match is not None and float(match[1]) > value


def _is_bought(value: float, before: str) -> bool:
    """Whether the number before "for" is the larger one, and so the amount: "60 for 5"."""
    match = re.search(r"(?<![\w.])([0-9]+) for $", before)
    return match is not None and float(match[1]) > value
