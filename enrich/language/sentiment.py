"""Sentiment in the languages beside English that are read, 0 .. 1 as `enrich.sentiment.score` gives it.

Heads on the multilingual encoder read the words, and the lexicon no more than emoji and emoticons: it knows
English alone, in which "die" and "sin" are words. `training.languages` trains the heads.
"""

import re
from collections.abc import Sequence

from chats.message import Direction
from enrich.embedding.embed import MULTILINGUAL
from enrich.embedding.encoded import Vectors
from enrich.embedding.heads import head_of, heads_of
from enrich.sentiment import lexicon
from enrich.sentiment.score import readers, scored

# "xD" is a face, and ":D" has no word of two letters.
_WORDS = re.compile(r"(?!x+d+\b)[^\W\d_]{2,}", re.IGNORECASE)


def sentiment(texts: Sequence[str], directions: Sequence[Direction], logits: Vectors) -> list[float]:
    """The sentiment of each text, 0..1; `logits` are the texts' own by the multilingual encoder.

    EnrichmentError when the head cannot be read.
    """
    by = readers(MULTILINGUAL)
    own = logits[:, heads_of(MULTILINGUAL).columns["sentiment"]].tolist()
    return [
        scored(by[direction].polarity(faces(text), row))
        for text, direction, row in zip(texts, directions, own, strict=True)
    ]


def faces(text: str) -> lexicon.Reading:
    """What the text's emoji and emoticons say."""
    return lexicon.Reading(lexicon.read(_WORDS.sub(" ", text)).polarity, is_turned=False)


def name() -> str:
    """Name and version of what `sentiment` uses."""
    head = head_of("sentiment", MULTILINGUAL)
    return f"{lexicon.NAME}, faces alone + head {head.version}" if head else ""
