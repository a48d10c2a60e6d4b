"""Whatever came in whatever order: what sales follow, and what became of offers, is as defined.

From what came over the owner's memory and the graph to the answers, against `tests/oracle.py`.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.enriched import ActionTopic, ActionUse, EnrichedConversation, TopicUse
from enrich.outcomes import offers
from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import DropOlder
from graph.port import Graph
from insights.conversion import Factor
from insights.money import fetch_conversion, fetch_converted, fetch_offered, fetch_ppv
from tests import oracle
from tests.actors.factories import enrich_pending
from tests.feeds import START, feeds
from tests.oracle import CREATOR, NOW, Call
from tests.test_oracle import Owner, Records
from wire.payloads import Conversion, Converted, PpvRow

KINDS: Any = ("topic", "action", "pair", "price_band", "hour_of_week")
WINDOWS = ((0, NOW * 10), (START + 3600, START + 86_400), (START - 9, START + 60))
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns")


def enriched(owner: Owner) -> Iterator[EnrichedConversation]:
    """Every conversation as the tests' enrichment understands it."""
    enrich_pending(owner.cache)
    for chat in owner.cache.of(CREATOR):
        for each in chat.conversations:
            said = [m for m in each.messages if m.is_direct]
            found = [(oracle.found_in(m.id), m.direction) for m in said]
            yield replace(
                chat.nodes[each.id],
                outcomes=chat.contexts[each.id].outcomes,
                ppv_offers=offers(each),
                topics=tuple(
                    TopicUse(id=topic, label=f"Topic {topic}", messages=1, weight=1.0, model="m")
                    for topic in sorted({topic for (topics, _), _ in found for topic in topics})
                ),
                actions=tuple(
                    ActionUse(type=action, count=1, direction=side)
                    for action, side in sorted({(a, side) for (_, own), side in found for a in own})
                ),
                action_topics=tuple(
                    ActionTopic(action=action, topic_id=topic, count=1)
                    for action, topic in sorted({(a, t) for (own, of), _ in found for a in of for t in own})
                ),
            )


async def write(graph: Graph, owner: Owner, revision: int) -> None:
    """As an owner writes the account anew: what is there beside what was, then without what was."""
    builder = GraphBuilder("u1", CREATOR, revision)
    for each in enriched(owner):
        await graph.apply(builder.build_graph(each, each.fan_id))
    await graph.apply([builder.build_account(), DropOlder(builder.pk, revision)])


def when(second: float) -> datetime:
    return datetime.fromtimestamp(min(second, 9e10), UTC)


def sold(found: Converted, others: Any) -> tuple[Any, ...]:
    known = [others.amounts_known, round(others.amount_total, 6), others.amount_median]
    return found.conversations, found.sold, others.sales, *known


def expected_sold(told: tuple[Any, ...]) -> tuple[Any, ...]:
    n, hits, _, amounts = told
    return n, hits, len(amounts), len(amounts), round(sum(amounts), 6), median(amounts) if amounts else None


def name_of(row: Any) -> tuple[str, ...]:
    return tuple(part for part in (row.kind, row.action, row.topicId, row.value) if part)


def agrees(found: Conversion, expected: dict[Any, Any]) -> None:
    everything = expected.pop("all")
    assert found.pending == expected.pop("pending")
    assert sold(found.total, found) == expected_sold(everything)
    assert {name_of(row) for row in found.rows} == set(expected)
    for row in found.rows:
        told = expected[name_of(row)]
        assert sold(row.with_it, row) == expected_sold(told)
        assert row.fans == told[2]
        n, hits = everything[0] - told[0], everything[1] - told[1]
        assert (row.without_it.conversations, row.without_it.sold) == (n, hits)
        if not n:
            assert (row.lift, row.reason) == (None, "too_few_without")
        elif not hits:
            assert (row.lift, row.reason) == (None, "none_sold_without")
        else:
            assert row.lift == pytest.approx((told[1] / told[0]) / (hits / n))
            assert row.lift is not None
            assert row.lift_low is not None
            assert row.lift_high is not None
            assert row.lift_low <= row.lift <= row.lift_high


