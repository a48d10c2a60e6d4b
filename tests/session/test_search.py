"""A search finds what the history holds, whatever came, changed, went or was killed."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from encryption.keyring import Keyring
from errors import InvalidInput, NotFound, Unavailable
from search.question import Filters, Mode, Question
from tests.actors.factories import HOUR
from tests.conftest import PATIENCE
from tests.encryption.places import keys_in
from tests.session.ports import USER, World, bring, raw, say

CREATOR, OTHER = "901", "902"


async def ask(world: World, text: str, mode: Mode = "words", **more: Any) -> dict[str, Any]:
    """The answer once the index has followed."""
    creator, mask = more.pop("creator", CREATOR), more.pop("mask", False)
    limit, cursor = more.pop("limit", 100), more.pop("cursor", None)
    question = Question(text, mode, Filters(**more), limit, cursor)
    async with asyncio.timeout(PATIENCE / 60):
        while True:
            answer: dict[str, Any] = orjson.loads(await world.session.search(creator, question, mask))
            if not answer["waiting"] and (mode == "words" or not answer["without_meaning"]):
                return answer
            await world.settle()
            await world.clock.advance(1.0)


async def ids(world: World, text: str, mode: Mode = "words", **more: Any) -> list[str]:
    return sorted(each["messageId"] for each in (await ask(world, text, mode, **more))["messages"])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """With fans 41 and 42 of one creator, and 51 of another."""
    world = World()
    world.search_folder = tmp_path / "search"
    session = await world.begin()
    await bring(
        session,
        raw("a1", 0, text="new gym videos"),
        raw("a2", 60, text="a workout for you"),
        raw("b1", 120, text="gym at noon", fan="42"),
    )
    await say(session, raw("c1", 0, text="gym of another", fan="51", creator=OTHER), creator=OTHER)
    await world.settle()
    yield world
    await world.kill()


async def test_messages_are_found_by_word_and_by_meaning(world: World) -> None:
    assert await ids(world, "gym") == ["a1", "b1"]
    assert await ids(world, "GYM videos") == ["a1"]
    assert await ids(world, "training", "meaning") == ["a1", "a2", "b1"]
    both = await ask(world, "gym", "both")
    assert both["by"] == ["words", "meaning"]
    assert {each["messageId"]: each["has_words"] for each in both["messages"]} == {
        "a1": True,
        "b1": True,
        "a2": False,
    }


async def test_a_hit_says_where_it_is_and_what_was_understood_of_it(world: World) -> None:
    [hit] = (await ask(world, "videos"))["messages"]
    [start, end] = hit["highlights"][0]
    assert hit["text"][start:end] == "videos"
    assert (hit["chatId"], hit["fanId"], hit["creatorId"], hit["direction"]) == ("41", "41", CREATOR, "fan")
    assert hit["conversationId"] == "41:a1"
    assert hit["createdAt"].endswith("Z") or "+00:00" in hit["createdAt"]


async def test_a_message_an_edit_and_a_deletion_are_followed(world: World) -> None:
    await say(world.session, raw("a3", 180, text="beach tonight"))
    await world.settle()
    assert await ids(world, "beach") == ["a3"]
    await say(world.session, raw("a3", 180, text="mountains tonight", changedAt="2026-05-10T00:00:00+00:00"))
    await world.settle()
    assert await ids(world, "beach") == await ids(world, "beach", "meaning") == []
    assert await ids(world, "mountains") == ["a3"]
    await say(world.session, raw("a3", 180, isDeleted=True))
    await world.settle()
    assert await ids(world, "mountains") == await ids(world, "mountains", "meaning") == []


async def test_a_message_is_found_by_its_words_while_it_waits_to_be_understood(world: World) -> None:
    world.enricher.go.clear()
    await say(world.session, raw("a3", 180, text="beach tonight"))
    assert (await ids_soon(world, "beach")) == ["a3"]
    world.enricher.go.set()
    await world.settle()


async def ids_soon(world: World, text: str) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = orjson.loads(await world.session.search(CREATOR, Question(text, "words"), False))
            if answer["messages"] and not answer["waiting"]:
                return [each["messageId"] for each in answer["messages"]]
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"fan_id": "42"}, ["b1"]),
        ({"chat_id": "41"}, ["a1"]),
        ({"direction": "creator"}, []),
        ({"direction": "fan"}, ["a1", "b1"]),
        ({"mood": "positive"}, []),
        ({"topic": "no such"}, []),
    ],
)
async def test_filters_say_which_messages_are_meant(
    world: World, filters: dict[str, Any], expected: list[str]
) -> None:
    assert await ids(world, "gym", **filters) == expected
    assert set(await ids(world, "gym", "both", **filters)) >= set(expected)


async def test_an_account_is_searched_and_no_other(world: World) -> None:
    assert await ids(world, "gym", creator=OTHER) == ["c1"]
    with pytest.raises(InvalidInput) as refused:
        await ids(world, "gym", creator=None)
    assert refused.value.detail == [{"field": "creator_id", "reason": "missing"}]
    with pytest.raises(NotFound):
        await ids(world, "gym", creator="903")


async def test_without_the_model_words_are_found_and_meaning_says_why_not(world: World) -> None:
    world.embedder.broken = True
    answer = orjson.loads(await world.session.search(CREATOR, Question("gym", "both"), False))
    assert answer["by"] == ["words"]
    assert [each["messageId"] for each in answer["messages"]] == ["b1", "a1"]
    with pytest.raises(Unavailable, match="mode=words"):
        await world.session.search(CREATOR, Question("gym", "meaning"), False)


async def test_vectors_that_enrichment_made_are_not_made_again(world: World) -> None:
    await ids(world, "gym", "both")
    world.embedder.asked.clear()
    world.embedder.tell(world.embedder.of(["beach tonight"]))
    await say(world.session, raw("a3", 180, text="beach tonight"))
    await world.settle()
    assert "a3" in await ids(world, "beach", "meaning")
    assert "beach tonight" not in world.embedder.asked


async def test_vectors_that_did_not_come_are_asked_for_when_nothing_else_is_to_be_done(world: World) -> None:
    assert await ids(world, "gym", "meaning") == ["a1", "a2", "b1"]
    assert {"new gym videos", "a workout for you"} <= set(world.embedder.asked)


async def test_masked_hits_have_masked_texts_and_highlights_in_them(world: World) -> None:
    await say(world.session, raw("a4", 240, text="gym: mail me at sam@example.com, gym"))
    await world.settle()
    [hit] = [each for each in (await ask(world, "gym", mask=True))["messages"] if each["messageId"] == "a4"]
    if hit["text"] is not None:
        assert "sam@" not in hit["text"]
        assert [hit["text"][start:end] for start, end in hit["highlights"]] == ["gym", "gym"]


SAM = {"id": "43", "name": "Sam Falk", "username": "samfalk"}


async def tell_names(world: World, count: int) -> None:
    """Messages of a fan in which the fan's name stands, which a mask hides, and as many beside these."""
    for n in range(count):
        text = f"gym gym gym with falk {n}"
        await say(world.session, raw(f"n{n}", 600 + n, text=text, fan="43", fromUser=SAM))
        await say(world.session, raw(f"o{n}", 600 + n, text=f"gym number {n}", fan="42"))
    await world.settle()


