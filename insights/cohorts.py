"""Fans by the month in which they joined: who stays, and what they bring. Pure; docs/metrics.md."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import fsum
from typing import Final

from insights.drill import Scope
from insights.fan_history import FanHistory
from insights.fans import Moment, is_known
from insights.months import month_of, months_between, window_of
from wire.fans import Cohort, CohortMonth, Cohorts

CAUTION: Final = (
    "Small cohorts jump: one fan of ten is ten percent. A month that is not complete has had less time. "
    "Fans who joined anew count from when the platform says they subscribed, and what came before that month "
    "is in no number of a cohort."
)


def cohorts_of(
    accounts: Mapping[str, Sequence[FanHistory]],
    scope: Scope,
    moment: Moment,
    *,
    as_of: datetime,
    zone_notes: list[str],
) -> Cohorts:
    """The cohorts of all months that the window touches."""
    zone = scope.zone
    end = min(scope.window.end_second, moment.at)
    touched = set()
    if scope.window.start_second < end:
        touched = set(months_between(month_of(scope.window.start_second, zone), month_of(end - 1, zone)))
    there = [fan for own in accounts.values() for fan in own if is_known(fan, moment.at)]
    joined: defaultdict[str, list[FanHistory]] = defaultdict(list)
    for fan in there:
        if fan.joined is not None and fan.joined < moment.at:
            joined[month_of(fan.joined, zone)].append(fan)
    return Cohorts(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        cohorts=[
            _cohort(month, joined[month], scope, moment, as_of) for month in sorted(touched & joined.keys())
        ],
        unknown=sum(fan.joined is None for fan in there),
        caution=CAUTION,
        notes=zone_notes,
    )


def _cohort(month: str, fans: Sequence[FanHistory], scope: Scope, moment: Moment, as_of: datetime) -> Cohort:
    last = month_of(moment.at - 1, scope.zone)
    return Cohort(
        month=month,
        fans=len(fans),
        months=[_month(each, month, fans, scope, moment) for each in months_between(month, last)],
        drill=scope.query(cohort=month, as_of=as_of.isoformat()),
    )


def _month(month: str, cohort: str, fans: Sequence[FanHistory], scope: Scope, moment: Moment) -> CohortMonth:
    window = window_of(month, scope.zone)
    start, end = window.start_second, min(window.end_second, moment.at)
    active = sum(fan.acts_in(start, end) for fan in fans)
    revenue = fsum(payment.amount for fan in fans for payment in fan.payments_in(start, end))
    # The window of the question may end in the month: the list is as of that moment, too.
    up_to = datetime.fromtimestamp(moment.at, UTC)
    own = Scope(window, scope.creator_id, scope.user_id, scope.time_zone)
    return CohortMonth(
        month=month,
        active=active,
        retention=active / len(fans),
        revenue=revenue,
        revenue_per_fan=revenue / len(fans),
        complete=window.end_second <= moment.at,
        drill=own.query(cohort=cohort, active="true", as_of=up_to.isoformat()),
    )
