"""How much one caller may ask for, and how much of one user is taken in: beyond, 429 or a closed socket.

A caller is the address that it calls from, IPv6 by its network of 64 bits, which is what one subscriber has;
and whoever it says it is (`api.caller`).
Programs on this machine are not limited as callers: they are the operator's own, or a proxy that was not
named. Nor is anybody where a proxy that is not trusted hides who calls.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv6Address, ip_network
from typing import Annotated, TypeVar

from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.buckets import Buckets
from api.errors import refusal
from api.forwarded import read_address
from errors import RateLimited, TooManySockets
from metrics.declared import LIMITED
from metrics.port import UNMEASURED, Metrics
from settings import Settings

K = TypeVar("K")

BURST = 10.0  # seconds of a user's rate that may be taken at once
AT_ONCE = 1.0  # likewise, of a caller's: what more comes is spread
SUBNET = 64  # bits
HOLD = 1.0  # seconds that a request waits for its turn at most; a refusal is held back as long
PACED = "analytics.paced"  # in an ASGI scope: its caller asks faster than it may
MOST_HELD = 100  # refusals of one caller that are held back at a time


class Limits:
    """The limits of these settings; one replica serves everybody, so they are kept in its memory."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics = UNMEASURED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        def buckets(rate: float, burst: float = BURST) -> Buckets:
            return Buckets(rate, max(1.0, rate * burst), clock)

        self.longest_window = timedelta(seconds=settings.max_window)
        self._metrics = metrics
        self._requests = buckets(settings.requests_per_second, AT_ONCE)
        self._messages = buckets(settings.messages_per_second)
        self._bytes = buckets(settings.bytes_per_second)
        self._most_sockets = {"user": settings.sockets_per_user, "address": settings.sockets_per_address}
        self._sockets: Counter[tuple[str, str]] = Counter()
        self._held: Counter[str] = Counter()

    async def ask(self, caller: str | None) -> bool:
        """Return when a request of a caller has its turn: whether it had to wait for it.

        RateLimited when that is too far off. The refusal comes late as well: who asks again at once after
        each costs next to nothing.
        """
        if caller is None:
            return False
        wait = self._requests.wait(caller, 1)
        if wait <= HOLD:
            self._requests.take(caller, 1)
            if wait:
                await asyncio.sleep(wait)
            return wait > 0
        self._metrics.count(LIMITED, of="requests")
        if self._held[caller] < MOST_HELD:
            with _counted(self._held, caller):
                await asyncio.sleep(HOLD)
        raise _limited("REQUESTS_PER_SECOND", "requests come from this caller", wait)

    def may_send(self, user_id: str) -> None:
        """RateLimited when more bytes of the user were taken in than may be."""
        if wait := self._bytes.wait(user_id):
            self._metrics.count(LIMITED, of="bytes")
            raise _limited("BYTES_PER_SECOND", "bytes were sent for this user", wait)

    def may_send_messages(self, user_id: str) -> None:
        """RateLimited when more live messages of the user were taken in than may be."""
        if wait := self._messages.wait(user_id):
            self._metrics.count(LIMITED, of="messages")
            raise _limited("MESSAGES_PER_SECOND", "messages were sent for this user", wait)

    async def pace(self, user_id: str) -> None:
        """Return when more live input of the user may be taken in: what comes by a socket waits."""
        while wait := max(self._bytes.wait(user_id), self._messages.wait(user_id)):
            self._metrics.count(LIMITED, of="input of sockets")
            await asyncio.sleep(wait)

    def sent(self, user_id: str, *, size: int = 0, messages: int = 0) -> None:
        """Count what was taken in."""
        self._bytes.take(user_id, size)
        self._messages.take(user_id, messages)

    @contextmanager
    def socket(self, user_id: str, caller: str | None) -> Iterator[None]:
        """Count a socket while it is open; TooManySockets when the user or caller has as many as may be."""
        keys = [("user", user_id), *([("address", caller)] if caller is not None else [])]
        for kind, name in keys:
            if self._sockets[kind, name] >= self._most_sockets[kind]:
                self._metrics.count(LIMITED, of=f"sockets by {kind}")
                raise TooManySockets(
                    f"This {kind} has as many sockets as SOCKETS_PER_{kind.upper()} allows; close some."
                )
        with _counted(self._sockets, *keys):
            yield


def caller_of(scope: Scope) -> str | None:
    """Who calls, as limits know it; None where that is this machine, or not known."""
    client: str = (scope.get("client") or ("127.0.0.1", 0))[0]
    address = read_address(client)
    if address is None:
        return client
    if isinstance(address, IPv6Address) and not address.is_loopback:
        return str(ip_network((address, SUBNET), strict=False))
    return None if address.is_loopback else str(address)


class RequestLimit:
    """Answers 429 to requests and handshakes of a caller that asks too often."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            try:
                if await self._limits.ask(caller_of(scope)):
                    scope[PACED] = True
            except RateLimited as error:
                await refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def limits_of(connection: HTTPConnection) -> Limits:
    """The application's, for what is part of every request: a dependency has its price."""
    limits: Limits = connection.app.state.limits
    return limits


async def _limits(connection: HTTPConnection) -> Limits:
    return limits_of(connection)


KnownLimits = Annotated[Limits, Depends(_limits)]


def _limited(setting: str, what: str, wait: float) -> RateLimited:
    seconds = math.ceil(wait)
    return RateLimited(
        f"More {what} than {setting} allows; nothing was taken, send it again in {seconds} s.",
        detail={"retry_after": seconds},
    )


@contextmanager
def _counted(counter: Counter[K], *keys: K) -> Iterator[None]:
    counter.update(keys)
    try:
        yield
    finally:
        counter.subtract(keys)
        for key in keys:
            if not counter[key]:
                del counter[key]
