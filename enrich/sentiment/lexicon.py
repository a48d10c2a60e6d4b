"""Polarity of a message from its words and emoji, -1 (negative) .. 0 (neutral) .. 1 (positive).

VADER knows words, negation and emphasis. Here its lexicon is fitted to this domain: slang and emoji are
added, words that chat uses without feeling ("please", "free", "drop") are taken out, and phrases that mean
something else than their words are read as one word. English alone; a pure function of the text.
"""

import re
import string
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

import emoji
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from enrich.sentiment import flirt

NAME = f"vader {version('vaderSentiment')} + slang 4"

_MAX_CHARACTERS = 1_000  # VADER is quadratic, and the vector beside it reads no more either
_CACHE_SIZE = 8_192  # texts: mass messages and short answers repeat

# Words of VADER's lexicon that chat uses without feeling. 0 would not do: "so free" would still be boosted.
_WITHOUT_FEELING = """
    ass certain certainly challenge clear clearly cut demand dirty drop drops fan fight free fuck god gun hard
    hell leave like likes limited matter mature no number offline ok okay pay play playing please pls pressure
    serious seriously share shared shot shots shy slut stop straight sure true want wants yeah yep yes
"""
# ... and with less of it than VADER thinks.
_WITH_LITTLE = """
    active bonus care dear easy energy fresh friend gift gifts help helped helping helps honest honestly hope
    important interest interested natural original party popular promise ready reward save secure special
    strong top trust value warm well win wish
"""

# Valences from -4 to 4, VADER's scale: what its lexicon lacks or reads differently than fans mean it.
_SLANG: dict[str, float] = {
    **dict.fromkeys(("obsessed", "stunning", "gorgeous", "goddess", "flawless", "unreal", "queen"), 2.6),
    **dict.fromkeys(("fire", "lit", "dope", "goat", "slay", "slayed", "slaps", "banger", "bomb", "ily"), 2.2),
    **dict.fromkeys(("hot", "hottie", "hawt", "cutie", "yum", "yummy", "drooling", "smoking", "epic"), 1.9),
    **dict.fromkeys(("beaut", "favourite", "fav", "fave", "luv", "lovin", "iconic", "hyped", "pumped"), 1.9),
    **dict.fromkeys(("insane", "unbelievable", "speechless", "wow", "omg", "woah", "yay", "congrats"), 1.3),
    **dict.fromkeys(("addicted", "craving", "spoil", "spoiled", "tysm", "welcome", "cool", "xoxo"), 1.1),
    **dict.fromkeys(("haha", "hahaha", "lol", "lmao", "damn", "thx", "ty", *_WITH_LITTLE.split()), 0.7),
    **dict.fromkeys(("crazy", "dead", "dying", "killer", "wicked", "beast", "wild", "tease", "treat"), 0.4),
    **dict.fromkeys(("cry", "crying", "missing", "meh", "mid", "slow", "blurry", "nah"), -1.0),
    **dict.fromkeys(("cringe", "pricey", "overpriced", "expensive", "shit", "bitch", "gutted"), -1.5),
    **dict.fromkeys(("unsub", "unsubscribe", "unsubscribing", "cancelling", "canceling", "refund"), -1.7),
    **dict.fromkeys(("ignored", "ignoring", "spam", "spamming", "wtf", "ffs", "smh", "ugh", "trash"), -2.0),
    **dict.fromkeys(("copy-paste", "copypaste", "refunded", "chargeback", "lame", "sucks", "garbage"), -2.0),
    **dict.fromkeys(("ripoff", "scam", "scammed", "scammer", "bot", "catfish", "ghosted", "clickbait"), -2.4),
}

