"""Privacy over HTTP: erasing, what proves it, and letting somebody who was erased be taken again."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from access.policy import Action, masks
from api.caller import GUARDED, KnownAccess, KnownCaller, allowed, on_own_account, on_user
from api.params import ChatId, Id, Mask, QueryId
from api.services import Provided, check_known
from errors import InvalidInput, NotFound, Unavailable
from session.erased import has_erased, receipts, retention
from session.erasure import Scope

ERASED_WITHIN = 20.0  # seconds that an answer waits for an erasure to be carried out

EXPORTED_TOGETHER = 500  # lines that are in memory together


class Lines(StreamingResponse):
    """JSON Lines, sent as they are read."""

    media_type = "application/x-ndjson"


FanId = Annotated[str | None, Query(min_length=1, max_length=256)]

router = APIRouter(prefix="/api/v1/privacy", tags=["privacy"], responses=GUARDED)


def _on_subject(action: Action, event: Literal["exported", "erased"] | None = None) -> Any:
    """Whether the caller may do this with whose data it is: all of the user, an account, or a fan of it.

    With `event` that is told to the audit trail first: whose account it was, not which fan's.
    """

    async def check(
        access: KnownAccess,
        caller: KnownCaller,
        user_id: Id,
        creator_id: QueryId = None,
        fan_id: FanId = None,
        chat_id: ChatId = None,
    ) -> None:
        creator, id = _subject(user_id, creator_id, fan_id, chat_id)
        await allowed(access, caller, action, user_id, creator)
        if event is not None:
            of = "everything" if id is None else "a fan"
            await access.gate.trail.record(
                event, caller.principal.id, user_id=user_id, creator_id=creator, of=of
            )

    return Depends(check)


class Removed(BaseModel):
    """How much the owner held of it, and how many topics had to be found anew."""

    chats: int
    messages: int
    held: int
    topics: int = 0


class Receipt(BaseModel):
    """What was removed and when, without whose it was. `completed_at` null: some of it is still kept.

    `subject` is a keyed hash of whose it was. `left` names what the operator has to see to: `redis_log` where
    Redis does not let the service rewrite its files. `signature` is there once it is complete.
    """

    receipt: str
    user_id: str
    scope: Scope
    subject: str
    requested_at: str
    completed_at: str | None
    removed: Removed
    left: list[str]
    signature: str | None = None


class Term(BaseModel):
    days: Annotated[int, Field(ge=0, le=36_500)] | None  # 0: for ever; null: as all others


class Terms(BaseModel):
    """Days; 0: for ever."""

    days: int  # RETENTION_DAYS
    accounts: dict[str, int]  # by creator


class Lifted(BaseModel):
    lifted: int  # how many tombstones there were


class Verdict(BaseModel):
    valid: bool  # it was signed here, and says what it said then
    is_of: bool | None = None  # whether it is of whom was named; null: nobody was


@router.delete("/{user_id}", response_model=Receipt, dependencies=[_on_subject(Action.ERASE, "erased")])
async def erase(
    services: Provided,
    response: Response,
    user_id: Id,
    creator_id: QueryId = None,
    fan_id: FanId = None,
    chat_id: ChatId = None,
    everything: bool = False,
) -> dict[str, Any]:
    """Erase a fan (`fan_id` or `chat_id`), or `everything` of an account (`creator_id`) or of the user.

    200 when it is gone everywhere; 202 when it is gone from all that is shown and will not be taken again,
    and something is still kept: ask for the receipt.
    """
    creator, id = _subject(user_id, creator_id, fan_id, chat_id)
    if everything == (id is not None):  # a fan's parameter that is misspelt must not erase all others
        raise InvalidInput(
            "Say whose it is with fan_id or chat_id, or that it is everything with everything=true.",
            detail=[{"field": "everything", "reason": "must be true, or a fan named, and not both"}],
        )
    await _check_known_or_erased(services, user_id)
    receipt = await services.owners.erase(user_id, uuid.uuid4().hex, creator, id, ERASED_WITHIN)
    if receipt["completed_at"] is None:
        response.status_code = 202
    return receipt


@router.get("/{user_id}/retention", dependencies=[on_user(Action.ERASE)])
async def get_retention(services: Provided, user_id: Id) -> Terms:
    """For how many days messages are kept: of all accounts, and of those that have a term of their own."""
    try:
        own = await retention(services.redis, user_id)
    except RedisError as error:
        raise Unavailable("Redis did not answer for the terms; try again.") from error
    return Terms(days=services.retention_days, accounts=own)


@router.put("/{user_id}/retention", dependencies=[on_own_account(Action.ERASE)])
async def set_retention(services: Provided, user_id: Id, term: Term, creator_id: QueryId = None) -> Terms:
    """Give an account a term of its own, or none (`null`). What is past it is dropped at once, for good."""
    await services.owners.keep_for(user_id, creator_id or user_id, term.days)
    return await get_retention(services, user_id)


@router.get("/{user_id}/export", response_class=Lines, dependencies=[_on_subject(Action.EXPORT, "exported")])
async def export(
    services: Provided,
    caller: KnownCaller,
    user_id: Id,
    creator_id: QueryId = None,
    fan_id: FanId = None,
    chat_id: ChatId = None,
    cursor: Annotated[str | None, Query(max_length=2048)] = None,
    mask: Mask = None,
) -> Lines:
    """All that is kept of a fan, an account or the user, as lines of JSON: docs/privacy.md.

    After each part comes a line of `type` `cursor`: with it an export that was cut off goes on from there.
    The last line is of `type` `end`.
    """
    creator, id = _subject(user_id, creator_id, fan_id, chat_id)
    await check_known(services, user_id)
    masked = masks(caller.principal, mask, user_id, creator)
    first = await services.owners.export(user_id, creator, id, cursor, EXPORTED_TOGETHER, masked)

    async def parts() -> AsyncIterator[bytes]:
        lines, following = first
        yield lines
        while following is not None:
            yield orjson.dumps({"type": "cursor", "cursor": following}) + b"\n"
            lines, following = await services.owners.export(
                user_id, creator, id, following, EXPORTED_TOGETHER, masked
            )
            yield lines
        yield b'{"type":"end"}\n'

    return Lines(parts(), headers={"Content-Disposition": "attachment; filename=export.jsonl"})


@router.get("/{user_id}/receipts", dependencies=[on_user(Action.ERASE)])
async def list_receipts(services: Provided, user_id: Id) -> list[Receipt]:
    """The receipts of all erasures that are complete, the first one first."""
    found = [Receipt(**orjson.loads(each)) for each in (await receipts(services.redis, user_id)).values()]
    return sorted(found, key=lambda each: each.requested_at)


@router.get("/{user_id}/receipts/{receipt}", response_model=Receipt, dependencies=[on_user(Action.ERASE)])
async def get_receipt(services: Provided, user_id: Id, receipt: str) -> dict[str, Any]:
    """What became of an erasure."""
    await _check_known_or_erased(services, user_id)
    return await services.owners.get_receipt(user_id, receipt)


@router.delete("/{user_id}/tombstones", dependencies=[_on_subject(Action.ERASE)])
async def lift(
    services: Provided,
    user_id: Id,
    creator_id: QueryId = None,
    fan_id: FanId = None,
    chat_id: ChatId = None,
) -> Lifted:
    """Have what comes of an erased fan, account or user taken again, from now on."""
    creator, id = _subject(user_id, creator_id, fan_id, chat_id)
    lifted = 0
    if await has_erased(services.redis, user_id):
        lifted = await services.owners.lift(user_id, creator, id)
    if not lifted:
        raise NotFound("Nothing of that was erased, or it was lifted before.")
    return Lifted(lifted=lifted)


@router.post("/receipts/verify")
async def verify(
    services: Provided,
    _: KnownCaller,
    receipt: dict[str, Any],
    creator_id: QueryId = None,
    fan_id: FanId = None,
    chat_id: ChatId = None,
) -> Verdict:
    """Whether a receipt is one of this installation, unchanged; and whether it is of whom is named."""
    seal = services.seal()
    verdict = Verdict(valid=seal.is_valid(receipt))
    if verdict.valid and (creator_id or fan_id or chat_id):
        user_id = str(receipt["user_id"])
        verdict.is_of = seal.is_of(receipt, user_id, *_subject(user_id, creator_id, fan_id, chat_id))
    return verdict


def _subject(
    user_id: str, creator_id: str | None, fan_id: str | None, chat_id: str | None
) -> tuple[str | None, str | None]:
    """The creator, None for all of the user, and the fan's id or the chat's, None for all of the account."""
    if fan_id is not None and chat_id is not None:
        raise InvalidInput(
            "Say whose it is by fan_id or by chat_id, not by both.",
            detail=[{"field": "chat_id", "reason": "fan_id is given too"}],
        )
    id = fan_id or chat_id
    return (creator_id if id is None else creator_id or user_id), id


async def _check_known_or_erased(services: Provided, user_id: str) -> None:
    if not await has_erased(services.redis, user_id):
        await check_known(services, user_id)
