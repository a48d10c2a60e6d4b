import asyncio
import contextlib
import logging
import os
import signal
import socket
import string
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import hub
from frames.log import channel, connect_redis, is_after, push
from hub import Hub, Page
from settings import Settings
from tests.actors.factories import analytics
from tests.conftest import PATIENCE
from tests.history.store import Store, running_store
from tests.other_frontend import Frontend, Merging
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    ConnectionAck,
    ConnectionAckMsg,
    EnrichmentResult,
    EnrichmentResultMsg,
    ExtendedConversationNode,
    Frame,
    FullSyncResponse,
    FullSyncResponseMsg,
    IngestAckMsg,
    IngestReceipt,
    OnlineUsersUpdate,
    OnlineUsersUpdateMsg,
    OutgoingMsg,
    ShownMessage,
    ShownUser,
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
    published,
)

IDS = [string.ascii_letters, string.digits, "_.:@-", "c1", "-", "5", "null"]  # every character an id may have


def node(**more: Any) -> ExtendedConversationNode:
    return ExtendedConversationNode(conversationId="f1", creatorId="c1", chatId="f1", fanId="f1", **more)


def said(id: int) -> ShownMessage:
    fan = ShownUser(id=501, displayName="Robin", username="robin")
    at = datetime(2024, 5, 1, tzinfo=UTC)
    return ShownMessage(
        id=id, chatId="f1", createdAt=at, direction="fan", is_creator=False, fromUser=fan, text="😍"
    )


PAYLOADS: dict[type[Frame], Any] = {
    ConnectionAckMsg: ConnectionAck(version="1", clientType="frontend", userId="u1", statusMessage='"'),
    SystemStatusMsg: SystemStatus(status="ERROR", detail='"type":"append_message"'),
    SystemErrorMsg: SystemError(errorMessage="wrong", detail=[{"field": "id"}]),
    FullSyncResponseMsg: FullSyncResponse(conversations=[node()], analytics=analytics()),
    AppendMessageMsg: node(messages=[said(1)], startDate=datetime(2024, 5, 1, tzinfo=UTC)),
    AnalyticsUpdateMsg: analytics("c1"),
    EnrichmentResultMsg: EnrichmentResult(
        conversationId="f1", conversation_id="f1", topics=[], actions=[], sentiment=None, outcomes=[]
    ),
    OnlineUsersUpdateMsg: OnlineUsersUpdate(user_ids=[1, "2"]),
    IngestAckMsg: IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0),
}


LAST = "9999999999999-0"  # a position after all others here


def frame(
    kind: type[Frame], sequence: int = 1, creator: str | None = None, at: str = "5-0", *, merge: bool = False
) -> bytes:
    """A frame as it is published."""
    made = kind(sequence=sequence, creatorId=creator, merge=merge, payload=PAYLOADS[kind])  # type: ignore[call-arg]
    return b'{"frame":"%b",%b' % (at.encode(), made.published()[1:])


def without_messages(append: bytes) -> bytes:
    found = orjson.loads(append)
    found["payload"]["messages"] = []
    return orjson.dumps(found)


async def sent(page: Page) -> list[bytes | None]:
    """What the page is sent of what it was offered; None in place of what it cannot merge."""
    end = frame(SystemErrorMsg, 10, at=LAST)
    page.offer(end)
    found: list[bytes | None] = []
    async for each in page.frames():
        if each == end:
            break
        found.append(each)
    return found


# One page


def test_every_outgoing_type_has_an_example_here() -> None:
    assert set(PAYLOADS) == set(get_args(OutgoingMsg))


@pytest.mark.parametrize("kind", list(PAYLOADS))
@pytest.mark.parametrize("creator", [None, *IDS])
@pytest.mark.parametrize("merge", [False, True])
async def test_the_header_of_every_frame_is_read_as_it_was_written(
    kind: type[Frame], creator: str | None, merge: bool
) -> None:
    published = frame(kind, 2**53, creator, "1700000000000-12", merge=merge)
    header = hub._HEADER.match(published)
    assert header is not None
    assert header[1] == b"1700000000000-12"
    assert int(header[2]) == 2**53
    assert header[4].decode() == kind.model_fields["type"].default
    assert bool(header[5]) is merge
    for_it, for_another = Page(creator, merges=True), Page("somebody else", merges=True)
    for page in (for_it, for_another):
        page.offer(published)
    assert await sent(for_it) == [published]
    assert await sent(for_another) == ([] if creator or kind is AnalyticsUpdateMsg else [published])


