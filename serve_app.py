"""What a replica serves: the application's wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from starlette.routing import BaseRoute

from access.setup import GuardedAccess, open_access
from api import (
    corrections,
    dashboard,
    exports,
    fans,
    ingest,
    insights,
    operations,
    people,
    privacy,
    reading,
    search,
    sign_in,
    team,
    topics,
)
from api.door import Door
from api.errors import add_error_handlers, answers
from api.forwarded import Forwarded
from api.guard import BodyLimit, OriginGuard, PageHeaders
from api.limits import Limits, RequestLimit
from api.own_page import OwnPage
from api.services import Services
from api.sockets import routes as sockets
from metrics.tally import Tally
from settings import Settings


def _routes() -> list[BaseRoute]:
    """What is answered, whatever the settings: made once, for making the routes takes long."""
    found = APIRouter(
        responses=answers(404, 413, 422, 500, 503),
        strict_content_type=False,  # bodies are read and checked by us
    )
    for router in (
        ingest.router,
        ingest.held_router,
        insights.router,
        team.insights,
        team.shifts,
        fans.router,
        reading.router,
        search.router,
        topics.router,
        exports.router,
        corrections.router,
        privacy.router,
        operations.router,
        sign_in.router,
        people.router,
        people.trail,
        dashboard.router,
    ):
        found.include_router(router)
    for prefix in ("", "/api"):
        found.include_router(sockets.router, prefix=prefix)
    return found.routes


ROUTES = _routes()


def build_api(settings: Settings) -> FastAPI:
    """The HTTP and WebSocket application for these settings."""

    tally = Tally()
    limits = Limits(settings, tally)

    @asynccontextmanager
    async def with_services(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = services = Services(settings, tally, limits)
        if settings.is_guarded:
            app.state.access = GuardedAccess(settings, services.redis)
        looking = asyncio.create_task(app.state.access.admissions.run())
        yield
        looking.cancel()

    app = FastAPI(
        title="Conversational analytics for creators",
        version="1",
        docs_url=None,  # served by `api.dashboard`, from a package instead of another site
        redoc_url=None,
        routes=ROUTES,
        lifespan=with_services,
    )
    app.state.door = Door(settings)
    app.state.limits = limits
    if not settings.is_guarded:
        app.state.access = open_access(settings)
    # The last one added is the first to see a request.
    app.add_middleware(BodyLimit, limit=settings.max_body)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,  # they were named to call this machine
        )
    app.add_middleware(RequestLimit, limits=limits)
    app.add_middleware(OriginGuard, hosts=settings.hosts, origins=settings.page_origins)
    app.add_middleware(PageHeaders)
    app.add_middleware(
        Forwarded, proxies=settings.proxies, has_door=not settings.ray_address, has_tls=settings.has_tls
    )
    add_error_handlers(app, tally)
    if settings.frontend_dir:
        folder = Path(settings.frontend_dir).resolve()  # replicas start elsewhere
        app.mount("/app", OwnPage(folder, extension_id=settings.extension_id), name="frontend")
    app.mount("/static/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")
    app.mount("/static", StaticFiles(directory=dashboard.WEB), name="static")
    return app
