"""The life of the owner of a user: it reads the history, lets calls in and works, and leaves.

It knows no Ray: what it stands on are `Ports`, and time is a clock's. Input goes through `session.intake`
into the journal and comes from there as events. What to do next is decided by `session.machine` and carried
out by `session.processing`. The caller is answered when its input is in the journal; everything after that
is repeatable: a new owner reads the newest checkpoint and what the journal has behind it, and does again what
was not done.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError

from backoff import Backoff
from errors import (
    AnalyticsError,
    CheckpointUnavailable,
    JournalGap,
    JournalUnavailable,
    KeyUnavailable,
    StaleOwner,
    Undecryptable,
)
from metrics.declared import OWNER_RECOVERY_SECONDS
from session.parts import Parts
from session.ports import Ports
from session.processing import Processing
from session.recovery import recover
from settings import Settings

log = logging.getLogger(__name__)

READY_WITHIN = 30.0  # seconds that a call waits for a history that is being read
RETRY_FIRST, RETRY_MOST = 0.2, 10.0


class Owner:
    """One user's. `run` works until the user has another owner; all else is called while it runs.

    `parts` are those of the last reading of the history.
    """

    def __init__(self, user_id: str, settings: Settings, ports: Ports) -> None:
        self._user_id = user_id
        self._settings = settings
        self._ports = ports
        self._clock = ports.clock
        self._ready = asyncio.Event()
        self._problem: AnalyticsError | None = None  # why the history cannot be read
        self._leaving = False
        self._used = self._clock.monotonic()
        self._calls = 0  # in hand
        self.parts = Parts(user_id, settings, ports)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Parts]:
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
            yield self.parts
        finally:
            self._calls -= 1
            self._used = self._clock.monotonic()

    async def run(self) -> None:
        """Read the history, then work. Raises StaleOwner when the user has another owner."""
        await self._read()
        parts = self.parts
        processing = Processing(self._user_id, parts)
        try:
            async with parts.tasks as tasks:
                for work in (
                    parts.intake.run(),
                    parts.writes.run(),
                    parts.writes.look(parts.history.creators()),
                    parts.pages.run(),
                    parts.refits.run(),
                    parts.erasures.run(),
                    parts.retention.run(),
                    parts.indexes.run(),
                    parts.columns.run(),
                    processing.tell_lag(),
                    self._process_delta_queue(parts, processing),
                ):
                    tasks.create_task(work)
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def idle(self, seconds: float) -> float:
        """Return once there was no call and no work for so many seconds: how many those are by now."""
        while True:
            works = self._calls or (self._ready.is_set() and not self.parts.idle)
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
        async with self.parts.at_rest:
            if self._ready.is_set():
                await self.parts.persistence.finish()
                await self.parts.indexes.close()

    def _has_finished(self) -> bool:
        """Nothing is in hand that this owner can finish: a graph that is away is written by the next one."""
        parts = self.parts
        is_written = parts.writes.is_behind or parts.writes.behind_since() is None
        return self._ready.is_set() and parts.is_settled and is_written

    async def _read(self) -> None:
        """Have the history in `parts`, however often that has to be tried."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
        while True:
            problem: AnalyticsError
            began = self._clock.monotonic()
            try:
                await recover(self.parts)
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
            self.parts = Parts(self._user_id, self._settings, self._ports)

    async def _process_delta_queue(self, parts: Parts, processing: Processing) -> None:
        """Take events in order, snapshots among them, and carry out what follows from each."""
        while True:
            event = await parts.mailbox.next()
            async with parts.at_rest:
                await processing.take(event)
                parts.mailbox.taken()
            del event  # a snapshot's has all its messages, and the next may come late
            self._used = self._clock.monotonic()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the owner: that it is displaced comes before all else."""
    stale, others = group.split(StaleOwner)
    found: BaseException = stale or others or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
