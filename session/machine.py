"""The user actor's state machine: events in, effects out. No Ray, no Redis, no clock of its own.

    EMPTY ---------> PROCESSING_SNAPSHOT <------> REALTIME
                          ^      |                   |
                          |      v                   |
                          +--- ERROR <---------------+

One job is in hand at a time: a snapshot job works on everything a creator has (enrich what is not yet
enriched, write the graph anew, compute analytics, send a full sync), a delta job on the chats that a batch of
messages falls into. What arrives meanwhile waits, in the journal's order; deltas that wait next to each other
form one batch. After the full sync the deltas that waited are applied, and only then REALTIME is announced. A
delta for a user without history is preceded by an empty snapshot.

A failure sends `system_error`, keeps everything that was accepted, and moves to ERROR; from there the next
input, or the retry that the machine asks for, processes everything again.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from chats.chat import Chat
from chats.conversation import Conversation
from chats.enriched import EnrichedConversation
from chats.message import Message
from errors import IllegalTransition
from history.history import Cache, Touched
from wire.payloads import AnalyticsUpdate

RETRY_FIRST = 1.0
RETRY_MOST = 60.0
DOUBLINGS = 10  # more make the wait no longer


class Status(StrEnum):
    EMPTY = "EMPTY"
    PROCESSING_SNAPSHOT = "PROCESSING_SNAPSHOT"
    REALTIME = "REALTIME"
    ERROR = "ERROR"


_ALLOWED = {
    Status.EMPTY: {Status.PROCESSING_SNAPSHOT},
    Status.PROCESSING_SNAPSHOT: {Status.REALTIME, Status.ERROR},
    Status.REALTIME: {Status.PROCESSING_SNAPSHOT, Status.ERROR},
    Status.ERROR: {Status.PROCESSING_SNAPSHOT},
}


# Events


@dataclass(frozen=True, slots=True)
class SnapshotAccepted:
    """A snapshot is in the journal up to `sequence`."""

    sequence: int
    creator_id: str
    chats: tuple[Chat, ...] = ()
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class DeltaAccepted:
    """Messages are in the journal up to `sequence`."""

    sequence: int
    creator_id: str
    messages: tuple[Message, ...]
    chats: tuple[Chat, ...] = ()  # of messages whose chat was not known


@dataclass(frozen=True, slots=True)
class Enriched:
    job: int
    nodes: tuple[EnrichedConversation, ...]


@dataclass(frozen=True, slots=True)
class GraphWritten:
    job: int


@dataclass(frozen=True, slots=True)
class AnalyticsReady:
    job: int
    analytics: AnalyticsUpdate


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A step of the job failed; `code` and `message` are fit for the user."""

    job: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Again:
    """What is unfinished is to be taken up: the wait that `RetryLater` asked for is over, or see `redo`."""


Event = SnapshotAccepted | DeltaAccepted | Enriched | GraphWritten | AnalyticsReady | StageFailed | Again


# Effects


@dataclass(frozen=True, slots=True)
class Job:
    """The work in hand. `sequence` is the last journal sequence it covers."""

    number: int
    sequence: int
    creator_id: str
    whole: bool  # a snapshot job; else a delta job
    touched: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishStatus:
    sequence: int
    status: Status
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PublishError:
    sequence: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Enrich:
    job: Job
    conversations: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True)
class PublishEnrichment:
    """Send `enrichment_result` for the job's chats."""

    job: Job


@dataclass(frozen=True, slots=True)
class RebuildGraph:
    """Write all of the creator's conversations, then drop what is older."""

    job: Job


@dataclass(frozen=True, slots=True)
class AppendGraph:
    """Write the conversations that the job enriched, drop those that are no more."""

    job: Job
    nodes: tuple[EnrichedConversation, ...]


@dataclass(frozen=True, slots=True)
class ComputeAnalytics:
    job: Job


@dataclass(frozen=True, slots=True)
class PublishFullSync:
    job: Job
    analytics: AnalyticsUpdate


