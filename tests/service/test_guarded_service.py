"""The scenario: two agencies with four people and three extensions on one service behind TLS."""

import asyncio
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from frames.log import connect_redis
from tests.conftest import PATIENCE, ROOT, Service, start, stop
from tests.security.certificates import write_certificate
from tests.service.talk import Listener, Raw, chat, dial, message, recent
from tests.service.test_privacy_live import Canaries, complete, in_checkpoints, in_files, in_redis

pytestmark = pytest.mark.own_service

ONE, TWO = "agency1", "agency2"
FIRST, SECOND = "4711", "4712"  # creators; the agencies each have one of the first id
ERASED, STAYS = 902, 903  # fans of agency 1's first creator
NAME = "first.example.test"  # of its certificate
WITHIN = 1.0  # seconds for a revocation to reach open sockets
AHEAD = 5  # turns that fans who talk are ahead of what a page shows, at most
COOKIE = "__Host-session"
OWNER_ONLY = 0o600


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def command(service: Service, *arguments: str) -> str:
    """What `python -m access` prints, on the data folder of the service."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "access", *arguments),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "DATA_DIR": str(service.folder)},
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


async def closed(socket: ClientConnection) -> int | None:
    """The code that it closes with."""
    async with asyncio.timeout(PATIENCE):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            return socket.close_code


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in, in a browser of their own."""

    http: httpx.AsyncClient
    password: str
    csrf_token: str

    @property
    def session(self) -> str:
        return self.http.cookies[COOKIE]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, path, headers={"X-CSRF-Token": self.csrf_token}, **more)


