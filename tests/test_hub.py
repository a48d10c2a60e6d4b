import asyncio
import contextlib
import string
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest

import hub
from actors.publisher import channel, connect_redis
from hub import Hub, Page
from settings import Settings
from tests.actors.factories import analytics
from tests.actors.store import running_store
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
    SystemError,
    SystemErrorMsg,
    SystemStatus,
    SystemStatusMsg,
)

IDS = [string.ascii_letters, string.digits, "_.:@-", "c1", "-", "5", "null"]  # every character an id may have


def node(**more: Any) -> ExtendedConversationNode:
    return ExtendedConversationNode(conversationId="f1", creatorId="c1", chatId="f1", fanId="f1", **more)


PAYLOADS: dict[type[Frame], Any] = {
    ConnectionAckMsg: ConnectionAck(version="1", clientType="frontend", userId="u1", statusMessage='"'),
    SystemStatusMsg: SystemStatus(status="ERROR", detail='"type":"append_message"'),
    SystemErrorMsg: SystemError(errorMessage="wrong", detail=[{"field": "id"}]),
    FullSyncResponseMsg: FullSyncResponse(conversations=[node()], analytics=analytics()),
    AppendMessageMsg: node(messages=[{"text": "😍"}], startDate=datetime(2024, 5, 1, tzinfo=UTC)),
    AnalyticsUpdateMsg: analytics("c1"),
    EnrichmentResultMsg: EnrichmentResult(
        conversationId="f1", conversation_id="f1", topics=[], actions=[], sentiment=None, outcomes=[]
    ),
    OnlineUsersUpdateMsg: OnlineUsersUpdate(user_ids=[1, "2"]),
    IngestAckMsg: IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0),
}


def frame(kind: type[Frame], sequence: int = 1, creator: str | None = None) -> bytes:
    return kind(sequence=sequence, creatorId=creator, payload=PAYLOADS[kind]).model_dump_json().encode()  # type: ignore[call-arg]


def without_messages(append: bytes) -> bytes:
    found = orjson.loads(append)
    found["payload"]["messages"] = []
    return orjson.dumps(found)


async def sent(page: Page) -> list[bytes]:
    """What the page is sent until it is cut off; it is cut off when everything was."""
    found = []
    page._frames.put_nowait(None)
    async for each in page.frames():
        found.append(each)
    return found


def test_every_outgoing_type_has_an_example_here() -> None:
    assert set(PAYLOADS) == set(get_args(OutgoingMsg))


@pytest.mark.parametrize("kind", list(PAYLOADS))
@pytest.mark.parametrize("creator", [None, *IDS])
async def test_the_header_of_every_frame_is_read_as_it_was_written(
    kind: type[Frame], creator: str | None
) -> None:
    published = frame(kind, 2**53, creator)
    header = hub._HEADER.match(published)
    assert header is not None
    assert int(header[1]) == 2**53
    assert header[3].decode() == kind.model_fields["type"].default
    for_it, for_another = Page(creator), Page("somebody else")
    for page in (for_it, for_another):
        page.offer(published)
    assert await sent(for_it) == [published]
    assert await sent(for_another) == ([] if creator else [published])


async def test_a_page_of_all_creators_gets_every_creators_frames_in_order() -> None:
    page = Page(None)
    frames = [frame(AppendMessageMsg, n, creator) for n, creator in enumerate(["c1", "c2", None, "c1"])]
    for each in frames:
        page.offer(each)
    assert await sent(page) == frames


@pytest.mark.parametrize("synced_first", [True, False])
async def test_what_the_full_sync_covers_is_not_sent_again_whenever_it_was_published(
    synced_first: bool,
) -> None:
    page = Page(None)
    if synced_first:
        page.synced(5)
    for sequence in (4, 5, 6):
        for kind in (FullSyncResponseMsg, EnrichmentResultMsg, AppendMessageMsg):
            page.offer(frame(kind, sequence))
    page.synced(5)
    assert await sent(page) == [
        frame(EnrichmentResultMsg, 4),
        # The snapshot in hand when the page connected: its enrichment is news.
        frame(FullSyncResponseMsg, 5),
        frame(EnrichmentResultMsg, 5),
        # Its chat's totals are news as well, its messages are not.
        without_messages(frame(AppendMessageMsg, 5)),
        frame(FullSyncResponseMsg, 6),
        frame(EnrichmentResultMsg, 6),
        frame(AppendMessageMsg, 6),
    ]


async def test_a_page_that_was_told_nothing_gets_everything() -> None:
    page = Page(None)
    page.offer(frame(AppendMessageMsg, 0))
    assert await sent(page) == [frame(AppendMessageMsg, 0)]


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
    assert not page.cut_off
    page.offer(status)
    assert page.cut_off
    page.offer(status)
    assert [each async for each in page.frames()] == []


async def test_a_page_that_keeps_up_is_never_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WAITING_FRAMES", 2)
    monkeypatch.setattr(hub, "WAITING_BYTES", 2 * len(frame(SystemStatusMsg)))
    page, reading = Page(None), 0
    frames = page.frames()
    for sequence in range(50):
        page.offer(frame(SystemStatusMsg, sequence))
        reading += await anext(frames) == frame(SystemStatusMsg, sequence)
    assert reading == 50
    assert not page.cut_off


async def test_a_page_that_missed_frames_is_sent_no_more() -> None:
    page = Page(None)
    page.offer(frame(SystemStatusMsg))
    page.cut()
    assert [each async for each in page.frames()] == []


def test_what_is_not_a_frame_is_passed_over() -> None:
    page = Page(None)
    for noise in (b"", b"{}", b'{"type":"append_message","sequence":1}', b"\xff"):
        page.offer(noise)
    assert page._frames.empty()


async def test_pages_are_cut_off_when_redis_was_away_and_served_again_when_it_is_back() -> None:
    with running_store() as store:
        redis = connect_redis(store.url)
        served = Hub(Settings(), redis, None)  # type: ignore[arg-type]  # nobody asks for a user's actor
        page, published = Page(None), frame(SystemStatusMsg)
        await served._join("u1", page)
        await redis.publish(channel("u1"), published)
        frames = page.frames()
        assert await anext(frames) == published

        store.kill()
        assert [each async for each in frames] == []
        assert page.cut_off
        await served._leave("u1", page)

        store.restart()
        again = Page(None)
        await served._join("u1", again)
        await redis.publish(channel("u1"), published)
        assert await anext(again.frames()) == published

        assert served._task is not None
        served._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await served._task
        await served._pubsub.aclose()  # type: ignore[no-untyped-call]
        await redis.connection_pool.disconnect()
