"""The whole service against the definitions: generated feeds over HTTP, the owner killed between calls."""

import asyncio
import re
import time
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import Phase, assume, given, settings

from tests import oracle
from tests.conftest import PATIENCE, Service
from tests.feeds import START, feeds
from tests.oracle import CREATOR, NOW, Call
from tests.service.talk import Raw, kill_owner, page

ENDLESS = NOW * 10.0
_TIME = re.compile(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
NUMBERS = {  # the oracle's name: where an answer has it
    "conversations": ("conversations",),
    "fan_conversations": ("fan_conversations",),
    "broadcast_only": ("broadcast_only",),
    "silence": ("response_time_metrics", "silence_percentage"),
    "turns": ("response_time_metrics", "turns"),
    "handling": ("response_time_metrics", "average_handling_time_minutes"),
    "mean": ("response_time_metrics", "response_time", "mean"),
    "median": ("response_time_metrics", "response_time", "median"),
    "max": ("response_time_metrics", "response_time", "max"),
    "n": ("response_time_metrics", "response_time", "n"),
    "unanswered": ("response_time_metrics", "response_time", "unanswered"),
    "revenue": ("revenue",),
}


def recent(feed: list[Call]) -> list[Call]:
    """The feed as if it came now: every time in it is later by the same whole days."""
    days = timedelta(days=int(time.time() - NOW) // 86_400)

    def later(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + days).isoformat()

    def moved(rows: list[Raw]) -> list[Raw]:
        return list(orjson.loads(_TIME.sub(later, orjson.dumps(rows).decode())))

    chats = [None if call.chats is None else moved(call.chats) for call in feed]
    return [Call(moved(call.messages), of, call.chat_id) for call, of in zip(feed, chats, strict=True)]


def wanted(feed: list[Call], start: float) -> Raw:
    """What the oracle says of everything since `start`."""
    found = oracle.numbers(feed, start, ENDLESS)
    mean, median, longest, n = found["responses"]
    handling = found["handling"]
    return {
        **{name: found[name] for name in NUMBERS if name in found},
        **{"mean": mean, "median": median, "max": longest, "n": n},
        "handling": None if handling is None else handling / 60,
        "outcomes": dict(Counter(kind for kind, _, _ in found["outcomes"])),
        "unread": sorted(unread for unread, _, _ in found["chats"].values()),
        "waiting": sum(since is not None for _, since, _ in found["chats"].values()),
    }


def told(answer: Raw) -> Raw:
    """The same of an answer or a frame, which leaves out what is not known."""
    found: Raw = {}
    for name, path in NUMBERS.items():
        value: Any = answer
        for step in path:
            value = value.get(step)
        found[name] = value
    return {
        **found,
        "outcomes": answer["outcomes"],
        "unread": sorted(answer["unreadCounts"].values()),
        "waiting": sum(parts["waiting"] > 0 for parts in answer["priority"].values()),
    }


def rounded(numbers: Raw, digits: int) -> Raw:
    return {
        name: round(value, digits) if isinstance(value, float) else value for name, value in numbers.items()
    }


async def send(http: httpx.AsyncClient, user_id: str, call: Call) -> None:
    kind, body = "messages", orjson.dumps(call.messages)
    if call.chats is not None:
        kind, body = "snapshot", orjson.dumps({"chats": call.chats, "messages": call.messages})
    params = {"creator_id": CREATOR, **({"chat_id": call.chat_id} if call.chat_id else {})}
    answer = await http.post(f"/api/v1/ingest/{user_id}/{kind}", content=body, params=params)
    assert answer.status_code == 202, answer.text


async def agrees(service: Service, feed: list[Call], expected: Raw) -> None:
    user_id = f"user-{uuid.uuid4().hex[:12]}"
    asked = {"user_id": user_id, "creator_id": CREATOR}
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        for number, call in enumerate([*feed, *feed[:2]]):  # and some of it again
            await send(http, user_id, call)
            if number == len(feed) // 2:
                await kill_owner(user_id)
        found: Raw = {}
        deadline = time.monotonic() + PATIENCE
        while found != rounded(expected, 3) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            found = rounded(told((await http.get("/api/v1/insights/full", params=asked)).json()), 3)
        assert found == rounded(expected, 3)
        path = f"/api/v1/frontend/bootstrap/{user_id}"
        boot = (await http.get(path, params={"creator_id": CREATOR})).json()
    async with page(service.ws, user_id, creator_id=CREATOR) as shown:
        sync = await shown.until(lambda frame: frame["type"] == "full_sync_response")
    for analytics in (boot["analytics"], sync["payload"]["analytics"]):  # rounded for people
        for name, value in told(analytics).items():
            assert value == (pytest.approx(expected[name], abs=0.051) if name in NUMBERS else expected[name])


@settings(max_examples=4, phases=[Phase.generate], deadline=None)
@given(feeds())
def test_any_feed_gives_the_numbers_of_the_definitions_over_http_socket_and_a_kill(
    service: Service, ray_cluster: None, feed: list[Call]
) -> None:
    now = recent(feed)
    start = time.time() - 29 * 86_400
    expected = wanted(now, start)
    with pytest.MonkeyPatch.context() as patch:
        # What has no time is of the moment when it is received, which no oracle knows: such feeds are left.
        patch.setattr(oracle, "NOW", NOW + 1_000 * 86_400)
        assume(wanted(now, start) == expected)
        patch.setattr(oracle, "NOW", time.time())
        assume(wanted(now, start) == expected == wanted(now, START))
    asyncio.run(agrees(service, now, expected))
