"""What a user's pages are sent: a full sync, the messages that came, what was understood, the figures.

Everything is made from the history and the figures in memory: pages wait for no graph. What is made costs
what it shows, except for pages that replace what they have: those are shown everything.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import chain
from typing import Literal

from chats.message import Message
from enrich.progress import Progress
from frames.enrichment import broadcast_enrichment
from frames.log import Readers
from frames.publisher import Publisher
from history.chat import CachedChat
from history.history import Key, Touched
from history.packing import Packed
from session.clock import Clock
from session.figures import FIRST, Figures
from session.machine import Job, Status, UserState
from steps import sliced
from wire.bounds import REPLACED, URGENT, bounded, changes
from wire.masking import Pseudonym, masked_node, masked_shown
from wire.payloads import (
    AnalyticsUpdate,
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    ExtendedConversationNode,
    PriorityScore,
    SnapshotProgress,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
    call_for_full_sync,
    for_pages,
    published,
)
from wire.view import chat_node, shown_messages

PUBLISHED = 20_000  # messages of a full sync that is published

Order = Literal["priority", "latest"]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a full sync has: the most urgent chats, with `chat_id` that one too, and their last messages.

    None: all of them. With `mask` it is under pseudonyms.
    """

    chats: int | None = None
    messages: int | None = None
    chat_id: str | None = None
    mask: bool = False


EVERYTHING = Extent()
START = Extent(chats=50, messages=30)  # what a page that merges starts from
NO_CHATS = Extent(chats=0, messages=0)  # the figures alone


@dataclass(frozen=True, slots=True)
class Said:
    """What an `append_message` told of a chat, by the ids of messages."""

    new: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Captured:
    """What is shown; nothing of it changes any more. `messages` is how many of each chat, None: all."""

    chats: Sequence[Packed | CachedChat]
    messages: int | None
    analytics: AnalyticsUpdate