async def converted(graph: Graph, drill: str, group: str, at: datetime) -> Any:
    asked: dict[str, Any] = dict(parse_qsl(drill))
    parts = {key: asked.get(key, "") for key in ("action", "topic_id", "topic", "value")}
    return await fetch_converted(
        datetime.fromisoformat(asked["start_date"]),
        datetime.fromisoformat(asked["end_date"]),
        CREATOR,
        graph=graph,
        as_of=at,
        attribution=float(asked["attribution"]),
        factor=Factor(asked["kind"], **parts) if "kind" in asked else None,
        group=group,
        time_zone=asked["time_zone"],
    )


async def _conversion(feed: list[Call], cut: int, hours: float, as_of: int, zone: str) -> None:
    live = Owner(Records())
    with tempfile.TemporaryDirectory() as folder:
        graph = EmbeddedGraph(Path(folder))
        for revision, part in enumerate((feed[:cut], feed[cut:]), 1):
            await live.feed(part, together=False)
            await write(graph, live, revision)
        for start, end in WINDOWS:
            found = await fetch_conversion(
                when(start),
                when(end),
                CREATOR,
                graph=graph,
                as_of=when(as_of),
                attribution=hours,
                kinds=KINDS,
                min_sample=1,
                time_zone=zone,
            )
            agrees(found, oracle.conversion(feed, start, end, hours=hours, as_of=as_of, zone=zone))
            numbers = {"with": found.total.conversations, "with_sold": found.total.sold}
            for group, number in {**numbers, "pending": found.pending}.items():
                behind = await converted(graph, found.drill, group, when(as_of))
                assert (behind.counted, behind.total, len(behind.conversations)) == (number,) * 3
            for row in found.rows[::7]:
                behind = await converted(graph, row.drill, "with_sold", when(as_of))
                assert behind.counted == row.with_it.sold
                assert (behind.amount or 0) == pytest.approx(row.amount_total)
        await graph.close()


@settings(max_examples=25, deadline=None)
@given(
    feeds(),
    st.integers(0, 6),
    st.sampled_from((0, 0.5, 5, 24, 72)),
    st.sampled_from((NOW, START + 86_400)),
    st.sampled_from(ZONES),
)
def test_what_sales_follow_is_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, hours: float, as_of: int, zone: str
) -> None:
    asyncio.run(_conversion(feed, cut, hours, as_of, zone))


def ppv_agrees(by: str, row: PpvRow, expected: dict[tuple[str, str], tuple[Any, ...]]) -> None:
    sent, unlocked, revenue, times, messages = expected.pop((by, row.key))
    assert (row.sent, row.unlocked) == (sent, unlocked)
    assert row.revenue == pytest.approx(revenue)
    assert row.unlock_ratio == (unlocked / sent if sent else None)
    assert (row.seconds_to_unlock, row.seconds_to_unlock_n) == (median(times) if times else None, len(times))
    assert row.messages_sent == messages
    if messages:
        assert row.golden_ratio == pytest.approx(sent / messages)
        assert row.revenue_per_message == pytest.approx(revenue / messages)
    else:
        assert row.golden_ratio is row.revenue_per_message is None


async def _ppv(feed: list[Call], cut: int) -> None:
    live = Owner(Records())
    with tempfile.TemporaryDirectory() as folder:
        graph = EmbeddedGraph(Path(folder))
        for revision, part in enumerate((feed[:cut], feed[cut:]), 1):
            await live.feed(part, together=False)
            await write(graph, live, revision)
        for start, end in WINDOWS:
            span = when(start), when(end), CREATOR
            found = await fetch_ppv(*span, graph=graph, as_of=when(NOW))
            expected = oracle.ppv(feed, start, end)
            ppv_agrees("all", found.total, expected)
            for by in ("delivery", "price_band", "media"):
                for row in getattr(found, f"by_{by}"):
                    ppv_agrees(by, row, expected)
                    behind = await fetch_offered(*span, graph=graph, by=by, key=row.key, group="unlocked")
                    assert behind.counted == row.unlocked
                    assert (behind.amount or 0) == pytest.approx(row.revenue)
            assert expected == {}
        await graph.close()


@settings(max_examples=25, deadline=None)
@given(feeds(), st.integers(0, 6))
def test_what_became_of_offers_is_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int
) -> None:
    asyncio.run(_ppv(feed, cut))
