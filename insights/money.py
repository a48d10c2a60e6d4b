"""What callers ask of the graph about money: which conversations a sale follows, and what becomes of offers.

As in `insights.queries`, dates are aware and of a half-open window, `user_id` and `creator_id` say whose
conversations are meant, InvalidInput names the parameter that is wrong, and errors of the graph pass through.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from graph.port import Graph
from graph.traversals import DISCUSSED, FAN_CONVERSATIONS, OFFERED, SALES, TARGETS, USED
from insights import conversion, ppv
from insights.conversion import AccountTables, Factor, Observed, observe
from insights.drill import Scope, page
from insights.queries import Reader
from insights.shifts import NO_SHIFTS, Rosters, no_rosters
from insights.tables import Ask
from insights.window import time_zone_notes
from wire.payloads import Conversion, CountedConversations, FactorKind, PpvFunnel

KINDS: Final[tuple[FactorKind, ...]] = ("topic", "action", "pair")
MIN_SAMPLE: Final = 20  # conversations of each of two groups
_LINKS: Final[Mapping[FactorKind, str]] = {"topic": DISCUSSED, "action": USED, "pair": TARGETS}


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
    start, end = scope.window.seconds
    seconds = round(attribution * 3600)
    linked = [kind for kind in KINDS if kind in kinds]
    window = [Ask(each, start, end) for each in (FAN_CONVERSATIONS, *(_LINKS[kind] for kind in linked))]
    first = await reader.tables_by_account(*window)
    # A sale can follow a conversation of the window until then, and later conversations can have it instead.
    last = max((int(own[0].numbers("endDate").max(initial=start)) for own in first), default=start)
    until = max(end, last + seconds + 1)
    second = await reader.tables_by_account(Ask(FAN_CONVERSATIONS, end, until), Ask(SALES, start, until))
    return await asyncio.to_thread(
        observe,
        [
            AccountTables(account, conversations, later, sales, dict(zip(linked, links, strict=True)))
            for account, (conversations, *links), (later, sales) in zip(
                reader.accounts, first, second, strict=True
            )
        ],
        kinds=kinds,
        zone=scope.zone,
        attribution=seconds,
        as_of=int(as_of.timestamp()),
    )


async def _sent(graph: Graph, scope: Scope, rosters: Rosters) -> ppv.Sent:
    reader = await Reader.open(graph, scope.creator_id, scope.user_id, corrections=scope.corrections)
    found, told = await asyncio.gather(
        reader.tables_by_account(Ask(OFFERED, *scope.window.seconds)), rosters(reader.accounts)
    )
    return await asyncio.to_thread(
        ppv.Sent.of,
        [
            (account, own, told.get(account, NO_SHIFTS))
            for account, (own,) in zip(reader.accounts, found, strict=True)
        ],
    )
