"""The WebSocket hub: holds the sockets of extensions and pages, knows nothing of what the frames mean.

A page's socket gets what its user's actor publishes, from one Redis subscription a process. It is told where
things stand when it connects (a full sync) and misses nothing in between, because it is subscribed before it
asks. A page that reads too slowly, or whose frames may have been lost because Redis was away, is cut off with
close code 4008 and starts anew.

An extension's socket has one batch in flight at a time, so the order of one socket's messages is the order
they are journaled in; what arrives meanwhile waits in a bounded queue and becomes the next batch.
"""

import asyncio
import contextlib
import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from itertools import chain
from typing import Any, Literal

import orjson
from fastapi import WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect

from actors.directory import Directory
from actors.journal import is_known
from actors.publisher import channel
from errors import AnalyticsError, InputTooLarge, InvalidInput, Unavailable
from settings import Settings
from wire.incoming import CacheUpdateMsg, KeepaliveMsg, OnlineUsersMsg, parse_frame
from wire.payloads import (
    ConnectionAck,
    ConnectionAckMsg,
    Frame,
    IngestAckMsg,
    IngestReceipt,
    OnlineUsersUpdateMsg,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
)

log = logging.getLogger(__name__)

VERSION = "1"
MISSED = 4008
TRY_AGAIN_LATER = 1013
SUBSCRIBE_TIMEOUT = 5.0
WAITING_BYTES = 256 * 1024 * 1024  # of frames that wait for one page
WAITING_FRAMES = 10_000
BATCH = 500  # live messages journaled together
_HEADER = re.compile(rb'\{"sequence":(\d+),"creatorId":(null|"[^"]*"),"type":"(\w+)"')


class Page:
    """One page's socket: frames wait here until the socket takes them."""

    def __init__(self, creator_id: str | None) -> None:
        self._creator_id = creator_id
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._bytes = 0
        self._synced = -1  # what was appended up to here came with the full sync
        self.cut_off = False

    def cut(self) -> None:
        """Say that frames are missing: what waits is dropped and the page has to start anew."""
        self.cut_off = True
        self._frames.put_nowait(None)

    def synced(self, sequence: int) -> None:
        self._synced = sequence

    def offer(self, frame: bytes) -> None:
        """Queue a published frame, if it is for this page and not too much."""
        header = _HEADER.match(frame)
        if header is None:
            return
        creator = orjson.loads(header[2])
        if self._creator_id is not None and creator not in (None, self._creator_id):
            return
        self._bytes += len(frame)
        if self._bytes > WAITING_BYTES or self._frames.qsize() >= WAITING_FRAMES:
            self.cut()
        elif not self.cut_off:
            self._frames.put_nowait(frame)

    async def frames(self) -> AsyncIterator[bytes]:
        """The frames in order; ends when the page is cut off."""
        while not self.cut_off and (frame := await self._frames.get()) is not None:
            self._bytes -= len(frame)
            if not self._covers(frame):
                yield frame if self._is_news(frame) else _without_messages(frame)

    def _covers(self, frame: bytes) -> bool:
        """Whether the full sync that the page started with has it: frames wait here since before that one."""
        header = _HEADER.match(frame)
        assert header is not None
        sequence, kind = int(header[1]), header[3]
        return kind in (b"append_message", b"full_sync_response") and sequence < self._synced

    def _is_news(self, frame: bytes) -> bool:
        """Whether its messages are: those of the job that was in hand at the full sync were part of it.

        The chat's totals were not yet, so such a frame is sent without its messages.
        """
        header = _HEADER.match(frame)
        assert header is not None
        return header[3] != b"append_message" or int(header[1]) > self._synced


