"""Sentiment of a message, 0 (negative) .. 0.5 (neutral) .. 1 (positive): a lexicon blended with examples.

VADER's lexicon knows words, negation and emphasis; this domain's slang and emoji are added, and words that
chat uses without feeling ("please", "free", "drop") are taken down. The examples below catch what no single
word says ("you never write back"): a message leans towards the polarity of the examples its vector is near.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version

import emoji
import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from enrich.embed import PACKAGED, Vectors, embed

NAME = f"vader {version('vaderSentiment')} + examples 1"

_SHARPNESS = 12.0  # of the weights of near examples; higher listens to fewer of them
_GAIN = 1.35  # stretches the examples' mean polarity, which averaging keeps short of the ends
_LEXICON_SHARE = 0.5
_MAX_CHARACTERS = 5_000

_EXAMPLES: Mapping[float, tuple[str, ...]] = {
    1.0: (
        "i love this so much",
        "you are so beautiful, you made my day",
        "omg that was amazing, best one yet",
        "i'm so happy right now",
        "thank you, you're the sweetest",
        "you look incredible tonight",
        "wow just wow, i can't stop looking at you",
        "that made me smile so much",
        "i'm so excited, counting the days",
        "haha you're so funny, i love talking to you",
        "worth every penny, totally recommend",
        "missed you so much, glad you're back",
        "that's awesome news, congrats",
        "you're my favourite, never change",
        "had the best time ever",
        "perfect, exactly what i wanted",
        "this is fire, you killed it",
        "best purchase i made this month",
        "you're sick at this, so talented",
        "not bad at all, pretty good actually",
        "you're stunning, absolutely gorgeous",
        "i feel so good, life is great",
    ),
    -1.0: (
        "i hate this",
        "this is really disappointing",
        "that's a rip off, i want my money back",
        "you never write back to me",
        "i feel ignored and it hurts",
        "i'm so sad and lonely today",
        "terrible quality, not worth it at all",
        "i'm angry, this is not what i paid for",
        "i'm done here, cancelling",
        "had an awful day, everything went wrong",
        "stop spamming me with the same stuff",
        "you only care about money",
        "this is boring, nothing new ever",
        "that felt rude and cold",
        "that's not what we agreed on",
        "i only got half of what i paid for",
        "way too expensive for what it is",
        "the video doesn't work and nobody helps",
        "feels like i'm talking to a bot, fake",
        "i'm fed up with waiting for days",
        "worst one so far, waste of money",
        "my week has been rough, i'm exhausted and stressed",
    ),
    0.0: (
        "what time is it there",
        "i work in an office downtown",
        "how much is it",
        "i'm going to the store later",
        "did you get my message",
        "hey what's up",
        "ok let me check",
        "i will be home at eight",
        "which one do you mean",
        "i have a meeting tomorrow morning",
        "where are you from",
        "can you send it on monday",
        "i watched a show last night",
        "it's raining here",
        "the second one, with the blue background",
        "what do you do for a living",
        "i usually train in the evening",
        "just got back from work",
        "do you have a menu",
        "my sister has two cats",
        "how long is the video",
        "i'll think about it and let you know",
        "what are you up to tonight",
        "making pasta for dinner",
    ),
}

# Words of VADER's lexicon that chat uses without feeling.
_WITHOUT_FEELING = """
    please pls free pay want like ok okay fan play drop drops hard god cut shot shots fight feeling
    share miss missed no matter sure interested well friend party pressure gun natural special number
    top
