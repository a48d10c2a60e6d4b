"""Live messages on their way to an owner on the same machine: a Unix socket beside the actor's calls.

A call of an actor takes 2 to 3 ms each way, most of what it takes to acknowledge a message; this a tenth.

The sockets are Linux's abstract ones, of which nothing lies in the file system. Either end makes sure that
the other is a process of the same user of the machine. Where there are none, on another machine, or when a
connection is lost, the owner is called through Ray: to take a message twice changes nothing.
"""

import asyncio
import logging
import os
import socket
import struct
import sys
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from ray.exceptions import RayActorError

from errors import AnalyticsError, StaleOwner, of_code
from remote import result

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")  # before each frame
_PEER = struct.Struct("3i")  # process, user and group

Body = tuple[bytes, str | None, str | None]  # JSON, and chat and sender of the messages in it that name none
Receipt = dict[str, int]
Take = Callable[[Sequence[Body], str], Awaitable[Sequence[Receipt | AnalyticsError]]]  # bodies of a creator


class _Request(msgspec.Struct, array_like=True):
    number: int
    bodies: Sequence[Body]
    creator_id: str


class _Refusal(msgspec.Struct, array_like=True):
    """An AnalyticsError."""

    code: str
    message: str
    detail: Any


class _Answer(msgspec.Struct, array_like=True):
    number: int
    answers: list[Receipt | _Refusal]  # of each body
    refusal: _Refusal | None = None  # of all


_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS = msgspec.msgpack.Decoder(_Request)
_ANSWERS = msgspec.msgpack.Decoder(_Answer)


class _End(asyncio.Protocol, ABC):
    """One end of a connection: frames each way, with their length before them."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size
        )
        if _PEER.unpack(peer)[1] != os.getuid():
            log.warning("A process of another user of this machine is at the other end; it is cut off.")
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            frame = bytes(self._received[_LENGTH.size : end])
            del self._received[:end]
            self.take(frame)

    @abstractmethod
    def take(self, frame: bytes) -> None:
        """A frame has come."""

    def send(self, value: _Request | _Answer) -> None:
        if self._transport.is_closing():
            raise ConnectionError
        frame = _ENCODER.encode(value)
        self._transport.write(_LENGTH.pack(len(frame)) + frame)


class _OwnersEnd(_End):
    def __init__(self, take: Take) -> None:
        super().__init__()
        self._take = take
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, frame: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(_REQUESTS.decode(frame)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: _Request) -> None:
        try:
            try:
                found = await self._take(request.bodies, request.creator_id)
                answers = [_refusal(each) if isinstance(each, AnalyticsError) else each for each in found]
                self.send(_Answer(request.number, answers))
            except AnalyticsError as error:
                self.send(_Answer(request.number, [], _refusal(error)))
        except ConnectionError:
            pass  # the caller has left
        except Exception as error:  # its text may quote the chats
            log.error("A request failed (%s); its caller asks through Ray.", type(error).__name__)
            self._transport.abort()


class _CallersEnd(_End):
    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[_Answer]] = {}

    async def ask(self, bodies: Sequence[Body], creator_id: str) -> _Answer:
        """ConnectionError: whether it was taken is not known."""
        number = next(self._numbers)
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self.send(_Request(number, bodies, creator_id))
            return await answer
        finally:
            del self._waiting[number]

    def take(self, frame: bytes) -> None:
        answer = _ANSWERS.decode(frame)
        waiting = self._waiting.get(answer.number)
        if waiting is not None and not waiting.done():  # the caller still waits
            waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError())


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that is listened to for as long as this is held."""

    name: str
    server: asyncio.Server


async def listen(take: Take) -> Listening | None:
    """Have what is asked answered by `take`; None where the system has no such sockets."""
    if sys.platform != "linux":
        return None
    name = f"analytics-{uuid.uuid4().hex}"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"\0{name}")
    loop = asyncio.get_running_loop()
    return Listening(name, await loop.create_unix_server(lambda: _OwnersEnd(take), sock=listening))


class Owners:
    """A process's connections to the owners on its machine, by the handles of their actors.

    A connection lasts as long as the owner's process.
    """

    def __init__(self) -> None:
        self._connections: WeakKeyDictionary[Any, asyncio.Task[_CallersEnd | None]] = WeakKeyDictionary()

    async def take(
        self, handle: Any, bodies: Sequence[Body], creator_id: str
    ) -> list[Receipt | AnalyticsError] | None:
        """Have the owner take live messages; None: it is to be called through Ray. AnalyticsError."""
        connecting = self._connections.get(handle)
        if connecting is None:
            connecting = self._connections[handle] = asyncio.create_task(_connect(handle))
        connection = await asyncio.shield(connecting)
        if connection is None:
            return None
        try:
            answer = await connection.ask(bodies, creator_id)
        except ConnectionError:
            if self._connections.get(handle) is connecting:
                del self._connections[handle]
            return None
        if answer.refusal is None:
            return [_error(each) if isinstance(each, _Refusal) else each for each in answer.answers]
        error = _error(answer.refusal)
        if isinstance(error, StaleOwner):
            return None
        raise error


async def _connect(handle: Any) -> _CallersEnd | None:
    """None: the owner is on another machine, or its process is gone."""
    try:
        name = await result(handle.socket_name.remote())
    except RayActorError:
        return None
    if name is None:
        return None
    connected = socket.socket(socket.AF_UNIX)
    connected.setblocking(False)
    try:
        connected.connect(f"\0{name}")
    except OSError:
        connected.close()
        return None
    _, end = await asyncio.get_running_loop().create_unix_connection(_CallersEnd, sock=connected)
    return end


def _refusal(error: AnalyticsError) -> _Refusal:
    return _Refusal(error.code, str(error), error.detail)


def _error(refusal: _Refusal) -> AnalyticsError:
    return of_code(refusal.code)(refusal.message, detail=refusal.detail)
