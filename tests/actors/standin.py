"""Stand-ins for what the registry starts: a user actor told from outside, and an upgrade of no data."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import ray

from errors import StaleOwner
from remote import aside
from settings import Settings


class Standin:
    def __init__(self, user_id: str, env: Mapping[str, str]) -> None:
        self._since = time.monotonic()
        self._busy = False
        self._leaving = False

    async def pid(self, user_id: str) -> int:
        if self._leaving:
            raise StaleOwner("This one is leaving.")
        return os.getpid()

    async def rest(self, user_id: str, seconds: float) -> None:
        """Say from now on that nothing was done for that long."""
        self._since, self._busy = time.monotonic() - seconds, False

    async def work(self, user_id: str) -> None:
        """Say from now on that there is work in hand."""
        self._busy = True

    async def block(self, user_id: str) -> None:
        """Answer nobody any more; the process does not even look for calls."""
        time.sleep(3600)  # noqa: ASYNC251 (that is the point)

    async def idle(self, seconds: float) -> float:
        while (idle := 0.0 if self._busy else time.monotonic() - self._since) < seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # it is told from outside
        return idle

    async def passivate(self, timeout: float) -> None:  # noqa: ASYNC109 (as a user actor has it)
        self._leaving = True
        await asyncio.sleep(0.2)  # so that calls meet one that is leaving
        ray.kill(ray.get_runtime_context().current_actor)


def spare_of(registry: Any) -> Any:
    """In the registry's process: the process that waits for a user, None while it is being made."""
    return registry._spare.result() if registry._spare.done() else None


def have_no_room(registry: Any) -> None:
    """In the registry's process: the next spare, and no other, asks for what no machine has."""

    def prepare() -> Coroutine[Any, Any, Any]:
        del registry._prepare
        return aside(nowhere, registry._warm, registry._settings.env())

    registry._prepare = prepare


def nowhere(kind: type, *args: Any) -> Any:
    return ray.remote(kind).options(resources={"nowhere": 1}).remote(*args)


class NothingToUpgrade:
    def __init__(self, settings: Settings) -> None: ...

    async def before_owners(self) -> None: ...

    async def beside_owners(self, activate: Callable[[str], Awaitable[Any]]) -> None: ...
