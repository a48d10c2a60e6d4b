"""Corrections of what was understood, over HTTP: made, listed, withdrawn, and given as labels."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query

from access.policy import Action, masks
from api.caller import GUARDED, KnownAccess, KnownCaller, on_own_account, small_body, takes
from api.params import Id, KnownParameters, Limit, Mask, Offset, QueryId
from api.privacy import Lines
from api.services import Provided, check_known
from chats.corrections import Correction, Kind, Stated, StatedOutcome, Subject
from errors import InvalidInput
from wire.corrections import Corrections, NewCorrection, ShownCorrection
from wire.corrections import StatedOutcome as Told

LABELS_TOGETHER = 500  # that are in memory together

router = APIRouter(prefix="/api/v1/corrections", tags=["corrections"], responses=GUARDED)


@router.post(
    "/{user_id}",
    response_model=ShownCorrection,
    dependencies=[on_own_account(Action.CORRECT), KnownParameters],
    openapi_extra=takes(NewCorrection),
)
async def correct(
    services: Provided,
    access: KnownAccess,
    caller: KnownCaller,
    user_id: Id,
    new: Annotated[NewCorrection, small_body(NewCorrection)],
    creator_id: QueryId = None,
) -> dict[str, Any]:
    """Say what a message, conversation or topic is: once this is answered every number counts it so."""
    correction = _correction(new, caller.principal.id)
    await check_known(services, user_id)
    await _tell(access, caller, user_id, creator_id, new.field)
    return await services.owners.correct(user_id, creator_id or user_id, correction.to_json())


@router.delete(
    "/{user_id}/{id}",
    response_model=ShownCorrection,
    dependencies=[on_own_account(Action.CORRECT), KnownParameters],
)
async def withdraw(
    services: Provided,
    access: KnownAccess,
    caller: KnownCaller,
    user_id: Id,
    id: str,
    creator_id: QueryId = None,
) -> dict[str, Any]:
    """Withdraw a correction that stands: what the models say counts again."""
    await check_known(services, user_id)
    await _tell(access, caller, user_id, creator_id, "withdrawn")
    who = caller.principal.id
    return await services.owners.withdraw(user_id, creator_id or user_id, id, uuid.uuid4().hex, who)


@router.get(
    "/{user_id}",
    response_model=Corrections,
    dependencies=[on_own_account(Action.CORRECT), KnownParameters],
)
async def list_corrections(
    services: Provided, user_id: Id, creator_id: QueryId = None, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """The corrections of an account that stand, the newest first."""
    await check_known(services, user_id)
    return await services.owners.get_corrections(user_id, creator_id or user_id, limit, offset)


@router.get(
    "/{user_id}/labels",
    response_class=Lines,
    dependencies=[on_own_account(Action.READ_TEXT), KnownParameters],
)
async def labels(
    services: Provided,
    caller: KnownCaller,
    user_id: Id,
    creator_id: QueryId = None,
    after: Annotated[str | None, Query(max_length=64, description="the id of a correction")] = None,
    mask: Mask = None,
) -> Lines:
    """Those of messages and conversations as labels to train on, a line of JSON each: docs/corrections.md."""
    creator = creator_id or user_id
    masked = masks(caller.principal, mask, user_id, creator)
    await check_known(services, user_id)
    first = await services.owners.get_labels(user_id, creator, after, LABELS_TOGETHER, masked)

    async def parts() -> AsyncIterator[bytes]:
        lines, following = first
        yield lines
        while following is not None:
            lines, following = await services.owners.get_labels(
                user_id, creator, following, LABELS_TOGETHER, masked
            )
            yield lines

    return Lines(parts(), headers={"Content-Disposition": "attachment; filename=labels.jsonl"})


def _correction(new: NewCorrection, who: str) -> Correction:
    """InvalidInput names what it lacks to say of what it is."""
    named: dict[Kind, str | None] = {
        "message": new.message_id,
        "conversation": new.conversation_id,
        "topic": new.topic_id,
    }
    given = [(kind, id) for kind, id in named.items() if id is not None]
    if len(given) != 1:
        raise InvalidInput(
            "Say of what it is with one of message_id, conversation_id and topic_id.",
            detail=[{"field": "message_id", "reason": "or one of the two others is needed, and one alone"}],
        )
    [(kind, id)] = given
    if kind == "conversation":
        chat, _, first = id.partition(f"{new.chat_id}:")
        if chat or not first:
            raise InvalidInput(
                "The conversation is not of that chat.",
                detail=[{"field": "conversation_id", "reason": "must be of the chat_id"}],
            )
        id = first
    return Correction(
        id=new.id or uuid.uuid4().hex,
        at=0.0,  # the owner's clock says it
        who=who,
        subject=Subject(kind, id, new.chat_id or ""),
        field=new.field,
        side=new.side,
        value=_stated(new),
    )


def _stated(new: NewCorrection) -> Stated:
    value = new.value
    if isinstance(value, list):
        return tuple(_outcome(each) if isinstance(each, Told) else each for each in value)
    return value.strip() if isinstance(value, str) else value


def _outcome(told: Told) -> StatedOutcome:
    return StatedOutcome(told.type, told.amount, None if told.at is None else told.at.timestamp())


async def _tell(
    access: KnownAccess, caller: KnownCaller, user_id: str, creator_id: str | None, of: str
) -> None:
    """Have it in the audit trail who corrects what kind of thing, not what is said."""
    await access.gate.trail.record(
        "corrected", caller.principal.id, user_id=user_id, creator_id=creator_id or user_id, of=of
    )
