"""What the owner of a user does next: events in, effects out. No Ray, no Redis, no clock of its own.

    EMPTY ---------> PROCESSING_SNAPSHOT <------> REALTIME
                          ^      |                   |
                          |      v                   |
                          +--- ERROR <---------------+

One job is in hand at a time. A small job works on the chats that a batch of input falls into and tells pages
of each; a whole job works on everything that a creator has and sends a full sync. Either is enriched and then
told; the graph is written beside it, from what changed in the history. Live messages make small jobs, and so
does a snapshot that brings little news; one that brings none makes no job. What changes many chats at once,
or brings many messages, makes a whole job however it came.

What arrives while a job is in hand waits, in the journal's order; live messages that wait next to each other
form one batch. After a full sync what had waited is applied, and only then REALTIME is announced.

A correction waits for no job either: it counts at once, and pages are told of it in its turn.

An erasure waits for no job: what it names is gone from the history at once. As soon as no job is in hand, all
that came before it is taken in too, so that nothing of it is left to come, and its creators are told anew.

A job that fails sends `system_error`, keeps everything that was accepted, and moves to ERROR. It is begun
again when the wait that the machine asks for is over, and nothing else is begun before.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chats.bundle import Messages
from chats.chat import Chat
from chats.corrections import Correction
from chats.enriched import EnrichedConversation
from chats.message import Message
from errors import IllegalTransition
from history.history import MANY_MESSAGES, History, Touched
from session.erasure import Erasure, Tombstones
from steps import Steps, finished

RETRY_FIRST = 1.0
RETRY_MOST = 60.0
DOUBLINGS = 10  # more make the wait no longer
FEW_CHATS = 50  # of that many pages are told one by one, however few the creator has
SHARE = 4  # and of up to this part of the creator's chats


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
    messages: Messages = ()


@dataclass(frozen=True, slots=True)
class DeltaAccepted:
    """Messages are in the journal up to `sequence`."""

    sequence: int
    creator_id: str
    messages: tuple[Message, ...]
    chats: tuple[Chat, ...] = ()  # of messages whose chat was not known


@dataclass(frozen=True, slots=True)
class ErasureAccepted:
    """An erasure is in the journal. `marks` are its tombstones."""

    erasure: Erasure
    marks: Tombstones

    @property
    def sequence(self) -> int:
        return self.erasure.sequence


@dataclass(frozen=True, slots=True)
class CorrectionAccepted:
    """A correction is in the journal."""

    sequence: int
    creator_id: str
    correction: Correction


@dataclass(frozen=True, slots=True)
class ExpiryDue:
    """What is from before these times (epoch seconds, by creator) is to be kept no longer."""

    before: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NodesReady:
    """A part of the job in hand is enriched."""

    nodes: tuple[EnrichedConversation, ...]


@dataclass(frozen=True, slots=True)
class Enriched:
    """All of the job is."""

    job: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The job cannot be enriched; `code` and `message` are fit for the user."""

    job: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Redo:
    """What the history holds of a creator is to be told anew, as when pages may have missed frames."""

    creator_id: str


@dataclass(frozen=True, slots=True)
class Again:
    """The owner begins, or the wait that `RetryLater` asked for is over."""


Accepted = SnapshotAccepted | DeltaAccepted | CorrectionAccepted | ErasureAccepted
Event = Accepted | ExpiryDue | NodesReady | Enriched | Failed | Redo | Again


# Effects


@dataclass(frozen=True, slots=True)
class Job:
    """The work in hand. `sequence` is the last journal sequence it covers."""

    number: int
    sequence: int
    creator_id: str
    whole: bool  # all chats of the creator; else those that were touched
    touched: tuple[Touched, ...] = ()

    @property
    def chat_ids(self) -> list[str] | None:
        """The chats that it works on; None: all."""
        return None if self.whole else [mark.chat_id for mark in self.touched]


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
    """Have what waits for it in the job's chats enriched."""

    job: Job


@dataclass(frozen=True, slots=True)
class PublishEnrichment:
    """Send `enrichment_result` for the job's chats."""

    job: Job


@dataclass(frozen=True, slots=True)
class PublishFullSync:
    """Send `full_sync_response` with everything that the creator has."""

    job: Job


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
    | PublishFullSync
    | PublishAppend
    | RetryLater
    | None  # others may be let in: what is taken into the history may take long
)


