"""Bearer tokens: what an attacker may put into one is refused, and keys are fetched when need be."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from access.principal import Grant
from access.tokens import FETCH_LEAST, FETCH_MOST, KEPT, Claims, FixedKey, JwksKeys, Tokens
from errors import SettingsError, Unauthenticated, Unavailable

ISSUER, AUDIENCE = "https://id.example", "analytics"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
SIGNED = ("RS256", "PS256", "ES256")
PUBLIC_PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def jwk(kid: str, key: Any) -> dict[str, Any]:
    algorithm = jwt.get_algorithm_by_name("ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256")
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


JWKS = {"keys": [jwk("rsa", RSA), jwk("ec", EC)]}


class Issuer:
    """Publishes keys, and counts how often it is asked."""

    def __init__(self) -> None:
        self.jwks: Any = JWKS
        self.asked = 0
        self.now = 1000.0

    async def fetch(self) -> Any:
        self.asked += 1
        if isinstance(self.jwks, Exception):
            raise self.jwks
        return self.jwks

    def tokens(self, **more: Any) -> Tokens:
        given = {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": SIGNED, "skew": 30.0, **more}
        return Tokens(JwksKeys(self.fetch, lambda: self.now), **given)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def said(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 60, "iat": now, **more}
    return {name: value for name, value in claims.items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", **more: Any) -> str:
    return jwt.encode(said(**more), key, algorithm, headers=None if kid is None else {"kid": kid})


def raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    """A token that no library would make."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec")]
)
async def test_a_token_of_the_issuer_says_who_it_is(
    issuer: Issuer, key: Any, algorithm: str, kid: str
) -> None:
    claims = await issuer.tokens().claims(token(key, algorithm, kid, name="Ann"))
    assert (claims.principal_id, claims.name, claims.grants) == (f"token:{ISSUER}|ann", "Ann", None)


def _signed_with_public_key() -> str:
    """Signed by HMAC, with the RSA public key as the secret: it verifies where the token says how."""
    header, claims = {"alg": "HS256", "typ": "JWT", "kid": "rsa"}, said()
    unsigned = raw(header, claims, b"")
    return raw(header, claims, hmac.digest(PUBLIC_PEM, unsigned.rstrip(".").encode(), hashlib.sha256))


def _changed() -> str:
    head, _, signature = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(said(sub="admin")).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


