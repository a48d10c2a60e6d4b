import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

import session.commit
import session.intake
import session.known
import steps
import wire.incoming
import wire.normalise
import wire.parsing
import wire.place
from errors import InvalidInput, JournalUnavailable, NotFound, Overloaded, StaleOwner
from frames.log import connect_redis
from session.intake import Intake
from session.journal import Journal
from session.knowledge import Knowledge
from session.machine import (
    Accepted,
    CorrectionAccepted,
    DeltaAccepted,
    ErasureAccepted,
    SnapshotAccepted,
)
from session.replay import replayed
from tests.history.store import Store
from wire.incoming import Replay

CREATOR = "900"
MAX_TEXT, MAX_HELD, MAX_WAITING = 1000, 20, 50


def said(id: object, fan: int | None = 41, text: str = "hello", **more: Any) -> dict[str, Any]:
    sides = {} if fan is None else {"fromUser": {"id": fan, "name": "Fan"}}
    return {"id": id, "text": text, "createdAt": "2024-05-01T08:00:00+00:00", **sides, **more}


def json(value: Any) -> bytes:
    return orjson.dumps(value)


@pytest.fixture(scope="module", autouse=True)
def soon_again_and_in_small_steps() -> Iterator[None]:
    """Journals in doubt are asked soon, and others are let in after every row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.commit, "RETRY_FIRST", 0.005)
        patch.setattr(steps, "SLICE", 0.0)
        for module in (session.intake, session.known, wire.incoming, wire.normalise, wire.place):
            patch.setattr(module, "ROWS", 1)
        patch.setattr(wire.parsing, "PIECE", 8)
        yield


class Owner:
    """One owner's intake, running, with the events that came of it."""

    def __init__(self, redis: Redis, user_id: str) -> None:
        self.journal = Journal(redis, user_id)
        self.events: list[SnapshotAccepted | DeltaAccepted] = []
        self.erased: list[ErasureAccepted] = []
        self.waiting = 0  # messages that were accepted and are not understood
        self.accepted: Callable[[Accepted], None] = self._accept
        self.knowledge = Knowledge(MAX_HELD)
        self.intake = Intake(
            self.journal,
            self.knowledge,
            max_text=MAX_TEXT,
            max_waiting=MAX_WAITING,
            waiting=lambda: self.waiting,
            accepted=lambda event: self.accepted(event),
        )

    def _accept(self, event: Accepted) -> None:
        if isinstance(event, ErasureAccepted):
            self.erased.append(event)
        elif not isinstance(event, CorrectionAccepted):
            self.events.append(event)

    async def recover(self, after: int = 0) -> None:
        await self.journal.claim()
        async for event in replayed(self.journal, self.knowledge, after):
            self._accept(event)

    def messages(self) -> list[tuple[str, str]]:
        """Id and text of every message that came through, in order."""
        return [(m.id, m.text) for event in self.events for m in event.messages]

    async def take(self, *messages: Any) -> dict[str, int]:
        return await self.intake.messages(json(list(messages)), CREATOR)


@asynccontextmanager
async def owner(redis: Redis, user_id: str) -> AsyncIterator[Owner]:
    made = Owner(redis, user_id)
    await made.recover()
    running = asyncio.create_task(made.intake.run())
    try:
        yield made
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, StaleOwner):
            await running


