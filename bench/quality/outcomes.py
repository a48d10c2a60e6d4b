"""Whether the outcomes of the labelled chats are found: the same type, amount, message, and what it follows.

They follow from fields, so this finds a broken reader rather than a hard case. A renewal before the first
message belongs to no conversation, is not attributed, and counts as missed.
"""

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from bench.quality.actions import beside, f1
from bench.quality.score import Score
from bench.quality.truth import LabelledChat, chats
from chats.conversation import cut
from chats.enriched import OutcomeType
from enrich.outcomes import outcomes
from settings import Settings

DATA = "labelled chats"
TYPES: tuple[OutcomeType, ...] = get_args(OutcomeType)

Key = tuple[str, str, float | None, str | None, str | None, float]


def measure() -> list[Score]:
    right, found, true = Counter[str](), Counter[str](), Counter[str]()
    for chat in chats():
        said, labelled = Counter(_found(chat)), Counter(_labelled(chat))
        for counts, own in ((right, said & labelled), (found, said), (true, labelled)):
            counts.update(_by_type(own.elements()))
    whole = (right.total(), found.total(), true.total())
    return [
        Score("outcomes", DATA, "precision", whole[0] / whole[1], whole[1]),
        Score("outcomes", DATA, "recall", whole[0] / whole[2], whole[2]),
        *(
            Score("outcomes", f"{DATA}: {kind}", "F1", f1(*counts), counts[2], beside(*counts))
            for kind in TYPES
            for counts in [(right[kind], found[kind], true[kind])]
        ),
    ]


def _found(chat: LabelledChat) -> Iterable[Key]:
    settings = Settings()
    conversations = cut(chat.as_messages(), gap=settings.conversation_gap, silence=settings.silence_threshold)
    return (
        (chat.chat, each.type, each.amount, each.message_id, each.follows_message_id, each.at)
        for own in outcomes(conversations, chat.as_chat()).values()
        for each in own
    )


def _labelled(chat: LabelledChat) -> Iterable[Key]:
    return (
        (chat.chat, each.type, each.amount, each.message_id, each.follows_message_id, each.at)
        for each in chat.outcomes
    )


def _by_type(keys: Iterable[Key]) -> Counter[str]:
    return Counter(key[1] for key in keys)
