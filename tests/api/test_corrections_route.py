"""Corrections over HTTP: what is taken, and what is refused with the field that is wrong."""

import warnings
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

from chats.corrections import Correction, StatedOutcome
from session.corrections import row_of
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

PATH = "/api/v1/corrections/u1"
MESSAGE = {"message_id": "m1", "chat_id": "f1"}


class Owners:
    """Has 3 labels, and takes whatever is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Correction]] = []

    async def correct(self, user_id: str, creator_id: str, correction: bytes) -> dict[str, Any]:
        self.said.append((creator_id, Correction.of_json(correction)))
        return row_of(self.said[-1][1])

    async def get_labels(
        self, user_id: str, creator_id: str, after: str | None, limit: int, mask: bool
    ) -> tuple[bytes, str | None]:
        n = int(after or 0)
        return b'{"label":"sentiment"}\n', None if n == 2 else str(n + 1)


@pytest.fixture
async def owners() -> Owners:
    return Owners()


@pytest.fixture
async def http(owners: Owners) -> AsyncIterator[httpx.AsyncClient]:
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        owners=owners, redis=SimpleNamespace(sismember=AsyncMock(return_value=1))
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api), base_url="http://localhost:8000"
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({**MESSAGE, "field": "sentiment", "value": 1}, 1.0),
        ({**MESSAGE, "field": "action", "value": ["thanks"]}, ("thanks",)),
        ({**MESSAGE, "field": "topic", "value": []}, ()),
        (
            {**MESSAGE, "field": "outcome", "value": [{"type": "tip", "amount": 5}]},
            (StatedOutcome("tip", 5.0),),
        ),
        ({"topic_id": "fitness", "field": "name", "value": " Gym "}, "Gym"),
        ({"topic_id": "fitness", "field": "hidden", "value": True}, True),
    ],
)
async def test_what_is_said_reaches_the_owner(
    http: httpx.AsyncClient, owners: Owners, body: dict[str, Any], value: Any
) -> None:
    answer = await http.post(PATH, params={"creator_id": "c1"}, json=body)
    assert answer.status_code == 200
    [(creator_id, said)] = owners.said
    assert (creator_id, said.value, type(said.value)) == ("c1", value, type(value))
    assert answer.json()["id"] == said.id
    assert said.who == "local"


async def test_a_conversation_is_named_by_its_first_message(http: httpx.AsyncClient, owners: Owners) -> None:
    body = {
        "conversation_id": "f1:m7",
        "chat_id": "f1",
        "field": "action",
        "side": "fan",
        "value": ["thanks"],
    }
    assert (await http.post(PATH, json=body)).status_code == 200
    [(creator_id, said)] = owners.said
    assert (creator_id, said.subject.id, said.subject.chat_id, said.side) == ("u1", "m7", "f1", "fan")
    other = await http.post(PATH, json={**body, "chat_id": "f2"})
    assert other.json()["error"]["detail"][0]["field"] == "conversation_id"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"field": "sentiment", "value": 0.5}, "message_id"),
        ({**MESSAGE, "topic_id": "t", "field": "sentiment", "value": 0.5}, "message_id"),
        ({**MESSAGE, "field": "price", "value": 0.5}, "field"),
        ({**MESSAGE, "field": "sentiment"}, "value"),
        ({**MESSAGE, "field": "sentiment", "value": 0.5, "colour": "mauve"}, "colour"),
        ({**MESSAGE, "field": "outcome", "value": [{"type": "tip", "amount": -1}]}, "value"),
        ({**MESSAGE, "field": "action", "value": ["a"] * 21}, "value"),
        ({**MESSAGE, "field": "sentiment", "value": 0.5, "id": "short"}, "id"),
    ],
)
async def test_what_cannot_be_understood_is_refused_by_its_field_and_not_repeated(
    http: httpx.AsyncClient, owners: Owners, body: dict[str, Any], field: str
) -> None:
    answer = await http.post(PATH, json=body)
    assert answer.status_code == 422
    assert field in answer.json()["error"]["detail"][0]["field"]
    assert "mauve" not in answer.text
    assert owners.said == []


async def test_labels_are_streamed_part_by_part(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{PATH}/labels", params={"creator_id": "c1"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.splitlines() == ['{"label":"sentiment"}'] * 3


async def test_a_misspelt_parameter_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, params={"creator": "c1"}, json={**MESSAGE, "field": "topic", "value": []})
    assert answer.status_code == 422
    assert answer.json()["error"]["detail"][0]["field"] == "creator"
