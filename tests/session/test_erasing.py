"""What is erased is gone from everything that a session stands on, and stays gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from chats.account import Account
from errors import NotFound
from session.erasures import LOOK_EVERY
from session.machine import Status
from tests.actors.factories import HOUR
from tests.session.ports import SEAL, USER, World, bring, raw, say, turn

CREATOR, OTHER = "901", "902"
ACCOUNT = Account(USER, CREATOR).key


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """With fans 41 and 42 of one creator and 51 of another, and a page."""
    world = World()
    session = await world.begin()
    await bring(session, raw("a1", 0, text="secret of 41"), raw("b1", 60, fan="42"))
    await say(session, raw("a2", 120, text="more of 41"))
    await say(session, raw("c1", 0, fan="51", creator=OTHER), creator=OTHER)
    await world.settle()
    await world.connect()
    yield world
    await world.kill()


async def erase(world: World, creator: str | None = CREATOR, id: str | None = "41") -> dict[str, Any]:
    """Erase, and return the receipt once it is carried out."""
    await world.session.erase("r1", creator, id, 0.0)
    await world.settle()
    return await world.session.get_receipt("r1")


def without_digests(text: str, receipt: dict[str, Any]) -> str:
    """Without what may have the digits of any id in it by chance."""
    return text.replace(receipt["subject"], "").replace(receipt["signature"], "")


async def test_nothing_of_an_erased_fan_is_left_and_the_others_stay(world: World) -> None:
    assert "secret of 41" in world.kept()
    receipt = await erase(world)
    assert receipt["removed"] == {"chats": 1, "messages": 2, "held": 0, "topics": 0}
    assert receipt["completed_at"]
    assert receipt["scope"] == "fan"
    left = world.kept()
    assert "of 41" not in left
    assert "'41'" not in left
    assert "41:a1" not in left
    assert world.held_texts() == {"42": {"b1": "text of b1"}, "51": {"c1": "text of c1"}}
    assert world.graph.messages(CREATOR) == world.expected_graph(CREATOR) == {"42:b1": 1}
    assert world.graph.fans[ACCOUNT] == {"42"}
    assert len(world.checkpoints) == 2
    assert world.records == []


async def test_open_pages_lose_the_chat(world: World) -> None:
    await erase(world)
    [page] = world.pages
    assert page.shown() == world.held_texts()
    assert "41" not in page.chats
    assert (await world.connect()).shown() == world.held_texts()


async def test_a_fan_is_erased_by_the_id_of_the_chat_as_well(world: World) -> None:
    chat = {"id": "c9", "withUser": {"id": "49"}}
    await world.session.handle_snapshot(
        orjson.dumps({"chats": [chat], "messages": [raw("d1", 0, fan="49", chat_id="c9")]}), CREATOR
    )
    await world.settle()
    assert "c9" in world.held_texts()
    await erase(world, id="c9")
    assert "c9" not in world.held_texts()
    await say(world.session, raw("d2", 60, fan="49"))  # names the fan alone
    await world.settle()
    assert not {"c9", "49"} & world.held_texts().keys()


async def test_what_comes_again_of_an_erased_fan_is_dropped_and_counted(world: World) -> None:
    await erase(world)
    again = [raw("a1", 0, text="secret of 41"), raw("b2", 180, fan="42")]
    receipt = await bring(world.session, *again)
    assert (receipt["accepted"], receipt["duplicates"], receipt["held"]) == (1, 0, 0)
    await say(world.session, raw("a3", 200, text="later of 41"))
    await world.settle()
    assert world.held_texts().keys() == {"42", "51"}
    assert "of 41" not in world.kept()
    dropped = (await world.session.get_held(10, 0))["dropped"]
    assert dropped["erased"] == 2
    await world.begin()
    await world.settle()
    assert world.held_texts().keys() == {"42", "51"}


async def test_a_lifted_fan_is_taken_again_from_then_on(world: World) -> None:
    await erase(world)
    assert await world.session.lift(CREATOR, "41") == 1
    assert await world.session.lift(CREATOR, "41") == 0
    await say(world.session, raw("a4", 300))
    for _ in range(2):
        await world.settle()
        assert world.held_texts()["41"] == {"a4": "text of a4"}
        assert world.graph.fans[ACCOUNT] == {"41", "42"}
        await world.begin()  # a replay of all three gives the same


async def test_an_erased_account_is_gone_and_the_other_stays(world: World) -> None:
    receipt = await erase(world, id=None)
    assert receipt["scope"] == "account"
    assert receipt["removed"] == {"chats": 2, "messages": 3, "held": 0, "topics": 0}
    assert CREATOR not in without_digests(world.kept(), receipt)
    assert world.held_texts() == {"51": {"c1": "text of c1"}}
    assert world.graph.accounts == {Account(USER, OTHER).key}
    assert world.pages[0].shown() == world.held_texts()
    before = world.sequence
    answer = await bring(world.session, raw("a1", 0))
    assert (answer["accepted"], world.sequence) == (0, before)
    assert world.held_texts() == {"51": {"c1": "text of c1"}}


async def test_a_fan_erased_after_the_account_does_not_have_it_named_again(world: World) -> None:
    await erase(world, id=None)
    await world.session.erase("r2", CREATOR, "41", 0.0)
    await world.begin()  # the next owner has yet to tell pages of what it reads in the journal
    await world.settle()
    assert (await world.session.get_receipt("r2"))["completed_at"]
    assert f"'{CREATOR}'" not in world.kept(frames=False)


async def test_an_erased_user_has_nothing_and_takes_nothing(world: World) -> None:
    await erase(world, None, None)
    assert world.held_texts() == {} == world.pages[0].shown()
    assert world.graph.accounts == set()
    for creator in (CREATOR, OTHER, "903"):
        await bring(world.session, raw("a1", 0, creator=creator), creator=creator)
    await world.begin()
    assert world.held_texts() == {}
    assert world.records == []


async def test_what_is_held_of_an_erased_fan_goes_too(world: World) -> None:
    await say(
        world.session,
        {"id": "h1", "fromUser": {"id": "41"}, "text": "held of 41", "createdAt": "2026-13-40"},
        {"id": "h2", "text": "of nobody that is named", "isDeleted": False, "createdAt": "never"},
    )
    held = (await world.session.get_held(10, 0))["held"]
    assert {each["id"] for each in held} == {"h1", "h2"}
    receipt = await erase(world)
    assert receipt["removed"]["held"] == 1
    assert {each["id"] for each in (await world.session.get_held(10, 0))["held"]} == {"h2"}
    assert "held of 41" not in world.kept()


async def test_the_chat_is_gone_at_once_while_a_job_is_in_hand(world: World) -> None:
    world.enricher.go.clear()
    await bring(world.session, raw("b2", 300, fan="42"), raw("a5", 400))
    await say(world.session, raw("a6", 500))  # waits behind the job
    await turn()
    receipt = await world.session.erase("r1", CREATOR, "41", 0.0)
    await turn()
    assert receipt["completed_at"] is None
    assert receipt["removed"]["messages"] == 4
    assert "41" not in world.held_texts()
    world.enricher.go.set()
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"] is not None
    assert "41" not in world.held_texts()
    assert "41" not in world.pages[0].chats
    assert world.parts.state.status is Status.REALTIME
    assert "ERROR" not in [status for status, _ in world.pages[0].statuses]


async def test_an_erasure_waits_for_no_enrichment_that_fails(world: World) -> None:
    world.enricher.broken = True
    await say(world.session, raw("a7", 600, text="poison of 41"))
    await turn()
    await world.session.erase("r1", CREATOR, "41", 0.0)
    for _ in range(20):
        await asyncio.sleep(0.002)
        await world.clock.advance(LOOK_EVERY / 10)  # the graph is written meanwhile
    assert (await world.session.get_receipt("r1"))["completed_at"] is not None
    assert "of 41" not in world.kept()


async def test_with_the_graph_away_the_text_goes_and_the_receipt_waits(world: World) -> None:
    world.graph.away = True
    await world.session.erase("r1", CREATOR, "41", 0.0)
    await world.settle(graph=False)
    for _ in range(10):
        await asyncio.sleep(0.002)
        await turn()
    assert "of 41" not in world.kept()
    assert (await world.session.get_receipt("r1"))["completed_at"] is None
    await world.begin()
    assert (await world.session.get_receipt("r1"))["completed_at"] is None
    world.graph.away = False
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"] is not None
    assert world.graph.fans[ACCOUNT] == {"42"}
    assert "41:a1" not in world.kept()
    assert "'41'" not in world.kept()


async def test_with_the_storage_away_the_erasure_goes_on_when_it_is_back(world: World) -> None:
    world.storage_is_away = True
    await world.session.erase("r1", CREATOR, "41", 0.0)
    for _ in range(10):
        await asyncio.sleep(0.002)
        await world.clock.advance(1.0)
    assert (await world.session.get_receipt("r1"))["completed_at"] is None
    world.storage_is_away = False
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"] is not None
    assert "of 41" not in world.kept()


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_whenever_the_owner_is_killed_the_next_one_carries_the_erasure_out(
    world: World, turns: int
) -> None:
    asked = asyncio.create_task(world.session.erase("r1", CREATOR, "41", 0.0))
    for _ in range(turns):
        await asyncio.sleep(0.0005 if turns > 30 else 0)
    await world.begin()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await world.session.erase("r1", CREATOR, "41", 0.0)  # as the directory repeats a call
    await world.settle()
    receipt = await world.session.get_receipt("r1")
    assert receipt["completed_at"]
    assert receipt["removed"]["messages"] == 2
    assert SEAL.is_valid(receipt)
    assert "of 41" not in world.kept()
    assert "'41'" not in world.kept()
    assert world.held_texts() == {"42": {"b1": "text of b1"}, "51": {"c1": "text of c1"}}
    assert world.graph.fans[ACCOUNT] == {"42"}
    assert (await world.connect()).shown() == world.held_texts()


async def test_a_checkpoint_from_before_an_erasure_does_not_bring_it_back(world: World) -> None:
    await world.session.leave(0.0)
    before = list(world.checkpoints)
    await world.begin()
    await erase(world)
    world.checkpoints = before  # as from a backup; the journal goes on where it is
    await world.begin()
    await world.settle()
    assert world.held_texts().keys() == {"42", "51"}


async def test_a_receipt_says_what_was_removed_but_not_of_whom(world: World) -> None:
    receipt = await erase(world)
    text = orjson.dumps(receipt).decode()
    assert '"41"' not in text
    assert CREATOR not in without_digests(text, receipt)
    assert SEAL.is_valid(receipt)
    assert receipt["subject"] == SEAL.subject(USER, CREATOR, "41")
    assert not SEAL.is_valid({**receipt, "removed": {**receipt["removed"], "messages": 3}})


async def test_to_ask_again_with_the_same_receipt_erases_nothing_anew(world: World) -> None:
    first = await erase(world)
    assert await world.session.erase("r1", CREATOR, "42", 0.0) == first
    assert world.held_texts().keys() == {"42", "51"}
    with pytest.raises(NotFound):
        await world.session.get_receipt("r2")


async def test_whose_topics_are_erased_are_forgotten_in_that_account_only(world: World) -> None:
    await erase(world)
    assert set(world.enricher.forgotten) == {CREATOR}


async def test_a_conversation_that_another_part_of_the_chat_follows_is_gone_as_well(world: World) -> None:
    await say(world.session, raw("a9", 20 * HOUR))
    await world.settle()
    assert len(world.graph.messages(CREATOR)) == 3
    await erase(world)
    assert world.graph.messages(CREATOR) == {"42:b1": 1}


async def test_topics_that_are_used_no_more_are_dropped_when_others_were_found(world: World) -> None:
    world.parts.writes.drop_unused_topics(CREATOR)
    assert world.parts.writes.unwritten()[CREATOR]["unused"] is True
    await world.settle()
    assert world.graph.cleaned == [ACCOUNT]
    assert world.parts.writes.unwritten() == {}


async def test_a_step_that_is_tried_again_behind_an_erasure_shows_no_message_twice(world: World) -> None:
    world.enricher.broken = True
    await say(world.session, raw("b2", 300, fan="42"))
    await turn()
    page = await world.connect()
    await world.session.erase("r1", CREATOR, "41", 0.0)
    world.enricher.broken = False
    await world.settle()
    assert page.shown() == world.held_texts()  # the page fails where it would show one twice
    assert world.held_texts()["42"].keys() == {"b1", "b2"}