async def test_a_page_of_all_creators_gets_every_creators_frames_in_order() -> None:
    page = Page(None)
    creators = enumerate(["c1", "c2", None, "c1"])
    frames = [frame(AppendMessageMsg, n, creator, f"5-{n}") for n, creator in creators]
    for each in frames:
        page.offer(each)
    assert await sent(page) == frames


@pytest.mark.parametrize("synced_first", [True, False])
async def test_what_was_pushed_before_the_full_sync_was_taken_is_not_sent(synced_first: bool) -> None:
    page = Page(None)
    kinds: list[type[Frame]] = [FullSyncResponseMsg, EnrichmentResultMsg, AppendMessageMsg, SystemStatusMsg]
    if synced_first:
        page.stand("5-1", 5)
    for position in ("4-9", "5-0", "5-1"):
        for kind in kinds:
            page.offer(frame(kind, 6, at=position))
    news = [frame(kind, 6, at=f"10-{n}") for n, kind in enumerate(kinds)]
    for each in news:
        page.offer(each)
    page.stand("5-1", 5)
    assert await sent(page) == news


@pytest.mark.parametrize("resumed", [True, False])
async def test_messages_of_the_job_in_hand_came_with_the_full_sync_its_enrichment_and_totals_did_not(
    resumed: bool,
) -> None:
    """On the connection of that full sync, and on those that follow until the job is done."""
    page = Page(None)
    kinds: list[type[Frame]] = [FullSyncResponseMsg, EnrichmentResultMsg, AppendMessageMsg]
    pushed = [
        (kind, sequence, f"6-{3 * sequence + n}") for sequence in (4, 5, 6) for n, kind in enumerate(kinds)
    ]
    frames = [frame(kind, sequence, at=at) for kind, sequence, at in pushed]
    if not resumed:
        for each in frames:
            page.offer(each)
    page.stand("5-0", 5, frames if resumed else ())
    assert await sent(page) == [
        frame(EnrichmentResultMsg, 4, at="6-13:5"),
        frame(FullSyncResponseMsg, 5, at="6-15:5"),
        frame(EnrichmentResultMsg, 5, at="6-16:5"),
        without_messages(frame(AppendMessageMsg, 5, at="6-17:5")),
        *frames[6:],
    ]


async def test_a_page_that_was_told_nothing_gets_everything() -> None:
    page = Page(None)
    page.offer(frame(AppendMessageMsg, 0))
    assert await sent(page) == [frame(AppendMessageMsg, 0)]


@given(
    pushed=st.lists(st.tuples(st.sampled_from([None, "c1", "c2"]), st.booleans()), max_size=12),
    creator=st.sampled_from([None, "c1"]),
    points=st.tuples(*[st.integers(0, 12)] * 3),
)
async def test_a_page_that_resumes_gets_what_it_missed_and_what_comes_each_once_and_in_order(
    pushed: list[tuple[str | None, bool]], creator: str | None, points: tuple[int, int, int]
) -> None:
    had, subscribed, asked = sorted(min(point, len(pushed)) for point in points)
    log = [
        frame(AppendMessageMsg if append else SystemStatusMsg, number, of, f"{number // 3}-{number % 3}")
        for number, (of, append) in enumerate(pushed, start=1)
    ]
    page = Page(creator)
    for each in log[subscribed:asked]:
        page.offer(each)
    page.stand(f"{had // 3}-{had % 3}", -1, log[had:asked])
    for each in log[asked:]:
        page.offer(each)
    wanted = [
        each for each, (of, _) in zip(log, pushed, strict=True) if creator is None or of in (None, creator)
    ]
    assert await sent(page) == [each for each in log[had:] if each in wanted]


# Pages that do not merge


