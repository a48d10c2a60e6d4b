"""Search on the running service: by word and by meaning, through kill -9 of the owner, until an erasure."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import PATIENCE, Service
from tests.service.talk import actor_of, chat, message, page, post, recent, settled

FAN, OTHER = 7_200_041, 7_200_042


async def found(http: httpx.AsyncClient, user_id: str, q: str, mode: str = "both", **more: Any) -> list[str]:
    """The ids of what is found, best first, once the index has everything."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get(
                "/api/v1/search", params={"user_id": user_id, "q": q, "mode": mode, **more}
            )
            assert answer.status_code == 200, answer.text
            told: dict[str, Any] = answer.json()
            if not told["waiting"] and not told["without_meaning"]:
                return [each["messageId"] for each in told["messages"]]
            await asyncio.sleep(0.1)


async def test_messages_are_found_again_after_the_owner_was_killed_and_not_after_an_erasure(
    service: Service, ray_cluster: None, user_id: str
) -> None:
    said = [
        message(11, FAN, recent(90), "do you have new workout clips? Café Zürich too"),
        message(12, FAN, recent(80), "anytime, my dear", by="creator"),
        message(21, OTHER, recent(70), "my dog was at the vet today, i am so sad"),
    ]
    folder = service.folder / "search" / f"user={user_id}"
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
        page(service.ws, user_id) as listener,
    ):
        await post(http, user_id, "snapshot", {"chats": [chat(FAN), chat(OTHER)], "messages": said})
        live = message(14, FAN, recent(1), "kettlebell tonight")
        receipt = await post(http, user_id, "messages", [live])
        await settled(listener, http, user_id, receipt["sequence"])

        async def check() -> None:
            assert await found(http, user_id, "CAFE zurich", "words") == ["11"]
            assert await found(http, user_id, "kettlebell") == ["14"]
            assert (await found(http, user_id, "gym training videos", "meaning"))[0] == "11"
            assert (await found(http, user_id, "an ill pet", "meaning"))[0] == "21"
            assert await found(http, user_id, "my", "words", fan_id=str(OTHER)) == ["21"]
            assert await found(http, user_id, 'NEAR( "') == []

        await check()
        assert len(list(folder.glob("*.sqlite"))) == 1
        pid = await (await actor_of(user_id)).__ray_call__.remote(lambda _: os.getpid())
        os.kill(pid, signal.SIGKILL)
        await check()

        table = await http.get("/api/v1/exports/messages", params={"user_id": user_id, "format": "csv"})
        assert table.text.count("\r\n") == 5
        refused = await http.get("/api/v1/search", params={"user_id": user_id, "q": "x", "cursor": "none"})
        assert refused.status_code == 422

        gone = await http.delete(f"/api/v1/privacy/{user_id}", params={"fan_id": FAN})
        assert gone.status_code == 200, gone.text
        assert await found(http, user_id, "kettlebell", "words") == []
        assert await found(http, user_id, "my", "words") == ["21"]
        assert not in_files(folder, b"kettlebell")
        await http.delete(f"/api/v1/privacy/{user_id}", params={"everything": True})
        assert not folder.exists()


def in_files(folder: Path, word: bytes) -> list[str]:
    return [file.name for file in folder.iterdir() if word in file.read_bytes()]
