"""What a user's pages are sent: a full sync, the messages that came, what was understood, the figures.

Everything is made from the history and the figures in memory: pages wait for no graph.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from enrich.progress import Progress
from frames.enrichment import broadcast_enrichment
from frames.publisher import Frames
from history.chat import CachedChat
from history.history import Cache, Touched
from history.packing import Packed
from session.clock import Clock
from session.figures import Figures
from session.machine import Job, Status
from wire.payloads import (
    AnalyticsUpdate,
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    SnapshotProgress,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
    for_pages,
    published,
)
from wire.view import chat_node

SHOWN_MESSAGES = 1_000  # of a large history are unpacked and written between two looks at the event loop


@dataclass(frozen=True, slots=True)
class Captured:
    """What a full sync shows; nothing of it changes any more."""

    chats: list[Packed]
    analytics: AnalyticsUpdate


class Pages:
    """One user's. `sequence` gives the last input that the history holds."""

    def __init__(
        self,
        user_id: str,
        history: Cache,
        figures: Figures,
        frames: Frames,
        clock: Clock,
        sequence: Callable[[], int],
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._figures = figures
        self._frames = frames
        self._clock = clock
        self._sequence = sequence
        # By creator (None: all of them) whose figures changed: the last input that they stand for.
        self._stale: dict[str | None, int] = {}
        self._asked = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether no figures wait to be sent."""
        return not self._stale

    async def capture(self, creator_id: str | None) -> Captured:
        """The chats of one creator, or of all, and their figures as they are. The chats are at rest."""
        for key in self._history.unpacked():
            self._history.pack(key)
            await asyncio.sleep(0)
        return Captured(
            [self._history.pack(key) for key in self._history.keys(creator_id)],
            self._figures.update(creator_id, self._clock.now()),
        )

    async def written(self, captured: Captured) -> bytes:
        """JSON of a FullSyncResponse: one node a chat with all its messages, written chat by chat."""
        parts: list[bytes] = []
        written = 0
        for packed in captured.chats:
            cached = self._history.unpacked_from(packed)
            messages = cached.ordered()
            fan = cached.fan_state()
            score = captured.analytics.priorityScores.get(fan.chat_id)
            parts.append(for_pages(chat_node(cached, messages, priority=score, not_waiting=fan.not_waiting)))
            if (written := written + len(messages)) >= SHOWN_MESSAGES:
                written = 0
                await asyncio.sleep(0)
        analytics = for_pages(captured.analytics)
        return b'{"conversations":[%b],"analytics":%b}' % (b",".join(parts), analytics)

    async def send_full_sync(self, job: Job) -> None:
        frame = published(
            "full_sync_response",
            await self.written(await self.capture(job.creator_id)),
            sequence=job.sequence,
            creator_id=job.creator_id,
            merge=self._has_several_creators(),
        )
        await self._frames.send(frame)

    async def send_append(self, job: Job) -> None:
        """`append_message` for each chat that the job touched; then its creator's figures follow."""
        now = self._clock.now()
        for mark in job.touched:
            if (cached := self._history.get(job.creator_id, mark.chat_id)) is not None:
                await self._frames.send(self._append(job, mark, cached, now=now))
        self._refresh(job)

    async def send_enrichment(self, job: Job) -> None:
        chats = self._history.of(job.creator_id) if job.whole else self._touched(job)
        await broadcast_enrichment(
            self._user_id,
            (chat_node(cached, (), priority=None) for cached in chats),
            creator_id=job.creator_id,
            frames=self._frames,
            sequence=job.sequence,
        )

    async def send_status(
        self, status: Status, *, detail: str | None = None, progress: Progress | None = None
    ) -> None:
        told = progress and SnapshotProgress(
            done=progress.done, total=progress.total, secondsLeft=progress.seconds_left
        )
        payload = SystemStatus(status=status.value, detail=detail, progress=told)  # type: ignore[arg-type]
        await self._frames.send(SystemStatusMsg(sequence=self._sequence(), payload=payload))

    async def send_error(self, code: str, message: str) -> None:
        error = SystemError(errorMessage=message, code=code)
        await self._frames.send(SystemErrorMsg(sequence=self._sequence(), payload=error))

    async def run(self) -> None:
        """Send figures that changed, again and again."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._stale:
                creator_id, sequence = next(iter(self._stale.items()))  # the one that waits longest
                update = self._figures.update(creator_id, self._clock.now())
                frame = AnalyticsUpdateMsg(
                    sequence=sequence,
                    creatorId=creator_id,
                    merge=creator_id is not None and self._has_several_creators(),
                    payload=update,
                )
                await self._frames.send(frame)
                if self._stale.get(creator_id) == sequence:
                    del self._stale[creator_id]

    def _refresh(self, job: Job) -> None:
        """Have `analytics_update` sent; those that wait for one that is being sent become one."""
        self._stale[job.creator_id] = job.sequence
        if self._has_several_creators():
            self._stale[None] = job.sequence
        self._asked.set()

    def _append(self, job: Job, mark: Touched, cached: CachedChat, *, now: datetime) -> AppendMessageMsg:
        fan = cached.fan_state()
        priority = self._figures.priority(fan.creator_id, fan.chat_id, now)
        node = chat_node(
            cached,
            sorted(mark.new, key=lambda message: message.order),
            priority=priority.score if priority else None,
            not_waiting=fan.not_waiting,
            touched=mark,
        )
        return AppendMessageMsg(
            sequence=job.sequence,
            creatorId=job.creator_id,
            merge=bool(mark.changed or mark.removed),
            payload=node,
        )

    def _touched(self, job: Job) -> Iterable[CachedChat]:
        ids = dict.fromkeys(mark.chat_id for mark in job.touched)
        return (each for id in ids if (each := self._history.get(job.creator_id, id)) is not None)

    def _has_several_creators(self) -> bool:
        return len(self._history.creators()) > 1
