"""The pages of one process: their sockets, and one subscription to Redis that feeds them.

A page is subscribed before it asks where things stand, so nothing is lost in between. Pages that merge
changes read another channel than all others (see `frames.log`). A page that is cut off (see
`api.sockets.page`) is closed with code 4008; when Redis was away, all are.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from fastapi import WebSocket
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, RedisError
from starlette.websockets import WebSocketDisconnect

from actors.directory import Directory
from api.sockets.masked import masked
from api.sockets.page import Page, mark, stands
from api.sockets.sending import ack, close, send, send_away, send_json
from encryption.keyring import Keyring
from errors import AnalyticsError, Unavailable
from frames.log import channel, end, missed, newest
from metrics.declared import PAGES_CUT_OFF
from metrics.port import UNMEASURED, Metrics
from session.journal import is_known
from session.machine import Status
from session.pages import EVERYTHING, NO_CHATS, Extent
from wire.payloads import SystemStatus, SystemStatusMsg, published

log = logging.getLogger(__name__)

MISSED = 4008
SUBSCRIBE_TIMEOUT = 5.0
SILENCE = 10.0  # seconds after which Redis is asked whether it is there
ANSWER_WITHIN = 10.0  # seconds that it has for that
GATHER = 0.5  # seconds in which more of what asks for a full sync is gathered


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page says when it connects: whose frames it shows, and of all creators where there is none.

    `extent` is how much of it a full sync has, and whether all that it is sent is masked; `last_frame` the
    `frame` of the last one it got; `merges` says that it takes in frames that change a part of what it shows.
    Without `texts` it is sent the status and the figures alone.
    """

    user_id: str
    creator_id: str | None = None
    last_frame: str | None = None
    merges: bool = False
    extent: Extent = EVERYTHING
    texts: bool = True

    @property
    def channel(self) -> str:
        return channel(self.user_id, merges=self.merges)


