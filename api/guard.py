"""Who may call, how much may be sent, and what browsers are told: ASGI middleware around the routes."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_response
from errors import InputTooLarge

POLICY_VIOLATION = 1008
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_LOCAL = {"localhost", "127.0.0.1", "::1", "[::1]"}
_EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")


class OriginGuard:
    """Lets in callers on this machine: other web pages may not speak through the user's browser.

    Others are answered 403; their sockets are closed before they are accepted.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = origins  # whose pages are let in beside this machine's

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_trusted(Headers(scope=scope), self._origins):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            message = "Only this machine, browser extensions and CORS_ORIGINS may call."
            await error_response(403, "forbidden", message)(scope, receive, send)


class PageHeaders:
    """Adds to every answer what a page of it may load and do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["path"] != "/docs":  # its page starts with an inline script
                    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """Raises InputTooLarge in whoever reads a request's body, as soon as it is more than `limit` bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def receive_within_limit() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise InputTooLarge(
                    f"The body is more than {self._limit} bytes; send it in parts or raise MAX_BODY."
                )
            return message

        await self._app(scope, receive_within_limit if scope["type"] == "http" else receive, send)


def is_trusted(headers: Headers, origins: frozenset[str]) -> bool:
    """Whether the caller is on this machine, or a page of `origins`.

    Checked by the `Host` asked for (a name that was made to point here is refused) and the `Origin` sent.
    """
    if _hostname(headers.get("host", "")) not in _LOCAL:
        return False
    origin = headers.get("origin")
    if not origin or origin.startswith(_EXTENSIONS) or origin in origins:
        return True
    return _hostname(origin.partition("://")[2]) in _LOCAL


def _hostname(netloc: str) -> str:
    return netloc if netloc.endswith("]") else netloc.rpartition(":")[0] or netloc
