"""What a person corrects counts at once wherever the session shows or writes it, and outlives everything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from chats.conversation import Conversation
from chats.corrections import Correction, StatedOutcome, Subject
from enrich.outcomes import Context
from errors import InvalidInput, NotFound, Unavailable
from graph.contents import Contents as Written
from graph.contents import compare, read
from graph.embedded import EmbeddedGraph
from insights.fan_queries import fetch_fans
from insights.fans import Asked
from insights.money import fetch_conversion
from insights.queries import build_analytics_update
from insights.risk import Fits
from insights.window import WINDOW
from search.question import Filters, Question
from session.erasure import Tombstones
from tests.actors.factories import DAY, HOUR, START
from tests.conftest import PATIENCE
from tests.corrected import understood
from tests.session.ports import USER, FakeEnricher, Nodes, World, bring, raw, say, turn

CREATOR = "901"
PK = f"{USER}/{CREATOR}"
NOW = datetime.fromtimestamp(START + 6 * DAY, UTC)


@dataclass
class Reads(FakeEnricher):
    """Understands as `tests.corrected` does."""

    async def _parts(self, chats: list[list[tuple[Conversation, Context]]]) -> AsyncIterator[Nodes]:
        self.jobs += 1
        for conversations in chats:
            await self.go.wait()
            yield [understood(each, context) for each, context in conversations]


async def talked(folder: Path, **settings: Any) -> World:
    """Fans 41 and 42 of one creator, and a page."""
    world = World(EmbeddedGraph(folder), **settings)
    world.enricher = Reads()
    session = await world.begin()
    await bring(
        session,
        raw("1", 0, text="0.2 topic_0 question"),
        raw("2", 60, text="0.4 topic_0 topic_1 churn_intent"),
        raw("t", 90, text="", tipAmount=5, isTip=True),
        raw("3", 9 * HOUR, text="0.6 topic_1 question"),
        raw("4", 60, fan="42", text="0.9 fitness topic_1"),
    )
    await world.settle()
    await world.connect()
    return world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await talked(tmp_path / "graph")
    yield world
    await world.kill()
    assert world.graph.behind is not None
    await world.graph.behind.close()


async def correct(
    world: World, field: Any, value: Any, *, by: str, message: str = "", conversation: str = "", **more: Any
) -> dict[str, Any]:
    """Of a message or conversation of fan 41, or (`topic`) of a topic."""
    kind: Any = "message" if message else "conversation" if conversation else "topic"
    chat = "" if kind == "topic" else more.get("chat", "41")
    subject = Subject(kind, message or conversation or more["topic"], chat)
    said = Correction(by, 0.0, "person:ann", subject, field, more.get("side"), value)
    found = await world.session.correct(CREATOR, said)
    await world.settle()
    return found


async def correct_much(world: World) -> None:
    await correct(world, "sentiment", 1.0, by="a", message="1")
    await correct(world, "action", ("complaint",), by="b", message="1")
    await correct(world, "topic", ("fitness",), by="c", conversation="3")
    await correct(world, "outcome", (StatedOutcome("tip", 50.0),), by="d", message="t")
    await correct(world, "merged_into", "topic_1", by="e", topic="topic_0")
    await correct(world, "name", "Outdoors", by="f", topic="topic_1")


async def numbers(world: World, *, corrections: bool = True) -> Any:
    """Every number of the account, asked of the graph."""
    graph, now = world.graph.behind, NOW
    assert graph is not None
    window = now - WINDOW, now
    asked: Any = {"graph": graph, "user_id": USER, "corrections": corrections}
    update = await build_analytics_update(
        USER, *window, CREATOR, graph=graph, now=now, corrections=corrections
    )
    conversion = await fetch_conversion(
        *window, CREATOR, as_of=now, attribution=24, kinds=("topic", "action", "pair"), min_sample=1, **asked
    )
    fans = await fetch_fans(*window, CREATOR, fits=Fits(), as_of=now, horizon_days=14, asked=Asked(), **asked)
    text = orjson.dumps([each.model_dump(mode="json") for each in (update, conversion, fans)]).decode()
    return orjson.loads(text.replace("corrections=false&", "").replace("&corrections=false", ""))


async def is_as_held(world: World) -> bool:
    """Whether the graph has just what the owner says that it has to have."""
    assert world.graph.behind is not None
    expected = Written()
    written, following = await world.session.graph_contents(CREATOR, 0, 100)
    assert following is None
    expected.add(written)
    return not compare(expected, await read(world.graph.behind, PK))


async def test_once_it_is_answered_every_number_counts_it_so_and_those_without_stay(world: World) -> None:
    before = await numbers(world)
    await correct_much(world)
    now = await numbers(world)
    update, conversion, fans = now
    assert {row["topic"]: row["volume"] for row in update["topics"]} == {"Outdoors": 2, "Fitness": 2}
    assert update["actions"] == {"churn_intent": 1, "complaint": 1, "question": 1}
    assert update["revenue"] == 50.0
    assert update["sentiment_trend"]["sentiment_score"] == pytest.approx((1.0 + 0.4 + 0.6 + 0.9) / 4)
    assert {row["topic"] for row in conversion["rows"] if row["kind"] == "topic"} == {"Outdoors", "Fitness"}
    assert {fan["fanId"]: fan["lifetime_value"] for fan in fans["fans"]} == {"41": 50.0, "42": 0.0}
    assert await numbers(world, corrections=False) == before
    assert await is_as_held(world)
    [page] = world.pages
    shown = {row["topic"]: row["volume"] for row in page.analytics["topics"]}
    assert shown == {row["topic"]: row["volume"] for row in update["topics"]}
    assert page.analytics["revenue"] == update["revenue"]
    assert page.analytics["sentiment"] == pytest.approx(update["sentiment"], abs=0.01)
    assert page.analytics["actions"] == update["actions"]


async def test_what_is_withdrawn_leaves_no_trace_in_any_number_nor_in_the_graph(world: World) -> None:
    before = await numbers(world)
    await correct_much(world)
    for n, id in enumerate("abcdef"):
        await world.session.withdraw(CREATOR, id, f"undo{n}", "person:bo")
        await world.settle()
    assert await numbers(world) == before
    assert await numbers(world, corrections=False) == before
    assert await is_as_held(world)
    assert world.graph.behind is not None
    labelled = 'g.V().hasLabel("UncorrectedConversation", "UncorrectedOutcome").count()'
    assert await world.graph.behind.submit(labelled, {}) == [0]
    assert (await world.session.get_corrections(CREATOR, 10, 0))["total"] == 0
    with pytest.raises(NotFound):
        await world.session.withdraw(CREATOR, "a", "again", "person:bo")


@pytest.mark.parametrize("checkpoint_messages", [1, 2_000])
async def test_it_survives_a_kill_behind_a_checkpoint_and_before_one(
    tmp_path: Path, checkpoint_messages: int
) -> None:
    world = await talked(tmp_path / "graph", checkpoint_messages=checkpoint_messages)
    await correct_much(world)
    told, listed = await numbers(world), await world.session.get_corrections(CREATOR, 10, 0)
    shown = (await world.connect()).analytics
    await world.begin()
    await world.settle()
    assert await world.session.get_corrections(CREATOR, 10, 0) == listed
    assert await numbers(world) == told
    page = await world.connect()
    assert page.analytics["topics"] == shown["topics"]
    assert page.analytics["sentiment"] == shown["sentiment"]
    assert await is_as_held(world)
    await world.kill()


async def test_one_that_is_journaled_when_its_owner_is_killed_counts_for_the_next_and_is_told(
    world: World,
) -> None:
    said = Correction("a", 1.0, "person:ann", Subject("message", "1", "41"), "sentiment", None, 1.0)
    await world.parts.intake.correct(CREATOR, said)
    await world.begin()
    await world.settle()
    assert [each["id"] for each in (await world.session.get_corrections(CREATOR, 10, 0))["corrections"]] == [
        "a"
    ]
    again = await world.session.correct(CREATOR, said)  # its caller was not answered
    assert again["at"] == "1970-01-01T00:00:01+00:00"
    assert sum(record.kind == "correction" for record in world.records) <= 1
    [page] = world.pages
    assert page.kinds[-1] != "append_message"
    assert "full_sync_response" in page.kinds


async def test_pages_are_told_the_message_of_which_it_is(world: World) -> None:
    sent = len(world.frames)
    await correct(world, "sentiment", 1.0, by="a", message="1")
    appended = [frame for frame in world.frames[sent:] if frame.get("type") == "append_message"]
    [changed] = appended[0]["payload"]["changedMessages"]
    assert (changed["id"], changed["sentimentScore"]) == ("1", 1.0)
    assert not appended[0]["payload"].get("messages")
    await correct(world, "name", "Walks", by="b", topic="topic_0")
    whole = [frame for frame in world.frames[sent:] if frame.get("type") == "full_sync_response"]
    topics = {t["topic"] for c in whole[-1]["payload"]["conversations"] for t in c["topics"]}
    assert "Walks" in topics
    assert "Hiking" not in topics


async def test_it_counts_while_much_else_is_being_understood(world: World) -> None:
    world.enricher.go.clear()
    await say(world.session, raw("9", 10 * HOUR, text="0.1 fitness"))
    said = Correction("a", 0.0, "person:ann", Subject("message", "1", "41"), "sentiment", None, 1.0)
    async with asyncio.timeout(PATIENCE):
        await world.session.correct(CREATOR, said)
    [row] = [row for row in await world.session.get_cached_messages("41", CREATOR) if row["id"] == "1"]
    assert row["enrichment"]["sentiment"] == 1.0
    world.enricher.go.set()
    await world.settle()
    assert await is_as_held(world)


async def test_what_comes_later_keeps_what_was_corrected(world: World) -> None:
    await correct_much(world)
    await say(world.session, raw("5", 120, text="0.5 topic_0 thanks"), raw("0", -60, text="0.3 topic_1"))
    await world.settle()
    found = {row["id"]: row["enrichment"] for row in await world.session.get_cached_messages("41", CREATOR)}
    assert found["1"]["sentiment"] == 1.0
    assert [topic["topic"] for topic in found["5"]["topics"]] == ["Outdoors"]
    assert await is_as_held(world)
    other = World(EmbeddedGraph(Path(str(world.graph.behind._path) + "2")))  # type: ignore[union-attr]
    other.enricher = Reads()
    await bring(await other.begin(), raw("4", 60, fan="42", text="0.9 fitness topic_1"))
    await say(
        other.session,
        raw("0", -60, text="0.3 topic_1"),
        raw("1", 0, text="0.2 topic_0 question"),
        raw("2", 60, text="0.4 topic_0 topic_1 churn_intent"),
        raw("t", 90, text="", tipAmount=5, isTip=True),
        raw("5", 120, text="0.5 topic_0 thanks"),
        raw("3", 9 * HOUR, text="0.6 topic_1 question"),
    )
    await other.settle()
    other.clock = world.clock
    assert await numbers(world, corrections=False) == await numbers(other)
    await other.kill()


async def test_what_is_not_there_or_makes_no_sense_is_refused_by_its_field(world: World) -> None:
    async def refused(field: str, *args: Any, **more: Any) -> None:
        with pytest.raises(InvalidInput) as error:
            await correct(world, *args, **more)
        assert error.value.detail is not None
        assert error.value.detail[0]["field"] == field

    await refused("value", "action", ("shouting",), by="a", message="1")
    await refused("value", "topic", ("topic_9",), by="a", message="1")
    await refused("value", "merged_into", "topic_0", by="a", topic="topic_0")
    await refused("value", "merged_into", "topic_9", by="a", topic="topic_0")
    await refused("field", "name", "x", by="a", message="1")
    await correct(world, "merged_into", "topic_1", by="b", topic="topic_0")
    await refused("value", "merged_into", "topic_0", by="c", topic="topic_1")
    with pytest.raises(NotFound):
        await correct(world, "sentiment", 0.5, by="d", message="77")
    with pytest.raises(NotFound):
        await correct(world, "sentiment", 0.5, by="d", conversation="77")
    with pytest.raises(NotFound):
        await correct(world, "hidden", True, by="d", topic="topic_9")
    with pytest.raises(NotFound):
        await world.session.correct(
            "another", Correction("e", 0.0, "w", Subject("message", "1", "41"), "sentiment", None, 0.5)
        )


async def test_labels_say_what_models_said_and_what_people_say(world: World) -> None:
    await correct_much(world)
    await correct(world, "action", ("thanks",), by="g", conversation="3", side="fan")
    first, following = await world.session.get_labels(CREATOR, None, 2)
    rest, end = await world.session.get_labels(CREATOR, following, 100)
    assert end is None
    labels = [orjson.loads(line) for line in (first + rest).splitlines()]
    assert [each["label"] for each in labels] == ["sentiment", "action", "topic", "outcome", "action"]
    assert labels[0] == {
        "label": "sentiment",
        "text": "0.2 topic_0 question",
        "direction": "fan",
        "said": 0.2,
        "corrected": 1.0,
        "model": "s 1",
        "at": labels[0]["at"],
    }
    assert (labels[1]["said"], labels[1]["corrected"], labels[1]["model"]) == (
        ["question"],
        ["complaint"],
        "a 1, h 1",
    )
    assert (labels[2]["said"], labels[2]["corrected"]) == (["topic_1"], ["fitness"])
    assert labels[3]["said"][0]["amount"] == 5.0
    assert labels[3]["corrected"] == [{"type": "tip", "amount": 50.0}]
    assert (labels[4]["said"], labels[4]["corrected"]) == (["question"], ["thanks"])
    masked, _ = await world.session.get_labels(CREATOR, None, 1, mask=True)
    assert orjson.loads(masked)["label"] == "sentiment"
    with pytest.raises(NotFound):
        await world.session.get_labels(CREATOR, "never made", 2)


async def test_an_erased_fan_takes_the_corrections_along_and_they_do_not_come_back(world: World) -> None:
    await correct_much(world)
    await correct(world, "sentiment", 0.123, by="z", message="4", chat="42")
    assert "0.123" in world.kept()
    await world.session.erase("r1", CREATOR, "42", 0.0)
    await world.settle()
    kept = world.kept()
    assert "0.123" not in kept
    assert "Outdoors" in kept
    assert await is_as_held(world)
    await world.begin()
    await world.settle()
    ids = [each["id"] for each in (await world.session.get_corrections(CREATOR, 10, 0))["corrections"]]
    assert ids == ["f", "e", "d", "c", "b", "a"]
    await world.session.erase("r2", CREATOR, None, 0.0)
    await world.settle()
    assert "Outdoors" not in world.kept()


async def test_one_in_the_journal_of_a_fan_who_was_erased_is_not_read(world: World) -> None:
    said = Correction("a", 1.0, "person:ann", Subject("message", "4", "42"), "sentiment", None, 1.0)
    await world.parts.intake.correct(CREATOR, said)
    name = Tombstones(b"secret of this world").name(CREATOR, "42")
    world.tombstones[name] = None
    world.secret = b"secret of this world"
    await world.begin()
    await world.settle()
    assert (await world.session.get_corrections(CREATOR, 10, 0))["total"] == 0


async def test_an_export_has_them_beside_their_message_and_those_of_topics(world: World) -> None:
    await correct_much(world)
    body, following = await world.session.export(CREATOR, None, None, 100)
    assert following is None
    lines = [orjson.loads(line) for line in body.splitlines()]
    by_message = {
        line["id"]: [each["id"] for each in line["corrections"]] for line in lines if "corrections" in line
    }
    assert by_message == {"1": ["a", "b"], "3": ["c"], "t": ["d"]}
    assert [line["id"] for line in lines if line["type"] == "topic_correction"] == ["e", "f"]
    assert all("said" not in line for line in lines if line["type"] == "conversation")
    body, _ = await world.session.export(CREATOR, "42", None, 100)
    assert b"topic_correction" not in body


async def test_a_search_filters_by_what_counts_or_by_what_models_said(world: World) -> None:
    async def found(corrections: bool, **filters: Any) -> dict[str, Any]:
        asked = Question("question", "words", Filters(corrections=corrections, **filters))
        answer = orjson.loads(await world.session.search(CREATOR, asked, False))
        return {hit["messageId"]: hit for hit in answer["messages"]}

    await correct_much(world)
    await correct(world, "sentiment", 0.1, by="z", message="3")
    await world.clock.advance(1.0)
    assert (await found(True, mood="positive")).keys() == {"1"}
    assert (await found(False, mood="positive")).keys() == {"3"}
    assert (await found(False, mood="negative")).keys() == {"1"}
    assert (await found(True, action="complaint")).keys() == {"1"}
    assert (await found(False, action="question")).keys() == {"1", "3"}
    assert (await found(True, topic="Outdoors")).keys() == {"1"}
    hit = (await found(False, topic="topic_1"))["3"]
    assert (hit["sentiment"], hit["topics"], hit["actions"]) == (
        0.6,
        [{"id": "topic_1", "topic": "Climbing"}],
        ["question"],
    )
    assert (await found(False, topic="topic_0")).keys() == {"1"}
    assert (await found(True, topic="topic_0")).keys() == set()
    await world.begin()
    await world.settle()
    await world.clock.advance(1.0)
    assert (await found(True, topic="Outdoors")).keys() == {"1"}


async def test_one_of_what_is_gone_rests_and_is_listed_so(world: World) -> None:
    await correct(world, "sentiment", 1.0, by="a", message="1")
    await say(world.session, raw("1", 0, text="", isDeleted=True, changedAt=world.clock.now().isoformat()))
    await world.settle()
    [row] = (await world.session.get_corrections(CREATOR, 10, 0))["corrections"]
    assert row["rests"]
    assert (await world.session.get_labels(CREATOR, None, 10))[0] == b""
    assert await is_as_held(world)
    assert (await numbers(world))[0] == (await numbers(world, corrections=False))[0]
    await world.session.withdraw(CREATOR, "a", "b", "person:ann")
    assert (await world.session.get_corrections(CREATOR, 10, 0))["total"] == 0


async def test_one_whose_caller_left_before_it_was_journaled_can_be_sent_again(world: World) -> None:
    said = Correction("a", 0.0, "person:ann", Subject("message", "1", "41"), "sentiment", None, 1.0)
    async with world.parts.intake._turn:
        left = asyncio.create_task(world.session.correct(CREATOR, said))
        await turn()
        other = asyncio.create_task(world.session.correct(CREATOR, said))
        await turn()
        left.cancel()
        with pytest.raises(Unavailable):
            await other
    made = await world.session.correct(CREATOR, said)
    assert made["id"] == "a"


async def test_two_that_are_sent_at_once_are_one_when_their_id_is_one(world: World) -> None:
    said = Correction("a", 0.0, "person:ann", Subject("message", "1", "41"), "sentiment", None, 1.0)
    one, other = await asyncio.gather(*(world.session.correct(CREATOR, said) for _ in range(2)))
    assert one == other
    await world.clock.advance(60.0)
    assert sum(record.kind == "correction" for record in world.records) == 1
