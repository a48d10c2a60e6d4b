"""A data folder that the release before accounts left behind, where the graph and the topics were by creator.

`tests/data/before-accounts.tar.xz` was left by that release after a stop in order. Anna and Ben each sent
chats of their own and of one creator whom both hold, `shared`; one chat there is of the same fan with the
same message ids. In its graph they overwrote each other: Anna was shown two conversations of the shared
creator instead of three.

The other tests kill parts of the service that opened it.
"""

import asyncio
import os
import shutil
import signal
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.chaos.apart import run_apart
from tests.chaos.kills import FEW, SEED, settings
from tests.conftest import PATIENCE, ROOT, Service, start, stop
from tests.service.processes import processes_of, redis_of, until, with_model
from tests.service.talk import Raw, chat, message, post, recent

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
SENDERS = 2


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    folder = Path(tempfile.mkdtemp(prefix="analytics-old-"))
    with tarfile.open(ROOT / "tests" / "data" / "before-accounts.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    service = start(folder, **settings(SENDERS))
    try:
        yield service
    finally:
        stop(service)
        assert processes_of(folder) == []
        shutil.rmtree(folder)


@pytest.mark.skipif(os.cpu_count() == 1, reason="one worker at a time")
async def test_more_than_one_worker_has_the_model_before_anything_is_to_be_understood(
    running: Service,
) -> None:
    await until(lambda: len(with_model(running.folder)) > 1)


async def test_a_folder_of_the_release_before_accounts_opens_and_each_user_has_its_own_numbers(
    running: Service,
) -> None:
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
            for chat_id, ids in chats.items():
                asked = {"user_id": user, "creator_id": creator}
                listed = (await http.get(f"/api/v1/chats/{chat_id}/messages", params=asked)).json()
                assert [each["id"] for each in listed][::-1] == ids
    with Redis.from_url(running.redis_url) as redis:
        assert set(redis.scan_iter("topics:*")) == {
            f"topics:{user}/{creator}".encode() for user, creator in SENT
        }


async def test_a_killed_redis_and_an_idle_users_process_come_back_with_all_that_was_acknowledged(
    running: Service, user_id: str
) -> None:
    users, sent = [f"{user_id}-{n}" for n in range(3)], recent(60)
    async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as http:
        await post(http, user_id, "snapshot", {"chats": [chat(40)], "messages": []})
        pids = [redis_of(running.folder)]
        for n in range(1, 61):
            if n % 20 == 0:
                os.kill(pids[-1], signal.SIGKILL)
            await _insist(http, user_id, message(n, 40, recent(600 - n), f"message {n}"))
            if n % 20 == 0:
                pids.append(redis_of(running.folder))
        shown: list[int] = []
        deadline = time.monotonic() + PATIENCE
        # What was acknowledged is shown once it is enriched.
        while len(shown) < 60 and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
            shown = [each["id"] for node in boot["conversations"] for each in node["messages"]]
        for n, user in enumerate(users):
            raws = [message(1 + n, 40, sent, f"from {user}")]
            await post(http, user, "snapshot", {"chats": [chat(40)], "messages": raws})
        await until(lambda: len(_user_actors(running.folder)) == 1)  # the spare one
        for n, user in enumerate(users):
            boot = (await http.get(f"/api/v1/frontend/bootstrap/{user}")).json()
            [conversation] = boot["conversations"]
            assert [each["id"] for each in conversation["messages"]] == [1 + n]
            receipt = await post(http, user, "messages", message(1 + n, 40, sent, f"from {user}"))
            assert receipt["duplicates"] == 1
    assert len(set(pids)) == 4
    assert (running.folder / "log").read_text().count("Redis has died; starting it again") == 3
    assert shown == list(range(1, 61))


def test_nothing_acknowledged_is_lost_doubled_or_reordered_whatever_is_killed(running: Service) -> None:
    run_apart(f"--folder={running.folder}", f"--kills={FEW}", f"--seed={SEED}", f"--users={SENDERS}")


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


async def _insist(http: httpx.AsyncClient, user_id: str, body: Raw) -> None:
    """Send it until it is acknowledged, as an extension does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.post(f"/api/v1/ingest/{user_id}/messages", json=body)
            if answer.status_code == 202:
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


def _user_actors(folder: Path) -> list[str]:
    return [command for command in processes_of(folder) if "UserActor" in command]
