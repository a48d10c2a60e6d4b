"""Live messages on their way to the owners: small bodies that wait at the same moment go together.

A call to an owner costs more than a small body does. While a call for a user and creator is under way, the
bodies that arrive for the same two are gathered, and the next call takes them all. Each has its own answer.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from actors.directory import LARGE, Body
from errors import AnalyticsError, Overloaded
from wire.payloads import IngestReceipt

MOST = 256  # bodies of one call
MOST_BYTES = 1024 * 1024  # of one call, about: it is written on the event loop
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
    answer: asyncio.Future[IngestReceipt] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


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
        self._waiting: dict[tuple[str, str], list[_Waiting]] = {}  # has the key while a call is under way
        self._tasks: set[asyncio.Task[None]] = set()

    async def messages(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt:
        """Take live messages, as `Directory.handle_delta` does."""
        if len(body) > LARGE:  # the call is the least of what it costs
            return await self._owners.handle_delta(user_id, body, creator_id, chat_id, sender_id)
        brought = _Waiting((body, chat_id, sender_id))
        waiting = self._waiting.get((user_id, creator_id))
        if waiting is not None:
            if len(waiting) >= MOST_WAITING:
                raise Overloaded("The user's owner does not keep up; nothing was taken, send it again later.")
            waiting.append(brought)
        else:
            self._waiting[user_id, creator_id] = [brought]
            task = asyncio.create_task(self._call(user_id, creator_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await brought.answer

    async def _call(self, user_id: str, creator_id: str) -> None:
        """Call the owner until nothing waits."""
        waiting = self._waiting[user_id, creator_id]
        while waiting:
            batch = _together(waiting)
            del waiting[: len(batch)]
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
        del self._waiting[user_id, creator_id]
