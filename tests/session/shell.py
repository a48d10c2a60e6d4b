"""The user actor's shell without its surroundings: carries effects out on a graph and on pages in memory."""

from dataclasses import dataclass, field

from history.packing import Packed
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
    PublishAppend,
    PublishFullSync,
    PublishStatus,
    RebuildGraph,
    RetryLater,
    SnapshotAccepted,
    StageFailed,
    Status,
    UserState,
)
from tests.actors.factories import analytics, empty_cache, node

Stage = Enrich | RebuildGraph | AppendGraph | ComputeAnalytics
Key = tuple[str, str]  # creator id, message id


@dataclass
class Page:
    """What a client that appends without looking shows: texts by message."""

    synced: int
    shown: dict[Key, str]
    appended: list[Key] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """A checkpoint: what is on disk when the process is killed."""

    sequence: int = 0
    unfinished: tuple[str, ...] = ()
    chats: tuple[tuple[tuple[str, str], Packed], ...] = ()


class Shell:
    def __init__(self) -> None:
        self.state = UserState(empty_cache())
        self.kept = Kept()
        self.accepted: list[SnapshotAccepted | DeltaAccepted] = []  # as the journal has them
        self.log: list[Effect] = []  # since the process began
        self.began = Status.EMPTY
        self.told: Status | None = None  # what pages were told last, by whatever process
        self.stage: Stage | None = None
        self.graph: dict[str, dict[str, int]] = {}  # creator -> conversation id -> messages
        self.pages = [Page(-1, {})]
        self.visitor = False  # somebody connects before the next effect is carried out
        self.retries = 0

    def feed(self, event: Event) -> list[Effect]:
        """Hand over an event; returns the effects that followed, all carried out."""
        before = len(self.log)
        if isinstance(event, SnapshotAccepted | DeltaAccepted):
            self.accepted.append(event)
        for effect in self.state.handle(event):
            if self.visitor:
                self.visit()
            self._carry_out(effect)
            self.log.append(effect)
        return self.log[before:]

    def complete(self) -> list[Effect]:
        """Let the step in hand succeed."""
        stage, self.stage = self.stage, None
        cache = self.state.cache
        match stage:
            case Enrich(job, conversations):
                nodes = tuple(node(c, cache.get(c.creator_id, c.chat_id)) for c in conversations)
                return self.feed(Enriched(job.number, nodes))
            case RebuildGraph(job):
                self.graph[job.creator_id] = {
                    n.id: n.figures.direct_messages
                    for chat in cache.of(job.creator_id)
                    for n in chat.nodes.values()
                }
                return self.feed(GraphWritten(job.number))
            case AppendGraph(job, nodes):
                held = self.graph.setdefault(job.creator_id, {})
                for id in (id for mark in job.touched for id in mark.gone):
                    held.pop(id, None)
                held.update({n.id: n.figures.direct_messages for n in nodes})
                return self.feed(GraphWritten(job.number))
            case ComputeAnalytics(job):
                return self.feed(AnalyticsReady(job.number, analytics(job.creator_id)))
            case None:
                raise AssertionError("Nothing is in hand.")

    def fail(self) -> list[Effect]:
        """Let the step in hand fail."""
        assert self.stage is not None
        stage, self.stage = self.stage, None
        return self.feed(StageFailed(stage.job.number, "graph_unavailable", "The graph is away."))

    def settle(self) -> list[Effect]:
        """Let everything succeed until nothing is in hand; returns all effects."""
        before = len(self.log)
        while self.stage is not None or self.state.status is Status.ERROR:
            if self.stage is None:
                self.feed(Again())
            else:
                self.complete()
        return self.log[before:]

    def checkpoint(self) -> None:
        state = self.state
        self.kept = Kept(state.sequence, tuple(state.unfinished()), tuple(state.cache.packed()))

    def crash(self) -> None:
        """The process is killed; the next owner has the checkpoint, the journal, the graph and the pages."""
        self.stage, self.retries, self.visitor = None, 0, False
        cache = empty_cache()
        state = self.state = UserState(cache)
        for key, packed in self.kept.chats:
            cache.load(key, packed, enriched=True)
        if self.kept.sequence:
            state.restore(self.kept.sequence, self.kept.unfinished)
        for event in self.accepted:
            if event.sequence > self.kept.sequence:
                state.replay(event)
        self.log, self.began = [], state.status
        self.feed(Again())

    def visit(self) -> None:
        """A page connects now and is told where things stand."""
        self.visitor = False
        self.pages.append(Page(self.state.sequence, self.held(None)))

    def held(self, creator_id: str | None) -> dict[Key, str]:
        return {
            (m.creator_id, m.id): m.text for chat in self.state.cache.of(creator_id) for m in chat.ordered()
        }

    def statuses(self) -> list[Status]:
        return [effect.status for effect in self.log if isinstance(effect, PublishStatus)]

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Enrich() | RebuildGraph() | AppendGraph() | ComputeAnalytics():
                assert self.stage is None, "one step at a time"
                assert self.state.job == effect.job
                self.stage = effect
            case PublishFullSync(job):
                for page in self.pages:
                    if job.sequence >= page.synced:
                        others = {k: v for k, v in page.shown.items() if k[0] != job.creator_id}
                        page.shown = {**others, **self.held(job.creator_id)}
            case PublishAppend(job):
                for page in self.pages:
                    if job.sequence > page.synced:
                        self._append(page, effect)
            case PublishStatus():
                self.told = effect.status
            case RetryLater():
                self.retries += 1
            case _:
                pass

    def _append(self, page: Page, effect: PublishAppend) -> None:
        for mark in effect.job.touched:
            for message in mark.new:
                key = (message.creator_id, message.id)
                assert key not in page.shown, "a page would show the message twice"
                page.shown[key] = message.text
                page.appended.append(key)
            for message in mark.changed:
                page.shown[message.creator_id, message.id] = message.text
            for message in mark.removed:
                page.shown.pop((message.creator_id, message.id), None)
