"""Insights over HTTP on an empty graph: how dates and zones are read."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from graph.connect import connect
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

HERE = "http://localhost:8000"
INSIGHTS = ["topics", "sentiment-trend", "response-time", "full"]


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API on an empty graph."""
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    api = build_api(Settings())
    api.state.services = SimpleNamespace(graph=graph)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url=HERE) as client:
        yield client
    await graph.close()


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
        answer = await http.get(f"/api/v1/insights/{insight}", params={**asked, "time_zone": zone})
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
    answer = await http.get(f"/api/v1/insights/{insight}", params=asked)
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
