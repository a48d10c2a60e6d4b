"""The addresses of the sockets."""

from fastapi import APIRouter, WebSocket

from api.door import Door, KnownDoor
from api.params import Amount, ChatId, Id, QueryId
from api.services import Provided
from api.sockets.pages import Asked
from api.sockets.sending import turn_away
from errors import Unavailable
from session.pages import EVERYTHING, START, Extent

router = APIRouter()


@router.websocket("/ws/frontend/{user_id}")
async def frontend(
    socket: WebSocket,
    services: Provided,
    door: KnownDoor,
    user_id: Id,
    creator_id: QueryId = None,
    last_frame: str | None = None,
    merge: bool = False,
    chats: Amount = None,
    messages: Amount = None,
    chat_id: ChatId = None,
) -> None:
    if await _may_stay(socket, door):
        first = START if merge else EVERYTHING
        extent = Extent(
            first.chats if chats is None else chats, first.messages if messages is None else messages, chat_id
        )
        await services.pages.serve(socket, Asked(user_id, creator_id, last_frame, merge, extent))


@router.websocket("/ws/extension/{user_id}")
async def extension(
    socket: WebSocket, services: Provided, door: KnownDoor, user_id: Id, creator_id: QueryId = None
) -> None:
    if await _may_stay(socket, door):
        await services.extensions.serve(socket, user_id, creator_id or user_id)


async def _may_stay(socket: WebSocket, door: Door) -> bool:
    """Whether nothing but our end will cut it off; else it is told to connect again."""
    try:
        await door.check(socket.scope)
    except Unavailable as error:
        await turn_away(socket, error)
        return False
    return True
