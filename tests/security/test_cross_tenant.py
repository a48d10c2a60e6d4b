"""The walk: every route and every socket, with every role of another tenant: nothing gets through."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from websockets.asyncio.client import ClientConnection

from access.policy import Action, actions
from access.principal import EVERY, Grant, Role
from tests.security.guarded import (
    CANARY,
    CREATOR,
    OTHER_CREATOR,
    VICTIM,
    Guarded,
    bearer,
    grant,
    told_until_closed,
)

# What a route lets its caller do. A route that is not here, in KNOWN or in OPEN fails the walk.
GUARDED: dict[tuple[str, str], Action] = {
    ("POST", "/api/v1/ingest/{user_id}/snapshot"): Action.INGEST,
    ("POST", "/api/v1/ingest/{user_id}/messages"): Action.INGEST,
    ("GET", "/api/v1/ingest/{user_id}/held"): Action.MANAGE_HELD,
    ("DELETE", "/api/v1/ingest/{user_id}/held"): Action.MANAGE_HELD,
    ("DELETE", "/api/v1/ingest/{user_id}/held/{key}"): Action.MANAGE_HELD,
    ("POST", "/api/v1/ingest/{user_id}/held/replay"): Action.MANAGE_HELD,
    ("GET", "/api/v1/insights/topics"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/topics-over-time"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/sentiment-trend"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/response-time"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/full"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/conversion"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/ppv"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/conversations"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/people"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/heatmap"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/compare"): Action.READ_NUMBERS,
    ("GET", "/api/v1/shifts/{user_id}"): Action.READ_NUMBERS,
    ("PUT", "/api/v1/shifts/{user_id}"): Action.SET_SHIFTS,
    ("GET", "/api/v1/insights/fans"): Action.READ_NUMBERS,
    ("GET", "/api/v1/insights/cohorts"): Action.READ_NUMBERS,
    ("DELETE", "/api/v1/privacy/{user_id}"): Action.ERASE,
    ("GET", "/api/v1/privacy/{user_id}/retention"): Action.ERASE,
    ("PUT", "/api/v1/privacy/{user_id}/retention"): Action.ERASE,
    ("GET", "/api/v1/privacy/{user_id}/export"): Action.EXPORT,
    ("GET", "/api/v1/privacy/{user_id}/receipts"): Action.ERASE,
    ("GET", "/api/v1/privacy/{user_id}/receipts/{receipt}"): Action.ERASE,
    ("DELETE", "/api/v1/privacy/{user_id}/tombstones"): Action.ERASE,
    ("GET", "/api/v1/frontend/bootstrap/{user_id}"): Action.READ_TEXT,
    ("GET", "/api/v1/frontend/chats/{user_id}"): Action.READ_TEXT,
    ("GET", "/api/v1/frontend/chats/{user_id}/{chat_id}/messages"): Action.READ_TEXT,
    ("GET", "/api/v1/chats"): Action.READ_CHATS,
    ("GET", "/api/v1/chats/{chat_id}/messages"): Action.READ_TEXT,
    ("GET", "/api/v1/search"): Action.READ_TEXT,
    ("GET", "/api/v1/topics"): Action.READ_NUMBERS,
    ("GET", "/api/v1/topics/{topic_id}/messages"): Action.READ_TEXT,
    ("GET", "/api/v1/exports/{table}"): Action.EXPORT,
    ("POST", "/api/v1/corrections/{user_id}"): Action.CORRECT,
    ("GET", "/api/v1/corrections/{user_id}"): Action.CORRECT,
    ("DELETE", "/api/v1/corrections/{user_id}/{id}"): Action.CORRECT,
    ("GET", "/api/v1/corrections/{user_id}/labels"): Action.READ_TEXT,
    ("GET", "/api/v1/access/keys"): Action.MANAGE_ACCESS,
    ("POST", "/api/v1/access/keys"): Action.MANAGE_ACCESS,
    ("DELETE", "/api/v1/access/keys/{id}"): Action.MANAGE_ACCESS,
    ("GET", "/api/v1/access/people"): Action.MANAGE_ACCESS,
    ("POST", "/api/v1/access/people"): Action.MANAGE_ACCESS,
    ("PUT", "/api/v1/access/people/{name}/password"): Action.MANAGE_ACCESS,
    ("DELETE", "/api/v1/access/people/{name}"): Action.MANAGE_ACCESS,
    ("GET", "/api/v1/access/grants"): Action.MANAGE_ACCESS,
    ("POST", "/api/v1/access/grants"): Action.MANAGE_ACCESS,
    ("POST", "/api/v1/access/grants/remove"): Action.MANAGE_ACCESS,
    ("GET", "/api/v1/access/audit"): Action.SEE_AUDIT,
    ("GET", "/api/v1/access/audit/verify"): Action.SEE_AUDIT,
}
# For whoever is known; what they tell of users is looked at below.
KNOWN = {
    ("GET", "/api/v1/me"),
    ("PUT", "/api/v1/me/password"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/schemas/wss"),
    ("DELETE", "/api/v1/session"),
    ("POST", "/api/v1/privacy/receipts/verify"),
}
# For everybody: they tell nothing of any user.
OPEN = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/api/v1/sign-in"),
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/sign-in/provider"),
    ("GET", "/api/v1/sign-in/callback"),
}
PAGES = {"/", "/admin", "/sign-in", "/docs", "/openapi.json"}
PAGES |= {"/static", "/static/plotly.min.js", "/static/swagger"}
SOCKETS: dict[str, Action] = {
    f"{prefix}{path}": action
    for prefix in ("", "/api")
    for path, action in (
        ("/ws/frontend/{user_id}", Action.READ_NUMBERS),
        ("/ws/extension/{user_id}", Action.INGEST),
    )
}
BROADCAST = {f"/api/v1/insights/{name}" for name in ("topics", "sentiment-trend", "response-time", "full")}
REFUSALS = {"unauthenticated", "forbidden", "not_found", "account_needed"}
BODIES: dict[str, Any] = {
    "/api/v1/ingest/{user_id}/snapshot": {"chats": [], "messages": []},
    "/api/v1/ingest/{user_id}/messages": {"message": {"id": 1, "text": "hi"}},
    "/api/v1/ingest/{user_id}/held/replay": [],
    "/api/v1/privacy/{user_id}/retention": {"days": 1},
    "/api/v1/shifts/{user_id}": {"shifts": []},
    "/api/v1/corrections/{user_id}": {"topic_id": "fitness", "field": "name", "value": "Gym"},
    "/api/v1/privacy/receipts/verify": {},
    "/api/v1/access/keys": {"name": "mine", "grants": [{"role": "admin", "user_id": "*"}]},
    "/api/v1/access/people": {"name": "mallory", "password": "long enough for this"},
    "/api/v1/access/people/{name}/password": {"password": "long enough for this"},
    "/api/v1/access/grants": {"principal": "token:i|s", "grant": {"role": "admin", "user_id": "*"}},
    "/api/v1/access/grants/remove": {"principal": "token:i|s", "grant": {"role": "admin", "user_id": "*"}},
}
ROLES: tuple[Role, ...] = ("agent", "chatter", "analyst", "owner")


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, and what was granted to them; None: nobody that is known."""

    name: str
    key: str | None
    grants: tuple[Grant, ...] | None = None


