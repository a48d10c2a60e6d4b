"""Tables in bulk have every message, conversation and outcome once, and nothing that is deleted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from errors import InvalidInput
from session.bulk import Table
from tests.actors.factories import HOUR
from tests.session.ports import World, bring, raw, say

CREATOR, OTHER = "901", "902"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """20 conversations of fan 41, one of 42, and one of another creator."""
    world = World()
    session = await world.begin()
    tip = raw("b1", 60, fan="42", text="", isTip=True, tipAmount=5)
    await bring(session, *(raw(f"a{n}", 9 * n * HOUR) for n in range(20)), tip)
    await say(session, raw("c1", 0, fan="51", creator=OTHER), creator=OTHER)
    await say(session, raw("a19", 9 * 19 * HOUR, isDeleted=True))
    await world.settle()
    yield world
    await world.kill()


async def rows(world: World, table: Table, creator: str | None, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        part, cursor = await world.session.bulk(table, creator, cursor, limit)
        found += part
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 20, 21, 100])
async def test_every_row_comes_once_however_large_the_parts_are(world: World, limit: int) -> None:
    messages = await rows(world, "messages", CREATOR, limit)
    assert [each["message_id"] for each in messages] == [*(f"a{n}" for n in range(19)), "b1"]
    conversations = await rows(world, "conversations", CREATOR, limit)
    assert [each["conversation_id"] for each in conversations] == [
        *(f"41:a{n}" for n in range(19)),
        "42:b1",
    ]
    assert sum(each["direct_messages"] for each in conversations) == len(messages)


async def test_outcomes_are_those_of_the_conversations(world: World) -> None:
    found = await rows(world, "outcomes", CREATOR, 7)
    tips = [each for each in found if each["type"] == "tip"]
    assert [(each["amount"], each["conversation_id"]) for each in tips] == [(5.0, "42:b1")]


async def test_without_a_creator_all_of_the_user_comes(world: World) -> None:
    messages = await rows(world, "messages", None, 4)
    assert [each["creator_id"] for each in messages if each["message_id"] == "c1"] == [OTHER]
    assert len(messages) == 21


async def test_a_cursor_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.session.bulk("messages", CREATOR, "nonsense", 5)
