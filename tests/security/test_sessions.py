"""People who sign in: sessions, what other sites' pages cannot do with them, and guessing passwords."""

import asyncio
from typing import Any

import argon2
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from access.people import Passwords
from access.sign_in import ATTEMPTS_FROM_ADDRESS, ATTEMPTS_OF_NAME
from api.caller import COOKIE, CSRF_HEADER
from errors import InvalidInput, TooManyAttempts, Unauthenticated
from tests.conftest import PATIENCE
from tests.security.guarded import CREATOR, HERE, VICTIM, Guarded, grant

PASSWORD = "correct horse battery"
SNAPSHOT = f"/api/v1/ingest/{VICTIM}/snapshot"
EMPTY: dict[str, Any] = {"chats": [], "messages": []}


async def sign_in(api: Guarded, name: str = "ann", password: str = PASSWORD, **more: Any) -> httpx.Response:
    return await api.ask("POST", "/api/v1/session", json={"name": name, "password": password}, **more)


@pytest.fixture
async def ann(api: Guarded) -> Guarded:
    """The service with an owner who has an account."""
    await api.access.manager.add_person("test", "ann", PASSWORD, [grant("owner")])
    return api


async def csrf(api: Guarded) -> dict[str, str]:
    return {CSRF_HEADER: (await api.ask("GET", "/api/v1/me")).json()["csrf_token"]}


async def test_a_session_is_in_a_cookie_that_no_script_and_no_other_site_gets(ann: Guarded) -> None:
    answer = await sign_in(ann)
    assert answer.status_code == 204
    [cookie] = answer.headers.get_list("set-cookie")
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(attributes)
    assert not any(each.startswith("Domain") for each in attributes)
    me = (await ann.ask("GET", "/api/v1/me")).json()
    assert (me["id"], me["name"]) == ("person:ann", "ann")
    assert (await ann.ask("GET", f"/api/v1/chats?user_id={VICTIM}")).status_code == 200


async def test_redis_keeps_no_session_id_no_key_and_no_password(ann: Guarded) -> None:
    await sign_in(ann)
    key = await ann.key(grant("owner"))
    secrets = [ann.http.cookies[COOKIE], key, key.split("_", 2)[2], PASSWORD]
    for name in await ann.redis.keys("access:*"):
        kept = repr((name, await ann.redis.dump(name)))
        assert [each for each in secrets if each in kept] == [], name