@pytest.mark.parametrize("mode", ["words", "meaning", "both"])
async def test_a_masked_page_does_not_tell_of_hits_that_have_their_words_only_in_what_is_masked(
    world: World, mode: Mode
) -> None:
    await tell_names(world, 5)
    assert (await ask(world, "falk", "words", limit=2))["next"] is not None
    for words in ("falk", "falk name", "sam falk"):
        for limit in (1, 2, 100):
            answer = await ask(world, words, mode, limit=limit, mask=True)
            assert [each["messageId"] for each in answer["messages"] if each["fanId"] == "43"] == []
            if mode == "words":
                assert (answer["messages"], answer["next"]) == ([], None)


async def test_masked_pages_are_as_full_as_if_there_were_no_such_hits(world: World) -> None:
    await tell_names(world, 5)
    plain = await ask(world, "gym falk", "both")
    assert sum(each["fanId"] == "43" for each in plain["messages"][:5]) == 5  # the best are those
    pages, scores, cursor = [], [], None
    while True:
        answer = await ask(world, "gym falk", "both", limit=3, cursor=cursor, mask=True)
        pages.append([each["messageId"] for each in answer["messages"]])
        scores += [each["score"] for each in answer["messages"]]
        if (cursor := answer["next"]) is None:
            break
        _, at, _, _ = json.loads(base64.urlsafe_b64decode(cursor))
        assert at == sum(map(len, pages))
    assert [len(page) for page in pages] == [3, 3, 2]
    assert {id for page in pages for id in page} == {"a1", "a2", "b1", "o0", "o1", "o2", "o3", "o4"}
    assert scores == [1 / (60 + rank) for rank in range(1, 9)]


