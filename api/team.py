"""Who of a creator's team answers and when, over HTTP; and their shifts."""

from typing import Annotated

from fastapi import APIRouter, Query

from access.policy import Action
from api.caller import GUARDED, KNOWN, on_own_account, small_body, takes
from api.insights import Asked, check_length, counted_until
from api.limits import KnownLimits
from api.params import Id, KnownParameters, QueryId
from api.repeated import repeated, repeated_by_shifts
from api.services import Provided
from api.tables import TABLES, TableRoute
from api.terms import KnownTerms
from insights.periods import Named, Period, named_period
from insights.shifts import Shifts
from insights.team import fetch_comparison, fetch_heatmap, fetch_people
from insights.window import invalid, now, parse_time_zone
from session.shifts import read_shifts, write_shifts
from wire.team import ComparedBy, Comparison, Heatmap, People

MOST_COMPARED = 20

insights = APIRouter(
    prefix="/api/v1/insights",
    tags=["insights"],
    dependencies=[KNOWN, TABLES, KnownParameters],
    responses=GUARDED,
    route_class=TableRoute,
)
shifts = APIRouter(prefix="/api/v1/shifts", tags=["team"], responses=GUARDED)


@insights.get("/people")
@repeated_by_shifts
async def people(services: Provided, asked: Asked, terms: KnownTerms) -> People:
    """Who sent, answered and sold what, by person, shift and creator, beside the period before."""
    return await fetch_people(
        asked.period,
        asked.about,
        graph=asked.graph,
        as_of=await counted_until(services, asked),
        terms=terms,
        rosters=services.rosters,
    )


@insights.get("/heatmap")
@repeated
async def heatmap(services: Provided, asked: Asked) -> Heatmap:
    """Fan activity, response times and revenue by hour of the week, beside the period before."""
    as_of = await counted_until(services, asked)
    return await fetch_heatmap(asked.period, asked.about, graph=asked.graph, as_of=as_of)


@insights.get("/compare")
@repeated_by_shifts
async def compare(
    services: Provided,
    asked: Asked,
    limits: KnownLimits,
    terms: KnownTerms,
    by: ComparedBy = "creator",
    person: Annotated[
        tuple[Annotated[str, Query(max_length=128)], ...],
        Query(max_length=MOST_COMPARED, description="whom to show; may be given several times; default all"),
    ] = (),
    compared_window: Annotated[
        tuple[Named, ...],
        Query(max_length=MOST_COMPARED, description="by `window`: which; given several times"),
    ] = (),
) -> Comparison:
    """The figures of creators, people or windows side by side, each beside the period before."""
    if (by == "window") != bool(compared_window):
        raise invalid(
            "compared_window", "says which windows are compared: give it with by=window, and only then"
        )
    if person and by != "person":
        raise invalid("person", "says which people are compared: give it with by=person only")
    moment, zone = now(), parse_time_zone(asked.time_zone)
    windows: dict[str, Period] = {name: named_period(name, moment, zone) for name in compared_window}
    for period in windows.values():
        check_length(period, limits, "compared_window")
    return await fetch_comparison(
        asked.period,
        asked.about,
        by,
        persons=person,
        windows=windows,
        graph=asked.graph,
        as_of=await counted_until(services, asked),
        terms=terms,
        rosters=services.rosters,
    )


@shifts.get("/{user_id}", dependencies=[on_own_account(Action.READ_NUMBERS)])
async def get_shifts(services: Provided, user_id: Id, creator_id: QueryId = None) -> Shifts:
    """The shifts of an account, which tell who sent what does not say it."""
    return await read_shifts(services.redis, user_id, creator_id or user_id)


@shifts.put("/{user_id}", dependencies=[on_own_account(Action.SET_SHIFTS)], openapi_extra=takes(Shifts))
async def set_shifts(
    services: Provided,
    user_id: Id,
    given: Annotated[Shifts, small_body(Shifts)],
    creator_id: QueryId = None,
) -> Shifts:
    """Give an account these shifts in place of what it has; they hold for what was sent before, too."""
    await write_shifts(services.redis, user_id, creator_id or user_id, given)
    return given
