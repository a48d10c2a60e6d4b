"""What a page is sent, by where it stands."""

import asyncio
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sockets.page import _HEADER, Page
from tests.api.sockets.published import IDS, LAST, PAYLOADS, Owner, frame, without_messages
from tests.other_frontend import Frontend, Merging
from wire.payloads import (
    AnalyticsUpdateMsg,
    AppendMessageMsg,
    EnrichmentResultMsg,
    Frame,
    FullSyncResponseMsg,
    OutgoingMsg,
    SystemErrorMsg,
    SystemStatusMsg,
    call_for_full_sync,
    published,
)


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


def test_every_outgoing_type_has_an_example_here() -> None:
    assert set(PAYLOADS) == set(get_args(OutgoingMsg))


@pytest.mark.parametrize("kind", list(PAYLOADS))
@pytest.mark.parametrize("creator", [None, *IDS])
@pytest.mark.parametrize("merge", [False, True])
async def test_the_header_of_every_frame_is_read_as_it_was_written(
    kind: type[Frame], creator: str | None, merge: bool
) -> None:
    published = frame(kind, 2**53, creator, "1700000000000-12", merge=merge)
    header = _HEADER.match(published)
    assert header is not None
    assert header[1] == (None if kind.is_state else b"1700000000000-12")
    assert int(header[2]) == 2**53
    assert header[4].decode() == kind.model_fields["type"].default
    assert bool(header[5]) is merge
    assert header[6] is not None
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
    kinds: list[type[Frame]] = [FullSyncResponseMsg, EnrichmentResultMsg, AppendMessageMsg, SystemErrorMsg]
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
        frame(AppendMessageMsg if append else SystemErrorMsg, number, of, f"{number // 3}-{number % 3}")
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


async def test_figures_are_for_the_pages_of_their_scope() -> None:
    only, every = frame(AnalyticsUpdateMsg, 1, "c1"), frame(AnalyticsUpdateMsg, 1, None)
    wanted = {None: [every], "c1": [only], "c2": []}
    for creator, expected in wanted.items():
        page = Page(creator)
        for each in (only, every):
            page.offer(each)
        assert await sent(page) == expected


async def test_states_are_sent_as_they_come_wherever_the_page_stands() -> None:
    page = Page("c1", merges=True)
    before, missed, after = (frame(SystemStatusMsg, n) for n in (1, 2, 99))
    page.offer(before)
    page.offer(frame(AppendMessageMsg, 1, "c1", "5-1"))
    page.offer(after)
    event = frame(AppendMessageMsg, 7, "c1", "5-2")
    page.stand("5-1", -1, [event, missed])
    assert await sent(page) == [event, missed, before, after]


async def test_an_event_without_a_payload_asks_for_a_full_sync_unless_one_was_taken_since() -> None:
    calls = [
        b'{"frame":"5-%d",%b' % (n, call_for_full_sync(sequence=n, creator_id="c1", merge=True)[1:])
        for n in range(4)
    ]
    for merges in (True, False):
        page = Page("c1", merges=merges)
        page.stand("5-0", 2)
        for each in calls:
            page.offer(each)
        assert await sent(page) == [None, None]  # of the job that was in hand, and of the next


@pytest.mark.parametrize(
    ("limit", "value"), [("WAITING_FRAMES", 3), ("WAITING_BYTES", 3 * len(frame(SystemStatusMsg)))]
)
async def test_a_page_that_reads_too_slowly_is_cut_off(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"api.sockets.page.{limit}", value)
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
    monkeypatch.setattr("api.sockets.page.WAITING_BYTES", 10)
    page = Page(None)
    page.offer(frame(FullSyncResponseMsg))
    assert await anext(page.frames()) == frame(FullSyncResponseMsg)
    page.offer(frame(FullSyncResponseMsg))
    assert not page.cut_off.is_set()
    page.offer(frame(SystemStatusMsg))
    assert page.cut_off.is_set()


async def test_a_page_that_keeps_up_is_never_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sockets.page.WAITING_FRAMES", 2)
    monkeypatch.setattr("api.sockets.page.WAITING_BYTES", 2 * len(frame(SystemStatusMsg)))
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
