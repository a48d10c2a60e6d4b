"""A user's clients, as real ones behave: what was not acknowledged is sent again until it is."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.chaos.check import View
from tests.chaos.stream import Key, Send, key
from tests.service.talk import Raw

BREATH = 0.2  # seconds before the next attempt
SILENCE = 120.0  # seconds without an answer after which a connection counts as broken


@dataclass(slots=True)
class Log:
    """What one user's clients sent and what was acknowledged."""

    sent: int = 0  # messages, every time counted
    resent: int = 0
    acknowledged: list[Raw] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    runs: list[list[Key]] = field(default_factory=list)  # by connection, what was acknowledged at once
    begun: Counter[Key] = field(default_factory=Counter)  # live messages, by how often a client meant to send

    def begin(self, send: Send) -> None:
        self.sent += len(send.messages)
        if not send.chats:
            self.begun.update(map(key, send.messages))

    def again(self, messages: int) -> None:
        self.sent += messages
        self.resent += messages

    def own_runs(self) -> list[list[Key]]:
        """Without the messages that were meant to be sent twice: the journal has the one that came first."""
        return [[each for each in run if self.begun[each] == 1] for run in self.runs]


class Poster:
    """The HTTP channel: one request after another."""

    def __init__(self, http: httpx.AsyncClient, user_id: str, log: Log) -> None:
        self._http = http
        self._user_id = user_id
        self._log = log

    async def send(self, send: Send) -> None:
        """Return when it is acknowledged."""
        kind = "snapshot" if send.chats else "messages"
        body: Any = {"chats": send.chats, "messages": send.messages} if send.chats else send.messages
        self._log.begin(send)
        while not await self._accepted(kind, orjson.dumps(body)):
            await asyncio.sleep(BREATH)
            self._log.again(len(send.messages))
        self._log.acknowledged += send.messages

    async def _accepted(self, kind: str, body: bytes) -> bool:
        try:
            answer = await self._http.post(f"/api/v1/ingest/{self._user_id}/{kind}", content=body)
        except httpx.TransportError as error:
            self._log.refusals[type(error).__name__] += 1
            return False
        if answer.status_code == 202:
            return True
        assert answer.status_code >= 500, answer.text
        self._log.refusals[f"HTTP {answer.status_code} {_code(answer)}".strip()] += 1
        return False


@dataclass(slots=True)
class _Frame:
    text: str
    messages: tuple[Raw, ...]
    live: bool
    tries: int = 0


class _Refused(Exception):
    """The service did not take a frame; which one it does not say, so all that wait are sent again."""


class Extension:
    """A socket that sends without waiting for answers, and connects again whenever it is closed."""

    def __init__(self, uri: str, log: Log) -> None:
        self._uri = uri
        self._log = log
        self._waiting: asyncio.Queue[_Frame | None] = asyncio.Queue()
        self._unacknowledged: deque[_Frame] = deque()
        self._ended = False
        self._done = asyncio.Event()

    def send(self, send: Send) -> None:
        self._log.begin(send)
        if send.chats:
            payload = {"chats": send.chats, "messages": send.messages}
            self._waiting.put_nowait(_Frame(_json("cache_update", payload), send.messages, live=False))
        for raw in () if send.chats else send.messages:
            frame = _Frame(_json("new_raw_message", {"message": raw}), (raw,), live=True)
            self._waiting.put_nowait(frame)

    def end(self) -> None:
        """Have `run` return once everything is acknowledged."""
        self._waiting.put_nowait(None)

    async def run(self) -> None:
        while not self._done.is_set():
            try:
                async with connect(self._uri, max_size=None) as socket:
                    await self._talk(socket)
            except (OSError, WebSocketException, _Refused) as error:  # TimeoutError is an OSError
                self._log.refusals[type(error).__name__] += 1
                await asyncio.sleep(BREATH)

    async def _talk(self, socket: ClientConnection) -> None:
        run: list[Key] = []
        self._log.runs.append(run)
        for frame in tuple(self._unacknowledged):
            self._log.again(len(frame.messages))
            await self._put(socket, frame)
        tasks = [asyncio.create_task(self._write(socket)), asyncio.create_task(self._read(socket, run))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _put(self, socket: ClientConnection, frame: _Frame) -> None:
        frame.tries += 1
        await socket.send(frame.text)

    async def _write(self, socket: ClientConnection) -> None:
        while not self._ended:
            frame = await self._waiting.get()
            if frame is None:
                self._ended = True
            else:
                self._unacknowledged.append(frame)
                await self._put(socket, frame)
        self._finish_if_done()
        await self._done.wait()

    async def _read(self, socket: ClientConnection, run: list[Key]) -> None:
        while not self._done.is_set():
            try:
                async with asyncio.timeout(SILENCE):
                    frame = orjson.loads(await socket.recv())
            except TimeoutError:
                if self._unacknowledged:
                    raise
                continue
            if frame["type"] == "system_error":
                raise _Refused
            if frame["type"] == "ingest_ack":
                receipt = frame["payload"]
                self._acknowledge(receipt["accepted"] + receipt["duplicates"] + receipt["held"], run)

    def _acknowledge(self, messages: int, run: list[Key]) -> None:
        while messages > 0:
            frame = self._unacknowledged.popleft()
            messages -= len(frame.messages)
            self._log.acknowledged += frame.messages
            if frame.live and frame.tries == 1:
                run += map(key, frame.messages)
        assert messages == 0, "An answer speaks of a part of a snapshot."
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._ended and not self._unacknowledged:
            self._done.set()


@asynccontextmanager
async def watching(ws: str, user_id: str) -> AsyncIterator[View]:
    """A page that is always open, and what it shows."""
    view = View()
    task = asyncio.create_task(_watch(f"{ws}/ws/frontend/{user_id}", view))
    try:
        yield view
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(uri: str, view: View) -> None:
    while True:
        everything = {"chats": "1000", "messages": "1000"}
        asked = httpx.QueryParams({"merge": "true", **everything, "last_frame": view.position})
        with contextlib.suppress(OSError, WebSocketException):
            async with connect(f"{uri}?{asked}", max_size=None) as socket:
                async for frame in socket:
                    view.take(orjson.loads(frame))
        await asyncio.sleep(BREATH)


@asynccontextmanager
async def reading_journal(redis_url: str, user_id: str) -> AsyncIterator[list[Key]]:
    """The user's live messages in the order of the journal, read as it grows: it may be trimmed later."""
    found: list[Key] = []
    task = asyncio.create_task(_read_journal(redis_url, f"journal:{user_id}", found))
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _read_journal(redis_url: str, stream: str, found: list[Key]) -> None:
    last = b"0-0"
    async with Redis.from_url(redis_url) as redis:
        while True:
            try:
                answer: Any = await redis.xread({stream: last}, block=1000)
            except RedisError:
                await asyncio.sleep(BREATH)
                continue
            for id, fields in answer[0][1] if answer else ():
                last = id
                if fields[b"kind"] == b"message":
                    found.append(key(orjson.loads(fields[b"body"])))


async def trimmed_records(redis_url: str, user_id: str) -> int:
    """How many records of the user's journal are gone because a checkpoint has them."""
    async with Redis.from_url(redis_url) as redis:
        return int(await cast(Any, redis.hget(f"owner:{user_id}", "base")) or 0)


def _code(answer: httpx.Response) -> str:
    """The service's name of the error; the proxy before it has none."""
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError):
        return ""


def _json(kind: str, payload: Raw) -> str:
    return orjson.dumps({"type": kind, "payload": payload}).decode()
