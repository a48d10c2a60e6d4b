"""The Serve application: routes, sockets, wiring. Nothing below this module knows FastAPI.

Every error leaves as `{"error": {"code", "message", "detail"}}` with the status of its class.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partialmethod
from pathlib import Path
from typing import Annotated, Any

import plotly
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi import Path as PathParam
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from ray import serve
from ray.exceptions import RayError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from actors.client import OnlyFansClient
from actors.directory import Directory
from actors.graph_writer import graph_reader, graph_writer
from errors import (
    AnalyticsError,
    InputTooLarge,
    InvalidInput,
    NotFound,
    Unavailable,
)
from frames.log import connect_redis
from frontend import Frontend
from haproxy import Door
from hub import Hub, turn_away
from insights.metrics import Bucket
from insights.queries import (
    broadcast_analytics_update,
    build_analytics_update,
    fetch_response_time_metrics,
    fetch_sentiment_trend,
    fetch_topic_metrics,
)
from insights.window import Window, now, parse_time_zone
from remote import stays
from session.intake import Receipt
from session.journal import is_known, known_users
from settings import Settings
from wire.incoming import (
    CacheUpdatePayload,
    NewRawMessagePayload,
    Replay,
    parse_messages,
    parse_replays,
    parse_snapshot,
)
from wire.payloads import (
    AnalyticsUpdate,
    FullSyncResponse,
    IngestReceipt,
    ResponseTimeMetrics,
    SentimentTrend,
    TopicMetric,
    for_pages,
)
from wire.schemas import wss_schema

WEB = Path(__file__).parent / "web"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
READY_TIMEOUT = 20.0
MAX_LIMIT = 1000
# Sockets count as ongoing requests; beyond the limit handshakes would hang rather than fail.
MAX_ONGOING = 20_000

Id = Annotated[str, PathParam(pattern=r"^[A-Za-z0-9_.:@-]{1,128}$", description="letters, digits and _.:@-")]
QueryId = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.:@-]{1,128}$")]
NeededId = Annotated[str, Query(pattern=r"^[A-Za-z0-9_.:@-]{1,128}$")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0)]
ChatId = Annotated[str | None, Query(min_length=1, max_length=256)]

_STATUS: list[tuple[type[AnalyticsError], int]] = [
    (InputTooLarge, 413),
    (InvalidInput, 422),
    (NotFound, 404),
    (Unavailable, 503),
    (AnalyticsError, 500),
]


class ErrorBody(BaseModel):
    """What went wrong: a stable `code`, a `message` for people, and per field what was wrong."""

    code: str
    message: str
    detail: Any = None


class ErrorAnswer(BaseModel):
    error: ErrorBody


class HeldMessage(BaseModel):
    """Something that could not be placed or read, or was not enriched; reasons: docs/protocol.md."""

    key: str  # to replay it by
    reason: str
    failed: dict[str, str]  # why, by strategy, when it could not be enriched
    creator_id: str
    id: str | None
    position: int | None = None  # among the rows that came with it
    received: Any


class HeldInput(BaseModel):
    """A page of what is kept aside; and what was dropped, by kind, since the user's actor began."""

    held: list[HeldMessage]
    total: int
    dropped: dict[str, int]


class Discarded(BaseModel):
    deleted: int  # how many were held


class Shared:
    """One piece of work for all who wait for it, which goes on when they leave.

    A load of the model that is broken off spoils its worker, and whoever asks may be gone before it is done.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await asyncio.shield(self._task)


class Services:
    """What the routes stand on; made once a replica, when the first request needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect_redis(settings.redis_url)
        self.directory = Directory(settings)
        self.client = OnlyFansClient(self.directory)
        self.graph = graph_reader(settings, graph_writer(settings))
        self.hub = Hub(settings, self.redis, self.directory)
        self.model_ready = Shared(self.directory.model_ready)


