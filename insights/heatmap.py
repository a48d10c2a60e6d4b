"""When fans write, are answered and pay, by hour of the week. Pure; definitions in docs/metrics.md.

Hours are those that clocks show in a zone. Every number is a sum over the beats that its drill-down lists.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from math import fsum
from typing import Final, Literal, NamedTuple, get_args

from graph.said import read_answers, read_said
from graph.traversals import NamedRow, OfferedRow, SaleRow
from insights.clock import HOUR, HOURS_OF_WEEK, exposure, hour_of_week_at
from insights.conversion import SALES
from insights.drill import Counted, Scope
from insights.metrics import median
from insights.ordered import Ordered
from insights.window import Window, invalid, parse_time_zone
from wire.team import HeatCell, HeatFigures, Heatmap

Group = Literal["fan_messages", "responses", "sales", "revenue"]
_ALL: Final = "all"


class Beat(NamedTuple):
    """Something that happened in a conversation of an account (its key); `place` is among HOURS_OF_WEEK."""

    account: str
    row: NamedRow
    place: int
    kind: Group
    value: float = 0.0  # seconds until an answer; dollars of revenue


def beats(
    account: str, offered: Iterable[OfferedRow], sales: Iterable[SaleRow], zone: tzinfo
) -> Iterator[Beat]:
    """What happened in the conversations of a window, and what was paid in it."""
    for row in offered:
        if not row["conversation"]:  # an older schema wrote it
            continue
        for said in read_said(row["said"]):
            if said.kind == "fan":
                yield Beat(account, row, hour_of_week_at(int(said.at), zone), "fan_messages")
        for answer in read_answers(row["answers"]):
            yield Beat(account, row, hour_of_week_at(answer.asked_at, zone), "responses", answer.seconds)
    for sale in sales:
        if sale["conversation"]:
            place = hour_of_week_at(sale["date"], zone)
            if sale["amount"]:
                yield Beat(account, sale, place, "revenue", sale["amount"])
            if sale["type"] in SALES:
                yield Beat(account, sale, place, "sales", sale["amount"])


def heatmap(
    now: Iterable[Beat],
    before: Iterable[Beat],
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


def counted(beats: Iterable[Beat], hour: str, group: str) -> list[Counted]:
    """The conversations that a number of `heatmap` counts. InvalidInput when there is no such number."""
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    if hour not in (_ALL, *HOURS_OF_WEEK):
        raise invalid("hour", "must be `all` or an hour of the week, such as Mon 14")
    rows: dict[tuple[str, str], NamedRow] = {}
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for beat in beats:
        if beat.kind == group and hour in (_ALL, HOURS_OF_WEEK[beat.place]):
            rows[beat.account, beat.row["conversation"]] = beat.row
            found[beat.account, beat.row["conversation"]].append(beat.value)
    has_money = group in ("sales", "revenue")
    return [
        Counted(account, rows[account, id], len(values), fsum(values) if has_money else None)
        for (account, id), values in found.items()
    ]


def _figures(beats: Iterable[Beat], window: Window, zone: tzinfo) -> list[HeatFigures]:
    """Of each hour of the week, and last of all."""
    of: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    whole = len(HOURS_OF_WEEK)
    for beat in beats:
        of[beat.place, beat.kind].append(beat.value)
        of[whole, beat.kind].append(beat.value)
    seconds = exposure(window.start_second, window.end_second, zone)
    return [
        _cell(*(of.get((place, kind), ()) for kind in get_args(Group)), hours=each / HOUR)
        for place, each in enumerate((*seconds, sum(seconds)))
    ]


def _cell(
    fan_messages: Sequence[float],
    responses: Sequence[float],
    sales: Sequence[float],
    revenue: Sequence[float],
    *,
    hours: float,
) -> HeatFigures:
    paid = fsum(revenue)
    return HeatFigures(
        hours=hours,
        fan_messages=len(fan_messages),
        fan_messages_per_hour=len(fan_messages) / hours if hours else None,
        responses=len(responses),
        response_median=median(Ordered("d", responses)),
        sales=len(sales),
        revenue=paid,
        revenue_per_hour=paid / hours if hours else None,
    )
