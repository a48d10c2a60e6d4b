"""What is told of an account's topics, and what is typical of one, as people have corrected them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from enrich.topics.outline import OutlinedTopic
from errors import NotFound, Unavailable
from session.topics import FEW
from tests.conftest import PATIENCE
from tests.corrected import TOPICS
from tests.session.ports import World, raw, say
from tests.session.test_corrections import CREATOR, correct, talked

EVER = (float("-inf"), float("inf"))
SAM = {"id": "43", "name": "Sam Falk", "username": "samfalk"}


def outlined(world: World, *ids: str, group: str | None = None) -> tuple[OutlinedTopic, ...]:
    """Topics whose centroid is the vector of their own id."""
    vectors = [world.embedder.of([id]).vectors for id in ids]
    return tuple(
        OutlinedTopic(
            id, TOPICS[id].label if id in TOPICS else id, None, (id,), group or id, next(iter(own.values()))
        )
        for id, own in zip(ids, vectors, strict=True)
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Of fan 41 the messages 1 and 2, of fan 42 the message 4; 3 is later."""
    world = await talked(tmp_path / "graph")
    world.enricher.outline = outlined(world, "topic_0", "topic_1", "fitness")
    yield world
    await world.kill()
    assert world.graph.behind is not None
    await world.graph.behind.close()


async def typical(world: World, topic: str, **more: Any) -> list[dict[str, Any]]:
    """Once the index has followed."""
    creator, span, limit = more.get("creator", CREATOR), more.get("span", EVER), more.get("limit", 10)
    async with asyncio.timeout(PATIENCE / 60):
        while True:
            is_ready = await has_vectors(world)
            body = await world.session.typical(creator, topic, span, limit, more.get("mask", False))
            answer = orjson.loads(body)
            if is_ready and not answer["waiting"]:
                messages: list[dict[str, Any]] = answer["messages"]
                return messages
            await world.settle()
            await world.clock.advance(1.0)


async def has_vectors(world: World) -> bool:
    index = await world.parts.indexes._index(CREATOR)
    return not await world.parts.indexes._do(index.lacking, 1)


async def ids(world: World, topic: str, **more: Any) -> list[str]:
    return [each["messageId"] for each in await typical(world, topic, **more)]


async def known(world: World) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(await world.session.topics(CREATOR))
    return found


async def test_the_messages_nearest_to_a_topic_are_typical_of_it_one_of_each_chat(world: World) -> None:
    assert await ids(world, "topic_0") == ["1"]  # as near as 2, which came later but says more
    assert await ids(world, "topic_1") == ["4", "3"]
    assert await ids(world, "topic_1", limit=1) == ["4"]
    [told] = await typical(world, "fitness")
    assert (told["messageId"], told["chatId"], told["direction"]) == ("4", "42", "fan")
    assert told["text"] == "0.9 fitness topic_1"
    assert {each["id"] for each in told["topics"]} == {"fitness", "topic_1"}


async def test_a_message_of_another_time_is_not_among_them(world: World) -> None:
    [first] = await typical(world, "topic_0")
    at = (
        np.datetime64(first["createdAt"].replace("Z", "").partition("+")[0])
        .astype("datetime64[s]")
        .astype(int)
    )
    assert await ids(world, "topic_0", span=(float(at), float(at) + 1)) == ["1"]
    assert await ids(world, "topic_0", span=(float(at) + 1, float(at) + 2)) == []


async def test_what_is_merged_counts_where_it_belongs_and_what_is_hidden_is_not_there(world: World) -> None:
    await correct(world, "merged_into", "topic_1", by="a", topic="topic_0")
    await correct(world, "name", "Outdoors", by="b", topic="topic_1")
    assert await ids(world, "topic_0") == await ids(world, "topic_1") == ["4", "3"]
    told = await known(world)
    assert {each["id"]: each["topic"] for each in told["topics"]} == {
        "topic_1": "Outdoors",
        "fitness": "Fitness",
    }
    await correct(world, "hidden", True, by="c", topic="fitness")
    with pytest.raises(NotFound):
        await typical(world, "fitness")
    assert [each["id"] for each in (await known(world))["topics"]] == ["topic_1"]


async def test_a_message_that_a_person_says_is_of_another_topic_is_typical_of_that_alone(
    world: World,
) -> None:
    await correct(world, "topic", ("fitness",), by="a", message="4", chat="42")
    assert await ids(world, "topic_1") == ["3"]
    assert await ids(world, "fitness") == ["4"]


async def test_a_fan_that_was_erased_is_gone_from_them(world: World) -> None:
    assert await ids(world, "topic_1") == ["4", "3"]
    await world.session.erase("r1", CREATOR, "42", 0.0)
    await world.settle()
    assert await ids(world, "topic_1") == ["3"]


async def test_under_pseudonyms_their_texts_are_masked(world: World) -> None:
    await say(world.session, raw("5", 120, text="topic_0 topic_0 falk", fan="43", fromUser=SAM))
    await world.settle()
    shown = {each["messageId"]: each["text"] for each in await typical(world, "topic_0")}
    assert shown["5"] == "topic_0 topic_0 falk"
    masked = {each["messageId"]: each["text"] for each in await typical(world, "topic_0", mask=True)}
    assert masked.keys() == shown.keys()
    assert all(text is None or "falk" not in text for text in masked.values())


async def test_a_topic_or_creator_that_is_not_there_is_told_so(world: World) -> None:
    with pytest.raises(NotFound):
        await typical(world, "topic_9")
    with pytest.raises(NotFound):
        await typical(world, "topic_0", creator="999")
    with pytest.raises(NotFound):
        await world.session.topics("999")


async def test_when_no_worker_answers_it_is_told_to_try_again(world: World) -> None:
    world.enricher.broken = True
    for asked in (world.session.topics(CREATOR), world.session.typical(CREATOR, "topic_0", EVER, 10, False)):
        with pytest.raises(Unavailable, match="try again"):
            await asked


async def test_many_topics_are_told_in_groups_of_two_or_more_and_few_are_not(world: World) -> None:
    pair, trio = outlined(world, "topic_0", "topic_1", group="topic_0"), ("a", "b", "c")
    alone = outlined(world, *(f"t{n}" for n in range(FEW - 4)))
    world.enricher.outline = pair + outlined(world, *trio[:2], group="a") + alone
    assert (await known(world))["groups"] == []
    world.enricher.outline = pair + outlined(world, *trio, group="a") + alone
    told = await known(world)
    assert told["groups"] == [{"id": "topic_0", "label": "Hiking, Climbing"}, {"id": "a", "label": "a, b"}]
    groups = {each["id"]: each["group"] for each in told["topics"]}
    assert [groups[id] for id in ("topic_0", "topic_1", *trio)] == ["topic_0", "topic_0", "a", "a", "a"]
    assert all(groups[each.id] is None for each in alone)
    await correct(world, "name", "Walks", by="a", topic="topic_0")
    assert (await known(world))["groups"][0]["label"] == "Walks, Climbing"
    await correct(world, "hidden", True, by="b", topic="topic_1")
    assert (await known(world))["groups"] == []  # there are few then
    world.enricher.outline += outlined(world, "t99")
    assert [each["id"] for each in (await known(world))["groups"]] == ["a"]
