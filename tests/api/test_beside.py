"""With `with_previous` every figure has that of the period before beside it, as the definitions have it."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.insights import Question
from insights.beside import beside, rows_beside
from tests import oracle
from tests.api.edges import USER, api_on
from tests.api.test_every_insight import DESCRIBED, PREFIX, times_agree, topic_volumes
from tests.feeds import START, feeds
from tests.insights.test_money_oracle import agrees as conversion_agrees
from tests.insights.test_money_oracle import ppv_agrees
from tests.oracle import CREATOR, Call
from wire.payloads import Conversion, PpvFunnel, PpvRow, TopicMetric

DAY = 86_400
BESIDE = ("full", "topics", "sentiment-trend", "response-time", "conversion", "ppv")
KINDS = ["topic", "action", "pair", "price_band", "hour_of_week"]


def test_every_insight_can_have_the_period_before_beside_it_or_has_it_always() -> None:
    offering = {
        name
        for name, route in DESCRIBED.items()
        if any(each["name"] == "with_previous" for each in route["parameters"])
    }
    assert offering == set(BESIDE)
    always = {"people", "heatmap", "compare"}
    of_a_moment = {"fans", "cohorts"}  # these compare a fan with the window before, and month with month
    assert DESCRIBED.keys() - offering - always - of_a_moment == {"topics-over-time", "conversations"}


def iso(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()


async def get(http: httpx.AsyncClient, insight: str, start: int, end: int, **more: Any) -> Any:
    asked = {"start_date": iso(start), "end_date": iso(end), "user_id": USER, **more}
    answer = await http.get(PREFIX + insight, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _previous(feed: list[Call], start: int, end: int) -> None:
    before = 2 * start - end, start
    with tempfile.TemporaryDirectory() as folder:
        async with api_on(Path(folder), {CREATOR: feed}) as http:
            asked: dict[str, Any] = {"with_previous": True}
            full = await get(http, "full", start, end, **asked)
            expected = oracle.numbers(feed, *before)
            earlier = full["previous"]
            assert (earlier["startDate"], earlier["endDate"]) == tuple(
                iso(each).replace("+00:00", "Z") for each in before
            )
            names = ("conversations", "fan_conversations", "broadcast_only")
            assert [earlier[name] for name in names] == [expected[name] for name in names]
            assert earlier["revenue"] == pytest.approx(expected["revenue"])
            times_agree(earlier["response_time_metrics"], expected)
            assert earlier["priority"] == earlier["priorityScores"] == earlier["unreadCounts"] == {}
            assert len(full["unreadCounts"]) == len(expected["chats"])

            times = await get(http, "response-time", start, end, **asked)
            times_agree(times, oracle.numbers(feed, start, end))
            times_agree(times["previous"], expected)

            volumes, _ = topic_volumes(feed, *before, "UTC")
            topics = await get(http, "topics", start, end, **asked)
            assert topics == full["topics"]
            for topic in topics:
                was = topic["previous"]
                assert (was and was["volume"]) == volumes.get(topic["id"])

            trend = await get(http, "sentiment-trend", start, end, **asked)
            alone = await get(http, "sentiment-trend", *before)
            assert trend["previous"] == alone
            assert earlier["sentiment_trend"] == alone | {"drill": None}

            await _money(http, feed, (start, end), before)


async def _money(
    http: httpx.AsyncClient, feed: list[Call], window: tuple[int, int], before: tuple[int, int]
) -> None:
    ppv = PpvFunnel.model_validate(await get(http, "ppv", *window, with_previous=True))
    expected = oracle.ppv(feed, *before)
    told = set(expected)
    assert ppv.total.previous is not None
    assert ppv.previous is not None
    ppv_agrees("all", ppv.total.previous, expected)
    for by in ("delivery", "price_band", "media"):
        for row in getattr(ppv, f"by_{by}"):
            assert (row.previous is not None) == ((by, row.key) in told)
            if row.previous is not None:
                ppv_agrees(by, row.previous, expected)
    gone = {("price_band", row.key) for row in ppv.previous.by_price_band}
    gone |= {("media", row.key) for row in ppv.previous.by_media}
    assert set(expected) <= gone

    asked: dict[str, Any] = {"kind": KINDS, "min_sample": 1, "with_previous": True}
    conversion = Conversion.model_validate(await get(http, "conversion", *window, **asked))
    was = conversion.previous
    assert was is not None
    as_of = conversion.as_of.timestamp()
    conversion_agrees(was, oracle.conversion(feed, *before, hours=24, as_of=as_of, zone="UTC"))
    rows = {(row.kind, row.action, row.topicId, row.topic, row.value): row for row in was.rows}
    for row in conversion.rows:
        assert row.previous == rows.get((row.kind, row.action, row.topicId, row.topic, row.value))


@settings(max_examples=15, deadline=None)
@given(feeds(), st.sampled_from(((START + DAY, START + 2 * DAY), (START + 3600, START + 10 * 3600))))
def test_what_is_beside_is_of_the_period_before_whatever_came_in_whatever_order(
    feed: list[Call], window: tuple[int, int]
) -> None:
    asyncio.run(_previous(feed, *window))


async def test_of_a_calendar_window_the_period_before_it_is_beside(tmp_path: Path) -> None:
    async with api_on(tmp_path / "graph", {}) as http:
        asked = {"window": "last_month", "time_zone": "Asia/Tokyo"}
        for insight in ("full", "conversion", "ppv"):
            both = (await http.get(PREFIX + insight, params={**asked, "with_previous": "true"})).json()
            before = (await http.get(PREFIX + insight, params={**asked, "previous": "true"})).json()
            names = ("startDate", "endDate")
            assert [both["previous"][name] for name in names] == [before[name] for name in names]
            assert both["endDate"] > both["startDate"] == both["previous"]["endDate"]


def topic(id: str, volume: int, label: str = "Gym") -> TopicMetric:
    return TopicMetric(
        topic=label, id=id, volume=volume, percentage_of_total=1.0, trend=None, previous_volume=0
    )


numbered = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=5)


@given(numbered, numbered)
def test_a_row_has_the_one_of_its_name_beside_it_and_none_where_that_is_not_one(
    now: list[tuple[str, int]], before: list[tuple[str, int]]
) -> None:
    found = rows_beside([topic(*each) for each in now], [topic(*each) for each in before])
    for (id, volume), row in zip(now, found, strict=True):
        same = [other for other_id, other in before if other_id == id]
        assert row.volume == volume
        assert (row.previous and row.previous.volume) == (same[0] if len(same) == 1 else None)


def test_a_topic_of_another_label_is_another_row() -> None:
    [row] = rows_beside([topic("a", 1, "Gym")], [topic("a", 2, "Yoga")])
    assert row.previous is None


async def test_without_being_asked_for_nothing_is_beside(tmp_path: Path) -> None:
    async with api_on(tmp_path / "graph", {}) as http:
        for insight in BESIDE:
            answer = (await http.get(PREFIX + insight)).json()
            assert answer == [] or answer["previous"] is None


async def test_pages_are_sent_the_window_itself_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Question] = []

    async def note(_: Any, asked: Question, *more: Any) -> None:
        sent.append(asked)

    monkeypatch.setattr("api.insights._broadcast", note)
    async with api_on(tmp_path / "graph", {}) as http:
        for insight in ("full", "topics", "sentiment-trend", "response-time"):
            sent.clear()
            more = {"with_previous": "true", "broadcast": "true"}
            answer = await get(http, insight, START, START + DAY, **more)
            [asked] = sent
            assert asked.window.start.timestamp() == START
            assert answer == [] or answer["previous"] is not None


def test_an_answer_keeps_what_is_no_figure_of_the_period_before() -> None:
    def funnel(sent: int) -> PpvFunnel:
        told = {"key": "all", "sent": sent, "unlocked": 0, "revenue": 0, "seconds_to_unlock_n": 0}
        told |= {"conversations": sent, "drill": f"sent={sent}"}
        row = PpvRow.model_validate(dict.fromkeys(PpvRow.model_fields) | told)
        at = datetime(2024, 5, sent, tzinfo=UTC)
        none: dict[str, Any] = {
            f"by_{by}": [] for by in ("delivery", "price_band", "media", "person", "creator")
        }
        return PpvFunnel(creatorId=None, startDate=at, endDate=at, as_of=at, total=row, **none)

    found = beside(funnel(2), funnel(1))
    assert (found.total.drill, found.total.previous and found.total.previous.drill) == ("sent=2", "sent=1")
    assert (found.startDate.day, found.previous and found.previous.startDate.day) == (2, 1)
