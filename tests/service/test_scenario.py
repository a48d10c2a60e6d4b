"""The user actor through real sockets: order, nothing twice, and the same numbers whatever the way there."""

import asyncio
import zlib
from typing import Any, cast

import httpx
import msgpack
import orjson
from redis.asyncio import Redis

from tests.conftest import PATIENCE, Service
from tests.service.talk import (
    Raw,
    chat,
    dial,
    kill_owner,
    message,
    numbers,
    page,
    post,
    recent,
    settled,
    synced,
)

FANS = (501, 502, 503)
LINES = (
    "good morning, how was your weekend?",
    "i loved the pictures you sent yesterday, you look amazing 😍",
    "how much is the new video?",
    "that is too expensive for me",
    "i am flying to lisbon next week, any tips?",
    "why does nobody answer me, this is so annoying",
)
REPLIES = ("hey you! it was lovely", "thank you so much ❤️", "only for you, look at this", "sorry, busy day!")


def history() -> list[Raw]:
    """Some eighty messages with three fans, oldest first; ids grow with time."""
    messages: list[Raw] = []
    for turn in range(14):
        for place, fan in enumerate(FANS):
            start = recent(60 * 24 * 6 - turn * 600 - place * 37)
            number = 1000 + turn * 10 + place * 2
            messages.append(message(number, fan, start, LINES[(turn + place) % len(LINES)]))
            if (turn + place) % 4:
                later = recent(60 * 24 * 6 - turn * 600 - place * 37 - 3 - turn)
                offer: Raw = {"price": 15, "isOpened": True} if turn % 5 == 0 else {}
                text = REPLIES[(turn + place) % len(REPLIES)]
                messages.append(message(number + 1, fan, later, text, by="creator", **offer))
    return sorted(messages, key=lambda each: str(each["createdAt"]))


CHATS = [chat(fan) for fan in FANS]


def delta(raw: Raw) -> str:
    return orjson.dumps({"type": "new_raw_message", "payload": {"message": raw}}).decode()


async def acknowledged(extension: Any, messages: int) -> int:
    """Read receipts until they speak of that many messages; returns the last sequence."""
    sequence = 0
    async with asyncio.timeout(PATIENCE):
        while messages > 0:
            frame = orjson.loads(await extension.recv())
            assert frame["type"] in ("connection_ack", "ingest_ack"), frame
            if frame["type"] == "ingest_ack":
                messages -= frame["payload"]["accepted"] + frame["payload"]["duplicates"]
                sequence = frame["sequence"]
    return sequence


async def one_snapshot(service: Service, user_id: str, messages: list[Raw]) -> Raw:
    """The bootstrap of a user who sends everything at once."""
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        receipt = await post(http, user_id, "snapshot", {"chats": CHATS, "messages": messages})
        return await settled(listener, http, user_id, receipt["sequence"])