class WindowParams:
    """The window and scope that every insight takes."""

    def __init__(
        self,
        start_date: Annotated[
            str | None, Query(description="a date, or ISO 8601 with offset; default 30 days back")
        ] = None,
        end_date: Annotated[
            str | None, Query(description="a date, or ISO 8601 with offset; default now")
        ] = None,
        time_zone: Annotated[
            str, Query(description="IANA time zone, in which a date begins and days are counted")
        ] = "UTC",
        creator_id: QueryId = None,
        user_id: QueryId = None,
    ) -> None:
        self.window = Window.from_params(start_date, end_date, now(), parse_time_zone(time_zone))
        self.time_zone = time_zone
        self.creator_id = creator_id
        self.user_id = user_id

    @property
    def scope(self) -> tuple[datetime, datetime, str | None]:
        return self.window.start, self.window.end, self.creator_id


Asked = Annotated[WindowParams, Depends()]
BroadcastFlag = Annotated[
    bool, Query(alias="broadcast", description="also send an analytics_update to the user's pages")
]
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (404, 413, 422, 500, 503)
}


def build_api(settings: Settings) -> FastAPI:
    """The HTTP and WebSocket application for these settings."""
    app = FastAPI(
        title="Conversational analytics for creators",
        version="1",
        docs_url=None,  # served below, from a package instead of another site
        redoc_url=None,
        responses=ERRORS,
        strict_content_type=False,  # bodies are read and checked by us
    )
    door = Door(settings)
    made: list[Services] = []

    def services() -> Services:
        if not made:
            made.append(Services(settings))
        return made[0]

    origins = settings.origins
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,  # they were named to call this machine
        )
    app.middleware("http")(_guard(origins))
    for kind in (AnalyticsError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    app.include_router(_ingest(services))
    app.include_router(_insights(services))
    app.include_router(_reading(services))
    app.include_router(_operations(services, door))
    for prefix in ("", "/api"):
        app.include_router(_sockets(services, origins, door), prefix=prefix)
    app.include_router(_page())
    if settings.frontend_dir:
        folder = Path(settings.frontend_dir).resolve()  # replicas start elsewhere
        frontend = Frontend(folder, extension_id=settings.extension_id, policy=_PAGE_POLICY)
        app.mount("/app", frontend, name="frontend")
    app.mount("/static/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
    app.mount("/static", StaticFiles(directory=WEB), name="static")
    return app


def _takes(payload: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """The body of a route that reads it itself, for the API's description."""
    schema: dict[str, Any] = payload.model_json_schema()
    content = {"application/json": {"schema": {"type": "array", "items": schema} if many else schema}}
    return {"requestBody": {"required": True, "content": content}}


def _ingest(services: Callable[[], Services]) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])

    async def take(
        request: Request,
        check: Callable[[bytes], object],
        handle: Callable[[str, bytes, str, str | None], Awaitable[Receipt]],
        user_id: str,
        creator_id: str | None,
        chat_id: str | None,
    ) -> IngestReceipt:
        body = await _body(request, services().settings.max_body)
        check(body)  # bad input is answered here and wakes nobody
        return IngestReceipt(**await handle(user_id, body, creator_id or user_id, chat_id))

    @router.post("/{user_id}/snapshot", status_code=202, openapi_extra=_takes(CacheUpdatePayload))
    async def snapshot(
        request: Request, user_id: Id, creator_id: QueryId = None, chat_id: ChatId = None
    ) -> IngestReceipt:
        """Take everything an extension holds: a `cache_update` payload, its envelope, or the platform's list.

        `chat_id` is the chat of the messages that name none.
        """
        return await take(
            request, parse_snapshot, services().directory.handle_snapshot, user_id, creator_id, chat_id
        )

    @router.post("/{user_id}/messages", status_code=202, openapi_extra=_takes(NewRawMessagePayload))
    async def messages(
        request: Request, user_id: Id, creator_id: QueryId = None, chat_id: ChatId = None
    ) -> IngestReceipt:
        """Take live messages: one `new_raw_message` payload, or a list of them."""
        return await take(
            request, parse_messages, services().directory.handle_delta, user_id, creator_id, chat_id
        )

    @router.get("/{user_id}/held")
    async def held(user_id: Id, limit: Limit = 50, offset: Offset = 0) -> HeldInput:
        """What could not be placed or enriched, and why; and how many frames were not chat, by kind."""
        if not await is_known(services().redis, user_id):
            return HeldInput(held=[], total=0, dropped={})
        return HeldInput(**await services().directory.get_held(user_id, limit, offset))

    @router.delete("/{user_id}/held")
    async def discard(user_id: Id) -> Discarded:
        """Delete all that could not be placed. What could not be enriched stays: it is in its chat."""
        if not await is_known(services().redis, user_id):
            return Discarded(deleted=0)
        return Discarded(deleted=await services().directory.discard_held(user_id, None))

    @router.delete("/{user_id}/held/{key}")
    async def discard_one(user_id: Id, key: str) -> Discarded:
        """Delete what is held under a key."""
        deleted = 0
        if await is_known(services().redis, user_id):
            deleted = await services().directory.discard_held(user_id, [key])
        if not deleted:
            raise NotFound("Nothing is held under that key; GET .../held lists what is.")
        return Discarded(deleted=deleted)

    @router.post("/{user_id}/held/replay", status_code=202, openapi_extra=_takes(Replay, many=True))
    async def replay(request: Request, user_id: Id) -> IngestReceipt:
        """Read held input again, with the fields of `add` laid over it; an empty list takes all as it is."""
        body = await _body(request, services().settings.max_body)
        parse_replays(body)  # bad input is answered here and wakes nobody
        if not await is_known(services().redis, user_id):
            raise NotFound("This user never sent anything; GET /api/v1/users lists who did.")
        return IngestReceipt(**await services().directory.replay_held(user_id, body))

    return router


def _insights(services: Callable[[], Services]) -> APIRouter:
    router = APIRouter(prefix="/api/v1/insights", tags=["insights"])

    async def broadcast(asked: WindowParams, wanted: bool, bucket: Bucket = "day") -> None:
        if not wanted:
            return
        if asked.user_id is None:
            raise InvalidInput(
                "broadcast needs user_id: it says whose pages are sent the update.",
                detail=[{"field": "user_id", "reason": "missing"}],
            )
        held = services()
        await broadcast_analytics_update(
            asked.user_id,
            *asked.scope,
            graph=held.graph,
            redis=held.redis,
            now=now(),
            bucket=bucket,
            time_zone=asked.time_zone,
        )

    @router.get("/topics")
    async def topics(asked: Asked, broadcast_: BroadcastFlag = False) -> list[TopicMetric]:
        """Topics of the window by volume, with share and trend."""
        await broadcast(asked, broadcast_)
        return await fetch_topic_metrics(*asked.scope, graph=services().graph, user_id=asked.user_id)

    @router.get("/sentiment-trend")
    async def sentiment(
        asked: Asked, bucket: Bucket = "day", broadcast_: BroadcastFlag = False
    ) -> SentimentTrend:
        """Mean sentiment of fan messages per bucket."""
        await broadcast(asked, broadcast_, bucket)
        return await fetch_sentiment_trend(
            *asked.scope,
            graph=services().graph,
            user_id=asked.user_id,
            bucket=bucket,
            time_zone=asked.time_zone,
        )

    @router.get("/response-time")
    async def response_time(asked: Asked, broadcast_: BroadcastFlag = False) -> ResponseTimeMetrics:
        """Handling time, silence, turns and response times."""
        await broadcast(asked, broadcast_)
        return await fetch_response_time_metrics(*asked.scope, graph=services().graph, user_id=asked.user_id)

    @router.get("/full")
    async def full(
        asked: Asked, bucket: Bucket = "day", broadcast_: BroadcastFlag = False
    ) -> AnalyticsUpdate:
        """Everything a dashboard shows: the payload of `analytics_update`."""
        await broadcast(asked, broadcast_, bucket)
        return await build_analytics_update(
            asked.user_id,
            *asked.scope,
            graph=services().graph,
            now=now(),
            bucket=bucket,
            time_zone=asked.time_zone,
        )

    return router


def _reading(services: Callable[[], Services]) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["reading"])

    async def known(user_id: str) -> bool:
        return await is_known(services().redis, user_id)

    @router.get("/users")
    async def users() -> list[dict[str, Any]]:
        """Every user that ever sent something, with the creators it sent for."""
        found = await known_users(services().redis)
        return [{"user_id": user, "creator_ids": creators} for user, creators in found.items()]

    @router.get("/frontend/bootstrap/{user_id}", response_model=FullSyncResponse)
    async def bootstrap(user_id: Id, creator_id: QueryId = None) -> Response:
        """What a page starts from: the payload of `full_sync_response`; empty lists when there is nothing."""
        if not await known(user_id):
            window = Window.from_params(None, None, now())
            analytics = await build_analytics_update(
                user_id, window.start, window.end, creator_id, graph=services().graph, now=now()
            )
            body = for_pages(FullSyncResponse(conversations=[], analytics=analytics))
        else:
            *_, body = await services().directory.full_sync(user_id, creator_id)
        return Response(body, media_type="application/json")

    @router.get("/chats")
    async def chats(user_id: NeededId, limit: Limit = 50, offset: Offset = 0) -> list[dict[str, Any]]:
        """The user's chats, the one with the latest message first."""
        return await services().client.get_chats(user_id, limit, offset) if await known(user_id) else []

    @router.get("/chats/{chat_id:path}/messages")
    async def messages(
        chat_id: str,
        user_id: NeededId,
        creator_id: QueryId = None,
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> list[dict[str, Any]]:
        """A chat's messages as received, latest first, each with its `enrichment`."""
        if not await known(user_id):
            raise NotFound("This user never sent anything; GET /api/v1/users lists who did.")
        return await services().client.get_messages(user_id, chat_id, limit, offset, creator_id=creator_id)

    @router.get("/schemas/wss")
    async def schemas() -> dict[str, Any]:
        """JSON Schema of every WebSocket message, both ways."""
        return wss_schema()

    return router


def _operations(services: Callable[[], Services], door: Door) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        """This process lives."""
        return {"status": "ok"}

    @router.get("/ready")
    async def ready(request: Request, response: Response) -> dict[str, Any]:
        """Redis, the graph and the model are reached and HAProxy has settled; 503 and why when not."""
        held = services()
        checks: dict[str, Awaitable[Any]] = {
            "redis": held.redis.ping(),
            "graph": held.graph.ping(),
            "model": held.model_ready(),
            "proxy": door.check(request.scope),
        }
        results = await asyncio.gather(*(_check(each) for each in checks.values()))
        parts = dict(zip(checks, results, strict=True))
        if any(parts.values()):
            response.status_code = 503
        return {
            "status": "unavailable" if any(parts.values()) else "ready",
            "checks": {name: problem or "ok" for name, problem in parts.items()},
        }

    return router


async def _check(work: Awaitable[Any]) -> str | None:
    """What is wrong with it; None when nothing is."""
    try:
        await asyncio.wait_for(work, READY_TIMEOUT)
    except TimeoutError:
        return f"no answer in {READY_TIMEOUT:.0f} s"
    except (AnalyticsError, RedisError, RayError) as error:
        return str(error) if isinstance(error, AnalyticsError) else type(error).__name__
    return None


def _sockets(services: Callable[[], Services], origins: frozenset[str], door: Door) -> APIRouter:
    router = APIRouter()

    @router.websocket("/ws/frontend/{user_id}")
    async def frontend(
        socket: WebSocket,
        user_id: Id,
        creator_id: QueryId = None,
        last_frame: str | None = None,
        merge: bool = False,
    ) -> None:
        if await _admitted(socket, origins, door):
            await services().hub.serve_page(socket, user_id, creator_id, last_frame, merges=merge)

    @router.websocket("/ws/extension/{user_id}")
    async def extension(socket: WebSocket, user_id: Id, creator_id: QueryId = None) -> None:
        if await _admitted(socket, origins, door):
            await services().hub.serve_extension(socket, user_id, creator_id or user_id)

    return router


async def _admitted(socket: WebSocket, origins: frozenset[str], door: Door) -> bool:
    """Whether it may stay: the caller is on this machine, and nothing but our end will cut it off."""
    if not _trusted(socket, origins):
        await socket.close(POLICY_VIOLATION)
        return False
    try:
        await door.check(socket.scope)
    except Unavailable as error:
        await turn_away(socket, error)
        return False
    return True


def _page() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> FileResponse:
        return FileResponse(WEB / "index.html")

    @router.get("/static/plotly.min.js")
    async def charts() -> FileResponse:
        """The charting library, from its package; it changes only with the installation."""
        return FileResponse(PLOTLY, headers={"Cache-Control": "public, max-age=86400"})

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="API",
            swagger_js_url="/static/swagger/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger/swagger-ui.css",
            swagger_favicon_url="/static/icon.svg",
        )

    return router


