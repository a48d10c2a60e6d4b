"""What is too much is refused with 413, 415, 429 or a close code, is counted, and costs nobody else."""

import asyncio
import gzip
import time
import warnings
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import orjson
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from actors.directory import LARGE
from api.limits import HOLD, MOST_HELD, Limits
from errors import InvalidInput, RateLimited
from metrics.declared import LIMITED
from metrics.tally import Tally
from settings import Settings
from wire.incoming import parse_messages, parse_snapshot
from wire.payloads import IngestReceipt

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from api.sockets.sending import TOO_MANY
    from serve_app import build_api

HERE = "http://localhost:8000"
WS = "ws://localhost:8000"
SNAPSHOT = "/api/v1/ingest/u1/snapshot"
MESSAGES = "/api/v1/ingest/u1/messages"


class Service:
    """The API on owners that take everything; clients that are called from other machines, by a proxy."""

    def __init__(self, *, messages: int = 1, **settings: Any) -> None:
        async def serve(socket: Any, *_: Any, **__: Any) -> None:
            await socket.send_text("served")
            await socket.receive()

        self.api = build_api(Settings(trusted_proxies="10.0.0.7", **settings))
        receipt = IngestReceipt(sequence=1, accepted=messages, duplicates=0, held=0)
        self.took = AsyncMock(return_value=receipt)
        owners = SimpleNamespace(handle_snapshot=self.took)
        served = SimpleNamespace(serve=serve)
        self.api.state.services = SimpleNamespace(
            owners=owners, ingest=SimpleNamespace(messages=self.took), pages=served, extensions=served
        )

    def client(self, address: str) -> TestClient:
        headers = {"X-Forwarded-For": f"{address}, 10.0.0.7"}
        return TestClient(self.api, base_url=HERE, client=("127.0.0.1", 1), headers=headers)


def refused(answer: Any, code: str) -> bool:
    """Whether it was refused so, with when to come again; else it was taken."""
    if answer.status_code in (200, 202):
        return False
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, code)
    again = int(answer.headers["retry-after"])
    assert again >= 1
    assert answer.json()["error"]["detail"] == {"retry_after": again}
    return True


def test_who_asks_too_often_is_told_when_to_come_again_and_the_others_are_not_concerned() -> None:
    service = Service(requests_per_second=0.1)
    flood, quiet = service.client("203.0.113.9"), service.client("203.0.113.10")
    assert not refused(flood.get("/health"), "rate_limited")
    assert refused(flood.get("/health"), "rate_limited")
    assert not refused(quiet.get("/health"), "rate_limited")


def test_this_machine_is_not_limited_as_a_caller() -> None:
    client = TestClient(build_api(Settings(requests_per_second=0.1)), base_url=HERE, client=("127.0.0.1", 1))
    assert all(client.get("/health").status_code == 200 for _ in range(30))


async def test_what_a_caller_asks_too_fast_is_spread_and_what_waits_too_long_is_refused() -> None:
    limits, rate = Limits(Settings(requests_per_second=20)), 20
    started = time.monotonic()
    told = await asyncio.gather(*(limits.ask("flood") for _ in range(3 * rate)), return_exceptions=True)
    assert sum(isinstance(each, RateLimited) for each in told) in (rate - 1, rate)
    assert told.count(False) in (rate, rate + 1)  # they had their turn at once
    assert time.monotonic() - started >= HOLD
    started = time.monotonic()
    assert not await limits.ask("quiet")
    assert time.monotonic() - started < HOLD


async def test_a_refusal_is_held_back_so_that_asking_again_at_once_is_slow() -> None:
    limits = Limits(Settings(requests_per_second=0.01))
    await limits.ask("flood")
    started = time.monotonic()
    with pytest.raises(RateLimited):
        await limits.ask("flood")
    assert time.monotonic() - started >= HOLD
    held = [asyncio.create_task(limits.ask("flood")) for _ in range(MOST_HELD)]
    await asyncio.sleep(0)
    started = time.monotonic()
    with pytest.raises(RateLimited):
        await limits.ask("flood")
    assert time.monotonic() - started < HOLD
    for each in held:
        each.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert not limits._held


def test_bytes_of_a_user_are_limited_and_one_large_body_is_taken_whole() -> None:
    service = Service(bytes_per_second=100)
    client = service.client("203.0.113.9")
    body = b'{"chats":[]}'.ljust(5_000)
    assert not refused(client.post(SNAPSHOT, content=body), "rate_limited")
    for path in (SNAPSHOT, MESSAGES, "/api/v1/ingest/u1/held/replay"):
        assert refused(client.post(path, content=b"[]"), "rate_limited")
    assert not refused(client.post("/api/v1/ingest/u2/snapshot", content=body), "rate_limited")
    assert service.took.await_count == 2