async def test_deltas_before_during_and_after_a_snapshot_arrive_in_order_once_and_with_the_same_numbers(
    service: Service, user_id: str
) -> None:
    everything = history()
    early, old, during, live = everything[:3], everything[:50], everything[50:60], everything[60:]
    uri = f"{service.ws}/ws/extension/{user_id}"
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
        dial(uri) as extension,
    ):
        for raw in early:
            await extension.send(delta(raw))
        await acknowledged(extension, len(early))
        await listener.status("REALTIME")
        await extension.send(
            orjson.dumps({"type": "cache_update", "payload": {"chats": CHATS, "messages": old}}).decode()
        )
        await listener.status("PROCESSING_SNAPSHOT")
        for raw in during:
            await extension.send(delta(raw))
        await listener.status("REALTIME")
        snapshot_frames = list(listener.frames)
        for raw in live:
            await extension.send(delta(raw))
        sequence = await acknowledged(extension, len(everything))
        boot = await settled(listener, http, user_id, sequence)

        order = [_mark(frame) for frame in snapshot_frames if _mark(frame)]
        second = order[len(order) - 1 - order[::-1].index("PROCESSING_SNAPSHOT") :]  # of the snapshot
        assert second[0] == "PROCESSING_SNAPSHOT"
        assert second[-1] == "REALTIME"
        sync = second.index("full_sync_response")
        assert set(second[1:sync]) == {"enrichment_result"}
        assert "full_sync_response" not in second[sync + 1 :]

        appended = [str(m["id"]) for m in _appended(listener.frames)]
        assert len(appended) == len(set(appended))
        # Before the snapshot's full sync, and after it in it or appended: each message exactly once.
        synced = [f for f in snapshot_frames if f["type"] == "full_sync_response"][-1]
        in_sync = [str(m["id"]) for node in synced["payload"]["conversations"] for m in node["messages"]]
        after = [str(m["id"]) for m in _appended(listener.frames[listener.frames.index(synced) :])]
        assert sorted([*in_sync, *after]) == sorted(str(m["id"]) for m in everything)
        for fan in FANS:
            of_fan = [id for id in after if id in _ids_of(everything, fan)]
            assert of_fan == [id for id in _ids_of(everything, fan) if id in of_fan]
        sequences = [f["sequence"] for f in listener.frames if f["type"] == "append_message"]
        assert sequences == sorted(sequences)

        other = f"{user_id}-at-once"
        assert numbers(boot["analytics"]) == numbers(
            (await one_snapshot(service, other, everything))["analytics"]
        )


