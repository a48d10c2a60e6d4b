"""Hard words that are a flirt: "punish me", "that pic is killing me", "you're so bad 😈". Pure.

What tells it from anger is how it is said. The hard thing is asked for oneself ("destroy me"), or it is what
somebody's looks do ("those eyes are killing me"), or it says how much one wants ("i need you so bad"), or it
comes with a playful face.
"""

import re
from collections.abc import Set

WORD = "flirting"  # stands for what was found; `enrich.sentiment.lexicon` gives it its valence

_ROUGH = "punish destroy ruin wreck choke slap whip spank tease tie pin dominate ravage devour degrade"
_HARM = f"{_ROUGH} torture humiliate own use hurt break smash abuse attack discipline torment beat control"
_LOOKS = """
    pic pics picture pictures photo photos vid vids video videos clip clips set sets selfie selfies look looks
    body eyes smile smirk legs thighs ass butt booty lips curves face hips hair abs arms shoulders outfit
    dress lingerie stockings bikini heels tattoo tattoos voice accent tease teases teasing
"""
_DOES = "kill tortur destroy murder end tempt torment ruin wreck slay"
_STRONG = "criminal illegal deadly lethal dangerous unfair"
_WHO = "girl boy thing kitty kitten minx vixen bunny angel princess queen mommy daddy devil woman man slut"

_WARES = (
    "version one ones stuff content side list pic pics photo photos vid vids video videos clip clips set sets"
)

# With a playful face, or in a flirt, these are no anger.
_HARD = """
    evil wicked monster monsters devil devils demon menace naughty filthy dirty dangerous danger trouble cruel
    savage brutal criminal illegal crime wrong mean killer kill kills killing killed deadly lethal die dying
    dead death torture tortures torturing tortured torment suffer suffers suffering destroy destroys
    destroying destroyed ruin ruins ruined wreck wrecked punish punished punishment hurt hurts pain painful
    guilty sinful sinner beast weak slut whore bitch brat shame shameless beg begging struggle struggling
    rough nasty
"""
_PLAYFUL = re.compile(r"[😈🥵🤤🫦👅💦🍑😏😉😜😝😛🥴😻😍🔥😘💋]|\bemoticon(?:wink|tongue|kiss|laugh)\b")
_GROANS = re.compile("[😩😫😭🥺😤]")  # in a flirt they are desire