_EMOJI: dict[str, float] = {
    **dict.fromkeys("😍🥰🤩❤💖💕💗💓💘💞💝🧡💛💚💙💜🤍🖤🤎♥❣", 2.4),
    **dict.fromkeys("🔥💯🥵🤤🙌👏🎉🥳👑✨🏆😻", 1.8),
    **dict.fromkeys("😁😄😃😀🤗👍👌😂🤣😆🫶💐⭐🌟", 1.4),
    **dict.fromkeys("😘💋😊☺🙏😇😋😎💪🌹", 1.0),  # also said at the end of anything
    **dict.fromkeys("🙂😏😉😜😝😛🤪🙈😅🤭😌✌😈🤯💦🍑", 0.4),
    **dict.fromkeys("😭🙃🥲😥", -0.7),
    **dict.fromkeys("😐😑🙄😒😕🙁☹😬🤨😴🥱🤦🚩🥀", -1.4),
    **dict.fromkeys("😢😞😔😟😩😫😖😣😿", -1.8),
    **dict.fromkeys("😡😠🤬👿🤮🤢👎💔🖕😤💩🗑", -2.6),
}

# Emoticons, with mouths of any length: (pattern, the word that stands for it, its valence).
_EMOTICONS: tuple[tuple[str, str, float], ...] = (
    (r"[>}][:=][-']?[(\[]+", "emoticonangry", -2.6),
    (r"[:=]['`´][-o]?[(\[]+|\bT[_.]+T", "emoticoncrying", -2.2),
    (r"[:=]['`´]-?[)\]]+", "emoticontearsofjoy", 1.4),
    (r"[:=;][-o^]?[(\[]+|(?<!\S)[)\]]+-?[:=](?!\S)", "emoticonsad", -1.9),
    (r"[:=][-o^]?[/\\|]+|(?<!\S)-[_.]+-", "emoticonmeh", -1.4),
    (r"</3+", "emoticonbrokenheart", -2.6),
    (r"<3+", "emoticonheart", 2.4),
    (r"[:=]-?\*+", "emoticonkiss", 1.6),
    (r";[-o^]?(?:[)\]]+|D)", "emoticonwink", 1.2),
    (r"[:=;][-o^]?[pP]+", "emoticontongue", 1.2),
    (r":-?3|(?<!\S)\^[_.-]*\^", "emoticonblush", 1.2),
    (r"[:=]-?D+|\b[xX]D+|\bxd+", "emoticonlaugh", 2.3),
    (r"[:=][-o^]?[)\]}]+|(?<!\S)[(\[]+-?[:=](?!\S)", "emoticonsmile", 2.0),
)
_EMOTICON = re.compile(  # none inside a time, a price or a link
    rf"(?<![\d:/])(?:{'|'.join(f'({pattern})' for pattern, _, _ in _EMOTICONS)})"
    r"(?:(?![\w/])|(?<=<3)(?=[a-z]))"
)

