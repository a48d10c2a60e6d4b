"""The whole service with ENCRYPTION=required: planted words are in no file, and all is there after kills."""

import asyncio
import os
import signal
import uuid
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENCE, Service, start, stop
from tests.encryption.places import key_files, master_file, other_file
from tests.service.talk import chat, message, owner, page, post, recent, settled
from tests.service.test_launch import launch

pytestmark = pytest.mark.own_service

FAN = 7_100_051


def planted(folder: Path, words: list[str]) -> dict[str, list[str]]:
    """The words by file."""
    found: dict[str, list[str]] = {}
    for file in folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        if there := [word for word in words if word.encode() in content]:
            found[str(file.relative_to(folder))] = there
    return found


async def shown(http: httpx.AsyncClient, user_id: str, words: list[str]) -> set[str]:
    """The words that whoever may read them is shown."""
    paths = ("/api/v1/chats", f"/api/v1/chats/{FAN}/messages", f"/api/v1/ingest/{user_id}/held")
    answers = [(await http.get(path, params={"user_id": user_id})).text for path in paths]
    return {word for word in words if any(word in answer for answer in answers)}


async def felt(http: httpx.AsyncClient, user_id: str) -> float | None:
    """The sentiment of the message that a person corrected."""
    answer = await http.get(f"/api/v1/chats/{FAN}/messages", params={"user_id": user_id})
    [found] = [each["enrichment"]["sentiment"] for each in answer.json() if each["id"] == 11]
    return None if found is None else float(found)


async def test_words_are_in_no_file_of_the_service_and_all_of_them_are_back_after_kills(
    tmp_path: Path, user_id: str
) -> None:
    data, secrets = tmp_path / "data", tmp_path / "secrets"
    await asyncio.to_thread(secrets.mkdir)
    words = [f"c{uuid.uuid4().hex}" for _ in range(5)]
    text, live, name, handle, held = words
    settings = {"ENCRYPTION": "required", "ENCRYPTION_KEY_FILE": str(master_file(secrets))}
    service = await asyncio.to_thread(start, data, **settings)
    runtime = Path(service.redis_url.removeprefix("unix://")).parent  # Ray's folder, with its logs
    try:
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http,
            page(service.ws, user_id) as listener,
        ):
            told = chat(FAN, name=name)
            told["withUser"]["username"] = handle
            said = message(11, FAN, recent(90), f"i love yoga {text}")
            await post(http, user_id, "snapshot", {"chats": [told], "messages": [said]})
            aside = {"id": 13, "fromUser": {"id": FAN}, "text": held, "createdAt": "never"}
            await post(http, user_id, "messages", [aside])
            receipt = await post(http, user_id, "messages", [message(12, FAN, recent(1), f"{live} tonight")])
            await settled(listener, http, user_id, receipt["sequence"])
            assert await shown(http, user_id, words) == set(words)
            assert planted(data, words) == {}
            said = {"message_id": "11", "chat_id": str(FAN), "field": "sentiment", "value": 0.125}
            answer = await http.post(f"/api/v1/corrections/{user_id}", json=said)
            assert answer.status_code == 200, answer.text
            assert await felt(http, user_id) == 0.125
            await _kill_owner(service, user_id)
            assert await shown(http, user_id, words) == set(words)  # from the journal
            assert await felt(http, user_id) == 0.125
        assert planted(runtime, words) == {}
    finally:
        await asyncio.to_thread(stop, service)
    assert planted(data, words) == {}
    assert [file.suffix for file in key_files(data)] == [".key"]

    wrong = {**settings, "ENCRYPTION_KEY_FILE": str(other_file(secrets))}
    for refused_with in (wrong, {"ENCRYPTION": "none"}):
        refused = await asyncio.to_thread(launch, data, **refused_with)
        assert refused.returncode == 1
        assert refused.stderr.startswith("error: DATA_KEYS_URL: data keys there were wrapped by master key ")
        assert refused.stderr.count("\n") == 1

    service = await asyncio.to_thread(start, data, **settings)
    try:
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
            assert await shown(http, user_id, words) == set(words)  # from a checkpoint
            assert await felt(http, user_id) == 0.125
    finally:
        await asyncio.to_thread(stop, service)


async def _kill_owner(service: Service, user_id: str) -> None:
    pid = int(await asyncio.to_thread(owner, service, user_id, "pid"))
    os.kill(pid, signal.SIGKILL)
