"""Topics over HTTP: what an account can have, which belong together, and what is typical of one."""

import math
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from access.policy import Action, masks
from api.caller import GUARDED, KnownCaller, on_asked_account
from api.params import Id, Instant, KnownParameters, Mask, NeededId, QueryId
from api.services import Provided, check_known
from insights.window import invalid, parse_instant, parse_time_zone
from wire.found import TypicalMessages
from wire.topics import KnownTopics

MOST_TYPICAL = 50  # messages

router = APIRouter(prefix="/api/v1", tags=["reading"], responses=GUARDED)


@router.get(
    "/topics",
    response_model=KnownTopics,
    dependencies=[on_asked_account(Action.READ_NUMBERS), KnownParameters],
)
async def topics(services: Provided, user_id: NeededId, creator_id: QueryId = None) -> Response:
    """Topics that an account can have; those of a group follow each other where there are more than 20."""
    await check_known(services, user_id)
    return Response(await services.owners.topics(user_id, creator_id), media_type="application/json")


@router.get(
    "/topics/{topic_id}/messages",
    response_model=TypicalMessages,
    dependencies=[on_asked_account(Action.READ_TEXT), KnownParameters],
)
async def typical(
    services: Provided,
    caller: KnownCaller,
    topic_id: Id,
    user_id: NeededId,
    creator_id: QueryId = None,
    start_date: Instant = None,
    end_date: Instant = None,
    time_zone: Annotated[str, Query(description="IANA time zone, in which a date begins")] = "UTC",
    limit: Annotated[int, Query(ge=1, le=MOST_TYPICAL)] = 10,
    mask: Mask = None,
) -> Response:
    """Messages that are most typical of a topic, each of another chat; with `mask` masked."""
    zone = parse_time_zone(time_zone)
    start = _seconds(parse_instant("start_date", start_date, zone), -math.inf)
    end = _seconds(parse_instant("end_date", end_date, zone), math.inf)
    if start >= end:
        raise invalid("start_date", "must be before end_date")
    await check_known(services, user_id)
    masked = masks(caller.principal, mask, user_id, creator_id)
    body = await services.owners.typical(user_id, creator_id, topic_id, (start, end), limit, masked)
    return Response(body, media_type="application/json")


def _seconds(at: datetime | None, otherwise: float) -> float:
    return otherwise if at is None else at.timestamp()
