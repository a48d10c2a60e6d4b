"""What an extension sends, on an owner that answers as it is told to."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.directory import LARGE
from actors.local_socket import Body
from api.gathering import Gathering
from api.limits import Limits
from api.sockets.extension import BATCH, BATCH_BYTES, Extensions, kind_of
from errors import AnalyticsError, InvalidInput, Overloaded
from metrics.loop_lag import LoopLag
from settings import Settings
from tests.conftest import PATIENCE
from wire.incoming import parse_messages, parse_snapshot
from wire.payloads import IngestReceipt


class Socket:
    """A socket that sends what it is given, and then closes; `read` counts what was taken from it."""

    def __init__(self, *frames: bytes | str) -> None:
        self._frames = iter(frames)
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        frame = next(self._frames, None)
        if frame is None:
            return {"type": "websocket.disconnect"}
        self.read += 1
        name = "text" if isinstance(frame, str) else "bytes"
        return {"type": "websocket.receive", name: frame}

    async def send_text(self, text: str) -> None:
        self.sent.append(orjson.loads(text))

    def told(self) -> list[str]:
        return [each["payload"].get("code") or each["type"] for each in self.sent[1:]]


@dataclass
class Owners:
    """Reads as a user's owner does, and keeps what it took; answers these errors first."""

    errors: list[AnalyticsError] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)  # ids in order; "snapshot" for one
    reads: bool = True  # else it keeps the kind of what it took
    calls: int = 0
    asked_often: asyncio.Event = field(default_factory=asyncio.Event)

    def _next(self) -> None:
        self.calls += 1
        if self.calls == 15:
            self.asked_often.set()
        if self.errors:
            raise self.errors.pop(0)

    async def handle_snapshot(
        self, user_id: str, body: bytes, creator_id: str, chat_id: str | None = None
    ) -> IngestReceipt:
        self._next()
        if self.reads:
            parse_snapshot(body)
        self.taken.append("snapshot" if self.reads else "cache_update")
        return IngestReceipt(sequence=len(self.taken), accepted=1, duplicates=0, held=0)

    async def handle_delta(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt:
        self._next()
        ids = (
            [str(each.message["id"]) for each in parse_messages(body)] if self.reads else ["new_raw_message"]
        )
        self.taken += ids
        return IngestReceipt(sequence=len(self.taken), accepted=len(ids), duplicates=0, held=0)

    async def handle_deltas(
        self, user_id: str, bodies: list[Body], creator_id: str
    ) -> list[IngestReceipt | AnalyticsError]:
        answers: list[IngestReceipt | AnalyticsError] = []
        for body, *_ in bodies:
            try:
                answers.append(await self.handle_delta(user_id, body, creator_id))
            except AnalyticsError as error:
                answers.append(error)
        return answers


async def serve(owners: Owners, socket: Socket, limits: Limits | None = None) -> None:
    limits = limits or Limits(Settings())
    extensions = Extensions(None, owners, Gathering(owners), limits, max_frame=2**28)  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        await extensions.serve(socket, "u1", "c1", asyncio.Event())  # type: ignore[arg-type]


def message(id: int, text: str = "hello") -> bytes:
    payload = {"message": {"id": id, "text": text, "chat_id": "f1"}}
    return orjson.dumps({"type": "new_raw_message", "payload": payload})


def snapshot(text: str = "hello") -> bytes:
    payload = {"chats": [], "messages": [{"id": 1, "text": text}]}
    return orjson.dumps({"type": "cache_update", "payload": payload})


async def test_what_is_sent_is_taken_in_order_whatever_its_size() -> None:
    owners, large = Owners(), "x" * LARGE
    frames = [message(0), message(1, large), message(2), snapshot(), message(3), snapshot(large), message(4)]
    socket = Socket(*frames)
    await serve(owners, socket)
    assert owners.taken == ["0", "1", "2", "snapshot", "3", "snapshot", "4"]
    assert set(socket.told()) == {"ingest_ack"}


async def test_text_and_bytes_are_read_alike_and_a_byte_order_mark_is_passed_over() -> None:
    owners = Owners()
    await serve(
        owners, Socket(message(0).decode(), "\ufeff" + message(1).decode(), b"\xef\xbb\xbf" + message(2))
    )
    assert owners.taken == ["0", "1", "2"]


async def test_live_messages_that_wait_are_one_call() -> None:
    owners = Owners()
    await serve(owners, Socket(*(message(n) for n in range(BATCH))))
    assert owners.taken == [str(n) for n in range(BATCH)]
    assert owners.calls <= 2


async def test_one_message_that_is_refused_costs_no_other() -> None:
    owners = Owners(errors=[InvalidInput("One of them is wrong.")])
    socket = Socket(message(0), message(1), b'{"type":"new_raw_message","payload":null}', message(2), b"{")
    await serve(owners, socket)
    assert owners.taken == ["0", "1", "2"]
    assert sorted(socket.told()) == ["ingest_ack"] * 3 + ["invalid_input"] * 2


@pytest.mark.parametrize("frame", [snapshot(), snapshot("x" * LARGE), message(1), message(1, "x" * LARGE)])
async def test_an_owner_that_takes_no_more_is_asked_again_and_nothing_is_dropped(
    frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Overloaded, "retry_after", 0.01)
    owners = Owners(errors=[Overloaded("Too much waits.")] * 3)
    socket = Socket(frame, message(2))
    await serve(owners, socket)
    assert owners.taken[-2:] == ["snapshot" if b"cache_update" in frame else "1", "2"]
    assert set(socket.told()) == {"ingest_ack"}


async def test_a_socket_is_not_read_while_its_owner_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Overloaded, "retry_after", 0.01)
    owners = Owners(errors=[Overloaded("Too much waits.")] * 20)
    socket = Socket(*(message(n) for n in range(4 * BATCH)))
    serving = asyncio.create_task(serve(owners, socket))
    await owners.asked_often.wait()
    assert socket.read <= 2 * BATCH + 2  # what is in hand, and what the queue holds
    await serving
    assert owners.taken == [str(n) for n in range(4 * BATCH)]


