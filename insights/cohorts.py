"""Fans by the month in which they joined: who stays, and what they bring. Pure; docs/metrics.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import fsum
from typing import Final

import numpy as np

from insights.columns import Numbers, Table, grouped, spans, without_repeats
from insights.drill import Scope
from insights.fan_history import PAYMENTS, AccountFans
from insights.fans import Moment
from insights.months import month_of, months_between, window_of
from insights.window import Window
from wire.fans import Cohort, CohortMonth, Cohorts

CAUTION: Final = (
    "Small cohorts jump: one fan of ten is ten percent. A month that is not complete has had less time. "
    "Fans who joined anew count from when the platform says they subscribed, and what came before that month "
    "is in no number of a cohort."
)


def cohorts_of(
    accounts: Sequence[AccountFans],
    scope: Scope,
    moment: Moment,
    *,
    as_of: datetime,
    zone_notes: list[str],
) -> Cohorts:
    """The cohorts of all months that the window touches."""
    zone, start = scope.zone, scope.window.start_second
    end = min(scope.window.end_second, moment.at)
    joined = [each.profiles.numbers("joinDate") for each in accounts]  # 0: nobody knows
    found: list[Cohort] = []
    if start < end:
        touched = list(months_between(month_of(start, zone), month_of(end - 1, zone)))
        months = list(months_between(touched[0], month_of(moment.at - 1, zone)))
        windows = [window_of(month, zone) for month in months]
        cells = _Cells.of(accounts, joined, windows, moment.at)
        for place in range(len(touched)):
            if cells.fans[place]:
                found.append(_cohort(place, months, windows, cells, scope, moment, as_of))
    return Cohorts(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        cohorts=found,
        unknown=sum(int((each == 0).sum()) for each in joined),
        caution=CAUTION,
        notes=zone_notes,
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Of the cohort of each month its fans; and of these in each month who acted, and what was paid."""

    fans: list[int]
    active: list[list[int]]
    revenue: list[list[float]]

    @classmethod
    def of(
        cls, accounts: Sequence[AccountFans], joined: Sequence[Numbers], windows: Sequence[Window], at: int
    ) -> "_Cells":
        """`joined` are epoch seconds of each account's fans; what lies from `at` on is left out."""
        n = len(windows)
        bounds = np.array([*(window.start_second for window in windows), windows[-1].end_second])

        def month(seconds: Numbers) -> Numbers:
            return np.searchsorted(bounds, seconds, side="right") - 1

        fans = np.zeros(n, np.int64)
        active = np.zeros(n * n, np.int64)
        paid: list[list[float]] = [[] for _ in range(n * n)]
        for account, since in zip(accounts, joined, strict=True):
            cohort = np.where((since != 0) & (since < at), month(since), -1)
            fans += np.bincount(cohort[cohort >= 0], minlength=n)
            payments = account.outcomes.where(account.outcomes.coded("type").is_any(PAYMENTS))
            payments = payments.where(payments.numbers("date") >= bounds[0])
            paid_by, paid_in = payments.numbers("fan"), month(payments.numbers("date"))
            fan, acted = _acts(account.talks, month, at)
            acts = without_repeats(_cell(np.append(fan, paid_by), np.append(acted, paid_in), n))
            own, when = cohort[acts // n], acts % n
            kept = (own >= 0) & (when >= own)
            active += np.bincount(_cell(own, when, n)[kept], minlength=n * n)
            own = cohort[paid_by]
            kept = (own >= 0) & (paid_in >= own)
            amounts = payments.numbers("amount")[kept]
            for cell, places in enumerate(grouped(_cell(own[kept], paid_in[kept], n), n * n)):
                paid[cell] += amounts[places].tolist()
        return cls(
            fans.tolist(),
            active.reshape(n, n).tolist(),
            [[fsum(paid[row * n + cell]) for cell in range(n)] for row in range(n)],
        )


def _cell(row: Numbers, column: Numbers, n: int) -> Numbers:
    found: Numbers = row * n + column
    return found


def _acts(talks: Table, month: Callable[[Numbers], Numbers], at: int) -> tuple[Numbers, Numbers]:
    """Fans, and months in which they wrote: in between the first and last time they count as writing."""
    first, last = talks.numbers("firstFanDate"), talks.numbers("lastFanDate")
    wrote = (first != 0) & (first < at)
    begin, finish = month(first[wrote]), month(np.minimum(last[wrote], at - 1))
    inside = finish >= 0  # others wrote before the first of the months
    begin, finish = np.maximum(begin[inside], 0), finish[inside]
    lengths = finish - begin + 1
    return np.repeat(talks.numbers("fan")[wrote][inside], lengths), spans(begin, lengths)


def _cohort(
    place: int,
    months: Sequence[str],
    windows: Sequence[Window],
    cells: _Cells,
    scope: Scope,
    moment: Moment,
    as_of: datetime,
) -> Cohort:
    fans, cohort = cells.fans[place], months[place]
    # The window of the question may end in a month: the list is as of that moment, too.
    up_to = datetime.fromtimestamp(moment.at, UTC).isoformat()
    found: list[CohortMonth] = []
    for each in range(place, len(months)):
        own = Scope(windows[each], scope.creator_id, scope.user_id, scope.time_zone)
        active, revenue = cells.active[place][each], cells.revenue[place][each]
        found.append(
            CohortMonth(
                month=months[each],
                active=active,
                retention=active / fans,
                revenue=revenue,
                revenue_per_fan=revenue / fans,
                complete=windows[each].end_second <= moment.at,
                drill=own.query(cohort=cohort, active="true", as_of=up_to),
            )
        )
    drill = scope.query(cohort=cohort, as_of=as_of.isoformat())
    return Cohort(month=cohort, fans=fans, months=found, drill=drill)
