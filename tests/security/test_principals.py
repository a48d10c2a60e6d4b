"""What is told of callers by name: their limits, and what they handed out or erased."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.history.store import Store
from tests.security.guarded import CANARY, CREATOR, MASKED, VICTIM, Guarded, grant, guarded


@pytest.fixture
async def slow(store: Store, tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(store.url, tmp_path, requests_per_second=1.0) as found:
        yield found


async def test_who_asks_too_often_by_one_key_is_refused_and_other_keys_are_not(slow: Guarded) -> None:
    flood, quiet = await slow.key(grant("owner")), await slow.key(grant("owner"))
    answers = [(await slow.ask("GET", "/api/v1/me", flood)).status_code for _ in range(2)]
    assert answers == [200, 200]  # the second waits for its turn
    told = await asyncio.gather(*(slow.ask("GET", "/api/v1/me", flood) for _ in range(6)))
    refused = [each for each in told if each.status_code == 429]
    assert refused
    assert all(each.json()["error"]["code"] == "rate_limited" for each in refused)
    assert (await slow.ask("GET", "/api/v1/me", quiet)).status_code == 200


async def test_what_a_key_sends_faster_than_it_may_is_gathered(
    api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood, quiet = await api.key(grant("agent")), await api.key(grant("agent"))

    async def ask(caller: str | None) -> bool:
        return caller == f"key:{flood.split('_')[1]}"

    monkeypatch.setattr(api.app.state.limits, "ask", ask)
    path, live = f"/api/v1/ingest/{VICTIM}/messages", {"message": {"id": 1, "text": "hi"}}
    for key in (flood, quiet):
        assert (await api.ask("POST", path, key, json=live)).status_code == 202
    assert api.owners.calls == ["patient", "handle_snapshot"]


@pytest.mark.parametrize(
    ("asked", "of"),
    [({"fan_id": "the fan", "creator_id": CREATOR}, "a fan"), ({"creator_id": CREATOR}, "everything")],
)
async def test_what_is_exported_and_erased_is_in_the_trail_without_the_fan(
    api: Guarded, asked: dict[str, str], of: str
) -> None:
    key = await api.key(grant("owner"))
    path = f"/api/v1/privacy/{VICTIM}"
    assert (await api.ask("GET", f"{path}/export", key, params=asked)).status_code == 200
    whole = {} if "fan_id" in asked else {"everything": "true"}
    assert (await api.ask("DELETE", path, key, params={**asked, **whole})).status_code == 200
    told = [each.facts async for each in api.access.audit.records()]
    found = [each for each in told if each["event"] in ("exported", "erased")]
    assert [each["event"] for each in found] == ["exported", "erased"]
    for each in found:
        assert (each["user_id"], each["creator_id"], each["of"]) == (VICTIM, CREATOR, of)
        assert each["who"].startswith("key:")
        assert "the fan" not in str(each)


async def test_who_corrected_what_kind_of_thing_is_in_the_trail_and_not_what_was_said(api: Guarded) -> None:
    key = await api.key(grant("chatter", VICTIM, CREATOR))
    said = {"message_id": "m1", "chat_id": "the chat", "field": "sentiment", "value": 0.125}
    path, asked = f"/api/v1/corrections/{VICTIM}", {"creator_id": CREATOR}
    assert (await api.ask("POST", path, key, params=asked, json=said)).status_code == 200
    assert (await api.ask("DELETE", f"{path}/k", key, params=asked)).status_code == 200
    told = [each.facts async for each in api.access.audit.records() if each.facts["event"] == "corrected"]
    assert [each["of"] for each in told] == ["sentiment", "withdrawn"]
    for each in told:
        assert (each["user_id"], each["creator_id"]) == (VICTIM, CREATOR)
        assert each["who"].startswith("key:")
        assert "the chat" not in str(each)
        assert "0.125" not in str(each)


@pytest.mark.parametrize(("with_text", "masked"), [(True, True), (False, None)])
async def test_labels_are_under_pseudonyms_for_an_analyst_and_for_nobody_without_text(
    api: Guarded, with_text: bool, masked: bool | None
) -> None:
    key = await api.key(grant("analyst", VICTIM, with_text=with_text))
    path = f"/api/v1/corrections/{VICTIM}/labels"
    answer = await api.ask("GET", path, key, params={"creator_id": CREATOR})
    assert answer.status_code == (200 if masked else 403)
    assert CANARY not in answer.text
    if masked:
        assert MASKED in answer.text
        refused = await api.ask("GET", path, key, params={"creator_id": CREATOR, "mask": "false"})
        assert refused.status_code == 403
    owner = await api.ask("GET", path, await api.key(grant("owner")), params={"creator_id": CREATOR})
    assert CANARY in owner.text
