"""Live messages over a socket of the machine, through real sockets."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import local_socket
from actors.local_socket import Body, Owners, Receipt, Take
from errors import AnalyticsError, InvalidInput, JournalUnavailable, Overloaded, StaleOwner

RECEIPT = {"sequence": 1, "accepted": 1, "duplicates": 0, "held": 0}
BODY: Body = (b"{}", None, None)


class Handle:
    """In place of an actor's handle: it is asked where the owner listens."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self.asked = 0

    @property
    def socket_name(self) -> Any:
        return self

    async def remote(self) -> str | None:
        self.asked += 1
        return self._name


@asynccontextmanager
async def listening(take: Take) -> AsyncIterator[Handle]:
    made = await local_socket.listen(take)
    assert made is not None
    yield Handle(made.name)
    made.server.close()


@asynccontextmanager
async def connecting() -> AsyncIterator[Owners]:
    owners = Owners()
    yield owners
    for each in owners._connections.values():
        if (connection := await each) is not None:
            connection._transport.close()
    await asyncio.sleep(0.01)  # either end hears of it


def errors() -> st.SearchStrategy[AnalyticsError]:
    details = st.none() | st.lists(st.dictionaries(st.text(), st.text() | st.integers(0, 9)))
    return st.builds(
        lambda kind, text, detail: kind(text, detail=detail),
        st.sampled_from([InvalidInput, JournalUnavailable, Overloaded]),
        st.text(),
        details,
    )


def told(answers: Sequence[Receipt | AnalyticsError] | None) -> list[Any]:
    assert answers is not None
    return [
        (type(each), str(each), each.detail) if isinstance(each, AnalyticsError) else each for each in answers
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.tuples(st.binary(max_size=70_000), st.none() | st.text(), st.none() | st.text()),
            st.dictionaries(st.text(), st.integers(0, 2**40)) | errors(),
        ),
        max_size=5,
    ),
    st.text(),
)
def test_what_is_asked_and_answered_comes_as_it_was_sent(
    sent: list[tuple[Body, Receipt | AnalyticsError]], creator_id: str
) -> None:
    bodies, answers = [body for body, _ in sent], [answer for _, answer in sent]
    came: list[Any] = []

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt | AnalyticsError]:
        came.append((list(bodies), creator_id))
        return answers

    async def ask() -> list[Any]:
        async with listening(take) as handle, connecting() as owners:
            return told(await owners.take(handle, bodies, creator_id))

    assert asyncio.run(ask()) == told(answers)
    assert came == [(bodies, creator_id)]


async def test_what_is_refused_as_a_whole_is_raised_and_the_connection_goes_on() -> None:
    problems: list[AnalyticsError] = [JournalUnavailable("Redis is away.", detail={"seconds": 2})]

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        if problems:
            raise problems.pop()
        return [RECEIPT]

    async with listening(take) as handle, connecting() as owners:
        with pytest.raises(JournalUnavailable, match=r"Redis is away\.") as raised:
            await owners.take(handle, [BODY], "c1")
        assert raised.value.detail == {"seconds": 2}
        assert await owners.take(handle, [BODY], "c1") == [RECEIPT]
        assert handle.asked == 1


async def test_a_request_that_waits_holds_no_other_up() -> None:
    may_go_on = asyncio.Event()

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        if creator_id == "slow":
            await may_go_on.wait()
        return [{"of": len(creator_id)}]

    async with listening(take) as handle, connecting() as owners:
        slow = asyncio.create_task(owners.take(handle, [BODY], "slow"))
        assert await owners.take(handle, [BODY], "c1") == [{"of": 2}]
        assert not slow.done()
        may_go_on.set()
        assert await slow == [{"of": 4}]


async def test_an_answer_that_nobody_waits_for_is_no_other_ones() -> None:
    may_go_on, came = asyncio.Event(), asyncio.Event()

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        came.set()
        if creator_id == "slow":
            await may_go_on.wait()
        return [{"of": len(creator_id)}]

    async with listening(take) as handle, connecting() as owners:
        slow = asyncio.create_task(owners.take(handle, [BODY], "slow"))
        await came.wait()
        slow.cancel()
        may_go_on.set()
        assert await owners.take(handle, [BODY], "c1") == [{"of": 2}]


async def test_an_owner_that_leaves_or_fails_or_is_elsewhere_is_called_through_ray(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = "secret words of a chat"

    async def leaves(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        raise StaleOwner("It leaves.")

    async def fails(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        raise ValueError(said)

    for take in (leaves, fails):
        async with listening(take) as handle, connecting() as owners:
            assert await owners.take(handle, [BODY], "c1") is None
    assert "ValueError" in caplog.text
    assert said not in caplog.text
    for name in (None, "analytics-of-another-machine"):
        assert await Owners().take(Handle(name), [BODY], "c1") is None


async def test_after_a_lost_connection_the_next_request_makes_another() -> None:
    problems = [ValueError()]

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        if problems:
            raise problems.pop()
        return [RECEIPT]

    async with listening(take) as handle, connecting() as owners:
        assert await owners.take(handle, [BODY], "c1") is None
        assert await owners.take(handle, [BODY], "c1") == [RECEIPT]


async def test_a_process_of_another_user_of_the_machine_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[Sequence[Body]] = []

    async def take(bodies: Sequence[Body], creator_id: str) -> list[Receipt]:
        came.append(bodies)
        return [RECEIPT]

    async with listening(take) as handle, connecting() as owners:
        name = await handle.remote()
        other = socket.socket(socket.AF_UNIX)
        other.setblocking(False)
        monkeypatch.setattr(os, "getuid", lambda: 12_345)
        other.connect(f"\0{name}")
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(other, bytes.fromhex("00000009") + b"anything.")
        with suppress(ConnectionError):
            assert await loop.sock_recv(other, 1) == b""
        other.close()
        assert await owners.take(handle, [BODY], "c1") is None
    assert not came
    assert "cut off" in caplog.text