class Unreliable:
    """A Redis that carries scripts out, and then loses the answer of as many as it is told."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.lose = 0
        self.refuse = 0

    def register_script(self, text: str) -> Callable[..., Any]:
        script = self._redis.register_script(text)

        async def call(**arguments: Any) -> Any:
            if self.refuse:
                self.refuse -= 1
                raise RedisConnectionError("gone before")
            answer = await script(**arguments)
            if self.lose:
                self.lose -= 1
                raise RedisConnectionError("gone after")
            return answer

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)


async def resolved(intake: Intake) -> None:
    while not intake.idle:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_input_is_answered_with_the_sequence_of_its_own_last_record(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        receipts = await asyncio.gather(
            one.take(said(1), said(2)),
            one.take(said(1)),
            one.take(said(3), said(4), said(5)),
            one.intake.snapshot(json({"chats": [{"withUser": {"id": 41}}], "messages": [said(6)]}), CREATOR),
            one.take(said(6)),
            one.take(said(7)),
        )
    # A snapshot of a chat and a message takes two chunks and the record that closes it.
    assert [r["sequence"] for r in receipts] == [2, 2, 5, 8, 8, 9]
    assert [(r["accepted"], r["duplicates"]) for r in receipts] == [
        (2, 0),
        (0, 1),
        (3, 0),
        (1, 0),
        (0, 1),
        (1, 0),
    ]
    assert [(type(e), e.sequence) for e in one.events] == [
        (DeltaAccepted, 2),
        (DeltaAccepted, 5),
        (SnapshotAccepted, 8),
        (DeltaAccepted, 9),
    ]


async def test_a_newer_copy_is_an_edit_and_an_older_one_a_duplicate(redis: Redis, user_id: str) -> None:
    newer, newest = "2024-05-02T08:00:00+00:00", "2024-05-03T08:00:00+00:00"
    async with owner(redis, user_id) as one:
        await one.take(said(1, text="first"))
        assert (await one.take(said(1, text="third", changedAt=newest)))["accepted"] == 1
        assert (await one.take(said(1, text="second", changedAt=newer)))["duplicates"] == 1
        assert (await one.take(said(1, text="again", changedAt=newest)))["duplicates"] == 1
    assert one.messages() == [("1", "first"), ("1", "third")]


async def test_a_replay_gives_the_events_of_the_live_run(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        await one.take(said(1), {"api2_chat_message": said(2, notifications=[])}, {"typing": {}})
        await one.intake.snapshot(json({"chats": [], "messages": [said(3), said(1)]}), CREATOR)
        await one.take({"id": 9, "text": "captured"})
        await one.intake.messages(json(said(1)), "901")
    two = Owner(redis, user_id)
    await two.recover()
    assert two.messages() == one.messages()
    assert [e.creator_id for e in two.events] == [CREATOR, CREATOR, "901"]
    assert two.knowledge.held == one.knowledge.held
    assert (two.events[0].chats[0].with_user or b"") == json({"id": 41, "name": "Fan"})


async def test_bodies_of_one_call_are_journaled_in_order_and_each_has_its_own_answer(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        bodies = [json([said(1), said(2)]), b"[", json(said(1)), json(said(3))]
        first, wrong, again, last = await one.intake.bodies([(body, None, None) for body in bodies], CREATOR)
    assert isinstance(wrong, InvalidInput)
    assert [each["sequence"] for each in (first, again, last) if isinstance(each, dict)] == [2, 2, 3]
    assert [each["accepted"] for each in (first, again, last) if isinstance(each, dict)] == [2, 0, 1]
    assert one.events[-1].sequence == 3
    assert [id for id, _ in one.messages()] == ["1", "2", "3"]


async def test_callers_are_answered_before_what_they_brought_is_worked_on(redis: Redis, user_id: str) -> None:
    order: list[str] = []
    brought: asyncio.Queue[Accepted] = asyncio.Queue()

    async def work() -> None:
        await brought.get()
        order.append("worked on")

    async def bring() -> None:
        await one.take(said(1))
        order.append("answered")

    async with owner(redis, user_id) as one:
        one.accepted = brought.put_nowait
        await asyncio.gather(work(), bring())
    assert order == ["answered", "worked on"]


@pytest.mark.parametrize("fate", ["lose", "refuse"])
async def test_when_an_append_is_in_doubt_the_caller_gets_an_error_and_the_owner_what_the_journal_has(
    redis: Redis, user_id: str, fate: str
) -> None:
    unreliable = Unreliable(redis)
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        await one.take(said(1))
        setattr(unreliable, fate, 1)
        with pytest.raises(JournalUnavailable):
            await one.take(said(2, fan=42))
        await resolved(one.intake)
        receipt = await one.take(said(2, fan=42))  # as a client does that got an error
        assert (receipt["accepted"], receipt["duplicates"]) == ((0, 1) if fate == "lose" else (1, 0))
    assert one.messages() == [("1", "hello"), ("2", "hello")]
    again = Owner(redis, user_id)
    await again.recover()
    assert again.messages() == one.messages()
    chats = [[chat for event in each.events for chat in event.chats] for each in (one, again)]
    assert chats[0] == chats[1]


async def test_while_it_is_in_doubt_nothing_is_taken(redis: Redis, user_id: str) -> None:
    unreliable = Unreliable(redis)
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        unreliable.lose = 1
        failed = await asyncio.gather(
            one.take(said(1)), one.take(said(1)), one.take(said(2)), return_exceptions=True
        )
        assert [type(each) for each in failed] == [JournalUnavailable] * 3
        assert not one.intake.idle
        with pytest.raises(JournalUnavailable):
            await one.take(said(3))
        await resolved(one.intake)
        await one.take(said(1), said(2), said(3))
    assert sorted(one.messages()) == [("1", "hello"), ("2", "hello"), ("3", "hello")]


async def test_also_what_brings_no_message_is_in_hand_until_it_is_an_event(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        chat = json({"chats": [{"withUser": {"id": 41}}], "messages": []})
        taking = asyncio.create_task(one.intake.snapshot(chat, CREATOR))
        idle = []
        while not one.events:
            await asyncio.sleep(0)
            idle.append(one.intake.idle and not one.events)
        await taking
    assert not any(idle)


async def test_a_caller_that_is_gone_does_not_take_its_input_with_it(redis: Redis, user_id: str) -> None:
    unreliable = Unreliable(redis)
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        unreliable.refuse = 1
        gone = asyncio.create_task(one.take(said(1)))
        while not one.intake._commit.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        while unreliable.refuse:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await resolved(one.intake)
        # It was refused and nobody was told: the message is not held, so it is taken when it comes again.
        assert (await one.take(said(1)))["accepted"] == 1


async def test_an_owner_that_was_displaced_takes_nothing_and_stops(redis: Redis, user_id: str) -> None:
    old, new = Owner(redis, user_id), Owner(redis, user_id)
    await old.recover()
    running = asyncio.create_task(old.intake.run())
    await new.recover()
    with pytest.raises(StaleOwner):
        await old.take(said(1))
    with pytest.raises(StaleOwner):
        await running
    with pytest.raises(StaleOwner):
        await old.take(said(2))
    assert old.events == []


async def test_one_bad_row_costs_one_row(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        receipt = await one.take(said(1), said(2, text="x" * (MAX_TEXT + 1)), None, said(3))
        assert (receipt["accepted"], receipt["held"]) == (2, 2)
        assert [(a.held.reason, a.held.position) for a in one.knowledge.held.values()] == [
            ("too_long", 1),
            ("no_object", 2),
        ]
    again = Owner(redis, user_id)
    await again.recover()
    assert [id for id, _ in again.messages()] == ["1", "3"]
    assert again.knowledge.held.keys() == one.knowledge.held.keys()


async def test_held_input_is_placed_when_it_comes_in_a_fuller_shape(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        assert (await one.take({"id": 9, "text": "sent"}))["held"] == 1
        assert [a.held.id for a in one.knowledge.held.values()] == ["9"]
        await one.take({**said(9, fan=None, text="sent"), "toUser": {"id": 41}})
        assert one.knowledge.held == {}
    again = Owner(redis, user_id)
    await again.recover()
    assert again.knowledge.held == {}
    assert again.messages() == [("9", "sent")]


async def test_held_input_is_replayed_with_what_it_lacked(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        await one.take({"id": 9, "text": "sent"}, {"id": 10, "text": "other"})
        first, second = one.knowledge.held
        assert (await one.intake.replay([Replay(key=key) for key in one.knowledge.held]))[
            "held"
        ] == 2  # nothing new is known of them
        asked = [Replay(key=first, add={"toUser": {"id": 41}})]
        receipt = await one.intake.replay(asked)
        assert (receipt["accepted"], receipt["held"]) == (1, 0)
        assert list(one.knowledge.held) == [second]
        with pytest.raises(NotFound):
            await one.intake.replay(asked)
    again = Owner(redis, user_id)
    await again.recover()
    assert again.messages() == one.messages() == [("9", "sent")]
    assert list(again.knowledge.held) == [second]


async def test_a_held_chat_is_replayed_as_a_chat(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        receipt = await one.intake.snapshot(json({"chats": [{"unreadMessagesCount": 3}]}), CREATOR)
        assert receipt["held"] == 1
        [key] = one.knowledge.held
        await one.intake.replay([Replay(key=key, add={"withUser": {"id": 41}})])
        assert one.knowledge.held == {}
    [chat] = one.events[-1].chats
    assert (chat.id, chat.unread) == ("41", 3)
    again = Owner(redis, user_id)
    await again.recover()
    assert again.knowledge.held == {}


Step = tuple[str, int, int]  # what happens, message number, version


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(("take", "lose", "refuse", "snapshot")), st.integers(1, 5), st.integers(0, 2)
        ),
        max_size=12,
    )
)
def test_whatever_answers_are_lost_each_version_comes_through_once_and_as_in_a_replay(
    store: Store, steps: list[Step]
) -> None:
    asyncio.run(_take_with_losses(store, steps))


_users = Counter[str]()


async def _take_with_losses(store: Store, steps: list[Step]) -> None:
    _users["made"] += 1
    user_id = f"losses-{_users['made']}"
    redis = connect_redis(store.url)
    unreliable = Unreliable(redis)
    acknowledged: dict[str, int] = {}
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        for what, number, version in steps:
            changed: dict[str, Any] = (
                {"changedAt": f"2024-05-0{version + 1}T08:00:00+00:00"} if version else {}
            )
            body = said(number, text=str(version), **changed)
            if what in ("lose", "refuse"):
                setattr(unreliable, what, 1)
            with contextlib.suppress(JournalUnavailable):
                if what == "snapshot":
                    await one.intake.snapshot(json({"chats": [], "messages": [body]}), CREATOR)
                else:
                    await one.take(body)
                acknowledged[str(number)] = max(version, acknowledged.get(str(number), 0))
            await resolved(one.intake)
            unreliable.lose = unreliable.refuse = 0
    seen = Counter(one.messages())
    assert not seen or max(seen.values()) == 1
    for id, version in acknowledged.items():
        assert any(m == id and int(text) >= version for m, text in seen)
    again = Owner(redis, user_id)
    await again.recover()
    assert again.messages() == one.messages()
    await redis.connection_pool.disconnect()


async def test_what_is_held_is_bounded_and_the_oldest_goes(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        for n in range(1, MAX_HELD + 6):
            await one.take({"id": n, "text": f"sent {n}"})
        expected = [str(n) for n in range(6, MAX_HELD + 6)]
        assert [a.held.id for a in one.knowledge.held.values()] == expected
        assert one.knowledge.dropped["held_too_many"] == 5
    again = Owner(redis, user_id)
    await again.recover()
    assert [a.held.id for a in again.knowledge.held.values()] == expected


async def test_what_is_deleted_of_the_held_stays_deleted(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        for n in range(3):
            await one.take({"id": n + 1, "text": f"sent {n}"})
        first, *_ = one.knowledge.held
        assert await one.intake.discard([first, "unknown"]) == 1
        assert await one.intake.discard([first]) == 0
    again = Owner(redis, user_id)
    await again.recover()
    assert [a.held.id for a in again.knowledge.held.values()] == ["2", "3"]


async def test_a_deletion_by_id_alone_is_of_the_one_chat_that_has_it_whenever_it_comes(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        assert (await one.take({"id": 51, "isDeleted": True}))["held"] == 1
        await one.take(said(51), said(52))
        assert one.knowledge.held == {}
        await one.take({"id": 52, "isDeleted": True})
        assert [(m.id, m.is_deleted) for e in one.events for m in e.messages] == [
            ("51", False),
            ("52", False),
            ("51", True),
            ("52", True),
        ]
        assert (await one.take(said(51), {"id": 52, "isDeleted": True}))["duplicates"] == 2


async def test_ids_are_unique_in_a_chat_only(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        receipt = await one.take(said(1, chat_id="a", fan=5), said(1, chat_id="b", fan=6))
        assert (receipt["accepted"], receipt["duplicates"]) == (2, 0)
        assert (await one.take({"id": 1, "isDeleted": True}))["held"] == 1  # of which chat?


async def test_a_captured_send_and_its_echo_are_one_in_either_order(redis: Redis, user_id: str) -> None:
    def echo(id: int, text: str) -> dict[str, Any]:
        return {"id": id, "text": f"<p>{text}</p>", "toUser": {"id": 41}}

    async with owner(redis, user_id) as one:
        assert (await one.take({"id": "msg_1714550400000_0", "text": "hello you"}))["held"] == 1
        await one.take(echo(71, "hello you"))
        assert one.knowledge.held == {}
        await one.take(echo(72, "and you"))
        receipt = await one.take({"id": "msg_1714550400000_1", "text": "and you"})
        assert (receipt["held"], receipt["duplicates"]) == (0, 1)
        assert [id for id, _ in one.messages()] == ["71", "72"]


async def test_an_unlock_is_taken_whatever_its_time_of_change_says(redis: Redis, user_id: str) -> None:
    offer = {"id": 31, "toUser": {"id": 41}, "price": 25, "createdAt": "2026-05-04T10:00:00Z", "text": "x"}
    changed = {"changedAt": "2026-05-04T10:00:00Z"}
    async with owner(redis, user_id) as one:
        await one.take({**offer, **changed, "isOpened": False})
        assert (await one.take({**offer, **changed, "isOpened": True}))["accepted"] == 1
        assert (await one.take({**offer, **changed, "isOpened": False}))["duplicates"] == 1
        assert (await one.take({**offer, "isOpened": True}))["duplicates"] == 1


async def test_a_deletion_beside_its_message_in_one_call_is_of_it(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        await one.take({"id": 51, "isDeleted": True}, said(51))
        assert one.knowledge.held == {}
        assert [m.is_deleted for e in one.events for m in e.messages] == [False, True]


async def test_a_deletion_that_is_not_in_the_journal_yet_is_of_the_message_that_comes_next(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        await asyncio.gather(one.take({"id": 51, "isDeleted": True}), one.take(said(51)))
        assert one.knowledge.held == {}
        assert [m.is_deleted for e in one.events for m in e.messages] == [False, True]
    again = Owner(redis, user_id)
    await again.recover()
    assert again.knowledge.held == {}


async def test_all_that_is_held_under_an_id_is_of_its_message(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        await one.take({"id": 51, "isDeleted": True})
        await one.take({"id": 51, "isOpened": True})
        await one.take(said(51))
        assert one.knowledge.held == {}
        assert any(m.is_deleted for e in one.events for m in e.messages)
        assert any(m.is_opened for e in one.events for m in e.messages)


async def test_what_may_be_of_several_messages_stays_held_whatever_else_comes_of_them(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        await one.take(said(1, chat_id="a", fan=5), said(1, chat_id="b", fan=6))
        await one.take({"id": 1, "isDeleted": True})
        await one.take(said(1, chat_id="a", fan=5, text="edited", changedAt="2024-05-02T08:00:00+00:00"))
        assert [aside.held.id for aside in one.knowledge.held.values()] == ["1"]
        assert not any(m.is_deleted for e in one.events for m in e.messages)


async def test_what_is_held_of_a_message_in_two_chats_is_of_it_once_they_are_one(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        page = {"id": 7, "text": "hi", "createdAt": "2024-05-01T08:00:00Z", "fromUser": {"id": CREATOR}}
        await one.intake.messages(json([page]), CREATOR, "c41")
        await one.take({**page, "toUser": {"id": 41}})
        await one.take({"id": 7, "isDeleted": True})
        assert len(one.knowledge.held) == 1
        chats = [{"id": "c41", "withUser": {"id": 41}}]
        await one.intake.snapshot(json({"chats": chats, "messages": []}), CREATOR)
        assert [(m.chat_id, m.is_deleted) for m in one.events[-1].messages] == [("c41", True)]


async def test_a_purchase_that_names_only_its_message_is_of_it_whenever_it_comes(
    redis: Redis, user_id: str
) -> None:
    offer = {"id": 31, "toUser": {"id": 41}, "price": 25, "createdAt": "2026-05-04T10:00:00Z", "text": "x"}
    told = {"type": "paided_message", "text": "for $20", "messageId": 31, "createdAt": "2026-05-04T11:00:00Z"}
    async with owner(redis, user_id) as one:
        await one.take({"new_message": told})
        await one.take(offer)
        assert one.knowledge.held == {}
        assert [(m.id, m.paid) for e in one.events for m in e.messages] == [("31", None), ("31", 20.0)]


async def test_a_bare_notification_and_a_renewal_are_the_same_after_a_restart(
    redis: Redis, user_id: str
) -> None:
    at = {"createdAt": "2024-05-01T08:00:00Z", "user_id": CREATOR, "user": {"id": 41}}
    async with owner(redis, user_id) as one:
        await one.take({"id": "n1", "type": "tip", "text": "Robin tipped $7", **at})
        await one.take({"api2_chat_message": {"id": 0, "type": "tip", "text": "tipped $8", **at}})
        await one.take({"new_message": {"type": "renewed", "text": "for $9", **at}})
    again = Owner(redis, user_id)
    await again.recover()
    live, replayed = ([m for e in each.events for m in e.messages] for each in (one, again))
    assert live == replayed
    assert [(m.tip, m.paid, m.is_renewal) for m in live] == [(7, None, False), (8, None, False), (0, 9, True)]


async def test_a_restart_knows_what_a_count_covers_though_only_messages_that_were_known_told(
    redis: Redis, user_id: str
) -> None:
    chats = [{"withUser": {"id": 41}, "unreadMessagesCount": 2}]
    async with owner(redis, user_id) as one:
        await one.take(said(1))
        await one.intake.snapshot(json({"chats": chats, "messages": [said(1)]}), CREATOR)
    again = Owner(redis, user_id)
    await again.recover()
    assert again.events[-1].chats == one.events[-1].chats
    assert one.events[-1].chats[0].counted_at == 1_714_550_400


async def test_an_account_in_a_message_that_says_nothing_new_is_not_taken_beside_one_that_does(
    redis: Redis, user_id: str
) -> None:
    fuller = said(1, fromUser={"id": 41, "name": "Fan", "subscribedOnData": {"totalSumm": 99}})
    async with owner(redis, user_id) as one:
        await one.take(said(1))
        await one.take(fuller, said(2))
    again = Owner(redis, user_id)
    await again.recover()
    spends = [{c.total_spend for e in each.events for c in e.chats} for each in (one, again)]
    assert spends == [{None}, {None}]


async def test_a_message_that_is_known_is_taken_again_where_it_is_the_first_to_name_the_fan(
    redis: Redis, user_id: str
) -> None:
    page = {"id": 7, "text": "hi", "createdAt": "2024-05-01T08:00:00Z", "fromUser": {"id": CREATOR}}
    async with owner(redis, user_id) as one:
        await one.intake.messages(json([page]), CREATOR, "c41")
        named = {**page, "chat_id": "c41", "toUser": {"id": 41}}
        assert [(await one.take(named))["accepted"] for _ in range(2)] == [1, 0]
    again = Owner(redis, user_id)
    await again.recover()
    for each in (one, again):
        assert {c.id: c.fan_id for e in each.events for c in e.chats} == {"c41": "41"}


async def test_what_is_too_much_is_refused_before_anything_of_it_is_taken(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        one.waiting = MAX_WAITING - 1
        snapshot = {"chats": [{"withUser": {"id": 41}}], "messages": [said(1), said(2)]}
        with pytest.raises(Overloaded):
            await one.intake.snapshot(json(snapshot), CREATOR)
        with pytest.raises(Overloaded):
            await one.take(said(1), {"id": 9, "text": "captured"})
        assert (one.events, one.knowledge.held, one.journal.sequence) == ([], {}, 0)
        assert (await one.take(said(1)))["accepted"] == 1
        one.waiting = MAX_WAITING
        with pytest.raises(Overloaded):
            await one.take(said(2))
        one.waiting = 0
        assert (await one.take(said(1), said(2)))["accepted"] == 1


async def test_what_waits_for_the_journal_waits_too(redis: Redis, user_id: str) -> None:
    async with owner(redis, user_id) as one:
        async with one.journal._writing:  # nothing gets into it meanwhile
            calls = [
                asyncio.create_task(one.take(*(said(40 * n + k) for k in range(1, 31)))) for n in range(3)
            ]
            refused, _ = await asyncio.wait(calls[1:])
        assert [type(each.exception()) for each in refused] == [Overloaded, Overloaded]
        assert (await calls[0])["accepted"] == 30


async def test_a_snapshot_beyond_the_bound_is_taken_when_nothing_waits(redis: Redis, user_id: str) -> None:
    messages = [said(n) for n in range(1, 2 * MAX_WAITING)]
    async with owner(redis, user_id) as one:
        receipt = await one.intake.snapshot(json({"chats": [], "messages": messages}), CREATOR)
    assert receipt["accepted"] == len(messages)


async def test_an_echo_that_came_before_a_restart_is_found(redis: Redis, user_id: str) -> None:
    echo = {"id": 71, "text": "<p>hello you</p>", "toUser": {"id": 41}}
    async with owner(redis, user_id) as one:
        await one.take(echo)
        [message] = one.events[0].messages
    async with owner(redis, f"{user_id}-again") as two:
        two.knowledge.know_chat(CREATOR, "41", "41", {message.id: message.version}, [message])
        receipt = await two.take({"id": "msg_1714550400000_0", "text": "hello you"})
        assert (receipt["held"], receipt["duplicates"]) == (0, 1)
        assert (await two.take({"id": "msg_1714550400000_1", "text": "something else"}))["held"] == 1


async def test_an_echo_that_the_journal_has_not_taken_is_none(redis: Redis, user_id: str) -> None:
    unreliable = Unreliable(redis)
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        unreliable.refuse = 1
        with pytest.raises(JournalUnavailable):
            await one.take({"id": 71, "text": "<p>hello you</p>", "toUser": {"id": 41}})
        await resolved(one.intake)
        assert (await one.take({"id": "msg_1714550400000_0", "text": "hello you"}))["held"] == 1


async def test_inputs_that_are_read_in_steps_do_not_mix(redis: Redis, user_id: str) -> None:
    def part(n: int) -> list[dict[str, Any]]:
        return [said(k, text=str(n)) for k in range(1, 16)]

    async with owner(redis, user_id) as one:
        snapshot = {"chats": [], "messages": part(0)}
        receipts = await asyncio.gather(
            one.intake.snapshot(json(snapshot), CREATOR), one.take(*part(1)), one.take(*part(2))
        )
    assert sorted(each["accepted"] for each in receipts) == [0, 0, 15]
    assert len({text for _, text in one.messages()}) == 1


async def test_what_is_being_read_when_an_append_fails_fails_too_and_leaves_nothing(
    redis: Redis, user_id: str
) -> None:
    unreliable = Unreliable(redis)
    async with owner(unreliable, user_id) as one:  # type: ignore[arg-type]
        unreliable.refuse = 1
        long = [said(n, text="x" * 50) for n in range(1, 40)]
        taken = await asyncio.gather(
            one.take({"id": 60, "text": "captured"}), one.take(*long), return_exceptions=True
        )
        assert [type(each) for each in taken] == [JournalUnavailable, JournalUnavailable]
        await resolved(one.intake)
        assert (one.events, one.knowledge.held) == ([], {})
        assert (await one.take(*long))["accepted"] == len(long)


async def test_a_caller_that_is_gone_while_its_input_is_read_leaves_nothing(
    redis: Redis, user_id: str
) -> None:
    async with owner(redis, user_id) as one:
        long = [said(n) for n in range(1, 40)]
        gone = asyncio.create_task(one.take(*long))
        for _ in range(50):
            await asyncio.sleep(0)
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        assert (await one.take(*long))["accepted"] == len(long)