async def test_of_large_frames_no_more_are_read_than_a_batch_has_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Overloaded, "retry_after", 0.01)
    owners = Owners(errors=[Overloaded("Too much waits.")] * 20)
    large, sent = "x" * (BATCH_BYTES // 4), 40
    socket = Socket(*(message(n, large) for n in range(sent)))
    serving = asyncio.create_task(serve(owners, socket))
    await owners.asked_often.wait()
    assert socket.read <= 2 * 4 + 2
    await serving
    assert owners.taken == [str(n) for n in range(sent)]


@pytest.mark.parametrize("kind", ["cache_update", "new_raw_message"])
async def test_nobody_waits_while_a_frame_of_100_000_messages_is_taken(kind: str) -> None:
    rows = [{"id": n, "text": "hey there, how are you 😍", "chat_id": "f1"} for n in range(100_000)]
    frame = orjson.dumps({"type": kind, "payload": {"messages": rows}})
    owners, lag = Owners(reads=False), LoopLag()
    looking = asyncio.create_task(lag.run())
    await asyncio.sleep(0.05)
    await serve(owners, Socket(frame))
    await asyncio.sleep(0.05)
    looking.cancel()
    assert owners.taken == [kind]
    assert lag.largest_own < 0.05


TEXTS = st.text(max_size=20) | st.sampled_from(
    ['{"type":"cache_update",', ',"type":"cache_update"}', "\\", '"']
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner))


@given(
    members=st.dictionaries(TEXTS.filter(lambda name: name != "type"), VALUES, max_size=4),
    kind=st.sampled_from(["cache_update", "new_raw_message", "keepalive", "other", None]),
    at=st.integers(0, 4),
    indented=st.booleans(),
)
def test_a_type_that_is_seen_without_reading_is_the_frames_own(
    members: dict[str, Any], kind: str | None, at: int, indented: bool
) -> None:
    items = list(members.items())
    if kind is not None:
        items.insert(at, ("type", kind))
    frame = orjson.dumps(dict(items), option=orjson.OPT_INDENT_2 if indented else None)
    assert kind_of(frame) in (None, kind)


@pytest.mark.parametrize("kind", ["cache_update", "new_raw_message"])
def test_the_type_is_seen_first_last_and_among_what_is_small(kind: str) -> None:
    large = {"messages": [{"text": '"type":"keepalive"}' * 1000}]}
    for more in ({}, {"at": 1.5, "version": "1", "is": True, "no": None}):
        for frame in (
            {"type": kind, **more, "payload": large},
            {**more, "type": kind, "payload": large},
            {"payload": large, **more, "type": kind},
            {"payload": large, "type": kind, **more},
        ):
            assert kind_of(orjson.dumps(frame)) == kind
            assert kind_of(orjson.dumps(frame, option=orjson.OPT_INDENT_2)) == kind


def test_the_type_of_something_inside_is_not_the_frames() -> None:
    inside = {"type": "cache_update"}
    for frame in ({"payload": inside}, {"a": [inside]}, [inside], {"a": '{"type":"cache_update"'}):
        assert kind_of(orjson.dumps(frame)) is None


async def test_what_comes_too_fast_for_a_user_waits_and_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float, sleep: Any = asyncio.sleep) -> None:
        waits.append(seconds)
        await sleep(0)
        clock[0] += seconds

    clock = [0.0]
    limits = Limits(Settings(messages_per_second=BATCH / 10), clock=lambda: clock[0])
    monkeypatch.setattr("api.limits.asyncio.sleep", sleep)
    owners, sent = Owners(), 4 * BATCH
    await serve(owners, Socket(*(message(n) for n in range(sent))), limits)
    assert owners.taken == [str(n) for n in range(sent)]
    assert sum(waits) == pytest.approx((sent - BATCH) / (BATCH / 10), rel=0.5)
