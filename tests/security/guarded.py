"""The application as AUTH=required runs it, in this process: a real Redis, owners with secrets to tell."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
from fastapi import FastAPI
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from access.principal import Grant
from access.secret import make_secret
from access.setup import GuardedAccess
from access.tokens import outgoing
from api.sockets.extension import Extensions
from api.sockets.pages import Pages
from encryption.keyring import Keyring
from frames.log import connect_redis
from graph.connect import connect as connect_graph
from insights.people import Terms
from privacy.seal import read_seal
from serve_app import build_api
from session.machine import Status
from session.pages import Said
from session.shifts import rosters_in
from settings import Settings
from tests.actors.factories import analytics
from tests.conftest import PATIENCE
from tests.serving import serving
from wire.payloads import IngestReceipt, for_pages

HERE = "https://service.example"
CANARY = "a sentence that only its owner may read"
VICTIM, CREATOR, OTHER_CREATOR = "victim", "c1", "c2"  # a user with two creators
MASKED = "what Fan 1 said"
GONE = "gone"  # a chat that was erased
RECEIPT = IngestReceipt(sequence=1, accepted=1, duplicates=0, held=0)


class Owners:
    """Stands in for the directory of owners: counts its calls, and tells its secret to who gets through."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def handle_snapshot(self, *_: Any, is_patient: bool = False) -> IngestReceipt:
        self.calls.append("patient" if is_patient else "handle_snapshot")
        return RECEIPT

    handle_delta = messages = replay_held = handle_snapshot

    async def handle_deltas(self, _: str, bodies: list[Any], __: str) -> list[IngestReceipt]:
        return [await self.handle_snapshot() for _ in bodies]

    async def get_held(self, *_: Any) -> dict[str, Any]:
        self.calls.append("get_held")
        row = {"key": "k", "reason": "no_chat", "failed": {}, "creator_id": CREATOR, "id": "1"}
        return {"held": [{**row, "received": {"text": CANARY}}], "total": 1, "dropped": {}}

    async def discard_held(self, *_: Any) -> int:
        self.calls.append("discard_held")
        return 1

    async def get_chats(self, *_: Any, mask: bool, **__: Any) -> list[dict[str, Any]]:
        self.calls.append("get_chats")
        return [{"id": "f1", "withUser": {"name": _told(mask)}}]

    get_messages = get_chats

    async def export(self, *asked: Any) -> tuple[bytes, str | None]:
        self.calls.append("export")
        return _told(asked[-1]).encode() + b"\n", None

    async def erase(self, *_: Any) -> dict[str, Any]:
        self.calls.append("erase")
        at, removed = "2026-01-01T00:00:00+00:00", {"chats": 1, "messages": 1, "held": 0}
        told = {"receipt": CANARY, "user_id": VICTIM, "scope": "user", "subject": CANARY, "left": []}
        return {**told, "requested_at": at, "completed_at": at, "removed": removed}

    get_receipt = erase

    async def lift(self, *_: Any) -> int:
        self.calls.append("lift")
        return 1

    async def correct(self, *_: Any) -> dict[str, Any]:
        self.calls.append("correct")
        named = {"id": "k", "who": CANARY, "subject": CANARY, "kind": "topic", "chat_id": None}
        at, said = "2026-01-01T00:00:00+00:00", {"field": "name", "side": None, "value": CANARY}
        return {**named, "at": at, **said, "rests": False}

    withdraw = correct

    async def get_corrections(self, *_: Any) -> dict[str, Any]:
        return {"corrections": [await self.correct()], "total": 1}

    async def get_labels(self, *asked: Any) -> tuple[bytes, str | None]:
        self.calls.append("get_labels")
        return _told(asked[-1]).encode() + b"\n", None

    async def keep_for(self, *_: Any) -> None:
        self.calls.append("keep_for")

    async def get_shown_chats(self, *asked: Any) -> bytes:
        self.calls.append("get_shown_chats")
        return orjson.dumps({"conversations": [{"text": _told(asked[-1])}], "total": 1})

    get_shown_messages = get_shown_chats

    async def get_masked_append(self, _: str, __: str, chat_id: str, said: Said) -> bytes | None:
        self.calls.append("get_masked_append")
        if chat_id == GONE:
            return None
        messages = [{"id": id, "text": MASKED} for id in said.new]
        return orjson.dumps({"conversationId": chat_id, "messages": messages})

    async def bulk(self, *_: Any) -> tuple[list[dict[str, Any]], str | None]:
        self.calls.append("bulk")
        return [{"text": CANARY}], None

    async def search(self, _: str, __: str | None, ___: Any, mask: bool) -> bytes:
        self.calls.append("search")
        return orjson.dumps({"messages": [{"text": _told(mask)}]})

    async def topics(self, *_: Any) -> bytes:
        self.calls.append("topics")
        return orjson.dumps({"topics": [{"topic": CANARY}], "groups": []})

    async def typical(self, *asked: Any) -> bytes:
        self.calls.append("typical")
        return orjson.dumps({"messages": [{"text": _told(asked[-1])}]})

    async def full_sync(self, _: str, __: str | None, extent: Any) -> tuple[int, str, Status, bytes]:
        self.calls.append("full_sync")
        texts = [] if extent.chats == 0 else [{"text": _told(extent.mask)}]
        figures = orjson.loads(for_pages(analytics(CREATOR)))
        return 1, "0-0", Status.REALTIME, orjson.dumps({"conversations": texts, "analytics": figures})


