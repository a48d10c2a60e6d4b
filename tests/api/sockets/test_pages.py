"""Pages through sockets and a real Redis."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.sockets.page import Page
from api.sockets.pages import Asked, Pages
from frames.log import (
    Readers,
    channel,
    connect_redis,
    is_after,
    is_read_whole,
    push,
    push_full_sync,
)
from session.machine import Status
from session.pages import EVERYTHING, START, Extent
from tests.actors.factories import analytics
from tests.api.sockets.published import Owner, node, said
from tests.conftest import PATIENCE
from tests.history.store import Store, running_store
from tests.other_frontend import Frontend, Merging
from tests.serving import serving
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
    call_for_full_sync,
    published,
)

STATUS = SystemStatusMsg(payload=SystemStatus(status="REALTIME"))
EVENT = SystemErrorMsg(payload=SystemError(errorMessage="something happened"))


class Told:
    """Stands in for a user's actor: pushes a frame before its full sync is taken, and one after."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.asked = 0

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent
    ) -> tuple[int, str, Status, bytes]:
        self.asked += 1
        append = AppendMessageMsg(sequence=7, creatorId="c1", payload=node(messages=[said(1)]))
        position = await push(self._redis, user_id, append)
        await push(self._redis, user_id, append)
        return 7, position, Status.REALTIME, b'{"conversations":[]}'


class Served:
    """Pages that are served by this process."""

    def __init__(self, redis: Redis, url: str, actor: Any) -> None:
        self.redis = redis
        self._url = url
        self.actor = actor

    def open(self, user_id: str = "u1", **query: str) -> connect:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        # A client that reads no further than it is asked to, and is not timed.
        return connect(
            f"{self._url}/{user_id}?{asked}", max_queue=1, max_size=None, compression=None, ping_interval=None
        )

    async def push(self, count: int, user_id: str = "u1") -> list[str]:
        return [await push(self.redis, user_id, EVENT) for _ in range(count)]


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture
async def pages(store: Store) -> AsyncIterator[Served]:
    redis = connect_redis(store.url)
    async with _serving(redis) as found:
        yield found
    await redis.connection_pool.disconnect()


@asynccontextmanager
async def _serving(redis: Redis, actor: Any = None) -> AsyncIterator[Served]:
    actor = actor or Told(redis)
    served = Pages(redis, actor)
    app = FastAPI()

    @app.websocket("/{user_id}")
    async def page(
        socket: WebSocket,
        user_id: str,
        creator_id: str | None = None,
        last_frame: str | None = None,
        merge: bool = False,
    ) -> None:
        extent = START if merge else EVERYTHING
        await socket.accept()
        await served.serve(socket, Asked(user_id, creator_id, last_frame, merge, extent), asyncio.Event())

    async with serving(app) as port:
        yield Served(redis, f"ws://127.0.0.1:{port}", actor)
    assert served._pages == {}
    assert served._task is not None
    served._task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await served._task
    await served._pubsub.aclose()  # type: ignore[no-untyped-call]


