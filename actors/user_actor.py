"""The user actor: one a user. It owns the user's chats and the order of what is done with them.

What to do is decided by `session.machine`; this shell only carries it out. Input goes through
`session.intake` into the journal and comes from there as events. The caller is answered when it is in the
journal; everything after that is repeatable: a killed actor reads its newest checkpoint and what the journal
has behind it, and does again what was not done.
"""

import asyncio
import logging
import os
import resource
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import ray
from redis.exceptions import RedisError

from actors.graph_writer import graph_reader, graph_writer
from chats.account import Account
from chats.conversation import Conversation
from chats.enriched import EnrichedConversation
from enrich import RULES
from enrich.progress import Progress
from enrich.tasks import Enricher
from enrich.topics.taxonomy import VERSION
from errors import (
    AnalyticsError,
    CheckpointUnavailable,
    EnrichmentError,
    InvalidInput,
    JournalGap,
    JournalUnavailable,
    StaleOwner,
)
from frames.enrichment import broadcast_enrichment
from frames.log import connect_redis, forget, last_position, push
from graph.traversals import ACCOUNTS_OF_USER, CONVERSATION_COUNT
from graph.write import append_graph_from_delta, rebuild_graph_from_snapshot
from history.chat import CachedChat
from history.checkpoints import Aside, Checkpoint, Checkpoints
from history.history import Cache, Touched
from insights.queries import broadcast_analytics_update, build_analytics_update
from insights.window import WINDOW, now
from remote import result
from session.held import HeldStore
from session.intake import Intake, Receipt
from session.journal import Journal
from session.machine import (
    Again,
    AnalyticsReady,
    AppendGraph,
    ComputeAnalytics,
    DeltaAccepted,
    Effect,
    Enrich,
    Enriched,
    Event,
    GraphWritten,
    Job,
    PublishAppend,
    PublishEnrichment,
    PublishError,
    PublishFullSync,
    PublishStatus,
    RebuildGraph,
    RetryLater,
    SnapshotAccepted,
    StageFailed,
    Status,
    UserState,
)
from session.refits import Refits
from session.understood import Understood
from settings import Settings
from wire.incoming import Replay, parse_replays
from wire.payloads import (
    AnalyticsUpdate,
    AppendMessageMsg,
    Frame,
    SnapshotProgress,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
    for_pages,
    published,
)
from wire.view import (
    chat_facts,
    chat_node,
    failed_conversations,
    not_enriched,
    priority_of,
    received,
)

log = logging.getLogger(__name__)

READY_TIMEOUT = 30.0  # a call waits this long for a history that is being read
GRAPH_TIMEOUT = 10.0  # for the question whether it has what we have
CHECKPOINT_PAUSE = 30.0  # before storage that was away is tried again
MOST_MEMORY = 256 * 1024 * 1024  # resident bytes after a snapshot: beyond, a new process takes over
RENEWAL_TIMEOUT = 30.0
OPEN_MESSAGES = 5_000  # of the chats used last stay unpacked
ALONE_AFTER = 2  # failures in a row: then conversations are enriched one by one
PROGRESS_PAUSE = 2.0
LARGE = 10_000  # messages of a creator whose writing takes long enough to be told
SHOWN_MESSAGES = 1_000  # of a large history are unpacked and written between two looks at the event loop


