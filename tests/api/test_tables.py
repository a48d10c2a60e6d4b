"""Insights as CSV and JSON Lines: the same rows as the JSON, and nothing that a spreadsheet runs."""

import csv
import io
from typing import Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api.params import KnownParameters
from api.tables import NEXT, TABLES, TableRoute, cell, rows_of, written

ANSWERS: dict[str, Any] = {
    "list": [{"topic": "Gym", "volume": 2, "trend": None}, {"topic": "Yoga", "volume": 1, "trend": -50.0}],
    "one": {
        "rows": [{"kind": "topic", "with_it": {"sold": 1, "rate": 0.5}}],
        "method": "Wilson",
        "next": "abc",
    },
    "several": {
        "total": {"key": "all", "sent": 3},
        "by_media": [{"key": "video", "sent": 2}, {"key": "photo", "sent": 1}],
        "by_delivery": [{"key": "mass", "sent": 3}],
    },
    "none": {"turns": 1.5, "response_time": {"mean": 3.0, "shares": [1, 2]}},
    "empty": [],
}


@pytest.fixture
def http() -> httpx.AsyncClient:
    router = APIRouter(prefix="/insights", dependencies=[TABLES], route_class=TableRoute)

    @router.get("/{name}", dependencies=[KnownParameters])
    async def answer(name: str) -> Any:
        return ANSWERS[name]

    app = FastAPI()
    app.include_router(router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here")


async def table(http: httpx.AsyncClient, name: str) -> list[dict[str, str]]:
    answer = await http.get(f"/insights/{name}", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_list_is_a_table_of_its_entries(http: httpx.AsyncClient) -> None:
    assert await table(http, "list") == [
        {"topic": "Gym", "volume": "2", "trend": ""},
        {"topic": "Yoga", "volume": "1", "trend": "-50.0"},
    ]


async def test_what_is_nested_has_its_path_as_its_name_and_the_cursor_is_a_header(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/insights/one", params={"format": "csv"})
    assert answer.text == "kind,with_it.sold,with_it.rate\r\ntopic,1,0.5\r\n"
    assert answer.headers[NEXT] == "abc"


async def test_of_several_lists_each_row_says_which_it_is_of(http: httpx.AsyncClient) -> None:
    assert [(row["table"], row["key"], row["sent"]) for row in await table(http, "several")] == [
        ("total", "all", "3"),
        ("by_media", "video", "2"),
        ("by_media", "photo", "1"),
        ("by_delivery", "mass", "3"),
    ]


async def test_an_answer_without_a_list_is_one_row(http: httpx.AsyncClient) -> None:
    assert await table(http, "none") == [
        {"turns": "1.5", "response_time.mean": "3.0", "response_time.shares": "[1,2]"}
    ]


async def test_lines_of_json_have_the_same_rows(http: httpx.AsyncClient) -> None:
    for name, found in ANSWERS.items():
        answer = await http.get(f"/insights/{name}", params={"format": "jsonl"})
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [orjson.loads(line) for line in answer.content.splitlines()] == rows_of(found)


async def test_without_a_format_the_answer_is_as_ever_and_another_format_is_refused(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get("/insights/one")).json() == ANSWERS["one"]
    assert (await http.get("/insights/one", params={"format": "json"})).json() == ANSWERS["one"]
    assert (await http.get("/insights/one", params={"format": "xlsx"})).status_code == 422


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(-1.5) == -1.5
    assert cell("a=b") == "a=b"


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=8), min_size=1), max_size=5))
def test_every_text_comes_back_but_for_the_apostrophe_before_a_formula(rows: list[dict[str, str]]) -> None:
    data = written(rows, "csv") if all(each.isprintable() for row in rows for each in row.values()) else None
    if data is None:
        return
    read = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    shown = [{name: str(cell(value)) for name, value in row.items()} for row in rows]
    assert [{name: value for name, value in row.items() if value} for row in read] == [
        {name: value for name, value in row.items() if value} for row in shown
    ]