POLICY_VIOLATION = 1008
_LOCAL = {"localhost", "127.0.0.1", "::1", "[::1]"}
_EXTENSIONS = ("chrome-extension://", "moz-extension://", "safari-web-extension://")
_PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def _trusted(connection: Request | WebSocket, origins: frozenset[str]) -> bool:
    """Whether the caller is on this machine: other web pages may not speak through the user's browser.

    Checked by the `Host` asked for (a name that was made to point here is refused) and the `Origin` sent;
    pages of `origins` are let in beside this machine's.
    """
    if _hostname(connection.headers.get("host", "")) not in _LOCAL:
        return False
    origin = connection.headers.get("origin")
    if not origin or origin.startswith(_EXTENSIONS) or origin in origins:
        return True
    return _hostname(origin.partition("://")[2]) in _LOCAL


def _hostname(netloc: str) -> str:
    return netloc if netloc.endswith("]") else netloc.rpartition(":")[0] or netloc


Next = Callable[[Request], Awaitable[Response]]


def _guard(origins: frozenset[str]) -> Callable[[Request, Next], Awaitable[Response]]:
    async def guard(request: Request, call_next: Next) -> Response:
        if not _trusted(request, origins):
            message = "Only this machine, browser extensions and CORS_ORIGINS may call."
            return _error_response(403, "forbidden", message, None)
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.url.path != "/docs":  # its page starts with an inline script
            response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
        return response

    return guard


