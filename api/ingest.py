"""Ingest over HTTP: snapshots, live messages, and what is held of them."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from access.policy import Action
from actors.directory import LARGE
from api.caller import GUARDED, on_own_account, on_user
from api.direct import Direct
from api.errors import answers
from api.limits import PACED, limits_of
from api.params import ChatId, Id, Limit, Offset, QueryId, SenderId
from api.services import Provided, check_known
from errors import EncodedBody, NotFound
from session.journal import is_known
from wire.incoming import (
    CacheUpdatePayload,
    NewRawMessagePayload,
    Replay,
    parse_messages,
    parse_replays,
    parse_snapshot,
)
from wire.payloads import IngestReceipt

_ANSWERS = {**GUARDED, **answers(415, 429)}
router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], responses=_ANSWERS, route_class=Direct)
held_router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"], responses=_ANSWERS)

_INGEST = [on_own_account(Action.INGEST)]
_HELD = [on_user(Action.MANAGE_HELD)]


class HeldMessage(BaseModel):
    """Something that could not be placed, read, enriched or written; reasons: docs/protocol.md."""

    key: str  # to replay it by
    reason: str
    failed: dict[str, str]  # why, by strategy, when it could not be enriched
    creator_id: str
    id: str | None
    position: int | None = None  # among the rows that came with it
    received: Any


class HeldInput(BaseModel):
    """A page of what is kept aside; and what was dropped, by kind, since the user's actor began."""

    held: list[HeldMessage]
    total: int
    dropped: dict[str, int]


class Discarded(BaseModel):
    deleted: int  # how many were held


def _takes(payload: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """The body of a route that reads it itself, for the API's description."""
    schema: dict[str, Any] = payload.model_json_schema()
    content = {"application/json": {"schema": {"type": "array", "items": schema} if many else schema}}
    return {"requestBody": {"required": True, "content": content}}


async def _read(request: Request, user_id: str) -> bytes:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise EncodedBody("The body is compressed; send it as it is, without Content-Encoding.")
    limits = limits_of(request)
    limits.may_send(user_id)
    parts = [part async for part in request.stream()]
    size = sum(map(len, parts))
    limits.sent(user_id, size=size)
    # Joining gives up the interpreter's lock when there is much of it.
    return b"".join(parts) if size <= LARGE else await asyncio.to_thread(b"".join, parts)


# Small input is checked before the owner is called: what is bad wakes nobody. Large input would hold up
# the event loop; its owner reads it anyway and raises the same error.


@router.post(
    "/{user_id}/snapshot", status_code=202, dependencies=_INGEST, openapi_extra=_takes(CacheUpdatePayload)
)
async def snapshot(
    request: Request,
    services: Provided,
    user_id: Id,
    creator_id: QueryId = None,
    chat_id: ChatId = None,
    sender_id: SenderId = None,
) -> IngestReceipt:
    """Take everything an extension holds: a `cache_update` payload, its envelope, or the platform's list.

    `chat_id` is the chat of the messages that name none.
    """
    body = await _read(request, user_id)
    if len(body) <= LARGE:
        parse_snapshot(body)
    return await services.owners.handle_snapshot(user_id, body, creator_id or user_id, chat_id, sender_id)


@router.post(
    "/{user_id}/messages", status_code=202, dependencies=_INGEST, openapi_extra=_takes(NewRawMessagePayload)
)
async def messages(
    request: Request,
    services: Provided,
    user_id: Id,
    creator_id: QueryId = None,
    chat_id: ChatId = None,
    sender_id: SenderId = None,
) -> IngestReceipt:
    """Take live messages: one `new_raw_message` payload, or a list of them."""
    limits = limits_of(request)
    limits.may_send_messages(user_id)
    body = await _read(request, user_id)
    if len(body) <= LARGE:
        parse_messages(body)
    is_patient = PACED in request.scope  # who asks too fast is not waiting for this one
    receipt = await services.ingest.messages(
        user_id, body, creator_id or user_id, chat_id, sender_id, is_patient=is_patient
    )
    limits.sent(user_id, messages=receipt.received)
    return receipt


@held_router.get("/{user_id}/held", dependencies=_HELD)
async def held(services: Provided, user_id: Id, limit: Limit = 50, offset: Offset = 0) -> HeldInput:
    """What could not be placed, read, enriched or written, and why; and how many frames were not chat."""
    if not await is_known(services.redis, user_id):
        return HeldInput(held=[], total=0, dropped={})
    return HeldInput(**await services.owners.get_held(user_id, limit, offset))


@held_router.delete("/{user_id}/held", dependencies=_HELD)
async def discard(services: Provided, user_id: Id) -> Discarded:
    """Delete all that could not be placed or read. What could not be enriched or written is in its chat."""
    if not await is_known(services.redis, user_id):
        return Discarded(deleted=0)
    return Discarded(deleted=await services.owners.discard_held(user_id, None))


@held_router.delete("/{user_id}/held/{key}", dependencies=_HELD)
async def discard_one(services: Provided, user_id: Id, key: str) -> Discarded:
    """Delete what is held under a key."""
    deleted = 0
    if await is_known(services.redis, user_id):
        deleted = await services.owners.discard_held(user_id, [key])
    if not deleted:
        raise NotFound("Nothing is held under that key; GET .../held lists what is.")
    return Discarded(deleted=deleted)


@held_router.post(
    "/{user_id}/held/replay",
    status_code=202,
    dependencies=_HELD,
    openapi_extra=_takes(Replay, many=True),
)
async def replay(request: Request, services: Provided, user_id: Id) -> IngestReceipt:
    """Read held input again, with the fields of `add` laid over it; an empty list takes all as it is."""
    body = await _read(request, user_id)
    if len(body) <= LARGE:
        parse_replays(body)
    await check_known(services, user_id)
    return await services.owners.replay_held(user_id, body)
