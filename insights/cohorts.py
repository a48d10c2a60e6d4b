"""Fans by the month in which they joined: who stays, and what they bring. Pure; docs/metrics.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import fsum
from typing import Final

import numpy as np

from insights.columns import NOT_KNOWN, Numbers, Table, grouped, spans, without_repeats
from insights.drill import Scope
from insights.fan_history import AccountFans
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
    joined = [each.profiles.numbers("joinDate") for each in accounts]
    first = min((int(each[each != NOT_KNOWN].min(initial=moment.at)) for each in joined), default=moment.at)
    found: list[Cohort] = []
    if start < end and first < moment.at:
        begin, finish = month_of(max(start, first), zone), month_of(end - 1, zone)
        months = list(months_between(begin, month_of(moment.at - 1, zone)))
        windows = [window_of(month, zone) for month in months]
        cells = _Cells.of(accounts, joined, windows, moment.at)
        for row, place in enumerate(cells.cohorts):
            if months[place] <= finish:
                found.append(_cohort(row, place, months, windows, cells, scope, moment, as_of))
    return Cohorts(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        cohorts=found,
        unknown=sum(int((each == NOT_KNOWN).sum()) for each in joined),
        caution=CAUTION,
        notes=zone_notes,
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Of the cohort of each month in which somebody joined its fans; and who acted, and what was paid.

    Acts and payments are by months, those before the cohort's among them, in which there are none.
    """

    cohorts: list[int]  # places of the months
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

        begun = [np.where((each != NOT_KNOWN) & (each < at), month(each), -1) for each in joined]
        fans = sum((np.bincount(each[each >= 0], minlength=n) for each in begun), np.zeros(n, np.int64))
        places = np.flatnonzero(fans)
        rows = np.full(n, -1, np.int64)
        rows[places] = np.arange(len(places))
        size = len(places) * n
        active = np.zeros(size, np.int64)
        paid: list[list[float]] = [[] for _ in range(size)]
        for account, cohort in zip(accounts, begun, strict=True):
            payments = account.payments.where(account.payments.numbers("date") >= bounds[0])
            paid_by, paid_in = payments.numbers("fan"), month(payments.numbers("date"))
            fan, acted = _acts(account.talks, month, at)
            acts = without_repeats(_cell(np.append(fan, paid_by), np.append(acted, paid_in), n))
            own, when = cohort[acts // n], acts % n
            kept = (own >= 0) & (when >= own)
            active += np.bincount(_cell(rows[own[kept]], when[kept], n), minlength=size)
            own = cohort[paid_by]
            kept = (own >= 0) & (paid_in >= own)
            amounts = payments.numbers("amount")[kept]
            for cell, inside in enumerate(grouped(_cell(rows[own[kept]], paid_in[kept], n), size)):
                paid[cell] += amounts[inside].tolist()
        return cls(
            places.tolist(),
            fans[places].tolist(),
            active.reshape(-1, n).tolist(),
            [[fsum(paid[row * n + cell]) for cell in range(n)] for row in range(len(places))],
        )


def _cell(row: Numbers, column: Numbers, n: int) -> Numbers:
    found: Numbers = row * n + column
    return found


def _acts(talks: Table, month: Callable[[Numbers], Numbers], at: int) -> tuple[Numbers, Numbers]:
    """Fans, and months in which they wrote: in between the first and last time they count as writing."""
    first, last = talks.numbers("firstFanDate"), talks.numbers("lastFanDate")
    wrote = (first != NOT_KNOWN) & (first < at)
    begin, finish = month(first[wrote]), month(np.minimum(last[wrote], at - 1))
    inside = finish >= 0  # others wrote before the first of the months
    begin, finish = np.maximum(begin[inside], 0), finish[inside]
    lengths = finish - begin + 1
    return np.repeat(talks.numbers("fan")[wrote][inside], lengths), spans(begin, lengths)


def _cohort(
    row: int,
    place: int,
    months: Sequence[str],
    windows: Sequence[Window],
    cells: _Cells,
    scope: Scope,
    moment: Moment,
    as_of: datetime,
) -> Cohort:
    fans, cohort = cells.fans[row], months[place]
    # The window of the question may end in a month: the list is as of that moment, too.
    up_to = datetime.fromtimestamp(moment.at, UTC).isoformat()
    found: list[CohortMonth] = []
    for each in range(place, len(months)):
        own = replace(scope, window=windows[each])
        active, revenue = cells.active[row][each], cells.revenue[row][each]
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
