"""The WebSocket hub: holds the sockets of extensions and pages, knows nothing of what the frames mean.

A page's socket gets what is pushed for its user, from one Redis subscription a process. Every such frame has
a position. A page that connects again with the last one it got is sent what it missed; any other page is told
where things stand (a full sync). Nothing is lost in between, because a page is subscribed before it asks, and
nothing comes twice, because what comes live at or before the position it then stands at is dropped.

Some frames change a part of what a page shows: an edit of a message, the chats of one creator among several.
Their envelope says so (`merge`). A page that did not say that it merges is given a full sync in their place.

Frames wait for a page up to a limit. A page that reads too slowly, or whose frames may have been lost because
Redis was away, is cut off with close code 4008 and connects again.

An extension's socket has one batch in flight at a time, so the order of one socket's messages is the order
they are journaled in; what arrives meanwhile waits in a bounded queue and becomes the next batch.
"""

import asyncio
import contextlib
import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from itertools import chain
from typing import Any, Literal

import orjson
from fastapi import WebSocket
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, RedisError
from starlette.websockets import WebSocketDisconnect

from actors.directory import Directory
from errors import AnalyticsError, InputTooLarge, InvalidInput, Unavailable
from frames.log import NOWHERE, channel, is_after, missed, push
from session.journal import is_known
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
    published,
)

log = logging.getLogger(__name__)

VERSION = "1"
MISSED = 4008
TRY_AGAIN_LATER = 1013
SUBSCRIBE_TIMEOUT = 5.0
CLOSE_TIMEOUT = 30.0  # a page that is cut off has this long to take what is on the wire
SILENCE = 10.0  # after this long Redis is asked whether it is there, and has as long to answer
WAITING_BYTES = 64 * 1024 * 1024  # of frames that wait for one page; one alone may be larger
WAITING_FRAMES = 10_000
BATCH = 500  # live messages journaled together
GATHER = 0.5  # seconds in which more of what asks for a full sync is gathered
_HEADER = re.compile(
    rb'\{"frame":"(\d+-\d+)","sequence":(\d+),"creatorId":(null|"[^"]*"),"type":"(\w+)"(,"merge":true)?'
)