async def test_the_word_that_stands_for_what_is_masked_is_not_found(world: World) -> None:
    await say(world.session, raw("n1", 600, text="my name is falk", fan="43", fromUser=SAM))
    await world.settle()
    [hit] = (await ask(world, "name", mask=True))["messages"]
    assert hit["text"] == "my name is [name]"
    assert hit["highlights"] == [[3, 7]]
    assert (await ask(world, "name falk", mask=True))["messages"] == []


async def test_the_next_owner_goes_on_with_the_file_and_compares_what_changed(world: World) -> None:
    await ids(world, "gym", "both")
    await world.session.leave(PATIENCE)
    world.embedder.asked.clear()
    await world.begin()
    await world.settle()
    assert await ids(world, "gym") == ["a1", "b1"]
    assert world.embedder.asked == []
    await say(world.session, raw("a3", 180, text="gym again"))
    await world.settle()
    await world.begin()  # the one before was killed
    await world.settle()
    assert await ids(world, "gym", "meaning") == ["a1", "a2", "a3", "b1"]
    assert "new gym videos" not in world.embedder.asked


async def test_what_was_erased_is_in_no_file_and_is_not_found(world: World) -> None:
    await say(
        world.session, raw("a5", 300, text="canary41 in the gym"), raw("b2", 300, text="canary42", fan="42")
    )
    await world.settle()
    assert await ids(world, "canary41") == ["a5"]
    await ids(world, "gym", "both")
    assert "canary41" in everything(world)
    await world.session.erase("r1", CREATOR, "41", 0.0)
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"]
    assert "canary41" not in everything(world)
    assert "canary42" in everything(world)
    assert await ids(world, "gym", "both") == ["b1"]
    await world.session.erase("r2", CREATOR, None, 0.0)
    await world.settle()
    assert "canary42" not in everything(world)
    assert len(files(world)) == 1  # that of the other creator
    with pytest.raises(NotFound):
        await ids(world, "gym")
    await world.session.erase("r3", None, None, 0.0)
    await world.settle()
    assert files(world) == []


async def test_an_erasure_in_which_the_owner_is_killed_leaves_nothing_in_the_file(world: World) -> None:
    await say(world.session, raw("a5", 300, text="canary41 in the gym"))
    await world.settle()
    await ids(world, "gym")
    world.storage_is_away = True  # so that it is not carried out
    await world.session.erase("r1", CREATOR, "41", 0.0)
    world.storage_is_away = False
    await world.begin()
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"]
    assert "canary41" not in everything(world)
    assert await ids(world, "gym") == ["b1"]


async def test_a_damaged_file_is_made_anew(world: World) -> None:
    await ids(world, "gym")
    await world.session.leave(PATIENCE)
    await world.kill()
    for file in files(world):
        file.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    await world.begin()
    await world.settle()
    assert await ids(world, "gym", "both") == ["a1", "a2", "b1"]


