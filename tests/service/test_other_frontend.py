"""A frontend that is not ours, unmodified: it shows what it gets as it is, and merges as little as it can."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson

from tests.conftest import PATIENCE, Service
from tests.other_frontend import Frontend
from tests.service.talk import Raw, chat, message, page, recent


def nulls(value: Any) -> list[str]:
    """The names of fields that are null, however deep."""
    match value:
        case dict():
            return [name for name, each in value.items() if each is None or nulls(each)]
        case list():
            return [name for each in value for name in nulls(each)]
    return []


async def test_an_existing_frontend_shows_the_right_things_of_all_creators(
    service: Service, user_id: str
) -> None:
    shown, first, second = Frontend(), f"{user_id}-a", f"{user_id}-b"

    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):

        async def send(creator: str, kind: str, body: Any) -> None:
            path, json = f"/api/v1/ingest/{user_id}/{kind}", orjson.dumps(body)
            answer = await http.post(path, params={"creator_id": creator}, content=json)
            assert answer.status_code == 202, answer.text
            assert answer.json()["held"] == 0

        async def shows(wanted: Callable[[], bool], always: Callable[[], bool] = lambda: True) -> None:
            def take(frame: Raw) -> bool:
                shown.take(frame)
                assert nulls(frame["payload"]) == []
                assert always()
                return wanted()

            await listener.until(take)

        quoted = {"id": 1, "text": "<p>good <i>morning</i></p>", "price": None}
        opening = message(1, 41, recent(60), "good morning", by="creator", giphyId=None)
        question = message(2, 41, recent(50), "what a lovely day &amp; thank you!", replyToMessage=quoted)
        answer = message(3, 41, recent(49), "see you", by="creator", fromUser={"id": first, "name": "Me"})
        await send(
            first,
            "snapshot",
            {"chats": [chat(41, name="Robin Falk")], "messages": [opening, question, answer]},
        )
        await shows(lambda: len(shown.texts().get("41", [])) == 3)
        node = shown.chats["41"]
        assert shown.texts()["41"] == ["good morning", "what a lovely day & thank you!", "see you"]
        assert shown.title("41") == "Robin Falk"
        assert (node["averageResponseTime"], node["messageCount"]) == (1, 3)
        assert [each["is_creator"] for each in node["messages"]] == [True, False, True]
        assert [each["fromUser"]["id"] for each in node["messages"]] == [first, 41, first]
        assert ["sentimentScore" in each for each in node["messages"]] == [False, True, False]
        assert all(isinstance(each["topics"], list) for each in node["messages"])
        assert node["messages"][1]["replyToMessage"] == {"id": 1, "text": "good morning"}
        assert node["priorityScore"] == round(node["priorityScore"], 1)

        begins = message(4, 42, recent(30), "hello there")
        await send(second, "snapshot", {"chats": [chat(42, name="Kit")], "messages": [begins]})
        await shows(lambda: "42" in shown.texts(), always=lambda: "41" in shown.texts())
        assert shown.chats["41"]["creatorId"] != shown.chats["42"]["creatorId"]

        said = message(5, 41, recent(5), "are you there?", by="creator")
        await send(first, "messages", said)
        new = message(6, 43, recent(4), "welcome!", by="creator", toUser={"id": 43, "username": "sam"})
        await send(first, "messages", new)
        await shows(lambda: {"41", "42", "43"} <= shown.texts().keys() and len(shown.texts()["41"]) == 4)
        assert (shown.title("41"), shown.title("43")) == ("Robin Falk", "sam")

        await send(first, "messages", {**opening, "text": "good day", "changedAt": recent(1).isoformat()})
        await shows(lambda: shown.texts()["41"][0] == "good day")
        await send(first, "messages", {**answer, "isDeleted": True, "changedAt": recent(1).isoformat()})
        left = ["good day", "what a lovely day & thank you!", "are you there?"]
        await shows(lambda: shown.texts()["41"] == left)

        wish = message(7, 42, recent(1), "do you make custom videos? i'd like a custom just for me")
        await send(second, "messages", wish)
        await shows(lambda: len(shown.texts()["42"]) == 2)
        found = shown.chats["42"]
        assert "Custom content" in found["messages"][1]["topics"]
        assert [(t["topicId"], t["description"]) for t in found["topics"]] == [
            (t["id"], t["topic"]) for t in found["topics"]
        ]
        await shows(lambda: shown.analytics.get("messageCount") == 6)  # of both creators
        assert 0 <= shown.analytics["sentiment"] <= 1
        assert shown.analytics["turns"] == round(shown.analytics["turns"], 1)

        boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
        assert nulls(boot) == []
        texts = {
            each["conversationId"]: [m["text"] for m in each["messages"]] for each in boot["conversations"]
        }
        assert texts == shown.texts()
