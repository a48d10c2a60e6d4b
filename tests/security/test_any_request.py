"""Requests of every shape, at the running service: never a 5xx, and never a socket or service that is dead.

schemathesis makes them from the description of the API, as it allows and as it forbids.
"""

import asyncio
import os
import random
import warnings
from typing import Any, cast

import httpx
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from settings import Settings
from tests.conftest import PATIENCE, Service
from tests.service.processes import memory_of, replica_of
from tests.service.talk import chat, dial, message, recent

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

EXAMPLES = 15  # of each operation and mode
LONGEST_ADDRESS = 14_000  # characters; with the headers more than HAProxy takes
MUTATED = int(os.environ.get("FUZZ_FRAMES", "3000"))
SLOWEST = 400  # frames a second
MOST_GROWTH = 32 * 2**20  # bytes; of a million frames the second half may leave 67 each
MANY = 100_000  # frames; with fewer, other tests of the same service say more than these
OWN = {"user_id": "fuzzed"}  # else each request with input would begin another
SCHEMA = schemathesis.openapi.from_dict(build_api(Settings()).openapi())
OPERATIONS = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in (cast(Any, each).ok() for each in SCHEMA.get_all_operations())
    for mode in GenerationMode
    # What takes nothing can be asked in one way only.
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & operation.definition.raw.keys()
]


@pytest.mark.parametrize(("operation", "mode"), OPERATIONS)
def test_no_request_is_answered_with_a_fault(operation: Any, mode: GenerationMode, service: Service) -> None:
    named = {name: value for name, value in OWN.items() if f"{{{name}}}" in operation.path}
    takes_input = operation.method.upper() in ("POST", "PUT")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=named if takes_input else None))
    def ask(case: Any) -> None:
        if "user_id" in (case.query or {}):
            case.query["user_id"] = OWN["user_id"]
        answer = case.call(base_url=service.url, timeout=PATIENCE)
        assert answer.status_code < 500, answer.text
        if len(answer.request.url) > LONGEST_ADDRESS:  # HAProxy's answer, not ours
            assert answer.status_code in (400, 414, 431)
        elif answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"code", "message", "detail"}

    ask()


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """The frame with some of its bytes changed, doubled, cut out or put elsewhere."""
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        part = data[start : start + chance.randint(1, 12)]
        match chance.randrange(5):
            case 0:
                data[start : start + len(part)] = chance.randbytes(len(part))
            case 1:
                data[start:start] = part * chance.randint(1, 50)
            case 2:
                del data[start : start + len(part)]
            case 3:
                data[start:start] = chance.choice(
                    [b"null", b"[]", b"{", b'"', b"\\ud800", b"1e999", b"-0", b"\x00"]
                )
            case 4:
                elsewhere = chance.randrange(len(data) + 1)
                data[elsewhere:elsewhere] = part
    return bytes(data)


async def test_a_socket_takes_any_frame_and_lives(service: Service, user_id: str) -> None:
    """Each frame is answered or passed over, and leaves nothing; what is sent after them is on the page."""
    chance = random.Random(7)  # the same frames each time
    live = message(1, 41, recent(60), "how much for a custom video?")
    whole = [
        orjson.dumps({"type": "new_raw_message", "payload": {"message": live}}),
        orjson.dumps({"type": "cache_update", "payload": {"chats": [chat(41)], "messages": [live]}}),
        orjson.dumps({"type": "online_users_update", "payload": {"user_ids": [1, 2]}}),
        orjson.dumps({"type": "keepalive"}),
    ]
    url = f"{service.ws}/ws/extension/{user_id}"
    patience = PATIENCE + MUTATED / SLOWEST
    async with (
        asyncio.timeout(patience),
        dial(url) as socket,
    ):
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers  # compression was offered
        answers = asyncio.create_task(_drain(socket))
        replica = replica_of(service.folder)
        for n in range(MUTATED):
            if n == MUTATED // 2:
                before = memory_of(replica)
            frame = mutated(chance.choice(whole), chance)
            # As text where it is some: bytes of any kind are taken as well.
            try:
                await socket.send(frame.decode())
            except UnicodeDecodeError:
                await socket.send(frame)
        await socket.send(
            orjson.dumps(
                {
                    "type": "new_raw_message",
                    "payload": {"message": message(77_777, 41, recent(1), "the last one")},
                }
            ).decode()
        )
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
            while True:
                said = await http.get("/api/v1/chats/41/messages", params={"user_id": user_id})
                if said.status_code == 200 and any(each["id"] == 77_777 for each in said.json()):
                    break
                assert not answers.done(), "The socket was closed."
                await asyncio.sleep(0.2)
            assert (await http.get("/ready")).json()["status"] == "ready"
        assert MUTATED < MANY or memory_of(replica) - before < MOST_GROWTH
        assert not answers.done()
        answers.cancel()


async def _drain(socket: Any) -> None:
    async for frame in socket:
        assert orjson.loads(frame)["payload"].get("code") not in ("internal", "journal_gap")
