"""What is sent on sockets of both kinds, and how they are closed."""

import asyncio
import contextlib
from typing import Literal

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from errors import AnalyticsError
from wire.payloads import ConnectionAck, ConnectionAckMsg, Frame, SystemError, SystemErrorMsg

VERSION = "1"
TRY_AGAIN_LATER = 1013
TOO_MANY = 4029
CLOSE_TIMEOUT = 30.0  # a socket that is closed has this long to take what is on the wire


async def send_json(socket: WebSocket, frame: bytes) -> None:
    """Send a frame's JSON."""
    await socket.send_text(frame.decode())


async def send(socket: WebSocket, frame: Frame) -> None:
    """Send a frame that has no position."""
    await send_json(socket, b'{"frame":null,%b' % frame.published()[1:])


async def answer(socket: WebSocket, frame: Frame) -> None:
    """Send if somebody still listens: input goes on being journaled after its socket has closed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await send(socket, frame)


async def turn_away(socket: WebSocket, error: AnalyticsError, code: int = TRY_AGAIN_LATER) -> None:
    """Take a socket only to say why it is closed, by default with the code that asks to connect again."""
    await socket.accept()
    await send_away(socket, error, code)


async def send_away(socket: WebSocket, error: AnalyticsError, code: int = TRY_AGAIN_LATER) -> None:
    """Say why a socket is closed, and close it, by default with the code that asks to connect again."""
    await answer(socket, told(error))
    await close(socket, code)


async def close(socket: WebSocket, code: int, reason: str | None = None) -> None:
    """Close as soon as the socket takes it; one that takes nothing any more is ended without."""
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        await asyncio.wait_for(socket.close(code, reason), CLOSE_TIMEOUT)


def ack(client: Literal["extension", "frontend"], user_id: str) -> ConnectionAckMsg:
    """The first frame on a socket."""
    payload = ConnectionAck(version=VERSION, clientType=client, userId=user_id, statusMessage="connected")
    return ConnectionAckMsg(payload=payload)


def told(error: AnalyticsError) -> SystemErrorMsg:
    """An error as a frame."""
    return SystemErrorMsg(payload=SystemError(errorMessage=str(error), code=error.code, detail=error.detail))
