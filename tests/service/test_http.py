"""HTTP and WebSocket: what comes in is answered, what is wrong is named, and the socket lives on."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, dial, enriched, message, page, post, recent, settled

Raw = dict[str, Any]


@pytest.fixture
async def http(service: Service) -> Any:
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as client:
        yield client


async def receive(socket: ClientConnection) -> Raw:
    async with asyncio.timeout(PATIENCE):
        frame: Raw = orjson.loads(await socket.recv())
        return frame


async def test_the_service_is_alive_and_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}
    ready = await http.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"redis": "ok", "graph": "ok", "model": "ok", "proxy": "ok"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("snapshot", b"{not json", ""),
        ("snapshot", b'{"chats": 5}', "chats"),
        ("snapshot", b'{"type": "new_raw_message", "payload": {"message": {"id": 1}}}', "type"),
        ("messages", b'[{"message": {"id": 1}}, {"type": "cache_update", "payload": {}}]', "1.type"),
        ("messages", b"[]garbage", ""),
        ("messages", b'{"type": "xxxx", "payload": {}}', "type"),
    ],
)
async def test_bad_input_is_refused_with_the_field_and_the_reason(
    http: httpx.AsyncClient, user_id: str, path: str, body: bytes, field: str
) -> None:
    answer = await http.post(f"/api/v1/ingest/{user_id}/{path}", content=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["detail"][0]["field"] == field
    assert error["detail"][0]["reason"]
    assert "xxxx" not in answer.text
    users = [user["user_id"] for user in (await http.get("/api/v1/users")).json()]
    assert user_id not in users


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("snapshot", b'{"chats": 5, "more": "%b"}', "chats"),
        ("snapshot", b'{"type": "new_raw_message", "payload": {"message": {"id": 1}}, "more": "%b"}', "type"),
        ("messages", b'[{"message": {"id": "%b"}}, {"type": "cache_update", "payload": {}}]', "1.type"),
        ("messages", b"[]%b", ""),
    ],
)
async def test_large_input_that_is_bad_is_refused_in_the_same_way(
    http: httpx.AsyncClient, user_id: str, path: str, body: bytes, field: str
) -> None:
    address = f"/api/v1/ingest/{user_id}/{path}"
    small, large = [await http.post(address, content=body % (b"x" * size)) for size in (10, 100_000)]
    assert (small.status_code, large.status_code) == (422, 422)
    assert large.json() == small.json()
    assert large.json()["error"]["detail"][0]["field"] == field
    users = [user["user_id"] for user in (await http.get("/api/v1/users")).json()]
    assert user_id not in users


async def test_of_requests_at_the_same_moment_each_has_its_own_answer(
    http: httpx.AsyncClient, user_id: str
) -> None:
    def said(id: int, sender: int = 501, to: int = 0) -> bytes:
        made = {"id": id, "text": "hello", "createdAt": "2024-05-01T00:00:00Z", "fromUser": {"id": sender}}
        return orjson.dumps([{**made, "toUser": {"id": to}} if to else {**made, "chat_id": "f1"}])

    others = orjson.dumps([orjson.loads(said(1, 100, 7))[0], orjson.loads(said(2, 7, 100))[0]])
    bodies = [*(said(id) for id in range(10, 20)), others]
    path = f"/api/v1/ingest/{user_id}/messages"
    answers = await asyncio.gather(*(http.post(path, content=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [202] * 10 + [422]
    assert answers[-1].json()["error"]["code"] == "unknown_creator"
    assert sum(answer.json()["accepted"] for answer in answers[:-1]) == 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"start_date": "2024-05-01T00:00:00"}, "start_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2024-05-02T00:00:00Z", "end_date": "2024-05-01T00:00:00Z"}, "start_date"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"bucket": "eon"}, "bucket"),
        ({"creator_id": "a b"}, "creator_id"),
        ({"broadcast": "true"}, "user_id"),
    ],
)
async def test_bad_parameters_of_an_insight_are_named(
    http: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    answer = await http.get("/api/v1/insights/full", params=query)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["error"]["detail"]] == [field]


async def test_without_data_every_insight_is_null_or_empty(http: httpx.AsyncClient, user_id: str) -> None:
    scope = {"creator_id": user_id}
    assert (await http.get("/api/v1/insights/topics", params=scope)).json() == []
    trend = (await http.get("/api/v1/insights/sentiment-trend", params=scope)).json()
    assert (trend["trend"], trend["sentiment_score"], trend["n"]) == ([], None, 0)
    times = (await http.get("/api/v1/insights/response-time", params=scope)).json()
    assert (times["turns"], times["silence_percentage"]) == (None, None)
    assert times["response_time"]["mean"] is None
    boot = (await http.get(f"/api/v1/frontend/bootstrap/{user_id}")).json()
    assert boot["conversations"] == []
    assert boot["analytics"]["topics"] == []
    assert (await http.get("/api/v1/chats", params={"user_id": user_id})).json() == []
    unknown = await http.get("/api/v1/chats/5/messages", params={"user_id": user_id})
    assert unknown.status_code == 404


async def test_messages_are_listed_as_received_with_their_enrichment_beside_them(
    service: Service, http: httpx.AsyncClient, user_id: str
) -> None:
    raws = [
        message(2**53 + 1, 41, recent(50), "how much is the custom video?"),
        message("b", 41, recent(40), "only for you", by="creator", price=20, media=[{"type": "video"}]),
    ]
    async with page(service.ws, user_id) as listener:
        receipt = await post(http, user_id, "messages", [{"message": raw} for raw in raws])
        await settled(listener, http, user_id, receipt["sequence"])
    [listed] = (await http.get("/api/v1/chats", params={"user_id": user_id})).json()
    assert (listed["id"], listed["messageCount"]) == ("41", 2)
    path = "/api/v1/chats/41/messages"
    newest, oldest = (await http.get(path, params={"user_id": user_id})).json()
    for got, sent in ((oldest, raws[0]), (newest, raws[1])):
        enrichment = got.pop("enrichment")
        assert got == sent
        assert 0 <= enrichment["sentiment"] <= 1
    assert "ppv_offer" in enrichment["actions"]
    one = (await http.get(path, params={"user_id": user_id, "limit": 1, "offset": 1})).json()
    assert [m["id"] for m in one] == [2**53 + 1]


async def test_what_cannot_be_placed_is_held_and_listed_once(http: httpx.AsyncClient, user_id: str) -> None:
    sent = {"id": 5, "text": "sent from the page"}
    for _ in range(2):
        receipt = await post(http, user_id, "messages", [sent, {"typing": {"id": 3}}])
        assert (receipt["sequence"], receipt["accepted"], receipt["held"]) == (1, 0, 1)
    listed = (await http.get(f"/api/v1/ingest/{user_id}/held")).json()
    [held] = listed["held"]
    assert (held["reason"], held["id"], held["received"]) == ("no_chat", "5", sent)
    assert sum(listed["dropped"].values()) == 2


async def test_the_same_message_is_taken_once_however_it_comes(http: httpx.AsyncClient, user_id: str) -> None:
    raw = message(77, 41, recent(5), "hello")
    first = await post(http, user_id, "messages", {"message": raw})
    again = await post(http, user_id, "messages", [raw, {"api2_chat_message": {**raw, "id": "77"}}])
    assert (first["accepted"], again["accepted"], again["duplicates"]) == (1, 0, 2)
    assert again["sequence"] == first["sequence"]


async def test_two_creators_of_one_user_do_not_mix(
    service: Service, http: httpx.AsyncClient, user_id: str
) -> None:
    async with page(service.ws, user_id, creator_id=f"{user_id}-a") as listener:
        for side, text in (("a", "what a lovely day"), ("b", "this is awful, i hate it")):
            raw = message(f"m-{side}", 41, recent(30), text)
            answer = await http.post(
                f"/api/v1/ingest/{user_id}/messages",
                params={"creator_id": f"{user_id}-{side}"},
                content=orjson.dumps(raw),
            )
            assert answer.status_code == 202
        await listener.until(lambda frame: frame["type"] == "append_message")
        async with asyncio.timeout(PATIENCE):
            while len((boot := await enriched(http, user_id))["conversations"]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    moods = {node["creatorId"]: node.get("sentiment", 0) for node in boot["conversations"]}
    assert moods[f"{user_id}-a"] > 0.6
    assert {f["creatorId"] for f in listener.frames if f["type"] == "append_message"} == {f"{user_id}-a"}
    only = await http.get(f"/api/v1/frontend/bootstrap/{user_id}", params={"creator_id": f"{user_id}-b"})
    assert [node["creatorId"] for node in only.json()["conversations"]] == [f"{user_id}-b"]
    path, asked = "/api/v1/chats/41/messages", {"user_id": user_id}
    unclear = await http.get(path, params=asked)
    assert (unclear.status_code, unclear.json()["error"]["detail"][0]["field"]) == (422, "creator_id")
    clear = (await http.get(path, params={**asked, "creator_id": f"{user_id}-b"})).json()
    assert [each["id"] for each in clear] == ["m-b"]


async def test_two_users_who_hold_one_creator_each_see_their_own(
    http: httpx.AsyncClient, user_id: str
) -> None:
    """The same fan and the same ids: who sends last overwrites nothing of the other's."""
    creator, users = f"creator-of-{user_id}", (f"{user_id}-1", f"{user_id}-2")

    async def conversations(**asked: str) -> int:
        answer = await http.get("/api/v1/insights/full", params=asked)
        return int(answer.raise_for_status().json()["conversations"])

    for count, user in enumerate(users, 1):
        raws = [message(n, 41, recent(2000 - 600 * n), "what a lovely day") for n in range(1, count + 1)]
        path = f"/api/v1/ingest/{user}/snapshot?creator_id={creator}"
        answer = await http.post(path, content=orjson.dumps({"chats": [chat(41)], "messages": raws}))
        assert answer.status_code == 202
        async with asyncio.timeout(PATIENCE):
            while await conversations(user_id=user) < count:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.1)
        if user == users[0]:
            assert await conversations(creator_id=creator) == count
    for count, user in enumerate(users, 1):
        assert await conversations(user_id=user) == count
        assert await conversations(user_id=user, creator_id=creator) == count
    for question in ("topics", "sentiment-trend", "response-time", "full"):
        unclear = await http.get(f"/api/v1/insights/{question}", params={"creator_id": creator})
        assert (unclear.status_code, unclear.json()["error"]["code"]) == (422, "ambiguous_user")
        assert unclear.json()["error"]["detail"] == [{"field": "user_id", "reason": "missing"}]
        assert user_id not in unclear.text


