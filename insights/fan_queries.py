"""What callers ask of the graph about fans: how each stands, who may leave, and what cohorts do.

As in `insights.queries`, dates are aware and of a half-open window, `user_id` and `creator_id` say whose fans
are meant, InvalidInput names the parameter that is wrong, and errors of the graph pass through. Everything is
as it was at the end of the window, or at `as_of` where that is earlier.
"""

import asyncio
from datetime import UTC, datetime

from graph.port import Graph
from graph.traversals import ACTIVITY, PROFILES, SALES
from insights import cohorts, fans
from insights.drill import Scope, page
from insights.fan_history import AccountFans
from insights.fans import Asked, Cursor, Moment
from insights.months import check_month
from insights.queries import Reader
from insights.risk import Fits
from insights.tables import Ask
from insights.window import time_zone_notes
from wire.fans import Cohorts, Fans
from wire.payloads import CountedConversations

EVER = 1 << 40  # an epoch second after the year 9999


async def fetch_fans(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    fits: Fits,
    as_of: datetime,
    horizon_days: int,
    asked: Asked,
    user_id: str | None = None,
    corrections: bool = True,
    time_zone: str = "UTC",
    limit: int = 100,
    cursor: str | None = None,
) -> Fans:
    """Fans with what they are worth, how they stand and how likely they drop off in `horizon_days`.

    Each account has a risk model of its own, or none; `fits` keeps what was learned.
    """
    after = Cursor.read(cursor, asked.sort) if cursor else None
    if after is not None:  # a page is of the same moment as the one before
        start_date, end_date = datetime.fromisoformat(after.start), datetime.fromisoformat(after.end)
    if asked.cohort is not None:
        check_month(asked.cohort)
    scope = Scope.of(start_date, end_date, creator_id, user_id, time_zone, corrections)
    moment = Moment.of(scope.window, as_of, horizon_days)
    if after is not None:
        moment = moment._replace(at=max(0, min(moment.at, after.at)))
        as_of = min(as_of, datetime.fromtimestamp(moment.at, UTC))
    accounts = await _accounts(graph, scope, moment)

    def answer() -> Fans:
        return fans.fans_of(
            accounts,
            [fits.learned(each, *moment) for each in accounts],
            scope,
            asked,
            moment,
            as_of=as_of,
            limit=limit,
            after=after,
            zone_notes=time_zone_notes(time_zone),
        )

    return await asyncio.to_thread(answer)


async def fetch_cohorts(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    as_of: datetime,
    user_id: str | None = None,
    corrections: bool = True,
    time_zone: str = "UTC",
) -> Cohorts:
    """The fans that joined in each month that the window touches, and what they did up to the end of it."""
    scope = Scope.of(start_date, end_date, creator_id, user_id, time_zone, corrections)
    moment = Moment.of(scope.window, as_of, 0)
    accounts = await _accounts(graph, scope, moment)
    return await asyncio.to_thread(
        cohorts.cohorts_of, accounts, scope, moment, as_of=as_of, zone_notes=time_zone_notes(time_zone)
    )


async def fetch_of_fan(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    as_of: datetime,
    fan_id: str,
    group: str,
    user_id: str | None = None,
    corrections: bool = True,
    limit: int = 100,
    cursor: str | None = None,
) -> CountedConversations:
    """The conversations behind a number of a fan."""
    scope = Scope.of(start_date, end_date, creator_id, user_id, corrections=corrections)
    moment = Moment.of(scope.window, as_of, 0)
    accounts = await _accounts(graph, scope, moment)
    own = [each.named(fan_id) for each in accounts]
    return page(fans.counted(own, scope, moment, group), limit=limit, cursor=cursor)


async def _accounts(graph: Graph, scope: Scope, moment: Moment) -> list[AccountFans]:
    """The fans of each account, with all that was paid before the moment.

    Conversations are there that began later, too: a payment may belong to one.
    """
    reader = await Reader.open(graph, scope.creator_id, scope.user_id, corrections=scope.corrections)
    sales = Ask(SALES, 0, moment.at, ("chatId", "type", "date", "amount"))
    found = await reader.tables_by_account(Ask(PROFILES), Ask(ACTIVITY, 0, EVER), sales)
    return await asyncio.to_thread(
        lambda: [AccountFans.of(key, *own) for key, own in zip(reader.accounts, found, strict=True)]
    )
