"""Small bodies of one user and creator that wait at the same moment go to the owner together."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from actors.directory import LARGE
from actors.local_socket import Body
from api import gathering
from api.gathering import Gathering
from errors import AnalyticsError, InvalidInput, Overloaded, Unavailable
from tests.conftest import PATIENCE
from wire.payloads import IngestReceipt


def receipt(sequence: int) -> IngestReceipt:
    return IngestReceipt(sequence=sequence, accepted=1, duplicates=0, held=0)


@dataclass
class Owners:
    """Answers a body that is a number with the receipt of that sequence, when it may."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[tuple[str, str, list[Body]]] = field(default_factory=list)
    alone: list[bytes] = field(default_factory=list)
    failure: Exception | None = None

    async def handle_delta(
        self,
        user_id: str,
        body: bytes,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> IngestReceipt:
        self.alone.append(body)
        return receipt(0)

    async def handle_deltas(
        self, user_id: str, bodies: list[Body], creator_id: str
    ) -> list[IngestReceipt | AnalyticsError]:
        self.calls.append((user_id, creator_id, bodies))
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return [
            receipt(int(body)) if body.isdigit() else InvalidInput(f"{body!r} is no number")
            for body, *_ in bodies
        ]


def send(
    ingest: Gathering,
    body: bytes,
    creator_id: str = "c1",
    chat_id: str | None = None,
    sender_id: str | None = None,
    *,
    is_patient: bool = False,
) -> asyncio.Task[IngestReceipt]:
    return asyncio.create_task(
        ingest.messages("u1", body, creator_id, chat_id, sender_id, is_patient=is_patient)
    )


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_call_is_the_next_call_and_each_has_its_own_receipt() -> None:
    owners = Owners()
    ingest = Gathering(owners)
    sent = [send(ingest, b"0", chat_id="f1", sender_id="anna")]
    await settle()
    sent += [send(ingest, b"%d" % n) for n in range(1, 5)]
    await settle()
    assert owners.calls == [("u1", "c1", [(b"0", "f1", "anna")])]
    owners.may_answer.set()
    assert [(await each).sequence for each in sent] == [0, 1, 2, 3, 4]
    assert owners.calls[1:] == [("u1", "c1", [(b"%d" % n, None, None) for n in range(1, 5)])]


async def test_an_error_of_one_body_fails_no_other() -> None:
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    good, bad, other = (send(ingest, body) for body in (b"1", b"x", b"2"))
    assert [(await good).sequence, (await other).sequence] == [1, 2]
    with pytest.raises(InvalidInput):
        await bad


async def test_a_call_that_fails_fails_all_that_it_took_and_the_next_is_made() -> None:
    owners = Owners(failure=Unavailable("away"))
    owners.may_answer.set()
    ingest = Gathering(owners)
    for each in [send(ingest, b"1"), send(ingest, b"2")]:
        with pytest.raises(Unavailable):
            await each
    owners.failure = None
    assert (await send(ingest, b"3")).sequence == 3


async def test_a_caller_that_leaves_takes_no_other_along() -> None:
    owners = Owners()
    ingest = Gathering(owners)
    first = send(ingest, b"1")
    await settle()
    leaves, stays = send(ingest, b"2"), send(ingest, b"3")
    await settle()
    first.cancel()
    leaves.cancel()
    owners.may_answer.set()
    assert (await stays).sequence == 3


async def test_creators_do_not_wait_for_each_other() -> None:
    owners = Owners()
    ingest = Gathering(owners)
    sent = [send(ingest, b"1", creator_id) for creator_id in ("c1", "c2")]
    await settle()
    assert [creator_id for _, creator_id, _ in owners.calls] == ["c1", "c2"]
    owners.may_answer.set()
    await asyncio.gather(*sent)


async def test_a_large_body_goes_alone_and_a_call_takes_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST", 2)
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    large = b"1" * (LARGE + 1)
    await asyncio.gather(send(ingest, large), *(send(ingest, b"1") for _ in range(5)))
    assert owners.alone == [large]
    assert max(len(bodies) for *_, bodies in owners.calls) == 2
    assert sum(len(bodies) for *_, bodies in owners.calls) == 5


async def test_nothing_is_kept_of_a_user_that_is_quiet() -> None:
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    await send(ingest, b"1")
    await settle()
    assert ingest._queues == {}
    assert ingest._tasks == set()


async def test_what_waits_for_an_owner_that_does_not_answer_is_bounded() -> None:
    owners = Owners()
    ingest = Gathering(owners)
    first = send(ingest, b"0")
    await settle()  # its call is under way
    calls = [send(ingest, b"1") for _ in range(gathering.MOST_WAITING + 1)]
    refused, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert [type(each.exception()) for each in refused] == [Overloaded]
    owners.may_answer.set()
    answers = await asyncio.gather(first, *calls, return_exceptions=True)
    assert sum(isinstance(each, Overloaded) for each in answers) == 1


async def test_what_is_patient_waits_for_company_and_goes_together() -> None:
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    began = time.monotonic()
    sent = []
    for n in range(5):
        sent.append(send(ingest, b"%d" % n, is_patient=True))
        await asyncio.sleep(gathering.PATIENCE / 20)
        assert owners.calls == []
    assert [(await each).sequence for each in sent] == [0, 1, 2, 3, 4]
    assert [len(bodies) for *_, bodies in owners.calls] == [5]
    assert time.monotonic() - began >= gathering.PATIENCE


async def test_what_is_not_patient_waits_for_nothing_and_takes_along_what_is() -> None:
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    began = time.monotonic()
    patient = send(ingest, b"1", is_patient=True)
    await settle()
    assert (await send(ingest, b"2")).sequence == 2
    assert (await patient).sequence == 1
    assert time.monotonic() - began < gathering.PATIENCE
    assert [len(bodies) for *_, bodies in owners.calls] == [2]
    assert (await send(ingest, b"3", is_patient=True)).sequence == 3  # it waits again by itself
    assert time.monotonic() - began >= gathering.PATIENCE


async def test_as_much_as_goes_in_one_call_is_called_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST", 3)
    monkeypatch.setattr(gathering, "PATIENCE", PATIENCE)
    owners = Owners()
    owners.may_answer.set()
    ingest = Gathering(owners)
    await asyncio.gather(*(send(ingest, b"1", is_patient=True) for _ in range(3)))
    assert [len(bodies) for *_, bodies in owners.calls] == [3]
