"""The API without what it stands on: whose pages may call it, and how dates and zones are read."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from graph.connect import connect
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    import serve_app

HERE = "http://localhost:8000"
INSIGHTS = ["topics", "sentiment-trend", "response-time", "full"]


def client_of(**settings: Any) -> TestClient:
    return TestClient(serve_app.build_api(Settings(**settings)), base_url=HERE)


def preflight(client: TestClient, origin: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/health", headers={**asked, "Access-Control-Request-Headers": "content-type"})


def test_pages_of_the_named_origins_may_call_and_read() -> None:
    client = client_of(cors_origins="https://dev.example.test, http://localhost:5173")
    for origin in ("https://dev.example.test", "http://localhost:5173"):
        answer = client.get("/health", headers={"Origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        asked = preflight(client, origin)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
        assert "access-control-allow-credentials" not in asked.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://other.example.test",
        "http://dev.example.test",
        "https://dev.example.test:444",
        "https://dev.example.test.evil.test",
        "null",
    ],
)
def test_pages_of_other_origins_may_not(origin: str) -> None:
    client = client_of(cors_origins="https://dev.example.test")
    for answer in (client.get("/health", headers={"Origin": origin}), preflight(client, origin)):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"
        assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_other_page_may_call() -> None:
    client = client_of()
    assert client.get("/health", headers={"Origin": "https://dev.example.test"}).status_code == 403
    local = client.get("/health", headers={"Origin": "http://localhost:5173"})
    assert (local.status_code, "access-control-allow-origin" in local.headers) == (200, False)


def test_a_named_origin_does_not_open_the_service_to_other_hosts() -> None:
    client = client_of(cors_origins="https://dev.example.test")
    headers = {"Origin": "https://dev.example.test", "Host": "dev.example.test"}
    assert client.get("/health", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/ws/frontend/u1", "/api/ws/frontend/u1", "/ws/extension/u1"])
def test_sockets_are_open_to_pages_of_the_named_origins_alone(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(socket: Any, *_: Any, **__: Any) -> None:
        await socket.accept()
        await socket.send_text("served")

    hub = SimpleNamespace(serve_page=serve, serve_extension=serve)
    monkeypatch.setattr(serve_app, "Services", lambda _: SimpleNamespace(hub=hub))
    client = client_of(cors_origins="https://dev.example.test")
    with client.websocket_connect(
        f"ws://localhost:8000{path}", headers={"Origin": "https://dev.example.test"}
    ) as socket:
        assert socket.receive_text() == "served"
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(
            f"ws://localhost:8000{path}", headers={"Origin": "https://other.example.test"}
        ),
    ):
        pass
    assert refused.value.code == serve_app.POLICY_VIOLATION


@pytest.fixture
async def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """The API on an empty graph."""
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    monkeypatch.setattr(serve_app, "Services", lambda _: SimpleNamespace(graph=graph))
    api: FastAPI = serve_app.build_api(Settings())
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
