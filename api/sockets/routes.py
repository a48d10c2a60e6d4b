"""The addresses of the sockets."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from fastapi import APIRouter, WebSocket

from api.door import Door, KnownDoor
from api.limits import KnownLimits, Limits, caller_of
from api.params import Amount, ChatId, Id, QueryId
from api.services import Provided
from api.sockets.pages import Asked
from api.sockets.sending import TOO_MANY, turn_away
from errors import TooManySockets, Unavailable
from session.pages import EVERYTHING, START, Extent

router = APIRouter()


@router.websocket("/ws/frontend/{user_id}")
async def frontend(
    socket: WebSocket,
    services: Provided,
    door: KnownDoor,
    limits: KnownLimits,
    user_id: Id,
    creator_id: QueryId = None,
    last_frame: str | None = None,
    merge: bool = False,
    chats: Amount = None,
    messages: Amount = None,
    chat_id: ChatId = None,
) -> None:
    async with _admitted(socket, door, limits, user_id) as may_stay:
        if not may_stay:
            return
        first = START if merge else EVERYTHING
        extent = Extent(
            first.chats if chats is None else chats, first.messages if messages is None else messages, chat_id
        )
        await services.pages.serve(socket, Asked(user_id, creator_id, last_frame, merge, extent))


@router.websocket("/ws/extension/{user_id}")
async def extension(
    socket: WebSocket,
    services: Provided,
    door: KnownDoor,
    limits: KnownLimits,
    user_id: Id,
    creator_id: QueryId = None,
) -> None:
    async with _admitted(socket, door, limits, user_id) as may_stay:
        if may_stay:
            await services.extensions.serve(socket, user_id, creator_id or user_id)


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
