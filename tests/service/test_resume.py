"""A page that lost its socket: it goes on where it was, and shows every message once.

States (status and figures) are not sent again one by one: it gets the newest.
"""

from collections.abc import Iterable

import httpx
import pytest

from tests.conftest import PATIENCE, Service
from tests.service.talk import Listener, Raw, chat, message, page, post, recent

FAN = 601
SNAPSHOT = {
    "chats": [chat(FAN)],
    "messages": [message(n, FAN, recent(90 - n), f"hello {n}") for n in (1, 2, 3)],
}


def live(id: int) -> Raw:
    return {"message": message(id, FAN, recent(60 - id), f"and then {id}")}


async def analysed(listener: Listener, sequence: int) -> None:
    """Everything about the input has been sent: its analytics are the last of it."""
    await listener.until(lambda f: f["type"] == "analytics_update" and f["sequence"] >= sequence)


def stands(listener: Listener) -> str:
    return str([frame["frame"] for frame in listener.frames if frame["frame"]][-1])


def events(frames: Iterable[Raw]) -> list[Raw]:
    """What happened: states, and what was made for one socket, have no position."""
    return [frame for frame in frames if frame["frame"]]


def shown(frames: Iterable[Raw]) -> list[str]:
    """Ids of the messages, as often as they were sent since the last full sync, that one included."""
    ids: list[str] = []
    for frame in frames:
        if frame["type"] == "full_sync_response":
            ids = [str(m["id"]) for node in frame["payload"]["conversations"] for m in node["messages"]]
        elif frame["type"] == "append_message":
            ids += [str(m["id"]) for m in frame["payload"]["messages"]]
    return ids


async def test_a_page_that_comes_back_gets_exactly_what_another_page_got_meanwhile(
    service: Service, user_id: str
) -> None:
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as witness,
    ):
        async with page(service.ws, user_id) as first:
            await post(http, user_id, "snapshot", SNAPSHOT)
            await first.status("REALTIME")
            receipt = await post(http, user_id, "messages", live(4))
            await analysed(first, receipt["sequence"])
        for id in (5, 6):
            receipt = await post(http, user_id, "messages", live(id))
        await analysed(witness, receipt["sequence"])

        async with page(service.ws, user_id, last_frame=stands(first)) as second:
            newest = await second.until(lambda frame: frame["type"] == "analytics_update")
            assert newest["sequence"] == receipt["sequence"]
            missed = witness.frames.index(next(f for f in witness.frames if f["frame"] == stands(first))) + 1
            assert events(second.frames) == events(witness.frames[missed:])
            receipt = await post(http, user_id, "messages", live(7))
            await analysed(second, receipt["sequence"])
            assert shown([*first.frames, *second.frames]) == ["1", "2", "3", "4", "5", "6", "7"]


async def test_a_page_dropped_in_the_middle_again_and_again_shows_every_message_once(
    service: Service, user_id: str
) -> None:
    frames: list[Raw] = []
    position: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        await post(http, user_id, "snapshot", SNAPSHOT)
        for id in range(4, 16):
            await post(http, user_id, "messages", live(id))
            async with page(service.ws, user_id, **position) as listener:
                await listener.until(lambda frame: frame["frame"] is not None)
                frames += listener.frames
                position = {"last_frame": stands(listener)}
        wanted = {str(id) for id in range(1, 16)}
        async with page(service.ws, user_id, **position) as listener:
            while not wanted <= set(shown([*frames, *listener.frames])):
                await listener.until(lambda frame: frame["type"] == "append_message")
            assert sorted(shown([*frames, *listener.frames]), key=int) == sorted(wanted, key=int)


@pytest.mark.parametrize("unknown", ["1-0", "99999999999999-0", "nonsense"])
async def test_a_page_whose_position_is_not_known_gets_a_full_sync(
    service: Service, user_id: str, unknown: str
) -> None:
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        async with page(service.ws, user_id) as first:
            await post(http, user_id, "snapshot", SNAPSHOT)
            await first.status("REALTIME")
        async with page(service.ws, user_id, last_frame=unknown) as second:
            sync = await second.until(lambda frame: frame["type"] == "full_sync_response")
            assert sync["frame"]
            assert shown(second.frames) == ["1", "2", "3"]