def test_live_messages_of_a_user_are_limited_and_snapshots_are_not() -> None:
    service = Service(messages=100, messages_per_second=1)
    client = service.client("203.0.113.9")
    live = b'{"message": {"id": 1, "text": "hello", "chat_id": 5}}'
    assert not refused(client.post(MESSAGES, content=live), "rate_limited")
    assert refused(client.post(MESSAGES, content=live), "rate_limited")
    assert not refused(client.post(SNAPSHOT, content=b'{"chats":[]}'), "rate_limited")
    assert not refused(client.post("/api/v1/ingest/u2/messages", content=live), "rate_limited")


def test_what_a_caller_sends_faster_than_it_may_is_gathered_and_what_others_send_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service()
    has_to_wait = iter((False, True, False))
    monkeypatch.setattr(service.api.state.limits, "ask", AsyncMock(side_effect=has_to_wait))
    client = service.client("203.0.113.9")
    for _ in range(3):
        assert client.post(MESSAGES, content=b'{"message": {"id": 1, "text": "hello"}}').status_code == 202
    assert [call.kwargs["is_patient"] for call in service.took.await_args_list] == [False, True, False]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
@pytest.mark.parametrize("path", [SNAPSHOT, MESSAGES])
def test_a_compressed_body_is_refused_unread(encoding: str, path: str) -> None:
    service = Service()
    bomb = gzip.compress(bytes(10_000_000))
    answer = service.client("203.0.113.9").post(path, content=bomb, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "encoded_body")
    assert service.took.await_count == 0


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"chats":[', b'{"messages":[['])
@pytest.mark.parametrize("path", [SNAPSHOT, MESSAGES])
def test_what_is_nested_without_end_is_refused_as_no_json(opening: bytes, path: str) -> None:
    nested = opening * (LARGE // len(opening))
    answer = Service().client("203.0.113.9").post(path, content=nested)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")
    for parse in (parse_snapshot, parse_messages):  # larger ones are read by the owner
        with pytest.raises(InvalidInput):
            parse(nested * 30)


def test_a_user_and_an_address_have_so_many_sockets_and_others_go_on() -> None:
    service = Service(sockets_per_user=2, sockets_per_address=3)

    def is_turned_away(client: TestClient, path: str) -> bool:
        with client.websocket_connect(WS + path) as socket:
            said = socket.receive_text()
            if said == "served":
                return False
            assert orjson.loads(said)["payload"]["code"] == "too_many_sockets"
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_text()
            assert closed.value.code == TOO_MANY
            return True

    one, other = service.client("203.0.113.9"), service.client("203.0.113.10")
    with one.websocket_connect(f"{WS}/ws/frontend/u1"), one.websocket_connect(f"{WS}/ws/extension/u1"):
        assert is_turned_away(other, "/ws/frontend/u1")
        assert not is_turned_away(one, "/ws/frontend/u2")
        with one.websocket_connect(f"{WS}/ws/frontend/u2"):
            assert is_turned_away(one, "/ws/frontend/u3")
            assert not is_turned_away(other, "/ws/frontend/u3")
    assert not is_turned_away(one, "/ws/frontend/u1")
    assert not service.api.state.limits._sockets


def test_handshakes_count_as_requests() -> None:
    client = Service(requests_per_second=0.1).client("203.0.113.9")
    with client.websocket_connect(f"{WS}/ws/frontend/u1") as socket:
        assert socket.receive_text() == "served"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{WS}/ws/frontend/u1"):
        pass


def test_a_window_is_as_long_as_the_setting_allows() -> None:
    client = Service(max_window=86_400.0).client("203.0.113.9")
    asked = {"start_date": "2024-05-01T00:00:00Z", "end_date": "2024-05-02T00:00:01Z"}
    for path in ("topics", "sentiment-trend", "response-time", "full"):
        answer = client.get(f"/api/v1/insights/{path}", params=asked)
        assert answer.status_code == 422
        [field] = answer.json()["error"]["detail"]
        assert field["field"] == "start_date"
        assert "MAX_WINDOW" in field["reason"]


def test_a_page_of_a_list_is_limited() -> None:
    client = Service().client("203.0.113.9")
    for path in ("/api/v1/chats?user_id=u1&", "/api/v1/ingest/u1/held?", "/api/v1/frontend/chats/u1?"):
        assert client.get(f"{path}limit=1001").status_code == 422


async def test_what_was_refused_is_counted_by_the_limit() -> None:
    tally = Tally()
    settings = Settings(requests_per_second=0.1, bytes_per_second=1, messages_per_second=1)
    limits = Limits(settings, tally)
    await limits.ask("a")
    limits.sent("u1", size=100, messages=100)
    for refuse in (limits.may_send, limits.may_send_messages):
        with pytest.raises(RateLimited):
            refuse("u1")
    with pytest.raises(RateLimited):
        await limits.ask("a")
    assert {of: n for (name, of), n in tally.take().counts.items() if name == LIMITED.name} == {
        "requests": 1,
        "bytes": 1,
        "messages": 1,
    }
