"""Live messages on their way to the owners: small bodies that wait at the same moment go together.

A call to an owner costs more than a small body does. While a call for a user and creator is under way, the
bodies that arrive for the same two are gathered, and the next call takes them all. Each has its own answer.

What a call leads to costs more still: parts of chats are understood, told to pages, and written to the graph.
So bodies that are patient, those of whoever sends faster than it may, wait a moment for company before a call
is made. One that is not has it made at once, for all of them.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Protocol

from actors.directory import LARGE
from actors.local_socket import Body
from errors import AnalyticsError, Overloaded
from wire.payloads import IngestReceipt

MOST = 256  # bodies of one call
MOST_BYTES = 1024 * 1024  # of one call, about: it is written on the event loop
PATIENCE = 0.25  # seconds that patient bodies wait for company
MOST_WAITING = 1_024  # bodies for one user and creator while their owner is called


class Taker(Protocol):
    """The part of the directory that takes live messages."""

    async def handle_delta(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt: ...

    async def handle_deltas(
        self, user_id: str, bodies: list[Body], creator_id: str
    ) -> list[IngestReceipt | AnalyticsError]: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    body: Body
    is_patient: bool
    answer: asyncio.Future[IngestReceipt] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True, eq=False)
class _Queue:
    waiting: list[_Waiting] = field(default_factory=list)
    due: asyncio.Event = field(default_factory=asyncio.Event)  # what waits, waits no longer

    def add(self, brought: _Waiting) -> None:
        self.waiting.append(brought)
        if not brought.is_patient or len(self.waiting) >= MOST:
            self.due.set()

    async def company(self) -> None:
        """Return when a call is to be made."""
        if not self.due.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.due.wait(), PATIENCE)

    def take(self) -> list[_Waiting]:
        """What goes in the next call."""
        batch = _together(self.waiting)
        del self.waiting[: len(batch)]
        if all(each.is_patient for each in self.waiting):
            self.due.clear()
        return batch


def _together(waiting: list[_Waiting]) -> list[_Waiting]:
    """The first of what waits, as much as goes in one call."""
    batch: list[_Waiting] = []
    size = 0
    for each in waiting[:MOST]:
        size += len(each.body[0])
        if batch and size > MOST_BYTES:
            break
        batch.append(each)
    return batch


class Gathering:
    """One call at a time for each user and creator; what a caller brought is taken though it leaves."""

    def __init__(self, owners: Taker) -> None:
        self._owners = owners
        self._queues: dict[tuple[str, str], _Queue] = {}  # of whom a call is under way or to be made
        self._tasks: set[asyncio.Task[None]] = set()

    async def messages(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
        *,
        is_patient: bool = False,
    ) -> IngestReceipt:
        """Take live messages, as `Directory.handle_delta` does; what `is_patient` may wait PATIENCE."""
        if len(body) > LARGE:  # the call is the least of what it costs
            return await self._owners.handle_delta(user_id, body, creator_id, chat_id, sender_id)
        brought = _Waiting((body, chat_id, sender_id), is_patient)
        queue = self._queues.get((user_id, creator_id))
        if queue is None:
            queue = self._queues[user_id, creator_id] = _Queue()
            task = asyncio.create_task(self._call(user_id, creator_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(queue.waiting) >= MOST_WAITING:
            raise Overloaded("The user's owner does not keep up; nothing was taken, send it again later.")
        queue.add(brought)
        return await brought.answer

    async def _call(self, user_id: str, creator_id: str, queue: _Queue) -> None:
        """Call the owner until nothing waits."""
        while queue.waiting:
            await queue.company()
            batch = queue.take()
            answered: list[tuple[_Waiting, IngestReceipt | Exception]]
            try:
                answers = await self._owners.handle_deltas(user_id, [each.body for each in batch], creator_id)
                answered = list(zip(batch, answers, strict=True))
            except Exception as error:
                answered = [(each, error) for each in batch]
            for each, answer in answered:
                if each.answer.done():  # its caller has left
                    continue
                if isinstance(answer, Exception):
                    each.answer.set_exception(answer)
                else:
                    each.answer.set_result(answer)
        del self._queues[user_id, creator_id]