@dataclass
class Owner:
    """Stands in for a user's actor: what its chats hold, by creator, and the frames that tell of it."""

    chats: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)  # creator, chat, id: text
    sequence: int = 0
    position: str = "0-0"
    asked: int = 0

    def say(self, creator: str, id: str, text: str | None) -> tuple[str, bytes, bool]:
        """A new message, an edit or, without text, a deletion; returns the frame that tells of it."""
        chat_id = f"{creator} {id[0]}"
        chat = self.chats.setdefault(creator, {}).setdefault(chat_id, {})
        known = id in chat
        self.sequence += 1
        parts: dict[str, list[Any]] = {"messages": [], "changedMessages": [], "removedMessages": []}
        if text is not None:
            chat[id] = text
            parts["changedMessages" if known else "messages"].append(self._message(id, text))
        elif known:
            del chat[id]
            parts["removedMessages"].append(id)
        node_ = {"conversationId": chat_id, "creatorId": creator, **parts}
        return "append_message", orjson.dumps(node_), known

    def sync(self, creator: str) -> tuple[str, bytes, bool]:
        """A snapshot of the creator that has nothing new."""
        self.sequence += 1
        self.chats.setdefault(creator, {})
        return "full_sync_response", self.payload(creator), len(self.chats) > 1

    def payload(self, creator: str | None) -> bytes:
        nodes = [
            {"conversationId": id, "creatorId": of, "messages": [self._message(*m) for m in chat.items()]}
            for of, chats in self.chats.items()
            if creator in (None, of)
            for id, chat in chats.items()
        ]
        return orjson.dumps({"conversations": nodes, "analytics": {}})

    def texts(self, creator: str | None) -> dict[str, list[str]]:
        """What a page of that creator has to show."""
        held = {
            id: [*chat.values()]
            for of, chats in self.chats.items()
            if creator in (None, of)
            for id, chat in chats.items()
        }
        return {id: texts for id, texts in held.items() if texts}

    def _message(self, id: str, text: str) -> dict[str, Any]:
        return {"id": id, "text": text, "fromUser": {"displayName": f"Fan {id[0]}"}}


SAID = st.tuples(
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["a1", "a2", "b1"]),  # of chats a and b
    st.sampled_from(["hello", "edited", None, "sync"]),
)


@given(
    said=st.lists(SAID, max_size=12),
    creator=st.sampled_from([None, "c1"]),
    merges=st.booleans(),
    connects=st.integers(0, 8),
    waits=st.lists(st.integers(0, 6), min_size=12, max_size=12),
)
async def test_every_page_ends_up_with_what_is_held_each_message_once_whether_it_merges_or_not(
    said: list[tuple[str, str, str | None]],
    creator: str | None,
    merges: bool,
    connects: int,
    waits: list[int],
) -> None:
    owner, page, shown = Owner(), Page(creator, merges=merges), Merging() if merges else Frontend()

    async def sync() -> None:
        page.stand(owner.position, owner.sequence)
        sync_frame = {"type": "full_sync_response", "creatorId": creator, "frame": None}
        shown.take({**sync_frame, "payload": orjson.loads(owner.payload(creator))})

    async def live() -> None:
        for n, (of, id, text) in enumerate(said, start=1):
            kind, payload, merge = owner.sync(of) if text == "sync" else owner.say(of, id, text)
            sequence = owner.sequence
            await asyncio.sleep(0)  # the job is in hand: a full sync has it, its frame is still to come
            await asyncio.sleep(0)
            owner.position = f"{n}-0"
            frame_ = published(kind, payload, sequence=sequence, creator_id=of, merge=merge)
            page.offer(b'{"frame":"%d-0",%b' % (n, frame_[1:]))
            await asyncio.sleep(0)
        page.offer(end)

    end = frame(SystemErrorMsg, 10**6, at=LAST)
    talk = asyncio.create_task(live())
    for _ in range(connects):
        await asyncio.sleep(0)
    await sync()
    pauses = iter(waits * 2)
    async for each in page.frames():
        if each == end:
            break
        if each is None:
            assert not merges
            for _ in range(next(pauses)):
                await asyncio.sleep(0)
            await sync()
        else:
            shown.take(orjson.loads(each))
    await talk
    assert shown.texts() == owner.texts(creator)