async def test_signing_in_gives_a_new_session_whatever_cookie_there_was(ann: Guarded) -> None:
    ann.http.cookies.set(COOKIE, "fixed-by-somebody-else", domain="service.example")
    await sign_in(ann)
    [given] = [each.value for each in ann.http.cookies.jar if each.value != "fixed-by-somebody-else"]
    ann.http.cookies.clear()
    for cookie, status in (("fixed-by-somebody-else", 401), (given, 200)):
        answer = await ann.ask("GET", "/api/v1/me", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert answer.status_code == status


async def test_changes_by_session_need_its_csrf_token_and_a_page_of_ours(ann: Guarded) -> None:
    await sign_in(ann)
    token = await csrf(ann)
    for headers in (
        {},
        {CSRF_HEADER: ""},
        {CSRF_HEADER: "x" * 43},
        {**token, "Origin": "https://evil.example"},
    ):
        answer = await ann.ask("POST", SNAPSHOT, json=EMPTY, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert ann.owners.calls == []
    for headers in (token, {**token, "Origin": HERE}):
        assert (await ann.ask("POST", SNAPSHOT, json=EMPTY, headers=headers)).status_code == 202


async def test_a_csrf_token_of_another_session_is_of_no_use(ann: Guarded) -> None:
    await sign_in(ann)
    other = await csrf(ann)
    ann.http.cookies.clear()
    await sign_in(ann)
    assert (await ann.ask("POST", SNAPSHOT, json=EMPTY, headers=other)).status_code == 403


async def test_a_key_needs_no_csrf_token_even_beside_a_session(ann: Guarded) -> None:
    await sign_in(ann)
    key = await ann.key(grant("agent"))
    answer = await ann.ask("POST", SNAPSHOT, key, json=EMPTY, params={"creator_id": CREATOR})
    assert answer.status_code == 202


async def test_another_sites_page_cannot_sign_a_browser_in(ann: Guarded) -> None:
    answer = await sign_in(ann, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert COOKIE not in ann.http.cookies


async def test_another_sites_page_cannot_open_a_socket_with_the_session(ann: Guarded) -> None:
    await sign_in(ann)
    cookie = {"Cookie": f"{COOKIE}={ann.http.cookies[COOKIE]}"}
    path = f"/ws/frontend/{VICTIM}"
    with pytest.raises(InvalidStatus):  # the handshake is refused
        async with ann.socket(path, additional_headers={**cookie, "Origin": "https://evil.example"}):
            pass
    for origin in (HERE, f"http://127.0.0.1:{ann.port}"):
        async with ann.socket(path, additional_headers={**cookie, "Origin": origin}) as socket:
            async with asyncio.timeout(PATIENCE):
                assert "connection_ack" in str(await socket.recv())


async def test_signing_out_ends_the_session_everywhere(ann: Guarded) -> None:
    await sign_in(ann)
    kept = ann.http.cookies[COOKIE]
    assert (await ann.ask("DELETE", "/api/v1/session", headers=await csrf(ann))).status_code == 204
    assert COOKIE not in ann.http.cookies
    ann.http.cookies.set(COOKIE, kept, domain="service.example")
    await _within_a_second(ann)


async def test_a_new_password_and_the_end_of_an_account_end_their_sessions(ann: Guarded) -> None:
    await sign_in(ann)
    assert (await ann.ask("GET", "/api/v1/me")).status_code == 200
    await ann.access.manager.set_password("test", "ann", "another long password")
    await _within_a_second(ann)
    ann.http.cookies.clear()
    assert (await sign_in(ann)).status_code == 401
    assert (await sign_in(ann, password="another long password")).status_code == 204
    await ann.access.manager.remove_person("test", "ann")
    await _within_a_second(ann)
    ann.http.cookies.clear()
    assert (await sign_in(ann, password="another long password")).status_code == 401


async def _within_a_second(api: Guarded) -> None:
    await asyncio.sleep(1.1)
    assert (await api.ask("GET", "/api/v1/me")).status_code == 401


OWN = "/api/v1/me/password"


async def test_people_change_their_own_password_with_the_present_one_and_sign_in_anew(ann: Guarded) -> None:
    await sign_in(ann)
    kept = await csrf(ann)
    new = "another long password"
    for body, headers, status in (
        ({"current": "not the password", "password": new}, kept, 403),
        ({"current": PASSWORD, "password": "short"}, kept, 422),
        ({"current": PASSWORD, "password": new}, {}, 403),
    ):
        answer = await ann.ask("PUT", OWN, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert not [each for each in (PASSWORD, new) if each in answer.text]
    changed = await ann.ask("PUT", OWN, json={"current": PASSWORD, "password": new}, headers=kept)
    assert changed.status_code == 204
    await _within_a_second(ann)
    ann.http.cookies.clear()
    assert (await sign_in(ann)).status_code == 401
    assert (await sign_in(ann, password=new)).status_code == 204
    events = [each.facts["event"] for each in await ann.access.audit.newest(10)]
    assert "password_changed" in events


async def test_guessing_the_present_password_is_bounded_as_signing_in_is(ann: Guarded) -> None:
    await sign_in(ann)
    kept = await csrf(ann)
    body = {"current": "not the password", "password": "another long password"}
    told = [
        (await ann.ask("PUT", OWN, json=body, headers=kept)).status_code for _ in range(ATTEMPTS_OF_NAME + 1)
    ]
    assert told == [403] * ATTEMPTS_OF_NAME + [429]


async def test_a_key_has_no_password(ann: Guarded) -> None:
    body = {"current": PASSWORD, "password": "another long password"}
    assert (await ann.ask("PUT", OWN, await ann.key(grant("owner")), json=body)).status_code == 404


async def test_a_wrong_name_and_a_wrong_password_are_not_told_apart(ann: Guarded) -> None:
    answers = [await sign_in(ann, password="not the password"), await sign_in(ann, "nobody", PASSWORD)]
    assert [each.status_code for each in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


async def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password() -> None:
    checked: list[argon2.Parameters] = []

    class Watched(Passwords):
        def _verify(self, kept: str, password: str) -> bool:
            checked.append(argon2.extract_parameters(kept))
            return super()._verify(kept, password)

    passwords = Watched()
    person = await passwords.person("ann", PASSWORD)
    assert not await passwords.is_right(None, PASSWORD)
    assert not await passwords.is_right(person, "not the password")
    assert await passwords.is_right(person, PASSWORD)
    assert checked == [argon2.profiles.RFC_9106_LOW_MEMORY] * 3


async def test_guessing_is_bounded_by_name(ann: Guarded) -> None:
    for _ in range(ATTEMPTS_OF_NAME):
        assert (await sign_in(ann, password="not the password")).status_code == 401
    answer = await sign_in(ann)  # even the right one
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) >= 60
    await ann.redis.delete(*await ann.redis.keys("access:attempts:*"))  # as they expire
    assert (await sign_in(ann)).status_code == 204


async def test_guessing_is_bounded_by_address_whatever_the_names(
    ann: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> bool:
        return False

    monkeypatch.setattr(Passwords, "is_right", never)
    signing_in = ann.access.sign_in
    for n in range(ATTEMPTS_FROM_ADDRESS):
        with pytest.raises(Unauthenticated):
            await signing_in.with_password(f"name{n}", "guess", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        await signing_in.with_password("ann", PASSWORD, "192.0.2.1")
    with pytest.raises(Unauthenticated):  # others are not concerned
        await signing_in.with_password("ann", PASSWORD, "192.0.2.2")


async def test_the_trail_says_who_signed_in_and_who_failed_and_no_password(ann: Guarded) -> None:
    await sign_in(ann, PASSWORD.replace(" ", "-"), "x")  # in the wrong field
    await sign_in(ann, password="not the password")
    await sign_in(ann)
    records = [record async for record in ann.access.audit.records()]
    told = [(each.facts["event"], each.facts["who"]) for each in records if "sign" in each.facts["event"]]
    assert told == [
        ("sign_in_failed", "person:?"),
        ("sign_in_failed", "person:ann"),
        ("signed_in", "person:ann"),
    ]
    assert b"horse" not in b"".join(each.json for each in records)
    assert b"not the password" not in b"".join(each.json for each in records)


async def test_a_large_body_is_not_read_before_it_is_known_whose_it_is(ann: Guarded) -> None:
    read: list[str] = []

    async def large(path: str) -> Any:
        for _ in range(100):
            read.append(path)
            yield b"x" * 64 * 1024

    for path, status, parts in (
        (SNAPSHOT, 401, 0),
        ("/api/v1/access/keys", 401, 0),
        ("/api/v1/session", 413, 2),
    ):
        answer = await ann.ask("POST", path, content=large(path))
        assert (answer.status_code, read.count(path)) == (status, parts)


@pytest.mark.parametrize("name", ["", "Ann", "-ann", "a" * 65, "ann\n", "ann:x", "anné"])
async def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        await Passwords().person(name, PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
async def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await Passwords().person("ann", password)
    assert password not in str(refused.value) or not password
