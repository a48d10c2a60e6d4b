"""What callers ask of the graph about who answers and when: people, hours of the week, side by side.

As in `insights.queries`, `user_id` and `creator_id` say whose conversations are meant, InvalidInput names the
parameter that is wrong, and errors of the graph pass through. `rosters` tell who sent what does not say it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.port import Graph
from graph.traversals import OFFERED, SALES
from insights import heatmap, people
from insights.columns import Table
from insights.drill import Scope, page
from insights.heatmap import Beats
from insights.people import Acts, Terms, columns
from insights.periods import Period
from insights.queries import Reader
from insights.shifts import NO_SHIFTS, Roster, Rosters, no_rosters
from insights.tables import Ask
from insights.window import Window, parse_time_zone, time_zone_notes
from wire.payloads import CountedConversations
from wire.team import ComparedBy, ComparedColumn, Comparison, Heatmap, People

NO_WINDOWS: Final[Mapping[str, Period]] = {}


@dataclass(frozen=True, slots=True)
class About:
    """Whose conversations a question is about, in which zone, and whether as people have corrected them."""

    creator_id: str | None = None
    user_id: str | None = None
    time_zone: str = "UTC"
    corrections: bool = True

    def scope(self, window: Window) -> Scope:
        zone = parse_time_zone(self.time_zone).key
        return Scope(window, self.creator_id, self.user_id, zone, self.corrections)

    async def reader(self, graph: Graph) -> Reader:
        return await Reader.open(graph, self.creator_id, self.user_id, corrections=self.corrections)


async def fetch_people(
    period: Period,
    about: About,
    *,
    graph: Graph,
    as_of: datetime,
    terms: Terms,
    rosters: Rosters = no_rosters,
) -> People:
    """What each person and shift sent, answered and sold in the window, beside the period before."""
    reader = await about.reader(graph)
    told = await rosters(reader.accounts)
    now, before = await _Rows.read(reader, period.window, period.previous)
    return await asyncio.to_thread(  # of a long window it takes a while
        lambda: people.people(
            now.acts(told, terms),
            before.acts(told, terms),
            about.scope(period.window),
            about.scope(period.previous),
            reader.accounts,
            terms,
            as_of=as_of,
        )
    )


async def fetch_comparison(
    period: Period,
    about: About,
    by: ComparedBy,
    *,
    persons: Sequence[str] = (),
    windows: Mapping[str, Period] = NO_WINDOWS,
    graph: Graph,
    as_of: datetime,
    terms: Terms,
    rosters: Rosters = no_rosters,
) -> Comparison:
    """The figures of every creator, of these people (none named: all), or of windows by their names."""
    found: list[ComparedColumn] = []
    if by == "window":
        for name, each in windows.items():
            answer = await fetch_people(each, about, graph=graph, as_of=as_of, terms=terms, rosters=rosters)
            found += columns(answer, [answer.total.model_copy(update={"key": name})])
    else:
        answer = await fetch_people(period, about, graph=graph, as_of=as_of, terms=terms, rosters=rosters)
        rows = answer.by_creator if by == "creator" else answer.by_person
        found += columns(answer, [row for row in rows if not persons or row.key in persons])
    return Comparison(
        creatorId=about.creator_id,
        by=by,
        as_of=as_of,
        target=terms.target,
        business_hours=terms.text or None,
        business_time_zone=terms.zone.key if terms.hours else None,
        columns=found,
    )


async def fetch_heatmap(period: Period, about: About, *, graph: Graph, as_of: datetime) -> Heatmap:
    """Fan activity, response times and revenue by hour of the week, beside the period before."""
    reader = await about.reader(graph)
    now, before = await _Rows.read(reader, period.window, period.previous)
    return await asyncio.to_thread(
        lambda: heatmap.heatmap(
            now.beats(about),
            before.beats(about),
            about.scope(period.window),
            about.scope(period.previous),
            as_of=as_of,
            notes=time_zone_notes(about.time_zone),
        )
    )


async def fetch_worked(
    window: Window,
    about: About,
    *,
    graph: Graph,
    terms: Terms,
    by: str,
    key: str,
    group: str,
    rosters: Rosters = no_rosters,
    limit: int = 100,
    cursor: str | None = None,
) -> CountedConversations:
    """The conversations behind a number of `fetch_people`: of a person or shift, and a group."""
    reader = await about.reader(graph)
    told, (rows,) = await asyncio.gather(rosters(reader.accounts), _Rows.read(reader, window))
    return await asyncio.to_thread(
        lambda: page(
            people.counted(rows.acts(told, terms), by, key, group, terms), limit=limit, cursor=cursor
        )
    )


async def fetch_beats(
    window: Window,
    about: About,
    *,
    graph: Graph,
    hour: str,
    group: str,
    limit: int = 100,
    cursor: str | None = None,
) -> CountedConversations:
    """The conversations behind a number of `fetch_heatmap`: of an hour of the week or `all`, and a group."""
    reader = await about.reader(graph)
    (rows,) = await _Rows.read(reader, window)
    return await asyncio.to_thread(
        lambda: page(heatmap.counted(rows.beats(about), hour, group), limit=limit, cursor=cursor)
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What accounts (their keys) answered: conversations by their start, sales by their own time."""

    accounts: Sequence[str]
    answers: Sequence[Sequence[Table]]  # of each account to OFFERED and SALES

    @classmethod
    async def read(cls, reader: Reader, *windows: Window) -> "list[_Rows]":
        """What is answered for each window, all of it of one moment."""
        asks = [Ask(each, *window.seconds) for window in windows for each in (OFFERED, SALES)]
        found = await reader.tables_by_account(*asks)
        return [cls(reader.accounts, [own[n : n + 2] for own in found]) for n in range(0, len(asks), 2)]

    def acts(self, rosters: Mapping[str, Roster], terms: Terms) -> Acts:
        return Acts.read(
            [
                (key, offered, sales, rosters.get(key, NO_SHIFTS))
                for key, (offered, sales) in zip(self.accounts, self.answers, strict=True)
            ],
            terms,
        )

    def beats(self, about: About) -> Beats:
        return Beats.read(
            [
                (key, offered, sales)
                for key, (offered, sales) in zip(self.accounts, self.answers, strict=True)
            ],
            parse_time_zone(about.time_zone),
        )