async def test_a_socket_survives_everything_that_is_wrong_with_a_frame(
    service: Service, user_id: str
) -> None:
    wrong: list[str | bytes] = [
        "{",
        "[]",
        '{"type": "nonsense", "payload": {}}',
        '{"type": "cache_update", "payload": {"chats": 3}}',
        '{"type": "yyyy", "payload": {}}',
    ]
    async with dial(f"{service.ws}/api/ws/extension/{user_id}") as socket:
        assert (await receive(socket))["type"] == "connection_ack"
        for frame in wrong:
            await socket.send(frame)
            answer = await receive(socket)
            assert answer["type"] == "system_error"
            assert answer["payload"]["code"] == "invalid_input"
            assert "yyyy" not in answer["payload"]["errorMessage"]
        await socket.send('{"type": "keepalive"}')
        await socket.send(
            orjson.dumps({"type": "new_raw_message", "payload": message(1, 2, recent(1), "hi")})
        )
        answer = await receive(socket)
        assert (answer["type"], answer["payload"]["accepted"]) == ("ingest_ack", 1)


async def test_one_wrong_message_of_a_batch_does_not_take_the_others_down(
    service: Service, user_id: str
) -> None:
    good = [
        orjson.dumps({"type": "new_raw_message", "payload": message(n + 1, 2, recent(9 - n), "hi")})
        for n in range(8)
    ]
    bad = orjson.dumps(
        {"type": "new_raw_message", "payload": {"id": 99, "text": "z" * 100_001, "fromUser": {"id": 2}}}
    )
    async with dial(f"{service.ws}/ws/extension/{user_id}") as socket:
        assert (await receive(socket))["type"] == "connection_ack"
        for frame in (*good[:4], bad, *good[4:]):
            await socket.send(frame)
        accepted = held = 0
        while accepted < len(good) or not held:
            answer = await receive(socket)
            assert answer["type"] == "ingest_ack"
            accepted += answer["payload"]["accepted"]
            held += answer["payload"]["held"]


