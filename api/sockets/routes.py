"""The addresses of the sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from fastapi import APIRouter, WebSocket

from access.policy import Action, allows, decide, masks
from access.principal import Principal
from api.caller import KnownAccess
from api.door import Door, KnownDoor
from api.limits import KnownLimits, Limits, caller_of
from api.params import Amount, ChatId, Id, Mask, QueryId
from api.services import Provided
from api.sockets.admitting import admit
from api.sockets.pages import Asked
from api.sockets.sending import TOO_MANY, send_away, turn_away
from errors import TooManySockets, Unavailable
from session.pages import EVERYTHING, START, Extent

router = APIRouter()


@router.websocket("/ws/frontend/{user_id}")
async def frontend(
    socket: WebSocket,
    services: Provided,
    door: KnownDoor,
    access: KnownAccess,
    limits: KnownLimits,
    user_id: Id,
    creator_id: QueryId = None,
    last_frame: str | None = None,
    merge: bool = False,
    chats: Amount = None,
    messages: Amount = None,
    chat_id: ChatId = None,
    mask: Mask = None,
) -> None:
    def may(principal: Principal) -> tuple[bool, bool]:
        """Whether it may see texts, and sees them masked; it may not come in at all without the figures."""
        decide(principal, Action.READ_NUMBERS, user_id, creator_id)
        texts = allows(principal, Action.READ_TEXT, user_id, creator_id)
        return texts, texts and masks(principal, mask, user_id, creator_id)

    async def serve(principal: Principal, sees: tuple[bool, bool], ended: asyncio.Event) -> None:
        texts, masked = sees
        if texts:
            try:
                await access.gate.trail.text_read(principal.id, user_id, creator_id)
            except Unavailable as error:
                await send_away(socket, error)
                return
        first = START if merge else EVERYTHING
        extent = Extent(
            first.chats if chats is None else chats,
            first.messages if messages is None else messages,
            chat_id,
            masked,
        )
        asked = Asked(user_id, creator_id, last_frame, merge, extent, texts)
        await services.pages.serve(socket, asked, ended)

    async with _admitted(socket, door, limits, user_id) as may_stay:
        if may_stay:
            await admit(socket, access, may, serve)


@router.websocket("/ws/extension/{user_id}")
async def extension(
    socket: WebSocket,
    services: Provided,
    door: KnownDoor,
    access: KnownAccess,
    limits: KnownLimits,
    user_id: Id,
    creator_id: QueryId = None,
) -> None:
    creator = creator_id or user_id

    def may(principal: Principal) -> None:
        decide(principal, Action.INGEST, user_id, creator)

    async def serve(_: Principal, __: None, ended: asyncio.Event) -> None:
        await services.extensions.serve(socket, user_id, creator, ended)

    async with _admitted(socket, door, limits, user_id) as may_stay:
        if may_stay:
            await admit(socket, access, may, serve)


@asynccontextmanager
async def _admitted(socket: WebSocket, door: Door, limits: Limits, user_id: str) -> AsyncIterator[bool]:
    """Whether it may be served, and nothing but our end will cut it off; else it is told why and closed."""
    with ExitStack() as held:
        try:
            held.enter_context(limits.socket(user_id, caller_of(socket.scope)))
            await door.check(socket.scope)
        except TooManySockets as error:
            await turn_away(socket, error, TOO_MANY)
            yield False
        except Unavailable as error:
            await turn_away(socket, error)
            yield False
        else:
            yield True
