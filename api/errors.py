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
    EncodedBody,
    Forbidden,
    InputTooLarge,
    InvalidInput,
    NotFound,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
from metrics.declared import HTTP_ERRORS
from metrics.port import UNMEASURED, Metrics

_STATUS: list[tuple[type[AnalyticsError], int]] = [
    (InputTooLarge, 413),
    (EncodedBody, 415),
    (InvalidInput, 422),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Overloaded, 429),
    (Unavailable, 503),
    (AnalyticsError, 500),
]
_AGAIN_AFTER = {503: 1}  # seconds
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}}


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
            return refusal(error)
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


def refusal(error: AnalyticsError) -> Response:
    """The answer with this error of ours."""
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    again_after = error.retry_after if isinstance(error, Overloaded) else _AGAIN_AFTER.get(status)
    return error_response(status, error.code, str(error), error.detail, again_after)


def error_response(
    status: int, code: str, message: str, detail: Any = None, again_after: int | None = None
) -> Response:
    """The answer with this error; the same request may be made again after so many seconds."""
    headers = _HEADERS.get(status, {}) | ({} if again_after is None else {"Retry-After": str(again_after)})
    answer = {"error": {"code": code, "message": message, "detail": detail}}
    return JSONResponse(answer, status_code=status, headers=headers)