async def test_presence_is_passed_on_to_the_pages(service: Service, user_id: str) -> None:
    async with (
        page(service.ws, user_id) as listener,
        dial(f"{service.ws}/ws/extension/{user_id}") as socket,
    ):
        await socket.send('{"type": "online_users_update", "payload": {"user_ids": [7, 9], "timestamp": 5}}')
        frame = await listener.until(lambda f: f["type"] == "online_users_update")
        assert frame["payload"] == {"user_ids": [7, 9], "timestamp": 5}


async def test_a_snapshot_of_many_megabytes_comes_through_one_frame(service: Service, user_id: str) -> None:
    previews = [{"url": "x" * 60_000}]
    messages = [message(n + 1, n % 7 + 1, recent(n * 400), previews=previews) for n in range(300)]
    frame = orjson.dumps({"type": "cache_update", "payload": {"chats": [], "messages": messages}})
    assert len(frame) > 17 * 1024 * 1024
    async with dial(f"{service.ws}/ws/extension/{user_id}") as socket:
        assert (await receive(socket))["type"] == "connection_ack"
        await socket.send(frame)
        answer = await receive(socket)
        assert (answer["type"], answer["payload"]["accepted"]) == ("ingest_ack", len(messages))


async def test_pages_of_other_sites_are_kept_out(
    service: Service, http: httpx.AsyncClient, user_id: str
) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}):
        assert (await http.get("/api/v1/users", headers=headers)).status_code == 403
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with dial(
            f"{service.ws}/ws/frontend/{user_id}", origin=Origin("https://elsewhere.example")
        ) as socket:
            await socket.recv()
    async with dial(
        f"{service.ws}/ws/extension/{user_id}", origin=Origin("chrome-extension://abc")
    ) as socket:
        assert (await receive(socket))["type"] == "connection_ack"