"""

# Valences from -4 to 4, VADER's scale: what its lexicon lacks or reads differently than fans mean it.
_SLANG: dict[str, float] = {
    **dict.fromkeys(("obsessed", "stunning", "gorgeous", "goddess", "flawless", "unreal", "queen"), 2.6),
    **dict.fromkeys(("fire", "lit", "dope", "goat", "slay", "slayed", "slaps", "banger", "bomb", "ily"), 2.2),
    **dict.fromkeys(("hot", "hottie", "hawt", "cutie", "yum", "yummy", "drooling", "smoking", "epic"), 1.9),
    **dict.fromkeys(("insane", "unbelievable", "speechless", "wow", "omg", "woah", "yay", "congrats"), 1.3),
    **dict.fromkeys(("haha", "hahaha", "lol", "lmao", "damn", "yeah", "yes", "missing", "thx", "ty"), 0.6),
    **dict.fromkeys(("crazy", "dead", "dying", "killer", "wicked", "beast", "bad-ass", "wild"), 0.3),
    **dict.fromkeys(_WITHOUT_FEELING.split(), 0.0),
    **dict.fromkeys(("meh", "mid", "cringe", "pricey", "overpriced", "expensive", "slow", "blurry"), -1.5),
    **dict.fromkeys(("unsub", "unsubscribe", "unsubscribing", "cancelling", "canceling", "refund"), -1.7),
    **dict.fromkeys(("ripoff", "scam", "scammed", "scammer", "bot", "catfish", "ghosted", "clickbait"), -2.4),
    **dict.fromkeys(("ignored", "ignoring", "spam", "spamming", "wtf", "ffs", "smh", "ugh", "trash"), -2.0),
    **dict.fromkeys(("copy-paste", "copypaste", "refunded", "chargeback", "lame", "sucks", "garbage"), -2.0),
}

_EMOJI: dict[str, float] = {
    **dict.fromkeys("😍🥰😘🤩❤💖💕💗💓💘💞💝🧡💛💚💙💜🤍🖤♥", 2.4),
    **dict.fromkeys("🔥💯🥵🤤🙌👏🎉🥳👑✨🏆💪", 1.8),
    **dict.fromkeys("😊😁😄😃😀☺🤗😇😋😎👍👌🙏💋😂🤣😆😻🫶🌹", 1.5),
    **dict.fromkeys("🙂😏😉😜😝😛🤪🙈😅🤭😌✌", 0.4),
    **dict.fromkeys("😐😑🙄😒😕🙁☹😬🤨😴🥱", -1.4),
    **dict.fromkeys("😢😭😞😔😟😩😫😖😣🥺😿", -1.6),
    **dict.fromkeys("😡😠🤬👿🤮🤢👎💔🖕😤💩🗑", -2.6),
}

# Phrases that mean something else than their words: each becomes one word of the lexicon above or beside it.
_PHRASES: tuple[tuple[re.Pattern[str], str, float], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), word, valence)
    for pattern, word, valence in (
        (r"\bcan(?:'?t|not)\s+(?:freaking |even )?wait\b", "cantwait", 2.4),
        (r"\b(?:can'?t|couldn'?t|cannot)\s+stop\s+(?:thinking|looking|watching|smiling)\b", "cantstop", 2.2),
        (r"\b(?:can'?t|cannot)\s+get\s+enough\b", "cantgetenough", 2.4),
        (r"\bcan'?t\s+complain\b", "cantcomplain", 1.0),
        (r"\bno\s+(?:worries|problem|prob|rush|stress|pressure)\b", "noworries", 0.6),
        (r"\b(?:miss|missed|missing)\s+(?:you|u|ya|our|this|talking)\b", "missyou", 1.2),
        (
            r"\b(?:(?:ur|you'?re|you are|u r|u are|thats|that'?s|that is|that was|this is|its|it'?s|looks?|"
            r"so|pretty|looking)(?:\s+(?:so|actually|fucking|freaking|soo+|really))?)\s+sick\b(?!\s+of)",
            "sickslang",
            2.3,
        ),
        (r"\bsick\s+of\b", "sickof", -2.4),
        (r"\bfed\s+up\b", "fedup", -2.4),
        (r"\brip(?:ped)?\s*-?\s*off\b", "ripoff", -2.4),
        (r"\bwaste\s+of\s+(?:money|time)\b", "wasteofmoney", -2.6),
        (r"\b(?:not|isn'?t|wasn'?t|never)\s+worth\b", "notworth", -2.0),
        (r"\bworth\s+(?:it|every)\b", "worthit", 2.0),
        (r"\b(?:kill(?:ed|ing|s)?|nail(?:ed|ing)?|crush(?:ed|ing)?)\s+it\b", "killedit", 2.2),
        (r"\b(?:hell|fuck|fck)\s+(?:yeah|yes|yea)\b", "hellyeah", 2.2),
        (r"\btoo\s+(?:expensive|pricey|much money)\b", "tooexpensive", -1.8),
        (r"\bnever\s+been\s+(?:happier|better|so happy)\b", "neverbetter", 2.6),
        (r"\bno\s+way\b", "noway", 0.0),
        (r"\bdeserve[sd]?\s+(?:it|this|that|every|all|more)\b", "deservesit", 1.4),
        (r"\bto\s+die\s+for\b", "todiefor", 2.4),
        (  # a term of address at the end of a line, not a feeling
            r"(?<!\bin)(?<!\bi)(?<!\bmy)(?<!\ba)(?<!\byou)(?<!\bthe)(?<!\bof)(?<!\bwith)(?<!\bmuch)\s+"
            r"(?:love|dear|sweetie|sweetheart|honey|hun|babe|baby|cutie)(?=\W*$)",
            "endearment",
            0.4,
        ),
        (r"\bnot\s+gonna\s+lie\b|\bngl\b", "ngl", 0.0),
    )
)

# "i'm so sick" is an illness, "ur so sick" is praise: the pattern above may not begin inside this one.
_ILL = re.compile(
    r"\b(?:i'?m|i\s+(?:am|was|feel|got)|feel(?:ing)?|felt|been|getting)\s+(?:so\s+|really\s+|kinda\s+)?sick\b(?!\s+of)",
    re.IGNORECASE,
)

_READABLE = re.compile(r"[A-Za-z]")


def sentiment(texts: Sequence[str], vectors: Vectors, model: str = PACKAGED) -> list[float | None]:
    """The sentiment of each text, 0..1; None where there is nothing these models can read.

    `vectors` are the texts' own by `enrich.embed` with the same `model`, [n, dimension].
    """
    polarity, examples = _examples(model)
    weights = np.exp(_SHARPNESS * (vectors @ examples.T))
    leaning = np.clip(_GAIN * (weights @ polarity) / weights.sum(axis=1), -1.0, 1.0)
    return [
        _blend(_lexicon_polarity(text), float(near)) if _is_readable(text) else None
        for text, near in zip(texts, leaning, strict=True)
    ]


def _blend(words: float, near: float) -> float:
    polarity = _LEXICON_SHARE * words + (1 - _LEXICON_SHARE) * near
    return round(min(1.0, max(0.0, 0.5 + 0.5 * polarity)), 4)


def _is_readable(text: str) -> bool:
    """Latin letters or emoji: the lexicon is English and so are the vectors."""
    return bool(_READABLE.search(text)) or emoji.emoji_count(text[:_MAX_CHARACTERS]) > 0


@lru_cache(maxsize=2)
def _examples(model: str) -> tuple[Vectors, Vectors]:
    """The examples' polarities [n] and vectors [n, dimension]; each polarity weighs the same in total."""
    polarity = [value for value, texts in _EXAMPLES.items() for _ in texts]
    return np.array(polarity, np.float32), embed(
        [text for each in _EXAMPLES.values() for text in each], model
    )


@lru_cache(maxsize=1)
def _vader() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    analyzer.emojis.clear()  # it reads emoji by their names, and 🔥 as a fire
    analyzer.lexicon.update(_SLANG | _EMOJI | {word: valence for _, word, valence in _PHRASES})
    return analyzer


def _lexicon_polarity(text: str) -> float:
    """-1..1 by VADER with this module's slang, phrases and emoji."""
    text = _ILL.sub(" illness ", text[:_MAX_CHARACTERS].replace("’", "'"))
    for pattern, word, _ in _PHRASES:
        text = pattern.sub(f" {word} ", text)
    if not text.isascii():
        text = emoji.replace_emoji(text, lambda chars, _: f" {chars[0]} ")
    return float(_vader().polarity_scores(text)["compound"])
