"""Letting sockets in: what they show, what they are told when they may not come in, and when that changes.

A browser's page has the session's cookie. Any other client says its key or token in the handshake, in
`Authorization: Bearer` or as the subprotocol after `bearer`, or else in the first message.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from access.admission import Admission
from access.gate import Caller, Credentials
from access.principal import Principal
from access.setup import Access
from api.caller import check_page, shown
from api.sockets.sending import CLOSE_TIMEOUT, answer, close, send_away, told
from errors import AnalyticsError, InvalidInput, Unauthenticated, Unavailable
from wire.incoming import AuthenticateMsg, parse_frame

UNAUTHENTICATED = 4401
FORBIDDEN = 4403
FIRST_WITHIN = 5.0  # seconds for the first message of a client that showed nothing
FIRST_BYTES = 64 * 1024
BEARER: Final = "bearer"

T = TypeVar("T")


async def admit(
    socket: WebSocket,
    access: Access,
    decide: Callable[[Principal], T],
    serve: Callable[[Principal, T, asyncio.Event], Awaitable[None]],
) -> None:
    """Accept a socket, and serve it for as long as who is at its other end may have it.

    `decide` says what of it is allowed, or raises. `serve` gets that, and what is set when the socket may not
    stay; it is closed then, as is one that may not come in.
    """
    offered: list[str] = socket.scope.get("subprotocols", [])
    await socket.accept(BEARER if BEARER in offered else None)
    try:
        admission, caller = await _begin(socket, access, decide, offered)
    except (WebSocketDisconnect, RuntimeError):  # it is gone
        return
    except Unavailable as error:
        await send_away(socket, error)
        return
    except AnalyticsError as error:
        await _refuse(socket, error)
        return
    closing = asyncio.create_task(_close_when_ended(socket, admission))
    try:
        with access.admissions.keeping(admission):
            await serve(caller.principal, decide(caller.principal), admission.ended)
    finally:
        if not admission.ended.is_set():
            closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)


async def _begin(
    socket: WebSocket, access: Access, decide: Callable[[Principal], object], offered: list[str]
) -> tuple[Admission, Caller]:
    credentials = _shown(socket, offered)
    admission = Admission(access.gate, credentials, decide)
    try:
        caller = await admission.begin()
    except Unauthenticated:
        if credentials != Credentials():
            raise
        credentials = Credentials(bearer=await _first_message(socket))
        admission = Admission(access.gate, credentials, decide)
        caller = await admission.begin()
    if caller.session is not None:
        check_page(socket, access)  # no other site's page may open a socket with it
    return admission, caller


def _shown(socket: WebSocket, offered: list[str]) -> Credentials:
    credentials = shown(socket)
    if credentials.bearer is not None or credentials.wrong is not None or BEARER not in offered:
        return credentials
    tokens = [each for each in offered if each != BEARER]
    if len(tokens) != 1:
        return Credentials(wrong="The subprotocols are bearer and one key or token.")
    return Credentials(bearer=tokens[0])


async def _first_message(socket: WebSocket) -> str:
    """The key or token in it; Unauthenticated when it has none, or does not come in time."""
    try:
        async with asyncio.timeout(FIRST_WITHIN):
            message = await socket.receive()
    except TimeoutError:
        raise Unauthenticated(f"Nothing said who you are within {FIRST_WITHIN:.0f} s.") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    data: bytes | str = message.get("text") or message.get("bytes") or b""
    try:
        frame = parse_frame(data) if len(data) <= FIRST_BYTES else None
    except InvalidInput:
        frame = None
    if not isinstance(frame, AuthenticateMsg):
        raise Unauthenticated("The first message has to say who you are: authenticate, with a token.")
    return frame.payload.token


async def _close_when_ended(socket: WebSocket, admission: Admission) -> None:
    await admission.ended.wait()
    await _refuse(socket, admission.error)


async def _refuse(socket: WebSocket, error: AnalyticsError) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await answer(socket, told(error))
    await close(socket, UNAUTHENTICATED if isinstance(error, Unauthenticated) else FORBIDDEN)
