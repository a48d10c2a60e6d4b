"""Errors as answers: `{"error": {"code", "message", "detail"}}` with the status of the error's class."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from errors import (
    AnalyticsError,
    Forbidden,
    InputTooLarge,
    InvalidInput,
    NotFound,
    Overloaded,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from metrics.declared import HTTP_ERRORS
from metrics.port import UNMEASURED, Metrics

_STATUS: list[tuple[type[AnalyticsError], int]] = [
    (InputTooLarge, 413),
    (InvalidInput, 422),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Overloaded, 429),
    (TooManyAttempts, 429),
    (Unavailable, 503),
    (AnalyticsError, 500),
]
# Headers of an answer by its code, else by its status.
_HEADERS: dict[str | int, dict[str, str]] = {
    TooManyAttempts.code: {"Retry-After": str(TooManyAttempts.retry_after)},
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": str(Overloaded.retry_after)},
    503: {"Retry-After": "1"},
}


class ErrorBody(BaseModel):
    """What went wrong: a stable `code`, a `message` for people, and per field what was wrong."""

    code: str
    message: str
    detail: Any = None


class ErrorAnswer(BaseModel):
    error: ErrorBody


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses for the API's description."""
    return {status: {"model": ErrorAnswer} for status in statuses}


def add_error_handlers(app: FastAPI, metrics: Metrics = UNMEASURED) -> None:
    """Have every error of a route answered as this module says, and counted."""

    async def answer(request: Request, error: Exception) -> Response:
        response = _answer(error)
        metrics.count(HTTP_ERRORS, of=str(response.status_code))
        return response

    for kind in (AnalyticsError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _answer(error: Exception) -> Response:
    match error:
        case AnalyticsError():
            status = next(code for kind, code in _STATUS if isinstance(error, kind))
            return error_response(status, error.code, str(error), error.detail)
        case RequestValidationError():
            fields = [
                {"field": ".".join(str(part) for part in found["loc"][1:]), "reason": found["msg"]}
                for found in error.errors()
            ]
            names = ", ".join(found["field"] for found in fields)
            return error_response(422, "invalid_input", f"Not understood: {names}.", fields)
        case HTTPException():
            return error_response(error.status_code, "http", str(error.detail))
    # The server logs it with its traceback; the caller is told no more than that.
    return error_response(500, "internal", "Something went wrong here; the log says what.")


def error_response(status: int, code: str, message: str, detail: Any = None) -> Response:
    """The answer with this error."""
    headers = _HEADERS.get(code) or _HEADERS.get(status)
    answer = {"error": {"code": code, "message": message, "detail": detail}}
    return JSONResponse(answer, status_code=status, headers=headers)
