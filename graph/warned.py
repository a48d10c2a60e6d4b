"""What a fan said in a conversation that may come before leaving, as the text that its vertex has. Pure.

Each kind that was seen comes with how often, such as `churn_intent=1,complaint=2`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from chats.enriched import ActionUse

WARNINGS: Final = ("price_objection", "complaint", "churn_intent")


def warnings_text(actions: Iterable[ActionUse]) -> str:
    """The fan's actions that warn as text; empty when there are none."""
    counts: Counter[str] = Counter()
    for each in actions:
        if each.direction == "fan" and each.type in WARNINGS:
            counts[each.type] += each.count
    return ",".join(f"{type}={count}" for type, count in sorted(counts.items()))


def read_warnings(text: str) -> dict[str, int]:
    """How often each kind was seen, from a text that `warnings_text` made."""
    pairs = (each.split("=") for each in text.split(",")) if text else ()
    return {type: int(count) for type, count in pairs}
