"""Signing in and out: sessions of people, with a name and password or through the provider."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from access.audit import Trail
from access.people import Passwords
from access.provider import Provider
from access.store import PendingSignIn, Session, Store
from access.tokens import Claims
from errors import Forbidden, NotFound, TooManyAttempts, Unauthenticated

SESSION_SECONDS = 12 * 3600
SIGN_IN_SECONDS = 600  # for what a person does at the provider
ATTEMPTS_SECONDS: Final = TooManyAttempts.retry_after
ATTEMPTS_OF_NAME = 10
ATTEMPTS_FROM_ADDRESS = 50
_WRONG: Final = "There is no such account with this password."
_NOT_BEGUN: Final = "This sign-in was not begun in this browser, or too long ago; begin again."


class SignIn:
    """Makes sessions and ends them; each is told to the audit trail. `now` gives the time."""

    def __init__(
        self,
        store: Store,
        trail: Trail,
        provider: Provider | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._trail = trail
        self._provider = provider
        self._passwords = Passwords()
        self._now = now

    @property
    def provider(self) -> str | None:
        """What people are told that they sign in with beside a password; None: nothing."""
        return None if self._provider is None else self._provider.name

    async def with_password(self, name: str, password: str, address: str) -> tuple[str, Session]:
        """The id of a new session, and the session.

        Unauthenticated when name or password is wrong, which is not told apart. TooManyAttempts after
        ATTEMPTS_OF_NAME for a name or ATTEMPTS_FROM_ADDRESS from an address in ATTEMPTS_SECONDS.
        """
        by_name = await self._count_attempt(name, address)
        person = await self._store.person(name)
        if not await self._passwords.is_right(person, password) or person is None:
            # A name that nobody has may be a password in the wrong field.
            who = "person:?" if person is None else person.principal
            await self._trail.record("sign_in_failed", who, address=address)
            raise Unauthenticated(_WRONG)
        await self._store.forget_attempts(by_name)
        return await self._begin(person.principal, person.name, address, stamp=person.stamp)

    async def change_password(self, session: Session, current: str, password: str, address: str) -> None:
        """Give who has signed in another password; all of the person's sessions end, this one too.

        NotFound for who has no password here. Forbidden when `current` is wrong, TooManyAttempts as of
        `with_password`, InvalidInput when the new one is too short or too long.
        """
        kind, _, name = session.principal.partition(":")
        person = await self._store.person(name) if kind == "person" else None
        if person is None:
            raise NotFound("Only a local account has a password here.")
        by_name = await self._count_attempt(name, address)
        if not await self._passwords.is_right(person, current):
            await self._trail.record("sign_in_failed", session.principal, address=address)
            raise Forbidden("The present password is another.")
        await self._store.forget_attempts(by_name)
        changed = await self._passwords.person(name, password)
        await self._trail.record("password_changed", session.principal, principal=session.principal)
        await self._store.put_person(changed)

    async def begin_at_provider(self) -> tuple[str, str]:
        """Where to send the person, and the state that the same browser has to come back with.

        NotFound when there is no provider.
        """
        provider = self._known_provider()
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        await self._store.add_sign_in(state, PendingSignIn(verifier=verifier, nonce=nonce), SIGN_IN_SECONDS)
        return await provider.address(state=state, nonce=nonce, verifier=verifier), state

    async def from_provider(
        self, code: str, state: str, kept: str | None, address: str
    ) -> tuple[str, Session]:
        """The id of a new session, and the session, for who came back with a code.

        `kept` is the state that the browser kept. Unauthenticated when the sign-in was not begun there, or
        the provider does not know the code; NotFound when there is no provider.
        """
        provider = self._known_provider()
        pending = None
        if kept is not None and secrets.compare_digest(kept.encode(), state.encode()):
            pending = await self._store.take_sign_in(state)
        if pending is None:
            raise Unauthenticated(_NOT_BEGUN)
        try:
            claims = await provider.claims(code, verifier=pending.verifier, nonce=pending.nonce)
        except Unauthenticated:
            await self._trail.record("sign_in_failed", "token:?", address=address)
            raise
        return await self._begin(claims.principal_id, claims.name, address, claims=claims)

    async def out(self, id: str, session: Session) -> None:
        """End the session."""
        await self._trail.record("signed_out", session.principal)
        await self._store.remove_session(id)

    async def _count_attempt(self, name: str, address: str) -> str:
        """What the attempt is counted by, to be forgotten when it succeeds; TooManyAttempts."""
        by_name = f"name {name}"
        for what, most in ((by_name, ATTEMPTS_OF_NAME), (f"address {address}", ATTEMPTS_FROM_ADDRESS)):
            if await self._store.count_attempt(what, ATTEMPTS_SECONDS) > most:
                raise TooManyAttempts("Signing in failed too often; wait a quarter of an hour.")
        return by_name

    def _known_provider(self) -> Provider:
        if self._provider is None:
            raise NotFound("OIDC_ISSUER names no provider.")
        return self._provider

    async def _begin(
        self,
        principal: str,
        name: str,
        address: str,
        *,
        stamp: str | None = None,
        claims: Claims | None = None,
    ) -> tuple[str, Session]:
        id = secrets.token_urlsafe(32)
        session = Session(
            principal=principal,
            name=name,
            csrf_token=secrets.token_urlsafe(32),
            expires_at=self._now() + timedelta(seconds=SESSION_SECONDS),
            stamp=stamp,
            grants=None if claims is None else claims.grants,
        )
        await self._trail.record("signed_in", principal, address=address)
        await self._store.add_session(id, session)
        return id, session