def _told(mask: bool) -> str:
    return MASKED if mask else CANARY


async def _fine() -> None:
    pass


@dataclass
class Guarded:
    """The application, and what a test changes and looks at."""

    app: FastAPI
    redis: Redis
    access: GuardedAccess
    owners: Owners
    http: httpx.AsyncClient
    port: int = 0
    keys: dict[str, str] = field(default_factory=dict)

    async def key(self, *grants: Grant, lasts: timedelta | None = None) -> str:
        """A new key with these grants."""
        text, _ = await self.access.manager.create_key("test", "of a test", grants, lasts)
        return text

    async def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {**({} if key is None else bearer(key)), **more.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **more)

    def socket(self, path: str, **more: Any) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            open_timeout=PATIENCE,
            ping_interval=None,
            proxy=None,
            **more,
        )


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def grant(
    role: Any, user_id: str = VICTIM, creator_id: str | None = None, *, with_text: bool = False
) -> Grant:
    return Grant(role=role, user_id=user_id, creator_id=creator_id, with_text=with_text)


async def frames(page: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        return [orjson.loads(await page.recv()) for _ in range(count)]


async def told_until_closed(page: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """What it is sent until it is closed, and the code."""
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionClosed):
            while True:
                told.append(orjson.loads(await page.recv()))
    return told, page.close_code


@asynccontextmanager
async def guarded(
    redis_url: str, folder: Path, client: Callable[[], httpx.AsyncClient] = outgoing, **settings: Any
) -> AsyncIterator[Guarded]:
    """The application on this Redis; what it keeps is in the folder."""
    secret = folder / "secret"
    make_secret(secret)
    chosen = Settings(
        **{
            "auth": "required",
            "auth_secret_file": str(secret),
            "public_url": HERE,
            "data_dir": folder,
            "requests_per_second": 0.0,  # tests ask faster
            **settings,
        }
    )
    app = build_api(chosen)
    redis, owners = connect_redis(redis_url), Owners()
    await redis.flushall()
    await redis.sadd("users", VICTIM)
    await redis.sadd(f"creators:{VICTIM}", CREATOR, OTHER_CREATOR)
    graph = connect_graph(f"embedded:{folder / 'graph'}", max_bindings=16)
    access = GuardedAccess(chosen, redis, client)
    app.state.access = access
    pages = Pages(redis, owners)  # type: ignore[arg-type]
    app.state.services = SimpleNamespace(
        redis=redis,
        owners=owners,
        ingest=owners,
        client=owners,
        graph=graph,
        pages=pages,
        extensions=Extensions(redis, owners, owners, app.state.limits, max_frame=2**20),  # type: ignore[arg-type]
        graph_ready=_fine,
        keys=Keyring,
        attribution_hours=24.0,
        terms=Terms(300.0),
        rosters=rosters_in(redis),
        drop_off_days=30,
        retention_days=0,
        seal=partial(read_seal, chosen.secret_file),
        model_ready=_fine,
    )
    app.state.door = SimpleNamespace(check=lambda _: _fine())
    admitting = asyncio.create_task(access.admissions.run())
    transport = httpx.ASGITransport(app=app)
    async with serving(app) as port, httpx.AsyncClient(transport=transport, base_url=HERE) as http:
        yield Guarded(app, redis, access, owners, http, port)
    for task in (admitting, pages._task):
        while task is not None and not task.done():
            task.cancel()  # the client of Redis loses one that comes while it asks for a connection
            await asyncio.wait([task], timeout=0.1)
    await pages._pubsub.aclose()  # type: ignore[no-untyped-call]
    await graph.close()
    await redis.connection_pool.disconnect()
