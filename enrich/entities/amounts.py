"""Bare numbers that are amounts of money by what is said around them: "i can do 50", "would 30 work". Pure.

Chosen on the numbers of the training chats (`training/amounts.tsv`). A number counts as an amount where an
offer, a price or what is paid for stands before it, a rate or a verdict after it, or where it is all that is
said. What is counted ("3 photos"), years, ages, clock times and lengths are none.
"""

import re
from collections.abc import Iterator

_LEAST = 5  # smaller ones are mostly counts
_NEAR = 60  # characters on each side of a number are looked at
_CENTS = (".99", ".95", ".49")  # of a price, whatever stands beside it

_NUMBER = re.compile(r"(?<![\w$€£¥.:/,#'’-])(?P<amount>[0-9]{1,4}(?:\.[0-9]{2})?)(?![\w%:/'’°-]|[.,][0-9])")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_CLOCK = re.compile(r"(?:[01]?[0-9]|2[0-3])\.(?:00|15|30|45)")
_TO_THE_CENT = re.compile(r"[0-9]+\.[0-9]0")


def _one_of(phrases: str) -> str:
    """A group of these phrases, each a word or a regular expression without spaces; `_` is a space."""
    return "(?:" + "|".join(phrase.replace("_", r"\s+") for phrase in phrases.split()) + ")"


_START = r"(?:^|[\s\"“(,.!?;:-])"
_YOU = "(?:you|u|me)"
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
        anyway credit once are up get after since bc as no same
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
        r"(?:how|what)\s+about",
        rf"offer(?:ing|ed)?(?:\s+{_YOU})?",
        r"settle\s+(?:for|at|on)",
        r"go\s+(?:as\s+)?(?:low|high)\s+as",
        r"take(?:\s+the)?",
        rf"give\s+{_YOU}(?:\s+the)?",
        r"counter(?:ing)?(?:\s+with)?",
    ]
)
_PRICE = "|".join(
    [
        _one_of("pay paid paying charged? charging sending owes? afford justify spend spent costs? worth")
        + rf"(?:\s+(?:{_YOU}|like|about|around|only|just|another|an\s+extra|the))*",
        _one_of("prices? rate sub subscription budget limit bundle fee postage usually normally originally")
        + r"(?:\s+(?:is|was|goes|went|of|to|at|for|up|from|now|it's|its|comes))+",
        _one_of("normally usually best max"),
        _one_of("comes? goes went raising dropped down") + r"\s+(?:out\s+)?(?:to|about)",
        rf"[0-9]+\s+(?:\w+\s+)?{_GOODS}(?:\s+of\s+\w+)?"
        r"(?:\s+(?:is|are|was|would\s+be|will\s+be|for|at|costs?)|\s*[=,:-](?:\s*for)?)?",
        _one_of("one two three four five six ten an? the")
        + rf"\s+{_GOODS}(?:\s+of\s+\w+)?\s+(?:is|are|was|would\s+be|for|at|costs?)",
        rf"[0-9]+\s+is|{_GOODS}\s+are|makes",
        r"(?:it|that|this|which)(?:'?d|\s+would|'ll|\s+will|'?s\s+gonna|'?s\s+going\s+to)\s+be"
        r"(?:\s+(?:about|around|only|just))?",
        r"[0-9]+\s+instead\s+of",
    ]
)
_BEFORE = re.compile(rf"{_START}(?:{_OFFER}|{_PRICE})\s*$")

_PER = re.compile(rf"\s+{_RATE}\b|\s+(?:plus\s+)?(?:shipping|postage)\b")
_RATED = re.compile(
    r"\s+(?:"
    + _one_of("each total in_total all_in together altogether at_once in_one_go to_unlock on_top max tops")
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
    r"off(?=\s*(?:$|[^\w\s])|\s+(?:if|for|today)\b)|"
    r"(?:is|seems|sounds|feels|would\s+be)\s+"
    + _one_of(
        """
        a_lot a_bit too way kinda pretty so really very still steep fine fair ok okay good great perfect cheap
        expensive crazy nuts insane robbery correct my the_best the_max the_lowest more_than all_i doable
        reasonable
        """
    )
    + r"|(?:works?|ok|okay|good|enough|fair)(?=\s*(?:$|[^\w\s])|\s+(?:for|with)\b))"
)

