"""The API without what it stands on: whose pages may call it, and how much may be sent."""

import warnings
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from settings import Settings
from wire.payloads import IngestReceipt

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from api.guard import POLICY_VIOLATION
    from serve_app import build_api

HERE = "http://localhost:8000"
RECEIPT = IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0)


def client_of(**settings: Any) -> TestClient:
    return TestClient(build_api(Settings(**settings)), base_url=HERE)


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
def test_sockets_are_open_to_pages_of_the_named_origins_alone(path: str) -> None:
    async def serve(socket: Any, *_: Any, **__: Any) -> None:
        await socket.send_text("served")

    client = client_of(cors_origins="https://dev.example.test")
    served = SimpleNamespace(serve=serve)
    client.app.state.services = SimpleNamespace(pages=served, extensions=served)  # type: ignore[attr-defined]
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
    assert refused.value.code == POLICY_VIOLATION


def test_a_body_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() -> None:
    client = client_of(max_body=100)
    owners = SimpleNamespace(handle_snapshot=AsyncMock(return_value=RECEIPT))
    client.app.state.services = SimpleNamespace(owners=owners)  # type: ignore[attr-defined]
    for size, status in ((100, 202), (101, 413)):
        body = b'{"chats":[]}'.ljust(size)
        answer = client.post("/api/v1/ingest/u1/snapshot", content=iter([body[:50], body[50:]]))
        assert answer.status_code == status
    assert answer.json()["error"]["code"] == "too_large"
    assert owners.handle_snapshot.await_count == 1


def test_every_answer_says_what_a_page_of_it_may_do() -> None:
    client = client_of()
    for path in ("/health", "/docs", "/nosuch", "/static/icon.svg"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]