class Hub:
    """Serves sockets in one process; `run` feeds the pages from Redis for as long as the process lives."""

    def __init__(self, settings: Settings, redis: Redis, directory: Directory) -> None:
        self._settings = settings
        self._redis = redis
        self._directory = directory
        self._pages: defaultdict[str, set[Page]] = defaultdict(set)
        self._pubsub = redis.pubsub()
        self._subscribed = asyncio.Event()
        self._confirmed: dict[str, asyncio.Event] = {}  # by user: Redis has the subscription
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    # Pages

    async def serve_page(self, socket: WebSocket, user_id: str, creator_id: str | None) -> None:
        """Run one page's socket until it closes."""
        await socket.accept()
        page = Page(creator_id)
        try:
            await self._join(user_id, page)
            await _send(socket, _ack("frontend", user_id))
            await self._start(socket, page, user_id, creator_id)
            await _first(_forward(socket, page), _until_closed(socket))
            if page.cut_off:
                await socket.close(MISSED, "Frames for this page were missed; connect again for a full sync.")
        except (RedisError, TimeoutError):
            await _answer(socket, _error(Unavailable("Redis is away; connect again in a moment.")))
            await socket.close(TRY_AGAIN_LATER)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page is gone
        finally:
            await self._leave(user_id, page)

    async def _start(self, socket: WebSocket, page: Page, user_id: str, creator_id: str | None) -> None:
        """Tell the page where things stand; a user that never wrote has nothing to be told."""
        try:
            if not await is_known(self._redis, user_id):
                return
            sequence, status, payload = await self._directory.call(user_id, "full_sync", creator_id)
        except AnalyticsError as error:
            await _send(socket, _error(error))
            return
        page.synced(sequence)
        if status != "EMPTY":
            await _send(socket, SystemStatusMsg(sequence=sequence, payload=SystemStatus(status=status)))
        creator = orjson.dumps(creator_id)
        await socket.send_text(
            (
                b'{"sequence":%d,"creatorId":%b,"type":"full_sync_response","payload":%b}'
                % (sequence, creator, payload)
            ).decode()
        )

    async def _join(self, user_id: str, page: Page) -> None:
        self._pages[user_id].add(page)
        if self._task is None:
            self._task = asyncio.create_task(self._feed())
        async with self._changing:
            if user_id not in self._confirmed:
                self._confirmed[user_id] = asyncio.Event()
                await self._pubsub.subscribe(channel(user_id))
                self._subscribed.set()
        await asyncio.wait_for(self._confirmed[user_id].wait(), SUBSCRIBE_TIMEOUT)

    async def _leave(self, user_id: str, page: Page) -> None:
        self._pages[user_id].discard(page)
        async with self._changing:
            if not self._pages.get(user_id):
                self._pages.pop(user_id, None)
                self._confirmed.pop(user_id, None)
                with contextlib.suppress(RedisError):
                    await self._pubsub.unsubscribe(channel(user_id))

    async def _feed(self) -> None:
        """Hand every published frame to its user's pages; survives Redis being away."""
        prefix = channel("")
        while True:
            try:
                await self._subscribed.wait()
                message = await self._pubsub.get_message(timeout=10)
            except RedisError as error:
                log.warning("The hub lost Redis (%s); it connects again.", type(error).__name__)
                for page in chain.from_iterable(self._pages.values()):
                    page.cut()
                await asyncio.sleep(1)
                continue
            except RuntimeError:  # nothing is subscribed at the moment
                self._subscribed.clear()
                continue
            if message is None:
                continue
            user_id = message["channel"].decode().removeprefix(prefix)
            if message["type"] == "message":
                for page in tuple(self._pages.get(user_id, ())):
                    page.offer(message["data"])
            elif message["type"] == "subscribe" and user_id in self._confirmed:
                self._confirmed[user_id].set()

    # Extensions

    async def serve_extension(self, socket: WebSocket, user_id: str, creator_id: str) -> None:
        """Run one extension's socket until it closes; what is wrong with a frame is answered on it."""
        await socket.accept()
        waiting: asyncio.Queue[str | None] = asyncio.Queue(maxsize=BATCH)
        try:
            await _send(socket, _ack("extension", user_id))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_read(socket, waiting))
                tasks.create_task(self._take(socket, user_id, creator_id, waiting))
        except* (WebSocketDisconnect, RuntimeError):
            pass  # the extension is gone

    async def _take(
        self, socket: WebSocket, user_id: str, creator_id: str, waiting: "asyncio.Queue[str | None]"
    ) -> None:
        """Journal what is received, batch by batch, until the socket has closed and nothing waits."""
        closed = False
        while not closed:
            frames = [await waiting.get()]
            while len(frames) < BATCH and not waiting.empty():
                frames.append(waiting.get_nowait())
            batch: list[bytes] = []
            for frame in frames:
                if frame is None:
                    closed = True
                else:
                    await self._take_frame(socket, user_id, creator_id, frame, batch)
            await self._ingest(socket, user_id, "handle_delta", creator_id, batch)

    async def _take_frame(
        self, socket: WebSocket, user_id: str, creator_id: str, frame: str, batch: list[bytes]
    ) -> None:
        """Add a live message to the batch; anything else is dealt with at once, after what came before it."""
        try:
            if len(frame) > self._settings.max_body:
                raise InputTooLarge(f"A frame of {len(frame)} characters is more than MAX_BODY allows.")
            incoming = parse_frame(frame)
        except AnalyticsError as error:
            await _answer(socket, _error(error))
            return
        match incoming:
            case KeepaliveMsg():
                pass
            case OnlineUsersMsg(payload=payload):
                try:
                    update = OnlineUsersUpdateMsg(payload=payload).model_dump_json()
                    await self._redis.publish(channel(user_id), update)
                except RedisError:
                    await _answer(socket, _error(Unavailable("Redis is away; presence was not passed on.")))
            case CacheUpdateMsg():
                await self._ingest(socket, user_id, "handle_delta", creator_id, batch)
                await self._ingest(socket, user_id, "handle_snapshot", creator_id, [frame.encode()])
            case _:
                batch.append(frame.encode())

    async def _ingest(
        self, socket: WebSocket, user_id: str, method: str, creator_id: str, batch: list[bytes]
    ) -> None:
        """Hand a batch to the user's actor and answer with its receipt; the batch is empty afterwards."""
        if not batch:
            return
        body = b"[%b]" % b",".join(batch) if method == "handle_delta" else batch[0]
        frames = batch.copy()
        batch.clear()
        try:
            receipt = IngestReceipt(**await self._directory.call(user_id, method, body, creator_id))
        except InvalidInput as error:
            if len(frames) == 1:
                await _answer(socket, _error(error))
            for frame in frames if len(frames) > 1 else ():  # one of them is wrong: the others are not lost
                await self._ingest(socket, user_id, method, creator_id, [frame])
        except AnalyticsError as error:
            await _answer(socket, _error(error))
        else:
            await _answer(socket, IngestAckMsg(sequence=receipt.sequence, payload=receipt))


