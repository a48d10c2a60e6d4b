"""An export has all that is kept of whom it is, once each, and nothing of anybody else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import InvalidInput
from tests.actors.factories import HOUR
from tests.session.ports import World, bring, raw, say

CREATOR, OTHER = "901", "902"


async def lines(world: World, creator: str | None, id: str | None, limit: int = 3) -> list[dict[str, Any]]:
    found: list[bytes] = []
    cursor: str | None = None
    while True:
        part, cursor = await world.session.export(creator, id, cursor, limit)
        assert part.count(b"\n") <= 2 * limit + 2
        found += part.splitlines()
        if cursor is None:
            return [orjson.loads(line) for line in found]


def ids(found: list[dict[str, Any]], kind: str = "message") -> list[str]:
    return [line["key"] if kind == "held" else line["id"] for line in found if line["type"] == kind]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    session = await world.begin()
    await bring(session, *(raw(f"a{n}", n * HOUR) for n in range(20)), raw("b1", 60, fan="42"))
    await say(session, raw("c1", 0, fan="51", creator=OTHER), creator=OTHER)
    await say(
        session, raw("h1", 0, text="held", createdAt="never"), raw("h2", 0, fan="42", createdAt="never")
    )
    await world.settle()
    yield world
    await world.kill()


async def test_of_a_fan_everything_comes_and_nothing_of_others(world: World) -> None:
    found = await lines(world, CREATOR, "41")
    assert ids(found) == [f"a{n}" for n in range(20)]
    assert ids(found, "chat") == ["41"]
    assert {line["chat_id"] for line in found if line["type"] != "held"} == {"41"}
    assert [line["received"]["id"] for line in found if line["type"] == "held"] == ["h1"]
    conversations = [line for line in found if line["type"] == "conversation"]
    expected = world.parts.history.look(CREATOR, "41")
    assert expected is not None
    assert [each["id"] for each in conversations] == list(expected.nodes)
    message = next(line for line in found if line["type"] == "message")
    assert message["received"]["text"] == "text of a0"
    assert message["received"]["enrichment"] is not None


async def test_of_an_account_and_of_the_user_all_chats_come(world: World) -> None:
    account = await lines(world, CREATOR, None)
    assert ids(account) == [*(f"a{n}" for n in range(20)), "b1"]
    assert len(ids(account, "held")) == 2
    user = await lines(world, None, None, limit=100)
    assert ids(user) == [*ids(account), "c1"]


async def test_what_is_deleted_is_kept_and_so_it_is_in_the_export(world: World) -> None:
    await say(world.session, raw("a19", 19 * HOUR, isDeleted=True))
    await world.settle()
    assert "a19" in ids(await lines(world, CREATOR, "41"))


async def test_what_is_there_all_the_while_comes_once_whatever_comes_beside_it(world: World) -> None:
    part, cursor = await world.session.export(CREATOR, None, None, 5)
    await say(world.session, raw("a3x", 3 * HOUR + 1), raw("a9x", 9 * HOUR + 1), raw("zz", 0, fan="30"))
    await world.settle()
    found = part.splitlines()
    while cursor is not None:
        part, cursor = await world.session.export(CREATOR, None, cursor, 5)
        found += part.splitlines()
    got = ids([orjson.loads(line) for line in found])
    assert [id for id in got if "x" not in id] == [*(f"a{n}" for n in range(20)), "b1"]
    assert len(got) == len(set(got))


@pytest.mark.parametrize("cursor", ["", "x", "bm90IG91cnM=", "W10="])
async def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        await world.session.export(None, None, cursor, 5)


async def test_of_somebody_unknown_there_is_nothing(world: World) -> None:
    assert await lines(world, CREATOR, "nobody") == []


times = st.lists(
    st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=400, unique_by=lambda t: t[0]
)


@settings(max_examples=20, deadline=None)
@given(times, st.integers(1, 60))
def test_every_message_of_a_long_chat_comes_once_and_in_order(
    said: list[tuple[int, bool]], limit: int
) -> None:
    async def check() -> None:
        world = World()
        session = await world.begin()
        told = [raw(f"m{n}", n * 1800, isDeleted=is_deleted) for n, is_deleted in said]
        await bring(session, *told)
        await world.settle()
        for key in list(session.owner.parts.history.keys()):
            session.owner.parts.history.close(key)
        found = ids(await lines(world, CREATOR, "41", limit))
        assert found == [f"m{n}" for n, _ in sorted(said)]
        await world.kill()

    asyncio.run(check())