class Extension:
    """An extension's socket, on which each frame is acknowledged before the next is sent."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._listener = Listener(socket)

    async def send(self, kind: str, payload: Raw) -> Raw:
        await self.socket.send(orjson.dumps({"type": kind, "payload": payload}).decode())
        frame = await self._listener.until(lambda frame: frame["type"] in ("ingest_ack", "system_error"))
        assert frame["type"] == "ingest_ack", frame
        return frame

    async def say(self, said: Raw) -> Raw:
        return await self.send("new_raw_message", {"message": said})


class Scene:
    """The service, and how its callers reach it. What they trust is both certificates: it is renewed."""

    def __init__(self, service: Service, trusted: ssl.SSLContext) -> None:
        self.service = service
        self._trusted = trusted
        self._stack = AsyncExitStack()
        self.secrets: list[str] = []  # that were given out, and that nothing may keep

    async def __aenter__(self) -> "Scene":
        self.admin = await self._stack.enter_async_context(self._browser())
        self.first = (self.service.folder / "first-key").read_text().strip()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.service.url, timeout=PATIENCE, verify=self._trusted)

    async def manage(self, method: str, path: str, **more: Any) -> httpx.Response:
        """As the admin, with the first key."""
        answer = await self.admin.request(
            method, f"/api/v1/access/{path}", headers=bearer(self.first), **more
        )
        assert answer.status_code < 300, answer.text
        return answer

    async def person(self, name: str, role: str, user_id: str, **more: Any) -> Person:
        """Make somebody an account, and sign them in."""
        password = f"pass-{uuid.uuid4().hex}"
        grants = [{"role": role, "user_id": user_id, **more}]
        await self.manage("POST", "people", json={"name": name, "password": password, "grants": grants})
        http = await self._stack.enter_async_context(self._browser())
        answer = await http.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 204, answer.text
        me = (await http.get("/api/v1/me")).json()
        found = Person(http, password, me["csrf_token"])
        self.secrets += [password, found.session]
        return found

    async def agent(self, user_id: str, creator_id: str) -> str:
        """A key for an extension."""
        grants = [{"role": "agent", "user_id": user_id, "creator_id": creator_id}]
        made = await self.manage("POST", "keys", json={"name": "extension", "grants": grants})
        key = str(made.json()["key"])
        self.secrets.append(key.split("_", 2)[2])
        return key

    @asynccontextmanager
    async def socket(self, path: str, headers: dict[str, str]) -> AsyncIterator[ClientConnection]:
        async with dial(f"{self.service.ws}{path}", ssl=self._trusted, additional_headers=headers) as opened:
            yield opened

    async def extension(self, key: str, user_id: str, creator_id: str) -> Extension:
        path = f"/ws/extension/{user_id}?creator_id={creator_id}"
        return Extension(await self._stack.enter_async_context(self.socket(path, bearer(key))))

    async def page(self, person: Person, user_id: str, creator_id: str | None = None) -> Listener:
        """A page that has been told where things stand."""
        listener = Listener(await self._stack.enter_async_context(self._page(person, user_id, creator_id)))
        await listener.until(lambda frame: frame["type"] == "full_sync_response")
        while _status(listener) != "REALTIME":  # what comes before is in a full sync
            await listener.until(lambda frame: frame["type"] == "system_status")
        return listener

    def _page(self, person: Person, user_id: str, creator_id: str | None) -> Any:
        of = "" if creator_id is None else f"&creator_id={creator_id}"
        headers = {"Cookie": f"{COOKIE}={person.session}", "Origin": self.service.url}
        return self.socket(f"/ws/frontend/{user_id}?merge=true{of}", headers)

    async def turned_away(self, person: Person, user_id: str, creator_id: str | None = None) -> int | None:
        async with self._page(person, user_id, creator_id) as socket:
            return await closed(socket)

    def certificate(self) -> bytes:
        """The one that a new connection is shown."""
        address = (self.service.url.removeprefix("https://").partition(":")[0], int(self._port()))
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address))

    def _port(self) -> str:
        return self.service.url.rpartition(":")[2]


def _status(listener: Listener) -> str:
    return str(listener.of("system_status")[-1]["status"])


async def told(page: Listener, text: str) -> Raw:
    """The live message with that text."""
    return await page.until(lambda frame: frame["type"] == "append_message" and text in str(frame))


def sees(page: Listener, *texts: str) -> list[str]:
    return [text for text in texts if text in str(page.frames)]


async def test_each_sees_its_own_live_and_who_was_revoked_or_erased_leaves_nothing(tmp_path: Path) -> None:
    pairs = []
    for name in ("first", "renewed"):
        (tmp_path / name).mkdir()
        # Of two that sign themselves under one name OpenSSL looks at the first alone.
        pairs.append(write_certificate(tmp_path / name, f"{name}.example.test"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    trusted = ssl.create_default_context(cadata="".join(pair[0].read_text() for pair in pairs))
    for file, link in zip(pairs[0], (cert, key), strict=True):
        link.symlink_to(file)
    canaries, data = Canaries(), tmp_path / "data"
    logs = Path(tempfile.mkdtemp(prefix="ray-"))  # sockets are in it too, whose paths must be short
    settings = {
        "AUTH": "required",
        "TLS_CERT": str(cert),
        "TLS_KEY": str(key),
        "ALLOWED_HOSTS": NAME,
        "RAY_TMPDIR": str(logs),
    }
    try:
        service = await asyncio.to_thread(start, data, **settings)
        try:
            async with Scene(service, trusted) as scene:
                await _play(scene, canaries, (cert, key), pairs[1])
                secrets = scene.secrets
        finally:
            await asyncio.to_thread(stop, service)
        _check_what_is_left(data, logs, canaries, secrets)
    finally:
        shutil.rmtree(logs, ignore_errors=True)


def _check_what_is_left(data: Path, logs: Path, canaries: Canaries, secrets: list[str]) -> None:
    """On disk, once the service has stopped: of who was erased and of what callers showed nothing is left."""
    assert list(logs.rglob("*.log"))
    for folder in (data, logs):
        assert in_files(folder, canaries) == {}
        for file in folder.rglob("*"):
            kept = file.read_bytes() if file.is_file() else b""
            assert [each for each in secrets if each.encode() in kept] == [], file
    log = (data / "log").read_text()
    assert "first-key" in log
    assert "the renewed certificate is taken over" in log
    for text in [log, *(file.read_text(errors="replace") for file in logs.rglob("*.log"))]:
        assert [word for word in ("ca_", "garden", "otters") if word in text] == []


async def _play(
    scene: Scene, canaries: Canaries, links: tuple[Path, Path], renewed: tuple[Path, Path]
) -> None:
    service, http = scene.service, scene.admin
    for name in ("first-key", "secret"):
        assert stat.S_IMODE((service.folder / name).stat().st_mode) == OWNER_ONLY
    assert service.url.startswith("https://")
    assert (await http.get("/ready")).json() == {"status": "ready"}
    assert (await http.get("/api/v1/users")).status_code == 401
    answer = await http.get("/", headers={"Host": NAME, "X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.url.scheme) == (200, "https")
    assert "max-age" in answer.headers["strict-transport-security"]
    assert (await http.get("/", headers={"Host": "evil.test"})).status_code == 403

    olga = await scene.person("olga", "owner", ONE)
    carl = await scene.person("carl", "chatter", ONE, creator_id=FIRST)
    dana = await scene.person("dana", "chatter", TWO)
    anna = await scene.person("anna", "analyst", TWO, with_text=True)
    keys = [await scene.agent(ONE, FIRST), await scene.agent(ONE, SECOND), await scene.agent(TWO, FIRST)]
    first = await scene.extension(keys[0], ONE, FIRST)
    second = await scene.extension(keys[1], ONE, SECOND)
    third = await scene.extension(keys[2], TWO, FIRST)
    async with scene.socket(f"/ws/extension/{TWO}?creator_id={FIRST}", bearer(keys[0])) as stranger:
        assert await closed(stranger) == 4403

    fan = chat(ERASED, name=canaries.name)
    fan["withUser"]["username"] = canaries.handle
    garden = [
        message(1, ERASED, recent(60), f"tell me of your garden, {canaries.text}"),
        message(2, STAYS, recent(50), "is there a pond in the garden?"),
    ]
    await first.send("cache_update", {"chats": [fan, chat(STAYS)], "messages": garden})
    for each, text in ((second, "do you sing as well?"), (third, "i have seen otters")):
        said = [message(1, 904, recent(40), text)]
        await each.send("cache_update", {"chats": [chat(904, name="Robin Falk")], "messages": said})

    of_olga, of_carl = await scene.page(olga, ONE), await scene.page(carl, ONE, FIRST)
    of_dana, of_anna = await scene.page(dana, TWO), await scene.page(anna, TWO)
    for person, user, creator in (
        (carl, TWO, None),
        (carl, ONE, SECOND),
        (dana, ONE, FIRST),
        (olga, TWO, None),
    ):
        assert await scene.turned_away(person, user, creator) == 4403

    # Live, each its own
    await first.say(message(3, STAYS, recent(1), "a pond with frogs"))
    await second.say(message(2, 904, recent(1), "a song at night"))
    await third.say(message(2, 904, recent(1), "otters, says Robin Falk, on 0612345678"))
    await told(of_olga, "a pond with frogs")
    if not sees(of_olga, "a song at night"):
        await told(of_olga, "a song at night")
    await told(of_carl, "a pond with frogs")
    await told(of_dana, "otters, says Robin Falk, on 0612345678")
    masked = await told(of_anna, "on [number]")
    assert "Fan " in str(masked)

    # A certificate is renewed while all of them are connected
    before = await asyncio.to_thread(scene.certificate)
    for file, link in zip(renewed, links, strict=True):
        link.unlink()
        link.symlink_to(file)

    # One is revoked
    other = await scene.extension(keys[1], ONE, SECOND)
    closing = [asyncio.create_task(closed(each.socket)) for each in (second, other)]
    await scene.manage("DELETE", f"keys/key:{keys[1].split('_')[1]}")
    began = time.monotonic()
    assert await asyncio.gather(*closing) == [4401, 4401]
    assert time.monotonic() - began < WITHIN
    assert (await http.get("/api/v1/me", headers=bearer(keys[1]))).status_code == 401

    # A fan is erased while messages of it arrive
    erased = asyncio.Event()
    talked: list[str] = []
    talking = asyncio.create_task(_talk(first, await scene.page(carl, ONE, FIRST), canaries, erased, talked))
    await told(of_carl, canaries.late)
    asked = {"creator_id": FIRST, "fan_id": str(ERASED)}
    answer = await olga.ask("DELETE", f"/api/v1/privacy/{ONE}", params=asked)
    assert answer.status_code in (200, 202), answer.text
    receipt = await complete(olga.http, ONE, answer.json())
    assert receipt["left"] == []
    await told(of_carl, await _said(talked, len(talked)))  # what was sent before the receipt came before it
    sent = len(of_carl.frames)
    await _said(talked, len(talked) + 2 * AHEAD)
    erased.set()
    last = await talking
    await told(of_carl, last)  # of the other fan each message came
    after = [frame for frame in of_carl.frames[sent:] if frame["type"] == "append_message"]
    assert {frame["payload"]["chatId"] for frame in after} == {str(STAYS)}
    anew = await scene.page(olga, ONE, FIRST)
    [synced] = anew.of("full_sync_response")
    assert [each["chatId"] for each in synced["conversations"]] == [str(STAYS)]

    # Nobody saw what was another's, to the last frame
    await third.say(message(3, 904, recent(0), "goodbye"))
    for page in (of_dana, of_anna):
        await told(page, "goodbye")
    await told(of_olga, last)
    assert sees(of_olga, "otters", "Robin Falk", "0612345678") == ["Robin Falk"]  # a fan of her own as well
    assert sees(of_carl, "otters", "sing", "a song at night", "Robin Falk") == []
    assert sees(of_dana, "garden", "pond", "sing", "a song at night", *canaries.words) == []
    assert sees(of_anna, "garden", "pond", "sing", "Robin", "Falk", "0612345678", *canaries.words) == []
    exported = await anna.ask("GET", f"/api/v1/privacy/{TWO}/export", params={"mask": "true"})
    assert exported.status_code == 403

    # Nothing is left of who was erased, and nothing anywhere of what callers showed
    redis = connect_redis(service.redis_url)
    assert await in_redis(redis, canaries) == {}
    for key in await redis.keys("*"):
        kept = repr(await redis.dump(key))
        assert [each for each in scene.secrets if each in kept] == [], key
    await redis.connection_pool.disconnect()
    async with asyncio.timeout(PATIENCE):
        while in_files(service.folder, canaries):  # noqa: ASYNC110 (Redis unlinks what it replaced beside its work)
            await asyncio.sleep(0.2)
    assert in_checkpoints(service, ONE, canaries) == []

    verdict = (await scene.manage("GET", "audit/verify")).json()
    assert verdict["problem"] is None
    trail = {
        (each["record"]["event"], each["record"]["who"])
        for each in (await scene.manage("GET", "audit")).json()
    }
    assert {("signed_in", "person:olga"), ("erased", "person:olga"), ("text_read", "person:anna")} <= trail
    listed = await command(service, "keys", "list")
    assert "launcher" not in listed
    assert len(listed.splitlines()) == 3  # the first one, and the extensions' but the one that was revoked

    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(scene.certificate) == before:  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.5)
    assert await asyncio.to_thread(scene.certificate) == ssl.PEM_cert_to_DER_cert(renewed[0].read_text())
    await first.say(message(9_999, STAYS, recent(0), "the frogs again"))
    await told(of_carl, "the frogs again")  # on a socket from before


async def _said(said: list[str], place: int) -> str:
    """What is said there, as soon as it is."""
    async with asyncio.timeout(PATIENCE):
        while len(said) <= place:  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.02)
    return said[place]


async def _talk(
    extension: Extension, page: Listener, canaries: Canaries, stop: asyncio.Event, said: list[str]
) -> str:
    """Both fans write by turns until it is set; the last that the fan who stays wrote, who has `said` all.

    However slow the machine is, the talk does not run away from what is understood of it.
    """
    for number in count(100):
        text = f"frog number {number} of them"
        await extension.say(message(2 * number, ERASED, recent(0), f"{canaries.late} {number}"))
        said.append(text)
        await extension.say(message(2 * number + 1, STAYS, recent(0), text))
        if stop.is_set():
            return text
        if number % AHEAD == 0:  # a page that is told all anew, as after an erasure, has it so
            await page.until(lambda frame, text=text: text in str(frame))  # type: ignore[misc]
    raise AssertionError
