"""The user actor: one a user. It owns the user's chats and the order of what is done with them.

What to do is decided by `actors.state`; this shell only carries it out. Input is taken in three steps: it is
normalised and checked for what is already held, committed to the journal together with whatever else waits
(group commit), and handed to the state machine in the journal's order. The caller is answered after the
second. Everything after it is repeatable: a killed actor reads its journal and does again what was not done.
"""

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import ray
from redis.exceptions import RedisError

from actors.cache import Cache, CachedChat
from actors.graph_writer import graph_reader, graph_writer
from actors.journal import Journal, Record
from actors.memo import Memo
from actors.publisher import WINDOW, Publisher, connect_redis, now
from actors.state import (
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
    RetryDue,
    RetryLater,
    SnapshotAccepted,
    StageFailed,
    Status,
    UserState,
)
from actors.view import chat_facts, chat_node, priorities, received
from chats.message import Chat, Message
from enrich.tasks import Enricher, broadcast_enrichment
from errors import AnalyticsError, EnrichmentError, InvalidInput, JournalUnavailable, StaleOwner
from graph.write import append_graph_from_delta, rebuild_graph_from_snapshot
from insights.queries import broadcast_analytics_update, build_analytics_update
from remote import result
from settings import Settings
from wire.incoming import CacheUpdatePayload, NewRawMessagePayload, parse_messages, parse_snapshot
from wire.normalise import Held, Normalised, normalise_deltas, normalise_snapshot, to_json
from wire.payloads import (
    AnalyticsUpdate,
    AppendMessageMsg,
    ExtendedConversationNode,
    FullSyncResponse,
    FullSyncResponseMsg,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
)
from wire.place import Places

log = logging.getLogger(__name__)

READY_TIMEOUT = 30.0  # a call waits this long for a journal that is being read
REPLAY_BATCH = 5_000