async def _body(request: Request, limit: int) -> bytes:
    """The request's body; InputTooLarge as soon as it is more than `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise InputTooLarge(f"The body is more than {limit} bytes; send it in parts or raise MAX_BODY.")
        parts.append(part)
    return b"".join(parts)


async def _answer_error(request: Request, error: Exception) -> Response:
    match error:
        case AnalyticsError():
            status = next(code for kind, code in _STATUS if isinstance(error, kind))
            return _error_response(status, error.code, str(error), error.detail)
        case RequestValidationError():
            fields = [
                {"field": ".".join(str(part) for part in found["loc"][1:]), "reason": found["msg"]}
                for found in error.errors()
            ]
            names = ", ".join(found["field"] for found in fields)
            return _error_response(422, "invalid_input", f"Not understood: {names}.", fields)
        case HTTPException():
            return _error_response(error.status_code, "http", str(error.detail), None)
    # The server logs it with its traceback; the caller is told no more than that.
    return _error_response(500, "internal", "Something went wrong here; the log says what.", None)


def _error_response(status: int, code: str, message: str, detail: Any) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    answer = {"error": {"code": code, "message": message, "detail": detail}}
    return JSONResponse(answer, status_code=status, headers=headers)


def _allow_large_frames(limit: int) -> None:
    """Have this process's HTTP server take socket frames of `limit` bytes.

    Serve starts uvicorn itself and offers no setting for uvicorn's limit of 16 MB, but an extension sends its
    whole snapshot in one frame.
    """
    uvicorn.Config.__init__ = partialmethod(  # type: ignore[method-assign, assignment]
        uvicorn.Config.__init__, ws_max_size=limit
    )


def build_app(settings: Settings) -> serve.Application:
    """The Serve application: one deployment, the FastAPI ingress."""

    @serve.deployment(
        name="api",
        max_ongoing_requests=MAX_ONGOING,
        ray_actor_options={"num_cpus": 0, "resources": stays()},
        logging_config={"enable_access_log": False},
    )
    @serve.ingress(build_api(settings))
    class Api:
        def __init__(self) -> None:
            _allow_large_frames(settings.max_body)

    return Api.bind()  # type: ignore[attr-defined, no-any-return]
