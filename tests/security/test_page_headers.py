"""What browsers are told with every answer."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

HERE = "http://localhost:8000"
PATHS = ("/", "/docs", "/openapi.json", "/health", "/static/main.js", "/nosuch", "/api/v1/schemas/wss")


def client_of(**settings: Any) -> TestClient:
    return TestClient(build_api(Settings(**settings)), base_url=HERE)


def policy_of(headers: Any) -> dict[str, str]:
    return dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_what_no_page_of_it_needs(path: str) -> None:
    headers = client_of().get(path).headers
    policy = policy_of(headers)
    assert "unsafe" not in str(policy)
    assert policy["default-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self' ws://localhost:8000 wss://localhost:8000"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_a_refusal_has_the_headers_too_and_repeats_nothing_of_what_was_asked() -> None:
    refused = client_of().get("/health", headers={"Host": "evil.test; script-src *"})
    assert refused.status_code == 403
    assert policy_of(refused.headers)["connect-src"] == "'self'"
    assert "script-src" not in refused.headers["content-security-policy"]


def test_chats_are_not_kept_by_browsers_and_the_pages_own_files_may_be() -> None:
    client = client_of()
    assert client.get("/api/v1/schemas/wss").headers["cache-control"] == "no-store"
    assert client.get("/static/plotly.min.js").headers["cache-control"] == "public, max-age=86400"


def test_behind_tls_browsers_are_told_to_stay_with_it() -> None:
    client = client_of(trusted_proxies="10.0.0.7")
    told = {"X-Forwarded-For": "203.0.113.9, 10.0.0.7", "X-Forwarded-Proto": "https"}
    # The client of the tests has no address: HAProxy's is put in its place.
    client = TestClient(client.app, base_url=HERE, client=("127.0.0.1", 1))
    assert "max-age=31536000" in client.get("/", headers=told).headers["strict-transport-security"]
    told["X-Forwarded-For"] = "203.0.113.9, 10.0.0.8"
    assert "strict-transport-security" not in client.get("/", headers=told).headers


def test_a_page_of_the_operators_own_may_have_inline_styles_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>mine")
    policy = policy_of(client_of(frontend_dir=str(tmp_path)).get("/app/").headers)
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert policy["script-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
