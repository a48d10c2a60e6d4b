"""Signing in at an OpenID Connect provider: what comes back is checked against what was begun."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.caller import COOKIE
from api.sign_in import STATE_COOKIE
from tests.history.store import Store
from tests.security.guarded import HERE, VICTIM, Guarded, grant, guarded

ISSUER, CLIENT = "https://id.example", "analytics"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CALLBACK = "/api/v1/sign-in/callback"


class Idp:
    """Answers as a provider does: codes count once, with the verifier whose challenge they came with."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}  # instead of those that it would give
        self.posted: list[httpx.Request] = []
        self.issuer = ISSUER

    def signed_in(self, address: str, code: str = "code") -> dict[str, str]:
        """A person signs in at that address; what comes back to the service's callback."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/.well-known/openid-configuration":
                ends = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
                found = {name: f"{ISSUER}/{path}" for name, path in ends.items()}
                return httpx.Response(200, json={"issuer": self.issuer, **found})
            case "/jwks":
                public = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(KEY.public_key()))
                return httpx.Response(200, json={"keys": [{**public, "kid": "k"}]})
        self.posted.append(request)
        given = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self.codes.pop(given["code"], None)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != given["redirect_uri"]
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": "ann",
            "name": "Ann",
            "nonce": asked["nonce"],
        }
        claims |= {"exp": int(time.time()) + 60, **self.claims}
        return httpx.Response(200, json={"id_token": jwt.encode(claims, KEY, "RS256", headers={"kid": "k"})})

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))


@pytest.fixture
def idp() -> Idp:
    return Idp()


@pytest.fixture
async def api(store: Store, tmp_path: Path, idp: Idp) -> AsyncIterator[Guarded]:
    (tmp_path / "client-secret").write_text("hush\n")
    settings = {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT}
    async with guarded(
        store.url, tmp_path, idp.client, **settings, oidc_client_secret_file=str(tmp_path / "client-secret")
    ) as running:
        yield running


async def begin(api: Guarded) -> str:
    answer = await api.ask("GET", "/api/v1/sign-in/provider")
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_a_person_signs_in_at_the_provider(api: Guarded, idp: Idp) -> None:
    assert (await api.ask("GET", "/api/v1/sign-in")).json() == {"password": True, "provider": "id.example"}
    address = await begin(api)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [HERE + CALLBACK]
    answer = await api.ask("GET", CALLBACK, params=idp.signed_in(address))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = (await api.ask("GET", "/api/v1/me")).json()
    assert (me["id"], me["name"], me["grants"]) == (f"token:{ISSUER}|ann", "Ann", [])
    [posted] = idp.posted
    assert posted.headers["authorization"].startswith("Basic ")
    assert "hush" not in address


async def test_a_provider_s_person_has_the_grants_that_were_given_here(api: Guarded, idp: Idp) -> None:
    await api.access.manager.add_grant("test", f"token:{ISSUER}|ann", grant("owner"))
    await api.ask("GET", CALLBACK, params=idp.signed_in(await begin(api)))
    assert (await api.ask("GET", "/api/v1/chats", params={"user_id": VICTIM})).status_code == 200
    assert (await api.ask("GET", "/api/v1/chats", params={"user_id": "other"})).status_code == 404


async def refused(api: Guarded, back: dict[str, str]) -> None:
    answer = await api.ask("GET", CALLBACK, params=back)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    assert COOKIE not in api.http.cookies


async def test_a_sign_in_that_another_browser_began_is_refused(api: Guarded, idp: Idp) -> None:
    back = idp.signed_in(await begin(api))
    api.http.cookies.clear()
    await refused(api, back)
    await begin(api)  # with a state of its own
    await refused(api, back)


async def test_a_sign_in_counts_once(api: Guarded, idp: Idp) -> None:
    back = idp.signed_in(await begin(api))
    state = {"Cookie": f"{STATE_COOKIE}={back['state']}"}
    assert (await api.ask("GET", CALLBACK, params=back, headers=state)).status_code == 303
    api.http.cookies.clear()
    idp.signed_in(f"{ISSUER}/auth?state={back['state']}", back["code"])
    answer = await api.ask("GET", CALLBACK, params=back, headers=state)
    assert answer.status_code == 401


async def test_a_code_that_somebody_else_asked_for_is_refused(api: Guarded, idp: Idp) -> None:
    mallory = idp.signed_in(await begin(api), "stolen")
    own = idp.signed_in(await begin(api), "own")
    await refused(api, {"code": mallory["code"], "state": own["state"]})


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "of another sign-in"}, {"aud": "another client"}, {"iss": "https://evil.example"}, {"exp": 1}],
)
async def test_a_token_of_another_sign_in_is_refused(api: Guarded, idp: Idp, claims: dict[str, Any]) -> None:
    idp.claims = claims
    await refused(api, idp.signed_in(await begin(api)))


async def test_what_is_no_answer_of_the_provider_is_refused(api: Guarded, idp: Idp) -> None:
    await begin(api)
    await refused(api, {"error": "access_denied"})
    await refused(api, {"code": "made-up", "state": api.http.cookies[STATE_COOKIE]})


async def test_a_provider_that_says_it_is_another_is_not_asked(api: Guarded, idp: Idp) -> None:
    idp.issuer = "https://evil.example"
    answer = await api.ask("GET", "/api/v1/sign-in/provider")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


async def test_grants_of_the_provider_s_claim_count_for_the_session(
    store: Store, tmp_path: Path, idp: Idp
) -> None:
    idp.claims = {"roles": [{"role": "chatter", "user_id": VICTIM}]}
    settings = {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "oidc_grants_claim": "roles"}
    async with guarded(store.url, tmp_path, idp.client, **settings) as api:
        await api.ask("GET", CALLBACK, params=idp.signed_in(await begin(api)))
        assert (await api.ask("GET", "/api/v1/chats", params={"user_id": VICTIM})).status_code == 200
        [posted] = idp.posted
        assert "authorization" not in posted.headers  # a client without a secret


async def test_without_a_provider_nobody_is_sent_there(store: Store, tmp_path: Path) -> None:
    async with guarded(store.url, tmp_path) as api:
        for path in ("/api/v1/sign-in/provider", f"{CALLBACK}?code=a&state=b"):
            assert (await api.ask("GET", path)).status_code == 404
