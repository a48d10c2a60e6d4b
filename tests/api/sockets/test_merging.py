"""A page that merges shows what a fresh full sync shows, whatever came and however often it was cut off."""

import asyncio
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed

from bench.alone import alone, fans, message
from frames.log import connect_redis, push
from session.pages import START
from session.session import Session
from tests.api.sockets.test_many_chats import Owner
from tests.api.sockets.test_pages import Served, _serving
from tests.history.store import Store, running_store
from tests.other_frontend import Merging
from wire.payloads import OnlineUsersUpdate, OnlineUsersUpdateMsg

CREATORS = ("901", "902")
FANS = fans(3)
MOVES = ("priorityScore", "priority")  # with the clock
NOTED = "the end"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


class Talk:
    """What is sent of two creators' chats."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._said: dict[tuple[str, int], list[dict[str, Any]]] = {}

    async def do(self, what: str, creator: str, fan: int) -> None:
        # A fan has one creator here: pages of all creators know chats by their id.
        fan += 1000 * CREATORS.index(creator)
        said = self._said.setdefault((creator, fan), [])
        if what in ("edit", "delete") and not said:
            return
        match what:
            case "say":
                said.append(message(fan, len(said), 60 - len(said)))
                body: Any = {"message": said[-1]}
            case "edit":
                said[-1] = {**said[-1], "text": f"edited, {uuid.uuid4().hex}", "changedAt": _now()}
                body = {"message": said[-1]}
            case "delete":
                body = {"message": {**said[-1], "isDeleted": True, "changedAt": _now()}}
            case _:
                said.append(message(fan, len(said), 60 - len(said)))
                chats = [{"withUser": {"id": fan, "name": "Robin"}, "unreadMessagesCount": len(said) % 4}]
                payload = orjson.dumps({"chats": chats, "messages": said})
                await self._session.handle_snapshot(payload, creator)
                return
        await self._session.handle_delta(orjson.dumps(body), creator)


def _now() -> str:
    return str(message(1, 0, 0)["createdAt"])


async def follow(
    pages: Served, user_id: str, creator: str | None, shown: Merging, cut: asyncio.Event
) -> None:
    """Show what comes until the end; connect again whenever it is cut off."""
    asked = {"merge": "true"} if creator is None else {"merge": "true", "creator_id": creator}
    while True:
        again = {"last_frame": shown.position} if shown.position else {}
        async with pages.open(user_id, **asked, **again) as socket:
            closing = asyncio.create_task(_close(socket, cut))
            try:
                while True:
                    frame = orjson.loads(await socket.recv())
                    if frame["payload"].get("note") == NOTED:
                        shown.position = frame["frame"]
                        closing.cancel()
                        return
                    shown.take(frame)
            except ConnectionClosed:
                pass


async def _close(socket: Any, cut: asyncio.Event) -> None:
    await cut.wait()
    cut.clear()
    await socket.close()


def still(node: dict[str, Any]) -> dict[str, Any]:
    """A node without what moves with the clock, and what only speaks of one frame."""
    kept = {k: v for k, v in node.items() if k not in (*MOVES, "changedMessages", "removedMessages")}
    return {**kept, "messages": [_said(each) for each in node["messages"]]}


def _said(shown: dict[str, Any]) -> tuple[Any, ...]:
    return shown["id"], shown["text"], shown["direction"]


DONE = st.tuples(
    st.sampled_from(["say", "say", "edit", "delete", "snapshot", "cut", "wait"]),
    st.sampled_from(CREATORS),
    st.sampled_from(FANS),
)


def test_a_page_that_merges_shows_what_a_fresh_full_sync_shows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sockets.pages.GATHER", 0)

    @given(done=st.lists(DONE, min_size=1, max_size=10))
    @settings(max_examples=15, deadline=None)
    def holds(done: list[tuple[str, str, int]]) -> None:
        asyncio.run(asyncio.wait_for(work(store.url, done), 60))

    holds()


async def work(url: str, done: list[tuple[str, str, int]]) -> None:
    redis, user_id = connect_redis(url), f"user-{uuid.uuid4().hex}"
    await redis.sadd("users", user_id)
    with tempfile.TemporaryDirectory() as folder:
        async with alone(redis, user_id, Path(folder)) as session, _serving(redis, Owner(session)) as pages:
            await check(redis, user_id, session, pages, done)
    await redis.connection_pool.disconnect()


async def check(
    redis: Redis, user_id: str, session: Session, pages: Served, done: list[tuple[str, str, int]]
) -> None:
    scopes: tuple[str | None, ...] = (None, CREATORS[0])
    views = {creator: (Merging(), asyncio.Event()) for creator in scopes}
    following = [
        asyncio.create_task(follow(pages, user_id, creator, shown, cut))
        for creator, (shown, cut) in views.items()
    ]
    talk = Talk(session)
    for what, creator, fan in done:
        if what == "cut":
            for _, cut in views.values():
                cut.set()
        elif what == "wait":
            await session.idle(0.05)
        else:
            await talk.do(what, creator, fan)
    await session.idle(0.1)
    waiting = set(following)
    while waiting:  # a page that is about to connect anew, without a place to go on from, misses what is sent
        await push(redis, user_id, OnlineUsersUpdateMsg(payload=OnlineUsersUpdate(note=NOTED)))  # type: ignore[call-arg]
        _, waiting = await asyncio.wait(waiting, timeout=0.05)
    await asyncio.gather(*following)
    for scope, (shown, _) in views.items():
        _, _, status, payload = await session.full_sync(scope, START)
        fresh = orjson.loads(payload)
        if status == "EMPTY":
            assert shown.chats == {}
            continue
        assert {id: still(node) for id, node in shown.chats.items()} == {
            node["conversationId"]: still(node) for node in fresh["conversations"]
        }
        for node in fresh["conversations"]:
            seen = shown.chats[node["conversationId"]]
            assert abs(seen["priorityScore"] - node["priorityScore"]) <= 0.2
            assert seen["unreadCount"] == node["unreadCount"]
        if shown.analytics:
            names = ("chats", "conversations", "messageCount", "sentiment", "messages", "actions", "outcomes")
            assert {name: shown.analytics.get(name) for name in names} == {
                name: fresh["analytics"].get(name) for name in names
            }
