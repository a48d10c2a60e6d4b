"""Topics as time goes on: against `tests/oracle.py`, alike in every home; and when one is new or fading."""

import asyncio
import tempfile
import uuid
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.traversals import CONVERSATIONS, TOPIC_LINKS
from insights.metrics import topic_metrics
from insights.queries import fetch_topic_metrics, fetch_topics_over_time
from insights.rates import Share
from insights.tables import of_rows
from insights.topic_marks import LEAST_DISCUSSED, topic_mark
from insights.topics import topics_over_time
from tests import oracle
from tests.feeds import feeds
from tests.insights.test_metrics import START, conversation, link
from tests.insights.test_money_homes import WINDOW, homes, written
from tests.insights.test_team_oracle import WINDOWS, ZONES, when
from tests.insights.test_team_oracle import written as written_by_owner
from tests.oracle import CREATOR, Call

DAY = 86_400


async def _over_time(feed: list[Call], cut: int, zone: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        graph = await written_by_owner(folder, feed, cut)
        for start, end in WINDOWS:
            found = await fetch_topics_over_time(
                when(start), when(end), CREATOR, graph=graph, bucket="day", time_zone=zone
            )
            expected = oracle.topics_by_day(feed, start, end, zone)
            assert {each.date: each.conversations for each in found.buckets} == {
                day: count for day, (count, _) in expected.items()
            }
            assert {(each.date, each.id): each.volume for each in found.topics} == {
                (day, topic): volume
                for day, (_, topics) in expected.items()
                for topic, volume in topics.items()
            }
            whole = await fetch_topic_metrics(when(start), when(end), CREATOR, graph=graph)
            summed: Counter[str] = Counter()
            for each in found.topics:
                summed[each.id] += each.volume
            assert summed == {each.id: each.volume for each in whole}
        await graph.close()


@settings(max_examples=20, deadline=None)
@given(feeds(), st.integers(0, 6), st.sampled_from(ZONES))
def test_topics_by_day_are_as_defined_whatever_came_in_whatever_order(
    feed: list[Call], cut: int, zone: str
) -> None:
    asyncio.run(_over_time(feed, cut, zone))


@pytest.mark.slow
async def test_topics_over_time_and_their_marks_are_alike_in_every_home(tmp_path: Path) -> None:
    answers: dict[str, list[str]] = {}
    async with homes(tmp_path / "graph") as graphs:
        for name, graph in graphs.items():
            user = f"{name}-{uuid.uuid4().hex}" if name != "embedded" else "u1"
            await written(graph, user)
            asked: Any = {"creator_id": "creator", "graph": graph, "user_id": user}
            start, end = WINDOW
            in_time = await fetch_topics_over_time(start, end, **asked, bucket="hour", time_zone="Asia/Tokyo")
            # Before the window nobody spoke: nothing is said of what is new.
            marked = await fetch_topic_metrics(start, end, **asked)
            later = await fetch_topic_metrics(end, end + timedelta(days=1), **asked)
            assert sum(each.conversations for each in in_time.buckets) == 240
            assert {each.mark for each in marked} == {None}
            assert later == []
            answers[name] = [in_time.model_dump_json(), *(each.model_dump_json() for each in marked)]
    assert answers["embedded"] == answers["tinkerpop"] == answers["cosmos"]


def test_a_bucket_holds_its_topics_the_most_discussed_first() -> None:
    rows = of_rows(CONVERSATIONS, [conversation(startDate=START + at) for at in (0, 1, 2, DAY, 9 * DAY)])
    said = [("Cats", 0), ("Cats", 1), ("Cars", 2), ("Cars", DAY)]
    links = of_rows(TOPIC_LINKS, [link(topic, START + at) for topic, at in said])
    found = topics_over_time(links, rows, bucket="week", time_zone="UTC")
    assert [(each.date, each.conversations) for each in found.buckets] == [
        ("2024-04-29", 4),
        ("2024-05-06", 1),
    ]
    assert [(each.topic, each.volume) for each in found.topics] == [("Cars", 2), ("Cats", 2)]
    by_day = topics_over_time(links, rows, bucket="day", time_zone="UTC").topics
    assert [(each.date, each.topic, each.volume) for each in by_day] == [
        ("2024-05-01", "Cats", 2),
        ("2024-05-01", "Cars", 1),
        ("2024-05-02", "Cars", 1),
    ]
    assert [round(each.percentage_of_total, 1) for each in by_day] == [66.7, 33.3, 100]


def test_a_topic_is_new_where_it_comes_up_more_often_than_by_chance() -> None:
    before = Share(0, 200)
    assert topic_mark(Share(30, 200), before, 10) == "new"
    assert topic_mark(Share(2, 200), before, 10) is None
    assert topic_mark(Share(8, 200), before, 2) == "new"
    assert topic_mark(Share(8, 200), before, 100) is None


def test_a_topic_fades_where_at_most_half_of_its_share_is_left_and_not_by_chance() -> None:
    assert topic_mark(Share(20, 400), Share(60, 400), 10) == "fading"
    assert topic_mark(Share(40, 400), Share(60, 400), 10) is None
    assert topic_mark(Share(1, 40), Share(3, 40), 10) is None
    # Half as much of half as much talk is the same share.
    assert topic_mark(Share(30, 200), Share(60, 400), 10) is None
    assert topic_mark(Share(0, 400), Share(60, 400), 10) is None


@given(st.integers(0, 29), st.integers(0, LEAST_DISCUSSED - 1), st.integers(0, 500))
def test_nothing_is_said_of_topics_where_little_was_discussed(hits: int, few: int, many: int) -> None:
    low = Share(min(hits, few), few)
    assert topic_mark(low, Share(0, many), 1) is None
    assert topic_mark(Share(many // 2, many), low, 1) is None


def test_marks_stand_in_the_list_of_topics() -> None:
    now = [*[link("Cats", START)] * 40, *[link("Cars", START)] * 40, *[link("Old", START)] * 5]
    before = [*[link("Cats", START - 1)] * 40, *[link("Old", START - 1)] * 40]
    found = topic_metrics(of_rows(TOPIC_LINKS, [*now, *before]), start=START, conversations=85)
    assert {each.topic: each.mark for each in found} == {"Cats": None, "Cars": "new", "Old": "fading"}
