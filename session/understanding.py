"""Has a job enriched: chooses what goes together and when topics are found anew, and tells how far it is."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from chats.conversation import Conversation
from chats.enriched import EnrichedConversation
from enrich.progress import Progress
from enrich.tasks import Wanted
from enrich.topics.outline import OutlinedTopic
from enrich.topics.refit import Fitted
from errors import EnrichmentError
from history.history import History
from session.clock import Clock
from session.machine import Job

log = logging.getLogger(__name__)

ALONE_AFTER = 2  # failures in a row: then conversations are enriched one by one
PROGRESS_PAUSE = 2.0  # seconds
LARGE = 10_000  # messages, of which it is told when the last one is understood

Nodes = list[EnrichedConversation]
Tell = Callable[[Progress], Awaitable[None]]


class Enriches(Protocol):
    """Enriches one user's conversations; see `enrich.tasks.Enricher`."""

    async def whole(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        messages: int,
        on_progress: Tell,
        *,
        refit: bool = False,
        aside: bool = False,
    ) -> tuple[int, AsyncIterator[Nodes]]: ...

    def changed(
        self,
        creator_id: str,
        conversations: Iterable[Wanted],
        on_progress: Tell,
        *,
        alone: bool = False,
    ) -> AsyncIterator[Nodes]: ...

    async def fitted(self, creator_id: str) -> Fitted | None: ...

    async def topics(self, creator_id: str) -> tuple[OutlinedTopic, ...]: ...

    async def forget_topics(self, creator_id: str, *, everything: bool) -> int: ...


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes of a part of the job; `fit`, once it is known, says which topics the whole creator has by it."""

    nodes: Nodes
    fit: int | None = None


class Understanding:
    """One user's. `tell(job, progress)` is called while a job takes long."""

    def __init__(
        self,
        user_id: str,
        history: History,
        enricher: Enriches,
        clock: Clock,
        tell: Callable[[Job, Progress], Awaitable[None]],
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._enricher = enricher
        self._clock = clock
        self._tell = tell
        self._failures = 0  # in a row

    async def of(self, job: Job) -> AsyncIterator[Part]:
        """Understand what waits for it in the job's chats, or all of the creator's where most does."""
        given, waiting = 0, self._history.waiting(job.creator_id, job.chat_ids)
        try:
            async for part in self._parts(job, waiting):
                given += len(part.nodes)
                yield part
            # What was erased meanwhile is not missing.
            if given < waiting and self._history.waiting(job.creator_id, job.chat_ids):
                raise EnrichmentError("Enrichment gave back fewer conversations than it was given.")
        except Exception:
            self._failures += 1
            raise
        self._failures = 0

    async def _parts(self, job: Job, waiting: int) -> AsyncIterator[Part]:
        creator_id = job.creator_id
        # One conversation on which a worker dies must not keep the others waiting for ever.
        alone = self._failures >= ALONE_AFTER
        progress = self._progress(job)
        if waiting and not alone and job.whole and 2 * waiting >= self._history.conversations(creator_id):
            own = (each for cached in self._history.of(creator_id) for each in cached.all_surrounded())
            total = self._history.size(creator_id)
            fit, parts = await self._enricher.whole(creator_id, own, total, progress)
            async for nodes in parts:
                yield Part(nodes)
            yield Part([], fit)
        elif waiting:
            wanted = self._wanted(self._history.pending(creator_id, job.chat_ids))
            async for nodes in self._enricher.changed(creator_id, wanted, progress, alone=alone):
                yield Part(nodes)

    def _wanted(self, conversations: Iterable[Conversation]) -> Iterator[Wanted]:
        for key, own in groupby(conversations, key=lambda each: (each.creator_id, each.chat_id)):
            if (cached := self._history.look(*key)) is not None:
                yield from (each for c in own if (each := cached.surrounded(c.id)) is not None)

    def _progress(self, job: Job) -> Tell:
        """Tells how far the job is, at most once in PROGRESS_PAUSE seconds."""
        told = self._clock.monotonic()

        async def tell(progress: Progress) -> None:
            nonlocal told
            soon = self._clock.monotonic() - told < PROGRESS_PAUSE
            if soon and not (progress.done == progress.total >= LARGE):
                return
            told = self._clock.monotonic()
            log.info("User %s, creator %s: %s.", self._user_id, job.creator_id, progress)
            await self._tell(job, progress)

        return tell
