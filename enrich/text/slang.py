"""How fans write: their spellings of the words that the rules of `enrich.actions.seen` look for. Pure.

`canonical(token)` gives one spelling for many: slang, missing apostrophes, drawn-out letters, two letters
swapped, one letter left out. A sum of money is MONEY, the end of a line a full stop.
"""

import re
from functools import lru_cache

# canonical: spellings
_SPELLINGS = """
    you: u ya yu yew yaself
    your: ur yur youre-own
    you're: youre
    are: r
    why: y
    i'm: im
    i've: ive
    i'd: id
    don't: dont dnt
    doesn't: doesnt
    didn't: didnt
    won't: wont
    can't: cant cannot
    couldn't: couldnt
    wouldn't: wouldnt
    shouldn't: shouldnt
    isn't: isnt
    wasn't: wasnt
    aren't: arent
    ain't: aint
    haven't: havent
    hasn't: hasnt
    what's: whats wats wat's
    what: wat wut wht
    that's: thats dats
    it's: its
    how's: hows
    where's: wheres
    who's: whos
    there's: theres
    going to: gonna gunna goin2
    want to: wanna
    got to: gotta
    give me: gimme
    let me: lemme
    kind of: kinda
    sort of: sorta
    don't know: dunno
    i don't know: idk
    please: pls plz pleas plse plss
    with: wit w
    thanks: thx thnx thanx tnx tks ty tyvm tysm tyty thankyou thanku thnks tanks
    how much: howmuch howmch hwmuch
    how are you: hru hyd
    what are you doing: wyd wud
    where are you: wya
    what do you mean: wdym wym
    what about you: wbu hbu
    good morning: gm gmorning g'morning mornin goodmorning
    what's up: wassup wasup whatsup wazzup sup
    right now: rn
    probably: prob probs prolly
    let down: letdown
    at the moment: atm
    really: rly rlly realy
    because: cuz coz bc cos cause
    something: smth sth sumthing somethin
    someone: some1
    anyone: any1
    before: b4
    tonight: tonite 2nite tn
    love: luv
    message: msg dm
    messages: msgs dms
    video: vid vids videos clip clips vidz vdeo vidoe
    photo: photos pic pics picture pictures pix pict picz image images
    custom: customs costum costom
    sub: subs subscription subscriptions subscribtion membership
    unsub: unsubs unsubbed unsubbing unsubscribe unsubscribed unsubscribing
    cancel: cancels cancelled canceled cancelling canceling cancell cancellation
    renew: renews renewing renewed renewal rebill rebills resub resubbing resubscribe rejoin autorenew
    pricey: pricy expensive expansive expensiv steep
    overpriced: over-priced
    discount: discounts discont
    price: prices pricing prise
    cost: costs
    rate: rates
    menu: menus
    refund: refunds refunded refunding
    scam: scams scammed scammer scamming
    much: mcuh muhc mch mutch
    i'll: ill
    reply: replies replied replying
    answer: answers answered answering
    respond: responds responded responding response responses
    bucks: buck dollars dollar usd quid euros euro eur gbp
    leaving: leavin
    annoying: annoyed annoys
    disappointed: disappointing disapointed disapointing dissapointed dissapointing disappointment
    frustrated: frustrating frustration
    apologise: apologize apologies apology
    hey: heya heyo ayo
    hi: hiya hai hii
    hello: helo hallo hullo
"""
# Also met with two letters swapped or one left out.
_LONG = """
    price custom customs thanks thank discount expensive afford cancel subscription unsubscribe refund renew
    cheaper charge morning hello leaving disappointed video videos unlock bundle exclusive upgrade overpriced
    message messages reply answer charged
"""
# Words of the rules that have one spelling, so that drawn-out letters find them.
_PLAIN = """
    much too so how what who where when way off end yo howdy hola no not never stop broke thank sorry
    please free deal sale vip bundle cheap cheaper sick rude spam fake joke done leave stay bye good
    evening sry
"""

_SUM = re.compile(r"[$€£] ?[0-9]\S*|[0-9]\S* ?[$€£]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def _spellings() -> dict[str, str]:
    known: dict[str, str] = {}
    for line in _SPELLINGS.strip().splitlines():
        word, _, others = line.strip().partition(": ")
        known |= dict.fromkeys(others.split(), word)
    return known


def _misspelled(word: str) -> set[str]:
    swaps = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)}
    drops = {word[:i] + word[i + 1 :] for i in range(1, len(word))} if len(word) > 6 else set[str]()
    return swaps | drops


_KNOWN = _spellings() | {"\n": "."}
PHRASES = frozenset(value for value in _KNOWN.values() if " " in value)  # several words from one
_SELF = {word for word in _KNOWN.values() if " " not in word} | set(_PLAIN.split()) | set(_LONG.split())
_TYPOS = {
    typo: _KNOWN.get(word, word)
    for word in _LONG.split()
    for typo in sorted(_misspelled(word))
    if typo not in _KNOWN and typo not in _SELF
}


@lru_cache(maxsize=50_000)
def canonical(token: str) -> str:
    """The word or words that `token` (lower case, at most a few dozen characters) stands for."""
    if _SUM.fullmatch(token):
        return "MONEY"
    found = _meaning(token)
    if found is None and len(token) > 2 and token[-1] == token[-2]:
        once = _DRAWN_OUT.sub(r"\1", token)
        twice = _DRAWN_OUT.sub(r"\1\1", token)
        for shorter in (once, once.rstrip(once[-1]) + once[-1], twice):
            if (found := _meaning(shorter)) is not None:
                return found
    elif found is None and _DRAWN_OUT.search(token):
        return _meaning(_DRAWN_OUT.sub(r"\1", token)) or token
    return token if found is None else found


def _meaning(token: str) -> str | None:
    return _KNOWN.get(token) or _TYPOS.get(token) or (token if token in _SELF else None)
