"""What an owner tells those who are shown no names: the same numbers, and nothing that tells who it was."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from session.pages import START, Extent, Said
from tests.session.ports import World, bring, raw, say

CREATOR, FAN = "901", "41"
USER = {"id": FAN, "name": "Robin Falk", "username": "robin_f", "avatar": "https://pictures.example/r.jpg"}
WORDS = ("Robin", "Falk", "robin_f", "pictures.example", "0612345678", "no time", "picture of me")
SAID: dict[str, Any] = {
    "fromUser": USER,
    "text": "Robin Falk here, call 0612345678",
    "title": "picture of me",
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    session = await world.begin()
    await bring(session, *(raw(f"a{n}", 60 * n, **SAID) for n in range(3)))
    await say(session, raw("h1", 0, text="no time", createdAt="never"))
    await world.settle()
    yield world
    await world.kill()


def unnamed(json: bytes) -> Any:
    text = json.decode()
    assert [word for word in WORDS if word in text] == []
    assert "Fan " in text
    assert "[name] here, call [number]" in text
    return orjson.loads(json)


async def test_a_full_sync_and_the_chats_of_a_page_name_nobody(world: World) -> None:
    session = world.session
    *_, plain = await session.full_sync(CREATOR)
    *_, masked = await session.full_sync(CREATOR, Extent(START.chats, START.messages, mask=True))
    [with_names], [without] = orjson.loads(plain)["conversations"], unnamed(masked)["conversations"]
    assert "Robin" in str(with_names)
    own = {"messages", "withUser"}
    assert {k: v for k, v in without.items() if k not in own} == {
        k: v for k, v in with_names.items() if k not in own
    }
    assert [each["id"] for each in without["messages"]] == [each["id"] for each in with_names["messages"]]
    some = unnamed(await session.get_shown_chats(CREATOR, "latest", 10, 0, 30, mask=True))
    assert some["conversations"] == [without]
    page = unnamed(await session.get_shown_messages(FAN, CREATOR, "a2", 10, mask=True))
    assert page["messages"] == without["messages"][:2]


async def test_a_live_message_that_was_sent_is_told_masked_as_it_is_by_now(world: World) -> None:
    said = Said(new=["a1", "never there"], changed=["a0"], removed=["a9"])
    node = await world.session.get_masked_append(CREATOR, FAN, said)
    assert node is not None
    found = unnamed(node)
    assert [each["id"] for each in found["messages"]] == ["a1"]
    assert [each["id"] for each in found["changedMessages"]] == ["a0"]
    assert found["removedMessages"] == ["a9"]
    assert found["messageCount"] == 3
    assert await world.session.get_masked_append(CREATOR, "no such chat", said) is None


async def test_of_somebody_who_was_erased_meanwhile_nothing_is_told(world: World) -> None:
    await world.session.erase("r1", CREATOR, FAN, 0.0)
    await world.settle()
    said = Said(new=["a1"], changed=[], removed=[])
    assert await world.session.get_masked_append(CREATOR, FAN, said) is None


async def test_an_export_under_pseudonyms_has_every_message_and_no_name(world: World) -> None:
    found = []
    for mask in (False, True):
        lines, cursor = await world.session.export(CREATOR, None, None, 100, mask)
        assert cursor is None
        found.append([orjson.loads(line) for line in lines.splitlines()])
        assert bool([word for word in WORDS if word in lines.decode()]) is not mask
    plain, masked = found
    assert [each["type"] for each in masked] == [each["type"] for each in plain]
    assert [each.get("id", each.get("key")) for each in masked] == [
        each.get("id", each.get("key")) for each in plain
    ]