async def test_figures_of_one_creator_are_for_its_pages_and_for_pages_of_all_when_it_is_the_only_one() -> (
    None
):
    only, part = (frame(AnalyticsUpdateMsg, 1, "c1", f"5-{n}", merge=bool(n)) for n in range(2))
    every = frame(AnalyticsUpdateMsg, 1, None, "5-3")
    wanted = {None: [only, every], "c1": [only, part], "c2": []}
    for creator, expected in wanted.items():
        page = Page(creator)
        for each in (only, part, every):
            page.offer(each)
        assert await sent(page) == expected


@pytest.mark.parametrize(
    ("limit", "value"), [("WAITING_FRAMES", 3), ("WAITING_BYTES", 3 * len(frame(SystemStatusMsg)))]
)
async def test_a_page_that_reads_too_slowly_is_cut_off(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, limit, value)
    page = Page(None)
    status = frame(SystemStatusMsg)
    for _ in range(3):
        page.offer(status)
    assert not page.cut_off.is_set()
    page.offer(status)
    assert page.cut_off.is_set()
    page.offer(status)
    assert page._frames.empty()


async def test_one_frame_may_be_larger_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WAITING_BYTES", 10)
    page = Page(None)
    page.offer(frame(FullSyncResponseMsg))
    assert await anext(page.frames()) == frame(FullSyncResponseMsg)
    page.offer(frame(FullSyncResponseMsg))
    assert not page.cut_off.is_set()
    page.offer(frame(SystemStatusMsg))
    assert page.cut_off.is_set()


async def test_a_page_that_keeps_up_is_never_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WAITING_FRAMES", 2)
    monkeypatch.setattr(hub, "WAITING_BYTES", 2 * len(frame(SystemStatusMsg)))
    page, reading = Page(None), 0
    frames = page.frames()
    for sequence in range(50):
        status = frame(SystemStatusMsg, at=f"5-{sequence}")
        page.offer(status)
        reading += await anext(frames) == status
    assert reading == 50
    assert not page.cut_off.is_set()


def test_what_is_not_a_frame_is_passed_over() -> None:
    page = Page(None)
    noise = (b"", b"{}", b'{"type":"append_message","sequence":1}', b"\xff", frame(SystemStatusMsg)[1:])
    for each in noise:
        page.offer(each)
    assert page._frames.empty()


# Sockets and a real Redis

STATUS = SystemStatusMsg(payload=SystemStatus(status="REALTIME"))


class Told:
    """Stands in for a user's actor: pushes a frame before its full sync is taken, and one after."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.asked = 0

    async def full_sync(self, user_id: str, creator_id: str | None) -> tuple[int, str, str, bytes]:
        self.asked += 1
        append = AppendMessageMsg(sequence=7, creatorId="c1", payload=node(messages=[said(1)]))
        position = await push(self._redis, user_id, append)
        await push(self._redis, user_id, append)
        return 7, position, "REALTIME", b'{"conversations":[]}'


class Pages:
    """A hub that serves sockets of this process."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.redis = redis
        self._url = url
        self.actor: Any = Told(redis)

    def open(self, user_id: str = "u1", **query: str) -> connect:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        # A client that reads no further than it is asked to, and is not timed.
        return connect(
            f"{self._url}/{user_id}?{asked}", max_queue=1, max_size=None, compression=None, ping_interval=None
        )

    async def push(self, count: int, user_id: str = "u1") -> list[str]:
        return [await push(self.redis, user_id, STATUS) for _ in range(count)]


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture
async def pages(store: Store) -> AsyncIterator[Pages]:
    redis = connect_redis(store.url)
    async with _serving(redis) as found:
        yield found
    await redis.connection_pool.disconnect()


@asynccontextmanager
async def _serving(redis: Redis, actor: Any = None) -> AsyncIterator[Pages]:
    listening = socket.create_server(("127.0.0.1", 0))
    found = Pages(redis, f"ws://127.0.0.1:{listening.getsockname()[1]}")
    found.actor = actor or found.actor
    served = Hub(Settings(), redis, found.actor)
    app = FastAPI()

    @app.websocket("/{user_id}")
    async def page(
        socket: WebSocket,
        user_id: str,
        creator_id: str | None = None,
        last_frame: str | None = None,
        merge: bool = False,
    ) -> None:
        await served.serve_page(socket, user_id, creator_id, last_frame, merges=merge)

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", ws_ping_interval=None))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield found
    server.should_exit = True
    await running
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
    pages: Pages,
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


