"""Health over HTTP: whether the service lives, and whether all it needs is there."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request, Response
from ray.exceptions import RayError
from redis.exceptions import RedisError

from access.policy import Action, allows
from access.setup import Access
from api.caller import KnownAccess, shown
from api.door import KnownDoor
from api.services import Provided
from errors import AnalyticsError

READY_TIMEOUT = 20.0

router = APIRouter(tags=["operations"])


@router.get("/health")
async def health() -> dict[str, str]:
    """This process lives."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(
    request: Request, response: Response, services: Provided, door: KnownDoor, access: KnownAccess
) -> dict[str, Any]:
    """Redis, the graph and the model are reached and HAProxy has settled; 503 when not.

    Which of them is not, and why, is told to whoever may look after the operation of the service.
    """
    checks: dict[str, Awaitable[Any]] = {
        "redis": services.redis.ping(),
        "graph": services.graph_ready(),
        "model": services.model_ready(),
        "proxy": door.check(request.scope),
    }
    results = await asyncio.gather(*(_problem(each) for each in checks.values()))
    parts = dict(zip(checks, results, strict=True))
    if any(parts.values()):
        response.status_code = 503
    status = {"status": "unavailable" if any(parts.values()) else "ready"}
    if not await _may_operate(request, access):
        return status
    return {**status, "checks": {name: problem or "ok" for name, problem in parts.items()}}


async def _may_operate(request: Request, access: Access) -> bool:
    try:
        caller = await access.gate.caller(shown(request))
    except AnalyticsError:  # nobody that is known, or Redis is away
        return False
    return allows(caller.principal, Action.OPERATE)


async def _problem(work: Awaitable[Any]) -> str | None:
    """What is wrong with it; None when nothing is."""
    try:
        await asyncio.wait_for(work, READY_TIMEOUT)
    except TimeoutError:
        return f"no answer in {READY_TIMEOUT:.0f} s"
    except (AnalyticsError, RedisError, RayError) as error:
        return str(error) if isinstance(error, AnalyticsError) else type(error).__name__
    return None
