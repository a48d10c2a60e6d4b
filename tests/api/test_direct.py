"""Input that does not go FastAPI's way is answered, and handed on, as if it did."""

import asyncio
import warnings
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings
from wire.payloads import IngestReceipt

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from api import direct
    from serve_app import build_api

BODY = b'{"message": {"id": 1, "text": "hello", "fromUser": {"id": 902}}}'
IDS = st.sampled_from(["4711", "a.b:c@d-_", "x" * 128, "x" * 129, "", "a b", "a\n", "ä", "٣", "\0"])
CHATS = st.sampled_from(["902", "c" * 256, "c" * 257, "", " ", "ä", "\n", "a&b=c"])
SENDERS = st.sampled_from(["anna", "x" * 128, "x" * 129, "", "a b", "ä", "anna\x0b"])
BODIES = st.sampled_from([BODY, b"[" + BODY + b"]", b"[]", b"", b"no JSON", b"{}"])
QUERIES = st.lists(
    st.tuples(st.just("creator_id"), IDS)
    | st.tuples(st.just("chat_id"), CHATS)
    | st.tuples(st.sampled_from(["token", "chatid", "creator_id[]"]), IDS),
    max_size=3,
)


class Taking:
    """Takes everything, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    async def messages(self, *given: Any, is_patient: bool) -> IngestReceipt:
        return await self.handle_snapshot(*given, is_patient)

    async def handle_snapshot(self, *given: Any) -> IngestReceipt:
        self.given.append(given)
        return IngestReceipt(sequence=3, accepted=1, duplicates=0, held=1)


class Api:
    def __init__(self) -> None:
        self.app: FastAPI = build_api(Settings())
        self.app.state.services = self
        self.ingest = self.owners = Taking()

    def post(
        self, user_id: str, kind: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[list[Any], list[tuple[Any, ...]]]:
        """The messages of the answer, and what was handed on."""
        sent: list[Any] = []
        self.ingest.given.clear()

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        path = f"/api/v1/ingest/{user_id}/{kind}"
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": query,
            "headers": [(b"host", b"localhost"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        asyncio.run(self.app(scope, receive, send))
        return sent, list(self.ingest.given)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@given(
    user_id=IDS,
    kind=st.sampled_from(["messages", "snapshot"]),
    query=QUERIES,
    senders=st.lists(SENDERS, max_size=2),
    body=BODIES,
)
def test_it_is_answered_and_handed_on_as_by_fastapi(
    api: Api, user_id: str, kind: str, query: list[tuple[str, str]], senders: list[str], body: bytes
) -> None:
    asked = (
        user_id,
        kind,
        urlencode(query).encode(),
        [(b"sender-id", each.encode("latin-1")) for each in senders],
        body,
    )
    found = api.post(*asked)
    with patch.object(direct, "_asked", lambda request: None):
        assert found == api.post(*asked)


def test_what_is_as_it_should_be_does_not_go_fastapis_way(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing.solve_dependencies", None)
    headers = [(b"sender-id", b"anna")]
    sent, handed = api.post("u1", "messages", b"creator_id=4711&chat_id=902", headers, BODY)
    assert sent[0]["status"] == 202
    assert sent[1]["body"] == b'{"sequence":3,"accepted":1,"duplicates":0,"held":1}'
    assert handed == [("u1", BODY, "4711", "902", "anna", False)]
