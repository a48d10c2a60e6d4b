"""Ingest over HTTP on an owner that is not there: what is checked, and what is handed on unread."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from errors import InvalidInput
from metrics.loop_lag import LoopLag
from settings import Settings
from wire.payloads import IngestReceipt

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from actors.directory import LARGE
    from actors.local_socket import Body
    from api import ingest
    from api.gathering import Gathering
    from serve_app import build_api

ALLOWED = 0.05  # seconds in which nothing else on the event loop goes on
ROW = {
    "text": "hey there, how are you doing today 😍",
    "createdAt": "2024-05-01T00:00:00Z",
    "fromUser": {"id": 501, "name": "Robin", "username": "robin"},
    "chat_id": "f1",
}


class Owners:
    """Takes everything, as it came."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.senders: list[str | None] = []
        self.error: Exception | None = None

    async def handle_snapshot(
        self, user_id: str, body: bytes, creator: str, chat: str | None = None, sender: str | None = None
    ) -> IngestReceipt:
        self.taken.append(body)
        self.senders.append(sender)
        if self.error is not None:
            raise self.error
        return IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0)

    handle_delta = handle_snapshot

    async def handle_deltas(self, user_id: str, bodies: list[Body], creator_id: str) -> list[IngestReceipt]:
        return [await self.handle_snapshot(user_id, body, creator_id, *more) for body, *more in bodies]


class Api:
    def __init__(self) -> None:
        self.owners = Owners()
        self.app: FastAPI = build_api(Settings())
        self.app.state.services = self
        self.ingest = Gathering(self.owners)  # type: ignore[arg-type]

    async def post(self, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> tuple[int, Any]:
        """Status and JSON of the answer, as an ASGI server would ask for it."""
        sent: list[Any] = []
        parts = self._parts(body)

        async def receive() -> Any:
            return await anext(parts)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": f"/api/v1/ingest/u1/{path}",
            "raw_path": b"",
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        await self.app(scope, receive, send)
        answer = b"".join(each.get("body", b"") for each in sent[1:])
        return sent[0]["status"], orjson.loads(answer)

    async def _parts(self, body: bytes) -> AsyncIterator[Any]:
        size = 64 * 1024
        for start in range(0, max(1, len(body)), size):
            more = start + size < len(body)
            yield {"type": "http.request", "body": body[start : start + size], "more_body": more}
            await asyncio.sleep(0)  # the next one is read from the connection
        yield {"type": "http.disconnect"}


@pytest.fixture
def api() -> Api:
    return Api()


def body_of(kind: str, count: int = 100_000) -> bytes:
    rows = [{**ROW, "id": n} for n in range(count)]
    return orjson.dumps({"chats": [], "messages": rows} if kind == "snapshot" else rows)


async def held_up(api: Api, path: str, body: bytes) -> float:
    """The longest that the event loop was held up while this body was taken, in seconds."""
    status, _ = await api.post(path, b"[]")  # what is made once is made
    lag = LoopLag()
    looking = asyncio.create_task(lag.run())
    await asyncio.sleep(0.05)
    status, _ = await api.post(path, body)
    await asyncio.sleep(0.05)
    looking.cancel()
    assert status == 202
    return lag.largest_own


@pytest.mark.parametrize("kind", ["snapshot", "messages"])
async def test_nobody_waits_while_a_body_of_100_000_messages_is_taken(api: Api, kind: str) -> None:
    body = body_of(kind)
    assert await held_up(api, kind, body) < ALLOWED
    assert api.owners.taken[-1] == body


@pytest.mark.parametrize("kind", ["snapshot", "messages"])
async def test_a_body_that_is_read_on_the_event_loop_holds_it_up(
    api: Api, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "LARGE", 2**40)
    assert await held_up(api, kind, body_of(kind)) > ALLOWED


@pytest.mark.parametrize("path", ["snapshot", "messages", "held/replay"])
async def test_bad_input_that_is_small_wakes_nobody(api: Api, path: str) -> None:
    status, answer = await api.post(path, b"{")
    assert (status, answer["error"]["code"]) == (422, "invalid_input")
    assert api.owners.taken == []


@pytest.mark.parametrize("path", ["snapshot", "messages"])
async def test_what_is_wrong_with_large_input_is_told_by_its_owner(api: Api, path: str) -> None:
    api.owners.error = InvalidInput("Not JSON.", detail=[{"field": "", "reason": "not valid JSON"}])
    status, answer = await api.post(path, b"{" * (LARGE + 1))
    assert status == 422
    assert answer["error"] == {
        "code": "invalid_input",
        "message": "Not JSON.",
        "detail": [{"field": "", "reason": "not valid JSON"}],
    }
    assert len(api.owners.taken) == 1


@pytest.mark.parametrize("kind", ["snapshot", "messages"])
async def test_a_header_says_who_of_the_team_sent_all_of_a_request(api: Api, kind: str) -> None:
    status, _ = await api.post(kind, body_of(kind, 1), (b"sender-id", b"anna@team.example"))
    assert status == 202
    assert (await api.post(kind, body_of(kind, 1)))[0] == 202
    assert api.owners.senders == ["anna@team.example", None]
    for wrong in (b"", b"a b", b"x" * 129, b"\xe4nna"):
        status, answer = await api.post(kind, body_of(kind, 1), (b"sender-id", wrong))
        assert status == 422
        assert [each["field"] for each in answer["error"]["detail"]] == ["Sender-Id"]
    assert len(api.owners.senders) == 2
