"""The application before owners that a test makes; one user, `u1`, ever sent anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx

from serve_app import build_api
from settings import Settings


class OneUser:
    """Stands in for Redis."""

    async def sismember(self, _: str, user_id: str) -> bool:
        return user_id == "u1"


@asynccontextmanager
async def asking(owners: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with these owners."""
    api = build_api(Settings())
    api.state.services = SimpleNamespace(owners=owners, redis=OneUser())
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client