ATTACKS = {
    "no signature": raw({"alg": "none", "kid": "rsa"}, said(), b""),
    "no signature, spelt otherwise": raw({"alg": "nOnE", "kid": "rsa"}, said(), b""),
    "an algorithm that is a list": raw({"alg": ["RS256"], "kid": "rsa"}, said(), b"x"),
    "no algorithm": raw({"kid": "rsa"}, said(), b"x"),
    "HMAC with the public key": _signed_with_public_key(),
    "another RSA key": token(OTHER_RSA),
    "a key of its own in the header": jwt.encode(
        said(), OTHER_RSA, "RS256", headers={"kid": "rsa", "jwk": jwk("rsa", OTHER_RSA)}
    ),
    "a key at an address of its own": jwt.encode(
        said(), OTHER_RSA, "RS256", headers={"kid": "rsa", "jku": "https://evil.example/jwks"}
    ),
    "the key of another algorithm": token(kid="ec"),
    "an unknown key id": token(kid="unknown"),
    "a key id that is a path": token(kid="../../dev/null"),
    "no key id among several keys": token(OTHER_RSA, kid=None),
    "an algorithm that is not allowed": jwt.encode(said(), RSA, "RS512", headers={"kid": "rsa"}),
    "changed claims": _changed(),
    "another audience": token(aud="other"),
    "no audience": token(aud=None),
    "another issuer": token(iss="https://evil.example"),
    "the issuer as a beginning": token(iss=f"{ISSUER}.evil.example"),
    "no issuer": token(iss=None),
    "expired": token(exp=int(time.time()) - 60),
    "no expiry": token(exp=None),
    "an expiry that is no number": token(exp="tomorrow"),
    "not valid yet": token(nbf=int(time.time()) + 120),
    "no subject": token(sub=None),
    "nothing": "",
    "dots": "..",
    "no token": "nonsense",
    "bytes that are no UTF-8": "\udcff.\udcff.\udcff",
    "too long": token(more="x" * 20_000),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_an_attacker_may_send_is_refused(issuer: Issuer, attack: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await issuer.tokens().claims(ATTACKS[attack])
    assert ATTACKS[attack] not in str(refused.value) or not ATTACKS[attack]


async def test_the_clocks_of_both_sides_may_differ_a_little(issuer: Issuer) -> None:
    late = token(exp=int(time.time()) - 10)
    await issuer.tokens().claims(late)
    with pytest.raises(Unauthenticated):
        await issuer.tokens(skew=0.0).claims(late)


async def test_a_token_without_a_key_id_is_read_where_only_one_key_fits(issuer: Issuer) -> None:
    await issuer.tokens().claims(token(kid=None))


async def test_a_new_key_is_fetched_when_a_token_names_it_and_unknown_ones_are_not_fetched_for_ever(
    issuer: Issuer,
) -> None:
    tokens = issuer.tokens()
    await tokens.claims(token())
    assert issuer.asked == 1
    issuer.jwks = {"keys": [jwk("new", OTHER_RSA)]}
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await tokens.claims(token(OTHER_RSA, kid="new"))
    assert issuer.asked == 1
    issuer.now += FETCH_LEAST
    await tokens.claims(token(OTHER_RSA, kid="new"))
    assert issuer.asked == 2
    with pytest.raises(Unauthenticated):  # it was withdrawn
        await tokens.claims(token())


async def test_a_key_that_was_withdrawn_holds_no_longer_than_its_time(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.claims(token())
    issuer.jwks = {"keys": []}
    issuer.now += FETCH_MOST + 1
    with pytest.raises(Unauthenticated):
        await tokens.claims(token())


async def test_keys_count_for_a_while_without_their_issuer_and_not_for_ever(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    issuer.jwks = httpx.ConnectError("away")
    with pytest.raises(Unavailable):
        await tokens.claims(token())
    issuer.jwks = JWKS
    issuer.now += FETCH_LEAST
    await tokens.claims(token())
    issuer.jwks = httpx.ConnectError("away")
    issuer.now += KEPT - 1
    await tokens.claims(token())
    issuer.now += FETCH_LEAST
    with pytest.raises(Unavailable):
        await tokens.claims(token())


@pytest.mark.parametrize(
    "jwks", [None, [], {}, {"keys": 5}, {"keys": [None]}, {"keys": [{"kty": "RSA", "kid": "rsa"}]}]
)
async def test_keys_that_cannot_be_read_let_nobody_in(issuer: Issuer, jwks: Any) -> None:
    issuer.jwks = jwks
    with pytest.raises((Unauthenticated, Unavailable)):
        await issuer.tokens().claims(token())


async def test_a_secret_for_both_sides_is_taken_where_the_settings_say_so_alone(issuer: Issuer) -> None:
    secret = b"s" * 32
    tokens = Tokens(
        FixedKey(secret, ("HS256",)), issuer=ISSUER, audience=AUDIENCE, algorithms=("HS256",), skew=0.0
    )
    assert isinstance(await tokens.claims(token(secret, "HS256")), Claims)
    for wrong in (token(b"t" * 32, "HS256"), token(), ATTACKS["no signature"]):
        with pytest.raises(Unauthenticated):
            await tokens.claims(wrong)


async def test_a_public_key_in_a_file_is_no_secret_for_hmac() -> None:
    tokens = Tokens(
        FixedKey(PUBLIC_PEM, ("RS256",)), issuer=ISSUER, audience=AUDIENCE, algorithms=("RS256",), skew=0.0
    )
    await tokens.claims(token())
    with pytest.raises(Unauthenticated):
        await tokens.claims(_signed_with_public_key())


@pytest.mark.parametrize(
    ("value", "algorithms"), [(b"short", ("HS256",)), (b"no key", ("RS256",)), (PUBLIC_PEM, ("ES256",))]
)
def test_a_file_without_a_key_for_the_algorithms_is_refused(
    value: bytes, algorithms: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError, match="JWT_KEY_FILE"):
        FixedKey(value, algorithms)


async def test_grants_come_from_the_claim_that_the_settings_name(issuer: Issuer) -> None:
    tokens = issuer.tokens(grants_claim="grants")
    given = [{"role": "chatter", "user_id": "agency1", "creator_id": "4711"}]
    claims = await tokens.claims(token(grants=given))
    assert claims.grants == (Grant(role="chatter", user_id="agency1", creator_id="4711"),)
    assert (await tokens.claims(token())).grants == ()
    for wrong in ("owner *", [{"role": "root", "user_id": "*"}], [{"role": "owner"}], {"role": "owner"}):
        with pytest.raises(Unauthenticated):
            await tokens.claims(token(grants=wrong))
