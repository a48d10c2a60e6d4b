"""Insights about fans over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.caller import GUARDED, KNOWN
from api.insights import Asked, Question
from api.params import KnownParameters, Limit
from api.repeated import repeated
from api.services import Provided
from api.tables import TABLES, TableRoute
from insights import fans as figures
from insights.fan_queries import fetch_cohorts, fetch_fans
from insights.risk import Fits
from insights.window import now
from session.lag import graph_as_of
from settings import MOST_DROP_OFF_DAYS
from wire.fans import Cohorts, Fans, FanSort, Segment

router = APIRouter(
    prefix="/api/v1/insights",
    tags=["insights"],
    dependencies=[KNOWN, TABLES, KnownParameters],
    responses=GUARDED,
    route_class=TableRoute,
)
FITS = Fits()  # of this process; what is kept is found by what it was learned from alone


async def _up_to(services: Provided, asked: Question, as_of: datetime | None) -> datetime:
    """The time that was asked for, else since when the graph lacks something; now at the latest."""
    if as_of is None and asked.user_id is not None:
        as_of = await graph_as_of(services.redis, asked.user_id, asked.creator_id)
    return min(as_of or now(), now())


AsOf = Annotated[AwareDatetime | None, Query(description="ISO 8601 with offset; default now")]


@router.get("/fans")
@repeated
async def fans(
    services: Provided,
    asked: Asked,
    sort: Annotated[
        FanSort, Query(description="the highest value or risk first, or the longest silence")
    ] = "value",
    segment: Annotated[Segment | None, Query(description="only fans of this segment")] = None,
    cohort: Annotated[
        str | None, Query(max_length=7, description="only fans that joined in this month, such as 2024-05")
    ] = None,
    active: Annotated[
        bool | None, Query(description="only fans that wrote or paid in the window, or did not")
    ] = None,
    horizon_days: Annotated[
        int | None,
        Query(
            ge=1,
            le=MOST_DROP_OFF_DAYS,
            description="without a word or payment, after which a fan has dropped off; default DROP_OFF_DAYS",
        ),
    ] = None,
    as_of: AsOf = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=4000, description="the `next` of the page before")] = None,
) -> Fans:
    """What each fan is worth, how each stands, and how likely each drops off."""
    return await fetch_fans(
        *asked.scope,
        graph=asked.graph,
        fits=FITS,
        as_of=await _up_to(services, asked, as_of),
        horizon_days=services.drop_off_days if horizon_days is None else horizon_days,
        asked=figures.Asked(segment=segment, cohort=cohort, is_active=active, sort=sort),
        user_id=asked.user_id,
        corrections=asked.corrections,
        time_zone=asked.time_zone,
        limit=limit,
        cursor=cursor,
    )


@router.get("/cohorts")
@repeated
async def cohorts(services: Provided, asked: Asked, as_of: AsOf = None) -> Cohorts:
    """The fans that joined in each month which the window touches: who stays, and what they bring."""
    return await fetch_cohorts(
        *asked.scope,
        graph=asked.graph,
        as_of=await _up_to(services, asked, as_of),
        user_id=asked.user_id,
        corrections=asked.corrections,
        time_zone=asked.time_zone,
    )