def _one_of(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


_YOU, _THAT = "(?:you|u|ya)", "(?:that|those|this|these|your|ur)"
_ASKING = (
    rf"(?:please|pls|plz|come|(?:want|need|begging|like|love|let|letting) (?:{_YOU}|her|him)(?: to)?|"
    rf"(?:can|could|will|would|may) {_YOU}(?: please| pls| just)?)"
)
_AFTER = rf"(?:[.!?,;] |\b(?:and|then|just|daddy|mommy|mistress|{_YOU}(?: can|'d| would| could)) )"
_TOLD = r"(?:over|off|so much|when|every|deeply|like i)"  # "hurt me when .." tells, and asks for nothing
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # asked for: "punish me", "can you choke me", "i'd let you ruin my life"; not "they beat me"
        rf"(?:^\W*|\b{_ASKING} ){_one_of(_HARM)} me\b(?! {_TOLD}\b)",
        rf"{_AFTER}{_one_of(_ROUGH)} me\b",
        rf"\b(?:let|want) {_YOU} (?:to )?(?:ruin|destroy|wreck|break|end|kill) my (?:life|night|bed)\b",
        # looks: "those legs are killing me", "you're torturing me with that pic", "that ass is criminal"
        rf"\b{_THAT}(?: \w+)? {_one_of(_LOOKS)}"
        rf"(?: (?:is|are|r|was|were|just|really|literally|gonna|will|be))* {_one_of(_DOES)}\w* me\b",
        rf"\b{_THAT}(?: \w+)? {_one_of(_LOOKS)} (?:is|are|r|should be)(?: \w+)? {_one_of(_STRONG)}\b",
        rf"\b{_one_of(_DOES)}\w* me (?:with|in) (?:{_THAT}|such|all)(?: \w+){{0,2}}? {_one_of(_LOOKS)}\b",
        rf"\b(?:{_YOU}'?re?|ur|{_YOU} are) killing me"
        r"(?=\W*(?:$|emoticon)| (?:babe|baby|here|rn|lol|haha+)\b)",
        r"\bbe(?:en|ing)? the death of me\b",
        r"\bdrop dead(?= (?:gorgeous|sexy|beautiful)\b)",
        # wanted: "i'm dying for you", "i'd die for those lips", "i need you so bad", "mad about you"
        rf"\b(?:dying|die|kill) (?:for|over) (?:{_YOU}|{_THAT}|more|a (?:kiss|taste|hug|date))\b",
        r"\bdying to (?:see|meet|hear|talk|taste|touch|feel|kiss|be|get|know|have|try)\b",
        r"\b(?:want|need|crave|craving|miss|missing|wanting|needing|wanna)\b(?: [\w']+){0,6}?"
        r" (?:so|real|really|that|too)(?: damn| freaking| fucking)? bad(?:ly)?\b",
        r"\bhow bad(?:ly)? i (?:want|need|miss|crave)\b",
        rf"\b(?:have|got|had) it (?:so )?bad for {_YOU}\b",
        rf"\b(?:mad|crazy|insane) (?:about|for|over) {_YOU}\b",
        # played: "naughty girl", "i've been bad", "a good spanking", "i wanna punish you"
        rf"\b(?:bad|filthy|dirty|wicked|evil|nasty) (?:(?:little|lil|sexy) )?{_one_of(_WHO)}\b(?! at\b)",
        rf"\bnaughty\b(?! {_one_of(_WARES)}\b)",
        r"\bspank(?:s|ed|ing|ings)?\b",
        r"\b(?:i|i'?ve|i have|you|you'?ve|we'?ve) been (?:a |so |very |really )*bad\b(?= *(?:$|[^\w\s]))",
        r"\b(?:i|i'd|i'll|gonna|going to|want to|wanna|love to|like to|let me|have to|need to)(?: \w+)?"
        rf" (?:punish|whip|discipline|tease) {_YOU}\b(?! for)",
    )
)
_HARD_WORDS = re.compile(rf"\b{_one_of(_HARD)}\b(?! (?:it|of)\b)", re.IGNORECASE)
_NOT_A_PERSON = """
    at person people liar service video videos experience quality taste day time idea deal news mood
    about joke
"""
_BAD = re.compile(  # of a person, not of a thing or a skill
    r"\b(?:i|i'?m|you|you'?re|ur|u|we|been|being|be|me|such|are|r|am|feeling|feel)"
    r"(?: (?:so|a|very|really|was|are|is|just|too|such|been|being|feeling|get|got))* bad(?:ly)?\b"
    rf"(?! *{_one_of(_NOT_A_PERSON)}\b)",
    re.IGNORECASE,
)
_TRIGGERS = frozenset(
    f"{_HARM} {_HARD} naughty spanked spanking spankings spanks bad badly unfair mad".split()
)
_FLIRT = f" . . . {WORD} "  # out of reach of a negation before it


def softened(text: str, words: Set[str]) -> str:
    """The text with what is a flirt in it as `WORD`, and without the hard words beside it.

    `words` are its words in lower case. A text that is no flirt comes back as it is.
    """
    if _TRIGGERS.isdisjoint(words):
        return text
    said = text
    for pattern in _PATTERNS:
        said = pattern.sub(_FLIRT, said)
    if said != text:
        said = _GROANS.sub(" ", said)
    elif not _PLAYFUL.search(text):
        return text
    return _HARD_WORDS.sub(_FLIRT, _BAD.sub(_FLIRT, said))