@dataclass(slots=True)
class _Entry:
    """One call's input on its way into the journal."""

    creator_id: str
    received_at: float
    snapshot: Sequence[bytes] | None  # the chats as received; None: live messages
    bodies: Sequence[bytes]
    ids: Sequence[tuple[str, str]]
    held: Sequence[Held]
    chats: Sequence[Chat]
    event: Callable[[int], Event] | None
    done: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class UserActor:
    """Run as a named Ray actor (see `actors.directory`); `env` holds the service's settings."""

    def __init__(self, user_id: str, env: Mapping[str, str]) -> None:
        self._settings = settings = Settings.from_env(env)
        logging.basicConfig(level=settings.log_level)
        self._user_id = user_id
        self._redis = connect_redis(settings.redis_url)
        self._journal = Journal(self._redis, user_id)
        self._memo = Memo(self._redis, user_id, settings.model)
        self._publisher = Publisher(self._redis, user_id)
        self._enricher = Enricher(self._redis, settings)
        self._writer = graph_writer(settings)
        self._reader = graph_reader(settings, self._writer)
        self._cache = Cache(gap=settings.conversation_gap, silence=settings.silence_threshold)
        self._state = UserState(self._cache)
        self._versions: dict[tuple[str, str], float] = {}  # (creator, message id) -> its changed_at
        self._fan_of: dict[str, dict[str, str]] = {}  # creator -> chat id -> fan id
        self._chat_of: dict[str, dict[str, str]] = {}  # creator -> fan id -> chat id
        self._held: dict[bytes, Held] = {}  # by what was received
        self._dropped: Counter[str] = Counter()  # by kind, since this process began
        self._entries: list[_Entry] = []
        self._entered = asyncio.Event()
        self._mailbox: asyncio.Queue[Event] = asyncio.Queue()
        self._ready = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None  # the last one asked for is the one that counts
        self._stale_analytics: dict[str, int] = {}  # creator -> sequence
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._live())

    # What callers use

    async def handle_snapshot(self, user_id: str, payload: bytes, creator_id: str) -> dict[str, int]:
        """Take everything an extension holds (JSON of a `cache_update` payload or envelope).

        Returns `{sequence, accepted, duplicates, held}` once it is in the journal.
        """
        await self._activated(user_id)
        received_at = time.time()
        snapshot = parse_snapshot(payload)
        normalised = normalise_snapshot(
            snapshot, creator_id=creator_id, received_at=received_at, max_text=self._settings.max_text
        )
        chats = [to_json(chat) for chat in snapshot.chats]
        fresh = self._accept(creator_id, normalised)
        return await self._commit(
            creator_id,
            received_at,
            normalised,
            fresh,
            snapshot=chats,
            event=lambda sequence: SnapshotAccepted(sequence, creator_id, normalised.chats, tuple(fresh)),
        )

    async def handle_delta(self, user_id: str, payload: bytes, creator_id: str) -> dict[str, int]:
        """Take live messages (JSON of one `new_raw_message` payload or envelope, or a list of them)."""
        await self._activated(user_id)
        received_at = time.time()
        normalised = normalise_deltas(
            parse_messages(payload),
            creator_id=creator_id,
            received_at=received_at,
            max_text=self._settings.max_text,
            places=self._places_of(creator_id),
        )
        fresh = self._accept(creator_id, normalised)
        return await self._commit(
            creator_id,
            received_at,
            normalised,
            fresh,
            snapshot=None,
            event=(lambda sequence: DeltaAccepted(sequence, creator_id, tuple(fresh), normalised.chats))
            if fresh
            else None,
        )

    async def get_cached_chats(self, user_id: str) -> list[dict[str, Any]]:
        """The user's chats, the one with the latest message first."""
        await self._activated(user_id)
        chats = [chat_facts(cached.chat, cached) for cached in self._cache.of(None)]
        return sorted(chats, key=lambda chat: chat["lastMessageAt"] or "", reverse=True)

    async def get_cached_messages(
        self, user_id: str, chat_id: str | None = None, creator_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Messages as received with their enrichment, oldest first; of one chat or of all.

        InvalidInput when two creators have a chat of that id and `creator_id` does not say which is meant.
        """
        await self._activated(user_id)
        chats = [cached for cached in self._cache.of(creator_id) if chat_id in (None, cached.chat.id)]
        if chat_id is not None and len(chats) > 1:
            raise InvalidInput(
                "Several creators of this user have a chat of that id: say which with creator_id.",
                detail=[{"field": "creator_id", "reason": "missing"}],
            )
        return [received(message, cached) for cached in chats for message in cached.ordered()]

    async def get_held(self, user_id: str) -> dict[str, Any]:
        """What could not be placed, as received and with the reason, and how much was not chat, by kind."""
        await self._activated(user_id)
        held = [
            {"reason": each.reason, "id": each.id, "received": orjson.loads(each.raw)}
            for each in self._held.values()
        ]
        return {"held": held, "dropped": dict(self._dropped)}

    async def full_sync(self, user_id: str, creator_id: str | None) -> tuple[int, str, bytes]:
        """What a page needs to start: (sequence, status, JSON of a FullSyncResponse)."""
        await self._activated(user_id)
        sequence, status = self._state.sequence, self._state.status
        conversations = [
            node
            for creator in ([creator_id] if creator_id else self._cache.creators())
            for node in self._nodes(creator)
        ]
        payload = FullSyncResponse(
            conversations=conversations, analytics=await self._build_analytics(creator_id)
        )
        return sequence, status.value, payload.model_dump_json().encode()

    # The actor's life

    async def _activated(self, user_id: str) -> None:
        if user_id != self._user_id:
            raise ValueError("An actor serves one user only.")
        try:
            await asyncio.wait_for(self._ready.wait(), READY_TIMEOUT)
        except TimeoutError:
            raise JournalUnavailable(
                "The user's journal is still being read or Redis is away; try again."
            ) from None

    def _spawn(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                # Nothing expected ends up here. The journal has everything: start over from it.
                log.exception("User %s: the actor restarts.", self._user_id)
                await asyncio.sleep(1)
                os._exit(1)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self) -> None:
        wait = 0.2
        while not self._ready.is_set():
            try:
                await self._recover()
                self._ready.set()
            except (JournalUnavailable, RedisError) as error:
                log.warning("User %s waits for Redis (%s).", self._user_id, type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(10.0, wait * 2)
        self._spawn(self._commit_entries())
        await self._process_delta_queue()

    async def _recover(self) -> None:
        """Claim the journal, read it into the cache, and recall what was enriched."""
        await self._journal.claim()
        self._cache = Cache(gap=self._settings.conversation_gap, silence=self._settings.silence_threshold)
        self._state = UserState(self._cache)
        self._versions.clear()
        self._held.clear()
        self._fan_of.clear()
        self._chat_of.clear()
        run: list[Record] = []
        async for record in self._journal.read():
            if run and (record.kind == "snapshot" or record.creator_id != run[0].creator_id):
                self._replay(run)
                run = []
            run.append(record)
            if record.kind == "snapshot" or len(run) >= REPLAY_BATCH:
                self._replay(run)
                run = []
        if run:
            self._replay(run)
        async for node in self._memo.recall(self._cache.of(None)):
            self._cache.store(node)
        for creator_id in self._cache.creators():
            self._mailbox.put_nowait(SnapshotAccepted(self._state.sequence, creator_id))

    def _replay(self, records: Sequence[Record]) -> None:
        """Apply one snapshot, or a run of messages of one creator."""
        creator_id = records[0].creator_id
        max_text = sys.maxsize  # the limit was checked when they were accepted, and may have been another
        chats: list[Chat] = []
        messages: list[Message] = []
        for record in records:
            if record.kind == "snapshot":
                body = orjson.loads(record.body)
                snapshot = CacheUpdatePayload(chats=body["chats"], messages=_wrapped(body["messages"]))
                normalised = normalise_snapshot(
                    snapshot,
                    creator_id=creator_id,
                    received_at=record.received_at,
                    max_text=max_text,
                )
            else:
                normalised = normalise_deltas(
                    [NewRawMessagePayload(message=each) for each in _wrapped([orjson.loads(record.body)])],
                    creator_id=creator_id,
                    received_at=record.received_at,
                    max_text=max_text,
                    places=self._places_of(creator_id),
                )
            messages += self._accept(creator_id, normalised)
            chats += normalised.chats
            self._held.update((each.raw, each) for each in normalised.held)
        self._cache.merge(chats, messages)
        self._state.sequence = records[-1].sequence

    # Taking input

    def _places_of(self, creator_id: str) -> Places:
        return Places(self._fan_of.setdefault(creator_id, {}), self._chat_of.setdefault(creator_id, {}))

    def _accept(self, creator_id: str, normalised: Normalised) -> list[Message]:
        """The messages that are not held yet, or are newer than what is; from now on they are."""
        for chat in normalised.chats:
            self._fan_of.setdefault(creator_id, {})[chat.id] = chat.fan_id
            self._chat_of.setdefault(creator_id, {})[chat.fan_id] = chat.id
        fresh: list[Message] = []
        for message in normalised.messages:
            key, version = (creator_id, message.id), message.changed_at or 0.0
            if self._versions.get(key, -1.0) < version:
                self._versions[key] = version
                fresh.append(message)
        self._dropped.update(normalised.dropped)
        return fresh

    def _forget(self, chat: Chat) -> None:
        """A chat that is not in the journal is brought again by the next message of it."""
        if self._cache.get(chat.creator_id, chat.id) is None:
            self._fan_of[chat.creator_id].pop(chat.id, None)
            self._chat_of[chat.creator_id].pop(chat.fan_id, None)

    async def _commit(
        self,
        creator_id: str,
        received_at: float,
        normalised: Normalised,
        fresh: Sequence[Message],
        *,
        snapshot: Sequence[bytes] | None,
        event: Callable[[int], Event] | None,
    ) -> dict[str, int]:
        chats = set(snapshot or ())  # a chat that is held is journaled among the chats
        held = [each for each in normalised.held if each.raw not in self._held and each.raw not in chats]
        entry = _Entry(
            creator_id=creator_id,
            received_at=received_at,
            snapshot=snapshot,
            bodies=[*(m.raw for m in fresh), *(h.raw for h in held)],
            held=normalised.held,
            chats=normalised.chats,
            ids=[(creator_id, m.id) for m in fresh],
            event=event,
        )
        self._entries.append(entry)
        self._entered.set()
        return {
            "sequence": await entry.done,
            "accepted": len(fresh),
            "duplicates": len(normalised.messages) - len(fresh),
            "held": len(normalised.held),
        }

    async def _commit_entries(self) -> None:
        """Group commit: whatever waits goes into the journal together, then to the machine, in that order."""
        while True:
            await self._entered.wait()
            entries, self._entries = self._entries, []
            self._entered.clear()
            try:
                for run in _runs(entries):
                    await self._append(run)
            except AnalyticsError as error:
                # What waits was compared with ids that are not in the journal now: it fails as well.
                entries, self._entries = [*entries, *self._entries], []
                for entry in entries:
                    if not entry.done.done():
                        for key in entry.ids:
                            self._versions.pop(key, None)
                        for chat in entry.chats:
                            self._forget(chat)
                        entry.done.set_exception(error)
                if isinstance(error, StaleOwner):
                    log.warning("User %s has another owner; this one stops.", self._user_id)
                    _exit()

    async def _append(self, run: Sequence[_Entry]) -> None:
        creator_id = run[0].creator_id
        records = [(entry.received_at, body) for entry in run for body in entry.bodies]
        if run[0].snapshot is not None:
            [entry] = run
            await self._journal.append_snapshot(creator_id, entry.received_at, run[0].snapshot, entry.bodies)
        elif records:
            await self._journal.append_messages(creator_id, records)
        after = len(records)
        for entry in run:
            # An entry speaks of its own last record: a page that has this one may still lack the next.
            after -= len(entry.bodies)
            sequence = self._journal.sequence - after
            self._held.update((each.raw, each) for each in entry.held)
            if entry.event is not None:
                self._mailbox.put_nowait(entry.event(sequence))
            if not entry.done.done():
                entry.done.set_result(sequence)

    # Carrying out what the machine decides

    async def _process_delta_queue(self) -> None:
        """Take events in order, snapshots among them, and carry out what follows from each."""
        while True:
            for effect in self._state.handle(await self._mailbox.get()):
                try:
                    await self._carry_out(effect)
                except RedisError as error:
                    # A page that missed a frame is brought up to date by the next full sync.
                    log.warning("A frame of user %s was not sent (%s).", self._user_id, type(error).__name__)

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case PublishStatus():
                await self._broadcast_status(effect.sequence, effect.status, effect.detail)
            case PublishError(sequence, code, message):
                error = SystemError(errorMessage=message, code=code)
                await self._publisher.send(SystemErrorMsg(sequence=sequence, payload=error))
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
                self._retry = loop.call_later(seconds, self._mailbox.put_nowait, RetryDue())

    def _stage(self, job: Job, name: str, work: Awaitable[Event]) -> None:
        """Run a step of the job beside the mailbox; its outcome comes back as an event."""

        async def run() -> None:
            try:
                event = await result(work)
            except AnalyticsError as error:
                log.warning("User %s: %s failed: %s", self._user_id, name, error)
                event = StageFailed(job.number, error.code, str(error))
            except Exception:
                log.exception("User %s: %s failed.", self._user_id, name)
                event = StageFailed(job.number, name, f"The {name} step failed; it is tried again.")
            self._mailbox.put_nowait(event)

        self._spawn(run())

    async def _broadcast_status(self, sequence: int, status: Status, detail: str | None = None) -> None:
        payload = SystemStatus(status=status.value, detail=detail)  # type: ignore[arg-type]
        await self._publisher.send(SystemStatusMsg(sequence=sequence, payload=payload))

    async def _enrich(self, effect: Enrich) -> Event:
        job, conversations = effect.job, list(effect.conversations)
        chats = {cached.chat.id: cached.chat for cached in self._cache.of(job.creator_id)}
        everything = [c for cached in self._cache.of(job.creator_id) for c in cached.conversations]
        nodes: list[ExtendedConversationNode] = []
        if job.whole and conversations and 2 * _size(conversations) >= _size(everything):
            # Mostly new: the creator's topics are found anew, from everything.
            nodes = await self._enricher.snapshot(job.creator_id, everything, chats, self._progress(job))
        elif conversations:
            touched = {c.chat_id for c in conversations}
            nodes = await self._enricher.delta(
                job.creator_id,
                [c for c in everything if c.chat_id in touched],
                chats,
                changed={c.id for c in conversations},
            )
        if len(nodes) < len(conversations):
            raise EnrichmentError("Enrichment gave back fewer conversations than it was given.")
        with contextlib.suppress(RedisError):  # the memo saves time only
            by_id = {c.id: c for c in everything}
            await self._memo.keep(
                (cached, by_id[node.conversationId], node)
                for node in nodes
                if (cached := self._cache.get(job.creator_id, node.chatId)) is not None
            )
            await self._memo.forget(job.creator_id, [id for mark in job.touched for id in mark.gone])
        return Enriched(job.number, tuple(nodes))

    def _progress(self, job: Job) -> Callable[[int, int], Awaitable[None]]:
        async def report(done: int, total: int) -> None:
            with contextlib.suppress(RedisError):
                await self._broadcast_status(
                    job.sequence, Status.PROCESSING_SNAPSHOT, f"{done:,} of {total:,} messages understood"
                )

        return report

    async def _rebuild(self, job: Job) -> Event:
        chats = list(self._cache.of(job.creator_id))
        await rebuild_graph_from_snapshot(
            self._user_id,
            [node for cached in chats for node in cached.nodes.values()],
            job.creator_id,
            fans=[cached.fan_state(self._user_id) for cached in chats],
            rev=self._revision(job),
            writer=self._writer,
        )
        return GraphWritten(job.number)

    async def _apply_delta(self, effect: AppendGraph) -> Event:
        job = effect.job
        await append_graph_from_delta(
            self._user_id,
            effect.nodes,
            job.creator_id,
            fans=[cached.fan_state(self._user_id) for cached in self._touched(job)],
            gone=[id for mark in job.touched for id in mark.gone],
            rev=self._revision(job),
            writer=self._writer,
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

    def _touched(self, job: Job) -> list[CachedChat]:
        found = (self._cache.get(job.creator_id, mark.chat_id) for mark in job.touched)
        return [cached for cached in found if cached is not None]

    def _nodes(self, creator_id: str) -> list[ExtendedConversationNode]:
        """One node a chat, with all its messages."""
        scores = self._priorities(creator_id)
        return [
            chat_node(cached, cached.ordered(), priority=scores.get(cached.chat.id))
            for cached in self._cache.of(creator_id)
        ]

    def _priorities(self, creator_id: str) -> dict[str, float]:
        return priorities([c.fan_state(self._user_id) for c in self._cache.of(creator_id)], now())

    async def _broadcast_enrichment(self, job: Job) -> None:
        chats = list(self._cache.of(job.creator_id)) if job.whole else self._touched(job)
        await broadcast_enrichment(
            self._user_id,
            [chat_node(cached, (), priority=None) for cached in chats],
            creator_id=job.creator_id,
            redis=self._redis,
            sequence=job.sequence,
        )

    async def _send_full_sync(self, job: Job, analytics: AnalyticsUpdate) -> None:
        payload = FullSyncResponse(conversations=self._nodes(job.creator_id), analytics=analytics)
        await self._publisher.send(
            FullSyncResponseMsg(sequence=job.sequence, creatorId=job.creator_id, payload=payload)
        )

    async def _send_append(self, job: Job) -> None:
        scores = self._priorities(job.creator_id)
        for mark in job.touched:
            if (cached := self._cache.get(job.creator_id, mark.chat_id)) is None:
                continue
            new = sorted(mark.new, key=lambda message: message.order)
            node = chat_node(cached, new, priority=scores.get(mark.chat_id), touched=mark)
            await self._publisher.send(
                AppendMessageMsg(sequence=job.sequence, creatorId=job.creator_id, payload=node)
            )
        if job.touched:
            self._refresh_analytics(job)

    def _refresh_analytics(self, job: Job) -> None:
        """Have `analytics_update` sent; while one is being computed, later ones become one."""
        running = bool(self._stale_analytics)
        self._stale_analytics[job.creator_id] = job.sequence
        if not running:
            self._spawn(self._send_analytics())

    async def _send_analytics(self) -> None:
        while self._stale_analytics:
            creator_id, sequence = next(iter(self._stale_analytics.items()))
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
                )
            except AnalyticsError as error:
                log.warning("User %s: no analytics update: %s", self._user_id, error)
            if self._stale_analytics[creator_id] == sequence:
                del self._stale_analytics[creator_id]


def _runs(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """Neighbouring live entries of one creator together, every snapshot alone."""
    runs: list[list[_Entry]] = []
    for entry in entries:
        before = runs[-1][-1] if runs else None
        if (
            before is not None
            and before.snapshot is None
            and entry.snapshot is None
            and before.creator_id == entry.creator_id
        ):
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


def _wrapped(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """Messages of the journal, which were taken out of their frames, so that they read as they did then."""
    return [{"api2_chat_message": message} for message in messages]


def _size(conversations: Sequence[Any]) -> int:
    return sum(len(conversation.messages) for conversation in conversations)


def _exit() -> None:
    """End this actor for good; the directory makes a new one when the user is called again."""
    ray.kill(ray.get_runtime_context().current_actor)
