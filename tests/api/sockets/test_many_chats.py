"""What pages are sent of an account of 10,000 chats: frames and connects cost what they show."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from bench.alone import alone, fans, message, snapshot
from frames.log import connect_redis
from metrics.loop_lag import LoopLag
from session.machine import Status
from session.pages import Extent
from session.session import Session
from tests.api.sockets.test_pages import Served, _serving
from tests.conftest import PATIENCE
from tests.history.store import running_store
from wire.bounds import REPLACED, URGENT

CHATS = 10_000
USER, CREATOR = "u1", "901"
LIVE, RESUME = 10_000, 20_000  # bytes


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Owner:
    """Answers pages for a session of this process, as `actors.directory.Directory` does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.asked = 0

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent
    ) -> tuple[int, str, Status, bytes]:
        self.asked += 1
        return await self.session.full_sync(creator_id, extent)


class Account:
    """An account of 10,000 chats, its pages, and the messages that come."""

    def __init__(self, session: Session, served: Served) -> None:
        self.session = session
        self.served = served
        self._said = 100

    @property
    def asked(self) -> int:
        """How many full syncs were asked for."""
        return int(self.served.actor.asked)

    async def say(self, fan: int) -> int:
        """A message of the fan; returns the journal's sequence."""
        self._said += 1
        body = orjson.dumps({"message": message(fan, 3 * self._said, 0)})
        return int((await self.session.handle_delta(body, CREATOR))["sequence"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account() -> AsyncIterator[Account]:
    with running_store() as store, tempfile.TemporaryDirectory() as folder:
        redis = connect_redis(store.url)
        async with alone(redis, USER, Path(folder)) as session:
            await session.handle_snapshot(snapshot(CHATS, 2), CREATOR)
            async with asyncio.timeout(PATIENCE):
                await session.idle(0.2)
            await redis.sadd("users", USER)
            async with _serving(redis, Owner(session)) as served:
                yield Account(session, served)
        await redis.connection_pool.disconnect()


class Reader:
    """A page's socket, and how many bytes came on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.bytes = 0
        self.frames: list[dict[str, Any]] = []

    async def until(self, kind: str, sequence: int = 0) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                text = await self._socket.recv(decode=False)
                self.bytes += len(text)
                frame = orjson.loads(text)
                self.frames.append(frame)
                if frame["type"] == kind and frame["sequence"] >= sequence:
                    return dict(frame)

    def kinds(self) -> list[str]:
        return [each["type"] for each in self.frames]


async def test_a_live_message_is_less_than_10_kb_to_a_page_that_merges(account: Account) -> None:
    async with account.served.open(USER, creator_id=CREATOR, merge="true") as socket:
        page = Reader(socket)
        await page.until("connection_ack")
        await page.until("full_sync_response")
        page.bytes, page.frames = 0, []
        update = await page.until("analytics_update", await account.say(fans(CHATS)[-1]))
        assert page.kinds() == ["append_message", "analytics_update"]
        assert page.bytes < LIVE
        assert update["merge"] is True
        assert update["payload"]["chats"] == CHATS
        assert len(update["payload"]["priority"]) == URGENT


async def test_a_page_that_missed_a_message_gets_it_and_the_newest_figures_in_less_than_20_kb(
    account: Account,
) -> None:
    async with account.served.open(USER, creator_id=CREATOR, merge="true") as socket:
        page = Reader(socket)
        await page.until("full_sync_response")
        await page.until("analytics_update", await account.say(fans(CHATS)[0]))
    [*_, stands] = [each["frame"] for each in page.frames if each["frame"]]
    sequence, asked = await account.say(fans(CHATS)[1]), account.asked
    await account.session.idle(0.2)
    async with account.served.open(USER, creator_id=CREATOR, merge="true", last_frame=stands) as socket:
        page = Reader(socket)
        update = await page.until("analytics_update")
        assert page.kinds() == ["connection_ack", "append_message", "system_status", "analytics_update"]
        assert update["sequence"] == sequence
        assert update["frame"] is None
        assert page.bytes < RESUME
    assert account.asked == asked


async def test_a_full_sync_has_the_chats_that_come_first_and_the_one_that_is_asked_for(
    account: Account,
) -> None:
    lag = LoopLag()
    looking = asyncio.create_task(lag.run())
    async with account.served.open(USER, creator_id=CREATOR, merge="true") as socket:
        sync = (await Reader(socket).until("full_sync_response"))["payload"]
    looking.cancel()
    assert len(sync["conversations"]) == 50
    assert sync["analytics"]["chats"] == CHATS
    scores = [each["priorityScore"] for each in sync["conversations"]]
    assert scores == sorted(scores, reverse=True)
    everything = orjson.loads((await account.session.full_sync(CREATOR))[3])
    highest = sorted((each["priorityScore"] for each in everything["conversations"]), reverse=True)
    assert scores == pytest.approx(highest[:50], abs=0.2)
    last = str(fans(CHATS)[-2])
    *_, payload = await account.session.full_sync(CREATOR, Extent(50, 1, last))
    asked_for = orjson.loads(payload)["conversations"]
    assert asked_for[-1]["chatId"] == last
    assert {len(each["messages"]) for each in asked_for} == {1}
    assert lag.largest_own < 0.1


async def test_a_page_that_replaces_gets_figures_with_the_chats_that_come_first(account: Account) -> None:
    async with account.served.open(USER, creator_id=CREATOR) as socket:
        page = Reader(socket)
        sync = (await page.until("full_sync_response"))["payload"]
        assert len(sync["conversations"]) == len(sync["analytics"]["priority"]) == CHATS
        page.frames = []
        update = await page.until("analytics_update", await account.say(fans(CHATS)[2]))
    assert page.kinds() == ["enrichment_result", "append_message", "analytics_update"]
    for name in ("priority", "priorityScores", "unreadCounts"):
        assert len(update["payload"][name]) == REPLACED
    assert "merge" not in update


async def test_chats_come_in_pages_of_an_order(account: Account) -> None:
    session = account.session
    for order, of in (("priority", "priorityScore"), ("latest", "endDate")):
        pages = [
            orjson.loads(await session.get_shown_chats(CREATOR, order, 40, offset, 2))  # type: ignore[arg-type]
            for offset in (0, 40, CHATS - 10)
        ]
        assert [len(each["conversations"]) for each in pages] == [40, 40, 10]
        assert {each["total"] for each in pages} == {CHATS}
        found = [node[of] for each in pages for node in each["conversations"]]
        assert found == sorted(found, reverse=True)
        ids = [node["chatId"] for each in pages for node in each["conversations"]]
        assert len(set(ids)) == 90
