"""What is answered, and how: its type, no folder's list, and no echo of what was asked."""

import pytest

from tests.security.guarded import VICTIM, Guarded, grant


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/admin", "text/html; charset=utf-8"),
        ("/static/admin.js", "text/javascript; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/health", "application/json"),
        ("/api/v1/me", "application/json"),
        (f"/api/v1/privacy/{VICTIM}/export", "application/x-ndjson"),
        ("/no/such/page", "application/json"),
    ],
)
async def test_what_is_answered_has_its_type(api: Guarded, path: str, type: str) -> None:
    answer = await api.ask("GET", path, await api.key(grant("owner")))
    assert answer.headers["content-type"] == type
    assert answer.content


@pytest.mark.parametrize(
    "path", ["/static", "/static/", "/static/swagger/", "/static/../api/", "/static/%2e%2e/"]
)
async def test_no_folder_is_listed(api: Guarded, path: str) -> None:
    answer = await api.ask("GET", path)
    assert answer.status_code in (307, 404)
    assert ".py" not in answer.text
    assert ".js" not in answer.text


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/static/main.js", "/health"])
async def test_trace_is_not_answered(api: Guarded, path: str) -> None:
    answer = await api.ask("TRACE", path, headers={"X-Echo": "an echo"})
    assert answer.status_code == 405
    assert "an echo" not in answer.text