class Pages:
    """One user's, of the history that the machine's state has."""

    def __init__(
        self,
        user_id: str,
        state: UserState,
        figures: Figures,
        frames: Publisher,
        clock: Clock,
    ) -> None:
        self._user_id = user_id
        self._state = state
        self._history = state.history
        self._figures = figures
        self._frames = frames
        self._clock = clock
        self._stale: dict[str | None, None] = {}  # creators (None: all of them) whose figures changed
        self._asked = asyncio.Event()
        self._sending = False
        self._told = 0  # sequence of the last job that pages were told of

    @property
    def idle(self) -> bool:
        """Whether no figures wait or are being sent."""
        return not self._stale and not self._sending

    def capture(self, creator_id: str | None, extent: Extent = EVERYTHING) -> Captured:
        """The chats of one creator, or of all, and their figures as they are, while the chats are at rest."""
        now = self._clock.now()
        if extent.chats is None:
            keys = self._history.keys(creator_id)
            return self._captured(keys, extent.messages, self._figures.update(creator_id, now))
        also = [extent.chat_id] if extent.chat_id else []
        if extent.chats <= FIRST:
            update = self._figures.update_of_first(creator_id, now, extent.chats, also)
        else:
            ids = [*self._figures.most_urgent(creator_id, now, extent.chats), *also]
            update = self._figures.update(creator_id, now, ids)
        return self._captured(self._keys(creator_id, update.priority), extent.messages, update)

    def capture_some(
        self, creator_id: str | None, order: Order, limit: int, offset: int, messages: int
    ) -> Captured:
        """Some of the chats of one creator, or of all, in that order."""
        now = self._clock.now()
        if order == "priority":
            ids = self._figures.most_urgent(creator_id, now, offset + limit)[offset:]
            keys = self._keys(creator_id, ids)
        else:
            fans = self._history.fans(creator_id)
            latest = nlargest(offset + limit, fans, key=lambda fan: fan.last_message_at or 0.0)[offset:]
            keys = [(fan.creator_id, fan.chat_id) for fan in latest]
        update = self._figures.update(creator_id, now, [chat for _, chat in keys])
        return self._captured(keys, messages, update)

    async def written(self, captured: Captured, pseudonym: Pseudonym | None = None) -> bytes:
        """JSON of a FullSyncResponse: one node a chat, written chat by chat."""
        nodes, analytics = await self.nodes(captured, pseudonym), for_pages(captured.analytics)
        return b'{"conversations":%b,"analytics":%b}' % (nodes, analytics)

    async def nodes(self, captured: Captured, pseudonym: Pseudonym | None = None) -> bytes:
        """JSON of a list of nodes, one a chat, each with its last messages; with a `pseudonym` masked."""
        parts: list[bytes] = []
        async for chat in sliced(captured.chats):
            cached = self._history.read(chat)
            node = _node(cached, (), captured.analytics.priority.get(cached.chat.id))
            newest = chain.from_iterable(cached.newest_by_stretch(captured.messages))
            if pseudonym is None:
                shown = shown_messages(cached, newest)
            else:
                node = masked_node(node, cached, pseudonym, ())
                shown = (masked_shown(each, cached, pseudonym) for each in newest)
            messages = [for_pages(each) async for each in sliced(shown)]
            rest = for_pages(node, without="messages").removeprefix(b"{")
            parts.append(b'{"messages":[%b],%b' % (b",".join(messages), rest))
        return b"[%b]" % b",".join(parts)

    def masked_append(
        self, creator_id: str, chat_id: str, said: Said, pseudonym: Pseudonym
    ) -> ExtendedConversationNode | None:
        """The node of an `append_message` that was sent, under a pseudonym; None: there is no such chat.

        Its messages are as they are now: what was erased since is not in it.
        """
        cached = self._history.look(creator_id, chat_id)
        if cached is None:
            return None
        node = _node(cached, (), self._figures.priority(creator_id, chat_id, self._clock.now()))
        new, changed = (
            [message for id in ids if (message := cached.message(id)) is not None]
            for ids in (said.new, said.changed)
        )
        masked = masked_node(node, cached, pseudonym, new, changed)
        return masked.model_copy(update={"removedMessages": list(said.removed)})

    async def send_full_sync(self, job: Job) -> None:
        """Have every page take a full sync; those that replace what they have are sent it.

        Unless it is large: that would not fit into what may wait for a page, and each asks for it instead.
        """
        # Also where the only other creator is the one that is told: all of it may be erased.
        merge, whole = len({*self._history.creators(), job.creator_id}) > 1, None
        if self._history.size(job.creator_id) <= PUBLISHED and await self._frames.is_read_whole():
            payload = await self.written(self.capture(job.creator_id))
            whole = published(
                "full_sync_response",
                payload,
                sequence=job.sequence,
                creator_id=job.creator_id,
                merge=merge,
            )
        call = call_for_full_sync(sequence=job.sequence, creator_id=job.creator_id, merge=merge)
        await self._frames.send_full_sync(call, whole)
        self._refresh(job)

    async def send_append(self, job: Job) -> None:
        """`append_message` for each chat that the job touched; then its creator's figures follow."""
        now = self._clock.now()
        for mark in job.touched:
            if (cached := self._history.get(job.creator_id, mark.chat_id)) is not None:
                await self._frames.send(self._append(job, mark, cached, now=now))
        self._refresh(job)

    async def send_enrichment(self, job: Job) -> None:
        """`enrichment_result` for each chat that the job touched; of a whole job for every chat.

        To pages that replace: what follows, `append_message` or the full sync, tells others the same.
        """
        if not await self._frames.is_read_whole():
            return
        chats = self._history.of(job.creator_id) if job.whole else self._touched(job)
        await broadcast_enrichment(
            self._user_id,
            (bounded(chat_node(cached, (), priority=None)) for cached in chats),
            creator_id=job.creator_id,
            frames=self._frames,
            to=Readers.REPLACING,
            sequence=job.sequence,
        )

    async def send_status(
        self, status: Status, *, detail: str | None = None, progress: Progress | None = None
    ) -> None:
        told = progress and SnapshotProgress(
            done=progress.done, total=progress.total, secondsLeft=progress.seconds_left
        )
        payload = SystemStatus(status=status.value, detail=detail, progress=told)  # type: ignore[arg-type]
        await self._frames.send(SystemStatusMsg(sequence=self._state.sequence, payload=payload))

    async def send_progress(self, job: Job, progress: Progress) -> None:
        """Say how far a whole job is."""
        if job.whole:
            await self.send_status(Status.PROCESSING_SNAPSHOT, detail=str(progress), progress=progress)

    async def send_error(self, code: str, message: str) -> None:
        error = SystemError(errorMessage=message, code=code)
        await self._frames.send(SystemErrorMsg(sequence=self._state.sequence, payload=error))

    def _refresh(self, job: Job) -> None:
        """Have `analytics_update` sent; what is asked for while one is being sent becomes one."""
        self._told = max(self._told, job.sequence)
        self._stale[job.creator_id] = None
        self._stale[None] = None
        self._asked.set()

    async def run(self) -> None:
        """Send figures that changed, again and again."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            self._sending = True
            while self._stale:
                creator_id = next(iter(self._stale))  # the one that waits longest
                self._stale.pop(creator_id)  # what changes from here on asks anew
                await self._send_figures(creator_id)
            self._sending = False

    async def _send_figures(self, creator_id: str | None) -> None:
        """Send figures to the pages that merge, and then to others where there are any.

        In that order: one that comes meanwhile finds what was sent first.
        """
        for to, chats in ((Readers.MERGING, URGENT), (Readers.REPLACING, REPLACED)):
            if to is Readers.REPLACING and not await self._frames.is_read_whole():
                return
            now, told = self._clock.now(), self._told
            update = self._figures.update_of_first(creator_id, now, chats)
            merging = to is Readers.MERGING
            frame = AnalyticsUpdateMsg(
                sequence=told,
                creatorId=creator_id,
                merge=merging,
                payload=changes(update) if merging else update,
            )
            await self._frames.send(frame, to)

    def _append(self, job: Job, mark: Touched, cached: CachedChat, *, now: datetime) -> AppendMessageMsg:
        priority = self._figures.priority(job.creator_id, cached.chat.id, now)
        new = sorted(mark.new, key=lambda message: message.order)
        return AppendMessageMsg(
            sequence=job.sequence,
            creatorId=job.creator_id,
            merge=bool(mark.changed or mark.removed),
            payload=_node(cached, new, priority, mark),
        )

    def _captured(self, keys: Iterable[Key], messages: int | None, analytics: AnalyticsUpdate) -> Captured:
        chats = (self._history.as_now(key) for key in keys)
        return Captured([chat for chat in chats if chat is not None], messages, analytics)

    def _keys(self, creator_id: str | None, ids: Iterable[str]) -> list[Key]:
        creators = self._history.creators() if creator_id is None else [creator_id]
        return [(creator, id) for id in dict.fromkeys(ids) for creator in creators]

    def _touched(self, job: Job) -> Iterable[CachedChat]:
        ids = dict.fromkeys(mark.chat_id for mark in job.touched)
        return (each for id in ids if (each := self._history.get(job.creator_id, id)) is not None)


def _node(
    cached: CachedChat,
    messages: Sequence[Message],
    priority: PriorityScore | None,
    touched: Touched | None = None,
) -> ExtendedConversationNode:
    """A chat with these messages, and where it stands in the inbox."""
    fan = cached.fan_state()
    node = chat_node(
        cached,
        messages,
        priority=None if priority is None else priority.score,
        not_waiting=fan.not_waiting,
        touched=touched,
    )
    return bounded(node).model_copy(update={"priority": priority, "unreadCount": fan.unread})
