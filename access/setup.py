"""Puts authentication together as the settings say."""

from collections.abc import Callable
from pathlib import Path

import httpx
from redis.asyncio import Redis

from access.admission import Admissions
from access.audit import Audit
from access.gate import Gate, Guarded, Open
from access.manage import Manager
from access.provider import Provider
from access.secret import read_secret
from access.sign_in import SignIn
from access.store import Store
from access.tokens import FixedKey, JwksKeys, Tokens, jwks_at, outgoing
from errors import SettingsError
from settings import Settings

ID_TOKEN_ALGORITHMS = ("RS256", "PS256", "ES256")


class Access:
    """Who is let in, and what is open. `origins`: whose pages may use a session beside the service's own.

    `open_at` is the address at which everybody is let in; None: callers say who they are.
    """

    def __init__(
        self, gate: Gate, *, origins: frozenset[str] = frozenset(), open_at: str | None = None
    ) -> None:
        self.gate = gate
        self.admissions = Admissions(gate)
        self.origins = origins
        self.open_at = open_at


class GuardedAccess(Access):
    """Where callers say who they are, there is somebody to manage, to sign in, and to keep a trail of."""

    def __init__(
        self, settings: Settings, redis: Redis, client: Callable[[], httpx.AsyncClient] = outgoing
    ) -> None:
        """`client` is for what is asked of the sign-in provider.

        SettingsError when a file that the settings name cannot be used.
        """
        secret = read_secret(settings.secret_file)
        store = Store(redis)
        self.audit = Audit(redis, secret)
        self.manager = Manager(store, secret, self.audit)
        self.sign_in = SignIn(store, self.audit, _provider(settings, client))
        gate = Guarded(store, secret, self.audit, _tokens(settings))
        super().__init__(gate, origins=settings.page_origins)


def open_access(settings: Settings) -> Access:
    """Everybody is let in who reaches the address."""
    return Access(Open(), open_at=f"{settings.host}:{settings.port}")


def _tokens(settings: Settings) -> Tokens | None:
    if not settings.jwt_issuer:
        return None
    algorithms = settings.token_algorithms
    return Tokens(
        FixedKey(_read("JWT_KEY_FILE", settings.jwt_key_file), algorithms)
        if settings.jwt_key_file
        else JwksKeys(jwks_at(settings.jwt_jwks_url)),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        algorithms=algorithms,
        skew=settings.jwt_clock_skew,
        grants_claim=settings.jwt_grants_claim,
    )


def _provider(settings: Settings, client: Callable[[], httpx.AsyncClient]) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    file = settings.oidc_client_secret_file
    return Provider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=_read("OIDC_CLIENT_SECRET_FILE", file).decode().strip() if file else "",
        public_url=settings.public_url,
        algorithms=ID_TOKEN_ALGORITHMS,
        skew=settings.jwt_clock_skew,
        grants_claim=settings.oidc_grants_claim,
        client=client,
    )


def _read(name: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{name}={file}: cannot be read ({error.strerror}); every node needs it at the same path."
        ) from None