class UserActor:
    """Run as a named Ray actor (see `actors.directory`); `env` holds the service's settings."""

    def __init__(self, user_id: str, env: Mapping[str, str]) -> None:
        self._settings = settings = Settings.from_env(env)
        logging.basicConfig(level=settings.log_level)
        self._user_id = user_id
        self._redis = connect_redis(settings.redis_url)
        self._journal = Journal(self._redis, user_id)
        self._understood = Understood(self._redis, user_id)
        self._held = HeldStore(self._redis, user_id)
        self._enricher = Enricher(user_id, self._redis, settings)
        self._writer = graph_writer(settings)
        self._reader = graph_reader(settings, self._writer)
        self._mailbox: asyncio.Queue[Event] = asyncio.Queue()
        self._at_rest = asyncio.Lock()  # held while the chats change, or must not
        self._begin()
        self._ready = asyncio.Event()
        self._problem: AnalyticsError | None = None  # why the history cannot be read
        self._leaving = False
        self._used = time.monotonic()
        self._calls = 0  # in hand
        self._position = "0-0"  # of the last frame
        self._frames_lost = False
        self._unsaved = 0  # messages taken in since the last checkpoint
        # Sequence, unfinished creators, fits and revision of the last checkpoint.
        self._saved: tuple[int, list[str], dict[str, int], int] = (0, [], {}, 0)
        self._save_again = 0.0  # not before, when storage was away
        self._writing: asyncio.Task[None] | None = None  # the checkpoint that is being written
        self._unstored: int | None = None  # the revision under which nodes are kept that are not stored yet
        self._enrichment_failures = 0  # in a row
        self._retry: asyncio.TimerHandle | None = None  # the last one asked for is the one that counts
        self._stale_analytics: dict[str | None, int] = {}  # creator (None: all of them) -> sequence
        self._analysing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._live())

    def _begin(self) -> None:
        """As if nothing was known yet."""
        settings = self._settings
        self._cache = Cache(gap=settings.conversation_gap, silence=settings.silence_threshold)
        self._state = UserState(self._cache)
        self._intake = Intake(
            self._journal,
            max_text=settings.max_text,
            max_held=settings.max_held,
            accepted=self._mailbox.put_nowait,
        )
        self._refits = Refits(
            self._user_id,
            self._cache,
            self._enricher,
            self._at_rest,
            busy=self._state.is_whole_due,
            redo=self._redo,
            keep=self._keep_revised,
        )

    # What callers use

    async def handle_snapshot(
        self, user_id: str, payload: bytes, creator_id: str, chat_id: str | None = None
    ) -> Receipt:
        """Take everything an extension holds (JSON of a `cache_update` payload or envelope).

        `chat_id` is the chat of messages that name none. Returns `{sequence, accepted, duplicates, held}`
        once it is in the journal.
        """
        async with self._call(user_id):
            return await self._intake.snapshot(payload, creator_id, chat_id)

    async def handle_delta(
        self, user_id: str, payload: bytes, creator_id: str, chat_id: str | None = None
    ) -> Receipt:
        """Take live messages (JSON of one `new_raw_message` payload or envelope, or a list of them)."""
        async with self._call(user_id):
            return await self._intake.messages(payload, creator_id, chat_id)

    async def replay_held(self, user_id: str, payload: bytes) -> Receipt:
        """Take what is held once more (JSON list of `{key, add}`; empty: all of it).

        What can be placed now is journaled as if it had just come; `held` counts what still cannot. What
        could not be enriched is enriched again.
        """
        async with self._call(user_id):
            asked = parse_replays(payload)
            enriched = await self._enrich_again({each.key for each in asked})
            everything = [Replay(key=key) for key in self._intake.held]
            return await self._intake.replay(
                [each for each in asked if each.key not in enriched] if asked else everything
            )

    async def get_cached_chats(
        self, user_id: str, limit: int | None = None, offset: int = 0, chat_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The user's chats, the one with the latest message first; with `chat_id` those of that id."""
        async with self._call(user_id):
            fans = [fan for fan in self._cache.fans(None) if chat_id in (None, fan.chat_id)]
            fans.sort(key=lambda fan: fan.last_message_at or 0.0, reverse=True)
            end = None if limit is None else offset + limit
            return [
                chat_facts(cached.chat, cached)
                for fan in fans[offset:end]
                if (cached := self._cache.look(fan.creator_id, fan.chat_id)) is not None
            ]

    async def get_cached_messages(
        self,
        user_id: str,
        chat_id: str | None = None,
        creator_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """Messages as received with their enrichment, oldest first; of one chat or of all.

        `limit` and `offset` count from the latest. InvalidInput when two creators have a chat of that id and
        `creator_id` does not say which is meant.
        """
        async with self._call(user_id):
            creators = [creator_id] if creator_id else self._cache.creators()
            if chat_id is None:
                chats = [cached for creator in creators for cached in self._cache.of(creator)]
            else:
                found = (self._cache.get(creator, chat_id) for creator in creators)
                chats = [cached for cached in found if cached is not None]
            if chat_id is not None and len(chats) > 1:
                raise InvalidInput(
                    "Several creators of this user have a chat of that id: say which with creator_id.",
                    detail=[{"field": "creator_id", "reason": "missing"}],
                )
            messages = [(message, cached) for cached in chats for message in cached.ordered()]
            end = len(messages) - offset
            start = 0 if limit is None else max(0, end - limit)
            return [received(message, cached) for message, cached in messages[start : max(0, end)]]

    async def discard_held(self, user_id: str, keys: Sequence[str] | None) -> int:
        """Delete what is held under these keys, or all of it (None); how many there were."""
        async with self._call(user_id):
            return await self._intake.discard(self._intake.held if keys is None else keys)

    async def get_held(self, user_id: str, limit: int, offset: int) -> dict[str, Any]:
        """What could not be placed or enriched, as received and with the reason: one page, and how many.

        Beside it how much was not chat, by kind.
        """
        async with self._call(user_id):
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
                for cached in self._cache.failed():
                    held += not_enriched(cached)
                    await asyncio.sleep(0)
            page = held[offset : offset + limit]
            return {"held": page, "total": len(held), "dropped": dict(self._intake.dropped)}

    async def full_sync(self, user_id: str, creator_id: str | None) -> tuple[int, str, str, bytes]:
        """What a page needs to start.

        Returns (sequence, position of the last frame, status, JSON of a FullSyncResponse).
        """
        async with self._call(user_id):
            analytics = await self._build_analytics(creator_id)
            async with self._at_rest:
                payload = await self._full_sync(creator_id, analytics)
                return self._state.sequence, self._position, self._state.status.value, payload

    async def in_graph(self, user_id: str, within: float) -> None:
        """Return once the graph has what this owner held when it began, or after so many seconds."""
        deadline = time.monotonic() + within
        async with self._call(user_id):
            while not (self._look.done() and self._settled()) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def idle_for(self) -> float:
        """Seconds since the last call or work; 0.0 while there is any."""
        works = self._calls or self._refits.working or (self._ready.is_set() and not self._settled())
        return 0.0 if works else time.monotonic() - self._used

    async def passivate(self, timeout: float) -> None:  # noqa: ASYNC109 (seconds, over a process boundary)
        """Take no more calls, let what is in hand finish (for `timeout` seconds), checkpoint, and end."""
        self._leaving = True
        deadline = time.monotonic() + timeout
        while (self._calls or not self._settled()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        async with self._at_rest:
            if self._ready.is_set() and self._saved != self._to_save():
                await self._checkpoint()
            if self._writing is not None:
                await self._writing
        _exit()

    async def _enrich_again(self, keys: set[str]) -> set[str]:
        """Have conversations on which enrichment failed enriched again: these, or all when there are no keys.

        Returns the keys of those found.
        """
        found: set[str] = set()
        async with self._at_rest:
            creators: dict[str, None] = {}
            for cached in self._cache.failed():
                failed = {key: id for id, key in failed_conversations(cached).items()}
                if again := failed.keys() & keys if keys else failed.keys():
                    chat = cached.chat
                    self._cache.forget(chat.creator_id, chat.id, [failed[key] for key in again])
                    found |= again
                    creators[chat.creator_id] = None
            for creator_id in creators:
                self._state.redo(creator_id)
            self._mailbox.put_nowait(Again())
        return found

    # The actor's life

    def _call(self, user_id: str) -> "_Call":
        if user_id != self._user_id:
            raise ValueError("An actor serves one user only.")
        return _Call(self)

    async def _entered(self) -> None:
        if self._leaving:
            raise StaleOwner("This owner of the user is leaving; ask for the user again.")
        try:
            await asyncio.wait_for(self._ready.wait(), 0.1 if self._problem else READY_TIMEOUT)
        except TimeoutError:
            raise self._problem or JournalUnavailable(
                "The user's journal is still being read or Redis is away; try again."
            ) from None

    def _settled(self) -> bool:
        """Nothing is in hand and nothing waits."""
        state = self._state
        waits = state.job is not None or state.inbox or state.status is Status.ERROR or self._analysing
        return self._ready.is_set() and not waits and self._mailbox.empty() and self._intake.idle

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def run() -> None:
            try:
                await work
            except StaleOwner:
                log.warning("User %s has another owner; this one stops.", self._user_id)
                _exit()
            except Exception:
                # Nothing expected ends up here. The journal has everything: start over from it.
                log.exception("User %s: the actor restarts.", self._user_id)
                await asyncio.sleep(1)
                os._exit(1)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _live(self) -> None:
        wait = 0.2
        while not self._ready.is_set():
            problem: AnalyticsError | None = None
            try:
                await self._recover()
                self._ready.set()
            except RedisError as error:
                problem = JournalUnavailable(f"Redis does not answer ({type(error).__name__}); try again.")
            except (JournalUnavailable, CheckpointUnavailable, JournalGap) as error:
                problem = error
            if problem is not None:
                if str(problem) != str(self._problem):
                    log.error("User %s cannot be read yet: %s", self._user_id, problem)
                self._problem = problem
                await asyncio.sleep(wait)
                wait = min(10.0, wait * 2)
        self._used = time.monotonic()
        self._spawn(self._intake.run())
        written = set(self._cache.creators()) - set(self._state.unfinished())
        self._look = self._spawn(self._look_for_graph(written))
        self._spawn(self._refits.run())
        await self._process_delta_queue()

    async def _recover(self) -> None:
        """Claim the journal, and read the newest checkpoint and what the journal has behind it."""
        self._begin()
        epoch = await self._journal.claim()
        self._checkpoints = await asyncio.to_thread(
            Checkpoints, self._settings.checkpoints, self._user_id, epoch
        )
        checkpoint = await asyncio.to_thread(self._checkpoints.read)
        self._understood.begin(epoch, checkpoint.revision if checkpoint else 0)
        if checkpoint is not None:
            await self._load(checkpoint)
        self._intake.know_held(await self._held.read())
        self._unsaved = 0
        async for event in self._intake.replayed(self._state.sequence):
            self._state.replay(event)
            self._unsaved += len(event.messages)
        await self._recall()
        self._position = await last_position(self._redis, self._user_id)
        self._mailbox.put_nowait(Again())

    async def _recall(self) -> None:
        """Take in what was understood behind the checkpoint: it is not computed again."""
        kept = await self._understood.read(self._basis())
        for key, found in kept.chats.items():
            if self._cache.recall(key, found):
                self._state.redo(key[0])
            await self._close_chats()
            await asyncio.sleep(0)
        self._refits.fits.update(kept.fits or {})

    async def _keep(
        self, revision: int, nodes: Sequence[EnrichedConversation], fits: Mapping[str, int]
    ) -> None:
        """Keep what was understood, before anybody is shown it; while Redis is away nobody is."""
        wait = 0.2
        while True:
            try:
                found = self._cache.understandings(nodes)
                return await self._understood.keep(revision, self._basis(), fits, found)
            except RedisError as error:
                log.warning(
                    "User %s: what was understood is kept later (%s).", self._user_id, type(error).__name__
                )
            await asyncio.sleep(wait)
            wait = min(5.0, wait * 2)

    async def _keep_revised(self, nodes: Sequence[EnrichedConversation]) -> None:
        await self._keep(self._understood.next(), nodes, self._refits.fits)

    async def _look_for_graph(self, creators: Iterable[str]) -> None:
        """Have creators written anew that the graph lacks in whole or in part, as when it was lost."""
        for creator_id in creators:
            expected = self._cache.conversations(creator_id)
            wait = 1.0
            while (count := await self._conversations_in_graph(creator_id)) is None:
                await asyncio.sleep(wait)
                wait = min(60.0, wait * 2)
            if count < expected:
                log.warning("User %s: the graph of creator %s is written anew.", self._user_id, creator_id)
                self._redo(creator_id)

    def _redo(self, creator_id: str) -> None:
        self._state.redo(creator_id)
        self._mailbox.put_nowait(Again())

    async def _conversations_in_graph(self, creator_id: str) -> int | None:
        """None when the graph does not answer, -1 when it was never written whole."""
        account = Account(self._user_id, creator_id).key
        try:
            async with asyncio.timeout(GRAPH_TIMEOUT):
                if account not in await self._reader.submit(ACCOUNTS_OF_USER, {"user_id": self._user_id}):
                    return -1
                [count] = await self._reader.submit(CONVERSATION_COUNT, {"pk": account})
        except (TimeoutError, AnalyticsError):
            return None
        return int(count)

    async def _load(self, checkpoint: Checkpoint) -> None:
        enriched = checkpoint.basis == self._basis()
        for (creator_id, chat_id), packed in checkpoint.chats:
            self._cache.load((creator_id, chat_id), packed, enriched=enriched)
            if not enriched:
                packed = self._cache.pack((creator_id, chat_id))  # it may have been read by other rules
                await asyncio.sleep(0)
            self._intake.know_chat(creator_id, chat_id, packed.fan.fan_id, packed.versions())
        self._intake.know_held(checkpoint.held)
        if enriched:
            self._refits.fits.update(checkpoint.fits)
        unfinished = checkpoint.unfinished if enriched else self._cache.creators()
        self._state.restore(checkpoint.sequence, unfinished)
        self._saved = (checkpoint.sequence, unfinished, dict(self._refits.fits), checkpoint.revision)

    def _basis(self) -> dict[str, Any]:
        """What enrichment depends on beside the messages: with another basis everything is enriched anew."""
        settings = self._settings
        return {
            "rules": RULES,
            "taxonomy": VERSION,
            "model": settings.model,
            "gap": settings.conversation_gap,
            "silence": settings.silence_threshold,
        }

    # Checkpoints

    def _checkpoint_due(self, event: Event) -> bool:
        """After enough messages, when they are enriched; and when a large snapshot is all done."""
        if self._writing is not None or time.monotonic() < self._save_again:
            return False
        if self._unsaved >= self._settings.checkpoint_messages:
            return self._state.job is None or isinstance(event, Enriched)
        done = isinstance(event, AnalyticsReady) and self._state.job is None
        return done and bool(self._saved[1]) and not self._state.unfinished()

    async def _checkpoint(self) -> None:
        """Take what is held, as it is now, and have it written beside what goes on. The chats are at rest."""
        if self._writing is not None:
            await self._writing
        for key in self._cache.unpacked():
            self._cache.pack(key)
            await asyncio.sleep(0)
        sequence, unfinished, fits, revision = self._to_save()
        checkpoint = Checkpoint(
            sequence,
            self._basis(),
            fits,
            unfinished,
            self._cache.packed(),
            revision,
        )
        held = dict(self._intake.held)
        taken, self._unsaved = self._unsaved, 0
        self._writing = self._spawn(self._write(checkpoint, held, taken))

    def _to_save(self) -> tuple[int, list[str], dict[str, int], int]:
        """Sequence, unfinished creators, fits and revision as they are now."""
        state, refits = self._state, self._refits
        unfinished = list(dict.fromkeys([*state.unfinished(), *sorted(refits.unfinished)]))
        revision = self._understood.revision if self._unstored is None else self._unstored - 1
        return state.sequence, unfinished, dict(refits.fits), revision

    async def _write(self, checkpoint: Checkpoint, held: Mapping[str, Aside], messages: int) -> None:
        """Write the checkpoint, then drop what the one before makes superfluous."""
        try:
            await self._held.flush(held)
            through = await asyncio.to_thread(self._checkpoints.write, checkpoint)
            *_, before = self._saved
            self._saved = (checkpoint.sequence, checkpoint.unfinished, checkpoint.fits, checkpoint.revision)
            await self._journal.trim(through)
            await self._understood.forget(before)
        except CheckpointUnavailable as error:
            self._unsaved += messages
            self._save_again = time.monotonic() + CHECKPOINT_PAUSE
            log.error("User %s has no new checkpoint, the journal keeps everything: %s", self._user_id, error)
        except (JournalUnavailable, RedisError) as error:
            log.warning(
                "User %s: Redis is trimmed behind the next checkpoint (%s).",
                self._user_id,
                type(error).__name__,
            )
        finally:
            self._writing = None

    async def _renew(self) -> None:
        """Leave the next call to a new process: what a large snapshot took is free again, but scattered
        among what stays, and a process that reads the checkpoint needs a fraction of it."""
        while self._calls or not self._settled():  # noqa: ASYNC110 (many things have to come to rest)
            await asyncio.sleep(0.5)
        sequence = self._state.sequence
        async with self._at_rest:
            await self._checkpoint()
        if self._writing is not None:
            await self._writing
        if self._saved[0] >= sequence:  # else the next process would take the snapshot from the journal
            log.info("User %s: the owner makes room for one that needs less memory.", self._user_id)
            await self.passivate(RENEWAL_TIMEOUT)

    async def _close_chats(self) -> None:
        """Pack the chats that were not used for longest."""
        for key in self._cache.beyond(OPEN_MESSAGES):
            self._cache.close(key)
            await asyncio.sleep(0)

    # Carrying out what the machine decides

    async def _process_delta_queue(self) -> None:
        """Take events in order, snapshots among them, and carry out what follows from each."""
        while True:
            event = await self._mailbox.get()
            if self._frames_lost:
                await self._make_up_for_lost_frames()
            async with self._at_rest:
                if isinstance(event, SnapshotAccepted | DeltaAccepted):
                    self._unsaved += len(event.messages) + len(event.chats)
                for effect in self._state.handle(event):
                    await self._carry_out(effect)
                if isinstance(event, Enriched):
                    self._unstored = None
                if isinstance(event, Enriched) and event.nodes:
                    self._refits.enriched(event.nodes[0].creator_id, event.nodes)
                if self._checkpoint_due(event):
                    await self._checkpoint()
                if self._state.job is None:
                    await self._close_chats()
                    if isinstance(event, AnalyticsReady) and _resident() > MOST_MEMORY:
                        self._spawn(self._renew())
            self._used = time.monotonic()

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case PublishStatus():
                await self._broadcast_status(effect.sequence, effect.status, effect.detail)
            case PublishError(sequence, code, message):
                error = SystemError(errorMessage=message, code=code)
                await self._send(SystemErrorMsg(sequence=sequence, payload=error))
            case Enrich(job):
                self._stage(job, "enrichment", self._enrich(effect))
            case PublishEnrichment(job):
                await self._broadcast_enrichment(job)
            case RebuildGraph(job):
                self._stage(job, "graph", self._rebuild(job))
            case AppendGraph(job):
                self._stage(job, "graph", self._apply_delta(effect))
            case ComputeAnalytics(job):
                self._stage(job, "analytics", self._analyse(job))
            case PublishFullSync(job, analytics):
                await self._send_full_sync(job, analytics)
            case PublishAppend(job):
                await self._send_append(job)
            case RetryLater(seconds):
                if self._retry is not None:
                    self._retry.cancel()
                loop = asyncio.get_running_loop()
                self._retry = loop.call_later(seconds, self._mailbox.put_nowait, Again())

    def _stage(self, job: Job, name: str, work: Awaitable[Event]) -> None:
        """Run a step of the job beside the mailbox; its outcome comes back as an event."""

        async def run() -> None:
            try:
                event = await result(work)
            except StaleOwner:
                raise
            except RedisError as error:
                log.warning("User %s: %s failed (%s).", self._user_id, name, type(error).__name__)
                event = StageFailed(job.number, "unavailable", "Redis is away; the step is tried again.")
            except AnalyticsError as error:
                log.warning("User %s: %s failed: %s", self._user_id, name, error)
                event = StageFailed(job.number, error.code, str(error))
            except Exception:
                log.exception("User %s: %s failed.", self._user_id, name)
                event = StageFailed(job.number, name, f"The {name} step failed; it is tried again.")
            self._mailbox.put_nowait(event)

        self._spawn(run())

    async def _enrich(self, effect: Enrich) -> Event:
        try:
            nodes, fit = await result(self._understand(effect.job, list(effect.conversations)))
        except RedisError:
            raise
        except Exception:
            self._enrichment_failures += 1
            raise
        self._enrichment_failures = 0
        if nodes:
            creator_id, fits = effect.job.creator_id, self._refits.fits
            self._unstored = self._understood.next()
            await self._keep(self._unstored, nodes, fits if fit is None else {**fits, creator_id: fit})
            if fit is not None:
                self._refits.assigned(creator_id, fit)
        return Enriched(effect.job.number, tuple(nodes))

    async def _understand(
        self, job: Job, conversations: list[Conversation]
    ) -> tuple[list[EnrichedConversation], int | None]:
        """The nodes of these conversations; of all, and the fit, where topics are found anew."""
        size = sum(len(each.messages) for each in conversations)
        nodes: list[EnrichedConversation] = []
        fit: int | None = None
        # One conversation on which a worker dies must not keep the others waiting for ever.
        alone = self._enrichment_failures >= ALONE_AFTER
        if job.whole and conversations and not alone and 2 * size >= self._cache.size(job.creator_id):
            # Mostly new: the creator's topics are found anew, from everything.
            everything = (
                (cached.conversations, cached.chat, cached.readings())
                for cached in self._cache.of(job.creator_id)
            )
            nodes, fit = await self._enricher.snapshot(
                job.creator_id, everything, self._cache.size(job.creator_id), self._progress(job)
            )
        elif conversations:
            chats = self._chats_of(job.creator_id, conversations)
            enrich = self._enricher.one_by_one if alone else self._enricher.delta
            nodes = await enrich(
                job.creator_id,
                [conversation for cached in chats for conversation in cached.conversations],
                {cached.chat.id: cached.chat for cached in chats},
                changed={each.id for each in conversations},
                known={id: reading for cached in chats for id, reading in cached.kept.items()},
            )
        if len(nodes) < len(conversations):
            raise EnrichmentError("Enrichment gave back fewer conversations than it was given.")
        return nodes, fit

    def _progress(self, job: Job) -> Callable[[Progress], Awaitable[None]]:
        """Tells pages and the log how far a snapshot is, at most once in PROGRESS_PAUSE seconds."""
        told = time.monotonic()

        async def tell(progress: Progress) -> None:
            nonlocal told
            soon = time.monotonic() - told < PROGRESS_PAUSE
            if soon and not (progress.done == progress.total >= LARGE):
                return
            told = time.monotonic()
            log.info("User %s, creator %s: %s.", self._user_id, job.creator_id, progress)
            await self._broadcast_status(job.sequence, Status.PROCESSING_SNAPSHOT, str(progress), progress)

        return tell

    async def _rebuild(self, job: Job) -> Event:
        if self._cache.size(job.creator_id) >= LARGE:
            told = "All is understood; the graph is being written"
            await self._broadcast_status(job.sequence, Status.PROCESSING_SNAPSHOT, told)
        await rebuild_graph_from_snapshot(
            self._user_id,
            (node for cached in self._cache.of(job.creator_id) for node in cached.nodes.values()),
            job.creator_id,
            fans=self._cache.fans(job.creator_id),
            rev=self._revision(job),
            writer=self._writer.of((self._user_id, self._journal.epoch)),
        )
        return GraphWritten(job.number)

    async def _apply_delta(self, effect: AppendGraph) -> Event:
        job = effect.job
        await append_graph_from_delta(
            self._user_id,
            effect.nodes,
            job.creator_id,
            fans=[cached.fan_state() for cached in self._touched(job)],
            gone=[id for mark in job.touched for id in mark.gone],
            rev=self._revision(job),
            writer=self._writer.of((self._user_id, self._journal.epoch)),
        )
        return GraphWritten(job.number)

    def _revision(self, job: Job) -> int:
        """Grows with every owner and every job; below 2**53, so that every store keeps it exactly."""
        return (self._journal.epoch << 32) | job.number

    async def _analyse(self, job: Job) -> Event:
        return AnalyticsReady(job.number, await self._build_analytics(job.creator_id))

    async def _build_analytics(self, creator_id: str | None) -> AnalyticsUpdate:
        at = now()
        return await build_analytics_update(
            self._user_id, at - WINDOW, at, creator_id, graph=self._reader, now=at
        )

    # What pages get

    async def _send(self, frame: Frame | bytes) -> None:
        """Send a frame. When it is not known whether it was sent, it is not repeated: pages append what they
        get, so they are given a full sync as soon as Redis is back."""
        if self._frames_lost:
            return
        try:
            self._position = await push(self._redis, self._user_id, frame, epoch=self._journal.epoch)
        except RedisError as error:
            self._lose_frames(error)

    def _lose_frames(self, error: RedisError) -> None:
        if not self._frames_lost:
            log.warning("Frames of user %s are lost (%s).", self._user_id, type(error).__name__)
        self._frames_lost = True
        for creator_id in self._cache.creators():
            self._state.redo(creator_id)
        self._mailbox.put_nowait(Again())

    async def _make_up_for_lost_frames(self) -> None:
        """Wait until Redis takes frames again; what pages are shown is then sent anew."""
        wait = 0.2
        while self._frames_lost:
            await asyncio.sleep(wait)
            wait = min(5.0, wait * 2)
            try:
                # Whoever comes back asks for a full sync, and whoever stayed is told that one follows.
                await forget(self._redis, self._user_id)
                status = SystemStatus(status="PROCESSING_SNAPSHOT")
                frame = SystemStatusMsg(sequence=self._state.sequence, payload=status)
                await push(self._redis, self._user_id, frame, epoch=self._journal.epoch)
            except RedisError:
                continue
            self._frames_lost = False
            log.info("User %s has Redis again; pages get a full sync.", self._user_id)

    async def _broadcast_status(
        self, sequence: int, status: Status, detail: str | None = None, progress: Progress | None = None
    ) -> None:
        told = progress and SnapshotProgress(
            done=progress.done, total=progress.total, secondsLeft=progress.seconds_left
        )
        payload = SystemStatus(status=status.value, detail=detail, progress=told)  # type: ignore[arg-type]
        await self._send(SystemStatusMsg(sequence=sequence, payload=payload))

    def _touched(self, job: Job) -> list[CachedChat]:
        return self._chats_of(job.creator_id, job.touched)

    def _chats_of(self, creator_id: str, parts: Iterable[Conversation | Touched]) -> list[CachedChat]:
        ids = dict.fromkeys(each.chat_id for each in parts)
        found = (self._cache.get(creator_id, id) for id in ids)
        return [cached for cached in found if cached is not None]

    async def _broadcast_enrichment(self, job: Job) -> None:
        chats = self._cache.of(job.creator_id) if job.whole else self._touched(job)
        try:
            await broadcast_enrichment(
                self._user_id,
                (chat_node(cached, (), priority=None) for cached in chats),
                creator_id=job.creator_id,
                redis=self._redis,
                sequence=job.sequence,
                epoch=self._journal.epoch,
            )
        except RedisError as error:
            self._lose_frames(error)

    async def _full_sync(self, creator_id: str | None, analytics: AnalyticsUpdate) -> bytes:
        """JSON of a FullSyncResponse: one node a chat with all its messages, written chat by chat."""
        parts: list[bytes] = []
        written = 0
        for creator in [creator_id] if creator_id else self._cache.creators():
            priority = priority_of(self._cache.fans(creator), now())
            for cached in self._cache.of(creator):
                messages = cached.ordered()
                fan = cached.fan_state()
                node = chat_node(cached, messages, priority=priority(fan), not_waiting=fan.not_waiting)
                parts.append(for_pages(node))
                if (written := written + len(messages)) >= SHOWN_MESSAGES:
                    written = 0
                    await asyncio.sleep(0)
        return b'{"conversations":[%b],"analytics":%b}' % (
            b",".join(parts),
            for_pages(analytics),
        )

    async def _send_full_sync(self, job: Job, analytics: AnalyticsUpdate) -> None:
        payload = await self._full_sync(job.creator_id, analytics)
        frame = published(
            "full_sync_response",
            payload,
            sequence=job.sequence,
            creator_id=job.creator_id,
            merge=self._has_several_creators(),
        )
        await self._send(frame)

    async def _send_append(self, job: Job) -> None:
        priority = priority_of(self._cache.fans(job.creator_id), now())
        for mark in job.touched:
            if (cached := self._cache.get(job.creator_id, mark.chat_id)) is None:
                continue
            new = sorted(mark.new, key=lambda message: message.order)
            fan = cached.fan_state()
            frame = AppendMessageMsg(
                sequence=job.sequence,
                creatorId=job.creator_id,
                merge=bool(mark.changed or mark.removed),
                payload=chat_node(
                    cached, new, priority=priority(fan), not_waiting=fan.not_waiting, touched=mark
                ),
            )
            await self._send(frame)
        if job.touched:
            self._refresh_analytics(job)

    def _has_several_creators(self) -> bool:
        return len(self._cache.creators()) > 1

    def _refresh_analytics(self, job: Job) -> None:
        """Have `analytics_update` sent; while one is being computed, later ones become one."""
        self._stale_analytics[job.creator_id] = job.sequence
        if self._has_several_creators():
            self._stale_analytics[None] = job.sequence
        if not self._analysing:
            self._analysing = True
            self._spawn(self._send_analytics())

    async def _send_analytics(self) -> None:
        while self._stale_analytics:
            creator_id = next(iter(self._stale_analytics))  # the one that waits longest
            sequence = self._stale_analytics.pop(creator_id)
            at = now()
            try:
                await broadcast_analytics_update(
                    self._user_id,
                    at - WINDOW,
                    at,
                    creator_id,
                    graph=self._reader,
                    redis=self._redis,
                    now=at,
                    sequence=sequence,
                    epoch=self._journal.epoch,
                    part=creator_id is not None and self._has_several_creators(),
                )
            except StaleOwner:
                raise
            except (AnalyticsError, RedisError) as error:
                # The next change brings an update; the page asks for its own window anyway.
                log.warning("User %s: no analytics update (%s).", self._user_id, type(error).__name__)
        self._analysing = False


class _Call:
    """One call of a caller: let in when the actor is ready, counted while it lasts."""

    def __init__(self, actor: UserActor) -> None:
        self._actor = actor

    async def __aenter__(self) -> None:
        self._actor._calls += 1
        try:
            await self._actor._entered()
        except BaseException:
            self._actor._calls -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._actor._calls -= 1
        self._actor._used = time.monotonic()


def _resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _exit() -> None:
    """End this actor for good; the directory makes a new one when the user is called again."""
    ray.kill(ray.get_runtime_context().current_actor)
    asyncio.get_running_loop().call_later(5.0, os._exit, 0)  # if nobody is there to kill it