def of_others() -> Iterator[tuple[str, Grant]]:
    """Every role that has nothing to do with the account (VICTIM, CREATOR)."""
    for role in ROLES:
        yield f"{role} of another user", grant(role, "other")
        yield f"{role} of another user's creator", grant(role, "other", CREATOR)
        yield f"{role} of another creator of the user", grant(role, VICTIM, OTHER_CREATOR)
    yield "analyst of another user, with text", grant("analyst", "other", with_text=True)
    yield "analyst of another creator, with text", grant("analyst", VICTIM, OTHER_CREATOR, with_text=True)
    yield "admin", grant("admin", EVERY)


@pytest.fixture
async def callers(api: Guarded) -> list[Caller]:
    revoked = await api.key(grant("owner"))
    manager = api.access.manager
    [key] = await manager.store.keys()
    await manager.revoke_key("test", key.id)
    known = await api.key(grant("owner"))
    found = [
        Caller("nobody", None),
        Caller("a revoked key", revoked),
        Caller("an expired key", await api.key(grant("owner"), lasts=timedelta(microseconds=1))),
        Caller("a key's id with another secret", known[:-1] + ("A" if known[-1] != "A" else "B")),
        Caller("nonsense", "nonsense"),
        Caller("an unsigned token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
        Caller("a key without grants", await api.key(), ()),
    ]
    found += [Caller(name, await api.key(given), (given,)) for name, given in of_others()]
    return found


def filled(path: str) -> str:
    return path.format(
        user_id=VICTIM,
        chat_id="f1",
        key="k",
        id="key:00000000",
        name="ann",
        receipt="r",
        table="messages",
        topic_id="fitness",
    )


def documented(api: Guarded) -> set[tuple[str, str]]:
    paths: dict[str, dict[str, Any]] = api.app.openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


async def test_the_walk_knows_every_route_and_every_socket(api: Guarded) -> None:
    assert documented(api) == GUARDED.keys() | KNOWN | OPEN
    routes = list(iter_route_contexts(api.app.routes))
    assert {str(each.path) for each in routes if isinstance(each.original_route, WebSocketRoute)} == set(
        SOCKETS
    )
    others = {
        str(each.path).replace(":path", "")
        for each in routes
        if not isinstance(each.original_route, WebSocketRoute)
    }
    described = {path for _, path in documented(api)}
    assert {path for path in others if path not in described} == PAGES


async def test_nobody_gets_anything_of_another_tenant_over_http(
    api: Guarded, callers: list[Caller], capsys: pytest.CaptureFixture[str]
) -> None:
    tries, through = 0, []
    for caller, (method, path), scope in product(
        callers, GUARDED, ({"creator_id": CREATOR}, {}, {"creator_id": CREATOR, "broadcast": "true"})
    ):
        action = GUARDED[method, path]
        if caller.grants and any(action in actions(each) and each.user_id == EVERY for each in caller.grants):
            continue  # its own: an admin manages the installation
        if "broadcast" in scope and path not in BROADCAST:
            continue
        in_query = "{user_id}" not in path and "access" not in path
        for asked in ({**scope, "user_id": VICTIM}, scope) if in_query else (scope,):
            before = len(api.owners.calls)
            answer = await api.ask(method, filled(path), caller.key, params=asked, json=BODIES.get(path))
            tries += 1
            error = answer.json().get("error", {}) if answer.content else {}
            named = str(error.get("detail"))
            if (
                answer.status_code < 400
                or len(api.owners.calls) != before
                or CANARY in answer.text
                or (error.get("code") not in REFUSALS and not _is_missing(error, "user_id", asked, in_query))
                or CREATOR in named
                or (caller.grants is None and answer.status_code != 401)
            ):
                through.append((caller.name, method, path, asked, answer.status_code, answer.text[:200]))
    with capsys.disabled():
        sys.stdout.write(f"\nHTTP: {tries} tries, {len(through)} through\n")
    assert through == []
    assert tries > 1000


def _is_missing(error: dict[str, Any], field: str, asked: dict[str, str], in_query: bool) -> bool:
    """Whether it was refused for the lack of a parameter that the route needs of anybody."""
    detail = error.get("detail") or [{}]
    return in_query and field not in asked and detail[0].get("field") == field


async def test_nobody_gets_anything_of_another_tenant_over_sockets(
    api: Guarded, callers: list[Caller], capsys: pytest.CaptureFixture[str]
) -> None:
    tries, through = 0, []
    for caller, path, query in product(callers, SOCKETS, ("", f"?creator_id={CREATOR}", "?merge=true")):
        if caller.key is None:
            continue  # below: a socket that shows nothing is waited for
        asked = filled(path) + query
        for shown in ({"additional_headers": bearer(caller.key)}, {"subprotocols": ["bearer", caller.key]}):
            async with api.socket(asked, **shown) as socket:
                told, code = await told_until_closed(socket)
            tries += 1
            if (
                [each["type"] for each in told] != ["system_error"]
                or code not in (4401, 4403)
                or (code == 4401) != (caller.grants is None)
            ):
                through.append((caller.name, asked, told, code))
    with capsys.disabled():
        sys.stdout.write(f"\nSockets: {tries} tries, {len(through)} through\n")
    assert through == []
    assert api.owners.calls == []
    assert tries > 200


async def test_a_socket_that_shows_nothing_is_sent_nothing(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sockets.admitting.FIRST_WITHIN", 0.1)

    async def refused(socket: ClientConnection) -> None:
        told, code = await told_until_closed(socket)
        assert ([each["type"] for each in told], code) == (["system_error"], 4401)

    for path in SOCKETS:
        async with api.socket(filled(path)) as socket:
            await refused(socket)
        async with api.socket(filled(path)) as socket:
            await socket.send('{"type":"new_raw_message","payload":{"message":{"id":1,"text":"hi"}}}')
            await refused(socket)
        async with api.socket(f"{filled(path)}?token={await api.key(grant('owner'))}") as socket:
            await refused(socket)
    assert api.owners.calls == []


@pytest.mark.parametrize("role", [*ROLES, "admin"])
@pytest.mark.parametrize("with_text", [False, True])
async def test_a_role_is_let_do_what_its_row_says_and_nothing_else(
    api: Guarded, role: Role, with_text: bool
) -> None:
    given = grant(role, EVERY if role == "admin" else VICTIM, with_text=with_text)
    key = await api.key(given)
    for (method, path), action in GUARDED.items():
        body = BODIES.get(path)
        answer = await api.ask(method, filled(path), key, params={"user_id": VICTIM}, json=body)
        refused = answer.status_code in (401, 403) or (
            # NotFound of what a role may look for: a key or person that is not there
            answer.status_code == 404 and action not in actions(given)
        )
        assert refused == (action not in actions(given)), (method, path, answer.status_code, answer.text)


async def test_users_are_told_to_those_who_may_see_them_with_the_creators_they_may_see(api: Guarded) -> None:
    await api.redis.sadd("users", "other")
    await api.redis.sadd("creators:other", "c9")

    async def told(*grants: Grant) -> Any:
        return (await api.ask("GET", "/api/v1/users", await api.key(*grants))).json()

    assert await told() == await told(grant("admin", EVERY)) == await told(grant("agent")) == []
    assert await told(grant("chatter", VICTIM, CREATOR)) == [{"user_id": VICTIM, "creator_ids": [CREATOR]}]
    assert await told(grant("analyst")) == [{"user_id": VICTIM, "creator_ids": [CREATOR, OTHER_CREATOR]}]
    assert len(await told(grant("owner", EVERY))) == 2


async def test_ready_tells_its_checks_to_admins_alone(api: Guarded) -> None:
    for key, told in (
        (None, False),
        (await api.key(grant("owner")), False),
        (await api.key(grant("admin", EVERY)), True),
    ):
        answer = await api.ask("GET", "/ready", key)
        assert (answer.json()["status"], "checks" in answer.json()) == ("ready", told)


async def test_the_static_pages_hold_nothing_of_any_user(api: Guarded) -> None:
    mounts = [each.path for each in api.app.routes if isinstance(each, Mount)]
    assert set(mounts) <= PAGES
    for path in PAGES - set(mounts):
        answer = await api.ask("GET", path)
        assert answer.status_code == 200
        assert VICTIM not in answer.text or path == "/openapi.json"
