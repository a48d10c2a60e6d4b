"""Windows: neighbouring messages of a conversation, long enough to be about something. Pure.

Single chat messages are too short to model topics on; about forty words are enough. A window never crosses a
conversation, so a conversation's windows do not depend on any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chats.conversation import Conversation
from chats.message import Message
from enrich.embedding.encoded import Vectors

_WORDS = 40
_SHORTEST = 15  # a shorter rest joins the window before it


@dataclass(frozen=True, slots=True)
class Window:
    """A document of the topic model. `rows` are its messages' positions among those that have text."""

    conversation_id: str
    chat_id: str
    rows: range
    text: str
    by_fan: bool  # whether the fan says something in it


def windows(conversation: Conversation) -> list[Window]:
    """The conversation's windows, in order; every message with text is in exactly one."""
    said = spoken(conversation)
    cuts, words = [0], 0
    for row, message in enumerate(said):
        if words >= _WORDS:
            cuts.append(row)
            words = 0
        words += count_words(message.text)
    if len(cuts) > 1 and words < _SHORTEST:
        cuts.pop()
    return [
        Window(
            conversation_id=conversation.id,
            chat_id=conversation.chat_id,
            rows=range(start, end),
            text=" ".join(message.text for message in said[start:end]),
            by_fan=any(message.direction == "fan" for message in said[start:end]),
        )
        for start, end in zip(cuts, [*cuts[1:], len(said)], strict=True)
        if start < end
    ]


def spoken(conversation: Conversation) -> list[Message]:
    """The conversation's messages that have text."""
    return [message for message in conversation.messages if message.text.strip()]


def count_words(text: str) -> int:
    return len(text.split())


def window_vectors(sizes: Sequence[int], vectors: Vectors, words: NDArray[np.int64]) -> Vectors:
    """The word-weighted mean of each window's text vectors, renormalised: [len(sizes), dimension].

    `vectors` [n, dimension] and `words` [n] are those of the texts, window by window; `sizes` says how many
    of them each window has.
    """
    means = np.zeros((len(sizes), vectors.shape[1]), np.float32)
    start = 0
    for row, size in enumerate(sizes):
        here = slice(start, start := start + size)
        means[row] = words[here].astype(np.float32) @ vectors[here]
    return unit(means)


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled
