"""What is past its term is dropped from everything, at activation and every day, and does not come again."""

import asyncio
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from chats.account import Account
from history.history import History
from session.retention import DAY
from session.session import Session
from steps import finished
from tests.actors.factories import HOUR, START
from tests.session.ports import USER, World, bring, raw, say

CREATOR, OTHER = "901", "902"
# The world begins five days after START.


async def begun(**kept: Any) -> World:
    """With an old and a new message of fan 41, and only old ones of fan 42."""
    world = World(**kept)
    session = await world.begin()
    await bring(
        session,
        raw("old", 0, text="long ago"),
        raw("new", 4 * 24 * HOUR),
        raw("b1", HOUR, fan="42", text="long ago too"),
    )
    await say(session, raw("c1", 0, fan="51", creator=OTHER), creator=OTHER)
    await world.settle()
    return world


async def later(world: World, days: float) -> None:
    world.clock.skip(days * DAY - 1)
    await world.clock.advance(2.0)
    await world.settle()


def messages(session: Session) -> set[str]:
    return {id for cached in session.owner.parts.history.of(None) for id in cached.messages}


async def test_without_a_term_everything_is_kept() -> None:
    world = await begun()
    await later(world, 400)
    assert messages(world.session) == {"old", "new", "b1", "c1"}
    await world.kill()


async def test_what_is_past_its_term_is_gone_from_everything_the_next_day() -> None:
    world = await begun(retention_days=6)
    assert messages(world.session) == {"old", "new", "b1", "c1"}
    page = await world.connect()
    await later(world, 2)
    assert messages(world.session) == {"new"}
    assert world.held_texts() == page.shown() == {"41": {"new": "text of new"}}
    assert "long ago" not in world.kept()
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"41:new": 1}
    assert world.graph.accounts == {Account(USER, CREATOR).key}
    await world.kill()


async def test_an_owner_that_begins_drops_what_expired_meanwhile() -> None:
    world = await begun(retention_days=6)
    await world.session.leave(0.0)
    await world.kill()
    world.clock.skip(2 * DAY)
    await world.begin()
    await world.settle()
    assert messages(world.session) == {"new"}
    assert "long ago" not in world.kept()
    await world.kill()


async def test_what_expired_in_the_journal_alone_is_gone_from_it_too() -> None:
    world = await begun(retention_days=6)
    assert "long ago" in world.kept()
    await world.kill()
    world.clock.skip(2 * DAY)
    await world.begin()
    await world.settle()
    assert messages(world.session) == {"new"}
    assert "long ago" not in world.kept()
    await world.kill()


async def test_what_is_too_old_is_not_taken_again_and_counted() -> None:
    world = await begun(retention_days=6)
    await later(world, 2)
    chat = {"withUser": {"id": "42"}, "lastMessage": raw("b1", HOUR, fan="42", text="long ago too")}
    body = {"chats": [chat], "messages": [raw("old", 0, text="long ago"), raw("new2", 5 * 24 * HOUR)]}
    receipt = await world.session.handle_snapshot(orjson.dumps(body), CREATOR)
    await world.settle()
    assert receipt["accepted"] == 1
    assert messages(world.session) == {"new", "new2"}
    assert "long ago" not in world.kept()
    assert (await world.session.get_held(1, 0))["dropped"]["expired"] == 2
    await world.kill()


async def test_an_account_may_have_a_term_of_its_own() -> None:
    world = await begun(retention_days=6)
    await world.session.keep_for(OTHER, 0)
    await world.session.keep_for(CREATOR, 2)
    await world.settle()
    assert messages(world.session) == {"new", "c1"}
    await world.begin()
    await later(world, 10)
    assert messages(world.session) == {"c1"}
    await world.session.keep_for(OTHER, None)
    await world.settle()
    assert messages(world.session) == set()
    await world.kill()


async def test_what_is_held_goes_with_its_term() -> None:
    world = await begun(retention_days=6)
    await say(world.session, raw("h", 0, text="held for long", createdAt="never"))
    await later(world, 7)
    assert (await world.session.get_held(10, 0))["held"] == []
    assert "held for long" not in world.kept()
    await world.kill()


async def test_a_job_in_hand_is_not_disturbed() -> None:
    world = await begun(retention_days=6)
    world.enricher.go.clear()
    await say(world.session, raw("new2", 5 * 24 * HOUR))
    world.clock.skip(2 * DAY)
    await world.clock.advance(1.0)
    assert "old" in messages(world.session)  # it waits
    world.enricher.go.set()
    await world.settle()
    assert messages(world.session) == {"new", "new2"}
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR)
    await world.kill()


said = st.lists(
    st.tuples(st.integers(0, 300), st.booleans(), st.booleans()),
    min_size=1,
    max_size=250,
    unique_by=lambda each: each[0],
)


@settings(max_examples=25, deadline=None)
@given(said, st.integers(0, 239))  # the chat itself was seen later
def test_a_chat_without_what_expired_is_one_that_never_had_it(
    told: list[tuple[int, bool, bool]], cut: int
) -> None:
    """Whatever is deleted or the creator's, wherever the cut falls."""

    def of(numbers: list[tuple[int, bool, bool]]) -> list[dict[str, Any]]:
        return [raw(f"m{n}", n * 1800, isDeleted=gone, isSentByMe=own) for n, gone, own in numbers]

    async def check() -> None:
        world, other = World(), World()
        for each, numbers in ((world, told), (other, [t for t in told if t[0] >= cut])):
            session = await each.begin()
            chat = {"withUser": {"id": "41"}}
            body = {"chats": [chat], "messages": of(numbers)}
            await session.handle_snapshot(orjson.dumps(body), CREATOR)
            await each.settle()
        history: History = world.parts.history
        for key in history.keys(CREATOR):
            history.close(key)
        finished(history.expiring(CREATOR, START + cut * 1800))
        one, two = (each.parts.history.look(CREATOR, "41") for each in (world, other))
        assert one is not None
        assert two is not None
        assert one.messages == two.messages
        assert one.conversations == two.conversations
        assert one.contexts == two.contexts
        assert history.size(CREATOR) == other.parts.history.size(CREATOR)
        assert history.conversations(CREATOR) == other.parts.history.conversations(CREATOR)
        for each in (world, other):
            await each.kill()

    asyncio.run(check())