_FOR = re.compile(rf"{_START}for\s+(?:only\s+|just\s+|like\s+|about\s+|under\s+)?$")
_LASTING = re.compile(
    _one_of("wait waited waiting been slept worked working gone out table kitchen dinner room")
    + r"\s+for\s+\S*\s*$"
)

# These make an amount only of what is said with a word of money.
_IT_IS = re.compile(
    _START
    + _one_of(
        """
        it its it's thats that's that_is it_is they're theyre those_are they_are they_were is was are be just
        only at to the then from between over under plus extra so now says still saying say said which_is
        """
    )
    + r"\s+(?:like\s+|about\s+|only\s+|just\s+)*$"
)
_COMMA = re.compile(r",\s*$")
_ENDS = re.compile(r"\s*(?:$|[?!.])")
_ONLY = re.compile(rf"(?:{_START})(?P<who>\S+\s+)?(?:only|just)\s+$")
_ONESELF = re.compile(
    r"(?:i'?m|i|am|he'?s|she'?s|he|she|was|we|we're|there|there's|got|have|has|like|at|by)\s+"
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
        order menu lower haggle bargain
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
    r"\s+for\b|\s*,?\s+(?:and|plus|if|with|but|n|w)\s+(?:i|i'll|ill|you|u|we|it|its|it's|that|no|an?|the)\b"
)
_FILLER = _one_of(
    """
    ok okay kk lol lmao ha(?:ha)+ hehe hmm+ ugh oof fine yes yeah yep no nope so then babe baby hun hon love
    hey still cute nice try you u win and or just like deal final offer please pls sadly sorry well best i can
    do today now tho though instead max wow damn really maybe about
    """
)
_ALONE_BEFORE = re.compile(rf"(?:^|[.!?…\n])\s*(?:{_FILLER}[\s,:]+)*$")
_ALONE_AFTER = re.compile(rf"[\s,]*(?:(?:{_FILLER}\b|[:;]-?[)dp(]|[^\w\s.!?])[\s,]*)*(?:$|[.!?…\n])")


def amounts(plain: str) -> Iterator[tuple[int, int]]:
    """The spans of the bare numbers of `plain` (folded text) that are amounts, in its order."""
    numbers = [each for each in _NUMBER.finditer(plain) if _may_be(plain, each)]
    is_priced = bool(numbers) and _PRICED.search(plain) is not None
    found = {each.span() for each in numbers if _is_amount(plain, each, is_priced)}
    if found and not is_priced:  # an amount is a word of money for the others
        found |= {each.span() for each in numbers if _is_amount(plain, each, True)}
    yield from sorted(found)


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
    value = float(number)
    if (value < _LEAST and value.is_integer()) or _is_quantity(value, after):
        return False
    if _BEFORE.search(before) or _RATED.match(after) or _VERDICT.match(after):
        return True
    if _CLOCK.fullmatch(number):
        return False
    if _FOR.search(before):
        return not _LASTING.search(before) and not _is_bought(value, before)
    if (only := _ONLY.search(before)) and _SHOWN.match(after):
        return not (only["who"] and _ONESELF.fullmatch(only["who"]))
    if _TO_THE_CENT.fullmatch(number) and _SHOWN.match(after):
        return True
    if (is_priced or _OFFERED.search(plain)) and (
        _IT_IS.search(before) or (_COMMA.search(before) and _ENDS.match(after))
    ):
        return True
    if (_BEGINS.search(before) or _ALONE_BEFORE.search(before)) and _GIVEN.match(after):
        return True
    return bool(_ALONE_BEFORE.search(before) and _ALONE_AFTER.match(after))


def _is_quantity(value: float, after: str) -> bool:
    """Whether the number after "for" is the larger one, and so the amount: "5 for 30"."""
    match = re.match(r" for ([0-9]+)\b(?! ?[a-z])", after)
    return match is not None and float(match[1]) > value


def _is_bought(value: float, before: str) -> bool:
    """Whether the number before "for" is the larger one, and so the amount: "60 for 5"."""
    match = re.search(r"(?<![\w.])([0-9]+) for $", before)
    return match is not None and float(match[1]) > value
