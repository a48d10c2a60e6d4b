"""Takes events, and carries out what the machine decides on each."""

import logging
from collections.abc import Sequence

from redis.exceptions import RedisError

from chats.enriched import EnrichedConversation
from errors import AnalyticsError, StaleOwner
from session.machine import (
    Again,
    CorrectionAccepted,
    DeltaAccepted,
    Effect,
    Enrich,
    Enriched,
    ErasureAccepted,
    Event,
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
)
from session.parts import Parts
from session.upkeep import close_chats, recount
from steps import Breaks, sliced

log = logging.getLogger(__name__)

GRAPH_BEHIND = "The graph is behind: insights that are asked over REST lack what came last."


class Processing:
    """One user's. One event is taken at a time, while the chats are at rest but for what it does to them."""

    def __init__(self, user_id: str, parts: Parts) -> None:
        self._user_id = user_id
        self._parts = parts
        self._retries = 0  # waits that were asked for; the last one counts

    async def take(self, event: Event) -> None:
        """Carry out what follows from an event."""
        parts, state = self._parts, self._parts.state
        if isinstance(event, SnapshotAccepted | DeltaAccepted):
            parts.persistence.unsaved += len(event.messages) + len(event.chats)
        breaks = Breaks()
        for effect in state.handle(event):
            if effect is None:
                await breaks.take()
            else:
                await parts.follow()
                await self._carry_out(effect)
        await recount(parts.history, event if isinstance(event, CorrectionAccepted) else None)
        await parts.follow()
        match event:
            case CorrectionAccepted():
                parts.correcting.counts(event.correction.id)
            case ErasureAccepted():
                await parts.erasures.gone(event.erasure)
            case Redo():
                parts.retelling.known(event.creator_id)
        parts.backlog.understood(state.understood)
        is_done = state.job is None  # also where an input brought nothing new
        if is_done or isinstance(event, Enriched):
            await parts.persistence.after(is_done)
        if is_done:
            await close_chats(parts.history)
        parts.erasures.look()
        if state.has_expired:
            state.has_expired = False
            parts.erasures.sweep()

    async def tell_lag(self) -> None:
        """Tell whenever the graph falls behind or has caught up."""
        parts = self._parts
        while True:
            await parts.writes.turned()
            since = parts.writes.behind() if parts.writes.is_behind else {}
            try:
                await parts.ports.lag.tell(since)
            except RedisError as error:
                name = type(error).__name__
                log.warning("User %s: nobody is told how far the graph is (%s).", self._user_id, name)
            if parts.state.status is Status.REALTIME:
                await self._broadcast_status(Status.REALTIME)

    async def _carry_out(self, effect: Effect) -> None:
        pages, tasks = self._parts.pages, self._parts.tasks
        match effect:
            case PublishStatus(_, status, detail):
                await self._broadcast_status(status, detail)
            case PublishError(_, code, message):
                await pages.send_error(code, message)
            case Enrich(job):
                tasks.create_task(self._enrich(job))
            case PublishEnrichment(job):
                await pages.send_enrichment(job)
            case PublishFullSync(job):
                await pages.send_full_sync(job)
            case PublishAppend(job):
                await pages.send_append(job)
            case RetryLater(seconds):
                tasks.create_task(self._wait(seconds))

    async def _broadcast_status(self, status: Status, detail: str | None = None) -> None:
        if detail is None and status is Status.REALTIME and self._parts.writes.is_behind:
            detail = GRAPH_BEHIND
        await self._parts.pages.send_status(status, detail=detail)

    async def _enrich(self, job: Job) -> None:
        """Understand the job's conversations; what fails comes back as an event as well."""
        parts = self._parts
        try:
            fit: int | None = None
            async for part in parts.understanding.of(job):
                fit = part.fit if part.fit is not None else fit
                async with parts.at_rest:
                    await self._store(job.creator_id, part.nodes)
            if fit is not None:
                parts.refits.assigned(job.creator_id, fit)
                await parts.persistence.keep((), parts.refits.fits)
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
        parts.mailbox.put(event)

    async def _store(self, creator_id: str, nodes: Sequence[EnrichedConversation]) -> None:
        """Keep what was understood, and take it into the history: pages are shown only what is kept."""
        parts = self._parts
        if nodes:
            await parts.persistence.keep(nodes, parts.refits.fits)
            async for node in sliced(nodes):
                for _ in parts.state.handle(NodesReady((node,))):
                    raise AssertionError("Nothing follows from a part.")
                await parts.follow()
            parts.refits.enriched(creator_id, nodes)
            await close_chats(parts.history)

    async def _wait(self, seconds: float) -> None:
        self._retries += 1
        asked = self._retries
        await self._parts.ports.clock.sleep(seconds)
        if asked == self._retries:
            self._parts.mailbox.put(Again())
