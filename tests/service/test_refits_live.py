"""A creator's topics over time: found in a snapshot, fitted anew beside the talk, kept over a kill."""

import asyncio
import time
from collections.abc import AsyncIterator
from random import Random

import httpx
import pytest

from tests.conftest import PATIENCE, Service
from tests.enrich.test_topics import THEMES
from tests.service.talk import Raw, chat, kill_owner, message, page, post, recent, settled


def themed(names: list[str], first: int, chats: int) -> list[Raw]:
    """Chats of six messages each about one of the themes, their ids from `first` on."""
    found = []
    for n in range(first, first + chats):
        lines = Random(n).choices(THEMES[names[n % len(names)]], k=6)
        found += [
            message(n * 10 + at, n, recent(20_000 - n * 20 - at), line) for at, line in enumerate(lines)
        ]
    return found


def topics(boot: Raw) -> dict[str, str]:
    """Label by id of the discovered ones."""
    uses = [topic for node in boot["conversations"] for topic in node["topics"]]
    return {topic["id"]: topic["topic"] for topic in uses if topic["id"].startswith("topic_")}


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as client:
        yield client


async def test_topics_are_fitted_anew_beside_the_talk_and_keep_their_ids(
    service: Service, ray_cluster: None, http: httpx.AsyncClient, user_id: str
) -> None:
    first = themed(["car", "garden"], 100, 160)
    chats = [chat(n) for n in range(100, 260)]
    async with page(service.ws, user_id) as listener:
        receipt = await post(http, user_id, "snapshot", {"chats": chats, "messages": first})
        before = topics(await settled(listener, http, user_id, receipt["sequence"]))
        assert before
        more = themed(["book"], 300, 100)
        for at in range(0, len(more), 100):
            receipt = await post(http, user_id, "messages", more[at : at + 100])
        boot = await settled(listener, http, user_id, receipt["sequence"])
        deadline = time.monotonic() + PATIENCE
        while not topics(boot).keys() - before.keys() and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
    after = topics(boot)
    assert before.items() <= after.items()
    new = " ".join(label for id, label in after.items() if id not in before).lower()
    assert "book" in new or "novel" in new
    assert len([m for node in boot["conversations"] for m in node["messages"]]) == len(first) + len(more)

    await kill_owner(user_id)
    again: dict[str, str] = {}
    deadline = time.monotonic() + PATIENCE
    while again != after and time.monotonic() < deadline:
        boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
        again = topics(boot)
        await asyncio.sleep(0.5)
    assert again == after
