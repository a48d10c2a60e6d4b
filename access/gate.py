"""Who a caller is: from a key, a token or a session to a principal with its grants.

What Redis says of them is kept in memory until the version of it all changes, which is asked for twice a
second (see `access.admission`); after TRUSTED seconds without, the next caller asks first. So a change holds
everywhere within a second, and a call costs no question to Redis.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from access.audit import Trail, Untold
from access.keys import is_key, key_id, renewed
from access.principal import LOCAL, Principal
from access.secret import Secret
from access.store import Session, Store
from access.tokens import Tokens
from errors import Unauthenticated

TRUSTED = 1.0
MOST_KEPT = 10_000  # principals; what callers without a valid key ask for is not kept
_UNKNOWN: Final = "This key is not known, or was revoked."
_OVER: Final = "You are not signed in (any more)."


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows: a key or token, or the id of a session (from its cookie).

    `wrong` says what is wrong with how it is shown.
    """

    bearer: str | None = None
    session: str | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, until when that holds (epoch seconds; None: until it is taken back), and how it is known."""

    principal: Principal
    expires_at: float | None = None
    session: Session | None = None


class Gate(Protocol):
    """Says who calls."""

    trail: Trail

    async def caller(self, credentials: Credentials) -> Caller:
        """Who shows these; Unauthenticated when nobody does."""

    async def changed(self) -> bool:
        """Whether who may do what has changed since this was asked last; Unavailable when nobody can tell."""


class Open:
    """Lets in everybody as the one local principal: for a service that its own machine alone reaches."""

    trail: Trail = Untold()

    async def caller(self, credentials: Credentials) -> Caller:
        return Caller(LOCAL)

    async def changed(self) -> bool:
        return False


class Guarded:
    """Asks for a key, a token or a session. `clock` gives epoch seconds."""

    def __init__(
        self,
        store: Store,
        secret: Secret,
        trail: Trail,
        tokens: Tokens | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.trail = trail
        self._store = store
        self._secret = secret
        self._tokens = tokens
        self._clock = clock
        self._kept: dict[tuple[str, str], Caller] = {}  # by kind and what was shown
        self._version = -1
        self._told = -1  # the version that `changed` spoke of
        self._looked = -float("inf")  # monotonic
        self._looking = asyncio.Lock()

    async def caller(self, credentials: Credentials) -> Caller:
        if credentials.wrong is not None:
            raise Unauthenticated(credentials.wrong)
        if credentials.bearer is not None:
            id = key_id(credentials.bearer)
            if id is not None:
                return await self._known("key", credentials.bearer, self._by_key)
            return await self._by_token(credentials.bearer)
        if credentials.session is not None:
            return await self._known("session", credentials.session, self._by_session)
        raise Unauthenticated("Say who you are: Authorization: Bearer KEY, or sign in.")

    async def changed(self) -> bool:
        await self._look(0.0)
        is_news = self._version != self._told
        self._told = self._version
        return is_news

    async def _known(self, kind: str, shown: str, find: Callable[[str], Awaitable[Caller]]) -> Caller:
        """Who shows it, from memory while that holds."""
        await self._look(TRUSTED)
        while True:
            version = self._version
            caller = self._kept.get((kind, shown)) or await find(shown)
            if version == self._version:
                break  # else what was found may be older than the change that open sockets were told of
        if caller.expires_at is not None and caller.expires_at <= self._clock():
            self._kept.pop((kind, shown), None)
            raise Unauthenticated("This key has expired." if kind == "key" else _OVER)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[kind, shown] = caller
        return caller

    async def _look(self, age: float) -> None:
        """Have looked at the version within so many seconds."""
        if time.monotonic() - self._looked < age:
            return
        async with self._looking:
            if time.monotonic() - self._looked < age:
                return
            asked = time.monotonic()
            version = await self._store.version()
            if version != self._version:
                self._kept.clear()
                self._version = version
            self._looked = asked

    async def _by_key(self, shown: str) -> Caller:
        key = await self._store.key(key_id(shown) or "")
        if key is None or not is_key(shown, key, self._secret):
            raise Unauthenticated(_UNKNOWN)
        if (fresh := renewed(shown, key, self._secret)) != key:
            await self._store.renew_key(key, fresh)
        grants = await self._store.grants(key.principal)
        expires = None if key.expires_at is None else key.expires_at.timestamp()
        return Caller(Principal(id=key.principal, name=key.name, grants=grants), expires)

    async def _by_session(self, id: str) -> Caller:
        session = await self._store.session(id)
        if session is None:
            raise Unauthenticated(_OVER)
        if session.stamp is not None:
            person = await self._store.person(session.principal.removeprefix("person:"))
            if person is None or person.stamp != session.stamp:
                raise Unauthenticated(_OVER)
        grants = session.grants
        if grants is None:
            grants = await self._store.grants(session.principal)
        principal = Principal(id=session.principal, name=session.name, grants=grants)
        return Caller(principal, session.expires_at.timestamp(), session)

    async def _by_token(self, shown: str) -> Caller:
        if self._tokens is None:
            raise Unauthenticated(_UNKNOWN)
        claims = await self._tokens.claims(shown)
        if claims.grants is None:
            grants = (await self._known("token", claims.principal_id, self._by_subject)).principal.grants
        else:
            grants = claims.grants
        return Caller(claims.principal(grants), claims.expires_at)

    async def _by_subject(self, principal: str) -> Caller:
        grants = await self._store.grants(principal)
        return Caller(Principal(id=principal, name=principal, grants=grants))
