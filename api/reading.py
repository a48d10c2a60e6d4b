"""Reading over HTTP: users, their chats and messages, and what a page starts from."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from access.policy import Action, masks, visible
from api.caller import GUARDED, KnownCaller, on_account, on_asked_account
from api.params import MAX_LIMIT, Amount, ChatId, Id, Limit, Mask, NeededId, Offset, QueryId
from api.services import Provided, check_known
from insights.queries import build_analytics_update
from insights.window import Window, now
from session.journal import is_known, known_users
from session.pages import Extent, Order
from wire.payloads import FullSyncResponse, ShownChats, ShownMessages, for_pages
from wire.schemas import wss_schema

router = APIRouter(prefix="/api/v1", tags=["reading"], responses=GUARDED)


@router.get("/users")
async def users(services: Provided, caller: KnownCaller) -> list[dict[str, Any]]:
    """Every user that ever sent something that the caller may see, with the creators it sent for."""
    found = visible(caller.principal, await known_users(services.redis))
    return [{"user_id": user, "creator_ids": creators} for user, creators in found.items()]


@router.get(
    "/frontend/bootstrap/{user_id}",
    response_model=FullSyncResponse,
    dependencies=[on_account(Action.READ_TEXT)],
)
async def bootstrap(
    services: Provided,
    caller: KnownCaller,
    user_id: Id,
    creator_id: QueryId = None,
    chats: Amount = None,
    messages: Amount = None,
    chat_id: ChatId = None,
    mask: Mask = None,
) -> Response:
    """What a page starts from: the payload of `full_sync_response`; empty lists when there is nothing."""
    masked = masks(caller.principal, mask, user_id, creator_id)
    if not await is_known(services.redis, user_id):
        window = Window.from_params(None, None, now())
        analytics = await build_analytics_update(
            user_id, window.start, window.end, creator_id, graph=services.graph, now=now()
        )
        body = for_pages(FullSyncResponse(conversations=[], analytics=analytics))
    else:
        extent = Extent(chats, messages, chat_id, masked)
        *_, body = await services.owners.full_sync(user_id, creator_id, extent)
    return Response(body, media_type="application/json")


@router.get(
    "/frontend/chats/{user_id}", response_model=ShownChats, dependencies=[on_account(Action.READ_TEXT)]
)
async def shown_chats(
    services: Provided,
    caller: KnownCaller,
    user_id: Id,
    creator_id: QueryId = None,
    order: Order = "priority",
    limit: Limit = 50,
    offset: Offset = 0,
    messages: Annotated[int, Query(ge=0, le=MAX_LIMIT)] = 30,
    mask: Mask = None,
) -> Response:
    """Some of the chats as a full sync has them, the most urgent or the latest first."""
    masked = masks(caller.principal, mask, user_id, creator_id)
    if not await is_known(services.redis, user_id):
        body = for_pages(ShownChats(conversations=[], total=0))
    else:
        body = await services.owners.get_shown_chats(
            user_id, creator_id, order, limit, offset, messages, masked
        )
    return Response(body, media_type="application/json")


@router.get(
    "/frontend/chats/{user_id}/{chat_id:path}/messages",
    response_model=ShownMessages,
    dependencies=[on_account(Action.READ_TEXT)],
)
async def shown_messages(
    services: Provided,
    caller: KnownCaller,
    user_id: Id,
    chat_id: str,
    creator_id: QueryId = None,
    before: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
    limit: Limit = 50,
    mask: Mask = None,
) -> Response:
    """A chat's last messages as pages show them, or the last ones before one of them, oldest first."""
    masked = masks(caller.principal, mask, user_id, creator_id)
    await check_known(services, user_id)
    body = await services.owners.get_shown_messages(user_id, chat_id, creator_id, before, limit, masked)
    return Response(body, media_type="application/json")


@router.get("/chats", dependencies=[on_asked_account(Action.READ_CHATS)])
async def chats(
    services: Provided,
    caller: KnownCaller,
    user_id: NeededId,
    creator_id: QueryId = None,
    limit: Limit = 50,
    offset: Offset = 0,
    mask: Mask = None,
) -> list[dict[str, Any]]:
    """The user's chats, of one creator or of all, latest message first; with `mask` under pseudonyms."""
    masked = masks(caller.principal, mask, user_id, creator_id)
    if not await is_known(services.redis, user_id):
        return []
    return await services.client.get_chats(user_id, limit, offset, creator_id=creator_id, mask=masked)


@router.get("/chats/{chat_id:path}/messages", dependencies=[on_asked_account(Action.READ_TEXT)])
async def messages(
    services: Provided,
    caller: KnownCaller,
    chat_id: str,
    user_id: NeededId,
    creator_id: QueryId = None,
    limit: Limit = 50,
    offset: Offset = 0,
    mask: Mask = None,
) -> list[dict[str, Any]]:
    """A chat's messages as received, latest first, each with its `enrichment`; with `mask` masked."""
    masked = masks(caller.principal, mask, user_id, creator_id)
    await check_known(services, user_id)
    return await services.client.get_messages(
        user_id, chat_id, limit, offset, creator_id=creator_id, mask=masked
    )


@router.get("/schemas/wss")
async def schemas(caller: KnownCaller) -> dict[str, Any]:
    """JSON Schema of every WebSocket message, both ways."""
    return wss_schema()
