"""Whatever comes in whatever order, split and repetition: the numbers are those of the definitions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from enrich.outcomes import contexts
from graph.rows import conversation_row
from graph.traversals import CONVERSATIONS
from history.history import History
from history.packing import Packed
from insights.metrics import by_fans, response_time_metrics, spoken
from insights.tables import of_rows
from session.intake import Intake
from session.journal import Entry, Journal, Record
from session.knowledge import Knowledge
from session.machine import Accepted, CorrectionAccepted, ErasureAccepted
from session.replay import replayed
from tests.actors.factories import enrich_pending
from tests.feeds import START, feeds
from tests.oracle import CREATOR, GAP, NOW, SILENCE, Call, numbers

WINDOWS = ((0.0, 1e12), (START + 3600.0, START + 86_400.0))


class Records:
    """A journal in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._ids: set[tuple[str, str]] = set()

    @property
    def sequence(self) -> int:
        return len(self.records)

    async def append(self, creator_id: str, entries: Sequence[Entry]) -> list[int]:
        await asyncio.sleep(0)
        return [self._append(creator_id, each) for each in entries]

    def _append(self, creator_id: str, entry: Entry) -> int:
        if entry.kind == "message" and entry.id:
            if (creator_id, entry.id) in self._ids:
                return 0
            self._ids.add((creator_id, entry.id))
        self.records.append(Record(entry.kind, self.sequence + 1, creator_id, entry.at, entry.body))
        return self.sequence

    async def append_snapshot(
        self, creator_id: str, received_at: float, chats: Sequence[bytes], messages: Sequence[bytes]
    ) -> int:
        await asyncio.sleep(0)
        body = b'{"chats":[%b],"messages":[%b]}' % (b",".join(chats), b",".join(messages))
        self.records.append(Record("snapshot", self.sequence + 1, creator_id, received_at, body))
        return self.sequence

    async def read(self, after: int = 0) -> AsyncIterator[Record]:
        for record in self.records[after:]:
            yield record


class Owner:
    """What one process knows of a user: an intake, and a cache that takes its events in."""

    def __init__(self, journal: Records) -> None:
        self.cache = History(gap=GAP, silence=SILENCE)
        self.journal = cast(Journal, journal)
        self.knowledge = Knowledge(1000)
        self.intake = Intake(
            self.journal,
            self.knowledge,
            max_text=1000,
            max_waiting=10_000,
            waiting=lambda: 0,
            accepted=self._take,
            now=lambda: float(NOW),
        )

    def _take(self, event: Accepted) -> None:
        assert not isinstance(event, ErasureAccepted | CorrectionAccepted), "nothing else is here"
        self.cache.merge(event.chats, event.messages)

    async def recover(self, after: int = 0) -> None:
        async for event in replayed(self.journal, self.knowledge, after):
            self._take(event)

    async def feed(self, feed: list[Call], *, together: bool) -> None:
        running = asyncio.create_task(self.intake.run())
        calls = [self._call(call) for call in feed]
        if together:
            await asyncio.gather(*calls)
        else:
            for call in calls:
                await call
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    async def _call(self, call: Call) -> None:
        if call.chats is None:
            await self.intake.messages(orjson.dumps(call.messages), CREATOR, call.chat_id, call.sender)
        else:
            body = {"chats": call.chats, "messages": call.messages}
            await self.intake.snapshot(orjson.dumps(body), CREATOR, call.chat_id, call.sender)

    def numbers(self, start: float, end: float) -> dict[str, Any]:
        chats = list(self.cache.of(CREATOR))
        enrich_pending(self.cache)
        nodes = [node for chat in self.cache.of(CREATOR) for node in chat.nodes.values()]
        inside = [conversation_row(node) for node in nodes if start <= node.figures.start < end]
        rows = of_rows(CONVERSATIONS, inside)
        metrics = response_time_metrics(rows)
        handling, response = metrics.average_handling_time_minutes, metrics.response_time
        outcomes = sorted(
            (each.type, each.at, each.amount or 0.0)
            for chat in chats
            for context in contexts(chat.conversations, {chat.chat.id: chat.chat}).values()
            for each in context.outcomes
        )
        within = [each for each in outcomes if start <= each[1] < end]
        fans = {chat.chat.fan_id: chat.fan_state() for chat in self.cache.of(CREATOR)}
        assert len(fans) == len(chats), "a fan has one chat"
        assert {c.fan_id for chat in chats for c in chat.conversations} <= fans.keys()
        return {
            "conversations": len(spoken(rows)),
            "fan_conversations": len(by_fans(rows)),
            "broadcast_only": len(rows) - len(spoken(rows)),
            "handling": None if handling is None else handling * 60,
            "silence": metrics.silence_percentage,
            "turns": metrics.turns,
            "responses": (response.mean, response.median, response.max, response.n),
            "unanswered": response.unanswered,
            "outcomes": within,
            "revenue": sum(amount for _, _, amount in within),
            "chats": {id: (fan.unread, fan.waiting_since, fan.spend) for id, fan in fans.items()},
        }


