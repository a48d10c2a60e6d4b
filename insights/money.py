"""What callers ask of the graph about money: which conversations a sale follows, and what becomes of offers.

As in `insights.queries`, dates are aware and of a half-open window, `user_id` and `creator_id` say whose
conversations are meant, InvalidInput names the parameter that is wrong, and errors of the graph pass through.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from graph.port import Graph
from graph.traversals import DISCUSSED, FAN_CONVERSATIONS, OFFERED, SALES, TARGETS, USED
from insights import conversion, ppv
from insights.conversion import AccountRows, Factor, Observed, observe
from insights.drill import Scope, page
from insights.ppv import sent_by
from insights.queries import Reader
from insights.shifts import NO_SHIFTS, Rosters, no_rosters
from insights.window import parse_time_zone, time_zone_notes
from wire.payloads import Conversion, CountedConversations, FactorKind, PpvFunnel

KINDS: Final[tuple[FactorKind, ...]] = ("topic", "action", "pair")
MIN_SAMPLE: Final = 20  # conversations of each of two groups
_LINKS: Final = {"topic": DISCUSSED, "action": USED, "pair": TARGETS}


async def fetch_conversion(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    as_of: datetime,
    attribution: float,
    user_id: str | None = None,
    corrections: bool = True,
    time_zone: str = "UTC",
    kinds: Collection[FactorKind] = KINDS,
    min_sample: int = MIN_SAMPLE,
) -> Conversion:
    """Of every topic, action, pair of both, price band or hour (`kinds`): do sales follow it more often?

    `attribution` is in hours. Below `min_sample` conversations with it, or without, there is no lift.
    `as_of` is up to when the graph has everything.
    """
    scope = Scope.of(start_date, end_date, creator_id, user_id, time_zone, corrections)
    observed = await _observe(graph, scope, kinds, attribution, as_of)
    return await asyncio.to_thread(  # of a long window it takes a while
        conversion.conversion,
        observed,
        scope,
        attribution=attribution,
        min_sample=min_sample,
        as_of=as_of,
        notes=time_zone_notes(time_zone),
    )


async def fetch_ppv(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    as_of: datetime,
    user_id: str | None = None,
    corrections: bool = True,
    rosters: Rosters = no_rosters,
) -> PpvFunnel:
    """The pay-per-view offers of the window's conversations, and what became of them up to `as_of`."""
    scope = Scope.of(start_date, end_date, creator_id, user_id, corrections=corrections)
    sent = await _sent(graph, scope, rosters)
    return await asyncio.to_thread(ppv.ppv_funnel, sent, scope, as_of=as_of)


async def fetch_converted(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    as_of: datetime,
    attribution: float,
    factor: Factor | None,
    group: str,
    user_id: str | None = None,
    corrections: bool = True,
    time_zone: str = "UTC",
    limit: int = 100,
    cursor: str | None = None,
) -> CountedConversations:
    """The conversations behind a number of `fetch_conversion`: of a factor (None: of all), and a group."""
    scope = Scope.of(start_date, end_date, creator_id, user_id, time_zone, corrections)
    if factor is not None:
        factor.check()
    observed = await _observe(graph, scope, (factor.kind,) if factor else (), attribution, as_of)
    return page(conversion.counted(observed, factor, group), limit=limit, cursor=cursor)


async def fetch_offered(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    by: str,
    key: str,
    group: str,
    user_id: str | None = None,
    corrections: bool = True,
    limit: int = 100,
    cursor: str | None = None,
    rosters: Rosters = no_rosters,
) -> CountedConversations:
    """The conversations behind a number of `fetch_ppv`: of some offers, and a group."""
    scope = Scope.of(start_date, end_date, creator_id, user_id, corrections=corrections)
    return page(ppv.counted(await _sent(graph, scope, rosters), by, key, group), limit=limit, cursor=cursor)


async def _observe(
    graph: Graph, scope: Scope, kinds: Collection[FactorKind], attribution: float, as_of: datetime
) -> Observed:
    reader = await Reader.open(graph, scope.creator_id, scope.user_id, corrections=scope.corrections)
    start, end = scope.window.start_second, scope.window.end_second
    seconds = round(attribution * 3600)

    async def links(kind: FactorKind) -> Sequence[Sequence[Any]]:
        if kind not in kinds:
            return [()] * len(reader.accounts)
        return await reader.rows_by_account(_LINKS[kind], start=start, end=end)

    conversations, discussed, used, targets = await asyncio.gather(
        reader.rows_by_account(FAN_CONVERSATIONS, start=start, end=end),
        *map(links, KINDS),
    )
    # A sale can follow a conversation of the window until then, and later conversations can have it instead.
    last = max((row["endDate"] for rows in conversations for row in rows), default=start)
    until = max(end, last + seconds + 1)
    later, sales = await asyncio.gather(
        reader.rows_by_account(FAN_CONVERSATIONS, start=end, end=until),
        reader.rows_by_account(SALES, start=start, end=until),
    )
    columns = (reader.accounts, conversations, later, sales, discussed, used, targets)
    return await asyncio.to_thread(
        observe,
        (AccountRows(*rows) for rows in zip(*columns, strict=True)),
        kinds=kinds,
        zone=parse_time_zone(scope.time_zone),
        attribution=seconds,
        as_of=int(as_of.timestamp()),
    )


async def _sent(graph: Graph, scope: Scope, rosters: Rosters) -> list[ppv.Sent]:
    reader = await Reader.open(graph, scope.creator_id, scope.user_id, corrections=scope.corrections)
    window = {"start": scope.window.start_second, "end": scope.window.end_second}
    rows, told = await asyncio.gather(reader.rows_by_account(OFFERED, **window), rosters(reader.accounts))
    return await asyncio.to_thread(
        lambda: [
            sent
            for account, own in zip(reader.accounts, rows, strict=True)
            for sent in sent_by(account, own, told.get(account, NO_SHIFTS))
        ]
    )
