"""Who may call, how much may be sent, and what browsers are told: ASGI middleware around the routes."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_response
from errors import InputTooLarge

POLICY_VIOLATION = 1008
HSTS = f"max-age={365 * 86_400}"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LOCAL = {"localhost", "127.0.0.1", "[::1]"}
_EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
_HOST = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_OWN_PORTS = (":80", ":443")  # a browser leaves them out


def page_policy(host: str, *, style: str = "'self'", more: str = "") -> str:
    """The Content-Security-Policy of a page asked for at `host`: all of it from there, and nothing inline."""
    sockets = f" ws://{host} wss://{host}" if host else ""  # not for every browser they are 'self'
    return (
        f"default-src 'self'; style-src {style}; img-src 'self' data: blob:; connect-src 'self'{sockets}; "
        f"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'{more}"
    )


class OriginGuard:
    """Lets in callers that ask for this service by a name of its own, and of web pages only its own.

    Those are what is on this machine, and the names `hosts`; pages of `origins` may call beside them, and
    browser extensions. Others are answered 403; their sockets are closed before they are accepted.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], origins: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_trusted(Headers(scope=scope), self._hosts, self._origins):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            message = (
                "Only callers that ask for this machine or one of ALLOWED_HOSTS, pages of the same host, "
                "browser extensions and CORS_ORIGINS may call."
            )
            await error_response(403, "forbidden", message)(scope, receive, send)


class PageHeaders:
    """Adds to every answer what a page of it may load and do, and how it is to be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Content-Security-Policy", page_policy(asked_host(scope)))
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")  # chats stay out of browsers' caches
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def asked_host(scope: Scope) -> str:
    """The host and port that were asked for; empty when they are none, such as more of a policy."""
    host = Headers(scope=scope).get("host", "").lower()
    return host if _HOST.fullmatch(host) else ""


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


def is_trusted(headers: Headers, hosts: frozenset[str], origins: frozenset[str]) -> bool:
    """Whether the service is asked for by a name of its own, and by no page of another site.

    Checked by the `Host` asked for (a name that was made to point here is refused) and the `Origin` sent.
    """
    asked = headers.get("host", "").lower()
    is_local = _hostname(asked) in _LOCAL
    if not is_local and _hostname(asked) not in hosts:
        return False
    origin = headers.get("origin")
    if not origin or origin.startswith(_EXTENSIONS) or origin in origins:
        return True
    calling = origin.partition("://")[2].lower()
    if is_local:
        return _hostname(calling) in _LOCAL
    return _without_own_port(calling) == _without_own_port(asked)


def _hostname(netloc: str) -> str:
    """Without the port; empty when it is none."""
    found = _HOST.fullmatch(netloc)
    return found["name"] if found else ""


def _without_own_port(netloc: str) -> str:
    return next((netloc.removesuffix(port) for port in _OWN_PORTS if netloc.endswith(port)), netloc)
