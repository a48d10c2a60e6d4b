"""What an extension sends: frames are put together to batches, and a batch is answered with its receipt.

A socket has one batch in flight at a time, so the order of its messages is the order they are journaled in.
What arrives meanwhile waits in a bounded queue and becomes the next batch. When the owner takes no more, the
batch waits and is sent again, and the socket is not read when the queue is full: nothing is dropped. So it is
when more comes for a user than may.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect

from actors.directory import LARGE, Directory
from api.gathering import Gathering
from api.limits import Limits
from api.sockets.sending import ack, answer, send, told
from errors import AnalyticsError, InputTooLarge, InvalidInput, Overloaded, Unavailable
from frames.log import push
from wire.incoming import (
    AuthenticateMsg,
    CacheUpdateMsg,
    KeepaliveMsg,
    NewRawMessageMsg,
    OnlineUsersMsg,
    parse_frame,
)
from wire.payloads import IngestAckMsg, IngestReceipt, OnlineUsersUpdateMsg

BATCH = 500  # live messages journaled together
BATCH_BYTES = 1024 * 1024  # and no more than so much of them, but for one that is larger
_BOM = b"\xef\xbb\xbf"
_SCALAR = rb'\s*(?:"(?:[^"\\]|\\.){0,999}"|[-+.0-9a-zA-Z]{1,99})\s*'
_NAME = rb'\s*"(?:[^"\\]|\\.){0,999}"\s*:'
_TYPE = rb'\s*"type"\s*:\s*"(cache_update|new_raw_message)"\s*'
# The type of a frame, among members that are neither lists nor objects at its beginning or end.
_HEAD = re.compile(rb"\s*\{(?:%b%b,){0,20}%b[,}]" % (_NAME, _SCALAR, _TYPE))
_TAIL = re.compile(rb",%b(?:,%b%b){0,20}\}\s*\Z" % (_TYPE, _NAME, _SCALAR))
_ENDS = 4096  # bytes that are looked at

Kind = Literal["cache_update", "new_raw_message"]


def kind_of(frame: bytes) -> Kind | None:
    """What a frame brings, without reading all of it; None: look at it in full.

    Whoever reads the frame later sees whether that is so.
    """
    found = _HEAD.match(frame, 0, _ENDS) or _TAIL.search(frame, max(0, len(frame) - _ENDS))
    match found and found[1]:
        case b"cache_update":
            return "cache_update"
        case b"new_raw_message":
            return "new_raw_message"
    return None


@dataclass(frozen=True, slots=True)
class _Extension:
    socket: WebSocket
    user_id: str
    creator_id: str


class _Received(asyncio.Queue[bytes | None]):
    """Frames that wait: so many, and of so many bytes but for the last one; None is the end."""

    def __init__(self) -> None:
        super().__init__(maxsize=BATCH)
        self._bytes = 0

    def full(self) -> bool:
        return super().full() or self._bytes >= BATCH_BYTES

    def _put(self, item: bytes | None) -> None:
        super()._put(item)
        self._bytes += len(item or b"")

    def _get(self) -> bytes | None:
        item: bytes | None = super()._get()
        self._bytes -= len(item or b"")
        return item


class Extensions:
    """Serves the sockets of extensions; frames of more than `max_frame` bytes are refused."""

    def __init__(
        self, redis: Redis, owners: Directory, ingest: Gathering, limits: Limits, *, max_frame: int
    ) -> None:
        self._redis = redis
        self._owners = owners
        self._ingest = ingest
        self._limits = limits
        self._max_frame = max_frame
        self.connected = 0  # sockets

    async def serve(self, socket: WebSocket, user_id: str, creator_id: str, ended: asyncio.Event) -> None:
        """Run an accepted socket of an extension until it closes; after `ended` nothing more is taken.

        What is wrong with a frame is answered on it.
        """
        waiting = _Received()
        self.connected += 1
        try:
            await send(socket, ack("extension", user_id))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_read(socket, waiting, ended))
                tasks.create_task(self._take(_Extension(socket, user_id, creator_id), waiting))
        except* (WebSocketDisconnect, RuntimeError):
            pass  # the extension is gone
        finally:
            self.connected -= 1

    async def _take(self, extension: _Extension, waiting: _Received) -> None:
        """Journal what is received, batch by batch, until the socket has closed and nothing waits."""
        closed = False
        while not closed:
            await self._limits.pace(extension.user_id)
            frames = [await waiting.get()]
            while len(frames) < BATCH and not waiting.empty():
                frames.append(waiting.get_nowait())
            batch: list[bytes] = []
            size = unyielded = 0
            for frame in frames:
                if frame is None:
                    closed = True
                    continue
                if batch and size + len(frame) > BATCH_BYTES:
                    await self._take_messages(extension, batch)
                    size = 0
                self._limits.sent(extension.user_id, size=len(frame), messages=1)  # whatever it is
                await self._take_frame(extension, frame, batch)
                size += len(frame)
                unyielded += len(frame)
                if unyielded > LARGE:
                    await asyncio.sleep(0)  # others wait for the event loop
                    unyielded = 0
            await self._take_messages(extension, batch)

    async def _take_frame(self, extension: _Extension, frame: bytes, batch: list[bytes]) -> None:
        """Add a live message to the batch; anything else is dealt with at once, after what came before it."""
        try:
            if len(frame) > self._max_frame:
                raise InputTooLarge(f"A frame of {len(frame)} bytes is more than MAX_BODY allows.")
            frame = frame.removeprefix(_BOM)  # frames of a batch are put together
            kind = kind_of(frame) if len(frame) > LARGE else None
            incoming = parse_frame(frame) if kind is None else None
        except AnalyticsError as error:
            await answer(extension.socket, told(error))
            return
        match incoming:
            case KeepaliveMsg() | AuthenticateMsg():
                pass
            case OnlineUsersMsg(payload=payload):
                presence = OnlineUsersUpdateMsg(creatorId=extension.creator_id, payload=payload)
                await self._pass_on(extension, presence)
            case NewRawMessageMsg():
                batch.append(frame)
            case CacheUpdateMsg() | None:
                await self._take_messages(extension, batch)
                if kind == "new_raw_message":
                    await self._take_messages(extension, [frame])
                else:
                    await self._take_snapshot(extension, frame)

    async def _pass_on(self, extension: _Extension, presence: OnlineUsersUpdateMsg) -> None:
        try:
            await push(self._redis, extension.user_id, presence)
        except RedisError:
            away = Unavailable("Redis is away; presence was not passed on.")
            await answer(extension.socket, told(away))

    async def _take_snapshot(self, extension: _Extension, frame: bytes) -> None:
        """Hand a snapshot to the owner and answer with its receipt."""
        try:
            receipt = await _taken(self._owners.handle_snapshot, extension, frame)
        except AnalyticsError as error:
            await answer(extension.socket, told(error))
        else:
            await answer(extension.socket, IngestAckMsg(sequence=receipt.sequence, payload=receipt))

    async def _take_messages(self, extension: _Extension, batch: list[bytes]) -> None:
        """Hand live messages to the owner and answer with the receipt; the batch is empty afterwards."""
        if not batch:
            return
        frames = batch.copy()
        batch.clear()
        body = frames[0] if len(frames) == 1 else b"[%b]" % b",".join(frames)
        try:
            receipt = await _taken(self._ingest.messages, extension, body)
        except InvalidInput as error:
            if len(frames) == 1:
                await answer(extension.socket, told(error))
            for frame in frames if len(frames) > 1 else ():  # one of them is wrong: the others are not lost
                await self._take_messages(extension, [frame])
        except AnalyticsError as error:
            await answer(extension.socket, told(error))
        else:
            await answer(extension.socket, IngestAckMsg(sequence=receipt.sequence, payload=receipt))


async def _taken(
    take: Callable[[str, bytes, str], Awaitable[IngestReceipt]], extension: _Extension, body: bytes
) -> IngestReceipt:
    """The receipt of a body, which is sent again as long as the owner takes no more."""
    while True:
        try:
            return await take(extension.user_id, body, extension.creator_id)
        except Overloaded as error:
            await asyncio.sleep(error.retry_after)


async def _read(socket: WebSocket, waiting: _Received, ended: asyncio.Event) -> None:
    """Queue what the socket receives; None marks its end."""
    while (message := await socket.receive())["type"] != "websocket.disconnect" and not ended.is_set():
        text = message.get("text")
        await waiting.put(message["bytes"] if text is None else text.encode())
    await waiting.put(None)
