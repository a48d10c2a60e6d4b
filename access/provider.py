"""The OpenID Connect provider: the code flow with PKCE."""

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from access.tokens import Claims, JwksKeys, Tokens, fetch_json, outgoing
from errors import Unauthenticated, Unavailable

CALLBACK: Final = "/api/v1/sign-in/callback"
SCOPE: Final = "openid profile"
METADATA_SECONDS = 3600.0
_AWAY: Final = "The sign-in provider does not answer as it should; try again."


class Provider:
    """One provider, of which this service is the client `client_id`; people come back to `public_url`."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        public_url: str,
        algorithms: tuple[str, ...],
        skew: float,
        grants_claim: str = "",
        client: Callable[[], httpx.AsyncClient] = outgoing,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = public_url.rstrip("/") + CALLBACK
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -float("inf")
        self._asking = asyncio.Lock()
        self._tokens = Tokens(
            JwksKeys(self._jwks),
            issuer=issuer,
            audience=client_id,
            algorithms=algorithms,
            skew=skew,
            grants_claim=grants_claim,
        )

    @property
    def name(self) -> str:
        """What people are told that they sign in with."""
        return httpx.URL(self._issuer).host

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where a person signs in. Unavailable when the provider does not answer."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(await self._endpoint("authorization_endpoint")).copy_merge_params(asked))

    async def claims(self, code: str, *, verifier: str, nonce: str) -> Claims:
        """Who came back with this code. Unauthenticated when the provider gives no valid token for it."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
            "client_id": self._client_id,
        }
        auth = httpx.BasicAuth(self._client_id, self._client_secret) if self._client_secret else httpx.Auth()
        endpoint = await self._endpoint("token_endpoint")
        try:
            async with self._client() as http:
                answer = await http.post(endpoint, data=asked, auth=auth)
            given = answer.json() if answer.status_code == 200 else {}
            token = given["id_token"]
        except httpx.HTTPError as error:
            raise Unavailable(_AWAY) from error
        except (ValueError, LookupError, TypeError):
            raise Unauthenticated("The provider does not know this sign-in; begin again.") from None
        claims = await self._tokens.claims(token)
        if claims.nonce is None or not secrets.compare_digest(claims.nonce.encode(), nonce.encode()):
            raise Unauthenticated("The provider's answer belongs to another sign-in; begin again.")
        return claims

    async def _jwks(self) -> Any:
        return await fetch_json(await self._endpoint("jwks_uri"), self._client)

    async def _endpoint(self, name: str) -> str:
        """One of the addresses that the provider publishes."""
        async with self._asking:
            if time.monotonic() - self._metadata_at > METADATA_SECONDS:
                url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
                try:
                    found = await fetch_json(url, self._client)
                    if found["issuer"] != self._issuer:
                        raise Unavailable("The provider says that it is another issuer: check OIDC_ISSUER.")
                    self._metadata, self._metadata_at = dict(found), time.monotonic()
                except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
                    raise Unavailable(_AWAY) from error
        try:
            return str(self._metadata[name])
        except LookupError:
            raise Unavailable(f"The provider publishes no {name}.") from None