async def read(page: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        return [orjson.loads(await page.recv()) for _ in range(count)]


async def code(page: ClientConnection) -> int | None:
    """The code that the socket is closed with; what comes before is passed over."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await page.recv()
    return page.close_code


def positions(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["frame"].partition(":")[0] for frame in frames if frame["frame"]]


async def test_a_page_gets_a_full_sync_with_its_position_and_then_what_was_pushed_after_it(
    pages: Served,
) -> None:
    await pages.redis.sadd("users", "u1")
    async with pages.open() as page:
        ack, status, sync, append = await read(page, 4)
        assert (ack["type"], ack["frame"]) == ("connection_ack", None)
        assert (status["type"], status["frame"], status["sequence"]) == ("system_status", None, 7)
        assert (sync["type"], sync["sequence"]) == ("full_sync_response", 7)
        assert is_after(*positions([append, sync]))
        assert append["payload"]["messages"] == []  # they were part of the full sync
        assert await pages.push(1) == positions(await read(page, 1))
    for last in (sync, append):  # the job in hand at the full sync may be done on a later connection
        async with pages.open(last_frame=last["frame"]) as page:
            [_, *again] = await read(page, 3 if last is sync else 2)
            assert all(is_after(*positions([each, last])) for each in again)
            assert [each["payload"]["messages"] for each in again if "messages" in each["payload"]] in (
                [],
                [[]],
            )
    assert pages.actor.asked == 1


async def test_a_page_that_resumes_gets_what_it_missed_and_wakes_nobody(pages: Served) -> None:
    await pages.redis.sadd("users", "u1")
    pushed = await pages.push(5)
    async with pages.open(last_frame=pushed[1]) as page:
        [ack, *missed] = await read(page, 4)
        assert ack["type"] == "connection_ack"
        assert positions(missed) == pushed[2:]
        live = await pages.push(2)
        assert positions(await read(page, 2)) == live
    async with pages.open(last_frame=live[-1]) as page:
        await read(page, 1)
        assert await pages.push(1) == positions(await read(page, 1))
    assert pages.actor.asked == 0


@pytest.mark.parametrize("unknown", ["1-0", "0-0", "99999999999999-0", "", "nonsense", "1-0%3A2"])
async def test_a_position_that_is_not_in_the_log_gets_a_full_sync(pages: Served, unknown: str) -> None:
    await pages.redis.sadd("users", "u1")
    await pages.push(2)
    async with pages.open(last_frame=unknown) as page:
        kinds = [each["type"] for each in await read(page, 4)]
        assert kinds[1:] == ["system_status", "full_sync_response", "append_message"]
    assert pages.actor.asked == 1


async def test_a_page_that_does_not_read_is_cut_off_and_no_other_page_notices(
    pages: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sockets.page.WAITING_BYTES", 1024 * 1024)
    large = SystemErrorMsg(payload=SystemError(errorMessage="x" * 256 * 1024))
    async with pages.open() as slow, pages.open() as page:
        await read(page, 1)
        await read(slow, 1)
        pushed, got = [], []
        for _ in range(120):  # far more than the sockets' own buffers hold
            pushed.append(await push(pages.redis, "u1", large))
            got += positions(await read(page, 1))
        assert got == pushed
        assert await code(slow) == 4008
        assert await pages.push(1) == positions(await read(page, 1))


async def test_pages_are_cut_off_when_redis_is_lost_and_resume_when_it_is_back(
    store: Store, pages: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="api.sockets.pages")
    await pages.push(1)
    async with pages.open() as page, pages.open("u2") as other:
        await read(other, 1)
        await read(page, 1)
        [last] = await pages.push(1)
        assert positions(await read(page, 1)) == [last]
        # What a page is sent live says that it asks Redis for nothing any more; one that did is told 1013.
        assert await pages.push(1, "u2") == positions(await read(other, 1))
        store.kill()
        assert await code(page) == 4008
        assert await code(other) == 4008
    for _ in range(3):
        async with pages.open(last_frame=last) as page:
            assert [each["type"] for each in await read(page, 1)] == ["system_error"]
            assert await code(page) == 1013
    store.restart()
    missed = await pages.push(3)
    async with pages.open(last_frame=last) as page:
        assert positions(await read(page, 4)) == missed
        assert await pages.push(1) == positions(await read(page, 1))
    told = [
        (each.levelname, each.getMessage()) for each in caplog.records if each.name == "api.sockets.pages"
    ]
    assert [level for level, _ in told] == ["WARNING", "INFO"]


async def test_pages_are_cut_off_when_redis_says_nothing_any_more(
    store: Store, pages: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sockets.pages.SILENCE", 0.2)
    process = store._server._process
    assert process is not None
    async with pages.open() as page:
        await read(page, 1)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            with monkeypatch.context() as stopped:  # one that answers may take its time
                stopped.setattr("api.sockets.pages.ANSWER_WITHIN", 0.2)
                assert await code(page) == 4008
        finally:
            os.kill(process.pid, signal.SIGCONT)
    async with pages.open() as page:
        await read(page, 1)
        assert await pages.push(1) == positions(await read(page, 1))


async def test_a_quiet_redis_is_not_taken_for_lost(pages: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sockets.pages.SILENCE", 0.05)
    async with pages.open() as page:
        await read(page, 1)
        async with asyncio.timeout(PATIENCE):
            while (await pages.redis.info("commandstats")).get("cmdstat_ping", {"calls": 0})["calls"] < 3:
                pass
        assert await pages.push(1) == positions(await read(page, 1))


async def test_pages_whose_subscription_was_made_again_are_cut_off() -> None:
    """The client library may connect again by itself; what was published meanwhile is lost."""
    with running_store() as store:
        redis = connect_redis(store.url)
        served, page, other = Pages(redis, None), Page(None), Page(None)  # type: ignore[arg-type]
        await served._join(channel("u1"), page)
        await served._join(channel("u2"), other)
        await served._pubsub.subscribe(channel("u1"))
        async with asyncio.timeout(PATIENCE):
            await page.cut_off.wait()
        assert not other.cut_off.is_set()
        assert served._task is not None
        served._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await served._task
        await served._pubsub.aclose()  # type: ignore[no-untyped-call]
        await redis.connection_pool.disconnect()


# Pages that do not merge, through sockets


class Talking(Owner):
    """An owner whose frames are pushed, and who answers pages."""

    redis: Redis
    pause: asyncio.Event | None = None  # a full sync is answered when it is set

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent
    ) -> tuple[int, str, Status, bytes]:
        self.asked += 1
        if self.pause is not None:
            await self.pause.wait()
        return self.sequence, self.position, Status.REALTIME, self.payload(creator_id)

    async def push(self, creator: str, id: str, text: str | None) -> None:
        kind, payload, merge = self.sync(creator) if text == "sync" else self.say(creator, id, text)
        json = published(kind, payload, sequence=self.sequence, creator_id=creator, merge=merge)
        if text == "sync":
            call = call_for_full_sync(sequence=self.sequence, creator_id=creator, merge=merge)
            whole = json if await is_read_whole(self.redis, "u1") else None
            self.position = await push_full_sync(self.redis, "u1", call, whole)
        else:
            self.position = await push(self.redis, "u1", json)


@pytest.fixture
async def talking(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Talking, Served]]:
    """Two creators, of whom each has a chat."""
    monkeypatch.setattr("api.sockets.pages.GATHER", 0)
    owner = Talking()
    owner.redis = connect_redis(store.url)
    await owner.redis.sadd("users", "u1")
    async with _serving(owner.redis, owner) as found:
        await owner.push("c1", "a1", "hello")
        await owner.push("c2", "b1", "hello too")
        yield owner, found
    await owner.redis.connection_pool.disconnect()


async def follow(page: ClientConnection, shown: Frontend, wanted: Callable[[], bool]) -> list[str]:
    """Show what comes until that is what was wanted; the types of what came."""
    kinds = []
    async with asyncio.timeout(PATIENCE):
        while not wanted():
            frame_ = orjson.loads(await page.recv())
            shown.take(frame_)
            kinds.append(frame_["type"])
    return kinds


async def test_a_page_that_replaces_everything_keeps_every_creators_chats(
    talking: tuple[Talking, Served],
) -> None:
    owner, pages = talking
    shown = Frontend()
    async with pages.open() as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c2", "", "sync")
        await owner.push("c1", "a2", "and then")
        await follow(page, shown, lambda: shown.syncs == 2 and shown.texts() == owner.texts(None))
    assert shown.texts() == {"c1 a": ["hello", "and then"], "c2 b": ["hello too"]}


async def test_an_edit_and_a_deletion_reach_a_page_that_only_appends(talking: tuple[Talking, Served]) -> None:
    owner, pages = talking
    shown = Frontend()
    async with pages.open(creator_id="c1") as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c1", "a1", "hello, edited")
        await follow(page, shown, lambda: shown.texts() == {"c1 a": ["hello, edited"]})
        await owner.push("c1", "a2", "more")
        await owner.push("c1", "a1", None)
        await follow(page, shown, lambda: shown.texts() == {"c1 a": ["more"]})
        await owner.push("c2", "b1", "edited elsewhere")
        await owner.push("c1", "a3", "the last")
        await follow(page, shown, lambda: shown.texts() == {"c1 a": ["more", "the last"]})
    assert owner.asked == shown.syncs <= 3


async def test_many_edits_in_a_row_are_one_full_sync(talking: tuple[Talking, Served]) -> None:
    owner, pages = talking
    shown = Frontend()
    async with pages.open() as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        owner.pause = asyncio.Event()
        for n in range(30):
            await owner.push("c1", "a1", f"version {n}")
        owner.pause.set()
        await owner.push("c1", "a2", "and then")
        await follow(page, shown, lambda: "and then" in shown.texts()["c1 a"])
    assert shown.texts()["c1 a"] == ["version 29", "and then"]
    assert shown.syncs == 2


async def test_a_page_that_says_that_it_merges_is_sent_changes_and_takes_a_full_sync_when_it_is_called_to(
    talking: tuple[Talking, Served],
) -> None:
    owner, pages = talking
    shown = Merging()
    async with pages.open(merge="true") as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c1", "a1", "hello, edited")
        kinds = await follow(page, shown, lambda: shown.texts()["c1 a"] == ["hello, edited"])
        assert (kinds, owner.asked) == (["append_message"], 1)
        await owner.push("c2", "", "sync")
        kinds = await follow(page, shown, lambda: shown.syncs == 2)
    assert kinds == ["system_status", "full_sync_response"]
    assert shown.texts() == {"c1 a": ["hello, edited"], "c2 b": ["hello too"]}
    assert owner.asked == 2


async def test_a_page_that_comes_back_gets_what_it_missed_and_then_the_newest_state(pages: Served) -> None:
    await pages.redis.sadd("users", "u1")
    for n in range(3):
        update = AnalyticsUpdateMsg(sequence=n, creatorId="c1", payload=analytics("c1"))
        await push(pages.redis, "u1", update, to=Readers.MERGING)
        await push(pages.redis, "u1", STATUS)
    at, *missed = await pages.push(3)
    for query in ({"merge": "true"}, {}):
        async with pages.open(last_frame=at, creator_id="c1", **query) as page:
            [_, *frames] = await read(page, 3 + len(missed))
            assert positions(frames) == missed
            states = [(each["type"], each["sequence"]) for each in frames[len(missed) :]]
            assert states == [("system_status", 0), ("analytics_update", 2)]
            missed += await pages.push(1)
            assert positions(await read(page, 1)) == missed[-1:]
    assert pages.actor.asked == 0


async def test_pages_that_merge_and_others_are_sent_their_own_figures_and_the_same_events(
    pages: Served,
) -> None:
    async with pages.open(merge="true") as merging, pages.open() as replacing:
        for page in (merging, replacing):
            await read(page, 1)
        for n, to in enumerate((Readers.MERGING, Readers.REPLACING)):
            await push(pages.redis, "u1", AnalyticsUpdateMsg(sequence=n, payload=analytics()), to=to)
        await pages.push(1)
        for n, page in enumerate((merging, replacing)):
            figures, event = await read(page, 2)
            assert (figures["sequence"], event["type"]) == (n, "system_error")


async def test_a_page_that_missed_an_edit_while_it_was_away_gets_a_full_sync(
    talking: tuple[Talking, Served],
) -> None:
    owner, pages = talking
    shown = Frontend()
    async with pages.open() as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c1", "a2", "a word")
        await follow(page, shown, lambda: len(shown.texts()["c1 a"]) == 2)
    await owner.push("c1", "a1", "hello, edited")
    await owner.push("c1", "a3", "another")
    async with pages.open(last_frame=shown.position) as page:
        await follow(page, shown, lambda: shown.syncs == 2)
        await owner.push("c1", "a4", "live")
        await follow(page, shown, lambda: "live" in shown.texts()["c1 a"])
    assert shown.texts() == owner.texts(None)