# Phrases that mean something else than their words: (words of which every match has one, pattern, the word
# that stands for it, its valence). 0: it means nothing, and what it is made of must not count either.
# From _IDIOM on it is an idiom: "sick at this" is praise, whatever a model of its words believes.
_IDIOM = 1.0
_FLIRT = 1.2
_PHRASES: tuple[tuple[str, str, str, float], ...] = (
    (
        "sick",
        r"\b(?:i'?m|i (?:am|was|feel|got)|feel(?:ing)?|felt|been|getting)"
        r"(?: so| really| kinda)? sick\b(?! of)",
        "illness",
        -1.6,
    ),
    ("sick tired", r"\b(?:sick|tired) of\b", "sickof", -2.4),
    (
        "sick",
        r"\b(?:ur|you'?re|u r|are|that'?s|is|was|it'?s|looks?|so|pretty|looking)"
        r"(?: so+| actually| fucking| freaking| really)? sick\b",
        "sickslang",
        2.3,
    ),
    ("wait", r"\bcan(?:'?t|not) (?:freaking |even )?wait\b", "cantwait", 2.4),
    ("stop", r"\b(?:can'?t|couldn'?t|cannot) stop (?:thinking|looking|watching|smiling)\b", "cantstop", 2.2),
    ("enough", r"\b(?:can'?t|cannot) get enough\b", "cantgetenough", 2.4),
    ("regret regrets", r"\b(?:don'?t regret|no regrets?|zero regrets?)\b", "noregrets", 1.5),
    ("bad", r"\b(?:not|isn'?t|wasn'?t|weren'?t)(?: too| that| so)? bad\b", "notbad", 1.5),
    ("complain complaints", r"\b(?:can'?t complain|no complaints)\b", "cantcomplain", 1.2),
    ("believe", r"\b(?:can'?t|cannot|couldn'?t) believe\b", "cantbelieve", 0.0),
    (
        "worries problem prob rush stress pressure",
        r"\bno (?:worries|problem|prob|rush|stress|pressure)\b",
        "noworries",
        0.6,
    ),
    (
        "miss missed missing",
        r"(?<!you )\b(?:miss|missed|missing) (?:you|u|ya|your|our|this|talking)\b",
        "missyou",
        1.2,
    ),
    ("fed", r"\bfed up\b", "fedup", -2.4),
    ("rip ripped rip-off", r"\brip(?:ped)?(?: me)?[ -]?off\b", "ripoff", -2.4),
    ("waste", r"\bwaste of (?:my )?(?:money|time)\b", "wasteofmoney", -2.6),
    ("worth", r"\b(?:not|isn'?t|wasn'?t|never)(?: even| really)? worth\b", "notworth", -2.0),
    ("worth", r"\bworth (?:it|every)\b", "worthit", 2.0),
    (
        "kill killed killing kills nail nailed nailing crush crushed crushing",
        r"\b(?:kill(?:ed|ing|s)?|nail(?:ed|ing)?|crush(?:ed|ing)?) it\b",
        "killedit",
        2.2,
    ),
    ("yeah yes yea", r"\b(?:hell|fuck|fck) (?:yeah|yes|yea)\b", "hellyeah", 2.2),
    (
        "fuck fck",
        r"(?<!to )(?<!wanna )(?<!would )(?<!i )(?<!can )\bf(?:uc|c)k (?:you|u|off|this)\b",
        "fuckoff",
        -3.0,
    ),
    ("too", r"\btoo (?:expensive|pricey|steep|much money)\b", "tooexpensive", -1.8),
    ("never", r"\bnever been (?:happier|better|so happy)\b", "neverbetter", 2.6),
    ("never", r"\bnever again\b", "neveragain", -2.0),
    ("down", r"\b(?:let|lets|letting) (?:me |us )?down\b", "letdown", -2.2),
    ("different", r"\bhits? different\b", "hitsdifferent", 1.8),
    ("bad", r"\bbad bitch\b", "badbitch", 0.5),
    (
        "like liked",
        r"\b(?:don'?t|didn'?t|doesn'?t|not)(?: really| even)? liked?\b(?! that\b)",
        "dontlike",
        -1.6,
    ),
    ("like liked", r"\b(?:i|we)(?: really| actually| rly)? liked?\b", "ilike", 0.9),
    ("deserve deserves deserved", r"\bdeserve[sd]? (?:it|this|that|every|all|more)\b", "deservesit", 1.4),
    ("die", r"\bto die for\b", "todiefor", 2.4),
    ("dying dead", r"\b(?:dying|dead) inside\b", "deadinside", -2.2),
    ("way", r"\bno way\b", "noway", 0.0),
    ("lie ngl", r"\bnot gonna lie\b|\bngl\b", "ngl", 0.0),
    (  # a term of address at the end of a line, not a feeling
        "love dear sweetie sweetheart honey hun babe baby cutie",
        r"(?<!\bin)(?<!\bi)(?<!\bmy)(?<!\ba)(?<!\byou)(?<!\bthe)(?<!\bof)(?<!\bwith)(?<!\bmuch)"
        r"(?<!\bthis)(?<!\bit) (?:love|dear|sweetie|sweetheart|honey|hun|babe|baby|cutie)"
        r"(?=(?:\W|\bemoticon[a-z]+)*$)",
        "endearment",
        0.4,
    ),
)
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), f" {word} ", abs(valence) >= _IDIOM)
    for _, pattern, word, valence in _PHRASES
)
_BY_WORD: dict[str, list[int]] = {}  # rows of _PATTERNS, so that a text is searched for few of them
for _row, (_words_of_row, *_) in enumerate(_PHRASES):
    for _word in _words_of_row.split():
        _BY_WORD.setdefault(_word, []).append(_row)