async def _live_and_again(feed: list[Call], *, together: bool) -> tuple[Owner, Owner]:
    journal = Records()
    live, again = Owner(journal), Owner(journal)
    await live.feed(feed, together=together)
    await again.recover()
    return live, again


@pytest.mark.parametrize("together", [False, True])
@settings(max_examples=40)
@given(feeds())
def test_any_feed_gives_the_numbers_of_the_definitions_live_and_after_a_restart(
    together: bool, feed: list[Call]
) -> None:
    live, again = asyncio.run(_live_and_again(feed, together=together))
    for window in WINDOWS:
        expected = _rounded(numbers(feed, *window))
        assert _rounded(live.numbers(*window)) == expected
        assert _rounded(again.numbers(*window)) == expected


@settings(max_examples=40)
@given(feeds(), st.integers(0, 6))
def test_what_a_checkpoint_has_goes_on_as_if_nothing_had_been(feed: list[Call], after: int) -> None:
    again = asyncio.run(_from_a_checkpoint(feed, after))
    assert _rounded(again.numbers(*WINDOWS[0])) == _rounded(numbers(feed, *WINDOWS[0]))


async def _from_a_checkpoint(feed: list[Call], after: int) -> Owner:
    """Who takes over with a checkpoint made after so many calls, and takes the last ones itself."""
    journal = Records()
    before, then = Owner(journal), Owner(journal)
    await before.feed(feed[:after], together=False)
    sequence = journal.sequence
    for (creator_id, chat_id), packed in before.cache.packed():
        read = msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Packed)
        then.cache.load((creator_id, chat_id), read, enriched=True)
        then.knowledge.know_chat(creator_id, chat_id, read.fan.fan_id, read.versions())
    then.knowledge.know_held(dict(before.knowledge.held))
    await before.feed(feed[after : after + 1], together=False)
    await then.recover(sequence)
    await then.feed(feed[after + 1 :], together=False)
    return then


@pytest.mark.parametrize("together", [False, True])
@settings(max_examples=40)
@given(feeds(odd=True))
def test_a_restart_gives_what_was_live(together: bool, feed: list[Call]) -> None:
    live, again = asyncio.run(_live_and_again(feed, together=together))
    assert live.knowledge.held.keys() == again.knowledge.held.keys()
    assert _known(live) == _known(again)


def _known(owner: Owner) -> Any:
    """All but which of two equal copies is the one as received."""
    return {
        chat.chat.id: (chat.chat, {id: replace(m, raw=b"") for id, m in chat.messages.items()})
        for chat in owner.cache.of(CREATOR)
    }


def _rounded(value: Any) -> Any:
    """Without the last digits, which depend on what is added first."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