async def test_the_api_docs_load_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    docs = (await http.get("/docs")).text
    assert "//" not in docs
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert (await http.get(f"/static/swagger/{asset}")).status_code == 200
    page = await http.get("/static/index.html")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def test_the_schema_names_every_message(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/api/v1/schemas/wss")).text
    for kind in ("cache_update", "new_raw_message", "full_sync_response", "append_message", "ingest_ack"):
        assert f'"{kind}"' in schema
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert "/api/v1/ingest/{user_id}/snapshot" in paths


async def test_what_is_held_is_replayed_with_what_it_lacked(http: httpx.AsyncClient, user_id: str) -> None:
    await post(http, user_id, "messages", {"id": 5, "text": "sent from the page"})
    [held] = (await http.get(f"/api/v1/ingest/{user_id}/held")).json()["held"]
    receipt = await post(http, user_id, "held/replay", [])
    assert (receipt["accepted"], receipt["held"]) == (0, 1)  # as it is it still has no chat
    asked = [{"key": held["key"], "add": {"toUser": {"id": 41}}}]
    receipt = await post(http, user_id, "held/replay", asked)
    assert (receipt["accepted"], receipt["held"]) == (1, 0)
    assert (await http.get(f"/api/v1/ingest/{user_id}/held")).json()["held"] == []
    gone = await http.post(f"/api/v1/ingest/{user_id}/held/replay", json=asked)
    assert gone.status_code == 404
    wrong = await http.post(f"/api/v1/ingest/{user_id}/held/replay", json={"key": 1})
    assert wrong.status_code == 422
    nobody = await http.post(f"/api/v1/ingest/{user_id}-nobody/held/replay", json=[])
    assert nobody.status_code == 404
