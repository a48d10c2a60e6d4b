"""Errors of routes as statuses and bodies."""

import httpx
import pytest
from fastapi import FastAPI

import errors
from api.errors import add_error_handlers


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [
        (errors.InputTooLarge, 413, None),
        (errors.UnknownCreator, 422, None),
        (errors.NotFound, 404, None),
        (errors.Overloaded, 429, str(errors.Overloaded.retry_after)),
        (errors.JournalUnavailable, 503, "1"),
        (errors.GraphError, 500, None),
    ],
)
async def test_an_error_has_the_status_of_its_class_and_its_own_code(
    kind: type[errors.AnalyticsError], status: int, after: str | None
) -> None:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise kind("The cause; the mend.", detail=[{"field": "id"}])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, after)
    told = {"code": kind.code, "message": "The cause; the mend.", "detail": [{"field": "id"}]}
    assert answer.json() == {"error": told}