def _without_messages(frame: bytes) -> bytes:
    append = orjson.loads(frame)
    append["payload"]["messages"] = []
    return orjson.dumps(append)


async def _read(socket: WebSocket, waiting: "asyncio.Queue[str | None]") -> None:
    """Queue what the socket receives; None marks its end."""
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        await waiting.put(message["bytes"].decode("utf-8", "replace") if text is None else text)
    await waiting.put(None)


async def _forward(socket: WebSocket, page: Page) -> None:
    async for frame in page.frames():
        await socket.send_text(frame.decode())


async def _until_closed(socket: WebSocket) -> None:
    """A page has nothing to say; what it sends is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _first(*work: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one of them ends; its error is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _send(socket: WebSocket, frame: Frame) -> None:
    await socket.send_text(frame.model_dump_json())


async def _answer(socket: WebSocket, frame: Frame) -> None:
    """Send if somebody still listens: input goes on being journaled after its socket has closed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await _send(socket, frame)


def _ack(client: Literal["extension", "frontend"], user_id: str) -> ConnectionAckMsg:
    payload = ConnectionAck(version=VERSION, clientType=client, userId=user_id, statusMessage="connected")
    return ConnectionAckMsg(payload=payload)


def _error(error: AnalyticsError) -> SystemErrorMsg:
    return SystemErrorMsg(payload=SystemError(errorMessage=str(error), code=error.code, detail=error.detail))
