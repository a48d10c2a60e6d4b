"""Topics over HTTP: what may be asked of them, and what is refused with the parameter's name."""

import math
import warnings
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.api.one_user import asking

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")

TOPICS, MESSAGES = "/api/v1/topics", "/api/v1/topics/topic_7/messages"


class Owners:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def topics(self, *asked: Any) -> bytes:
        self.asked.append(asked)
        return orjson.dumps({"topics": [], "groups": []})

    async def typical(self, *asked: Any) -> bytes:
        self.asked.append(asked)
        return orjson.dumps({"messages": [], "waiting": 0})


@pytest.fixture
def owners() -> Owners:
    return Owners()


@pytest.fixture
async def http(owners: Owners) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(owners) as client:
        yield client


async def test_a_question_reaches_the_owner_as_it_was_asked(http: httpx.AsyncClient, owners: Owners) -> None:
    who = {"user_id": "u1", "creator_id": "c1"}
    assert (await http.get(TOPICS, params=who)).json() == {"topics": [], "groups": []}
    since = {"start_date": "2026-05-01", "time_zone": "Europe/Berlin", "limit": "3", "mask": "true"}
    assert (await http.get(MESSAGES, params=who | since)).status_code == 200
    assert (await http.get(MESSAGES, params={"user_id": "u1"})).status_code == 200
    assert owners.asked == [
        ("u1", "c1"),
        ("u1", "c1", "topic_7", (1777586400.0, math.inf), 3, True),  # from midnight in Berlin
        ("u1", None, "topic_7", (-math.inf, math.inf), 10, False),
    ]


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        (TOPICS, {"user_id": "a b"}, "user_id"),
        (TOPICS, {"limit": "3"}, "limit"),
        (MESSAGES, {"limit": "0"}, "limit"),
        (MESSAGES, {"limit": "51"}, "limit"),
        (MESSAGES, {"topic": "fitness"}, "topic"),
        (MESSAGES, {"end_date": "soon"}, "end_date"),
        (MESSAGES, {"start_date": "2026-05-02", "end_date": "2026-05-01"}, "start_date"),
        (MESSAGES, {"time_zone": "Mars/Olympus"}, "time_zone"),
        ("/api/v1/topics/a b/messages", {}, "topic_id"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    http: httpx.AsyncClient, owners: Owners, path: str, parameters: dict[str, Any], field: str
) -> None:
    answer = await http.get(path, params={"user_id": "u1", **parameters})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["error"]["detail"]} == {field}
    assert owners.asked == []


@pytest.mark.parametrize("path", [TOPICS, MESSAGES])
async def test_of_a_user_that_never_sent_anything_there_are_no_topics(
    http: httpx.AsyncClient, owners: Owners, path: str
) -> None:
    assert (await http.get(path, params={"user_id": "u2"})).status_code == 404
    assert owners.asked == []
