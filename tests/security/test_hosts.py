"""By which names the service may be asked for, and whose pages may call, on HTTP and on sockets alike."""

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from api.guard import POLICY_VIOLATION
    from serve_app import build_api

NAME = "analytics.example.test"


def client_of(**settings: Any) -> TestClient:
    async def serve(socket: Any, *_: Any, **__: Any) -> None:
        await socket.close(1000)

    client = TestClient(build_api(Settings(**settings)), base_url="http://localhost:8000")
    served = SimpleNamespace(serve=serve)
    client.app.state.services = SimpleNamespace(pages=served, extensions=served)  # type: ignore[attr-defined]
    return client


def is_let_in(client: TestClient, **headers: str) -> bool:
    """Whether a request and a handshake with these headers are; they must not differ."""
    answer = client.get("/health", headers=headers)
    assert answer.status_code in (200, 403)
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect("/ws/frontend/u1", headers=headers) as socket,
    ):
        socket.receive_text()
    assert (closed.value.code == 1000) == (answer.status_code == 200)
    assert closed.value.code in (1000, POLICY_VIOLATION)
    return answer.status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_this_machine_may_always_be_asked_for(host: str) -> None:
    for client in (client_of(), client_of(allowed_hosts=NAME)):
        assert is_let_in(client, Host=host)
        assert is_let_in(client, Host=host, Origin="http://localhost:5173")
        assert not is_let_in(client, Host=host, Origin="https://evil.example.test")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.test",
        f"{NAME}.evil.test",
        f"evil.{NAME}",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "localhost:8000;x",
        "localhost:8000@evil.test",
        "localhost:",
        "10.0.0.4",
        "",
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    assert not is_let_in(client_of(allowed_hosts=NAME), Host=host)


def test_a_named_host_is_let_in_and_of_pages_its_own() -> None:
    client = client_of(allowed_hosts=f"{NAME}, 10.0.0.4", cors_origins="https://dev.example.test")
    for host in (NAME, f"{NAME}:443", "Analytics.Example.Test", "10.0.0.4:8000"):
        assert is_let_in(client, Host=host)
    assert is_let_in(client, Host=NAME, Origin=f"https://{NAME}")
    assert is_let_in(client, Host=f"{NAME}:443", Origin=f"https://{NAME}")
    assert is_let_in(client, Host=f"{NAME}:8443", Origin=f"https://{NAME}:8443")
    assert is_let_in(client, Host=NAME, Origin="https://dev.example.test")
    assert is_let_in(client, Host=NAME, Origin="chrome-extension://abcdefgh")
    for origin in (f"https://{NAME}:8443", "https://10.0.0.4", f"https://{NAME}.evil.test", "null"):
        assert not is_let_in(client, Host=NAME, Origin=origin)


def test_pages_on_the_callers_machine_may_not_call_a_service_that_others_reach() -> None:
    client = client_of(allowed_hosts=NAME)
    assert not is_let_in(client, Host=NAME, Origin="http://localhost:5173")


def test_a_named_host_is_not_let_in_where_it_is_not_named() -> None:
    assert not is_let_in(client_of(), Host=NAME)
