import re
from typing import Any

import pytest

from graph.traversals import (
    ACTIONS,
    ACTIVITY,
    CONVERSATION_COUNT,
    CONVERSATIONS,
    DISCUSSED,
    FAN_CONVERSATIONS,
    FANS,
    OFFERED,
    OUTCOMES,
    PROFILES,
    SALES,
    TARGETS,
    TOPIC_LINKS,
    USED,
    ActionRow,
    ActivityRow,
    ConversationRow,
    DiscussedRow,
    FanConversationRow,
    FanRow,
    OfferedRow,
    OutcomeRow,
    ProfileRow,
    SaleRow,
    TargetRow,
    TopicLinkRow,
    UsedRow,
)

ROWS: list[tuple[str, Any]] = [
    (CONVERSATIONS, ConversationRow),
    (TOPIC_LINKS, TopicLinkRow),
    (ACTIONS, ActionRow),
    (OUTCOMES, OutcomeRow),
    (FANS, FanRow),
    (FAN_CONVERSATIONS, FanConversationRow),
    (DISCUSSED, DiscussedRow),
    (USED, UsedRow),
    (TARGETS, TargetRow),
    (SALES, SaleRow),
    (OFFERED, OfferedRow),
    (ACTIVITY, ActivityRow),
    (PROFILES, ProfileRow),
]


@pytest.mark.parametrize("traversal", [*(text for text, _ in ROWS), CONVERSATION_COUNT])
def test_every_traversal_keeps_to_one_partition(traversal: str) -> None:
    assert traversal.count(".V()") == 1
    assert traversal.startswith('g.V().has("pk", pk).')


@pytest.mark.parametrize(("traversal", "row"), ROWS)
def test_every_row_has_the_fields_of_its_type(traversal: str, row: Any) -> None:
    projected = re.search(r"project\(([^)]*)\)", traversal)
    assert projected
    assert re.findall(r'"(\w+)"', projected[1]) == list(row.__annotations__)