async def test_a_file_that_is_damaged_while_it_is_used_is_made_anew(world: World) -> None:
    await ids(world, "gym", "both")
    await ids(world, "gym", "both", creator=OTHER)  # nothing is being written
    for file in files(world):
        size = file.stat().st_size
        file.write_bytes(file.read_bytes()[:100] + bytes(range(256)) * (size // 256))
    async with asyncio.timeout(PATIENCE / 60):
        while True:
            try:
                assert await ids(world, "gym") == ["a1", "b1"]
                break
            except Unavailable:
                await world.clock.advance(1.0)


async def test_a_file_that_is_removed_while_it_is_used_is_made_anew(world: World) -> None:
    await ids(world, "gym")
    await ids(world, "gym", creator=OTHER)  # nothing is being written
    for file in files(world):
        file.unlink()
    await say(world.session, raw("a3", 180, text="gym again"))
    await world.settle()
    assert await ids(world, "gym") == ["a1", "a3", "b1"]
    assert files(world) != []


async def test_an_erasure_that_changes_no_index_is_carried_out_though_a_file_is_gone(
    world: World,
) -> None:
    await ids(world, "gym", "both")
    await ids(world, "gym", "both", creator=OTHER)  # nothing is being written
    for file in files(world):
        file.unlink()
    await world.session.erase("r1", CREATOR, "nobody that is known", 0.0)
    await world.settle()
    assert (await world.session.get_receipt("r1"))["completed_at"]
    assert await ids(world, "gym") == ["a1", "b1"]


async def test_an_encrypted_index_is_in_no_file_and_those_from_before_are_removed(
    world: World, tmp_path: Path
) -> None:
    assert await ids(world, "gym") == ["a1", "b1"]  # nothing more is written then
    assert files(world) != []
    await world.kill()
    world.keys = Keyring(USER, keys_in(tmp_path), encrypts=True)
    await world.begin()
    await world.settle()
    assert await ids(world, "gym") == ["a1", "b1"]
    assert files(world, "*") == []


def files(world: World, pattern: str = "*.sqlite") -> list[Path]:
    assert world.search_folder is not None
    return sorted(world.search_folder.rglob(pattern)) if world.search_folder.exists() else []


def everything(world: World) -> str:
    """What all files hold; a journal may go while it is looked at."""
    found = b""
    for file in files(world, "*.sqlite*"):
        with contextlib.suppress(FileNotFoundError):
            found += file.read_bytes()
    return found.decode("latin-1")


WORDS = ["gym", "beach", "noon", "café"]
fans = st.sampled_from(["41", "42", "43"])
numbers = st.integers(0, 6)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


class AgainstTheHistory(RuleBasedStateMachine):
    """Deltas, edits, deletions, erasures, departures and kills: a scan says what is to be found."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.edits = 0

    @initialize()
    def begin(self) -> None:
        self.loop.run_until_complete(self.world.begin())

    @rule(fan=fans, number=numbers, text=texts, hours=st.sampled_from([0, 3, 9]))
    def tell(self, fan: str, number: int, text: str, hours: int) -> None:
        self.edits += 1
        said = raw(f"{fan}-{number}", (number * hours) * HOUR + number, text=text, fan=fan)
        said["changedAt"] = f"2026-06-01T00:{self.edits // 60:02}:{self.edits % 60:02}+00:00"
        self.loop.run_until_complete(say(self.world.session, said))

    @rule(fan=fans, number=numbers)
    def delete(self, fan: str, number: int) -> None:
        told = {"id": f"{fan}-{number}", "chat_id": fan, "isDeleted": True}
        self.loop.run_until_complete(say(self.world.session, told))

    @rule(fan=fans)
    def erase_and_lift(self, fan: str) -> None:
        async def work() -> None:
            self.edits += 1
            await self.world.session.erase(f"r{self.edits}", CREATOR, fan, 0.0)
            await self.world.settle()
            await self.world.session.lift(CREATOR, fan)

        self.loop.run_until_complete(work())

    @rule(in_order=st.booleans())
    def have_another_owner(self, in_order: bool) -> None:
        async def work() -> None:
            if in_order:
                await self.world.settle()
                await self.world.session.leave(PATIENCE)
            await self.world.begin()

        self.loop.run_until_complete(work())

    @rule()
    def search(self) -> None:
        async def work() -> None:
            await self.world.settle()
            for word in WORDS:
                held = self.world.held_texts().items()
                scanned = {(c, m) for c, texts in held for m, text in texts.items() if word in text.split()}
                if not held:
                    continue
                answer = await ask(self.world, word.replace("é", "e"))
                assert {(h["chatId"], h["messageId"]) for h in answer["messages"]} == scanned

        self.loop.run_until_complete(work())

    def teardown(self) -> None:
        try:
            self.search()
        finally:  # what is left open would be found in a test that follows
            self.loop.run_until_complete(self.world.kill())
            self.loop.close()


def test_what_is_found_is_what_the_history_holds_whatever_happens(tmp_path: Path) -> None:
    class Kept(AgainstTheHistory):
        numbers = iter(range(10**6))

        def __init__(self) -> None:
            super().__init__()
            self.world.search_folder = tmp_path / str(next(self.numbers))
            self.world.session = self.world._new()

    run_state_machine_as_test(
        Kept,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
