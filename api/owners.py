"""Calls to the owners of users, by user id. Errors of an owner are raised as they were raised there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import ray

from actors.directory import Directory
from errors import AnalyticsError
from session.pages import Order
from wire.payloads import IngestReceipt

# Bytes of a body that is put into Ray's store in a thread: a call would copy it on the event loop.
LARGE = 64 * 1024

Status = Literal["EMPTY", "PROCESSING_SNAPSHOT", "REALTIME", "ERROR"]
Body = tuple[bytes, str | None]  # JSON, and the chat of the messages in it that name none


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a full sync has: the most urgent chats, with `chat_id` that one too, and their last messages.

    None: all of them.
    """

    chats: int | None = None
    messages: int | None = None
    chat_id: str | None = None


EVERYTHING = Extent()
FIRST = Extent(chats=50, messages=30)  # what a page that merges starts from


class Owners:
    """What routes and sockets ask of a user's owner; every call may be repeated."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def handle_snapshot(
        self, user_id: str, body: bytes, creator_id: str, chat_id: str | None = None
    ) -> IngestReceipt:
        """Take everything an extension holds: JSON of a `cache_update` payload or envelope."""
        payload = await _stored(body)
        receipt = await self._directory.handle_snapshot(user_id, payload, creator_id, chat_id)
        return IngestReceipt(**receipt)

    async def handle_delta(
        self, user_id: str, body: bytes, creator_id: str, chat_id: str | None = None
    ) -> IngestReceipt:
        """Take live messages: JSON of a `new_raw_message` payload or envelope, or a list of them."""
        payload = await _stored(body)
        receipt = await self._directory.handle_delta(user_id, payload, creator_id, chat_id)
        return IngestReceipt(**receipt)

    async def handle_deltas(
        self, user_id: str, bodies: Sequence[Body], creator_id: str
    ) -> list[IngestReceipt | AnalyticsError]:
        """Take several bodies of live messages in one call; each has a receipt or an error of its own."""
        answers = await self._directory.handle_deltas(user_id, bodies, creator_id)
        return [each if isinstance(each, AnalyticsError) else IngestReceipt(**each) for each in answers]

    async def replay_held(self, user_id: str, body: bytes) -> IngestReceipt:
        """Take what is held once more: JSON list of `{key, add}`; an empty one is all of it."""
        receipt = await self._directory.replay_held(user_id, await _stored(body))
        return IngestReceipt(**receipt)

    async def discard_held(self, user_id: str, keys: Sequence[str] | None) -> int:
        """Delete what is held under these keys, or all of it (None); how many there were."""
        deleted: int = await self._directory.discard_held(user_id, keys)
        return deleted

    async def get_held(self, user_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of what is held: `{held, total, dropped}`."""
        page: dict[str, Any] = await self._directory.get_held(user_id, limit, offset)
        return page

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent = EVERYTHING
    ) -> tuple[int, str, Status, bytes]:
        """What a page starts from: (sequence, position of the last event, status, JSON of the payload)."""
        sequence, position, status, payload = await self._directory.full_sync(
            user_id, creator_id, extent.chats, extent.messages, extent.chat_id
        )
        return sequence, position, cast(Status, status), payload

    async def get_shown_chats(
        self, user_id: str, creator_id: str | None, order: Order, limit: int, offset: int, messages: int
    ) -> bytes:
        """Some of the chats in order, each with its last messages, as pages show them: JSON."""
        return await self._directory.get_shown_chats(user_id, creator_id, order, limit, offset, messages)

    async def get_shown_messages(
        self, user_id: str, chat_id: str, creator_id: str | None, before: str | None, limit: int
    ) -> bytes:
        """The last messages of a chat, or those before one of them, as pages show them: JSON."""
        return await self._directory.get_shown_messages(user_id, chat_id, creator_id, before, limit)


async def _stored(body: bytes) -> Any:
    """The body as an argument of a call."""
    return body if len(body) <= LARGE else await asyncio.to_thread(ray.put, body)
