"""Whatever came in whatever order: who answers, and when, is as defined.

From what came over the owner's memory and the graph to the answers, against `tests/oracle.py`.
"""

import asyncio
import tempfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.embedded import EmbeddedGraph
from graph.port import Graph
from insights.clock import DAYS
from insights.money import fetch_ppv
from insights.people import Terms
from insights.periods import Period
from insights.shifts import Roster, Shift, Shifts
from insights.team import About, fetch_beats, fetch_heatmap, fetch_people, fetch_worked
from insights.window import Window
from tests import oracle
from tests.feeds import START, feeds
from tests.insights.test_money_oracle import write
from tests.oracle import CREATOR, NOW, Call, Turn
from tests.test_oracle import Owner, Records
from wire.team import AnswerTimes, HeatFigures, TeamFigures

# The second one follows a window in which much happened.
WINDOWS = ((START - 86_400, START + 10 * 86_400), (START + 86_400, START + 2 * 86_400))
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu")
TARGET = 600.0

turns = st.lists(
    st.builds(
        Turn,
        name=st.sampled_from(("early", "late", "night")),
        person=st.sampled_from((None, "anna", "frida")),
        days=st.sampled_from(((0, 1, 2, 3, 4), (2, 3), (3, 4, 5), (6,))),
        start=st.sampled_from((0, 8 * 60, 13 * 60 + 30, 22 * 60)),
        end=st.sampled_from((0, 6 * 60, 13 * 60 + 30, 20 * 60)),
    ),
    max_size=3,
)
BUSINESS = Turn("open", None, (0, 1, 2, 3), 8 * 60 + 15, 20 * 60)


def hours(turn: Turn) -> str:
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (turn.start, turn.end))
    return ", ".join(f"{DAYS[day]} {start}-{end}" for day in turn.days)


def when(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def period(start: int, end: int) -> Period:
    return Period(Window(when(start), when(end)))


async def written(folder: str, feed: list[Call], cut: int) -> Graph:
    live = Owner(Records())
    graph = EmbeddedGraph(Path(folder))
    for revision, part in enumerate((feed[:cut], feed[cut:]), 1):
        await live.feed(part, together=False)
        await write(graph, live, revision)
    return graph


def times_agree(found: AnswerTimes, expected: list[float]) -> None:
    ordered = sorted(expected)
    assert found.n == len(ordered)
    if not ordered:
        assert found.median is found.p90 is found.within_target is None
        return
    assert found.median == pytest.approx(median(ordered))
    assert found.p90 == pytest.approx(ordered[ceil(len(ordered) * 0.9) - 1])
    assert found.within_target == pytest.approx(100 * sum(each <= TARGET for each in ordered) / len(ordered))


def agrees(found: TeamFigures, expected: dict[str, Any], zone: str) -> None:
    assert (found.messages, found.mass_messages) == (expected["messages"], expected["mass_messages"])
    times_agree(found.responses, [seconds for _, seconds in expected["responses"]])
    assert found.responses_in_hours is not None
    in_hours = [oracle.open_seconds(at, seconds, [BUSINESS], zone) for at, seconds in expected["responses"]]
    times_agree(found.responses_in_hours, in_hours)
    paid = [amount for amount in expected["sent"] if amount is not None]
    assert (found.ppv_sent, found.ppv_unlocked) == (len(expected["sent"]), len(paid))
    assert found.unlock_ratio == (len(paid) / len(expected["sent"]) if expected["sent"] else None)
    assert found.ppv_revenue == pytest.approx(sum(paid))
    assert found.sales == len(expected["sales"])
    assert found.revenue == pytest.approx(sum(expected["sales"]))


async def _people(feed: list[Call], cut: int, on: list[Turn], zone: str) -> None:
    roster = Roster(
        Shifts(
            time_zone=zone,
            shifts=[Shift(name=each.name, personId=each.person, hours=hours(each)) for each in on],
        )
    )

    async def rosters(accounts: Collection[str]) -> Mapping[str, Roster]:
        return dict.fromkeys(accounts, roster)

    terms = Terms.of(TARGET, hours(BUSINESS), zone)
    with tempfile.TemporaryDirectory() as folder:
        graph = await written(folder, feed, cut)
        for start, end in WINDOWS:
            about = About(creator_id=CREATOR)
            found = await fetch_people(
                period(start, end), about, graph=graph, as_of=when(NOW), terms=terms, rosters=rosters
            )
            now = oracle.people(feed, start, end, turns=on, zone=zone)
            before = oracle.people(feed, 2 * start - end, start, turns=on, zone=zone)
            for by in ("person", "shift"):
                rows = getattr(found, f"by_{by}")
                keys = {key for own in (now, before) for kind, key in own if kind == by}
                assert {row.key for row in rows} == keys
                for row in rows:
                    agrees(row.figures, now[by, row.key], zone)
                    agrees(row.previous, before[by, row.key], zone)
            agrees(found.total.figures, now["all", "all"], zone)
            for row in (found.total, *found.by_creator):
                assert (row.figures.messages, row.figures.sales) == (
                    now["all", "all"]["messages"],
                    len(now["all", "all"]["sales"]),
                )
            for row in (found.total, *found.by_person, *found.by_shift):
                for figures in (row.figures, row.previous):
                    await lists_agree(graph, figures, terms, rosters)
            ppv = await fetch_ppv(
                when(start), when(end), CREATOR, graph=graph, as_of=when(NOW), rosters=rosters
            )
            sent = {row.key: (row.sent, row.unlocked, row.messages_sent) for row in ppv.by_person}
            assert sent == {
                key: (len(own["sent"]), sum(each is not None for each in own["sent"]), messages)
                for (by, key), own in now.items()
                if by == "person" and ((messages := own["messages"] + own["mass_messages"]) or own["sent"])
            }
        await graph.close()


async def lists_agree(graph: Graph, figures: TeamFigures, terms: Terms, rosters: Any) -> None:
    """Every number lists exactly what it counts."""
    asked = dict(parse_qsl(figures.drill))
    window = Window(datetime.fromisoformat(asked["start_date"]), datetime.fromisoformat(asked["end_date"]))
    for group, number, amount in (
        ("messages", figures.messages, None),
        ("mass_messages", figures.mass_messages, None),
        ("responses", figures.responses.n, None),
        ("within_target", within(figures.responses), None),
        ("within_target_in_hours", within(figures.responses_in_hours), None),
        ("ppv_sent", figures.ppv_sent, None),
        ("ppv_unlocked", figures.ppv_unlocked, figures.ppv_revenue),
        ("sales", figures.sales, figures.revenue),
    ):
        behind = await fetch_worked(
            window,
            About(creator_id=CREATOR),
            graph=graph,
            terms=terms,
            by=asked["by"],
            key=asked["key"],
            group=group,
            rosters=rosters,
        )
        assert behind.counted == number
        assert sum(each.counted for each in behind.conversations) == number
        if amount is not None:
            assert (behind.amount or 0) == pytest.approx(amount)


def within(times: AnswerTimes | None) -> int:
    assert times is not None
    return round(times.n * (times.within_target or 0) / 100)


@settings(max_examples=25, deadline=None)
@given(feeds(), st.integers(0, 6), turns, st.sampled_from(ZONES))
def test_who_answers_is_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, on: list[Turn], zone: str
) -> None:
    asyncio.run(_people(feed, cut, on, zone))