class Pages:
    """Serves the pages of one process; a task of its own feeds them from Redis."""

    def __init__(
        self,
        redis: Redis,
        owners: Directory,
        metrics: Metrics = UNMEASURED,
        keys: Callable[[str], Keyring] = Keyring,
    ) -> None:
        """`keys` gives those of a user."""
        self._metrics = metrics
        self._keys = keys
        self._redis = redis
        self._owners = owners
        self._pages: defaultdict[str, set[Page]] = defaultdict(set)  # by channel
        self._pubsub = redis.pubsub()
        self._subscribed = asyncio.Event()  # there is something to read
        self._lost = False
        self._confirmed: dict[str, asyncio.Event] = {}  # by channel: Redis has the subscription
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> int:
        """How many pages there are."""
        return sum(map(len, self._pages.values()))

    async def serve(self, socket: WebSocket, asked: Asked, ended: asyncio.Event) -> None:
        """Run an accepted socket of a page until it closes, or `ended`: then nothing more is sent."""
        page = Page(asked.creator_id, merges=asked.merges, texts=asked.texts, masks=asked.extent.mask)
        try:
            await self._join(asked.channel, page)
            await _first(
                self._tell(socket, page, asked), _until_closed(socket), page.cut_off.wait(), ended.wait()
            )
        except (AnalyticsError, RedisError, TimeoutError) as error:
            away = Unavailable("Redis is away; connect again in a moment.")
            await send_away(socket, error if isinstance(error, AnalyticsError) else away)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page is gone
        finally:
            await self._leave(asked.channel, page)
        if page.cut_off.is_set():
            self._metrics.count(PAGES_CUT_OFF)
            await close(
                socket,
                MISSED,
                "Frames for this page were missed; connect again with the last one's position.",
            )

    async def _tell(self, socket: WebSocket, page: Page, asked: Asked) -> None:
        """Send what the page missed, or where things stand, and then what comes."""
        await send(socket, ack("frontend", asked.user_id))
        position, synced = stands(asked.last_frame or "")
        keys = self._keys(asked.user_id)
        frames = await missed(self._redis, asked.user_id, position, keys) if asked.texts else None
        if frames is not None:
            states = await newest(self._redis, asked.user_id, asked.creator_id, keys)
            page.stand(position, synced, [*frames, *states])
        else:
            await self._sync(socket, page, asked)
        async for frame in page.frames():
            if frame is None:
                await asyncio.sleep(GATHER)
                await self._sync(socket, page, asked)
            elif not asked.extent.mask:
                await send_json(socket, frame)
            elif (shown := await masked(frame, asked.user_id, self._owners)) is not None:
                await send_json(socket, shown)

    async def _sync(self, socket: WebSocket, page: Page, asked: Asked) -> None:
        """Tell the page where things stand; a user that never wrote has nothing to be told."""
        if not await is_known(self._redis, asked.user_id):
            return
        extent = asked.extent if asked.texts else NO_CHATS
        sequence, position, status, payload = await self._owners.full_sync(
            asked.user_id, asked.creator_id, extent
        )
        page.stand(position, sequence)
        if status is not Status.EMPTY:
            told = SystemStatus(status=status.value)  # type: ignore[arg-type]
            await send(socket, SystemStatusMsg(sequence=sequence, payload=told))
        if asked.texts:
            frame = published("full_sync_response", payload, sequence=sequence, creator_id=asked.creator_id)
            await send_json(socket, b'{"frame":"%b",%b' % (mark(position, sequence).encode(), frame[1:]))
        else:
            figures = orjson.dumps(orjson.loads(payload)["analytics"])
            frame = published("analytics_update", figures, sequence=sequence, creator_id=asked.creator_id)
            await send_json(socket, b'{"frame":null,%b' % frame[1:])

    async def _join(self, name: str, page: Page) -> None:
        """Return once Redis has confirmed that the frames of the channel come here."""
        async with self._changing:
            self._pages[name].add(page)
            if self._task is None:
                self._task = asyncio.create_task(self._feed())
            confirmed = self._confirmed.get(name)
            if confirmed is None:
                confirmed = self._confirmed[name] = asyncio.Event()
                try:
                    await self._pubsub.subscribe(name)
                except BaseException:
                    del self._confirmed[name]
                    raise
                self._subscribed.set()
                if self._lost:
                    log.info("Pages have Redis again.")
                    self._lost = False
        await asyncio.wait_for(confirmed.wait(), SUBSCRIBE_TIMEOUT)

    async def _leave(self, name: str, page: Page) -> None:
        async with self._changing:
            self._pages[name].discard(page)
            if not self._pages[name]:
                del self._pages[name]
                self._confirmed.pop(name, None)
                if self._subscribed.is_set():
                    with contextlib.suppress(RedisError):
                        await self._pubsub.unsubscribe(name)

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
                log.warning("Pages lost Redis (%s) and connect again.", type(error).__name__)
                await self._start_over()
            except Exception:
                # Nothing expected ends up here; pages that got nothing any more would not notice.
                log.exception("The subscription is started over; pages connect again.")
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
            message = await self._pubsub.get_message(timeout=ANSWER_WITHIN)
        if message is None:
            raise ConnectionError("Redis is silent.")
        if message["type"] not in ("message", "subscribe"):
            return
        name = message["channel"].decode()
        confirmed = self._confirmed.get(name)
        if message["type"] == "message":
            for page in tuple(self._pages.get(name, ())):
                page.offer(message["data"])
        elif confirmed is not None:
            if confirmed.is_set():  # subscribed anew, so it was not for a moment
                for page in self._pages[name]:
                    page.cut()
            confirmed.set()


async def _until_closed(socket: WebSocket) -> None:
    """A page has nothing to say; what it sends is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _first(*work: Coroutine[Any, Any, object]) -> None:
    """Run side by side until one of them ends; its error is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await end(*pending)
    for task in done:
        task.result()
