"""A load whose charge is known: fictional conversations of the size that docs/cosmos.md speaks of."""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from chats.enriched import EnrichedConversation
from chats.fan import FanState
from tests.graph.strategies import ACTIONS, START, conversation, tip

CREATOR = "creator"
TOPICS = ("1", "2")
TARGETS = (("question", "1"), ("question", "2"), ("offer_ppv", "1"), ("thanks", "2"))
WINDOW = (datetime.fromtimestamp(START - 10, UTC), datetime.fromtimestamp(START + 10, UTC))


def usual(number: int) -> EnrichedConversation:
    """With 2 topics, 3 actions, 4 targets and a fan of its own; every third led to a tip."""
    outcomes = [tip()] if number % 3 == 0 else []
    node = conversation(f"c{number}:m1", topics=TOPICS, actions=ACTIONS, targets=TARGETS, outcomes=outcomes)
    return replace(node, fan_id=f"f{number}")


def fan(number: int) -> FanState:
    return FanState(f"f{number}", CREATOR, f"c{number}", START, 12.5, 1, START, 0.5, None, START + 60.0)


def conversations(count: int) -> Iterator[EnrichedConversation]:
    return map(usual, range(count))


def fans(count: int) -> Iterator[FanState]:
    return map(fan, range(count))