class Page:
    """One page's socket: frames wait here until the socket takes them.

    It stands at a position: what was pushed up to there it has, from a full sync or its last connection. The
    full sync may have had more, the messages of the job that was then in hand, up to a sequence. What is sent
    tells the page both (`_mark`), so that it can say where it stands when it connects again.

    `merges` says that it takes in frames that change a part of what it shows.
    """

    def __init__(self, creator_id: str | None, *, merges: bool = False) -> None:
        self._creator = orjson.dumps(creator_id)
        self._all = creator_id is None
        self._merges = merges
        self._earlier: Sequence[bytes] = ()  # missed while it was away
        self._frames: asyncio.Queue[re.Match[bytes]] = asyncio.Queue()
        self._bytes = 0
        self._position = NOWHERE
        self._synced = -1
        self.cut_off = asyncio.Event()

    def cut(self) -> None:
        """Say that frames are missing: what waits is dropped and the page has to connect again."""
        self.cut_off.set()
        while not self._frames.empty():
            self._frames.get_nowait()

    def stand(self, position: str, synced: int, missed: Sequence[bytes] = ()) -> None:
        """It has what was pushed up to the position and messages up to `synced`; these frames followed."""
        self._position, self._synced, self._earlier = position, synced, missed

    def offer(self, frame: bytes) -> None:
        """Queue a published frame, if it is for this page and not too much."""
        header = _HEADER.match(frame)
        if header is None or self.cut_off.is_set() or not self._is_for(header):
            return
        waiting = self._frames.qsize()
        if waiting and (waiting >= WAITING_FRAMES or self._bytes + len(frame) > WAITING_BYTES):
            self.cut()
            return
        self._bytes += len(frame)
        self._frames.put_nowait(header)

    async def frames(self) -> AsyncIterator[bytes | None]:
        """What the page has not got yet, in order, without end; None in place of what it cannot merge.

        It is to be given a full sync then (`stand`) before the next is asked for.
        """
        async for header in self._in_order():
            position, sequence, kind = header[1].decode(), int(header[2]), header[4]
            if not is_after(position, self._position):
                continue
            self._position = position
            frame = header.string
            if sequence <= self._synced:
                if sequence < self._synced and kind in (b"append_message", b"full_sync_response"):
                    continue  # older than the full sync: its owner took the push for failed, and it was not
                if kind == b"append_message":  # the messages came with the full sync, the totals did not
                    frame = _without_messages(frame)
                frame = b'{"frame":"%b"%b' % (
                    _mark(position, self._synced).encode(),
                    frame[header.end(1) + 1 :],
                )
            yield None if self._lacks(header) else frame

    async def _in_order(self) -> AsyncIterator[re.Match[bytes]]:
        for frame in self._earlier:
            header = _HEADER.match(frame)
            if header is not None and self._is_for(header):
                yield header
        self._earlier = ()
        while True:
            header = await self._frames.get()
            self._bytes -= len(header.string)
            yield header

    def _is_for(self, header: re.Match[bytes]) -> bool:
        creator, kind, part = header[3], header[4], header[5]
        if kind == b"analytics_update":  # figures cannot be merged: there is an update of every scope
            return creator == self._creator or (self._all and not part)
        return self._all or creator in (b"null", self._creator)

    def _lacks(self, header: re.Match[bytes]) -> bool:
        """Whether it would show something wrong after this frame, because it does not merge."""
        sequence, kind, merge = int(header[2]), header[4], header[5]
        if self._merges or not merge:
            return False
        if kind == b"full_sync_response":
            return self._all  # the other creators' chats would be gone
        return kind == b"append_message" and sequence > self._synced  # else the full sync had the edit


