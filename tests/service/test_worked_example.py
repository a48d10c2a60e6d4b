"""The worked example of docs/metrics.md: in by HTTP; out by REST, WebSocket and graph, the same numbers."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from actors.client import OnlyFansClient
from actors.directory import Directory
from actors.graph_writer import graph_writer
from chats.account import Account
from errors import NotFound
from graph.traversals import CONVERSATIONS
from insights.tables import Ask
from settings import Settings
from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, in_graph, message, page, post, synced

DAY = (datetime.now(UTC) - timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
FAN = 7001


def at(hour: int, minute: int) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


SNAPSHOT = {
    "chats": [chat(FAN)],
    "messages": [
        message(1, FAN, at(10, 0), "hi, how are you?"),
        message(2, FAN, at(10, 1), "are you there?"),
        message(3, FAN, at(10, 11), "hey you!", by="creator"),
        message(4, FAN, at(10, 12), "what a lovely picture"),
        message(5, FAN, at(20, 0), "good evening"),
        message(6, FAN, at(20, 30), "good evening to you", by="creator"),
    ],
}


def holds(metrics: dict[str, object], tolerance: float = 1e-9) -> bool:
    response = metrics["response_time"]
    assert isinstance(response, dict)
    return (
        metrics["average_handling_time_minutes"] == 21
        and metrics["turns"] == 1.5
        and metrics["silence_percentage"] == pytest.approx((100 * 10 / 12 + 100) / 2, abs=tolerance)
        and response["mean"] == 18870
        and response["max"] == 37080
        and response["n"] == 2
        and response["unanswered"] == 0
    )


async def test_the_worked_example_has_the_same_numbers_everywhere(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        receipt = await post(http, user_id, "snapshot", SNAPSHOT)
        assert (receipt["accepted"], receipt["duplicates"], receipt["held"]) == (6, 0, 0)
        over_socket = (await synced(listener))["analytics"]
        assert holds(over_socket["response_time_metrics"], tolerance=0.05)  # as a person reads it
        assert over_socket["conversations"] == 2

        await in_graph(http, user_id, over_socket)
        answer = await http.get("/api/v1/insights/response-time", params={"creator_id": user_id})
        assert holds(answer.json())
        full = (await http.get("/api/v1/insights/full", params={"creator_id": user_id})).json()
        assert holds(full["response_time_metrics"])
        span = {"start_date": full["startDate"], "end_date": full["endDate"]}
        topics = (await http.get("/api/v1/insights/topics", params={"creator_id": user_id, **span})).json()
        assert topics == full["topics"]
        assert [each["volume"] for each in topics] == [each["volume"] for each in over_socket["topics"]]

        owners = Directory(Settings(redis_url=service.redis_url, data_dir=service.folder))
        client = OnlyFansClient(owners)
        assert len(await client.get_chats(user_id, 10, 0)) == 1  # it knows now that the owner is up
        ask = Ask(CONVERSATIONS, int(DAY.timestamp()), int(DAY.timestamp()) + 86_400)
        for _ in range(600):  # they are being made
            if (found := await owners.columns(user_id, user_id, [ask])) is not None:
                break
            await asyncio.sleep(0.05)
        assert found is not None
        assert found[1][0].nested("responseSeconds").table.numbers("seconds").tolist() == [660, 37_080]
        assert await owners.column_versions(user_id, [user_id]) == [found[0]]
        window = {"start_date": DAY.isoformat(), "end_date": (DAY + timedelta(days=1)).isoformat()}
        asked = {"creator_id": user_id, "user_id": user_id, **window}
        for insight in ("response-time", "topics", "sentiment-trend"):
            kept, again, asked_of_graph = [
                (await http.get(f"/api/v1/insights/{insight}", params={**asked, "source": source})).json()
                for source in ("kept", "kept", "graph")
            ]
            assert kept == again == asked_of_graph

    whole = await client.get_chat_with_messages(user_id, str(FAN), 4)
    assert (whole["id"], whole["messageCount"]) == (str(FAN), 6)
    assert [each["id"] for each in whole["messages"]] == [6, 5, 4, 3]
    with pytest.raises(NotFound):
        await client.get_chat_with_messages(user_id, "nobody", 4)

    graph = graph_writer(Settings(redis_url=service.redis_url, data_dir=service.folder))
    rows = await graph.submit(
        'g.V().hasLabel("ConversationNode").has("pk", P.eq(pk)).order().by("startDate")'
        '.project("start", "end", "count", "turns", "silence", "responses")'
        '.by("startDate").by("endDate").by("messageCount").by("turns").by("silenceSeconds").by("responseSeconds")',
        {"pk": Account(user_id, user_id).key},
    )
    assert rows == [
        {
            "start": int(at(10, 0).timestamp()),
            "end": int(at(10, 12).timestamp()),
            "count": 4,
            "turns": 2,
            "silence": 600,
            "responses": "660,37080",
        },
        {
            "start": int(at(20, 0).timestamp()),
            "end": int(at(20, 30).timestamp()),
            "count": 2,
            "turns": 1,
            "silence": 1800,
            "responses": "",
        },
    ]
