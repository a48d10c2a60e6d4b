"""Exports in bulk are files that other software reads, part by part."""

import asyncio
import csv
import io
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pyarrow.parquet as parquet
import pytest

from api import exports
from tests.api.one_user import asking

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")

AT = datetime(2026, 5, 1, 12, 0, 0, 5, UTC)
PATH = "/api/v1/exports"


def message(n: int) -> dict[str, Any]:
    ids = {"creator_id": "c1", "chat_id": "f1", "fan_id": "f1", "message_id": str(n)}
    said = {"at": AT, "direction": "fan", "kind": "direct", "text": "=1+1, and \n more 💪", "price": 0.0}
    return {
        **ids,
        **said,
        **{"is_opened": False, "tip": 0.0, "media": ["photo"], "sentiment": None},
        **{"topics": ["Gym"], "actions": []},
    }


class Owners:
    """Has 2,500 messages; the cursor is how many were given."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go = asyncio.Event()
        self.go.set()

    async def bulk(
        self, user_id: str, table: str, creator_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        await self.go.wait()
        self.asked.append(limit)
        start = int(cursor or 0)
        end = min(2500, start + limit)
        rows = [message(n) for n in range(start, end)] if table == "messages" else []
        return rows, str(end) if end < 2500 else None


@pytest.fixture
def owners() -> Owners:
    return Owners()


@pytest.fixture
async def http(owners: Owners) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(owners) as client:
        yield client


async def test_a_part_is_a_whole_file_and_names_the_next_one(http: httpx.AsyncClient, owners: Owners) -> None:
    numbers: list[str] = []
    parameters = {"user_id": "u1", "limit": "1100"}
    while True:
        answer = await http.get(f"{PATH}/messages", params=parameters)
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
        table = parquet.read_table(io.BytesIO(answer.content))
        numbers += table["message_id"].to_pylist()
        if (cursor := answer.headers.get("next-cursor")) is None:
            break
        parameters["cursor"] = cursor
    assert numbers == [str(n) for n in range(2500)]
    assert max(owners.asked) <= exports.TOGETHER
    first = table.slice(0, 1).to_pylist()[0]
    assert first == message(2200)


@pytest.mark.parametrize("table", ["messages", "conversations", "outcomes"])
async def test_an_empty_table_has_its_columns(http: httpx.AsyncClient, table: str) -> None:
    asked = {"user_id": "u1", "cursor": "2500"}
    answer = await http.get(f"{PATH}/{table}", params=asked)
    columns = parquet.read_table(io.BytesIO(answer.content)).column_names
    text = (await http.get(f"{PATH}/{table}", params={**asked, "format": "csv"})).text
    assert text.splitlines() == [",".join(columns)]


async def test_csv_and_lines_of_json_have_the_same_rows(http: httpx.AsyncClient) -> None:
    asked = {"user_id": "u1", "limit": "3"}
    lines = (await http.get(f"{PATH}/messages", params={**asked, "format": "jsonl"})).content.splitlines()
    assert [orjson.loads(line)["message_id"] for line in lines] == ["0", "1", "2"]
    assert orjson.loads(lines[0])["at"] == "2026-05-01T12:00:00.000005+00:00"
    text = (await http.get(f"{PATH}/messages", params={**asked, "format": "csv"})).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["message_id"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["text"] == "'" + message(0)["text"]
    assert rows[0]["topics"] == '["Gym"]'


async def test_exports_beyond_those_at_a_time_wait_and_then_are_refused(
    http: httpx.AsyncClient, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_making", asyncio.Semaphore(exports.AT_ONCE))
    monkeypatch.setattr(exports, "WAITS", 0.05)
    owners.go.clear()
    asked = {"user_id": "u1", "limit": "1"}
    running = [
        asyncio.create_task(http.get(f"{PATH}/messages", params=asked)) for _ in range(exports.AT_ONCE)
    ]
    await asyncio.sleep(0.05)
    refused = await http.get(f"{PATH}/messages", params=asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
    owners.go.set()
    assert [each.status_code for each in await asyncio.gather(*running)] == [200] * exports.AT_ONCE
    assert (await http.get(f"{PATH}/messages", params=asked)).status_code == 200


async def test_an_unknown_table_format_or_user_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{PATH}/secrets", params={"user_id": "u1"})).status_code == 422
    assert (await http.get(f"{PATH}/messages", params={"user_id": "u1", "format": "xls"})).status_code == 422
    assert (await http.get(f"{PATH}/messages", params={"user_id": "u2"})).status_code == 404
