"""When a user actor has topics fitted anew, and what becomes of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from msgspec import structs

from chats.conversation import Conversation
from chats.enriched import EnrichedConversation, MessageEnrichment, TopicUse
from enrich.tasks import Enricher, Wanted
from enrich.topics.refit import Fitted
from errors import EnrichmentError
from history.chat import CachedChat
from history.history import History, mark
from history.packing import Packed, unpack
from session.refits import Refits
from tests.actors.factories import HOUR, START, chat, empty_cache, enrich_pending, message
from tests.conftest import PATIENCE

CREATOR = "c1"
TOPIC = TopicUse(id="topic_0", label="Cars", messages=1, weight=1.0, model="bertopic")
CONVERSATIONS = 120


def fit(version: int, messages: int) -> Fitted:
    return Fitted(version, messages, 0.1)


@dataclass
class Topics:
    """Gives every conversation one more topic, as a new fit might. `begun` holds until `go` is set."""

    cache: History
    stored: Fitted | None = None
    refits: list[bool] = field(default_factory=list)
    broken: bool = False
    breaks_after: int | None = None  # parts
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def fitted(self, creator_id: str) -> Fitted | None:
        return self.stored

    async def whole(
        self, creator_id: str, conversations: Iterable[Wanted], *_: Any, refit: bool, aside: bool
    ) -> tuple[int, AsyncIterator[list[EnrichedConversation]]]:
        assert aside
        self.refits.append(refit)
        if self.broken:
            raise EnrichmentError("broken")
        nodes = [self._anew(each) for each, _, _ in conversations]
        self.begun.set()
        await self.go.wait()
        if refit:
            version = self.stored.version + 1 if self.stored else 1
            self.stored = fit(version, self.cache.size(creator_id))
        assert self.stored is not None

        async def parts() -> AsyncIterator[list[EnrichedConversation]]:
            for at, node in enumerate(nodes):
                if at == self.breaks_after:
                    raise EnrichmentError("broken")
                yield [node]

        return self.stored.version, parts()

    def _anew(self, conversation: Conversation) -> EnrichedConversation:
        cached = self.cache.look(CREATOR, conversation.chat_id)
        assert cached is not None
        return structs.replace(cached.nodes[conversation.id], topics=(TOPIC,))


@pytest.fixture
def cache() -> History:
    """A chat of many conversations, of two messages each."""
    cache = empty_cache()
    said = [message(f"{n}-{m}", n * 8 * HOUR + m) for n in range(CONVERSATIONS) for m in range(2)]
    cache.merge([chat()], said)
    enrich_pending(cache)
    return cache


@pytest.fixture
def topics(cache: History) -> Topics:
    return Topics(cache)


@dataclass
class Running:
    refits: Refits
    redone: list[str]
    kept: list[EnrichedConversation] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    busy: bool = False

    async def keep(self, nodes: Sequence[EnrichedConversation]) -> None:
        self.kept += nodes
        self.fits_kept = dict(self.refits.fits)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        work = asyncio.ensure_future(self.refits.run())
        await asyncio.sleep(0)  # it looks at every creator once
        yield
        assert not work.done()
        work.cancel()


@pytest.fixture
def running(cache: History, topics: Topics) -> Running:
    redone: list[str] = []
    found = Running(
        Refits(
            "u1",
            cache,
            cast(Enricher, topics),
            asyncio.Lock(),
            busy=lambda creator_id: found.busy,
            redo=redone.append,
            keep=lambda nodes: found.keep(nodes),
            replaced=lambda creator_id: found.replaced.append(creator_id),
        ),
        redone,
    )
    return found


async def until_idle(refits: Refits) -> None:
    async with asyncio.timeout(PATIENCE):
        while refits._waiting or refits._asked.is_set() or refits.working:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def nodes(cache: History) -> list[EnrichedConversation]:
    return [node for cached in cache.of(CREATOR) for node in cached.nodes.values()]


async def test_a_creator_with_much_that_no_fit_has_seen_is_fitted_and_its_conversations_have_the_topics(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.go.set()
    async with running.at_work():
        await until_idle(running.refits)
        assert topics.refits == []  # one look, and nothing was enriched since
        running.refits.enriched(CREATOR, nodes(cache))
        await until_idle(running.refits)
        assert topics.refits == [True]
        assert all(node.topics == (TOPIC,) for node in nodes(cache))
        assert running.refits.fits == {CREATOR: 1}
        assert running.redone == [CREATOR]
        running.refits.enriched(CREATOR, nodes(cache))
        await until_idle(running.refits)
        assert topics.refits == [True]  # nothing new


async def test_a_fit_that_another_stored_is_assigned_but_not_made_again(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.go.set()
    topics.stored = fit(4, cache.size(CREATOR))
    async with running.at_work():
        await until_idle(running.refits)
        assert topics.refits == [False]
        assert running.refits.fits == {CREATOR: 4}
        assert all(node.topics == (TOPIC,) for node in nodes(cache))


async def test_topics_that_are_lost_are_found_anew_though_nothing_is_due(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.go.set()
    topics.stored = fit(4, cache.size(CREATOR))
    running.refits.fits[CREATOR] = 4
    async with running.at_work():
        await until_idle(running.refits)
        assert topics.refits == []
        assert running.replaced == []
        running.refits.anew(CREATOR)
        await until_idle(running.refits)
        assert topics.refits == [True]
        assert running.replaced == [CREATOR]
        running.refits._ask(CREATOR)
        await until_idle(running.refits)
        assert topics.refits == [True]


async def test_what_is_said_during_a_refit_keeps_what_was_found_of_it(
    cache: History, topics: Topics, running: Running
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
        changed = {node.id for node in nodes(cache) if node.topics == (TOPIC,)}
        assert changed == {node.id for node in nodes(cache)} - {open_}


async def test_nothing_is_fitted_while_all_of_the_creator_is_in_hand(
    cache: History, topics: Topics, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session.refits.BUSY_PAUSE", 0.01)
    topics.go.set()
    topics.stored = fit(1, cache.size(CREATOR))
    running.busy = True
    async with running.at_work():
        await asyncio.sleep(0.1)
        assert topics.refits == []
        running.busy = False
        await until_idle(running.refits)
        assert topics.refits == [False]


async def test_a_refit_that_fails_is_logged_and_tried_again_only_when_there_is_more(
    cache: History, topics: Topics, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    topics.broken = True
    async with running.at_work():
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                running.refits.enriched(CREATOR, nodes(cache))
                await until_idle(running.refits)
        assert topics.refits == [True]
        assert "not fitted anew (EnrichmentError)" in caplog.text
        more = [message(f"more-{n}", (CONVERSATIONS + n) * 8 * HOUR) for n in range(CONVERSATIONS // 4)]
        cache.merge([], more)
        enrich_pending(cache)
        running.refits.enriched(CREATOR, nodes(cache))
        await until_idle(running.refits)
        assert topics.refits == [True, True]
        assert running.redone == []


async def test_what_changed_before_a_refit_broke_off_reaches_graph_and_pages(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.go.set()
    topics.stored = fit(1, cache.size(CREATOR))
    topics.breaks_after = 3
    async with running.at_work():
        await until_idle(running.refits)
        assert sum(node.topics == (TOPIC,) for node in nodes(cache)) == 3
        assert running.redone == [CREATOR]
        assert running.refits.fits == {}  # so the rest is assigned when it is looked at again
        assert running.refits.unfinished == set()


async def test_a_snapshot_that_was_understood_meanwhile_has_the_topics_assigned_again(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.stored = fit(2, cache.size(CREATOR))
    async with running.at_work():
        await topics.begun.wait()
        running.refits.assigned(CREATOR, 1)  # it had begun with the fit before
        topics.go.set()
        await until_idle(running.refits)
        assert topics.refits == [False, False]
        assert running.refits.fits == {CREATOR: 2}


def marks(cache: History) -> dict[str, int]:
    own = (each for cached in cache.of(CREATOR) for each in cached.all_surrounded())
    return {conversation.id: mark(conversation, context) for conversation, context, _ in own}


def with_topic(cache: History) -> list[EnrichedConversation]:
    return [structs.replace(node, topics=(TOPIC,)) for node in nodes(cache)]


def test_a_chat_at_rest_is_opened_once_for_all_its_conversations(
    cache: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, found = marks(cache), with_topic(cache)
    for key in cache.unpacked():
        cache.close(key)
    opened = []

    def counted(packed: Packed, **more: Any) -> CachedChat:
        opened.append(packed)
        return unpack(packed, **more)

    monkeypatch.setattr("history.history.unpack", counted)
    assert len(cache.revise(CREATOR, "f1", found, seen)) == CONVERSATIONS
    assert len(opened) <= 2


def test_only_topics_are_taken_over_and_never_where_something_failed(cache: History) -> None:
    seen = marks(cache)
    one, other, third, *_ = nodes(cache)
    failed = MessageEnrichment(sentiment=None, actions=None, failed={"embedding": "OSError"})
    cache.store(structs.replace(third, messages=dict.fromkeys(third.messages, failed)))
    new = [
        structs.replace(one, topics=(TOPIC,), sentiment_sum=99.0),
        structs.replace(other, topics=(TOPIC,), messages=dict.fromkeys(other.messages, failed)),
        structs.replace(third, topics=(TOPIC,)),
    ]
    assert len(cache.revise(CREATOR, "f1", new, seen)) == 1
    now = {node.id: node for node in nodes(cache)}
    assert now[one.id] == structs.replace(one, topics=(TOPIC,))
    assert now[other.id] == other
    assert next(iter(now[third.id].messages.values())).failed


def test_a_conversation_before_which_something_changed_keeps_what_it_has(cache: History) -> None:
    seen, found = marks(cache), with_topic(cache)
    cache.merge([], [message("1-1", 8 * HOUR + 1, is_deleted=True, changed_at=START + 999 * HOUR)])
    enrich_pending(cache)
    assert len(cache.revise(CREATOR, "f1", found, seen)) == CONVERSATIONS - 2  # the shorter one and the next


async def test_what_a_refit_changed_is_kept_before_it_counts_as_done(
    cache: History, topics: Topics, running: Running
) -> None:
    topics.go.set()
    topics.stored = fit(1, cache.size(CREATOR))
    async with running.at_work():
        await until_idle(running.refits)
    assert running.kept == nodes(cache)
    assert running.refits.fits == running.fits_kept == {CREATOR: 1}