@dataclass(slots=True)
class UserState:
    """The machine. `handle` takes one event and yields the effects to carry out, in order.

    Each effect is to be carried out before the next is asked for: what a `PublishFullSync` or `PublishAppend`
    shows is the history as it stands then, before the next job takes in what waited. Every `Enrich` is
    answered by exactly one `Enriched` or `Failed`.
    """

    history: History
    status: Status = Status.EMPTY
    sequence: int = 0  # of the last input that was applied to the history
    job: Job | None = None
    inbox: deque[Accepted] = field(default_factory=deque)
    understood: int = 0  # the last input up to which nothing waits to be understood
    failures: int = 0  # in a row
    has_expired: bool = False  # since somebody has looked
    _expiry: Mapping[str, float] = field(default_factory=dict)  # waits until no job is in hand
    _failed: Job | None = None  # waits to be begun again
    _jobs: int = 0
    _drain_to: int = 0
    _unfinished: dict[str, None] = field(default_factory=dict)  # creators that are to be told anew

    def restore(self, sequence: int, unfinished: Iterable[str]) -> None:
        """Go on from a checkpoint: the history holds everything up to `sequence`."""
        self.sequence, self.status = sequence, Status.REALTIME
        self._unfinished.update(dict.fromkeys(unfinished))

    def replay(self, event: Accepted) -> Steps[None]:
        """Take in what an earlier owner accepted behind the checkpoint; how far it got is not known."""
        if isinstance(event, ErasureAccepted):
            self._erase(event)
        else:
            if isinstance(event, CorrectionAccepted):
                self.history.correct(event.creator_id, event.correction)
            else:
                yield from self.history.merging(event.chats, event.messages)
            self._unfinished[event.creator_id] = None
        self.sequence = event.sequence

    def is_whole_due(self, creator_id: str) -> bool:
        """Whether everything of the creator is in hand, or waits to be."""
        in_hand = (each for each in (self.job, self._failed) if each is not None)
        waits = (each for each in self.inbox if isinstance(each, SnapshotAccepted))
        return (
            any(each.whole and each.creator_id == creator_id for each in in_hand)
            or any(each.creator_id == creator_id for each in waits)
            or creator_id in self._unfinished
        )

    def unfinished(self) -> list[str]:
        """The creators of whom something up to `sequence` may not be on the pages yet."""
        in_hand = [each.creator_id for each in (self.job, self._failed) if each is not None]
        return list(dict.fromkeys([*in_hand, *self._unfinished]))

    def handle(self, event: Event) -> Iterator[Effect]:
        match event:
            case SnapshotAccepted() | DeltaAccepted():
                self.inbox.append(event)
                yield from self._next()
            case CorrectionAccepted():
                self.history.correct(event.creator_id, event.correction)
                self.inbox.append(event)
                yield from self._next()
            case ErasureAccepted():
                self._erase(event)
                self.inbox.append(event)
                yield from self._next()
            case ExpiryDue():
                self._expiry = event.before
                yield from self._next()
            case Redo():
                self._unfinished[event.creator_id] = None
                yield from self._next()
            case Again():
                if self.status is Status.ERROR:
                    yield self._move(Status.PROCESSING_SNAPSHOT)
                yield from self._next()
            case NodesReady():
                for node in event.nodes:
                    self.history.store(node)
            case Enriched():
                yield from self._enriched(event)
            case Failed():
                yield from self._fail(event)

    def _next(self) -> Iterator[Effect]:
        """Start what comes next, if nothing is in hand and no wait binds."""
        yield from self._take_removals()
        while self.job is None and self.status is not Status.ERROR:
            if self.status is Status.PROCESSING_SNAPSHOT and self._is_drained():
                yield self._move(Status.REALTIME)
            if self._failed is not None:
                failed, self._failed = self._failed, None
                # Of its own sequence, though later input is taken in: pages that have it pass over it.
                yield from self._start(
                    failed.creator_id, failed.touched, whole=failed.whole, sequence=failed.sequence
                )
            elif self._unfinished:  # in the history, from before a failure or before this process
                creator_id = next(iter(self._unfinished))
                del self._unfinished[creator_id]
                yield from self._start(creator_id, (), whole=True)
            elif self.inbox and self.status is Status.EMPTY and isinstance(self.inbox[0], DeltaAccepted):
                # As after an empty snapshot: pages append only to what they were given.
                yield from self._start(self.inbox[0].creator_id, (), whole=True)
            elif self.inbox and isinstance(self.inbox[0], CorrectionAccepted):
                yield from self._tell_corrected()
            elif self.inbox:
                yield from self._take()
            else:
                break

    def _take_removals(self) -> Iterator[Effect]:
        """If nothing is in hand: take in what came up to the last erasure, and drop what has expired."""
        if self.job is not None:
            return
        last = max((n for n, e in enumerate(self.inbox) if isinstance(e, ErasureAccepted)), default=-1)
        for _ in range(last + 1):
            finished(self.replay(self.inbox.popleft()))  # at once: what is erased is seen by nobody meanwhile
        expiry, self._expiry = self._expiry, {}
        for creator_id, at in expiry.items():
            if (yield from self.history.expiring(creator_id, at)):
                self._unfinished[creator_id] = None
                self.has_expired = True

    def _erase(self, event: ErasureAccepted) -> None:
        self._unfinished.update(dict.fromkeys(self.history.erase(event.marks)))

    def _is_drained(self) -> bool:
        """Whether all that had waited at the last full sync is applied."""
        waits = bool(self.inbox) and self.inbox[0].sequence <= self._drain_to
        return not waits and self._failed is None and not self._unfinished

    def _take(self) -> Iterator[Effect]:
        """Take the next input, or batch of live messages, into the history and start its job."""
        is_snapshot = isinstance(self.inbox[0], SnapshotAccepted)
        taken = self._batch()
        creator_id = taken[0].creator_id
        chats = [chat for each in taken for chat in each.chats]
        messages = taken[0].messages if is_snapshot else [m for each in taken for m in each.messages]
        touched = yield from self.history.merging(chats, messages)
        for _ in taken:  # until then all of a snapshot waits
            self.inbox.popleft()
        self.sequence = max(self.sequence, taken[-1].sequence)
        new = sum(mark.count for mark in touched)
        whole = (
            self.status is Status.EMPTY
            or len(touched) > max(FEW_CHATS, self.history.chats(creator_id) // SHARE)
            or new > MANY_MESSAGES
            or (is_snapshot and 2 * new > self.history.size(creator_id))  # topics are found anew
            or any(mark.renamed for mark in touched)  # pages know the chat by another id
        )
        if touched or whole:
            yield from self._start(creator_id, () if whole else touched, whole=whole)
        else:
            self.understood = self.sequence

    def _tell_corrected(self) -> Iterator[Effect]:
        """Have pages told of the correction that comes next; it counts already."""
        event = self.inbox.popleft()
        assert isinstance(event, CorrectionAccepted), "it was looked at"
        self.sequence = max(self.sequence, event.sequence)
        if event.correction.subject.kind == "topic":
            yield from self._start(event.creator_id, (), whole=True)
        elif (touched := self.history.said_by(event.creator_id, event.correction)) is not None:
            yield from self._start(event.creator_id, (touched,), whole=False)
        else:
            self.understood = self.sequence

    def _batch(self) -> list[SnapshotAccepted | DeltaAccepted]:
        """The next snapshot, or the live messages of one creator up to the next snapshot."""
        taken: list[SnapshotAccepted | DeltaAccepted] = []
        for each in self.inbox:
            if not isinstance(each, SnapshotAccepted | DeltaAccepted):
                break
            if taken and (isinstance(each, SnapshotAccepted) or each.creator_id != taken[0].creator_id):
                break
            taken.append(each)
            if isinstance(each, SnapshotAccepted):
                break
        return taken

    def _start(
        self, creator_id: str, touched: Sequence[Touched], *, whole: bool, sequence: int | None = None
    ) -> Iterator[Effect]:
        self._jobs += 1
        sequence = self.sequence if sequence is None else sequence
        self.job = job = Job(self._jobs, sequence, creator_id, whole, tuple(touched))
        if whole and self.status is not Status.PROCESSING_SNAPSHOT:
            yield self._move(Status.PROCESSING_SNAPSHOT)
        yield Enrich(job)

    def _enriched(self, event: Enriched) -> Iterator[Effect]:
        job = self._in_hand(event.job)
        yield PublishEnrichment(job)
        if job.whole:
            self._drain_to = self.inbox[-1].sequence if self.inbox else 0
            yield PublishFullSync(job)
        else:
            yield PublishAppend(job)
        self.job = None
        self.understood = job.sequence
        self.failures = 0
        yield from self._next()

    def _fail(self, event: Failed) -> Iterator[Effect]:
        self._failed = self._in_hand(event.job)
        self.job = None
        wait = min(RETRY_MOST, RETRY_FIRST * 2 ** min(self.failures, DOUBLINGS))
        self.failures += 1
        yield PublishError(self.sequence, event.code, event.message)
        yield self._move(Status.ERROR, event.message)
        yield RetryLater(wait)
        yield from self._take_removals()

    def _move(self, status: Status, detail: str | None = None) -> PublishStatus:
        if status not in _ALLOWED[self.status]:
            raise IllegalTransition(f"{self.status} cannot become {status}.")
        self.status = status
        return PublishStatus(self.sequence, status, detail)

    def _in_hand(self, number: int) -> Job:
        if self.job is None or self.job.number != number:
            raise IllegalTransition(f"Job {number} is not in hand.")
        return self.job
