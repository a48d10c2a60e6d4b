"""What models read in a message, kept with it: it is read once in the same context.

Another kind of machine would read it a little otherwise, in the third decimal. So what a message says does
not change when its conversation grows and a worker elsewhere understands it again. Light to import.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chats.enriched import MessageEnrichment

DOUBTED = 0.05  # the greatest probability at which a model takes back what a phrase tells

_MODEL = "model "
_READERS = frozenset(("enrichment", "embedding", "sentiment", "action_head", "actions", "multilingual"))


@dataclass(frozen=True, slots=True)
class Reading:
    """Of one message: its sentiment, and the actions that a model found or doubted with their probabilities.

    They are those of `language` and of what was said before it, of which `after` is a digest (None: it was
    read alone): where one of these comes to be another, the message is read anew.
    """

    sentiment: float | None
    actions: Mapping[str, float]
    language: str | None = None
    after: int | None = None


def reading_of(found: MessageEnrichment) -> Reading | None:
    """What was read in the message; None when one of those failed that read."""
    if not _READERS.isdisjoint(found.failed):
        return None
    evidence = found.action_evidence.items()
    actions = {action: float(by[len(_MODEL) :]) for action, by in evidence if by.startswith(_MODEL)}
    return Reading(found.sentiment, actions, found.language, found.read_after)


def evidence_of(probability: float) -> str:
    """How an action's evidence says what a model found."""
    return f"{_MODEL}{probability:.2f}"


def is_doubted(evidence: str) -> bool:
    """Whether it says that a model took back what a phrase had told."""
    return evidence.startswith(_MODEL) and float(evidence[len(_MODEL) :]) <= DOUBTED
