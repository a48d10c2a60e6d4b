"""Search over HTTP: what may be asked, and what is refused with the parameter's name."""

import warnings
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from search.question import Question
from tests.api.one_user import asking

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")

PATH = "/api/v1/search"


class Owners:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, Question, bool]] = []

    async def search(self, user_id: str, creator_id: str | None, question: Question, mask: bool) -> bytes:
        self.asked.append((user_id, creator_id, question, mask))
        return orjson.dumps({"messages": [], "next": None})


@pytest.fixture
def owners() -> Owners:
    return Owners()


@pytest.fixture
async def http(owners: Owners) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(owners) as client:
        yield client


async def test_a_question_reaches_the_owner_as_it_was_asked(http: httpx.AsyncClient, owners: Owners) -> None:
    asked = {"user_id": "u1", "creator_id": "c1", "q": "gym OR café", "mode": "words", "topic": "fitness"}
    more = {"start_date": "2026-05-01", "time_zone": "Europe/Berlin", "mood": "positive", "mask": "true"}
    answer = await http.get(PATH, params={**asked, **more, "limit": "7", "fan_id": "f/1"})
    assert answer.status_code == 200
    [(user, creator, question, mask)] = owners.asked
    assert (user, creator, mask) == ("u1", "c1", True)
    assert (question.text, question.mode, question.limit) == ("gym OR café", "words", 7)
    filters = question.filters
    assert (filters.topic, filters.mood, filters.fan_id) == ("fitness", "positive", "f/1")
    assert filters.start == 1777586400.0  # midnight in Berlin
    assert filters.end is None


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 10_001}, "q"),
        ({"q": "gym", "mode": "regex"}, "mode"),
        ({"q": "gym", "mood": "angry"}, "mood"),
        ({"q": "gym", "limit": "101"}, "limit"),
        ({"q": "gym", "limit": "0"}, "limit"),
        ({"q": "gym", "start_date": "2026-05-01T00:00:00"}, "start_date"),
        ({"q": "gym", "end_date": "soon"}, "end_date"),
        ({"q": "gym", "start_date": "2026-05-02", "end_date": "2026-05-01"}, "start_date"),
        ({"q": "gym", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"q": "gym", "creator_id": "a b"}, "creator_id"),
        ({"q": "gym", "filter": "x"}, "filter"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    http: httpx.AsyncClient, owners: Owners, parameters: dict[str, Any], field: str
) -> None:
    answer = await http.get(PATH, params={"user_id": "u1", **parameters})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["error"]["detail"]} == {field}
    assert owners.asked == []


@pytest.mark.parametrize("text", ['"', "a AND (", "NEAR(", "%00", "x" * 10_000, "💪", "\ufffd", " "])
async def test_any_text_may_be_asked_for(http: httpx.AsyncClient, owners: Owners, text: str) -> None:
    answer = await http.get(PATH, params={"user_id": "u1", "q": text})
    assert answer.status_code == 200
    assert owners.asked[0][2].text == text


@pytest.mark.parametrize("encoded", ["%00", "%ED%A0%80", "%FF%FE", "%F0%9F"])
async def test_bytes_that_are_no_text_are_no_error(http: httpx.AsyncClient, encoded: str) -> None:
    assert (await http.get(f"{PATH}?user_id=u1&q={encoded}")).status_code == 200


async def test_of_a_user_that_never_sent_anything_there_is_nothing_to_search(http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH, params={"user_id": "u2", "q": "gym"})
    assert answer.status_code == 404
