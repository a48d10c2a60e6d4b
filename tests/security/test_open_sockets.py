"""Sockets that are open when what their caller may do changes, and what each caller's socket is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection

from access.principal import Grant
from access.store import Session
from api.caller import COOKIE
from frames.log import push
from tests.actors.factories import analytics
from tests.api.sockets.published import node, said
from tests.security.guarded import (
    CANARY,
    CREATOR,
    MASKED,
    OTHER_CREATOR,
    VICTIM,
    Guarded,
    bearer,
    frames,
    grant,
    told_until_closed,
)
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    OnlineUsersUpdate,
    OnlineUsersUpdateMsg,
    SystemStatus,
    SystemStatusMsg,
)

WITHIN = 1.0  # seconds for a change to reach an open socket
PAGE, EXTENSION = (
    f"/ws/frontend/{VICTIM}?creator_id={CREATOR}",
    f"/ws/extension/{VICTIM}?creator_id={CREATOR}",
)
OWNER = grant("owner", VICTIM, CREATOR)


async def closes(socket: ClientConnection, change: Callable[[], Awaitable[object]], code: int) -> None:
    """Check that the socket closes with the code within a second of the change."""
    await frames(socket, 1)
    await change()
    began = time.monotonic()
    told, closed = await told_until_closed(socket)
    took = time.monotonic() - began
    assert closed == code, told
    assert told[-1]["type"] == "system_error"
    assert took < WITHIN


@pytest.mark.parametrize("path", [PAGE, EXTENSION])
async def test_a_revoked_key_closes_its_sockets_within_a_second(api: Guarded, path: str) -> None:
    key, other = await api.key(OWNER), await api.key(OWNER)
    id = key.split("_")[1]
    async with (
        api.socket(path, additional_headers=bearer(key)) as socket,
        api.socket(path, additional_headers=bearer(other)) as beside,
    ):
        await frames(beside, 1)
        await closes(socket, lambda: api.access.manager.revoke_key("test", id), 4401)
        await beside.ping()  # another key's socket is not concerned
        assert beside.close_code is None
    async with api.socket(path, additional_headers=bearer(key)) as socket:
        assert (await told_until_closed(socket))[1] == 4401


@pytest.mark.parametrize("path", [PAGE, EXTENSION])
async def test_a_grant_that_is_taken_back_closes_the_sockets_that_hang_on_it(api: Guarded, path: str) -> None:
    key = await api.key(OWNER)
    principal = f"key:{key.split('_')[1]}"
    async with api.socket(path, additional_headers=bearer(key)) as socket:
        await closes(socket, lambda: api.access.manager.remove_grant("test", principal, OWNER), 4403)


async def test_a_key_that_expires_closes_its_sockets(api: Guarded) -> None:
    key = await api.key(OWNER, lasts=timedelta(seconds=1.5))
    async with api.socket(PAGE, additional_headers=bearer(key)) as socket:
        await frames(socket, 1)
        assert (await told_until_closed(socket))[1] == 4401


async def test_text_that_is_granted_no_more_is_sent_no_more(api: Guarded) -> None:
    with_text = grant("analyst", VICTIM, CREATOR, with_text=True)
    key = await api.key(with_text, grant("analyst", VICTIM, CREATOR))
    principal = f"key:{key.split('_')[1]}"
    async with api.socket(PAGE, additional_headers=bearer(key)) as socket:
        await closes(socket, lambda: api.access.manager.remove_grant("test", principal, with_text), 4403)


async def test_a_page_that_may_see_names_no_more_is_closed(api: Guarded) -> None:
    chatter = grant("chatter", VICTIM, CREATOR)
    key = await api.key(chatter, grant("analyst", VICTIM, CREATOR, with_text=True))
    principal = f"key:{key.split('_')[1]}"
    async with api.socket(PAGE, additional_headers=bearer(key)) as socket:
        await closes(socket, lambda: api.access.manager.remove_grant("test", principal, chatter), 4403)


async def test_signing_out_closes_the_sessions_sockets(api: Guarded) -> None:
    manager, signing_in = api.access.manager, api.access.sign_in
    await manager.add_person("test", "ann", "correct horse battery", [OWNER])
    id, session = await signing_in.with_password("ann", "correct horse battery", "192.0.2.1")
    assert isinstance(session, Session)
    cookie = {"Cookie": f"{COOKIE}={id}"}
    async with api.socket(PAGE, additional_headers=cookie) as socket:
        await closes(socket, lambda: signing_in.out(id, session), 4401)


async def test_what_a_revoked_extension_sends_after_it_is_closed_is_not_taken(api: Guarded) -> None:
    key = await api.key(OWNER)
    message = '{"type":"new_raw_message","payload":{"message":{"id":1,"text":"hi","chat_id":"f1"}}}'
    async with api.socket(EXTENSION, additional_headers=bearer(key)) as socket:
        await frames(socket, 1)
        await socket.send(message)
        assert [each["type"] for each in await frames(socket, 1)] == ["ingest_ack"]
        await api.access.manager.revoke_key("test", key.split("_")[1])
        await asyncio.sleep(WITHIN)
        taken = len(api.owners.calls)
        await told_until_closed(socket)
        assert len(api.owners.calls) == taken


async def _let_in(socket: ClientConnection) -> None:
    assert [each["type"] for each in await frames(socket, 1)] == ["connection_ack"]


async def test_a_socket_says_its_key_in_the_handshake_or_in_its_first_message(api: Guarded) -> None:
    key = await api.key(OWNER)
    first = orjson.dumps({"type": "authenticate", "payload": {"token": key}}).decode()
    for path in (PAGE, EXTENSION):
        async with api.socket(path, additional_headers=bearer(key)) as socket:
            await _let_in(socket)
            assert socket.subprotocol is None
        async with api.socket(path, subprotocols=["bearer", key]) as socket:
            await _let_in(socket)
            assert socket.subprotocol == "bearer"
        async with api.socket(path) as socket:
            await socket.send(first)
            await _let_in(socket)


@pytest.mark.parametrize("offered", [["bearer"], ["bearer", "a", "b"], ["chat"]])
async def test_other_subprotocols_let_nobody_in(
    api: Guarded, offered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sockets.admitting.FIRST_WITHIN", 0.1)
    async with api.socket(PAGE, subprotocols=offered) as socket:
        assert (await told_until_closed(socket))[1] == 4401


APPEND = AppendMessageMsg(sequence=2, creatorId=CREATOR, payload=node(messages=[said(1)]))
STATUS = SystemStatusMsg(payload=SystemStatus(status="REALTIME"))
FIGURES = AnalyticsUpdateMsg(creatorId=CREATOR, payload=analytics(CREATOR))


async def _sent(api: Guarded, given: Grant, path: str = PAGE) -> list[dict[str, Any]]:
    """What a page with this grant is sent, up to the last of these frames."""
    key = await api.key(given)
    async with api.socket(path, additional_headers=bearer(key)) as socket:
        sent = await frames(socket, 3)  # the acknowledgement, the status, and where things stand
        for frame in (APPEND, FIGURES, STATUS):
            await push(api.redis, VICTIM, frame)
        while len(sent) < 5 or sent[-1]["type"] != "system_status":
            sent += await frames(socket, 1)
    return sent


async def test_an_analyst_is_sent_the_status_and_figures_and_no_text(api: Guarded) -> None:
    sent = await _sent(api, grant("analyst", VICTIM, CREATOR))
    kinds = [each["type"] for each in sent]
    assert kinds == [
        "connection_ack",
        "system_status",
        "analytics_update",
        "analytics_update",
        "system_status",
    ]
    assert CANARY not in str(sent)
    assert "😍" not in str(sent)


async def test_an_analyst_that_resumes_is_sent_no_text_that_it_missed(api: Guarded) -> None:
    before = await push(api.redis, VICTIM, APPEND)
    await push(api.redis, VICTIM, APPEND)
    sent = await _sent(api, grant("analyst", VICTIM, CREATOR), f"{PAGE}&last_frame={before}")
    assert {each["type"] for each in sent} == {"connection_ack", "system_status", "analytics_update"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [(grant("chatter", VICTIM, CREATOR), CANARY), (grant("analyst", with_text=True), MASKED)],
)
async def test_who_may_read_text_is_sent_it_and_that_is_recorded(
    api: Guarded, given: Grant, shown: str
) -> None:
    sent = await _sent(api, given)
    assert {"full_sync_response", "append_message", "analytics_update"} <= {each["type"] for each in sent}
    assert shown in str(sent)
    read = [record.facts for record in await api.access.audit.newest(10)]
    [told] = [each for each in read if each["event"] == "text_read"]
    assert (told["user_id"], told["creator_id"]) == (VICTIM, CREATOR)


async def test_a_page_of_one_creator_hears_nothing_of_another_creators_fans(api: Guarded) -> None:
    key = await api.key(grant("chatter", VICTIM, CREATOR))
    async with api.socket(PAGE, additional_headers=bearer(key)) as socket:
        await frames(socket, 3)
        other = await api.key(grant("agent", VICTIM, OTHER_CREATOR))
        path = f"/ws/extension/{VICTIM}?creator_id={OTHER_CREATOR}"
        async with api.socket(path, additional_headers=bearer(other)) as extension:
            await frames(extension, 1)
            await extension.send('{"type":"online_users_update","payload":{"user_ids":["their-fan"]}}')
            await extension.send('{"type":"new_raw_message","payload":{"message":{"id":1,"text":"hi"}}}')
            await frames(extension, 1)  # what came before is passed on
        own = OnlineUsersUpdateMsg(creatorId=CREATOR, payload=OnlineUsersUpdate(user_ids=["own-fan"]))
        await push(api.redis, VICTIM, own)
        [frame] = await frames(socket, 1)
        assert frame["payload"]["user_ids"] == ["own-fan"]