_EMOTICON_NAME = re.compile(r"\bemoticon[a-z]+")
_RUN = re.compile(r"([A-Za-z])\1\1+")
_LATIN = re.compile(r"[A-Za-z]")
_SYMBOLS = re.compile("[\u200d\u203c\u2049\u2122-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff]+")
_BESIDES = str.maketrans(dict.fromkeys("\u200d\ufe0f🏻🏼🏽🏾🏿"))


def is_readable(text: str) -> bool:
    """Whether there are Latin letters, emoji or emoticons in what `read` reads of the text.

    Of anything else this lexicon knows nothing.
    """
    text = text[:_MAX_CHARACTERS]
    return _has_words(text) or _EMOTICON.search(text) is not None


def _has_words(text: str) -> bool:
    return _LATIN.search(text) is not None or any(each in emoji.EMOJI_DATA for each in text)


class Reading(NamedTuple):
    polarity: float  # -1..1
    is_turned: bool  # by an idiom or a flirt: what it says is not what its words say


@lru_cache(_CACHE_SIZE)
def read(text: str) -> Reading:
    """The polarity of the text's first thousand characters; 0 without a word or emoji of the lexicon."""
    text = " ".join(text[:_MAX_CHARACTERS].replace("’", "'").split())
    text, emoticons = _EMOTICON.subn(_named, text)
    only_emoticons = emoticons > 0 and not _has_words(_EMOTICON_NAME.sub("", text))
    if not text.isascii():
        text = _SYMBOLS.sub(_apart, text)
    if _RUN.search(text):
        text = " ".join(_shortened(word) if _RUN.search(word) else word for word in text.split(" "))
    words = _words(text)
    said = flirt.softened(text, words)
    is_turned = said != text or only_emoticons
    if is_turned:
        text, words = said, _words(said)
    if rows := {row for word in words & _BY_WORD.keys() for row in _BY_WORD[word]}:
        for row in sorted(rows):
            pattern, word, is_idiom = _PATTERNS[row]
            text, found = pattern.subn(word, text)
            is_turned |= is_idiom and found > 0
        words = _words(text)
    vader = _vader()
    if vader.lexicon.keys().isdisjoint(words):
        return Reading(0.0, False)  # what VADER would say, and most of chat
    polarity = float(vader.polarity_scores(text)["compound"])
    return Reading(polarity, polarity != 0 and is_turned)


def _words(text: str) -> set[str]:
    """Every word VADER may look up: with the punctuation around it, for emoticons, and without."""
    raw = text.lower().split()
    return {*raw, *[word.strip(string.punctuation) for word in raw if not word.isalpha()]}


def _named(found: re.Match[str]) -> str:
    """An emoticon by its word, out of reach as an emoji is."""
    return f" . . . {_EMOTICONS[(found.lastindex or 1) - 1][1]} "


def _apart(found: re.Match[str]) -> str:
    """Emoji as words, out of reach of the words before them: in "don't go 😢" nobody negates the tear."""
    return f" . . . {' '.join(found[0].translate(_BESIDES))} "


def _shortened(word: str) -> str:
    """ "loooove" as "love", "goood" as "good": the spelling the lexicon has."""
    twice = _RUN.sub(r"\1\1", word)
    return twice if twice.lower().strip(string.punctuation) in _vader().lexicon else _RUN.sub(r"\1", word)


@lru_cache(maxsize=1)
def _vader() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    analyzer.emojis.clear()  # it reads emoji by their names, and 🔥 as a fire
    analyzer.lexicon.update(_SLANG | _EMOJI | {word: valence for _, _, word, valence in _PHRASES if valence})
    analyzer.lexicon.update({word: valence for _, word, valence in _EMOTICONS} | {flirt.WORD: _FLIRT})
    for word in _WITHOUT_FEELING.split():
        analyzer.lexicon.pop(word, None)
    return analyzer
