import re
from typing import Any

import pytest

from graph.traversals import (
    ACTIONS,
    CONVERSATIONS,
    CREATORS,
    FANS,
    OUTCOMES,
    TOPIC_LINKS,
    ActionRow,
    ConversationRow,
    FanRow,
    OutcomeRow,
    TopicLinkRow,
    Traversal,
)

IN_A_PARTITION: list[tuple[Traversal, Any]] = [
    (CONVERSATIONS, ConversationRow),
    (TOPIC_LINKS, TopicLinkRow),
    (ACTIONS, ActionRow),
    (OUTCOMES, OutcomeRow),
    (FANS, FanRow),
]


@pytest.mark.parametrize(("traversal", "row"), IN_A_PARTITION)
def test_every_traversal_keeps_to_one_partition(traversal: Traversal, row: Any) -> None:
    for text in (traversal.all_users, traversal.one_user):
        assert text.count(".V()") == 1
        assert '.has("pk", P.eq(pk))' in text


@pytest.mark.parametrize("traversal", [*(each for each, _ in IN_A_PARTITION), CREATORS])
def test_only_the_text_for_one_user_names_the_user(traversal: Traversal) -> None:
    assert "user_id" not in traversal.all_users
    assert '.has("userId", P.eq(user_id))' in traversal.one_user


@pytest.mark.parametrize(("traversal", "row"), IN_A_PARTITION)
def test_every_row_has_the_fields_of_its_type(traversal: Traversal, row: Any) -> None:
    projected = re.search(r"project\(([^)]*)\)", traversal.all_users)
    assert projected
    assert re.findall(r'"(\w+)"', projected[1]) == list(row.__annotations__)


def test_a_user_is_bound_only_when_given() -> None:
    assert FANS.bind(None, pk="c1") == (FANS.all_users, {"pk": "c1"})
    assert FANS.bind("u1", pk="c1") == (FANS.one_user, {"pk": "c1", "user_id": "u1"})