@dataclass(frozen=True, slots=True)
class PublishAppend:
    """Send `append_message` for each chat the job touched, then have the analytics brought up to date."""

    job: Job


@dataclass(frozen=True, slots=True)
class RetryLater:
    seconds: float


Effect = (
    PublishStatus
    | PublishError
    | Enrich
    | PublishEnrichment
    | RebuildGraph
    | AppendGraph
    | ComputeAnalytics
    | PublishFullSync
    | PublishAppend
    | RetryLater
)


@dataclass(slots=True)
class UserState:
    """The machine. `handle` takes one event and yields the effects to carry out, in order.

    Each effect is to be carried out before the next is asked for: what a `PublishFullSync` or `PublishAppend`
    shows is the cache as it stands then, before the next job takes in what waited. Every `Enrich`,
    `RebuildGraph`, `AppendGraph` and `ComputeAnalytics` is answered by exactly one event.
    """

    cache: Cache
    status: Status = Status.EMPTY
    sequence: int = 0  # of the last input that was applied to the cache
    job: Job | None = None
    inbox: deque[SnapshotAccepted | DeltaAccepted] = field(default_factory=deque)
    failures: int = 0  # in a row
    _jobs: int = 0
    _drain_to: int = 0
    _unfinished: dict[str, None] = field(default_factory=dict)  # creators whose job failed

    def restore(self, sequence: int, unfinished: Iterable[str]) -> None:
        """Go on from a checkpoint: the cache holds everything up to `sequence`."""
        self.sequence, self.status = sequence, Status.REALTIME
        self._unfinished.update(dict.fromkeys(unfinished))

    def replay(self, event: SnapshotAccepted | DeltaAccepted) -> None:
        """Take in what an earlier owner accepted behind the checkpoint; how far it got is not known."""
        self.cache.merge(event.chats, event.messages)
        self.sequence = event.sequence
        self._unfinished[event.creator_id] = None

    def redo(self, creator_id: str) -> None:
        """Have what the cache holds of a creator carried out again; an `Again` begins with it."""
        self._unfinished[creator_id] = None

    def is_whole_due(self, creator_id: str) -> bool:
        """Whether everything of the creator is in hand, or waits to be."""
        in_hand = self.job is not None and self.job.whole and self.job.creator_id == creator_id
        waits = any(
            isinstance(each, SnapshotAccepted) and each.creator_id == creator_id for each in self.inbox
        )
        return in_hand or waits or creator_id in self._unfinished

    def unfinished(self) -> list[str]:
        """The creators of whom something up to `sequence` may not be in the graph or on the pages yet."""
        waiting = [each.creator_id for each in self.inbox if each.sequence <= self.sequence]
        in_hand = [self.job.creator_id] if self.job else []
        return list(dict.fromkeys([*in_hand, *self._unfinished, *waiting]))

    def handle(self, event: Event) -> Iterator[Effect]:
        match event:
            case SnapshotAccepted() | DeltaAccepted():
                self.inbox.append(event)
                yield from self._next()
            case Again():
                yield from self._next()
            case StageFailed():
                yield from self._failed(event)
            case Enriched():
                yield from self._enriched(event)
            case GraphWritten():
                yield from self._graph_written(event)
            case AnalyticsReady():
                yield from self._analytics_ready(event)

    def _next(self) -> Iterator[Effect]:
        """Start what comes next, if nothing is in hand."""
        if self.job is not None:
            return
        # What was in hand when it failed, or when a process ended, is in the cache and is finished first.
        self.inbox.extendleft(SnapshotAccepted(self.sequence, creator) for creator in self._unfinished)
        self._unfinished.clear()
        if not self.inbox:
            return
        first = self.inbox[0]
        if isinstance(first, SnapshotAccepted):
            self.inbox.popleft()
            yield from self._start_snapshot(first)
        elif self.status is Status.EMPTY:
            yield from self._start_snapshot(SnapshotAccepted(self.sequence, first.creator_id))
        else:
            yield from self._start_delta(first.creator_id)

    def _start_snapshot(self, snapshot: SnapshotAccepted) -> Iterator[Effect]:
        self.sequence = max(self.sequence, snapshot.sequence)
        self.cache.merge(snapshot.chats, snapshot.messages)
        yield from self._start_whole(snapshot.creator_id)

    def _start_whole(self, creator_id: str) -> Iterator[Effect]:
        self.job = self._new_job(creator_id, whole=True)
        if self.status is not Status.PROCESSING_SNAPSHOT:
            yield self._move(Status.PROCESSING_SNAPSHOT)
        yield Enrich(self.job, tuple(self.cache.pending(creator_id)))

    def _start_delta(self, creator_id: str) -> Iterator[Effect]:
        chats: list[Chat] = []
        batch: list[Message] = []
        while self.inbox:
            delta = self.inbox[0]
            if isinstance(delta, SnapshotAccepted) or delta.creator_id != creator_id:
                break
            self.inbox.popleft()
            self.sequence = max(self.sequence, delta.sequence)
            chats += delta.chats
            batch += delta.messages
        touched = self.cache.merge(chats, batch)
        if any(
            mark.renamed for mark in touched
        ):  # pages know the chat, and the graph its parts, by another id
            yield from self._start_whole(creator_id)
            return
        self.job = self._new_job(creator_id, whole=False, touched=touched)
        stale = {c.id for mark in touched for c in mark.stale}
        pending = [c for c in self.cache.pending(creator_id) if c.id in stale]
        yield Enrich(self.job, tuple(pending))

    def _enriched(self, event: Enriched) -> Iterator[Effect]:
        job = self._in_hand(event.job)
        for node in event.nodes:
            self.cache.store(node)
        yield PublishEnrichment(job)
        yield RebuildGraph(job) if job.whole else AppendGraph(job, event.nodes)

    def _graph_written(self, event: GraphWritten) -> Iterator[Effect]:
        job = self._in_hand(event.job)
        if job.whole:
            yield ComputeAnalytics(job)
        else:
            yield PublishAppend(job)
            yield from self._finish()

    def _analytics_ready(self, event: AnalyticsReady) -> Iterator[Effect]:
        job = self._in_hand(event.job)
        if not job.whole:
            raise IllegalTransition("Analytics of a delta are not part of its job.")
        self._drain_to = self.inbox[-1].sequence if self.inbox else 0
        yield PublishFullSync(job, event.analytics)
        yield from self._finish()

    def _finish(self) -> Iterator[Effect]:
        """The job in hand is done: announce REALTIME when nothing older waits, and go on."""
        self.job = None
        self.failures = 0
        drained = not self.inbox or self.inbox[0].sequence > self._drain_to
        if self.status is Status.PROCESSING_SNAPSHOT and drained:
            yield self._move(Status.REALTIME)
        yield from self._next()

    def _failed(self, event: StageFailed) -> Iterator[Effect]:
        job = self._in_hand(event.job)
        self.job = None
        self._unfinished[job.creator_id] = None
        wait = min(RETRY_MOST, RETRY_FIRST * 2 ** min(self.failures, DOUBLINGS))
        self.failures += 1
        yield PublishError(self.sequence, event.code, event.message)
        yield self._move(Status.ERROR, event.message)
        yield RetryLater(wait)

    def _move(self, status: Status, detail: str | None = None) -> PublishStatus:
        if status not in _ALLOWED[self.status]:
            raise IllegalTransition(f"{self.status} cannot become {status}.")
        self.status = status
        return PublishStatus(self.sequence, status, detail)

    def _new_job(self, creator_id: str, *, whole: bool, touched: Iterable[Touched] = ()) -> Job:
        self._jobs += 1
        return Job(self._jobs, self.sequence, creator_id, whole, tuple(touched))

    def _in_hand(self, number: int) -> Job:
        if self.job is None or self.job.number != number:
            raise IllegalTransition(f"Job {number} is not in hand.")
        return self.job