def heat_agrees(found: HeatFigures, expected: dict[str, Any]) -> None:
    assert found.hours == pytest.approx(expected["minutes"] / 60)
    assert (found.fan_messages, found.responses) == (expected["fan_messages"], len(expected["responses"]))
    assert (found.sales, round(found.revenue, 6)) == (expected["sales"], round(expected["revenue"], 6))
    times = expected["responses"]
    assert found.response_median == (pytest.approx(median(times)) if times else None)
    if found.hours:
        assert found.fan_messages_per_hour == pytest.approx(found.fan_messages / found.hours)
        assert found.revenue_per_hour == pytest.approx(found.revenue / found.hours)
    else:
        assert found.fan_messages_per_hour is found.revenue_per_hour is None


async def _heatmap(feed: list[Call], cut: int, shift: int, zone: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        graph = await written(folder, feed, cut)
        for start, end in ((one + shift * 60, other + shift * 60) for one, other in WINDOWS):
            about = About(creator_id=CREATOR, time_zone=zone)
            found = await fetch_heatmap(period(start, end), about, graph=graph, as_of=when(NOW))
            now = oracle.heatmap(feed, start, end, zone)
            before = oracle.heatmap(feed, 2 * start - end, start, zone)
            assert {cell.hour for cell in found.cells} >= now.keys() | before.keys()
            for cell in found.cells:
                heat_agrees(cell.figures, now[cell.hour])
                heat_agrees(cell.previous, before[cell.hour])
            assert found.total.figures.fan_messages == sum(own["fan_messages"] for own in now.values())
            assert found.total.figures.hours == pytest.approx((end - start) / 3600)
            for cell in (found.total, *found.cells):
                for group in ("fan_messages", "responses", "sales"):
                    number = getattr(cell.figures, group)
                    if not number and cell is not found.total:
                        continue
                    behind = await fetch_beats(
                        period(start, end).window, about, graph=graph, hour=cell.hour, group=group
                    )
                    assert behind.counted == number
                if cell.figures.revenue:
                    behind = await fetch_beats(
                        period(start, end).window, about, graph=graph, hour=cell.hour, group="revenue"
                    )
                    assert behind.amount == pytest.approx(cell.figures.revenue)
        await graph.close()


@settings(max_examples=15, deadline=None)
@given(feeds(), st.integers(0, 6), st.sampled_from((0, 17)), st.sampled_from(ZONES))
def test_a_heatmap_is_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, shift: int, zone: str
) -> None:
    asyncio.run(_heatmap(feed, cut, shift, zone))


@pytest.mark.parametrize(
    ("day", "skipped", "twice"), [((2024, 3, 31), "Sun 02", None), ((2024, 10, 27), None, "Sun 02")]
)
async def test_a_heatmap_of_a_day_of_a_change_has_the_hours_that_clocks_showed(
    day: tuple[int, int, int], skipped: str | None, twice: str | None, tmp_path: Path
) -> None:
    graph = EmbeddedGraph(tmp_path)
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime(*day, tzinfo=berlin)
    window = Window(midnight, datetime(*day[:2], day[2], 23, 59, 59, tzinfo=berlin))
    about = About(creator_id=CREATOR, user_id="u1", time_zone="Europe/Berlin")
    found = await fetch_heatmap(Period(window), about, graph=graph, as_of=when(NOW))
    shown = {cell.hour: cell.figures.hours for cell in found.cells if cell.figures.hours}
    assert shown.get("Sun 02", 0) == (2 if twice else 0 if skipped else 1)
    assert shown["Sun 03"] == 1
    none_yet = next(cell for cell in found.cells if cell.hour == "Sun 02").figures
    assert (none_yet.fan_messages_per_hour is None) == (skipped is not None)
    await graph.close()
