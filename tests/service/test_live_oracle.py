"""The whole service against the definitions: generated feeds over HTTP, the owner killed between calls."""

import asyncio
import os
import signal
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import Phase, assume, given, settings

from tests import oracle
from tests.conftest import PATIENCE, Service
from tests.feeds import START, feeds
from tests.oracle import CREATOR, NOW, Call
from tests.service.talk import Raw, owner

END = NOW - 3_600
LATER = NOW + 400 * 86_400


def wanted(feed: list[Call]) -> Any:
    """What the oracle says, in the names of the API."""
    found = oracle.numbers(feed, START, END)
    mean, median, longest, n = found["responses"]
    handling = found["handling"]
    return rounded(
        {
            "conversations": found["conversations"],
            "fan_conversations": found["fan_conversations"],
            "broadcast_only": found["broadcast_only"],
            "handling": None if handling is None else handling / 60,
            "silence": found["silence"],
            "turns": found["turns"],
            "responses": [mean, median, longest, n],
            "unanswered": found["unanswered"],
            "outcomes": dict(Counter(kind for kind, _, _ in found["outcomes"])),
            "revenue": found["revenue"],
            "unread": sorted(unread for unread, _, _ in found["chats"].values()),
            "waiting": sum(since is not None for _, since, _ in found["chats"].values()),
        }
    )


def told(full: Raw) -> Any:
    """The same of an answer."""
    metrics = full["response_time_metrics"]
    response = metrics["response_time"]
    return rounded(
        {
            "conversations": full["conversations"],
            "fan_conversations": full["fan_conversations"],
            "broadcast_only": full["broadcast_only"],
            "handling": metrics["average_handling_time_minutes"],
            "silence": metrics["silence_percentage"],
            "turns": metrics["turns"],
            "responses": [response["mean"], response["median"], response["max"], response["n"]],
            "unanswered": response["unanswered"],
            "outcomes": full["outcomes"],
            "revenue": full["revenue"],
            "unread": sorted(full["unreadCounts"].values()),
            "waiting": sum(parts["waiting"] > 0 for parts in full["priority"].values()),
        }
    )


def rounded(value: Any) -> Any:
    """Without what whole seconds and the order of a sum leave open."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


async def send(http: httpx.AsyncClient, user_id: str, call: Call) -> None:
    kind, body = "messages", orjson.dumps(call.messages)
    if call.chats is not None:
        kind, body = "snapshot", orjson.dumps({"chats": call.chats, "messages": call.messages})
    params = {"creator_id": CREATOR, **({"chat_id": call.chat_id} if call.chat_id else {})}
    answer = await http.post(f"/api/v1/ingest/{user_id}/{kind}", content=body, params=params)
    assert answer.status_code == 202, answer.text


async def agrees(service: Service, feed: list[Call]) -> None:
    user_id, expected = f"user-{uuid.uuid4().hex[:12]}", wanted(feed)
    window = {
        "start_date": datetime.fromtimestamp(START, UTC).isoformat(),
        "end_date": datetime.fromtimestamp(END, UTC).isoformat(),
    }
    asked = {"user_id": user_id, "creator_id": CREATOR, **window}
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        for number, call in enumerate([*feed, *feed[:2]]):  # and some of it again
            await send(http, user_id, call)
            if number == len(feed) // 2:
                os.kill(int(await asyncio.to_thread(owner, service, user_id, "pid")), signal.SIGKILL)
        found: Raw = {}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while found != expected and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.2)
            found = told((await http.get("/api/v1/insights/full", params=asked)).json())
        assert found == expected


@settings(max_examples=4, phases=[Phase.generate], deadline=None)
@given(feeds())
def test_any_feed_gives_the_numbers_of_the_definitions_over_http_and_a_kill(
    service: Service, feed: list[Call]
) -> None:
    with pytest.MonkeyPatch.context() as patch:  # what has no time is of the moment when it is received
        now = wanted(feed)
        patch.setattr(oracle, "NOW", LATER)
        assume(feed and wanted(feed) == now)
    asyncio.run(agrees(service, feed))
