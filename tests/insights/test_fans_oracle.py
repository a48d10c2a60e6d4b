"""Whatever came in whatever order: what fans are worth, how they stand, and cohorts are as defined.

From what came over the owner's memory and the graph to the answers, against `tests/oracle_fans.py`.
"""

import asyncio
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import DropOlder
from graph.port import Graph
from insights.fan_queries import fetch_cohorts, fetch_fans, fetch_of_fan
from insights.fans import Asked
from insights.risk import Fits
from tests import oracle_fans
from tests.feeds import START, feeds
from tests.insights.test_money_oracle import ZONES, enriched, when
from tests.oracle import CREATOR, NOW, Call
from tests.test_oracle import Owner, Records
from wire.fans import FanInsight, Fans

DAY = 86_400
WINDOWS = (
    (0, NOW * 10),
    (START + 3600, START + 86_400),
    (START - 40 * DAY, START + 60),
    (NOW + DAY, NOW + 9 * DAY),
)
NUMBERS = {
    "conversations": ("conversations", None),
    "sales": ("sales", "value"),
    "payments": ("payments", "revenue"),
    "lifetime_sales": ("lifetime_sales", "lifetime_value"),
    "mood": ("mood_n", None),
    "mood_before": ("mood_before_n", None),
}


async def write(graph: Graph, owner: Owner, revision: int) -> None:
    builder = GraphBuilder("u1", CREATOR, revision)
    for node in enriched(owner):
        chat = owner.cache.get(CREATOR, node.chat_id)
        assert chat is not None
        said = {
            m.id for each in chat.conversations if each.id == node.id for m in each.messages if m.is_direct
        }
        by_fan = [id for id in said if chat.messages[id].direction == "fan"]
        scores = [score for id in by_fan if (score := oracle_fans.felt(id)) is not None]
        found = replace(node, sentiment_sum=sum(scores), sentiment_count=len(scores))
        await graph.apply(builder.build_graph(found, found.fan_id))
    for each in owner.cache.of(CREATOR):
        await graph.apply(builder.build_fan(each.fan_state()))
    await graph.apply([builder.build_account(), DropOlder(builder.pk, revision)])


def told(fan: FanInsight) -> dict[str, Any]:
    found = {}
    for name, value in fan.model_dump(exclude={"userId", "creatorId", "fanId", "chatId", "drill"}).items():
        if not name.startswith("risk"):
            found[name] = int(value.timestamp()) if isinstance(value, datetime) else value
    return found | {"segments": " ".join(fan.segments)}


def asked_again(drill: str) -> tuple[tuple[datetime, datetime], dict[str, Any]]:
    query: dict[str, Any] = dict(parse_qsl(drill))
    span = datetime.fromisoformat(query["start_date"]), datetime.fromisoformat(query["end_date"])
    return span, query


async def listed(graph: Graph, drill: str) -> Fans:
    span, query = asked_again(drill)
    active = {"true": True, "false": False, None: None}[query.get("active")]
    return await fetch_fans(
        *span,
        CREATOR,
        graph=graph,
        fits=Fits(),
        as_of=datetime.fromisoformat(query["as_of"]),
        horizon_days=int(query.get("horizon_days", 30)),
        asked=Asked(query.get("segment"), query.get("cohort"), active),
        time_zone=query["time_zone"],
        limit=1,
    )


async def _fans(feed: list[Call], cut: int, days: int, as_of: int, zone: str) -> None:
    live, now = Owner(Records()), when(as_of)
    with tempfile.TemporaryDirectory() as folder:
        graph = EmbeddedGraph(Path(folder))
        for revision, part in enumerate((feed[:cut], feed[cut:]), 1):
            await live.feed(part, together=False)
            await write(graph, live, revision)
        for start, end in WINDOWS:
            span = when(start), when(end), CREATOR
            found = await fetch_fans(
                *span,
                graph=graph,
                fits=Fits(),
                as_of=now,
                horizon_days=days,
                asked=Asked(),
                time_zone=zone,
            )
            expected = oracle_fans.fans(feed, start, min(end, 9e10), as_of=as_of, days=days)
            assert {fan.fanId: told(fan) for fan in found.fans} == {
                id: pytest.approx(figures) for id, figures in expected.items()
            }
            assert found.total == len(expected)
            for fan in found.fans:
                assert fan.risk is None
                assert fan.risk_reason in ("never_acted", "lapsed", "too_little_history", "too_few_fans")
                for group, (number, amount) in NUMBERS.items():
                    drilled, query = asked_again(fan.drill)
                    behind = await fetch_of_fan(
                        *drilled, CREATOR, graph=graph, as_of=now, fan_id=query["fan_id"], group=group
                    )
                    assert behind.counted == getattr(fan, number), group
                    if amount:
                        assert (behind.amount or 0) == pytest.approx(getattr(fan, amount))
            for each in found.segments:
                assert (await listed(graph, each.drill)).total == each.fans
                assert each.fans == sum(each.segment in fan.segments for fan in found.fans)
        await graph.close()


@settings(max_examples=20, deadline=None)
@given(
    feeds(),
    st.integers(0, 6),
    st.sampled_from((1, 10, 30)),
    st.sampled_from((NOW, START + 7200, START + 20 * DAY)),
    st.sampled_from(ZONES),
)
def test_what_fans_are_worth_and_how_they_stand_is_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, days: int, as_of: int, zone: str
) -> None:
    asyncio.run(_fans(feed, cut, days, as_of, zone))


async def _cohorts(feed: list[Call], cut: int, as_of: int, zone: str) -> None:
    live, now = Owner(Records()), when(as_of)
    with tempfile.TemporaryDirectory() as folder:
        graph = EmbeddedGraph(Path(folder))
        for revision, part in enumerate((feed[:cut], feed[cut:]), 1):
            await live.feed(part, together=False)
            await write(graph, live, revision)
        for start, end in ((START - 100 * DAY, NOW + 400 * DAY), *WINDOWS[1:]):
            found = await fetch_cohorts(
                when(start), when(end), CREATOR, graph=graph, as_of=now, time_zone=zone
            )
            expected, unknown = oracle_fans.cohorts(feed, start, end, as_of=as_of, zone=zone)
            assert found.unknown == unknown
            assert {
                each.month: (
                    each.fans,
                    [(m.month, m.active, round(m.revenue, 6), m.complete) for m in each.months],
                )
                for each in found.cohorts
            } == expected
            for cohort in found.cohorts:
                assert (await listed(graph, cohort.drill)).total == cohort.fans
                for month in cohort.months:
                    behind = await listed(graph, month.drill)
                    assert behind.total == month.active
                    assert behind.revenue == pytest.approx(month.revenue)
                    assert month.retention == month.active / cohort.fans
                    assert month.revenue_per_fan == month.revenue / cohort.fans
        await graph.close()


@settings(max_examples=20, deadline=None)
@given(
    feeds(), st.integers(0, 6), st.sampled_from((NOW, START + 7200, START - 30 * DAY)), st.sampled_from(ZONES)
)
def test_cohorts_are_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, as_of: int, zone: str
) -> None:
    asyncio.run(_cohorts(feed, cut, as_of, zone))
