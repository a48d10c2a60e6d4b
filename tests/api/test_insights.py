"""Insights over HTTP on an empty graph: how dates and zones are read."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import httpx
import pytest

from graph.connect import connect
from insights.people import Terms
from insights.shifts import no_rosters
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

HERE = "http://localhost:8000"
INSIGHTS = [
    *("topics", "topics-over-time", "sentiment-trend", "response-time", "full", "conversion", "ppv"),
    *("conversations?insight=conversion&group=with", "conversations?insight=ppv&group=sent"),
    *("fans", "cohorts", "conversations?insight=fans&group=sales&fan_id=1"),
]


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API on an empty graph."""
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        graph=graph, attribution_hours=24.0, drop_off_days=30, terms=Terms(300.0), rosters=no_rosters
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url=HERE) as client:
        yield client
    await graph.close()


def url(insight: str) -> str:
    return f"/api/v1/insights/{insight.partition('?')[0]}"


def own(insight: str) -> dict[str, str]:
    """The parameters that an insight cannot be asked without."""
    return dict(parse_qsl(insight.partition("?")[2]))


async def test_a_date_is_local_midnight_in_the_zone_of_the_question(http: httpx.AsyncClient) -> None:
    asked = {"start_date": "2026-05-04", "end_date": "2026-05-05", "time_zone": "Europe/Berlin"}
    answer = (await http.get("/api/v1/insights/full", params=asked)).json()
    assert (answer["startDate"], answer["endDate"]) == ("2026-05-03T22:00:00Z", "2026-05-04T22:00:00Z")
    assert answer["sentiment_trend"]["time_zone"] == "Europe/Berlin"
    del asked["time_zone"]
    answer = (await http.get("/api/v1/insights/full", params=asked)).json()
    assert (answer["startDate"], answer["endDate"]) == ("2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z")


@pytest.mark.parametrize("insight", INSIGHTS)
async def test_every_insight_takes_dates_and_a_zone(http: httpx.AsyncClient, insight: str) -> None:
    asked = {"start_date": "2026-05-04", "end_date": "2026-05-05"}
    for zone in ("America/New_York", "Etc/Unknown", ""):
        answer = await http.get(url(insight), params={**asked, "time_zone": zone, **own(insight)})
        assert answer.status_code == 200


@pytest.mark.parametrize("insight", INSIGHTS)
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"start_date": "2026-05-04T00:00:00"}, "start_date"),
        ({"start_date": "2026-05-04", "end_date": "2026-05-04"}, "start_date"),
        ({"end_date": "2026-02-30"}, "end_date"),
    ],
)
async def test_every_insight_names_the_parameter_that_is_wrong(
    http: httpx.AsyncClient, insight: str, asked: dict[str, str], field: str
) -> None:
    answer = await http.get(url(insight), params={**asked, **own(insight)})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["error"]["detail"]] == [field]


async def test_an_answer_says_when_the_zone_was_read_as_utc(http: httpx.AsyncClient) -> None:
    for zone, noted in (("Etc/Unknown", True), ("", True), ("Europe/Berlin", False)):
        asked = {"time_zone": zone}
        full = (await http.get("/api/v1/insights/full", params=asked)).json()
        trend = (await http.get("/api/v1/insights/sentiment-trend", params=asked)).json()
        assert full["notes"] == full["sentiment_trend"]["notes"] == trend["notes"]
        assert [("UTC" in note) for note in trend["notes"]] == [True] * noted
        assert trend["time_zone"] == ("UTC" if noted else zone)


@pytest.mark.parametrize(
    ("insight", "asked", "field"),
    [
        ("conversion", {"attributon": "48"}, "attributon"),
        ("conversion", {"broadcast": "true"}, "broadcast"),
        ("conversion", {"attribution": "-1"}, "attribution"),
        ("conversion", {"attribution": "745"}, "attribution"),
        ("conversion", {"attribution": "nan"}, "attribution"),
        ("conversion", {"attribution": "soon"}, "attribution"),
        ("conversion", {"min_sample": "0"}, "min_sample"),
        ("conversion", {"min_sample": "1.5"}, "min_sample"),
        ("conversion", {"kind": "mood"}, "kind.0"),
        ("ppv", {"bucket": "day"}, "bucket"),
        ("conversations", {"insight": "full", "group": "with"}, "insight"),
        ("conversations", {"insight": "conversion"}, "group"),
        ("conversations", {"insight": "conversion", "group": "all"}, "group"),
        ("conversations", {"insight": "conversion", "group": "with", "kind": "topic"}, "topic_id"),
        (
            "conversations",
            {"insight": "conversion", "group": "with", "as_of": "2026-05-04T10:00:00"},
            "as_of",
        ),
        ("conversations", {"insight": "conversion", "group": "with", "cursor": "x"}, "cursor"),
        ("conversations", {"insight": "conversion", "group": "with", "limit": "0"}, "limit"),
        ("conversations", {"insight": "ppv", "group": "with"}, "group"),
        ("conversations", {"insight": "ppv", "group": "sent", "by": "fan"}, "by"),
        ("conversations", {"insight": "ppv", "group": "messages", "by": "media", "key": "gif"}, "group"),
    ],
)
async def test_what_a_question_about_money_does_not_know_is_named(
    http: httpx.AsyncClient, insight: str, asked: dict[str, str], field: str
) -> None:
    answer = await http.get(f"/api/v1/insights/{insight}", params=asked)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["error"]["detail"]] == [field]


async def test_without_data_and_in_the_future_money_is_null_and_empty(http: httpx.AsyncClient) -> None:
    for asked in ({}, {"start_date": "2190-01-01", "end_date": "2191-01-01"}):
        found = (await http.get("/api/v1/insights/conversion", params=asked)).json()
        nothing = {"conversations": 0, "sold": 0, "rate": None, "low": None, "high": None}
        assert (found["total"], found["rows"], found["pending"], found["tests"]) == (nothing, [], 0, 0)
        assert (found["amount_total"], found["amount_median"]) == (0, None)
        assert (found["attribution"], found["min_sample"]) == (24, 20)
        funnel = (await http.get("/api/v1/insights/ppv", params=asked)).json()
        total = funnel["total"]
        assert (total["sent"], total["unlocked"], total["messages_sent"], total["revenue"]) == (0, 0, 0, 0)
        unknown = ("unlock_ratio", "seconds_to_unlock", "golden_ratio", "revenue_per_message")
        assert [total[name] for name in unknown] == [None] * 4
        assert [row["key"] for row in funnel["by_delivery"]] == ["direct", "mass"]
        assert funnel["by_media"] == funnel["by_price_band"] == funnel["by_creator"] == []
        for drill in (found["drill"] + "&group=with", total["drill"] + "&group=sent"):
            listed = (await http.get(f"/api/v1/insights/conversations?{drill}")).json()
            assert listed == {"conversations": [], "total": 0, "counted": 0, "amount": None, "next": None}