async def test_numbers_are_the_same_after_kill_9_of_the_user_actor_in_the_middle(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    everything = history()
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": CHATS, "messages": everything[:50]})
        first = await kill_owner(user_id)  # while the snapshot is being enriched
        for raw in everything[50:60]:
            await post(http, user_id, "messages", {"message": raw})
        second = await kill_owner(user_id)  # while deltas are in hand
        assert first != second
        receipts = await asyncio.gather(
            *(post(http, user_id, "messages", {"message": raw}) for raw in everything[60:]),
            _killed(user_id),  # while messages are being journaled
        )
        boot = await settled(listener, http, user_id, max(each["sequence"] for each in receipts))
        other = f"{user_id}-at-once"
        assert numbers(boot["analytics"]) == numbers(
            (await one_snapshot(service, other, everything))["analytics"]
        )
        messages = [m for node in boot["conversations"] for m in node["messages"]]
        assert sorted(str(m["id"]) for m in messages) == sorted(str(m["id"]) for m in everything)


async def test_what_was_acknowledged_is_finished_after_kill_9_without_any_further_call(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        async with page(service.ws, user_id) as listener:
            await post(http, user_id, "snapshot", {"chats": CHATS, "messages": history()})
            await kill_owner(user_id)
            nodes = (await synced(listener))["conversations"]
        assert sum(len(node["messages"]) for node in nodes) == len(history())


async def test_a_value_that_was_shown_is_shown_after_kill_9_and_when_its_conversation_grows(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    """What was understood is altered where it is kept, which no computation would give."""

    async def sentiments() -> dict[str, float | None]:
        asked = {"user_id": user_id}
        listed = (await http.get("/api/v1/chats/41/messages", params=asked)).json()
        return {str(raw["id"]): (raw["enrichment"] or {}).get("sentiment") for raw in listed}

    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
        Redis.from_url(service.redis_url) as redis,
    ):
        for n, line in enumerate(LINES[:2]):
            receipt = await post(http, user_id, "messages", message(n + 1, 41, recent(9 - n), line))
        await settled(listener, http, user_id, receipt["sequence"])
        key = f"understood:{user_id}"
        [field] = [each for each in await redis.hkeys(key) if each]
        kept = msgpack.unpackb(zlib.decompress(cast(bytes, await redis.hget(key, field))))
        kept["conversation"]["messages"]["1"]["sentiment"] = 0.1234
        await redis.hset(key, field, zlib.compress(msgpack.packb(kept)))
        await kill_owner(user_id)
        after = await sentiments()
        assert after["1"] == 0.1234
        receipt = await post(http, user_id, "messages", message(3, 41, recent(7), LINES[2]))
        await settled(listener, http, user_id, receipt["sequence"])
        grown = await sentiments()
        assert {id: grown[id] for id in after} == after
        assert grown["3"] is not None


async def test_what_came_in_a_frame_reads_the_same_after_a_restart(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    """A message that has a key by which frames are told apart, and one that cannot be placed."""
    inner = message(1, 41, recent(5), "hello", notifications=[])
    frames = [{"api2_chat_message": inner}, {"api2_chat_message": {"chatId": 5}}]
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        receipt = await post(http, user_id, "messages", frames)
        assert (receipt["accepted"], receipt["held"]) == (1, 1)
        await kill_owner(user_id)
        [listed] = (await http.get("/api/v1/chats", params={"user_id": user_id})).json()
        assert (listed["id"], listed["messageCount"]) == ("41", 1)
        held = (await http.get(f"/api/v1/ingest/{user_id}/held")).json()["held"]
        assert [each["received"] for each in held] == [{"chatId": 5}]


async def test_a_repeated_snapshot_changes_nothing(service: Service, user_id: str) -> None:
    everything = history()
    await one_snapshot(service, user_id, everything)
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await listener.until(lambda frame: frame["type"] == "full_sync_response")
        shown = len(listener.frames)
        receipt = await post(http, user_id, "snapshot", {"chats": CHATS, "messages": everything})
        assert (receipt["accepted"], receipt["duplicates"]) == (0, len(everything))
        receipt = await post(http, user_id, "messages", message(999, 41, recent(1), "one more"))
        after = await settled(listener, http, user_id, receipt["sequence"])
        # A graph that is slow to take the first snapshot in may still change the status.
        news = (frame["type"] for frame in listener.frames[shown:] if frame["type"] != "system_status")
        assert next(news) == "enrichment_result"  # of the message; nothing before it
        messages = [m for node in after["conversations"] for m in node["messages"]]
        assert len(messages) == len(everything) + 1


async def test_an_edit_replaces_the_message_and_a_deletion_removes_it(service: Service, user_id: str) -> None:
    everything = history()[:6]
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id, merge="true") as listener,
    ):
        await one_snapshot(service, user_id, everything)
        await listener.status("REALTIME")
        edited = {**everything[0], "text": "<p>edited</p>", "changedAt": recent(1).isoformat()}
        await post(http, user_id, "messages", edited)
        change = await listener.until(lambda f: f["type"] == "append_message")
        assert change["payload"]["messages"] == []
        assert [m["text"] for m in change["payload"]["changedMessages"]] == ["edited"]
        gone = {**everything[1], "isDeleted": True, "changedAt": recent(1).isoformat()}
        receipt = await post(http, user_id, "messages", gone)
        removal = await listener.until(lambda f: f["type"] == "append_message")
        assert removal["payload"]["removedMessages"] == [str(everything[1]["id"])]
        boot = await settled(listener, http, user_id, receipt["sequence"])
        assert sum(node["messageCount"] for node in boot["conversations"]) == len(everything) - 1


async def _killed(user_id: str) -> Raw:
    await kill_owner(user_id)
    return {"sequence": 0}


def _appended(frames: list[Raw]) -> list[Raw]:
    return [m for f in frames if f["type"] == "append_message" for m in f["payload"]["messages"]]


def _mark(frame: Raw) -> str:
    """What the order is told by: statuses (not their progress), results, syncs and appends."""
    if frame["type"] == "system_status":
        status = str(frame["payload"]["status"])  # REALTIME may have the detail that the graph is behind
        return "" if status == "PROCESSING_SNAPSHOT" and "detail" in frame["payload"] else status
    kinds = ("enrichment_result", "full_sync_response")
    return frame["type"] if frame["type"] in kinds else ""


def _ids_of(messages: list[Raw], fan: int) -> list[str]:
    return [str(m["id"]) for m in messages if {"id": fan} in (m.get("fromUser"), m.get("toUser"))]
