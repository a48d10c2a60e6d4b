"""When fans write, are answered and pay, by hour of the week. Pure; definitions in docs/metrics.md.

Hours are those that clocks show in a zone. Every number is a sum over the beats that its drill-down lists.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import fsum
from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from insights.clock import HOUR, HOURS_OF_WEEK, exposure
from insights.columns import Numbers, Table, grouped
from insights.conversion import SALES
from insights.drill import Counted, Scope, counted_rows, same_conversation
from insights.instants import hours_of_week
from insights.metrics import median
from insights.ordered import Sorted
from insights.window import Window, invalid, parse_time_zone
from wire.team import HeatCell, HeatFigures, Heatmap

Group = Literal["fan_messages", "responses", "sales", "revenue"]
_ALL: Final = "all"


class Beat(NamedTuple):
    """Things of one kind that happened: the hour of the week of each, what it is worth, and where it is."""

    hours: Numbers  # places among HOURS_OF_WEEK
    values: Numbers  # seconds until an answer; dollars of what was paid
    places: Numbers  # of the conversation among those of all accounts, or of the sale among theirs


@dataclass(frozen=True, slots=True)
class Beats:
    """What happened in accounts (their keys), in the conversations of a window, and what was paid in it."""

    conversations: Sequence[tuple[str, Table]]
    sales: Sequence[tuple[str, Table]]
    of: Mapping[Group, Beat]

    @classmethod
    def read(cls, accounts: Iterable[tuple[str, Table, Table]], zone: tzinfo) -> "Beats":
        """From what accounts answered to OFFERED and SALES; what an older schema wrote has no name."""
        found: defaultdict[Group, list[Beat]] = defaultdict(list)
        conversations: list[tuple[str, Table]] = []
        sales: list[tuple[str, Table]] = []
        first = first_sale = 0
        for account, offered, sold in accounts:
            own = offered.where(offered.coded("conversation").are_named)
            said, answers = own.nested("said"), own.nested("answers")
            by_fans = said.table.coded("kind").is_any(["fan"])
            fans, asked = said.table.numbers("at")[by_fans], answers.table.numbers("askedAt")
            found["fan_messages"].append(
                Beat(hours_of_week(fans, zone), np.zeros(len(fans)), said.parents[by_fans] + first)
            )
            seconds = answers.table.numbers("seconds")
            found["responses"].append(Beat(hours_of_week(asked, zone), seconds, answers.parents + first))
            named = sold.where(sold.coded("conversation").are_named)
            hours, amounts = hours_of_week(named.numbers("date"), zone), named.numbers("amount")
            places = same_conversation(named) + first_sale
            paid, are_sales = amounts != 0, named.coded("type").is_any(SALES)
            found["revenue"].append(Beat(hours[paid], amounts[paid], places[paid]))
            found["sales"].append(Beat(hours[are_sales], amounts[are_sales], places[are_sales]))
            conversations.append((account, own))
            sales.append((account, named))
            first, first_sale = first + len(own), first_sale + len(named)
        return cls(conversations, sales, {kind: _joined(found[kind]) for kind in get_args(Group)})


def _joined(beats: Sequence[Beat]) -> Beat:
    nothing = np.zeros(0, np.int64)
    return (
        Beat(*(np.concatenate([nothing, *parts]) for parts in zip(*beats, strict=True)))
        if beats
        else Beat(nothing, nothing, nothing)
    )


def heatmap(
    now: Beats,
    before: Beats,
    scope: Scope,
    previous: Scope,
    *,
    as_of: datetime,
    notes: list[str],
) -> Heatmap:
    """Each hour of the week in the zone of `scope`, beside the period before."""
    zone = parse_time_zone(scope.time_zone)
    found, earlier = (_figures(own, of.window, zone) for own, of in ((now, scope), (before, previous)))
    cells = [
        HeatCell(hour=hour, figures=figures, previous=other)
        for hour, figures, other in zip((*HOURS_OF_WEEK, _ALL), found, earlier, strict=True)
    ]
    return Heatmap(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        previousStartDate=previous.window.start,
        previousEndDate=previous.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        total=cells[-1],
        cells=cells[:-1],
        drill=scope.drill("heatmap"),
        previous_drill=previous.drill("heatmap"),
        notes=notes,
    )


def counted(beats: Beats, hour: str, group: str) -> list[Counted]:
    """The conversations that a number of `heatmap` counts. InvalidInput when there is no such number."""
    kind = next((each for each in get_args(Group) if each == group), None)
    if kind is None:
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    if hour not in (_ALL, *HOURS_OF_WEEK):
        raise invalid("hour", "must be `all` or an hour of the week, such as Mon 14")
    hours, values, places = beats.of[kind]
    chosen = np.full(len(hours), True) if hour == _ALL else hours == HOURS_OF_WEEK.index(hour)
    if kind in ("sales", "revenue"):
        return counted_rows(beats.sales, places[chosen], values[chosen])
    return counted_rows(beats.conversations, places[chosen])


def _figures(beats: Beats, window: Window, zone: tzinfo) -> list[HeatFigures]:
    """Of each hour of the week, and last of all."""
    whole = len(HOURS_OF_WEEK)
    seconds = exposure(window.start_second, window.end_second, zone)
    counts = {
        kind: [*np.bincount(own.hours, minlength=whole).tolist(), len(own.hours)]
        for kind, own in beats.of.items()
    }
    responses, revenue = beats.of["responses"], beats.of["revenue"]
    times = [*(responses.values[own] for own in grouped(responses.hours, whole)), responses.values]
    paid = [*(revenue.values[own] for own in grouped(revenue.hours, whole)), revenue.values]
    return [
        _cell(
            counts["fan_messages"][place],
            counts["sales"][place],
            Sorted(times[place]),
            fsum(paid[place].tolist()),
            each / HOUR,
        )
        for place, each in enumerate((*seconds, sum(seconds)))
    ]


def _cell(fan_messages: int, sales: int, times: Sorted, paid: float, hours: float) -> HeatFigures:
    return HeatFigures(
        hours=hours,
        fan_messages=fan_messages,
        fan_messages_per_hour=fan_messages / hours if hours else None,
        responses=len(times),
        response_median=median(times),
        sales=sales,
        revenue=paid,
        revenue_per_hour=paid / hours if hours else None,
    )
