"""Who is shown names, and who pseudonyms: over every route and every frame that has texts."""

from typing import Any

import pytest

from access.policy import Action
from access.principal import Grant
from frames.log import push, push_full_sync
from tests.actors.factories import analytics
from tests.api.sockets.published import node, said
from tests.security.guarded import (
    CANARY,
    CREATOR,
    GONE,
    MASKED,
    VICTIM,
    Guarded,
    bearer,
    frames,
    grant,
    told_until_closed,
)
from tests.security.test_cross_tenant import GUARDED, filled
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    ExtendedConversationNode,
    FullSyncResponse,
    OnlineUsersUpdate,
    OnlineUsersUpdateMsg,
    SystemStatus,
    SystemStatusMsg,
    call_for_full_sync,
    for_pages,
    published,
)

READ = [path for (method, path), action in GUARDED.items() if action in (Action.READ_CHATS, Action.READ_TEXT)]
EXPORT = "/api/v1/privacy/{user_id}/export"
ANALYST, CHATTER = grant("analyst", with_text=True), grant("chatter")


async def read(api: Guarded, path: str, given: Grant, mask: str | None = None) -> Any:
    asked = {"creator_id": CREATOR, **({"user_id": VICTIM} if "{user_id}" not in path else {})}
    more = {"q": "anything"} if path.endswith("/search") else {}
    more |= {} if mask is None else {"mask": mask}
    return await api.ask("GET", filled(path), await api.key(given), params={**asked, **more})


@pytest.mark.parametrize("path", READ)
async def test_an_analyst_reads_chats_under_pseudonyms_and_others_do_if_they_ask(
    api: Guarded, path: str
) -> None:
    for given, mask, shown in (
        (ANALYST, None, MASKED),
        (ANALYST, "true", MASKED),
        (CHATTER, None, CANARY),
        (CHATTER, "false", CANARY),
        (CHATTER, "true", MASKED),
        (grant("owner"), "true", MASKED),
    ):
        answer = await read(api, path, given, mask)
        assert answer.status_code == 200
        assert [word for word in (CANARY, MASKED) if word in answer.text] == [shown], (given, mask)
    api.owners.calls.clear()
    refused = await read(api, path, ANALYST, "false")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert api.owners.calls == []


async def test_an_owner_exports_with_names_or_under_pseudonyms_and_an_analyst_not_at_all(
    api: Guarded,
) -> None:
    assert CANARY in (await read(api, EXPORT, grant("owner"))).text
    masked = (await read(api, EXPORT, grant("owner"), "true")).text
    assert MASKED in masked
    assert CANARY not in masked
    assert (await read(api, EXPORT, ANALYST)).status_code == 403


def append(chat_id: str = "f1") -> AppendMessageMsg:
    chat = node(messages=[said(1)], withUser={"id": "f1", "name": CANARY})
    return AppendMessageMsg(
        sequence=2, creatorId=CREATOR, payload=chat.model_copy(update={"chatId": chat_id})
    )


PRESENCE = OnlineUsersUpdateMsg(
    creatorId=CREATOR, payload=OnlineUsersUpdate.model_validate({"user_ids": [1], "names": [CANARY]})
)
FIGURES = AnalyticsUpdateMsg(creatorId=CREATOR, payload=analytics(CREATOR))
STATUS = SystemStatusMsg(payload=SystemStatus(status="REALTIME"))


async def _pushed(api: Guarded) -> None:
    """Every kind of frame that a page is sent, an erased chat's and one that nobody knows among them."""
    unknown = published("names_update", b'{"names":["%b"]}' % CANARY.encode(), sequence=3, creator_id=CREATOR)
    for frame in (append(), append(GONE), PRESENCE, unknown, FIGURES):
        await push(api.redis, VICTIM, frame)
    chat = ExtendedConversationNode(
        conversationId="f1", creatorId=CREATOR, chatId="f1", fanId="f1", withUser={"name": CANARY}
    )
    sync = for_pages(FullSyncResponse(conversations=[chat], analytics=analytics(CREATOR)))
    whole = published("full_sync_response", sync, sequence=4, creator_id=CREATOR)
    call = call_for_full_sync(sequence=4, creator_id=CREATOR, merge=False)
    await push_full_sync(api.redis, VICTIM, call, whole)
    await push(api.redis, VICTIM, STATUS)


@pytest.mark.parametrize(("given", "query"), [(ANALYST, ""), (CHATTER, "&mask=true")])
@pytest.mark.parametrize("merge", ["true", "false"])
async def test_live_frames_are_masked_on_a_page_that_is_shown_no_names(
    api: Guarded, given: Grant, query: str, merge: str
) -> None:
    path = f"/ws/frontend/{VICTIM}?creator_id={CREATOR}&merge={merge}{query}"
    async with api.socket(path, additional_headers=bearer(await api.key(given))) as page:
        sent = await frames(page, 3)
        await _pushed(api)
        while [each["type"] for each in sent].count("system_status") < 3:  # one beside each full sync
            sent += await frames(page, 1)
    assert CANARY not in str(sent)
    assert "😍" not in str(sent)
    assert [each["type"] for each in sent[3:]] == [
        "append_message",
        "online_users_update",
        "analytics_update",
        "system_status",
        "full_sync_response",
        "system_status",
    ]
    live, presence = sent[3], sent[4]
    assert live["payload"]["messages"] == [{"id": "1", "text": MASKED}]
    assert live["frame"] is not None
    assert presence["payload"] == {"user_ids": [1]}


async def test_what_a_page_missed_comes_masked_too(api: Guarded) -> None:
    before = await push(api.redis, VICTIM, append())
    await push(api.redis, VICTIM, append())
    path = f"/ws/frontend/{VICTIM}?creator_id={CREATOR}&merge=true&last_frame={before}"
    async with api.socket(path, additional_headers=bearer(await api.key(ANALYST))) as page:
        _, missed = await frames(page, 2)
    assert missed["payload"]["messages"] == [{"id": "1", "text": MASKED}]


async def test_an_analysts_page_that_asks_for_names_is_closed(api: Guarded) -> None:
    path = f"/ws/frontend/{VICTIM}?creator_id={CREATOR}&mask=false"
    async with api.socket(path, additional_headers=bearer(await api.key(ANALYST))) as page:
        told, code = await told_until_closed(page)
    assert (code, CANARY in str(told)) == (4403, False)