class Hub:
    """Serves sockets in one process; a task of its own feeds the pages from Redis."""

    def __init__(self, settings: Settings, redis: Redis, directory: Directory) -> None:
        self._settings = settings
        self._redis = redis
        self._directory = directory
        self._pages: defaultdict[str, set[Page]] = defaultdict(set)
        self._pubsub = redis.pubsub()
        self._subscribed = asyncio.Event()  # there is something to read
        self._lost = False
        self._confirmed: dict[str, asyncio.Event] = {}  # by user: Redis has the subscription
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    # Pages

    async def serve_page(
        self,
        socket: WebSocket,
        user_id: str,
        creator_id: str | None,
        last_frame: str | None,
        *,
        merges: bool = False,
    ) -> None:
        """Run one page's socket until it closes; `last_frame` is the `frame` of the last one it got.

        `merges` says that it takes in frames that change a part of what it shows.
        """
        await socket.accept()
        page = Page(creator_id, merges=merges)
        try:
            await self._join(user_id, page)
            await _first(
                self._tell(socket, page, user_id, creator_id, last_frame),
                _until_closed(socket),
                page.cut_off.wait(),
            )
        except (AnalyticsError, RedisError, TimeoutError) as error:
            away = Unavailable("Redis is away; connect again in a moment.")
            await _send_away(socket, error if isinstance(error, AnalyticsError) else away)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page is gone
        finally:
            await self._leave(user_id, page)
        if page.cut_off.is_set():
            await _close(
                socket,
                MISSED,
                "Frames for this page were missed; connect again with the last one's position.",
            )

    async def _tell(
        self, socket: WebSocket, page: Page, user_id: str, creator_id: str | None, last_frame: str | None
    ) -> None:
        """Send what the page missed, or where things stand, and then what comes."""
        await _send(socket, _ack("frontend", user_id))
        position, synced = _stands(last_frame or "")
        frames = await missed(self._redis, user_id, position)
        if frames is not None:
            page.stand(position, synced, frames)
        else:
            await self._sync(socket, page, user_id, creator_id)
        async for frame in page.frames():
            if frame is None:
                await asyncio.sleep(GATHER)
                await self._sync(socket, page, user_id, creator_id)
            else:
                await socket.send_text(frame.decode())

    async def _sync(self, socket: WebSocket, page: Page, user_id: str, creator_id: str | None) -> None:
        """Tell the page where things stand; a user that never wrote has nothing to be told."""
        if not await is_known(self._redis, user_id):
            return
        sequence, position, status, payload = await self._directory.full_sync(user_id, creator_id)
        page.stand(position, sequence)
        if status != "EMPTY":
            await _send(
                socket,
                SystemStatusMsg(sequence=sequence, payload=SystemStatus.model_validate({"status": status})),
            )
        frame = published("full_sync_response", payload, sequence=sequence, creator_id=creator_id)
        await socket.send_text(
            (b'{"frame":"%b",%b' % (_mark(position, sequence).encode(), frame[1:])).decode()
        )

    async def _join(self, user_id: str, page: Page) -> None:
        """Return once Redis has confirmed that the page's frames come here."""
        async with self._changing:
            self._pages[user_id].add(page)
            if self._task is None:
                self._task = asyncio.create_task(self._feed())
            confirmed = self._confirmed.get(user_id)
            if confirmed is None:
                confirmed = self._confirmed[user_id] = asyncio.Event()
                try:
                    await self._pubsub.subscribe(channel(user_id))
                except BaseException:
                    del self._confirmed[user_id]
                    raise
                self._subscribed.set()
                if self._lost:
                    log.info("The hub has Redis again.")
                    self._lost = False
        await asyncio.wait_for(confirmed.wait(), SUBSCRIBE_TIMEOUT)

    async def _leave(self, user_id: str, page: Page) -> None:
        async with self._changing:
            self._pages[user_id].discard(page)
            if not self._pages[user_id]:
                del self._pages[user_id]
                self._confirmed.pop(user_id, None)
                if self._subscribed.is_set():
                    with contextlib.suppress(RedisError):
                        await self._pubsub.unsubscribe(channel(user_id))

    async def _feed(self) -> None:
        """Hand every published frame to its user's pages, for as long as the process lives.

        A lost connection is given up with all that was subscribed on it. The next page makes another: nothing
        is tried in between.
        """
        while True:
            await self._subscribed.wait()
            try:
                await self._deliver()
            except RedisError as error:
                log.warning("The hub lost Redis (%s); its pages connect again.", type(error).__name__)
                await self._start_over()
            except Exception:
                # Nothing expected ends up here; pages that got nothing any more would not notice.
                log.exception("The hub starts its subscription over; its pages connect again.")
                await self._start_over()

    async def _start_over(self) -> None:
        """Cut off the pages of a connection that was lost: frames may have been."""
        async with self._changing:
            lost, self._pubsub = self._pubsub, self._redis.pubsub()
            self._lost = True
            self._subscribed.clear()
            for page in chain.from_iterable(self._pages.values()):
                page.cut()
            for confirmed in self._confirmed.values():
                confirmed.set()  # who waits for it is cut off
            self._confirmed.clear()
            with contextlib.suppress(RedisError):
                await lost.aclose()  # type: ignore[no-untyped-call]

    async def _deliver(self) -> None:
        """Take one message of the subscription; ConnectionError when Redis does not answer any more."""
        message = await self._pubsub.get_message(timeout=SILENCE)
        if message is None:
            await self._pubsub.ping()
            message = await self._pubsub.get_message(timeout=SILENCE)
        if message is None:
            raise ConnectionError("Redis is silent.")
        if message["type"] not in ("message", "subscribe"):
            return
        user_id = message["channel"].decode().removeprefix(channel(""))
        confirmed = self._confirmed.get(user_id)
        if message["type"] == "message":
            for page in tuple(self._pages.get(user_id, ())):
                page.offer(message["data"])
        elif confirmed is not None:
            if confirmed.is_set():  # subscribed anew, so it was not for a moment
                for page in self._pages[user_id]:
                    page.cut()
            confirmed.set()

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
            text = frame.removeprefix("\ufeff")  # frames of a batch are put together
            incoming = parse_frame(text)
        except AnalyticsError as error:
            await _answer(socket, _error(error))
            return
        match incoming:
            case KeepaliveMsg():
                pass
            case OnlineUsersMsg(payload=payload):
                try:
                    await push(self._redis, user_id, OnlineUsersUpdateMsg(payload=payload))
                except RedisError:
                    await _answer(socket, _error(Unavailable("Redis is away; presence was not passed on.")))
            case CacheUpdateMsg():
                await self._ingest(socket, user_id, "handle_delta", creator_id, batch)
                await self._ingest(socket, user_id, "handle_snapshot", creator_id, [text.encode()])
            case _:
                batch.append(text.encode())

    async def _ingest(
        self,
        socket: WebSocket,
        user_id: str,
        method: Literal["handle_delta", "handle_snapshot"],
        creator_id: str,
        batch: list[bytes],
    ) -> None:
        """Hand a batch to the user's actor and answer with its receipt; the batch is empty afterwards."""
        if not batch:
            return
        body = b"[%b]" % b",".join(batch) if method == "handle_delta" else batch[0]
        frames, directory = batch.copy(), self._directory
        batch.clear()
        try:
            take = directory.handle_delta if method == "handle_delta" else directory.handle_snapshot
            receipt = IngestReceipt(**await take(user_id, body, creator_id))
        except InvalidInput as error:
            if len(frames) == 1:
                await _answer(socket, _error(error))
            for frame in frames if len(frames) > 1 else ():  # one of them is wrong: the others are not lost
                await self._ingest(socket, user_id, method, creator_id, [frame])
        except AnalyticsError as error:
            await _answer(socket, _error(error))
        else:
            await _answer(socket, IngestAckMsg(sequence=receipt.sequence, payload=receipt))


