"""A data folder that the release before accounts left behind, where the graph and the topics were by creator.

`tests/data/before-accounts.tar.xz` was left by that release after a stop in order. Anna and Ben each sent
chats of their own and of one creator whom both hold, `shared`; one chat there is of the same fan with the
same message ids. In its graph they overwrote each other: Anna was shown two conversations of the shared
creator instead of three.
"""

import asyncio
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.conftest import PATIENCE, ROOT, start, stop

pytestmark = pytest.mark.own_service

MARCH = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-04-01T00:00:00Z"}
SENT = {
    ("anna", "anna"): {"401": [1, 2, 3, 4], "402": [11, 12, 13, 14]},
    ("anna", "shared"): {"501": [31, 32, 33, 34, 61], "502": [41, 42, 43, 44]},
    ("ben", "ben"): {"411": [21, 22, 23]},
    ("ben", "shared"): {"502": [41, 42, 43, 44, 71], "503": [51, 52, 53]},
}
CONVERSATIONS = {("anna", "anna"): 2, ("anna", "shared"): 3, ("ben", "ben"): 1, ("ben", "shared"): 3}
BOTH = [("anna", 5), ("ben", 4)]


async def test_a_folder_of_the_release_before_accounts_opens_and_each_user_has_its_own_numbers(
    tmp_path: Path,
) -> None:
    with tarfile.open(ROOT / "tests" / "data" / "before-accounts.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    running = start(tmp_path)
    try:
        async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as http:
            # Nobody calls these users, and yet their numbers come.
            for (user, creator), conversations in CONVERSATIONS.items():
                await _until(http, conversations, user_id=user, creator_id=creator)
            for user, conversations in BOTH:
                await _until(http, conversations, user_id=user)
            await _until(http, sum(CONVERSATIONS.values()))
            await _until(http, CONVERSATIONS["anna", "anna"], creator_id="anna")
            refused = await http.get("/api/v1/insights/full", params={"creator_id": "shared", **MARCH})
            assert (refused.status_code, refused.json()["error"]["code"]) == (422, "ambiguous_user")
            assert not any(user in refused.text for user, _ in BOTH)

            for (user, creator), chats in SENT.items():
                boot = await http.get(f"/api/v1/frontend/bootstrap/{user}", params={"creator_id": creator})
                nodes = boot.json()["conversations"]
                shown = {node["chatId"]: [each["id"] for each in node["messages"]] for node in nodes}
                assert shown == chats
                assert boot.json()["analytics"]["priority"].keys() == chats.keys()
                for chat, ids in chats.items():
                    asked = {"user_id": user, "creator_id": creator}
                    listed = (await http.get(f"/api/v1/chats/{chat}/messages", params=asked)).json()
                    assert [each["id"] for each in listed][::-1] == ids
        with Redis.from_url(running.redis_url) as redis:
            assert set(redis.scan_iter("topics:*")) == {
                f"topics:{user}/{creator}".encode() for user, creator in SENT
            }
    finally:
        stop(running)


async def _until(http: httpx.AsyncClient, conversations: int, **asked: Any) -> None:
    """Wait until there are so many; there are never more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get("/api/v1/insights/full", params={**asked, **MARCH})
            found = answer.raise_for_status().json()["conversations"]
            assert found <= conversations
            if found == conversations:
                return
            await asyncio.sleep(0.2)
