"""The sample data has topics, moods and outcomes by design: do the service's numbers find them?"""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from statistics import fmean
from types import SimpleNamespace

import httpx
import orjson
import pytest

import samples.feed
from samples.generate import generate
from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, message, page, recent, settled


async def test_the_numbers_find_what_the_samples_were_made_of(service: Service, user_id: str) -> None:
    generated = generate(now=datetime.now(UTC))
    creator = generated.creators[0]
    scope = {"creator_id": creator.creator_id}
    path = f"/api/v1/ingest/{user_id}"
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE, params=scope) as http,
        page(service.ws, user_id, **scope) as listener,
    ):
        first = await http.post(f"{path}/snapshot", content=orjson.dumps(creator.snapshot))
        last = await http.post(f"{path}/messages", content=orjson.dumps(creator.deltas))
        assert (first.json()["held"], last.json()["held"]) == (0, 0)
        boot = await settled(listener, http, user_id, last.json()["sequence"])

    truth = [each for each in generated.truth if each.creator_id == creator.creator_id]
    meant: defaultdict[str, set[str]] = defaultdict(set)
    moods: defaultdict[str, list[str]] = defaultdict(list)
    for each in truth:
        meant[each.chat_id] |= set(each.topics)
        if each.mood:
            moods[each.chat_id].append(each.mood)
    nodes = {node["conversationId"]: node for node in boot["conversations"]}
    assert nodes.keys() >= meant.keys()

    hits = sum(len(meant[id] & {topic["id"] for topic in nodes[id]["topics"]}) for id in meant)
    assert hits / sum(map(len, meant.values())) > 0.8

    outcomes = Counter(outcome["type"] for node in nodes.values() for outcome in node["outcomes"])
    assert outcomes == Counter(kind for each in truth for kind in each.outcomes)

    def felt(mood: str) -> float:
        """Mean sentiment of the chats in which that mood is the most frequent."""
        return fmean(
            nodes[id]["sentiment"]
            for id, found in moods.items()
            if "sentiment" in nodes[id] and Counter(found).most_common(1)[0][0] == mood
        )

    assert felt("positive") > felt("neutral") > felt("negative")


async def test_the_samples_are_fed_as_an_extension_would_and_once(
    service: Service, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    snapshot = {"chats": [chat(41)], "messages": [message(1, 41, recent(9), "hello there")]}
    deltas = [message(n, 41, recent(8 - n), "and again") for n in (2, 3)]
    creator = SimpleNamespace(creator_id=user_id, name="Mia", snapshot=snapshot, deltas=deltas)
    monkeypatch.setattr(samples.feed, "generate", lambda now: SimpleNamespace(creators=[creator]))
    for _ in range(2):
        await samples.feed.feed(service.url, now=datetime.now(UTC), say=said.append)
    assert said[-2:] == ["  Mia: done.", "Sample data is there already."]
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        [listed] = (await http.get("/api/v1/chats", params={"user_id": user_id})).json()
    assert listed["messageCount"] == 3