async def test_a_page_that_resumes_gets_what_it_missed_and_wakes_nobody(pages: Pages) -> None:
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
async def test_a_position_that_is_not_in_the_log_gets_a_full_sync(pages: Pages, unknown: str) -> None:
    await pages.redis.sadd("users", "u1")
    await pages.push(2)
    async with pages.open(last_frame=unknown) as page:
        kinds = [each["type"] for each in await read(page, 4)]
        assert kinds[1:] == ["system_status", "full_sync_response", "append_message"]
    assert pages.actor.asked == 1


async def test_a_page_that_does_not_read_is_cut_off_and_no_other_page_notices(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "WAITING_BYTES", 1024 * 1024)
    large = SystemStatusMsg(payload=SystemStatus(status="PROCESSING_SNAPSHOT", detail="x" * 256 * 1024))
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
    store: Store, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hub")
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
    told = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "hub"]
    assert [level for level, _ in told] == ["WARNING", "INFO"]


async def test_pages_are_cut_off_when_redis_says_nothing_any_more(
    store: Store, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SILENCE", 0.2)
    process = store._server._process
    assert process is not None
    async with pages.open() as page:
        await read(page, 1)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            assert await code(page) == 4008
        finally:
            os.kill(process.pid, signal.SIGCONT)
    async with pages.open() as page:
        await read(page, 1)
        assert await pages.push(1) == positions(await read(page, 1))


async def test_a_quiet_redis_is_not_taken_for_lost(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SILENCE", 0.05)
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
        served, page, other = Hub(Settings(), redis, None), Page(None), Page(None)  # type: ignore[arg-type]
        await served._join("u1", page)
        await served._join("u2", other)
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
    """An owner whose frames are pushed, and who answers the hub."""

    redis: Redis
    pause: asyncio.Event | None = None  # a full sync is answered when it is set

    async def full_sync(self, user_id: str, creator_id: str | None) -> tuple[int, str, str, bytes]:
        self.asked += 1
        if self.pause is not None:
            await self.pause.wait()
        return self.sequence, self.position, "REALTIME", self.payload(creator_id)

    async def push(self, creator: str, id: str, text: str | None) -> None:
        kind, payload, merge = self.sync(creator) if text == "sync" else self.say(creator, id, text)
        json = published(kind, payload, sequence=self.sequence, creator_id=creator, merge=merge)
        self.position = await push(self.redis, "u1", json)


@pytest.fixture
async def talking(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Talking, Pages]]:
    """Two creators, of whom each has a chat."""
    monkeypatch.setattr(hub, "GATHER", 0)
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
    talking: tuple[Talking, Pages],
) -> None:
    owner, pages = talking
    shown = Frontend()
    async with pages.open() as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c2", "", "sync")
        await owner.push("c1", "a2", "and then")
        await follow(page, shown, lambda: shown.syncs == 2 and shown.texts() == owner.texts(None))
    assert shown.texts() == {"c1 a": ["hello", "and then"], "c2 b": ["hello too"]}


async def test_an_edit_and_a_deletion_reach_a_page_that_only_appends(talking: tuple[Talking, Pages]) -> None:
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


async def test_many_edits_in_a_row_are_one_full_sync(talking: tuple[Talking, Pages]) -> None:
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


async def test_a_page_that_says_that_it_merges_is_sent_no_full_sync_in_place_of_a_change(
    talking: tuple[Talking, Pages],
) -> None:
    owner, pages = talking
    shown = Merging()
    async with pages.open(merge="true") as page:
        await follow(page, shown, lambda: shown.syncs == 1)
        await owner.push("c1", "a1", "hello, edited")
        await owner.push("c2", "", "sync")
        kinds = await follow(page, shown, lambda: shown.syncs == 2)
    assert kinds == ["append_message", "full_sync_response"]
    assert shown.texts() == {"c1 a": ["hello, edited"], "c2 b": ["hello too"]}
    assert owner.asked == 1


async def test_a_page_that_missed_an_edit_while_it_was_away_gets_a_full_sync(
    talking: tuple[Talking, Pages],
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
