"""Words that a user sends to an encrypted service: shown to whoever may read them, and in no file."""

import asyncio
import os
import signal
import uuid
from pathlib import Path

import httpx

from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, message, owner, page, post, recent, settled

FAN = 7_100_051


class Planted:
    """Words of a text, of a live message, of the fan's name and handle, and of what is held."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._words = [f"c{uuid.uuid4().hex}" for _ in range(5)]

    def within(self, folder: Path) -> dict[str, list[str]]:
        """The words by file."""
        found: dict[str, list[str]] = {}
        for file in folder.rglob("*"):
            content = file.read_bytes() if file.is_file() else b""
            if there := [word for word in self._words if word.encode() in content]:
                found[str(file.relative_to(folder))] = there
        return found

    async def plant(self, service: Service) -> None:
        """Send the words and correct one message, before the user's owner is killed."""
        text, live, name, handle, held = self._words
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
            page(service.ws, self._user_id) as listener,
        ):
            told = chat(FAN, name=name)
            told["withUser"]["username"] = handle
            said = message(11, FAN, recent(90), f"i love yoga {text}")
            await post(http, self._user_id, "snapshot", {"chats": [told], "messages": [said]})
            aside = {"id": 13, "fromUser": {"id": FAN}, "text": held, "createdAt": "never"}
            await post(http, self._user_id, "messages", [aside])
            newest = message(12, FAN, recent(1), f"{live} tonight")
            receipt = await post(http, self._user_id, "messages", [newest])
            await settled(listener, http, self._user_id, receipt["sequence"])
            assert await self._shown(http) == set(self._words)
            assert self.within(service.folder) == {}
            said = {"message_id": "11", "chat_id": str(FAN), "field": "sentiment", "value": 0.125}
            answer = await http.post(f"/api/v1/corrections/{self._user_id}", json=said)
            assert answer.status_code == 200, answer.text
        await self.check_back(service)
        os.kill(int(await asyncio.to_thread(owner, service, self._user_id, "pid")), signal.SIGKILL)

    async def check_back(self, service: Service) -> None:
        """All words are shown, and what was corrected."""
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
            assert await self._shown(http) == set(self._words)
            asked = {"user_id": self._user_id}
            answer = await http.get(f"/api/v1/chats/{FAN}/messages", params=asked)
            felt = {each["id"]: each["enrichment"]["sentiment"] for each in answer.json()}
            assert felt[11] == 0.125

    async def _shown(self, http: httpx.AsyncClient) -> set[str]:
        """The words that whoever may read them is shown."""
        paths = ("/api/v1/chats", f"/api/v1/chats/{FAN}/messages", f"/api/v1/ingest/{self._user_id}/held")
        answers = [(await http.get(path, params={"user_id": self._user_id})).text for path in paths]
        return {word for word in self._words if any(word in answer for answer in answers)}
