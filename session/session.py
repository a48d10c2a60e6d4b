"""The owner of one user: takes input, has it understood, tells pages, has the graph written.

What to do next is decided by `session.machine`; the session carries it out through ports (`Ports`): it knows
no Ray, and time is a clock's. Input goes through `session.intake` into the journal and comes from there as
events. The caller is answered when it is in the journal; everything after that is repeatable: a new owner
reads the newest checkpoint and what the journal has behind it, and does again what was not done.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import orjson
from redis.exceptions import RedisError

from backoff import Backoff
from chats.corrections import Correction
from chats.enriched import EnrichedConversation
from enrich.progress import Progress
from errors import (
    AnalyticsError,
    CheckpointUnavailable,
    JournalGap,
    JournalUnavailable,
    KeyUnavailable,
    NotFound,
    StaleOwner,
    Unavailable,
    Undecryptable,
)
from graph.model import UpsertEdge, UpsertVertex
from history.history import History
from insights.columns import Table
from insights.tables import Ask, Version
from metrics.declared import (
    BACKLOG,
    GRAPH_BEHIND_SECONDS,
    INPUTS_DROPPED,
    INPUTS_HELD,
    JOURNAL_LAG,
    OWNER_RECOVERY_SECONDS,
)
from search.question import Question
from session import bulk, reading
from session.backlog import Backlog
from session.columns import KeptColumns
from session.corrections import Correcting, row_of
from session.erasure import Erasure, Scope
from session.erasures import Erasures
from session.export import page
from session.figures import Figures
from session.graph import GraphWrites
from session.indexes import Indexes
from session.intake import EXPIRED, Intake, Receipt
from session.machine import (
    Accepted,
    Again,
    CorrectionAccepted,
    DeltaAccepted,
    Effect,
    Enrich,
    Enriched,
    ErasureAccepted,
    Event,
    ExpiryDue,
    Failed,
    Job,
    NodesReady,
    PublishAppend,
    PublishEnrichment,
    PublishError,
    PublishFullSync,
    PublishStatus,
    Redo,
    RetryLater,
    SnapshotAccepted,
    Status,
    UserState,
)
from session.pages import EVERYTHING, Extent, Order, Pages, Said
from session.persistence import Persistence
from session.ports import Ports
from session.refits import Refits
from session.retention import Retention
from session.search import Search
from session.topics import Topics
from session.understanding import Understanding
from settings import Settings
from wire.incoming import Replay, parse_replays
from wire.masking import Pseudonym
from wire.parsing import Json
from wire.payloads import for_pages
from wire.view import failed_conversations

log = logging.getLogger(__name__)

T = TypeVar("T")

READY_WITHIN = 30.0  # seconds that a call waits for a history that is being read
RETRY_FIRST, RETRY_MOST = 0.2, 10.0
OPEN_MESSAGES = 5_000  # of the chats used last stay unpacked
WRITTEN_WITHIN = 2.0  # seconds that a correction waits for the graph
EVERY = 20  # chats that are counted anew between two looks at the event loop
GRAPH_BEHIND = "The graph is behind: insights that are asked over REST lack what came last."


class Session:
    """One user's. `run` works until the user has another owner; all else is called while it runs."""

    def __init__(self, user_id: str, settings: Settings, ports: Ports) -> None:
        self._user_id = user_id
        self._settings = settings
        self._ports = ports
        self._clock = ports.clock
        self._frames = ports.publisher(self._tell_all_anew)
        self._mailbox: asyncio.Queue[Event] = asyncio.Queue()
        self._event: Event | None = None  # that is being taken
        self._at_rest = asyncio.Lock()  # held while the chats change, or must not
        self._ready = asyncio.Event()
        self._problem: AnalyticsError | None = None  # why the history cannot be read
        self._leaving = False
        self._used = self._clock.monotonic()
        self._calls = 0  # in hand
        self._tasks: asyncio.TaskGroup | None = None
        self._retries = 0  # waits that were asked for; the last one counts
        self._begin()

    def _begin(self) -> None:
        """As if nothing was known yet."""
        settings, ports, user_id = self._settings, self._ports, self._user_id
        self._history = history = History(gap=settings.conversation_gap, silence=settings.silence_threshold)
        self._state = UserState(history)
        self._backlog = backlog = Backlog()
        self._figures = Figures(user_id, history, self._clock.now())
        self._columns = KeptColumns(user_id, history, self._clock)
        self._writes = GraphWrites(
            user_id, history, ports.reader, self._clock, self._tell_graph, ports.metrics
        )
        self._pages = Pages(
            user_id, history, self._figures, self._frames, self._clock, lambda: self._state.sequence
        )
        self._understanding = Understanding(
            user_id, history, ports.enricher, self._clock, self._tell_progress
        )
        self._indexes = Indexes(
            user_id,
            history,
            ports.embedder,
            ports.search_folder,
            self._clock,
            busy=lambda: self._state.job is not None,
            in_memory=ports.keys.encrypts,
        )
        self._topics = Topics(history, ports.enricher, self._indexes)
        self._search = Search(user_id, history, ports.embedder, self._indexes, self._clock, ports.metrics)
        self._retention = retention = Retention(
            settings.retention_days, self._clock, history.creators, self._expire
        )
        self._intake = intake = Intake(
            ports.journal,
            max_text=settings.max_text,
            max_held=settings.max_held,
            max_waiting=settings.max_waiting,
            waiting=lambda: backlog.messages,
            accepted=self._accept,
            now=lambda: self._clock.now().timestamp(),
            oldest=retention.oldest,
            metrics=ports.metrics,
        )
        self._correcting = Correcting(history, intake, self._clock)
        self._dropped: Counter[str] = Counter()  # of the intake's, what was measured
        self._refits = Refits(
            user_id,
            history,
            ports.enricher,
            self._at_rest,
            busy=self._state.is_whole_due,
            redo=self._redo,
            keep=self._keep_revised,
            replaced=self._writes.drop_unused_topics,
        )
        self._to_redo: dict[str, None] = {}  # creators to be told anew, before the machine knows it
        self._creators: dict[str, None] = {}  # of whom pages may show something, also when all is erased
        self._persistence = Persistence(
            user_id,
            settings,
            ports,
            self._state,
            self._intake,
            self._refits,
            self._writes,
            self._unshown,
            self._spawn,
        )
        self._erasures = Erasures(
            user_id,
            ports,
            self._intake,
            self._persistence,
            self._refits,
            self._frames,
            self._indexes,
            self._at_rest,
            lambda: self._state.sequence,
            self._catch_up,
        )

    # What callers use

    async def handle_snapshot(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take everything an extension holds (JSON of a `cache_update` payload or envelope).

        `chat_id` is the chat of messages that name none, `sender_id` who of the creator's team sent those
        that do not say it. Returns `{sequence, accepted, duplicates, held}`
        once it is in the journal.
        """
        async with self._call():
            return await self._intake.snapshot(payload, creator_id, chat_id, sender_id)

    async def handle_delta(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take live messages (JSON of one `new_raw_message` payload or envelope, or a list of them)."""
        async with self._call():
            return await self._intake.messages(payload, creator_id, chat_id, sender_id)

    async def handle_deltas(
        self, bodies: Sequence[tuple[bytes, str | None, str | None]], creator_id: str
    ) -> list[Receipt | AnalyticsError]:
        """Take several bodies of live messages, each (JSON, chat, sender): of the messages that name none.

        Each has a receipt or an error of its own, in their order.
        """

        async with self._call():
            answers = await self._intake.bodies(bodies, creator_id)
        for each in answers:
            if isinstance(each, StaleOwner):
                raise each  # the next owner is to take them all
        return answers

    async def replay_held(self, payload: Json) -> Receipt:
        """Take what is held once more (JSON list of `{key, add}`; empty: all of it).

        What can be placed now is journaled as if it had just come; `held` counts what still cannot. What
        could not be enriched is enriched again, what the graph refused is written again.
        """
        async with self._call():
            asked = parse_replays(payload)
            found = await self._work_again({each.key for each in asked})
            everything = [Replay(key=key) for key in self._intake.held]
            return await self._intake.replay(
                [each for each in asked if each.key not in found] if asked else everything
            )

    async def discard_held(self, keys: Sequence[str] | None) -> int:
        """Delete what is held under these keys, or all of it (None); how many there were."""
        async with self._call():
            return await self._intake.discard(self._intake.held if keys is None else keys)

    async def erase(
        self, receipt: str, creator_id: str | None, id: str | None, within: float
    ) -> dict[str, Any]:
        """Erase a fan (by the fan's id or the chat's), an account (no id), or all of the user (no creator).

        Once this returns nothing of it is shown and nothing of it is taken. Its receipt, with `completed_at`
        when within so many seconds nothing of it was left anywhere. To ask with the same `receipt` again is
        not to erase again.
        """
        async with self._call():
            if (known := await self._receipt(receipt, 0.0)) is not None:
                return known
            scope: Scope = "user" if creator_id is None else "account" if id is None else "fan"
            asked = Erasure(
                receipt=receipt,
                scope=scope,
                creator_id=creator_id,
                accounts=tuple(self._history.creators()) if creator_id is None else (creator_id,),
                names=(),
                requested_at=self._clock.now().timestamp(),
                subject=self._ports.seal().subject(self._user_id, creator_id, id),
            )
            await self._intake.erase(asked, id)
            found = await self._receipt(receipt, within)
            assert found is not None, "it was added"
            return found

    async def get_receipt(self, receipt: str) -> dict[str, Any]:
        """What became of an erasure. NotFound."""
        async with self._call():
            if (found := await self._receipt(receipt, 0.0)) is None:
                raise NotFound("This user has no receipt of that id.")
            return found

    async def lift(self, creator_id: str | None, id: str | None) -> int:
        """Have what comes of an erased user, account or fan taken again; how many tombstones there were."""
        async with self._call():
            return await self._intake.lift(creator_id, id)

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        """Keep an account's messages for so many days (0: for ever; None: as long as all others')."""
        async with self._call():
            try:
                await self._ports.erased.keep_for(creator_id, days)
            except RedisError as error:
                raise JournalUnavailable(
                    f"Redis does not answer ({type(error).__name__}); nothing was changed, try again."
                ) from error
            self._retention.keep_for(creator_id, days)

    async def export(
        self, creator_id: str | None, id: str | None, cursor: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        """A page of what is kept of a user, an account or a fan (`session.export`), and the next cursor."""
        async with self._call():
            async with self._at_rest:
                lines, following = page(
                    self._history, self._intake.held, creator_id, id, cursor, limit, self._pseudonym(mask)
                )
            return b"".join(line + b"\n" for line in lines), following

    async def bulk(
        self, table: bulk.Table, creator_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[bulk.Row], str | None]:
        """Rows of a table (`session.bulk`) behind a cursor, and the next cursor."""
        async with self._call(), self._at_rest:
            return bulk.page(self._history, table, creator_id, cursor, limit)

    async def correct(self, creator_id: str, correction: Correction) -> dict[str, Any]:
        """Have a correction count everywhere, and journaled; see `session.corrections`.

        The graph is waited for, a moment.
        """
        async with self._call():
            made = await self._correcting.correct(creator_id, correction)
            await self._in_graph_soon()
            return row_of(made)

    async def withdraw(self, creator_id: str, id: str, by: str, who: str) -> dict[str, Any]:
        """Have a correction count no more, by another one with the id `by`. NotFound: none stands."""
        async with self._call():
            made = await self._correcting.withdraw(creator_id, id, by, who)
            await self._in_graph_soon()
            return row_of(made)

    async def _in_graph_soon(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._writes.caught_up(), WRITTEN_WITHIN)

    async def get_corrections(self, creator_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of the corrections that stand, the newest first, and how many there are."""
        async with self._call(), self._at_rest:
            return await self._correcting.listed(creator_id, limit, offset)

    async def get_labels(
        self, creator_id: str, after: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        """A page of them as labels (`session.corrections`), and what to go on after."""
        async with self._call(), self._at_rest:
            return self._correcting.labels(creator_id, after, limit, self._pseudonym(mask))

    async def columns(self, creator_id: str, asks: Sequence[Ask]) -> tuple[Version, list[Table]] | None:
        """What an account answers to questions that the graph is asked; None: ask the graph."""
        async with self._call():
            return await self._columns.read(creator_id, asks)

    async def column_versions(self, creators: Sequence[str]) -> list[Version | None]:
        """Of each account another one each time that its answers may be others; None: ask the graph."""
        async with self._call():
            return [self._columns.version(each) for each in creators]

    async def _receipt(self, receipt: str, within: float) -> dict[str, Any] | None:
        try:
            return await self._erasures.answer(receipt, within)
        except RedisError as error:
            raise JournalUnavailable(f"Redis does not answer ({type(error).__name__}); try again.") from error

    async def get_held(self, limit: int, offset: int) -> dict[str, Any]:
        """What could not be placed, enriched or written, with the reason: one page, and how many there are.

        Beside it how much was not chat, by kind.
        """
        async with self._call():
            held = [
                {
                    "key": key,
                    "reason": aside.held.reason,
                    "id": aside.held.id,
                    "creator_id": aside.creator_id,
                    "failed": {},
                    "position": aside.held.position,
                    "received": orjson.loads(aside.held.raw),
                }
                for key, aside in self._intake.held.items()
            ]
            async with self._at_rest:
                for rows in reading.failed(self._history):
                    held += rows
                    await asyncio.sleep(0)
                held += reading.refused(self._writes.refused)
            page = held[offset : offset + limit]
            return {"held": page, "total": len(held), "dropped": dict(self._intake.dropped)}

    async def get_cached_chats(
        self,
        limit: int | None = None,
        offset: int = 0,
        chat_id: str | None = None,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Chats of one creator, or of all, latest message first; with `chat_id` those of that id.

        With `mask` under pseudonyms: see `wire.masking`.
        """
        async with self._call():
            return reading.chats(self._history, limit, offset, chat_id, creator_id, self._pseudonym(mask))

    async def get_cached_messages(
        self,
        chat_id: str | None = None,
        creator_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Messages as received with their enrichment, oldest first; of one chat or of all.

        With `mask` under pseudonyms. `limit` and `offset` count from the latest. InvalidInput when two
        creators have a chat of that id and `creator_id` does not say which is meant.
        """
        async with self._call():
            name = self._pseudonym(mask)
            return reading.messages(self._history, chat_id, creator_id, limit, offset, name)

    async def search(self, creator_id: str | None, question: Question, mask: bool) -> bytes:
        """JSON of a SearchAnswer: see `session.search.Search.find`. With `mask` under pseudonyms."""
        async with self._call():
            answer = await self._search.find(creator_id, question, self._pseudonym(mask))
            return answer.model_dump_json().encode()

    async def topics(self, creator_id: str | None) -> bytes:
        """JSON of KnownTopics: see `session.topics.Topics.known`."""
        async with self._call():
            return (await self._topics.known(creator_id)).model_dump_json().encode()

    async def typical(
        self, creator_id: str | None, topic_id: str, span: tuple[float, float], limit: int, mask: bool
    ) -> bytes:
        """JSON of TypicalMessages: see `session.topics.Topics.typical`. With `mask` under pseudonyms."""
        async with self._call():
            found = await self._topics.typical(creator_id, topic_id, span, limit, self._pseudonym(mask))
            return found.model_dump_json().encode()

    def _pseudonym(self, mask: bool) -> Pseudonym | None:
        return partial(self._ports.seal().pseudonym, self._user_id) if mask else None

    async def full_sync(
        self, creator_id: str | None, extent: Extent = EVERYTHING
    ) -> tuple[int, str, Status, bytes]:
        """What a page starts from: (sequence, position of the last event, status, JSON of the payload)."""
        async with self._call():
            async with self._at_rest:
                shown = self._pages.capture(creator_id, extent)
                facts = self._state.sequence, self._frames.position, self._state.status
            return *facts, await self._pages.written(shown, self._pseudonym(extent.mask))

    async def get_shown_chats(
        self,
        creator_id: str | None,
        order: Order,
        limit: int,
        offset: int,
        messages: int,
        mask: bool = False,
    ) -> bytes:
        """JSON of ShownChats: chats in that order, each with its last messages; with `mask` masked."""
        async with self._call():
            async with self._at_rest:
                shown = self._pages.capture_some(creator_id, order, limit, offset, messages)
            nodes = await self._pages.nodes(shown, self._pseudonym(mask))
            return b'{"conversations":%b,"total":%d}' % (nodes, shown.analytics.chats)

    async def get_shown_messages(
        self, chat_id: str, creator_id: str | None, before: str | None, limit: int, mask: bool = False
    ) -> bytes:
        """JSON of ShownMessages: the chat's last messages, or the last ones before the message `before`.

        With `mask` masked. NotFound when there is no such chat or message; InvalidInput as of
        `get_cached_messages`.
        """
        async with self._call():
            name = self._pseudonym(mask)
            return for_pages(reading.shown(self._history, chat_id, creator_id, before, limit, name))

    async def get_masked_append(self, creator_id: str, chat_id: str, said: Said) -> bytes | None:
        """JSON of the node of an `append_message` that was sent, masked; None: there is no such chat."""
        async with self._call():
            async with self._at_rest:
                name = partial(self._ports.seal().pseudonym, self._user_id)
                node = self._pages.masked_append(creator_id, chat_id, said, name)
            return None if node is None else for_pages(node)

    async def in_graph(self, within: float) -> None:
        """Return once the graph has what this owner holds, or after so many seconds."""
        async with self._call():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._looked.wait(), within)

    async def graph_contents(
        self, creator_id: str, offset: int, chats: int
    ) -> tuple[list[UpsertVertex | UpsertEdge], int | None]:
        """What the graph has to have of so many chats of a creator, and the offset of the next ones."""
        async with self._call():
            return self._writes.expected(creator_id, offset, chats)

    async def rewrite_graph(self, creator_id: str, within: float) -> None:
        """Have a creator written anew; Unavailable when that takes longer than so many seconds."""
        async with self._call():
            self._writes.rewrite(creator_id)
            try:
                await asyncio.wait_for(self._writes.caught_up(), within)
            except TimeoutError:
                raise Unavailable("The graph is still being written; ask again later.") from None

    async def idle(self, seconds: float) -> float:
        """Return once there was no call and no work for so many seconds: how many those are by now."""
        while True:
            settled = self._is_settled() and self._writes.behind_since() is None and self._erasures.idle
            settled = settled and self._indexes.idle
            works = self._calls or self._refits.working or (self._ready.is_set() and not settled)
            idle = 0.0 if works else self._clock.monotonic() - self._used
            if idle >= seconds:
                return idle
            await self._clock.sleep(seconds - idle)

    async def leave(self, timeout: float) -> None:  # noqa: ASYNC109 (seconds, over a process boundary)
        """Take no more calls, let what is in hand finish (for `timeout` seconds), and checkpoint."""
        self._leaving = True
        deadline = self._clock.monotonic() + timeout
        while (self._calls or not self._has_finished()) and self._clock.monotonic() < deadline:
            await self._clock.sleep(0.01)
        async with self._at_rest:
            if self._ready.is_set():
                await self._persistence.finish()
                await self._indexes.close()

    async def _work_again(self, keys: set[str]) -> set[str]:
        """Have conversations that failed enriched or written again: these, or all when there are no keys.

        Returns the keys of those found.
        """
        found: set[str] = set()
        async with self._at_rest:
            creators: dict[str, None] = {}
            for cached in self._history.failed():
                failed = {key: id for id, key in failed_conversations(cached).items()}
                if again := failed.keys() & keys if keys else failed.keys():
                    chat = cached.chat
                    self._history.forget(chat.creator_id, chat.id, [failed[key] for key in again])
                    found |= again
                    creators[chat.creator_id] = None
            for creator_id in creators:
                self._redo(creator_id)
            refused = {reading.refused_key(*which): which for which in self._writes.refused}
            to_write = refused.keys() & keys if keys else set(refused)
            self._writes.write_again([refused[key] for key in to_write])
            found |= to_write
        return found

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """One call of a caller: let in when the history is read, counted while it lasts."""
        self._calls += 1
        try:
            if self._leaving:
                raise StaleOwner("This owner of the user is leaving; ask for the user again.")
            try:
                await asyncio.wait_for(self._ready.wait(), 0.1 if self._problem else READY_WITHIN)
            except TimeoutError:
                if (problem := self._problem) is not None:  # raised itself, it would hold every call's frames
                    raise type(problem)(str(problem)) from None
                raise JournalUnavailable(
                    "The user's journal is still being read or Redis is away; try again."
                ) from None
            yield
        finally:
            self._calls -= 1
            self._used = self._clock.monotonic()

    def _has_finished(self) -> bool:
        """Nothing is in hand that this owner can finish: a graph that is away is written by the next one."""
        return self._is_settled() and (self._writes.is_behind or self._writes.behind_since() is None)

    def _is_settled(self) -> bool:
        """Nothing is in hand and nothing waits, but perhaps for the graph."""
        state = self._state
        waits = state.job is not None or state.inbox or state.status is Status.ERROR
        return (
            self._ready.is_set()
            and not waits
            and self._mailbox.empty()
            and self._intake.idle
            and self._pages.idle
        )

    def measure(self) -> None:
        """Set the gauges to what holds now, and count what was dropped since this was called last."""
        metrics = self._ports.metrics
        since = self._writes.behind_since()
        metrics.set(BACKLOG, self._backlog.messages)
        metrics.set(JOURNAL_LAG, max(0, self._ports.journal.sequence - self._persistence.saved))
        metrics.set(INPUTS_HELD, len(self._intake.held))
        metrics.set(GRAPH_BEHIND_SECONDS, 0.0 if since is None else self._clock.monotonic() - since)
        for kind, count in (self._intake.dropped - self._dropped).items():
            metrics.count(INPUTS_DROPPED, count, kind)
        self._dropped = self._intake.dropped.copy()

    # The owner's life

    async def run(self) -> None:
        """Read the history, then work. Raises StaleOwner when the user has another owner."""
        await self._read()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for work in (
                    self._intake.run(),
                    self._writes.run(),
                    self._pages.run(),
                    self._refits.run(),
                    self._erasures.run(),
                    self._retention.run(),
                    self._indexes.run(),
                    self._columns.run(),
                    self._look(),
                    self._process_delta_queue(),
                ):
                    self._tasks.create_task(work)
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _read(self) -> None:
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
        while not self._ready.is_set():
            problem: AnalyticsError
            began = self._clock.monotonic()
            try:
                await self._recover()
                self._ready.set()
                self._used = self._clock.monotonic()
                self._ports.metrics.observe(OWNER_RECOVERY_SECONDS, self._used - began)
                return
            except RedisError as error:
                problem = JournalUnavailable(f"Redis does not answer ({type(error).__name__}); try again.")
            except (
                JournalUnavailable,
                CheckpointUnavailable,
                KeyUnavailable,
                JournalGap,
                Undecryptable,
            ) as error:
                problem = error
            if str(problem) != str(self._problem):
                log.error("User %s cannot be read yet: %s", self._user_id, problem)
            self._problem = problem
            await backoff.pause()

    async def _recover(self) -> None:
        """Claim the journal, and read the newest checkpoint and what the journal has behind it."""
        self._begin()
        await self._ports.keys.load()
        epoch = await self._ports.journal.claim()
        self._retention.begin(await self._ports.erased.retention())
        unwritten, due = await self._persistence.read(epoch)
        async for event in self._intake.replayed(self._state.sequence):
            self._state.replay(event)
            if isinstance(event, CorrectionAccepted):
                await self._recount(event)
            elif not isinstance(event, ErasureAccepted):
                self._persistence.unsaved += len(event.messages)
            await self._close_chats()
        erased = [creator_id for each in due for creator_id in each.accounts]  # pages may still show them
        for creator_id in dict.fromkeys([*await self._persistence.recall(), *erased]):
            self._redo(creator_id)
        await self._recount()
        self._creators.update(dict.fromkeys([*self._history.creators(), *self._state.unfinished()]))
        await self._ports.keys.prepare([*self._creators, *self._intake.held_of()])
        changes = self._history.take_changes()
        self._writes.begin(epoch, self._ports.writer(epoch), unwritten)
        self._writes.follow(changes)
        self._indexes.begin(epoch)
        self._columns.begin(epoch)
        self._erasures.begin(epoch, due)
        if self._intake.dropped[EXPIRED]:  # the journal has it still
            self._erasures.sweep()
        await self._figures.load()
        await self._frames.begin(epoch)
        self._looked = asyncio.Event()
        self._mailbox.put_nowait(Again())

    async def _look(self) -> None:
        """Have written what the graph lost since it was written."""
        await self._writes.look(self._history.creators())
        await self._writes.caught_up()
        self._looked.set()

    async def _close_chats(self) -> None:
        """Pack the chats that were not used for longest."""
        for key in self._history.beyond(OPEN_MESSAGES):
            self._history.close(key)
            await asyncio.sleep(0)

    # Carrying out what the machine decides

    async def _process_delta_queue(self) -> None:
        """Take events in order, snapshots among them, and carry out what follows from each."""
        while True:
            event = self._event = await self._mailbox.get()
            async with self._at_rest:
                await self._take(event)
                self._event = None
            del event  # a snapshot's has all its messages, and the next may come late
            self._used = self._clock.monotonic()

    def _accept(self, event: Accepted) -> None:
        if isinstance(event, ErasureAccepted):
            self._erasures.add(event.erasure)
        elif not isinstance(event, CorrectionAccepted):
            self._backlog.add(event)
        self._mailbox.put_nowait(event)

    async def _take(self, event: Event) -> None:
        if isinstance(event, SnapshotAccepted | DeltaAccepted):
            self._persistence.unsaved += len(event.messages) + len(event.chats)
        for effect in self._state.handle(event):
            self._follow_history()
            await self._carry_out(effect)
        await self._recount(event if isinstance(event, CorrectionAccepted) else None)
        if isinstance(event, CorrectionAccepted):
            self._correcting.counts(event.correction.id)
        if isinstance(event, ErasureAccepted):
            await self._erasures.gone(event.erasure)
        if isinstance(event, Redo):
            self._to_redo.pop(event.creator_id, None)
        self._follow_history()
        self._backlog.understood(self._state.understood)
        is_done = self._state.job is None  # also where an input brought nothing new
        if is_done or isinstance(event, Enriched):
            await self._persistence.after(is_done)
        if is_done:
            await self._close_chats()
        self._erasures.look()
        if self._state.has_expired:
            self._state.has_expired = False
            self._erasures.sweep()

    async def _recount(self, corrected: CorrectionAccepted | None = None) -> None:
        """Have topics count in every chat as they are corrected; a message or conversation does at once."""
        topics = self._history.take_uncounted()
        if corrected is not None and corrected.correction.subject.kind == "topic":
            topics.append((corrected.creator_id, corrected.correction.subject.id))
        for creator_id, topic in dict.fromkeys(topics):
            concerned = self._history.corrections(creator_id).behind(topic)
            for number, key in enumerate(self._history.keys(creator_id)):
                self._history.recount(key, concerned)
                if number % EVERY == 0:
                    await self._close_chats()
                    await asyncio.sleep(0)

    def _catch_up(self) -> None:
        """Have the history be of the journal's end, if only what is no event, such as held input, follows."""
        waits = self._event is not None or self._state.inbox or not self._mailbox.empty()
        if self._intake.idle and not waits:
            self._state.sequence = max(self._state.sequence, self._ports.journal.sequence)

    def _expire(self, before: Mapping[str, float]) -> None:
        self._mailbox.put_nowait(ExpiryDue(before))
        if sum(self._intake.expire(*each) for each in before.items()):
            self._erasures.sweep()

    def _follow_history(self) -> None:
        """Have figures and graph follow what changed in the history."""
        if changes := self._history.take_changes():
            self._creators.update((creator_id, None) for creator_id, _ in changes)
            self._figures.follow(changes)
            self._columns.follow(changes)
            self._writes.follow(changes)
            self._indexes.follow(changes)

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case PublishStatus(_, status, detail):
                await self._broadcast_status(status, detail)
            case PublishError(_, code, message):
                await self._pages.send_error(code, message)
            case Enrich(job):
                self._spawn(self._enrich(job))
            case PublishEnrichment(job):
                await self._pages.send_enrichment(job)
            case PublishFullSync(job):
                await self._pages.send_full_sync(job)
            case PublishAppend(job):
                await self._pages.send_append(job)
            case RetryLater(seconds):
                self._spawn(self._wait(seconds))

    async def _enrich(self, job: Job) -> None:
        """Understand the job's conversations; what fails comes back as an event as well."""
        try:
            fit: int | None = None
            async for part in self._understanding.of(job):
                fit = part.fit if part.fit is not None else fit
                async with self._at_rest:
                    await self._store(job.creator_id, part.nodes)
            if fit is not None:
                self._refits.assigned(job.creator_id, fit)
                await self._persistence.keep((), self._refits.fits)
            event: Event = Enriched(job.number)
        except StaleOwner:
            raise
        except RedisError as error:
            log.warning("User %s: enrichment failed (%s).", self._user_id, type(error).__name__)
            event = Failed(job.number, "unavailable", "Redis is away; the step is tried again.")
        except AnalyticsError as error:
            log.warning("User %s: enrichment failed: %s", self._user_id, error)
            event = Failed(job.number, error.code, str(error))
        except Exception as error:  # its text may quote the chats
            log.error("User %s: enrichment failed (%s).", self._user_id, type(error).__name__)
            event = Failed(job.number, "enrichment", "The enrichment step failed; it is tried again.")
        self._mailbox.put_nowait(event)

    async def _store(self, creator_id: str, nodes: Sequence[EnrichedConversation]) -> None:
        """Keep what was understood, and take it into the history: pages are shown only what is kept."""
        if nodes:
            await self._persistence.keep(nodes, self._refits.fits)
            for _ in self._state.handle(NodesReady(tuple(nodes))):
                raise AssertionError("Nothing follows from a part.")
            self._follow_history()
            self._refits.enriched(creator_id, nodes)
            await self._close_chats()

    async def _keep_revised(self, nodes: Sequence[EnrichedConversation]) -> None:
        await self._persistence.keep(nodes, self._refits.fits)
        self._follow_history()

    async def _wait(self, seconds: float) -> None:
        self._retries += 1
        asked = self._retries
        await self._clock.sleep(seconds)
        if asked == self._retries:
            self._mailbox.put_nowait(Again())

    async def _broadcast_status(self, status: Status, detail: str | None = None) -> None:
        if detail is None and status is Status.REALTIME and self._writes.is_behind:
            detail = GRAPH_BEHIND
        await self._pages.send_status(status, detail=detail)

    async def _tell_progress(self, job: Job, progress: Progress) -> None:
        if job.whole:
            await self._pages.send_status(Status.PROCESSING_SNAPSHOT, detail=str(progress), progress=progress)

    def _tell_graph(self) -> None:
        """The graph fell behind, or has caught up."""
        self._spawn(self._tell_lag())

    async def _tell_lag(self) -> None:
        since = self._writes.behind() if self._writes.is_behind else {}
        try:
            await self._ports.lag.tell(since)
        except RedisError as error:
            name = type(error).__name__
            log.warning("User %s: nobody is told how far the graph is (%s).", self._user_id, name)
        if self._state.status is Status.REALTIME:
            await self._broadcast_status(Status.REALTIME)

    def _tell_all_anew(self) -> None:
        """Frames are lost: once they are taken again, pages get a full sync of every creator."""
        self._spawn(self._repair())

    async def _repair(self) -> None:
        await self._frames.repair(self._state.sequence)
        for creator_id in self._creators:
            self._redo(creator_id)

    def _redo(self, creator_id: str) -> None:
        """Have the creator told anew; a checkpoint knows it from now on."""
        self._to_redo[creator_id] = None
        self._mailbox.put_nowait(Redo(creator_id))

    def _unshown(self) -> list[str]:
        """The creators who are to be told anew, or of whom frames are being lost."""
        return list(self._to_redo) if self._frames.works else list(self._creators)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        assert self._tasks is not None, "the session runs"
        return self._tasks.create_task(work)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the session: that it is displaced comes before all else."""
    stale, others = group.split(StaleOwner)
    found: BaseException = stale or others or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
