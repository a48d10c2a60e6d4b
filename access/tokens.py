"""Bearer tokens: JWTs of an issuer that the settings name.

Which algorithms count, whose tokens and for whom is said by the settings and never by the token. Signatures
are checked with the keys of the issuer's JWKS, or with the one in a file.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
import jwt
from jwt.algorithms import Algorithm, get_default_algorithms
from pydantic import TypeAdapter, ValidationError

from access.principal import Grant, Principal
from errors import SettingsError, Unauthenticated, Unavailable

log = logging.getLogger(__name__)

FETCH_WITHIN = 10.0
FETCH_LEAST = 30.0  # seconds between two fetches, whatever key ids tokens name
FETCH_MOST = 600.0  # after this long the keys are fetched anew: one may have been withdrawn
KEPT = 3600.0  # keys count for so long while the issuer cannot be reached
LONGEST = 16 * 1024  # characters of a token
_SHORTEST_SECRET = 32  # bytes
_FAMILIES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_WRONG: Final = "The token is not valid: expired, of another issuer, for another service, or not signed."
_grants = TypeAdapter(tuple[Grant, ...])

Fetch = Callable[[], Awaitable[Any]]  # the JWKS as JSON


class Keys(Protocol):
    """Where the keys are that signatures are checked with."""

    async def key(self, algorithm: str, kid: str | None) -> Any:
        """The key for that algorithm and key id; Unauthenticated when there is none."""


class FixedKey:
    """One key: a public key in PEM for RS, PS and ES, else a secret for HS."""

    def __init__(self, value: bytes, algorithms: tuple[str, ...]) -> None:
        is_secret = all(each.startswith("HS") for each in algorithms)
        if is_secret and len(value.strip()) < _SHORTEST_SECRET:
            raise SettingsError(f"JWT_KEY_FILE: a secret has at least {_SHORTEST_SECRET} bytes.")
        try:
            self._keys = {
                each: _algorithm(each).prepare_key(value.strip() if is_secret else value)
                for each in algorithms
            }
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SettingsError(
                f"JWT_KEY_FILE: holds no key for {', '.join(algorithms)} ({type(error).__name__})."
            ) from None

    async def key(self, algorithm: str, kid: str | None) -> Any:
        return self._keys[algorithm]


class JwksKeys:
    """The keys of a JWKS that is fetched when it is needed. `clock` gives monotonic seconds."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._published: dict[str | None, list[Mapping[str, Any]]] = {}  # by key id
        self._read: dict[tuple[str, str | None], Any] = {}  # those that were used, ready for use
        self._fetched = self._tried = -float("inf")
        self._fetching = asyncio.Lock()

    async def key(self, algorithm: str, kid: str | None) -> Any:
        usable = self._usable(algorithm, kid)
        if not usable or self._clock() - self._fetched > FETCH_MOST:
            await self._refresh()
            usable = self._usable(algorithm, kid)
        if len(usable) != 1:
            raise Unauthenticated("The token names no key that its issuer publishes.")
        if (algorithm, kid) not in self._read:
            try:
                self._read[algorithm, kid] = _algorithm(algorithm).from_jwk(dict(usable[0]))
            except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                raise Unauthenticated("The token names a key that cannot be used.") from None
        return self._read[algorithm, kid]

    def _usable(self, algorithm: str, kid: str | None) -> list[Mapping[str, Any]]:
        """The published keys of that id that are for the algorithm; without an id, all that are."""
        published = self._published
        named = (
            published.get(kid, []) if kid is not None else [key for of in published.values() for key in of]
        )
        return [
            key
            for key in named
            if key.get("kty") == _FAMILIES[algorithm[:2]]
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
        ]

    async def _refresh(self) -> None:
        """Fetch the keys anew, unless that was tried just now. Unavailable when there are none at all."""
        async with self._fetching:
            if self._clock() - self._tried >= FETCH_LEAST:
                self._tried = self._clock()
                try:
                    self._published, self._read = _by_id(await self._fetch()), {}
                    self._fetched = self._clock()
                except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:
                    log.warning("The JWKS cannot be fetched (%s).", type(error).__name__)
            if self._clock() - self._fetched > KEPT:
                raise Unavailable("The issuer's keys cannot be fetched; try again.")


def _by_id(jwks: Any) -> dict[str | None, list[Mapping[str, Any]]]:
    found: dict[str | None, list[Mapping[str, Any]]] = {}
    for key in jwks["keys"]:
        found.setdefault(key.get("kid"), []).append(key)
    return found


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    issuer: str
    subject: str
    name: str
    expires_at: float  # epoch seconds
    grants: tuple[Grant, ...] | None  # None: no claim is configured to have them
    nonce: str | None

    def principal(self, grants: tuple[Grant, ...]) -> Principal:
        return Principal(id=self.principal_id, name=self.name, grants=grants)

    @property
    def principal_id(self) -> str:
        return f"token:{self.issuer}|{self.subject}"


class Tokens:
    """Reads tokens of one issuer for one audience."""

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        algorithms: tuple[str, ...],
        skew: float,
        grants_claim: str = "",
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = algorithms
        self._skew = skew
        self._grants_claim = grants_claim

    async def claims(self, token: str) -> Claims:
        """What the token says. Unauthenticated when it is not valid, Unavailable without the keys."""
        try:
            if len(token) > LONGEST:
                raise Unauthenticated(_WRONG)
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms:
                raise Unauthenticated(_WRONG)
            said = jwt.decode(
                token,
                await self._keys.key(algorithm, kid),
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._skew,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthenticated(_WRONG) from None
        return Claims(
            issuer=self._issuer,
            subject=said["sub"],
            name=str(said.get("name") or said.get("preferred_username") or said["sub"])[:100],
            expires_at=float(said["exp"]),
            grants=self._granted(said) if self._grants_claim else None,
            nonce=said.get("nonce"),
        )

    def _granted(self, said: Mapping[str, Any]) -> tuple[Grant, ...]:
        """The grants of the claim; one that is not read as a grant makes the whole token void."""
        try:
            return _grants.validate_python(said.get(self._grants_claim, []))
        except ValidationError:
            raise Unauthenticated(
                f"The token's claim {self._grants_claim} is no list of grants (docs/security.md)."
            ) from None


def outgoing() -> httpx.AsyncClient:
    """A client for the issuer's addresses."""
    return httpx.AsyncClient(timeout=FETCH_WITHIN, follow_redirects=False)


def jwks_at(url: str) -> Fetch:
    """Fetches the JWKS of that address."""

    async def fetch() -> Any:
        return await fetch_json(url, outgoing)

    return fetch


async def fetch_json(url: str, client: Callable[[], httpx.AsyncClient]) -> Any:
    """The JSON at an address of the issuer; httpx.HTTPError and ValueError pass through."""
    async with client() as http:
        answer = await http.get(url)
        answer.raise_for_status()
        return answer.json()


def _algorithm(name: str) -> Algorithm:
    return get_default_algorithms()[name]
