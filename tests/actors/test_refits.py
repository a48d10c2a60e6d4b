"""When a user actor has topics fitted anew, and what becomes of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from actors.cache import Cache
from actors.refits import Refits
from enrich.refit import Fitted
from enrich.tasks import Enricher, WholeChat
from errors import EnrichmentError
from tests.actors.factories import HOUR, chat, empty_cache, enrich_pending, message
from wire.payloads import ExtendedConversationNode, TopicUse

CREATOR = "c1"
TOPIC = TopicUse(id="topic_0", topic="Cars", messages=1, weight=1.0, model="bertopic")
CONVERSATIONS = 120


def fit(version: int, messages: int) -> Fitted:
    return Fitted(version, messages, 0.1, "taxonomy 1", "model 1")


@dataclass
class Topics:
    """Gives every conversation one more topic, as a new fit might. `begun` holds until `go` is set."""

    cache: Cache
    stored: Fitted | None = None
    refits: list[bool] = field(default_factory=list)
    broken: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def fitted(self, creator_id: str) -> Fitted | None:
        return self.stored

    async def refit(
        self, creator_id: str, chats: Iterable[WholeChat], *, again: bool
    ) -> tuple[int, AsyncIterator[list[ExtendedConversationNode]]]:
        self.refits.append(again)
        if self.broken:
            raise EnrichmentError("broken")
        nodes = [node for own, each in chats for node in self._anew(own, each.id)]
        self.begun.set()
        await self.go.wait()
        if again:
            version = self.stored.version + 1 if self.stored else 1
            self.stored = fit(version, self.cache.size(creator_id))
        assert self.stored is not None

        async def parts() -> AsyncIterator[list[ExtendedConversationNode]]:
            for node in nodes:
                yield [node]

        return self.stored.version, parts()

    def _anew(self, own: Iterable[Any], chat_id: str) -> list[ExtendedConversationNode]:
        cached = self.cache.look(CREATOR, chat_id)
        assert cached is not None
        return [cached.nodes[each.id].model_copy(update={"topics": [TOPIC]}) for each in own]


@pytest.fixture
def cache() -> Cache:
    """A chat of many conversations, of two messages each."""
    cache = empty_cache()
    said = [message(f"{n}-{m}", n * 8 * HOUR + m) for n in range(CONVERSATIONS) for m in range(2)]
    cache.merge([chat()], said)
    enrich_pending(cache)
    return cache


@pytest.fixture
def topics(cache: Cache) -> Topics:
    return Topics(cache)


@dataclass
class Running:
    refits: Refits
    redone: list[str]
    busy: bool = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        work = asyncio.ensure_future(self.refits.run())
        await asyncio.sleep(0)  # it looks at every creator once
        yield
        assert not work.done()
        work.cancel()


@pytest.fixture
def running(cache: Cache, topics: Topics) -> Running:
    redone: list[str] = []
    found = Running(
        Refits(
            "u1",
            cache,
            cast(Enricher, topics),
            asyncio.Lock(),
            busy=lambda creator_id: found.busy,
            redo=redone.append,
        ),
        redone,
    )
    return found


async def until_idle(refits: Refits) -> None:
    async with asyncio.timeout(5):
        while refits._waiting or refits._asked.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def nodes(cache: Cache) -> list[ExtendedConversationNode]:
    return [node for cached in cache.of(CREATOR) for node in cached.nodes.values()]


async def test_a_creator_with_much_that_no_fit_has_seen_is_fitted_and_its_conversations_have_the_topics(
    cache: Cache, topics: Topics, running: Running
) -> None:
    topics.go.set()
    async with running.at_work():
        await until_idle(running.refits)
        assert topics.refits == []  # one look, and nothing was enriched since
        running.refits.enriched(CREATOR, nodes(cache))
        await until_idle(running.refits)
        assert topics.refits == [True]
        assert all(node.topics == [TOPIC] for node in nodes(cache))
        assert running.refits.fits == {CREATOR: 1}
        assert running.redone == [CREATOR]
        running.refits.enriched(CREATOR, nodes(cache))
        await until_idle(running.refits)
        assert topics.refits == [True]  # nothing new


async def test_a_fit_that_another_stored_is_assigned_but_not_made_again(
    cache: Cache, topics: Topics, running: Running
) -> None:
    topics.go.set()
    topics.stored = fit(4, cache.size(CREATOR))
    async with running.at_work():
        await until_idle(running.refits)
        assert topics.refits == [False]
        assert running.refits.fits == {CREATOR: 4}
        assert all(node.topics == [TOPIC] for node in nodes(cache))


async def test_what_is_said_during_a_refit_keeps_what_was_found_of_it(
    cache: Cache, topics: Topics, running: Running
) -> None:
    topics.stored = fit(1, cache.size(CREATOR))
    async with running.at_work():
        await topics.begun.wait()
        last = (CONVERSATIONS - 1) * 8 * HOUR
        [mark] = cache.merge([], [message("late", last + 60)])
        [open_] = mark.stale
        enrich_pending(cache)
        topics.go.set()
        await until_idle(running.refits)
        changed = {node.conversationId for node in nodes(cache) if node.topics == [TOPIC]}
        assert changed == {node.conversationId for node in nodes(cache)} - {open_.id}


async def test_nothing_is_fitted_while_all_of_the_creator_is_in_hand(
    cache: Cache, topics: Topics, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.refits.BUSY_PAUSE", 0.01)
    topics.go.set()
    topics.stored = fit(1, cache.size(CREATOR))
    running.busy = True
    async with running.at_work():
        await asyncio.sleep(0.1)
        assert topics.refits == []
        running.busy = False
        await until_idle(running.refits)
        assert topics.refits == [False]


async def test_a_refit_that_fails_is_logged_and_not_tried_again_at_once(
    cache: Cache, topics: Topics, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    topics.broken = True
    async with running.at_work():
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                running.refits.enriched(CREATOR, nodes(cache)[:60])
                await until_idle(running.refits)
        assert topics.refits == [True, True]  # sixty new ones each time: due again
        assert "not fitted anew (EnrichmentError)" in caplog.text
        running.refits.enriched(CREATOR, nodes(cache)[:5])
        await until_idle(running.refits)
        assert topics.refits == [True, True]
        assert not running.refits.working
        assert running.redone == []