def _mark(position: str, synced: int) -> str:
    return f"{position}:{synced}"


def _stands(mark: str) -> tuple[str, int]:
    """The position and the full sync's sequence of a mark; a plain position is a mark as well."""
    position, _, synced = mark.partition(":")
    return position, int(synced) if re.fullmatch("[0-9]{1,19}", synced) else -1


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


async def _until_closed(socket: WebSocket) -> None:
    """A page has nothing to say; what it sends is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _first(*work: Coroutine[Any, Any, object]) -> None:
    """Run side by side until one of them ends; its error is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _send(socket: WebSocket, frame: Frame) -> None:
    await socket.send_text((b'{"frame":null,%b' % frame.published()[1:]).decode())


async def _answer(socket: WebSocket, frame: Frame) -> None:
    """Send if somebody still listens: input goes on being journaled after its socket has closed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await _send(socket, frame)


async def turn_away(socket: WebSocket, error: AnalyticsError) -> None:
    """Take a socket only to say why it is closed, with the code that asks to connect again."""
    await socket.accept()
    await _send_away(socket, error)


async def _send_away(socket: WebSocket, error: AnalyticsError) -> None:
    await _answer(socket, _error(error))
    await _close(socket, TRY_AGAIN_LATER)


async def _close(socket: WebSocket, code: int, reason: str | None = None) -> None:
    """Close as soon as the socket takes it; one that takes nothing any more is ended without."""
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        await asyncio.wait_for(socket.close(code, reason), CLOSE_TIMEOUT)


def _ack(client: Literal["extension", "frontend"], user_id: str) -> ConnectionAckMsg:
    payload = ConnectionAck(version=VERSION, clientType=client, userId=user_id, statusMessage="connected")
    return ConnectionAckMsg(payload=payload)


def _error(error: AnalyticsError) -> SystemErrorMsg:
    return SystemErrorMsg(payload=SystemError(errorMessage=str(error), code=error.code, detail=error.detail))
